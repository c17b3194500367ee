"""``%%memory_cap``: what does not fit raises MemoryError in the kernel, which lives on; what fits comes back."""

from __future__ import annotations

import io
import os
import pickle
import re
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest

from course.errors import BadArgumentError, CourseError
from magics.capped_process import CAN_CAP, ChildTraceback, _Copier, run_capped
from magics.memory_cap import MemoryCapMagics

if TYPE_CHECKING:
    from IPython.core.interactiveshell import ExecutionResult, InteractiveShell

CAP = 200 << 20
WATCHED = "resident memory watched every 10 ms, killed above the cap"
HOW = {"": "data memory capped by the system (RLIMIT_DATA)", "--watch": WATCHED} if CAN_CAP else {"": WATCHED}
on_posix = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")


@pytest.fixture
def shell(empty_shell: InteractiveShell) -> InteractiveShell:
    empty_shell.register_magics(MemoryCapMagics)
    return empty_shell


def run(shell: InteractiveShell, body: str, header: str = "200MiB -q") -> ExecutionResult:
    return shell.run_cell(f"%%memory_cap {header}\n{body}", store_history=True)


def run_code(source: str, *, is_watched: bool = not CAN_CAP) -> None:
    run_capped(source, CAP, is_watched=is_watched)


def is_dead(pid: int, within_seconds: float) -> bool:
    """Tell whether a process dies soon: the system takes its time to end one that is killed."""
    deadline = time.monotonic() + within_seconds
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.01)
    return False


@pytest.mark.parametrize("how", HOW)
def test_what_does_not_fit_raises_memory_error_and_the_kernel_lives_on(shell: InteractiveShell, how: str) -> None:
    result = run(shell, "memory = [b'x' * 1_000_000 for _ in range(400)]", f"200MiB -q {how}")
    assert isinstance(result.error_in_exec, MemoryError)
    assert shell.run_cell("1 + 1").result == 2


