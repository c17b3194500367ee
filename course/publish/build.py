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
from course.publish.cache import Cache, execution_key
from course.publish.convert import FORMATS, Converter, Format, Published, page_context
from course.publish.execute import ExecutedNotebook, execute_notebooks
from course.publish.lessons import copy_companions, digest
from course.publish.site import write_index
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
    places = [f"{lesson.folder}/{lesson.name}" for lesson in lessons]
    for place in places:
        if places.count(place) > 1:
            raise BuildError(f"two notebooks would be published as {place}; rename one")
    with replacing_folder(options.output.absolute()) as site:
        records, executed = _executed(lessons, options) if options.execute else _stored(lessons)
        published = _converted(lessons, records, options, site)
        warnings = tuple(warning for one in published for warning in one.warnings)
        for warning in warnings:
            on_warning(warning)
        if warnings and options.strict:
            raise BuildError(f"{len(warnings)} warning(s), which --strict makes a failure; the first: {warnings[0]}")
        write_index(site, published, options.formats)
    files = sum(len(one.sizes) for one in published)
    index = options.output / "index.html"
    return BuildReport(index, len(lessons), executed, files, warnings, perf_counter() - start)


def _record_name(lesson: Lesson) -> str:
    return f"{lesson.folder}-{lesson.name}"


def _stored(lessons: Sequence[Lesson]) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """Return what ``_executed`` does, for the outputs stored in the notebooks.

    A notebook is read when a format is to be made: with nothing changed, nbformat is not even imported.
    """
    unknown = {"notebook": None, "seconds": None, "peak_bytes": None}
    return [unknown | {"digest": file_digest(lesson.path)} for lesson in lessons], ()


def _executed(lessons: Sequence[Lesson], options: BuildOptions) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """Return the record of each lesson's execution, and the names of those that had to be executed."""
    cache = Cache(options.cache / "executed", read=options.read_cache)
    keys = {lesson: execution_key(lesson, options.data_files) for lesson in lessons}
    found = {lesson: cache.find_record(_record_name(lesson), key) for lesson, key in keys.items()}
    records = {lesson: record for lesson, record in found.items() if record is not None}
    stale = [lesson for lesson in lessons if lesson not in records]
    if not stale:
        return list(records.values()), ()

    with (
        progress_bar(len(stale), description="executing", unit="notebook") as bar,
        scratch_folder(options.cache.absolute().parent / "work") as work,
    ):

        def store(lesson: Lesson, done: ExecutedNotebook) -> None:
            records[lesson] = {
                "notebook": done.notebook,
                "digest": digest(json.dumps(done.notebook, sort_keys=True)),
                "seconds": done.seconds,
                "peak_bytes": done.peak_bytes,
            }
            cache.store_record(_record_name(lesson), keys[lesson], records[lesson])
            bar.update(1)

        execute_notebooks(stale, work, options.data_files, workers=options.workers, timeout=options.timeout,
                          on_executed=store)  # fmt: skip
    return [records[lesson] for lesson in lessons], tuple(lesson.name for lesson in stale)


def _converted(
    lessons: Sequence[Lesson], records: Sequence[dict[str, Any]], options: BuildOptions, site: Path
) -> list[Published]:
    """Write the pages of the lessons and the files they show, and return what the index says of them."""
    converter = Converter(options.formats, Cache(options.cache / "converted", read=options.read_cache))
    published = []
    for folder in dict.fromkeys(lesson.path.parent for lesson in lessons):
        copy_companions(folder, site / folder.name)
    with progress_bar(len(lessons), description="converting", unit="notebook") as bar:
        for lesson, record in zip(lessons, records, strict=True):
            (site / lesson.folder).mkdir(exist_ok=True)
            context = page_context(lessons, lesson, options.formats)
            published.append(converter.publish(lesson, record, context, site / lesson.folder))
            bar.update(1)
    return published
