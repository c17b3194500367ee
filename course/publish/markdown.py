"""What pages and paper share: Markdown as HTML, the names of headings, slide types, and the menu left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from mistune import HTMLRenderer
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbconvert.preprocessors import Preprocessor

from course.publish.mathematics import AddFormula, formulas_in_html

if TYPE_CHECKING:
    from nbformat import NotebookNode

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
    add_formula: AddFormula,
    warn: Callable[[str], object],
    *,
    attachments: dict[str, Any] | None = None,
    highlighted: bool = True,
) -> str:
    """Return the HTML of a Markdown text; a picture whose attachment is missing keeps its ``attachment:`` address.

    ``add_formula`` takes each formula and says what stands for it, ``warn`` is told in one line what is not shown as it
    should be. ``attachments`` are by name then MIME type. Code not ``highlighted`` is ``<pre data-language="…">``.
    """
    renderer = _Renderer(add_formula, warn, attachments=attachments or {}, highlighted=highlighted)
    return MarkdownWithMath(renderer=renderer).render(source)


class _Renderer(IPythonRenderer):
    def __init__(
        self, add_formula: AddFormula, warn: Callable[[str], object], *, attachments: dict[str, Any], highlighted: bool
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


def slide_type(cell: Mapping[str, Any]) -> str:
    """Return ``slide``, ``subslide``, ``fragment``, ``notes``, ``skip`` or ``-``, which is also said by no metadata."""
    slideshow = cell.get("metadata", {}).get("slideshow")
    return str((slideshow.get("slide_type") if isinstance(slideshow, dict) else None) or "-")


def is_menu(output: Mapping[str, Any]) -> bool:
    """Tell whether a cell output is the menu that ``course.add_notebook_menu`` displays."""
    return bool(output.get("metadata", {}).get("course", {}).get("menu"))


class DropMenu(Preprocessor):
    """Remove the menu from formats that have a table of contents, and the cells that show nothing else."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Return the notebook without its menu."""
        nb.cells = [cell for cell in nb.cells if not (cell.get("outputs") and all(map(is_menu, cell.outputs)))]
        for cell in nb.cells:
            if cell.cell_type == "code":
                cell.outputs = [output for output in cell.outputs if not is_menu(output)]
        return nb, resources
