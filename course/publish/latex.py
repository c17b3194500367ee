"""Set a lesson with the LaTeX of the machine, where there is neither Typst nor a browser."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbconvert.exporters import PDFExporter
from nbconvert.exporters.pdf import LatexFailed

from course.errors import BuildError

if TYPE_CHECKING:
    from nbformat import NotebookNode

_MISSING = re.compile(r"Missing character: There is no (?P<character>\S+)")


class LatexPDFExporter(PDFExporter):
    """nbconvert's own PDF of the lesson, with a warning for what its fonts lack; two builds differ by their date."""

    export_from_notebook = "PDF (course, by LaTeX)"

    def run_latex(self, filename: str, raise_on_failure: type[Exception] = LatexFailed) -> bool:
        """Run LaTeX in the folder of the notebook, and keep the characters that it left out."""
        done: bool = super().run_latex(filename, raise_on_failure)  # type: ignore[no-untyped-call]
        log = Path(filename).with_suffix(".log").read_text(encoding="utf-8", errors="replace")
        self.left_out = sorted({found["character"] for found in _MISSING.finditer(log)})
        return done

    def from_notebook_node(  # type: ignore[override]
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[bytes, dict[str, Any]]:
        """Return the PDF and the resources, to which warnings were added.

        Raises:
            BuildError: LaTeX refuses the document.
        """
        told = resources.setdefault("course_warnings", []) if resources is not None else []
        try:
            pdf, resources = super().from_notebook_node(nb, resources, **kw)  # type: ignore[no-untyped-call]
        except LatexFailed as error:
            wrong = next((line for line in str(error).splitlines() if line.startswith("!")), "it stopped")
            raise BuildError(f"LaTeX refuses the lesson: {wrong}; install typst and tylax") from error
        if self.left_out:
            told.append(f"the fonts of LaTeX lack {' '.join(self.left_out)}")
        resources["course_warnings"] = told
        return pdf, resources
