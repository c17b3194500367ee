"""The bench runs each way in a process of its own, checks its answer, and shows what was measured and nothing else."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
import psutil
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import course.bench
from course.bench import Bench, Result, Run, read_bench, run_bench
from course.bench.pictures import draw_growth, draw_time_and_memory, growth_slope, pareto_front, write_report
from course.bench.run import TaskFailedError, run_task
from course.cli import course as command
from course.errors import BadArgumentError, CourseError
from course.ways import WAYS

mpl.use("agg")

SIZES = (300, 3000)
FIGURES = {"wall_seconds": 1.0, "cpu_seconds": 1.0, "peak_memory_bytes": 1, "read_bytes": None, "import_seconds": 1.0}
FIRST = Result("a", "way a", "csv", streaming=True, rows=100, csv_bytes=16_000, disk_bytes=16_000)


def measured(way: str, seconds: float, memory: int | None, rows: int = 100) -> Result:
    return replace(FIRST, way=way, title=f"way {way}", rows=rows, runs=(Run(seconds, seconds, memory, 1000, 0.5),))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("bench")
    done = run_bench(SIZES, ("python-csv", "sqlite"), repeat=1, folder=folder)
    assert not any(folder.iterdir()), "the files made for the bench stay"
    return done


def test_each_way_ran_on_each_file_and_was_exact(bench: Bench) -> None:
    assert [(r.way, r.rows, len(r.runs), r.wrong, r.skipped) for r in bench.results] == [
        (way, rows, 1, False, "") for rows in SIZES for way in ("python-csv", "sqlite")
    ]
    for text, database in zip(bench.results[::2], bench.results[1::2], strict=True):
        assert text.disk_bytes == text.csv_bytes > 100 * text.rows
        assert (text.conversion, database.csv_bytes) == (None, text.csv_bytes)
        assert text.check_seconds > 0 == database.check_seconds
        assert database.disk_bytes not in {0, database.csv_bytes}
        assert database.conversion is not None
        assert database.conversion.wall_seconds > 0
        assert all(r.median("wall_seconds") > 0 and r.median("import_seconds") > 0 for r in (text, database))


def test_the_report_is_read_again_and_names_neither_machine_nor_folder(bench: Bench, tmp_path: Path) -> None:
    saved, table, *pictures = write_report(bench, tmp_path / "report")
    assert read_bench(saved) == bench
    text = saved.read_text(encoding="utf-8")
    assert not any(word in text for word in (socket.gethostname(), "/", "\\"))
    assert {"cores", "memory_bytes", "python", "versions"} <= set(bench.machine)
    assert {"pandas", "pyarrow", "numpy"} <= set(bench.machine["versions"])
    known = bench.to_frame().drop(columns="skipped")
    pd.testing.assert_frame_equal(pd.read_csv(table).drop(columns="skipped"), known)
    assert [path.name for path in pictures] == ["time_memory_300.png", "time_memory_3000.png", "growth.png"]
    assert all(path.stat().st_size > 1000 for path in pictures)
    assert not plt.get_fignums()
    saved.write_text("[]")
    with pytest.raises(BadArgumentError, match="does not hold the results of a bench"):
        read_bench(saved)


def test_a_wrong_answer_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("course.bench.run.run_task", lambda *_: {**FIGURES, "answer": {"0": 1.0}})
    done = run_bench((50,), ("python-csv",), repeat=2, folder=tmp_path)
    assert done.results[0].wrong
    assert done.to_frame()["wrong"].all()
    monkeypatch.setattr(course.bench, "run_bench", lambda *_, **__: done)
    outcome = CliRunner().invoke(command, ["bench", "--output", str(tmp_path / "out")])
    assert isinstance(outcome.exception, CourseError)
    assert "not exact with python-csv" in str(outcome.exception)
    assert (tmp_path / "out" / "bench.json").exists()


def test_ways_run_in_an_order_that_is_shuffled_each_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    order: list[str] = []

    def note(task: str, name: str, *_: Path) -> dict[str, Any]:
        order.append(name)
        return {**FIGURES, "answer": {}}

    monkeypatch.setattr("course.bench.run.run_task", note)
    names = [name for name, way in WAYS.items() if way.format == "csv"]
    run_bench((50,), names, repeat=3, folder=tmp_path)
    rounds = [order[start : start + len(names)] for start in range(0, len(order), len(names))]
    assert len(rounds) == 3
    assert all(sorted(one) == sorted(names) for one in rounds)
    assert len({tuple(one) for one in rounds}) == 3


def test_what_cannot_run_is_skipped_and_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(WAYS, "bcolz", replace(WAYS["bcolz"], library="no_such_library"))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=10_000, total=10_000))

    def fail(task: str, *_: Any) -> dict[str, Any]:
        raise TaskFailedError(f"no luck with {task}")

    monkeypatch.setattr("course.bench.run.run_task", fail)
    done = run_bench((50,), ("bcolz", "pandas-csv", "zarr", "python-csv"), repeat=1, folder=tmp_path)
    assert [result.skipped for result in done.results] == [
        "no_such_library is not installed",
        "needs about 50.2 KiB of memory, 9.77 KiB are free",
        "conversion failed: no luck with convert",
        "failed: no luck with answer",
    ]
    with pytest.raises(BadArgumentError, match="nothing was measured"):
        draw_time_and_memory(done)


def test_a_task_that_fails_or_lasts_says_so(tmp_path: Path) -> None:
    with pytest.raises(TaskFailedError, match="FileNotFoundError"):
        run_task("answer", "python-csv", tmp_path / "absent.csv")
    with pytest.raises(TaskFailedError, match="stopped after 0 s"):
        run_task("answer", "python-csv", tmp_path / "absent.csv", timeout=0.01)


@pytest.mark.parametrize("options", [{"rows": ()}, {"rows": (0,)}, {"repeat": 0}])
def test_options_without_meaning_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(BadArgumentError, match="number of rows"):
        run_bench(**options)


def test_the_command_refuses_an_unknown_way(tmp_path: Path) -> None:
    outcome = CliRunner().invoke(command, ["bench", "--ways", "zarr, excel", "--output", str(tmp_path)])
    assert isinstance(outcome.exception, BadArgumentError)
    assert "no way called 'excel'" in str(outcome.exception)


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=12))
def test_no_way_of_the_pareto_line_is_beaten_and_every_other_is(costs: list[tuple[int, int]]) -> None:
    results = [measured(str(number), float(seconds), memory) for number, (seconds, memory) in enumerate(costs)]
    front = {(r.median("wall_seconds"), r.median("peak_memory_bytes")) for r in pareto_front(results)}

    def beaten(cost: tuple[float, float]) -> bool:
        return any(other != cost and other[0] <= cost[0] and other[1] <= cost[1] for other in costs)

    assert front == {cost for cost in costs if not beaten(cost)}


@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0, 2.0])
def test_the_slope_is_that_of_a_power_of_the_rows(slope: float) -> None:
    line = [measured("a", 3e-7 * rows**slope, 1, rows) for rows in (10**5, 10**6, 10**7)]
    assert growth_slope(line) == pytest.approx(slope, abs=1e-9)


def test_pictures_name_every_way_and_its_slope() -> None:
    results = [
        measured(way, rows * cost, 2**20 * cost, rows) for rows in (100, 1000) for way, cost in (("a", 1), ("b", 2))
    ]
    bench = Bench({}, tuple(results))
    names = [text.get_text() for text in draw_time_and_memory(bench).texts]
    assert sorted(names) == ["way a", "way b"]
    axes = draw_growth(bench, ways=["b"])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["way b (1.00)"]
    with pytest.raises(BadArgumentError, match="two files"):
        draw_growth(Bench({}, tuple(results[:2])))
    plt.close("all")
