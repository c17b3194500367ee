"""The PDF article: what a reader must find in it."""

from __future__ import annotations

import base64
import io
import sys
from typing import TYPE_CHECKING, Any

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell
from pypdf import PdfReader

from course.errors import MissingDependencyError
from course.publish.paper import NotesPDFExporter, PDFExporter, SlidesPDFExporter

if TYPE_CHECKING:
    from pathlib import Path

    from nbformat import NotebookNode

EXPORTER = PDFExporter()
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="40"><rect width="90" height="40" fill="red"/></svg>'


def png(width: int = 40, height: int = 20) -> bytes:
    from PIL import Image

    content = io.BytesIO()
    Image.new("RGB", (width, height), "navy").save(content, "PNG")
    return content.getvalue()


def wide_frame() -> str:
    import numpy as np
    import pandas as pd

    frame = pd.DataFrame(np.arange(280).reshape(5, 56), columns=[f"COLUMN_{i:02d}" for i in range(56)])
    with pd.option_context("display.max_columns", 20):
        return str(frame._repr_html_())


def result(mimetype: str, data: Any, **metadata: Any) -> NotebookNode:
    return new_output("display_data", {mimetype: data, "text/plain": "plain form"}, metadata=metadata)


def shown(*outputs: NotebookNode, source: str = "x = 1") -> NotebookNode:
    return new_code_cell(source, execution_count=3, outputs=list(outputs))


def convert(*cells: NotebookNode, exporter: PDFExporter = EXPORTER, **resources: Any) -> tuple[PdfReader, list[str]]:
    pdf, resources = exporter.from_notebook_node(new_notebook(cells=list(cells)), resources)
    return PdfReader(io.BytesIO(pdf)), resources["course_warnings"]


def text_of(*cells: NotebookNode, **resources: Any) -> str:
    reader, _ = convert(*cells, **resources)
    return "\n".join(page.extract_text() for page in reader.pages)


@pytest.fixture(scope="module")
def lesson() -> tuple[bytes, dict[str, Any]]:
    notebook = new_notebook(
        metadata={"authors": [{"name": "Ada Lovelace"}]},
        cells=[
            new_markdown_cell("# Reading the file\n\nSee [below](#The-second) and [other](02_age.ipynb)."),
            new_markdown_cell("## The first\n\n- item **bold**\n\n[site](https://example.org/page)"),
            shown(result("image/svg+xml", SVG), source="total = df['PRS_REM_MNT'].sum()\n%time total"),
            new_markdown_cell("## The second\n\n> quoted\n\n### Detail\n\n| way | s |\n|---|---:|\n| pandas | 1.5 |"),
            new_markdown_cell("for the speaker alone", metadata={"slideshow": {"slide_type": "notes"}}),
        ],
    )
    return EXPORTER.from_notebook_node(notebook, {"metadata": {"name": "01_data"}})


@pytest.fixture(scope="module")
def pages(lesson: tuple[bytes, dict[str, Any]]) -> PdfReader:
    return PdfReader(io.BytesIO(lesson[0]))


def test_article_has_title_author_and_language_in_its_metadata(pages: PdfReader) -> None:
    assert pages.metadata is not None
    assert (pages.metadata.title, pages.metadata.author) == ("Reading the file", "Ada Lovelace")
    assert pages.root_object["/Lang"] == "en"
    assert pages.root_object["/MarkInfo"]["/Marked"]


def test_article_is_a4_with_contents_and_page_numbers(pages: PdfReader) -> None:
    box = pages.pages[0].mediabox
    assert (round(box.width), round(box.height)) == (595, 842)
    text = pages.pages[0].extract_text()
    assert "Contents" in text
    assert f"1 / {len(pages.pages)}" in text
    assert text.count("The first") == 2  # in the contents and in its place


def test_article_prints_text_code_and_tables_but_no_speaker_notes(pages: PdfReader) -> None:
    text = "\n".join(page.extract_text() for page in pages.pages)
    for expected in ("item bold", "total = df['PRS_REM_MNT'].sum()", "%time total", "[3]", "quoted", "pandas", "1.5"):
        assert expected in text
    assert "speaker alone" not in text


