"""What pages and paper share: Markdown as HTML, the names of headings, slide types, and the menu left out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from mistune import HTMLRenderer
from mistune.plugins.table import table_in_list, table_in_quote
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbconvert.preprocessors import Preprocessor

from course.publish.mathematics import REFERENCE, AddFormula, formulas_in_html

if TYPE_CHECKING:
    from mistune import BlockState
    from nbformat import NotebookNode

HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")

# A table of GitHub's Markdown, which JupyterLab reads: a row with a bar, then dashes under each of its cells.
_TABLE = (
    r"^ {0,3}(?=\S)[^\n]*\|[^\n]*\n {0,3}(?=[^\n]*\|)\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*(?:\n|$)"
)
# What a bar does not cut: a formula, which two amounts of money are not, and an escaped bar.
_IN_CELL = re.compile(r"\$\$[^$]+\$\$|\$(?! )[^$]+(?<![ \\])\$(?!\d)|\$ [^$]+ \$|(?P<bar>\\\|)|\\.|[^|]")
_ALIGNS = {(False, False): None, (True, False): "left", (False, True): "right", (True, True): "center"}
_ENDS_TABLE = re.compile(r"[ ]{0,3}(?:>|#{1,6}[ \t]|```|~~~|[-*+][ \t]|\d{1,9}[.)][ \t]|<[A-Za-z/!])")


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
    markdown = MarkdownWithMath(renderer=renderer)
    for name in ("table", "nptable"):
        markdown.block.register(name, _TABLE, lambda _, match, state: _parse_table(match, state, warn))
    table_in_list(markdown)
    table_in_quote(markdown)
    return markdown.render(source)


def read_unseen(cells: Iterable[Mapping[str, Any]], add_formula: AddFormula) -> None:
    """Take the formulas of cells that are not shown: their macros are used by others."""
    for cell in cells:
        if cell["cell_type"] == "markdown":
            markdown_to_html(cell["source"], add_formula, len, attachments=cell.get("attachments"))


def _parse_table(match: re.Match[str], state: BlockState, warn: Callable[[str], object]) -> int | None:
    """Read a table as JupyterLab does: a row too short is filled, what a row has too much is left out."""
    header, rule = (_cells(line) for line in match[0].rstrip("\n").split("\n"))
    if len(header) != len(rule):
        return None
    aligns = [_ALIGNS[cell[:1] == ":", cell[-1:] == ":"] for cell in rule]

    def row(cells: list[str], *, head: bool) -> list[dict[str, Any]]:
        if any(cells[len(aligns) :]):
            warn(f"cells of a table beyond its header are left out: {' | '.join(cells[len(aligns) :])[:80]}")
        filled = [*cells, *[""] * len(aligns)][: len(aligns)]
        about = ({"align": align, "head": head} for align in aligns)
        return [{"type": "table_cell", "text": text, "attrs": one} for text, one in zip(filled, about, strict=True)]

    place, rows = match.end(), []
    while place < state.cursor_max and (line := state.get_line(place)).strip() and not _ENDS_TABLE.match(line):
        rows.append({"type": "table_row", "children": row(_cells(line), head=False)})
        place += len(line)
    head = {"type": "table_head", "children": row(header, head=True)}
    state.append_token({"type": "table", "children": [head, {"type": "table_body", "children": rows}]})
    return place


def _cells(line: str) -> list[str]:
    """Cut a row of a table at its bars."""
    cells, text = [""], line.strip().removeprefix("|")
    while text:
        found = _IN_CELL.match(text)
        if found is None:
            cells.append("")
        else:
            cells[-1] += "|" if found["bar"] else found[0]
        text = text[found.end() if found else 1 :]
    # a bar at the end of the line closes the last cell
    return [cell.strip() for cell in (cells if cells[-1].strip() or len(cells) == 1 else cells[:-1])]


class _Renderer(IPythonRenderer):
    def __init__(
        self, add_formula: AddFormula, warn: Callable[[str], object], *, attachments: dict[str, Any], highlighted: bool
    ) -> None:
        super().__init__(escape=False, exclude_anchor_links=True, attachments=attachments)
        self._add, self._warn, self._highlighted = add_formula, warn, highlighted

    def text(self, text: str) -> str:
        return REFERENCE.sub(lambda found: self._add(found[0], display=False), super().text(text))

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
        if name != url and name not in self.attachments:
            name = unquote(name)
            url = f"attachment:{name}" if name in self.attachments else url
        is_missing = url.startswith("attachment:") and name not in self.attachments
        # nbconvert would stop at a missing attachment
        return str(HTMLRenderer.image(self, text, url, title) if is_missing else super().image(text, url, title))


def place_of(cell: Mapping[str, Any]) -> str:
    """Return what says to the author which cell is meant."""
    first_line = str(cell.get("source", "")).strip().partition("\n")[0]
    return f"in the cell that begins with {first_line[:60]!r}" if first_line else "in a cell without source"


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
