"""``%SQL_add_function``: Python functions called from SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from magics.sql import SQLError

if TYPE_CHECKING:
    from sql_notebook import Notebook

FILES = ["a.db3", "a.duckdb"]


def test_a_python_function_is_called_from_sql(notebook: Notebook, file: str) -> None:
    notebook("def half_of(x: float) -> float:\n    return x / 2")
    notebook("%SQL_add_function half_of")
    assert notebook.rows("SELECT half_of(age) FROM ages WHERE age = 3") == [(1.5,)]
    notebook("def half_of(x: float) -> float:\n    return x / 4")
    notebook("%SQL_add_function half_of")
    assert notebook.rows("SELECT half_of(2.0)") == [(0.5,)]


def test_the_error_of_a_python_function_is_shown(notebook: Notebook, file: str) -> None:
    notebook("def wrong(x: float) -> float:\n    raise ValueError('no such age')")
    notebook("%SQL_add_function wrong")
    with pytest.raises(SQLError, match="ValueError: no such age"):
        notebook("%SQL SELECT wrong(age) FROM ages")


def test_null_reaches_a_function_of_duckdb_that_says_so(notebook: Notebook) -> None:
    notebook("%SQL_connect duckdb://")
    notebook("def or_zero(x: float | None) -> float:\n    return 0.0 if x is None else x")
    notebook("def positive(x: float) -> float | None:\n    return x if x > 0 else None")
    notebook("def strict(x: float) -> float:\n    return x if x > 0 else None")
    for name in ("or_zero", "positive", "strict"):
        notebook(f"%SQL_add_function {name}")
    assert notebook.rows("SELECT or_zero(NULL), positive(-1) IS NULL") == [(0.0, True)]
    with pytest.raises(SQLError, match=r"-> float \| None"):
        notebook("%SQL SELECT strict(-1)")


@pytest.mark.parametrize("value", ["numpy.sqrt", "functools.partial(pow, 2)", "int"])
def test_duckdb_refuses_what_has_no_types(notebook: Notebook, value: str) -> None:
    notebook("%SQL_connect duckdb://")
    notebook(f"import functools, numpy\nf = {value}")
    with pytest.raises(SQLError, match=r"types of f"):
        notebook("%SQL_add_function f")


def test_duckdb_asks_for_the_types_of_a_function(notebook: Notebook) -> None:
    notebook("%SQL_connect duckdb://")
    notebook("def untyped(x):\n    return x")
    with pytest.raises(SQLError, match="def untyped"):
        notebook("%SQL_add_function untyped")
    with pytest.raises(SQLError, match="no variable untypde: did you mean untyped"):
        notebook("%SQL_add_function untypde")
