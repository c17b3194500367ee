"""``%SQL_connect``: from one database to another, names of files, connections of one's own, read-only for good."""

from __future__ import annotations

import gc
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pandas as pd
import pytest

from course.errors import CourseError

if TYPE_CHECKING:
    from sql_notebook import Notebook

FILES = ["a.db3", "a.duckdb"]
TARGETS = [":memory:", "duckdb://", *FILES]
MODULES = {"sqlite": sqlite3, "duckdb": duckdb}


def make(notebook: Notebook, *names: str) -> None:
    for name in names:
        notebook(f"%SQL_connect {name} --create")
        notebook("%SQL CREATE TABLE t(x INTEGER); INSERT INTO t VALUES (1)")
        notebook("%SQL_close")


def snapshot() -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in Path().rglob("*") if path.is_file()}


# ---------------------------------------------------------------------- one database after another
@pytest.mark.parametrize("first", TARGETS)
@pytest.mark.parametrize("second", TARGETS)
def test_any_database_replaces_any_other(notebook: Notebook, first: str, second: str) -> None:
    make(notebook, *FILES)
    before = notebook(f"%SQL_connect {first}")
    after = notebook(f"%SQL_connect {second}")
    assert before.closed
    assert first in repr(before) or "memory" in repr(before)
    assert notebook.names["DB"] is after
    assert notebook("%SQL_tables") == (["t"] if second in FILES else [])


@pytest.mark.parametrize("file_name", FILES)
def test_the_notebook_may_change_folder_and_lose_the_file(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch, file_name: str
) -> None:
    make(notebook, file_name)
    notebook(f"%SQL_connect {file_name}")
    Path("below").mkdir()
    monkeypatch.chdir("below")
    assert notebook("%SQL_tables") == ["t"]
    # the same file under another name: DuckDB holds it once, so the first connection is closed before
    notebook(f"%SQL_connect ../{file_name} --read-only")
    assert notebook("%SQL_tables") == ["t"]
    Path("..", file_name).unlink(missing_ok=True)
    make(notebook, "kept.db3")
    notebook("%SQL_connect kept.db3")
    assert notebook("%SQL_tables") == ["t"]


@pytest.mark.parametrize("file_name", FILES)
def test_a_connection_knows_its_file_under_another_name(notebook: Notebook, file_name: str) -> None:
    make(notebook, file_name, "other.db3")
    connection = notebook(f"%SQL_connect {file_name}")
    os.link(file_name, "hard")
    assert [connection.holds(Path(name)) for name in ("hard", "other.db3", "nowhere")] == [True, False, False]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("a.db3 --create --read-only", "exclude each other"),
        (":memory: --read-only", "needs a file"),
        ("duckdb:// --read-only", "needs a file"),
        ("a.db3 --bogus", "unrecognized"),
        ("b.db3", "does not exist"),
        ("a.txt", "is unknown"),
        ("'a.db3", "a quote is not closed"),
        ("held.duckdb --read-only", "close it first with %SQL_close"),
    ],
)
def test_whatever_is_wrong_leaves_the_connection_open(notebook: Notebook, options: str, message: str) -> None:
    make(notebook, "a.db3")
    notebook("%SQL_connect held.duckdb -v other --create")
    first = notebook("%SQL_connect a.db3")
    with pytest.raises(CourseError, match=message):
        notebook(f"%SQL_connect {options}")
    assert notebook.names["DB"] is first
    assert notebook("%SQL_tables") == ["t"]


