"""The lesson as an A4 article: title, contents, cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from course.publish.markdown import HEADINGS
from course.publish.typst.anchors import name_headings
from course.publish.typst.cells import ReadCell, read_cells, set_cell
from course.publish.typst.compiler import compile_pdf, template
from course.publish.typst.markup import array, call, literal

if TYPE_CHECKING:
    from bs4 import Tag

    from course.publish.typst.parts import Context

# Below this number of headings a table of contents is longer than what it saves.
_FEWEST_HEADINGS = 3


@dataclass(frozen=True)
class Identity:
    """What a document is called: title and authors, as they are in the PDF's metadata."""

    title: str
    authors: tuple[str, ...]


def article_pdf(notebook: Mapping[str, Any], context: Context, identity: Identity) -> bytes:
    """Return the PDF of a lesson, without its speaker notes.

    Raises:
        BuildError: Typst refuses the document.
        MissingDependencyError: the typst package is not installed.
    """
    cells = [cell for cell in read_cells(notebook) if cell.slide_type != "notes"]
    _take_title(cells)
    trees = [cell.tree for cell in cells if cell.tree is not None]
    headings: list[Tag] = [heading for tree in trees for heading in tree.find_all(HEADINGS)]
    highest = min((int(heading.name[1]) for heading in headings), default=1)
    context = replace(context, anchors=name_headings(trees), heading_offset=highest - 1)
    body = "\n".join(set_cell(cell, context) for cell in cells)
    opening = call(
        "article",
        "{" + body + "}",
        **identity_arguments(identity, context),
        contents=literal(context.captions.contents) if len(headings) >= _FEWEST_HEADINGS else "none",
    )
    return compile_pdf(template("common", "article"), f"#{opening}", context.parts)


def identity_arguments(identity: Identity, context: Context) -> dict[str, str]:
    """Return the arguments of every template: title, authors, language."""
    return {
        "title": literal(identity.title),
        "authors": array(literal(author) for author in identity.authors),
        "language": literal(context.captions.language),
    }


def _take_title(cells: list[ReadCell]) -> None:
    """Remove the first ``#`` heading: it is set as the title of the document."""
    for cell in cells:
        heading = cell.tree.find("h1") if cell.tree is not None else None
        if heading is not None:
            heading.extract()
            return
