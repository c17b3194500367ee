from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd
import pytest

import magics
from course.errors import BadArgumentError, CourseError

if TYPE_CHECKING:
    from sql_notebook import Notebook


# ---------------------------------------------------------------------- connections
@pytest.mark.parametrize(
    ("engine", "targets"),
    [
        ("sqlite", ["x.db", "x.sqlite", "x.sqlite3", "x.db3", ":memory:", "sqlite:///y.bin"]),
        ("duckdb", ["x.duckdb", "x.ddb", "duckdb://", "duckdb:///y.db"]),
    ],
)
def test_the_suffix_or_the_url_chooses_the_engine(notebook: Notebook, engine: str, targets: list[str]) -> None:
    for target in targets:
        assert notebook(f"%SQL_connect {target} --create").engine == engine
        assert notebook("%SQL SELECT 1 AS one").one.tolist() == [1]


def test_b3_an_error_of_the_engine_is_raised_with_the_names_that_exist(notebook: Notebook, file: str) -> None:
    notebook.fails("%SQL SELECT * FROM agse", r"did you mean ages\? tables here: ages")
    notebook.fails("%SQL SELECT amuont FROM ages", r"did you mean amount\? columns here: age, amount")
    notebook.fails("%SQL SELECT ages.amuont FROM ages", r"did you mean amount\?")
    notebook.fails("%SQL SELEC 1", "syntax error")
    notebook.fails("%SQL SELECT summ(age) FROM ages", r"did you mean sum\?")
    notebook.fails("%SQL UPDATE ages SET amuont = 1", r"did you mean amount\?")
    notebook.fails("%SQL SELECT ?", r"write (the parameters )?:name")
    notebook.fails("%SQL SELECT 1; SELECT * FROM nowhere", "statement 2 of 2")


def test_hints_can_be_followed(notebook: Notebook, file: str) -> None:
    notebook('%SQL CREATE TABLE "my table"("AGE BEN" INTEGER, "order" INTEGER)')
    notebook.fails("%SQL SELECT * FROM my_table", 'did you mean "my table"')
    notebook.fails('%SQL SELECT agebenn FROM "my table"', 'did you mean "AGE BEN"')
    notebook.fails('%SQL SELECT ordre FROM "my table"', 'did you mean "order"')
    # a function that is not there is written first; another connection is named
    notebook.fails("%SQL SELECT zzz_9(1)", "write def zzz_9, then %SQL_add_function zzz_9")
    notebook.names["frame"] = pd.DataFrame({"x": [1]})
    notebook("%SQL_connect :memory: -v lake\ndef twice_of(x: int) -> int:\n    return 2 * x")
    for sql, advice in [
        ("SELECT * FROM frame", "%SQL_import_df frame -v lake"),
        ("SELECT twice_of(1)", "— %SQL_add_function twice_of -v lake"),
    ]:
        notebook.fails(f"%SQL -v lake {sql}", advice)
        notebook(advice.removeprefix("— "))
        notebook(f"%SQL -v lake {sql}")


def test_b5_writing_gives_nothing_and_is_kept(notebook: Notebook, file: str) -> None:
    for statement in (
        "CREATE TABLE t(x INTEGER)",
        "INSERT INTO t VALUES (1), (2)",
        "UPDATE t SET x = 10 WHERE x = 2",
        "CREATE TABLE w(x TEXT)",
        "INSERT INTO w VALUES ('returning home')",
    ):
        assert notebook(f"%SQL {statement}") is None
    assert notebook("%SQL SELECT x AS Success FROM w").Success.tolist() == ["returning home"]
    # what RETURNING shows is not all that is kept
    values = ", ".join(f"({number})" for number in range(30))
    assert len(notebook(f"%SQL -n 2 CREATE TABLE r(x INTEGER); INSERT INTO r VALUES {values} RETURNING x")) == 2
    notebook("%SQL_close")
    notebook(f"%SQL_connect {file}")
    assert notebook.rows("SELECT x FROM t ORDER BY x") == [(1,), (10,)]
    assert notebook.rows("SELECT COUNT(*) FROM r") == [(30,)]


def test_b6_a_column_of_dates_breaks_nothing(notebook: Notebook, file: str) -> None:
    notebook.names["days"] = pd.DataFrame({"day": pd.to_datetime(["2016-12-31", None]), "x": [1, 2]})
    notebook("%SQL_import_df days")
    assert notebook("%SQL_schema days --as_list") == [("day", dt.datetime), ("x", int)]
    notebook("%SQL_refresh_completion")
    notebook("%SQL_drop_table days")
    assert notebook("%SQL_tables") == ["ages"]
    notebook.fails("%SQL_drop_table days", "no such table: days")


