"""Set the cells of a notebook, whatever document they go to: text, code, and the best form of each output."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from bs4 import BeautifulSoup

from course.publish.markdown import HEADINGS, markdown_to_html, place_of, read_unseen
from course.publish.mathematics import Mathematics, formulas_in_html
from course.publish.paper.compiler import EMPTY, block, call, literal, paragraph, printable
from course.publish.paper.html_walker import HtmlWalker
from course.publish.paper.images import SUFFIXES, data_bytes, image
from course.publish.paper.monospaced import code_cell, text_output
from course.publish.safe_html import without_open_marks

if TYPE_CHECKING:
    from course.publish.mathematics import AddFormula
    from course.publish.paper.column import Context
    from course.publish.paper.compiler import Parts

_WIDGET = "application/vnd.jupyter.widget-view+json"
# An SVG picture is kept as it is written: html.parser would lower the case of its attributes.
_SVG = re.compile(r"<svg\b.*?</svg\s*>", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True)
class ReadCell:
    """A cell of the notebook; ``tree`` is the HTML of a Markdown cell, ``outputs`` that of the outputs set as HTML."""

    cell: Mapping[str, Any]
    tree: BeautifulSoup | None
    outputs: tuple[BeautifulSoup | None, ...] = ()


def read_cells(cells: Iterable[Mapping[str, Any]], unseen: Iterable[Mapping[str, Any]], parts: Parts) -> list[ReadCell]:
    """Return the cells of a notebook, their HTML parsed once; formulas are ``<x-math>`` elements, kept in ``parts``.

    Of ``unseen`` cells only the macros are taken.
    """
    mathematics, numbers = Mathematics(where=None), itertools.count()

    def element(latex: str, *, display: bool) -> str:
        mathematics.add(latex, display=display)
        return f'<x-math data-number="{next(numbers)}">{escape(latex)}</x-math>'

    read_unseen(unseen, element)
    read = []
    for cell in cells:
        parts.where = mathematics.where = place_of(cell)
        if cell["cell_type"] == "markdown":
            source, attachments = _clean(cell["source"]), cell.get("attachments")
            html = markdown_to_html(source, element, parts.warn, attachments=attachments, highlighted=False)
            read.append(ReadCell(cell, html_tree(html)))
        else:
            outputs = (_read_output(output.get("data", {}), element, parts) for output in cell.get("outputs", []))
            read.append(ReadCell(cell, None, tuple(outputs)))
    parts.formulas, problems = mathematics.formulas()
    parts.warnings += problems
    return read


def _read_output(data: Mapping[str, Any], element: AddFormula, parts: Parts) -> BeautifulSoup | None:
    """Return the tree of an output, its headings as bold paragraphs: they are no part of the lesson's contents."""
    kind = next((kind for kind in ("text/html", "text/latex", "text/markdown") if kind in data), "")
    if not kind or _WIDGET in data or any(picture in data for picture in SUFFIXES):
        return None
    source = _clean(data[kind])
    if kind == "text/latex":
        source = formulas_in_html(escape(source, quote=False), element)
    elif kind == "text/markdown":
        source = markdown_to_html(source, element, parts.warn, highlighted=False)
    tree = html_tree(source)
    for heading in tree.find_all(HEADINGS):
        heading.name = "strong"
        heading.wrap(tree.new_tag("p"))
    return tree


def html_tree(source: str) -> BeautifulSoup:
    """Return the tree of an HTML text, however broken."""
    # The newline at the end tells Beautiful Soup that a short text is not a file name.
    source = _SVG.sub(lambda match: f'<x-svg data-source="{escape(match[0])}"></x-svg>', _clean(source)) + "\n"
    # html.parser alone: it is in the standard library and its tree does not depend on what else is installed.
    return BeautifulSoup(without_open_marks(source), "html.parser")


def _clean(source: str) -> str:
    return printable(source.replace("\r\n", "\n").replace("\r", "\n"))


def set_cells(cells: list[ReadCell], context: Context) -> str:
    """Return the Typst expression of consecutive cells, ``[]`` when nothing of them shows."""
    shown = []
    for cell in cells:
        context.parts.where = place_of(cell.cell)
        shown.append(_set_cell(cell, context))
        context.parts.printed.append((context.parts.where, shown[-1]))
    return block(shown)


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
    shown = block(_set_output(output, tree, context) for output, tree in zip(outputs, read.outputs, strict=False))
    if hidden.get("source_hidden"):
        return shown
    prompt = cell.get("execution_count")
    return block([code_cell(cell["source"], prompt, context, leads=shown != EMPTY), shown])


def _set_output(output: Mapping[str, Any], tree: BeautifulSoup | None, context: Context) -> str:
    kind = output["output_type"]
    if kind == "stream":
        return text_output(output["text"], context, "stderr" if output.get("name") == "stderr" else "stream")
    if kind == "error":
        traceback = "\n".join(output.get("traceback", []))
        return text_output(traceback or f"{output.get('ename')}: {output.get('evalue')}", context, "error")
    data, metadata = output.get("data", {}), output.get("metadata", {})
    for mimetype in SUFFIXES:
        if mimetype in data:
            asked = metadata.get(mimetype)
            asked = asked if isinstance(asked, dict) else {}
            alt = str(asked.get("alt") or metadata.get("alt") or "")
            return image(data_bytes(mimetype, data[mimetype]), SUFFIXES[mimetype], context, alt, asked)
    if tree is not None:
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
