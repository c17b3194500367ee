"""Leave the speaker's notes out of pages and papers: they are for the one who speaks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbconvert.preprocessors import Preprocessor

if TYPE_CHECKING:
    from nbformat import NotebookNode


class DropNotes(Preprocessor):
    """Remove the cells whose slide type is ``notes``."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Return the notebook without its speaker's notes."""
        nb.cells = [cell for cell in nb.cells if cell.metadata.get("slideshow", {}).get("slide_type") != "notes"]
        return nb, resources
