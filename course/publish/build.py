"""Build the site: execute what changed, convert what changed, and put the whole in place at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from course.errors import BuildError
from course.files import file_digest
from course.progress import progress_bar
from course.publish.cache import Cache
from course.publish.companions import copy_companions
from course.publish.convert import Converter, page_context
from course.publish.digests import digest
from course.publish.execute import ExecutedNotebook, execute_notebooks
from course.publish.formats import FORMATS, Format, makeable
from course.publish.keys import execution_key
from course.publish.site import Entry, write_index
from course.publish.swap import replacing_folder, scratch_folder

if TYPE_CHECKING:
    from course.publish.lessons import Lesson


@dataclass(frozen=True)
class BuildOptions:
    """What to build and how.

    Attributes:
        output: folder of the site, replaced all at once.
        cache: folder of what may be used again by the next build.
        formats: the formats to make.
        data_files: files placed in the ``data/`` folder beside each notebook when it runs.
        execute: whether to run the notebooks; if not, the outputs stored in them are published.
        read_cache: whether to use again what an earlier build made.
        strict: whether a warning makes the build fail.
        workers: notebooks executed at the same time.
        timeout: seconds a cell may last, or None for no limit.
    """

    output: Path = Path("build/site")
    cache: Path = Path("build/cache")
    formats: tuple[Format, ...] = FORMATS
    data_files: tuple[Path, ...] = ()
    execute: bool = True
    read_cache: bool = True
    strict: bool = False
    workers: int = 2
    timeout: int | None = 1200


@dataclass(frozen=True)
class BuildReport:
    """What a build did.

    Attributes:
        index: first page of the site.
        lessons: number of notebooks published.
        executed: names of the notebooks that were executed, the others being unchanged.
        files: number of files written for them.
        warnings: what could not be rendered as it should, one line each.
        seconds: wall time of the whole build.
    """

    index: Path
    lessons: int
    executed: tuple[str, ...]
    files: int
    warnings: tuple[str, ...]
    seconds: float


def build_site(
    lessons: Sequence[Lesson], options: BuildOptions, *, on_warning: Callable[[str], None] = lambda _: None
) -> BuildReport:
    """Publish lessons as a site; if anything fails, the site that was there stays as it was.

    Args:
        lessons: the notebooks, in the order of the site.
        options: what to build and how.
        on_warning: called with each warning once all are known.

    Raises:
        BuildError: a notebook fails or cannot be published, or there are warnings and ``strict`` is set.
        OutputError: the site or the cache cannot be written.
    """
    start = perf_counter()
    _refuse_same_names(lessons)
    with replacing_folder(options.output.absolute()) as site:
        executed, names = _executed(lessons, options)
        entries, warnings = _converted(lessons, executed, options, site)
        for warning in warnings:
            on_warning(warning)
        if warnings and options.strict:
            raise BuildError(f"{len(warnings)} warning(s), which --strict makes a failure; the first: {warnings[0]}")
        write_index(site, entries, options.formats)
    files = sum(len(entry.sizes) for entry in entries)
    index = options.output / "index.html"
    return BuildReport(index, len(lessons), names, files, tuple(warnings), perf_counter() - start)


def _refuse_same_names(lessons: Sequence[Lesson]) -> None:
    seen: set[tuple[str, str]] = set()
    for lesson in lessons:
        if (lesson.folder, lesson.name) in seen:
            raise BuildError(f"two notebooks would be published as {lesson.folder}/{lesson.name}; rename one")
        seen.add((lesson.folder, lesson.name))


def _record_name(lesson: Lesson) -> str:
    return f"{lesson.folder}-{lesson.name}"


def _executed(lessons: Sequence[Lesson], options: BuildOptions) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """Return the record of each lesson's execution, and the names of those that had to be executed."""
    if not options.execute:
        return [_stored_record(lesson) for lesson in lessons], ()
    cache = Cache(options.cache / "executed", read=options.read_cache)
    keys = {lesson: execution_key(lesson, options.data_files) for lesson in lessons}
    records = {lesson: cache.find_record(_record_name(lesson), key) for lesson, key in keys.items()}
    stale = [lesson for lesson, record in records.items() if record is None]

    with progress_bar(len(stale), description="executing", unit="notebook") as bar:

        def store(lesson: Lesson, done: ExecutedNotebook) -> None:
            record = _record(done.notebook, done.seconds, done.peak_bytes)
            cache.store_record(_record_name(lesson), keys[lesson], record)
            records[lesson] = record
            bar.update(1)

        _execute_stale(stale, options, store)
    return [record for record in records.values() if record is not None], tuple(lesson.name for lesson in stale)


def _execute_stale(
    stale: Sequence[Lesson], options: BuildOptions, store: Callable[[Lesson, ExecutedNotebook], None]
) -> None:
    if not stale:
        return
    with scratch_folder(options.cache.absolute().parent / "work") as work:
        execute_notebooks(
            stale,
            work,
            data_files=options.data_files,
            workers=options.workers,
            timeout=options.timeout,
            on_executed=store,
        )


def _stored_record(lesson: Lesson) -> dict[str, Any]:
    # the notebook is read when a format is to be made: with nothing changed, nbformat is not even imported
    return {"notebook": None, "digest": file_digest(lesson.path), "seconds": None, "peak_bytes": None}


def _record(notebook: Any, seconds: float | None, peak_bytes: int | None) -> dict[str, Any]:
    text = json.dumps(notebook, sort_keys=True)
    return {"notebook": notebook, "digest": digest(text), "seconds": seconds, "peak_bytes": peak_bytes}


def _converted(
    lessons: Sequence[Lesson], executed: Sequence[dict[str, Any]], options: BuildOptions, site: Path
) -> tuple[list[Entry], list[str]]:
    """Write the pages of the lessons and the files they show; return what the index says of them, and the warnings."""
    formats, warnings = makeable(options.formats)
    converter = Converter(formats, Cache(options.cache / "converted", read=options.read_cache))
    entries = []
    for folder in dict.fromkeys(lesson.path.parent for lesson in lessons):
        copy_companions(folder, site / folder.name)
    with progress_bar(len(lessons), description="converting", unit="notebook") as bar:
        for lesson, record in zip(lessons, executed, strict=True):
            context = page_context(lessons, lesson, formats)
            published = converter.publish(lesson, record, context, site / lesson.folder)
            entries.append(Entry(lesson, published.sizes, record["seconds"], record["peak_bytes"]))
            warnings += published.warnings
            bar.update(1)
    return entries, warnings