# ---------------------------------------------------------------------- a file that is gone, or let go
@pytest.mark.skipif(os.name == "nt", reason="Windows deletes no open file")
@pytest.mark.parametrize("how", ["delete", "move", "replace"])
@pytest.mark.parametrize("is_raw", [False, True])
@pytest.mark.parametrize("file_name", FILES)
def test_a_file_that_is_gone_is_told(notebook: Notebook, file_name: str, is_raw: bool, how: str) -> None:
    make(notebook, file_name, f"other_{file_name}")
    if is_raw:
        notebook.names["DB"] = MODULES["duckdb" if "duck" in file_name else "sqlite"].connect(file_name)
    else:
        notebook(f"%SQL_connect {file_name}")
    notebook.names["frame"] = pd.DataFrame({"x": [1]})
    if how == "replace":
        Path(f"other_{file_name}").replace(file_name)
    elif how == "move":
        Path(file_name).rename("moved")
    else:
        Path(file_name).unlink()
    for code in ("%SQL INSERT INTO t VALUES (2)", "%SQL SELECT * FROM t", "%SQL_tables", "%SQL_import_df frame"):
        notebook.fails(code, r"deleted, moved or replaced.*close every connection to it .*then connect again")
    # nor does another variable find what is gone: DuckDB's client would
    if "duck" in file_name:
        notebook.fails(f"%SQL_connect {file_name} --create -v again", "deleted, moved or replaced")
    notebook("%SQL_close")
    notebook(f"%SQL_connect {file_name} --create")
    assert notebook("%SQL_tables") == (["t"] if how == "replace" else [])
    notebook("%SQL CREATE TABLE u(x INTEGER)\n%SQL_close")
    assert Path(file_name).stat().st_size > 0


@pytest.mark.skipif(os.name == "nt", reason="Windows deletes no open file")
@pytest.mark.parametrize("file_name", FILES)
def test_a_cell_that_deletes_and_makes_its_database_runs_again(notebook: Notebook, file_name: str) -> None:
    for _ in range(2):
        notebook(f"import os\nif os.path.exists('{file_name}'): os.unlink('{file_name}')")
        notebook(f"%SQL_connect {file_name} --create\n%SQL CREATE TABLE t(x INTEGER)")
    notebook("%SQL_close")
    notebook(f"%SQL_connect {file_name}")
    assert notebook("%SQL_tables") == ["t"]


class Own(sqlite3.Connection):
    """A connection that no other test makes."""


@pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning")
@pytest.mark.parametrize("engine", MODULES)
def test_a_connection_of_the_notebook_is_let_go_with_its_variable(notebook: Notebook, engine: str) -> None:
    notebook.names["con"] = Own("raw.db") if engine == "sqlite" else duckdb.connect("raw.db")
    notebook("%SQL -v con CREATE TABLE t(x INTEGER); SELECT 1")
    notebook.completions("%%SQL -v con\nSELECT * FROM ")
    notebook.fails("%SQL -v con SELECT * FROM nowhere", "tables here: t")
    # IPython keeps its last error: so does Python
    del notebook.names["con"]
    gc.collect()
    code = "import duckdb; duckdb.connect('raw.db').close()"
    if engine == "duckdb":
        assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0
    else:
        assert not [one for one in gc.get_objects() if isinstance(one, Own)]


def test_advice_about_writing_fits_the_connection(notebook: Notebook) -> None:
    make(notebook, *FILES)
    for raw in (sqlite3.connect("file:a.db3?mode=ro", uri=True), duckdb.connect("a.duckdb", read_only=True)):
        notebook.names["con"] = raw
        notebook.fails("%SQL -v con DELETE FROM t", "open for reading only, or write-protected: open it for writing")
        raw.close()
    for name in FILES:
        notebook(f"%SQL_connect {name} --read-only")
        notebook.fails("%SQL DELETE FROM t", "connect again without --read-only")
        notebook(f"%SQL_connect {name}\n%SQL DELETE FROM t\n%SQL_close")
    # connections that are closed, and hidden names, are not proposed
    notebook.names["lake"] = duckdb.connect()
    notebook.fails("%SQL -v other SELECT 1", r"the connections here are lake \(-v NAME\)")


