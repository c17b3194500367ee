# mypy: disable-error-code="no-untyped-call, untyped-decorator"
"""Let a magic's body await: ``%%measure`` over ``await f()`` becomes ``await get_ipython().run_cell_magic(...)``.

A magic is called like a function, inside the event loop of the kernel, which cannot be entered a second time. So the
call itself is awaited, and the body runs in the loop in which the cell would have run without the magic.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_CALLS = ("run_cell_magic", "run_line_magic")
# Python allows no await in the first three; what is awaited already needs no second one.
_NO_AWAIT = (ast.FunctionDef, ast.ClassDef, ast.Lambda, ast.Await)


class AwaitMagic:
    """An input transformer that awaits the calls of one magic whose body awaits.

    Args:
        shell: the shell that transforms the input.
        name: the magic, which must return a coroutine for such a body.
        statement_of: gives the code in the line of the line magic, without its options.
    """

    def __init__(self, shell: InteractiveShell, name: str, statement_of: Callable[[str], str]) -> None:
        self._shell = shell
        self.name = name
        self._statement_of = statement_of

    def __call__(self, lines: list[str]) -> list[str]:
        """Return the lines of a transformed cell with ``await`` where it is needed."""
        source = "".join(lines)
        if "await" not in source and "async" not in source:
            return lines
        try:
            tree = ast.parse(source)
        except SyntaxError:
            return lines
        for call in sorted(self._calls(tree), key=lambda call: (call.lineno, call.col_offset), reverse=True):
            if self._awaits(self._body(call)):
                line = lines[call.lineno - 1].encode()
                awaited = line[: call.col_offset] + b"await " + line[call.col_offset :]
                lines = [*lines[: call.lineno - 1], awaited.decode(), *lines[call.lineno :]]
        return lines

    def _calls(self, node: ast.AST) -> Iterator[ast.Call]:
        if isinstance(node, _NO_AWAIT):
            return
        match node:
            case ast.Call(func=ast.Attribute(attr=function), args=[ast.Constant(value=self.name), *_]) if (
                function in _CALLS
            ):
                yield node
        for child in ast.iter_child_nodes(node):
            yield from self._calls(child)

    def _body(self, call: ast.Call) -> str:
        last = call.args[-1]
        text = last.value if isinstance(last, ast.Constant) and isinstance(last.value, str) else ""
        return text if len(call.args) == 3 else self._statement_of(text)

    def _awaits(self, body: str) -> bool:
        return bool(self._shell.should_run_async(body, transformed_cell=self._shell.transform_cell(body)))
