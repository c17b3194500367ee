"""A library without a wheel: its cells are left out with one line, its ways say so, and nothing else suffers."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest
from notebook_writer import code, notebook, text, write_notebook

from course.errors import BadArgumentError
from course.optional import left_out
from course.publish.execute import ExecutedNotebook, execute_notebooks
from course.publish.lessons import read_lesson
from course.publish.script import ScriptExporter

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

ROOT = Path(__file__).parents[2]
PYTHON = ".".join(map(str, sys.version_info[:2]))
SAID = f"left out: this cell needs no_such_library, which is not installed for this Python {PYTHON}"


def hidden(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run Python where h5py and bcolz are not installed."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "tests" / "hidden"), "BIGDATA_COURSE_HIDDEN": "h5py bcolz"}
    return subprocess.run(
        [sys.executable, *command], cwd=cwd, env=environment, check=False, capture_output=True, text=True
    )


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ([], ""),
        (["needs-json", "nbval-ignore-output"], ""),
        (["needs-json", "needs-no_such_library"], SAID),
        (["needs-", "needs-a-break", "no_such_library"], ""),
    ],
)
def test_a_tag_names_a_library_without_which_a_cell_is_left_out(tags: list[str], said: str) -> None:
    assert left_out(tags) == said


# --- the magic ------------------------------------------------------------------------------------------------------


@pytest.fixture
def shell(empty_shell: InteractiveShell) -> InteractiveShell:
    empty_shell.run_line_magic("load_ext", "magics")
    return empty_shell


def test_a_cell_runs_as_without_the_magic_or_says_in_one_line_why_not(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = shell.run_cell("%%needs json\nimport json\nkept = json.loads('[1]')\nkept", store_history=True)
    assert (ran.result, shell.user_ns["kept"], capsys.readouterr().out) == ([1], [1], "Out[1]: [1]\n")
    nested = shell.run_cell("%%needs json\n%%measure -q -o cost\nkept = 2")
    assert (nested.error_in_exec, shell.user_ns["kept"], shell.user_ns["cost"].label) == (None, 2, "In [1]")
    failed = shell.run_cell("%%needs json\nkept = 3\n1 / 0")
    assert (type(failed.error_in_exec), shell.user_ns["kept"]) == (ZeroDivisionError, 3)
    assert "magics" not in capsys.readouterr().out
    absent = shell.run_cell("%%needs no_such_library\n%%measure\nkept = 4\nimport no_such_library")
    assert (absent.error_in_exec, shell.user_ns["kept"], capsys.readouterr().out) == (None, 3, f"{SAID}\n")


def test_a_cell_may_await_in_the_loop_of_the_kernel(shell: InteractiveShell) -> None:
    source = "%%needs json\nimport asyncio\nawait asyncio.sleep(0, 5)"

    async def kernel() -> object:
        transformed = shell.transform_cell(source)
        assert shell.should_run_async(source, transformed_cell=transformed)
        return (await shell.run_cell_async(source, transformed_cell=transformed)).result

    assert asyncio.run(kernel()) == 5


@pytest.mark.parametrize("line", ["", "two names", "h5py-3"])
def test_what_is_no_name_of_a_library_is_refused(shell: InteractiveShell, line: str) -> None:
    assert isinstance(shell.run_cell(f"%%needs {line}\n1").error_in_exec, BadArgumentError)


# --- pages and scripts ----------------------------------------------------------------------------------------------


def test_a_page_says_why_a_cell_did_not_run_and_the_cells_after_it_do(tmp_path: Path) -> None:
    stale = code("import no_such_library", "needs-no_such_library")
    stale.update(outputs=[nbformat.v4.new_output("stream", text="of another Python")], execution_count=7)
    cells = [text("prose"), code("print('before')"), stale, code("print('after')", "needs-json")]
    path, done = write_notebook(tmp_path / "01_needs.ipynb", *cells), list[ExecutedNotebook]()
    execute_notebooks([read_lesson(path)], tmp_path / "work", on_executed=lambda _, one: done.append(one))
    ran = done[0].notebook.cells[1:]
    assert [cell.outputs[0].text for cell in ran] == ["before\n", f"{SAID}\n", "after\n"]
    assert [cell.execution_count for cell in ran] == [1, None, 2]


def test_a_script_leaves_the_cell_out_too(tmp_path: Path) -> None:
    cells = [
        code("%load_ext magics"),
        code("%%needs no_such_library\n%%measure -q\nimport no_such_library"),
        code("%%needs json\nimport json\njson.loads('[1]')"),
    ]
    script, _ = ScriptExporter().from_notebook_node(nbformat.from_dict(notebook(*cells)), {"metadata": {"name": "s"}})
    (tmp_path / "s.py").write_text(script, encoding="utf-8")
    run = subprocess.run([sys.executable, "s.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (run.stdout, run.stderr) == (f"{SAID}\n[1]\n", "")


# --- where h5py and bcolz are hidden --------------------------------------------------------------------------------


def test_a_way_and_a_conversion_say_in_one_line_what_is_missing(tmp_path: Path) -> None:
    program = """
import course
from course.ways import answer, convert

small = course.month_file("month.csv", rows=1000).path
for way, form in (("h5py", "hdf5"), ("bcolz", "bcolz")):
    for call in (lambda: answer(way, small), lambda: convert(form, small, "small.out")):
        try:
            call()
        except course.CourseError as error:
            print(error)
print(answer("zarr", convert("zarr", small, "small.zarr")).size)
"""
    run = hidden("-c", program, cwd=tmp_path)
    advice = "{0} is not installed here: pip install {1}, if there is a wheel for this Python and machine\n"
    expected = 2 * advice.format("h5py", "h5py") + 2 * advice.format("bcolz", "bcolz-zipline")
    assert (run.stderr, run.stdout) == ("", f"{expected}9\n")


def test_the_bench_measures_the_others_and_the_doctor_names_what_is_missing(tmp_path: Path) -> None:
    ways = ["--ways", "h5py,bcolz,zarr", "--rows", "500", "--repeat", "1", "--output", "made"]
    bench = hidden("-m", "course", "bench", *ways, cwd=tmp_path)
    assert (bench.returncode, bench.stderr.splitlines()) == (
        0,
        [f"{library}, 500 rows: {library} is not installed" for library in ("h5py", "bcolz")],
    )
    doctor = hidden("-m", "course", "doctor", cwd=tmp_path)
    assert [name for name in ("h5py", "bcolz-zipline", "zarr") if name in doctor.stdout] == ["h5py", "bcolz-zipline"]
