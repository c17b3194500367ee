"""The PDF article, the printed deck and the speaker's handout: what a reader must find in them."""

from __future__ import annotations

import base64
import io
import sys
from typing import TYPE_CHECKING, Any

import pytest
from nbconvert.exporters import get_exporter
from nbformat.v4 import new_notebook, new_raw_cell
from notebook_writer import run, shown, stream, text
from pypdf import PdfReader

from course.errors import MissingDependencyError
from course.publish.paper import NotesPDFExporter, PDFExporter, SlidesPDFExporter

if TYPE_CHECKING:
    from pathlib import Path

    from nbformat import NotebookNode

EXPORTER = get_exporter("course_pdf")()
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="40"><rect width="90" height="40" fill="red"/></svg>'


def png(width: int) -> str:
    from PIL import Image

    content = io.BytesIO()
    Image.new("RGB", (width, 20), "navy").save(content, "PNG")
    return base64.b64encode(content.getvalue()).decode()


def convert(*cells: NotebookNode, **resources: Any) -> tuple[PdfReader, list[str]]:
    pdf, resources = EXPORTER.from_notebook_node(new_notebook(cells=list(cells)), resources)
    return PdfReader(io.BytesIO(pdf)), resources["course_warnings"]


def text_of(*cells: NotebookNode, **resources: Any) -> str:
    reader, _ = convert(*cells, **resources)
    return "\n".join(page.extract_text() for page in reader.pages)


@pytest.fixture(scope="module")
def pages() -> PdfReader:
    drawn = run("total = df['PRS_REM_MNT'].sum()\n%time total", shown(svg=SVG))
    drawn["execution_count"] = 3
    notebook = new_notebook(
        metadata={"authors": [{"name": "Ada Lovelace"}]},
        cells=[
            text("# Reading the file\n\nSee [below](#The-second) and [other](02_age.ipynb#The-question)."),
            text("## The first\n\n- item **bold**\n\n[site](https://example.org/page)"),
            drawn,
            text("## The second\n\n> quoted\n\n### Detail\n\n| way | s |\n|---|---:|\n| pandas | 1.5 |"),
            text("for the speaker alone", "notes"),
        ],
    )
    pdf, _ = EXPORTER.from_notebook_node(notebook, {"metadata": {"name": "01_data"}})
    return PdfReader(io.BytesIO(pdf))


def test_article_is_a4_with_metadata_contents_and_page_numbers(pages: PdfReader) -> None:
    assert pages.metadata is not None
    assert (pages.metadata.title, pages.metadata.author) == ("Reading the file", "Ada Lovelace")
    assert pages.root_object["/Lang"] == "en"
    assert pages.root_object["/MarkInfo"]["/Marked"]
    box = pages.pages[0].mediabox
    assert (round(box.width), round(box.height)) == (595, 842)
    words = pages.pages[0].extract_text()
    assert "Contents" in words
    assert f"1 / {len(pages.pages)}" in words
    assert words.count("The first") == 2  # in the contents and in its place


def test_article_prints_text_code_and_tables_but_no_speaker_notes(pages: PdfReader) -> None:
    words = "\n".join(page.extract_text() for page in pages.pages)
    expected = ("item bold", "total = df['PRS_REM_MNT'].sum()", "%time total", "[3]", "quoted", "pandas", "1.5")
    assert [one for one in (*expected, "speaker alone") if one not in words] == ["speaker alone"]


def test_links_can_be_clicked_and_lead_to_the_pdf_of_other_lessons(pages: PdfReader) -> None:
    links = [annotation.get_object() for page in pages.pages for annotation in page.get("/Annots", [])]
    addresses = {str(link["/A"]["/URI"]) for link in links if "/URI" in link.get("/A", {})}
    assert addresses == {"https://example.org/page", "02_age.pdf"}
    # Three headings in the contents and the link of the introduction stay in the document.
    assert sum("/URI" not in link.get("/A", {}) for link in links) == 4


