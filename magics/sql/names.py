"""Names in SQL: quoted, looked up, and the hint of an error that says which was meant."""

from __future__ import annotations

import contextlib
import datetime as dt
import difflib
import re
import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from course.errors import CourseError


class SQLError(CourseError):
    """A database could not be opened, or a statement or an import failed; the message says what to do."""


class Table(NamedTuple):
    """A table or a view: the path of its name (schema first) and its columns as (name, SQL type)."""

    path: tuple[str, ...]
    columns: tuple[tuple[str, str], ...]


Catalog = dict[str, Table]

_LISTED = 12
# a name in a path: as it is, or between quotes where it holds a dot or a quote
_PART = re.compile(r'"(?:[^"]|"")+"|[^".]+')
_PLAIN_NAME = re.compile(r"[^\W\d]\w*")
# the words of an analysis in SQLite or DuckDB
_WORDS = """
ADD ALL ALTER ANALYZE AND AS ASC ATTACH AVG BEGIN BETWEEN BY CASE CAST CHECK COALESCE COLUMN COMMIT COUNT CREATE
CROSS CURRENT DEFAULT DELETE DESC DISTINCT DROP ELSE END EXCEPT EXISTS EXPLAIN FALSE FILTER FOLLOWING FROM FULL
GROUP HAVING IF IN INDEX INNER INSERT INTERSECT INTO IS JOIN LEFT LIKE LIMIT MAX MIN NOT NULL NULLIF NULLS OFFSET
ON OR ORDER OUTER OVER PARTITION PRECEDING PRIMARY RANGE RECURSIVE RENAME REPLACE RETURNING RIGHT ROLLBACK ROUND
ROWS SELECT SET SUM TABLE TEMP THEN TO TRANSACTION TRUE UNBOUNDED UNION UNIQUE UPDATE USING VALUES VIEW WHEN WHERE
WINDOW WITH
"""
KEYWORDS = dict.fromkeys(_WORDS.split())
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
# the first pattern that matches wins: nested types, then what both engines write and SQLite's affinities
_TYPES: list[tuple[str, type]] = [
    (r"\[\d*\]$", list),
    ("^ENUM", str),
    ("^(STRUCT|MAP)", dict),
    ("INTERVAL", dt.timedelta),
    ("INT", int),
    ("^(TIMESTAMP|DATETIME)", dt.datetime),
    ("^DATE", dt.date),
    ("^TIME", dt.time),
    ("^(BOOL|LOGICAL)", bool),
    ("CHAR|CLOB|TEXT|STRING|UUID|ENUM|JSON", str),
    ("BLOB|BYTEA|BINARY", bytes),
    ("REAL|FLOA|DOUB|DEC|NUMERIC", float),
]


def python_type(declared: str) -> type:
    """Return the type of the values a column is declared for; ``object`` if it says nothing."""
    return next((kind for pattern, kind in _TYPES if re.search(pattern, declared, re.IGNORECASE)), object)


def folded(name: str) -> str:
    """Return the form under which SQL compares names: both engines ignore the case of ASCII letters only."""
    return name.translate(_LOWER)


def quoted(*names: str) -> str:
    """Return a name, or a dotted path of names, quoted for SQL."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def written(name: str) -> str:
    """Return a name as a person writes it in SQL: quoted only where it must be."""
    return name if _PLAIN_NAME.fullmatch(name) and name.upper() not in KEYWORDS else quoted(name)


def path_of(name: str) -> tuple[str, ...]:
    """Return the names in ``t``, ``schema.t`` or ``database.schema.t``; an ``SQLError`` if a dot stands alone."""
    parts = [match[0] for match in _PART.finditer(name)]
    if "." in name and ".".join(parts) != name:
        raise SQLError(f'{name!r} cannot be a name in SQL: write t or schema.t, and a name that holds a dot as "a.b"')
    return tuple(map(unquoted, parts)) if ".".join(parts) == name else (name,)


def written_path(names: Sequence[str]) -> str:
    """Return a path of names as ``path_of`` reads it: quoted only where it must be."""
    with contextlib.suppress(SQLError):
        if path_of(".".join(names)) == tuple(names):
            return ".".join(names)
    return quoted(*names)


def written_tables(catalog: Iterable[str]) -> list[str]:
    """Return the names in a catalog, sorted, as a person writes them in SQL."""
    return [".".join(map(written, path_of(name))) for name in sorted(catalog)]


def unquoted(name: str) -> str:
    """Return a name without the quotes of SQL."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def check_names(table: Sequence[str], columns: Sequence[str]) -> None:
    """Raise an ``SQLError`` for names that an engine would change, cut or confuse, and if there is no column."""
    for name in (*table, *columns):
        if not name or "\0" in name:
            raise SQLError(f"{name!r} cannot be a name in SQL: rename it")
    if not columns:
        raise SQLError("there is no column to import: a table needs one at least")
    seen: dict[str, str] = {}
    for name in columns:
        if folded(name) in seen:
            raise SQLError(f"columns {seen[folded(name)]!r} and {name!r} have the same name in SQL: rename one")
        seen[folded(name)] = name


