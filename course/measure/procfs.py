"""Read the figures of this process and its descendants from Linux's ``/proc`` (see the manual page proc(5)).

The system records the highest resident memory of a process (``VmHWM``). Writing 5 to ``/proc/self/clear_refs``
restarts that record and touches nothing else, so the peak of a block is exact even if the sampling thread never
ran. The price: ``getrusage().ru_maxrss`` of this process then counts from the last measure, too.

Bytes are ``rchar`` and ``wchar`` of ``/proc/self/io``: what the program asked for, found in the page cache or not.
When a child is reaped the system adds its times and bytes to its parent's, so sums over the tree never go back.
"""

from __future__ import annotations

import contextlib
import os
import resource
from collections.abc import Iterator
from typing import NamedTuple

from course.measure.processes import Consumed, Resident
from course.measure.same_memory import same_memory

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICK = os.sysconf("SC_CLK_TCK")
_RESTART_PEAK = b"5"


class _Descendant(NamedTuple):
    pid: int
    parent: int
    forked: bool
    """Whether it still shares its parent's pages: forked, no other program loaded yet."""
    cpu_seconds: float


class ProcfsReader:
    """The figures of this process and its descendants, for the process that created the reader."""

    def __init__(self) -> None:
        self._status = os.open("/proc/self/status", os.O_RDONLY)
        self._io = _open_if_allowed("/proc/self/io", os.O_RDONLY)
        self._clear_refs = _open_if_allowed("/proc/self/clear_refs", os.O_WRONLY)
        self.exact_own_peak = self._clear_refs is not None
        # What measuring itself reads and writes is not the block's.
        self._bytes_read = 0
        self._bytes_written = 0

    @staticmethod
    def is_available() -> bool:
        """Tell whether ``/proc`` lists the children of a process (a kernel may be built without)."""
        return os.access(f"/proc/self/task/{os.getpid()}/children", os.R_OK) and os.access("/proc/self/status", os.R_OK)

    def close(self) -> None:
        """Close the files kept open."""
        for descriptor in (self._status, self._io, self._clear_refs):
            if descriptor is not None:
                os.close(descriptor)

    def has_descendants(self) -> bool:
        """Tell whether this process has children, with one system call that leaves them as they are."""
        try:
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return False
        return True

    def own_peak(self) -> int:
        """Return the highest resident memory of this process in bytes, since the last restart."""
        return _kibibytes(self._pread(self._status), b"VmHWM:")

    def restart_own_peak(self) -> None:
        """Make the highest resident memory count from now on."""
        if self._clear_refs is not None:
            self._bytes_written += os.write(self._clear_refs, _RESTART_PEAK)

    def resident(self) -> Resident:
        """Return the resident memory now; of a forked descendant, only the pages that it does not share."""
        own = _kibibytes(self._pread(self._status), b"VmRSS:")
        return Resident(own, sum(self._resident_bytes(child) for child in self._descendants()))

    def consumed(self) -> Consumed:
        """Return the bytes consumed so far, and the CPU seconds of the descendants, ended ones included."""
        while True:
            reaped = _reaped_cpu_seconds()
            own_io = self._own_io()
            children = list(self._descendants())
            amounts = [self._io_amounts(self._read(f"/proc/{child.pid}/io")) for child in children]
            # A child reaped meanwhile would be counted twice or not at all.
            if _reaped_cpu_seconds() == reaped:
                break
        cpu_seconds = reaped + sum(child.cpu_seconds for child in children)
        if own_io is None:
            return Consumed(cpu_seconds, None, None)
        return Consumed(
            cpu_seconds,
            own_io[0] + sum(read for read, _ in amounts),
            own_io[1] + sum(written for _, written in amounts),
        )

    def _own_io(self) -> tuple[int, int] | None:
        if self._io is None:
            return None
        read_before = self._bytes_read
        read, written = self._io_amounts(self._pread(self._io))
        return read - read_before, written - self._bytes_written

    @staticmethod
    def _io_amounts(text: bytes) -> tuple[int, int]:
        fields = text.split()
        return (int(fields[1]), int(fields[3])) if len(fields) > 3 else (0, 0)

    def _resident_bytes(self, child: _Descendant) -> int:
        if child.forked:
            # between its birth by vfork and the start of its own program, a child is its parent's memory
            if same_memory(child.parent, child.pid):
                return 0
            rollup = self._read(f"/proc/{child.pid}/smaps_rollup")
            return _kibibytes(rollup, b"Private_Clean:") + _kibibytes(rollup, b"Private_Dirty:")
        fields = self._read(f"/proc/{child.pid}/statm").split()
        return int(fields[1]) * _PAGE if fields else 0

    def _descendants(self) -> Iterator[_Descendant]:
        if not self.has_descendants():
            return
        parents = [(os.getpid(), self._stack_address(b""))]
        while parents:
            parent, address = parents.pop()
            for pid in self._children(parent):
                stat = self._read(f"/proc/{pid}/stat")
                if stat:
                    own_address = self._stack_address(stat)
                    yield _Descendant(pid, parent, own_address == address, _cpu_seconds(stat))
                    parents.append((pid, own_address))

    def _children(self, pid: int) -> Iterator[int]:
        try:
            threads = [entry.name for entry in os.scandir(f"/proc/{pid}/task")]
        except OSError:
            return
        for thread in threads:
            yield from map(int, self._read(f"/proc/{pid}/task/{thread}/children").split())

    def _stack_address(self, stat: bytes) -> bytes:
        # The stack's address is drawn anew when a program is loaded, and kept by fork: field 28 of stat.
        return _stat_fields(stat or self._read("/proc/self/stat"))[25]

    def _pread(self, descriptor: int) -> bytes:
        content = os.pread(descriptor, 8192, 0)
        self._bytes_read += len(content)
        return content

    def _read(self, path: str) -> bytes:
        # A process that ended, or that belongs to somebody else, counts for nothing.
        with contextlib.suppress(OSError):
            descriptor = os.open(path, os.O_RDONLY)
            try:
                content = os.read(descriptor, 8192)
            finally:
                os.close(descriptor)
            self._bytes_read += len(content)
            return content
        return b""


def _open_if_allowed(path: str, flags: int) -> int | None:
    try:
        return os.open(path, flags)
    except OSError:
        return None


def _kibibytes(text: bytes, name: bytes) -> int:
    _, found, rest = text.partition(name)
    return int(rest.split(maxsplit=1)[0]) * 1024 if found else 0


def _stat_fields(stat: bytes) -> list[bytes]:
    # The second field is the program's name in brackets and may hold spaces and brackets.
    return stat.rpartition(b")")[2].split()


def _cpu_seconds(stat: bytes) -> float:
    return sum(map(int, _stat_fields(stat)[11:15])) / _TICK


def _reaped_cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
