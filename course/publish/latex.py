"""Make the formulas of a lesson independent of each other: macros expanded, equations numbered, references resolved.

As in JupyterLab a macro holds from its definition to the end of the lesson, and a ``\\tag`` is the number of an equation.
Where JupyterLab shows ``???``, for a label without a tag, the equation gets the next number.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, field

_TOKEN = re.compile(r"\\(?:[A-Za-z]+|.|$)|[^\\]", re.DOTALL)
_CONTROL_WORD = re.compile(r"\\[A-Za-z]+")
_MOST_TOKENS = 20_000
# What MathJax knows and the converter to MathML does not, said in terms of what it does.
_ALSO_KNOWN = r"""
\def\mbox#1{\text{#1}} \def\substack#1{\begin{gathered}#1\end{gathered}} \def\nonumber{\notag}
\newenvironment{split}{\begin{aligned}}{\end{aligned}} \newenvironment{alignedat}[1]{\begin{aligned}}{\end{aligned}}
\newenvironment{smallmatrix}{\begin{matrix}}{\end{matrix}} \newenvironment{flalign}{\begin{align}}{\end{align}}
\newenvironment{flalign*}{\begin{align*}}{\end{align*}} \newenvironment{alignat}[1]{\begin{align}}{\end{align}}
\newenvironment{alignat*}[1]{\begin{align*}}{\end{align*}}
"""
_EQUATION = re.compile(
    r"\s*\\begin\{(?P<name>equation|align|gather|multline|eqnarray)(\*?)\}(?P<body>.*)\\end\{(?P=name)\2\}\s*",
    re.DOTALL,
)
_ROWS = frozenset(("align", "gather", "eqnarray"))
_TAG = re.compile(r"\\tag(\*?)\s*\{((?:[^{}]|\{[^{}]*\})*)\}")
_LABEL = re.compile(r"\\label\s*\{([^{}]*)\}")
_NO_TAG = re.compile(r"\\notag(?![A-Za-z])")
_REFERENCE = re.compile(r"\\(eq)?ref\s*\{([^{}]*)\}")


class LatexProblem(ValueError):
    """Says in a few words why a formula cannot be read."""


@dataclass(frozen=True)
class _Macro:
    """Its body, what stands before its first argument and after each one, and the default of the first."""

    body: list[str]
    delimiters: list[list[str]] = field(default_factory=lambda: [[]])
    default: list[str] | None = None


class Macros:
    """The macros defined so far; names are control words, or ``\\begin{…}`` and ``\\end{…}`` of an environment."""

    def __init__(self) -> None:
        self._macros: dict[str, _Macro] = {}
        self.expand(_ALSO_KNOWN)

    def expand(self, latex: str) -> str:
        """Return a formula without macros nor definitions, which are kept for the formulas that follow.

        Raises:
            LatexProblem: a definition or a call is not complete, or a macro calls itself for ever.
        """
        left, done, count = tokens(latex), [], 0
        while left:
            token = left.pop()
            count += 1
            if count + len(left) > _MOST_TOKENS:
                raise LatexProblem("its macros never end")
            if token in _DEFINING:
                _DEFINING[token](self, token, left)
                continue
            if token in (r"\begin", r"\end") and left[-1:] == ["{"]:
                name = "".join(_argument(left))
                token += f"{{{name}}}"
            if token in self._macros:
                left += reversed(_called(self._macros[token], token, left))
            else:
                # a control word and a letter that a macro has brought together
                done += [" ", token] if done and _CONTROL_WORD.fullmatch(done[-1]) and token[0].isalpha() else [token]
        return "".join(done)

    def _command(self, token: str, left: list[str]) -> None:
        _skip_star(left)
        name = _name(left)
        if token != r"\providecommand" or name not in self._macros:
            self._macros[name] = _read_macro(left)
        else:
            _read_macro(left)

    def _environment(self, _token: str, left: list[str]) -> None:
        name = "".join(_argument(left))
        self._macros[f"\\begin{{{name}}}"] = _read_macro(left)
        self._macros[f"\\end{{{name}}}"] = _Macro(_argument(left))

    def _operator(self, _token: str, left: list[str]) -> None:
        star = "*" if _skip_star(left) else ""
        name = _name(left)
        self._macros[name] = _Macro([*tokens(r"\operatorname" + star + "{")[::-1], *_argument(left), "}"])

    def _def(self, _token: str, left: list[str]) -> None:
        name, delimiters = _name(left), [list[str]()]
        while left and left[-1] != "{":
            token = left.pop()
            if token == "#":
                left[-1:] = []
                delimiters.append([])
            elif delimiters != [[]] or not token.isspace():
                delimiters[-1].append(token)
        self._macros[name] = _Macro(_argument(left), delimiters)

    def _let(self, _token: str, left: list[str]) -> None:
        name = _name(left)
        if left[-1:] == ["="]:
            left.pop()
        target = _argument(left)
        self._macros[name] = self._macros.get("".join(target), _Macro(target))


_DEFINING = {
    r"\newcommand": Macros._command, r"\renewcommand": Macros._command, r"\providecommand": Macros._command,
    r"\DeclareMathOperator": Macros._operator, r"\newenvironment": Macros._environment,
    r"\renewenvironment": Macros._environment, r"\def": Macros._def, r"\gdef": Macros._def, r"\let": Macros._let,
}  # fmt: skip


def tokens(latex: str) -> list[str]:
    """Return the control sequences and characters of a formula, the first one at the end, where a list is popped."""
    return _TOKEN.findall(latex)[::-1]


def _skip_star(left: list[str]) -> bool:
    return left[-1:] == ["*"] and bool(left.pop())


def _name(left: list[str]) -> str:
    name = "".join(_argument(left)).strip()
    if not name.startswith("\\"):
        raise LatexProblem(f"{name!r} is no name of a macro")
    return name


def _read_macro(left: list[str]) -> _Macro:
    count, default = _optional(left), _optional(left)
    number = "".join(count or "0")
    if not number.strip().isdigit():
        raise LatexProblem(f"{number!r} is no number of arguments")
    return _Macro(_argument(left), [[] for _ in range(int(number) + 1)], default)


def _argument(left: list[str]) -> list[str]:
    while left and left[-1].isspace():
        left.pop()
    if not left:
        raise LatexProblem("an argument is missing")
    first = left.pop()
    return _until(left, ["}"]) if first == "{" else [first]


def _optional(left: list[str]) -> list[str] | None:
    return _until(left, ["]"]) if left[-1:] == ["["] and left.pop() else None


def _until(left: list[str], delimiter: list[str]) -> list[str]:
    """Take tokens up to a delimiter that no brace encloses, and the delimiter."""
    taken: list[str] = []
    depth = 0
    while left:
        if depth == 0 and left[: -len(delimiter) - 1 : -1] == delimiter:
            del left[-len(delimiter) :]
            return taken
        taken.append(left.pop())
        depth += (taken[-1] == "{") - (taken[-1] == "}")
    raise LatexProblem(f"{''.join(delimiter)!r} is missing")


def _called(macro: _Macro, name: str, left: list[str]) -> list[str]:
    """Return the body of a macro with its arguments, taken from what is left."""
    before, *after = macro.delimiters
    if before and left[: -len(before) - 1 : -1] != before:
        raise LatexProblem(f"the use of {name} does not match its definition")
    del left[len(left) - len(before) :]
    arguments = []
    for number, delimiter in enumerate(after):
        given = _optional(left) if number == 0 and macro.default is not None else None
        if number == 0 and macro.default is not None:
            arguments.append(macro.default if given is None else given)
        else:
            arguments.append(_until(left, delimiter) if delimiter else _argument(left))
    body = iter(macro.body)
    filled: list[str] = []
    for token in body:
        number = next(body, "") if token == "#" else ""
        if number.isdigit() and 0 < int(number) <= len(arguments):
            filled += arguments[int(number) - 1]
        else:
            filled += [token, number] if number else [token]
    return filled


@dataclass
class _Row:
    """A row of an equation: its LaTeX without tag and label, which are what the author wrote in their braces."""

    latex: str
    tag: str | None = None
    label: str | None = None


@dataclass(frozen=True)
class Words:
    """The text that names an equation, beside it or in a reference to it; ``label`` is the equation's."""

    text: str
    label: str | None
    is_reference: bool

    @property
    def as_latex(self) -> str:
        """The text as a formula: in it, only what stands between dollars is mathematics."""
        pieces = enumerate(self.text.split("$"))
        return "".join(piece if at % 2 else f"\\text{{{piece}}}" for at, piece in pieces if piece)


