"""The bench runs each way in a process of its own, checks its answer, and shows what was measured and nothing else."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from dataclasses import asdict, replace
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

import course
import course.bench
from course.bench import Bench, Result, Run, conditions, forecast, headline, read_bench, run_bench
from course.bench.conditions import Condition, NotCappedError, cached_share, commanded, memory_limit, set_cache
from course.bench.pictures import draw_growth, draw_time_and_memory, growth_slope, pareto_front, write_report
from course.bench.run import TaskFailedError, run_task
from course.cli import course as command
from course.errors import BadArgumentError, CourseError
from course.measure.fresh import run_fresh
from course.measure.readers import usable_cores
from course.ways import FORMATS, WAYS, convert

mpl.use("agg")

SIZES = (300, 3000)
FIGURES = {"wall_seconds": 1.0, "cpu_seconds": 1.0, "peak_memory_bytes": 1, "read_bytes": None, "import_seconds": 1.0}
FIRST = Result("a", "way a", "csv", streaming=True, rows=100, csv_bytes=16_000, disk_bytes=16_000)


def measured(way: str, seconds: float, memory: int | None, rows: int = 100, *more: float) -> Result:
    runs = tuple(Run(one, one, memory, 1000, 0.5) for one in (seconds, *more))
    return replace(FIRST, way=way, title=f"way {way}", rows=rows, runs=runs)


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
    # as it was written when all files were warm
    new = ("condition", "cap_bytes", "cores")
    olds = [{name: value for name, value in asdict(one).items() if name not in new} for one in bench.results]
    for old in olds:
        old["runs"] = [{name: run[name] for name in FIGURES} for run in old["runs"]]
    saved.write_text(json.dumps({"machine": bench.machine, "results": olds}))
    assert [run.wall_seconds for one in read_bench(saved).of_size(300) for run in one.runs] == [
        run.wall_seconds for one in bench.of_size(300) for run in one.runs
    ]
    saved.write_text("[]")
    with pytest.raises(BadArgumentError, match="does not hold the results of a bench"):
        read_bench(saved)


def test_a_bench_that_is_stopped_has_saved_the_sizes_that_it_finished(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def stop_at_the_second(_: str, __: str, file: Path, **___: Any) -> dict[str, Any]:
        if file.stat().st_size > 150 * SIZES[1]:
            raise KeyboardInterrupt
        return {**FIGURES, "answer": {}}

    monkeypatch.setattr("course.bench.run.run_task", stop_at_the_second)
    sizes = [word for size in SIZES for word in ("--rows", str(size))]
    CliRunner().invoke(
        command,
        ["bench", *sizes, "--ways", "python-csv", "--output", str(tmp_path / "out"), "--data", str(tmp_path / "data")],
    )
    assert [(one.rows, len(one.runs)) for one in read_bench(tmp_path / "out" / "bench.json").results] == [(SIZES[0], 5)]


def test_a_wrong_answer_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("course.bench.run.run_task", lambda *_, **__: {**FIGURES, "answer": {"0": 1.0}})
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

    def note(task: str, name: str, *_: Path, **__: Any) -> dict[str, Any]:
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

    def fail(task: str, *_: Any, **__: Any) -> dict[str, Any]:
        raise TaskFailedError(f"no luck with {task}")

    monkeypatch.setattr("course.bench.run.run_task", fail)
    done = run_bench((50,), ("bcolz", "pandas-csv", "zarr", "python-csv"), repeat=1, folder=tmp_path)
    assert [result.skipped for result in done.results] == [
        "no_such_library is not installed",
        "needs about 50.2 KiB of memory, 9.77 KiB are free",
        "conversion failed: no luck with convert",
        "no luck with answer",
    ]
    with pytest.raises(BadArgumentError, match="nothing was measured"):
        draw_time_and_memory(done)


def test_a_task_that_fails_or_lasts_says_so(tmp_path: Path) -> None:
    with pytest.raises(TaskFailedError, match="FileNotFoundError"):
        run_task("answer", "python-csv", tmp_path / "absent.csv")
    with pytest.raises(TaskFailedError, match=r"^ended with code 3$"):
        run_task("answer", "python-csv", tmp_path, words=[sys.executable, "-c", "raise SystemExit(3)"])
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


COST = st.tuples(st.integers(1, 9), st.integers(0, 3), st.integers(1, 9))


@given(st.lists(COST, min_size=1, max_size=12))
def test_no_way_of_the_pareto_line_beats_another_and_one_of_it_beats_every_other(
    costs: list[tuple[int, int, int]],
) -> None:
    results = [measured(str(number), t, memory, 100, t + more) for number, (t, more, memory) in enumerate(costs)]
    front = {one.way for one in pareto_front(results)}

    def is_beaten(time: int, more: int, memory: int) -> bool:
        on_line = (cost for number, cost in enumerate(costs) if str(number) in front)
        return any((t + m < time and size <= memory) or (size < memory and t <= time + more) for t, m, size in on_line)

    assert front == {str(number) for number, cost in enumerate(costs) if not is_beaten(*cost)}
    assert front


def test_the_fastest_way_is_on_the_pareto_line_where_only_one_that_is_beaten_beats_it() -> None:
    """As measured at ten million rows: DuckDB, Polars on Parquet, DuckDB on Parquet (tenths of ms, bytes)."""
    results = [measured("a", 183, 77, 100, 197), measured("b", 177, 74, 100, 304), measured("c", 214, 54, 100, 260)]
    assert [one.way for one in pareto_front(results)] == ["a", "c"]


def test_ways_whose_ranges_meet_tie_and_share_their_place() -> None:
    results = (
        measured("a", 1.0, 5, 100, 2.0),
        measured("b", 1.9, 5, 100, 3.0),
        measured("c", 3.5, 5),
        measured("d", 9, None),
    )
    failed = replace(FIRST, way="e", skipped="killed")
    table = Bench({}, (*results, failed)).to_frame().set_index("way")
    assert table["place"].to_dict() == {"a": 1, "b": 1, "c": 3, "d": 4, "e": 0}
    assert table["ended"].to_dict() == dict.fromkeys("abcd", "finished") | {"e": "killed"}
    assert [one.way for one in pareto_front(results)] == ["a", "b"]
    assert Bench({}, (measured("a", 1.0, 5), replace(measured("b", 0.5, 5), condition="cold"))).to_frame()[
        "place"
    ].tolist() == [1, 1]


def test_the_parser_of_bytes_is_in_the_headline_if_nothing_beats_it() -> None:
    fast, slow = measured("polars-csv", 1.0, 100), measured("numpy-csv", 2.0, 100)
    assert headline([fast, slow]) == [fast]
    assert headline([slow, winning := measured("numpy-csv", 2.0, 50)]) == [winning]
    axes = draw_time_and_memory(Bench({}, (fast, slow)))
    assert [text.get_text() for text in axes.texts] == ["way polars-csv"]


def test_a_forecast_says_the_memory_that_a_table_needs() -> None:
    results = [measured("a", rows / 50, 10 * rows, rows) for rows in (100, 1000)]
    results += [replace(measured("b", rows / 10, 10 * rows, rows), streaming=False) for rows in (100, 1000)]
    found = forecast(Bench({"memory_bytes": 30_000}, tuple(results)), 4000)
    assert found.loc["a"].tolist() == pytest.approx([1, 80, 10_000, True])
    assert found.loc["b"].tolist() == pytest.approx([1, 400, 40_000, False])
    with pytest.raises(BadArgumentError, match="two files"):
        forecast(Bench({}, (results[0],)), 4000)


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


# --- conditions -----------------------------------------------------------------------------------------------------


def test_a_file_and_a_folder_leave_the_page_cache_and_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = tmp_path / "table" / "one", tmp_path / "table" / "below" / "other"
    other.parent.mkdir(parents=True)
    (tmp_path / "table" / "empty").touch()
    one.write_bytes(bytes(3 * 2**16))
    other.write_bytes(bytes(2**16))
    if not hasattr(os, "posix_fadvise"):
        pytest.skip("this system drops no file from the page cache")
    with one.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    if cached_share(one) != 0:
        pytest.skip(f"files of this folder stay in memory, or the system does not tell: {cached_share(one)}")
    assert set_cache(tmp_path / "table", cold=False) == 1
    assert set_cache(tmp_path / "table", cold=True) == 0
    assert (cached_share(one), cached_share(other)) == (0, 0)
    assert set_cache(one, cold=False) == 1
    assert cached_share(tmp_path / "table") == 0.75
    assert set_cache(tmp_path / "table", cold=False) == 1
    monkeypatch.setattr(conditions.ctypes, "CDLL", lambda _: SimpleNamespace())
    assert set_cache(one, cold=False) is None


@pytest.mark.parametrize(
    ("shares", "cache"), [((0.0, 0.01), "cold"), ((0.0, 0.5), "warm"), ((1.0,), "warm"), ((None,), "warm")]
)
def test_a_file_is_cold_if_the_system_says_so_of_each_run(shares: tuple[float | None, ...], cache: str) -> None:
    result = replace(FIRST, condition="cold", runs=tuple(Run(1, 1, 1, 1, 1, share) for share in shares))
    assert Bench({}, (result,)).to_frame()[["condition", "cache"]].values.tolist() == [["cold", cache]]


def test_a_process_is_capped_and_killed_with_those_it_starts() -> None:
    cap_bytes = 96 * 2**20
    child = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(len(bytes(1)*2**28))'])"
    try:
        with commanded(Condition(cap_bytes=cap_bytes)) as words:
            assert run_fresh("small", bytes, 2**20, words=words, keep=True).value == bytes(2**20)
            assert run_fresh("large", os.urandom, 2**28, words=words).measurement.error.endswith("was killed")
            done = subprocess.run([*words, sys.executable, "-c", child], check=False, capture_output=True)
            assert done.stdout == b""
            folders = [Path(word) for word in words if word.startswith("/sys/")]
    except NotCappedError:
        pytest.skip("no process can be capped here: neither systemd nor a cgroup that this user may write")
    assert not any(folder.exists() for folder in folders)


def test_what_cannot_be_capped_does_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "systemd-run"
    program.write_text('#!/bin/sh\nwhile [ "$1" != "MemorySwapMax=0" ]; do shift; done\nshift\nexec "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(conditions, "_own_cgroups", lambda: iter(()))
    done = run_bench((300,), ("python-csv",), repeat=1, folder=tmp_path / "made", cap_bytes=30_000)
    assert done.to_frame()[["condition", "runs", "ended"]].values.tolist() == [
        ["warm", 1, "finished"], ["capped", 0, "not capped"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "inner", "outer", "expected"),
    [
        ("", {"memory.max": "max", "memory.swap.max": "0"}, {"memory.max": "900", "memory.swap.max": "5"}, 905),
        ("", {"memory.max": "700", "memory.swap.max": "max"}, {"memory.max": "900"}, 710),
        ("", {"memory.max": "700"}, {}, 710),
        ("memory", {"memory.limit_in_bytes": "700", "memory.memsw.limit_in_bytes": "700"}, {}, 700),
        ("memory", {"memory.limit_in_bytes": "700"}, {"memory.memsw.limit_in_bytes": "705"}, 705),
    ],
)  # fmt: skip
def test_the_limit_of_a_process_is_the_strictest_with_its_swap(
    name: str,
    inner: dict[str, str],
    outer: dict[str, str],
    expected: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    for folder, limits in ((own, inner), (tmp_path, outer)):
        for limit, text in limits.items():
            (folder / limit).write_text(text + "\n")
    monkeypatch.setattr(conditions, "_own_cgroups", lambda: iter([(conditions._VERSIONS[name], own)]))
    monkeypatch.setattr(psutil, "swap_memory", lambda: SimpleNamespace(total=10))
    assert memory_limit() == expected


def test_each_condition_is_measured_where_it_makes_sense(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[tuple[str, list[str]]] = []

    def note(task: str, name: str, *_: Path, words: list[str], **__: Any) -> dict[str, Any]:
        asked.append((name, words))
        return {**FIGURES, "answer": {}}

    monkeypatch.setattr("course.bench.run.run_task", note)
    monkeypatch.setattr("course.bench.run.usable_cores", lambda: 3)
    monkeypatch.setattr(conditions, "_is_held", lambda words, cap: True)
    ways = ("python-csv", "polars-csv")
    done = run_bench((50, 5000), ways, repeat=1, folder=tmp_path, cold=True, cap_bytes=100_000, cores=True)
    some = ["warm", "cold", "capped"]
    assert [one.condition for one in done.results if (one.way, one.rows) == ("python-csv", 5000)] == some
    assert [one.condition for one in done.results if (one.way, one.rows) == ("python-csv", 50)] == some[:2]
    fewer = [(one.condition, one.cores) for one in done.results if (one.way, one.rows) == ("polars-csv", 50)]
    assert fewer == [("warm", 0), ("cold", 0), ("cores", 1), ("cores", 2)]
    assert sum("MemorySwapMax=0" in words and "MemoryMax=100000" in words for _, words in asked) == 2


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system gives no cores to a process")
def test_a_run_on_one_core_has_one() -> None:
    with commanded(Condition(cores=1)) as words:
        assert run_fresh("cores", usable_cores, words=words, keep=True).value == 1
    with commanded(Condition()) as words:
        assert words == []


@pytest.mark.parametrize("way", ["dask-csv", "pandas-parquet", "pyarrow-parquet", "polars-csv", "blosc2"])
def test_what_a_library_imports_when_it_first_answers_is_imported_before(way: str, tmp_path: Path) -> None:
    pytest.importorskip(WAYS[way].library)
    form = WAYS[way].format
    file = convert(form, course.month_file(tmp_path / "a.csv", rows=50).path, tmp_path / f"a{FORMATS[form].suffix}")
    code = """if True:
        import sys, importlib, pathlib
        from course.ways import WAYS
        way = WAYS[sys.argv[1]]
        for name in ("pandas", way.library, *way.late.split()):
            importlib.import_module(name)
        function, before = way.function, set(sys.modules)
        function(pathlib.Path(sys.argv[2]))
        late = set(sys.modules) - before
        print(*(name for name in late if name.partition(".")[0] not in sys.stdlib_module_names))
    """
    run = subprocess.run([sys.executable, "-c", code, way, str(file)], capture_output=True, text=True, check=True)
    # one or two cost a millisecond; dask imported two hundred, for 0.3 s
    assert len(run.stdout.split()) <= 2