def test_links_can_be_clicked_and_lead_to_the_pdf_of_other_lessons(pages: PdfReader) -> None:
    links = [annotation.get_object() for page in pages.pages for annotation in page.get("/Annots", [])]
    addresses = {str(link["/A"]["/URI"]) for link in links if "/URI" in link.get("/A", {})}
    assert addresses == {"https://example.org/page", "02_age.pdf"}
    # Three headings in the contents and the link of the introduction stay in the document.
    assert sum("/URI" not in link.get("/A", {}) for link in links) == 4


def test_same_notebook_gives_same_bytes_and_is_left_untouched() -> None:
    notebook = new_notebook(
        cells=[new_markdown_cell("# T\n\n$x^2$"), shown(result("image/png", base64.b64encode(png()).decode()))]
    )
    before = str(notebook)
    first, _ = EXPORTER.from_notebook_node(notebook, {})
    second, _ = PDFExporter().from_notebook_node(notebook, {})
    assert first == second
    assert str(notebook) == before


def test_every_font_is_embedded(pages: PdfReader) -> None:
    reader, _ = convert(new_markdown_cell("# T\n\nA $\\sum x$ `code` ≤ ☑ 中"))
    for page in (*pages.pages, *reader.pages):
        for font in page["/Resources"]["/Font"].values():
            descriptor = font.get_object()["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
            assert {"/FontFile", "/FontFile2", "/FontFile3"} & set(descriptor)


def test_no_font_of_the_machine_is_used() -> None:
    from course.publish.paper.compiler import _fonts

    places = [font.path for font in _fonts().fonts() if font.path is not None]
    assert places
    assert all("mpl-data" in place for place in places)


def test_formula_that_cannot_be_set_is_shown_as_its_source_with_a_warning() -> None:
    reader, warnings = convert(
        new_markdown_cell("good $x+1$ and bad $\\foobar{y}+2$ and $$\\begin{tikzpicture}\\end{tikzpicture}$$")
    )
    text = reader.pages[0].extract_text()
    assert "\\foobar{y}+2" in text
    assert "tikzpicture" in text
    assert sorted(warning.rpartition(": ")[2] for warning in warnings) == [
        "\\begin{tikzpicture}\\end{tikzpicture}",
        "\\foobar{y}+2",
    ]


@pytest.mark.parametrize(
    "latex",
    [
        r"\frac{1}{n}\sum_{i=1}^n x_i",
        r"\begin{align} a &= b \\ c &= d \end{align}",
        r"\begin{cases} 1 & x > 0 \\ 0 & \text{otherwise} \end{cases}",
        r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}^{-1}",
        r"\hat{\theta} \in \arg\min_\theta \mathbb{E}\left[\ell(\theta)\right]",
        r"\mathcal{O}(n \log n) \approx 10\,\% \pm \sqrt{2}",
    ],
)
def test_usual_formulas_are_set(latex: str) -> None:
    reader, warnings = convert(
        new_markdown_cell(f"$${latex}$$"), shown(result("text/latex", f"$\\displaystyle {latex}$"))
    )
    assert not warnings
    assert "\\" not in reader.pages[0].extract_text()


def test_wide_table_tells_how_many_columns_are_not_shown() -> None:
    text = text_of(shown(result("text/html", wide_frame())))
    shown_columns = text.count("COLUMN_")
    assert 10 <= shown_columns <= 20
    assert f"{56 - shown_columns} of 56 columns not shown" in text
    assert "5 rows \u00d7 56 columns" in text


def test_captions_follow_the_language() -> None:
    text = text_of(shown(result("text/html", wide_frame())), course={"language": "fr"})
    assert "colonnes non montrées sur 56" in text


def test_multiindex_headers_span_their_columns() -> None:
    html = "<table><thead><tr><th></th><th colspan=2>TOP</th></tr><tr><th></th><th>left</th><th>right</th></tr></thead>"
    text = text_of(
        shown(result("text/html", html + "<tbody><tr><th rowspan=2>a</th><td>1</td><td>2</td></tr><tr><td>3</td></tr>"))
    )
    # A span printed once for each of its columns would say TOP twice.
    assert [text.count(word) for word in ("TOP", "left", "right")] == [1, 1, 1]
    assert {"1", "3"} <= set(text.split())


def test_styler_colours_are_painted() -> None:
    style = "<style>#T_a_row0_col0 {background-color: #12ab34; color: #ff0000}</style>"
    html = f"{style}<table><tr><td id='T_a_row0_col0'>1.5</td></tr></table>"
    reader, _ = convert(shown(result("text/html", html)))
    content = reader.pages[0].get_contents().get_data().decode("latin-1")
    assert "0.07058824 0.67058825 0.20392157" in content


