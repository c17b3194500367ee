"""Notebooks run apart from their sources, at the same time, are measured, and fail with a place and a reason."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from notebook_writer import code, contents, notebook, text, write_notebook

from course.errors import BuildError
from course.publish.execute import ExecutedNotebook, execute_notebooks
from course.publish.lessons import discover_lessons, read_lesson

MEET = """
import time
from pathlib import Path
Path({mine!r}).touch()
for _ in range(2000):
    if Path({other!r}).exists():
        break
    time.sleep(0.01)
print("met:", Path({other!r}).exists())
"""

LOOK = """
import os, course
print(os.environ.get("COLUMNS"), os.environ.get("LINES"), end=" ")
print(os.environ["BIGDATA_COURSE_PROGRESS"], Path(os.environ["JPY_SESSION_NAME"]).is_file())
print(Path("beside.txt").read_text(), Path("data/given.txt").read_text(), Path.cwd())
Path("data/made.txt").write_text("made")
Path("beside.txt").write_text("changed")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of two lessons that wait for each other, with a file beside them."""
    folder = tmp_path_factory.mktemp("course") / "notebooks"
    signs = [str(folder.parent / name) for name in ("first", "second")]
    write_notebook(
        folder / "01_first.ipynb",
        code(MEET.format(mine=signs[0], other=signs[1])),
        code(LOOK),
        code("json = __import__('json'); json.loads('{')", "raises-exception"),
        code("passing = b'x' * 300_000_000; time.sleep(0.3); del passing"),
        code("import warnings; warnings.warn('careful')"),
    )
    held = code("held = b'x' * 100_000_000")
    write_notebook(folder / "02_second.ipynb", code(MEET.format(mine=signs[1], other=signs[0])), held)
    (folder / "beside.txt").write_text("beside")
    return folder


@pytest.fixture(scope="module")
def executed(folder: Path) -> dict[str, ExecutedNotebook]:
    """Return the lessons of the folder after execution, by name; the folder stays as it was."""
    before = contents(folder)
    given = folder.parent / "given.txt"
    given.write_text("given")
    found: dict[str, ExecutedNotebook] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "33")
        patch.setenv("LINES", "11")
        execute_notebooks(
            discover_lessons(folder),
            folder.parent / "work",
            [given],
            on_executed=lambda lesson, done: found.update({lesson.name: done}),
        )
    assert contents(folder) == before
    return found


def printed(executed: ExecutedNotebook, cell: int) -> str:
    return "".join(output.get("text", "") for output in executed.notebook.cells[cell].outputs)


def test_two_notebooks_run_at_once_each_in_a_copy_of_its_folder(executed: dict[str, ExecutedNotebook]) -> None:
    assert [printed(executed[name], 0) for name in ("01_first", "02_second")] == ["met: True\n", "met: True\n"]
    assert printed(executed["01_first"], 1) == "None None off True\nbeside given .\n"


def test_a_cell_that_must_raise_does_not_stop_the_notebook(executed: dict[str, ExecutedNotebook]) -> None:
    cells = executed["01_first"].notebook.cells
    assert cells[2].outputs[0].ename == "JSONDecodeError"
    assert cells[4].execution_count == 5


def test_outputs_name_nothing_of_the_machine(folder: Path, executed: dict[str, ExecutedNotebook]) -> None:
    text = str([cell.outputs for cell in executed["01_first"].notebook.cells])
    assert "careful" in text
    for name in (str(folder.parent), str(Path.home()), "ipykernel_", "~/"):
        assert name not in text
    assert re.search(r"File \S*python/json/", re.sub(r"\\x1b\[[\d;]*m", "", text))


def test_seconds_and_peak_memory_are_those_of_the_kernel(executed: dict[str, ExecutedNotebook]) -> None:
    first, second = executed["01_first"], executed["02_second"]
    assert first.peak_bytes > 300_000_000
    assert first.peak_bytes > second.peak_bytes > 100_000_000
    assert 0 < first.seconds < 60


def test_a_failing_cell_is_named_with_its_line_and_error_and_stops_the_others(tmp_path: Path) -> None:
    failing = write_notebook(
        tmp_path / "01_fails.ipynb", text("# Title\n\n## Count the *lines*"), code("a = 1\na / 0  # why"), code("a")
    )
    # would last for ever if it was not stopped
    endless = write_notebook(tmp_path / "02_endless.ipynb", code("import time\nwhile True: time.sleep(0.1)"))
    with pytest.raises(BuildError) as caught:
        execute_notebooks([read_lesson(failing), read_lesson(endless)], tmp_path / "work", on_executed=print)
    message = "01_fails.ipynb, cell 2 of 3 under “Count the lines”, line 2: a / 0  # why"
    assert str(caught.value) == f"{message} → ZeroDivisionError: division by zero"


@pytest.mark.parametrize(
    ("last", "message"),
    [
        ("import time; time.sleep(60)", "the cell lasted over 1 s"),
        ("import os; os._exit(1)", "the kernel died"),
        ("raise ValueError('a\\nb')", "line 1: raise ValueError('a\\nb') → ValueError: a"),
    ],
)
def test_a_cell_that_lasts_too_long_and_a_kernel_that_dies_are_named(tmp_path: Path, last: str, message: str) -> None:
    path = write_notebook(tmp_path / "01_bad.ipynb", code("pass"), code(last))
    with pytest.raises(BuildError) as caught:
        execute_notebooks([read_lesson(path)], tmp_path / "work", timeout=1, on_executed=print)
    assert str(caught.value).startswith("01_bad.ipynb, cell 2 of 2")
    assert message in str(caught.value)


def of_kernel(path: Path, *cells: dict[str, object], **kernel: str) -> Path:
    content = notebook(*cells) | {"metadata": {"kernelspec": kernel}}
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_a_notebook_of_another_language_is_refused_before_any_cell_runs(tmp_path: Path) -> None:
    sign = tmp_path / "sign"
    python = write_notebook(tmp_path / "01_a.ipynb", code(f"__import__('pathlib').Path({str(sign)!r}).touch()"))
    other = of_kernel(tmp_path / "02_b.ipynb", code("1"), name="ir", display_name="R", language="R")
    with pytest.raises(
        BuildError, match=r"^02_b\.ipynb is a notebook of R, and lessons run in Python; choose .*"
    ) as caught:
        execute_notebooks([read_lesson(python), read_lesson(other)], tmp_path / "work", on_executed=print)
    assert "\n" not in str(caught.value)
    assert not sign.exists()


HOME = """
from pathlib import Path
home = str(Path.home())
print(f"http://host{home}/a https://host//{home}/a /other{home}/a data:text/plain,{home}/a")
print(f"{home}/a {home} '{home}/a' file://{home}/a \\x1b[32m{home}/a\\x1b[0m \\\\n{home}/a {home}.bak")
"""


def test_python_has_many_kernels_and_addresses_keep_their_letters(tmp_path: Path) -> None:
    path = of_kernel(tmp_path / "01_a.ipynb", code(HOME), name="conda-env-mine-py", display_name="mine")
    found: list[ExecutedNotebook] = []
    execute_notebooks([read_lesson(path)], tmp_path / "work", on_executed=lambda _, done: found.append(done))
    home = str(Path.home())
    kept = f"http://host{home}/a https://host//{home}/a /other{home}/a data:text/plain,{home}/a"
    assert printed(found[0], 0).splitlines() == [
        kept,
        f"~/a ~ '~/a' file://~/a \x1b[32m~/a\x1b[0m \\n~/a {home}.bak",
    ]
