"""DuckDB through its own Python client."""

from __future__ import annotations

import contextlib
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from course.progress import is_watched
from magics.sql.connection import Answer, Connection, Table
from magics.sql.errors import SQLError
from magics.sql.functions import duckdb_types
from magics.sql.location import shown_path
from magics.sql.naming import dollar_parameters, parameter
from magics.sql.values import plain

if TYPE_CHECKING:
    from pandas import DataFrame

    from magics.sql.delimited import DelimitedFile

# rows in the smallest part of a result that DuckDB hands over
_VECTOR = 2048
_COUNTED = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE_INTO", "CREATE", "COPY"})
# all that a read-only connection runs: the others write in the database, in a file, in the folder of the extensions
_READING = frozenset({"SELECT", "EXPLAIN", "MULTI", "PRAGMA", "CALL", "SET", "TRANSACTION"})
# EXPLAIN ANALYZE runs what it explains; a pivot that is copied in a file is a MULTI like another
_WRITES_A_FILE = re.compile(r"\b(COPY|EXPORT)\b", re.IGNORECASE)
_ADVICE = {
    "Could not set lock": " — another program holds it: close it there with %SQL_close",
    "different configuration": " — this notebook holds it opened otherwise: close it first with %SQL_close",
}


def open_duckdb(path: Path | None, *, read_only: bool) -> DuckConnection:
    """Open a DuckDB database, made if it is missing.

    Args:
        path: the file, None for a database in memory.
        read_only: refuse every statement that writes, in this file or another.
    """
    import duckdb

    name = ":memory:" if path is None else str(path)
    try:
        raw = duckdb.connect(name, read_only=read_only and path is not None)
    except duckdb.Error as error:
        advice = next((advice for part, advice in _ADVICE.items() if part in str(error)), "")
        raise SQLError(f"{path} cannot be opened: {str(error).splitlines()[0]}{advice}") from None
    # Python variables are reached by :name parameters only, never by the name of a table
    raw.execute("SET python_enable_replacements = false")
    raw.execute(f"SET enable_progress_bar = {is_watched()}; SET enable_progress_bar_print = false")
    if read_only:
        # settings write files too: logs, profiles, extensions
        raw.execute("SET autoinstall_known_extensions = false; SET lock_configuration = true")
    return DuckConnection(raw, path, read_only=read_only)


def wrap_duckdb(raw: Any) -> DuckConnection:
    """Wrap a connection opened by the notebook itself.

    Raises:
        SQLError: it is closed.
    """
    connection = DuckConnection(raw, None)
    listing = "SELECT path FROM duckdb_databases() WHERE database_name = current_database()"
    with connection.translated(""):
        ((file,),) = raw.execute(listing).fetchall()
    return DuckConnection(raw, shown_path(file or ""))


