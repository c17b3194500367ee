"""``make lessons`` keeps the outputs that vary where nothing they come from has changed, else renews all together."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from PIL import Image, PngImagePlugin
from store_outputs import VARIES, store_outputs

if TYPE_CHECKING:
    from nbformat import NotebookNode


def picture(colour: str, comment: str) -> NotebookNode:
    """Return a picture of one colour, whose bytes depend on a comment that nobody sees."""
    told, file = PngImagePlugin.PngInfo(), io.BytesIO()
    told.add_text("Comment", comment)
    Image.new("RGB", (3, 2), colour).save(file, "PNG", pnginfo=told)
    return new_output("display_data", {"image/png": base64.b64encode(file.getvalue()).decode()})


def notebook(run: str, *, time: str, answer: str = "42", colour: str = "red", source: str = "clock()") -> NotebookNode:
    """Return a lesson of three cells as a run has left it: a time, an answer, a picture."""
    tagged = {"tags": [VARIES]}
    cells = [
        new_code_cell(source, metadata=tagged, outputs=[new_output("stream", text=time)], execution_count=1),
        new_code_cell("answer()", outputs=[new_output("stream", text=answer)], execution_count=2),
        new_code_cell("draw()", outputs=[picture(colour, run)], execution_count=3),
    ]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    return new_notebook(cells=cells)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A lesson whose outputs were stored by a first run."""
    path = tmp_path / "01_lesson.ipynb"
    first = notebook("first", time="1.0 s")
    nbformat.write(first, path)
    assert store_outputs(path, first).startswith("01_lesson: renewed (sources, measure, libraries)")
    return path


def outputs(path: Path) -> list[list[NotebookNode]]:
    return [cell.outputs for cell in nbformat.read(path, as_version=4).cells]


def test_nothing_changes_where_only_times_and_the_bytes_of_pictures_do(path: Path) -> None:
    before = path.read_bytes()
    line = store_outputs(path, notebook("second", time="2.0 s"))
    assert path.read_bytes() == before
    assert line == "01_lesson: times and pictures kept, 0 cells differ"


def test_an_answer_and_a_picture_that_change_are_stored_without_the_times(path: Path) -> None:
    second = notebook("second", time="2.0 s", answer="43", colour="blue")
    line = store_outputs(path, second)
    assert outputs(path) == [
        notebook("first", time="1.0 s").cells[0].outputs,
        *[cell.outputs for cell in second.cells[1:]],
    ]
    assert line.endswith(", 2 cells differ")


@pytest.mark.parametrize("what", ["sources", "measure", "libraries", "as asked"])
def test_all_outputs_come_from_one_run_where_something_has_changed(
    path: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = notebook("second", time="2.0 s")
    if what == "sources":
        changed = nbformat.read(path, as_version=4)
        changed.cells[0].source = second.cells[0].source = "clock() + 0"
        nbformat.write(changed, path)
    elif what == "measure":
        monkeypatch.setattr("store_outputs.tree_digest", lambda folder: "another")
    elif what == "libraries":
        monkeypatch.setattr("store_outputs.versions", lambda: {"pandas": "99"})
    line = store_outputs(path, second, renew=what == "as asked")
    assert outputs(path) == [cell.outputs for cell in second.cells]
    assert line.startswith(f"01_lesson: renewed ({what})")
    assert store_outputs(path, notebook("third", time="3.0 s")).startswith("01_lesson: times and pictures kept")
