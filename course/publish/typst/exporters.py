"""The nbconvert exporters: article, slides and speaker notes as PDF."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbconvert.exporters import Exporter
from traitlets import default

from course.publish.menu_output import DropMenu
from course.publish.typst.captions import captions_in
from course.publish.typst.layout import ARTICLE
from course.publish.typst.parts import Context, Parts

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from course.publish.typst.article import Identity


class PDFExporter(Exporter):
    """An A4 article, set by Typst."""

    output_mimetype = "application/pdf"
    export_from_notebook = "PDF (course)"

    @default("file_extension")
    def _default_file_extension(self) -> str:
        return ".pdf"

    def _init_preprocessors(self) -> None:
        super()._init_preprocessors()  # type: ignore[no-untyped-call]
        self.register_preprocessor(DropMenu, enabled=True)  # type: ignore[no-untyped-call]

    def from_notebook_node(  # type: ignore[override]
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[bytes, dict[str, Any]]:
        """Return the PDF of an executed notebook and the resources.

        What could not be set is shown as its source and told in ``resources["course_warnings"]``.

        Raises:
            BuildError: Typst refuses the document.
            MissingDependencyError: the typst package is not installed.
        """
        told = resources.setdefault("course_warnings", []) if resources is not None else []
        notebook, resources = super().from_notebook_node(nb, resources, **kw)
        context = _context(notebook, resources)
        pdf = self._pdf(notebook, context, _identity(notebook, resources))
        for warning in context.parts.warnings:
            self.log.warning("%s: %s", resources["metadata"].get("name") or "notebook", warning)
        told.extend(context.parts.warnings)
        # nbconvert works on a deep copy of the mapping: both the caller's and the copy hold the list.
        resources["course_warnings"] = told
        return pdf, resources

    def _pdf(self, notebook: NotebookNode, context: Context, identity: Identity) -> bytes:
        from course.publish.typst.article import article_pdf

        return article_pdf(notebook, context, identity)


class SlidesPDFExporter(PDFExporter):
    """A 16:9 deck with a page for each slide, set by Typst."""

    export_from_notebook = "PDF slides (course)"

    @default("file_extension")
    def _default_file_extension(self) -> str:
        return ".slides.pdf"

    def _pdf(self, notebook: NotebookNode, context: Context, identity: Identity) -> bytes:
        from course.publish.typst.slides import slides_pdf

        return slides_pdf(notebook, context, identity)


class NotesPDFExporter(PDFExporter):
    """A4 handout: the slides, three to a page, beside their speaker notes."""

    export_from_notebook = "PDF speaker notes (course)"

    @default("file_extension")
    def _default_file_extension(self) -> str:
        return ".notes.pdf"

    def _pdf(self, notebook: NotebookNode, context: Context, identity: Identity) -> bytes:
        from course.publish.typst.notes import notes_pdf

        return notes_pdf(notebook, context, identity)


def _context(notebook: NotebookNode, resources: dict[str, Any]) -> Context:
    info = notebook.metadata.get("language_info", {})
    language = resources.get("course", {}).get("language") or "en"
    return Context(
        layout=ARTICLE,
        captions=captions_in(language),
        folder=Path(resources["metadata"].get("path") or "."),
        parts=Parts(),
        language=str(info.get("pygments_lexer") or info.get("name") or "ipython3"),
    )


def _identity(notebook: NotebookNode, resources: dict[str, Any]) -> Identity:
    from course.publish.typst.article import Identity
    from course.publish.typst.markdown import markdown_tree

    authors = tuple(str(author["name"]) for author in notebook.metadata.get("authors", []) if author.get("name"))
    for cell in notebook.cells:
        heading = markdown_tree(cell.source).find("h1") if cell.cell_type == "markdown" else None
        if heading is not None and heading.get_text().strip():
            return Identity(" ".join(heading.get_text().split()), authors)
    return Identity(str(resources["metadata"].get("name") or "Notebook"), authors)
