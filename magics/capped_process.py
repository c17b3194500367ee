"""A child process with little memory that runs a cell: its output copied, its end told, its results brought back."""

from __future__ import annotations

import codecs
import linecache
import os
import pickle
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TextIO

from course.carried import load_error
from course.errors import CourseError
from course.measure import process_tree_memory
from course.size import format_size
from magics.cell import load_variables
from magics.options import short_traceback

CAN_CAP = sys.platform == "linux"
"""Whether the system can cap a process's data memory; elsewhere RLIMIT_DATA is missing or counts but a part of it."""
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
# What a cell has that is of no notebook.
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


class ChildTraceback(Exception):  # noqa: N818
    """The traceback of an error in the child process, shown as the cause of the same error in the kernel."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def run_capped(
    source: str,
    cap_bytes: int,
    *,
    name: str = "cell",
    file: str = "cell",
    outputs: Sequence[str] = (),
    into: dict[str, Any] | None = None,
    is_watched: bool = not CAN_CAP,
    show: Callable[..., None] = lambda *_: None,
    **details: Any,
) -> Any:
    """Run Python code in a child process with little memory, its output copied to ours, and return what to display.

    The child's traceback calls the source ``name``, the kernel's knows it as ``file``. The variables named in
    ``outputs`` are put ``into`` a dict, those too that were set before an error. Its data memory is capped, or its
    resident memory ``is_watched``. ``show`` is called when it displays; ``details`` are of the cell and its shell.

    Raises:
        MemoryError: it needed more memory than the cap, and said so or died of it.
        CourseError: it ended without a result, or a variable cannot go from one process to the other.
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
            pipes = (process.stdout, sys.stdout), (process.stderr, sys.stderr)
            copiers = [_Copier(pipe, target, marks, show) for pipe, target in pipes]
            killed_at = _wait(process, cap_bytes if is_watched else None)
            for copier in copiers:
                copier.finish()
        finally:
            # Also when the kernel is interrupted.
            _kill_tree(process)
        if not result_path.exists() or killed_at:
            _raise(_death(process.returncode, killed_at, copiers[1].last_words, format_size(cap_bytes)))
        result = pickle.loads(result_path.read_bytes())  # noqa: S301
        if into is not None and result["variables"]:
            with Path(folder, "variables").open("rb") as stream:
                into.update(short_traceback(load_variables)("-o", result["variables"], stream))
    if failure := result.get("failure"):
        _raise(_error(failure), file, failure["line"], failure["traceback"])
    return pickle.loads(result["value"])  # noqa: S301


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
    error, message = load_error(*failure["error"]), failure["message"]
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