class Equations:
    """Numbers the equations of a lesson, read as a whole since a formula may refer to a later one.

    ``formulas`` then have a mark in place of the words that name an equation, ``mark(0)`` for the first of ``words``.
    ``problems`` says of each formula, at most once, what it refers to in vain.
    """

    def __init__(self, formulas: list[tuple[str, bool]], mark: Callable[[int], str]) -> None:
        self.words: list[Words] = []
        self.problems = [""] * len(formulas)
        self._mark = mark
        self._names: dict[str, str] = {}
        equations = [_read_equation(latex) if display else ("", [_Row(latex)]) for latex, display in formulas]
        self._number([(at, row) for at, (_, rows) in enumerate(equations) for row in rows])
        self.formulas = []
        for at, (name, rows) in enumerate(equations):
            body = r"\\".join(self._refer(at, row) for row in rows)
            latex = f"\\begin{{{name}*}}{body}\\end{{{name}*}}" if name else body
            self.formulas.append((latex, formulas[at][1]))

    def _number(self, rows: list[tuple[int, _Row]]) -> None:
        taken = {row.tag for _, row in rows}
        free = (f"({number})" for number in itertools.count(1) if f"({number})" not in taken)
        for at, row in rows:
            if row.tag == "" or (row.tag is None and row.label is None):
                continue
            row.tag = row.tag or next(free)
            if row.label in self._names:
                self.problems[at] = f"an equation before it has the label {row.label}"
                row.label = None
            if row.label is not None:
                self._names[row.label] = row.tag

    def _refer(self, at: int, row: _Row) -> str:
        """Return a row with marks in place of its references and of its tag."""

        def reference(match: re.Match[str]) -> str:
            name = self._names.get(match[2])
            if name is None:
                self.problems[at] = f"no equation has the label {match[2]}"
                return r"\text{(???)}" if match[1] else r"\text{???}"
            bare = name[1:-1] if name.startswith("(") and name.endswith(")") else name
            return f"\\text{{{self._marked(f'({bare})' if match[1] else bare, match[2], is_reference=True)}}}"

        latex = _REFERENCE.sub(reference, row.latex)
        if not row.tag:
            return latex
        mark = self._marked(row.tag, row.label, is_reference=False)
        return f"{latex}\\tag*{{{mark}}}\\label{{{mark}}}"

    def _marked(self, text: str, label: str | None, *, is_reference: bool) -> str:
        self.words.append(Words(text, label, is_reference))
        return self._mark(len(self.words) - 1)


