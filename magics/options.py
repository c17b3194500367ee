"""Read the options of a magic: quotes hold words together, backslashes are those of Windows paths."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable
from typing import Any

from IPython.core.error import UsageError


def split_line(line: str) -> list[str]:
    """Return the words of ``line``, quotes removed.

    Raises:
        UsageError: a quote is not closed.
    """
    words = shlex.shlex(line, posix=True)
    words.whitespace_split = True
    words.commenters = ""
    words.escape = ""
    try:
        return list(words)
    except ValueError as error:
        raise UsageError(f"a quote is not closed in {line!r}") from error


def parse(magic: Callable[..., Any], line: str) -> argparse.Namespace:
    """Return the options of a magic that was declared with ``@magic_arguments``.

    Raises:
        UsageError: an option is unknown or lacks its value.
    """
    parser: argparse.ArgumentParser = magic.parser  # type: ignore[attr-defined]
    return parser.parse_args(split_line(line))


def variable_name(text: str) -> str:
    """Return ``text`` if a variable can have this name.

    Raises:
        UsageError: none can.
    """
    if not text.isidentifier():
        raise UsageError(f"{text}: this is not a variable name")
    return text
