# mypy: disable-error-code="no-untyped-call, no-any-return"
"""What a cell is, in the kernel and in the child of ``%%memory_cap``: statements, and what crosses between the two.

It imports little but the standard library: the memory of the child is the cell's.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import io
import pickle
import sys
from collections import ChainMap
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from operator import attrgetter
from types import CodeType
from typing import IO, TYPE_CHECKING, Any, TypeAlias

from course.carried import load_error

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


Outcome: TypeAlias = tuple[Any, BaseException | None]
"""The value that statements end with, or the error that ended them."""


class Cell:
    """Code as IPython sees it: transformed, parsed, with a name for tracebacks; a ``;`` at its end silences it."""

    def __init__(self, shell: InteractiveShell, source: str) -> None:
        self.shell = shell
        self.source = shell.transform_cell(source)
        self.number = shell.displayhook.prompt_count
        self.file = shell.compile.cache(self.source, self.number, raw_code=source.removesuffix("\n"))
        self.body = shell.transform_ast(shell.compile.ast_parse(self.source, filename=self.file)).body
        is_silent = shell.displayhook.semicolon_at_end_of_expression(self.source)
        self.interactivity = "none" if is_silent else shell.ast_node_interactivity
        self.is_async = shell.should_run_async(source, transformed_cell=self.source)
        self.flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT if shell.autoawait else 0

    def compiled(self, tree: ast.AST, mode: str) -> CodeType:
        """Return a part of the cell, compiled."""
        compiler: Any = self.shell.compile
        with compiler.extra_flags(self.flags):
            return compiler(tree, self.file, mode)


async def run_statements(
    body: list[ast.stmt],
    interactivity: str,
    compiled: Callable[[ast.AST, str], CodeType],
    variables: dict[str, Any],
    local: Any = None,
) -> Outcome:
    """Run statements, each compiled when its turn comes; return the value to display, and the error that ended them.

    ``interactivity`` is IPython's ``ast_node_interactivity``: which statements are displayed. The error is returned
    rather than raised because no StopIteration may leave a coroutine (PEP 479).
    """
    __tracebackhide__ = True
    value = None
    try:
        for tree, mode in _trees(body, interactivity):
            if value is not None:
                sys.displayhook(value)
            code = compiled(tree, mode)
            value = eval(code, variables, local)  # noqa: S307
            if code.co_flags & inspect.CO_COROUTINE:
                value = await value
    except BaseException as error:  # noqa: BLE001
        return None, error
    return value, None


def value_of(cell: Cell, run: Coroutine[Any, Any, Outcome]) -> Any:
    """Return the value that a run of a cell gives, or raise its error; in a kernel's loop, what gives it if awaited."""
    __tracebackhide__ = True
    if cell.is_async and is_in_loop():
        return _awaited(run)
    return _value_or_error(*(cell.shell.loop_runner if cell.is_async else finish)(run))


async def _awaited(run: Coroutine[Any, Any, Outcome]) -> Any:
    __tracebackhide__ = True
    return _value_or_error(*await run)


def _value_or_error(value: Any, error: BaseException | None) -> Any:
    __tracebackhide__ = True
    if error is not None:
        raise error
    return value


def is_in_loop() -> bool:
    """Tell whether an event loop runs, as it does in a notebook's kernel."""
    with suppress(RuntimeError):
        return bool(asyncio.get_running_loop())
    return False


def finish(run: Coroutine[Any, Any, Any]) -> Any:
    """Return what a coroutine returns that awaits nothing: one step brings it to its end, without an event loop."""
    try:
        run.send(None)
    except StopIteration as done:
        return done.value
    raise RuntimeError("the cell needs a real async loop")