def parameter(namespace: Mapping[str, Any], name: str) -> Any:
    """Return the notebook's variable that a parameter ``:name`` stands for; an ``SQLError`` if there is none."""
    if not name.isidentifier():
        raise SQLError("a parameter without a name: write :name, with the name of a variable, not ?")
    try:
        return namespace[name]
    except KeyError:
        raise SQLError(f":{name} has no value: assign the variable {name} in the notebook first") from None


def columns_of(sql: str, catalog: Catalog) -> list[str]:
    """Return the columns of the tables that ``sql`` names, of all tables if it names none."""
    text = folded(sql)
    named = [table for name, table in catalog.items() if folded(name) in text] or catalog.values()
    return list(dict.fromkeys(name for table in named for name, _ in table.columns))


def similar(name: str, known: Iterable[str]) -> str | None:
    """Return the known name most like ``name``, whatever the case, or None."""
    by_key = {unquoted(item).casefold(): item for item in known}
    close = difflib.get_close_matches(name.casefold(), by_key, n=1, cutoff=0.6)
    return by_key[close[0]] if close else None


def suggestion(name: str, known: Iterable[str], what: str) -> str:
    """Return a hint for an unknown name: what exists here, as it is written in SQL, and the one that looks like it."""
    known = list(known)
    if not known:
        return f"there are no {what} here"
    listed = ", ".join(known[:_LISTED]) + (", …" if len(known) > _LISTED else "")
    close = similar(name, known)
    return (f"did you mean {close}? " if close else "") + f"{what} here: {listed}"


# ---------------------------------------------------------------------- what an engine refused
_TABLE = re.compile(r"no such table: (.+)|Table with name (.+?) does not exist")
_COLUMN = re.compile(
    r"no such column: (.+)|has no column named (.+)|Referenced (?:update )?column \"?(.+?)\"? not found"
    r"|does not have a column (?:named|with name) \"(.+?)\""
)
_FUNCTION = re.compile(r"no such function: (\w+)|Function with name (\w+) does not exist")
# lines where DuckDB guesses: its guesses come from its own system tables as well
_GUESS = re.compile(r"^(Did you mean|Candidate bindings).*\n?", re.MULTILINE)
_REOPEN = "open it again, or name another connection with -v"
_READ_ONLY = "this connection is read-only: connect again without --read-only"
_OTHER_FILE = "a read-only connection neither attaches nor writes another file"
_FOR_READING = "it is open for reading only, or write-protected: open it for writing"
# of connections that were opened with --read-only
_ADVICE_READ_ONLY = {
    "readonly database": _READ_ONLY,
    "read-only mode": _READ_ONLY,
    "authorization denied": _OTHER_FILE,
    "not authorized": _OTHER_FILE,
    "configuration has been locked": "a read-only connection keeps its settings: some of them write files",
}
_ADVICE = {
    "readonly database": _FOR_READING,
    "read-only mode": _FOR_READING,
    "database is locked": "another connection, notebook or program is writing there: close it, or wait",
    "different configuration": "this notebook holds it opened otherwise: close it first with %SQL_close",
    "Could not set lock": "another notebook or program holds this file: close it there",
    "too many columns": "SQLite holds 2,000 columns in a table: use fewer, or a .duckdb file",
    "duplicate column name": "SQL names do not distinguish upper and lower case: rename one",
    "closed database": _REOPEN,
    "already closed": _REOPEN,
    "returned result contained NULL": "write the result of the function as for instance -> float | None",
    "already exists": "choose another name, or drop the first one",
    "has no name, but you supplied a dictionary": "write the parameters :name, not ?",
}


def explain(
    message: str,
    sql: str,
    namespace: Mapping[str, Any],
    known: Callable[[], Catalog | None],
    known_functions: Callable[[], list[str]],
    *,
    option: str = "",
    read_only: bool = False,
) -> str:
    """Return the message of an engine about ``sql`` followed by a hint: the names that exist here, or what to do.

    ``known`` gives the tables and views, None when the engine cannot tell; ``option`` is what names the connection.
    """
    first, _, rest = _GUESS.sub("", message).strip().partition("\n")
    hint = ""
    if name := _found(_TABLE, message).removeprefix("main."):
        tables = known()
        if type(namespace.get(name)).__name__ == "DataFrame":
            hint = f"{name} is a DataFrame of the notebook: %SQL_import_df {name}{option} makes it a table"
        elif tables is not None:
            hint = suggestion(name, written_tables(tables), "tables")
    elif name := _found(_COLUMN, message):
        hint = suggestion(name.rpartition(".")[2], map(written, columns_of(sql, known() or {})), "columns")
    elif name := _found(_FUNCTION, message):
        is_here = callable(namespace.get(name))
        close = None if is_here else similar(name, known_functions())
        hint = f"did you mean {close}? " if close else ""
        hint += "" if is_here else f"or write a Python function {name}, then " if close else f"write def {name}, then "
        hint += f"%SQL_add_function {name}{option} makes the notebook's function {name} available"
    else:
        advice = _ADVICE | (_ADVICE_READ_ONLY if read_only else {})
        hint = next((what for part, what in advice.items() if part in message), "")
    details = "\n" + rest.rstrip() if rest.strip() else ""
    return f"{first.strip()} — {hint}{details}" if hint else first.strip() + details


def _found(pattern: re.Pattern[str], message: str) -> str:
    match = pattern.search(message)
    return next(filter(None, match.groups())) if match else ""
