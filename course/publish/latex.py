r"""Say the formulas of a lesson in the LaTeX that the converter to MathML reads: MathJax's macros, labels and tags.

As in JupyterLab a macro holds from its definition to the end of the lesson, and a ``\tag`` numbers an equation. Where
JupyterLab shows ``???``, for a label without a tag, the equation gets the next number.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass

# What MathJax defines and the converter does not; it is put before all formulas.
PREAMBLE = (
    r"\def\mbox#1{\text{#1}}\def\substack#1{\begin{gathered}#1\end{gathered}}"
    r"\def\widetilde#1{\tilde{#1}}\def\pmb#1{\boldsymbol{#1}}"
)
_ENVIRONMENT = re.compile(r"\\(begin|end)\{(split|alignedat|smallmatrix|flalign|alignat)(\*?)\}(\{\d+\})?")
_SAME = {"split": "aligned", "alignedat": "aligned", "smallmatrix": "matrix", "flalign": "align", "alignat": "align"}
_NEW_COMMAND = re.compile(
    r"\\(?:re)?newcommand\*?\s*\{?\s*(\\(?:[A-Za-z]+|.))\s*\}?\s*(?:\[(\d)\])?\s*(?:\[([^\]]*)\])?"
)
_OPERATOR = re.compile(r"\\DeclareMathOperator\s*(\*?)\s*\{?\s*(\\[A-Za-z]+)\s*\}?\s*\{((?:[^{}]|\{[^{}]*\})*)\}")
_EQUATION = re.compile(r"\\begin\{(equation|align|gather|multline|eqnarray)(\*?)\}(?P<body>.*)\\end\{\1\2\}", re.DOTALL)
_TAG = re.compile(r"\\tag(\*?)\s*\{((?:[^{}]|\{[^{}]*\})*)\}")
_LABEL = re.compile(r"\\label\s*\{([^{}]*)\}")
_NO_TAG = re.compile(r"\\no(?:tag|number)(?![A-Za-z])")
_REFERENCE = re.compile(r"\\(eq)?ref\s*\{([^{}]*)\}")
_NOT_PLAIN = re.compile(r"[\\$_^&#%~{}]")


def with_plain_macros(formulas: list[str]) -> list[str]:
    r"""Return formulas whose macros are defined by ``\def``, without optional arguments, and known environments."""
    defaults: dict[str, str] = {}

    def defined(match: re.Match[str]) -> str:
        name, count, default = match.groups()
        defaults.pop(name, None)
        if default is not None:
            defaults[name] = default
        return rf"\def{name}" + "".join(f"#{number}" for number in range(1, int(count or 0) + 1))

    def completed(match: re.Match[str]) -> str:
        return match[0] if match[1] else f"{match[2]}{{{match[3] or defaults[match[2]]}}}"

    plain = []
    for latex in formulas:
        text = _ENVIRONMENT.sub(lambda found: rf"\{found[1]}{{{_SAME[found[2]]}{found[3]}}}", latex)
        text = _OPERATOR.sub(lambda found: rf"\def{found[2]}{{\operatorname{found[1]}{{{found[3]}}}}}", text)
        text = _NEW_COMMAND.sub(defined, text)
        if defaults:
            names = "|".join(map(re.escape, defaults))
            text = re.sub(rf"(\\def)?({names})(?![A-Za-z])(?:\s*\[([^\]]*)\])?", completed, text)
        plain.append(text)
    return plain


@dataclass(frozen=True)
class EquationName:
    """The words that name an equation, beside it or, as a link, in a reference to its label."""

    words: str
    label: str | None
    is_reference: bool


@dataclass
class _Row:
    latex: str
    tag: str | None = None
    label: str | None = None


class Equations:
    """Numbers the equations of a lesson, read as a whole since a formula may refer to a later one.

    ``formulas`` then have ``mark(0)`` in place of the first of ``names``. ``problems`` says of each formula, at most
    once, what it refers to in vain.
    """

    def __init__(self, formulas: list[tuple[str, bool]], mark: Callable[[int], str]) -> None:
        self.names: list[EquationName] = []
        self.problems = [""] * len(formulas)
        self._mark = mark
        self._tags: dict[str, str] = {}
        read = [_read(latex) if display else ("", [_Row(latex)]) for latex, display in formulas]
        self._number([(at, row) for at, (_, rows) in enumerate(read) for row in rows])
        self.formulas = []
        for at, (environment, rows) in enumerate(read):
            latex = r"\\".join(self._row(at, row) for row in rows)
            latex = rf"\begin{{{environment}*}}{latex}\end{{{environment}*}}" if environment else latex
            self.formulas.append((latex, formulas[at][1]))

    def _number(self, rows: list[tuple[int, _Row]]) -> None:
        taken = {row.tag for _, row in rows}
        free = (tag for tag in map("({})".format, itertools.count(1)) if tag not in taken)
        for at, row in rows:
            if row.tag is None and row.label is not None:
                row.tag = next(free)
            if row.label in self._tags:
                self.problems[at] = f"an equation before it has the label {row.label}"
                row.label = None
            if row.label is not None:
                self._tags[row.label] = row.tag or "???"

    def _row(self, at: int, row: _Row) -> str:
        """Return the LaTeX of a row with marks in place of its references and of its tag."""

        def reference(match: re.Match[str]) -> str:
            if match[2] not in self._tags:
                self.problems[at] = f"no equation has the label {match[2]}"
            words = self._tags.get(match[2], "???")
            words = words[1:-1] if words.startswith("(") and words.endswith(")") else words
            return self._named(f"({words})" if match[1] else words, match[2], is_reference=match[2] in self._tags)

        latex, tag = _REFERENCE.sub(reference, row.latex), row.tag or ""
        if _NOT_PLAIN.search(tag):
            return rf"{latex}\qquad {self._named(tag, row.label, is_reference=False)}"
        mark = self._marked(EquationName(tag, row.label, is_reference=False)) if tag else ""
        return rf"{latex}\tag*{{{mark}}}\label{{{mark}}}" if tag else latex

    def _named(self, words: str, label: str | None, *, is_reference: bool) -> str:
        if not _NOT_PLAIN.search(words):
            return rf"\text{{{self._marked(EquationName(words, label, is_reference))}}}"
        # in words, what stands between dollars is mathematics
        pieces = enumerate(words.split("$"))
        return "".join(piece if at % 2 else rf"\text{{{piece}}}" for at, piece in pieces if piece)

    def _marked(self, name: EquationName) -> str:
        self.names.append(name)
        return self._mark(len(self.names) - 1)


def _read(latex: str) -> tuple[str, list[_Row]]:
    """Return the environment that sets an equation, empty for none, and its rows."""
    match = _EQUATION.fullmatch(latex.strip())
    environment, body = (match[1], match["body"]) if match else ("", latex)
    pieces = body.split(r"\\") if environment in ("align", "gather", "eqnarray") else [body]
    whole: list[str] = []
    for piece in pieces:
        if whole and whole[-1].count(r"\begin{") > whole[-1].count(r"\end{"):
            whole[-1] += rf"\\{piece}"
        else:
            whole.append(piece)
    if environment == "eqnarray":
        environment, whole = "align", [re.sub("&([^&]*)&", r"&\1", row) for row in whole]
    rows = list(map(_read_row, whole))
    return environment or ("equation" if rows[0].tag or rows[0].label else ""), rows


def _read_row(latex: str) -> _Row:
    """Return a row and its tag, as it is printed; an empty one is that of an equation that wants none."""
    tags, labels = _TAG.findall(latex), _LABEL.findall(latex)
    tag = (tags[-1][1] if tags[-1][0] else f"({tags[-1][1]})") if tags else "" if _NO_TAG.search(latex) else None
    for pattern in (_TAG, _LABEL, _NO_TAG):
        latex = pattern.sub("", latex)
    return _Row(latex, tag, labels[-1] if labels else None)
