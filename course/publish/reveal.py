"""Take reveal.js out of the wheel that carries it, in a form that can be written inside a page."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from course.errors import MissingDependencyError

_WHEEL = "sphinx-revealjs"
_SOURCE_MAP = re.compile(r"^//# sourceMappingURL=.*$", re.MULTILINE)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_ENDS_SCRIPT = re.compile(r"<(?=!--|/?script)", re.IGNORECASE)


def inline_script(name: str) -> str:
    """Return a script of reveal.js, such as ``dist/reveal.js``, ready to stand between ``<script>`` tags.

    The wheel is only read, never imported: it would bring Sphinx along.

    Raises:
        MissingDependencyError: reveal.js is not installed.
    """
    return escape_script(_SOURCE_MAP.sub("", _read(name)).strip())


def inline_style(name: str) -> str:
    """Return a style sheet of reveal.js, such as ``dist/reveal.css``, without its comments.

    Raises:
        MissingDependencyError: reveal.js is not installed.
    """
    return _COMMENT.sub("", _read(name)).strip()


def escape_script(script: str) -> str:
    r"""Escape what would end or confuse a ``<script>`` element: JavaScript reads ``\x3C`` as the same character."""
    return _ENDS_SCRIPT.sub(r"\\x3C", script)


@lru_cache(maxsize=8)
def _read(name: str) -> str:
    try:
        shipped = files(_WHEEL) or []
    except PackageNotFoundError:
        shipped = []
    for file in shipped:
        if file.as_posix().endswith(f"/revealjs/{name}"):
            return Path(str(file.locate())).read_text(encoding="utf-8")
    raise MissingDependencyError(f"slides need reveal.js ({name}); install it with: pip install {_WHEEL}==3.2.1")
