"""Turn the LaTeX formulas of a page into MathML, which a browser sets without any script, and carry their font."""

from __future__ import annotations

import base64
import html
import io
import re
import unicodedata
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import quote

from course.publish.latex import PREAMBLE, EquationName, Equations, with_plain_macros
from course.shipped import wheel_file

# Delimiters of Jupyter, longest first; a backslash before a dollar makes it an amount of money.
_DELIMITED = re.compile(
    r"""(?<!\\)\$\$(?P<display>.+?)(?<!\\)\$\$
      | (?<![\\$])\$(?P<inline>[^$]+?)(?<!\\)\$
      | \\\[(?P<bracket>.+?)\\\]
      | \\\((?P<parenthesis>.+?)\\\)
      | (?P<reference>\\(?:eq)?ref\{[^{}<>]*\})
      | (?P<environment>\\begin\{(?P<name>[a-z]+\*?)\}.*?\\end\{(?P=name)\})""",
    re.DOTALL | re.VERBOSE,
)
# JupyterLab also sets a reference that stands in the text.
REFERENCE = re.compile(r"\\(?:eq)?ref\{[^{}<>]*\}")
_TAG_OR_CODE = re.compile(
    r"(<(?P<verbatim>pre|code|script|style)\b.*?</(?P=verbatim)\s*>|<[^>]*>)", re.DOTALL | re.IGNORECASE
)
# Takes the LaTeX of a formula and whether it stands alone (``display=``); returns what stands for it in HTML.
AddFormula = Callable[..., str]
_FORMULA = re.compile(r"<math\b.*?</math>", re.DOTALL)
_ANNOTATION_OR_TAG = re.compile(r"<annotation\b.*?</annotation>|<[^>]*>", re.DOTALL)
# Glyphs that a browser draws though no character of the markup asks for them: radicals, rules, fences, digits, signs.
_ALWAYS_DRAWN = frozenset("√∛∜|‖¯‾\u0305_\u2212()[]{}⟨⟩⌊⌋⌈⌉0123456789+=,.<> ")
# The mathematical italics of Unicode, which a browser draws for the lone letters of MathML, by these letters.
_ITALIC_CODES = (*range(0x1D434, 0x1D468), *range(0x1D6A4, 0x1D6A6), *range(0x1D6E2, 0x1D71C))
ITALICS = {
    chr(int(unicodedata.decomposition(chr(code)).removeprefix("<font> "), 16)): chr(code)
    for code in _ITALIC_CODES
    if unicodedata.decomposition(chr(code))
} | {"h": "\u210e"}  # Unicode gave the italic h to the Planck constant
_EMPTY = re.compile(r"<math[^>]*></math>")
_ERROR = re.compile(r'class="math-core-error" title="(?:\d+: )?([^"]*)"')


@dataclass(frozen=True)
class Formula:
    """A formula and its MathML: empty where it shows nothing, None where its source is shown instead."""

    latex: str
    display: bool
    mathml: str | None = ""


@dataclass
class Mathematics:
    """The formulas of one lesson: taken one by one while it is read, set together at the end.

    Setting them together numbers the equations and lets a formula refer to a later one. ``where`` says which cell the
    formulas that are taken come from; None for a cell that is not shown, of which only the macros are wanted.
    """

    where: str | None = ""
    _taken: list[tuple[str, bool, str | None]] = field(default_factory=list)
    _mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    def add(self, latex: str, *, display: bool) -> str:
        """Keep a formula and return the mark that stands for it until ``typeset``."""
        readable = latex.encode("utf-8", "replace").decode("utf-8")  # a lone surrogate has no MathML
        self._taken.append((readable.strip(), display, self.where))
        return f"{self._mark}-{len(self._taken) - 1}-"

    def as_latex(self, text: str) -> str:
        """Return a text with the LaTeX of its formulas in place of their marks, for a heading's identifier."""
        return re.sub(f"{self._mark}-([0-9]+)-", lambda mark: self._taken[int(mark[1])][0], text)

    def typeset(self, page: str) -> tuple[str, list[str]]:
        """Put MathML in place of the marks; also return a sentence for each formula not shown as it should be."""
        formulas, warnings = self.formulas()
        return re.sub(f"{self._mark}-([0-9]+)-", lambda mark: _on_page(formulas[int(mark[1])]), page), warnings

    def formulas(self) -> tuple[list[Formula], list[str]]:
        """Return the formulas in the order they were taken, and a sentence for each not shown as it should be."""
        if not self._taken:
            return [], []
        from math_core import LatexToMathML

        plain = with_plain_macros([latex for latex, _, _ in self._taken])
        displays = [display for _, display, _ in self._taken]
        equations = Equations(list(zip(plain, displays, strict=True)), lambda number: f"{self._mark}n{number}n")
        converter = LatexToMathML(continue_on_error=True, global_group=True)
        formulas, warnings = [], []
        found = converter.convert_all([(PREAMBLE, False), *equations.formulas])[1:]
        for mathml, problem, (latex, display, where) in zip(found, equations.problems, self._taken, strict=True):
            refused = _ERROR.search(mathml)
            shown = None if refused else self._with_names(mathml, equations.names)
            formulas.append(Formula(latex, display, "" if _EMPTY.fullmatch(shown or "") else shown))
            why = html.unescape(refused[1]).rstrip(".") if refused else problem
            if why and where is not None:
                said = "shown as its source" if refused else "not as it should be"
                warnings.append(f"a formula is {said}: {' '.join(latex.split())} ({why}){where and ', '}{where}")
        return formulas, warnings

    def _with_names(self, mathml: str, names: list[EquationName]) -> str:
        """Put the names of equations in place of their marks."""

        def name(mark: re.Match[str]) -> str:
            one = names[int(mark[2])]
            words, identifier = html.escape(one.words), f"equation-{quote(one.label or mark[2])}"
            if mark[1]:
                return f'id="{identifier}"'
            return f'<a href="#{identifier}">{words}</a>' if one.is_reference else words

        return re.sub(f'(id=")?{self._mark}n([0-9]+)n"?', name, mathml)


