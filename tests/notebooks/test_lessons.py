"""What every lesson promises, read from its stored notebook."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest

from course.publish.markdown import is_menu

if TYPE_CHECKING:
    from nbformat import NotebookNode

LESSONS = sorted((Path(__file__).parents[2] / "notebooks").glob("[0-9][0-9]_*.ipynb"))


@pytest.fixture(params=LESSONS, ids=lambda path: path.stem)
def lesson(request: pytest.FixtureRequest) -> NotebookNode:
    return nbformat.read(request.param, as_version=4)


def outputs(lesson: NotebookNode) -> list[NotebookNode]:
    return [output for cell in lesson.cells for output in cell.get("outputs", [])]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_is_small(path: Path) -> None:
    assert path.stat().st_size < 300_000


def test_a_lesson_says_what_it_needs_and_how_long_it_takes(lesson: NotebookNode) -> None:
    start = "\n".join(cell.source for cell in lesson.cells[:2])
    for part in ("# ", "**Overview**", "| Prerequisites |", "**Time to learn**: "):
        assert part in start


def test_a_lesson_has_its_menu_and_ends_with_what_is_next(lesson: NotebookNode) -> None:
    assert any(map(is_menu, outputs(lesson)))
    prose = "\n".join(cell.source for cell in lesson.cells if cell.cell_type == "markdown")
    assert re.findall(r"^## (.+)$", prose, flags=re.MULTILINE)[-2:] == ["Summary", "What is next"]


def test_every_code_cell_was_run_in_order(lesson: NotebookNode) -> None:
    counts = [cell.execution_count for cell in lesson.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))


def test_prose_is_not_outnumbered_by_code(lesson: NotebookNode) -> None:
    kinds = [cell.cell_type for cell in lesson.cells]
    assert kinds.count("markdown") >= kinds.count("code")


def test_nothing_is_printed_on_stderr(lesson: NotebookNode) -> None:
    assert [output for output in outputs(lesson) if output.get("name") == "stderr"] == []


def test_no_output_shows_a_path_or_an_address_of_this_machine(lesson: NotebookNode) -> None:
    shown = str(outputs(lesson))
    assert not re.search(r"/(home|root|tmp|Users)/|[A-Z]:\\\\|0x[0-9a-f]{8}", shown)
    assert str(Path(__file__).parents[2]) not in shown


def test_every_picture_has_a_text(lesson: NotebookNode) -> None:
    for output in outputs(lesson):
        for kind in set(output.get("data", {})) & {"image/png", "image/svg+xml", "image/jpeg"}:
            assert len(output.metadata.get(kind, {}).get("alt", "")) > 20


def test_a_cell_that_prints_a_time_is_not_compared(lesson: NotebookNode) -> None:
    for cell in lesson.cells:
        if re.search(r"\d m?s wall", str(cell.get("outputs", ""))):
            assert "nbval-ignore-output" in cell.metadata.get("tags", [])
