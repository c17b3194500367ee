# mypy: disable-error-code="no-untyped-call, untyped-decorator"
"""Run the body of a cell magic as IPython runs a cell, and hand its value back."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Coroutine, Iterator, MutableMapping
from types import CodeType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

R = TypeVar("R")


class _Step(NamedTuple):
    code: CodeType
    has_value: bool


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
        self._name = shell.compile.cache(transformed, shell.displayhook.prompt_count, raw_code=source)
        tree = shell.transform_ast(shell.compile.ast_parse(transformed, filename=self._name))
        self._steps = [self._compile(node, interactive) for node, interactive in self._nodes(tree.body)]

    @property
    def is_async(self) -> bool:
        """Whether it awaits outside a function."""
        return any(_is_async(step.code) for step in self._steps)

    async def run(self, local_ns: MutableMapping[str, Any]) -> Any:
        """Run the cell in the notebook's namespace and return the value of its last expression, or None."""
        __tracebackhide__ = True
        value = None
        for step in self._steps:
            result = eval(step.code, self._shell.user_global_ns, local_ns)  # noqa: S307
            if _is_async(step.code):
                result = await result
            value = result if step.has_value and not self._is_silent else None
        return value

    def _nodes(self, body: list[ast.stmt]) -> Iterator[tuple[ast.stmt, bool]]:
        mode = self._shell.ast_node_interactivity
        if mode == "last_expr_or_assign":
            body = [*body, *_assigned_name(body)]
        for position, node in enumerate(body):
            is_last = position == len(body) - 1
            shown = is_last and (mode == "last" or isinstance(node, ast.Expr)) and mode != "none"
            yield node, shown or mode == "all"

    def _compile(self, node: ast.stmt, interactive: bool) -> _Step:
        compiler: Any = self._shell.compile
        awaits = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT if self._shell.autoawait else 0
        with compiler.extra_flags(awaits):
            if interactive and isinstance(node, ast.Expr) and self._shell.ast_node_interactivity != "all":
                return _Step(compiler(ast.Expression(node.value), self._name, "eval"), has_value=True)
            if interactive:
                return _Step(compiler(ast.Interactive([node]), self._name, "single"), has_value=False)
            return _Step(compiler(ast.Module([node], []), self._name, "exec"), has_value=False)


def _is_async(code: CodeType) -> bool:
    return bool(code.co_flags & inspect.CO_COROUTINE)


def _assigned_name(body: list[ast.stmt]) -> list[ast.stmt]:
    node = body[-1] if body else None
    target: ast.expr | None = None
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
    elif isinstance(node, ast.AugAssign | ast.AnnAssign):
        target = node.target
    if node is None or not isinstance(target, ast.Name):
        return []
    return [ast.fix_missing_locations(ast.copy_location(ast.Expr(ast.Name(target.id, ast.Load())), node))]


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
