# mypy: disable-error-code="no-untyped-call"
"""The child process of ``%%memory_cap``: run one cell under a cap and write what came of it in files.

It imports nothing but the standard library before the cap is set, and is run as a script for the same reason. IPython
is imported, and a shell made, when the cell first asks for it: by a magic, by ``display``, by a figure.
"""

from __future__ import annotations

import ast
import asyncio
import builtins
import codeop
import io
import itertools
import linecache
import os
import pickle
import sys
import traceback
import types
from collections.abc import Callable, Coroutine
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_PLAIN = {bool, int, float, complex, str, bytes, list, tuple, dict, set, frozenset}
_LARGEST_VALUE_BYTES = 2**20


def main(request_path: Path, result_path: Path) -> None:
    """Run the cell of the request and write the result file: complete, or not there at all."""
    request = pickle.loads(request_path.read_bytes())  # noqa: S301
    sys.path[:], sys.argv[:] = request["path"], request["argv"]
    module = sys.modules["__main__"] = types.ModuleType("__main__")
    front = FrontEnd(request, module, request_path.parent)
    result = _run(request, module.__dict__, front)
    front.end()
    result |= _dump_outputs(request["outputs"], module.__dict__, request_path.with_name("variables"), result)
    sys.stdout.flush()
    sys.stderr.flush()
    partial = result_path.with_suffix(".part")
    partial.write_bytes(pickle.dumps(result))
    partial.replace(result_path)


def _run(request: dict[str, Any], namespace: dict[str, Any], front: FrontEnd) -> dict[str, Any]:
    """Run the cell under its cap; return its value to display, or how it failed: the kernel raises it again."""
    from magics.cell import load_variables

    cap_memory(request["cap_bytes"])
    try:
        namespace.update(load_variables("-i", request["inputs"], io.BytesIO(request["pickled"])))
        value, error = run_cell(request, namespace)
    except BaseException as raised:  # noqa: BLE001
        value, error = None, raised
    finally:
        # What follows is not the cell's: its results are brought back whatever they weigh.
        cap_memory(None)
    try:
        if error is None:
            return {"value": pickle.dumps(None) if value is None else _plain(value) or pickle.dumps(front.shown(value))}
    except BaseException as raised:  # noqa: BLE001
        error = raised
    return {"failure": failure(error, request["file"], request["name"])}


def _dump_outputs(names: list[str], namespace: dict[str, Any], path: Path, result: dict[str, Any]) -> dict[str, Any]:
    """Write the variables that are wanted; those that a cell set before it failed come too, as in a notebook."""
    if not names:
        return {"variables": []}
    from magics.cell import dump_variables

    found = {name: namespace[name] for name in names if name in namespace}
    try:
        with path.open("wb") as file:
            dump_variables("-o", found, file)
    except Exception as error:  # noqa: BLE001
        return {"failure": failure(error, "", ""), **result, "variables": []}
    missing = [name for name in names if name not in found]
    if missing and "failure" not in result:
        nothing = NameError(f"the cell set no variable {missing[0]!r}, which -o asks for")
        return {"failure": failure(nothing, "", ""), "variables": []}
    return {"variables": list(found)}


def cap_memory(cap_bytes: int | None) -> None:
    """Cap the data memory of this process (RLIMIT_DATA of Linux), or lift the cap again with None."""
    if sys.platform == "linux":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (hard if cap_bytes is None else cap_bytes, hard))


def run_cell(request: dict[str, Any], namespace: dict[str, Any]) -> Any:
    """Run the cell, in an event loop if the notebook has one; return its value to display, and its error."""
    from magics.cell import finish, run_statements

    source, file = request["source"], request["file"]
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    compiler = codeop.Compile()  # keeps what is imported from __future__ for the statements after it
    compiler.flags = request["flags"]
    body = ast.parse(source, file).body
    run = run_statements(body, request["interactivity"], lambda *tree: compiler(tree[0], file, tree[1]), namespace)
    if not request["is_in_loop"]:
        return finish(run)
    with asyncio.Runner() as runner:
        return runner.get_loop().run_until_complete(_and_its_tasks(run))


async def _and_its_tasks(run: Coroutine[Any, Any, tuple[Any, BaseException | None]]) -> Any:
    """Let the tasks that the cell began come to their end: the loop of a notebook goes on after the cell."""
    value, error = await run
    while error is None and (others := asyncio.all_tasks() - {asyncio.current_task()}):
        await asyncio.wait(others)
    return value, error


