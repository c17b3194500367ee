"""The printed deck and the speaker's notes."""

from __future__ import annotations

import io
from typing import Any

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from pypdf import PdfReader

from course.publish.paper import NotesPDFExporter, SlidesPDFExporter

LONG = "\n".join(f"line {i}" for i in range(300))
PROSE = "The question of the course is a sum by age class. " * 60


def cell(source: str, kind: str, output: str = "") -> Any:
    metadata = {"slideshow": {"slide_type": kind}}
    if output:
        return new_code_cell(source, metadata=metadata, outputs=[new_output("stream", text=output)])
    return new_markdown_cell(source, metadata=metadata)


NOTEBOOK = new_notebook(
    cells=[
        cell("# The deck", "slide"),
        cell("said aloud", "notes"),
        cell("## Two", "slide"),
        cell("revealed", "fragment"),
        cell("never shown", "skip"),
        cell("print(lines)", "subslide", LONG),
        cell("## Prose\n\n" + PROSE, "slide"),
        cell("## Far too long\n\n" + "\n".join(f"- point {i}" for i in range(80)), "slide"),
    ]
)


def published(exporter: Any, notebook: Any = NOTEBOOK) -> list[Any]:
    pdf, _ = exporter().from_notebook_node(notebook, {})
    return list(PdfReader(io.BytesIO(pdf)).pages)


@pytest.fixture(scope="module")
def deck() -> list[Any]:
    return published(SlidesPDFExporter)


def test_each_slide_is_one_wide_page_with_its_number(deck: list[Any]) -> None:
    assert len(deck) == 5
    for number, page in enumerate(deck, start=1):
        assert (round(page.mediabox.width), round(page.mediabox.height)) == (960, 540)
        assert f"{number} / 5" in page.extract_text()


def test_fragments_are_merged_and_notes_and_skipped_cells_left_out(deck: list[Any]) -> None:
    text = "\n".join(page.extract_text() for page in deck)
    assert "revealed" in deck[1].extract_text()
    assert "said aloud" not in text
    assert "never shown" not in text


def test_what_is_too_tall_is_cut_with_a_notice_or_shrunk_to_one_page(deck: list[Any]) -> None:
    text = deck[2].extract_text()
    assert all(words in text for words in ("line 0", "line 299", "282 lines not shown"))
    assert " ".join(deck[3].extract_text().split()).count("The question") == 60
    assert "point 79" in deck[4].extract_text()


def test_slides_stay_above_their_footer(deck: list[Any]) -> None:
    for page in deck:
        heights: list[float] = []

        def visit(text: str, outer: list[float], inner: list[float], *_: Any, heights: list[float] = heights) -> None:
            if text.strip():
                heights.append(outer[1] * inner[4] + outer[3] * inner[5] + outer[5])

        page.extract_text(visitor_text=visit)
        title, number, *content = sorted(heights)
        assert max(title, number) < 40 <= min(content)


def test_handout_is_a4_with_three_slides_a_page_and_their_notes() -> None:
    pages = published(NotesPDFExporter)
    assert len(pages) == 2
    assert round(pages[0].mediabox.width) == 595
    assert "said aloud" in pages[0].extract_text()


@pytest.mark.parametrize(("exporter", "suffix"), [(SlidesPDFExporter, ".slides.pdf"), (NotesPDFExporter, ".notes.pdf")])
def test_deck_and_handout_are_the_same_bytes_each_time_and_have_one_page_when_empty(exporter: Any, suffix: str) -> None:
    assert exporter().file_extension == suffix
    assert exporter().from_notebook_node(NOTEBOOK, {})[0] == exporter().from_notebook_node(NOTEBOOK, {})[0]
    assert len(published(exporter, new_notebook())) == 1
