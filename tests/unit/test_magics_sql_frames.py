from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from magics.sql import SQLError
from magics.sql.names import folded, quoted
from magics.sql.database import connect

if TYPE_CHECKING:
    from sql_notebook import Notebook

MEMORIES = [":memory:", "duckdb://"]


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12)
dates = st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2250, 1, 1))
COLUMNS: dict[str, Any] = {
    "int64": st.integers(-(2**63), 2**63 - 1),
    "float64": st.floats(allow_nan=True, allow_infinity=True),
    "bool": st.booleans(),
    "str": st.one_of(st.none(), text),
    "datetime64[ns]": st.one_of(st.none(), dates),
    "object": st.one_of(st.none(), st.binary(max_size=12)),
}


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    rows = draw(st.integers(1, 6))
    labels = draw(st.lists(names, min_size=1, max_size=6, unique_by=folded))
    columns = []
    for _ in labels:
        dtype = draw(st.sampled_from(list(COLUMNS)))
        values = draw(st.lists(COLUMNS[dtype], min_size=rows, max_size=rows))
        columns.append(pd.Series(values, dtype=dtype))
    frame = pd.concat(columns, axis="columns")
    frame.columns = pd.Index(labels)
    # an index that must not be written
    return frame.set_axis(range(100, 100 + rows), axis="index")


def as_sqlite_keeps_it(series: pd.Series[Any]) -> pd.Series[Any]:
    if series.dtype == "bool":
        return series.astype("int64")
    if str(series.dtype).startswith("datetime64"):
        return pd.Series([None if pd.isna(value) else value.isoformat(sep=" ") for value in series], dtype=object)
    # the file format of SQLite keeps no sign for zero
    return series + 0.0 if series.dtype == "float64" else series


def same(back: pd.Series[Any], expected: pd.Series[Any]) -> bool:
    """Tell whether two columns hold the same values, missing ones and the sign of zero included."""
    assert len(back) == len(expected)
    for left, right in zip(back, expected, strict=True):
        if pd.isna(right) or pd.isna(left):
            if not (pd.isna(right) and pd.isna(left)):
                return False
        elif left != right or repr(left).startswith("-") != repr(right).startswith("-"):
            return False
    return True


@pytest.mark.parametrize("target", MEMORIES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(frame=frames(), table=names.filter(lambda name: not folded(name).startswith("sqlite_")))
def test_what_is_imported_comes_back(target: str, frame: pd.DataFrame, table: str) -> None:
    with connect(target) as connection:
        assert connection.import_frame(frame, table) == len(frame)
        answer = connection.run(f"SELECT * FROM {quoted(table)}")
        assert answer is not None
        back = answer.frame
        assert list(back.columns) == list(frame.columns)
        assert connection.tables() == [table]
        for position in range(frame.shape[1]):
            column = frame.iloc[:, position]
            expected = as_sqlite_keeps_it(column) if target == ":memory:" else column
            assert same(back.iloc[:, position], expected)


@pytest.mark.parametrize("target", MEMORIES)
def test_dtypes_come_back(target: str) -> None:
    frame = pd.DataFrame({"i": [1, 2], "f": [0.1, np.nan], "s": pd.Series(["é", None], dtype="str")})
    with connect(target) as connection:
        connection.import_frame(frame, "t")
        answer = connection.run("SELECT * FROM t")
    assert answer is not None
    assert_frame_equal(answer.frame, frame)


def test_a_null_character_in_a_text_comes_back() -> None:
    frame = pd.DataFrame({"s": ["a\0b"]})
    for target in MEMORIES:
        with connect(target) as connection:
            connection.import_frame(frame, "t")
            answer = connection.run("SELECT * FROM t")
        assert answer is not None
        assert answer.frame.s.tolist() == ["a\0b"]


def test_categories_dates_and_nullable_integers_are_values() -> None:
    frame = pd.DataFrame(
        {
            "c": pd.Categorical(["x", None]),
            "d": [dt.date(2016, 12, 31), None],
            "n": pd.array([2**60 + 1, None], dtype="Int64"),
        }
    )
    with connect(":memory:") as connection:
        connection.import_frame(frame, "t")
        answer = connection.run("SELECT c, d, n, typeof(n) AS k, strftime('%m', d) AS m FROM t LIMIT 1")
        assert connection.schema("t") == [("c", "TEXT"), ("d", "DATE"), ("n", "INTEGER")]
    assert answer is not None
    assert answer.frame.values.tolist() == [["x", "2016-12-31", 2**60 + 1, "integer", "12"]]


@pytest.mark.parametrize("target", MEMORIES)
@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"a": [1], "A": [2]}),
        pd.DataFrame([[1, 2]], columns=["a", "a"]),
        pd.DataFrame({"": [1]}),
        pd.DataFrame({"a\0b": [1]}),
        pd.DataFrame(index=[1, 2]),
        pd.DataFrame({"a": [2**70]}),
        pd.DataFrame({"a": pd.Series(["\ud800"], dtype=object)}),
        pd.DataFrame({"a": [1j]}),
        pd.DataFrame({"a": [object()]}),
        pd.DataFrame({"a": pd.period_range("2016-12", periods=2, freq="M")}),
        pd.DataFrame({"a": pd.interval_range(0, 2)}),
    ],
    ids=[
        "case",
        "twice",
        "empty",
        "null",
        "no column",
        "integer",
        "surrogate",
        "complex",
        "object",
        "period",
        "interval",
    ],
)
def test_what_cannot_be_stored_is_a_clear_error_and_leaves_nothing(target: str, frame: pd.DataFrame) -> None:
    with connect(target) as connection:
        with pytest.raises(SQLError):
            connection.import_frame(frame, "t")
        assert connection.tables() == []


