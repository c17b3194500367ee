# mypy: disable-error-code="no-untyped-call, untyped-decorator"
"""``%%memory_cap``: run a cell in a child process with little memory, and bring back its output, results and errors."""

from __future__ import annotations

import ast
import asyncio
import codecs
import io
import linecache
import os
import pickle
import re
import signal
import subprocess
import sys
import threading
from argparse import Namespace
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TextIO, TypeAlias

from IPython.core.displayhook import DisplayHook
from IPython.core.magic import Magics, cell_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments

from course.errors import BadArgumentError, CourseError
from course.measure import process_tree_memory
from course.size import format_size, parse_size
from magics.cell import CannotCrossError, dump_variables, load_error, load_variables
from magics.options import parse, short_traceback, variable_name

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

CAN_CAP = sys.platform == "linux"
"""Whether the system can cap a process's data memory; elsewhere RLIMIT_DATA is missing or counts but a part of it."""
LEAST_CAP_BYTES = 16 * 2**20
"""Data memory of a process that has only started Python, 12.4 MiB on Linux with Python 3.11, rounded up."""
PERIOD_SECONDS = 0.01
"""Time between two looks at the child's memory, where the system cannot cap it."""
_LAST_OUTPUT_SECONDS = 1.0
_LAST_WORDS = 1000
_MARK = "\x1e"
_LONGEST_MARK = 1000
_CHILD = Path(__file__).with_name("capped_child.py")
_ENVIRONMENT = {
    # Arrow's default pool reserves memory ahead, and a thread of OpenBLAS takes its buffers at once.
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONIOENCODING": "utf-8",
    "PYTHONUNBUFFERED": "1",
}
# A cell that is run by itself, of no notebook.
_DETAILS: dict[str, Any] = {
    "interactivity": "last_expr",
    "flags": 0,
    "is_in_loop": False,
    "inputs": (),
    "pickled": b"",
    "number": 1,
    "shell": {},
    "extensions": (),
    "has_pages": False,
}
_MEMORY_SIGNALS = ("SIGKILL", "SIGABRT", "SIGSEGV", "SIGBUS", "SIGILL", "SIGTRAP")
_MEMORY_WORDS = re.compile(
    "out of memory|cannot allocate memory|unable to allocate|failed to allocate|bad_alloc|memory allocation"
    "|can't start new thread",
    re.IGNORECASE,
)


Traceback: TypeAlias = tuple[str, str, list[str]]


class ChildTraceback(Exception):  # noqa: N818
    """The traceback of an error in the child process, shown as the cause of the same error in the kernel."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


class ShownValue:
    """The value of a capped cell's last expression, as a notebook shows it: the value itself stayed in the child."""

    def __init__(self, data: dict[str, Any], metadata: dict[str, Any], tracebacks: Sequence[Traceback]) -> None:
        self._data, self._metadata, self._tracebacks = data, metadata, tracebacks

    def __repr__(self) -> str:
        return str(self._data.get("text/plain", "a value that could not be shown"))

    def _ipython_display_(self) -> None:
        for one in self._tracebacks:
            _show_traceback(one)
        if self._data:
            raise NotImplementedError

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> tuple[Any, Any]:  # noqa: ARG002
        return self._data, self._metadata


def _names(text: str) -> list[str]:
    return [variable_name(name) for name in re.split(r"[,\s]+", text) if name]


