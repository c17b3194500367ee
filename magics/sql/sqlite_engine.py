"""SQLite through Python's own ``sqlite3``."""

from __future__ import annotations

import inspect
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from magics.sql.connection import Answer, Connection
from magics.sql.names import Catalog, SQLError, Table, parameter, quoted, written_path
from magics.sql.stop import stoppable

if TYPE_CHECKING:
    from pandas import DataFrame

_ROWS = 20_000
# what the last Python function that failed had raised: SQLite only says that one did
_raised: list[BaseException] = []


def open_sqlite(path: Path | None, *, read_only: bool, create: bool) -> SqliteConnection:
    """Open an SQLite database, in memory if ``path`` is None; its file is made only if ``create``.

    A read-only one refuses every statement that writes, in this file or another.

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


@dataclass
class _Bound(dict[str, Any]):
    """The parameters of a statement, looked up in the notebook one by one as SQLite asks for them."""

    namespace: Mapping[str, Any]

    def __missing__(self, name: str) -> Any:
        from magics.sql.frames import storable

        return storable(parameter(self.namespace, name))


class SqliteConnection(Connection):
    """An open SQLite database; a raw ``sqlite3.Connection`` is wrapped as it is."""

    engine: ClassVar[str] = "sqlite"
    errors: ClassVar[tuple[type[Exception], ...]] = (sqlite3.Error, OverflowError, UnicodeError)

    def _stoppable(self) -> AbstractContextManager[None]:
        return stoppable(self.raw.interrupt)

    def _cause(self, error: Exception) -> Exception:
        if not _raised or "user-defined" not in str(error):
            return error
        cause = _raised.pop()
        if not isinstance(cause, Exception):
            raise cause
        cause.add_note("raised by a Python function that SQL called")
        return cause

    def _read_file(self) -> str:
        return os.fsdecode(self._rows("PRAGMA database_list")[0][2] or "")

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
    def _read_catalog(self) -> Catalog:
        catalog: Catalog = {}
        # a temporary table hides the other of its name
        for _, schema, _ in sorted(self._rows("PRAGMA database_list"), key=lambda one: one[1] != "temp"):
            listing = f"SELECT name FROM {quoted(schema)}.sqlite_master WHERE type IN ('table', 'view')"  # noqa: S608
            for (name,) in self._rows(listing + r" AND name NOT LIKE 'sqlite\_%' ESCAPE '\'"):
                path = (schema, name)
                shown = written_path(path[schema in {"main", "temp"} :])
                catalog[written_path(path) if shown in catalog else shown] = Table(path, self._columns(*path))
        return catalog

    def _candidates(self, names: tuple[str, ...]) -> list[tuple[str, ...]]:
        return [("temp", *names), ("main", *names)] if len(names) == 1 else [names]

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
        from magics.sql.frames import frame_of

        with self._committing(), self._stoppable(), closing(self.raw.cursor()) as cursor:
            cursor.row_factory = None
            cursor.execute(statement, _Bound(namespace))
            if cursor.description is None:
                self._is_stale = True
                return None
            # one row more tells whether there are others
            rows = cursor.fetchall() if limit is None else cursor.fetchmany(limit + 1)
            frame = frame_of(rows[:limit], [column[0] for column in cursor.description])
            return Answer(frame, more=len(frame) < len(rows))

    @contextmanager
    def _committing(self) -> Iterator[None]:
        """Let each statement commit itself, also on a connection whose client would begin a transaction unasked."""
        raw = self.raw
        level = raw.isolation_level
        # to set it would end a transaction
        if level is not None and not raw.in_transaction:
            raw.isolation_level = None
        try:
            yield
        finally:
            if raw.isolation_level != level:
                raw.isolation_level = level

    def _create_function(self, function: Callable[..., Any], name: str) -> None:
        from magics.sql.frames import plain

        @wraps(function)
        def call(*values: Any) -> Any:
            __tracebackhide__ = True
            try:
                return plain(function(*values))
            except BaseException as error:
                _raised[:] = [error]
                raise

        self.raw.create_function(name, _argument_count(function), call)

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

    def _write(self, frame: DataFrame, path: tuple[str, ...], *, append: bool) -> int:
        """Write a frame: dates and times as ISO text, which SQLite's own functions read; no sign for zero."""
        from pandas import CategoricalDtype

        from magics.sql.frames import declared_type, stored

        columns = [frame.iloc[:, position] for position in range(frame.shape[1])]
        columns = [one.astype(object) if isinstance(one.dtype, CategoricalDtype) else one for one in columns]
        names = ", ".join(map(quoted, frame.columns))
        if not append:
            typed = ", ".join(f"{quoted(str(one.name))} {declared_type(one)}" for one in columns)
            self.raw.execute(f"CREATE TABLE {quoted(*path)} ({typed})")
        marks = ", ".join("?" * len(columns))
        taken = 0
        for start in range(0, len(frame), _ROWS):
            values = [stored(one.iloc[start : start + _ROWS]) for one in columns]
            taken += self.raw.executemany(
                f"INSERT INTO {quoted(*path)} ({names}) VALUES ({marks})",  # noqa: S608 - names are quoted
                zip(*values, strict=True),
            ).rowcount
        return taken


def _argument_count(function: Callable[..., Any]) -> int:
    """Return the number of arguments, -1 for any number: with default values several are right."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:
        raise SQLError(f"the arguments of {function!r} are unknown: wrap it in a function of your own") from None
    fixed = all(item.kind in {item.POSITIONAL_ONLY, item.POSITIONAL_OR_KEYWORD} for item in parameters)
    return len(parameters) if fixed and all(item.default is item.empty for item in parameters) else -1
