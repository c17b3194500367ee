"""Write the first page of the site: the lessons, their formats, what they cost to run, and with which versions."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course.errors import BadArgumentError
from course.publish.convert import file_name
from course.publish.keys import DISTRIBUTION, versions
from course.size import format_size

if TYPE_CHECKING:
    from course.publish.formats import Format
    from course.publish.lessons import Lesson

TEMPLATES = Path(__file__).parent / "templates" / "site"


@dataclass(frozen=True)
class Entry:
    """What the index says of a lesson.

    Attributes:
        lesson: the lesson.
        sizes: size in bytes of each of its formats.
        seconds: wall time of its cells, or None if it was not executed.
        peak_bytes: peak resident memory of its kernel, or None if it was not executed.
    """

    lesson: Lesson
    sizes: Mapping[Format, int]
    seconds: float | None
    peak_bytes: int | None


def write_index(site: Path, entries: Sequence[Entry], formats: Sequence[Format]) -> Path:
    """Write ``index.html`` in the folder of a site and return its path; it needs no network and no script.

    The page says when it was built only if ``SOURCE_DATE_EPOCH`` does, so that two builds are the same.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["size"] = format_size
    environment.filters["duration"] = format_duration
    page = environment.get_template("index.html.j2").render(
        lessons=[_shown(entry) for entry in entries if not entry.lesson.is_deck],
        decks=[_shown(entry) for entry in entries if entry.lesson.is_deck],
        summary=_summary(),
        formats=formats,
        versions=versions(),
        machine=_machine(),
        built=build_date(),
        style=(TEMPLATES / "site.css").read_text(encoding="utf-8"),
    )
    path = site / "index.html"
    path.write_text(page, encoding="utf-8", errors="replace", newline="\n")
    return path


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


def _shown(entry: Entry) -> dict[str, Any]:
    lesson = entry.lesson
    files = [
        {
            "label": one.label,
            "name": one.name,
            "href": f"{lesson.folder}/{file_name(lesson, one)}",
            "size": size,
            "file": file_name(lesson, one),
        }
        for one, size in entry.sizes.items()
    ]
    page = next((file["href"] for file in files if file["name"] == "html"), files[0]["href"])
    if lesson.is_deck:
        page = next((file["href"] for file in files if file["name"] == "slides"), page)
    number, _, _ = lesson.name.partition("_")
    return {
        "number": number if number.isdigit() else "",
        "title": lesson.title,
        "description": lesson.description,
        "time_to_learn": lesson.time_to_learn,
        "seconds": entry.seconds,
        "peak_bytes": entry.peak_bytes,
        "files": files,
        "page": page,
    }


def _summary() -> str:
    try:
        return str(importlib.metadata.metadata(DISTRIBUTION)["Summary"])
    except importlib.metadata.PackageNotFoundError:
        return ""


def _machine() -> str:
    """Return the kind of machine the lessons ran on, without its name."""
    import psutil

    memory = format_size(psutil.virtual_memory().total)
    return f"{platform.system()} ({platform.machine()}), {os.cpu_count()} processors, {memory} of memory"
