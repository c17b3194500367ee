"""Run code in a child process whose memory is capped, and bring back its output, its results and its errors."""

from __future__ import annotations

import codecs
import linecache
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, TextIO

from course.errors import CourseError
from course.size import format_size

CAN_CAP = sys.platform == "linux"
"""Whether the system can cap a process's data memory; elsewhere RLIMIT_DATA is missing or counts but a part of it."""
PERIOD_SECONDS = 0.01
"""Time between two looks at the child's memory, where the system cannot cap it."""
_LAST_OUTPUT_SECONDS = 1.0
_LAST_WORDS = 1000
_CHILD = Path(__file__).with_name("capped_child.py")
_ENVIRONMENT = {
    # Arrow's default pool reserves memory ahead, and a thread of OpenBLAS takes its buffers at once.
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    # The notebook's backend would import the whole of IPython.
    "MPLBACKEND": "agg",
    "PYTHONIOENCODING": "utf-8",
    "PYTHONUNBUFFERED": "1",
}
_MEMORY_SIGNALS = ("SIGKILL", "SIGABRT", "SIGSEGV", "SIGBUS", "SIGILL", "SIGTRAP")
_MEMORY_WORDS = (
    "out of memory",
    "cannot allocate memory",
    "unable to allocate",
    "failed to allocate",
    "bad_alloc",
    "memory allocation",
    "can't start new thread",
)


class ChildTraceback(Exception):  # noqa: N818
    """The traceback of an error in the child process, shown as the cause of the same error in the kernel."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


@dataclass(frozen=True)
class CappedCode:
    """What the child runs: Python source and all that it needs.

    Attributes:
        source: plain Python, magics already translated.
        name: the file name that the child's traceback shows.
        kernel_name: the file name under which the kernel knows the source, to show its lines in its own traceback.
        cap_bytes: the cap on its memory.
        inputs: a pickled dict of the variables that it finds.
        outputs: the names of the variables to bring back.
        is_shown: whether to bring back what a notebook shows for the value of the last expression.
        is_watched: whether to watch its resident memory and kill it, rather than cap its data memory.
    """

    source: str
    name: str
    kernel_name: str
    cap_bytes: int
    inputs: bytes = field(default_factory=lambda: pickle.dumps({}))
    outputs: tuple[str, ...] = ()
    is_shown: bool = True
    is_watched: bool = not CAN_CAP

    @property
    def method(self) -> str:
        """How the cap is held, in words."""
        if self.is_watched:
            return f"resident memory watched every {PERIOD_SECONDS * 1000:.0f} ms, killed above the cap"
        return "data memory capped by the system (RLIMIT_DATA)"


@dataclass(frozen=True)
class CappedResult:
    """What came back: the variables asked for, and what to show for the last expression, by media type."""

    outputs: dict[str, Any]
    shown: dict[str, Any] | None


def run_capped(code: CappedCode) -> CappedResult:
    """Run ``code`` in a child process, its output copied to ours, and return its results.

    Raises:
        MemoryError: it needed more memory than the cap, and said so or died of it.
        CourseError: it ended without a result, or with an error that cannot be brought back.
        Exception: any error it raised; its cause is a ``ChildTraceback`` unless the cell's own line says it all.
    """
    __tracebackhide__ = True
    with TemporaryDirectory(prefix="memory-cap-") as folder:
        request, result = Path(folder, "request"), Path(folder, "result")
        request.write_bytes(_request(code))
        with _child(request, result) as process:
            ending = _follow(process, code.cap_bytes if code.is_watched else None)
        if ending.killed_at:
            used, cap = format_size(ending.killed_at), format_size(code.cap_bytes)
            _raise_here(MemoryError(f"the cell used {used} of memory, over its cap of {cap}: its process was killed"))
        if not result.exists():
            _raise_here(_death(process.returncode, ending.last_words, code))
        return _read_result(result, code.kernel_name)


def _request(code: CappedCode) -> bytes:
    return pickle.dumps(
        {
            "source": code.source,
            "name": code.name,
            "path": sys.path,
            "cap_bytes": code.cap_bytes,
            "is_capped": not code.is_watched,
            "inputs": code.inputs,
            "outputs": list(code.outputs),
            "is_shown": code.is_shown,
        }
    )


@contextmanager
def _child(request: Path, result: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-P", str(_CHILD), str(request), str(result)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **_ENVIRONMENT},
    )
    try:
        yield process
    finally:
        # Also when the kernel is interrupted.
        if process.poll() is None:
            _kill_tree(process.pid)
        process.wait()


@dataclass
class _Ending:
    """How the child ended: the memory at which it was killed, or 0, and the end of what it wrote on stderr."""

    killed_at: int = 0
    last_words: str = ""

    def hear(self, target: TextIO, text: str) -> None:
        if target is sys.stderr:
            self.last_words = (self.last_words + text)[-_LAST_WORDS:]


def _follow(process: subprocess.Popen[bytes], cap_bytes: int | None) -> _Ending:
    """Copy the child's output until it ends, or is killed for taking more memory than the cap."""
    ending = _Ending()
    chunks: queue.SimpleQueue[tuple[TextIO, str]] = queue.SimpleQueue()
    readers = [
        threading.Thread(target=_read_stream, args=(pipe, target, chunks), daemon=True)
        for pipe, target in ((process.stdout, sys.stdout), (process.stderr, sys.stderr))
    ]
    for reader in readers:
        reader.start()
    deadline = None
    while any(reader.is_alive() for reader in readers) and (deadline is None or time.monotonic() < deadline):
        _copy_output(chunks, ending)
        used = _resident_bytes(process.pid) if cap_bytes else 0
        if cap_bytes and used > cap_bytes:
            _kill_tree(process.pid)
            ending.killed_at = used
            return ending
        if deadline is None and process.poll() is not None:
            # A process that the cell left behind may hold the pipes open for ever.
            deadline = time.monotonic() + _LAST_OUTPUT_SECONDS
    _copy_output(chunks, ending)
    for target in (sys.stdout, sys.stderr):
        target.flush()
    return ending


