"""Decide where slides begin: as the author's slideshow metadata says, or at headings where there is none."""

from __future__ import annotations

import copy
import itertools
import re
from typing import TYPE_CHECKING, Any

from nbconvert.preprocessors import Preprocessor
from nbformat.v4 import new_markdown_cell
from traitlets import Int

if TYPE_CHECKING:
    from nbformat import NotebookNode

_HEADING = re.compile(r"#{1,3}\s+(.+?)\s*#*$")
_FENCE = re.compile(r"\s*(```|~~~)")
_HEADING_LINES = 2
_PICTURE_LINES = 14
_TABLE_LINES = 8


def slide_type(cell: NotebookNode) -> str:
    """Return the slideshow type of a cell, ``-`` where it has none."""
    slideshow = cell.metadata.get("slideshow")
    return str((slideshow.get("slide_type") if isinstance(slideshow, dict) else None) or "-")


class PlanSlides(Preprocessor):
    """Leave out skipped cells, put speaker notes where reveal.js always shows them, plan what has no plan."""

    most_lines = Int(20, help="lines of text, code and output on a slide that the author did not plan").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Return the notebook with a slide type on each cell that begins something, and at least one slide."""
        cells = [cell for cell in nb.cells if slide_type(cell) != "skip"]
        if all(slide_type(cell) in {"-", "notes"} for cell in cells):
            cells = self._planned(cells)
        if all(slide_type(cell) == "notes" for cell in cells):
            cells.append(_titled(f"# {resources['metadata']['name'] or 'Notebook'}"))
        nb.cells = notes_first(cells)
        return nb, resources

    def _planned(self, cells: list[NotebookNode]) -> list[NotebookNode]:
        planned: list[NotebookNode] = []
        title, lines = "", 0
        for cell in itertools.chain.from_iterable(map(split_at_headings, cells)):
            heading = _first_heading(cell)
            size = lines_shown(cell)
            if heading:
                title, lines = heading, 0
                _set_type(cell, "slide")
            elif lines > _HEADING_LINES and lines + size > self.most_lines:
                lines = 0
                if title:
                    planned.append(_titled(f"### {title} (continued)", "subslide"))
                else:
                    _set_type(cell, "subslide")
            planned.append(cell)
            lines += size
        return planned


def split_at_headings(cell: NotebookNode) -> list[NotebookNode]:
    """Cut a Markdown cell before each heading of level 1 to 3, code fences left whole."""
    if cell.cell_type != "markdown" or slide_type(cell) == "notes":
        return [cell]
    parts: list[list[str]] = [[]]
    fenced = False
    for line in cell.source.split("\n"):
        fenced ^= bool(_FENCE.match(line))
        if not fenced and _HEADING.match(line) and any(text.strip() for text in parts[-1]):
            parts.append([])
        parts[-1].append(line)
    return [_with_source(cell, "\n".join(part)) for part in parts]


def notes_first(cells: list[NotebookNode]) -> list[NotebookNode]:
    """Move the notes of each slide just after its first cell.

    Left after a fragment they would belong to it, and reveal.js shows a fragment's notes only while it is current.
    """
    slides: list[tuple[list[NotebookNode], list[NotebookNode]]] = [([], [])]
    for cell in cells:
        shown, notes = slides[-1]
        if slide_type(cell) == "notes":
            notes.append(cell)
        elif slide_type(cell) in {"slide", "subslide"} and shown:
            slides.append(([cell], []))
        else:
            shown.append(cell)
    return [cell for shown, notes in slides for cell in [*shown[:1], *notes, *shown[1:]]]


def lines_shown(cell: NotebookNode) -> int:
    """Return about how many lines of a slide a cell and its outputs take."""
    blank = 1 if cell.cell_type == "markdown" else 2
    text = sum(1 + len(line) // 80 for line in cell.source.split("\n") if line.strip() or cell.cell_type == "code")
    return blank + text + sum(_output_lines(output) for output in cell.get("outputs", []))


def _output_lines(output: NotebookNode) -> int:
    if output.output_type == "error":
        return min(14, len("\n".join(output.traceback).split("\n")))
    data = output.get("data", {})
    if any(kind.startswith("image/") for kind in data):
        return _PICTURE_LINES
    if "text/html" in data:
        return min(12, data["text/html"].count("<tr")) or _TABLE_LINES
    return min(14, len(output.get("text", data.get("text/plain", "")).split("\n")))


def _first_heading(cell: NotebookNode) -> str:
    if cell.cell_type != "markdown" or slide_type(cell) == "notes":
        return ""
    found = _HEADING.match(cell.source.strip().split("\n", 1)[0])
    return found[1] if found else ""


def _set_type(cell: NotebookNode, kind: str) -> None:
    cell.metadata["slideshow"] = {"slide_type": kind}


def _titled(source: str, kind: str = "slide") -> NotebookNode:
    cell: NotebookNode = new_markdown_cell(source)  # type: ignore[no-untyped-call]
    _set_type(cell, kind)
    return cell


def _with_source(cell: NotebookNode, source: str) -> NotebookNode:
    kept = {"attachments": cell.attachments} if "attachments" in cell else {}
    metadata = copy.deepcopy(cell.metadata)
    part: NotebookNode = new_markdown_cell(source, metadata=metadata, **kept)  # type: ignore[no-untyped-call]
    return part