def test_b7_several_statements_run_and_the_last_result_shows(notebook: Notebook, file: str) -> None:
    shown = notebook("%%SQL\nSELECT 'a;b';\n-- a comment; or two\nSELECT age FROM ages WHERE age = 3; -- end;")
    assert shown.values.tolist() == [[3]]
    kept = notebook("%SQL --query 'SELECT 7 AS seven; CREATE TABLE other(x INTEGER)' -n 3")
    assert kept.seven.tolist() == [7]


def test_sqlite_runs_a_trigger_an_endless_query_and_a_view_without_its_table(notebook: Notebook) -> None:
    notebook("%SQL_connect :memory:")
    endless = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
    assert notebook(f"%SQL -n 3 {endless}").i.tolist() == [0, 1, 2]
    trigger = "CREATE TRIGGER tr AFTER INSERT ON t BEGIN UPDATE t SET x = x + 1; UPDATE t SET x = x * 2; END;"
    notebook(f"%%SQL\nCREATE TABLE t(x INTEGER);\n{trigger}\nINSERT INTO t VALUES (1)")
    assert notebook.rows("SELECT x FROM t") == [(4,)]
    notebook("%SQL CREATE VIEW v AS SELECT x FROM t; DROP TABLE t")
    assert notebook("%SQL_tables") == ["v"]


def test_a_user_transaction_can_be_rolled_back(notebook: Notebook, file: str) -> None:
    assert notebook("%SQL_tables") == ["ages"]
    notebook("%SQL BEGIN; DELETE FROM ages")
    # a hint needs no working transaction
    notebook.fails("%SQL SELECT * FROM nowhere", "tables here: ages")
    notebook("%SQL ROLLBACK")
    assert notebook.rows("SELECT COUNT(*) FROM ages") == [(25,)]


def test_b2_a_missing_file_is_not_made_and_one_of_the_other_engine_is_named(notebook: Notebook) -> None:
    notebook.fails("%SQL_connect a.db3", r"does not exist: check the name, or add --create")
    duckdb.connect("x.db").close()
    notebook.fails("%SQL_connect a.duckdb", r"does not exist \(databases here: x.db\).*--create")
    assert [path.name for path in Path().iterdir()] == ["x.db"]
    assert "DB" not in notebook.names
    notebook.fails("%SQL_connect x.db", r"duckdb:///x\.db")
    Path("y.db").write_text("age;amount\n" * 10, encoding="utf-8")
    notebook.fails("%SQL_connect y.db", "not a database")


def test_a_closed_or_missing_connection_is_an_error(notebook: Notebook, file: str) -> None:
    with notebook.names["DB"] as connection:
        assert repr(connection) == f"<{connection.engine} {file} (open)>"
    assert repr(connection) == f"<{connection.engine} {file} (closed)>"
    for code in ("%SQL_close", "%SQL SELECT 1", "%SQL_tables"):
        notebook.fails(code, "is closed")
    notebook.fails("%SQL -v lake SELECT 1", "no connection is called lake")
    notebook("lake = 3")
    notebook.fails("%SQL -v lake SELECT 1", "lake is a int")


# ---------------------------------------------------------------------- queries
def test_only_the_rows_shown_are_fetched_and_the_display_says_so(notebook: Notebook, file: str) -> None:
    shown = notebook("%SQL SELECT * FROM ages")
    assert isinstance(shown, pd.DataFrame)
    assert len(shown) == 10
    assert "the first 10 rows, others stay in DB" in repr(shown)
    assert "the first 10 rows, others stay in DB" in shown._repr_html_()
    assert type(shown[["age"]]) is pd.DataFrame
    assert "rows" not in repr(notebook("%SQL -n 25 SELECT * FROM ages"))


@pytest.mark.parametrize("option", ["--df every", "--df=every", "-o every", "--output every"])
def test_df_stores_every_row_and_shows_the_first(notebook: Notebook, file: str, option: str) -> None:
    shown = notebook(f"%%SQL {option} -n 2\nSELECT * FROM ages")
    assert len(shown) == 2
    assert "2 of 25 rows" in repr(shown)
    every = notebook.names["every"]
    assert type(every) is pd.DataFrame
    assert every.age.tolist() == list(range(25))
    notebook.fails("%SQL -o x DROP TABLE ages", "nothing to store in x")


