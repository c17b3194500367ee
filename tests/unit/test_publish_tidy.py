"""Any notebook that nbformat calls valid is published in each format, or is refused with one sentence."""

from __future__ import annotations

import base64
import io
import json
import math
from typing import Any

import nbformat
import pytest
from bs4 import BeautifulSoup
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from notebook_writer import notebook, run, shown, stream, text
from pypdf import PdfReader

from course.errors import CourseError
from course.publish.page_html import HTMLPageExporter
from course.publish.paper import NotesPDFExporter, PDFExporter, SlidesPDFExporter
from course.publish.script import ScriptExporter
from course.publish.slides_html import SlidesExporter
from course.publish.tidy import terminal_text

EXPORTERS = {
    "html": HTMLPageExporter(),
    "slides": SlidesExporter(),
    "script": ScriptExporter(),
    "pdf": PDFExporter(),
    "slides2": SlidesPDFExporter(),
    "notes": NotesPDFExporter(),
}
DOT = base64.b64encode(b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00,"
                       b"\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;").decode()  # fmt: skip


def mapping(values: Any, *names: str) -> Any:
    """Return a strategy of mappings, some of their keys among the names."""
    return st.dictionaries(st.sampled_from([*names, "x", "y/z"]), values, max_size=3)


WORDS = st.sampled_from(
    ["", "x", "# T", "a *b*", "<b>x", "$x$", "1 / 0", "é😀\x00\x1b[31m", "\x1b]8;;u\x07l\b\r", "%%x\ny"]
)
LINES = WORDS | st.lists(WORDS, max_size=3)
NUMBERS = st.integers() | st.floats()
ANYTHING = st.recursive(
    st.none() | st.booleans() | NUMBERS | WORDS, lambda one: st.lists(one, max_size=2) | mapping(one), max_leaves=4
)
MIME_TYPES = st.sampled_from(
    ["text/plain", "text/html", "text/markdown", "text/latex", "text/x-odd", "image/png", "image/gif", "image/svg+xml",
     "image/jpeg", "image/bmp", "application/pdf", "application/javascript", "odd", ""]
)  # fmt: skip
JSON_TYPES = st.sampled_from(
    ["application/json", "application/vnd.vegalite.v5+json", "application/vnd.jupyter.widget-view+json"]
)
FORMATS = st.sampled_from(["", "text/html", "text/markdown", "text/latex", "text/x-python", "x"])


SLIDESHOW = ANYTHING | st.fixed_dictionaries(
    {"slide_type": ANYTHING | st.sampled_from(["slide", "notes", "skip", "fragment", "odd"])},
    optional={"data": ANYTHING},
)
BUNDLES = st.builds(
    lambda texts, values: texts | values,
    st.dictionaries(MIME_TYPES, LINES, max_size=3),
    st.dictionaries(JSON_TYPES, ANYTHING, max_size=2),
)
OUTPUT_METADATA = mapping(ANYTHING, "course", "image/png", "image/gif", "alt", "isolated", "text/html") | st.just(
    {"image/png": {"width": math.inf, "height": "auto"}}
)
COUNTS = st.none() | st.integers(0, 10**20)
OUTPUTS = st.one_of(
    st.fixed_dictionaries({"output_type": st.just("stream"), "name": WORDS, "text": LINES}),
    st.fixed_dictionaries(
        {"output_type": st.just("error"), "ename": WORDS, "evalue": WORDS, "traceback": st.lists(WORDS, max_size=3)}
    ),
    st.fixed_dictionaries({"output_type": st.just("display_data"), "data": BUNDLES, "metadata": OUTPUT_METADATA}),
    st.fixed_dictionaries(
        {
            "output_type": st.just("execute_result"),
            "data": BUNDLES,
            "metadata": OUTPUT_METADATA,
            "execution_count": COUNTS,
        }
    ),
    st.fixed_dictionaries({"output_type": st.just("of later"), "text": LINES | NUMBERS}),
)
METADATA = st.builds(
    lambda odd, known: odd | known,
    mapping(ANYTHING, "alt", "raw_mimetype", "magics_language", "nbsphinx", "slideshow"),
    st.fixed_dictionaries(
        {},
        optional={
            "slideshow": SLIDESHOW,
            "format": FORMATS,
            "raw_mimetype": FORMATS,
            "collapsed": st.booleans(),
            "jupyter": mapping(ANYTHING, "source_hidden", "outputs_hidden"),
            "tags": st.lists(st.sampled_from(["raises-exception", "hide_input", "x"]), unique=True),
        },
    ),
)
ATTACHMENTS = st.dictionaries(WORDS | st.just("a b%.png"), BUNDLES, max_size=2)
CELLS = st.one_of(
    st.fixed_dictionaries(
        {"cell_type": st.sampled_from(["markdown", "raw"]), "metadata": METADATA, "source": LINES},
        optional={"attachments": ATTACHMENTS},
    ),
    st.fixed_dictionaries(
        {
            "cell_type": st.just("code"),
            "metadata": METADATA,
            "source": LINES,
            "outputs": st.lists(OUTPUTS, max_size=3),
            "execution_count": COUNTS,
        }
    ),
    st.fixed_dictionaries({"cell_type": st.just("of later"), "metadata": METADATA}, optional={"source": LINES | NUMBERS}),
)
LANGUAGE = {"name": WORDS, "display_name": WORDS}
NOTEBOOK_METADATA = st.builds(
    lambda odd, known: odd | known,
    mapping(ANYTHING, "widgets", "celltoolbar", "subtitle"),
    st.fixed_dictionaries(
        {},
        optional={
            "authors": st.lists(ANYTHING | mapping(ANYTHING, "name"), max_size=3),
            "title": WORDS,
            "kernelspec": st.fixed_dictionaries(LANGUAGE, optional={"language": ANYTHING}),
            "language_info": st.fixed_dictionaries({"name": WORDS}, optional={"pygments_lexer": WORDS, "x": ANYTHING}),
        },
    ),
)


def later(cells: list[dict[str, Any]], metadata: dict[str, Any], minor: int) -> dict[str, Any]:
    """Return a notebook, its format a later one if a cell is of a later format."""
    is_later = any(
        "of later" in (cell["cell_type"], *(one["output_type"] for one in cell.get("outputs", []))) for cell in cells
    )
    found = {"nbformat": 4, "nbformat_minor": 9 if is_later else minor, "metadata": metadata, "cells": cells}
    for number, cell in enumerate(cells):
        cell |= {"id": f"c{number}"} if found["nbformat_minor"] > 4 else {}
    return found


NOTEBOOKS = st.builds(later, st.lists(CELLS, max_size=3), NOTEBOOK_METADATA, st.sampled_from([0, 3, 4, 5]))


def published(source: dict[str, Any], *formats: str) -> None:
    """Publish a notebook if nbformat calls it valid; any other exception than the course's fails the test."""
    if not nbformat.validator.isvalid(source):
        return
    for one in formats:
        try:
            EXPORTERS[one].from_notebook_node(nbformat.from_dict(source), {"metadata": {"name": "n", "path": "."}})
        except CourseError as error:
            assert "\n" not in str(error)  # noqa: PT017


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(NOTEBOOKS)
def test_any_valid_notebook_is_a_page_slides_and_a_script(source: dict[str, Any]) -> None:
    published(source, "html", "slides", "script")


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(NOTEBOOKS)
def test_any_valid_notebook_is_a_paper(source: dict[str, Any]) -> None:
    published(source, "pdf", "slides2", "notes")
