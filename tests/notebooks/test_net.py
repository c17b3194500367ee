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


def variants() -> dict[str, NotebookNode]:
    """Return the lesson as stored, with a result that changed, a cell that fails, a result that disappeared, a need."""
    made = {name: lesson() for name in ("stored", "changed", "failing", "vanished", "needing")}
    results = (output for output in made["changed"].cells[-1].outputs if output.output_type == "execute_result")
    next(results).data["text/plain"] += "1"
    made["failing"].cells.append(nbformat.v4.new_code_cell("1 / 0", execution_count=99))
    made["vanished"].cells[-1].source = "None"
    for library in ("no_such_library", "json"):
        needing = nbformat.v4.new_code_cell("1 / 0", execution_count=99, metadata={"tags": [f"needs-{library}"]})
        made["needing"].cells.append(needing)
    return made


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> ET.Element:
    """Return what one run of nbval says of four variants of the lesson."""
    folder = tmp_path_factory.mktemp("variants")
    for name, variant in variants().items():
        nbformat.write(variant, folder / f"{name}.ipynb")
    told = folder / "report.xml"
    options = ["-p", "conftest", "-c", "pyproject.toml", "-q", "--nbval", f"--junit-xml={told}"]
    subprocess.run([sys.executable, "-m", "pytest", *options, folder], cwd=ROOT, check=False, capture_output=True)
    return ET.parse(told).getroot()


EXPECTED = {"stored": [], "changed": ["mismatch 'text/plain'"], "failing": ["ZeroDivisionError"], "vanished": [""]}
EXPECTED["needing"] = ["ZeroDivisionError"]  # that of the library which is there


@pytest.mark.parametrize(("name", "expected"), EXPECTED.items())
def test_the_lesson_as_stored_is_green_and_a_change_or_an_error_is_red(
    report: ET.Element, name: str, expected: list[str]
) -> None:
    cases = [case for case in report.iter("testcase") if case.get("classname", "").endswith(f"{name}.ipynb")]
    assert len(cases) == sum(cell.cell_type == "code" for cell in variants()[name].cells)
    failures = [found.text or "" for case in cases for found in case if found.tag in {"failure", "error"}]
    assert len(failures) == len(expected)
    skipped = [found.get("message", "") for case in cases for found in case if found.tag == "skipped"]
    assert [one.split(" needs ")[1].split(",")[0] for one in skipped] == ["no_such_library"] * (name == "needing")
    assert all(text in failure for text, failure in zip(expected, failures, strict=True))


def test_every_stored_lesson_is_found_by_nbval() -> None:
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "--nbval", "notebooks"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        assert f"notebooks/{path.name}::" in run.stdout