@magics_class
class MemoryCapMagics(Magics):
    """The magic that caps the memory of a cell."""

    shell: InteractiveShell

    @no_var_expand
    @magic_arguments()
    @argument("cap", help="The most memory it may use: 512MiB, 1.5GiB, 500MB.")
    @argument("-i", "--input", default="", metavar="NAMES", help="Variables that the cell needs: a,b.")
    @argument("-o", "--output", default="", metavar="NAMES", help="Variables of the cell to bring back: c,d.")
    @argument("--watch", action="store_true", help="Watch resident memory and kill, even where the system can cap.")
    @argument("-q", "--quiet", action="store_true", help="Do not say how the cap was held.")
    @cell_magic
    def memory_cap(self, line: str, cell: str) -> ShownValue | None:
        """Run a cell in a child process with little memory: what does not fit raises MemoryError, the kernel lives on.

        On Linux the system caps the data memory of the child (RLIMIT_DATA): Python, the libraries' data and all
        that they allocate count; files mapped in memory do not. Where the system cannot cap, the resident memory
        of the child and its children is watched, and they are killed above the cap. A line says which it was.

        The cell starts with an empty namespace: give it variables with ``-i``, bring back results with ``-o`` (by
        pickle). What it prints is shown, as is the value of its last expression. Magics do not run in the child.
        Threads of OpenBLAS and OpenMP are reduced to one, because each takes memory of its own.

        Examples::

            %%memory_cap 512MiB -i path -o total
            import pandas
            total = sum(chunk["PRS_REM_MNT"].sum() for chunk in pandas.read_csv(path, sep=";", chunksize=10_000))

            %%memory_cap 512MiB
            import pandas
            pandas.read_csv("data/A201612.csv", sep=";")  # MemoryError
        """
        __tracebackhide__ = True
        return run_capped(
            into=self.shell.user_ns, show=self._show, **self._arguments(parse(self.memory_cap, line), cell)
        )

    @short_traceback
    def _arguments(self, options: Namespace, cell: str) -> dict[str, Any]:
        """Return the arguments of ``run_capped``, and say how the cap will be held."""
        shell = self.shell
        source, number = shell.transform_cell(cell), shell.displayhook.prompt_count
        file = shell.compile.cache(source, number, raw_code=cell.removesuffix("\n"))
        shell.compile.ast_parse(source, filename=file)  # no process is started for what is not Python
        names = _names(options.input)
        awaits = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT if shell.autoawait else 0
        is_silent = DisplayHook.semicolon_at_end_of_expression(source)
        arguments = {
            "source": source,
            "cap_bytes": _cap_bytes(options.cap),
            "name": f"Cell In[{number}]",
            "file": file,
            "number": number,
            "inputs": names,
            "pickled": self._pickled(names),
            "outputs": _names(options.output),
            "interactivity": "none" if is_silent else shell.ast_node_interactivity,
            "flags": shell.compile.flags | awaits,
            "is_in_loop": _is_in_loop() or shell.should_run_async(source, transformed_cell=source),
            "shell": {"colors": shell.colors},
            "extensions": sorted(shell.extension_manager.loaded),
            "has_pages": hasattr(shell, "kernel"),
            "is_watched": options.watch or not CAN_CAP,
        }
        if not options.quiet:
            how = "data memory capped by the system (RLIMIT_DATA)"
            if arguments["is_watched"]:
                how = f"resident memory watched every {PERIOD_SECONDS * 1000:.0f} ms, killed above the cap"
            print(f"memory cap of {format_size(arguments['cap_bytes'])}: {how}")  # noqa: T201
        return arguments

    def _pickled(self, names: Sequence[str]) -> bytes:
        missing = [name for name in names if name not in self.shell.user_ns]
        if missing:
            raise BadArgumentError(f"--input {missing[0]}: there is no such variable in the notebook")
        file = io.BytesIO()
        try:
            dump_variables({name: self.shell.user_ns[name] for name in names}, file)
        except CannotCrossError as refused:
            raise _refused("-i", *refused.args) from None
        return file.getvalue()

    def _show(self, kind: str, arguments: Sequence[Any], is_after: bool) -> None:
        """Show what the child asks for; figures come after the value of the cell, as after any cell."""
        shell = self.shell

        def show() -> None:
            match kind, arguments:
                case "publish", [data, metadata, transient, update]:
                    shell.display_pub.publish(data, metadata, transient=transient, update=update)
                case "clear_output", [wait]:
                    shell.display_pub.clear_output(wait)
                case "traceback", [told]:
                    _show_traceback(told)
                case "result", [displayed]:
                    sys.displayhook(_value(displayed))
                case "payload", [payload]:
                    shell.payload_manager.write_payload(payload, single=False)

        def show_once() -> None:
            shell.events.unregister("post_execute", show_once)
            show()

        if is_after:
            shell.events.register("post_execute", show_once)
        else:
            show()


def _is_in_loop() -> bool:
    with suppress(RuntimeError):
        return bool(asyncio.get_running_loop())
    return False


