"""Write the first page of the site: the lessons, their formats, what they cost to run, and with which versions."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from course.errors import BadArgumentError, ExistingFileError
from course.files import file_digest
from course.publish.cache import versions
from course.publish.safe_html import policy
from course.shipped import DISTRIBUTION
from course.size import format_size

if TYPE_CHECKING:
    from course.publish.convert import Format, Published

TEMPLATES = Path(__file__).parent / "templates" / "site"
RECORD = ".bigdata-course-site.json"
"""File of a site that lists the files of the build, each with its SHA-256: a build removes these and no others."""


def write_index(site: Path, published: Sequence[Published], formats: Sequence[Format]) -> Path:
    """Write ``index.html`` in the folder of a site and return its path; it needs no network and no script.

    The page says when it was built only if ``SOURCE_DATE_EPOCH`` does, so that two builds are the same.

    Raises:
        BadArgumentError: ``SOURCE_DATE_EPOCH`` is not a number of seconds.
    """
    import jinja2
    import psutil

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"size": format_size, "duration": format_duration}
    try:
        summary = str(importlib.metadata.metadata(DISTRIBUTION)["Summary"])
    except importlib.metadata.PackageNotFoundError:
        summary = ""
    memory = format_size(psutil.virtual_memory().total)
    page = environment.get_template("index.html.j2").render(
        lessons=[_shown(one) for one in published if not one.lesson.is_deck],
        decks=[_shown(one) for one in published if one.lesson.is_deck],
        summary=summary,
        formats=formats,
        versions=versions(),
        # the kind of machine the lessons ran on, without its name
        machine=f"{platform.system()} ({platform.machine()}), {os.cpu_count()} processors, {memory} of memory",
        built=build_date(),
        policy=policy(),
        style=(TEMPLATES / "site.css").read_text(encoding="utf-8"),
    )
    path = site / "index.html"
    path.write_text(page, encoding="utf-8", errors="replace", newline="\n")
    return path


def write_record(site: Path) -> None:
    """Write the record of all the files of a site."""
    written = {path.relative_to(site).as_posix(): file_digest(path) for path in _files(site)}
    (site / RECORD).write_text(json.dumps({"written": written}, indent=1, sort_keys=True), encoding="utf-8")


def refuse_other_files(site: Path) -> None:
    """Refuse to replace what holds anything that no build wrote there, or that was changed since.

    Raises:
        ExistingFileError: there is such a file.
    """
    written = {}
    with suppress(OSError, ValueError, TypeError, LookupError):
        written = dict(json.loads((site / RECORD).read_text(encoding="utf-8"))["written"])
    for path in _files(site):
        name = path.relative_to(site).as_posix()
        if name == RECORD and written:
            continue
        if name not in written or path.is_symlink() or not path.is_file() or written[name] != file_digest(path):
            told = "was changed since it was built" if name in written else "was not made by a build"
            advice = "move or delete it, or choose another folder for the site"
            raise ExistingFileError(f"{path} {told}, and would be lost: {advice}")


def _files(folder: Path) -> Iterator[Path]:
    """Yield what stands in a folder at any depth and is not one, without going through links."""
    if folder.exists() and not folder.is_dir():
        yield folder
    for here, folders, names in os.walk(folder):
        places = [Path(here, name) for name in (*names, *folders)]
        yield from (path for path in places if path.is_symlink() or not path.is_dir())


def format_duration(seconds: float) -> str:
    """Return a time as people say it: ``0.8 s``, ``42 s``, ``3 min 05 s``."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def build_date() -> str | None:
    """Return the day that ``SOURCE_DATE_EPOCH`` gives, or None (https://reproducible-builds.org/specs/source-date-epoch).

    Raises:
        BadArgumentError: the variable is not a number of seconds.
    """
    text = os.environ.get("SOURCE_DATE_EPOCH")
    if not text:
        return None
    try:
        return datetime.fromtimestamp(int(text), tz=UTC).date().isoformat()
    except (ValueError, OverflowError, OSError) as error:
        raise BadArgumentError(f"SOURCE_DATE_EPOCH={text!r} is not a number of seconds since 1970; unset it") from error


def _shown(published: Published) -> dict[str, Any]:
    """Return what the template says of a lesson."""
    lesson = published.lesson
    hrefs = {one.name: quote(f"{lesson.folder}/{one.file_name(lesson)}") for one in published.sizes}
    number, _, _ = lesson.name.partition("_")
    # the title leads to what people read first: the deck itself, or the page
    preferred = ("slides", "html") if lesson.is_deck else ("html",)
    return {
        "number": number if number.isdigit() else "",
        "title": lesson.title,
        "description": lesson.description,
        "time_to_learn": lesson.time_to_learn,
        "seconds": published.seconds,
        "peak_bytes": published.peak_bytes,
        "files": [
            {"label": one.label, "name": one.name, "href": hrefs[one.name], "size": size, "file": one.file_name(lesson)}
            for one, size in published.sizes.items()
        ],
        "page": next(hrefs[name] for name in (*preferred, *hrefs) if name in hrefs),
    }
