"""The results of a bench: every run of every way on every file, as a table, as Markdown and as a JSON file."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course.errors import BadArgumentError
from course.files import replacing
from course.measure import format_seconds
from course.size import format_size

if TYPE_CHECKING:
    import pandas as pd

FIGURES = ("wall_seconds", "cpu_seconds", "import_seconds", "peak_memory_bytes", "read_bytes")
COLUMNS = ("way", "time", "fastest to slowest", "CPU", "imports", "memory", "read", "on disk", "conversion")
LEGEND = (
    "Median of the runs, each in a process of its own, in shuffled order, the file in the page cache. *time*: "
    "of the answer, imports apart; *memory*: highest above what the imports took; "
    "*read*: bytes read, memory maps apart."
)


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
                **{name: getattr(one, name) for name in ("csv_bytes", "disk_bytes", "skipped")},
            }
            for one in self.results
        )

    def to_markdown(self) -> str:
        """Return a table per file, fastest way first: medians, with the extremes of the time."""
        machine = self.machine
        versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
        described = (
            f"{machine['cores']} cores, {format_size(machine['memory_bytes'])}, {machine['system']} "
            f"{machine['architecture']}, Python {machine['python']}, {versions}."
        )
        parts = ["# The question, every way", described, LEGEND]
        for rows in self.sizes:
            runs = sorted(self.of_size(rows), key=lambda result: result.median("wall_seconds"))
            lines = [COLUMNS, ["---", *["---:"] * (len(COLUMNS) - 1)], *map(_cells, runs)]
            size = next(result.csv_bytes for result in self.results if result.rows == rows)
            parts.append(f"## {rows:,} rows, {format_size(size)} of CSV")
            parts.append("\n".join(f"| {' | '.join(cells)} |" for cells in lines))
            skipped = [f"- {one.way}: {one.skipped}" for one in self.results if one.rows == rows and one.skipped]
            parts += ["Not measured:", "\n".join(skipped)] if skipped else []
        return "\n\n".join(parts) + "\n"

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


def _cells(result: Result) -> Sequence[str]:
    times = result.values("wall_seconds")
    memory, read = (
        format_size(round(result.median(figure))) if result.values(figure) else "n/a"
        for figure in ("peak_memory_bytes", "read_bytes")
    )
    return (
        f"`{result.way}`" + (" **wrong**" if result.wrong else ""),
        format_seconds(result.median("wall_seconds")),
        f"{format_seconds(min(times))} to {format_seconds(max(times))}",
        format_seconds(result.median("cpu_seconds")),
        format_seconds(result.median("import_seconds")),
        memory,
        read,
        format_size(result.disk_bytes),
        format_seconds(result.conversion.wall_seconds) if result.conversion else "",
    )


def read_bench(path: Path | str) -> Bench:
    """Read results that were saved.

    Raises:
        BadArgumentError: the file does not hold the results of a bench.
    """
    try:
        known = json.loads(Path(path).read_text(encoding="utf-8"))
        return Bench(known["machine"], tuple(_result(**one) for one in known["results"]))
    except (KeyError, TypeError, ValueError) as error:
        raise BadArgumentError(f"{path} does not hold the results of a bench; make them by: course bench") from error


def _result(*, runs: list[dict[str, Any]], conversion: dict[str, Any] | None, **known: Any) -> Result:
    made = Run(**conversion) if conversion else None
    return Result(**known, runs=tuple(Run(**run) for run in runs), conversion=made)


def measured() -> Bench:
    """Return the results that come with the course: every way on files of several sizes, five runs each."""
    return read_bench(Path(__file__).with_name("measured.json"))
