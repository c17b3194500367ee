"""Every way gives the exact answer, to the cent, on every kind of file; and a file is converted whole or not at all."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import course
from course.errors import BadArgumentError, MissingDependencyError
from course.generator.answer import CENTS_BY_AGE
from course.ways import FORMATS, WAYS, answer, convert, is_installed, numpy_ways
from course.ways.bytes.parser import PADDING, find_fields, hundredths, whole_numbers

COLUMNS = ["FLX_ANN_MOI", "AGE_BEN_SNDS", "PRS_ACT_NBR", "PRS_DEP_MNT", "PRS_REM_MNT", "BEN_SEX_COD", "NOBODY_KNOWS"]
ROWS = 30_000  # DuckDB guesses from the first 20,480, Polars from 100, dask from 10


HOSTILE: dict[str, dict[str, Any]] = {
    "late decimals": {"whole_until": 25_000},
    "empty cells": {"empty_cells": True},
    "CRLF and blank lines": {"newline": "\r\n", "blank_lines": True},
    "another order, no separator at the end": {
        "order": ("PRS_REM_MNT", *[c for c in COLUMNS if c not in {"PRS_REM_MNT", "AGE_BEN_SNDS"}], "AGE_BEN_SNDS"),
        "trailing": False, "newline": "\r\n", "empty_cells": True, "blank_lines": True,
    },
    "cut at the last line": {"final_newline": False, "whole_until": 100},
    "byte order mark": {"byte_order_mark": True},
}  # fmt: skip


def write_hostile(
    path: Path, *, order: Sequence[str] = COLUMNS, newline: str = "\n", blank_lines: bool = False,
    trailing: bool = True, final_newline: bool = True, empty_cells: bool = False,
    byte_order_mark: bool = False, whole_until: int = 0,
) -> dict[int, int]:  # fmt: skip
    """Write a file that does all it can to be misread, and return the exact sums in cents."""
    random = np.random.default_rng(7)
    ages = random.choice([0, 20, 30, 99, 101], ROWS, p=[0.3, 0.3, 0.3, 0.09, 0.01]).tolist()
    amounts = (random.integers(-99_999, 199_999, ROWS) * np.where(random.random(ROWS) < 0.001, 40_000, 1)).tolist()
    sums: Counter[int] = Counter()
    rows = [";".join(order)]
    for row, (age, amount) in enumerate(zip(ages, amounts, strict=True)):
        cents = amount if row >= whole_until else amount // 100 * 100
        cells = {name: str(row % 7) for name in COLUMNS}
        cells |= {"AGE_BEN_SNDS": str(age), "PRS_REM_MNT": oracle(cents), "PRS_DEP_MNT": oracle(cents)}
        if empty_cells:
            if row % 11 == 0:
                cells["PRS_ACT_NBR"] = cells["NOBODY_KNOWS"] = ""
            if row % 13 == 0 or age == 101:  # a class without any amount
                cells["PRS_REM_MNT"], cents = "", 0
            if row > 1000 and row % 17 == 0:
                cells["AGE_BEN_SNDS"] = ""
        if cells["AGE_BEN_SNDS"]:
            sums[age] += cents
        rows.append(";".join(cells[name] for name in order))
    end = (";" if trailing else "") + newline
    body = (end + (newline if blank_lines else "")).join(rows) + end
    body = body if final_newline else body.rstrip("\n")
    path.write_bytes((("\ufeff" if byte_order_mark else "") + body).encode())
    return dict(sums)


def oracle(cents: int) -> str:
    """Write an amount as Oracle does: no zero before the point, no useless decimal."""
    sign, euros, rest = "-" if cents < 0 else "", abs(cents) // 100, f"{abs(cents) % 100:02d}".rstrip("0")
    return f"{sign}{euros or ''}.{rest}" if rest else f"{sign}{euros}"


@pytest.fixture(scope="module")
def case_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, dict[int, int]]]:
    """Make a CSV file once, and return its path and its exact sums in cents."""

    @cache
    def make(name: str) -> tuple[Path, dict[int, int]]:
        folder = tmp_path_factory.mktemp("ways")
        path = folder / "file.csv"
        if name == "small":
            return course.small_file(folder), CENTS_BY_AGE
        if name == "month":
            return path, course.month_file(path, rows=20_000).cents_by_age
        return path, write_hostile(path, **HOSTILE[name])

    return make


@pytest.mark.parametrize("file", ["small", "month", *HOSTILE])
@pytest.mark.parametrize("way", WAYS)
def test_every_way_is_right_to_the_cent_on_every_file(
    way: str, file: str, case_of: Callable[[str], tuple[Path, dict[int, int]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip(WAYS[way].library)
    # batches are smaller than any file; each costs a call per column
    for batch in ("question.BLOCK", "pyarrow_ways.BATCH", "pyarrow_ways.ROW_GROUP", "chunked_ways.CHUNK"):
        monkeypatch.setattr(f"course.ways.{batch}_ROWS", 49_999 if file == "small" else 9_999)
    path, cents = case_of(file)
    form = FORMATS[WAYS[way].format]
    made = path.with_suffix(form.suffix)
    found = answer(way, made if made.exists() else convert(form.name, path, made))
    assert {age: round(euros * 100) for age, euros in found.items()} == cents
    exact = pd.Series(cents).sort_index() / 100
    assert np.allclose(found.to_numpy(), exact.to_numpy(), rtol=0, atol=0.001)
    assert (found.name, found.index.name) == ("PRS_REM_MNT", "AGE_BEN_SNDS")
    assert (str(found.dtype), str(found.index.dtype)) == ("float64", "int64")
    assert found.index.is_monotonic_increasing


def test_every_format_has_a_way_and_every_way_says_what_it_does() -> None:
    assert {way.format for way in WAYS.values()} == set(FORMATS)
    assert all(way.function.__doc__ for way in WAYS.values() if is_installed(way.library))


def test_a_way_unknown_or_without_its_library_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(BadArgumentError, match="no way called 'excel'"):
        answer("excel", tmp_path)
    absent = replace(WAYS["bcolz"], library="no_such_library")
    monkeypatch.setitem(WAYS, "bcolz", absent)
    with pytest.raises(MissingDependencyError, match="no_such_library is not installed here"):
        answer("bcolz", tmp_path)


def test_a_conversion_that_fails_leaves_the_previous_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadArgumentError, match="no format called 'excel'"):
        convert("excel", tmp_path / "a.csv", tmp_path / "a.xlsx")
    source, target = tmp_path / "a.csv", tmp_path / "a.zarr"
    source.write_text("AGE_BEN_SNDS;PRS_REM_MNT;\n20;1.5;\n")
    assert convert("zarr", source, target) == target
    monkeypatch.setattr("course.ways.csv_batches.BLOCK_BYTES", 2**10)
    source.write_text("AGE_BEN_SNDS;PRS_REM_MNT;\n" + "20;1;\n" * 10_000 + "20;not a number;\n")
    with pytest.raises(ValueError, match="not a number"):
        convert("zarr", source, target)
    assert answer("zarr", target).to_dict() == {20: 1.5}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "a.zarr"]
    source.write_text("AGE_BEN_SNDS;PRS_REM_MNT;\n30;2;\n")
    assert answer("zarr", convert("zarr", source, target)).to_dict() == {30: 2}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "a.zarr"]


def test_an_empty_table_has_an_empty_answer(tmp_path: Path) -> None:
    path = tmp_path / "empty.csv"
    path.write_text("AGE_BEN_SNDS;PRS_REM_MNT;\n")
    for way in ("python-csv", "pandas-csv-columns", "polars-csv", "duckdb-csv", "numpy-csv"):
        found = answer(way, path)
        assert found.empty
        assert found.index.dtype == np.int64


def test_importing_the_ways_imports_no_heavy_library() -> None:
    heavy = "{'pandas', 'numpy', 'pyarrow', 'polars', 'duckdb', 'dask', 'zarr', 'h5py', 'blosc2', 'bcolz'}"
    code = f"import sys, course.ways; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


# --- our own reader -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["20;x;1", "20;x", '20;"x;y";2.5;', "20;x;1e1;", "20;x;1.005;", "999999;x;1;"])
def test_numpy_csv_agrees_with_pandas_on_lines_unlike_the_others(line: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    plain = "30;x;1.5;\n" * 5
    path.write_text(f"AGE_BEN_SNDS;TEXT;PRS_REM_MNT;\n{plain}{line}\n{plain}")
    alone, expected = (answer(way, path, check=False) for way in ("numpy-csv", "pandas-csv-columns"))
    pd.testing.assert_series_equal(alone, expected)


def test_numpy_csv_reads_each_line_once_wherever_blocks_end(tmp_path: Path) -> None:
    path = tmp_path / "lines.csv"
    for shift in range(12):
        rows = (2 * numpy_ways.BLOCK_BYTES) // len("20;1;\n")
        path.write_text(f"AGE_BEN_SNDS;PRS_REM_MNT;\n30;{'1' * (shift + 1)};\n" + "20;1;\n" * rows)
        assert answer("numpy-csv", path).to_dict() == {20: rows, 30: int("1" * (shift + 1))}


@pytest.mark.parametrize("worker", [numpy_ways.WORKER, "no_such_module", "course.errors"])
def test_numpy_csv_shares_a_file_with_processes_and_does_without_them(
    worker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    ask_before = numpy_ways._ask

    def ask(*arguments: Any) -> Any:
        asked.append(ask_before(*arguments))
        return asked[-1]

    monkeypatch.setattr(numpy_ways, "_ask", ask)
    is_absent = worker != numpy_ways.WORKER
    monkeypatch.setattr(numpy_ways, "WORKER", worker)
    monkeypatch.setattr(numpy_ways, "usable_cores", lambda: 3)
    monkeypatch.setattr(numpy_ways, "RANGE_BYTES", 2**15)
    month = course.month_file(tmp_path / "month.csv", rows=30_000)
    found = answer("numpy-csv", month.path, check=False)
    assert {age: round(euros * 100) for age, euros in found.items()} == month.cents_by_age
    assert {answer is None for answer in asked} == {is_absent}
    # an error met by another process is raised here
    month.path.write_text("AGE_BEN_SNDS;PRS_REM_MNT;\n" + "20;bad;\n" * 60_000)
    with pytest.raises(ValueError, match="could not convert"):
        answer("numpy-csv", month.path, check=False)


CELL = st.text("0123456789", max_size=12)


@settings(max_examples=200)
@given(
    table=st.integers(2, 5).flatmap(lambda n: st.lists(st.lists(CELL, min_size=n, max_size=n), min_size=1, max_size=8)),
    end=st.sampled_from(["\n", "\r\n", "\n\n", "\r\n\r\n"]),
    trailing=st.booleans(),
)
def test_fields_are_those_of_the_csv_module(table: list[list[str]], end: str, trailing: bool) -> None:
    names = len(table[0])
    text = "".join(";".join(row) + (";" if trailing else "") + end for row in table)
    expected = [row for row in csv.reader(io.StringIO(text), delimiter=";") if row]
    content = PADDING + text.encode()
    found = find_fields(content, ";", names + trailing, range(names))
    if found is None:  # two empty fields are not told from an empty line
        assert names == 2
        return
    columns = [
        [content[begin:stop].strip().decode() for begin, stop in zip(*map(np.ndarray.tolist, fields), strict=True)]
        for fields in found
    ]
    assert list(map(list, zip(*columns, strict=True))) == [row[:names] for row in expected]


NUMBER = st.one_of(
    st.integers(-(10**13), 10**13).map(oracle),
    st.decimals(-(10**6), 10**6, places=3).map(str),
    st.sampled_from(
        ["", "0", "-0", ".5", "-.5", "5.", "1e3", "+4", "0.12345", "12345678", "-12345678.25", "123456789"]
    ),
)


@settings(max_examples=300)
@given(numbers=st.lists(NUMBER, min_size=1, max_size=20))
def test_hundredths_are_those_of_float(numbers: list[str]) -> None:
    content = PADDING + ";".join(numbers).encode() + b";\n"
    right = np.flatnonzero(np.frombuffer(content, np.uint8) == ord(";"))
    left = np.concatenate(([len(PADDING)], right[:-1] + 1))
    expected = [float(number or 0) * 100 for number in numbers]
    assert np.allclose(hundredths(content, left, right), expected, rtol=1e-15, atol=0)


@pytest.mark.parametrize(
    "field",
    [b"x2", b"2:", b"/2", b"1.2.3", b"1;2", b"--2", b".", b"-", b"+", b"1..5", b"-..5", b" 5", b"5 ", b"1_0", b"nan"],
)
def test_numbers_refuse_what_is_no_number(field: bytes) -> None:
    content = PADDING + b"1;" + field + b";\n"
    left, right = np.array([8, 10]), np.array([9, 10 + len(field)])
    assert whole_numbers(content, left, right) is None
    with pytest.raises(ValueError, match="could not convert"):
        hundredths(content, left, right)


def test_whole_numbers_are_plain_digits() -> None:
    content = PADDING + b"7;;12345678;123456789;\n"
    found = whole_numbers(content, np.array([8, 10, 11]), np.array([9, 10, 19]))
    assert found is not None
    assert found.tolist() == [7, 0, 12345678]
    assert whole_numbers(content, np.array([20]), np.array([29])) is None