@pytest.mark.parametrize("how", HOW)
def test_what_fits_comes_back_and_it_says_how_the_cap_was_held(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    shell.user_ns["times"] = 3
    result = run(shell, "total = times * 2\nname = 'é'", f"200MiB -i times -o total,name {how}")
    assert result.success
    assert (shell.user_ns["total"], shell.user_ns["name"]) == (6, "é")
    assert capsys.readouterr().out == f"memory cap of 200 MiB: {HOW[how]}\n"


@pytest.mark.skipif(not CAN_CAP, reason="the cap is the system's on Linux only")
def test_the_cap_is_as_narrow_for_numpy_and_pandas_as_in_the_lesson(shell: InteractiveShell, tmp_path: Path) -> None:
    error = run(shell, "import numpy\nnumpy.ones(400 << 20, 'u1')").error_in_exec
    assert isinstance(error, MemoryError)
    assert "Unable to allocate 400. MiB" in str(error)
    path = tmp_path / "table.csv"
    path.write_text("a,b,c,d\n" + "1,2,3,4\n" * 3_000_000, encoding="utf-8")
    shell.user_ns["path"] = str(path)
    whole = run(shell, "import pandas\npandas.read_csv(path)['a'].sum()", "160MiB -q -i path")
    assert isinstance(whole.error_in_exec, MemoryError)
    body = "import pandas\ntotal = sum(int(c['a'].sum()) for c in pandas.read_csv(path, chunksize=50_000))"
    assert run(shell, body, "160MiB -q -i path -o total").success
    assert shell.user_ns["total"] == 3_000_000


def test_results_come_back_even_if_pickling_them_takes_more_than_the_cap(shell: InteractiveShell) -> None:
    result = run(shell, "import numpy\nbig = numpy.arange(15 << 20)\nsame = big[::-1]", "200MiB -q -o big,same")
    assert result.success
    assert np.array_equal(shell.user_ns["big"], np.arange(15 << 20))


def test_functions_and_classes_of_the_notebook_go_in_and_come_back(shell: InteractiveShell) -> None:
    shell.run_cell("def double(x): return 2 * x")
    result = run(shell, "class Box:\n    size = double(4)\nbox = Box()", "200MiB -q -i double -o box")
    assert result.success
    assert shell.user_ns["box"].size == 8


def test_an_error_comes_back_with_its_type_and_its_line(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    error = run(shell, "def look():\n    return {}['missing']\nlook()").error_in_exec
    assert isinstance(error, KeyError)
    assert error.args == ("missing",)
    assert isinstance(error.__cause__, ChildTraceback)
    out = capsys.readouterr().out
    assert "return {}['missing']" in out
    assert "----> 3 look()" in out
    assert "capped_child" not in out
    assert "memory_cap.py" not in out
    # what fails on the cell's own line is an ordinary traceback, and the cell starts with an empty namespace
    shell.user_ns["here"] = 1
    for body, kind in (("kept = 1\nmemory = b'x' * (400 << 20)", MemoryError), ("kept = 1\nmemory = here", NameError)):
        error = run(shell, body).error_in_exec
        assert isinstance(error, kind)
        assert error.__cause__ is None
        out = capsys.readouterr().out
        assert "----> 2 memory = " in out
        assert "Traceback" not in out.split("\n", 3)[-1]
        assert "another exception" not in out


def test_the_traceback_names_libraries_as_they_are_imported() -> None:
    with pytest.raises(ValueError, match="Expecting value") as caught:
        run_code("import json\njson.loads('x')")
    assert f'File "{Path("json", "decoder.py")}", line' in str(caught.value.__cause__)


@pytest.mark.parametrize(
    ("source", "kind", "message"),
    [
        ("raise ValueError('C error: out of memory')", MemoryError, "C error: out of memory"),
        # what OpenBLAS does when it is loaded under a small cap
        (
            "import os, sys; print('Memory allocation still failed, giving up.', file=sys.stderr); os._exit(1)",
            MemoryError,
            "a library ended the cell's process: Memory allocation still failed",
        ),
        ("import os; os._exit(3)", CourseError, "exit code 3 before it gave a result"),
        *(
            pytest.param(
                f"import os, signal; os.kill(os.getpid(), signal.{name})",
                MemoryError,
                f"under a cap of 200 MiB .* was ended by {name}",
                marks=on_posix,
            )
            for name in ("SIGKILL", "SIGABRT", "SIGSEGV")
        ),
    ],
)
def test_an_end_for_want_of_memory_is_a_memory_error_and_another_is_not(
    source: str, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        run_code(source)


@pytest.mark.parametrize(
    ("header", "body"),
    [("200MiB --watch", "memory = [b'x' * 1_000_000 for _ in range(400)]"), ("200MiB", "import os; os.abort()")],
    ids=["killed", "aborted"],
)
def test_the_traceback_of_a_process_that_died_shows_no_file_of_the_course(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str], header: str, body: str
) -> None:
    assert isinstance(run(shell, body, header).error_in_exec, MemoryError)
    shown = capsys.readouterr().out
    assert "File <memory_cap>" in shown
    assert "memory_cap.py" not in shown


def test_the_value_of_the_last_expression_is_shown_with_its_html(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    body = "class Page:\n    def _repr_html_(self): return '<b>page</b>'\n    __repr__ = lambda _: 'Page'\n"
    result = run(shell, f"{body}import asyncio\nawait asyncio.sleep(0, Page())")
    assert capsys.readouterr().out.endswith("]: Page\n")
    data, _ = shell.display_formatter.format(result.result)
    assert data == {"text/plain": "Page", "text/html": "<b>page</b>"}


@pytest.mark.parametrize("body", ["5;", "x = 5", "None"])
def test_nothing_is_shown_where_a_cell_shows_nothing(shell: InteractiveShell, body: str) -> None:
    assert run(shell, body).result is None


def test_what_the_cell_prints_is_shown_in_order(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    body = "import sys, os\nprint('é' * 3)\nprint('no', file=sys.stderr)\nos.system('echo child')\n"
    body += "print('x' + 'é' * 100_000);"
    assert run(shell, body).success
    out, err = capsys.readouterr()
    # letters of two bytes at odd places: some are split between two pieces of 64 KiB
    assert out.splitlines() == ["ééé", "child", "x" + "é" * 100_000]
    assert err == "no\n"


def test_children_of_a_watched_cell_count_and_are_killed_with_it(tmp_path: Path) -> None:
    number = tmp_path / "number"
    child = (
        f"import os, pathlib, time; pathlib.Path({str(number)!r}).write_text(str(os.getpid()))\n"
        "memory = b'x' * (300 << 20); time.sleep(6)"
    )
    with pytest.raises(MemoryError, match="its process was killed"):
        run_code(f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {child!r}])", is_watched=True)
    assert is_dead(int(number.read_text()), within_seconds=4)


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before, children = set(threading.enumerate()), set(psutil.Process().children())
    for source in ("x = 1", "1 / 0", "import os; os._exit(3)"):
        try:
            run_code(source)
        except (ZeroDivisionError, CourseError):
            continue
    assert list(tmp_path.iterdir()) == []
    assert set(psutil.Process().children()) <= children
    assert set(threading.enumerate()) <= before


def test_a_process_left_by_the_cell_does_not_hold_the_kernel() -> None:
    child = "import time; time.sleep(6)"
    source = f"import subprocess, sys\npid = subprocess.Popen([sys.executable, '-c', {child!r}]).pid"
    outputs: dict[str, Any] = {}
    run_capped(source, CAP, outputs=["pid"], into=outputs)
    process = psutil.Process(outputs["pid"])
    assert process.status() != psutil.STATUS_ZOMBIE
    process.kill()


@on_posix
def test_interrupting_the_kernel_ends_the_process(tmp_path: Path) -> None:
    started, ended = tmp_path / "started", tmp_path / "ended"

    def interrupt() -> None:
        while not started.exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        run_code(
            f"import pathlib, time\npathlib.Path({str(started)!r}).touch(); time.sleep(6)\n"
            f"pathlib.Path({str(ended)!r}).touch()"
        )
    thread.join()
    assert not ended.exists()


def test_what_cannot_come_back_is_an_error_and_nothing_comes(shell: InteractiveShell) -> None:
    error = run(shell, "x = 1", "200MiB -q -o x,y").error_in_exec
    assert isinstance(error, NameError)
    assert "set no variable 'y'" in str(error)
    error = run(shell, "import threading\nx, lock = 1, [threading.Lock()]", "200MiB -q -o x,lock").error_in_exec
    assert isinstance(error, BadArgumentError)
    assert "-o lock: it cannot be pickled (TypeError: cannot pickle" in str(error)
    unmade = "class Odd:\n    def __reduce__(self): return int, ('x',)\nx, odd = 1, Odd()"
    error = run(shell, unmade, "200MiB -q -o x,odd").error_in_exec
    assert isinstance(error, BadArgumentError)
    assert "-o odd: " in str(error)
    assert "x" not in shell.user_ns


def test_variables_set_before_an_error_come_back_as_in_a_notebook(shell: InteractiveShell) -> None:
    result = run(shell, "kept = []\nfor n in range(9): kept.append(9 / (4 - n))", "200MiB -q -o kept,never")
    assert isinstance(result.error_in_exec, ZeroDivisionError)
    assert len(shell.user_ns["kept"]) == 4
    body = "import threading\nkept, lock = 2, threading.Lock()\n1 / 0"
    assert isinstance(run(shell, body, "200MiB -q -o kept,lock").error_in_exec, ZeroDivisionError)


def test_what_several_variables_hold_stays_one_and_a_class_stays_the_same(shell: InteractiveShell) -> None:
    shell.run_cell("class Box: pass\nbox = Box()\nboxes = [box]")
    assert run(shell, "assert boxes[0] is box\nmore = [Box(), box]", "200MiB -q -i Box,box,boxes -o more,box").success
    more = shell.user_ns["more"]
    assert more[1] is shell.user_ns["box"]
    assert all(type(one) is shell.user_ns["Box"] for one in more)


@pytest.mark.parametrize(
    "made",
    [
        "open(path)",
        "open(path, 'rb')",
        "(n for n in range(3))",
        "__import__('sqlite3').connect(path)",
        "__import__('multiprocessing').Value('i', 1)",
        "__import__('multiprocessing').Pipe()[0]",
        "get_ipython()",
    ],
)
def test_what_cannot_go_to_another_process_is_one_error_that_names_it(
    shell: InteractiveShell, tmp_path: Path, made: str
) -> None:
    shell.user_ns["path"] = str(tmp_path / "file")
    Path(shell.user_ns["path"]).touch()
    shell.run_cell(f"given = [{made}]")
    error = run(shell, "given", "200MiB -q -i path,given").error_in_exec
    shell.run_cell("if hasattr(given[0], 'close'): given[0].close()")
    assert isinstance(error, BadArgumentError)
    assert "-i given: it cannot be pickled" in str(error)


def test_lists_too_deep_for_pickle_are_named(shell: InteractiveShell) -> None:
    # from Python 3.14 on pickle goes as deep as the stack of the system, and the lists arrive whole
    shell.run_cell("deep = []\nfor step in range(20_000): deep = [deep]")
    body = "depth = 0\nwhile deep: deep, depth = deep[0], depth + 1"
    error = run(shell, body, "200MiB -q -i deep -o depth").error_in_exec
    if sys.version_info >= (3, 14):
        assert (error, shell.user_ns["depth"]) == (None, 20_000)
    else:
        assert "-i deep: it cannot be pickled" in str(error)


def test_an_error_that_a_notebook_cannot_make_again_keeps_its_name_its_text_and_its_builtin_class(
    shell: InteractiveShell,
) -> None:
    lock = "import threading\nclass Odd(OSError):\n    def __init__(self, a, *, b): self.lock = threading.Lock()\n"
    for body, text in (
        (f"{lock}    def __str__(self): return 'odd'\nraise Odd(1, b=2)", "odd"),
        (
            "class Odd(OSError):\n    def __str__(self): raise RuntimeError('no')\nraise Odd(1)",
            "<exception str() failed>",
        ),
        ("class Odd(OSError):\n    def __init__(self, n): super().__init__(f'no. {n}')\nraise Odd(1)", "no. 1"),
    ):
        error = run(shell, body).error_in_exec
        assert (type(error).__name__, str(error)) == ("Odd", text)
        assert isinstance(error, OSError)
    group = run(shell, f"{lock}raise ExceptionGroup('several', [Odd(1, b=2)])").error_in_exec
    assert (type(group).__name__, str(group)) == ("ExceptionGroup", "several (1 sub-exception)")
    error = run(shell, "error = ValueError('a')\nerror.code = 5\nraise error from None").error_in_exec
    assert (type(error), vars(error), error.__cause__) == (ValueError, {"code": 5}, None)


def test_a_plain_value_is_the_value_and_another_stays_in_the_child(shell: InteractiveShell) -> None:
    assert run(shell, "{'a': [1, (2.5, None)], b'b': {3}}").result == {"a": [1, (2.5, None)], b"b": {3}}
    assert shell.run_cell("_['a'][0] + 1").result == 2
    for body in ("list(range(1_000_000))", "import numpy\nnumpy.arange(3)", "[open('/dev/null')]"):
        assert type(run(shell, body).result).__name__ == "ShownValue"


@pytest.mark.parametrize(
    ("interactivity", "body", "shown"),
    [("all", "1\nif True: 2\n[3]", ["1", "2", "[3]"]), ("last", "1\nif True: 2", ["2"]), ("all", "1\n2;", [])],
)
def test_what_is_displayed_is_what_the_shell_is_told_to_display(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str], interactivity: str, body: str, shown: list[str]
) -> None:
    shell.ast_node_interactivity = interactivity
    try:
        run(shell, body)
    finally:
        shell.ast_node_interactivity = "last_expr"
    assert [line.partition("]: ")[2] for line in capsys.readouterr().out.splitlines()] == shown


def test_a_task_that_the_cell_began_comes_to_its_end(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    body = "import asyncio\nasync def late():\n    await asyncio.sleep(0.05)\n    print('late')\n"
    assert run(shell, f"{body}await asyncio.sleep(0)\ntask = asyncio.create_task(late())").success
    assert capsys.readouterr().out == "late\n"
    # no loop runs in this shell, so that a cell may run one
    assert run(shell, f"{body}asyncio.run(late())").success


def test_a_cell_that_asks_is_told_what_to_do(shell: InteractiveShell) -> None:
    assert "call input() in another" in str(run(shell, "input('name? ')").error_in_exec)


class Pieces(io.BufferedIOBase):
    """A pipe that gives so many bytes at a time."""

    def __init__(self, stream: io.BytesIO, size: int) -> None:
        self._stream, self._size = stream, size

    def read(self, size: int | None = -1) -> bytes:
        return self._stream.read(self._size)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 16, 65536])
def test_a_mark_is_found_wherever_the_pieces_of_the_output_end(tmp_path: Path, size: int) -> None:
    path, target, shown = tmp_path / "shown-0", io.StringIO(), []
    path.write_bytes(pickle.dumps(("what", "is", "shown")))
    written = io.BytesIO(f"é\x1e{path}\x1eb\x1e".encode())
    marks = re.compile(f"\x1e({re.escape(str(tmp_path))}[^\x1e]+)\x1e")
    copier = _Copier(Pieces(written, size), target, marks, lambda *told: shown.append((target.getvalue(), told)))
    copier.join()
    assert shown == [("é", ("what", "is", "shown"))]
    assert target.getvalue() == "éb\x1e"


@pytest.mark.parametrize(
    ("header", "body", "kind", "message"),
    [
        ("lots", "1", BadArgumentError, "not a size"),
        ("512", "1", BadArgumentError, "did you mean 512MiB?"),
        ("1MiB", "1", BadArgumentError, "less than the 16.0 MiB"),
        ("", "1", BadArgumentError, "required"),
        ("200MiB -i nowhere", "1", BadArgumentError, "no such variable"),
        ("200MiB -i lock", "lock", BadArgumentError, "cannot be pickled"),
        ("200MiB -o a.b", "1", BadArgumentError, "not a variable name"),
        ("200MiB -o class", "1", BadArgumentError, "a word of Python"),
        ("200MiB -i None", "1", BadArgumentError, "a word of Python"),
        ("200MiB", "if True", SyntaxError, "expected ':'"),
    ],
)
def test_wrong_options_are_errors_before_anything_runs(
    shell: InteractiveShell, header: str, body: str, kind: type, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("magics.memory_cap.run_capped", lambda *_, **__: pytest.fail("a process was started"))
    shell.user_ns["lock"] = threading.Lock()
    error = run(shell, body, header).error_in_exec
    assert isinstance(error, kind)
    assert message in str(error)
