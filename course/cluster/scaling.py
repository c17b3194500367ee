"""How fast a cluster answers the question as workers are added: strong and weak scaling, generation, and a model."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from course.errors import CourseError
from course.files import make_folder, replacing
from course.progress import progress_bar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from distributed import Client

WAYS = {"csv": "pandas-csv-columns", "parquet": "pyarrow-parquet"}
"""The way that answers from each format: the two columns of the question, one task per file."""

RUNS = 3


@dataclass(frozen=True)
class Point:
    """One measure.

    Attributes:
        measure: ``generate``, ``strong`` (all files whatever the workers) or ``weak`` (as many files per worker).
        format: ``csv`` or ``parquet``.
        workers: number of workers that were used.
        files: number of files.
        rows: rows of all these files.
        size_bytes: bytes of all these files.
        seconds: wall time, the best of ``RUNS`` for an answer, the only one for a generation.
        worker_seconds: sum of the wall times of the tasks, as each worker measured its own, of that run.
    """

    measure: str
    format: str
    workers: int
    files: int
    rows: int
    size_bytes: int
    seconds: float
    worker_seconds: float


@dataclass(frozen=True)
class Fit:
    """``seconds = fixed + per_file * files / workers + shared * files``, by least squares on the points of a format.

    Attributes:
        format: ``csv`` or ``parquet``.
        fixed: seconds of any question.
        per_file: seconds of a file, on the worker that has it: what more workers divide.
        shared: seconds of a file that more workers do not divide: the scheduler, the disk, the memory bus.
        file_bytes: bytes of a file of the fit.
        largest_error: largest distance between a point and the model, as a share of the point.
    """

    format: str
    fixed: float
    per_file: float
    shared: float
    file_bytes: float
    largest_error: float

    def seconds(self, size_bytes: float, workers: int) -> float:
        """Return the time that the model gives for so many bytes, in files of the size of the fit."""
        files = size_bytes / self.file_bytes
        return self.fixed + self.per_file * files / workers + self.shared * files


def measure_scaling(client: Client, folder: Path, *, workers: Sequence[int], files: int, rows: int) -> list[Point]:
    """Generate a partitioned data set on the cluster, and ask the question of it with more and more workers.

    Args:
        client: a cluster with at least as many workers as the largest of ``workers``.
        folder: a folder that the workers see at the same path.
        workers: numbers of workers.
        files: number of files of the strong scaling, and of the weak one with all the workers.
        rows: rows of each file.

    Raises:
        CourseError: too few workers, or an answer that is not exact to the cent.
    """
    addresses = sorted(client.scheduler_info(n_workers=-1)["workers"])
    if len(addresses) < max(workers):
        raise CourseError(f"the cluster has {len(addresses)} workers and {max(workers)} were asked for: add some")
    points: list[Point] = []
    with progress_bar(2 * len(WAYS) * len(workers), description="scaling", unit="measures") as bar:
        for form in WAYS:
            _warm(client, folder / f"warm.{form}", addresses)
            for count in workers:
                paths = [folder / f"{count}-{number:03}.{form}" for number in range(files)]
                point, made = _generate(client, paths, rows, addresses[:count])
                bar.update(1)
                weak = made[: max(1, files // max(workers)) * count]
                points += [point, _ask(client, "strong", made, addresses[:count])]
                points.append(_ask(client, "weak", weak, addresses[:count]))
                bar.update(1)
    return points


def _warm(client: Client, path: Path, addresses: list[str]) -> None:
    """Let each worker import its libraries."""
    for one in addresses:
        made = _generate(client, [path], 1_000, [one])[1]
        _ask_once(client, "strong", made, [one])


def _generate(client: Client, paths: list[Path], rows: int, addresses: list[str]) -> tuple[Point, list[Any]]:
    start = perf_counter()
    futures = client.map(make_file, paths, range(len(paths)), rows=rows, pure=False, workers=addresses)
    made: list[Any] = _gathered(client, futures)
    return _point("generate", made, addresses, perf_counter() - start, sum(one.seconds for one in made)), made


def _ask(client: Client, measure: str, made: list[Any], addresses: list[str]) -> Point:
    return min(
        (_ask_once(client, measure, made, addresses) for _ in range(RUNS)),
        key=lambda point: point.seconds,
    )


def _ask_once(client: Client, measure: str, made: list[Any], addresses: list[str]) -> Point:
    start = perf_counter()
    parts = _gathered(client, client.map(ask_file, [one.path for one in made], pure=False, workers=addresses))
    seconds = perf_counter() - start
    cents = {age: sum(part[age] for part, _ in parts) for age in parts[0][0]}
    if cents != {age: sum(one.cents_by_age[age] for one in made) for age in cents}:
        raise CourseError("the answer of the cluster is not exact to the cent")
    return _point(measure, made, addresses, seconds, sum(spent for _, spent in parts))


def _gathered(client: Any, futures: list[Any]) -> list[Any]:
    results: list[Any] = client.gather(futures)
    return results


def _point(measure: str, made: list[Any], addresses: list[str], seconds: float, worker_seconds: float) -> Point:
    rows, size = sum(one.rows for one in made), sum(one.size_bytes for one in made)
    form = made[0].format.lstrip(".")
    return Point(measure, form, len(addresses), len(made), rows, size, seconds, worker_seconds)


def make_file(path: Path, seed: int, rows: int) -> Any:
    """Generate one file, on a worker, and return its report."""
    from dataclasses import replace

    from course.generator.month import month_file

    start = perf_counter()
    path.unlink(missing_ok=True)
    path.with_name(f"{path.name}.json").unlink(missing_ok=True)
    return replace(month_file(path, rows=rows, seed=seed, threads=1), seconds=perf_counter() - start)


def ask_file(path: Path) -> tuple[dict[int, int], float]:
    """Answer the question for one file, on a worker: cents by age class, and the seconds it took."""
    from course.ways import answer

    start = perf_counter()
    sums = answer(WAYS[path.suffix.lstrip(".")], path)
    cents = (sums * 100).round().astype("int64")
    return dict(cents.items()), perf_counter() - start  # type: ignore[arg-type]


def fit(points: Sequence[Point], form: str) -> Fit:
    """Fit the model to the answers of a format; a cost that comes out below zero is taken as zero."""
    import numpy as np
    from scipy.optimize import nnls

    answers = [point for point in points if point.format == form and point.measure != "generate"]
    matrix = np.array([[1, point.files / point.workers, point.files] for point in answers], dtype=float)
    seconds = np.array([point.seconds for point in answers])
    # each point counts by its relative error: a second on ten is a second on a hundred
    costs, _ = nnls(matrix / seconds[:, None], np.ones(len(answers)))
    error = float(np.abs(matrix @ costs / seconds - 1).max())
    size = sum(point.size_bytes for point in answers) / sum(point.files for point in answers)
    fixed, per_file, shared = (float(cost) for cost in costs)
    return Fit(form, fixed, per_file, shared, size, error)


def write_scaling(path: Path, points: Sequence[Point], machine: dict[str, Any]) -> Path:
    """Write the points and the fits as JSON, with the machine they were measured on."""
    import json

    make_folder(path.parent)
    known = {
        "machine": machine,
        "points": [asdict(point) for point in points],
        "fits": [asdict(fit(points, form)) for form in WAYS],
    }
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8", newline="\n")
    return path
