"""The script of each lesson, run by plain Python in an empty folder, gives the answers stored in the lesson."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest

import course
from course.generator.real import VARIABLE
from course.publish.lessons import copy_companions
from course.publish.markdown import is_menu
from course.publish.script import ScriptExporter

if TYPE_CHECKING:
    from nbformat import NotebookNode

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
FIGURE = re.compile(r"Figure\(|<Figure size ")
TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?")  # on a line of progress
LESSONS = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))


# Seconds of processor for all the scripts: 170. The one on SQL magics is run each time.
QUICK = {"08_sql_magics"}
ALL = "BIGDATA_COURSE_ALL_SCRIPTS"


# xdist gives to one worker the tests that share what stands before the last "::": each lesson is free to go to any
@pytest.mark.parametrize("path", LESSONS, ids=lambda path: f"{path.stem}::script")
def test_a_script_gives_the_answers_of_its_lesson(path: Path, tmp_path: Path) -> None:
    if path.stem not in QUICK and not os.environ.get(ALL):
        pytest.skip(f"costs 10 to 30 s of processor: set {ALL}=1 to run it, as the weekly tests do")
    lesson = write_script(path, tmp_path)
    done = run(tmp_path, f"{path.stem}.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert differences(lesson, done.stdout) == []


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: f"{path.stem}::real")
def test_a_lesson_takes_a_real_month(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file in the form of 2025: one more column, no blank line, fewer rows than most lessons would generate."""
    if not os.environ.get(ALL):
        pytest.skip(f"costs 10 to 30 s of processor: set {ALL}=1 to run it, as the weekly tests do")
    month = course.month_file(tmp_path / "drawn.csv", rows=150_000, seed=11).path
    header, *rows = month.read_text(encoding="ascii").splitlines()
    text = "".join([f"{header}ETB_DCS_MCO;\n", *(f"{row}Z;\n" for row in rows)])
    (tmp_path / "A202501.csv.gz").write_bytes(gzip.compress(text.encode(), 1))
    monkeypatch.setenv(VARIABLE, str(tmp_path / "A202501.csv.gz"))
    write_script(path, tmp_path)
    done = run(tmp_path, f"{path.stem}.py")
    assert done.returncode == 0, done.stderr


def write_script(path: Path, folder: Path) -> NotebookNode:
    """Write the script of a lesson in a folder, with what it needs beside it, and return the lesson."""
    lesson = nbformat.read(path, as_version=4)
    script, resources = ScriptExporter().from_notebook_node(lesson, {"metadata": {"name": path.stem}})
    assert resources.get("course_warnings", []) == []
    copy_companions(NOTEBOOKS, folder)
    (folder / f"{path.stem}.py").write_text(script, encoding="utf-8")
    return lesson


def run(folder: Path, name: str) -> subprocess.CompletedProcess[str]:
    # a table is as wide as the terminal allows, in a notebook 80 columns
    environment = os.environ | {"BIGDATA_COURSE_PROGRESS": "off", "COLUMNS": "80", "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        [sys.executable, name], cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False
    )


def differences(lesson: NotebookNode, printed: str) -> list[str]:
    """Return what the script printed otherwise than the lesson shows: the first cell of each run of cells.

    Outputs are compared line by line and in order. After a cell whose output changes from one run to the next
    (tag ``nbval-ignore-output``), the comparison goes on at the first place where the next cell's answer stands.
    """
    lines = compared(printed)
    place, is_free, found = 0, False, []
    for cell in lesson.cells:
        if cell.cell_type != "code":
            continue
        if "nbval-ignore-output" in cell.metadata.get("tags", []):
            is_free = True
            continue
        expected = [line for output in cell.outputs for line in shown(output)]
        if not expected:
            continue
        last = len(lines) - len(expected) if is_free else place
        position = next((at for at in range(place, last + 1) if lines[at : at + len(expected)] == expected), None)
        if position is None:
            found.append(
                f"{cell.source}\n--- stored\n{chr(10).join(expected)}\n--- printed\n"
                + "\n".join(lines[place : place + 40])
            )
            is_free = True
            continue
        place, is_free = position + len(expected), False
    if lines[place:] and not is_free:
        found.append("after the last cell: " + "\n".join(lines[place:]))
    return found


def shown(output: NotebookNode) -> Iterator[str]:
    """Yield the lines that a script prints for an output; of a picture, what it draws; the menu prints nothing."""
    if is_menu(output):
        return
    if output.output_type == "error":
        yield from f"{output.ename}: {output.evalue}".splitlines()
    else:
        yield from compared(output.get("text") or output.get("data", {}).get("text/plain", ""))


def compared(text: str) -> list[str]:
    return [TIME.sub("TIME", line) for line in text.splitlines() if not FIGURE.match(line)]
