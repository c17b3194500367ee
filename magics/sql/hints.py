"""Say in one sentence what an engine refused and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from magics.sql.naming import similar, suggestion

if TYPE_CHECKING:
    from magics.sql.connection import Connection

_TABLE = re.compile(r"no such table: (?P<name>.+)|Table with name (?P<duck>.+?) does not exist")
_COLUMN = re.compile(
    r"no such column: (?P<name>.+)|has no column named (?P<named>.+)"
    r"|Referenced (?:update )?column \"?(?P<duck>.+?)\"? not found"
    r"|does not have a column (?:named|with name) \"(?P<binder>.+?)\""
)
_FUNCTION = re.compile(r"no such function: (?P<name>\w+)|Function with name (?P<duck>\w+) does not exist")
# lines where DuckDB guesses: its guesses come from its own system tables as well
_GUESS = re.compile(r"^(Did you mean|Candidate bindings).*\n?", re.MULTILINE)
_FIXED = {
    "readonly database": "this connection is read-only: connect again without --read-only",
    "authorization denied": "a read-only connection neither attaches nor writes another file",
    "not authorized": "a read-only connection neither attaches nor writes another file",
    "read-only mode": "this connection is read-only: connect again without --read-only",
    "database is locked": "another notebook or program is writing there: close it, or wait",
    "Could not set lock": "another notebook or program holds this file: close it there with %SQL_close",
    "too many columns": "SQLite holds 2,000 columns in a table: use fewer, or a .duckdb file",
    "duplicate column name": "SQL names do not distinguish upper and lower case: rename one",
    "configuration has been locked": "a read-only connection keeps its settings: some of them write files",
    "closed database": "open it again, or name another connection with -v",
    "already closed": "open it again, or name another connection with -v",
    "returned result contained NULL": "write the result of the function as for instance -> float | None",
    "already exists": "choose another name, or drop the first one",
    "has no name, but you supplied a dictionary": "write the parameters :name, not ?",
}


def explain(message: str, sql: str, connection: Connection, namespace: Mapping[str, Any]) -> str:
    """Return the engine's message followed by a hint: the names that exist here, or what to do.

    Args:
        message: what the engine said.
        sql: the statements that were run.
        connection: where they were run.
        namespace: variables of the notebook: a DataFrame there may be taken for a table.
    """
    first, _, rest = _GUESS.sub("", message).strip().partition("\n")
    hint = _hint(message, sql, connection, namespace)
    details = "\n" + rest.rstrip() if rest.strip() else ""
    return f"{first.strip()} — {hint}{details}" if hint else first.strip() + details


def _hint(message: str, sql: str, connection: Connection, namespace: Mapping[str, Any]) -> str:
    named: list[tuple[re.Pattern[str], Callable[[str], str]]] = [
        (_TABLE, lambda name: _unknown_table(name, connection, namespace)),
        (_COLUMN, lambda name: suggestion(name.rpartition(".")[2], _columns(sql, connection), "columns")),
        (_FUNCTION, lambda name: _unknown_function(name, connection, namespace)),
    ]
    for pattern, advice in named:
        match = pattern.search(message)
        if match:
            return advice(next(group for group in match.groups() if group))
    return next((advice for part, advice in _FIXED.items() if part in message), "")


def _unknown_table(name: str, connection: Connection, namespace: Mapping[str, Any]) -> str:
    bare = name.removeprefix("main.")
    if type(namespace.get(bare)).__name__ == "DataFrame":
        return f"{bare} is a DataFrame of the notebook: %SQL_import_df {bare} makes it a table"
    known = connection.known()
    return "" if known is None else suggestion(bare, sorted(known), "tables")


def _unknown_function(name: str, connection: Connection, namespace: Mapping[str, Any]) -> str:
    close = None if callable(namespace.get(name)) else similar(name, connection.known_functions())
    advice = f"%SQL_add_function {name} makes the notebook's function {name} available"
    return f"did you mean {close}? {advice}" if close else advice


def _columns(sql: str, connection: Connection) -> list[str]:
    """Return the columns of the tables that the statements name, of all tables if they name none."""
    catalog = connection.known() or {}
    text = sql.casefold()
    mentioned = [table for name, table in catalog.items() if name.casefold() in text] or list(catalog.values())
    return list(dict.fromkeys(name for table in mentioned for name, _ in table.columns))
