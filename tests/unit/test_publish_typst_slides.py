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


@pytest.fixture(scope="module")
def deck() -> list[Any]:
    pdf, _ = SlidesPDFExporter().from_notebook_node(NOTEBOOK, {})
    return list(PdfReader(io.BytesIO(pdf)).pages)


@pytest.fixture(scope="module")
def handout() -> PdfReader:
    pdf, _ = NotesPDFExporter().from_notebook_node(NOTEBOOK, {})
    return PdfReader(io.BytesIO(pdf))


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


def test_tall_output_is_cut_with_a_notice(deck: list[Any]) -> None:
    text = deck[2].extract_text()
    assert "line 0" in text
    assert "line 299" in text
    assert "282 lines not shown" in text


def test_prose_and_endless_lists_are_shrunk_to_one_page(deck: list[Any]) -> None:
    assert " ".join(deck[3].extract_text().split()).count("The question") == 60
    assert "point 79" in deck[4].extract_text()


def test_slides_stay_within_their_page(deck: list[Any]) -> None:
    for page in deck:
        heights: list[float] = []
        page.extract_text(
            visitor_text=lambda _text, ctm, tm, _font, _size, heights=heights: heights.append(at(ctm, tm))
        )
        assert min(height for height in heights if height) > 0


def at(outer: list[float], inner: list[float]) -> float:
    return outer[1] * inner[4] + outer[3] * inner[5] + outer[5]


def test_handout_is_a4_with_three_slides_a_page_and_their_notes(handout: PdfReader) -> None:
    assert len(handout.pages) == 2
    assert round(handout.pages[0].mediabox.width) == 595
    assert "said aloud" in handout.pages[0].extract_text()


def test_deck_and_handout_are_the_same_bytes_each_time() -> None:
    for exporter in (SlidesPDFExporter, NotesPDFExporter):
        assert exporter().from_notebook_node(NOTEBOOK, {})[0] == exporter().from_notebook_node(NOTEBOOK, {})[0]


def test_empty_deck_has_one_page() -> None:
    for exporter in (SlidesPDFExporter, NotesPDFExporter):
        pdf, _ = exporter().from_notebook_node(new_notebook(), {})
        assert len(PdfReader(io.BytesIO(pdf)).pages) == 1


def test_file_extensions_say_what_the_document_is() -> None:
    assert SlidesPDFExporter().file_extension == ".slides.pdf"
    assert NotesPDFExporter().file_extension == ".notes.pdf"
