from __future__ import annotations

import base64
import io
import re
import unicodedata

import pytest
from bs4 import BeautifulSoup
from fontTools.ttLib import TTFont

from course.publish.markdown import markdown_to_html
from course.publish.mathematics import (
    ITALICS,
    Mathematics,
    formula_characters,
    formulas_in_html,
    mathematics_font_css,
)


def typeset(latex: str, *, display: bool = False) -> tuple[str, list[str]]:
    mathematics = Mathematics()
    return mathematics.typeset(mathematics.add(latex, display=display))


@pytest.mark.parametrize(
    ("latex", "element"),
    [
        (r"\frac{1}{n}", "mfrac"),
        (r"\sqrt{x}", "msqrt"),
        (r"\sum_{i=1}^n x_i", "munderover"),
        (r"\begin{bmatrix}a & b\\ c & d\end{bmatrix}", "mtable"),
        (r"\begin{align} a &= b \\ c &= d \end{align}", "mtable"),
        (r"\begin{cases}1 & x>0\\ 0 & x<0\end{cases}", "mtable"),
    ],
)
def test_a_formula_becomes_mathml_and_keeps_its_source(latex: str, element: str) -> None:
    html, warnings = typeset(latex, display=True)
    math = BeautifulSoup(html, "html.parser").math
    assert math is not None
    assert math.find(element) is not None
    assert math["display"] == "block"
    assert math.annotation is not None
    assert math.annotation.get_text() == latex
    assert warnings == []


def test_a_formula_that_is_refused_shows_its_source_with_a_warning() -> None:
    html, warnings = typeset(r"\nosuchmacro{a < b}")
    assert html == r'<code class="formula-source">\nosuchmacro{a &lt; b}</code>'
    (warning,) = warnings
    assert r"\nosuchmacro{a < b}" in warning
    assert "Unknown command" in warning
    assert "\n" not in warning


def test_a_formula_may_refer_to_an_equation_that_comes_later() -> None:
    mathematics = Mathematics()
    text = formulas_in_html(r"see $\eqref{sum}$; \begin{equation} y = x \label{sum} \end{equation}", mathematics.add)
    html, _ = mathematics.typeset(text)
    assert '<a href="#equation-sum">(1)</a>' in html
    assert 'id="equation-sum"' in html


def test_text_keeps_amounts_of_money() -> None:
    mathematics = Mathematics()
    html, _ = mathematics.typeset(formulas_in_html(r"\$5 &amp; \$6 costs $x$", mathematics.add))
    assert html.startswith(r"\$5 &amp; \$6 costs <math>")
    assert html.count("<math") == 1


def test_html_keeps_its_tags_and_its_code_and_reads_entities() -> None:
    mathematics = Mathematics()
    html, warnings = mathematics.typeset(
        formulas_in_html('<p title="$a$">$a &lt; b$ <code>$c$</code></p>', mathematics.add)
    )
    assert html.startswith('<p title="$a$"><math>')
    assert "<mo>&lt;</mo>" in html
    assert html.endswith("<code>$c$</code></p>")
    assert warnings == []


def test_the_font_holds_what_formulas_ask_for_and_browsers_add_is_small_and_absent_without_formula() -> None:
    html, _ = typeset(r"\sqrt{x} + \alpha h - \mathbb{R}")
    wanted = {"√", "𝑥", "𝛼", "ℎ", "ℝ", "\u2212", "(", "0"}  # noqa: RUF001
    assert wanted <= formula_characters(html)
    source = re.search(r"base64,([^)]*)\)", mathematics_font_css(html))
    assert source is not None
    font = TTFont(io.BytesIO(base64.b64decode(source[1])))
    assert {ord(character) for character in wanted} <= set(font.getBestCmap())
    assert "MATH" in font
    assert 2_000 < len(mathematics_font_css(html)) < 20_000
    assert mathematics_font_css("<p>no formula</p>") == ""


@pytest.mark.parametrize("letter", ["A", "Z", "a", "z", "h", "Ω", "ω", "∂"])
def test_a_lone_letter_is_drawn_in_mathematical_italic_and_a_digit_is_not(letter: str) -> None:
    assert ITALICS[letter] != letter
    assert unicodedata.normalize("NFKC", ITALICS[letter]) == letter
    assert "1" not in ITALICS


