"""Publish a notebook as one file of slides: reveal.js and the speaker's notes inside, no network."""

from __future__ import annotations

import copy
import itertools
import re
from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING, Any

from nbconvert.exporters import SlidesExporter as RevealExporter
from nbconvert.preprocessors import Preprocessor
from nbformat.v4 import new_markdown_cell
from traitlets import default
from traitlets.config import Config

from course.headings import headings
from course.publish.markdown import slide_type
from course.publish.page_html import HTMLPageExporter, template_text
from course.publish.safe_html import NAME, RUN_BY_REVEAL, is_remote, policy, without_fetches
from course.shipped import shipped_folder, wheel_file

if TYPE_CHECKING:
    from nbformat import NotebookNode

_SLIDE = {"slideshow": {"slide_type": "slide"}}
_ENDS_SCRIPT = re.compile(r"<(?=!--|/?script)", re.IGNORECASE)


class SlidesExporter(HTMLPageExporter, RevealExporter):
    """Exports a notebook as reveal.js slides that open from a disk, speaker view included."""

    export_from_notebook = "Course slides (reveal.js, one file)"

    @default("template_name")
    def _template_name_default(self) -> str:
        return "course_slides"

    @property
    def default_config(self) -> Config:
        """Outputs cut to what a slide can hold: 1280 x 720 with the theme's 20-pixel table text."""
        config: Config = super().default_config
        outputs = {"most_lines": 14, "most_characters": 400, "table_rows": 11, "table_characters": 100}
        config.merge(Config({"CellsToHTML": {"is_deck": True} | outputs}))
        return config

    def default_filters(self) -> Iterator[tuple[str, Any]]:
        """Add the filter that writes a slide's own attributes."""
        yield from super().default_filters()
        yield "slide_attributes", slide_attributes

    def inlined(self) -> dict[str, Any]:
        """Return the styles and scripts of reveal.js and of the deck.

        Raises:
            MissingDependencyError: reveal.js or the theme is not installed.
        """
        styles = [re.sub(r"/\*.*?\*/", "", _reveal("dist/reveal.css"), flags=re.DOTALL).strip()]
        styles += [template_text("course_cells", "cells.css"), template_text("course_slides", "slides.css")]
        styles += [(shipped_folder("slides") / "theme.css").read_text(encoding="utf-8")]
        # a heading named exports, and one named module, would be taken for a loader of modules
        reveal = f"var define, exports, module;\n{inline_script('dist/reveal.js')}"
        scripts = [reveal, inline_script("plugin/notes/notes.js")]
        scripts += [template_text("course_slides", "slides.js").strip()]
        # the plugin writes this script into the window of the speaker, which shows the deck in frames
        of_speaker = _reveal("plugin/notes/speaker-view.html").partition("<script>")[2].partition("</script>")[0]
        return {
            "style": "\n".join(styles),
            "scripts": scripts,
            "policy": policy(*scripts, of_speaker, frames="'self' file:"),
        }


class PlanSlides(Preprocessor):
    """Leave out skipped cells, and put speaker notes where reveal.js always shows them.

    Where no cell says what begins a slide, headings of level 1 to 3 do.
    """

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Return the notebook with a slide type on each cell that begins something, and at least one slide."""
        resources["course_unseen"] = [cell for cell in nb.cells if slide_type(cell) == "skip"]
        cells = [cell for cell in nb.cells if slide_type(cell) != "skip"]
        if all(slide_type(cell) in {"-", "notes"} for cell in cells):
            cells = [part for cell in cells for part in slides_at_titles(cell)]
        if all(slide_type(cell) == "notes" for cell in cells):
            title = f"# {resources['metadata']['name'] or 'Notebook'}"
            cells.append(new_markdown_cell(title, metadata=_SLIDE))  # type: ignore[no-untyped-call]
        nb.cells = notes_first(cells)
        return nb, resources


def slides_at_titles(cell: NotebookNode) -> list[NotebookNode]:
    """Cut a Markdown cell before each heading of level 1 to 3, and make a slide begin there."""
    if cell.cell_type != "markdown" or slide_type(cell) == "notes":
        return [cell]
    source = cell.source.replace("\r\n", "\n")
    titles = [heading for heading in headings(source) if heading.level <= 3 and heading.text.strip()]
    begins = [0 if title.starts_cell else title.start or 0 for title in titles if title.starts_cell or title.start]
    places = sorted({0, *begins})
    parts = []
    for start, end in itertools.pairwise([*places, len(source)]):
        part = new_markdown_cell(source[start:end])  # type: ignore[no-untyped-call]
        part.update(copy.deepcopy({name: cell[name] for name in ("metadata", "attachments") if name in cell}))
        part.metadata.update(_SLIDE if start in begins else {})
        parts.append(part)
    return parts


def notes_first(cells: list[NotebookNode]) -> list[NotebookNode]:
    """Move the notes of each slide just after its first cell.

    Left after a fragment they would belong to it, and reveal.js shows a fragment's notes only while it is current.
    """
    slides: list[tuple[list[NotebookNode], list[NotebookNode]]] = [([], [])]
    for cell in cells:
        shown, notes = slides[-1]
        if slide_type(cell) == "notes":
            notes.append(cell)
        elif slide_type(cell) in {"slide", "subslide"} and shown:
            slides.append(([cell], []))
        else:
            shown.append(cell)
    return [cell for shown, notes in slides for cell in [*shown[:1], *notes, *shown[1:]]]


def slide_attributes(cell: Any) -> str:
    """Return the ``data-`` attributes of a slide from the cell's ``slideshow.data``, without what loads or runs."""
    data = (cell.get("metadata", {}).get("slideshow") or {}).get("data") or {}
    named = {f"data-{name.replace('_', '-')}": without_fetches(str(value), len) for name, value in data.items()}
    return "".join(
        f' {name}="{escape(value)}"'
        for name, value in named.items()
        if NAME.fullmatch(name) and not is_remote(value) and not RUN_BY_REVEAL.match(name)
    )


def inline_script(name: str) -> str:
    """Return a script of reveal.js, such as ``dist/reveal.js``, ready to stand between ``<script>`` tags."""
    return escape_script(re.sub(r"(?m)^//# sourceMappingURL=.*$", "", _reveal(name)).strip())


def escape_script(script: str) -> str:
    r"""Escape what would end or confuse a ``<script>`` element: JavaScript reads ``\x3C`` as the same character."""
    return _ENDS_SCRIPT.sub(r"\\x3C", script)


def _reveal(name: str) -> str:
    # The wheel is only read, never imported: it would bring Sphinx along.
    path = wheel_file("sphinx-revealjs", f"revealjs/{name}", needed_for="slides")
    return path.read_text(encoding="utf-8")
