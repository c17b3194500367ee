"""A page says all that its notebook shows, alone and without a script; links lead to pages."""

from __future__ import annotations

import base64
import copy
import hashlib
import re
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_notebook, new_output
from notebook_writer import external_references, published, run, shown, stream, text

from course.publish.page_html import HTMLPageExporter, contrast, readable
from course.publish.paper import PDFExporter
from course.publish.slides_html import SlidesExporter

if TYPE_CHECKING:
    from nbformat import NotebookNode

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
COURSE = {
    "links": [("notebook", "01_data.ipynb"), ("PDF", "01_data.pdf")],
    "previous": ("Start", "00_start.html"),
    "next": ("Text", "02_text.html"),
    "home": "index.html",
    "language": "en",
}
LESSON = """# The data & its $n$ rows

A [link](https://pandas.pydata.org) stays a link.

## First lines

Text.

### The ghost column

## First lines

<details><summary>Answer</summary>

Forty <em>two</em>.

</details>"""
_EXPORTER = HTMLPageExporter()
EXPORTERS = [pytest.param(_EXPORTER, id="page"), pytest.param(SlidesExporter(), id="slides")]


def publish(*cells: NotebookNode | str, folder: Path = Path()) -> tuple[Any, list[str]]:
    whole = [text(cell) if isinstance(cell, str) else cell for cell in cells]
    return published(_EXPORTER, *whole, metadata={"name": "01_data", "path": str(folder)}, course=COURSE)


@pytest.fixture(scope="module")
def page() -> Any:
    soup, warnings = publish(
        LESSON,
        run("frame.head()", shown(html="<table border='1'><thead><tr><th></th><th>a</th></tr></thead></table>")),
        run("print(1)", stream("1\n")),
        r"$$\sqrt{x}$$",
        run("Math()", shown(latex=r"a<b> $\displaystyle \frac{a}{b}$", plain="<Math>")),
    )
    assert warnings == []
    return soup


def test_the_title_is_the_first_heading_the_links_bar_follows_it_and_nothing_is_fetched(page: Any) -> None:
    assert external_references(page) == []
    assert page.find("a", href="https://pandas.pydata.org") is not None
    assert page.title.get_text() == "The data & its n rows"
    (title,) = page.find_all("h1")
    assert title.math is not None
    bar = title.find_next_sibling()
    assert [(link.get_text(), link["href"]) for link in bar.find_all("a")] == COURSE["links"]


def test_every_contents_link_leads_to_a_heading_in_the_order_of_the_page(page: Any) -> None:
    headings = [heading["id"] for heading in page.main.find_all(["h2", "h3"])]
    assert headings == ["First-lines", "The-ghost-column", "First-lines-2"]
    for contents in page.select(".contents"):
        links = [unquote(str(link["href"])) for link in contents.select("li a")]
        assert links == [f"#{identifier}" for identifier in headings]
    identifiers = [element["id"] for element in page.find_all(id=True)]
    assert len(identifiers) == len(set(identifiers))


def test_the_page_has_its_landmarks_language_skip_link_and_the_lessons_around(page: Any) -> None:
    assert page.html["lang"] == "en"
    assert all(nav.get("aria-label") for nav in page.find_all("nav"))
    skip = page.body.a
    assert skip["href"] == f"#{page.main['id']}"
    around = {str(link["href"]) for link in page.select("nav.around a")}
    assert around == {"00_start.html", "02_text.html", "index.html"}


