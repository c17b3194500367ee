"""What every magic shares: its options, read as people type them, and tracebacks that start and end in the notebook."""

from __future__ import annotations

import argparse
import keyword
import re
import shlex
import unicodedata
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_magic
from IPython.core.magic_arguments import argument, magic_arguments

from course.errors import BadArgumentError, CourseError
from course.files import expanded

Magic = TypeVar("Magic", bound=Callable[..., Any])


class VariableNameError(BadArgumentError, argparse.ArgumentTypeError):
    """No variable can have this name; argparse shows the message of an ArgumentTypeError, of no other."""


def split_line(line: str) -> list[str]:
    """Return the words of ``line``, quotes removed; a ``BadArgumentError`` if one is not closed."""
    words = shlex.shlex(line, posix=True)
    words.whitespace_split = True
    words.commenters = ""
    words.escape = ""
    try:
        return list(words)
    except ValueError:
        raise BadArgumentError(f"a quote is not closed in {line!r}") from None


def split_options(line: str, option: re.Pattern[str]) -> tuple[str, str]:
    """Return the options at the beginning of a line, each of which matches ``option``, then what follows, untouched."""
    end = 0
    while match := option.match(line, end):
        end = match.end()
    return line[:end], line[end:].strip()


def short_traceback(magic: Magic) -> Magic:
    """Leave the frames of the course out of the tracebacks of its own errors, whose message says what to do."""

    @wraps(magic)
    def run(*arguments: Any, **options: Any) -> Any:
        __tracebackhide__ = True
        try:
            return magic(*arguments, **options)
        except CourseError as error:
            # its frames would keep what they hold, a connection for instance, until the next error
            error.__context__ = None
            raise error.with_traceback(None)  # noqa: B904 - the same error

    # IPython shows the last frame even if it asks to be hidden: at least without the path of this installation
    shown: Any = run
    shown.__code__ = shown.__code__.replace(co_filename="<magics>")
    return cast("Magic", shown)


@short_traceback
def parse(magic: Callable[..., Any], line: str) -> argparse.Namespace:
    """Return the options of a magic that was declared with ``@magic_arguments``.

    Raises:
        BadArgumentError: an option is unknown or lacks its value. IPython prints a ``UsageError`` and no more, which
            leaves nothing for a test of the notebook to see.
    """
    parser: argparse.ArgumentParser = magic.parser  # type: ignore[attr-defined]
    try:
        return parser.parse_args(split_line(line))
    except UsageError as error:
        name = parser.prog.lstrip("%")
        sign = "%" if name in magic.__self__.magics["line"] else "%%"  # type: ignore[attr-defined]
        raise BadArgumentError(f"{error} ({sign}{name}? shows the options)") from None


def option_magic(function: Callable[..., Any]) -> Any:
    """Make a line magic of a method that receives its options; a variable that ``-o`` names receives its result."""

    @wraps(function)
    def run(self: Magics, line: str) -> Any:
        options = parse(getattr(self, function.__name__), line)
        result = function(self, options)
        if not getattr(options, "output", None):
            return result
        self.shell.user_ns[options.output] = result  # type: ignore[union-attr]
        return None

    return line_magic(short_traceback(magic_arguments()(run)))  # type: ignore[no-untyped-call]


def path_named(magics: Magics, word: str) -> str | Path:
    """Return what a word stands for: a variable that holds a path or an address, unless a file has that name.

    ``~`` is the home.
    """
    value = magics.shell.user_ns.get(word)  # type: ignore[union-attr]
    named = value if isinstance(value, str | Path) and not Path(word).exists() else word
    return expanded(named) if str(named).startswith("~") else named


def output_option(explanation: str = "Variable that receives the result, which is then not displayed.") -> argument:
    """Declare ``-o VAR``, the variable of the notebook in which a magic puts its result."""
    return argument("-o", "--output", metavar="VAR", type=variable_name, help=explanation)  # type: ignore[no-untyped-call]


def variable_name(text: str) -> str:
    """Return the variable that code names by ``text``; a ``VariableNameError`` if none can have this name."""
    name = unicodedata.normalize("NFKC", text)  # as Python does: the sign µ is read as the letter μ
    if not name.isidentifier():
        raise VariableNameError(f"{text}: this is not a variable name")
    if keyword.iskeyword(name) or name == "__debug__":
        raise VariableNameError(
            f"{text}: this is a word of Python, which no variable can have as its name; add a letter"
        )
    return name