class FrontEnd:
    """What a notebook is for the cell: it shows values, and has a shell once the cell asks for one."""

    def __init__(self, request: dict[str, Any], module: types.ModuleType, folder: Path) -> None:
        self._request, self._module, self._has_ended = request, module, False
        self._shell: Any = None
        self._tracebacks: list[Any] | None = None
        self._marks = (folder / f"shown-{number}" for number in itertools.count())
        sys.displayhook = self._display
        sys.meta_path.insert(0, self)
        builtins.get_ipython = self.shell  # type: ignore[attr-defined]
        builtins.display = self._first_display  # type: ignore[attr-defined]
        builtins.input = _no_input

    def _display(self, value: Any) -> None:
        from magics.cell import call_shell

        if value is not None:
            self.send(call_shell, "displayhook", self.shown(value))

    def _first_display(self, *values: Any, **options: Any) -> Any:
        from IPython.display import display

        return display(*values, **options)

    def send(self, function: Callable[..., None], *arguments: Any, **options: Any) -> None:
        """Have a function called in the kernel, when it meets the mark of it in what the cell printed."""
        path = next(self._marks)
        path.write_bytes(pickle.dumps((self._has_ended, function, arguments, options)))
        sys.stdout.flush()
        os.write(1, f"\x1e{path}\x1e".encode())

    def shown(self, value: Any) -> Any:
        """Return what stands for a value in the kernel; None for one that shows itself, or nothing."""
        from magics.cell import ShownValue

        self._tracebacks = []
        data, metadata = self.shell().display_formatter.format(value)
        tracebacks, self._tracebacks = self._tracebacks, None
        return ShownValue(data, metadata, tracebacks) if data or tracebacks else None

    def shell(self) -> Any:
        """Return the shell, made when IPython was first imported."""
        import IPython  # noqa: F401

        return self._shell

    def end(self) -> None:
        """Do what a notebook does after a cell: show the figures, and the pages of help."""
        from magics.cell import call_shell

        self._has_ended = True
        if self._shell:
            self._shell.events.trigger("post_execute")
            for payload in self._shell.payload_manager.read_payload():
                self.send(call_shell, "payload_manager.write_payload", payload, single=False)

    def find_spec(self, name: str, path: object = None, target: object = None) -> Any:  # noqa: ARG002
        """Find IPython as Python finds it, and make the shell as soon as it is imported."""
        if name != "IPython":
            return None
        sys.meta_path.remove(self)
        spec: Any = find_spec(name)
        execute = spec.loader.exec_module

        def execute_and_make_shell(module: types.ModuleType) -> None:
            execute(module)
            self._make_shell()

        spec.loader.exec_module = execute_and_make_shell
        return spec

    def _cell_name(self, file: str) -> tuple[str, str] | None:
        return ("Cell", f"In[{self._request['number']}]") if file == self._request["file"] else None

    def _make_shell(self) -> None:
        from IPython.core.displaypub import DisplayPublisher
        from IPython.core.interactiveshell import InteractiveShell
        from IPython.core.payloadpage import page
        from traitlets.config import Config

        from course.carried import dump_error
        from magics.cell import call_shell, show_traceback

        front, send = self, self.send

        class Publisher(DisplayPublisher):
            def publish(self, data: Any, metadata: Any = None, **options: Any) -> None:  # type: ignore[override]
                send(call_shell, "display_pub.publish", data, metadata, **options)

            def clear_output(self, wait: bool = False) -> None:
                send(call_shell, "display_pub.clear_output", wait)

        class Shell(InteractiveShell):
            def _showtraceback(self, etype: Any, evalue: Any, stb: Any) -> None:  # noqa: ARG002
                told = dump_error(evalue)[1:], stb
                if front._tracebacks is None:
                    send(show_traceback, *told)
                else:  # of the value, which the kernel displays
                    front._tracebacks.append(told)

        config = Config({"HistoryManager": {"enabled": False}, "InteractiveShell": self._request["shell"]})
        shell: Any = Shell.instance(config=config, user_module=self._module, display_pub_class=Publisher)
        self._shell = shell
        shell.compile.format_code_name = self._cell_name
        shell.execution_count = self._request["number"] + 1
        if self._request["has_pages"]:
            shell.set_hook("show_in_pager", lambda _, *text, **how: page(*text, **how), 0)
        # the course's own adds magics and nothing else, and takes a third of the time to the first value shown
        has_magics = "get_ipython" in self._request["source"]
        for extension in self._request["extensions"]:
            if extension == "magics" and not has_magics:
                continue
            with suppress(Exception):
                shell.extension_manager.load_extension(extension)


def _no_input(*_: object) -> str:
    from course.errors import BadArgumentError

    raise BadArgumentError("a cell under %%memory_cap cannot ask: call input() in another, and give its answer with -i")


def _plain(value: Any) -> bytes | None:
    """Return a number, a text or a container as a pickle, unless it is large or holds what cannot be pickled."""
    from magics.cell import dump_variables

    class Small(io.BytesIO):
        def write(self, data: Any) -> int:
            if self.tell() + len(data) > _LARGEST_VALUE_BYTES:
                raise ValueError("too large")
            return super().write(data)

    file = Small()
    with suppress(Exception):
        if type(value) in _PLAIN:
            dump_variables("", {"": value}, file)
            pickle.loads(file.getvalue())  # noqa: S301
            return file.getvalue()
    return None


def failure(error: BaseException, file: str, cell_name: str) -> dict[str, Any]:
    """Return the error, the cell's line, and its traceback if it went deeper."""
    from course.carried import dump_error

    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename != file:
        frames = frames.tb_next
    text = "".join(traceback.format_exception(type(error), error, frames))
    text = text.replace(f'File "{file}"', f'File "{cell_name}"')
    for folder in sorted(filter(None, sys.path), key=len, reverse=True):
        # A library is named as it is imported, so that a stored notebook says the same on every machine.
        text = text.replace(f'File "{folder}{os.sep}', 'File "')
    # A line of the cell that failed by itself is all that there is to see, and the kernel shows it.
    goes_deeper = frames is not None and frames.tb_next is not None
    has_history = error.__cause__ is not None or (error.__context__ is not None and not error.__suppress_context__)
    return {
        "error": dump_error(error),
        "message": traceback.format_exception_only(error)[-1].strip(),
        "line": frames.tb_lineno if frames is not None else getattr(error, "lineno", None),
        "traceback": text if goes_deeper or has_history else None,
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
