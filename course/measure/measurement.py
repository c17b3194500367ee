"""What a block of code cost, the median of several runs, and the ledger: a table, a summary, a file or a picture."""

from __future__ import annotations

import csv
import json
import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course.errors import BadArgumentError, UnknownFormatError
from course.files import replacing
from course.size import format_size, three_digits

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

FIGURES = ("wall_seconds", "cpu_seconds", "peak_memory_bytes", "read_bytes", "written_bytes")
COLUMNS = ("label", *FIGURES, "failed")


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


class Ledger:
    """Measures in the order in which they ended."""

    def __init__(self) -> None:
        self._records: list[Measurement] = []

    def append(self, measurement: Measurement) -> None:
        """Record one more measure."""
        self._records.append(measurement)

    def clear(self) -> None:
        """Forget every measure."""
        self._records.clear()

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Measurement]:
        return iter(tuple(self._records))

    def __getitem__(self, position: int) -> Measurement:
        return self._records[position]

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return "\n".join(map(str, self)) or "nothing measured yet"

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html())

    def to_frame(self) -> pd.DataFrame:
        """Return one row per measure: label, seconds (float), bytes (nullable integers), failed (bool)."""
        import pandas as pd

        frame = pd.DataFrame([_row(record) for record in self], columns=list(COLUMNS))
        kinds: dict[str, Any] = {name: "float64" if name.endswith("seconds") else "Int64" for name in FIGURES}
        return frame.astype({"label": "str", **kinds, "failed": "bool"})

    def summary(self) -> pd.DataFrame:
        """Return one row per label, first measured first: the median of its runs, and their spread.

        Columns: ``runs`` and ``failed`` (how many), then for each figure its median and, under ``…_spread``, the
        largest minus the smallest. Runs that failed did not do the work: they count in ``failed`` only.
        """
        import pandas as pd

        frame = self.to_frame()
        counts = frame.groupby("label", sort=False)["failed"].agg(runs="size", failed="sum")
        done = frame[~frame["failed"]].groupby("label", sort=False)[list(FIGURES)]
        median, spread = done.median(), done.max() - done.min()
        columns = [name for figure in FIGURES for name in (figure, f"{figure}_spread")]
        figures = pd.concat([median, spread.add_suffix("_spread")], axis=1)[columns]
        table: pd.DataFrame = counts.join(figures)
        return table

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw wall time against peak memory, a point per label, and return the axes.

        Raises:
            BadArgumentError: there is nothing to draw yet.
        """
        from course.measure.picture import draw

        return draw(self, ax)

    def save(self, path: str | Path) -> Path:
        """Write every measure to ``path``, completely or not at all, and return the path.

        Raises:
            UnknownFormatError: the suffix is neither ``.csv`` nor ``.json``.
            OutputError: the file cannot be written.
        """
        path = Path(path)
        writers = {".csv": self._write_csv, ".json": self._write_json}
        if path.suffix.lower() not in writers:
            raise UnknownFormatError(f"cannot save measures as {path.name!r}: choose a name in .csv or .json")
        with replacing(path) as temporary:
            writers[path.suffix.lower()](temporary)
        return path

    def _write_csv(self, path: Path) -> None:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(_row(record) for record in self)

    def _write_json(self, path: Path) -> None:
        rows = [_row(record) for record in self]
        path.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")


def _row(record: Measurement) -> dict[str, Any]:
    row = {name: getattr(record, name) for name in COLUMNS}
    return {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in row.items()}
