"""Run the bench: make each file, convert it, then run every way in turn, in shuffled order, as often as wanted."""

from __future__ import annotations

import platform
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from course.bench.conditions import CAN_PIN, Condition, NotCappedError, commanded, set_cache
from course.bench.results import Bench, Result, Run
from course.errors import BadArgumentError
from course.files import data_directory, scratch_folder
from course.generator.month import month_file
from course.measure.fresh import run_fresh
from course.measure.readers import usable_cores
from course.progress import progress_bar
from course.requirements import installed_version
from course.size import format_size
from course.ways import FORMATS, WAYS, Way, check_file, convert, is_installed
from course.ways.catalogue import PACKAGES, find_ways

if TYPE_CHECKING:
    from course.generator.answer import MonthReport

ROWS = 1_000_000
TIMEOUT_SECONDS, CAPPED_TIMEOUT_SECONDS = 3600.0, 600.0
"""How long a run may last; one that has too little memory may read the same pages again and again."""
PARALLEL = ("polars-csv", "duckdb-csv", "numpy-csv")
"""The ways that are also measured on fewer cores: those that parse the text of a file on all of them."""


class TaskFailedError(Exception):
    """A process did not do its task; the message is the first line of its error, or ``killed``."""


def run_bench(
    rows: Sequence[int] = (ROWS,), ways: Sequence[str] | None = None, *, repeat: int = 5, folder: Path | None = None,
    cold: bool = False, cap_bytes: int = 0, cores: bool = False, on_size: Callable[[Bench], object] | None = None,
) -> Bench:  # fmt: skip
    """Measure ways on files of several sizes, each run in a process of its own, and check every answer.

    Files are warm, in the page cache, unless more is asked for. A way is skipped, and the reason kept, if its library
    is absent, if the table would not fit in the memory that is free, or if it fails.

    Args:
        rows: sizes of the files, in rows.
        ways: names of the ways, all of them if None.
        repeat: how many times each way runs on each file, under each condition.
        folder: where the files are made, and removed at the end; by default the folder of generated files.
        cold: also measure with the file out of the page cache.
        cap_bytes: also measure cold in processes that may hold so many bytes, on the CSV files that are larger.
        cores: also measure the ways of ``PARALLEL`` on 1 core, 2 cores… up to all but one, where the system can.
        on_size: called after each size with the results so far: a large one takes an hour, and may not end.

    Raises:
        BadArgumentError: a way is not known, a number of rows or of runs is not positive, or there is none.
        OutputError: the files cannot be written, or the disk is too small.
    """
    if not rows or min(*rows, repeat) < 1:
        raise BadArgumentError("give one number of rows or more, and a number of runs; all of them positive")
    chosen, folder = find_ways(ways), folder or data_directory()
    conditions = [Condition(), *([Condition(cold=True)] if cold else ())]
    conditions += [Condition(cap_bytes=cap_bytes)] if cap_bytes else []
    fewer = [Condition(cores=number) for number in range(1, usable_cores())] if cores and CAN_PIN else []
    bench = Bench(_machine(chosen), ())
    with progress_bar(description="bench", unit="run") as bar:
        for size in sorted(set(rows)):
            with scratch_folder(folder / "bench") as workplace:
                month = month_file(workplace / "month.csv", rows=size)
                runs = _prepare(chosen, month, [one for one in conditions if one.cap_bytes < month.size_bytes], fewer)
                bar.total = bar.n + repeat * len(runs)
                order = random.Random(size)  # noqa: S311 an order, not a secret
                for _ in range(repeat):
                    for place in order.sample(range(len(runs)), len(runs)):
                        runs[place] = _run(runs[place], month)
                        bar.update(1)
            bench = replace(bench, results=(*bench.results, *runs))
            if on_size:
                on_size(bench)
    return bench


def _prepare(
    ways: Sequence[Way], month: MonthReport, conditions: Sequence[Condition], fewer: Sequence[Condition]
) -> list[Result]:
    """Make the file that each way reads, and return results that have no run yet."""
    size = month.size_bytes
    start = perf_counter()
    check_file(month.path)
    made: dict[str, dict[str, Any]] = {"csv": {"disk_bytes": size, "check_seconds": round(perf_counter() - start, 6)}}
    results = []
    for way in ways:
        for condition in (*conditions, *(fewer if way.name in PARALLEL else ())):
            skipped = _obstacle(way, size, condition)
            if not skipped and way.format not in made:
                made[way.format] = _convert(way.format, month)
            known: dict[str, Any] = {"skipped": skipped} if skipped else made[way.format]
            names = way.name, way.title, way.format, way.streaming, month.rows, size
            results.append(Result(*names, condition.name, condition.cap_bytes, condition.cores, **known))
    return results


def _obstacle(way: Way, size: int, condition: Condition) -> str:
    import psutil

    for library in (way.library, FORMATS[way.format].library):
        if not is_installed(library):
            return f"{library.partition('.')[0]} is not installed"
    needed, free = way.memory * size, psutil.virtual_memory().available
    # under a cap it is killed, which is what one wants to see; but a pickle is made without
    if needed > free and (way.format != "csv" or not condition.cap_bytes):
        return f"needs about {format_size(needed)} of memory, {format_size(free)} are free"
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
    condition = Condition(result.condition == "cold", result.cap_bytes, result.cores)
    try:
        with commanded(condition) as words:
            file = _file(month, result.format)
            share = set_cache(file, cold=condition.cold or condition.cap_bytes > 0)
            timeout = CAPPED_TIMEOUT_SECONDS if condition.cap_bytes else TIMEOUT_SECONDS
            figures = run_task("answer", result.way, file, words=words, timeout=timeout)
    except NotCappedError:
        return replace(result, skipped="not capped", runs=())
    except TaskFailedError as error:
        # under a cap the kind of the error is enough
        return replace(result, skipped=str(error).partition(":")[0] if condition.cap_bytes else str(error), runs=())
    found = {int(age): round(euros * 100) for age, euros in figures.pop("answer").items()}
    exact = {age: cents for age, cents in month.cents_by_age.items() if month.rows_by_age[age]}
    run = Run(**figures, cached_share=None if share is None else round(share, 4))
    return replace(result, runs=(*result.runs, run), wrong=result.wrong or found != exact)


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


def run_task(
    task: str, name: str, *paths: Path, words: Sequence[str] = (), timeout: float = TIMEOUT_SECONDS
) -> dict[str, Any]:
    """Let a process of its own answer by a way or convert to a format, and return its figures and its answer.

    Raises:
        TaskFailedError: it failed, was killed or lasted too long (seconds).
    """
    is_answer = task == "answer"
    function = WAYS[name].function if is_answer else partial(convert, name, check=False)
    modules = (
        ("pandas", WAYS[name].library, *WAYS[name].late.split())
        if is_answer
        else ("pyarrow.csv", FORMATS[name].library)
    )
    cost, import_seconds, answer, error = run_fresh(
        name, function, *paths, modules=modules, words=words, keep=is_answer, timeout=timeout
    )
    if error is not None:
        # of a process that died: killed, stopped after so many seconds, ended with a code
        raise TaskFailedError(cost.error.rpartition(f"the process of {name} ")[2].removeprefix("was "))
    figures = {
        "wall_seconds": round(cost.wall_seconds, 6),
        "cpu_seconds": round(cost.cpu_seconds, 6),
        "peak_memory_bytes": cost.peak_memory_bytes,
        "read_bytes": cost.read_bytes,
        "import_seconds": round(import_seconds, 6),
    }
    return figures | ({"answer": answer} if is_answer else {})
