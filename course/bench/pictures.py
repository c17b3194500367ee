"""The results as pictures, time against memory and growth over rows; and the report that holds them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from course.bench.results import growth_slope
from course.errors import BadArgumentError
from course.files import replacing
from course.measure import Measurement
from course.measure.picture import draw

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from course.bench.results import Bench, Result

APPENDIX = ("numpy-csv",)
"""The parser of bytes: hundreds of lines for one question on one shape of file, which nobody should have to write."""
_STYLE = "course.lesson"
_MEBIBYTE = 2**20


def pareto_front(results: Iterable[Result]) -> list[Result]:
    """Return the results that none of those returned beats, fastest first; one of them beats each other result.

    One beats another by being less in time or in memory, beyond the spread of the runs, and not more in the other.
    This is not transitive, for ties are not: one that is beaten only by a beaten one stays.
    """
    left = [one for one in results if not math.isnan(one.median("peak_memory_bytes"))]
    front: list[Result] = []
    # where each is beaten by another, in a circle, none of them can be left out
    while unbeaten := [one for one in left if not any(_beats(other, one) for other in left)] or left:
        front += unbeaten
        left = [one for one in left if one not in unbeaten and not any(_beats(other, one) for other in unbeaten)]
    return sorted(front, key=lambda one: (one.median("wall_seconds"), one.median("peak_memory_bytes")))


def _beats(one: Result, other: Result) -> bool:
    figures = ("wall_seconds", "peak_memory_bytes")
    return any(one.is_less(other, figure) for figure in figures) and not any(
        other.is_less(one, figure) for figure in figures
    )


def headline(results: Sequence[Result]) -> list[Result]:
    """Return the results without those of ``APPENDIX``, except where nothing beats them."""
    front = pareto_front(results)
    return [one for one in results if one.way not in APPENDIX or one in front]


def draw_time_and_memory(bench: Bench, rows: int | None = None, ax: Axes | None = None) -> Axes:
    """Draw wall time against peak memory, a point per way, and the line of those of which none beats another.

    Args:
        bench: the results, of which those with a warm file and all cores are drawn, without the appendix.
        rows: the file, by its number of rows; the largest by default.
        ax: where to draw.

    Raises:
        BadArgumentError: nothing was measured on such a file.
    """
    import matplotlib.pyplot as plt

    results = headline(bench.of_size(bench.sizes[-1] if rows is None and bench.sizes else rows or 0))
    if not results:
        raise BadArgumentError(f"nothing was measured on a file of {rows} rows; choose one of {bench.sizes}")
    with plt.style.context(_STYLE):
        ax = ax or plt.subplots(figsize=(10, 6))[1]
        measurements = [
            Measurement(result.title, run.wall_seconds, run.cpu_seconds, run.peak_memory_bytes, run.read_bytes)
            for result in results
            for run in result.runs
        ]
        draw(measurements, ax)
        front = pareto_front(results)
        seconds = [one.median("wall_seconds") for one in front]
        # of two that tie the larger may come later: the line never rises
        memory = list(itertools.accumulate((one.median("peak_memory_bytes") / _MEBIBYTE for one in front), min))
        ax.step(seconds, memory, where="post", color="gray", linewidth=1.5, zorder=0, label="Pareto line")
    return ax


def draw_growth(bench: Bench, ways: Iterable[str] | None = None, ax: Axes | None = None) -> Axes:
    """Draw wall time over rows on logarithmic axes, a line per way with its slope, slowest first in the legend.

    Args:
        bench: the results, on two files or more.
        ways: names of the ways to draw, all but the appendix by default.
        ax: where to draw.

    Raises:
        BadArgumentError: no way was measured on two files.
    """
    import matplotlib.pyplot as plt
    from cycler import cycler

    names = dict.fromkeys(ways or (one.way for one in bench.results if one.way not in APPENDIX))
    runs = [result for rows in bench.sizes for result in bench.of_size(rows)]
    lines = [[result for result in runs if result.way == name] for name in names]
    lines = sorted((line for line in lines if len(line) > 1), key=lambda line: -line[-1].median("wall_seconds"))
    if not lines:
        raise BadArgumentError("growth needs two files: give two numbers of rows or more")
    with plt.style.context(_STYLE):
        ax = ax or plt.subplots(figsize=(10, 6))[1]
        # every colour with a first style and marker, then every colour with the next
        ax.set_prop_cycle(cycler(linestyle=("-", "--", ":"), marker="osD") * plt.rcParams["axes.prop_cycle"])
        for line in lines:
            rows, seconds = [one.rows for one in line], [one.median("wall_seconds") for one in line]
            ax.plot(rows, seconds, linewidth=1.8, label=f"{line[0].title} ({growth_slope(line):.2f})")
        ax.set(xscale="log", yscale="log", xlabel="rows", ylabel="wall time (s)")
        ax.legend(title="way (slope)", loc="center left", bbox_to_anchor=(1, 0.5), fontsize=9, title_fontsize=10)
    return ax


def write_report(bench: Bench, folder: Path) -> list[Path]:
    """Write ``bench.json``, ``bench.csv`` (seconds, bytes) and the pictures, and return their paths.

    Raises:
        OutputError: the folder cannot be written.
    """
    import matplotlib.pyplot as plt

    table = folder / "bench.csv"
    bench.save(folder / "bench.json")
    with replacing(table) as temporary:
        bench.to_frame().to_csv(temporary, index=False, lineterminator="\n")
    pictures = {folder / f"time_memory_{rows}.png": draw_time_and_memory(bench, rows)
                for rows in bench.sizes if bench.of_size(rows)}  # fmt: skip
    if len(bench.sizes) > 1:
        pictures[folder / "growth.png"] = draw_growth(bench)
    for path, axes in pictures.items():
        figure = axes.get_figure(root=True)
        if figure is not None:
            with replacing(path) as temporary:
                figure.savefig(temporary, format="png", dpi=150, metadata={"Software": ""})
            plt.close(figure)
    return [folder / "bench.json", table, *pictures]
