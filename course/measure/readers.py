"""Read what this process and its descendants use: from Linux's ``/proc``, or through psutil on any other platform.

Linux records the highest resident memory of a process (``VmHWM``, see proc(5)). Writing 5 to ``/proc/self/clear_refs``
restarts that record and touches nothing else, so the peak of a block is exact even if the sampling thread never
ran. The price: ``getrusage().ru_maxrss`` of this process then counts from the last measure, too.
Elsewhere the record cannot be restarted: it is exact for a block that goes above everything before it; otherwise the
peak is what sampling sees.

Bytes are those the program asked for, found in the page cache or not.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    import psutil

# numbers of the system call kcmp(2), from the kernel's tables of each architecture, and its KCMP_VM
_KCMP_NUMBERS = {"x86_64": 312, "aarch64": 272}
_KCMP_MEMORY = 1
_RESTART_PEAK = b"5"


class Resident(NamedTuple):
    """Resident memory now, in bytes: this process, and all its descendants."""

    own: int
    descendants: int


class Consumed(NamedTuple):
    """CPU seconds of the descendants, live or ended, and bytes of this process and its descendants, so far."""

    descendants_cpu_seconds: float
    read_bytes: int | None
    written_bytes: int | None


def process_tree_memory(pid: int) -> int:
    """Return the resident memory of a process and its descendants, in bytes, or 0 once it ended.

    Pages that they share count several times.
    """
    import psutil

    with suppress(psutil.NoSuchProcess):
        return sum(use.resident for use in _tree(psutil.Process(pid)).values())
    return 0


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def process_reader() -> Reader:
    """Return the reader for this platform: ``/proc`` on Linux, psutil elsewhere or where ``/proc`` is incomplete."""
    # a kernel may be built without the list of children
    needed = ("/proc/self/status", f"/proc/self/task/{os.getpid()}/children")
    is_linux = sys.platform == "linux" and all(os.access(path, os.R_OK) for path in needed)
    return ProcfsReader() if is_linux else PsutilReader()


class ProcfsReader:
    """The figures of this process and its descendants, for the process that created the reader, from ``/proc``.

    Attributes:
        exact_own_peak: whether ``own_peak`` counts from ``restart_own_peak``, rather than from the process's start.
    """

    def __init__(self) -> None:
        self.exact_own_peak = os.access("/proc/self/clear_refs", os.W_OK)
        # What measuring itself reads and writes is not the block's.
        self._bytes_read = 0
        self._bytes_written = 0

    def has_descendants(self) -> bool:
        """Tell whether this process has children, with one system call that leaves them as they are."""
        try:
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return False
        return True

    def own_peak(self) -> int:
        """Return the highest resident memory of this process alone in bytes, since the last restart."""
        return _kibibytes(self._read("self/status"), b"VmHWM:")

    def restart_own_peak(self) -> None:
        """Make the highest resident memory count from now on."""
        if self.exact_own_peak:
            self._bytes_written += Path("/proc/self/clear_refs").write_bytes(_RESTART_PEAK)

    def resident(self) -> Resident:
        """Return the resident memory now; of a forked descendant, only the pages that it does not share."""
        own = _kibibytes(self._read("self/status"), b"VmRSS:")
        return Resident(own, sum(self._resident_bytes(child) for child in self._descendants()))

    def consumed(self) -> Consumed:
        """Return the bytes consumed so far, and the CPU seconds of the descendants, ended ones included."""
        # When a child is reaped the system adds its times and bytes to its parent's: sums over the tree never go back.
        while True:
            reaped = _reaped_cpu_seconds()
            read_before, written_before = self._bytes_read, self._bytes_written
            own = _io_amounts(self._read("self/io"))
            children = list(self._descendants())
            amounts = [_io_amounts(self._read(f"{child.pid}/io")) or (0, 0) for child in children]
            # A child reaped meanwhile would be counted twice or not at all.
            if _reaped_cpu_seconds() == reaped:
                break
        cpu_seconds = reaped + sum(child.cpu_seconds for child in children)
        if own is None:
            return Consumed(cpu_seconds, None, None)
        read, written = (sum(column) for column in zip(own, *amounts, strict=True))
        return Consumed(cpu_seconds, read - read_before, written - written_before)

    def _resident_bytes(self, child: _Descendant) -> int:
        if child.is_forked:
            # between its birth by vfork and the start of its own program, a child is its parent's memory
            if _is_same_memory(child.parent, child.pid):
                return 0
            rollup = self._read(f"{child.pid}/smaps_rollup")
            return _kibibytes(rollup, b"Private_Clean:") + _kibibytes(rollup, b"Private_Dirty:")
        fields = self._read(f"{child.pid}/statm").split()
        return int(fields[1]) * mmap.PAGESIZE if fields else 0

    def _descendants(self) -> Iterator[_Descendant]:
        if not self.has_descendants():
            return
        tick = os.sysconf("SC_CLK_TCK")
        # The stack's address is drawn anew when a program is loaded, and kept by fork: field 28 of stat.
        parents = [(os.getpid(), _stat_fields(self._read("self/stat"))[25])]
        while parents:
            parent, parent_stack = parents.pop()
            for pid in self._children(parent):
                fields = _stat_fields(self._read(f"{pid}/stat"))
                if fields:
                    yield _Descendant(pid, parent, fields[25] == parent_stack, sum(map(int, fields[11:15])) / tick)
                    parents.append((pid, fields[25]))

    def _children(self, pid: int) -> Iterator[int]:
        with suppress(OSError):
            for thread in os.scandir(f"/proc/{pid}/task"):
                yield from map(int, self._read(f"{pid}/task/{thread.name}/children").split())

    def _read(self, name: str) -> bytes:
        # A process that ended, or that belongs to somebody else, counts for nothing.
        with suppress(OSError), Path("/proc", name).open("rb", buffering=0) as file:
            content = file.read(8192)
            self._bytes_read += len(content)
            return content
        return b""


class _Descendant(NamedTuple):
    pid: int
    parent: int
    is_forked: bool
    """Whether it still shares its parent's pages: forked, no other program loaded yet."""
    cpu_seconds: float


