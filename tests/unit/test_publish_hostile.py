"""Hostile notebooks become pages, scripts and PDFs, or are refused with one clear line; nothing in them runs."""

from __future__ import annotations

import ast
import io
import json
import logging
import re
from html import escape
from pathlib import Path
from typing import Any

import nbformat
import pytest
from bs4 import BeautifulSoup
from hostile_notebooks import HOSTILE, display, stream
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_markdown_cell, new_notebook
from notebook_writer import external_references
from pypdf import PdfReader

from course.errors import BuildError
from course.publish.build import BuildOptions, BuildReport, build_site
from course.publish.lessons import discover_lessons
from course.publish.paper import PDFExporter

logging.getLogger("pypdf").setLevel(logging.CRITICAL)
ARTICLE = PDFExporter()
NAMES = {name: f"{number:02d}_{name.replace(' ', '_')}" for number, name in enumerate(HOSTILE)}


def built(folder: Path, notebooks: dict[str, bytes]) -> BuildReport:
    (folder / "notebooks").mkdir()
    for name, content in notebooks.items():
        (folder / "notebooks" / f"{name}.ipynb").write_bytes(content)
    options = BuildOptions(folder / "site", folder / "cache", execute=False)
    return build_site(discover_lessons(folder / "notebooks"), options)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of all the hostile notebooks."""
    folder = tmp_path_factory.mktemp("hostile")
    # as Jupyter writes them: a lone surrogate is escaped
    written = {NAMES[name]: json.dumps(new_notebook(cells=cells)).encode() for name, cells in HOSTILE.items()}
    report = built(folder, written)
    assert all("\n" not in warning and len(warning) < 1000 for warning in report.warnings)
    told = "\n".join(report.warnings)
    for name in ("unknown macros", "missing images", "injection", "addresses", "control characters"):
        assert NAMES[name] in told
    for name in ("unknown macros", "missing images", "broken images", "widget"):
        assert f"{NAMES[name]}.ipynb: pdf: " in told
    return folder / "site/notebooks"


@pytest.mark.parametrize("suffix", [".html", ".slides.html"])
@pytest.mark.parametrize("name", HOSTILE)
def test_a_page_is_whole_and_neither_runs_nor_fetches_what_it_holds(site: Path, name: str, suffix: str) -> None:
    page = (site / f"{NAMES[name]}{suffix}").read_text(encoding="utf-8")
    soup = BeautifulSoup(page, "html.parser")
    assert soup.main is not None
    assert soup.h1 is not None or suffix == ".slides.html"
    assert page.rstrip().endswith("</html>")
    assert "<!--" not in page.partition("<main")[2].partition("</main>")[0]
    assert soup.main.find(["script", "iframe", "object", "embed", "link", "base"]) is None
    assert external_references(soup.main) == []
    for element in soup.main.find_all(True):
        assert not [attribute for attribute in element.attrs if attribute.startswith("on")]
        assert not re.match(r"\s*javascript:", str(element.get("href", "")), re.IGNORECASE)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_script_is_python_whatever_the_prose_and_the_outputs(site: Path, name: str) -> None:
    ast.parse((site / f"{NAMES[name]}.py").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", HOSTILE)
def test_the_notebook_is_published_as_it_is_and_becomes_pdf(site: Path, name: str) -> None:
    for suffix in (".pdf", ".slides.pdf", ".notes.pdf"):
        assert len(PdfReader(site / f"{NAMES[name]}{suffix}").pages) >= 1
    published = nbformat.read(site / f"{NAMES[name]}.ipynb", as_version=4)
    assert [cell.source.encode("utf-8", "replace") for cell in published.cells] == [
        cell.source.encode("utf-8", "replace") for cell in HOSTILE[name]
    ]


def test_long_lines_and_huge_outputs_are_cut_with_a_count(site: Path) -> None:
    assert "lines not shown" in (site / f"{NAMES['huge output']}.html").read_text(encoding="utf-8")
    assert "characters not shown" in (site / f"{NAMES['long line']}.slides.html").read_text(encoding="utf-8")
    assert max((site / f"{NAMES[name]}.html").stat().st_size for name in HOSTILE) < 500_000


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is not a notebook"),
        (b"PK\x03\x04\xff\xfe", "is not a notebook"),
        (json.dumps(new_notebook()).replace("{", '{"title": "\u00e9",', 1).encode("latin-1"), "is not a notebook"),
        (b"[]", "is not a notebook"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "markdown", "source": 1}]}', "is not a notebook"),
        (b'{"nbformat": 4, "cells": [{}]}', "is not a notebook"),
        (b'{"nbformat": 3, "worksheets": []}', "format 3"),
    ],
    ids=["empty", "zip", "latin-1", "list", "number for a text", "empty cell", "old format"],
)
def test_what_is_not_a_notebook_is_refused_with_one_line(tmp_path: Path, content: bytes, said: str) -> None:
    with pytest.raises(BuildError, match=rf"01_bad\.ipynb.*{said}") as caught:
        built(tmp_path, {"01_bad": content})
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize("output", [{"output_type": "stream", "name": "stdout"}, {"output_type": "strange"}])
@pytest.mark.parametrize("metadata", [{"metadata": {}}, {}])
def test_a_notebook_against_the_schema_is_refused(
    tmp_path: Path, output: dict[str, str], metadata: dict[str, Any]
) -> None:
    cell = {"cell_type": "code", "id": "a", "source": "1", "outputs": [output], "execution_count": 1, **metadata}
    content = json.dumps({"nbformat": 4, "nbformat_minor": 5, "cells": [cell], **metadata}).encode()
    with pytest.raises(BuildError, match=r"01_bad\.ipynb is not a valid notebook: .") as caught:
        built(tmp_path, {"01_bad": content})
    assert "\n" not in str(caught.value)


# Letters that the fonts have: ligatures, right-to-left runs and combining marks change places in the text of a PDF.
LETTERS = st.text(
    st.sampled_from("abcdeghjkmnopqrsuvwxyzABCXYZ0123456789éàçñßøΩλЖд€$#\\{}[]()<>@*_~`^&%\"'=+-/|!?;:,."), min_size=1
)
SETTINGS = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])


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
