"""``course bench cluster``: how a cluster scales."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from course.cluster.scaling import Fit, Point

FOLDER = click.Path(path_type=Path, file_okay=False)
TERABYTE = 10**12


@click.command(short_help="Measure how the question scales with the workers of a cluster.")
@click.option("--scheduler", metavar="ADDRESS", help="A real scheduler; by default workers are started here.")
@click.option("--workers", multiple=True, type=click.IntRange(min=1), default=(1, 2), show_default=True)
@click.option("--files", type=click.IntRange(min=2), default=8, show_default=True, help="Files of the data set.")
@click.option("--rows", type=click.IntRange(min=1), default=200_000, show_default=True, help="Rows of each file.")
@click.option("--output", type=FOLDER, default=Path("build/bench"), show_default=True, help="Where cluster.json goes.")
@click.option("--data", type=FOLDER, help="A folder that all workers see; by default a temporary one.")
def cluster(
    *, scheduler: str | None, workers: tuple[int, ...], files: int, rows: int, output: Path, data: Path | None
) -> None:
    """Generate a partitioned data set on the workers, and ask the question with more and more of them.

    Strong scaling: the same files for 1, 2, … workers. Weak scaling: as many files per worker. Each answer is checked
    to the cent. The results, and a model fitted on them, go to cluster.json.

    \b
    Examples:
      course bench cluster
      course bench cluster --scheduler tcp://10.0.0.5:8786 --workers 1 --workers 8 --workers 64 --data /shared/bench
    """  # noqa: D301 click reads \b as: keep these lines
    import tempfile

    from course.bench.machine import describe_machine
    from course.cluster import connect
    from course.cluster.scaling import WAYS, fit, measure_scaling, write_scaling

    with (
        tempfile.TemporaryDirectory(prefix="course-bench-", dir=data) as folder,
        connect(scheduler, workers=None if scheduler else max(workers)) as client,
    ):
        points = measure_scaling(client, Path(folder), workers=sorted(set(workers)), files=files, rows=rows)
    click.echo("\n".join(line(point) for point in points))
    click.echo("\n".join(forecast(fit(points, form)) for form in WAYS))
    click.echo(write_scaling(output / "cluster.json", points, describe_machine(["dask", "distributed"])))


def line(point: Point) -> str:
    """Return what one measure found, on one line."""
    speed = point.rows / point.seconds / 1e6
    return (
        f"{point.measure:8} {point.format:7} {point.workers:3} workers, {point.files:3} files: "
        f"{point.seconds:7.2f} s, {speed:6.2f} million rows/s, workers busy {_busy(point):.0%}"
    )


def _busy(point: Point) -> float:
    return point.worker_seconds / point.seconds / point.workers


def forecast(model: Fit) -> str:
    """Return what the model says of a terabyte of files of a format."""
    times = ", ".join(f"{count}: {model.seconds(TERABYTE, count) / 3600:.1f} h" for count in (1, 10, 100))
    return (
        f"{model.format}: {model.fixed:.2f} s + {model.per_file:.3f} s x files / workers "
        f"+ {model.shared:.4f} s x files "
        f"(within {model.largest_error:.0%}); one terabyte by workers, {times}"
    )
