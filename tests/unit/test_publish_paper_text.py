"""Lines of text outputs, and tables, before they are set on paper."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st

from course.publish.paper.column import ARTICLE, Context
from course.publish.paper.compiler import Parts, literal
from course.publish.paper.html_walker import flowing
from course.publish.paper.monospaced import PLAIN, Line, lines_of, markup, read_terminal, text_output, wrap
from course.publish.paper.table_setting import css_color, fit_table, is_number, read_rules
from course.publish.table_grid import ELLIPSIS, Grid, read_grid, rows_shown, select


def text(line: Line) -> str:
    return "".join(character for character, _ in line)


def grid_of(html: str) -> Grid:
    table = BeautifulSoup(html, "html.parser").find("table")
    assert table is not None
    return read_grid(table)


@pytest.mark.parametrize(
    ("output", "lines"), [("a\tb", ["a       b"]), ("\x1b[?25lone\n\x1b[Ktwo & <\n", ["one", "two & <"]), ("\n\n", [])]
)
def test_output_is_read_without_its_escape_sequences(output: str, lines: list[str]) -> None:
    assert [text(line) for line in read_terminal(output)] == lines


def test_colours_of_every_kind_are_read() -> None:
    sequences = "\x1b[1;31mA\x1b[0m\x1b[38;5;196mB\x1b[38;2;1;2;3mC\x1b[48;5;244mD\x1b[39;49mE\x1b[94mF\x1b[42mG"
    (line,) = read_terminal(sequences)
    assert text(line) == "ABCDEFG"
    styles = [style for _, style in line]
    assert styles[0].bold
    assert [style.color for style in styles] == ["#b22b31", "#ff0000", "#010203", "#010203", None, "#0065ca", "#0065ca"]
    assert [style.background for style in styles[3:]] == ["#808080", None, None, "#b5e8c3"]
    assert styles[4] == PLAIN


@given(
    st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs"]), max_size=300), st.integers(10, 90), st.booleans()
)
def test_wrapped_lines_fit_and_lose_nothing(source: str, columns: int, hanging: bool) -> None:
    wrapped = wrap(lines_of([(source, PLAIN)]), columns, hanging=hanging)
    assert all(len(line) <= columns for line in wrapped)
    assert "".join(map(text, wrapped)).replace(" ", "") == source.replace(" ", "")


@given(st.integers(1, 500) | st.just(9000), st.integers(3, 80))
def test_both_ends_of_a_long_output_are_printed_with_the_count_of_the_others(count: int, limit: int) -> None:
    context = Context(Parts(), Path(), column=replace(ARTICLE, output_lines=limit))
    printed = text_output("\n".join(map(str, range(count))), context)
    shown = [int(number) for number in re.findall(r'"(\d+)"', printed)]
    head = next((at for at, number in enumerate(shown) if number != at), len(shown))
    assert shown == [*range(head), *range(count - len(shown) + head, count)]
    notice = re.search(r'omitted\("(\d+) lines not shown"\)', printed)
    assert len(shown) + int(notice[1] if notice else 0) == count
    assert (len(shown), head) == (limit, limit - max(1, limit // 3)) if notice else len(shown) <= limit * 1.15


def test_literals_cannot_be_closed_by_their_text() -> None:
    assert literal('a"\\#read("x")\n\x00\ud800') == '"a\\"\\\\#read(\\"x\\")\\n\N{REPLACEMENT CHARACTER}"'
    assert markup(lines_of([("a\nb", PLAIN)])) == '{"a"\nlinebreak()\n"b"}'


def test_running_text_collapses_white_space_as_a_browser_does() -> None:
    assert flowing("a \n b") == '{"a b"}'
    assert flowing(" a ") == '{[ ]\n"a"\n[ ]}'
    assert flowing("x" * 100).count("may-break") == 9


def test_numbers_are_known_as_such() -> None:
    assert all(map(is_number, ("1", "-1.5", "1,234.50", "12.3%", "1e-05", "4.3 GiB", "0.31 s", "5 €")))
    assert not any(map(is_number, ("", "a1", "2016-12-01 x", "COL_1", "1 of 2")))


def test_spans_cover_their_places_and_hostile_spans_are_cut() -> None:
    grid = grid_of(
        "<table><tr><td rowspan=9999999>a</td><td colspan=2>b</td></tr><tr><td>c</td><td>d</td></tr></table>"
    )
    assert [[cell.text for cell in row] for row in grid.rows] == [["a", "b", "b"], ["a", "c", "d"]]
    assert grid_of("<table><tr><td colspan=999999999>a</table>").columns == 1000


def test_span_over_columns_left_out_covers_the_ellipsis() -> None:
    grid = grid_of("<table><tr><th colspan=4>top</th></tr><tr><td>1</td><td>2</td><td>3</td><td>4</td></tr></table>")
    first, second = select(grid, [0, 1], [0, None, 3])
    assert [(placed.colspan, placed.cell.text) for placed in first] == [(3, "top")]
    assert [placed.cell is ELLIPSIS for placed in second] == [False, True, False]


@given(st.lists(st.lists(st.integers(1, 3), min_size=1, max_size=6), min_size=1, max_size=6), st.integers(60, 460))
def test_printed_cells_tile_the_table(spans: list[list[int]], width: int) -> None:
    rows = "".join(
        "<tr>" + "".join(f"<td colspan={span}>{span * 1111}</td>" for span in row) + "</tr>" for row in spans
    )
    grid = grid_of(f"<table>{rows}</table>")
    fit = fit_table(grid, replace(ARTICLE, width=float(width), table_rows=3))
    printed = select(grid, fit.rows, fit.columns)
    area = sum(placed.colspan * placed.rowspan for row in printed for placed in row)
    assert area == len(fit.rows) * len(fit.columns)


def test_row_headers_are_never_left_out_and_long_tables_lose_only_their_middle() -> None:
    grid = grid_of(f"<table><tr><th>index</th>{''.join(f'<td>{i}00000</td>' for i in range(60))}</tr></table>")
    fit = fit_table(grid, ARTICLE)
    assert (fit.columns[0], fit.columns[-1]) == (0, 60)
    assert None in fit.columns
    grid = grid_of(f"<table><tr><th>head</th></tr>{'<tr><td>1</td></tr>' * 9}</table>")
    assert rows_shown(grid, 9, 3) == [*range(10)]
    assert rows_shown(grid, 8, 3) == [0, 1, 2, 3, 4, 5, None, 7, 8, 9]


def test_css_colours() -> None:
    colours = ["red", "rgb(1, 2, 3)", "rgba(1, 2, 3, 0.5)", "transparent", "nonsense", ""]
    assert list(map(css_color, colours)) == ['rgb("#ff0000")', 'rgb("#010203")', 'rgb("#01020380")', None, None, None]


def test_rules_of_a_styler_are_read_by_identifier() -> None:
    tree = BeautifulSoup("<style>#a, #b {color: red} .c {color: blue} #b {font-weight: bold}</style>", "html.parser")
    assert read_rules(tree) == {"a": {"color": "red"}, "b": {"color": "red", "font-weight": "bold"}}
