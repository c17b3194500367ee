"""Whatever a notebook holds, it becomes a PDF and its text is not lost."""

from __future__ import annotations

import io
import logging
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from pypdf import PdfReader

from course.publish.typst import NotesPDFExporter, PDFExporter, SlidesPDFExporter

logging.getLogger("pypdf").setLevel(logging.CRITICAL)
ARTICLE = PDFExporter()


def stream(text: str) -> Any:
    return new_code_cell("run()", outputs=[new_output("stream", text=text)])


def display(mimetype: str, data: Any) -> Any:
    return new_code_cell("show()", outputs=[new_output("display_data", {mimetype: data, "text/plain": "plain form"})])


HOSTILE: dict[str, list[Any]] = {
    "empty": [],
    "empty cells": [new_markdown_cell(""), new_code_cell(""), new_markdown_cell("#"), stream("")],
    "unclosed html": [
        new_markdown_cell("<div><table><tr><td><b>deep <ul><li>x"),
        display("text/html", "<p><table><td>1<td>2<tr>3"),
    ],
    "nesting": [
        new_markdown_cell("<div>" * 3000 + "deep"),
        new_markdown_cell(">" * 300 + " quote"),
        display("text/html", "<b>" * 5000),
    ],
    "unknown macros": [new_markdown_cell("$\\nope{a}$ $$\\begin{strange} x \\end{strange}$$ $\\frac{$ $a_{$")],
    "code in formulas": [new_markdown_cell('$\\text{x} \\#read("/etc/hostname")$ $#import "@preview/cetz:0.3.4"$')],
    "fault in the converter": [
        new_markdown_cell(r"$\require\"\draw\sum\stackrel\sqrt[^_\limits\sum[\text{\end{align}$")
    ],
    "huge output": [stream("\n".join(f"{i} " + "x" * 80 for i in range(50_000)))],
    "long line": [
        stream("z" * 6000),
        new_code_cell("t = '" + "z" * 6000 + "'"),
        new_markdown_cell("z" * 6000 + " `" + "z" * 6000 + "`"),
    ],
    "missing images": [new_markdown_cell("![a](no.png) ![b](attachment:no.png) ![c](http://example.org/c.png) <img>")],
    "broken images": [
        display("image/png", "AAAA"),
        display("image/png", "é"),
        display("image/svg+xml", "<svg"),
        display("image/jpeg", ""),
    ],
    "broken picture data": [
        new_markdown_cell("![x](data:image/png;base64,AAAA) ![y](data:,) ![n](%00.png)"),
        new_markdown_cell("![z](" + "a" * 5000 + ".png)"),
    ],
    "widget": [
        display("application/vnd.jupyter.widget-view+json", {"model_id": "1"}),
        display("application/javascript", "x"),
    ],
    "injection": [
        new_markdown_cell('#read("x") $]}")'),
        display("text/html", '<script>alert(1)</script>"#panic()'),
    ],
    "control characters": [
        new_markdown_cell("a\x00b\x1bc\x85d \ud800 \ufffe"),
        stream("\x00\x1b[\x1b]\ud800\x1b[999A\x1b[99999999G!"),
    ],
    "broken tables": [
        display("text/html", "<table></table><table><tr></tr><tr><td colspan=0 rowspan=-1>a<td colspan=x>b</table>"),
    ],
    "repeated headings": [new_markdown_cell("# a\n## b\n## b\n[x](#b) [y](#gone) [z](#)\n###### f")],
    "addresses": [new_markdown_cell("[a](http://[x) [b](javascript:alert(1)) [c](file:///etc) <a href>d</a>")],
}


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
@given(LETTERS)
@example('"#panic()')
@example("\\u{0}")
def test_any_output_is_printed_to_the_letter(text: str) -> None:
    pdf, _ = ARTICLE.from_notebook_node(new_notebook(cells=[stream(f"begin {text} end")]), {})
    assert f"begin{text}end" in words_of(pdf)


@SETTINGS
@given(LETTERS)
def test_any_text_in_an_html_output_is_printed_to_the_letter(text: str) -> None:
    from html import escape

    pdf, _ = ARTICLE.from_notebook_node(
        new_notebook(cells=[display("text/html", f"<p>begin {escape(text)} end</p>")]), {}
    )
    assert f"begin{text}end" in words_of(pdf)


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
