"""Run the bench: make each file, convert it, then run every way in turn, in shuffled order, as often as wanted."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course.bench.machine import describe_machine
from course.bench.process import TaskFailedError, run_task
from course.bench.results import Bench, Result, Run
from course.files import data_directory, make_folder
from course.generator.month import month_file
from course.progress import progress_bar
from course.size import format_size
from course.ways import FORMATS, Way
from course.ways.formats import size_on_disk
from course.ways.libraries import is_installed
from course.ways.registry import find_ways

if TYPE_CHECKING:
    from tqdm import tqdm

    from course.bench.options import BenchOptions
    from course.generator.answer import MonthReport

MEMORY_PER_TEXT = 6
"""Memory that a way which loads the whole table may take, for one byte of text: pandas was measured at 5.5."""


def run_bench(options: BenchOptions) -> Bench:
    """Measure ways on files of several sizes, each run in a process of its own, and check every answer.

    A way is skipped, and the reason kept, if its library is absent, if the table would not fit in the memory that is
    free, or if it fails.

    Raises:
        BadArgumentError: a way is not known.
        OutputError: the files cannot be written, or the disk is too small.
    """
    ways = find_ways(options.ways)
    converted = len({way.format for way in ways} - {"csv"})
    steps = len(options.rows) * (1 + converted + options.repeat * len(ways))
    folder = options.folder or data_directory()
    make_folder(folder)
    results: list[Result] = []
    with progress_bar(steps, description="bench", unit="run") as bar:
        for rows in sorted(set(options.rows)):
            with tempfile.TemporaryDirectory(dir=folder, prefix="bench-") as workplace:
                results += _Workplace(Path(workplace), ways, options, bar).measure(rows)
    return Bench(describe_machine(way.library for way in ways), tuple(results))


@dataclass
class _Workplace:
    """The folder of one file and its conversions."""

    folder: Path
    ways: Sequence[Way]
    options: BenchOptions
    bar: tqdm[Any]

    def measure(self, rows: int) -> list[Result]:
        """Measure all ways on a file of so many rows."""
        month = month_file(self.folder / "month.csv", rows=rows)
        self.bar.update(1)
        results = [_first_result(way, month) for way in self.ways]
        results = self._converted(results, month)
        order = random.Random(f"{self.options.seed} {rows}")  # noqa: S311 an order, not a secret
        for _ in range(self.options.repeat):
            for place in order.sample(range(len(results)), len(results)):
                if not results[place].skipped:
                    results[place] = self._run(results[place], month)
                self.bar.update(1)
        return results

    def _converted(self, results: Sequence[Result], month: MonthReport) -> list[Result]:
        made: dict[str, Result] = {}
        done = []
        for result in results:
            if result.format != "csv" and not result.skipped and result.format not in made:
                made[result.format] = self._convert(result, month)
                self.bar.update(1)
            same = made.get(result.format, result)
            done.append(replace(result, conversion=same.conversion, disk_bytes=same.disk_bytes, skipped=same.skipped))
        return done

    def _convert(self, result: Result, month: MonthReport) -> Result:
        target = self._path(result.format)
        try:
            figures = run_task("convert", result.format, month.path, target)
        except TaskFailedError as error:
            return replace(result, skipped=f"conversion failed: {error}")
        return replace(result, conversion=Run(**figures), disk_bytes=size_on_disk(target))

    def _run(self, result: Result, month: MonthReport) -> Result:
        try:
            figures = run_task("answer", result.way, self._path(result.format))
        except TaskFailedError as error:
            return replace(result, skipped=f"failed: {error}", runs=())
        found = {int(age): round(euros * 100) for age, euros in figures.pop("answer").items()}
        exact = {age: cents for age, cents in month.cents_by_age.items() if month.rows_by_age[age]}
        return replace(result, runs=(*result.runs, Run(**figures)), wrong=result.wrong or found != exact)

    def _path(self, form: str) -> Path:
        return self.folder / f"month{FORMATS[form].suffix}"


def _first_result(way: Way, month: MonthReport) -> Result:
    size = month.size_bytes
    return Result(
        way.name, way.title, way.format, way.streaming, month.rows, size, disk_bytes=size, skipped=_obstacle(way, size)
    )


def _obstacle(way: Way, size: int) -> str:
    import psutil

    for library in (way.library, FORMATS[way.format].library):
        if not is_installed(library):
            return f"{library.partition('.')[0]} is not installed"
    free = psutil.virtual_memory().available
    # the two columns alone take an eighth of the text, all of them several times as much
    whole = not way.streaming and way.name != "pandas-csv-columns"
    if whole and size * MEMORY_PER_TEXT > free:
        return f"needs about {format_size(size * MEMORY_PER_TEXT)} of memory, {format_size(free)} are free"
    return ""
