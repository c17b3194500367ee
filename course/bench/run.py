"""Run the bench: make each file, convert it, then run every way in turn, in shuffled order, as often as wanted."""

from __future__ import annotations

import importlib
import json
import os
import platform
import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from course.bench.results import Bench, Result, Run
from course.errors import BadArgumentError
from course.files import data_directory, scratch_folder
from course.generator.month import month_file
from course.measure import measure
from course.progress import progress_bar
from course.requirements import installed_version
from course.size import format_size
from course.ways import FORMATS, WAYS, Way, check_file, convert, is_installed
from course.ways.catalogue import PACKAGES, find_ways

if TYPE_CHECKING:
    from tqdm import tqdm

    from course.generator.answer import MonthReport

ROWS = 1_000_000
MEMORY_PER_TEXT = 6
"""Memory that a way which loads the whole table may take, for one byte of text: pandas was measured at 5.5."""
TIMEOUT_SECONDS = 3600.0


class TaskFailedError(Exception):
    """A process did not do its task; the message is the last line it wrote."""


def run_bench(
    rows: Sequence[int] = (ROWS,), ways: Sequence[str] | None = None, *, repeat: int = 5, folder: Path | None = None
) -> Bench:
    """Measure ways on files of several sizes, each run in a process of its own, and check every answer.

    A way is skipped, and the reason kept, if its library is absent, if the table would not fit in the memory that is
    free, or if it fails.

    Args:
        rows: sizes of the files, in rows.
        ways: names of the ways, all of them if None.
        repeat: how many times each way runs on each file.
        folder: where the files are made, and removed at the end; by default the folder of generated files.

    Raises:
        BadArgumentError: a way is not known, a number of rows or of runs is not positive, or there is none.
        OutputError: the files cannot be written, or the disk is too small.
    """
    if not rows or min(*rows, repeat) < 1:
        raise BadArgumentError("give one number of rows or more, and a number of runs; all of them positive")
    chosen, folder = find_ways(ways), folder or data_directory()
    steps = 1 + len({way.format for way in chosen} - {"csv"}) + repeat * len(chosen)
    results: list[Result] = []
    with progress_bar(steps * len(set(rows)), description="bench", unit="run") as bar:
        for size in sorted(set(rows)):
            with scratch_folder(folder / "bench") as workplace:
                month = month_file(workplace / "month.csv", rows=size)
                bar.update(1)
                of_size = _prepare(chosen, month, bar)
                order = random.Random(size)  # noqa: S311 an order, not a secret
                for _ in range(repeat):
                    for place in order.sample(range(len(chosen)), len(chosen)):
                        of_size[place] = _run(of_size[place], month)
                        bar.update(1)
                results += of_size
    return Bench(_machine(chosen), tuple(results))


def _prepare(ways: Sequence[Way], month: MonthReport, bar: tqdm[Any]) -> list[Result]:
    """Make the file that each way reads, and return results that have no run yet."""
    size = month.size_bytes
    start = perf_counter()
    check_file(month.path)
    made: dict[str, dict[str, Any]] = {"csv": {"disk_bytes": size, "check_seconds": round(perf_counter() - start, 6)}}
    results = []
    for way in ways:
        skipped = _obstacle(way, size)
        if not skipped and way.format not in made:
            made[way.format] = _convert(way.format, month)
            bar.update(1)
        known = {"skipped": skipped} if skipped else made[way.format]
        results.append(Result(way.name, way.title, way.format, way.streaming, month.rows, size, **known))
    return results


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


def _convert(form: str, month: MonthReport) -> dict[str, Any]:
    target = _file(month, form)
    try:
        figures = run_task("convert", form, month.path, target)
    except TaskFailedError as error:
        return {"skipped": f"conversion failed: {error}"}
    size = sum(one.stat().st_size for one in (target, *target.rglob("*")) if one.is_file())
    return {"conversion": Run(**figures), "disk_bytes": size}


def _run(result: Result, month: MonthReport) -> Result:
    if result.skipped:
        return result
    try:
        figures = run_task("answer", result.way, _file(month, result.format))
    except TaskFailedError as error:
        return replace(result, skipped=f"failed: {error}", runs=())
    found = {int(age): round(euros * 100) for age, euros in figures.pop("answer").items()}
    exact = {age: cents for age, cents in month.cents_by_age.items() if month.rows_by_age[age]}
    return replace(result, runs=(*result.runs, Run(**figures)), wrong=result.wrong or found != exact)


def _file(month: MonthReport, form: str) -> Path:
    return month.path.with_suffix(FORMATS[form].suffix)


def _machine(ways: Sequence[Way]) -> dict[str, Any]:
    """Return the machine and the versions the measure is made with, without what names the machine or its user."""
    import psutil

    libraries = {"numpy", "pandas", "pyarrow", *(way.library.partition(".")[0] for way in ways)}
    # a module of Python's own has no version, nor has what is absent
    versions = {name: version for name in sorted(libraries) if (version := installed_version(PACKAGES.get(name, name)))}
    return {
        "system": platform.system(),
        "architecture": platform.machine(),
        "cores": psutil.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "python": platform.python_version(),
        "versions": versions,
    }


def run_task(task: str, name: str, *paths: Path, timeout: float = TIMEOUT_SECONDS) -> dict[str, Any]:
    """Let a process of its own answer by a way or convert to a format, and return the figures of ``perform``.

    Raises:
        TaskFailedError: it failed, was killed or lasted too long (seconds).
    """
    code = "import sys; from course.bench.run import perform; perform(*sys.argv[1:])"
    command = [sys.executable, "-c", code, task, name, *map(str, paths)]
    environment = os.environ | {"BIGDATA_COURSE_PROGRESS": "off"}
    try:
        done = subprocess.run(command, capture_output=True, check=True, timeout=timeout, env=environment)
    except subprocess.TimeoutExpired as error:
        raise TaskFailedError(f"stopped after {timeout:.0f} s") from error
    except subprocess.CalledProcessError as error:
        lines = error.stderr.decode("utf-8", "replace").strip().splitlines()
        raise TaskFailedError(lines[-1] if lines else f"ended with code {error.returncode}") from error
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def perform(task: str, name: str, *paths: str) -> None:
    """Answer once by a way, or convert to a format, libraries imported beforehand; print the figures in JSON."""
    files = [Path(path) for path in paths]
    is_answer = task == "answer"
    start = perf_counter()
    importlib.import_module("pandas" if is_answer else "pyarrow.csv")
    importlib.import_module(WAYS[name].library if is_answer else FORMATS[name].library)
    import_seconds = perf_counter() - start
    function: Callable[..., Any] = WAYS[name].function if is_answer else partial(convert, name, check=False)
    with measure(name, record=False) as cost:
        found = function(*files)
    figures = {
        "wall_seconds": round(cost.wall_seconds, 6),
        "cpu_seconds": round(cost.cpu_seconds, 6),
        "peak_memory_bytes": cost.peak_memory_bytes,
        "read_bytes": cost.read_bytes,
        "import_seconds": round(import_seconds, 6),
    }
    answer = {"answer": {str(age): euros for age, euros in found.items()}} if is_answer else {}
    sys.stdout.write(json.dumps(figures | answer))
