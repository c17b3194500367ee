"""Write an executed lesson in every format: one process, each exporter made once, nothing made twice."""

from __future__ import annotations

import importlib.metadata
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course.errors import BuildError, CourseError
from course.publish.formats import Exporters, Format
from course.publish.keys import DISTRIBUTION, conversion_key
from course.publish.lessons import read_notebook

if TYPE_CHECKING:
    from course.publish.cache import Cache
    from course.publish.lessons import Lesson

_GITHUB_LABEL = "GitHub"


@dataclass
class Published:
    """The files of a lesson in the site.

    Attributes:
        sizes: size in bytes of the file of each format.
        warnings: what could not be rendered as it should, one line each.
    """

    sizes: dict[Format, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def file_name(lesson: Lesson, one: Format) -> str:
    """Return the name of the file of a lesson in a format."""
    return f"{lesson.name}{one.suffix}"


def source_url(lesson: Lesson) -> str | None:
    """Return the address of a notebook in the repository that the package's metadata names, or None."""
    try:
        urls = importlib.metadata.metadata(DISTRIBUTION).get_all("Project-URL") or []
    except importlib.metadata.PackageNotFoundError:
        return None
    known = {label.strip().lower(): address.strip() for label, _, address in (url.partition(",") for url in urls)}
    repository = known.get("repository")
    return f"{repository.rstrip('/')}/blob/HEAD/{lesson.folder}/{lesson.path.name}" if repository else None


def page_context(lessons: Sequence[Lesson], lesson: Lesson, formats: Sequence[Format]) -> dict[str, Any]:
    """Return what exporters are told of the site, ``resources["course"]``: links between pages, in JSON values."""
    links = [[one.label, file_name(lesson, one)] for one in formats if one.in_links_bar]
    address = source_url(lesson)
    if address:
        links.append([_GITHUB_LABEL, address])
    row = [one for one in lessons if one.is_deck == lesson.is_deck]
    position = row.index(lesson)
    return {
        "links": links,
        "previous": _neighbour(row, position - 1),
        "next": _neighbour(row, position + 1),
        "home": "../index.html",
        "language": "en",
    }


def _neighbour(row: Sequence[Lesson], position: int) -> list[str] | None:
    if not 0 <= position < len(row):
        return None
    lesson = row[position]
    return [lesson.title, f"../{lesson.folder}/{lesson.name}.html"]


class Converter:
    """Converts executed notebooks, and remembers in a cache what it made."""

    def __init__(self, formats: Sequence[Format], cache: Cache) -> None:
        self.formats = formats
        self._cache = cache
        self._exporters = Exporters()

    def publish(self, lesson: Lesson, executed: dict[str, Any], context: dict[str, Any], folder: Path) -> Published:
        """Write a lesson in every format into ``folder``.

        Args:
            lesson: the lesson.
            executed: the record of its execution: ``notebook`` (JSON values; None for the one stored in the lesson's
                file, which is put there if it is read) and ``digest``.
            context: what ``page_context`` says of it.
            folder: where the files go; created.

        Raises:
            BuildError: a format cannot be made.
        """
        folder.mkdir(parents=True, exist_ok=True)
        published = Published()
        for one in self.formats:
            made, record = self._made(lesson, executed, context, one)
            shutil.copyfile(made, folder / file_name(lesson, one))
            published.sizes[one] = made.stat().st_size
            published.warnings += [f"{lesson.path.name}: {one.name}: {warning}" for warning in record["warnings"]]
        return published

    def _made(
        self, lesson: Lesson, executed: dict[str, Any], context: dict[str, Any], one: Format
    ) -> tuple[Path, dict[str, Any]]:
        name = f"{lesson.folder}-{file_name(lesson, one)}"
        key = conversion_key(lesson, executed["digest"], f"{one.name} {one.exporter}", context)
        found = self._cache.find_file(name, key)
        if found is not None:
            return found
        if executed["notebook"] is None:
            executed["notebook"] = read_notebook(lesson.path)
        output, warnings = self._convert(lesson, executed["notebook"], context, one)
        return self._cache.store_file(name, key, output, warnings=warnings)

    def _convert(
        self, lesson: Lesson, notebook: dict[str, Any], context: dict[str, Any], one: Format
    ) -> tuple[bytes, list[str]]:
        import nbformat
        from nbconvert.utils.exceptions import ConversionException

        resources = {
            "metadata": {"name": lesson.name, "path": str(lesson.path.parent)},
            "course": _with_tuples(context),
            "course_warnings": [],
        }
        node = nbformat.from_dict(notebook)  # type: ignore[no-untyped-call]
        output: str | bytes
        try:
            output, told = self._exporters[one].from_notebook_node(node, resources)
        except (ConversionException, CourseError) as error:
            reason = str(error).strip().partition("\n")[0]
            raise BuildError(f"{lesson.path.name} cannot be published as {one.name}: {reason}") from error
        # an exporter may work on a copy of the resources
        warnings = list(told.get("course_warnings") or resources["course_warnings"])
        content = output if isinstance(output, bytes) else _encoded(output, warnings)
        return content, list(dict.fromkeys(warnings))


def _with_tuples(context: dict[str, Any]) -> dict[str, Any]:
    """Return the context with its pairs as tuples, which exporters are promised."""
    pairs = {name: tuple(context[name]) if context[name] else None for name in ("previous", "next")}
    return context | pairs | {"links": [tuple(link) for link in context["links"]]}


def _encoded(text: str, warnings: list[str]) -> bytes:
    """Return a text as a file holds it: UTF-8, a newline at its end."""
    text = text if text.endswith("\n") else f"{text}\n"
    try:
        return text.encode()
    except UnicodeEncodeError:
        warnings.append("letters that no UTF-8 file can hold are written ?")
        return text.encode(errors="replace")