def _refused(option: str, name: str, reason: str) -> BadArgumentError:
    where = {"-i": "go to the cell's process", "-o": "come back from the cell's process"}[option]
    instead = {"-i": "make it in the cell, and give", "-o": "bring back"}[option]
    return BadArgumentError(f"{option} {name}: it cannot {where} ({reason}): {instead} what it holds, or a path")


def _value(displayed: dict[str, Any]) -> Any:
    """Return a plain value as it is, and what stands for another."""
    if "value" in displayed:
        return pickle.loads(displayed["value"])  # noqa: S301
    return ShownValue(*displayed["shown"]) if "shown" in displayed else None


def _show_traceback(told: Traceback) -> None:
    """Show the traceback of an object that cannot be displayed: the error is not of the cell."""
    from IPython.core.getipython import get_ipython

    name, message, lines = told
    kind = type(name, (Exception,), {})
    get_ipython()._showtraceback(kind, kind(message), lines)


def _cap_bytes(text: str) -> int:
    cap_bytes = parse_size(text)
    if cap_bytes < LEAST_CAP_BYTES:
        advice = f"did you mean {text.strip()}MiB?" if text.strip().isdecimal() else "give a larger one, such as 512MiB"
        raise BadArgumentError(
            f"a cap of {format_size(cap_bytes)} is less than the {format_size(LEAST_CAP_BYTES)} that Python takes "
            f"before the cell starts: {advice}"
        )
    return cap_bytes


