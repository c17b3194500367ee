"""Write Markdown as HTML with nbconvert's own parser, formulas set apart for MathML."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

if TYPE_CHECKING:
    from course.publish.page import Page


class PageRenderer(IPythonRenderer):
    """nbconvert's renderer, but formulas go to the page's mathematics and missing attachments do not stop it."""

    def __init__(self, page: Page, **options: Any) -> None:
        super().__init__(escape=False, exclude_anchor_links=True, **options)
        self._page = page

    def inline_math(self, body: str) -> str:
        """Set a formula inside a line."""
        return self._page.mathematics.add(body, display=False)

    def block_math(self, body: str) -> str:
        """Set a formula on lines of its own."""
        return self._page.mathematics.add(body, display=True)

    def latex_environment(self, name: str, body: str) -> str:
        """Set an environment such as ``align``."""
        return self._page.mathematics.add(f"\\begin{{{name}}}{body}\\end{{{name}}}", display=True)

    def block_html(self, html: str) -> str:
        """Keep a block of HTML as it is, its formulas set, as Jupyter does."""
        return self._page.mathematics.add_in_html(str(super().block_html(html)))

    def block_mermaidjs(self, code: str) -> str:
        """Show a diagram as its source: drawing it needs a script of several megabytes."""
        self._page.warn("a mermaid diagram is shown as its source")
        return f"<pre><code>{html.escape(code.strip(), quote=False)}</code></pre>"

    def image(self, text: str, url: str, title: str | None = None) -> str:
        """Show an image inside the page."""
        name = url.removeprefix("attachment:")
        if url != name and name not in self.attachments:
            self._page.warn(f"the attachment {name!r} is missing from its cell")
            return f"<em>{html.escape(text or name, quote=False)}</em>"
        return str(super().image(text, url, title))


def markdown_to_html(source: str, page: Page, *, attachments: dict[str, Any]) -> str:
    """Return the HTML of a Markdown text.

    Args:
        source: the text.
        page: the page it goes to; its formulas and warnings are added there.
        attachments: pictures carried by the cell, by name then MIME type.
    """
    renderer = PageRenderer(page, attachments=attachments)
    return str(MarkdownWithMath(renderer=renderer).render(source))
