"""Turn the code of a notebook cell into code that plain Python runs, with the same answers."""

from __future__ import annotations

import argparse
import ast
import io
import json
import shlex
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field

# Calls that show their result themselves and return None.
_SHOWS_ITSELF = {"print", "display", "help"}
_SHELL_METHODS = {"run_line_magic", "run_cell_magic", "system", "getoutput"}
_MENU = "add_notebook_menu"
_SHELL = "ipython_shell()"
_STARTS_PROCESSES = {"Client", "LocalCluster", "multiprocessing", "ProcessPoolExecutor"}


@dataclass
class Script:
    """What the cells of a notebook need at the top of their script, gathered while they are translated."""

    imports: set[str] = field(default_factory=set)
    displays: bool = False
    shows_results: bool = False
    shows_tables: bool = False
    draws: bool = False
    needs_ipython: bool = False
    loads_magics: bool = False
    starts_processes: bool = False


@dataclass(frozen=True)
class _Edit:
    start: int
    end: int
    text: str


def python_code(source: str, script: Script, *, raises: bool = False) -> str:
    """Return the source of a cell as plain Python; empty if nothing of it is left.

    Args:
        source: the cell, in IPython's syntax.
        script: told what the code needs.
        raises: whether the cell is expected to fail, and its error to be shown.

    Raises:
        SyntaxError: the cell is not Python, magics set apart.
    """
    try:
        code = _cell(source.strip("\n"), script)
    except SyntaxError as error:
        if not raises:
            raise
        code = f"raise SyntaxError({error.msg!r})"
    if not raises or not code:
        return code
    handler = 'except Exception as error:  # this cell shows an error\n    print(f"{type(error).__name__}: {error}")'
    return f"try:\n{indented(code)}\n{handler}"


def indented(code: str) -> str:
    """Return a code block four spaces to the right, the inside of its many-line strings left where it is."""
    inside = _lines_inside_strings(code)
    lines = code.split("\n")
    return "\n".join(f"    {line}" if line and n not in inside else line for n, line in enumerate(lines, start=1))


def _lines_inside_strings(code: str) -> set[int]:
    """Return the numbers, from 1, of the lines that begin within a string."""
    inside: set[int] = set()
    opened: list[int] = []
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        kind = tokenize.tok_name[token.type]
        if kind == "STRING":
            inside.update(range(token.start[0] + 1, token.end[0] + 1))
        # an f-string is one token up to Python 3.11, several from 3.12
        elif kind.endswith("STRING_START"):
            opened.append(token.start[0])
        elif kind.endswith("STRING_END"):
            inside.update(range(opened.pop() + 1, token.end[0] + 1))
    return inside


def _cell(source: str, script: Script) -> str:
    if not source.startswith("%%"):
        return _statements(source, script)
    line, _, body = source.partition("\n")
    name, _, arguments = line.removeprefix("%%").partition(" ")
    if name == "measure":
        return _measured(arguments, body, script)
    script.needs_ipython = script.shows_results = True
    return f"show_result(ipython_shell().run_cell_magic({name!r}, {arguments.strip()!r}, {_text_literal(body)}))"


def _text_literal(text: str) -> str:
    if '"' in text[-1:] or '"""' in text or "\\" in text:
        return repr(text)
    return f'"""\\\n{text}"""' if "\n" in text else repr(text)


def _measured(arguments: str, body: str, script: Script) -> str:
    """Return a ``%%measure`` cell as a ``with measure(...)`` block that prints its measure."""
    parser = argparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("label", nargs="*")
    parser.add_argument("-l", "--label", dest="name")
    parser.add_argument("-r", "--repeat", type=int)
    parser.add_argument("-o", "--output", default="_cost")
    parser.add_argument("-q", "--quiet", action="store_true")
    options, unknown = parser.parse_known_args(shlex.split(arguments))
    label = options.name or " ".join(options.label) or None
    if unknown:
        raise SyntaxError(f"%%measure has an option that scripts do not know: {' '.join(unknown)}")
    script.imports.add("from course.measure import measure")
    block = indented(_statements(body, script) or "pass")
    code = _measured_block(label, options.output, block, options.repeat)
    if options.repeat:
        script.imports.add("from course.measure import median_of")
    return code if options.quiet else f"{code}\nprint({options.output})"


def _measured_block(label: str | None, name: str, block: str, repeat: int | None) -> str:
    argument = "" if label is None else json.dumps(label, ensure_ascii=False)
    if not repeat:
        return f"with measure({argument}) as {name}:\n{block}"
    # names that a lesson would not use itself
    run = f"with measure({argument}) as _run:\n{block}\n_runs.append(_run)"
    return f"_runs = []\nfor _ in range({repeat}):\n{indented(run)}\n{name} = median_of(_runs)"


