"""Publish a lesson as one HTML file: readable without a script, complete without a network."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

from traitlets import default

from course.publish.standalone import StandaloneExporter, template_text

if TYPE_CHECKING:
    from course.publish.page import Page


class HTMLPageExporter(StandaloneExporter):
    """Exports a lesson as a page with its own table of contents, light and dark."""

    export_from_notebook = "Course page (HTML)"
    take_title = True

    @default("template_name")
    def _template_name_default(self) -> str:
        return "course_html"

    def page_variables(self, page: Page, resources: dict[str, Any]) -> dict[str, Any]:
        """Return the variables of the page's template: links around the lesson, style, script and its hash."""
        course = resources.get("course") or {}
        script = template_text("course_html", "copy.js").strip()
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
        return super().page_variables(page, resources) | {
            "links": course.get("links") or [],
            "previous": course.get("previous"),
            "next": course.get("next"),
            "home": course.get("home"),
            "style": template_text("course_cells", "cells.css") + template_text("course_html", "page.css"),
            "script": script,
            # Only this script may run: one that slipped into an output stays dead text.
            "script_hash": f"sha256-{digest}",
        }