def _read_equation(latex: str) -> tuple[str, list[_Row]]:
    """Return the environment that sets an equation, empty for none, and its rows."""
    match = _EQUATION.fullmatch(latex)
    name, body = (match["name"], match["body"]) if match else ("", latex)
    rows = [_read_row(part) for part in (_parts(body, r"\\") if name in _ROWS else [body])]
    if name == "eqnarray":
        for row in rows:
            left, *others = _parts(row.latex, "&")
            row.latex = "&".join([left, "".join(others)])
        name = "align"
    return (name or "equation" if match or rows[0].tag or rows[0].label else ""), rows


def _read_row(latex: str) -> _Row:
    """Return a row; an empty tag is that of an equation that wants none."""
    tags, labels = _TAG.findall(latex), _LABEL.findall(latex)
    tag = (tags[-1][1] if tags[-1][0] else f"({tags[-1][1]})") if tags else "" if _NO_TAG.search(latex) else None
    for pattern in (_TAG, _LABEL, _NO_TAG):
        latex = pattern.sub("", latex)
    return _Row(latex, tag, labels[-1].strip() if labels else None)


def _parts(latex: str, separator: str) -> list[str]:
    """Cut LaTeX at a token that neither braces nor an environment enclose."""
    parts, depth = [""], 0
    for token in reversed(tokens(latex)):
        depth += (token in ("{", r"\begin")) - (token in ("}", r"\end"))
        if token == separator and depth == 0:
            parts.append("")
        else:
            parts[-1] += token
    return parts
