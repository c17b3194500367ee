"""``measure``, the cost of a block of code; the ledger of all measures; the thread that follows the peak memory."""

from __future__ import annotations

import csv
import json
import math
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course.errors import ExistingFileError, UnknownFormatError
from course.files import expanded, replacing
from course.measure.measurement import Measurement
from course.measure.readers import Consumed, Reader, Resident, process_reader

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

FIGURES = ("wall_seconds", "cpu_seconds", "peak_memory_bytes", "read_bytes", "written_bytes")
COLUMNS = ("label", *FIGURES, "failed")
PERIOD_SECONDS = 0.01
"""Time between two samples: a spike of 50 ms is seen four times."""
_LEAST_SHARE = 10
"""Sampling takes at most one part in this many of a processor: with many descendants, samples are spaced."""
_IDLE_SECONDS = 5.0
"""The thread ends when nothing has been measured for so long."""


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
            ExistingFileError: another file is there, which holds something else than measures.
            UnknownFormatError: the suffix is neither ``.csv`` nor ``.json``.
            OutputError: the file cannot be written.
        """
        path = expanded(path)
        writers = {".csv": self._write_csv, ".json": self._write_json}
        if path.suffix.lower() not in writers:
            raise UnknownFormatError(f"cannot save measures as {path.name!r}: choose a name in .csv or .json")
        if path.exists() and not _holds_measures(path):
            raise ExistingFileError(f"{path} is there and does not hold measures: choose another name, or delete it")
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


def _holds_measures(path: Path) -> bool:
    """Tell whether a file is as ``save`` writes them; an empty one will do, there is nothing to lose."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            if path.suffix.lower() == ".json":
                rows = json.loads(file.read() or "[]")
            else:
                table = csv.DictReader(file)
                rows = [table.fieldnames or COLUMNS, *table]
        return all(tuple(row) == COLUMNS for row in rows)
    except (OSError, ValueError, TypeError, csv.Error):
        return False


def _row(record: Measurement) -> dict[str, Any]:
    row = {name: getattr(record, name) for name in COLUMNS}
    return {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in row.items()}


ledger = Ledger()
"""Where measures are recorded unless another ledger is named."""
_DEFAULT = ledger


@contextmanager
def measure(label: str | None = None, *, ledger: Ledger | None = None, record: bool = True) -> Iterator[Measurement]:
    """Measure a block of code.

        with measure("pandas") as m:
            frame = pandas.read_csv(path)
        print(m)  # pandas: 1.23 s wall, 1.20 s CPU, +310 MiB peak, 15.5 MiB read, 0 B written

    Children of this process count, whether they still run at the end or not (dask workers on this machine, too, if
    this process started them), as do all its threads: in a busy process, what the others do meanwhile is counted.
    Memory that an allocator kept from before is not above the start and does not count.
    An exception is recorded, and raised as ever. A figure that the platform cannot give is None.

    Args:
        label: the name of what is measured; by default a number.
        ledger: where to record it; by default ``course.measure.ledger``.
        record: whether to record it at all.
    """
    into = _DEFAULT if ledger is None else ledger
    measurement = Measurement(label or (f"block {len(into) + 1}" if record else "block"))
    watch = sampler.start()
    cpu_before, started = time.process_time(), time.perf_counter()
    try:
        yield measurement
    except BaseException as error:
        measurement.failed = True
        message = "<exception str() failed>"
        with suppress(Exception):  # the error's own code, which must not hide the error
            message = str(error).strip().partition("\n")[0]
        measurement.error = f"{type(error).__name__}: {message}" if message else type(error).__name__
        raise
    finally:
        measurement.wall_seconds = time.perf_counter() - started
        cpu_seconds = time.process_time() - cpu_before
        consumed = sampler.stop(watch)
        if consumed is not None:
            measurement.cpu_seconds = cpu_seconds + consumed.descendants_cpu_seconds
            measurement.read_bytes = consumed.read_bytes
            measurement.written_bytes = consumed.written_bytes
            measurement.peak_memory_bytes = watch.peak_bytes
        if record:
            into.append(measurement)


class Watch:
    """The peak memory of one block, from its start to now, and what was consumed before it."""

    def __init__(self, resident: Resident, own_peak: int, before: Consumed) -> None:
        self.process_id = os.getpid()
        self.before = before
        self._start = sum(resident)
        self._own_peak_before = own_peak
        self._own_peak = resident.own
        self._least_descendants = resident.descendants
        self._peak = self._start

    def see(self, resident: Resident) -> None:
        """Take one sample into account."""
        self._peak = max(self._peak, sum(resident))
        self._least_descendants = min(self._least_descendants, resident.descendants)

    def see_own_peak(self, own_peak: int) -> None:
        """Take the system's record into account: it says something of this block if it rose since the start."""
        if own_peak > self._own_peak_before:
            self._own_peak = max(self._own_peak, own_peak)

    @property
    def peak_bytes(self) -> int:
        """Highest resident memory above the start, in bytes."""
        # When this process was at its highest, its descendants held at least their lowest.
        return max(self._peak, self._own_peak + self._least_descendants) - self._start


class Sampler:
    """Starts and ends watches, and samples memory while there are any."""

    def __init__(self) -> None:
        self.start_anew()

    def start_anew(self) -> None:
        """Forget everything: a forked child has no thread, no watch, and figures that are its own."""
        self._reader: Reader | None = None
        self._changed = threading.Condition(threading.Lock())
        self._watches: list[Watch] = []
        self._thread: threading.Thread | None = None

    def start(self) -> Watch:
        """Begin to watch a block."""
        with self._changed:
            reader = self._reader = self._reader or process_reader()
            self._close_own_peak(reader)
            reader.restart_own_peak()
            watch = Watch(reader.resident(), reader.own_peak(), reader.consumed())
            self._watches.append(watch)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="course.measure", daemon=True)
                self._thread.start()
            elif len(self._watches) == 1:
                self._changed.notify()
        return watch

    def stop(self, watch: Watch) -> Consumed | None:
        """End ``watch`` and return what its block consumed, or None in a child forked inside the block."""
        if watch.process_id != os.getpid() or self._reader is None:
            return None
        with self._changed:
            after, before = self._reader.consumed(), watch.before
            self._sample(self._reader)
            self._close_own_peak(self._reader)
            self._watches.remove(watch)
        return Consumed(
            max(0.0, after.descendants_cpu_seconds - before.descendants_cpu_seconds),
            _increase(after.read_bytes, before.read_bytes),
            _increase(after.written_bytes, before.written_bytes),
        )

    def _close_own_peak(self, reader: Reader) -> None:
        if self._watches:
            own_peak = reader.own_peak()
            for watch in self._watches:
                watch.see_own_peak(own_peak)

    def _sample(self, reader: Reader) -> None:
        if reader.exact_own_peak and not reader.has_descendants():
            return
        resident = reader.resident()
        for watch in self._watches:
            watch.see(resident)

    def _run(self) -> None:
        while True:
            started = time.thread_time()
            with self._changed:
                if not self._watches and not self._changed.wait_for(lambda: self._watches, _IDLE_SECONDS):
                    self._thread = None
                    return
                if self._reader is not None:
                    self._sample(self._reader)
            time.sleep(max(PERIOD_SECONDS, _LEAST_SHARE * (time.thread_time() - started)))


def _increase(after: int | None, before: int | None) -> int | None:
    return None if after is None or before is None else max(0, after - before)


sampler = Sampler()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=sampler.start_anew)