def _on_page(formula: Formula) -> str:
    """Return the HTML of a formula: MathML with its source, or the source alone."""
    source = html.escape(formula.latex, quote=False)
    if formula.mathml is None:
        shown = f'<code class="formula-source">{source}</code>'
        return f'<span class="formula-block">{shown}</span>' if formula.display else shown
    if not formula.mathml or REFERENCE.fullmatch(formula.latex):
        return formula.mathml
    opening, _, content = formula.mathml.removesuffix("</math>").partition(">")
    annotation = f'<annotation encoding="application/x-tex">{source}</annotation>'
    return f"{opening}><semantics><mrow>{content}</mrow>{annotation}</semantics></math>"


def formulas_in_html(fragment: str, add: AddFormula) -> str:
    """Replace the formulas found in the text of an HTML fragment, leaving its tags and its code alone."""

    def taken(match: re.Match[str]) -> str:
        kind = str(match.lastgroup)
        return add(html.unescape(match[kind]), display=kind in {"display", "bracket", "environment"})

    pieces, place = [], 0
    for tag in _TAG_OR_CODE.finditer(fragment):
        pieces += [_DELIMITED.sub(taken, fragment[place : tag.start()]), tag[0]]
        place = tag.end()
    return "".join([*pieces, _DELIMITED.sub(taken, fragment[place:])])


def mathematics_font_css(page: str) -> str:
    """Return the ``@font-face`` rule for the formulas of a page, or nothing where there is no formula.

    The font is a WOFF2 subset of STIX Two Math (SIL Open Font License 1.1), taken from the ziamath wheel.

    Raises:
        MissingDependencyError: the wheel that ships the font is not installed.
    """
    characters = formula_characters(page)
    if not characters:
        return ""
    data = base64.b64encode(_subset(characters)).decode("ascii")
    source = f"url(data:font/woff2;base64,{data}) format('woff2')"
    return f"@font-face{{font-family:'STIX Two Math';src:{source};font-display:block}}"


def formula_characters(page: str) -> frozenset[str]:
    """Return every character that a browser may need to draw the MathML of a page; empty without MathML."""
    formulas = [_ANNOTATION_OR_TAG.sub("", formula) for formula in _FORMULA.findall(page)]
    if not formulas:
        return frozenset()
    written = {character for formula in formulas for character in html.unescape(formula)}
    return frozenset(written | _ALWAYS_DRAWN | {ITALICS[character] for character in written & ITALICS.keys()})


@lru_cache(maxsize=32)
def _subset(characters: frozenset[str]) -> bytes:
    from fontTools import subset
    from fontTools.ttLib import TTFont

    # Without `ssty` the subset is half the size: script sizes are scaled letters instead of redrawn ones.
    features = ["ccmp", "dtls", "flac", "kern", "mark", "mkmk"]
    options = subset.Options(layout_features=features, hinting=False, notdef_outline=True, flavor="woff2")
    path = wheel_file("ziamath", "STIXTwoMath-Regular.ttf", needed_for="formulas")
    with TTFont(path, lazy=True, recalcTimestamp=False) as font, io.BytesIO() as buffer:
        subsetter = subset.Subsetter(options)
        subsetter.populate(text="".join(sorted(characters)))
        subsetter.subset(font)
        font.flavor = "woff2"
        font.save(buffer)
        return buffer.getvalue()
