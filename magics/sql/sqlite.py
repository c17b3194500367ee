"""SQLite through Python's own ``sqlite3``."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from magics.sql.connection import Answer, Connection, Table
from magics.sql.errors import SQLError
from magics.sql.functions import recorded
from magics.sql.location import shown_path
from magics.sql.naming import parameter, quoted
from magics.sql.values import storable

if TYPE_CHECKING:
    from pandas import DataFrame

    from magics.sql.delimited import DelimitedFile

# between two looks at Ctrl-C: about a millisecond of SQLite's virtual machine
_INSTRUCTIONS = 100_000


def open_sqlite(path: Path | None, *, read_only: bool, create: bool) -> SqliteConnection:
    """Open an SQLite database; its file is made only if ``create``.

    Args:
        path: the file, None for a database in memory.
        read_only: refuse every statement that writes, in this file or another.
        create: make the file if it is missing.

    Raises:
        SQLError: the file cannot be opened, or is damaged.
    """
    mode = "ro" if read_only else "rwc" if create else "rw"
    name = ":memory:" if path is None else f"{path.resolve().as_uri()}?mode={mode}"
    try:
        # isolation_level None: each statement commits itself, as in every other client
        raw = sqlite3.connect(name, uri=True, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise SQLError(f"{path} cannot be opened: {error}") from None
    raw.set_progress_handler(lambda: 0, _INSTRUCTIONS)
    connection = SqliteConnection(raw, path, read_only=read_only)
    try:
        # a damaged file is found here rather than at the first query
        connection.refresh()
    except SQLError as error:
        connection.close()
        raise SQLError(f"{path} cannot be opened: {error}") from None
    if read_only:
        raw.execute("PRAGMA query_only = ON")
        raw.set_authorizer(_refuse_other_files)
    return connection


def _refuse_other_files(action: int, name: str | None, *_: str | None) -> int:
    """Refuse ATTACH (VACUUM INTO too) and the end of query_only: other files would be written through them."""
    loosened = action == sqlite3.SQLITE_PRAGMA and (name or "").casefold() == "query_only"
    return sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_ATTACH or loosened else sqlite3.SQLITE_OK


class _Bound(dict[str, Any]):
    """The parameters of a statement, looked up in the notebook one by one as SQLite asks for them."""

    def __init__(self, namespace: Mapping[str, Any]) -> None:
        super().__init__()
        self._namespace = namespace

    def __missing__(self, name: str) -> Any:
        return storable(parameter(self._namespace, name))


class SqliteConnection(Connection):
    """An open SQLite database; a raw ``sqlite3.Connection`` is wrapped as it is."""

    engine: ClassVar[str] = "sqlite"

    def __init__(self, raw: sqlite3.Connection, path: Path | None, *, read_only: bool = False) -> None:
        super().__init__(raw, path, read_only=read_only)
        self._raised: list[Exception] = []

    def _engine_errors(self) -> tuple[type[Exception], ...]:
        # OverflowError: an integer over 64 bits; UnicodeError: half a surrogate pair
        return (sqlite3.Error, OverflowError, UnicodeError)

    def _cause(self, error: Exception) -> Exception:
        if str(error) == "interrupted":
            raise KeyboardInterrupt from error
        if not self._raised or "user-defined" not in str(error):
            return error
        cause = self._raised.pop()
        cause.add_note("raised by a Python function that SQL called")
        return cause

    def _rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        raw = self.raw
        # a connection of the notebook's own may have another
        factory, raw.text_factory = raw.text_factory, str
        try:
            with closing(raw.cursor()) as cursor:
                cursor.row_factory = None
                rows: list[tuple[Any, ...]] = cursor.execute(sql, values).fetchall()
                return rows
        finally:
            raw.text_factory = factory

    # ------------------------------------------------------------------ names
    def _read_catalog(self) -> dict[str, Table]:
        catalog = {}
        for _, schema, _ in self._rows("PRAGMA database_list"):
            listing = f"SELECT name FROM {quoted(schema)}.sqlite_master WHERE type IN ('table', 'view')"  # noqa: S608
            for (name,) in self._rows(listing + r" AND name NOT LIKE 'sqlite\_%' ESCAPE '\'"):
                shown = name if schema in {"main", "temp"} else f"{schema}.{name}"
                catalog[shown] = Table((schema, name), self._columns(schema, name))
        return catalog

    def _columns(self, schema: str, table: str) -> tuple[tuple[str, str], ...]:
        listing = "SELECT name, type FROM pragma_table_xinfo(?, ?) WHERE hidden <> 1"
        try:
            return tuple((name, declared) for name, declared in self._rows(listing, table, schema))
        except sqlite3.OperationalError:
            # a view over a table that was dropped: it exists, and has no column to offer
            return ()

    def _read_functions(self) -> list[str]:
        return [name for (name,) in self._rows("SELECT DISTINCT name FROM pragma_function_list")]

    # ------------------------------------------------------------------ statements
    def _split(self, sql: str) -> list[str]:
        statements, start, end = [], 0, sql.find(";")
        while end >= 0:
            if sqlite3.complete_statement(sql[start : end + 1]):
                statements.append(sql[start : end + 1])
                start = end + 1
            end = sql.find(";", end + 1)
        return [statement for statement in (*statements, sql[start:]) if statement.strip()]

    def _execute(self, statement: str, namespace: Mapping[str, Any], limit: int | None) -> Answer | None:
        raw = self.raw
        outside = not raw.in_transaction
        with closing(raw.cursor()) as cursor:
            cursor.row_factory = None
            cursor.execute(statement, _Bound(namespace))
            answer = None if cursor.description is None else _fetch(cursor, limit)
        if outside and raw.in_transaction and raw.isolation_level is not None and not _begins(statement):
            raw.commit()
        self._is_stale |= answer is None
        return answer

    def _create_function(self, function: Callable[..., Any], name: str) -> None:
        wrapped, count = recorded(function, self._raised)
        self.raw.create_function(name, count, wrapped)

    # ------------------------------------------------------------------ tables in and out
    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep everything the block wrote, or nothing; works inside a transaction of the user as well."""
        raw = self.raw
        raw.execute("SAVEPOINT import")
        try:
            yield
            raw.execute("RELEASE import")
        except BaseException:
            # a full disk may have ended the transaction already
            if raw.in_transaction:
                raw.execute("ROLLBACK TO import")
                raw.execute("RELEASE import")
            raise

    def _write_frame(self, frame: DataFrame, table: str, append: bool) -> int:
        from magics.sql.frames import write_frame

        return write_frame(self, frame, table, append=append)

    def _write_file(self, file: DelimitedFile, table: str, append: bool) -> int:
        from magics.sql.streaming import write_file

        return write_file(self, file, table, append=append)

    def create_table(self, table: str, names: list[str], types: list[str]) -> None:
        """Create a table with these columns and SQL types."""
        columns = ", ".join(f"{quoted(name)} {kind}" for name, kind in zip(names, types, strict=True))
        self.raw.execute(f"CREATE TABLE {quoted(table)} ({columns})")

    def insert(self, table: str, names: list[str], columns: list[list[Any]]) -> None:
        """Insert rows given column by column."""
        into = ", ".join(map(quoted, names))
        marks = ", ".join("?" * len(names))
        self.raw.executemany(
            f"INSERT INTO {quoted(table)} ({into}) VALUES ({marks})",  # noqa: S608 - names are quoted, values bound
            zip(*columns, strict=True),
        )


def _begins(statement: str) -> bool:
    words = statement.split(maxsplit=1)
    return bool(words) and words[0].upper().rstrip(";") in {"BEGIN", "SAVEPOINT"}


def _fetch(cursor: sqlite3.Cursor, limit: int | None) -> Answer:
    from magics.sql.results import frame_of

    # one row more tells whether there are others
    rows = cursor.fetchall() if limit is None else cursor.fetchmany(limit + 1)
    names = [column[0] for column in cursor.description]
    kept = rows if limit is None else rows[:limit]
    return Answer(frame_of(kept, names), more=len(kept) < len(rows))


def wrap_sqlite(raw: sqlite3.Connection) -> SqliteConnection:
    """Wrap a connection opened by the notebook itself.

    Raises:
        SQLError: it is closed.
    """
    with SqliteConnection(raw, None).translated(""), closing(raw.cursor()) as cursor:
        cursor.row_factory = None
        file = cursor.execute("PRAGMA database_list").fetchone()[2]
    return SqliteConnection(raw, shown_path(os.fsdecode(file or "")))