def test_alternative_texts_reach_the_pdf(tmp_path: Path) -> None:
    (tmp_path / "plot.png").write_bytes(png())
    data = base64.b64encode(png(50)).decode()
    reader, warnings = convert(
        new_markdown_cell(
            "![bars by age](plot.png)\n\n![kept](attachment:a.png)", attachments={"a.png": {"image/png": data}}
        ),
        shown(result("image/png", base64.b64encode(png(60)).decode(), **{"image/png": {"alt": "curve of costs"}})),
        metadata={"path": str(tmp_path)},
    )
    assert not warnings
    assert len(reader.pages[0].images) == 3
    alternatives = {str(item["/Alt"]) for item in structure(reader.root_object["/StructTreeRoot"]) if "/Alt" in item}
    assert alternatives >= {"bars by age", "kept", "curve of costs"}


def structure(element: Any) -> list[Any]:
    element = element.get_object()
    if not hasattr(element, "get"):
        return [item for child in element for item in structure(child)] if isinstance(element, list) else []
    return [element, *(structure(element["/K"]) if "/K" in element else [])]


def test_widget_and_script_outputs_fall_back_to_their_text() -> None:
    widget = new_output("display_data", {"application/vnd.jupyter.widget-view+json": {}, "text/plain": "IntSlider(3)"})
    script = new_output(
        "display_data", {"text/html": "<script>alert(1)</script><div id='p'></div>", "text/plain": "Figure()"}
    )
    neither = new_output("display_data", {"application/javascript": "alert(1)"})
    reader, warnings = convert(shown(widget, script, neither))
    text = reader.pages[0].extract_text()
    assert "IntSlider(3)" in text
    assert "Figure()" in text
    assert "alert" not in text
    assert len(warnings) == 2


def test_html_pieces_of_markdown_are_set() -> None:
    text = text_of(
        new_markdown_cell(
            '<div class="alert alert-info">\n\n**Note** careful\n\n</div>\n'
            "<details><summary>More</summary>inside</details>"
        ),
        new_markdown_cell("```sql\nSELECT 1\n```\n\n- [x] done\n- a\n  - b\n\nH<sub>2</sub>O &amp; <kbd>Ctrl</kbd>"),
    )
    for expected in ("Note careful", "More", "inside", "SELECT 1", "done", "Ctrl", "&"):
        assert expected in text


def test_headings_of_outputs_are_not_in_the_contents() -> None:
    outputs = shown(result("text/html", "<h3>Client</h3>"), result("text/markdown", "## Found"))
    lesson = new_markdown_cell("## One\n\n## Two\n\n## Three")
    text = text_of(lesson, outputs)
    assert [text.count(word) for word in ("One", "Client", "Found")] == [2, 1, 1]


def test_raw_cells_and_hidden_parts_follow_their_metadata() -> None:
    hidden = shown(result("text/plain", "unused"), source="hidden source")
    hidden.metadata["jupyter"] = {"source_hidden": True}
    text = text_of(hidden, new_raw_cell("raw text"), new_raw_cell("<b>", metadata={"format": "text/html"}))
    assert "raw text" in text
    assert "hidden source" not in text
    assert "<b>" not in text


def test_menu_of_the_notebook_is_left_out() -> None:
    menu = new_output(
        "display_data", {"text/html": "<ul><li>menu entry</li></ul>"}, metadata={"course": {"menu": True}}
    )
    assert "menu" not in text_of(shown(menu), new_markdown_cell("rest"))


@pytest.mark.parametrize("exporter", [PDFExporter, SlidesPDFExporter, NotesPDFExporter])
def test_missing_typst_is_one_clear_sentence(exporter: type[PDFExporter], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(MissingDependencyError, match="pip install typst"):
        exporter().from_notebook_node(new_notebook(), {})


def test_warnings_reach_the_list_of_the_caller() -> None:
    resources: dict[str, Any] = {"course_warnings": ["earlier"]}
    EXPORTER.from_notebook_node(new_notebook(cells=[new_markdown_cell("![](gone.png)")]), resources)
    assert resources["course_warnings"] == ["earlier", "image not found: gone.png"]
