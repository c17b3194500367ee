"""What every lesson promises, read from its stored notebook."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from reading_time import Time, reading_time, said_minutes

from course.publish.markdown import is_menu

if TYPE_CHECKING:
    from nbformat import NotebookNode

ROOT = Path(__file__).parents[2]
LESSONS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
DECKS = sorted((ROOT / "slides").glob("*.ipynb"))

# a decimal, a per cent or a count with commas; "60 - 69 ANS" is a name, and bars at 95 % are drawn for that
MEASURED = r"\d[.]\d|(?<!95) %|\d,\d{3}"


LONG_LESSONS = ("spill", "dask", "columns")  # these may take 50 minutes


@pytest.fixture(params=LESSONS, ids=lambda path: path.stem)
def lesson(request: pytest.FixtureRequest) -> NotebookNode:
    return nbformat.read(request.param, as_version=4)


@pytest.fixture(params=LESSONS + DECKS, ids=lambda path: path.stem)
def notebook(request: pytest.FixtureRequest) -> NotebookNode:
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


def test_a_notebook_has_the_metadata_that_jupyterlab_would_give_it(notebook: NotebookNode) -> None:
    """Otherwise it is unsaved as soon as it is opened: tests/browser/test_start_browser.py opens a few."""
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    own = {name: value for name, value in notebook.metadata.items() if name != "course"}
    assert own == {"kernelspec": kernel, "language_info": {"name": "python"}}
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert {name for cell in notebook.cells for name in cell.metadata} <= {"jupyter", "slideshow", "tags"}


def test_what_a_lesson_writes_is_recorded_for_course_clean_to_delete(lesson: NotebookNode) -> None:
    """The magics record it, from the cell on that loads them."""
    code = [cell.source for cell in lesson.cells if cell.cell_type == "code"]
    loading = next(number for number, source in enumerate(code) if "%load_ext magics" in source.splitlines())
    assert not re.search(r'"data[/"]', "\n".join(code[:loading]))


def test_every_code_cell_was_run_in_order(notebook: NotebookNode) -> None:
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))


def test_a_cell_says_what_it_needs_by_its_tag_and_by_its_first_line(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        tags = [tag.removeprefix("needs-") for tag in cell.metadata.get("tags", []) if tag.startswith("needs-")]
        assert re.findall(r"\A%%needs (\w+)$", cell.source, flags=re.MULTILINE) == tags
    assert not re.search(r"^(?!%%needs).*\b(bcolz|h5py)[.]", untagged(notebook), flags=re.MULTILINE)


def untagged(notebook: NotebookNode) -> str:
    """Return the code of the cells that run on every Python."""
    cells = (cell for cell in notebook.cells if cell.cell_type == "code")
    return "\n".join(cell.source for cell in cells if not cell.source.startswith("%%needs"))


def test_prose_is_not_outnumbered_by_code(lesson: NotebookNode) -> None:
    kinds = [cell.cell_type for cell in lesson.cells]
    assert kinds.count("markdown") >= kinds.count("code")


def test_nothing_is_printed_on_stderr(notebook: NotebookNode) -> None:
    assert [output for output in outputs(notebook) if output.get("name") == "stderr"] == []


def test_no_output_shows_a_path_or_an_address_of_this_machine(notebook: NotebookNode) -> None:
    shown = str(outputs(notebook))
    assert not re.search(r"/(home|root|tmp|Users)/|[A-Z]:\\\\|0x[0-9a-f]{8}", shown)
    assert str(ROOT) not in shown


def test_every_picture_has_a_text(notebook: NotebookNode) -> None:
    for output in outputs(notebook):
        for kind in set(output.get("data", {})) & {"image/png", "image/svg+xml", "image/jpeg"}:
            assert len(output.metadata.get(kind, {}).get("alt", "")) > 20


def test_a_cell_that_prints_a_time_is_not_compared(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        if re.search(r"\d m?s wall", str(cell.get("outputs", ""))):
            assert "nbval-ignore-output" in cell.metadata.get("tags", [])


def test_a_picture_that_is_compared_says_what_it_draws(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        if "nbval-ignore-output" not in cell.metadata.get("tags", []):
            pictures = [output for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]
            assert all("mean" in output.data["text/plain"] for output in pictures), cell.source


def test_the_numbers_of_a_text_of_a_picture_are_computed(notebook: NotebookNode) -> None:
    typed = (
        re.search(r'alt="([^"]*(?:"\s*"[^"]*)*)"', cell.source) for cell in notebook.cells if "alt=" in cell.source
    )
    assert [found[1] for found in typed if found and re.search(MEASURED, found[1])] == []


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_takes_the_time_that_it_says_and_no_more_than_an_hour(path: Path) -> None:
    lesson = nbformat.read(path, as_version=4)
    time, said = reading_time(lesson), said_minutes(lesson)
    assert said is not None
    assert abs(said - time.minutes) <= time.minutes / 5, f"{said} minutes are said: {time}, {time.minutes:.0f} minutes"
    assert 20 <= time.reading <= (50 if path.stem[3:] in LONG_LESSONS else 40), f"{time}: {time.reading:.0f} minutes"
    assert time.minutes <= 70, time


def test_the_time_to_read_counts_what_a_student_reads_and_does() -> None:
    notes, solution, exercise = {"slideshow": {"slide_type": "notes"}}, {"tags": ["solution"]}, {"tags": ["exercise"]}
    lesson = new_notebook(
        cells=[
            new_markdown_cell(
                "# Title of [six words](a.ipynb 'tip') <b class='x y'>no more</b>\n\n**Time to learn**: 30 minutes"
            ),
            new_markdown_cell("Ask the room.", metadata=notes),
            new_code_cell("x = 1\n\ny = 2"),
            new_code_cell("course.check_answer(\n    answer,\n    truth,\n)\n# twice\n%check 2"),
            new_code_cell("course.check_answer(answer, truth)\nprint(1)"),
            new_code_cell(""),
            new_markdown_cell("### Exercise chunks.1: sum\n\nAdd (10 minutes).", metadata=exercise),
            new_markdown_cell("### Exercise chunks.2: count", metadata=exercise),
            new_code_cell("# your answer", metadata=exercise),
            new_code_cell("answer = 1", metadata=solution),
            new_markdown_cell("It is one.", metadata=solution),
        ]
    )
    time = reading_time(lesson)
    assert (time, said_minutes(lesson)) == (Time(words=11, lines=4, cells=2, exercises=15), 30)
    assert time.minutes == pytest.approx(11 / 150 + (4 * 8 + 2 * 12) / 60 + 15)
