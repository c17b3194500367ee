"""The ledger keeps every measure in order, and its table, summary, files and picture say the same."""

from __future__ import annotations

import csv
import json
import math
import re
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.text import Annotation, Text

from course.errors import BadArgumentError, ExistingFileError, UnknownFormatError
from course.measure import Ledger, Measurement, format_seconds, measure, median_of
from course.measure.measuring import COLUMNS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

mpl.use("agg")
MEBIBYTE = 2**20
seconds = st.floats(1e-9, 1e5)
amounts = st.integers(0, 2**45)
measurements = st.builds(
    Measurement,
    label=st.sampled_from(["pandas", "dask", "chunks; of 10,000", "é\n"]),
    wall_seconds=seconds,
    cpu_seconds=seconds,
    peak_memory_bytes=amounts,
    read_bytes=amounts | st.none(),
    written_bytes=amounts | st.none(),
    failed=st.booleans(),
)


def ledger_of(*records: Measurement) -> Ledger:
    ledger = Ledger()
    for record in records:
        ledger.append(record)
    return ledger


def record(label: str, wall: float, mebibytes: int, *, failed: bool = False) -> Measurement:
    return Measurement(label, wall, wall / 2, mebibytes * MEBIBYTE, 10, 0, failed)


@pytest.fixture(autouse=True)
def _close_figures() -> Iterator[None]:
    yield
    plt.close("all")


LINES = {
    "pandas: 1.23 s wall, 1.20 s CPU, +310 MiB peak, 15.5 MiB read, 0 B written": Measurement(
        "pandas", 1.234, 1.2, 310 * MEBIBYTE, int(15.5 * MEBIBYTE), 0
    ),
    "x: n/a wall, n/a CPU, n/a peak, n/a read, n/a written": Measurement("x"),
    "x: 12.3 ms wall, 0 s CPU, +0 B peak, n/a read, n/a written, failed: KeyError: 'a'": Measurement(
        "x", 0.0123, 0.0, 0, None, None, failed=True, error="KeyError: 'a'"
    ),
}


@pytest.mark.parametrize(("line", "measurement"), LINES.items())
def test_a_measurement_prints_on_one_line(measurement: Measurement, line: str) -> None:
    assert str(measurement) == line


@given(seconds)
def test_a_printed_time_is_right_to_three_digits(time: float) -> None:
    number, unit = format_seconds(time).split()
    assert float(number) * {"s": 1, "ms": 1e-3, "µs": 1e-6}[unit] == pytest.approx(time, rel=0.0051, abs=6e-9)


def test_the_median_of_runs_says_how_many_and_how_far_apart() -> None:
    runs = [record("a", wall, mebibytes) for wall, mebibytes in [(3.0, 10), (1.0, 30), (2.0, 20)]]
    median = median_of(runs)
    assert (median.wall_seconds, median.cpu_seconds, median.peak_memory_bytes) == (2.0, 1.0, 20 * MEBIBYTE)
    assert median.wall_spread_seconds == 2.0
    assert str(median).endswith("0 B written (median of 3, wall spread 2.00 s)")
    assert median_of(runs[:1]) is runs[0]
    with pytest.raises(BadArgumentError, match="at least one"):
        median_of([])


@given(st.lists(measurements, max_size=8))
def test_the_frame_has_every_measure_in_order(records: list[Measurement]) -> None:
    frame = ledger_of(*records).to_frame()
    assert list(frame.columns) == list(COLUMNS)
    assert frame["label"].tolist() == [one.label for one in records]
    assert frame["wall_seconds"].tolist() == [one.wall_seconds for one in records]
    assert [None if pd.isna(size) else int(size) for size in frame["read_bytes"]] == [one.read_bytes for one in records]
    assert frame["failed"].tolist() == [one.failed for one in records]


@given(st.lists(measurements, min_size=1, max_size=12))
def test_the_summary_has_the_median_and_spread_of_the_runs_that_succeeded(records: list[Measurement]) -> None:
    summary = ledger_of(*records).summary()
    assert list(summary.index) == list(dict.fromkeys(one.label for one in records))
    for label, row in summary.iterrows():
        runs = [one for one in records if one.label == label]
        walls = [one.wall_seconds for one in runs if not one.failed]
        assert (row["runs"], row["failed"]) == (len(runs), len(runs) - len(walls))
        if walls:
            assert row["wall_seconds"] == pytest.approx(statistics.median(walls))
            assert row["wall_seconds_spread"] == pytest.approx(max(walls) - min(walls))
        else:
            assert math.isnan(row["wall_seconds"])


