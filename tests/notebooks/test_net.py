"""The net is not torn: nbval goes red when one cell fails, and when one result changes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest

from course.publish.menu_output import is_menu

if TYPE_CHECKING:
    from nbformat import NotebookNode

ROOT = Path(__file__).parents[2]
LESSON = ROOT / "notebooks" / "01_data.ipynb"


@pytest.fixture
def lesson() -> NotebookNode:
    """Return the first lesson up to its first compared result, without its menu (which would see the change too)."""
    notebook = nbformat.read(LESSON, as_version=4)
    cells = [cell for cell in notebook.cells if not any(map(is_menu, cell.get("outputs", [])))]
    last = next(index for index, cell in enumerate(cells) if is_compared(cell))
    notebook.cells = cells[: last + 1]
    return notebook


def is_compared(cell: NotebookNode) -> bool:
    results = [output for output in cell.get("outputs", []) if output.output_type == "execute_result"]
    return bool(results) and "nbval-ignore-output" not in cell.metadata.get("tags", [])


def nbval(notebook: NotebookNode, folder: Path) -> subprocess.CompletedProcess[str]:
    path = folder / LESSON.name
    nbformat.write(notebook, path)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "conftest", "-c", "pyproject.toml", "-q", "--nbval", path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_lesson_as_stored_is_green(lesson: NotebookNode, tmp_path: Path) -> None:
    run = nbval(lesson, tmp_path)
    assert run.returncode == 0, run.stdout


def test_one_changed_result_is_red(lesson: NotebookNode, tmp_path: Path) -> None:
    result = next(output for output in lesson.cells[-1].outputs if output.output_type == "execute_result")
    result.data["text/plain"] += "1"
    run = nbval(lesson, tmp_path)
    assert run.returncode == 1, run.stdout
    assert "mismatch 'text/plain'" in run.stdout


def test_one_failing_cell_is_red(lesson: NotebookNode, tmp_path: Path) -> None:
    lesson.cells.append(nbformat.v4.new_code_cell("1 / 0", execution_count=99))
    run = nbval(lesson, tmp_path)
    assert run.returncode == 1, run.stdout
    assert "ZeroDivisionError" in run.stdout


def test_a_result_that_disappears_is_red(lesson: NotebookNode, tmp_path: Path) -> None:
    lesson.cells[-1].source = "None"
    run = nbval(lesson, tmp_path)
    assert run.returncode == 1, run.stdout


def test_every_stored_lesson_is_found_by_nbval() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "--nbval", "notebooks"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        assert f"notebooks/{path.name}::" in run.stdout
