"""What this process and its descendants use: the figures every platform reader gives."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Resident:
    """Resident memory now, in bytes: this process, and all its descendants."""

    own: int
    descendants: int


@dataclass(frozen=True, slots=True)
class Consumed:
    """CPU seconds of the descendants, live or ended, and bytes of this process and its descendants, so far."""

    descendants_cpu_seconds: float
    read_bytes: int | None
    written_bytes: int | None


class ProcessReader(Protocol):
    """Reads the figures of this process and its descendants on one platform."""

    exact_own_peak: bool
    """Whether ``own_peak`` counts from the last ``restart_own_peak`` rather than from the start of the process."""

    def resident(self) -> Resident:
        """Return the resident memory now."""

    def consumed(self) -> Consumed:
        """Return what has been consumed so far."""

    def own_peak(self) -> int:
        """Return the highest resident memory of this process alone, in bytes, as the system recorded it."""

    def restart_own_peak(self) -> None:
        """Make ``own_peak`` count from now on, where the system can."""

    def has_descendants(self) -> bool:
        """Tell, cheaply, whether there may be descendants."""

    def close(self) -> None:
        """Give back what the reader holds."""


def process_reader() -> ProcessReader:
    """Return the reader for this platform: ``/proc`` on Linux, psutil elsewhere or where ``/proc`` is incomplete."""
    if sys.platform == "linux":
        from course.measure.procfs import ProcfsReader

        if ProcfsReader.is_available():
            return ProcfsReader()
    from course.measure.portable import PsutilReader

    return PsutilReader()