def text_of(page: str) -> str:
    soup = BeautifulSoup(page, "html.parser")
    for annotation in soup.find_all("annotation"):
        annotation.decompose()
    return " ".join(soup.get_text(" ").split())


@pytest.mark.parametrize(
    ("definition", "use", "same"),
    [
        (r"\newcommand{\E}{\mathbb{E}}", r"\E[X]", r"\mathbb{E}[X]"),
        (r"\newcommand*\half{\tfrac12}", r"\half x", r"\tfrac12 x"),
        (r"\newcommand{\set}[2]{\{#1\mid#2\}}", r"\set{x}{y}", r"\{x\mid y\}"),
        (r"\newcommand{\power}[2][2]{#2^{#1}}", r"\power{x}+\power[n]{y}", r"x^{2}+y^{n}"),
        (r"\newcommand{\power}[2][2]{#2^{#1}}\newcommand{\cube}[1]{\power[3]{#1}}", r"\cube z", r"z^{3}"),
        (r"\newcommand{\power}[2][2]{#2^{#1}}\renewcommand{\power}[1]{#1!}", r"\power{x}", r"x!"),
        (r"\newcommand{\R}{a}\renewcommand{\R}{b}\newcommand{\R}{\mathbb{R}}", r"\R", r"\mathbb{R}"),
        (r"\def\v#1{\mathbf{#1}}", r"\v x", r"\mathbf{x}"),
        (r"\DeclareMathOperator{\Var}{Var}", r"\Var(X)", r"\operatorname{Var}(X)"),
        (r"\DeclareMathOperator*{\argmin}{arg\,min}", r"\argmin_x f", r"\operatorname*{arg\,min}_x f"),
        (r"\let\eps\varepsilon", r"\eps", r"\varepsilon"),
        ("", r"\begin{split}a&=b\\c&=d\end{split}", r"\begin{aligned}a&=b\\c&=d\end{aligned}"),
        ("", r"\begin{alignat}{2}a&=b\end{alignat}", r"\begin{align*}a&=b\end{align*}"),
        ("", r"\begin{eqnarray}a&=&b\end{eqnarray}", r"\begin{align*}a&=b\end{align*}"),
        ("", r"\widetilde x\pmb y", r"\tilde x\boldsymbol y"),
        ("", r"\sum_{\substack{i\\j}}\mbox{a b}", r"\sum_{\begin{gathered}i\\j\end{gathered}}\text{a b}"),
    ],
)
def test_a_macro_of_one_cell_is_known_in_the_next_as_in_jupyterlab(definition: str, use: str, same: str) -> None:
    mathematics = Mathematics()
    marks = [mathematics.add(one, display=True) for one in (definition, use, same)]
    html, warnings = mathematics.typeset("|".join(marks))
    defined, used, wanted = (re.sub("<annotation.*?</annotation>", "", part) for part in html.split("|"))
    assert (defined, used, warnings) == ("", wanted, [])


@pytest.mark.parametrize(
    ("formulas", "shown"),
    [
        (["x", r"\begin{equation}x\end{equation}", r"\begin{align}a&=b\\c&=d\end{align}"], "x x a = b c = d"),
        ([r"x\tag{7}\label{a}", r"\ref{a}", r"\eqref{a}"], "x (7) 7 (7)"),
        ([r"x\tag*{A}\label{a}", r"\ref{a}", r"\eqref{a}"], "x A A (A)"),
        ([r"\begin{equation*}\label{my_eq:1} x\end{equation*}", r"\eqref{my_eq:1}"], "x (1) (1)"),
        ([r"\eqref{b}", r"x\tag{1}", r"\begin{gather}y\\z\label{b}\end{gather}"], "(2) x (1) y z (2)"),
        ([r"\begin{align}a\tag{A}\label{a}\\b\notag\\c\label{c}\end{align}", r"\ref{a}\ref{c}"], "a (A) b c (1) A 1"),
        ([r"\begin{align}\label{z}\begin{cases}a\\b\end{cases}\tag{A}\\c\end{align}"], "{ a b \u2063 (A) c"),
        ([r"\begin{multline}a\\b\label{m}\end{multline}", r"\eqref{m}"], "a b (1) (1)"),
        ([r"x\tag{$\star$}\label{s}", r"\eqref{s}"], "x ( \u22c6 ) ( \u22c6 )"),
        ([r"x\nonumber\label{n}", r"\ref{n}"], "x ???"),
    ],
)
def test_equations_are_numbered_by_their_tags_or_where_a_label_wants_it(formulas: list[str], shown: str) -> None:
    mathematics = Mathematics()
    marks = [mathematics.add(one, display="ref{" not in one) for one in formulas]
    html, warnings = mathematics.typeset(" ".join(marks))
    assert (text_of(html), warnings) == (shown, [])