def test_an_empty_ledger_that_is_named_is_used_and_clear_forgets_everything() -> None:
    ledger = Ledger()
    with measure("a", ledger=ledger):
        pass
    assert [one.label for one in ledger] == ["a"]
    types = ledger.to_frame().dtypes
    ledger.clear()
    assert len(ledger) == len(ledger.to_frame()) == 0
    assert ledger.to_frame().dtypes.equals(types)
    assert repr(ledger) == "nothing measured yet"
    with pytest.raises(BadArgumentError, match="measure a block first"):
        ledger.plot()


@given(st.lists(measurements, max_size=5))
def test_saved_files_give_every_figure_back(
    tmp_path_factory: pytest.TempPathFactory, records: list[Measurement]
) -> None:
    folder = tmp_path_factory.mktemp("saved")
    ledger = ledger_of(*records)
    rows = json.loads(ledger.save(folder / "measures.json").read_text(encoding="utf-8"))
    expected = [{name: getattr(one, name) for name in COLUMNS} for one in records]
    assert rows == expected
    with ledger.save(str(folder / "measures.CSV")).open(encoding="utf-8", newline="") as file:
        texts = list(csv.DictReader(file))
    assert texts == [{name: "" if v is None else str(v) for name, v in row.items()} for row in expected]


def test_a_figure_that_is_not_known_is_empty_in_files(tmp_path: Path) -> None:
    ledger = ledger_of(Measurement("a"))
    assert ledger.save(tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()[1] == "a,,,,,,False"
    assert json.loads(ledger.save(tmp_path / "a.json").read_text(encoding="utf-8"))[0]["cpu_seconds"] is None


def test_an_unknown_suffix_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(UnknownFormatError, match=re.escape(".csv or .json")):
        ledger_of(record("a", 1.0, 1)).save(tmp_path / "measures.xls")
    assert list(tmp_path.iterdir()) == []


def names(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


def test_the_picture_has_one_named_point_per_label_at_its_median_in_axes_that_are_there() -> None:
    ledger = ledger_of(record("pandas", 1.0, 300), record("dask", 2.0, 100), record("pandas", 3.0, 310))
    _, mine = plt.subplots()
    ax = ledger.plot(mine)
    assert ax is mine
    assert names(ax) == ["pandas", "dask"]
    assert [tuple(text.xy) for text in ax.texts if isinstance(text, Annotation)] == [(2.0, 305.0), (2.0, 100.0)]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("wall time (s)", "peak memory above the start (MiB)")


def test_axes_are_logarithmic_when_the_range_asks_only() -> None:
    narrow = ledger_of(record("a", 1.0, 100), record("b", 2.0, 120)).plot()
    wide = ledger_of(record("a", 0.01, 1), record("b", 2.0, 120)).plot()
    nothing = ledger_of(record("a", 1.0, 0), record("b", 2.0, 120)).plot()
    assert (narrow.get_xscale(), narrow.get_yscale()) == ("linear", "linear")
    assert (wide.get_xscale(), wide.get_yscale()) == ("log", "log")
    assert nothing.get_yscale() == "symlog"


def test_what_never_succeeded_is_drawn_as_failed() -> None:
    ledger = ledger_of(record("a", 1.0, 9, failed=True), record("b", 1.0, 9, failed=True), record("b", 2.0, 10))
    ax = ledger.plot()
    assert names(ax) == ["a (failed)", "b"]
    assert [text.xy[0] for text in ax.texts if isinstance(text, Annotation)] == [1.0, 2.0]


def test_names_do_not_cover_one_another() -> None:
    ax = ledger_of(*(record(f"way number {i}", 1.0 + i / 100, 100 + i) for i in range(9))).plot()
    plt.gcf().draw_without_rendering()
    boxes = [Text.get_window_extent(text) for text in ax.texts]
    assert not any(box.overlaps(other) for i, box in enumerate(boxes) for other in boxes[:i])


OTHERS = [
    "a;b\n1;2\n",
    "label\n",
    "label,wall_seconds\n",
    '"a\n',
    "\xff",
    '{"cells": 1}',
    "[1]",
    '[{"label": "a"}]',
    "3",
]


@pytest.mark.parametrize("name", ["a.csv", "a.json"])
def test_a_file_of_other_things_is_not_replaced_one_of_measures_is(tmp_path: Path, name: str) -> None:
    ledger = ledger_of(record("two\nlines, \u2028", 1.0, 1))
    for other in OTHERS:
        (tmp_path / name).write_bytes(other.encode("latin-1"))
        with pytest.raises(ExistingFileError, match="choose another name"):
            ledger.save(tmp_path / name)
        assert (tmp_path / name).read_bytes() == other.encode("latin-1")
    (tmp_path / name).write_text("")
    saved = [ledger.save(tmp_path / name).read_bytes() for ledger in (ledger, ledger_of(), ledger)]
    assert saved[0] == saved[2] != saved[1]
