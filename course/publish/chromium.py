"""Print a lesson's page to PDF with the browser of the machine, where Typst cannot be imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from traitlets import default

from course.publish.browser import print_to_pdf
from course.publish.page_html import HTMLPageExporter

if TYPE_CHECKING:
    from nbformat import NotebookNode


class ChromiumPDFExporter(HTMLPageExporter):
    """The page of a lesson, printed: right, but wide tables are clipped and two builds differ by a date."""

    export_from_notebook = "PDF (course, by Chromium)"

    @default("file_extension")
    def _file_extension_default(self) -> str:
        return ".pdf"

    @default("template_extension")
    def _template_extension_default(self) -> str:
        return ".html.j2"

    def from_notebook_node(  # type: ignore[override]
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[bytes, dict[str, Any]]:
        """Return the PDF and the resources, to which warnings were added.

        Raises:
            MissingDependencyError: there is no browser.
            BuildError: the browser prints nothing.
        """
        page, told = super().from_notebook_node(nb, resources, **kw)
        return print_to_pdf(page), told
