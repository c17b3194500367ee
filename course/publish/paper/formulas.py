"""Set LaTeX formulas with tylax; a formula that cannot be set is shown as its source."""

from __future__ import annotations

import re

from course.errors import MissingDependencyError
from course.publish.paper.compiler import EMPTY, Parts, boolean, call, literal, printable

# What tylax writes as Typst code inside a formula; anything else (an import, a file) comes from the notebook.
_ALLOWED_CODE = frozenset(("text", "h", "v", "link", "box", "strong", "emph", "underline", "strike", "scale", "math"))
_CODE = re.compile(r"(?<!\\)#\s*(\w+)?")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_DISPLAY = r"\displaystyle"


def formula(latex: str, parts: Parts, *, display: bool) -> str:
    r"""Return the Typst expression of a formula; its LaTeX source is the alternative text.

    A formula that asks for ``\displaystyle``, as those of IPython and SymPy do, is set on a line of its own.

    Raises:
        MissingDependencyError: the tylax package is not installed.
    """
    source = printable(latex).replace(_DISPLAY, "", 1).strip()
    if not source:
        return EMPTY
    shown = boolean(display or _DISPLAY in latex)
    fallback = call("formula-source", literal(source), display=shown)
    problem = f"formula shown as its LaTeX source: {source}"
    converted = _typst_math(source)
    if converted is None:
        parts.warn(problem)
        return fallback
    definition = call("formula", literal(converted), display=shown, source=literal(source))
    return parts.add_fragile(definition, fallback, problem)


def _typst_math(latex: str) -> str | None:
    try:
        from tylax import L2TOptions, latex_to_typst
    except ImportError as error:
        raise MissingDependencyError("formulas in PDF need the tylax package: run pip install tylax") from error
    try:
        # frac_to_slash is tylax's default and glues what follows the fraction to its denominator.
        converted: str = latex_to_typst(latex, options=L2TOptions(frac_to_slash=False))
    except ValueError:
        return None
    except BaseException as error:
        # A fault inside tylax, which is in Rust, is a BaseException of a class that no module exports.
        if type(error).__name__ != "PanicException":
            raise
        return None
    converted = _COMMENT.sub("", converted).strip().removeprefix("$").removesuffix("$").strip()
    if not converted or "@preview" in converted or any(name not in _ALLOWED_CODE for name in _CODE.findall(converted)):
        return None
    return converted
