from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course.publish.slides_html import SlidesExporter, escape_script, inline_script

if TYPE_CHECKING:
    from nbformat import NotebookNode

_EXPORTER = SlidesExporter()


def cell(source: str, kind: str = "", **slideshow: Any) -> NotebookNode:
    made: NotebookNode = new_markdown_cell(source)
    if kind:
        made.metadata["slideshow"] = {"slide_type": kind, **slideshow}
    return made


def code(source: str, kind: str = "", **data: str) -> NotebookNode:
    mimes = {"html": "text/html", "plain": "text/plain"}
    outputs = [new_output("display_data", data={mimes[name]: value}) for name, value in data.items()]
    made: NotebookNode = new_code_cell(source, outputs=outputs)
    if kind:
        made.metadata["slideshow"] = {"slide_type": kind}
    return made


def frame(rows: int, columns: int) -> str:
    header = "".join(f"<th>COLUMN_{place}</th>" for place in range(columns))
    body = "".join(f"<tr><th>{row}</th>{'<td>1234.5</td>' * columns}</tr>" for row in range(rows))
    return f"<table><thead><tr><th></th>{header}</tr></thead><tbody>{body}</tbody></table>"


def publish(*cells: NotebookNode) -> tuple[BeautifulSoup, list[str]]:
    html, told = _EXPORTER.from_notebook_node(new_notebook(cells=list(cells)), {"metadata": {"name": "deck"}})
    return BeautifulSoup(html, "html.parser"), told["course_warnings"]


def slides(soup: BeautifulSoup) -> list[str]:
    return [slide.get_text(" ", strip=True) for slide in soup.select(".slides > section > section")]


@pytest.fixture(scope="module")
def deck() -> BeautifulSoup:
    soup, warnings = publish(
        cell("welcome", "notes"),
        cell("# Title", "slide"),
        cell("more text"),
        cell("## Second", "slide", data={"background_color": "#eee", "background-image": "https://a.org/x.png"}),
        cell("appears", "fragment"),
        cell("tell the story", "notes"),
        cell("not for the room", "skip"),
        cell(r"### Below $\sqrt x$", "subslide"),
    )
    assert warnings == []
    return soup


def test_slides_follow_the_slideshow_metadata(deck: BeautifulSoup) -> None:
    assert len(deck.select(".slides > section")) == 2
    texts = slides(deck)
    assert [len(texts), "more text" in texts[0], "appears" in texts[1]] == [3, True, True]
    fragments = deck.select(".fragment")
    assert [fragment.get_text(strip=True) for fragment in fragments] == ["appears"]
    assert "not for the room" not in str(deck)


def test_notes_belong_to_the_slide_and_never_to_a_fragment(deck: BeautifulSoup) -> None:
    first, second, _ = deck.select(".slides > section > section")
    assert [note.get_text(strip=True) for note in first.select("aside.notes")] == ["welcome"]
    assert [note.get_text(strip=True) for note in second.select("aside.notes")] == ["tell the story"]
    assert deck.select(".fragment aside") == []


def test_the_deck_holds_reveal_its_notes_and_the_theme_and_fetches_nothing(deck: BeautifulSoup) -> None:
    scripts = [script.get_text() for script in deck.find_all("script")]
    assert len(scripts) == 3
    assert all(not script.has_attr("src") for script in deck.find_all("script"))
    assert "Reveal" in scripts[0]
    assert "RevealNotes" in scripts[1]
    style = "".join(element.get_text() for element in deck.find_all("style"))
    assert "--text-size" in style
    assert "@import" not in style
    assert [url for url in re.findall(r"url\(\s*['\"]?([^)'\"]*)", style) if not url.startswith("data:")] == []
    assert "sourceMappingURL" not in str(deck)
    assert "a.org" not in str(deck)


def test_slide_attributes_are_kept_when_they_are_local(deck: BeautifulSoup) -> None:
    assert deck.select_one("section[data-background-color='#eee']") is not None


def test_the_deck_is_numbered_linkable_and_starts_at_the_top(deck: BeautifulSoup) -> None:
    settings = deck.find_all("script")[-1].get_text()
    assert 'slideNumber: "c/t"' in settings
    assert "hash: true" in settings
    assert "center: false" in settings


def test_formulas_of_slides_are_mathml_with_their_font(deck: BeautifulSoup) -> None:
    assert deck.select_one(".slides math msqrt") is not None
    assert "font/woff2;base64," in str(deck)


@pytest.mark.parametrize("dangerous", ["</script>", "</SCRIPT >", "<!--", "<script src=x>"])
def test_a_script_cannot_end_the_element_it_stands_in(dangerous: str) -> None:
    escaped = escape_script(f"var text = '{dangerous}';")
    assert dangerous not in escaped
    assert escaped.replace("\\x3C", "<") == f"var text = '{dangerous}';"


