# mypy: disable-error-code="no-untyped-call, untyped-decorator"
"""Run the body of a magic as IPython runs a cell: its display, its tracebacks, and ``await``."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Coroutine, Iterator, MutableMapping
from types import CodeType
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

R = TypeVar("R")
_CALLS = ("run_cell_magic", "run_line_magic")
# Python allows no await in the first three; what is awaited already needs no second one.
_NO_AWAIT = (ast.FunctionDef, ast.ClassDef, ast.Lambda, ast.Await)


class Cell:
    """Code compiled as IPython compiles a cell: transformations, top-level await, names in tracebacks.

    The value of the last expression is returned rather than displayed, for IPython to display after the magic;
    a trailing ``;`` silences it. The other settings of ``ast_node_interactivity`` are followed.

    Raises:
        SyntaxError: it is not Python.
    """

    def __init__(self, shell: InteractiveShell, source: str) -> None:
        from IPython.core.displayhook import DisplayHook

        self._shell = shell
        self._is_silent = DisplayHook.semicolon_at_end_of_expression(source)
        transformed = shell.transform_cell(source)
        name = shell.compile.cache(transformed, shell.displayhook.prompt_count, raw_code=source)
        body = shell.transform_ast(shell.compile.ast_parse(transformed, filename=name)).body
        compiler: Any = shell.compile
        self._steps: list[tuple[CodeType, bool]] = []
        with compiler.extra_flags(ast.PyCF_ALLOW_TOP_LEVEL_AWAIT if shell.autoawait else 0):
            for node, is_shown in _nodes(body, shell.ast_node_interactivity):
                code = (
                    (ast.Expression(node.value), name, "eval") if is_shown else (ast.Module([node], []), name, "exec")
                )
                self._steps.append((compiler(*code), is_shown))

    @property
    def is_async(self) -> bool:
        """Whether it awaits outside a function."""
        return any(_is_async(code) for code, _ in self._steps)

    async def run(self, local_ns: MutableMapping[str, Any]) -> Any:
        """Run the cell in the notebook's namespace and return the value of its last expression, or None."""
        __tracebackhide__ = True
        value = None
        for code, is_shown in self._steps:
            if value is not None:
                self._shell.displayhook(value)
            value = eval(code, self._shell.user_global_ns, local_ns)  # noqa: S307
            if _is_async(code):
                value = await value
            value = value if is_shown else None
        return None if self._is_silent else value


def _nodes(body: list[ast.stmt], mode: str) -> Iterator[tuple[Any, bool]]:
    """Yield the statements of a cell, and whether they are expressions whose value is shown."""
    last = body[-1] if body else None
    if mode == "last_expr_or_assign" and isinstance(last, ast.Assign | ast.AugAssign | ast.AnnAssign):
        targets = last.targets if isinstance(last, ast.Assign) else [last.target]
        if isinstance(targets[0], ast.Name) and len(targets) == 1:
            name = ast.Expr(ast.Name(targets[0].id, ast.Load()))
            last = ast.fix_missing_locations(ast.copy_location(name, last))
            body = [*body, last]
    for node in body:
        yield node, isinstance(node, ast.Expr) and mode != "none" and (mode == "all" or node is last)


def _is_async(code: CodeType) -> bool:
    return bool(code.co_flags & inspect.CO_COROUTINE)


def run_now(coroutine: Coroutine[Any, Any, R]) -> R:
    """Run a coroutine that awaits nothing, without an event loop."""
    __tracebackhide__ = True
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: R = done.value
        return result
    coroutine.close()
    raise RuntimeError("the code awaits something: it needs an event loop")


class AwaitMagic:
    """An input transformer that awaits the calls of one magic whose body awaits.

    ``%%measure`` over ``await f()`` becomes ``await get_ipython().run_cell_magic(...)``: a magic is called like a
    function, inside the event loop of the kernel, which cannot be entered a second time. So the call itself is
    awaited, and the body runs in the loop in which the cell would have run without the magic.

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
        lines = list(lines)
        for call in sorted(self._calls(tree), key=lambda call: (call.lineno, call.col_offset), reverse=True):
            last = call.args[-1]
            text = last.value if isinstance(last, ast.Constant) and isinstance(last.value, str) else ""
            body = text if len(call.args) == 3 else self._statement_of(text)
            if self._shell.should_run_async(body, transformed_cell=self._shell.transform_cell(body)):
                line = lines[call.lineno - 1].encode()
                lines[call.lineno - 1] = (line[: call.col_offset] + b"await " + line[call.col_offset :]).decode()
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