def test_a_large_answer_of_duckdb_is_previewed_beyond_one_vector(notebook: Notebook) -> None:
    notebook("%SQL_connect duckdb://")
    shown = notebook("%SQL -n 5000 SELECT i FROM range(100000) t(i) WHERE i % 3 = 0")
    assert shown.i.tolist() == list(range(0, 15000, 3))
    assert notebook.rows("SELECT 1") == [(1,)]


def test_parameters_are_bound_from_the_notebook(notebook: Notebook, file: str) -> None:
    notebook('import numpy as np\nlow = np.int64(20)\nword = "it\'s :low"')
    assert notebook.rows("SELECT COUNT(*) FROM ages WHERE age >= :low") == [(5,)]
    assert notebook.rows("SELECT :word AS w, ':low' AS t, '{low} $low' AS u") == [("it's :low", ":low", "{low} $low")]
    notebook.fails("%SQL SELECT :high", ":high has no value")
    # the function that runs the magic has them first
    sql = "SELECT COUNT(*) AS n FROM ages WHERE age >= :low"
    notebook(f"def count(low):\n    return get_ipython().run_line_magic('SQL', {sql!r})")
    assert notebook("count(24)").n.tolist() == [1]


def test_casts_and_slices_of_duckdb_are_no_parameters(notebook: Notebook) -> None:
    notebook("%SQL_connect duckdb://")
    notebook("x = 2")
    sql = "SELECT '12:30'::TIME::VARCHAR AS t, [1, 2, 3][1:x] AS s, {'a':x}.a AS f, :x AS p FROM (SELECT 1 AS x)"
    assert [list(map(str, row)) for row in notebook.rows(sql)] == [["12:30:00", "[1]", "1", "2"]]
    assert notebook.rows("SELECT 1 -- it's\n, :x /* it's */, :x") == [(1, 2, 2)]


def test_a_dataframe_is_named_in_the_hint_and_not_read_as_a_table(notebook: Notebook, file: str) -> None:
    notebook.names["frame"] = pd.DataFrame({"x": [1]})
    notebook("%SQL_import_df frame -t imported")
    notebook.fails("%SQL SELECT * FROM frame", "%SQL_import_df frame")
    # nor are the variables of the magics themselves
    notebook.fails("%SQL SELECT * FROM namespace", "tables here: ages")


@pytest.mark.parametrize(
    "code",
    [
        "%SQL",
        "%%SQL\n \n",
        "%SQL -n",
        "%SQL --df",
        "%%SQL -v\nSELECT 1",
        "%SQL -o 3x SELECT 1",
        "%SQL -n -1 SELECT 1",
        '%%SQL -q "SELECT 1"\nSELECT 2',
    ],
)
def test_a_wrong_line_is_an_error_that_a_runner_sees(notebook: Notebook, file: str, code: str) -> None:
    # IPython only prints a UsageError
    with pytest.raises(BadArgumentError):
        notebook(code)


def test_null_and_large_integers_are_exact(notebook: Notebook) -> None:
    notebook("%SQL_connect :memory:")
    assert notebook.rows("SELECT 9007199254740993 AS i UNION ALL SELECT NULL")[0] == (9007199254740993,)
    shown = notebook("%SQL SELECT 1 AS a, NULL AS b UNION ALL SELECT NULL, NULL")
    assert shown.a.dtype == "float64"
    assert shown.b.tolist() == [None, None]


HUGE = 2**127 - 1
WIDE: list[tuple[str, Any, str]] = [
    ("SUM(x)", 2**53 + 1, "int64"),
    ("SUM(x) OVER ()", 2**53 + 1, "int64"),
    (f"{2**64 - 1}::UBIGINT", 2**64 - 1, "uint64"),
    (f"{HUGE}::HUGEINT", HUGE, "object"),
    (f"{2**128 - 1}::UHUGEINT", 2**128 - 1, "object"),
    ("12345678901234567890123456789012345678::DECIMAL(38, 0)", 12345678901234567890123456789012345678, "object"),
    ("9007199254740993::DECIMAL(38, 0)", 2**53 + 1, "int64"),
    ("1234567890123456789.25::DECIMAL(38, 2)", Decimal("1234567890123456789.25"), "object"),
    ("1234567890123456.78::DECIMAL(18, 2)", Decimal("1234567890123456.78"), "object"),
    (f"{10**59 + 1}::BIGNUM", 10**59 + 1, "object"),
    ("'12'::UNION(s VARCHAR, n HUGEINT)", "12", "object"),
    ("SUM(0.1::DECIMAL(9, 2))", 0.1, "float64"),
    (f"[{HUGE}::HUGEINT, NULL]", [HUGE, None], "object"),
    (f"[{HUGE}::HUGEINT]::HUGEINT[1]", (HUGE,), "object"),
    (f"{{'a': [{HUGE}::HUGEINT]}}", {"a": [HUGE]}, "object"),
    (f"MAP {{'a': {{'b': {HUGE}::HUGEINT}}}}", {"a": {"b": HUGE}}, "object"),
    ("SUM(x) FILTER (false)", None, "float64"),
]


