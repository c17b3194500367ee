"""Set the cells of a notebook, whatever document they go to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from course.publish.typst.code import code_cell, text_output
from course.publish.typst.html_walker import HtmlWalker
from course.publish.typst.markdown import markdown_tree
from course.publish.typst.markup import EMPTY, block
from course.publish.typst.outputs import outputs

if TYPE_CHECKING:
    from bs4 import BeautifulSoup

    from course.publish.typst.parts import Context


@dataclass(frozen=True)
class ReadCell:
    """A cell of the notebook, its markdown already read.

    Attributes:
        cell: the notebook's cell.
        tree: HTML tree of a markdown cell, ``None`` for another cell.
    """

    cell: Mapping[str, Any]
    tree: BeautifulSoup | None

    @property
    def slide_type(self) -> str:
        """``slide``, ``subslide``, ``fragment``, ``notes``, ``skip`` or ``-``."""
        return str(self.cell.get("metadata", {}).get("slideshow", {}).get("slide_type") or "-")


def read_cells(notebook: Mapping[str, Any]) -> list[ReadCell]:
    """Return the cells of a notebook, markdown parsed once."""
    return [ReadCell(cell, _tree(cell) if cell["cell_type"] == "markdown" else None) for cell in notebook["cells"]]


def _tree(cell: Mapping[str, Any]) -> BeautifulSoup:
    return markdown_tree(str(cell["source"]), cell.get("attachments"))


def set_cell(read: ReadCell, context: Context) -> str:
    """Return the Typst expression of a cell."""
    if read.tree is not None:
        content = HtmlWalker(context, read.tree).walk()
        return EMPTY if content == EMPTY else block(["parbreak()", content, "parbreak()"])
    if read.cell["cell_type"] == "code":
        return _set_code(read.cell, context)
    # A raw cell meant for another format is not for this one.
    meant_for = read.cell.get("metadata", {}).get("format", read.cell.get("metadata", {}).get("raw_mimetype", ""))
    return EMPTY if meant_for else text_output(str(read.cell["source"]), context)


def _set_code(cell: Mapping[str, Any], context: Context) -> str:
    hidden = cell.get("metadata", {}).get("jupyter", {})
    count = cell.get("execution_count")
    shown = EMPTY if hidden.get("outputs_hidden") else outputs(cell.get("outputs", []), context)
    if hidden.get("source_hidden"):
        return shown
    prompt = None if count is None else str(count)
    return block([code_cell(str(cell["source"]), prompt, context, leads=shown != EMPTY), shown])