def _statements(source: str, script: Script) -> str:
    from IPython.core.inputtransformer2 import TransformerManager

    manager = TransformerManager()  # type: ignore[no-untyped-call]
    code = manager.transform_cell(source).rstrip("\n")
    tree = ast.parse(code)
    _note_needs(tree, script)
    positions = _Positions(code)
    edits = [*_dropped(tree, positions, script), *_shell_calls(tree, positions)]
    kept = [edit for edit in edits if not any(_is_within(edit, other) for other in edits)]
    script.needs_ipython |= any(edit.text == _SHELL for edit in kept)
    shown = _shown_result(tree, positions, kept)
    script.shows_results |= bool(shown)
    return positions.edited([*kept, *shown]).strip("\n")


def _is_within(edit: _Edit, other: _Edit) -> bool:
    return edit is not other and other.start <= edit.start and edit.end <= other.end


def _note_needs(tree: ast.Module, script: Script) -> None:
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= {part for alias in node.names for part in alias.name.split(".")}
            names |= set((getattr(node, "module", None) or "").split("."))
    script.starts_processes |= bool(names & _STARTS_PROCESSES)
    script.draws |= bool(names & {"matplotlib", "pyplot", "seaborn"})
    script.displays |= "display" in names
    script.shows_tables |= "pandas" in names


class _Positions:
    """Places in a source text, counted in bytes as ``ast`` counts them."""

    def __init__(self, code: str) -> None:
        self._code = code.encode()
        self._line_starts = [0]
        for line in self._code.splitlines(keepends=True):
            self._line_starts.append(self._line_starts[-1] + len(line))

    def span(self, node: ast.stmt | ast.expr) -> tuple[int, int]:
        """Return the first byte of a node and the one after its last."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return (
            self._line_starts[node.lineno - 1] + node.col_offset,
            self._line_starts[node.end_lineno - 1] + node.end_col_offset,
        )

    def after(self, end: int) -> str:
        """Return the text from a byte on."""
        return self._code[end:].decode()

    def edited(self, edits: list[_Edit]) -> str:
        """Return the text with the edits made."""
        code = self._code
        for edit in sorted(edits, key=lambda edit: (edit.start, edit.end), reverse=True):
            code = code[: edit.start] + edit.text.encode() + code[edit.end :]
        return code.decode()


def _magic(node: ast.AST) -> tuple[str, list[str]] | None:
    """Return the method and the texts of a call such as ``get_ipython().run_line_magic('name', 'line')``."""
    match node:
        case ast.Call(
            func=ast.Attribute(value=ast.Call(func=ast.Name(id="get_ipython"), args=[]), attr=method), args=arguments
        ) if method in _SHELL_METHODS:
            return method, [str(one.value) for one in arguments if isinstance(one, ast.Constant)]
    return None


def _dropped(tree: ast.Module, positions: _Positions, script: Script) -> Iterator[_Edit]:
    """Yield the removal of what only means something in a notebook: its menu, its figures inline, its magics."""
    for statement in tree.body:
        replacement = _replacement(statement, script)
        if replacement is not None:
            yield _Edit(*positions.span(statement), replacement)


def _replacement(statement: ast.stmt, script: Script) -> str | None:
    match statement:
        case ast.Expr(value=ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called))) if called == _MENU:
            return ""
        case ast.ImportFrom(names=names) if any(alias.name == _MENU for alias in names):
            statement.names = [alias for alias in names if alias.name != _MENU]
            return ast.unparse(statement) if statement.names else ""
        case ast.Expr(value=value):
            return _magic_replacement(value, script)
    return None


def _magic_replacement(value: ast.expr, script: Script) -> str | None:
    match _magic(value):
        case "run_line_magic", ["matplotlib", *_]:
            script.draws = True
            return ""
        case "run_line_magic", ["load_ext" | "reload_ext", "magics"]:
            script.loads_magics = True
            return ""
    return None


def _shell_calls(tree: ast.Module, positions: _Positions) -> Iterator[_Edit]:
    """Yield the replacement of ``get_ipython()``, which is None under plain Python."""
    for node in ast.walk(tree):
        if _magic(node) is None:
            continue
        call = node.func.value  # type: ignore[attr-defined]
        yield _Edit(*positions.span(call), _SHELL)


def _shown_result(tree: ast.Module, positions: _Positions, edits: list[_Edit]) -> list[_Edit]:
    """Return the edits that show the value of the last expression, as a notebook does unless it ends with ``;``."""
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.Expr) or _is_shown_already(last.value):
        return []
    start, end = positions.span(last)
    is_dropped = any((edit.start, edit.end) == (start, end) for edit in edits)
    if is_dropped or positions.after(end).lstrip().startswith(";"):
        return []
    before, after = ("((", "))") if isinstance(last.value, ast.Tuple) else ("(", ")")
    return [_Edit(start, start, f"show_result{before}"), _Edit(end, end, after)]


def _is_shown_already(value: ast.expr) -> bool:
    match value:
        case ast.Call(func=ast.Name(id=name)):
            return name in _SHOWS_ITSELF
        case ast.Await() | ast.Yield() | ast.YieldFrom():
            return True
    return False