def _read_stream(pipe: IO[bytes], target: TextIO, chunks: queue.SimpleQueue[tuple[TextIO, str]]) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    with pipe:
        while content := os.read(pipe.fileno(), 65536):
            chunks.put((target, decoder.decode(content)))


def _copy_output(chunks: queue.SimpleQueue[tuple[TextIO, str]], ending: _Ending) -> None:
    with suppress(queue.Empty):
        target, text = chunks.get(timeout=PERIOD_SECONDS)
        while True:
            target.write(text)
            ending.hear(target, text)
            target, text = chunks.get_nowait()


def _resident_bytes(pid: int) -> int:
    import psutil

    total = 0
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                total += one.memory_info().rss
    return total


def _kill_tree(pid: int) -> None:
    import psutil

    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for one in (*process.children(recursive=True), process):
            with suppress(psutil.NoSuchProcess):
                one.kill()


def _death(returncode: int, last_words: str, code: CappedCode) -> MemoryError | CourseError:
    """Return the error that says how a process ended that gave no result."""
    cap = format_size(code.cap_bytes)
    try:
        name = signal.Signals(-returncode).name
    except ValueError:
        name = ""
    if name in _MEMORY_SIGNALS:
        reason = "as happens when a library finds no memory"
        return MemoryError(f"under a cap of {cap} the cell's process was ended by {name}, {reason}")
    if _is_about_memory(last_words):
        # OpenBLAS says so and calls exit(1)
        said = last_words.strip().splitlines()[-1]
        return MemoryError(f"under a cap of {cap} a library ended the cell's process: {said}")
    ending = f"by {name}" if name else f"with exit code {returncode}"
    return CourseError(f"the cell's process ended {ending} before it gave a result; look at its output above")


def _raise_here(error: Exception) -> None:
    """Raise from a line that says what happened: no line of the cell is known to be guilty."""
    __tracebackhide__ = True
    name, source = "<memory_cap>", "raise error from cause  # the process of the cell ended"
    linecache.cache[name] = (len(source), None, [source], name)
    _raise_at(error, None, name, 1)


def _read_result(path: Path, kernel_name: str) -> CappedResult:
    __tracebackhide__ = True
    with path.open("rb") as file:
        header = pickle.load(file)  # noqa: S301
        if "traceback" in header:
            cause = ChildTraceback(header["traceback"]) if header["traceback"] else None
            _raise_at(_error(header), cause, kernel_name, header["line"])
        outputs = {}
        with suppress(EOFError):
            while True:
                name, value = pickle.load(file)  # noqa: S301
                outputs[name] = value
    return CappedResult(outputs, header["shown"])


def _raise_at(error: BaseException, cause: ChildTraceback | None, name: str, line: int | None) -> None:
    """Raise ``error`` from a frame that says the line of the cell, as if the cell had raised it here."""
    __tracebackhide__ = True
    source = "\n" * ((line or 1) - 1) + "raise error from cause"
    exec(compile(source, name, "exec"), {"error": error, "cause": cause})  # noqa: S102


def _error(header: dict[str, Any]) -> BaseException:
    message = header["message"]
    error = _unpickled_error(header["error"])
    if not isinstance(error, MemoryError) and _is_about_memory(message):
        return MemoryError(message)
    return error or CourseError(f"the cell failed: {message}")


def _is_about_memory(text: str) -> bool:
    return any(words in text.lower() for words in _MEMORY_WORDS)


def _unpickled_error(content: bytes | None) -> BaseException | None:
    if content is None:
        return None
    # Unpickling imports the library that raised: what it does is its own.
    with suppress(Exception):
        error: BaseException = pickle.loads(content)  # noqa: S301
        return error
    return None