class DuckConnection(Connection):
    """An open DuckDB database; a raw ``DuckDBPyConnection`` is wrapped as it is."""

    engine: ClassVar[str] = "duckdb"

    def __init__(self, raw: Any, path: Path | None, *, read_only: bool = False) -> None:
        super().__init__(raw, path, read_only=read_only)
        self._functions: set[str] = set()
        self._parallel = True

    def _engine_errors(self) -> tuple[type[Exception], ...]:
        import duckdb

        # OverflowError, UnicodeError: a Python integer over 64 bits, half a surrogate pair
        return (duckdb.Error, OverflowError, UnicodeError)

    # ------------------------------------------------------------------ names
    def _read_catalog(self) -> dict[str, Table]:
        listing = (
            "SELECT database_name, schema_name, table_name, column_name, data_type FROM duckdb_columns() "
            "WHERE NOT internal ORDER BY database_name, schema_name, table_name, column_index"
        )
        current = self.raw.execute("SELECT current_database()").fetchall()[0][0]
        columns: dict[tuple[str, ...], list[tuple[str, str]]] = {}
        for *path, name, declared in self.raw.execute(listing).fetchall():
            columns.setdefault(tuple(path), []).append((name, declared))
        return {_shown(path, current): Table(path, tuple(found)) for path, found in columns.items()}

    def _read_functions(self) -> list[str]:
        return [
            name for (name,) in self.raw.execute("SELECT DISTINCT function_name FROM duckdb_functions()").fetchall()
        ]

    # ------------------------------------------------------------------ statements
    def _split(self, sql: str) -> list[Any]:
        return list(self.raw.extract_statements(dollar_parameters(sql)))

    def _execute(self, statement: Any, namespace: Mapping[str, Any], limit: int | None) -> Answer | None:
        kind = statement.type.name
        if self.read_only and (kind not in _READING or _is_copy(kind, statement.query)):
            raise SQLError(f"{kind} could write: this connection is read-only, connect again without --read-only")
        values = {name: plain(parameter(namespace, name)) for name in statement.named_parameters}
        self.raw.execute(statement, values or None)
        if kind not in {"SELECT", "EXPLAIN"}:
            self._is_stale = True
        if self._is_silent(kind, statement.query):
            self._finish()
            return None
        return self._fetch(limit if kind == "SELECT" else None)

    def _is_silent(self, kind: str, query: str) -> bool:
        """Tell whether a result is only a count of rows or a success."""
        names = [column[0] for column in self.raw.description or []]
        counted = names == ["Count"] and kind in _COUNTED and "returning" not in query.casefold()
        return not names or counted or names == ["Success"]

    def _finish(self) -> None:
        if hasattr(self.raw, "complete"):
            self.raw.complete()

    def _fetch(self, limit: int | None) -> Answer:
        with warnings.catch_warnings():
            # the client calls a form of DataFrame.drop that pandas gives up
            warnings.simplefilter("ignore", DeprecationWarning)
            frame = self.raw.df() if limit is None else self._first_rows(limit + 1)
        for position, column in enumerate(self.raw.description or []):
            if column[1] == "BLOB":
                frame.isetitem(position, frame.iloc[:, position].map(bytes, na_action="ignore").array)
        if limit is None:
            return Answer(frame, more=False)
        return Answer(frame.head(limit), more=len(frame) > limit)

    def _first_rows(self, count: int) -> DataFrame:
        import pandas as pd

        parts: list[DataFrame] = [self.raw.fetch_df_chunk(1)]
        while sum(map(len, parts)) < count and len(parts[-1]):
            parts.append(self.raw.fetch_df_chunk(max(1, count // _VECTOR)))
        if hasattr(self.raw, "abort"):
            self.raw.abort()
        filled = [part for part in parts if len(part)]
        return pd.concat(filled, ignore_index=True) if len(filled) > 1 else parts[0]

    def _create_function(self, function: Callable[..., Any], name: str) -> None:
        arguments, result, null_handling = duckdb_types(function, name)
        if name in self._functions:
            self.raw.remove_function(name)
            self._functions.remove(name)
        self.raw.create_function(name, function, arguments, result, null_handling=null_handling)
        self._functions.add(name)

    # ------------------------------------------------------------------ tables in and out
    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep everything the block wrote, or nothing.

        Raises:
            SQLError: a transaction is open: DuckDB has no savepoint to come back to.
        """
        import duckdb

        raw = self.raw
        if self._in_transaction():
            raise SQLError("a transaction is open: run COMMIT or ROLLBACK before an import")
        raw.begin()
        try:
            yield
            raw.commit()
        except BaseException:
            # an interrupted statement may have ended the transaction already
            with contextlib.suppress(duckdb.TransactionException):
                raw.rollback()
            raise

    def _in_transaction(self) -> bool:
        # outside a transaction each statement has one of its own, hence another number
        first, second = (self.raw.execute("SELECT txid_current()").fetchall() for _ in range(2))
        return bool(first == second)

    def import_file(self, file: DelimitedFile, table: str, if_exists: str = "fail") -> int:
        """Stream a delimited file in a table with DuckDB's own reader; see ``Connection.import_file``."""
        from magics.sql.duckfile import bounded_memory

        # a table in memory must fit there
        bounded = contextlib.nullcontext() if self._file is None else bounded_memory(self.raw)
        with self.translated(table), bounded:
            try:
                return super().import_file(file, table, if_exists)
            except SQLError as error:
                # the parallel reader refuses line ends between quotes, once it meets one
                if "parallel=false" not in str(error.__context__):
                    raise
            self._parallel = False
            try:
                return super().import_file(file, table, if_exists)
            finally:
                self._parallel = True

    def _write_frame(self, frame: DataFrame, table: str, append: bool) -> int:
        from magics.sql.arrow import write_frame

        return write_frame(self.raw, frame, table, append=append)

    def _write_file(self, file: DelimitedFile, table: str, append: bool) -> int:
        from magics.sql.duckfile import write_file

        return write_file(self, file, table, append=append, parallel=self._parallel)


def _is_copy(kind: str, query: str) -> bool:
    return kind in {"EXPLAIN", "MULTI"} and _WRITES_A_FILE.search(query) is not None


def _shown(path: tuple[str, ...], current: str) -> str:
    database, schema, name = path
    if schema == "main" and database in {current, "temp"}:
        return name
    return f"{schema}.{name}" if database == current else ".".join(path)
