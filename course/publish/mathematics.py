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

from course.publish.latex import Equations, LatexProblem, Macros, Words
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
_ERROR = re.compile(r'class="math-core-error" title="(?:\d+: )?([^"]*)"')


@dataclass(frozen=True)
class Formula:
    """A formula without macros, and its MathML: empty where it shows nothing, None where its source is shown instead."""

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

        expanded, problems = _expanded(self._taken)
        equations = Equations(expanded, lambda number: f"{self._mark}n{number}n")
        converter = LatexToMathML(continue_on_error=True)
        asked = [*equations.formulas, *((words.as_latex, False) for words in equations.words)]
        found = converter.convert_all(asked)
        names = [_name(words, mathml) for words, mathml in zip(equations.words, found[len(expanded) :], strict=True)]
        labels = [f"equation-{quote(words.label or str(at))}" for at, words in enumerate(equations.words)]
        formulas, warnings = [], []
        for at, (latex, display, where) in enumerate(self._taken):
            mathml = re.sub(f'(?<=id="){self._mark}n([0-9]+)n', lambda mark: labels[int(mark[1])], found[at])
            mathml = re.sub(f"<mtext>{self._mark}n([0-9]+)n</mtext>", lambda mark: names[int(mark[1])], mathml)
            refused = _ERROR.search(mathml)
            problem = problems[at] or (html.unescape(refused[1]).rstrip(".") if refused else "")
            is_shown = not (problem or self._mark in mathml)
            content = mathml if mathml.partition(">")[2] != "</math>" else ""
            formulas.append(Formula(expanded[at][0], display, content) if is_shown else Formula(latex, display, None))
            said = "a formula is shown as its source" if not is_shown else "a formula is not as it should be"
            if where is not None and (problem or equations.problems[at]):
                why = problem or equations.problems[at]
                warnings.append(f"{said}: {' '.join(latex.split())} ({why}){where and ', '}{where}")
        return formulas, warnings


def _expanded(taken: list[tuple[str, bool, str | None]]) -> tuple[list[tuple[str, bool]], list[str]]:
    """Return formulas without macros, and what is wrong with each one."""
    macros, expanded, problems = Macros(), [], []
    for latex, display, _ in taken:
        try:
            expanded.append((macros.expand(latex).strip(), display))
            problems.append("")
        except LatexProblem as error:
            expanded.append(("", display))
            problems.append(str(error))
    return expanded, problems


def _name(words: Words, mathml: str) -> str:
    """Return the MathML of the words that name an equation, in a reference a link; where refused, as its error."""
    name = mathml.removeprefix("<math>").removesuffix("</math>")
    if words.is_reference and name.count("<mtext>") == 1 and name.startswith("<mtext>"):
        return f'<mtext><a href="#equation-{quote(words.label or "")}">{name[7:-8]}</a></mtext>'
    return name


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
    path = wheel_file("ziamath==0.13", "STIXTwoMath-Regular.ttf", needed_for="formulas")
    with TTFont(path, lazy=True, recalcTimestamp=False) as font, io.BytesIO() as buffer:
        subsetter = subset.Subsetter(options)
        subsetter.populate(text="".join(sorted(characters)))
        subsetter.subset(font)
        font.flavor = "woff2"
        font.save(buffer)
        return buffer.getvalue()
