"""Lines of text outputs and cells of tables, before they are set."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st

from course.publish.table_grid import ELLIPSIS, Grid, read_grid, select
from course.publish.typst.html_walker import flowing
from course.publish.typst.layout import ARTICLE, Layout
from course.publish.typst.markup import literal
from course.publish.typst.spans import PLAIN, Line, cells, cut_middle, markup, wrap
from course.publish.typst.stylesheet import css_color, read_rules
from course.publish.typst.table_fit import fit_table, is_number
from course.publish.typst.terminal import read_terminal


def text(line: Line) -> str:
    return "".join(character for character, _ in line)


def shown(output: str) -> list[str]:
    return [text(line) for line in read_terminal(output)]


def grid_of(html: str) -> Grid:
    table = BeautifulSoup(html, "html.parser").find("table")
    assert table is not None
    return read_grid(table)


@pytest.mark.parametrize(
    ("output", "lines"),
    [
        ("\r 0%\r 50%\r100%\ndone\n", ["100%", "done"]),
        ("long line\rshort", ["shortline"]),
        ("long line\r\x1b[Kshort", ["short"]),
        ("ab\b\bAB", ["AB"]),
        ("one\ntwo\x1b[A\rONE\n", ["ONE", "two"]),
        ("a\tb", ["a       b"]),
        ("windows\r\nlines\r\n", ["windows", "lines"]),
        ("\x1b]0;title\x07text\x1b[?25l", ["text"]),
        ("\n\n", []),
    ],
)
def test_output_is_read_as_a_terminal_shows_it(output: str, lines: list[str]) -> None:
    assert shown(output) == lines


def test_colours_of_every_kind_are_read() -> None:
    (line,) = read_terminal("\x1b[1;31mA\x1b[0m\x1b[38;5;196mB\x1b[38;2;1;2;3mC\x1b[48;5;244mD\x1b[39;49mE\x1b[94mF")
    styles = [style for _, style in line]
    assert styles[0].bold
    assert styles[0].color
    assert [style.color for style in styles[1:3]] == ["#ff0000", "#010203"]
    assert styles[3].background == "#808080"
    assert styles[4] == PLAIN
    assert styles[5].color


@given(
    st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs"]), max_size=300), st.integers(10, 90), st.booleans()
)
def test_wrapped_lines_fit_and_lose_nothing(source: str, columns: int, hanging: bool) -> None:
    wrapped = wrap(cells(source), columns, hanging=hanging)
    assert all(len(line) <= columns for line in wrapped)
    assert "".join(map(text, wrapped)).replace(" ", "") == source.replace(" ", "")


@given(st.integers(0, 500), st.integers(3, 80))
def test_cut_keeps_the_count_of_lines(count: int, limit: int) -> None:
    lines = cells("\n".join(map(str, range(count))))
    head, omitted, tail = cut_middle(lines, limit)
    assert [*head, *tail] == [*lines[: len(head)], *lines[len(lines) - len(tail) :]]
    assert len(head) + omitted + len(tail) == len(lines)
    assert omitted == 0 or len(head) + len(tail) == limit


def test_literals_cannot_be_closed_by_their_text() -> None:
    assert literal('a"\\#read("x")\n\x00\ud800') == '"a\\"\\\\#read(\\"x\\")\\n\N{REPLACEMENT CHARACTER}"'
    assert markup(cells("a\nb")) == '{"a"\nlinebreak()\n"b"}'


def test_running_text_collapses_white_space_as_a_browser_does() -> None:
    assert flowing("a \n b") == '{"a b"}' or flowing("a \n b") == '"a b"'
    assert "[ ]" in flowing(" a")
    assert flowing("x" * 100).count("may-break") == 9


@pytest.mark.parametrize("number", ["1", "-1.5", "1,234.50", "12.3%", "1e-05", "4.3 GiB", "0.31 s", "5 €"])
def test_numbers_are_known_as_such(number: str) -> None:
    assert is_number(number)


@pytest.mark.parametrize("other", ["", "a1", "2016-12-01 x", "COL_1", "1 of 2"])
def test_other_texts_are_not_numbers(other: str) -> None:
    assert not is_number(other)


def test_spans_cover_their_places_and_hostile_spans_are_cut() -> None:
    grid = grid_of(
        "<table><tr><td rowspan=9999999>a</td><td colspan=2>b</td></tr><tr><td>c</td><td>d</td></tr></table>"
    )
    assert [[grid.cells[owner].text for owner in row] for row in grid.owners] == [["a", "b", "b"], ["a", "c", "d"]]
    assert grid_of("<table><tr><td colspan=999999999>a</table>").columns == 1000


def test_span_over_columns_left_out_covers_the_ellipsis() -> None:
    grid = grid_of("<table><tr><th colspan=4>top</th></tr><tr><td>1</td><td>2</td><td>3</td><td>4</td></tr></table>")
    first, second = select(grid, [0, 1], [0, ELLIPSIS, 3])
    assert [(placed.colspan, grid.cells[placed.cell].text) for placed in first] == [(3, "top")]
    assert [placed.cell == ELLIPSIS for placed in second] == [False, True, False]


@given(st.lists(st.lists(st.integers(1, 3), min_size=1, max_size=6), min_size=1, max_size=6), st.integers(60, 460))
def test_printed_cells_tile_the_table(spans: list[list[int]], width: int) -> None:
    rows = "".join(
        "<tr>" + "".join(f"<td colspan={span}>{span * 1111}</td>" for span in row) + "</tr>" for row in spans
    )
    grid = grid_of(f"<table>{rows}</table>")
    fit = fit_table(grid, Layout(**{**vars(ARTICLE), "text_width": float(width), "table_rows": 3}))
    printed = select(grid, fit.rows, fit.columns)
    area = sum(placed.colspan * placed.rowspan for row in printed for placed in row)
    assert area == len(fit.rows) * len(fit.columns)


def test_row_headers_are_never_left_out() -> None:
    cells_ = "".join(f"<td>{i}00000</td>" for i in range(60))
    grid = grid_of(f"<table><tr><th>index</th>{cells_}</tr></table>")
    fit = fit_table(grid, ARTICLE)
    assert fit.columns[0] == 0
    assert ELLIPSIS in fit.columns
    assert fit.columns[-1] == 60


@pytest.mark.parametrize(
    ("css", "color"),
    [
        ("red", 'rgb("#ff0000")'),
        ("rgb(1, 2, 3)", 'rgb("#010203")'),
        ("transparent", None),
        ("nonsense", None),
        ("", None),
    ],
)
def test_css_colours(css: str, color: str | None) -> None:
    assert css_color(css) == color


def test_rules_of_a_styler_are_read_by_identifier() -> None:
    tree = BeautifulSoup("<style>#a, #b {color: red} .c {color: blue} #b {font-weight: bold}</style>", "html.parser")
    assert read_rules(tree) == {"a": {"color": "red"}, "b": {"color": "red", "font-weight": "bold"}}
