"""Which engine and which file a name stands for; a database opened, or found in a variable of the notebook."""

from __future__ import annotations

import re
import sqlite3
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from magics.sql.connection import Connection
from magics.sql.names import SQLError, similar

_SUFFIXES = dict.fromkeys([".db", ".db3", ".sqlite", ".sqlite3"], "sqlite")
_SUFFIXES |= dict.fromkeys([".duckdb", ".ddb"], "duckdb")
_TITLES = {"sqlite": "SQLite", "duckdb": "DuckDB"}
# first bytes: https://www.sqlite.org/fileformat.html#magic_header_string, https://duckdb.org/docs/internals/storage
_SQLITE_HEADER = b"SQLite format 3\x00"
_DUCKDB_HEADER = b"DUCK"
_URL_WITHOUT_SLASHES = re.compile(r"(sqlite|duckdb|file|:memory):", re.IGNORECASE)
_REMOTE = frozenset({"s3", "gs", "gcs", "abfs", "http", "https"})
_HOW = "write sqlite:///path or duckdb:///path"


def connect(target: str, *, create: bool = False, read_only: bool = False, former: Any = None) -> Connection:
    """Open the database that ``target`` names.

    Args:
        target: a path (.db .db3 .sqlite .sqlite3 .duckdb .ddb), ``:memory:``, ``sqlite:///path``, ``duckdb:///path``,
            or ``duckdb://`` for a DuckDB in memory.
        create: make the file, and its folder, if it is missing.
        read_only: refuse every statement that writes.
        former: what the variable held; if it is an open connection it is closed, unless nothing is opened.

    Raises:
        SQLError: the engine cannot be told; the file is missing and ``create`` is false, is not a database of that
            engine, is damaged, or another program holds it; or the options exclude each other.
    """
    try:
        engine, path = _locate(target)
    except RuntimeError as error:
        # no such user has a home folder
        raise SQLError(f"{target}: {error}") from None
    if read_only and create:
        raise SQLError("--create and --read-only exclude each other: nothing can be written in a new file")
    if read_only and path is None:
        raise SQLError("--read-only needs a file: a database in memory starts empty")
    if path is not None:
        _check_file(engine, path, create=create)
    replaced = former if isinstance(former, Connection) and not former.closed else None
    if replaced is not None and replaced.holds(path):
        # DuckDB holds a file once
        replaced.close()
    connection: Connection
    if engine == "sqlite":
        from magics.sql.sqlite_engine import open_sqlite

        connection = open_sqlite(path, read_only=read_only, create=create)
    else:
        from magics.sql.duckdb_engine import open_duckdb

        connection = open_duckdb(path, read_only=read_only)
    if replaced is not None and not replaced.closed:
        replaced.close()
    return connection


def _locate(target: str) -> tuple[str, Path | None]:
    """Return the engine, ``sqlite`` or ``duckdb``, and the file that ``target`` names, None if it lives in memory."""
    if target == ":memory:":
        return "sqlite", None
    engine, separator, rest = target.partition("://")
    if separator:
        return _locate_url(target, engine.lower(), rest)
    if _URL_WITHOUT_SLASHES.match(target):
        raise SQLError(f"no engine for {target!r}: {_HOW}")
    path = Path(target).expanduser()
    if path.suffix.lower() not in _SUFFIXES:
        suffixes = ", ".join(_SUFFIXES)
        raise SQLError(f"the engine of {target!r} is unknown: use one of the suffixes {suffixes}, or {_HOW}")
    return _SUFFIXES[path.suffix.lower()], path


def _locate_url(target: str, engine: str, rest: str) -> tuple[str, Path | None]:
    if engine in _REMOTE:
        raise SQLError(
            f"{target!r} is not on this machine, and a database is read from a disk: copy the file here first"
        )
    if engine not in _TITLES:
        raise SQLError(f"no engine for {target!r}: {_HOW}")
    if rest in {"", "/", "/:memory:"}:
        return engine, None
    if not rest.startswith("/"):
        raise SQLError(f"{target!r} lacks a slash: write {engine}:///{rest}")
    if "?" in rest or rest.startswith("/:memory:"):
        raise SQLError(f"{target!r} has parameters: write {engine}:///path and the options of %SQL_connect")
    return engine, Path(rest[1:]).expanduser()


def _check_file(engine: str, path: Path, *, create: bool) -> None:
    """Check that a file can be opened by its engine; its folder is made if ``create``."""
    try:
        if path.is_dir():
            raise SQLError(f"{path} is a folder: name a file in it")
        if path.exists():
            with path.open("rb") as stream:
                head = stream.read(16)
        elif create:
            path.parent.mkdir(parents=True, exist_ok=True)
            return
        else:
            raise SQLError(f"{path} does not exist{_neighbours(path)}: check the name, or add --create to make it")
    except OSError as error:
        raise SQLError(f"{path} cannot be opened: {error.strerror or error}") from None
    found = "sqlite" if head.startswith(_SQLITE_HEADER) else "duckdb" if head[8:12] == _DUCKDB_HEADER else None
    if head and found is None:
        raise SQLError(f"{path} is not a database: %SQL_import_tsv reads a text file into one")
    if found not in {None, engine}:
        raise SQLError(f'{path} is a {_TITLES[str(found)]} database: connect to "{found}:///{path}"')


def _neighbours(path: Path) -> str:
    """Say which databases stand beside a missing file: a wrong name is the usual cause."""
    if not path.parent.is_dir():
        return f" (there is no folder {path.parent})"
    found = sorted(item.name for item in path.parent.iterdir() if item.suffix.lower() in _SUFFIXES)
    return f" (databases here: {', '.join(found[:10])})" if found else ""


def as_connection(value: Any) -> Connection | None:
    """Return the connection that ``value`` is, or a new one around it, None if it is no connection.

    Raises:
        SQLError: it is a closed connection of ``sqlite3`` or ``duckdb``.
    """
    if isinstance(value, Connection):
        return value
    if isinstance(value, sqlite3.Connection):
        from magics.sql.sqlite_engine import SqliteConnection

        return SqliteConnection.around(value)
    if "duckdb" in sys.modules and isinstance(value, sys.modules["duckdb"].DuckDBPyConnection):
        from magics.sql.duckdb_engine import DuckConnection

        return DuckConnection.around(value)
    return None


def _is_usable(value: Any) -> bool:
    try:
        connection = as_connection(value)
    except SQLError:
        return False
    return connection is not None and not connection.closed


def connection_in(namespace: Mapping[str, Any], variable: str) -> Connection:
    """Return the connection held by a variable of the notebook.

    Raises:
        SQLError: there is no such variable, or it holds something else.
    """
    if variable not in namespace:
        others = sorted(name for name, value in namespace.items() if _is_usable(value) and not name.startswith("_"))
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
