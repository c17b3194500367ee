"""Paper shows what the page shows, or says in a warning what it cannot show and where."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from bs4 import BeautifulSoup
from nbconvert.exporters import get_exporter
from nbformat.v4 import new_notebook
from notebook_writer import run, shown, stream, text
from PIL import Image
from pypdf import PdfReader

from course.errors import BuildError
from course.publish.mathematics import Mathematics
from course.publish.paper import NotesPDFExporter, PDFExporter, SlidesPDFExporter
from course.publish.paper.compiler import Parts, compile_pdf
from course.publish.paper.formulas import formula
from course.publish.paper.images import _sized_svg
from course.publish.slides_html import SlidesExporter

if TYPE_CHECKING:
    from pathlib import Path

    from nbformat import NotebookNode

ARTICLE, PAGE = PDFExporter(), get_exporter("course_html")()


def printed(exporter: Any, *cells: NotebookNode, **resources: Any) -> tuple[list[str], list[str]]:
    """Return the words of each page of a PDF, and the warnings."""
    pdf, told = exporter.from_notebook_node(new_notebook(cells=list(cells)), resources)
    words = [" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(pdf)).pages]
    return words, told["course_warnings"]


def png(width: int = 20) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (width, 20), "navy").save(content, "PNG")
    return content.getvalue()


@pytest.mark.parametrize(
    ("latex", "typst"),
    [
        (r"x", r"\u{78}"),
        (r"\mathrm{d}x", r"upright(\u{64}) \u{78}"),
        (r"12.5\%", r'"12.5" \u{25}'),
        (r"(x)", r"\u{28} \u{78} \u{29}"),
        (r"\left(x\right)", r"lr(\u{28} \u{78} \u{29})"),
        (r"\left(a\middle|b\right.", r"lr(\u{28} \u{61} mid(\u{7c}) \u{62})"),
        (r"\frac ab", r"frac(\u{61}, \u{62})"),
        (r"\dfrac ab\tfrac ab", r"display(frac(\u{61}, \u{62})) inline(frac(\u{61}, \u{62}))"),
        (r"\binom nk", r"lr(\u{28} mat(delim: #none, \u{6e}; \u{6b}) \u{29})"),
        (r"\sqrt x\sqrt[3]x", r'sqrt(\u{78}) root("3", \u{78})'),
        (r"x_i^2", r'attach(\u{78}, b: \u{69}, t: "2")'),
        (r"\int_0^1", r'attach(scripts(\u{222b}), b: "0", t: "1")'),
        (r"\sum_i\prod\limits_i", r"attach(\u{2211}, b: \u{69}) attach(limits(\u{220f}), b: \u{69})"),
        (r"\int\limits_a", r"attach(limits(\u{222b}), b: \u{61})"),
        (r"\lim_x", r'attach(op("lim"), b: \u{78})'),
        (r"\hat x\vec x", r"accent(\u{78}, \u{302}) accent(\u{78}, \u{20d7})"),
        (r"\overline x\underline x", r"overline(\u{78}) underline(\u{78})"),
        (r"\underbrace{x}_n", r"attach(limits(underbrace(\u{78})), b: \u{6e})"),
        (r"\text{if }\textbf b", '"if\xa0" bold("b")'),
        (r"a\quad b\!c", r"\u{61} #h(1em) \u{62} #h(-0.16666667em) \u{63}"),
        (r"\boxed x\cancel x", r'#box(stroke: 0.5pt, inset: 3pt, $\u{78}$) cancel(\u{78} "")'),
        (r"\textcolor{red}x", r'#text(fill: rgb("#FF0000"), $\u{78}$)'),
        (r"\phantom x", r"#hide($\u{78}$)"),
        (r"\big(", r"lr(size: #1.2em, \u{28})"),
        (r"\lvert x\rvert", r'class("opening", \u{7c}) \u{78} class("closing", \u{7c})'),
        (r"\begin{matrix}a&b\\c&d\end{matrix}", r"mat(delim: #none, column-gap: #1em, \u{61}, \u{62}; \u{63}, \u{64})"),
        (
            r"\begin{array}{l|r}a&b\\\hline c&d\end{array}",
            (
                r"mat(delim: #none, column-gap: #1em, "
                r"augment: #(vline: (1, ), hline: (1, )), &\u{61}, \u{62}&; &\u{63}, \u{64}&)"
            ),
        ),
        (
            r"\begin{aligned}a&=b\end{aligned}",
            r"mat(delim: #none, column-gap: #1em, display(\u{61})&display(\u{3d} \u{62}))",
        ),
    ],
)
def test_mathml_is_set_piece_by_piece_and_typst_accepts_it(latex: str, typst: str) -> None:
    mathematics, parts = Mathematics(), Parts()
    mathematics.add(latex, display=False)
    (found,), warnings = mathematics.formulas()
    shown = formula(found, parts)
    definition = parts.fragiles[shown].definition.replace("\\\\", "\\").replace('\\"', '"')
    assert f'"{typst}")' in definition
    compile_pdf("article", f"#article({shown})", parts)
    assert (warnings, parts.warnings) == ([], [])


LESSON = [
    text("# Of $\\field$\n\n$\\def\\field{\\mathbb{Q}}$"),
    text(r"$\newcommand{\up}[2][2]{#2^{#1}}$", "notes"),
    text("\\begin{align} a &= b \\tag{A}\\label{one}\\\\ c &= \\up d \\label{two}\\end{align}\n\n$$x\\label{last}$$"),
    run("0", shown(latex=r"$\displaystyle \up[7]{\field}$")),
    text("| $\\field$ |\n|---|\n| \\eqref{last} |\n\n- \\ref{one}\n\n<div>\\eqref{two}</div>\n\n## $\\field$"),
]


def test_macros_numbers_and_references_are_the_same_on_page_and_paper() -> None:
    page, told = PAGE.from_notebook_node(new_notebook(cells=LESSON), {"course_warnings": []})
    (words,), warnings = printed(ARTICLE, *LESSON)
    main = BeautifulSoup(page, "html.parser").main
    assert main is not None
    for hidden in main.find_all(["annotation", "nav"]):
        hidden.decompose()
    for one, count in {"(A)": 1, "A": 2, "(1)": 2, "(2)": 2, "\u211a": 3, "7": 1}.items():
        assert (one, main.get_text().count(one), words.count(one)) == (one, count, count)
    # the first use comes before the definition
    assert words.startswith(r"Of \field")
    assert told["course_warnings"] == warnings
    assert [warning.partition(" (")[0] for warning in warnings] == [r"a formula is shown as its source: \field"]


def test_macros_of_a_skipped_cell_hold_in_both_decks_and_nothing_is_said_of_it() -> None:
    cells = [text(r"$\def\half{\tfrac12}\unknown$", "skip"), text(r"# $\half$", "slide")]
    html, told = SlidesExporter().from_notebook_node(new_notebook(cells=cells), {"course_warnings": []})
    (words,), warnings = printed(SlidesPDFExporter(), *cells)
    assert "mfrac" in html
    assert words.startswith("1 2")
    assert told["course_warnings"] == warnings == []


DECKS = {
    "no plan": [text("# a\n\ntext"), run("1"), text("# b"), text("# c\n\n## d\n\n#### e")],
    "no plan, text first": [text("intro"), text("# a"), text("T\n==")],
    "empty slides": [text("", "slide"), text("", "slide"), text("x", "subslide"), text("", "slide")],
    "notes first": [text("said", "notes"), text("# a", "slide"), text("b", "fragment"), text("said", "notes")],
    "only notes": [text("said", "notes")],
    "all skipped": [text("x", "skip")],
    "folded code": [
        run("import x", jupyter={"source_hidden": True}, slideshow={"slide_type": "slide"}),
        text("x", "slide"),
    ],
    "comment": [text("<!-- # x -->", "slide"), text("# a", "slide")],
    "taller than a page": [text("\n\n".join(["word " * 60] * 30), "slide"), text("", "slide"), text("# z", "slide")],
}


@pytest.mark.parametrize("cells", DECKS.values(), ids=DECKS)
def test_a_deck_has_as_many_pages_as_slides_and_a_handout(cells: list[NotebookNode]) -> None:
    html, _ = SlidesExporter().from_notebook_node(new_notebook(cells=cells), {})
    slides = BeautifulSoup(html, "html.parser").select("section > section")
    assert len(printed(SlidesPDFExporter(), *cells)[0]) == len(slides)
    assert len(printed(NotesPDFExporter(), *cells)[0]) == -(-len(slides) // 3)


def test_letters_without_a_font_are_told_with_their_cell_wherever_they_are_printed() -> None:
    drawing = '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="20"><text>\u56f3 ok &#12354;</text></svg>'
    table = run("table", shown(html="<table><tr><td>\u8868</td></tr></table>"))
    cells = [
        text("# \u984c"),
        text("one **\ud55c** `\u0e44` $\\text{\u6570}$ \ue000"),
        run("x = '\u5909'", stream("\u51fa")),
        table,
        run("draw()", shown(svg=drawing)),
        text(
            "fine: \u0391 \u0639 \u0939\u093f \u2502\u2588 \U0001d538 n\u0303 \u2713 \u2603\ufe0f a\u200db"
            " \U0001f600 *\U0001f600* **\U0001f600** `\U0001f600`"
        ),
        text("![\u50cf](gone.svg)"),
    ]
    told = {
        warning.partition(", printed as boxes, ")[::2] for warning in printed(ARTICLE, *cells)[1] if "font" in warning
    }
    said = "no font of the paper has the letters "
    assert {(one.removeprefix(said), where) for one, where in told} == {
        ("\u984c", "in the title"),
        (
            "\u0e44\u6570\ud55c\ue000",
            "in the cell that begins with 'one **\ud55c** `\u0e44` $\\\\text{\u6570}$ \\ue000'",
        ),
        ("\u51fa\u5909", "in the cell that begins with \"x = '\u5909'\""),
        ("\u8868", "in the cell that begins with 'table'"),
        ("\u3042\u56f3", "in the cell that begins with 'draw()'"),
        ("\u50cf", "in the cell that begins with '![\u50cf](gone.svg)'"),
    }


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ("viewBox='0 0 100 50'", (75, 37.5)),
        ("viewBox='-9,-9 , 100,5e1'", (75, 37.5)),
        ("viewBox='0 0 100 50' width='100%' height='auto'", (75, 37.5)),
        ("viewBox='0 0 100 50' width='2em'", (24, 12)),
        ("viewBox='0 0 100 50' height='1in' data-x='a>b'", (144, 72)),
        ("viewBox='0 0 - 5'", (225, 112.5)),
        ("viewBox='0 0 100 -5'", (225, 112.5)),
        ("viewBox='0 0 1e999 5' width='1e2'", (75, 112.5)),
        ("viewBox='a' width='0' height='-3'", (225, 112.5)),
        ("", (225, 112.5)),
        ("viewBox='0 0 0 9' width='5' height='5'", (0, 0)),
    ],
)
def test_svg_pictures_have_the_size_that_a_browser_gives_them(attributes: str, size: tuple[float, float]) -> None:
    source = f"<?xml version='1.0'?><svg {attributes}><rect width='9' height='9'/></svg>"
    content, found = _sized_svg(source.encode())
    assert found == size
    root = ET.fromstring(content)
    assert (float(root.attrib["width"]) * 0.75, float(root.attrib["height"]) * 0.75) == size
    assert ("viewBox" in root.attrib) == (112.5 not in size)
    _, warnings = printed(ARTICLE, run("draw()", shown(svg=source)))
    assert warnings == (
        [] if min(size) else ["image cannot be shown (svg): no alternative text, in the cell that begins with 'draw()'"]
    )


def test_what_is_elsewhere_or_missing_is_told_and_the_title_can_be_linked_to(tmp_path: Path) -> None:
    for width, name in enumerate(("a#b.png", "100%.png", "my pic.png"), start=1):
        (tmp_path / name).write_bytes(png(width))
    attached = text("![x](attachment:my%20pic.png) ![y](attachment:100%.png)")
    attached["attachments"] = {
        name: {"image/png": base64.b64encode(png(len(name))).decode()} for name in ("my pic.png", "100%.png")
    }
    pictures = text("![a](a%23b.png) ![b](100%25.png) ![c](<my pic.png>)")
    links = text(
        "# T t\n\n[up](#T-t) [x](gone.ipynb#y) ![r](https://e.org/p.png) <video src='https://e.org/v.mp4'></video>"
    )
    pdf, told = ARTICLE.from_notebook_node(
        new_notebook(cells=[links, pictures, attached]), {"metadata": {"path": str(tmp_path)}}
    )
    reader = PdfReader(io.BytesIO(pdf))
    assert len(reader.pages[0].images) == 5
    kinds = [annotation.get_object() for annotation in reader.pages[0]["/Annots"]]
    assert sum("/URI" not in link.get("/A", {}) for link in kinds) == 1
    where = ", in the cell that begins with '# T t'"
    assert told["course_warnings"] == [
        f"the link to gone.ipynb leads nowhere: there is no such notebook{where}",
        f"the remote picture https://e.org/p.png is shown as a link{where}",
        f"the remote <video> https://e.org/v.mp4 is shown as a link{where}",
    ]


def test_a_document_that_typst_refuses_is_one_line_that_names_the_cell() -> None:
    parts = Parts(
        printed=[("in the cell that begins with 'a'", '"a"'), ("in the cell that begins with 'b'", 'panic("b")')]
    )
    with pytest.raises(
        BuildError, match=r"^Typst cannot set the document \(.*, in the cell that begins with 'b'\)[^\n]*$"
    ):
        compile_pdf("article", '#article({"a"\npanic("b")})', parts)