def test_formulas_are_mathml_with_their_font_and_no_delimiter_left(page: Any) -> None:
    assert page.select_one("main math[display=block] msqrt") is not None
    assert page.select_one(".output math mfrac") is not None
    assert "a<b> " in page.get_text()
    assert "font/woff2;base64," in str(page.style)
    assert "$" not in page.main.get_text()


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_only_the_scripts_of_the_exporter_run_their_hashes_are_the_policy(exporter: Any) -> None:
    soup, _ = published(exporter, text("# Title"))
    policy = str(soup.find("meta", attrs={"http-equiv": "Content-Security-Policy"})["content"])
    allowed = re.findall(r"'sha256-([^']*)'", policy)
    digests = [hashlib.sha256(script.get_text().encode()).digest() for script in soup.find_all("script")]
    assert [base64.b64encode(digest).decode() for digest in digests] == allowed[: len(digests)]
    # a deck allows one more: that of the window of its speaker
    assert (len(digests), len(allowed)) == ((3, 4) if isinstance(exporter, SlidesExporter) else (1, 1))
    assert "unsafe" not in policy.replace("style-src 'unsafe-inline'", "")
    refused = {"default-src", "base-uri", "form-action", "object-src", "connect-src"}
    # only a deck shows a frame: the one of its speaker
    frames = "'self' file:" if isinstance(exporter, SlidesExporter) else "'none'"
    assert {f"frame-src {frames}", *(f"{one} 'none'" for one in refused)} <= set(policy.split("; "))


def test_html_among_markdown_stays_whole_and_a_table_scrolls_in_a_region_named_by_its_size(page: Any) -> None:
    details = page.select_one("main .cell details")
    assert details.get_text(" ", strip=True) == "Answer Forty two ."
    assert details.em.get_text() == "two"
    (box,) = page.select("[role=region]")
    assert box["tabindex"] == "0"
    assert box["aria-label"] == "Table 1: 1 rows, 2 columns"
    assert not box.table.has_attr("border")


def test_a_plain_lesson_weighs_less_than_150_kb() -> None:
    texts = [text(f"## Part {part}\n\n{'word ' * 100} $x_{part}$") for part in range(20)]
    page, _ = publish("# Title", *texts, *[run("a = 1\n" * 8) for _ in range(20)])
    assert len(str(page).encode()) < 150_000


@pytest.mark.parametrize("exporter", [HTMLPageExporter, SlidesExporter])
def test_the_same_notebook_gives_the_same_bytes_and_is_left_as_it_was(exporter: Any) -> None:
    cells = [text(LESSON), run("1", stream("a\n"), stream("b\n")), text(r"$\bar x$"), run("a = 1\n" * 50)]
    before = copy.deepcopy(cells)
    assert str(published(exporter(), *cells)[0]) == str(published(exporter(), *cells)[0])
    assert cells == before


def test_pictures_are_described_by_metadata_of_their_type_or_of_the_cell_or_told_with_their_cell() -> None:
    pictures = [shown(png=PIXEL, metadata={"image/png": {"alt": 'a "rising" curve'}}), shown(svg="<svg/>")]
    described = run("plot()", *pictures, alt="the cell's own")
    soup, warnings = publish(described, run("plot_spending()", shown(png=PIXEL)))
    descriptions = [picture["alt"] for picture in soup.find_all("img")]
    assert descriptions == ['a "rising" curve', "the cell's own", "Picture without a description"]
    assert warnings == ["a picture has no alternative text, in the cell that begins with 'plot_spending()'"]


def test_pictures_beside_the_notebook_and_attachments_are_inside(tmp_path: Path) -> None:
    (tmp_path / "a curve.png").write_bytes(base64.b64decode(PIXEL))
    cell = text("![one](attachment:p.png) ![two](a%20curve.png) <img src='a curve.png' alt='three'>")
    cell["attachments"] = {"p.png": {"image/png": PIXEL}}
    soup, warnings = publish(cell, folder=tmp_path)
    assert {str(picture["src"]) for picture in soup.find_all("img")} == {f"data:image/png;base64,{PIXEL}"}
    assert [picture["alt"] for picture in soup.find_all("img")] == ["one", "two", "three"]
    assert warnings == []