def test_ten_thousand_columns() -> None:
    frame = pd.DataFrame(np.arange(20_000).reshape(2, 10_000)).rename(columns="c{}".format)
    with connect(":memory:") as connection, pytest.raises(SQLError, match="SQLite holds 2,000 columns"):
        connection.import_frame(frame, "t")
    with connect("duckdb://") as connection:
        assert connection.import_frame(frame, "t") == 2
        answer = connection.run("SELECT * FROM t")
    assert answer is not None
    assert_frame_equal(answer.frame, frame)


@pytest.mark.parametrize("target", MEMORIES)
def test_if_exists(notebook: Notebook, target: str) -> None:
    notebook(f"%SQL_connect {target}")
    notebook.names["frame"] = pd.DataFrame({"x": [1, 2], "y": ["a", "b"]}, index=[7, 8])
    assert notebook("%SQL_import_df frame") == 2
    assert notebook("%SQL_schema frame --as_list") == [("x", int), ("y", str)]
    with pytest.raises(SQLError, match="exists already"):
        notebook("%SQL_import_df frame")
    # columns are matched by name
    notebook.names["frame"] = pd.DataFrame({"y": ["c"], "x": [3]})
    assert notebook("%SQL_import_df frame --if_exists append") == 1
    assert notebook.rows("SELECT x, y FROM frame") == [(1, "a"), (2, "b"), (3, "c")]
    assert notebook("%SQL_import_df frame -t FRAME --if_exists replace") == 1
    assert notebook.rows("SELECT x, y FROM frame") == [(3, "c")]


@pytest.mark.parametrize("target", MEMORIES)
@pytest.mark.parametrize("if_exists", ["replace", "append"])
def test_a_failure_half_way_leaves_the_table_as_it_was(notebook: Notebook, target: str, if_exists: str) -> None:
    notebook(f"%SQL_connect {target}")
    notebook.names["frame"] = pd.DataFrame({"x": ["kept"]})
    notebook("%SQL_import_df frame")
    notebook.names["frame"] = pd.DataFrame({"x": pd.Series(["y"] * 30_000 + [object()], dtype=object)})
    with pytest.raises(SQLError):
        notebook(f"%SQL_import_df frame --if_exists {if_exists}")
    assert notebook.rows("SELECT x FROM frame") == [("kept",)]


@pytest.mark.parametrize("target", MEMORIES)
def test_the_reason_of_a_failed_append_is_told(notebook: Notebook, target: str) -> None:
    notebook(f"%SQL_connect {target}")
    notebook("%SQL CREATE TABLE t(x INTEGER UNIQUE); INSERT INTO t VALUES (1)")
    notebook.names["twice"], notebook.names["other"] = pd.DataFrame({"x": [2, 1]}), pd.DataFrame({"y": [1]})
    with pytest.raises(SQLError, match=r"(?i)unique"):
        notebook("%SQL_import_df twice -t t --if_exists append")
    with pytest.raises(SQLError, match=r"\by\b.*columns here: x"):
        notebook("%SQL_import_df other -t t --if_exists append")
    assert notebook.rows("SELECT x FROM t") == [(1,)]
    # nothing is left of the frames that were not written
    assert notebook("%SQL_tables") == ["t"]


@pytest.mark.parametrize("target", MEMORIES)
def test_blobs_come_back_as_bytes(notebook: Notebook, target: str) -> None:
    notebook(f"%SQL_connect {target}")
    notebook.names["frame"] = pd.DataFrame({"x": [b"\0a", None, b""]})
    notebook("%SQL_import_df frame")
    values = [row[0] for row in notebook.rows("SELECT x FROM frame")]
    assert [type(value) for value in (values[0], values[2])] == [bytes, bytes]
    assert pd.isna(values[1])
    assert type(notebook("%SQL SELECT x FROM frame").x[0]) is bytes


def test_half_precision_is_stored_in_single(notebook: Notebook) -> None:
    notebook("%SQL_connect duckdb://")
    notebook.names["frame"] = pd.DataFrame({"x": np.array([1.5], dtype="float16")})
    notebook("%SQL_import_df frame")
    assert notebook.rows("SELECT x FROM frame") == [(1.5,)]


def test_an_import_inside_a_transaction_is_part_of_it_or_refused(notebook: Notebook) -> None:
    notebook.names["frame"] = pd.DataFrame({"x": [1]})
    notebook("%SQL_connect :memory:")
    notebook("%SQL BEGIN")
    notebook("%SQL_import_df frame")
    notebook("%SQL ROLLBACK")
    assert notebook("%SQL_tables") == []
    notebook("%SQL_connect duckdb://")
    notebook("%SQL BEGIN; CREATE TABLE t(x INTEGER)")
    with pytest.raises(SQLError, match="COMMIT or ROLLBACK"):
        notebook("%SQL_import_df frame")
    notebook("%SQL COMMIT")
    assert notebook("%SQL_tables") == ["t"]


def test_what_is_no_dataframe_is_refused(notebook: Notebook) -> None:
    notebook("%SQL_connect :memory:")
    notebook.names["series"] = pd.Series([1], name="x")
    with pytest.raises(SQLError, match=r"series.reset_index\(\)"):
        notebook("%SQL_import_df series")
    with pytest.raises(SQLError, match="no variable seriesx: did you mean series"):
        notebook("%SQL_import_df seriesx")