def test_every_font_is_embedded_and_none_of_the_machine_is_used(pages: PdfReader) -> None:
    from course.publish.paper.compiler import _fonts

    reader, _ = convert(text("# T\n\nA $\\sum x$ `code` ≤ ☑ 中"))
    for page in (*pages.pages, *reader.pages):
        for font in page["/Resources"]["/Font"].values():
            descriptor = font.get_object()["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
            assert {"/FontFile", "/FontFile2", "/FontFile3"} & set(descriptor)
    places = [font.path for font in _fonts().fonts() if font.path is not None]
    assert places
    assert all("mpl-data" in place for place in places)


def test_formula_that_cannot_be_set_is_shown_as_its_source_with_a_warning() -> None:
    bad = ["\\begin{tikzpicture}\\end{tikzpicture}", "\\foobar{y}+2"]
    reader, warnings = convert(text(f"good $x+1$ and bad ${bad[1]}$ and $${bad[0]}$$"))
    words = reader.pages[0].extract_text()
    assert bad[1] in words
    assert "tikzpicture" in words
    assert ["Unknown environment" in warning for warning in warnings] == [False, True]
    assert all(one in warning for one, warning in zip(reversed(bad), warnings, strict=True))
    assert all("in the cell that begins with 'good $x+1$" in warning for warning in warnings)


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
    output = run("1", shown(latex=f"$\\displaystyle {latex}$", plain="plain form"))
    reader, warnings = convert(text(f"$${latex}$$"), output)
    assert not warnings
    assert not any(one in reader.pages[0].extract_text() for one in ("\\", "plain form"))


def test_wide_table_tells_how_many_columns_are_not_shown_in_the_language_of_the_document() -> None:
    import pandas as pd

    frame = pd.DataFrame([range(56)] * 5, columns=[f"COLUMN_{i:02d}" for i in range(56)])
    with pd.option_context("display.max_columns", 20):
        table = run("frame", shown(html=frame._repr_html_()))
    words = text_of(table)
    shown_columns = words.count("COLUMN_")
    assert 10 <= shown_columns <= 20
    assert f"{56 - shown_columns} of 56 columns not shown" in words
    assert words.count("5 rows \u00d7 56 columns") == 1
    assert "colonnes non montrées sur 56" in text_of(table, course={"language": "fr-FR"})


def test_multiindex_headers_span_their_columns_and_styler_colours_are_painted() -> None:
    style = "<style>#T_a_row0_col0 {background-color: #12ab34; color: #ff0000}</style>"
    head = "<thead><tr><th></th><th colspan=2>TOP</th></tr><tr><th></th><th>left</th><th>right</th></tr></thead>"
    body = "<tbody><tr><th rowspan=2>a</th><td id='T_a_row0_col0'>1</td><td>2</td></tr><tr><td>3</td></tr>"
    reader, _ = convert(run("frame", shown(html=f"{style}<table>{head}{body}</table>")))
    words = reader.pages[0].extract_text()
    # A span printed once for each of its columns would say TOP twice.
    assert [words.count(one) for one in ("TOP", "left", "right")] == [1, 1, 1]
    assert {"1", "3"} <= set(words.split())
    assert "0.07058824 0.67058825 0.20392157" in reader.pages[0].get_contents().get_data().decode("latin-1")


def test_alternative_texts_reach_the_pdf(tmp_path: Path) -> None:
    (tmp_path / "plot.png").write_bytes(base64.b64decode(png(40)))
    written = text("![bars by age](plot.png)\n\n![kept](attachment:a.png)")
    written["attachments"] = {"a.png": {"image/png": png(50)}}
    curve = shown(png=png(60), metadata={"image/png": {"alt": "curve of costs"}})
    reader, warnings = convert(written, run("plot()", curve), metadata={"path": str(tmp_path)})
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
    widget = shown(widget={}, plain="plain form")
    html = shown(html="<script>alert(1)</script><div id='p'></div>", plain="plain form")
    reader, warnings = convert(run("1", widget, html, shown(script="alert(1)")))
    words = reader.pages[0].extract_text()
    assert [words.count(one) for one in ("plain form", "alert")] == [2, 0]
    assert len(warnings) == 2


def test_a_progress_bar_is_printed_as_it_ends() -> None:
    words = text_of(run("1", *map(stream, ("\r 0%", "\r 50%", "\r100%\n", "done\n"))))
    assert [words.count(one) for one in ("100%", "done", "0%")] == [1, 1, 1]


def test_html_pieces_of_markdown_are_set() -> None:
    words = text_of(
        text(
            '<div class="alert alert-info">\n\n**Note** careful\n\n</div>\n'
            "<details><summary>More</summary>inside</details>"
        ),
        text("```sql\nSELECT 1\n```\n\n- [x] done\n- a\n  - b\n\nH<sub>2</sub>O &amp; <kbd>Ctrl</kbd>"),
        run("1", shown(html='<iframe src="https://example.org/film"></iframe>')),
    )
    for expected in ("Note careful", "More", "inside", "SELECT 1", "☑ done", "Ctrl", "&", "https://example.org/film"):
        assert expected in words


def test_headings_of_outputs_and_the_menu_are_not_in_the_contents() -> None:
    outputs = run("1", shown(html="<h3>Client</h3>"), shown(markdown="## Found"))
    menu = shown(html="<ul><li>menu entry</li></ul>", metadata={"course": {"menu": True}})
    words = text_of(text("## One\n\n## Two\n\n## Three"), outputs, run("1", menu))
    assert [words.count(one) for one in ("One", "Client", "Found", "menu")] == [2, 1, 1, 0]


def test_raw_cells_and_hidden_parts_follow_their_metadata() -> None:
    hidden = run("hidden source", shown(svg="<svg"), jupyter={"source_hidden": True})
    silent = run("seen", shown(svg="<svg"), jupyter={"outputs_hidden": True})
    words = text_of(hidden, silent, new_raw_cell("raw text"), new_raw_cell("<b>", metadata={"format": "text/html"}))
    found = [words.count(one) for one in ("image not found: svg", "seen", "raw text", "hidden source", "<b>")]
    assert found == [1, 1, 1, 0, 0]


@pytest.mark.parametrize("exporter", [PDFExporter, SlidesPDFExporter, NotesPDFExporter])
def test_missing_typst_is_one_clear_sentence(exporter: type[PDFExporter], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(MissingDependencyError, match=r'pip install "bigdata-course\[publish\]"'):
        exporter().from_notebook_node(new_notebook(), {})


def test_warnings_reach_the_list_of_the_caller() -> None:
    resources: dict[str, Any] = {"course_warnings": ["earlier"]}
    EXPORTER.from_notebook_node(new_notebook(cells=[text("![](gone.png)")]), resources)
    told = "image not found: gone.png, in the cell that begins with '![](gone.png)'"
    assert resources["course_warnings"] == ["earlier", told]


LONG = "\n".join(f"line {i}" for i in range(300))
PROSE = "The question of the course is a sum by age class. " * 60


DECK = new_notebook(
    cells=[
        text("# The deck", "slide"),
        text("said aloud", "notes"),
        text("## Two", "slide"),
        text("revealed", "fragment"),
        text("never shown", "skip"),
        run("print(lines)", stream(LONG), slideshow={"slide_type": "subslide"}),
        text("## Prose\n\n" + PROSE, "slide"),
        text("## Far too long\n\n" + "\n".join(f"- point {i}" for i in range(80)), "slide"),
    ]
)


def published(exporter: Any, notebook: Any = DECK) -> list[Any]:
    return list(PdfReader(io.BytesIO(exporter().from_notebook_node(notebook, {})[0])).pages)


@pytest.fixture(scope="module")
def deck() -> list[Any]:
    return published(SlidesPDFExporter)


def test_each_slide_is_a_numbered_wide_page_with_its_fragments_without_notes_and_skipped_cells(deck: list[Any]) -> None:
    assert len(deck) == 5
    for number, page in enumerate(deck, start=1):
        assert (round(page.mediabox.width), round(page.mediabox.height)) == (960, 540)
        assert f"{number} / 5" in page.extract_text()
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


@pytest.mark.parametrize("exporter", [PDFExporter, SlidesPDFExporter, NotesPDFExporter])
def test_a_notebook_gives_the_same_bytes_each_time_stays_as_it_was_and_has_a_page_when_empty(exporter: Any) -> None:
    notebook = new_notebook(cells=[text("# T\n\n$x^2$"), run("1", shown(png=png(40))), *DECK.cells])
    before = str(notebook)
    assert exporter().from_notebook_node(notebook, {})[0] == exporter().from_notebook_node(notebook, {})[0]
    assert str(notebook) == before
    assert len(published(exporter, new_notebook())) == 1
