"""What one block of code cost, and the median of several runs."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from course.errors import BadArgumentError
from course.size import format_size, three_digits


@dataclass(slots=True)
class Measurement:
    """What a block of code cost; times are ``nan`` and amounts ``None`` until it ends or if they cannot be known.

    Attributes:
        label: the name of what was measured.
        wall_seconds: time elapsed.
        cpu_seconds: user and system time of this process and its descendants, live or ended.
        peak_memory_bytes: highest resident memory of this process and its descendants, above the start.
        read_bytes: bytes that they asked to read, from the disk or the page cache (not through a memory map).
        written_bytes: bytes that they asked to write.
        failed: whether the block raised an exception.
        error: type and message of this exception, or nothing.
        runs: the runs of which this is the median, or nothing for one run.
    """

    label: str
    wall_seconds: float = math.nan
    cpu_seconds: float = math.nan
    peak_memory_bytes: int | None = None
    read_bytes: int | None = None
    written_bytes: int | None = None
    failed: bool = False
    error: str = ""
    runs: tuple[Measurement, ...] = ()

    @property
    def wall_spread_seconds(self) -> float:
        """Longest minus shortest wall time of the runs, in seconds; 0 for one run."""
        times = [run.wall_seconds for run in self.runs]
        return max(times) - min(times) if times else 0.0

    def __str__(self) -> str:
        sizes = (self.peak_memory_bytes, self.read_bytes, self.written_bytes)
        peak, read, written = ("n/a" if size is None else format_size(size) for size in sizes)
        sign = "" if self.peak_memory_bytes is None else "+"
        times = f"{format_seconds(self.wall_seconds)} wall, {format_seconds(self.cpu_seconds)} CPU"
        line = f"{self.label}: {times}, {sign}{peak} peak, {read} read, {written} written"
        if self.runs:
            line += f" (median of {len(self.runs)}, wall spread {format_seconds(self.wall_spread_seconds)})"
        return f"{line}, failed: {self.error}" if self.failed else line


def format_seconds(seconds: float) -> str:
    """Return ``seconds`` with three significant digits in s, ms or µs: ``1.23 s``; ``n/a`` for ``nan``."""
    if math.isnan(seconds):
        return "n/a"
    for factor, unit in ((1.0, "s"), (1e3, "ms")):
        if round(seconds * factor, 2) >= 1:
            return f"{three_digits(seconds * factor)} {unit}"
    return f"{three_digits(seconds * 1e6)} µs" if round(seconds * 1e6, 2) > 0 else "0 s"


def median_of(runs: Sequence[Measurement]) -> Measurement:
    """Return the median of every figure over ``runs`` of the same code; one run is returned as it is.

    Raises:
        BadArgumentError: there is no run.
    """
    if not runs:
        raise BadArgumentError("no run to take the median of; measure at least one")
    if len(runs) == 1:
        return runs[0]
    return Measurement(
        label=runs[0].label,
        wall_seconds=statistics.median(run.wall_seconds for run in runs),
        cpu_seconds=statistics.median(run.cpu_seconds for run in runs),
        peak_memory_bytes=_median_amount([run.peak_memory_bytes for run in runs]),
        read_bytes=_median_amount([run.read_bytes for run in runs]),
        written_bytes=_median_amount([run.written_bytes for run in runs]),
        failed=any(run.failed for run in runs),
        error=next((run.error for run in runs if run.failed), ""),
        runs=tuple(runs),
    )


def _median_amount(amounts: Sequence[int | None]) -> int | None:
    known = [amount for amount in amounts if amount is not None]
    return round(statistics.median(known)) if known else None
