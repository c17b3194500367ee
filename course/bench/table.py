"""The results as a table in Markdown, one per file, fastest way first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from course.measure import format_seconds
from course.size import format_size

if TYPE_CHECKING:
    from course.bench.results import Bench, Result

HEADER = ("way", "time", "fastest to slowest", "CPU", "imports", "memory", "read", "on disk", "conversion")


def bench_markdown(bench: Bench) -> str:
    """Return the results in Markdown: medians, with the extremes of the time."""
    tables = [_table(rows, bench) for rows in bench.sizes]
    return "\n".join(["# The question, every way", "", _machine(bench), "", _legend(), "", *tables])


def _legend() -> str:
    return (
        "Median of the runs, each in a process of its own, in shuffled order, the file in the page cache. *time*: "
        "of the answer, imports apart; *memory*: highest above what the imports took; "
        "*read*: bytes read, memory maps apart."
    )


def _machine(bench: Bench) -> str:
    machine = bench.machine
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return (
        f"{machine['cores']} cores, {format_size(machine['memory_bytes'])}, {machine['system']} "
        f"{machine['architecture']}, Python {machine['python']}, {versions}."
    )


def _table(rows: int, bench: Bench) -> str:
    results = [result for result in bench.results if result.rows == rows]
    measured = sorted(bench.of_size(rows), key=lambda result: result.median("wall_seconds"))
    lines = [f"## {rows:,} rows, {format_size(results[0].csv_bytes)} of CSV", "", *_rule(HEADER)]
    lines += [_line(_cells(result)) for result in measured]
    skipped = [f"- {result.way}: {result.skipped}" for result in results if result.skipped]
    return "\n".join([*lines, "", *(["Not measured:", "", *skipped, ""] if skipped else [])])


def _rule(header: Sequence[str]) -> list[str]:
    return [_line(header), _line(["---", *["---:"] * (len(header) - 1)])]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(result: Result) -> list[str]:
    times = result.values("wall_seconds")
    return [
        f"`{result.way}`" + (" **wrong**" if result.wrong else ""),
        format_seconds(result.median("wall_seconds")),
        f"{format_seconds(min(times))} to {format_seconds(max(times))}",
        format_seconds(result.median("cpu_seconds")),
        format_seconds(result.median("import_seconds")),
        _size(result, "peak_memory_bytes"),
        _size(result, "read_bytes"),
        format_size(result.disk_bytes),
        format_seconds(result.conversion.wall_seconds) if result.conversion else "",
    ]


def _size(result: Result, figure: str) -> str:
    return format_size(round(result.median(figure))) if result.values(figure) else "n/a"