@pytest.mark.parametrize(
    "source", [f"![lost]({of})" for of in ("nowhere.png", "notes.txt", "attachment:gone.png", "https://a.org/b.png")]
)
def test_a_picture_that_cannot_be_inside_leaves_its_text_and_a_warning(tmp_path: Path, source: str) -> None:
    (tmp_path / "notes.txt").write_text("no picture", encoding="utf-8")
    soup, warnings = publish(source, folder=tmp_path)
    assert soup.find("img") is None
    assert "lost" in soup.main.get_text()
    assert len(warnings) == 1


@pytest.mark.parametrize("exporter", EXPORTERS)
@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<script src='https://a.org/x.js'></script>",
        "<iframe src='https://a.org'></iframe>",
        "<link rel='stylesheet' href='https://a.org/x.css'>",
        "<style>@import 'https://a.org/x.css'; p {background: url(https://a.org/x.png)}</style>",
        "<p style='background: url(//a.org/x.png)'>x</p>",
        "<video poster='https://a.org/x.png' src='http://a.org/v.mp4'></video>",
        "<img src='x' onerror='alert(1)'>",
        "<a href='javascript:alert(1)'>x</a>",
        "<a href='java&#9;scr&#10;ipt:alert(1)'>x</a>",
        "<a href='&#1; javascript:alert(1)'>x</a>",
        "<svg><a><animate attributeName='href' values='javascript:alert(1)'/><text>x</text></a></svg>",
        "<p style='background: u\\72l(https://a.org/x.png)'>x</p>",
        "<img src='x' alt='x' srcset='/\\a.org/x.png'>",
        "<svg><use xlink:href='https://a.org/x.svg#a'></use></svg>",
        "<p style='background: image-set(&quot;https://a.org/x.png&quot; 1x)'>x</p>",
        "<svg><rect mask='u\\72l(https://a.org/x.svg#a)'/></svg>",
        "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
        "<button formaction='https://a.org'>x</button>",
        "<p data-preview-link='https://a.org'>x</p>",
        "<plaintext>alert(1)",
    ],
)
def test_an_output_or_a_text_can_neither_run_nor_fetch(exporter: Any, hostile: str) -> None:
    output = run("show()", shown(html=f"<b>kept</b>{hostile}"))
    for cell in (output, text(f"<b>kept</b>{hostile}")):
        soup, warnings = published(exporter, cell)
        assert external_references(soup) == []
        assert soup.main.find(["script", "animate"]) is None
        assert "alert(1)" not in str(soup.main)
        assert soup.find("b", string="kept") is not None
        assert warnings


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("<p style='position:/**/fi\\78 ed; color: red'>x</p>", "position:/**/none; color: red"),
        ("<p style='background: url(#a); table-layout: fixed'>x</p>", "background: url(#a); table-layout: fixed"),
        ("<style>@import 'a.css'; p { width: calc(1px + 2px) }</style>", "p { width: calc(1px + 2px) }"),
        ("<p title='url(https://a.org) (see)'>x</p>", "url(https://a.org) (see)"),
        ("<form name='body'><b>x</b></form>", "<b>x</b>"),
        ("<![x[ 1 < 2", "<![x[ 1 < 2"),
        ("<![x[ 1 < 2 ]> <b>x</b>", "<![x[ 1 < 2 ]> <b>x</b>"),
        ("<![CDATA[ 1 > 2", "<![CDATA[ 1 > 2"),
        ("<!-- 1 --> 2 <!-- 3 > 4", " 2 <!-- 3 > 4"),
        ("<b>x</b> 1 <two", "<b>x</b> 1 <two"),
        ("<b>x</b> <a href='b.html>b</a> c", "<b>x</b> <a href='b.html>b</a> c"),
        ("<![if !IE]><b>x</b><![endif]>", '<div class="output html">\n<b>x</b>'),
        ("results.csv", "results.csv"),
        ("<b>x</b> R&D", "<b>x</b> R&D"),
        ("<?xml version='1.0'?><b>x</b>", "<b>x</b>"),
    ],
)
def test_what_neither_loads_nor_covers_stays(written: str, kept: str) -> None:
    soup, _ = publish(run("show()", shown(html=written)))
    assert kept in unescape(str(soup.select_one(".output.html")))


