"""The results of a bench: every run of every way on every file, as a table and as a JSON file."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course.errors import BadArgumentError
from course.files import replacing

if TYPE_CHECKING:
    import pandas as pd

FIGURES = ("wall_seconds", "cpu_seconds", "import_seconds", "peak_memory_bytes", "read_bytes")
COLD_SHARE = 0.01
"""A file of which no larger share is in the page cache is cold."""


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
    cached_share: float | None = None  # of the file that was in the page cache at the start; None if nobody knows


@dataclass(frozen=True)
class Result:
    """All runs of a way on a file of so many rows, under a condition; ``title`` names the way in a few words."""

    way: str
    title: str
    format: str
    streaming: bool
    rows: int
    csv_bytes: int
    condition: str = "warm"  # or cold, capped, cores: what was asked for
    cap_bytes: int = 0  # of memory, the page cache included
    cores: int = 0  # that the process might use; 0 if all
    disk_bytes: int = 0  # of the file that the way reads
    check_seconds: float = 0.0  # that check_file takes for the CSV file, once; the runs are without it
    conversion: Run | None = None  # what made this file from the CSV file
    runs: tuple[Run, ...] = ()
    wrong: bool = False  # an answer was not exact to the cent
    skipped: str = ""  # why there is no run: killed, not capped, the first line of an error…

    @property
    def ended(self) -> str:
        """How the runs ended: ``finished``, or why there is none."""
        return self.skipped or "finished"

    @property
    def cache(self) -> str:
        """``cold`` if the file was out of the page cache in each run, as far as the system tells; else ``warm``."""
        return "cold" if self.runs and max(self.values("cached_share"), default=1) <= COLD_SHARE else "warm"

    def median(self, figure: str) -> float:
        """Return the median of a figure over the runs; nan if it is not known."""
        values = self.values(figure)
        return float(statistics.median(values)) if values else float("nan")

    def values(self, figure: str) -> list[float]:
        """Return a figure of each run that has it."""
        return [value for run in self.runs if (value := getattr(run, figure)) is not None]

    def is_less(self, other: Result, figure: str) -> bool:
        """Tell whether the largest of its runs is below the smallest of the other's: two whose ranges meet tie."""
        return max(self.values(figure), default=float("inf")) < min(other.values(figure), default=float("-inf"))


@dataclass(frozen=True)
class Bench:
    """The results, and the machine they were measured on."""

    machine: dict[str, Any]
    results: tuple[Result, ...] = ()

    @property
    def sizes(self) -> list[int]:
        """The numbers of rows of the files, smallest first."""
        return sorted({result.rows for result in self.results})

    def of_size(self, rows: int, condition: str = "warm", cores: int = 0) -> list[Result]:
        """Return the results that were measured on the file of so many rows, under a condition."""
        asked = rows, condition, cores
        return [one for one in self.results if one.runs and (one.rows, one.condition, one.cores) == asked]

    def to_frame(self) -> pd.DataFrame:
        """Return one row per way, file and condition: medians, extremes of the wall time, sizes (seconds, bytes).

        ``place`` is one more than the number of ways that are faster beyond doubt: ways that tie may share it.
        """
        import pandas as pd

        names = ("way", "title", "format", "rows", "condition", "cap_bytes", "cores", "cache", "ended")
        return pd.DataFrame(
            {
                **{name: getattr(one, name) for name in names},
                "runs": len(one.runs),
                "place": self._place(one),
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

    def _place(self, result: Result) -> int:
        rivals = self.of_size(result.rows, result.condition, result.cores)
        return 1 + sum(rival.is_less(result, "wall_seconds") for rival in rivals) if result.runs else 0

    def save(self, path: Path) -> None:
        """Write the results to a JSON file, completely or not at all.

        Raises:
            OutputError: it cannot be written.
        """
        with replacing(path) as temporary:
            # a line per result: two versions of the file can be compared; a run is its figures, named once
            lines = ",\n".join(
                json.dumps(asdict(one) | {"runs": [astuple(run) for run in one.runs]}, ensure_ascii=False)
                for one in self.results
            )
            head = json.dumps({"machine": self.machine, "run": [field.name for field in fields(Run)]})
            text = f'{head[:-1]},\n"results": [\n{lines}\n]}}\n'
            temporary.write_text(text, encoding="utf-8", newline="\n")


def read_bench(path: Path | str) -> Bench:
    """Read results that were saved, also by a version of the course that measured warm files only.

    Raises:
        BadArgumentError: the file does not hold the results of a bench.
    """
    try:
        known = json.loads(Path(path).read_text(encoding="utf-8"))
        return Bench(known["machine"], tuple(_read_result(one, known.get("run", ())) for one in known["results"]))
    except (KeyError, TypeError, ValueError) as error:
        raise BadArgumentError(f"{path} does not hold the results of a bench; make them by: course bench") from error


def _read_result(one: dict[str, Any], names: Iterable[str]) -> Result:
    runs = (run if isinstance(run, dict) else dict(zip(names, run, strict=True)) for run in one["runs"])
    conversion = one["conversion"] and Run(**one["conversion"])
    return Result(**one | {"runs": tuple(Run(**run) for run in runs), "conversion": conversion})


def measured() -> Bench:
    """Return the results that come with the course: every way on files of several sizes, several runs each."""
    return read_bench(Path(__file__).with_name("measured.json"))


def growth_slope(results: Sequence[Result]) -> float:
    """Return the slope of the line fitted by least squares to the logarithms of rows and of time.

    1 means a time in proportion to the rows; less, a part of the time that does not depend on them.
    """
    import numpy as np

    rows = np.log([result.rows for result in results])
    seconds = np.log([result.median("wall_seconds") for result in results])
    return float(np.polyfit(rows, seconds, 1)[0])


def forecast(bench: Bench, rows: int) -> pd.DataFrame:
    """Return what each way should cost on a file of so many rows, by the two largest that were measured warm.

    Columns, by way: ``slope``, that of the logarithms of time and rows; ``wall_seconds``; ``peak_memory_bytes``, which
    grows with the rows for the ways that load a table and stays for the others; ``fits``, whether the machine has it.

    Raises:
        BadArgumentError: the bench holds fewer than two files.
    """
    import pandas as pd

    if len(bench.sizes) < 2:
        raise BadArgumentError("a forecast needs two files: give two numbers of rows or more to course bench")
    before, last = ({one.way: one for one in bench.of_size(size)} for size in bench.sizes[-2:])
    lines = {}
    for way in filter(before.__contains__, last):
        largest, times = last[way], rows / last[way].rows
        slope = growth_slope([before[way], largest])
        memory = largest.median("peak_memory_bytes") * (1 if largest.streaming else times)
        seconds = largest.median("wall_seconds") * times**slope
        lines[way] = slope, seconds, memory, memory < bench.machine["memory_bytes"]
    names = ["slope", "wall_seconds", "peak_memory_bytes", "fits"]
    return pd.DataFrame.from_dict(lines, orient="index", columns=names).rename_axis("way")