def test_what_a_formula_refers_to_in_vain_and_a_label_used_twice_are_told_with_their_cells() -> None:
    mathematics = Mathematics()
    marks = []
    for mathematics.where, latex in {"in A": r"\eqref{gone}", "in B": r"x\label{a}", "in C": r"y\label{a}"}.items():
        marks.append(mathematics.add(latex, display="label" in latex))
    mathematics.where = None
    html, warnings = mathematics.typeset(" ".join([*marks, mathematics.add(r"\unknown", display=False)]))
    assert text_of(html).startswith("(???) x (1) y (2)")
    assert [warning.partition(" (")[2] for warning in warnings] == [
        "no equation has the label gone), in A",
        "an equation before it has the label a), in C",
    ]


def test_references_in_the_text_are_links_and_identifiers_cannot_leave_their_attribute() -> None:
    mathematics = Mathematics()
    label = 'a"><b>é'
    source = (
        f"See \\eqref{{my_eq}} `\\ref{{x}}`.\n\n$$x\\label{{my_eq}}$$\n\n$$y\\label{{{label}}}$$\n\n$\\ref{{{label}}}$"
    )
    html, warnings = mathematics.typeset(markdown_to_html(source, mathematics.add, [].append))
    soup = BeautifulSoup(html, "html.parser")
    identifiers = {str(cell["id"]) for cell in soup.find_all("mtd", id=True)}
    assert {str(link["href"]) for link in soup.find_all("a")} == {f"#{one}" for one in identifiers}
    assert len(identifiers) == 2
    assert soup.b is None
    assert r"<code>\ref{x}</code>" in html
    assert warnings == []


@pytest.mark.parametrize(
    ("source", "rows"),
    [
        ("| a | b |\n|---|:-:|\n| $|x|$ | y |", [["a", "b"], ["|x|", "y"]]),
        ("a | b\n--|--:\n1\n| | 2 |\n\nafter", [["a", "b"], ["1", ""], ["", "2"]]),
        ("|a|\n|-|\n|x \\| y `c \\| d`|\n# h", [["a"], ["x | y c | d"]]),
        ("|a|b|\n|-|-|\n| $5 | $6 |\n|$\\|n\\|$|$$a|b$$|", [["a", "b"], ["$5", "$6"], [r"\|n\|", "a|b"]]),
        ("- item\n\n  | a |\n  |---|\n  | 1 |", [["a"], ["1"]]),
        ("> | a |\n> |---|\n> | 1 |", [["a"], ["1"]]),
        ("| a | b |\n|---|\n| 1 |", []),
        ("a | b\nc | d", []),
    ],
)
def test_tables_are_read_as_jupyterlab_reads_them(source: str, rows: list[list[str]]) -> None:
    warnings: list[str] = []
    html = markdown_to_html(source, lambda latex, *, display: latex, warnings.append)
    read = BeautifulSoup(html, "html.parser").find_all("tr")
    assert [[cell.get_text().strip() for cell in row.find_all(["th", "td"])] for row in read] == rows
    assert warnings == []


def test_cells_beyond_the_header_of_a_table_are_left_out_with_a_warning() -> None:
    warnings: list[str] = []
    html = markdown_to_html("|a|\n|-|\n|1|2|3|\n|4||", lambda latex, *, display: latex, warnings.append)
    assert BeautifulSoup(html, "html.parser").get_text().split() == ["a", "1", "4"]
    assert warnings == ["cells of a table beyond its header are left out: 2 | 3"]
