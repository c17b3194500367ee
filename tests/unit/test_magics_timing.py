"""``%%measure`` runs a cell as it would run without it, prints one line, and records every run."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import pandas as pd
import pytest

from course.errors import BadArgumentError
from course.measure import Measurement, ledger
from magics.timing import TimingMagics

if TYPE_CHECKING:
    from IPython.core.interactiveshell import ExecutionResult, InteractiveShell

mpl.use("agg")
LINE = re.compile(
    r"(?P<label>.+): \S+ (s|ms|µs) wall, \S+ (s|ms|µs) CPU, \+\S+ \w+ peak, \S+ \w+ read, \S+ \w+ written(?P<end>.*)\n"
)


@pytest.fixture
def shell(empty_shell: InteractiveShell) -> Iterator[InteractiveShell]:
    empty_shell.register_magics(TimingMagics)
    ledger.clear()
    yield empty_shell
    ledger.clear()


def run(shell: InteractiveShell, code: str) -> ExecutionResult:
    return shell.run_cell(code, store_history=True)


def run_in_a_loop(shell: InteractiveShell, code: str) -> ExecutionResult:
    """Run a cell as a kernel does: from inside its event loop, which cannot be entered twice."""

    async def kernel() -> ExecutionResult:
        shell.user_ns["kernel_loop"] = asyncio.get_running_loop()
        transformed = shell.transform_cell(code)
        if shell.should_run_async(code, transformed_cell=transformed):
            return await shell.run_cell_async(code, transformed_cell=transformed, store_history=True)
        return shell.run_cell(code, store_history=True)

    return asyncio.run(kernel())


def labels() -> list[str]:
    return [measurement.label for measurement in ledger]


def test_a_cell_prints_one_line_and_is_recorded(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    run(shell, "%%measure pandas in chunks\nx = 1")
    printed = LINE.fullmatch(capsys.readouterr().out)
    assert printed is not None
    assert (printed["label"], printed["end"]) == ("pandas in chunks", "")
    assert str(ledger[-1]) + "\n" == printed.string


@pytest.mark.parametrize("header", ["'a b'", '"a b"', "-l 'a b'", "a b", "--label='a b'", ""])
def test_a_label_may_be_quoted_or_not_and_is_the_cells_number_by_default(shell: InteractiveShell, header: str) -> None:
    number = shell.execution_count
    run(shell, f"%%measure {header} -q\n1;")
    assert labels() == ["a b" if header else f"In [{number}]"]


def test_the_value_of_the_last_expression_is_displayed(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run(shell, "%%measure -q\nx = 20\nx + 1")
    assert result.result == 21
    assert capsys.readouterr().out.endswith("]: 21\n")
    assert shell.user_ns["_"] == 21


@pytest.mark.parametrize("code", ["%%measure -q\n21;", "%%measure -q\n21 ; # nothing", "%measure -q 21;"])
def test_a_semicolon_silences_the_value(shell: InteractiveShell, capsys: pytest.CaptureFixture[str], code: str) -> None:
    assert run(shell, code).result is None
    assert capsys.readouterr().out == ""


def test_variables_stay_in_the_notebook_and_are_seen(shell: InteractiveShell) -> None:
    run(shell, "before = 2")
    run(shell, "%%measure -q\ndef double(): return 2 * before\nafter = [double() for _ in range(before)]")
    run(shell, "%measure -q line = before + 1")
    assert shell.user_ns["after"] == [4, 4]
    assert shell.user_ns["line"] == 3
    # those of a function as well; and magics work inside a cell
    run(shell, "def f(inner):\n    v = %measure -q inner + 1\n    return v")
    assert run(shell, "f(1)").result == 2
    run(shell, "%%measure -q\nfolder = %pwd\n!!echo shell")
    assert shell.user_ns["folder"] == str(Path.cwd())


def test_braces_and_dollars_are_left_alone(shell: InteractiveShell) -> None:
    assert run(shell, "%%measure -q {x}\nx = 1\nf'{x} $x'").result == "1 $x"
    assert labels() == ["{x}"]
    assert run(shell, "%measure -q '{x} $x'").result == "{x} $x"


def test_an_exception_is_recorded_printed_and_raised_with_the_lines_of_the_cell(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run(shell, "%%measure bad\ndef divide():\n    return 1 / 0\nkept = 1\ndivide()")
    assert isinstance(result.error_in_exec, ZeroDivisionError)
    assert ledger[-1].failed
    assert shell.user_ns["kept"] == 1
    out = capsys.readouterr().out
    printed = LINE.match(out)
    assert printed is not None
    assert printed["end"] == ", failed: ZeroDivisionError: division by zero"
    assert "----> 4 divide()" in out
    assert "----> 2     return 1 / 0" in out
    assert "timing.py" not in out


@pytest.mark.parametrize("runner", [run, run_in_a_loop])
def test_a_cell_may_await(shell: InteractiveShell, capsys: pytest.CaptureFixture[str], runner: Any) -> None:
    code = "%%measure waits\nimport asyncio\nawait asyncio.sleep(0.05)\nvalue = 'é'\n"
    code += "async with asyncio.timeout(5):\n    loop = asyncio.get_running_loop()\nawait asyncio.sleep(0, value)"
    result = runner(shell, code)
    assert result.success
    assert result.result == "é"
    assert labels() == ["waits"]
    assert ledger[-1].wall_seconds >= 0.049
    # in the loop of the kernel, if there is one
    assert shell.user_ns.get("kernel_loop", shell.user_ns["loop"]) is shell.user_ns["loop"]
    assert runner(shell, "%%measure -q -r 3\nawait asyncio.sleep(0, 1);").result is None
    assert len(ledger) == 4


@pytest.mark.parametrize("name", ["StopIteration", "GeneratorExit", "KeyboardInterrupt", "StopAsyncIteration"])
def test_every_kind_of_exception_is_raised_and_recorded(shell: InteractiveShell, name: str) -> None:
    for code in (f"%%measure -q -r 3\nraise {name}", f"%measure -q exec('raise {name}')"):
        assert type(run(shell, code).error_in_exec).__name__ == name
        assert ledger[-1].error == name
    assert len(ledger) == 2


def test_statements_before_an_error_of_syntax_that_is_found_late_have_run(shell: InteractiveShell) -> None:
    assert isinstance(run(shell, "%%measure -q\nkept = 1\nreturn 5").error_in_exec, SyntaxError)
    assert shell.user_ns["kept"] == 1
    run(shell, "%%measure -q\nfrom __future__ import annotations\ndef f(x: nothing): pass")
    assert run(shell, "%measure -q f.__annotations__").result == {"x": "nothing"}


@pytest.mark.parametrize(("interactivity", "shown"), [("all", "1 2 3"), ("last_expr_or_assign", "3"), ("none", "")])
def test_what_is_displayed_is_what_the_shell_is_told_to_display(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str], interactivity: str, shown: str
) -> None:
    shell.ast_node_interactivity = interactivity
    try:
        run(shell, "%%measure -q\n1\nif True: 2\nx = 3" + ("\nx" if interactivity == "all" else ""))
    finally:
        shell.ast_node_interactivity = "last_expr"
    assert " ".join(line.partition("]: ")[2] for line in capsys.readouterr().out.splitlines()) == shown


def test_an_awaiting_cell_that_fails_is_recorded_and_raised(shell: InteractiveShell) -> None:
    result = run_in_a_loop(shell, "%%measure -q bad\nimport asyncio\nawait asyncio.sleep(0)\n1 / 0")
    assert isinstance(result.error_in_exec, ZeroDivisionError)
    assert ledger[-1].failed


@pytest.mark.parametrize("runner", [run, run_in_a_loop])
def test_a_line_may_await_where_code_may(shell: InteractiveShell, runner: Any) -> None:
    code = "import asyncio\n'é'; v = 1\nfor i in range(2):\n    v = %measure -q await asyncio.sleep(0, i)\nv"
    result = runner(shell, code)
    assert result.success
    assert result.result == 1
    assert len(ledger) == 2


def test_a_line_is_awaited_in_an_async_function_and_left_alone_in_another(shell: InteractiveShell) -> None:
    line = "    v = %measure -q await asyncio.sleep(0, 7)\n    return v\n"
    code = f"import asyncio\nasync def f():\n{line}await f()"
    assert run_in_a_loop(shell, code).result == 7
    assert "await get_ipython" not in shell.transform_cell(f"def f():\n{line}")
    # nor is a cell that only defines a coroutine
    assert not shell.transform_cell("%%measure\nasync def f():\n    await g()").startswith("await")


def test_loading_twice_awaits_once(shell: InteractiveShell) -> None:
    shell.register_magics(TimingMagics)
    assert shell.transform_cell("%%measure\nawait f()").count("await get_ipython") == 1
    assert len(shell.input_transformers_post) == 1


@pytest.mark.parametrize("await_or_not", ["", "import asyncio\nawait asyncio.sleep(0)\n"])
def test_measures_nest(shell: InteractiveShell, await_or_not: str) -> None:
    result = run_in_a_loop(shell, f"%%measure -q outer\n%%measure -q inner\n{await_or_not}5")
    assert result.result == 5
    assert labels() == ["inner", "outer"]


def test_repeats_run_so_many_times_and_give_median_and_spread(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    run(shell, "times = 0")
    result = run(shell, "%%measure three -r 3 -o m\ntimes += 1\ntimes")
    assert result.result == 3
    measured: Measurement = shell.user_ns["m"]
    assert labels() == ["three"] * 3
    assert list(measured.runs) == list(ledger)
    assert measured.wall_seconds == sorted(one.wall_seconds for one in ledger)[1]
    printed = LINE.match(capsys.readouterr().out)
    assert printed is not None
    assert re.fullmatch(r" \(median of 3, wall spread \S+ \S+\)", printed["end"])


def test_repeats_stop_at_the_first_failure(shell: InteractiveShell) -> None:
    run(shell, "times = 0")
    run(shell, "%%measure -q -r 5 -o m\ntimes += 1\nassert times < 2")
    assert [one.failed for one in ledger] == [False, True]
    assert shell.user_ns["m"].failed
    run(shell, "%measure -q -o m 1;")
    assert shell.user_ns["m"] is ledger[-1]
    # a name is read as Python reads it: the sign µ as the letter μ
    run(shell, "%measure -q -o \u00b5 1;")
    assert run(shell, "\u00b5").result is ledger[-1]


def test_a_line_measures_a_statement_under_its_own_text(shell: InteractiveShell) -> None:
    assert run(shell, "v = %measure -q sum(range(10)) # -r 3\nv").result == 45
    run(shell, "%measure -q -r 2 -l total sum([-1, -2])")
    run(shell, f"%measure -q -r2 len({'x' * 60!r})")
    assert labels()[:3] == ["sum(range(10)) # -r 3", "total", "total"]
    assert labels()[3] == "len('" + "x" * 35 + "…"
    assert len(ledger) == 5


@pytest.mark.parametrize(
    "code",
    [
        "%measure",
        "%measure -r 2",
        "%%measure -r 0\n1",
        "%%measure -r two\n1",
        "%%measure -o a.b\n1",
        "%%measure -o class\n1",
        "%measure -o None 1",
        "%%measure it's\n1",
        "%measures --plot",
        "%measures --save x.doc",
        "%%measure\nif True",
    ],
)
def test_what_is_wrong_is_an_error_and_no_measure(shell: InteractiveShell, code: str) -> None:
    assert isinstance(run(shell, code).error_in_exec, SyntaxError if "if" in code else BadArgumentError)
    assert len(ledger) == 0


def test_measures_returns_the_ledger_as_a_frame(shell: InteractiveShell) -> None:
    run(shell, "%%measure -q a -r 2\n1;")
    frame = run(shell, "%measures").result
    assert isinstance(frame, pd.DataFrame)
    assert frame["label"].tolist() == ["a", "a"]
    assert run(shell, "%measures --summary").result.loc["a", "runs"] == 2
    assert run(shell, "%measures -o table").result is None
    assert shell.user_ns["table"].equals(frame)


def test_measures_saves_then_clears(shell: InteractiveShell, tmp_path: Path) -> None:
    run(shell, "%%measure -q a\n1;")
    result = run(shell, f"%measures --save '{tmp_path / 'my measures.csv'}' --clear")
    assert result.success
    assert result.result is None
    assert (tmp_path / "my measures.csv").read_text(encoding="utf-8").count("\n") == 2
    assert len(ledger) == 0


def test_measures_plots_with_a_text_for_those_who_cannot_see(
    shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw, metadata: shown.append((data, metadata)))
    run(shell, "%%measure -q pandas\n1;")
    assert run(shell, "%measures --plot -o ax").success
    [(data, metadata)] = shown
    assert "pandas" in data["text/plain"]
    assert shell.user_ns["ax"].figure.axes
    assert "pandas" in metadata["image/png"]["alt"]


def test_processes_that_the_cell_starts_count(shell: InteractiveShell) -> None:
    run(
        shell,
        "%%measure -q child -o m\nimport subprocess, sys\n"
        "code = \"import time; x = b'x' * (100 << 20)\\nwhile time.process_time() < 0.2: pass\"\n"
        "subprocess.run([sys.executable, '-c', code], check=True);",
    )
    measured: Measurement = shell.user_ns["m"]
    assert measured.cpu_seconds >= 0.19
    assert measured.peak_memory_bytes is not None
    assert measured.peak_memory_bytes > 95 << 20
