"""A link from a lesson to another leads to the same form of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_markdown_cell, new_notebook

from course.publish.page_html import HTMLPageExporter
from course.publish.slides_html import SlidesExporter
from course.publish.typst import PDFExporter

if TYPE_CHECKING:
    from nbconvert.exporters import Exporter


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two lessons, and a deck in the folder beside theirs."""
    for name in ("notebooks/01_data.ipynb", "notebooks/a b.ipynb", "slides/lecture.ipynb"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}", encoding="utf-8")
    return tmp_path / "notebooks"


def converted(exporter: Exporter, folder: Path, markdown: str) -> tuple[str | bytes, list[str]]:
    resources = {"metadata": {"name": "02_chunks", "path": str(folder)}, "course_warnings": []}
    notebook = new_notebook(cells=[new_markdown_cell(markdown)])
    output, told = exporter.from_notebook_node(notebook, resources)
    return output, told["course_warnings"]


@pytest.mark.parametrize("exporter", [HTMLPageExporter(), SlidesExporter()], ids=["page", "slides"])
@pytest.mark.parametrize(
    ("written", "published"),
    [
        ("01_data.ipynb", "01_data.html"),
        ("01_data.ipynb#The-question", "01_data.html#The-question"),
        ("./01_data.ipynb", "./01_data.html"),
        ("../slides/lecture.ipynb", "../slides/lecture.html"),
        ("a%20b.ipynb", "a%20b.html"),
        ("#The-question", "#The-question"),
        ("https://jupyter.org/try.ipynb", "https://jupyter.org/try.ipynb"),
        ("//jupyter.org/01_data.ipynb", "//jupyter.org/01_data.ipynb"),
    ],
)
def test_a_link_to_a_lesson_leads_to_its_page(folder: Path, exporter: Exporter, written: str, published: str) -> None:
    html, warnings = converted(exporter, folder, f"A [lesson]({written}).")
    link = BeautifulSoup(html, "html.parser").find("a", string="lesson")
    assert link is not None
    assert (link["href"], warnings) == (published, [])


def test_a_link_to_a_lesson_that_is_not_there_is_told_and_stays(folder: Path) -> None:
    html, warnings = converted(HTMLPageExporter(), folder, "See [one](99_none.ipynb).")
    assert 'href="99_none.ipynb"' in str(html)
    assert warnings == ["the link to 99_none.ipynb leads nowhere: there is no such notebook"]


def test_a_link_to_a_lesson_leads_to_its_pdf(folder: Path, tmp_path: Path) -> None:
    pypdf = pytest.importorskip("pypdf")
    output, warnings = converted(PDFExporter(), folder, "# T\n\nSee [one](01_data.ipynb#The-question).")
    assert isinstance(output, bytes)
    (tmp_path / "a.pdf").write_bytes(output)
    links = [
        annotation.get_object()["/A"]["/URI"] for annotation in pypdf.PdfReader(tmp_path / "a.pdf").pages[0]["/Annots"]
    ]
    assert (links, warnings) == (["01_data.pdf"], [])
