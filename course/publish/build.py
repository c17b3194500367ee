"""Build the site: execute what changed, convert what changed, and put the whole in place at once."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from course.errors import BuildError, OutputError
from course.files import file_digest
from course.progress import progress_bar
from course.publish.cache import Cache, execution_key
from course.publish.convert import FORMATS, Converter, Format, Published, page_context
from course.publish.execute import ExecutedNotebook, execute_notebooks
from course.publish.lessons import companions, copy_companions, dead_links, digest
from course.publish.site import write_index

if TYPE_CHECKING:
    from course.publish.lessons import Lesson


# of 255 bytes, so that a temporary name fits beside it
_LONGEST_NAME = 230


@dataclass(frozen=True)
class BuildOptions:
    """What to build and how.

    Attributes:
        output: folder of the site, replaced all at once.
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

    A warning says on one line what could not be rendered as it should.
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
    """Publish lessons, in the order of the site; if anything fails, the site that was there stays as it was.

    Each warning is told to ``on_warning`` once all are known.

    Raises:
        BuildError: a notebook fails or cannot be published, or there are warnings and ``strict`` is set.
        OutputError: the site or the cache cannot be written.
    """
    start = perf_counter()
    refuse_same_places(lessons, options.formats)
    with replacing_folder(options.output.absolute()) as site:
        records, executed = _executed(lessons, options) if options.execute else _stored(lessons)
        published = _converted(lessons, records, options, site)
        lost = [path for folder in {lesson.path.parent for lesson in lessons} for path in dead_links(folder)]
        told = [f"{path} is not copied: it is no file, or a link that leads nowhere or back" for path in sorted(lost)]
        warnings = (*told, *(warning for one in published for warning in one.warnings))
        for warning in warnings:
            on_warning(warning)
        if warnings and options.strict:
            raise BuildError(f"{len(warnings)} warning(s), which --strict makes a failure; the first: {warnings[0]}")
        write_index(site, published, options.formats)
    files = sum(len(one.sizes) for one in published)
    index = options.output / "index.html"
    return BuildReport(index, len(lessons), executed, files, warnings, perf_counter() - start)


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


@contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """Yield an empty folder under ``parent``, removed at the end; those left by killed processes are removed first."""
    _remove_left_overs(parent, "*.scratch")
    folder = _new_folder(parent, "", ".scratch")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty folder beside ``folder`` that takes its place if the block succeeds, and vanishes if it does not.

    The old folder is moved aside, the new one takes its name, then the old one is removed. A process killed between
    the two moves leaves the old folder aside: ``recover_folder`` brings it back.

    Raises:
        OutputError: a folder cannot be written or moved.
    """
    recover_folder(folder)
    new = _new_folder(folder.parent, f".{folder.name}.", ".new")
    old = new.with_suffix(".old")
    try:
        yield new
        try:
            if folder.exists():
                folder.rename(old)
            new.rename(folder)
        except OSError as error:
            recover_folder(folder)
            reason = error.strerror or str(error)
            raise OutputError(f"cannot replace {folder}: {reason}; close what uses it and build again") from error
    finally:
        shutil.rmtree(new, ignore_errors=True)
        if folder.exists():
            shutil.rmtree(old, ignore_errors=True)


def recover_folder(folder: Path) -> None:
    """Bring ``folder`` back if a killed process had moved it aside, and remove what such processes left beside it."""
    aside = sorted(folder.parent.glob(f".{folder.name}.*.old"), key=lambda path: path.stat().st_mtime)
    if aside and not folder.exists():
        aside[-1].rename(folder)
    for suffix in (".new", ".old"):
        _remove_left_overs(folder.parent, f".{folder.name}.*{suffix}")


def _remove_left_overs(parent: Path, pattern: str) -> None:
    """Remove the folders made by processes that no longer run; their names hold the process number."""
    import psutil

    for path in parent.glob(pattern):
        owner = path.name.split(".")[-2].partition("-")[0]
        if not owner.isdigit() or int(owner) == os.getpid() or not psutil.pid_exists(int(owner)):
            shutil.rmtree(path, ignore_errors=True)


def _new_folder(parent: Path, prefix: str, suffix: str) -> Path:
    try:
        parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=parent, prefix=f"{prefix}{os.getpid()}-", suffix=suffix))
        # mkdtemp makes it private, a site is to be read
        folder.chmod(0o755)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"cannot write in {parent}: {reason}; choose another folder") from error
    return folder
