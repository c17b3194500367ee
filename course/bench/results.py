"""The results of a bench: every run of every way on every file, as a table and as a JSON file."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course.errors import BadArgumentError
from course.files import replacing

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Run:
    """One run in a process of its own; libraries are imported before, and this time is told apart.

    Attributes:
        wall_seconds: time elapsed.
        cpu_seconds: user and system time.
        peak_memory_bytes: highest resident memory above what the libraries took.
        read_bytes: bytes read from the disk or the page cache, not through a memory map.
        import_seconds: time taken by the imports.
    """

    wall_seconds: float
    cpu_seconds: float
    peak_memory_bytes: int | None
    read_bytes: int | None
    import_seconds: float


@dataclass(frozen=True)
class Result:
    """All runs of a way on a file.

    Attributes:
        way: name of the way.
        title: the same in a few words.
        format: name of the format it reads.
        streaming: whether its memory should not depend on the file.
        rows: rows of the file.
        csv_bytes: size of the CSV file.
        disk_bytes: size of the file it reads.
        conversion: the run that made this file from the CSV file, or None for CSV.
        runs: the runs, in order.
        wrong: whether an answer was not exact to the cent.
        skipped: why there is no run, or nothing.
    """

    way: str
    title: str
    format: str
    streaming: bool
    rows: int
    csv_bytes: int
    disk_bytes: int = 0
    conversion: Run | None = None
    runs: tuple[Run, ...] = ()
    wrong: bool = False
    skipped: str = ""

    def median(self, figure: str) -> float:
        """Return the median of a figure over the runs; nan if it is not known."""
        values = self.values(figure)
        return float(statistics.median(values)) if values else float("nan")

    def values(self, figure: str) -> list[float]:
        """Return a figure of each run that has it."""
        return [value for run in self.runs if (value := getattr(run, figure)) is not None]


@dataclass(frozen=True)
class Bench:
    """The results, and the machine they were measured on."""

    machine: dict[str, Any]
    results: tuple[Result, ...] = field(default=())

    @property
    def sizes(self) -> list[int]:
        """The numbers of rows of the files, smallest first."""
        return sorted({result.rows for result in self.results})

    def of_size(self, rows: int) -> list[Result]:
        """Return the results that were measured on the file of so many rows."""
        return [result for result in self.results if result.rows == rows and result.runs]

    def to_frame(self) -> pd.DataFrame:
        """Return one row per way and file: medians, extremes of the wall time, conversion, sizes (seconds, bytes)."""
        import pandas as pd

        return pd.DataFrame([_row(result) for result in self.results])

    def save(self, path: Path) -> None:
        """Write the results to a JSON file, completely or not at all.

        Raises:
            OutputError: it cannot be written.
        """
        with replacing(path) as temporary:
            # a line per result: two versions of the file can be compared
            lines = ",\n".join(json.dumps(asdict(result), ensure_ascii=False) for result in self.results)
            text = f'{{"machine": {json.dumps(self.machine)},\n"results": [\n{lines}\n]}}\n'
            temporary.write_text(text, encoding="utf-8", newline="\n")


def read_bench(path: Path | str) -> Bench:
    """Read results that were saved.

    Raises:
        BadArgumentError: the file does not hold the results of a bench.
    """
    try:
        known = json.loads(Path(path).read_text(encoding="utf-8"))
        return Bench(known["machine"], tuple(_result(one) for one in known["results"]))
    except (KeyError, TypeError, ValueError) as error:
        raise BadArgumentError(f"{path} does not hold the results of a bench; make them by: course bench") from error


def measured() -> Bench:
    """Return the results that come with the course: every way on files of several sizes, five runs each."""
    return read_bench(Path(__file__).with_name("measured.json"))


def _result(known: dict[str, Any]) -> Result:
    conversion = known.pop("conversion")
    runs = tuple(Run(**run) for run in known.pop("runs"))
    return Result(**known, runs=runs, conversion=Run(**conversion) if conversion else None)


def _row(result: Result) -> dict[str, Any]:
    times = result.values("wall_seconds")
    return {
        "way": result.way,
        "title": result.title,
        "format": result.format,
        "rows": result.rows,
        "runs": len(result.runs),
        "wall_seconds": result.median("wall_seconds"),
        "fastest_seconds": min(times, default=float("nan")),
        "slowest_seconds": max(times, default=float("nan")),
        "cpu_seconds": result.median("cpu_seconds"),
        "import_seconds": result.median("import_seconds"),
        "peak_memory_bytes": result.median("peak_memory_bytes"),
        "read_bytes": result.median("read_bytes"),
        "conversion_seconds": result.conversion.wall_seconds if result.conversion else 0.0,
        "csv_bytes": result.csv_bytes,
        "disk_bytes": result.disk_bytes,
        "skipped": result.skipped,
    }