# ---------------------------------------------------------------------- names
@pytest.mark.parametrize("suffix", [".db3", ".duckdb"])
@pytest.mark.parametrize("stem", ["two words", "été à Nîmes", "it's", "a#b", "a%20b", "日本", "sub folder/x"])
def test_a_file_may_have_any_name(notebook: Notebook, stem: str, suffix: str) -> None:
    name = stem + suffix
    notebook(f'%SQL_connect "{name}" --create')
    notebook("%SQL CREATE TABLE t(x INTEGER)")
    notebook("%SQL_close")
    assert Path(name).stat().st_size > 0
    notebook(f'%SQL_connect "{name}" --read-only')
    assert notebook("%SQL_tables") == ["t"]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("sqlite:///x.db3?mode=ro", "has parameters"),
        ("duckdb:///:memory:named", "has parameters"),
        (":memory:named", "write sqlite:///path"),
        ("duckdb:x.duckdb", "write sqlite:///path"),
        ("file:x.db3", "write sqlite:///path"),
        ("postgresql://user@host/base", "write sqlite:///path"),
        ("sqlite://x.db3", "lacks a slash"),
        ("text.csv/x.db3", "cannot be opened"),
        ("n" * 300 + ".db3", "cannot be opened"),
        ('""', "is unknown"),
        ("x.csv", "is unknown"),
        (".", "is unknown"),
        ("mysql://host/x", "write sqlite:///path"),
        ("damaged.db3", "damaged.db3 cannot be opened"),
        ("damaged.duckdb", "damaged.duckdb cannot be opened"),
    ],
)
def test_what_names_no_database_is_an_error_and_makes_no_file(notebook: Notebook, target: str, message: str) -> None:
    Path("text.csv").write_text("a\n", encoding="utf-8")
    Path("damaged.db3").write_bytes(b"SQLite format 3\0" + b"x" * 10_000)
    Path("damaged.duckdb").write_bytes(b"12345678DUCK" + b"x" * 10_000)
    before = snapshot()
    notebook.fails(f"%SQL_connect {target} --create", message)
    assert snapshot() == before


# ---------------------------------------------------------------------- connections that the notebook opened itself
def test_raw_connections_are_accepted_and_their_writes_kept(notebook: Notebook) -> None:
    notebook.names["con"] = raw = sqlite3.connect("raw.db")
    notebook("%%SQL -v con\nCREATE TABLE t(x INTEGER);\nINSERT INTO t VALUES (1)")
    # what a transaction of the user began is not kept for them, in one cell or in two
    notebook("%SQL -v con BEGIN; INSERT INTO t VALUES (4)\n%SQL -v con ROLLBACK")
    notebook("%%SQL -v con\n-- a try\nBEGIN; INSERT INTO t VALUES (2); ROLLBACK; INSERT INTO t VALUES (3)")
    assert raw.isolation_level == ""
    raw.close()
    with sqlite3.connect("raw.db") as again:
        assert again.execute("SELECT x FROM t").fetchall() == [(1,), (3,)]
    again.close()


@pytest.mark.parametrize("engine", MODULES)
def test_every_magic_takes_a_raw_connection(notebook: Notebook, engine: str) -> None:
    notebook.names["con"] = MODULES[engine].connect("raw.db")
    notebook.names["frame"] = pd.DataFrame({"x": [1, 2]})
    Path("years.csv").write_text("y\n3\n", encoding="utf-8")
    notebook("%SQL_import_df frame -v con")
    notebook("%SQL_import_tsv years.csv -v con")
    assert notebook("%SQL_schema years --as_list -v con") == [("y", int)]
    for factor in (2, 3):
        # the second definition replaces the first
        notebook(f"def times(x: int) -> int:\n    return x * {factor}")
        notebook("%SQL_add_function times -v con")
        assert notebook.rows("SELECT times(x) FROM frame ORDER BY x", "con") == [(factor,), (2 * factor,)]
    notebook("def wrong(x: int) -> int:\n    raise ValueError('not this age')")
    notebook("%SQL_add_function wrong -v con")
    notebook.fails("%SQL -v con SELECT wrong(x) FROM frame", "ValueError: not this age")
    assert notebook.completions("%%SQL -v con\nSELECT * FROM ye") == ["years"]
    notebook("%SQL_drop_table years -v con")
    # where the notebook is does not show
    assert str(Path.cwd()) not in repr(notebook("%SQL -v con -n 1 SELECT * FROM frame"))
    notebook("%SQL_close -v con")
    notebook.fails("%SQL_close -v con", "closed.* open it again")


