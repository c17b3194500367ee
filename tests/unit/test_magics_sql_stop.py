"""The stop button: an interrupt ends what an engine does, as KeyboardInterrupt, and the connection works afterwards."""

from __future__ import annotations

import _thread
import os
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd
import pytest
from jupyter_client.manager import start_new_kernel

from magics.sql import stop

if TYPE_CHECKING:
    from sql_notebook import Notebook

# what never ends, or not while a test waits
ENDLESS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n) SELECT MAX(i) FROM n",
    "duckdb": "SELECT COUNT(*) FROM range(100000000000000) t(i) WHERE i % 7 = 3",
}
BIG = "range(3000) a(i), range(3000) b(j), range(3000) c(k)"
OTHERS = {
    "sqlite": [
        # each step is long
        ENDLESS["sqlite"].replace("MAX(i)", "MAX(LENGTH(HEX(RANDOMBLOB(1000000))))"),
        "CREATE TABLE u AS " + ENDLESS["sqlite"],
        "INSERT INTO t SELECT 1 WHERE (" + ENDLESS["sqlite"] + ") > 0",
    ],
    "duckdb": [
        "CREATE TABLE u AS " + ENDLESS["duckdb"],
        "INSERT INTO t " + ENDLESS["duckdb"],
        f"SELECT i, j FROM {BIG}",
        f"SELECT i::HUGEINT, j FROM {BIG}",
        f"SELECT MAX(i) FROM (SELECT i FROM {BIG} ORDER BY hash(i + j + k))",
        "PREPARE p AS " + ENDLESS["duckdb"] + "; EXECUTE p",
    ],
}
TARGETS = {"sqlite": ":memory:", "duckdb": "duckdb://"}
OPENED: dict[str, Callable[[], Any]] = {"sqlite": lambda: sqlite3.connect(":memory:"), "duckdb": duckdb.connect}


def is_guarded() -> bool:
    return any(thread.name == stop.__name__ for thread in threading.enumerate())


def is_writing() -> bool:
    """Tell whether the notebook's thread is where the engine takes the rows of a frame."""
    return sys._current_frames()[threading.main_thread().ident or 0].f_code.co_name == "_write"


@contextmanager
def interrupted(connection: Any, ready: Callable[[], bool] = is_guarded, after: float = 0.1) -> Iterator[None]:
    """Interrupt the block ``after`` seconds once it is ``ready``; what goes on 30 seconds more makes the test red."""
    ended, late = threading.Event(), threading.Event()

    def press() -> None:
        while not ready() and not ended.wait(0.002):
            pass
        # well into the statement, most often
        ended.wait(after)
        os.kill(os.getpid(), signal.SIGINT)
        while not ended.wait(30):
            late.set()
            connection.interrupt()

    thread = threading.Thread(target=press)
    thread.start()
    try:
        yield
        # a signal that came with the last result
        ended.wait(1)
        pytest.fail("the block ended by itself")
    except KeyboardInterrupt:
        pass
    finally:
        ended.set()
        thread.join()
    assert not late.is_set()


def opened(notebook: Notebook, engine: str, *, is_raw: bool) -> Any:
    """Open a database in DB with a table ``t``, by the magic or by hand; return the engine's own connection."""
    if is_raw:
        notebook.names["DB"] = OPENED[engine]()
    else:
        notebook(f"%SQL_connect {TARGETS[engine]}")
    notebook("%SQL CREATE TABLE t(x INTEGER); INSERT INTO t VALUES (1)")
    return notebook.names["DB"] if is_raw else notebook.names["DB"].raw


CASES = [(engine, sql) for engine in ENDLESS for sql in [ENDLESS[engine], *OTHERS[engine]]]


@pytest.mark.parametrize("is_raw", [False, True], ids=["connected", "raw"])
@pytest.mark.parametrize(("engine", "sql"), CASES)
def test_a_statement_is_stopped(notebook: Notebook, engine: str, sql: str, is_raw: bool) -> None:
    raw = opened(notebook, engine, is_raw=is_raw)
    with interrupted(raw):
        notebook(f"%SQL -o x {sql}")
    assert notebook.rows("SELECT x FROM t") == [(1,)]
    assert notebook("%SQL_tables") == ["t"]
    # nothing is left that another handler of signals would miss
    assert signal.set_wakeup_fd(-1) == -1


def test_the_engine_is_told_to_stop_until_it_does() -> None:
    raw, calls = sqlite3.connect(":memory:", check_same_thread=False), list[int]()

    def interrupt() -> None:
        # a call that comes before the engine has started is lost
        calls.append(1)
        if len(calls) == 3:
            raw.interrupt()

    with interrupted(raw), stop.stoppable(interrupt), closing(raw.cursor()) as cursor:
        cursor.execute(ENDLESS["sqlite"]).fetchall()
    raw.close()


def test_a_thread_that_threading_does_not_know_goes_on(notebook: Notebook) -> None:
    raw = opened(notebook, "sqlite", is_raw=False)
    begun, end, ends = threading.Event(), threading.Event(), []

    def other() -> None:
        begun.set()
        try:
            while not end.is_set():
                time.sleep(0.001)
            ends.append("by itself")
        except KeyboardInterrupt:
            ends.append("interrupted")

    _thread.start_new_thread(other, ())
    # a thread that has not run yet has no frame
    assert begun.wait(30)
    # DuckDB sees the signal itself, most often before any thread is interrupted
    with interrupted(raw):
        notebook(f"%SQL {ENDLESS['sqlite']}")
    end.set()
    while not ends:
        time.sleep(0.001)
    assert ends == ["by itself"]


