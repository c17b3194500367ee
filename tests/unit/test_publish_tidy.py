"""Any notebook that nbformat calls valid is published in each format, or is refused with one sentence."""

from __future__ import annotations

import io
import math
import re
from typing import Any

import nbformat
import pytest
from bs4 import BeautifulSoup
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nbformat import NotebookNode, from_dict
from notebook_writer import MIMES
from pypdf import PdfReader

from course.errors import CourseError
from course.publish.page_html import HTMLPageExporter
from course.publish.paper import NotesPDFExporter, PDFExporter, SlidesPDFExporter
from course.publish.script import ScriptExporter
from course.publish.slides_html import SlidesExporter
from course.publish.tidy import tidied

EXPORTERS = {
    "html": HTMLPageExporter(),
    "slides": SlidesExporter(),
    "script": ScriptExporter(),
    "pdf": PDFExporter(),
    "slides2": SlidesPDFExporter(),
    "notes": NotesPDFExporter(),
}


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
    st.fixed_dictionaries(
        {"cell_type": st.just("of later"), "metadata": METADATA}, optional={"source": LINES | NUMBERS}
    ),
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
    for number, cell in enumerate(cells if found["nbformat_minor"] > 4 else []):
        cell["id"] = f"c{number}"
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


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(NOTEBOOKS)
def test_any_valid_notebook_is_a_page_slides_and_a_script(source: dict[str, Any]) -> None:
    published(source, "html", "slides", "script")


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(NOTEBOOKS)
def test_any_valid_notebook_is_a_paper(source: dict[str, Any]) -> None:
    published(source, "pdf", "slides2", "notes")


def raw(source: str, **metadata: str) -> dict[str, Any]:
    return {"cell_type": "raw", "id": "r", "metadata": metadata, "source": source}


def ran(source: str, *outputs: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    about = {"cell_type": "code", "id": "r", "execution_count": None, "metadata": metadata}
    return about | {"source": source, "outputs": list(outputs)}


def printed(text: str | list[str]) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": text}


def bundle(**data: Any) -> dict[str, Any]:
    kinds = {"json": "application/json", "vega": "application/vnd.vegalite.v5+json"} | MIMES
    return {"output_type": "display_data", "metadata": {}, "data": {kinds[name]: one for name, one in data.items()}}


def failed(*traceback: str) -> dict[str, Any]:
    return {"output_type": "error", "ename": "OddError", "evalue": "why", "traceback": list(traceback)}


LINK = "\x1b]8;;https://example.org/a\x1b\\the docs\x1b]8;;\x1b\\"
# a cell, words that each format shows, words that none shows, and the warning
ODD = {"image/svg+xml": {"width": math.inf, "height": "auto", "alt": "x"}, "image/png": None, "course": None}
AGREED: dict[str, tuple[Any, str, str, str]] = {
    "raw": (raw("raw *text*"), "raw *text*", "", ""),
    "raw with a fence": (raw("```\nraw *text*\n```"), "``` raw *text* ```", "", ""),
    "raw html": (raw("<b>bold</b>", format="text/html"), "bold", "<b>", ""),
    "raw markdown": (raw("*slanted*", raw_mimetype="text/markdown"), "slanted", "*", ""),
    "raw latex": (raw("\\section", format="text/latex"), "", "section", "raw cell written for text/latex is left out"),
    "later": (raw("later text") | {"cell_type": "chart"}, "later text", "", "unknown kind 'chart'"),
    "no source": ({"cell_type": "chart", "id": "r", "metadata": {}}, "", "", "unknown kind 'chart'"),
    "later output": (ran("1", {"output_type": "odd"}), "output not shown here: odd", "", "unknown kind 'odd'"),
    "folded output": (ran("seen", printed("folded"), jupyter={"outputs_hidden": True}), "seen", "folded", ""),
    "collapsed": (ran("seen", printed("folded"), collapsed=True), "seen", "folded", ""),
    "folded code": (ran("folded", printed("seen"), jupyter={"source_hidden": True}), "seen", "folded", ""),
    "null": (ran("seen", printed("text"), jupyter=None, slideshow=None, tags=None), "seen text", "", ""),
    "odd slide": (ran("seen", slideshow={"slide_type": "Slide"}), "seen", "", "slide type 'Slide' is unknown"),
    "listed slide": (ran("seen", slideshow={"slide_type": ["slide"]}), "seen", "", "slide type .* is unknown"),
    "json": (ran("1", bundle(json={"key": ["é"]}, plain="<JSON>")), '{ "key": [ "é" ] }', "<JSON>", ""),
    "vega as text": (ran("1", bundle(vega={}, plain="a Chart")), "a Chart", "", "shown as its text.*vegalite.*cell 1"),
    "vega": (ran("1", bundle(vega={})), "output not shown here: application/vnd.vega", "", "not shown .*vegalite"),
    "no data": (ran("seen", bundle()), "seen", "not shown", ""),
    "no traceback": (ran("1", failed()), "OddError: why", "", ""),
    "blank traceback": (ran("1", failed("", "")), "OddError: why", "", ""),
    "traceback": (ran("1", failed("Traceback", LINK)), "the docs (https://example.org/a)", "]8;;", ""),
    "erased letters": (ran("1", printed("é\n\b\b50 %\b\b\b\b100 % \x1b(B\x1b]0;title\x07")), "é 100 %", "50 title", ""),
    "lists of lines": (ran("1", printed(["a ", "b"])), "a b", "", ""),
    "odd sizes": (ran("1", bundle(svg="<svg/>") | {"metadata": ODD}), "", "", ""),
}


def words(one: str, *cells: Any) -> tuple[str, list[str]]:
    """Return the words of what a format makes of these cells, and the warnings."""
    notebook = NotebookNode(nbformat=4, nbformat_minor=5, metadata=NotebookNode(), cells=from_dict(list(cells)))
    made, told = EXPORTERS[one].from_notebook_node(notebook, {"metadata": {"name": "n"}, "course_warnings": []})
    if isinstance(made, bytes):
        text = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(made)).pages)
    else:
        text = BeautifulSoup(made, "html.parser").main.get_text(" ")  # type: ignore[union-attr]
    return "".join(text.split()), told["course_warnings"]


