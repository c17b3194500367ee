"""Publish a lesson as a script that plain Python runs."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from nbconvert.exporters import Exporter
from traitlets import default

from course.publish.cell_code import Script, indented, python_code
from course.publish.prose import comment_lines

if TYPE_CHECKING:
    from nbformat import NotebookNode

_AGG = """
if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
    os.environ.setdefault("MPLBACKEND", "Agg")  # no screen: figures are drawn in memory
"""

_SHOW_RESULT = '''

def show_result(value):
    """Print the value a cell ends with, as a notebook writes it."""
    if value is not None:
        print(pretty(value))
'''

_TABLES = """
pandas.set_option("display.max_columns", 20)  # as in a notebook, where no terminal says how wide it is
"""

_IPYTHON_SHELL = '''

@functools.cache
def ipython_shell():
    """Return the IPython shell that runs the magics of this script, with the variables of this script."""
    shell = get_ipython()
    if shell is None:
        settings = Config({{"HistoryManager": {{"enabled": False}}, "InteractiveShell": {{"colors": "nocolor"}}}})
        shell = InteractiveShell.instance(config=settings, user_module=sys.modules[__name__])
{load}    return shell
'''

_LOAD_MAGICS = '    shell.extension_manager.load_extension("magics")\n'


class ScriptExporter(Exporter):
    """Exports a lesson as a Python script: prose in comments, magics translated, last values displayed."""

    export_from_notebook = "Course script (Python)"
    output_mimetype = "text/x-python"

    @default("file_extension")
    def _file_extension_default(self) -> str:
        return ".py"

    def from_notebook_node(  # type: ignore[override]
        self,
        nb: NotebookNode,
        resources: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> tuple[str, dict[str, Any]]:
        """Return the script of a notebook, and the resources with the warnings added."""
        notebook, told = super().from_notebook_node(nb, resources, **kwargs)
        for cell in notebook.cells:
            cell.source = self._writable(cell.source, told)
        script = Script()
        parts = [part for part in (self._part(cell, script, told) for cell in notebook.cells) if part]
        body = "\n\n".join(parts)
        if script.starts_processes:
            # processes started by spawn read this file again: the work must not start again with them
            body = f'if __name__ == "__main__":\n{indented(body or "pass")}'
        text = f"{_docstring(notebook, told)}\n{_header(script)}\n{body}\n"
        self._check(text, told)
        return text, told

    def _writable(self, text: str, resources: dict[str, Any]) -> str:
        """Return a text without what a file of Python cannot hold: halves of letters and null characters."""
        writable = text.encode(errors="replace").decode().replace("\x00", "?")
        if writable != text:
            self._warn(resources, "letters that a script cannot hold are written ?")
        return writable

    def _part(self, cell: NotebookNode, script: Script, resources: dict[str, Any]) -> str:
        if cell.cell_type == "markdown":
            return "\n".join(comment_lines(cell.source))
        if cell.cell_type != "code" or not cell.source.strip():
            return ""
        try:
            raises = "raises-exception" in cell.metadata.get("tags", [])
            return python_code(cell.source, script, raises=raises)
        except SyntaxError as error:
            self._warn(
                resources, f"a cell is left as a comment in the script: {error.msg}: {cell.source.splitlines()[0]}"
            )
            return textwrap.indent(cell.source, "# ", lambda _: True)

    def _check(self, text: str, resources: dict[str, Any]) -> None:
        try:
            compile(text, "script", "exec")
        except SyntaxError as error:
            self._warn(resources, f"the script does not run under plain Python: line {error.lineno}: {error.msg}")

    def _warn(self, resources: dict[str, Any], message: str) -> None:
        resources.setdefault("course_warnings", []).append(message)
        self.log.warning(message)


def _docstring(notebook: NotebookNode, resources: dict[str, Any]) -> str:
    headings = (line for cell in notebook.cells if cell.cell_type == "markdown" for line in cell.source.splitlines())
    name = resources.get("metadata", {}).get("name") or "script"
    title = next((line.removeprefix("# ").strip() for line in headings if line.startswith("# ")), name)
    safe = title.replace("\\", "\\\\").replace('"', "'")
    return f'"""{safe}\n\nThe script of the lesson {name}.ipynb; run it with: python {name}.py\n"""'


def _header(script: Script) -> str:
    """Return the imports and functions that the translated cells use."""
    standard = ["import functools"] if script.needs_ipython else []
    standard += ["import os"] if script.draws else []
    standard += ["import sys"] if script.draws or script.needs_ipython else []
    shell = ["from IPython import get_ipython", "from IPython.core.interactiveshell import InteractiveShell"]
    ipython = shell if script.needs_ipython else []
    # a lesson may call display without importing it: notebooks give it
    ipython += ["from IPython.display import display"] if script.displays else []
    ipython += ["from IPython.lib.pretty import pretty"] if script.shows_results else []
    settings = ["from traitlets.config import Config"] if script.needs_ipython else []
    tables = ["import pandas"] if script.shows_tables else []
    groups = [standard, [*tables, *ipython, *settings], sorted(script.imports)]
    text = "".join("\n" + "\n".join(group) + "\n" for group in groups if group)
    text += _AGG if script.draws else ""
    text += _TABLES if script.shows_tables else ""
    text += _SHOW_RESULT if script.shows_results else ""
    text += _IPYTHON_SHELL.format(load=_LOAD_MAGICS if script.loads_magics else "") if script.needs_ipython else ""
    # functions are followed by two blank lines
    text += "\n" if script.shows_results or script.needs_ipython else ""
    return text
