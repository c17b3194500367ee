"""Publish a lesson as a script that plain Python runs with the same answers: nbconvert's, and what that one lacks."""

from __future__ import annotations

import argparse
import ast
import json
import re
import shlex
import textwrap
from typing import TYPE_CHECKING, Any
from warnings import catch_warnings

from nbconvert.exporters import PythonExporter

from course.errors import BuildError
from course.optional import NEEDS
from course.publish.lessons import foreign_language
from course.publish.tidy import tidied

if TYPE_CHECKING:
    from nbformat import NotebookNode

_HEADER = """
# The script of the lesson {name}.ipynb; run it with: python {name}.py

import sys

from IPython import get_ipython
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display
from IPython.lib.pretty import pretty
from traitlets.config import Config
"""

_TABLES = """
import pandas

pandas.set_option("display.max_columns", 20)  # as in a notebook, where no terminal says how wide it is
"""

_SHOW_RESULT = '''

def show_result(value):
    """Print the value a cell ends with, as a notebook writes it."""
    if value is not None:
        print(pretty(value))


'''

_SHELL = """\
if get_ipython() is None:  # under plain Python, the magics run in a shell that has the variables of this script
    quiet = Config({"HistoryManager": {"enabled": False}, "InteractiveShell": {"colors": "nocolor"}})
    InteractiveShell.instance(config=quiet, user_module=sys.modules[__name__])
"""

# what only means something in a notebook: its menu, and where its figures go
_NOTEBOOK_ONLY = re.compile(
    r"^(from course import add_notebook_menu|[\w.]*add_notebook_menu\([^)]*\)|%matplotlib\b.*)[ \t]*$", re.MULTILINE
)
_EMBEDDED = re.compile(r"\]\(\s*(?:data|attachment):[^)]*\)")
_STARTS_PROCESSES = re.compile(r"\b(Client|LocalCluster|multiprocessing|ProcessPoolExecutor)\b")


class ScriptExporter(PythonExporter):
    """Exports a lesson as a Python script: prose in comments, magics called, last values and expected errors shown."""

    export_from_notebook = "Course script (Python)"

    def from_notebook_node(  # type: ignore[override]
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **kwargs: Any
    ) -> tuple[str, dict[str, Any]]:
        """Return the script of a notebook, and the resources with the warnings added.

        Raises:
            BuildError: the notebook is one of another language than Python.
        """
        if language := foreign_language(nb.metadata):
            raise BuildError(f"its kernel is {language}, and scripts are of Python; leave this format out")
        warnings: list[str] = []
        notebook = tidied(nb, lambda _: None)  # a script shows no output
        with catch_warnings(action="ignore"):  # what Python thinks of the code, a lesson's cell has said
            for cell in notebook.cells:
                cell.source = _cell(cell, warnings)
        notebook.cells = [cell for cell in notebook.cells if cell.source.strip()]
        text, told = super().from_notebook_node(notebook, resources, **kwargs)
        interpreter, encoding, cells = text.split("\n", 2)
        code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
        header = _HEADER.format(name=" ".join(((told.get("metadata") or {}).get("name") or "script").split()))
        header += _TABLES if "pandas" in code else ""
        header += "\nfrom course.measure import measure, median_of\n" if "with measure(" in code else ""
        header += "\nfrom course.optional import left_out\n" if "left_out([" in code else ""
        body = f"{_SHELL}\n{cells}"
        if _STARTS_PROCESSES.search(code):
            # processes started by spawn read this file again: the work must not start again with them
            body = f'if __name__ == "__main__":\n{_indented(body)}'
        script = f"{interpreter}\n{encoding}\n{header}{_SHOW_RESULT}{body.rstrip()}\n"
        try:
            with catch_warnings(action="ignore"):
                compile(script, "script", "exec")
        except SyntaxError as error:
            warnings.append(f"the script does not run under plain Python: line {error.lineno}: {error.msg}")
        for warning in warnings:
            self.log.warning(warning)
        told.setdefault("course_warnings", []).extend(warnings)
        return script, told


def _cell(cell: NotebookNode, warnings: list[str]) -> str:
    """Return the source of a cell as a script holds it: letters that a file of Python can hold, and plain Python."""
    source: str = cell.source.encode(errors="replace").decode().replace("\x00", "?")
    if source != cell.source:
        warnings.append("letters that a script cannot hold are written ?")
    if cell.cell_type != "code":
        # whatever ends a line for Python must not end the comment
        return "\n".join(_EMBEDDED.sub("]", source).splitlines()) if cell.cell_type == "markdown" else ""
    try:
        return python_code(source, raises="raises-exception" in cell.metadata.get("tags", []))
    except SyntaxError as error:
        warnings.append(f"a cell is left as a comment in the script: {error.msg}: {source.splitlines()[0]}")
        return textwrap.indent(source, "# ", lambda _: True)


