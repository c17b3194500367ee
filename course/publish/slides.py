"""Publish a notebook as one file of slides: reveal.js and the speaker's notes inside, no network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from nbconvert.exporters import SlidesExporter as RevealExporter
from traitlets import default
from traitlets.config import Config

from course.publish.offline import is_remote
from course.publish.reveal import inline_script, inline_style
from course.publish.standalone import StandaloneExporter, template_text
from course.publish.tables import TableLimits
from course.shipped import shipped_folder

if TYPE_CHECKING:
    from course.publish.page import Page


class SlidesExporter(StandaloneExporter, RevealExporter):
    """Exports a notebook as reveal.js slides that open from a disk, speaker view included."""

    export_from_notebook = "Course slides (reveal.js, one file)"
    # What fits at 1280 x 720 with the theme's 20-pixel table text.
    table_limits = TableLimits(rows=11, characters=100)

    @default("template_name")
    def _template_name_default(self) -> str:
        return "course_slides"

    @property
    def default_config(self) -> Config:
        """Outputs cut to what a slide can hold."""
        config: Config = super().default_config
        config.merge(Config({"FitOutputs": {"most_lines": 14, "most_characters": 400}}))
        return config

    def default_filters(self) -> Iterator[tuple[str, Any]]:
        """Add the filter that writes a slide's own attributes."""
        yield from super().default_filters()
        yield "slide_attributes", slide_attributes

    def page_variables(self, page: Page, resources: dict[str, Any]) -> dict[str, Any]:
        """Return the variables of the slides' template: reveal.js, its notes plugin and the styles."""
        styles = [inline_style("dist/reveal.css"), template_text("course_cells", "cells.css")]
        styles += [template_text("course_slides", "slides.css"), theme_css()]
        return super().page_variables(page, resources) | {
            "style": "\n".join(styles),
            "reveal": inline_script("dist/reveal.js"),
            "notes": inline_script("plugin/notes/notes.js"),
            "script": template_text("course_slides", "slides.js").strip(),
        }


def slide_attributes(cell: Any) -> str:
    """Return the ``data-`` attributes of a slide from the cell's ``slideshow.data``, without remote addresses."""
    from html import escape

    data = (cell.get("metadata", {}).get("slideshow") or {}).get("data") or {}
    kept = {name: str(value) for name, value in data.items() if not is_remote(str(value))}
    return "".join(f' data-{escape(name.replace("_", "-"))}="{escape(value)}"' for name, value in kept.items())


def theme_css() -> str:
    """Return the theme of the slides.

    Raises:
        MissingDependencyError: it is not installed.
    """
    return (shipped_folder("slides") / "theme.css").read_text(encoding="utf-8")