@pytest.mark.parametrize("option", ["-n 3", "-o kept"])
@pytest.mark.parametrize(("expression", "value", "dtype"), WIDE)
def test_integers_and_decimals_of_duckdb_are_exact(
    notebook: Notebook, option: str, expression: str, value: Any, dtype: str
) -> None:
    notebook(f"%SQL_connect duckdb://\n%SQL CREATE TABLE t AS SELECT {2**53 + 1} AS x")
    # beside columns of other types, whose own types stay, one of them of the same name
    others = "DATE '2016-12-31' AS d, 'a'::ENUM('b', 'a') AS e, x AS d, NULL AS n"
    sql = f"SELECT {expression}, {others} FROM t{' GROUP BY x' if expression.startswith('SUM(') else ''}"
    sql = sql.replace(" GROUP BY x", "") if "OVER" in sql else sql
    shown = notebook(f"%SQL {option} {sql}")
    frame = notebook.names["kept"] if "kept" in option else shown
    got = frame.iloc[0, 0]
    assert pd.isna(got) if value is None else got == value
    assert [str(kind) for kind in frame.dtypes] == [dtype, "datetime64[us]", "category", "int64", "object"]


def test_integers_with_null_and_many_rows_of_duckdb_are_exact(notebook: Notebook) -> None:
    notebook("%SQL_connect duckdb://")
    sql = f"SELECT CASE WHEN i % 2 = 0 THEN {2**53 + 1} + i END::HUGEINT AS x FROM range(10000) r(i)"
    assert notebook(f"%SQL -n 5000 {sql}").x.dropna().tolist() == list(range(2**53 + 1, 2**53 + 5001, 2))
    frame = notebook(f"%SQL -o kept {sql}\nkept")
    assert (str(frame.x.dtype), sum(map(int, frame.x.dropna()))) == (
        "Int64",
        5000 * (2**53 + 1) + sum(range(0, 10000, 2)),
    )


@pytest.mark.parametrize("value", [2**53 + 1, 2**63 - 1, -(2**63)])
def test_a_parameter_is_exact(notebook: Notebook, file: str, value: int) -> None:
    notebook.names["value"] = value
    assert notebook.rows("SELECT :value AS v")[0][0] == value


def test_a_parameter_beyond_the_engine_is_an_error(notebook: Notebook, file: str) -> None:
    notebook("value = 2**200")
    notebook.fails("%SQL SELECT :value", "too large")


