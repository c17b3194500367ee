"""Read markdown as a tree of HTML with nbconvert's own parser, formulas kept apart."""

from __future__ import annotations

import re
from html import escape
from typing import Any

from bs4 import BeautifulSoup
from bs4.exceptions import ParserRejectedMarkup

from course.publish.markdown import markdown_to_html
from course.publish.typst.markup import printable

# html.parser alone: it is in the standard library and its tree does not depend on what else is installed.
_PARSER = "html.parser"
# An SVG picture is kept as it is written: html.parser would lower the case of its attributes.
_SVG = re.compile(r"<svg\b.*?</svg\s*>", re.DOTALL | re.IGNORECASE)


def markdown_tree(source: str, attachments: dict[str, Any] | None = None) -> BeautifulSoup:
    """Return the HTML tree of a markdown text; formulas are ``<x-math>`` elements holding their LaTeX source."""
    html = markdown_to_html(_clean(source), _element, lambda _warning: None, attachments=attachments, highlighted=False)
    return html_tree(html)


def _element(latex: str, *, display: bool) -> str:
    attribute = ' data-display=""' if display else ""
    return f"<x-math{attribute}>{escape(latex)}</x-math>"


def _clean(source: str) -> str:
    return printable(source.replace("\r\n", "\n").replace("\r", "\n"))


def html_tree(source: str) -> BeautifulSoup:
    """Return the tree of an HTML text, however broken; what no parser accepts is a plain text."""
    # The newline at the end tells Beautiful Soup that a short text is not a file name.
    source = _SVG.sub(lambda match: f'<x-svg data-source="{escape(match[0])}"></x-svg>', _clean(source)) + "\n"
    try:
        return BeautifulSoup(source, _PARSER)
    except (ParserRejectedMarkup, AssertionError):
        return BeautifulSoup(escape(source), _PARSER)
