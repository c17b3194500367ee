"""Write the results of a bench in a folder: JSON, a table, pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from course.bench.pictures import draw_growth, draw_time_and_memory
from course.bench.table import bench_markdown
from course.files import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from course.bench.results import Bench


def write_report(bench: Bench, folder: Path) -> list[Path]:
    """Write ``bench.json``, ``bench.md`` and the pictures, and return their paths.

    Raises:
        OutputError: the folder cannot be written.
    """
    paths = [folder / "bench.json", folder / "bench.md"]
    bench.save(paths[0])
    with replacing(paths[1]) as temporary:
        temporary.write_text(bench_markdown(bench), encoding="utf-8", newline="\n")
    paths += [
        _save(draw_time_and_memory(bench, rows), folder / f"time_memory_{rows}.png")
        for rows in bench.sizes
        if bench.of_size(rows)
    ]
    if len(bench.sizes) > 1:
        paths.append(_save(draw_growth(bench), folder / "growth.png"))
    return paths


def _save(axes: Axes, path: Path) -> Path:
    import matplotlib.pyplot as plt

    figure = axes.get_figure(root=True)
    if figure is not None:
        with replacing(path) as temporary:
            figure.savefig(temporary, format="png", dpi=150, metadata={"Software": ""})
        plt.close(figure)
    return path
