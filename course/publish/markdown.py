"""Markdown as HTML, for pages and for paper: nbconvert's own parser, formulas and code handed over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from html import escape
from typing import Any

from mistune import HTMLRenderer
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from course.publish.mathematics import Add, formulas_in_html

HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")


class Identifiers:
    """Names the headings of one document, so that a link to ``#A-heading`` finds it."""

    def __init__(self) -> None:
        self._used: Counter[str] = Counter()

    def name(self, text: str) -> str:
        """Return an identifier not used yet, built as Jupyter does: spaces become hyphens, case is kept."""
        wanted = "-".join(text.split()) or "section"
        self._used[wanted] += 1
        count = self._used[wanted]
        return wanted if count == 1 else self.name(f"{wanted}-{count}")


def markdown_to_html(
    source: str,
    add_formula: Add,
    warn: Callable[[str], object],
    *,
    attachments: dict[str, Any] | None = None,
    highlighted: bool = True,
) -> str:
    """Return the HTML of a Markdown text; a picture whose attachment is missing keeps its ``attachment:`` address.

    Args:
        source: the text.
        add_formula: takes each formula, and says what stands for it in the HTML.
        warn: told in one line what is not shown as it should be.
        attachments: pictures carried by the cell, by name then MIME type.
        highlighted: whether code is coloured by classes; else it is ``<pre data-language="…">``.
    """
    renderer = _Renderer(add_formula, warn, attachments=attachments or {}, highlighted=highlighted)
    return MarkdownWithMath(renderer=renderer).render(source)


class _Renderer(IPythonRenderer):
    def __init__(
        self, add_formula: Add, warn: Callable[[str], object], *, attachments: dict[str, Any], highlighted: bool
    ) -> None:
        super().__init__(escape=False, exclude_anchor_links=True, attachments=attachments)
        self._add, self._warn, self._highlighted = add_formula, warn, highlighted

    def inline_math(self, body: str) -> str:
        return self._add(body, display=False)

    def block_math(self, body: str) -> str:
        return self._add(body, display=True)

    def latex_environment(self, name: str, body: str) -> str:
        return self._add(f"\\begin{{{name}}}{body}\\end{{{name}}}", display=True)

    def block_html(self, html: str) -> str:
        # Jupyter sets the formulas of a block of HTML too
        return formulas_in_html(str(super().block_html(html)), self._add)

    def block_code(self, code: str, info: str | None = None) -> str:
        if self._highlighted:
            return str(super().block_code(code, info))
        language = next(iter((info or "").split()), "")
        return f'<pre data-language="{escape(language)}">{escape(code)}</pre>\n'

    def block_mermaidjs(self, code: str) -> str:
        self._warn("a mermaid diagram is shown as its source")  # drawing it needs a script of several megabytes
        return f"<pre><code>{escape(code.strip(), quote=False)}</code></pre>"

    def image(self, text: str, url: str, title: str | None = None) -> str:
        name = url.removeprefix("attachment:")
        is_missing = name != url and name not in self.attachments
        # nbconvert would stop at a missing attachment
        return str(HTMLRenderer.image(self, text, url, title) if is_missing else super().image(text, url, title))
