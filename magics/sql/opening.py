"""Open a database, and find the connection that a variable of the notebook holds."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from magics.sql.connection import Connection
from magics.sql.errors import SQLError
from magics.sql.location import Location, check_file, locate
from magics.sql.naming import similar


def connect(target: str, *, create: bool = False, read_only: bool = False) -> Connection:
    """Open the database that ``target`` names.

    Args:
        target: a path (.db .db3 .sqlite .sqlite3 .duckdb .ddb), ``:memory:``, ``sqlite:///path``, ``duckdb:///path``,
            or ``duckdb://`` for a DuckDB in memory.
        create: make the file, and its folder, if it is missing.
        read_only: refuse every statement that writes.

    Raises:
        SQLError: see ``check_target``; or another program holds the file, or it is damaged.
    """
    location = check_target(target, create=create, read_only=read_only)
    if location.engine == "sqlite":
        from magics.sql.sqlite import open_sqlite

        return open_sqlite(location.path, read_only=read_only, create=create)
    from magics.sql.duck import open_duckdb

    return open_duckdb(location.path, read_only=read_only)


def check_target(target: str, *, create: bool, read_only: bool) -> Location:
    """Return the database that ``target`` names if it can be opened so; its folder is made if ``create``.

    Raises:
        SQLError: the file is missing and ``create`` is false, or it is not a database of that engine, or the options
            exclude each other.
    """
    location = locate(target)
    if read_only and create:
        raise SQLError("--create and --read-only exclude each other: nothing can be written in a new file")
    if read_only and location.path is None:
        raise SQLError("--read-only needs a file: a database in memory starts empty")
    check_file(location, create=create)
    return location


def as_connection(value: Any) -> Connection | None:
    """Return the connection that ``value`` is or wraps, None if it is no connection.

    Raises:
        SQLError: it is a closed connection of ``sqlite3`` or ``duckdb``.
    """
    if isinstance(value, Connection):
        return value
    duckdb = sys.modules.get("duckdb")
    if isinstance(value, sqlite3.Connection) or (duckdb is not None and isinstance(value, duckdb.DuckDBPyConnection)):
        return _wrapped(value)
    return None


# a wrapper knows the functions it gave and the names it read: the next magic must find it again
@lru_cache(maxsize=4)
def _wrapped(raw: Any) -> Connection:
    if isinstance(raw, sqlite3.Connection):
        from magics.sql.sqlite import wrap_sqlite

        return wrap_sqlite(raw)
    from magics.sql.duck import wrap_duckdb

    return wrap_duckdb(raw)


def connection_in(namespace: Mapping[str, Any], variable: str) -> Connection:
    """Return the connection held by a variable of the notebook.

    Raises:
        SQLError: there is no such variable, or it holds something else.
    """
    if variable not in namespace:
        others = [name for name, value in namespace.items() if isinstance(value, Connection | sqlite3.Connection)]
        close = similar(variable, others)
        hint = f": did you mean -v {close}?" if close else ": open one with %SQL_connect FILE"
        if others and not close:
            hint = f": the connections here are {', '.join(others)} (-v NAME)"
        raise SQLError(f"no connection is called {variable}{hint}")
    connection = as_connection(namespace[variable])
    if connection is None:
        kind = type(namespace[variable]).__name__
        raise SQLError(f"{variable} is a {kind}, not a connection: name another with -v, or run %SQL_connect")
    return connection
