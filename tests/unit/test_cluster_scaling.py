"""Scaling of a cluster: real workers, exact answers, a model that finds the costs it was made from."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from course.cli import course
from course.cluster.scaling import Point, fit

COSTS = st.floats(0.001, 10)


@settings(deadline=None)  # scipy is imported by the first example
@given(COSTS, COSTS, COSTS)
def test_the_model_finds_the_costs_that_points_were_made_from(fixed: float, per_file: float, shared: float) -> None:
    points = [
        Point(
            "strong", "csv", workers, files, files, files * 100, fixed + per_file * files / workers + shared * files, 0
        )
        for workers, files in ((1, 4), (1, 8), (2, 8), (4, 8), (4, 32))
    ]
    points.append(replace(points[0], measure="generate", seconds=1e9))
    found = fit(points, "csv")
    assert (found.fixed, found.per_file, found.shared) == pytest.approx((fixed, per_file, shared), rel=1e-3)
    assert found.seconds(100 * 16, 2) == pytest.approx(fixed + per_file * 8 + shared * 16, rel=1e-3)
    assert found.largest_error < 1e-3


def test_the_command_measures_each_format_with_each_number_of_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)
    words = ["bench", "cluster", "--files", "2", "--rows", "2000", "--output", str(tmp_path), "--data", str(tmp_path)]
    done = CliRunner().invoke(course, words, catch_exceptions=False)
    assert done.exit_code == 0
    known = json.loads((tmp_path / "cluster.json").read_text(encoding="utf-8"))
    seen = {(one["measure"], one["format"], one["workers"], one["files"]) for one in known["points"]}
    strong = {
        (measure, form, n, 2) for measure in ("generate", "strong") for form in ("csv", "parquet") for n in (1, 2)
    }
    assert seen == strong | {("weak", form, n, n) for form in ("csv", "parquet") for n in (1, 2)}
    assert [one["format"] for one in known["fits"]] == ["csv", "parquet"]
    assert [path.name for path in tmp_path.iterdir()] == ["cluster.json"]


def test_more_workers_than_there_are_is_an_error(tmp_path: Path) -> None:
    from course.cluster import connect
    from course.cluster.scaling import measure_scaling
    from course.errors import CourseError

    with connect(workers=1) as client, pytest.raises(CourseError, match="1 workers and 2 were asked for"):
        measure_scaling(client, tmp_path, workers=[1, 2], files=2, rows=10)
