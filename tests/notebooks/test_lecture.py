"""The lecture takes the minutes that its notes say: the rule of the lessons, and a minute for each question asked."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from reading_time import SECONDS_A_LINE, reading_time

if TYPE_CHECKING:
    from nbformat import NotebookNode

LECTURE = nbformat.read(Path(__file__).parents[2] / "slides" / "lecture.ipynb", as_version=4)
MINUTES = 45


def place(cell: NotebookNode) -> str:
    return str(cell.metadata.get("slideshow", {}).get("slide_type", "-"))


def slides(deck: NotebookNode) -> list[list[NotebookNode]]:
    """Return the cells of each slide, those that are not shown left out."""
    found: list[list[NotebookNode]] = []
    for cell in deck.cells:
        if place(cell) in {"slide", "subslide"}:
            found.append([])
        if place(cell) != "skip":
            found[-1].append(cell)
    return found


def minutes(slide: list[NotebookNode]) -> float:
    """Return the time of a slide: a cell whose code is hidden, to show a picture, has no line to read."""
    hidden = [cell.metadata.get("jupyter", {}).get("source_hidden", False) for cell in slide]
    read = [new_code_cell("shown") if is_hidden else cell for cell, is_hidden in zip(slide, hidden, strict=True)]
    asked = sum(cell.source.count("**Ask**") for cell in slide if place(cell) == "notes")
    return reading_time(new_notebook(cells=read)).reading - sum(hidden) * SECONDS_A_LINE / 60 + asked


def clock(slide: list[NotebookNode]) -> tuple[float, float]:
    """Return when a slide begins and ends, in minutes, as its one cell of notes says."""
    (notes,) = (cell for cell in slide if place(cell) == "notes")
    found = re.match(r"\*\*(\d+):(\d\d) to (\d+):(\d\d)\.\*\* ", notes.source)
    assert found, notes.source
    start, start_seconds, end, end_seconds = map(int, found.groups())
    return start + start_seconds / 60, end + end_seconds / 60


def test_the_lecture_has_no_more_slides_and_minutes_than_it_says() -> None:
    deck = slides(LECTURE)
    assert 25 <= len(deck) <= 28
    assert 0.8 * MINUTES <= sum(map(minutes, deck)) <= MINUTES


def test_the_clock_of_the_notes_gives_each_slide_its_time() -> None:
    deck = slides(LECTURE)
    times = [clock(slide) for slide in deck]
    assert [start for start, _ in times] == [0, *(end for _, end in times[:-1])]
    assert times[-1][1] == MINUTES
    for slide, (start, end) in zip(deck, times, strict=True):
        assert end - start == pytest.approx(minutes(slide), abs=0.5), slide[0].source
