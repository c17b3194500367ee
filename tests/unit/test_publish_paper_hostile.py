"""Whatever a notebook holds, it becomes a PDF and its text is not lost."""

from __future__ import annotations

import io
import logging
from html import escape

import pytest
from hostile_notebooks import HOSTILE, display, stream
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_markdown_cell, new_notebook
from pypdf import PdfReader

from course.publish.paper import NotesPDFExporter, PDFExporter, SlidesPDFExporter

logging.getLogger("pypdf").setLevel(logging.CRITICAL)
ARTICLE = PDFExporter()


@pytest.mark.parametrize("exporter", [PDFExporter, SlidesPDFExporter, NotesPDFExporter])
@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.filterwarnings("ignore::nbformat.warnings.MissingIDFieldWarning")
def test_hostile_notebooks_become_pdf(name: str, exporter: type[PDFExporter]) -> None:
    pdf, _ = exporter().from_notebook_node(new_notebook(cells=HOSTILE[name]), {})
    assert len(PdfReader(io.BytesIO(pdf)).pages) >= 1


@pytest.mark.parametrize("name", ["unknown macros", "missing images", "broken images", "widget"])
def test_what_cannot_be_set_is_told(name: str) -> None:
    _, resources = ARTICLE.from_notebook_node(new_notebook(cells=HOSTILE[name]), {})
    assert resources["course_warnings"]
    assert all("\n" not in warning for warning in resources["course_warnings"])


# Letters that the fonts have: ligatures, right-to-left runs and combining marks change places in the text of a PDF.
LETTERS = st.text(
    st.sampled_from("abcdeghjkmnopqrsuvwxyzABCXYZ0123456789éàçñßøΩλЖд€$#\\{}[]()<>@*_~`^&%\"'=+-/|!?;:,."), min_size=1
)
SETTINGS = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def words_of(pdf: bytes) -> str:
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)
    return "".join(text.split())


@SETTINGS
@given(LETTERS, LETTERS)
@example('"#panic()', '"#panic()')
@example("\\u{0}", "\\u{0}")
def test_any_text_of_an_output_is_printed_to_the_letter(plain: str, marked: str) -> None:
    html = display("text/html", f"<p>open {escape(marked)} close</p>")
    pdf, _ = ARTICLE.from_notebook_node(new_notebook(cells=[stream(f"begin {plain} end"), html]), {})
    words = words_of(pdf)
    assert f"begin{plain}end" in words
    assert f"open{marked}close" in words


@SETTINGS
@given(st.text(max_size=200), st.text(max_size=200))
def test_any_markdown_and_any_html_compile(markdown: str, html: str) -> None:
    cells = [
        new_markdown_cell(f"kept {markdown}"),
        new_markdown_cell(f"${markdown}$"),
        display("text/html", html),
        stream(html),
    ]
    pdf, _ = ARTICLE.from_notebook_node(new_notebook(cells=cells), {})
    assert pdf.startswith(b"%PDF")
