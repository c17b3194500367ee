"""Read the figures of this process and its descendants through psutil, on any platform.

The system's own record of the peak cannot be restarted here: it is exact for a block that goes above everything
before it; otherwise the peak is what sampling sees.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, NamedTuple

from course.measure.processes import Consumed, Resident

if TYPE_CHECKING:
    import psutil


class _Use(NamedTuple):
    resident: int
    cpu_seconds: float
    read: int
    written: int


class PsutilReader:
    """The figures of this process and its descendants, for the process that created the reader.

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
        self._gone: tuple[type[Exception], ...] = (psutil.NoSuchProcess, psutil.AccessDenied)
        self._forgets_ended = forgets_ended
        self._seen: dict[psutil.Process, _Use] = {}

    def close(self) -> None:
        """Hold nothing: nothing to give back."""

    def has_descendants(self) -> bool:
        """Tell that there may be some: only the list of all processes would say."""
        return True

    def own_peak(self) -> int:
        """Return the highest resident memory of this process in bytes, since it started."""
        if sys.platform == "win32":
            return int(self._process.memory_info().peak_wset)
        resource = importlib.import_module("resource")
        unit = 1 if sys.platform == "darwin" else 1024
        return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * unit

    def restart_own_peak(self) -> None:
        """Do nothing: the system cannot."""

    def resident(self) -> Resident:
        """Return the resident memory now."""
        own = int(self._process.memory_info().rss)
        return Resident(own, sum(use.resident for use in self._look().values()))

    def consumed(self) -> Consumed:
        """Return the bytes consumed so far, and the CPU seconds of the descendants."""
        live = self._look()
        counted = list((self._seen if self._forgets_ended else live).values())
        cpu_seconds = self._reaped_cpu_seconds() + sum(use.cpu_seconds for use in counted)
        own = _io_amounts(self._process)
        if own is None:
            return Consumed(cpu_seconds, None, None)
        return Consumed(
            cpu_seconds, own[0] + sum(use.read for use in counted), own[1] + sum(use.written for use in counted)
        )

    def _look(self) -> dict[psutil.Process, _Use]:
        live = {}
        for child in self._process.children(recursive=True):
            try:
                live[child] = _use(child)
            except self._gone:
                continue
        if self._forgets_ended:
            self._seen |= live
        return live

    def _reaped_cpu_seconds(self) -> float:
        if self._forgets_ended:
            return 0.0
        resource = importlib.import_module("resource")
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return float(used.ru_utime + used.ru_stime)


def _use(process: psutil.Process) -> _Use:
    with process.oneshot():
        times = process.cpu_times()
        return _Use(process.memory_info().rss, times.user + times.system, *(_io_amounts(process) or (0, 0)))


def _io_amounts(process: psutil.Process) -> tuple[int, int] | None:
    # Windows counts every transfer in read_bytes; Linux counts the disk there and every transfer in read_chars.
    if not hasattr(process, "io_counters"):
        return None
    counters = process.io_counters()
    read = getattr(counters, "read_chars", counters.read_bytes)
    written = getattr(counters, "write_chars", counters.write_bytes)
    return (read, written) if sys.platform in {"linux", "win32"} else None
