"""The net is not torn: nbval goes red when one cell fails, and when one result changes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import nbformat
import pytest

from course.publish.markdown import is_menu

if TYPE_CHECKING:
    from nbformat import NotebookNode

ROOT = Path(__file__).parents[2]
LESSON = ROOT / "notebooks" / "01_data.ipynb"


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


def with_a_changed_result() -> NotebookNode:
    changed = lesson()
    result = next(output for output in changed.cells[-1].outputs if output.output_type == "execute_result")
    result.data["text/plain"] += "1"
    return changed


def with_a_failing_cell() -> NotebookNode:
    failing = lesson()
    failing.cells.append(nbformat.v4.new_code_cell("1 / 0", execution_count=99))
    return failing


def with_a_vanished_result() -> NotebookNode:
    vanished = lesson()
    vanished.cells[-1].source = "None"
    return vanished


CASES = {
    "stored": lesson,
    "changed": with_a_changed_result,
    "failing": with_a_failing_cell,
    "vanished": with_a_vanished_result,
}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> ET.Element:
    """Return what one run of nbval says of four variants of the lesson."""
    folder = tmp_path_factory.mktemp("variants")
    for name, variant in CASES.items():
        nbformat.write(variant(), folder / f"{name}.ipynb")
    told = folder / "report.xml"
    options = ["-p", "conftest", "-c", "pyproject.toml", "-q", "--nbval", f"--junit-xml={told}"]
    subprocess.run([sys.executable, "-m", "pytest", *options, folder], cwd=ROOT, check=False, capture_output=True)
    return ET.parse(told).getroot()


def failures(report: ET.Element, name: str) -> list[str]:
    """Return what nbval says of the cells of a variant that are red."""
    cases = [case for case in report.iter("testcase") if case.get("classname", "").endswith(f"{name}.ipynb")]
    assert len(cases) == sum(cell.cell_type == "code" for cell in CASES[name]().cells)
    return [found.text or "" for case in cases for found in case if found.tag in {"failure", "error"}]


def test_the_lesson_as_stored_is_green(report: ET.Element) -> None:
    assert failures(report, "stored") == []


def test_one_changed_result_is_red(report: ET.Element) -> None:
    (failure,) = failures(report, "changed")
    assert "mismatch 'text/plain'" in failure


def test_one_failing_cell_is_red(report: ET.Element) -> None:
    (failure,) = failures(report, "failing")
    assert "ZeroDivisionError" in failure


def test_a_result_that_disappears_is_red(report: ET.Element) -> None:
    assert len(failures(report, "vanished")) == 1


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