# ---------------------------------------------------------------------- what a statement does
@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT 'returning home' AS Success -- BEGIN; INSERT", [("returning home",)]),
        ("SELECT 3 AS Count", [(3,)]),
        ("/* BEGIN */ INSERT INTO w VALUES ('RETURNING x', ';')", None),
        ("INSERT INTO w VALUES ('a', 'b') RETURNING a AS Count", [("a",)]),
        ("INSERT INTO w SELECT 'a', 'b' WHERE 1 = 0", None),
        ("-- it's; a comment\nUPDATE w SET a = 'x;y' WHERE 1 = 0", None),
        ("DELETE FROM w WHERE 1 = 0 RETURNING a", []),
        ("WITH c AS (SELECT 'q' AS a) INSERT INTO w SELECT a, a FROM c", None),
        ("WITH Success AS (SELECT 1 AS Success) SELECT * FROM Success", [(1,)]),
        ("CREATE TABLE IF NOT EXISTS w(x INTEGER)", None),
        ("VALUES (1, ';')", [(1, ";")]),
        ("BEGIN; ROLLBACK", None),
        ('CREATE VIEW v AS SELECT 1 AS "returning"; SELECT * FROM v', [(1,)]),
        ("SELECT ';' AS a; -- get_ipython()\n;", [(";",)]),
    ],
)
def test_what_a_statement_gives_is_asked_from_the_engine(notebook: Notebook, file: str, sql: str, rows: Any) -> None:
    notebook("%SQL CREATE TABLE w(a TEXT, b TEXT)")
    shown = notebook(f"%%SQL\n{sql}")
    assert shown is None if rows is None else [*shown.itertuples(index=False, name=None)] == rows


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("PREPARE p AS SELECT true AS Success; EXECUTE p", [(True,)]),
        ("PREPARE p AS INSERT INTO w VALUES (1); EXECUTE p", None),
        ("CREATE MACRO m() AS TABLE SELECT 1 AS Success; CALL m()", [(1,)]),
        ("MERGE INTO w USING (SELECT 5 AS y) ON x = y WHEN NOT MATCHED THEN INSERT VALUES (y) RETURNING x", [(5,)]),
        ("MERGE INTO w USING (SELECT 5 AS y) ON x = y WHEN NOT MATCHED THEN INSERT VALUES (y)", None),
        ("COPY w TO 'w.csv'", None),
        ("CHECKPOINT", None),
        ("SET threads = 1", None),
        ("ATTACH ':memory:' AS other", None),
        ("CREATE TYPE mood AS ENUM('INTERN', 'RETURNING')", None),
        ("SELECT COUNT(*) AS Success FROM (DESCRIBE w)", [(1,)]),
        ("SELECT 1 AS Success WHERE 1 = 0", []),
        ("FROM (VALUES (1)) v(Count)", [(1,)]),
    ],
)
def test_what_a_statement_of_duckdb_gives(notebook: Notebook, sql: str, rows: Any) -> None:
    notebook("%SQL_connect duckdb://\n%SQL CREATE TABLE w(x INTEGER)")
    shown = notebook(f"%SQL {sql}")
    assert shown is None if rows is None else [*shown.itertuples(index=False, name=None)] == rows


@pytest.mark.parametrize(
    "written", ["{0}", "WITH c AS ({0}) SELECT * FROM c", "PREPARE p AS WITH c AS ({0}) SELECT * FROM c; EXECUTE p"]
)
@pytest.mark.parametrize(
    ("sql", "kept"),
    [
        ("INSERT INTO w SELECT -1 FROM range(5000) RETURNING x", (10_000, 5000)),
        ("UPDATE w SET x = -1 RETURNING x", (5000, 5000)),
        ("DELETE FROM w RETURNING x", (0, 0)),
    ],
)
def test_what_duckdb_writes_is_kept_when_a_part_of_what_it_gives_is_shown(
    notebook: Notebook, written: str, sql: str, kept: tuple[int, int]
) -> None:
    notebook("%SQL_connect duckdb://\n%SQL CREATE TABLE w AS SELECT * FROM range(5000) r(x)")
    assert len(notebook(f"%SQL -n 2 {written.format(sql)}")) == 2
    assert notebook.rows("SELECT COUNT(*), COUNT(*) FILTER (x < 0) FROM w") == [kept]


def test_names_that_differ_are_different_parameters(notebook: Notebook, file: str) -> None:
    notebook("n, N, n_, é, É, Straße, STRASSE = range(1, 8)")
    sql = "SELECT :n AS a, :N AS b, :n_ AS c, :é AS d, :É AS e, :Straße AS f, :STRASSE AS g, :n AS h, ':n' AS t"
    assert notebook.rows(sql) == [(*range(1, 8), 1, ":n")]
    assert notebook.rows("SELECT $N AS a, $n AS b -- it's :nothing\n, :N /* it's :nothing */ AS c") == [(2, 1, 2)]
    for wrong in ("Nn", "class", "len", "n__"):
        notebook.fails(f"%SQL SELECT :{wrong}, :n, :N", f":{wrong} has no value")
    if "duckdb" in file:
        assert notebook.rows("SELECT $$:n$$, $a$ :N $a$, '{\"n\": 4}'->'n', [1, 2, 3][1:2], :N::BIGINT")[0][::4] == (
            ":n",
            2,
        )


def test_a_traceback_shows_the_notebook_and_not_where_the_course_is(
    notebook: Notebook, capsys: pytest.CaptureFixture[str]
) -> None:
    notebook("%xmode Context")
    notebook("%SQL_connect :memory:")
    notebook("def wrong(x):\n    raise ValueError('no such age')\n%SQL_add_function wrong")
    for code in ("%SQL SELECT * FROM nowhere", "%SQL SELECT wrong(1)", "%SQL -n", "%SQL_connect nowhere.db3"):
        capsys.readouterr()
        with pytest.raises(CourseError):
            notebook(code)
        shown = capsys.readouterr().out
        assert "Cell In[" in shown
        assert str(Path(magics.__file__).parent) not in shown
        assert len(shown.splitlines()) < 30
    notebook("%xmode Minimal")


