from __future__ import annotations

import base64
import io
import re
import unicodedata

import pytest
from bs4 import BeautifulSoup
from fontTools.ttLib import TTFont

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
