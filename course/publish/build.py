"""Build the site: execute what changed, convert what changed, and put the whole in place at once."""

from __future__ import annotations

import json
import os
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from course.errors import BuildError, ExistingFileError
from course.files import expanded, file_digest, replacing, scratch_folder
from course.progress import progress_bar
from course.publish.cache import Cache, execution_key
from course.publish.convert import FORMATS, Converter, Format, Published, page_context
from course.publish.execute import ExecutedNotebook, execute_notebooks
from course.publish.forge import Link, source_links
from course.publish.forward import write_forwards
from course.publish.lessons import companions, copy_companions, dead_links, digest
from course.publish.site import refuse_other_files, write_index, write_record
from course.shipped import require

if TYPE_CHECKING:
    from course.publish.lessons import Lesson


# what the extra brings that nothing else needs: a build of minutes does not fail at its end for one
MODULES = ("brotli", "math_core", "sphinx_revealjs", "typst", "ziamath")

# of 255 bytes, so that a temporary name fits beside it
_LONGEST_NAME = 230


@dataclass(frozen=True)
class BuildOptions:
    """What to build and how.

    Attributes:
        output: folder of the site, replaced all at once; it may hold nothing that a build did not write.
        cache: folder of what may be used again by the next build, read if ``read_cache``.
        data_files: files placed in the ``data/`` folder beside each notebook when it runs.
        execute: whether to run the notebooks; if not, the outputs stored in them are published.
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
    """What a build did: numbers of lessons and of files, the names of the notebooks it executed, its wall time.

    A warning says on one line what could not be rendered as it should; ``unlinked`` are the notebooks whose page has no
    link to a forge.
    """

    index: Path
    lessons: int
    executed: tuple[str, ...]
    files: int
    warnings: tuple[str, ...]
    seconds: float
    unlinked: tuple[str, ...] = ()


def build_site(
    lessons: Sequence[Lesson], options: BuildOptions, *, on_warning: Callable[[str], None] = lambda _: None
) -> BuildReport:
    """Publish lessons, in the order of the site; if anything fails, the site that was there stays as it was.

    Each warning is told to ``on_warning`` once all are known.

    Raises:
        MissingDependencyError: the extra ``publish`` is not installed.
        BuildError: a notebook fails or cannot be published, or there are warnings and ``strict`` is set.
        ExistingFileError: the folder of the site holds something else, which would be lost.
        OutputError: the site or the cache cannot be written.
    """
    require("publish", *MODULES, needed_for="a site")
    start = perf_counter()
    refuse_same_places(lessons, options.formats)
    output = Path(os.path.realpath(options.output))
    _refuse_place(lessons, options, output)
    refuse_other_files(output)
    with replacing(output) as site:
        site.mkdir()
        records, executed = _executed(lessons, options) if options.execute else _stored(lessons)
        sources = (
            source_links(one.path for one in lessons) if any(one.name == "html" for one in options.formats) else None
        )
        published = _converted(lessons, records, options, site, sources or {})
        lost = [path for folder in {lesson.path.parent for lesson in lessons} for path in dead_links(folder)]
        told = [f"{path} is not copied: it is no file, or a link that leads nowhere or back" for path in sorted(lost)]
        warnings = (*told, *(warning for one in published for warning in one.warnings))
        for warning in warnings:
            on_warning(warning)
        if warnings and options.strict:
            raise BuildError(f"{len(warnings)} warning(s), which --strict makes a failure; the first: {warnings[0]}")
        write_index(site, published, options.formats)
        write_forwards(site, published)
        write_record(site)
        refuse_other_files(output)  # once more: a build takes minutes
    files = sum(len(one.sizes) for one in published)
    index = options.output / "index.html"
    unlinked = tuple(one.name for one in lessons if sources is not None and one.path not in sources)
    return BuildReport(index, len(lessons), executed, files, warnings, perf_counter() - start, unlinked)


def refuse_same_places(lessons: Sequence[Lesson], formats: Sequence[Format]) -> None:
    """Refuse lessons of which a file would take the place of another in the site, on any system.

    Raises:
        BuildError: two files have one place, their letters' case apart, one is where another needs a folder, or a name
            is longer than systems allow.
    """
    places = [("index.html", Path("index.html"))]
    places += [(f"{one.folder}/{form.file_name(one)}", one.path) for one in lessons for form in formats]
    for place, source in places:
        if len(os.fsencode(Path(place).name)) > _LONGEST_NAME:
            raise BuildError(f"the name of {source} is too long; give it one of {_LONGEST_NAME - 20} letters at most")
    for folder in dict.fromkeys(lesson.path.parent for lesson in lessons):
        places += [(f"{folder.name}/{path.relative_to(folder).as_posix()}", path) for path in companions(folder)]
    taken: dict[str, int] = {}
    for number, (place, source) in enumerate(places):
        # macOS and Windows take names that differ in case, or in the way an accent is written, for the same
        first = taken.setdefault(unicodedata.normalize("NFC", place).lower(), number)
        if first != number:
            raise BuildError(f"{places[first][1]} and {source} would both be published as {place}; rename one")
    folders = {str(up): number for place, number in taken.items() for up in Path(place).parents}
    for place in taken.keys() & folders.keys():
        file, inside = places[taken[place]][1], places[folders[place]][1]
        raise BuildError(f"{file} would be published as {place}, where {inside} needs a folder; rename one")


def _refuse_place(lessons: Sequence[Lesson], options: BuildOptions, output: Path) -> None:
    kept = {
        "the current folder": Path.cwd(),
        "your home": expanded("~"),
        "the cache": options.cache,
        **{lesson.path.name: lesson.path.parent for lesson in lessons},
    }
    for what, place in kept.items():
        real = Path(os.path.realpath(place))
        if output in (real, *real.parents):
            told = f"{options.output} is or holds {what}"
            raise ExistingFileError(f"{told}, and a site takes the place of its whole folder: choose another")


def _record_name(lesson: Lesson) -> str:
    return f"{lesson.folder}/{lesson.name}"


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
    lessons: Sequence[Lesson], records: Sequence[dict[str, Any]], options: BuildOptions, site: Path,
    sources: Mapping[Path, Link],
) -> list[Published]:  # fmt: skip
    """Write the pages of the lessons and the files they show, and return what the index says of them."""
    converter = Converter(options.formats, Cache(options.cache / "converted", read=options.read_cache))
    published = []
    for folder in dict.fromkeys(lesson.path.parent for lesson in lessons):
        copy_companions(folder, site / folder.name)
    with progress_bar(len(lessons), description="converting", unit="notebook") as bar:
        for lesson, record in zip(lessons, records, strict=True):
            (site / lesson.folder).mkdir(exist_ok=True)
            context = page_context(lessons, lesson, options.formats, sources.get(lesson.path))
            published.append(converter.publish(lesson, record, context, site / lesson.folder))
            bar.update(1)
    return published