def run_capped(
    source: str,
    cap_bytes: int,
    *,
    name: str = "cell",
    file: str = "cell",
    outputs: Sequence[str] = (),
    into: dict[str, Any] | None = None,
    is_watched: bool = not CAN_CAP,
    show: Callable[[str, Sequence[Any], bool], None] = lambda *_: None,
    **details: Any,
) -> Any:
    """Run Python code in a child process with little memory, its output copied to ours, and return what to display.

    The child's traceback calls the source ``name``, the kernel's knows it as ``file``. The variables named in
    ``outputs`` are put ``into`` a dict, also those set before an error. Its data memory is capped, or its resident
    memory ``is_watched``. ``show`` is called with what the code displays; ``details`` are of the cell and its shell.

    Raises:
        MemoryError: it needed more memory than the cap, and said so or died of it.
        CourseError: it ended without a result, or a variable cannot cross.
        Exception: any error it raised; its cause is a ``ChildTraceback`` unless the cell's own line says it all.
    """
    __tracebackhide__ = True
    request = {**_DETAILS, **details, "source": source, "name": name, "file": file, "outputs": list(outputs)}
    request |= {"path": sys.path, "argv": sys.argv, "cap_bytes": None if is_watched else cap_bytes}
    with TemporaryDirectory(prefix="memory-cap-") as folder:
        request_path, result_path = Path(folder, "request"), Path(folder, "result")
        request_path.write_bytes(pickle.dumps(request))
        process = subprocess.Popen(
            [sys.executable, "-P", str(_CHILD), str(request_path), str(result_path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,  # what is read comes as it is written
            env={**os.environ, **_ENVIRONMENT},
        )
        try:
            marks = re.compile(f"{_MARK}({re.escape(folder)}[^{_MARK}]+){_MARK}")
            copiers = [
                _Copier(process.stdout, sys.stdout, marks, show),
                _Copier(process.stderr, sys.stderr, marks, show),
            ]
            killed_at = _wait(process, cap_bytes if is_watched else None)
            for copier in copiers:
                copier.finish()
        finally:
            # Also when the kernel is interrupted.
            _kill_tree(process)
        if not result_path.exists() or killed_at:
            _raise(_death(process.returncode, killed_at, copiers[1].last_words, format_size(cap_bytes)))
        result = pickle.loads(result_path.read_bytes())  # noqa: S301
        _bring_back(result, Path(folder, "variables"), {} if into is None else into)
    if failure := result.get("failure"):
        _raise(_error(failure), file, failure["line"], failure["traceback"])
    return _value(result)


@short_traceback
def _bring_back(result: dict[str, Any], path: Path, into: dict[str, Any]) -> None:
    """Put the variables of the cell where they are wanted: all, or none with an error that says why."""
    if refused := result.get("refused"):
        raise _refused(*refused)
    if names := result.get("variables"):
        try:
            with path.open("rb") as file:
                into.update(load_variables(names, file))
        except CannotCrossError as refused:
            raise _refused("-o", *refused.args) from None


class _Copier(threading.Thread):
    """Copies what the child writes until the last process that holds the pipe ends, and keeps its last words.

    Where the child marked that it displays something, ``show`` is called with what stands in the file of that name.
    """

    def __init__(self, pipe: Any, target: TextIO, marks: re.Pattern[str], show: Callable[..., None]) -> None:
        super().__init__(daemon=True)
        self._pipe, self._target, self._marks, self._show, self.last_words = pipe, target, marks, show, ""
        self.start()

    def run(self) -> None:
        rest = ""
        with self._pipe:
            pieces = iter(partial(self._pipe.read, 65536), b"")
            for text in codecs.iterdecode(pieces, "utf-8", errors="replace"):
                *shown, rest = self._marks.split(rest + text)
                for written, path in zip(shown[::2], shown[1::2], strict=True):
                    self._write(written)
                    self._show(*pickle.loads(Path(path).read_bytes()))  # noqa: S301
                    Path(path).unlink()
                # what may be the beginning of a mark waits for its end
                start = rest.find(_MARK, max(0, len(rest) - _LONGEST_MARK))
                self._write(rest[:start] if start >= 0 else rest)
                rest = rest[start:] if start >= 0 else ""
        self._write(rest)

    def _write(self, text: str) -> None:
        self._target.write(text)
        self.last_words = (self.last_words + text)[-_LAST_WORDS:]

    def finish(self) -> None:
        """Wait until all is copied; a process that the cell left behind may hold the pipe open for ever."""
        self.join(_LAST_OUTPUT_SECONDS)
        self._target.flush()


def _wait(process: subprocess.Popen[bytes], cap_bytes: int | None) -> int:
    """Wait until the child ends, or kill it for taking more memory than the cap; return how much it took then, or 0."""
    while process.poll() is None:
        with suppress(subprocess.TimeoutExpired):
            process.wait(PERIOD_SECONDS)
        if cap_bytes and (used := process_tree_memory(process.pid)) > cap_bytes:
            _kill_tree(process)
            return used
    return 0


def _kill_tree(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that still runs, with its descendants."""
    import psutil

    if process.poll() is None:
        with suppress(psutil.NoSuchProcess):
            for child in psutil.Process(process.pid).children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    child.kill()
        process.kill()
        process.wait()


def _death(returncode: int, killed_at: int, last_words: str, cap: str) -> MemoryError | CourseError:
    """Return the error that says how a process ended that gave no result."""
    if killed_at:
        used = format_size(killed_at)
        return MemoryError(f"the cell used {used} of memory, over its cap of {cap}: its process was killed")
    name = signal.Signals(-returncode).name if -returncode in set(signal.Signals) else ""
    if name in _MEMORY_SIGNALS:
        reason = "as happens when a library finds no memory"
        return MemoryError(f"under a cap of {cap} the cell's process was ended by {name}, {reason}")
    if _MEMORY_WORDS.search(last_words):
        # OpenBLAS says so and calls exit(1)
        said = last_words.strip().splitlines()[-1]
        return MemoryError(f"under a cap of {cap} a library ended the cell's process: {said}")
    ending = f"by {name}" if name else f"with exit code {returncode}"
    return CourseError(f"the cell's process ended {ending} before it gave a result; look at its output above")


def _error(failure: dict[str, Any]) -> BaseException:
    """Return the error of the cell, or a MemoryError if it speaks of want of memory."""
    error, message = load_error(failure), failure["message"]
    is_of_memory = _MEMORY_WORDS.search(message) and not isinstance(error, MemoryError)
    return MemoryError(message) if is_of_memory else error


def _raise(error: BaseException, file: str = "", line: int | None = None, child_traceback: str | None = None) -> None:
    """Raise from a frame at the line of the cell, as if it had run here; without one, from a line that says why."""
    __tracebackhide__ = True
    name = file if line else "<memory_cap>"
    source = "\n" * ((line or 1) - 1) + "raise error from cause  # the process of the cell ended"
    linecache.cache.setdefault(name, (len(source), None, [source], name))
    cause = ChildTraceback(child_traceback) if child_traceback else None
    exec(compile(source, name, "exec"), {"error": error, "cause": cause})  # noqa: S102
