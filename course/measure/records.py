"""The ledger: every measure in order, as a table, a summary, a file or a picture."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course.errors import UnknownFormatError
from course.files import replacing

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from course.measure.measurement import Measurement

FIGURES = ("wall_seconds", "cpu_seconds", "peak_memory_bytes", "read_bytes", "written_bytes")
COLUMNS = ("label", *FIGURES, "failed")


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