# ---------------------------------------------------------------------- schema, functions, tables
def test_the_schema_gives_python_types_in_both_forms(notebook: Notebook, file: str) -> None:
    assert notebook("%SQL_schema ages") == {0: ("age", int), 1: ("amount", float)}
    assert notebook("%SQL_schema AGES --as_list") == [("age", int), ("amount", float)]
    assert notebook("%SQL_schema main.ages --as_list") == [("age", int), ("amount", float)]
    notebook("%SQL_schema ages -o stored")
    assert notebook.names["stored"][0] == ("age", int)
    notebook.fails("%SQL_schema agse", "no such table: agse — did you mean ages")


def test_an_enumeration_is_text_whatever_its_words(notebook: Notebook) -> None:
    notebook("%SQL_connect duckdb://\n%SQL CREATE TABLE t(mood ENUM('INTERN', 'UPDATE'))")
    assert notebook("%SQL_schema t --as_list") == [("mood", str)]


def test_a_temporary_table_hides_the_other_of_its_name(notebook: Notebook, file: str) -> None:
    notebook("%SQL CREATE TEMP TABLE ages(age INTEGER, word TEXT)")
    (other,) = set(notebook("%SQL_tables")) - {"ages"}
    assert other.endswith("main.ages")
    assert notebook("%SQL_schema ages")[1] == ("word", str)
    assert notebook(f"%SQL_schema {other}")[1] == ("amount", float)
    notebook.names["frame"] = pd.DataFrame({"age": [1], "word": ["a"]})
    for if_exists in ("append", "replace"):
        notebook(f"%SQL_import_df frame -t ages --if_exists {if_exists}")
        assert notebook.rows("SELECT * FROM ages") == [(1, "a")]
    notebook("%SQL_drop_table ages")
    assert notebook.rows("SELECT COUNT(amount) FROM ages") == [(25,)]


def test_views_and_temporary_tables_are_listed(notebook: Notebook, file: str) -> None:
    notebook("%%SQL\nCREATE VIEW old AS SELECT * FROM ages WHERE age > 20;\nCREATE TEMP TABLE passing(x INTEGER)")
    assert notebook("%SQL_tables") == ["ages", "old", "passing"]
    assert notebook("%SQL_schema old")[0] == ("age", int)
    assert notebook.rows("SELECT COUNT(*) FROM old") == [(4,)]


def test_a_python_function_is_called_from_sql(notebook: Notebook, file: str) -> None:
    notebook("def half_of(x: float) -> float:\n    return x / 2")
    notebook("%SQL_add_function half_of")
    assert notebook.rows("SELECT half_of(age) FROM ages WHERE age = 3") == [(1.5,)]
    notebook("def half_of(x: float) -> float:\n    return x / 4")
    notebook("%SQL_add_function half_of")
    assert notebook.rows("SELECT half_of(2.0)") == [(0.5,)]
    notebook("def wrong(x: float) -> float:\n    raise ValueError('no such age')")
    notebook("%SQL_add_function wrong")
    notebook.fails("%SQL SELECT wrong(age) FROM ages", "ValueError: no such age")


def test_null_reaches_a_function_of_duckdb_that_says_so(notebook: Notebook) -> None:
    notebook("%SQL_connect duckdb://")
    notebook("def or_zero(x: float | None) -> float:\n    return 0.0 if x is None else x")
    notebook("def positive(x: float) -> float | None:\n    return x if x > 0 else None")
    notebook("def strict(x: float) -> float:\n    return x if x > 0 else None")
    for name in ("or_zero", "positive", "strict"):
        notebook(f"%SQL_add_function {name}")
    assert notebook.rows("SELECT or_zero(NULL), positive(-1) IS NULL") == [(0.0, True)]
    notebook.fails("%SQL SELECT strict(-1)", r"-> float \| None")


def test_duckdb_asks_for_the_types_of_a_function(notebook: Notebook) -> None:
    notebook("%SQL_connect duckdb://")
    for value in ("numpy.sqrt", "functools.partial(pow, 2)", "int"):
        notebook(f"import functools, numpy\nf = {value}")
        notebook.fails("%SQL_add_function f", r"types of f")
    notebook("def untyped(x):\n    return x")
    notebook.fails("%SQL_add_function untyped", "def untyped")
