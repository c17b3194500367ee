"""A deck is one file that shows the slides of its notebook, each small enough for its page."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from notebook_writer import external_references, published, run, shown, text

from course.publish.slides_html import SlidesExporter, escape_script

if TYPE_CHECKING:
    from nbformat import NotebookNode

publish = partial(published, SlidesExporter())


def frame(rows: int, columns: int) -> str:
    header = "".join(f"<th>COLUMN_{place}</th>" for place in range(columns))
    body = "".join(f"<tr><th>{row}</th>{'<td>1234.5</td>' * columns}</tr>" for row in range(rows))
    return f"<table><thead><tr><th></th>{header}</tr></thead><tbody>{body}</tbody></table>"


def slides(soup: Any) -> list[str]:
    return [slide.get_text(" ", strip=True) for slide in soup.select(".slides > section > section")]


def notices(soup: Any) -> list[str]:
    return [line.get_text() for line in soup.select(".notice")]


@pytest.fixture(scope="module")
def deck() -> Any:
    soup, warnings = publish(
        text("welcome", "notes"),
        text("# Title", "slide"),
        text("more text"),
        text("## Second", "slide"),
        text("appears", "fragment"),
        text("tell the story", "notes"),
        text("not for the room", "skip"),
        text(r"### Below $\sqrt x$", "subslide"),
    )
    assert warnings == []
    return soup


def test_slides_follow_their_metadata_and_notes_belong_to_the_slide_never_to_a_fragment(deck: Any) -> None:
    assert len(deck.select(".slides > section")) == 2
    texts = slides(deck)
    assert [len(texts), "more text" in texts[0], "appears" in texts[1]] == [3, True, True]
    fragments = deck.select(".fragment")
    assert [fragment.get_text(strip=True) for fragment in fragments] == ["appears"]
    assert "not for the room" not in str(deck)
    first, second, _ = deck.select(".slides > section > section")
    assert [note.get_text(strip=True) for note in first.select("aside.notes")] == ["welcome"]
    assert [note.get_text(strip=True) for note in second.select("aside.notes")] == ["tell the story"]
    assert deck.select(".fragment aside") == []


def test_the_deck_holds_reveal_its_notes_its_settings_and_the_theme_and_fetches_nothing(deck: Any) -> None:
    scripts = [script.get_text() for script in deck.find_all("script")]
    assert len(scripts) == 3
    assert not re.search(r"<!--|</?script", "".join(scripts), re.IGNORECASE)
    assert deck.select_one(".slides math msqrt") is not None
    assert "font/woff2;base64," in str(deck.style)
    assert "Reveal" in scripts[0]
    # an element named so would be taken for a loader of modules
    assert scripts[0].startswith("var define, exports, module;")
    assert "RevealNotes" in scripts[1]
    assert "--text-size" in str(deck.style)
    assert external_references(deck) == []
    assert "sourceMappingURL" not in str(deck)
    assert all(setting in scripts[2] for setting in ('slideNumber: "c/t"', "hash: true", "center: false"))


def test_slide_attributes_are_kept_escaped_when_they_are_local() -> None:
    data = {"background_color": "#eee", "state": 'a"><script>b', "background-image": "https://a.org/x.png"}
    data |= {"x onclick=alert(1) y": "z", "notes": "<img src=x onerror=alert(1)>", "background-iframe": "x.html"}
    data["background"] = "url(https://a.org/y.png)"
    soup, _ = publish(text("# Title", "slide", data=data))
    slide = soup.select_one("section[data-background-color='#eee']")
    assert slide["data-state"] == 'a"><script>b'
    assert "a.org" not in str(soup)
    assert set(slide.attrs) == {"data-background-color", "data-background", "data-state"}


@pytest.mark.parametrize("dangerous", ["</script>", "</SCRIPT >", "<!--", "<script src=x>"])
def test_a_script_cannot_end_the_element_it_stands_in(dangerous: str) -> None:
    escaped = escape_script(f"var text = '{dangerous}';")
    assert dangerous not in escaped
    assert escaped.replace("\\x3C", "<") == f"var text = '{dangerous}';"


def test_without_metadata_each_heading_begins_a_slide() -> None:
    soup, _ = publish(
        text("# Title\n\nhello\n\n## One\n\na\n\n```\n# not a heading\n```"), text("b"), text("### Two\n\nc")
    )
    assert [text.split()[0] for text in slides(soup)] == ["Title", "One", "Two"]
    assert "not a heading" in slides(soup)[1]


def test_a_wide_and_long_table_is_cut_with_a_notice() -> None:
    soup, _ = publish(run("frame", shown(html=frame(50, 56))))
    rows = [row.find_all(["th", "td"]) for row in soup.select("tbody tr")]
    assert [row[0].get_text() for row in rows] == ["0", "1", "2", "3", "4", "5", "6", "7", "…", "47", "48", "49"]
    names = [name.get_text() for name in soup.select("thead th")]
    assert (names[1], names[-1], names.count("…")) == ("COLUMN_0", "COLUMN_55", 1)
    assert {len(row) for row in rows} == {len(names)}
    assert notices(soup) == [f"11 of 50 rows, {len(names) - 2} of 56 columns shown"]


def test_a_table_with_spans_is_cut_and_its_spans_follow() -> None:
    head = f"<tr><th></th>{'<th colspan=10>YEAR</th>' * 4}</tr><tr><th>k</th>{'<th>AMOUNT</th>' * 40}</tr>"
    body = "".join(
        f"<tr>{f'<th rowspan=10>group {row}</th>' if row % 10 == 0 else ''}{'<td>1234.5</td>' * 40}</tr>"
        for row in range(20)
    )
    soup, _ = publish(run("frame", shown(html=f"<table><thead>{head}</thead><tbody>{body}</tbody></table>")))
    top, names = soup.select("thead tr")
    shown_columns = len(names.select("th"))
    assert sum(int(str(cell.get("colspan", "1"))) for cell in top.select("th")) == shown_columns < 20
    spans = [int(str(cell.get("rowspan", "1"))) for cell in soup.select("tbody th")]
    assert sum(spans) == len(soup.select("tbody tr")) == 12
    assert notices(soup) == [f"11 of 20 rows, {shown_columns - 2} of 40 columns shown"]


def test_a_table_that_pandas_cut_is_counted_from_what_pandas_says() -> None:
    soup, _ = publish(run("frame", shown(html=f"<div>{frame(5, 20)}<p>5 rows × 56 columns</p></div>")))  # noqa: RUF001
    (said,) = soup.select(".outputs p")
    assert re.fullmatch(r"\d of 56 columns shown", said.get_text())


def test_a_small_table_is_whole_and_says_nothing() -> None:
    soup, _ = publish(run("frame", shown(html=frame(11, 3))))
    assert len(soup.select("tbody tr")) == 11
    assert len(soup.select("thead th")) == 4
    assert notices(soup) == []


def test_the_text_of_a_written_table_is_folded_and_no_column_is_left_out() -> None:
    sentence = "a way of reading that says what it costs and what it gives, in a sentence of its own"
    soup, _ = publish(text(f"| way | cost | answer |\n|---|---|---|\n| {sentence} | {sentence} | {sentence} |"))
    assert [one.get_text() for one in soup.select("thead th")] == ["way", "cost", "answer"]
    assert [one.get_text() for one in soup.select("tbody td")] == [sentence] * 3
    assert notices(soup) == []


def test_a_written_table_too_wide_even_when_folded_is_cut_with_a_notice() -> None:
    row = "|".join(f"COLUMN_NUMBER_{place}" for place in range(30))
    soup, _ = publish(text(f"{row}\n{'|'.join(['---'] * 30)}\n{row}"))
    assert notices(soup) == ["4 of 30 columns shown"]


def test_a_long_output_is_cut_with_the_count() -> None:
    soup, _ = publish(run("loop()", shown(plain="\n".join(map(str, range(100))))))
    block = soup.select_one("pre.output")
    lines = block.get_text().split("\n")
    assert len(lines) == 15
    assert "… 86 lines not shown …" in lines
    assert lines[-1] == "99"


@pytest.mark.parametrize("cells", [(), (text("a note", "notes"),), (text("hidden", "skip"),), (text(""),)])
def test_a_notebook_with_nothing_to_show_still_makes_a_slide(cells: tuple[NotebookNode, ...]) -> None:
    soup, _ = publish(*cells)
    assert len(slides(soup)) == 1
