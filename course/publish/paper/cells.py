"""Set the cells of a notebook, whatever document they go to: text, code, and the best form of each output."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING, Any

from bs4 import BeautifulSoup
from bs4.exceptions import ParserRejectedMarkup

from course.publish.markdown import HEADINGS, markdown_to_html
from course.publish.paper.compiler import EMPTY, block, call, literal, paragraph, printable
from course.publish.paper.html_walker import HtmlWalker
from course.publish.paper.images import SUFFIXES, data_bytes, image
from course.publish.paper.monospaced import code_cell, text_output

if TYPE_CHECKING:
    from course.publish.paper.column import Context

_WIDGET = "application/vnd.jupyter.widget-view+json"
# An SVG picture is kept as it is written: html.parser would lower the case of its attributes.
_SVG = re.compile(r"<svg\b.*?</svg\s*>", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True)
class ReadCell:
    """A cell of the notebook; ``tree`` is the HTML of a Markdown cell, ``None`` for another cell."""

    cell: Mapping[str, Any]
    tree: BeautifulSoup | None


def read_cells(notebook: Mapping[str, Any]) -> list[ReadCell]:
    """Return the cells of a notebook, Markdown parsed once."""
    return [
        ReadCell(
            cell, markdown_tree(cell["source"], cell.get("attachments")) if cell["cell_type"] == "markdown" else None
        )
        for cell in notebook["cells"]
    ]


def markdown_tree(source: str, attachments: dict[str, Any] | None = None) -> BeautifulSoup:
    """Return the HTML tree of a Markdown text; formulas are ``<x-math>`` elements holding their LaTeX source."""

    def element(latex: str, *, display: bool) -> str:
        return f"<x-math{' data-display' if display else ''}>{escape(latex)}</x-math>"

    # What paper cannot show is told when it is set.
    html = markdown_to_html(_clean(source), element, lambda _: None, attachments=attachments, highlighted=False)
    return html_tree(html)


def html_tree(source: str) -> BeautifulSoup:
    """Return the tree of an HTML text, however broken; what no parser accepts is a plain text."""
    # The newline at the end tells Beautiful Soup that a short text is not a file name.
    source = _SVG.sub(lambda match: f'<x-svg data-source="{escape(match[0])}"></x-svg>', _clean(source)) + "\n"
    # html.parser alone: it is in the standard library and its tree does not depend on what else is installed.
    try:
        return BeautifulSoup(source, "html.parser")
    except (ParserRejectedMarkup, AssertionError):
        return BeautifulSoup(escape(source), "html.parser")


def _clean(source: str) -> str:
    return printable(source.replace("\r\n", "\n").replace("\r", "\n"))


def set_cells(cells: list[ReadCell], context: Context) -> str:
    """Return the Typst expression of consecutive cells, ``[]`` when nothing of them shows."""
    return block(_set_cell(cell, context) for cell in cells)


def _set_cell(read: ReadCell, context: Context) -> str:
    if read.tree is not None:
        return paragraph(HtmlWalker(context, read.tree).walk())
    cell, metadata = read.cell, read.cell.get("metadata", {})
    if cell["cell_type"] != "code":
        # A raw cell meant for another format is not for this one.
        meant_for = metadata.get("format", metadata.get("raw_mimetype", ""))
        return EMPTY if meant_for else text_output(cell["source"], context)
    hidden = metadata.get("jupyter", {})
    outputs = [] if hidden.get("outputs_hidden") else cell.get("outputs", [])
    shown = block(_set_output(output, context) for output in outputs)
    if hidden.get("source_hidden"):
        return shown
    prompt = cell.get("execution_count")
    return block([code_cell(cell["source"], prompt, context, leads=shown != EMPTY), shown])


def _set_output(output: Mapping[str, Any], context: Context) -> str:
    kind = output["output_type"]
    if kind == "stream":
        return text_output(output["text"], context, "stderr" if output.get("name") == "stderr" else "stream")
    if kind == "error":
        traceback = "\n".join(output.get("traceback", []))
        return text_output(traceback or f"{output.get('ename')}: {output.get('evalue')}", context, "error")
    return _set_data(output.get("data", {}), output.get("metadata", {}), context)


def _set_data(data: Mapping[str, Any], metadata: Mapping[str, Any], context: Context) -> str:
    for mimetype in SUFFIXES:
        if mimetype in data:
            asked = metadata.get(mimetype)
            asked = asked if isinstance(asked, dict) else {}
            alt = str(asked.get("alt") or metadata.get("alt") or "")
            return image(data_bytes(mimetype, data[mimetype]), SUFFIXES[mimetype], context, alt, asked)
    for mimetype in ("text/html", "text/latex", "text/markdown"):
        if mimetype in data and _WIDGET not in data:
            tree = _read_output(data[mimetype], is_html=mimetype == "text/html")
            content = HtmlWalker(context, tree).walk()
            shows = tree.get_text().strip() or tree.find(["img", "x-svg", "table", "iframe", "video", "audio", "hr"])
            if shows and content.strip("[] \n"):
                return call("html-output", content)
    return _set_plain(data, context)


def _set_plain(data: Mapping[str, Any], context: Context) -> str:
    kinds = ", ".join(mimetype for mimetype in data if mimetype != "text/plain")
    if "text/plain" in data:
        text = data["text/plain"]
        if _WIDGET in data or "javascript" in kinds:
            context.parts.warn(f"output shown as its text, paper has no {kinds}: {text[:80]}")
        return text_output(text, context)
    if not kinds:
        return EMPTY
    context.parts.warn(f"output not shown: {kinds}, without a text form")
    return call("missing", literal(context.words("no_text", kinds=kinds)))


@lru_cache(maxsize=32)  # a slide is set again at each step of shrinking
def _read_output(source: str, *, is_html: bool) -> BeautifulSoup:
    """Return the tree of an output, its headings as bold paragraphs: they are no part of the lesson's contents."""
    tree = html_tree(source) if is_html else markdown_tree(source)
    for heading in tree.find_all(HEADINGS):
        heading.name = "strong"
        heading.wrap(tree.new_tag("p"))
    return tree
