"""DuckDB through its own Python client."""

from __future__ import annotations

import contextlib
import inspect
import re
import typing
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import duckdb

from course.progress import is_watched
from course.size import parse_size
from magics.sql.connection import Answer, Connection
from magics.sql.names import Catalog, SQLError, Table, explain, parameter, quoted

if TYPE_CHECKING:
    import pyarrow as pa
    from pandas import DataFrame

    from magics.sql.text_file import DelimitedFile

# rows in the smallest part of a result that DuckDB hands over
_VECTOR = 2048
# statements that answer with their number of rows, or with a success
_COUNTED = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE_INTO", "CREATE", "COPY"})
# all that a read-only connection runs: the others write in the database, in a file, in the folder of the extensions
_READING = frozenset({"SELECT", "EXPLAIN", "MULTI", "PRAGMA", "CALL", "SET", "TRANSACTION"})
# EXPLAIN ANALYZE runs what it explains; a pivot that is copied in a file is a MULTI like another
_WRITES_A_FILE = re.compile(r"\b(COPY|EXPORT)\b", re.IGNORECASE)
_RETURNS = re.compile(r"\bRETURNING\b", re.IGNORECASE)
_TYPES: dict[type, str] = {bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE", str: "VARCHAR", bytes: "BLOB"}
# bytes: what 1.6 million rows of 55 columns need to go at full speed on two threads is 512 MiB
_LEAST_MEMORY, _THREAD_MEMORY = 256 * 2**20, 128 * 2**20
_LITERAL = r"""
    [eE]'(?:[^'\\]|\\.|'')*'        # text with escapes
  | '(?:[^']|'')*'                  # text
  | "(?:[^"]|"")*"                  # quoted name
  | --[^\n]*                        # comment
  | /\*.*?\*/                       # comment
  | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$ # text between dollars
"""
# after a word, a bracket or a quote the colon is a slice, a struct field or an alias; two of them are a cast
_PARAMETER = re.compile(rf"(?P<literal>{_LITERAL})|::|(?<![\w\[\])}}\"']):(?P<name>[^\W\d]\w*)", re.VERBOSE | re.DOTALL)


def open_duckdb(path: Path | None, *, read_only: bool) -> DuckConnection:
    """Open a DuckDB database, made if it is missing, in memory if ``path`` is None; arguments as for SQLite.

    Raises:
        SQLError: the file is damaged, or something else holds it.
    """
    try:
        raw = duckdb.connect(":memory:" if path is None else str(path), read_only=read_only and path is not None)
    except duckdb.Error as error:
        said = explain(str(error).splitlines()[0], "", {}, dict, list)
        raise SQLError(f"{path} cannot be opened: {said}") from None
    # Python variables are reached by :name parameters only, never by the name of a table
    raw.execute("SET python_enable_replacements = false")
    raw.execute(f"SET enable_progress_bar = {is_watched()}; SET enable_progress_bar_print = false")
    if read_only:
        # settings write files too: logs, profiles, extensions
        raw.execute("SET autoinstall_known_extensions = false; SET lock_configuration = true")
    return DuckConnection(raw, path, read_only=read_only)


class DuckConnection(Connection):
    """An open DuckDB database; a raw ``DuckDBPyConnection`` is wrapped as it is."""

    engine: ClassVar[str] = "duckdb"
    errors: ClassVar[tuple[type[Exception], ...]] = (duckdb.Error, OverflowError, UnicodeError)

    def _read_file(self) -> str:
        listing = "SELECT path FROM duckdb_databases() WHERE database_name = current_database()"
        return str(self.raw.execute(listing).fetchall()[0][0] or "")

    # ------------------------------------------------------------------ names
    def _read_catalog(self) -> Catalog:
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
        listing = "SELECT DISTINCT function_name FROM duckdb_functions()"
        return [name for (name,) in self.raw.execute(listing).fetchall()]

    # ------------------------------------------------------------------ statements
    def _split(self, sql: str) -> list[Any]:
        # DuckDB writes $name what the magics write :name
        dollars = _PARAMETER.sub(lambda match: match[0] if match["name"] is None else "$" + match["name"], sql)
        return list(self.raw.extract_statements(dollars))

    def _execute(self, statement: Any, namespace: Mapping[str, Any], limit: int | None) -> Answer | None:
        from magics.sql.frames import plain

        kind = statement.type.name
        words = _PARAMETER.sub(lambda match: "" if match["literal"] else match[0], statement.query)
        may_copy = kind in {"EXPLAIN", "MULTI"} and _WRITES_A_FILE.search(words)
        if self.read_only and (kind not in _READING or may_copy):
            raise SQLError(f"{kind} could write: this connection is read-only, connect again without --read-only")
        values = {name: plain(parameter(namespace, name)) for name in statement.named_parameters}
        self.raw.execute(statement, values or None)
        if kind not in {"SELECT", "EXPLAIN"}:
            self._is_stale = True
        names = [column[0] for column in self.raw.description or []]
        is_count = names == ["Count"] and kind in _COUNTED and not _RETURNS.search(words)
        if not names or is_count or (names == ["Success"] and kind != "SELECT"):
            if hasattr(self.raw, "complete"):
                self.raw.complete()
            return None
        return self._fetch(limit if kind == "SELECT" else None)

    def _fetch(self, limit: int | None) -> Answer:
        with warnings.catch_warnings():
            # the client calls a form of DataFrame.drop that pandas gives up
            warnings.simplefilter("ignore", DeprecationWarning)
            frame = self.raw.df() if limit is None else self._first_rows(limit + 1)
        for position, column in enumerate(self.raw.description or []):
            if column[1] == "BLOB":
                frame.isetitem(position, frame.iloc[:, position].map(bytes, na_action="ignore").array)
        return Answer(frame.iloc[:limit], more=limit is not None and len(frame) > limit)

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
        arguments, result, null_handling = _signature(function, name)
        with contextlib.suppress(duckdb.InvalidInputException):
            # a former definition, if there is one
            self.raw.remove_function(name)
        self.raw.create_function(name, function, arguments, result, null_handling=null_handling)

    # ------------------------------------------------------------------ tables in and out
    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep everything the block wrote, or nothing.

        Raises:
            SQLError: a transaction is open: DuckDB has no savepoint to come back to.
        """
        raw = self.raw
        # outside a transaction each statement has one of its own, hence another number
        first, second = (raw.execute("SELECT txid_current()").fetchall() for _ in range(2))
        if first == second:
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

    def import_file(self, file: DelimitedFile, table: str, if_exists: str = "fail") -> int:
        """Stream a delimited file in a table in bounded memory; see ``Connection.import_file``."""
        # a table in memory must fit there
        if self._file is None or self.read_only:
            return super().import_file(file, table, if_exists)
        with self.translated(table), _bounded_memory(self.raw):
            return super().import_file(file, table, if_exists)

    def _write(self, frame: DataFrame, path: tuple[str, ...], *, append: bool) -> None:
        """Write a frame through Arrow, whose types are exact."""
        raw = self.raw
        # read by its name, which no table has: a view registered in a transaction would keep the frame until its end
        frame_b2d7f0c45a1e4c0f9d6e83f1a7c95e02 = _arrow(frame)  # noqa: F841
        kind = "TEMP TABLE" if path[:-2] == ("temp",) else "TABLE"
        target = f"INSERT INTO {quoted(*path)} BY NAME" if append else f"CREATE {kind} {quoted(*path)} AS"
        ((setting,),) = raw.execute("SELECT current_setting('python_enable_replacements')").fetchall()
        raw.execute("SET python_enable_replacements = true")
        try:
            raw.execute(f"{target} SELECT * FROM frame_b2d7f0c45a1e4c0f9d6e83f1a7c95e02")  # noqa: S608 - names are quoted
        except duckdb.Error:
            # a transaction that failed takes no setting, and its complaint would hide this error
            raw.rollback()
            raise
        finally:
            raw.execute(f"SET python_enable_replacements = {setting}")


def _shown(path: tuple[str, ...], current: str) -> str:
    database, schema, name = path
    if schema == "main" and database in {current, "temp"}:
        return name
    return f"{schema}.{name}" if database == current else ".".join(path)


@contextmanager
def _bounded_memory(raw: Any) -> Iterator[None]:
    """Bound the memory of DuckDB while it writes a table in a file: its cache would grow with the table."""
    settings = "SELECT current_setting('memory_limit'), current_setting('threads')"
    ((limit, threads),) = raw.execute(settings).fetchall()
    bound = _LEAST_MEMORY + threads * _THREAD_MEMORY
    if parse_size(limit) > bound:
        # what is in use already may be more
        with contextlib.suppress(duckdb.OutOfMemoryException):
            raw.execute(f"SET memory_limit = '{bound} B'")
    try:
        yield
    finally:
        raw.execute(f"SET memory_limit = '{limit}'")


def _arrow(frame: DataFrame) -> pa.Table:
    """Return a frame as an Arrow table, in the nearest types that DuckDB can store."""
    import pyarrow as pa

    try:
        table = pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowException, TypeError) as error:
        raise SQLError(f"DuckDB cannot store this DataFrame: {'; '.join(map(str, error.args))}") from None
    for position, field in enumerate(table.schema):
        if isinstance(field.type, pa.BaseExtensionType):
            # periods would silently become numbers
            raise SQLError(f"column {field.name}: DuckDB has no type {frame.dtypes.iloc[position]}, convert it first")
        # a column of NULL only: as text it can receive values later
        kind = pa.string() if pa.types.is_null(field.type) else field.type
        kind = pa.float32() if pa.types.is_float16(kind) else kind
        if kind != field.type:
            table = table.set_column(position, field.name, table.column(position).cast(kind))
    return table


def _signature(function: Callable[..., Any], name: str) -> tuple[list[str], str, str]:
    """Return the SQL types of the arguments and of the result, and how NULL is handled, from the annotations.

    As soon as one annotation says ``| None`` the function is called on NULL and may return None; else DuckDB
    does not call it on NULL and takes None for an error.
    """
    try:
        signature = inspect.signature(function, eval_str=True)
    except (ValueError, NameError) as error:
        raise SQLError(f"the types of {name} are unknown: wrap it in a function of your own ({error})") from None
    annotations = [*(item.annotation for item in signature.parameters.values()), signature.return_annotation]
    unions = [set(typing.get_args(annotation)) or {annotation} for annotation in annotations]
    kinds = [[_TYPES.get(kind, "") for kind in union - {type(None)}] for union in unions]
    if not all(len(kind) == 1 and kind[0] for kind in kinds):
        example = ", ".join(f"{argument}: float" for argument in signature.parameters)
        raise SQLError(
            f"DuckDB needs the types of {name}: write def {name}({example}) -> float, "
            "with bool, int, float, str or bytes, or for instance float | None"
        )
    *arguments, result = (kind for (kind,) in kinds)
    is_nullable = any(type(None) in union for union in unions)
    return arguments, result, "special" if is_nullable else "default"
