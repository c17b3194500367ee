"""Turn the LaTeX formulas of a page into MathML, which a browser sets without any script."""

from __future__ import annotations

import html
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

# Delimiters of Jupyter, longest first; a backslash before a dollar makes it an amount of money.
_DELIMITED = re.compile(
    r"""(?<!\\)\$\$(?P<display>.+?)(?<!\\)\$\$
      | (?<![\\$])\$(?P<inline>[^$]+?)(?<!\\)\$
      | \\\[(?P<bracket>.+?)\\\]
      | \\\((?P<parenthesis>.+?)\\\)
      | (?P<environment>\\begin\{(?P<name>[a-z]+\*?)\}.*?\\end\{(?P=name)\})""",
    re.DOTALL | re.VERBOSE,
)
_TAG_OR_CODE = re.compile(
    r"(<(?P<verbatim>pre|code|script|style)\b.*?</(?P=verbatim)\s*>|<[^>]*>)", re.DOTALL | re.IGNORECASE
)
_REFUSED = "math-core-error"
_REASON = re.compile(r'title="(?:\d+: )?([^"]*)"')


class Add(Protocol):
    """Takes a formula without its delimiters, and returns what stands for it."""

    def __call__(self, latex: str, *, display: bool) -> str:
        """Take a formula; ``display`` tells those on lines of their own."""
        ...


@dataclass
class Mathematics:
    """The formulas of one page: taken one by one while it is written, set together at the end.

    Setting them together numbers the equations and lets a formula refer to a later one.
    """

    _formulas: list[tuple[str, bool]] = field(default_factory=list)
    _mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    def add(self, latex: str, *, display: bool) -> str:
        """Keep a formula and return the mark that stands for it until ``typeset``."""
        readable = latex.encode("utf-8", "replace").decode("utf-8")  # a lone surrogate has no MathML
        self._formulas.append((readable.strip(), display))
        return f"{self._mark}-{len(self._formulas) - 1}-"

    def as_latex(self, text: str) -> str:
        """Return a text with the LaTeX of its formulas in place of their marks, for a heading's identifier."""
        return re.sub(f"{self._mark}-([0-9]+)-", lambda mark: self._formulas[int(mark[1])][0], text)

    def typeset(self, page: str) -> tuple[str, list[str]]:
        """Put MathML in place of the marks.

        Returns:
            The page, and a sentence for each formula that is shown as its LaTeX source because it cannot be set.
        """
        if not self._formulas:
            return page, []
        from math_core import LatexToMathML

        converter = LatexToMathML(annotation=True, continue_on_error=True, id_prefix="equation-")
        converted = converter.convert_all(self._formulas)
        shown = [
            _as_source(latex, display=display) if _REFUSED in mathml else mathml
            for mathml, (latex, display) in zip(converted, self._formulas, strict=True)
        ]
        warnings = [
            _warning(latex, mathml)
            for mathml, (latex, _) in zip(converted, self._formulas, strict=True)
            if _REFUSED in mathml
        ]
        return re.sub(f"{self._mark}-([0-9]+)-", lambda mark: shown[int(mark[1])], page), warnings


def formulas_in_text(text: str, add: Add) -> str:
    """Replace the formulas found between Jupyter's delimiters in a plain text, and escape the rest for HTML."""
    return _replaced(text, add, lambda rest: html.escape(rest, quote=False), lambda latex: latex)


def formulas_in_html(fragment: str, add: Add) -> str:
    """Replace the formulas found in the text of an HTML fragment, leaving its tags and its code alone."""
    pieces, place = [], 0
    for tag in _TAG_OR_CODE.finditer(fragment):
        pieces += [_replaced(fragment[place : tag.start()], add, lambda rest: rest, html.unescape), tag[0]]
        place = tag.end()
    return "".join([*pieces, _replaced(fragment[place:], add, lambda rest: rest, html.unescape)])


def _replaced(text: str, add: Add, show: Callable[[str], str], read: Callable[[str], str]) -> str:
    pieces, place = [], 0
    for match in _DELIMITED.finditer(text):
        kind = str(match.lastgroup)
        display = kind in {"display", "bracket", "environment"}
        pieces += [show(text[place : match.start()]), add(read(match[kind]), display=display)]
        place = match.end()
    return "".join([*pieces, show(text[place:])])


def _as_source(latex: str, *, display: bool) -> str:
    source = f'<code class="formula-source">{html.escape(latex, quote=False)}</code>'
    return f'<span class="formula-block">{source}</span>' if display else source


def _warning(latex: str, error: str) -> str:
    reason = _REASON.search(error)
    why = html.unescape(reason[1]).rstrip(".") if reason else "not understood"
    return f"a formula is shown as its source: {' '.join(latex.split())} ({why})"
