"""Leave the notebook's menu out of formats that have a table of contents of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbconvert.preprocessors import Preprocessor

if TYPE_CHECKING:
    from nbformat import NotebookNode


def is_menu(output: NotebookNode) -> bool:
    """Tell whether a cell output is the menu that ``course.add_notebook_menu`` displays."""
    return bool(output.get("metadata", {}).get("course", {}).get("menu"))


class DropMenu(Preprocessor):
    """Remove the menu from the outputs and, where the cell has nothing else to show, the cell itself."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Return the notebook without its menu; the cells that displayed only the menu are gone."""
        only_menus = [cell for cell in nb.cells if cell.get("outputs") and all(map(is_menu, cell.outputs))]
        nb.cells = [cell for cell in nb.cells if cell not in only_menus]
        for cell in nb.cells:
            if cell.cell_type == "code":
                cell.outputs = [output for output in cell.outputs if not is_menu(output)]
        return nb, resources
