"""A function of a notebook is measured in new processes: what this one holds makes no difference, errors come back."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from course.errors import BadArgumentError, CourseError
from course.measure import Measurement, ledger, measure_fresh
from course.measure.fresh import run_fresh

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

MEBIBYTE = 2**20
NOTEBOOK = """
import os, sys, json
from course.measure import measure_fresh

class OwnError(Exception):
    pass

def block(size):
    return b"x" * size

def allocate(mebibytes):
    return len(block(mebibytes * 2**20))

def wrong(path):
    raise OwnError(f"no {path}")

def absent():
    open("absent.csv")

def killed():
    os.abort()

def inner():
    assert {"wave", "xml.dom.minidom", "json.tool"} <= set(sys.modules), "imported in the measure"
    import wave

def imports():
    inner()
    def nested():
        import xml.dom.minidom
    json.dumps({})
    print("it says what it does")

def told():
    return os.environ.get("BIGDATA_COURSE_PROGRESS"), "wave" in sys.modules

def absent_library():
    try:
        import no_such_library
    except ImportError:
        return
"""


@pytest.fixture
def notebook(empty_shell: InteractiveShell) -> Iterator[dict[str, Any]]:
    """The functions of a notebook, which live in the ``__main__`` of its kernel."""
    empty_shell.run_cell(NOTEBOOK).raise_error()
    ledger.clear()
    yield empty_shell.user_ns
    ledger.clear()


@pytest.mark.parametrize("held", [0, 256])
def test_the_peak_is_that_of_the_function_whatever_this_process_holds(notebook: dict[str, Any], held: int) -> None:
    kept = b"y" * (held * MEBIBYTE)
    freed = b"z" * (held * MEBIBYTE)
    del freed
    cost = measure_fresh("a", notebook["allocate"], 64)
    assert len(kept) == held * MEBIBYTE
    assert [run.label for run in ledger] == ["a", "a", "a"] == [run.label for run in cost.runs]
    for one in (cost, *cost.runs):
        assert one.peak_memory_bytes is not None
        assert 60 * MEBIBYTE < one.peak_memory_bytes < 90 * MEBIBYTE
        assert one.wall_seconds > 0
    assert list(ledger.summary()["runs"]) == [3]


def test_a_cell_calls_it_in_one_line_and_displays_the_cost(
    notebook: dict[str, Any], one_shell: InteractiveShell
) -> None:
    done = one_shell.run_cell('measure_fresh("a", allocate, 1, repeat=1)').result
    assert isinstance(done, Measurement)
    assert (done.runs, list(ledger)) == ((), [done])


def test_libraries_are_imported_before_the_measure(notebook: dict[str, Any], capfd: pytest.CaptureFixture[str]) -> None:
    assert not {"wave", "no_such_library"} & set(sys.modules)
    json.tool = __import__("json.tool").tool  # loaded here, as pandas loads pyarrow.parquet when a file is read
    measure_fresh("a", notebook["imports"], repeat=1)
    measure_fresh("b", notebook["absent_library"], repeat=1)
    assert capfd.readouterr() == ("", "")


def test_a_process_shows_no_bar_imports_what_is_asked_for_and_gives_back_what_is_to_be_kept(
    notebook: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIGDATA_COURSE_PROGRESS", "on")
    assert run_fresh("a", notebook["told"]).value is None
    assert run_fresh("a", notebook["told"], keep=True).value == ("off", False)
    assert run_fresh("a", notebook["told"], modules=["wave"], keep=True).value == ("off", True)


@pytest.mark.parametrize(
    ("name", "arguments", "kind", "said"),
    [
        ("wrong", ("a.csv",), "OwnError", "no a.csv"),
        ("absent", (), "FileNotFoundError", "[Errno 2] No such file or directory: 'absent.csv'"),
        ("allocate", (), "TypeError", "allocate() missing 1 required positional argument: 'mebibytes'"),
    ],
)
def test_an_error_comes_back_with_its_text_and_is_recorded(
    notebook: dict[str, Any], name: str, arguments: tuple[Any, ...], kind: str, said: str
) -> None:
    with pytest.raises(notebook.get(kind, Exception)) as caught:
        measure_fresh(name, notebook[name], *arguments)
    assert (type(caught.value).__name__, str(caught.value)) == (kind, said)
    assert [(run.failed, run.error) for run in ledger] == [(True, f"{kind}: {said}")]


def test_a_process_that_dies_says_how(notebook: dict[str, Any]) -> None:
    with pytest.raises(CourseError, match=r"the process of a (was killed|ended with code)"):
        measure_fresh("a", notebook["killed"])
    assert [run.failed for run in ledger] == [True]
    assert list(ledger.summary()["failed"]) == [1]


def test_what_cannot_go_to_another_process_is_refused(notebook: dict[str, Any]) -> None:
    with pytest.raises(BadArgumentError, match=r"allocate cannot go to another process .*open files and connections"):
        measure_fresh("a", notebook["allocate"], threading.Lock())
    with pytest.raises(BadArgumentError, match="repeat=0"):
        measure_fresh("a", notebook["allocate"], 1, repeat=0)
    assert len(ledger) == 0