def test_no_element_takes_the_place_of_a_function_of_the_browser_and_no_formula_ends_an_attribute() -> None:
    soup, _ = publish('<img name="querySelector" src="data:," alt="a > $x$ b">')
    assert soup.main.find(attrs={"name": True}) is None
    assert (soup.main.img["alt"], soup.main.img["src"]) == ("a > x b", "data:,")


@pytest.mark.parametrize("outside", ["svg", "math", "p"])
def test_a_style_holds_no_mark_that_a_browser_could_read_as_an_element(outside: str) -> None:
    soup, _ = publish(run("show()", shown(html=f"<{outside}><style>a<img src=x onerror=alert(1)></style></{outside}>")))
    assert "<img" not in str(soup.main)


@pytest.mark.parametrize(
    ("output", "expected", "warned"),
    [
        (stream("<script>alert(1)</script>"), r"<script>alert\(1\)</script>", 0),
        (shown(plain="<b>&amp;</b>"), "<b>&amp;</b>", 0),
        (shown(widget="{}"), r"\[output not shown here: application/vnd\.jupyter\.widget-view\+json\]", 1),
        (stream("\n".join(map(str, range(5000)))), r"(?s)0\n.*\n… 4000 lines not shown …\n.*\n4999", 0),
        (stream("y" * 10_001), r"y{10000} … 1 characters not shown", 0),
    ],
    ids=["stream", "value", "widget", "long", "wide"],
)
def test_a_text_output_is_escaped_cut_or_named(output: NotebookNode, expected: str, warned: int) -> None:
    soup, warnings = publish(run("x", output))
    assert re.fullmatch(expected, soup.select_one("pre.output").get_text())
    assert len(warnings) == warned


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_the_notebook_menu_is_left_out_and_the_speaker_notes_of_a_page_too(exporter: Any) -> None:
    menu = shown(html="<ul><li>menu</li></ul>", metadata={"course": {"menu": True}})
    beside = run("both()", menu, shown(plain="beside the menu"))
    notes = text("whisper", "notes")
    soup, _ = published(exporter, text("# Title"), run("add_notebook_menu()", menu), beside, notes)
    assert "add_notebook_menu" not in str(soup)
    assert "<li>menu" not in str(soup)
    assert "beside the menu" in str(soup)
    assert ("whisper" in str(soup)) == isinstance(exporter, SlidesExporter)


def test_an_unclosed_element_does_not_swallow_the_next_cell() -> None:
    soup, _ = publish("<div><b>open", "## Next", "</section></div>tail", run("1", shown(html="<table><tr><td>x")))
    heading = soup.find("h2")
    assert [parent.name for parent in heading.parents][:2] == ["div", "main"]
    assert len(soup.main.select(":scope > .cell")) == 4


def test_terminal_colours_are_classes_or_readable_in_both_themes() -> None:
    soup, _ = publish(run("1", stream("\x1b[31mred\x1b[0m \x1b[38;5;28mgreen\x1b[0m")))
    assert soup.select_one(".ansi-red-fg") is not None
    assert "light-dark(" in str(soup.select_one("pre.output span[style]"))


_PARTS = st.integers(0, 255)


@given(st.tuples(_PARTS, _PARTS, _PARTS), st.sampled_from([(255, 242, 242), (44, 29, 31)]))
def test_a_readable_colour_meets_the_contrast_for_text(colour: Any, background: Any) -> None:
    assert contrast(readable(colour, background), background) >= 4.5


