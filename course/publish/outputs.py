"""Keep from each cell the outputs a page can show, cut to a length a reader can take in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbconvert.preprocessors import Preprocessor
from traitlets import Int

if TYPE_CHECKING:
    from nbformat import NotebookNode

SHOWN_TYPES = (
    "text/html",
    "text/markdown",
    "image/svg+xml",
    "text/latex",
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "text/plain",
)


class FitOutputs(Preprocessor):
    """Cut long text outputs in their middle, and say so; name the outputs that need a running script."""

    most_lines = Int(1000, help="lines of a text output shown; the middle of a longer one is left out").tag(config=True)
    most_characters = Int(10_000, help="characters of a line shown").tag(config=True)

    def preprocess_cell(
        self, cell: NotebookNode, resources: dict[str, Any], _index: int
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Return the cell with outputs that can be shown."""
        for output in cell.get("outputs", []):
            if output.output_type == "stream":
                output.text = self._cut(output.text)
            elif output.output_type == "error":
                output.traceback = self._cut("\n".join(output.traceback)).split("\n")
            else:
                self._fit_data(output, resources)
        return cell, resources

    def _fit_data(self, output: NotebookNode, resources: dict[str, Any]) -> None:
        if not any(kind in output.data for kind in SHOWN_TYPES):
            kinds = ", ".join(output.data) or "empty"
            resources.setdefault("course_warnings", []).append(f"an output needs a script and is not shown ({kinds})")
            output.data["text/plain"] = f"[output not shown here: {kinds}]"
        if "text/plain" in output.data:
            output.data["text/plain"] = self._cut(output.data["text/plain"])

    def _cut(self, text: str) -> str:
        lines = [self._cut_line(line) for line in text.split("\n")]
        hidden = len(lines) - self.most_lines
        if hidden <= 1:
            return "\n".join(lines)
        last = self.most_lines // 3
        first = self.most_lines - last
        return "\n".join([*lines[:first], f"… {hidden} lines not shown …", *lines[len(lines) - last :]])

    def _cut_line(self, line: str) -> str:
        hidden = len(line) - self.most_characters
        return line if hidden <= 0 else f"{line[: self.most_characters]} … {hidden} characters not shown"
