"""The child process of ``%%memory_cap``: run one cell under a cap and write what came of it in a file.

It imports nothing but the standard library before the cap is set, and is run as a script for the same reason.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import linecache
import os
import pickle
import pprint
import sys
import traceback
import types
from contextlib import suppress
from pathlib import Path
from typing import Any

_REPRESENTATIONS = {
    "text/html": "_repr_html_",
    "text/markdown": "_repr_markdown_",
    "text/latex": "_repr_latex_",
    "image/svg+xml": "_repr_svg_",
    "image/png": "_repr_png_",
}


def main(request_path: Path, result_path: Path) -> None:
    """Run the cell of the request and write the result file: complete, or not there at all."""
    request = pickle.loads(request_path.read_bytes())  # noqa: S301
    sys.path[:] = request["path"]
    module = sys.modules["__main__"] = types.ModuleType("__main__")
    partial = result_path.with_suffix(".part")
    try:
        _run(request, module.__dict__, partial)
    except BaseException as error:  # noqa: BLE001
        # Whatever it is, the kernel raises it again.
        partial.write_bytes(pickle.dumps(failure(error, request["name"])))
    sys.stdout.flush()
    sys.stderr.flush()
    partial.replace(result_path)


def _run(request: dict[str, Any], namespace: dict[str, Any], result_path: Path) -> None:
    """Run the cell under its cap and write what it gave."""
    cap_memory(request["cap_bytes"])
    try:
        namespace.update(pickle.loads(request["inputs"]))  # noqa: S301
        value = run_cell(request["source"], request["name"], namespace)
    finally:
        # What follows is not the cell's: its results are brought back whatever they weigh.
        cap_memory(None)
    import cloudpickle  # type: ignore[import-untyped, unused-ignore]

    shown = representations(value) if value is not None and request["is_shown"] else None
    for name in request["outputs"]:
        if name not in namespace:
            raise NameError(f"the cell set no variable {name!r}, which -o asks for", name=name)
    with result_path.open("wb") as file:
        # cloudpickle takes functions and classes that the cell defines, too.
        cloudpickle.dump({"shown": shown, "outputs": {name: namespace[name] for name in request["outputs"]}}, file)


def cap_memory(cap_bytes: int | None) -> None:
    """Cap the data memory of this process (RLIMIT_DATA of Linux), or lift the cap again with None."""
    if sys.platform == "linux":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (hard if cap_bytes is None else cap_bytes, hard))


def run_cell(source: str, name: str, namespace: dict[str, Any]) -> Any:
    """Run ``source`` and return the value of its last expression, or None; ``await`` works outside functions."""
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    body = ast.parse(source, name).body
    last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
    _evaluate(ast.Module(body, []), name, "exec", namespace)
    return _evaluate(ast.Expression(last.value), name, "eval", namespace) if isinstance(last, ast.Expr) else None


def _evaluate(tree: ast.Module | ast.Expression, name: str, mode: str, namespace: dict[str, Any]) -> Any:
    code = compile(tree, name, mode, flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    result = eval(code, namespace)  # noqa: S307
    return asyncio.run(result) if code.co_flags & inspect.CO_COROUTINE else result


def representations(value: Any) -> dict[str, Any]:
    """Return what a notebook shows for ``value``, by media type."""
    is_plain = type(value) in {dict, list, tuple, set}
    shown: dict[str, Any] = {"text/plain": pprint.pformat(value, width=79) if is_plain else repr(value)}
    for media_type, method in _REPRESENTATIONS.items():
        represent = None if isinstance(value, type) else getattr(value, method, None)
        text = represent() if callable(represent) else None
        if text is not None:
            shown[media_type] = text
    return shown


def failure(error: BaseException, cell_name: str) -> dict[str, Any]:
    """Return the error, pickled if it can be, its message, the cell's line, and its traceback if it went deeper."""
    import cloudpickle

    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename != cell_name:
        frames = frames.tb_next
    text = "".join(traceback.format_exception(type(error), error, frames))
    for folder in sorted(filter(None, sys.path), key=len, reverse=True):
        # A library is named as it is imported, so that a stored notebook says the same on every machine.
        text = text.replace(f'File "{folder}{os.sep}', 'File "')
    # A line of the cell that failed by itself is all that there is to see, and the kernel shows it.
    goes_deeper = frames is not None and frames.tb_next is not None
    has_history = error.__cause__ is not None or error.__context__ is not None
    told = {
        "message": traceback.format_exception_only(error)[-1].strip(),
        "line": frames.tb_lineno if frames is not None else getattr(error, "lineno", None),
        "traceback": text if goes_deeper or has_history else None,
        "error": None,
    }
    # Pickling runs the error's own code, which may do anything.
    with suppress(Exception):
        pickled = cloudpickle.dumps(error.with_traceback(None))
        if type(pickle.loads(pickled)) is type(error):  # noqa: S301
            told["error"] = pickled
    return told


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