def test_code_that_jupyterlab_folds_away_is_not_shown_and_its_output_is() -> None:
    page, _ = publish(run("secret = 1", shown(plain="seen"), jupyter={"source_hidden": True}))
    assert "seen" in str(page)
    assert "secret" not in str(page)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two lessons, and a deck in the folder beside theirs."""
    for name in ("notebooks/01_data.ipynb", "notebooks/a b.ipynb", "slides/lecture.ipynb"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}", encoding="utf-8")
    return tmp_path / "notebooks"


@pytest.mark.parametrize("exporter", EXPORTERS)
@pytest.mark.parametrize(
    ("address", "expected"),
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
def test_a_link_to_a_lesson_leads_to_its_page(folder: Path, exporter: Any, address: str, expected: str) -> None:
    resources = {"metadata": {"name": "02_chunks", "path": str(folder)}}
    soup, warnings = published(exporter, text(f"A [lesson]({address})."), **resources)
    link = soup.find("a", string="lesson")
    assert (link["href"], warnings) == (expected, [])


def test_a_link_to_a_lesson_that_is_not_there_is_told_and_stays(folder: Path) -> None:
    soup, warnings = publish("See [one](99_none.ipynb).", folder=folder)
    assert soup.find("a", href="99_none.ipynb") is not None
    assert warnings == ["the link to 99_none.ipynb leads nowhere: there is no such notebook"]


FILES = {
    '<video src="x.mp4" controls></video>': "x.mp4",
    '<video controls><source src="x.mp4">no films</video>': "x.mp4",
    '<audio src="../a%20b.mp3"></audio>': "../a%20b.mp3",
    '<video src="/srv/x.mp4"></video>': "/srv/x.mp4",
    '<video src="data:video/mp4;base64,AA"></video>': "",
    '<video src="data:video/mp4;base64,AA" poster="p.png"></video>': None,
    '<table background="p.png"><tr><td>1</td></tr></table>': None,
    '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" srcset="p.png 2x" alt="x">': None,
    '<svg><image href="p.png"/></svg>': None,
}


@pytest.mark.parametrize("exporter", EXPORTERS)
@pytest.mark.parametrize("html", FILES)
def test_a_file_that_a_page_cannot_load_is_told_and_a_film_is_a_link(html: str, exporter: Any) -> None:
    soup, warnings = published(exporter, text(html))
    cell = soup.select_one(".cell.markdown")
    address = FILES[html]
    assert [link["href"] for link in cell.select("a:not(.anchor)")] == [address] * bool(address)
    assert external_references(cell) == []
    told = [warning for warning in warnings if "page" in warning and "loads nothing" in warning]
    assert len(told) == len(warnings) == (address != "")


@pytest.mark.parametrize("exporter", [*EXPORTERS, pytest.param(PDFExporter(), id="paper")])
@pytest.mark.parametrize("address", ["{folder}/p.png", "<video src='x.mp4'></video>", "<audio src='{folder}/x.mp3'>"])
def test_page_slides_and_paper_tell_of_absolute_pictures_and_local_films(
    tmp_path: Path, exporter: Any, address: str
) -> None:
    (tmp_path / "p.png").write_bytes(base64.b64decode(PIXEL))
    source = address.format(folder=tmp_path)
    cell = text(source if source.startswith("<") else f"![x]({source})")
    resources = {"metadata": {"name": "n", "path": str(tmp_path)}, "course_warnings": []}
    made, told = exporter.from_notebook_node(new_notebook(cells=[cell]), resources)
    assert len(told["course_warnings"]) == 1
    assert PIXEL not in str(made)


@pytest.mark.parametrize("exporter", EXPORTERS)
@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "webp"])
def test_a_bitmap_of_any_kind_is_shown_and_code_that_is_empty_has_no_box(kind: str, exporter: Any) -> None:
    picture = new_output("display_data", {f"image/{kind}": PIXEL, "text/plain": "<Image>"}, metadata={"alt": "dot"})
    soup, warnings = published(exporter, run(" \n", picture))
    assert [(one["src"], one["alt"]) for one in soup.select(".cell img")] == [
        (f"data:image/{kind};base64,{PIXEL}", "dot")
    ]
    assert (warnings, soup.select(".cell .input"), soup.select(".cell pre")) == ([], [], [])