@pytest.mark.parametrize("one", ["html", "slides", "pdf", "slides2"])
@pytest.mark.parametrize("case", AGREED)
def test_page_slides_and_paper_show_the_same(case: str, one: str) -> None:
    cell, present, absent, warning = AGREED[case]
    text, warnings = words(one, {"id": "r", **cell})
    assert "".join(present.split()) in text
    assert not [word for word in absent.split() if word in text]
    told = [line for line in warnings if "image cannot be shown" not in line]
    assert (len(told), bool(re.search(warning, "".join(told)))) == (bool(warning), True), told


def test_a_script_has_raw_text_in_comments() -> None:
    notebook = NotebookNode(nbformat=4, nbformat_minor=5, metadata={}, cells=from_dict([raw("a 'text'")]))
    assert "# a 'text'" in EXPORTERS["script"].from_notebook_node(notebook)[0]


AUTHORS: list[tuple[Any, list[str]]] = [
    (["Ann", {"name": "Bob"}, {"name": 1}, None, " ", {}], ["Ann", "Bob"]),
    ("Ann", ["Ann"]),
    ({"name": "Ann"}, ["Ann"]),
    (None, []),
]


@pytest.mark.parametrize(("authors", "names"), AUTHORS)
def test_authors_are_named_however_they_are_written(authors: Any, names: list[str]) -> None:
    notebook = from_dict({"nbformat": 4, "nbformat_minor": 4, "metadata": {"authors": authors}, "cells": []})
    assert [one.name for one in tidied(notebook, print).metadata.authors] == names


def test_identifiers_are_given_where_they_lack_or_meet_and_the_notebook_stays() -> None:
    cells = [{"cell_type": "raw", "metadata": {}, "source": ""} | name for name in ({"id": "a"}, {"id": "a"}, {})]
    notebook = from_dict({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})
    before = str(notebook)
    assert len({cell.id for cell in tidied(notebook, print).cells}) == 3
    assert str(notebook) == before
    nbformat.validate(tidied(notebook, print))
