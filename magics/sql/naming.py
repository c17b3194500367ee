"""Names in SQL: quoting, looking up, and the parameters of a statement."""

from __future__ import annotations

import difflib
import re
import string
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from magics.sql.errors import SQLError

_SKIPPED = r"""
    [eE]'(?:[^'\\]|\\.|'')*'        # text with escapes
  | '(?:[^']|'')*'                  # text
  | "(?:[^"]|"")*"                  # quoted name
  | --[^\n]*                        # comment
  | /\*.*?\*/                       # comment
  | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$ # text between dollars
  | ::                              # cast
"""
# after a word, a bracket or a quote the colon is a slice, a struct field or an alias, not a parameter
_COLON_PARAMETER = re.compile(
    rf"(?P<skipped>{_SKIPPED})|(?<![\w\[\])}}\"']):(?P<name>[^\W\d]\w*)", re.VERBOSE | re.DOTALL
)
_LISTED = 12
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_PLAIN_NAME = re.compile(r"[^\W\d]\w*")


def folded(name: str) -> str:
    """Return the form under which SQL compares names: both engines ignore the case of ASCII letters only."""
    return name.translate(_LOWER)


def quoted(*names: str) -> str:
    """Return a name, or a dotted path of names, quoted for SQL."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def check_names(names: Iterable[str]) -> None:
    """Refuse names that an engine would change or cut.

    Raises:
        SQLError: a name is empty or contains a null character.
    """
    for name in names:
        if not name or "\0" in name:
            raise SQLError(f"{name!r} cannot be a name in SQL: rename it")


def check_columns(names: Sequence[str]) -> None:
    """Refuse what cannot be the columns of a table.

    Raises:
        SQLError: there is no column, or two have the same name in SQL, where upper and lower case are one.
    """
    if not names:
        raise SQLError("there is no column to import: a table needs one at least")
    seen: dict[str, str] = {}
    for name in names:
        if folded(name) in seen:
            raise SQLError(f"columns {seen[folded(name)]!r} and {name!r} have the same name in SQL: rename one")
        seen[folded(name)] = name


def as_written(name: str, keywords: frozenset[str] = frozenset()) -> str:
    """Return a name as a person would write it: quoted only where SQL asks for it."""
    return name if _PLAIN_NAME.fullmatch(name) and name.upper() not in keywords else quoted(name)


def dollar_parameters(sql: str) -> str:
    """Return ``sql`` with each parameter ``:name`` written ``$name``, as DuckDB wants it; literals are left alone."""
    return _COLON_PARAMETER.sub(lambda match: match[0] if match["name"] is None else "$" + match["name"], sql)


def parameter(namespace: Mapping[str, Any], name: str) -> Any:
    """Return the notebook's variable that a parameter ``:name`` stands for.

    Raises:
        SQLError: the notebook has no such variable.
    """
    if not name.isidentifier():
        raise SQLError("a parameter without a name: write :name, with the name of a variable, not ?")
    try:
        return namespace[name]
    except KeyError:
        raise SQLError(f":{name} has no value: assign the variable {name} in the notebook first") from None


def similar(name: str, known: Iterable[str]) -> str | None:
    """Return the known name most like ``name``, whatever the case, or None."""
    folded = {item.casefold(): item for item in known}
    close = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    return folded[close[0]] if close else None


def suggestion(name: str, known: Iterable[str], what: str) -> str:
    """Return a hint for an unknown name: what exists here, and the one that looks like it."""
    known = list(known)
    if not known:
        return f"there are no {what} here"
    listed = ", ".join(known[:_LISTED]) + (", …" if len(known) > _LISTED else "")
    close = similar(name, known)
    return (f"did you mean {close}? " if close else "") + f"{what} here: {listed}"
