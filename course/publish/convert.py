"""Write an executed lesson in every format: one process, each exporter made once, nothing made twice."""

from __future__ import annotations

import importlib
import logging
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from course.errors import BuildError, CourseError, UnknownFormatError
from course.files import file_digest
from course.publish.cache import conversion_key
from course.publish.lessons import read_notebook, recording_files

if TYPE_CHECKING:
    from course.publish.cache import Cache
    from course.publish.forge import Link
    from course.publish.lessons import Lesson

# exporters tell their warnings in the resources: the log would say them twice
_silent = logging.getLogger("course.publish")
_silent.propagate = False
_silent.addHandler(logging.NullHandler())


@dataclass(frozen=True)
class Format:
    """One published form of a lesson: its name on the command line, its word in the links bar of a page, and how.

    The exporter is the ``module:Class`` of nbconvert's that makes it. The site's index links to every form.
    """

    name: str
    label: str
    suffix: str
    exporter: str
    in_links_bar: bool = True

    def file_name(self, lesson: Lesson) -> str:
        """Return the name of the file of a lesson in this format."""
        return f"{lesson.name}{self.suffix}"


FORMATS: tuple[Format, ...] = (
    Format("notebook", "notebook", ".ipynb", "nbconvert.exporters:NotebookExporter"),
    Format("html", "html", ".html", "course.publish.page_html:HTMLPageExporter"),
    Format("pdf", "PDF", ".pdf", "course.publish.paper:PDFExporter"),
    Format("script", "python", ".py", "course.publish.script:ScriptExporter"),
    Format("slides", "slides", ".slides.html", "course.publish.slides_html:SlidesExporter"),
    Format("slides2", "slides (2)", ".slides.pdf", "course.publish.paper:SlidesPDFExporter"),
    Format("notes", "speaker notes", ".notes.pdf", "course.publish.paper:NotesPDFExporter", in_links_bar=False),
)


def select_formats(names: Iterable[str]) -> tuple[Format, ...]:
    """Return the formats that are named, in the order of ``FORMATS``.

    Raises:
        UnknownFormatError: a name is not that of a format, or no name is given.
    """
    wanted = set(names)
    known = [one.name for one in FORMATS]
    if not wanted or wanted - set(known):
        wrong = ", ".join(sorted(wanted - set(known))) or "none"
        raise UnknownFormatError(f"unknown format: {wrong}; choose among {', '.join(known)}")
    return tuple(one for one in FORMATS if one.name in wanted)


def page_context(
    lessons: Sequence[Lesson], lesson: Lesson, formats: Sequence[Format], source: Link | None = None
) -> dict[str, Any]:
    """Return what exporters are told of the site, ``resources["course"]``: links between pages, as pairs.

    The bar of a page ends with the link to its ``source`` on a forge, if it has one.
    """
    links = [(one.label, quote(one.file_name(lesson))) for one in formats if one.in_links_bar]
    row = [one for one in lessons if one.is_deck == lesson.is_deck]
    pages = [None, *((one.title, "../" + quote(f"{one.folder}/{one.name}.html")) for one in row), None]
    position = row.index(lesson)
    return {
        "links": [*links, source] if source else links,
        "previous": pages[position],
        "next": pages[position + 2],
        "home": "../index.html",
        "language": "en",
    }


def _digests(lesson: Lesson, names: Iterable[str]) -> dict[str, str | None]:
    """Return the digests of files that a lesson shows, by their names from its folder; None for one that is missing."""
    paths = {name: lesson.path.parent / name for name in names}
    return {name: file_digest(path) if path.is_file() else None for name, path in paths.items()}


@dataclass
class Published:
    """What is known of a lesson once it is in the site: the size in bytes of each format, one-line warnings.

    The wall time of its cells and the peak resident memory of its kernel are None if it was not executed.
    """

    lesson: Lesson
    seconds: float | None
    peak_bytes: int | None
    sizes: dict[Format, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


class Converter:
    """Converts executed notebooks, and remembers in a cache what it made."""

    def __init__(self, formats: Sequence[Format], cache: Cache) -> None:
        self.formats = formats
        self._cache = cache
        self._exporters: dict[str, Any] = {}

    def publish(self, lesson: Lesson, executed: dict[str, Any], context: dict[str, Any], folder: Path) -> Published:
        """Write a lesson in every format into ``folder``; ``context`` is what ``page_context`` says of it.

        ``executed`` is the record of its execution: ``notebook`` (JSON values; None for the one stored in the lesson's
        file, which is put there if it is read), ``digest``, ``seconds`` and ``peak_bytes``.

        Raises:
            BuildError: a format cannot be made.
        """
        published = Published(lesson, executed["seconds"], executed["peak_bytes"])
        for one in self.formats:
            name = f"{lesson.folder}/{one.file_name(lesson)}"
            # only pages have the bar: after a commit, the other forms stay as they are
            told = context if one.name == "html" else context | {"links": []}
            key = conversion_key(lesson, executed["digest"], f"{one.name} {one.exporter}", told)
            found = self._cache.find_file(name, key)
            if found is None or found[1]["read"] != _digests(lesson, found[1]["read"]):
                if executed["notebook"] is None:
                    executed["notebook"] = read_notebook(lesson.path)
                with recording_files() as asked:
                    content, warnings = self._convert(lesson, executed["notebook"], told, one)
                found = self._cache.store_file(name, key, content, warnings=warnings, read=_digests(lesson, asked))
            made, record = found
            shutil.copyfile(made, folder / one.file_name(lesson))
            published.sizes[one] = made.stat().st_size
            published.warnings += [f"{lesson.path.name}: {one.name}: {warning}" for warning in record["warnings"]]
        return published

    def exporter(self, one: Format) -> Any:
        """Return the nbconvert exporter of a format: imported and created when first asked for, then reused."""
        if one.exporter not in self._exporters:
            module, _, name = one.exporter.partition(":")
            make = getattr(importlib.import_module(module), name)
            # nbconvert would validate the whole notebook after each of a dozen preprocessors
            self._exporters[one.exporter] = make(log=_silent, optimistic_validation=True)
        return self._exporters[one.exporter]

    def _convert(
        self, lesson: Lesson, notebook: dict[str, Any], context: dict[str, Any], one: Format
    ) -> tuple[bytes, list[str]]:
        import nbformat
        from nbconvert.utils.exceptions import ConversionException

        about = {"name": lesson.name, "path": str(lesson.path.parent)}
        resources = {"metadata": about, "course": context, "course_warnings": []}
        node = nbformat.from_dict(notebook)  # type: ignore[no-untyped-call]
        try:
            output, told = self.exporter(one).from_notebook_node(node, resources)
        except (ConversionException, CourseError) as error:
            reason = str(error).strip().partition("\n")[0]
            raise BuildError(f"{lesson.path.name} cannot be published as {one.name}: {reason}") from error
        # an exporter may work on a copy of the resources
        warnings = list(told.get("course_warnings") or resources["course_warnings"])
        if isinstance(output, str):
            text = output if output.endswith("\n") else f"{output}\n"
            output = text.encode(errors="replace")
            if output.decode() != text:
                warnings.append("letters that no UTF-8 file can hold are written ?")
        return output, list(dict.fromkeys(warnings))
