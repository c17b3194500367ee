"""Read markdown as a tree of HTML with nbconvert's own parser, formulas kept apart."""

from __future__ import annotations

import re
from html import escape
from typing import Any

from bs4 import BeautifulSoup
from bs4.exceptions import ParserRejectedMarkup
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from course.publish.typst.markup import printable

# html.parser alone: it is in the standard library and its tree does not depend on what else is installed.
_PARSER = "html.parser"
# An SVG picture is kept as it is written: html.parser would lower the case of its attributes.
_SVG = re.compile(r"<svg\b.*?</svg\s*>", re.DOTALL | re.IGNORECASE)


class _Renderer(IPythonRenderer):
    """nbconvert's renderer, with formulas and code left to the exporter."""

    def block_code(self, code: str, info: str | None = None) -> str:
        language = (info or "").split(maxsplit=1)[0] if (info or "").strip() else ""
        return f'<pre data-language="{escape(language)}">{escape(code)}</pre>\n'

    def block_math(self, body: str) -> str:
        return f'<x-math data-display="">{escape(body)}</x-math>'

    def inline_math(self, body: str) -> str:
        return f"<x-math>{escape(body)}</x-math>"

    def latex_environment(self, name: str, body: str) -> str:
        return self.block_math(f"\\begin{{{name}}}{body}\\end{{{name}}}")

    def _embed_image_or_attachment(self, src: str) -> str:
        name = src.removeprefix("attachment:")
        if name != src and name not in self.attachments:
            return name
        return str(super()._embed_image_or_attachment(src))


def markdown_tree(source: str, attachments: dict[str, Any] | None = None) -> BeautifulSoup:
    """Return the HTML tree of a markdown text; formulas are ``<x-math>`` elements holding their LaTeX source."""
    renderer = _Renderer(escape=False, exclude_anchor_links=True, attachments=attachments or {})
    return html_tree(MarkdownWithMath(renderer=renderer).render(_clean(source)))


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