@pytest.mark.parametrize("name", ["dist/reveal.js", "plugin/notes/notes.js"])
def test_the_scripts_of_reveal_can_stand_in_a_page(name: str) -> None:
    assert re.search(r"<!--|</?script", inline_script(name), re.IGNORECASE) is None


def test_without_metadata_each_heading_begins_a_slide() -> None:
    soup, _ = publish(
        cell("# Title\n\nhello\n\n## One\n\na\n\n```\n# not a heading\n```"), cell("b"), cell("### Two\n\nc")
    )
    assert [text.split()[0] for text in slides(soup)] == ["Title", "One", "Two"]
    assert "not a heading" in slides(soup)[1]


def test_without_metadata_a_long_section_goes_on_over_titled_slides() -> None:
    soup, _ = publish(cell("## Reading"), *[code("a = 1\n" * 6) for _ in range(6)])
    texts = slides(soup)
    assert len(texts) == 3
    assert texts[0].startswith("Reading")
    assert all(text.startswith("Reading (continued)") for text in texts[1:])


def test_a_wide_and_long_table_is_cut_with_a_notice() -> None:
    soup, _ = publish(code("frame", html=frame(50, 56)))
    assert len(soup.select("tbody tr")) <= 12
    assert len(soup.select("thead th")) < 12
    notice = soup.select_one(".notice")
    assert notice is not None
    assert re.fullmatch(r"\d+ of 50 rows, \d of 56 columns shown", notice.get_text())


def test_a_table_that_pandas_cut_is_counted_from_what_pandas_says() -> None:
    soup, _ = publish(code("frame", html=f"<div>{frame(5, 20)}<p>5 rows × 56 columns</p></div>"))  # noqa: RUF001
    notices = [line.get_text() for line in soup.select(".outputs p")]
    assert len(notices) == 1
    assert re.fullmatch(r"\d of 56 columns shown", notices[0])


def test_a_small_table_is_whole_and_says_nothing() -> None:
    soup, _ = publish(code("frame", html=frame(5, 3)))
    assert len(soup.select("tbody tr")) == 5
    assert len(soup.select("thead th")) == 4
    assert soup.select(".notice") == []


def test_the_text_of_a_written_table_is_folded_and_no_column_is_left_out() -> None:
    sentence = "a way of reading that says what it costs and what it gives, in a sentence of its own"
    soup, _ = publish(cell(f"| way | cost | answer |\n|---|---|---|\n| {sentence} | {sentence} | {sentence} |"))
    assert [one.get_text() for one in soup.select("thead th")] == ["way", "cost", "answer"]
    assert [one.get_text() for one in soup.select("tbody td")] == [sentence] * 3
    assert soup.select(".notice") == []


def test_a_written_table_too_wide_even_when_folded_is_cut_with_a_notice() -> None:
    row = "|".join(f"COLUMN_NUMBER_{place}" for place in range(30))
    soup, _ = publish(cell(f"{row}\n{'|'.join(['---'] * 30)}\n{row}"))
    assert [line.get_text() for line in soup.select(".notice")] == ["4 of 30 columns shown"]


def test_a_long_output_is_cut_with_the_count() -> None:
    soup, _ = publish(code("loop()", plain="\n".join(map(str, range(100)))))
    block = soup.select_one("pre.output")
    assert block is not None
    lines = block.get_text().split("\n")
    assert len(lines) == 15
    assert "… 86 lines not shown …" in lines
    assert lines[-1] == "99"


def test_the_menu_is_left_out() -> None:
    menu = code("add_notebook_menu()", html="<ul></ul>")
    menu.outputs[0].metadata["course"] = {"menu": True}
    soup, _ = publish(cell("# Title"), menu)
    assert "add_notebook_menu" not in str(soup)


@pytest.mark.parametrize("cells", [(), (cell("only a note", "notes"),), (cell("hidden", "skip"),), (cell(""),)])
def test_a_notebook_with_nothing_to_show_still_makes_a_slide(cells: tuple[NotebookNode, ...]) -> None:
    soup, _ = publish(*cells)
    assert len(slides(soup)) == 1


def test_the_same_notebook_gives_the_same_bytes_and_is_left_as_it_was() -> None:
    made = new_notebook(cells=[cell("# Title\n\n## One $x$"), *[code("a = 1\n" * 9) for _ in range(5)]])
    before = copy.deepcopy(made)
    first, _ = SlidesExporter().from_notebook_node(made)
    second, _ = SlidesExporter().from_notebook_node(made)
    assert first == second
    assert made == before