@pytest.mark.parametrize("engine", MODULES)
def test_a_raw_connection_closed_elsewhere_is_an_error_with_a_hint(
    notebook: Notebook, engine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for is_known in (False, True):
        notebook.names["con"] = raw = MODULES[engine].connect("raw.db")
        if is_known:
            notebook("%SQL_tables -v con")
        raw.close()
        for code in ("%SQL -v con SELECT 1", "%SQL_tables -v con", "%SQL_refresh_completion -v con"):
            notebook.fails(code, "open it again")
        capsys.readouterr()
        notebook.completions("%%SQL -v con\nSELECT * FROM ")
        assert "Traceback" not in "".join(capsys.readouterr())


def test_the_factories_of_a_raw_connection_do_not_matter(notebook: Notebook) -> None:
    notebook.names["con"] = raw = sqlite3.connect("raw.db")
    raw.row_factory, raw.text_factory = sqlite3.Row, bytes
    notebook("%SQL -v con CREATE TABLE t(word TEXT); INSERT INTO t VALUES ('a')")
    assert notebook("%SQL_schema t -v con") == {0: ("word", str)}
    # what the notebook asked of its own connection
    assert notebook.rows("SELECT word FROM t", "con") == [(b"a",)]
    raw.close()


# ---------------------------------------------------------------------- read-only
WRITING = {
    "a.db3": """
        DELETE FROM t; INSERT INTO t VALUES (2); UPDATE t SET x = 3; CREATE TABLE u(x); DROP TABLE t;
        ALTER TABLE t ADD COLUMN y; CREATE INDEX i ON t(x); CREATE TEMP TABLE u(x); ATTACH 'other.db' AS other;
        VACUUM; VACUUM INTO 'copy.db'; ANALYZE; PRAGMA query_only = OFF; PRAGMA main.query_only(0);
        PRAGMA user_version = 7; PRAGMA journal_mode = WAL; BEGIN IMMEDIATE
    """,
    "a.duckdb": """
        DELETE FROM t; INSERT INTO t VALUES (2); UPDATE t SET x = 3; CREATE TABLE u(x INTEGER); DROP TABLE t;
        ALTER TABLE t ADD COLUMN y INTEGER; CREATE TEMP TABLE u(x INTEGER); ATTACH 'other.db' AS other;
        COPY t TO 'copy.csv'; EXPORT DATABASE 'copy'; EXPLAIN ANALYZE COPY t TO 'copy.csv';
        COPY (PIVOT t ON x) TO 'copy.csv'; PREPARE p AS COPY t TO 'copy.csv'; SET profile_output = 'p.json';
        SET log_query_path = 'log.sql'; CALL enable_logging(storage = 'file', storage_path = 'logs');
        SELECT * FROM enable_logging(storage = 'file', storage_path = 'logs'); INSTALL httpfs; RESET threads;
        PRAGMA enable_profiling = 'json'; CREATE PERSISTENT SECRET s (TYPE http);
        WITH c AS (INSERT INTO t VALUES (1) RETURNING x) SELECT * FROM c
    """,
}


READING = {
    "a.db3": ["EXPLAIN QUERY PLAN SELECT * FROM t", "PRAGMA table_info(t)"],
    "a.duckdb": [
        *("EXPLAIN ANALYZE SELECT * FROM t", "PRAGMA table_info('t')", "SUMMARIZE t", "PIVOT t ON x USING sum(x)"),
        *("SELECT * FROM 'rows.csv'", "SET VARIABLE a = 3; SELECT getvariable('a')"),
    ],
}


@pytest.mark.parametrize("file_name", WRITING)
def test_read_only_reads_and_refuses_whatever_writes(notebook: Notebook, file_name: str) -> None:
    make(notebook, file_name)
    Path("rows.csv").write_text("y\n3\n", encoding="utf-8")
    notebook.names["frame"] = pd.DataFrame({"x": [1]})
    before = snapshot()
    notebook(f"%SQL_connect {file_name} --read-only")
    for statement in READING[file_name]:
        assert len(notebook(f"%SQL {statement}")) > 0
    magics = ["%SQL_import_df frame", "%SQL_import_tsv rows.csv", "%SQL_drop_table t"]
    for code in [f"%SQL {' '.join(statement.split())}" for statement in WRITING[file_name].split(";")] + magics:
        notebook.fails(code, "read-only")
        assert notebook.rows("SELECT x FROM t") == [(1,)], code
        assert snapshot() == before, code
    notebook("%SQL_close")
    assert snapshot() == before


@pytest.mark.skipif(os.name == "nt", reason="the permissions of POSIX")
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_refuses_is_an_error(notebook: Notebook) -> None:
    Path("closed").mkdir(mode=0o500)
    for name in ("closed/a.db3", "closed/sub/a.db3", "closed/a.duckdb"):
        notebook.fails(f"%SQL_connect {name} --create", "cannot be opened")