def _trees(body: list[ast.stmt], interactivity: str) -> Iterator[tuple[ast.AST, str]]:
    """Yield what to compile, and how: an expression that is displayed gives its value."""
    match body[-1:], interactivity:
        case [
            ast.Assign(targets=[ast.Name(name)]) | ast.AnnAssign(ast.Name(name)) | ast.AugAssign(ast.Name(name)) as last
        ], "last_expr_or_assign":
            body = [*body, ast.Expr(ast.Name(name, ast.Load()), lineno=last.lineno, col_offset=0)]
    is_expression = bool(body) and isinstance(body[-1], ast.Expr)
    shown = {"all": len(body), "last": 1, "none": 0}.get(interactivity, int(is_expression))
    for position, node in enumerate(body, start=1):
        if position <= len(body) - shown:
            yield ast.Module([node], []), "exec"
        elif isinstance(node, ast.Expr):
            yield ast.fix_missing_locations(ast.Expression(node.value)), "eval"
        else:
            yield ast.Interactive([node]), "single"


def dump_variables(option: str, variables: Mapping[str, Any], file: IO[bytes]) -> None:
    """Pickle variables one after the other; an object that several of them hold stays one.

    Raises:
        BadArgumentError: one cannot be pickled, or is an open file or pipe, which would not be one any more.
    """
    import cloudpickle  # type: ignore[import-untyped, unused-ignore]

    by_content = cloudpickle.Pickler.dispatch_table[io.TextIOWrapper]

    def reduced(stream: Any) -> Any:
        if stream not in {sys.stdout, sys.stderr}:
            raise TypeError("it is open")
        return by_content(stream)

    # the numbers that the system gives to open files and pipes say nothing, or another file, in another process
    pipe = getattr(sys.modules.get("multiprocessing.connection"), "Connection", io.TextIOWrapper)
    refused = dict.fromkeys([io.TextIOWrapper, pipe], reduced)
    table = {"dispatch_table": ChainMap(refused, cloudpickle.Pickler.dispatch_table)}
    pickler = type("Pickler", (cloudpickle.Pickler,), table)(file)
    for name, value in variables.items():
        with _named(option, name):
            pickler.dump(value)


def load_variables(option: str, names: Iterable[str], file: IO[bytes]) -> dict[str, Any]:
    """Return the variables of ``dump_variables``; a ``BadArgumentError`` if one cannot be made again."""
    unpickler, variables = pickle.Unpickler(file), {}  # noqa: S301
    for name in names:
        with _named(option, name):
            variables[name] = unpickler.load()
    return variables


@contextmanager
def _named(option: str, name: str) -> Iterator[None]:
    # Pickling runs the code of the objects, which may fail in any way.
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001
        from course.errors import BadArgumentError

        raise BadArgumentError(
            f"{option} {name}: it cannot be pickled ({type(error).__name__}: {error}), so it cannot go to another "
            "process; hand over what it is made of instead, such as a path, a list or an array"
        ) from None


class ShownValue:
    """The value of a capped cell's last expression, as a notebook shows it: the value itself stayed in the child."""

    def __init__(self, data: dict[str, Any], metadata: dict[str, Any], tracebacks: list[Any]) -> None:
        self._data, self._metadata, self._tracebacks = data, metadata, tracebacks

    def __repr__(self) -> str:
        if "text/plain" not in self._data:
            raise NotImplementedError  # IPython takes it that there is no text
        return str(self._data["text/plain"])

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> tuple[Any, Any]:  # noqa: ARG002
        for told in self._tracebacks:
            show_traceback(*told)
        return self._data, self._metadata


def show_traceback(error: tuple[str, str, str], lines: list[str]) -> None:
    """Show, in the notebook, a traceback that the child had of an object that fails when it is displayed."""
    shown = load_error(None, *error)
    call_shell("_showtraceback", type(shown), shown, lines)


def call_shell(method: str, *arguments: Any, **options: Any) -> None:
    """Call a method of the notebook's shell."""
    from IPython.core.getipython import get_ipython

    attrgetter(method)(get_ipython())(*arguments, **options)
