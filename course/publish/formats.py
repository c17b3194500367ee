"""The formats a lesson is published in, and the exporter class that makes each."""

from __future__ import annotations

import importlib
import importlib.util
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from course.errors import UnknownFormatError


class Exporter(Protocol):
    """What is asked of an nbconvert exporter; those of PDF return bytes."""

    def from_notebook_node(self, nb: Any, resources: dict[str, Any]) -> tuple[str | bytes, dict[str, Any]]:
        """Return the published text or bytes, and the resources."""
        ...


@dataclass(frozen=True)
class Format:
    """One published form of a lesson.

    Attributes:
        name: what ``course build --formats`` calls it.
        label: its word in the links bar of a page.
        suffix: end of its file name.
        exporter: ``module:Class`` of the nbconvert exporter that makes it.
        requires: modules without which the exporter does not work.
        in_links_bar: whether pages link to it; the site's index always does.
    """

    name: str
    label: str
    suffix: str
    exporter: str
    requires: tuple[str, ...] = ()
    in_links_bar: bool = True


_TYPST = ("typst", "tylax")

FORMATS: tuple[Format, ...] = (
    Format("notebook", "notebook", ".ipynb", "nbconvert.exporters:NotebookExporter"),
    Format("html", "html", ".html", "course.publish.page_html:HTMLPageExporter"),
    Format("pdf", "PDF", ".pdf", "course.publish.paper:PDFExporter", _TYPST),
    Format("script", "python", ".py", "course.publish.script:ScriptExporter"),
    Format("slides", "slides", ".slides.html", "course.publish.slides_html:SlidesExporter"),
    Format("slides2", "slides (2)", ".slides.pdf", "course.publish.paper:SlidesPDFExporter", _TYPST),
    Format("notes", "speaker notes", ".notes.pdf", "course.publish.paper:NotesPDFExporter", _TYPST, in_links_bar=False),
)


def select_formats(names: Iterable[str], table: Sequence[Format] = FORMATS) -> tuple[Format, ...]:
    """Return the formats of ``table`` that are named, in the order of the table.

    Raises:
        UnknownFormatError: a name is not in the table, or no name is given.
    """
    wanted = set(names)
    known = {one.name for one in table}
    if not wanted or wanted - known:
        wrong = ", ".join(sorted(wanted - known)) or "none"
        raise UnknownFormatError(f"unknown format: {wrong}; choose among {', '.join(one.name for one in table)}")
    return tuple(one for one in table if one.name in wanted)


def missing_modules(one: Format) -> list[str]:
    """Return the modules that the format needs and that are not installed."""
    return [name for name in one.requires if importlib.util.find_spec(name) is None]


def makeable(formats: Iterable[Format]) -> tuple[list[Format], list[str]]:
    """Return the formats that can be made here, and a warning for each that cannot."""
    missing = {one: missing_modules(one) for one in formats}
    warnings = [f"{one.name} is left out: install {', '.join(names)}" for one, names in missing.items() if names]
    return [one for one, names in missing.items() if not names], warnings


class Exporters:
    """The exporters of a build: each is imported and created when first asked for, then reused."""

    def __init__(self) -> None:
        self._made: dict[str, Exporter] = {}

    def __getitem__(self, one: Format) -> Exporter:
        """Return the exporter of a format."""
        if one.exporter not in self._made:
            module, _, name = one.exporter.partition(":")
            # exporters tell their warnings in the resources: the log would say them twice
            exporter = getattr(importlib.import_module(module), name)(log=_silent_log())
            self._made[one.exporter] = exporter
        return self._made[one.exporter]


def _silent_log() -> logging.Logger:
    log = logging.getLogger("course.publish")
    log.propagate = False
    log.addHandler(logging.NullHandler())
    return log