@pytest.mark.parametrize("engine", ENDLESS)
def test_a_transaction_goes_on_or_is_rolled_back(notebook: Notebook, engine: str) -> None:
    raw = opened(notebook, engine, is_raw=False)
    for sql in (ENDLESS[engine], f"INSERT INTO t {ENDLESS[engine]}"):
        notebook("%SQL BEGIN; INSERT INTO t VALUES (2)")
        with interrupted(raw):
            notebook(f"%SQL {sql}")
        # the transaction of a statement that was writing ends with it
        is_open = len(notebook.rows("SELECT x FROM t")) == 2
        assert is_open == ("INSERT" not in sql)
        notebook("%SQL ROLLBACK" if is_open else "%SQL BEGIN; ROLLBACK")
        assert notebook.rows("SELECT x FROM t") == [(1,)]


FUNCTIONS = {
    "slow": "    while True:\n        time.sleep(0.01)\n",
    "busy": "    while True:\n        pass\n",
    "careful": "    try:\n        time.sleep(0.05)\n    except BaseException:\n        pass\n    return x\n",
}


@pytest.mark.parametrize("is_raw", [False, True], ids=["magic", "raw"])
@pytest.mark.parametrize("engine", ENDLESS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_python_function_is_stopped(notebook: Notebook, engine: str, name: str, is_raw: bool) -> None:
    if (engine, name, is_raw) == ("duckdb", "careful", True):
        pytest.skip("DuckDB calls it for the 2,048 rows of a vector, and nothing of the course's stands between")
    raw = opened(notebook, engine, is_raw=is_raw)
    called = notebook.names["called"] = threading.Event()
    notebook(f"import time\ndef {name}(x: int) -> int:\n    called.set()\n{FUNCTIONS[name]}")
    if is_raw:
        raw.create_function(name, *([1] if engine == "sqlite" else []), notebook.names[name])
    else:
        notebook(f"%SQL_add_function {name}")
    rows = "n" if engine == "sqlite" else "range(1000000) n(i)"
    head = ENDLESS["sqlite"].partition(" SELECT MAX")[0] if engine == "sqlite" else ""
    with interrupted(raw, called.is_set):
        notebook(f"%SQL {head} SELECT MAX({name}(i)) FROM {rows}")
    assert notebook.rows("SELECT x FROM t") == [(1,)]


@pytest.mark.parametrize("if_exists", ["replace", "append"])
@pytest.mark.parametrize("engine", ENDLESS)
def test_an_import_that_is_stopped_leaves_the_table_as_it_was(notebook: Notebook, engine: str, if_exists: str) -> None:
    raw = opened(notebook, engine, is_raw=False)
    notebook("def endless(x: int) -> bool:\n    called.set()\n    while True:\n        pass")
    called = notebook.names["called"] = threading.Event()
    notebook("%SQL_add_function endless")
    # the engine is at work: a constraint for the one, the writing of many rows for the other
    if engine == "sqlite":
        notebook("%SQL CREATE TRIGGER slow AFTER INSERT ON t BEGIN SELECT endless(new.x); END")
    notebook.names["frame"] = pd.DataFrame({"x": range(20_000_000 if engine == "duckdb" else 10)})
    if engine == "sqlite" and if_exists == "replace":
        notebook.names["frame"] = pd.DataFrame({"x": range(5_000_000)})
    is_ready = called.is_set if engine == "sqlite" and if_exists == "append" else is_writing
    # DuckDB may take them all in less than 0.1 seconds
    with interrupted(raw, is_ready, after=0):
        notebook(f"%SQL_import_df frame -t t --if_exists {if_exists}")
    assert notebook.rows("SELECT x FROM t") == [(1,)]


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Any]]:
    manager, client = start_new_kernel(cwd=str(tmp_path_factory.mktemp("kernel")))
    try:
        client.execute_interactive("%load_ext magics", timeout=60)
        yield manager, client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@pytest.mark.parametrize(
    "how", ["%SQL_connect :memory:", "%SQL_connect duckdb://", "import sqlite3\nDB = sqlite3.connect(':memory:')"]
)
def test_the_stop_button_of_a_notebook(kernel: tuple[Any, Any], how: str) -> None:
    manager, client = kernel
    reply = client.execute_interactive(f"DB = None\n{how}\n%SQL SELECT 1", timeout=60)
    assert reply["content"]["status"] == "ok"
    engine = "duckdb" if "duckdb" in how else "sqlite"

    def press(message: dict[str, Any]) -> None:
        if message["msg_type"] == "stream":
            manager.interrupt_kernel()

    code = f"print('started', flush=True)\n%SQL {ENDLESS[engine]}"
    reply = client.execute_interactive(code, output_hook=press, timeout=60)
    assert reply["content"]["ename"] == "KeyboardInterrupt"
    outputs: list[dict[str, Any]] = []
    client.execute_interactive("x = %SQL SELECT 42 AS x\nx.x.tolist()", output_hook=outputs.append, timeout=60)
    assert "[42]" in str(outputs)