def python_code(source: str, *, raises: bool = False) -> str:
    """Return the source of a cell, in IPython's syntax, as plain Python; empty if nothing of it is left.

    A cell that ``raises`` is expected to fail, and its error to be shown.

    Raises:
        SyntaxError: the cell is not Python, magics set apart.
    """
    try:
        code = _python(_NOTEBOOK_ONLY.sub("", source).strip("\n"))
    except SyntaxError as error:
        if not raises:
            raise
        code = f"raise SyntaxError({error.msg!r})"
    if not raises or not ast.parse(code).body:
        return code
    handler = 'except Exception as error:  # this cell shows an error\n    print(f"{type(error).__name__}: {error}")'
    return f"try:\n{_indented(code)}\n{handler}"


def _python(source: str) -> str:
    if not source.startswith("%%"):
        return _statements(source)
    line, _, body = source.partition("\n")
    name, _, arguments = line.removeprefix("%%").partition(" ")
    if name == "measure":
        return _measured(arguments, body)
    if name == "needs":
        tag = f"{NEEDS}{arguments.strip()}"
        return f"if _said := left_out([{tag!r}]):\n    print(_said)\nelse:\n{_indented(_python(body) or 'pass')}"
    is_plain = body.count("\n") and '"""' not in body and "\\" not in body and not body.endswith('"')
    literal = f'"""\\\n{body}"""' if is_plain else repr(body)
    return f"show_result(get_ipython().run_cell_magic({name!r}, {arguments.strip()!r}, {literal}))"


def _measured(arguments: str, body: str) -> str:
    """Return a ``%%measure`` cell as a ``with measure(...)`` block that prints its measure."""
    parser = argparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("words", nargs="*")
    parser.add_argument("-l", "--label")
    parser.add_argument("-r", "--repeat", type=int)
    parser.add_argument("-o", "--output", default="_cost")
    parser.add_argument("-q", "--quiet", action="store_true")
    try:
        options, unknown = parser.parse_known_args(shlex.split(arguments))
    except (ValueError, argparse.ArgumentError) as error:
        raise SyntaxError(f"%%measure does not understand {arguments!r}: {error}") from error
    if unknown:
        raise SyntaxError(f"%%measure has an option that scripts do not know: {' '.join(unknown)}")
    label = options.label or " ".join(options.words)
    measure = f"with measure({json.dumps(label, ensure_ascii=False) if label else ''})"
    block = _indented(_statements(body) or "pass")
    if options.repeat:
        # names that a lesson would not use itself
        runs = f"{measure} as _run:\n{block}\n_runs.append(_run)"
        code = f"_runs = []\nfor _ in range({options.repeat}):\n{_indented(runs)}\n{options.output} = median_of(_runs)"
    else:
        code = f"{measure} as {options.output}:\n{block}"
    return code if options.quiet else f"{code}\nprint({options.output})"


def _statements(source: str) -> str:
    """Return IPython's code as plain Python that shows the value it ends with, unless a ``;`` follows it."""
    from IPython.core.inputtransformer2 import TransformerManager

    code: str = TransformerManager().transform_cell(source).rstrip("\n")  # type: ignore[no-untyped-call]
    last = next(reversed(ast.parse(code).body), None)
    match last:
        case ast.Expr(value=ast.Call(func=ast.Name(id="print" | "display" | "help"))):
            return code
        case ast.Expr(value=ast.Call(args=[ast.Constant(value="load_ext"), *_])):
            return code
        case ast.Expr(end_lineno=int(end_line), end_col_offset=int(end_column)):
            text = code.encode()  # positions are counted in bytes
            lengths = [len(line) for line in text.splitlines(keepends=True)]
            start = sum(lengths[: last.lineno - 1]) + last.col_offset
            end = sum(lengths[: end_line - 1]) + end_column
            before, value, after = (part.decode() for part in (text[:start], text[start:end], text[end:]))
            if not after.lstrip().startswith(";"):
                value = f"({value})" if isinstance(last.value, ast.Tuple) else value
                return f"{before}show_result({value}){after}"
    return code


def _indented(code: str) -> str:
    """Return a code block four spaces to the right, the inside of its many-line strings left where it is."""
    texts = (node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Constant | ast.JoinedStr))
    inside = {line for node in texts for line in range(node.lineno + 1, (node.end_lineno or 0) + 1)}
    lines = enumerate(code.split("\n"), start=1)
    return "\n".join(f"    {line}" if line and number not in inside else line for number, line in lines)
