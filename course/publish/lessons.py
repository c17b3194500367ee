"""Find the lessons and decks of a folder, and read what the site says of each."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course.errors import BuildError
from course.publish.digests import digest

if TYPE_CHECKING:
    from nbformat import NotebookNode

_LESSON_NAME = re.compile(r"\d\d_\w+\.ipynb")
_HEADING = re.compile(r"^#{1,6}\s+(?P<text>.+?)\s*#*\s*$")
_TIME_TO_LEARN = re.compile(r"\*\*Time to learn\*\*\s*:\s*(?P<time>[^\n<]+)", re.IGNORECASE)
_DECK_FOLDER = "slides"


@dataclass(frozen=True)
class Lesson:
    """A notebook to publish.

    Attributes:
        path: the notebook file.
        title: its first ``#`` heading, as plain text.
        description: the first paragraph of its first text cell, as plain text; may be empty.
        time_to_learn: what follows ``**Time to learn**:`` in its first cells, or None.
        is_deck: whether it is a lecture deck rather than a lesson.
        source_digest: SHA-256 of its cells and metadata, outputs excluded.
    """

    path: Path
    title: str
    description: str
    time_to_learn: str | None
    is_deck: bool
    source_digest: str

    @property
    def name(self) -> str:
        """Name of the file without its suffix."""
        return self.path.stem

    @property
    def folder(self) -> str:
        """Name of the folder that holds it, which is also its folder in the site."""
        return self.path.parent.name


def discover_lessons(notebooks: Path, slides: Path | None = None) -> list[Lesson]:
    """Return the lessons ``NN_name.ipynb`` of ``notebooks`` in order, then the decks of ``slides``.

    Raises:
        BuildError: there is no lesson, or a notebook cannot be read.
    """
    lessons = [path for path in sorted(notebooks.glob("*.ipynb")) if _LESSON_NAME.fullmatch(path.name)]
    if not lessons:
        raise BuildError(f"no lesson in {notebooks}: a lesson is a file named like 01_data.ipynb")
    decks = sorted(slides.glob("*.ipynb")) if slides is not None else []
    return [read_lesson(path) for path in [*lessons, *decks]]


def read_lesson(path: Path) -> Lesson:
    """Return the lesson, or the deck if its folder is named ``slides``, of a notebook file.

    Raises:
        BuildError: the file is missing or is not a notebook of format 4.
    """
    cells, metadata = _read_cells(path)
    texts = [_text(cell) for cell in cells if cell["cell_type"] == "markdown"]
    return Lesson(
        path=path.resolve(),
        title=next((plain_text(title) for title in _headings(texts, level=1)), path.stem),
        description=_description(texts[0]) if texts else "",
        time_to_learn=_time_to_learn(texts[:3]),
        is_deck=path.resolve().parent.name == _DECK_FOLDER,
        source_digest=_source_digest(cells, metadata),
    )


def read_notebook(path: Path) -> NotebookNode:
    """Return a notebook with the outputs stored in it; a file may hold a text as a list of lines.

    Raises:
        BuildError: the file is not a notebook of format 4 as the format's own schema says.
    """
    import nbformat

    try:
        stored = nbformat.reader.reads(path.read_bytes().decode())  # type: ignore[no-untyped-call]
        notebook: NotebookNode = nbformat.convert(stored, 4)  # type: ignore[no-untyped-call]
        nbformat.validate(notebook)
    except (nbformat.ValidationError, nbformat.reader.NotJSONError, UnicodeDecodeError, KeyError) as error:
        raise BuildError(f"{path.name} is not a valid notebook: {str(error).strip().splitlines()[0]}") from error
    return notebook


def heading_above(cells: Sequence[dict[str, Any]], index: int) -> str | None:
    """Return the text of the last heading before cell number ``index`` (from 0), or None."""
    texts = [_text(cell) for cell in cells[:index] if cell["cell_type"] == "markdown"]
    found = [plain_text(title) for title in _headings(texts)]
    return found[-1] if found else None


def plain_text(markdown: str) -> str:
    """Return a piece of markdown without its marks: emphasis, links, code quotes, HTML tags."""
    import mistune

    rendered = str(mistune.html(markdown))
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", rendered)).split())


def _read_cells(path: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        if notebook["nbformat"] != 4:
            raise BuildError(
                f"{path} is a notebook of format {notebook['nbformat']}; open it in Jupyter and save it again"
            )
        cells = [cell for cell in notebook["cells"] if cell["cell_type"] and _text(cell) is not None]
        return cells, notebook.get("metadata", {})
    except OSError as error:
        raise BuildError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise BuildError(f"{path} is not a notebook: {type(error).__name__}: {error}") from error


def _text(cell: dict[str, Any]) -> str:
    """Return the source of a cell, which a file may store as a list of lines."""
    return "".join(cell["source"])


def _source_digest(cells: list[dict[str, Any]], metadata: dict[str, Any]) -> str:
    kept = [[cell["cell_type"], _text(cell), cell.get("metadata", {}), cell.get("attachments", {})] for cell in cells]
    return digest(json.dumps([kept, metadata], sort_keys=True))


def _outside_fences(text: str) -> Iterator[str]:
    inside = False
    for line in text.splitlines():
        if line.lstrip().startswith(("```", "~~~")):
            inside = not inside
        elif not inside:
            yield line


def _headings(texts: Iterable[str], level: int | None = None) -> Iterator[str]:
    for text in texts:
        for line in _outside_fences(text):
            found = _HEADING.match(line)
            if found and level in (None, len(line) - len(line.lstrip("#"))):
                yield found["text"]


def _description(text: str) -> str:
    prose = "\n".join("" if _HEADING.match(line) else line for line in _outside_fences(text))
    for paragraph in re.split(r"\n\s*\n", prose):
        if paragraph.strip() and not _TIME_TO_LEARN.search(paragraph):
            return plain_text(paragraph.strip())
    return ""


def _time_to_learn(texts: Sequence[str]) -> str | None:
    found = (_TIME_TO_LEARN.search(text) for text in texts)
    return next((plain_text(match["time"]) for match in found if match), None)
