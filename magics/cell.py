"""What a cell is, in the kernel and in the child process of ``%%memory_cap``: its statements are run as IPython runs
them; its variables and its error can cross from one process to the other.

It imports nothing but the standard library: the memory of the child is the cell's.
"""

from __future__ import annotations

import ast
import inspect
import io
import pickle
import sys
from collections import ChainMap
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import CodeType
from typing import IO, Any


class CannotCrossError(Exception):
    """A variable that cannot be pickled, or not made again from its pickle: its name, and why."""


async def run_statements(
    body: list[ast.stmt],
    interactivity: str,
    compiled: Callable[[ast.AST, str], CodeType],
    variables: dict[str, Any],
    local: Any = None,
) -> tuple[Any, BaseException | None]:
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


def finish(run: Coroutine[Any, Any, Any]) -> Any:
    """Return what a coroutine returns that awaits nothing: one step brings it to its end, without an event loop."""
    try:
        run.send(None)
    except StopIteration as done:
        return done.value
    run.close()
    raise RuntimeError("the cell awaits, and has an error of syntax that Python finds when it is compiled")


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


def dump_variables(variables: Mapping[str, Any], file: IO[bytes]) -> None:
    """Pickle variables one after the other; an object that several of them hold stays one.

    Raises:
        CannotCrossError: one cannot be pickled, or is an open file, which cloudpickle would read to its end.
    """
    import cloudpickle  # type: ignore[import-untyped, unused-ignore]

    by_content = cloudpickle.Pickler.dispatch_table[io.TextIOWrapper]

    def reduced(stream: io.TextIOWrapper) -> Any:
        if stream not in {sys.stdout, sys.stderr}:
            raise TypeError("it is an open file")
        return by_content(stream)

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc, unused-ignore]
        dispatch_table = ChainMap({io.TextIOWrapper: reduced}, cloudpickle.Pickler.dispatch_table)

    pickler = Pickler(file)
    for name, value in variables.items():
        with _named(name):
            pickler.dump(value)


def load_variables(names: Iterable[str], file: IO[bytes]) -> dict[str, Any]:
    """Return the variables of ``dump_variables``, or raise its ``CannotCrossError``."""
    unpickler, variables = pickle.Unpickler(file), {}  # noqa: S301
    for name in names:
        with _named(name):
            variables[name] = unpickler.load()
    return variables


@contextmanager
def _named(name: str) -> Iterator[None]:
    # Pickling runs the code of the objects, which may fail in any way.
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        raise CannotCrossError(name, f"{type(error).__name__}: {error}") from error


def dump_error(error: BaseException) -> dict[str, Any]:
    """Return what ``load_error`` needs to make an error again, whatever its class does when it is pickled."""
    import cloudpickle

    dumped = {"name": type(error).__name__, "text": _facts(error)[1], "error": None}
    dumped["base"] = next(kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "builtins")
    whole = type(error), error.args, vars(error)
    for part in (error.with_traceback(None), whole):
        with suppress(Exception):
            pickled = cloudpickle.dumps(part)
            again = pickle.loads(pickled)  # noqa: S301
            again = again if isinstance(again, BaseException) else _remade(*again)
            if _facts(again) == _facts(error):
                return {**dumped, "error": pickled}
    return dumped


def load_error(dumped: dict[str, Any]) -> BaseException:
    """Return an error as it was; one that cannot be made again is of a class with its name and builtin base."""
    import builtins

    # Unpickling imports the library that raised: what it does is its own.
    with suppress(Exception):
        error = pickle.loads(dumped["error"])  # noqa: S301
        return error if isinstance(error, BaseException) else _remade(*error)
    kind = type(dumped["name"], (getattr(builtins, dumped["base"]),), {"__str__": lambda _: dumped["text"]})
    error: BaseException = kind.__new__(kind)
    return error


def _facts(error: BaseException) -> tuple[type, str, list[str]]:
    try:
        text = str(error)
    except Exception:  # noqa: BLE001
        text = "<exception str() failed>"  # as Python says
    return type(error), text, list(vars(error))


def _remade(kind: type[BaseException], arguments: tuple[Any, ...], state: dict[str, Any]) -> BaseException:
    """Return an error without calling its ``__init__``, which may want what its ``args`` do not hold."""
    error = kind.__new__(kind, *arguments)
    error.args = arguments
    vars(error).update(state)
    return error
