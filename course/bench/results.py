"""The results of a bench: every run of every way on every file, as a table and as a JSON file."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course.errors import BadArgumentError
from course.files import replacing

if TYPE_CHECKING:
    import pandas as pd

FIGURES = ("wall_seconds", "cpu_seconds", "import_seconds", "peak_memory_bytes", "read_bytes")


@dataclass(frozen=True)
class Run:
    """One run in a process of its own; libraries are imported before, and this time is told apart.

    The memory is the highest above what the imports took; the bytes are read from the disk or the page cache, not
    through a memory map.
    """

    wall_seconds: float
    cpu_seconds: float
    peak_memory_bytes: int | None
    read_bytes: int | None
    import_seconds: float


@dataclass(frozen=True)
class Result:
    """All runs of a way on a file of so many rows; ``title`` names the way in a few words."""

    way: str
    title: str
    format: str
    streaming: bool
    rows: int
    csv_bytes: int
    disk_bytes: int = 0  # of the file that the way reads
    check_seconds: float = 0.0  # that check_file takes for the CSV file, once; the runs are without it
    conversion: Run | None = None  # what made this file from the CSV file
    runs: tuple[Run, ...] = ()
    wrong: bool = False  # an answer was not exact to the cent
    skipped: str = ""  # why there is no run

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
    results: tuple[Result, ...] = ()

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

        return pd.DataFrame(
            {
                **{name: getattr(one, name) for name in ("way", "title", "format", "rows")},
                "runs": len(one.runs),
                **{figure: one.median(figure) for figure in FIGURES},
                "fastest_seconds": min(one.values("wall_seconds"), default=float("nan")),
                "slowest_seconds": max(one.values("wall_seconds"), default=float("nan")),
                "conversion_seconds": one.conversion.wall_seconds if one.conversion else 0.0,
                **{
                    name: getattr(one, name)
                    for name in ("check_seconds", "csv_bytes", "disk_bytes", "wrong", "skipped")
                },
            }
            for one in self.results
        )

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
        for one in known["results"]:
            one["runs"] = tuple(Run(**run) for run in one["runs"])
            one["conversion"] = one["conversion"] and Run(**one["conversion"])
        return Bench(known["machine"], tuple(Result(**one) for one in known["results"]))
    except (KeyError, TypeError, ValueError) as error:
        raise BadArgumentError(f"{path} does not hold the results of a bench; make them by: course bench") from error


def measured() -> Bench:
    """Return the results that come with the course: every way on files of several sizes, five runs each."""
    return read_bench(Path(__file__).with_name("measured.json"))