def _kibibytes(text: bytes, name: bytes) -> int:
    _, found, rest = text.partition(name)
    return int(rest.split(maxsplit=1)[0]) * 1024 if found else 0


def _stat_fields(stat: bytes) -> list[bytes]:
    # The second field is the program's name in brackets and may hold spaces and brackets.
    return stat.rpartition(b")")[2].split()


def _io_amounts(text: bytes) -> tuple[int, int] | None:
    fields = text.split()  # rchar: 1 wchar: 2 …
    return (int(fields[1]), int(fields[3])) if len(fields) > 3 else None


def _reaped_cpu_seconds() -> float:
    import resource

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _is_same_memory(one: int, other: int) -> bool:
    """Tell whether two processes have one and the same address space; False where nobody can tell."""
    number = _KCMP_NUMBERS.get(platform.machine())
    with suppress(OSError, AttributeError):
        return number is not None and ctypes.CDLL(None).syscall(number, one, other, _KCMP_MEMORY, 0, 0) == 0
    return False


class PsutilReader:
    """The figures of this process and its descendants, for the process that created the reader, through psutil.

    A child that was forked and does not run its own program yet shows its parent's memory: a sample taken in that
    moment counts it twice.

    Args:
        forgets_ended: whether the system forgets the CPU time of ended children (Windows does). Their last sampled
            figures are kept then, which miss at most what was consumed since the last sample.
    """

    exact_own_peak = False

    def __init__(self, *, forgets_ended: bool = sys.platform == "win32") -> None:
        import psutil

        self._process = psutil.Process()
        self._forgets_ended = forgets_ended
        self._seen: dict[psutil.Process, _Use] = {}

    def has_descendants(self) -> bool:
        """Tell that there may be some: only the list of all processes would say."""
        return True

    def own_peak(self) -> int:
        """Return the highest resident memory of this process alone in bytes, since it started."""
        if sys.platform == "win32":
            return int(self._process.memory_info().peak_wset)
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

    def restart_own_peak(self) -> None:
        """Do nothing: the system cannot."""

    def resident(self) -> Resident:
        """Return the resident memory now."""
        own, live = self._look()
        return Resident(own.resident, sum(use.resident for use in live.values()))

    def consumed(self) -> Consumed:
        """Return the bytes consumed so far, and the CPU seconds of the descendants."""
        own, live = self._look()
        counted = list((self._seen if self._forgets_ended else live).values())
        cpu_seconds = sum(use.cpu_seconds for use in counted)
        if not self._forgets_ended:
            cpu_seconds += _reaped_cpu_seconds()
        if own.read is None or own.written is None:
            return Consumed(cpu_seconds, None, None)
        read, written = (own.read + sum(use.read or 0 for use in counted)), sum(use.written or 0 for use in counted)
        return Consumed(cpu_seconds, read, own.written + written)

    def _look(self) -> tuple[_Use, dict[psutil.Process, _Use]]:
        uses = _tree(self._process)
        own = uses.pop(self._process)
        if self._forgets_ended:
            self._seen |= uses
        return own, uses


class _Use(NamedTuple):
    resident: int
    cpu_seconds: float
    read: int | None
    written: int | None


def _tree(root: psutil.Process) -> dict[psutil.Process, _Use]:
    """Return what a process and its descendants use, without those that end meanwhile or belong to somebody else."""
    import psutil

    uses = {}
    for process in (root, *root.children(recursive=True)):
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied), process.oneshot():
            times = process.cpu_times()
            read = written = None
            if sys.platform in {"linux", "win32"}:
                # Windows counts every transfer in read_bytes; Linux counts the disk there, all in read_chars.
                counters = process.io_counters()
                read = getattr(counters, "read_chars", counters.read_bytes)
                written = getattr(counters, "write_chars", counters.write_bytes)
            uses[process] = _Use(process.memory_info().rss, times.user + times.system, read, written)
    return uses


Reader: TypeAlias = ProcfsReader | PsutilReader
