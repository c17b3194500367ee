"""DuckDB through its own Python client."""

from __future__ import annotations

import contextlib
import inspect
import re
import sys
import typing
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import duckdb

from course.progress import is_watched
from course.size import parse_size
from magics.sql.connection import Answer, Connection
from magics.sql.names import Catalog, SQLError, Table, explain, parameter, quoted, written_path
from magics.sql.stop import stoppable, stopping

if TYPE_CHECKING:
    import pyarrow as pa
    from pandas import DataFrame

    from magics.sql.text_file import DelimitedFile

# rows in the smallest part of a result that DuckDB hands over
_VECTOR = 2048
# all that a read-only connection runs: the others write in the database, in a file, in the folder of the extensions
_READING = frozenset({"SELECT", "EXPLAIN", "MULTI", "PRAGMA", "CALL", "SET", "TRANSACTION"})
# keywords of what writes a file: EXPLAIN ANALYZE runs what it explains, and a pivot that is copied is a MULTI
_WRITES_A_FILE = frozenset({"COPY", "EXPORT"})
# keywords of what a SELECT may write after WITH: to stop at its first rows would undo it
_WRITES = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE"})
_TYPES: dict[type, str] = {bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE", str: "VARCHAR", bytes: "BLOB"}
# bytes: what 1.6 million rows of 55 columns need to go at full speed on two threads is 512 MiB
_LEAST_MEMORY, _THREAD_MEMORY = 256 * 2**20, 128 * 2**20
# before a colon: a word, a bracket or a quote, which make it a slice, a struct field or an alias
_NO_PARAMETER = re.compile(r"[\w\[\])}\"']:$")


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
    connection = DuckConnection(raw, path, read_only=read_only)
    try:
        # DuckDB finds a file that this notebook has open by its name, even if that file is gone
        connection.check_file()
    except SQLError:
        connection.close()
        raise
    if read_only:
        # settings write files too: logs, profiles, extensions
        raw.execute("SET autoinstall_known_extensions = false; SET lock_configuration = true")
    return connection


class DuckConnection(Connection):
    """An open DuckDB database; a raw ``DuckDBPyConnection`` is wrapped, and only learns to give wide integers."""

    engine: ClassVar[str] = "duckdb"
    errors: ClassVar[tuple[type[Exception], ...]] = (duckdb.Error, OverflowError, ValueError)

    def __init__(self, raw: Any, path: Path | None, *, read_only: bool = False) -> None:
        super().__init__(raw, path, read_only=read_only)
        # a closed one is found by what it is asked
        with contextlib.suppress(duckdb.Error):
            raw.execute("SET arrow_lossless_conversion = true")

    def _read_file(self) -> str:
        listing = "SELECT path FROM duckdb_databases() WHERE database_name = current_database()"
        return str(self.raw.execute(listing).fetchall()[0][0] or "")

    # ------------------------------------------------------------------ names
    def _current(self) -> tuple[str, str]:
        database, schema = self.raw.execute("SELECT current_database(), current_schema()").fetchall()[0]
        return database, schema

    def _read_catalog(self) -> Catalog:
        listing = (
            "SELECT database_name, schema_name, table_name, column_name, data_type FROM duckdb_columns() "
            "WHERE NOT internal ORDER BY database_name <> 'temp', database_name, schema_name, table_name, column_index"
        )
        database, schema = self._current()
        columns: dict[tuple[str, ...], list[tuple[str, str]]] = {}
        for *path, name, declared in self.raw.execute(listing).fetchall():
            columns.setdefault(tuple(path), []).append((name, declared))
        catalog: Catalog = {}
        for path, found in columns.items():
            names = [path[2:]] if path[:2] in {("temp", "main"), (database, schema)} else []
            # a temporary table hides main.t too
            names += [path[1:]] if path[0] == database and ("temp", *path[1:]) not in columns else []
            shown = [name for name in map(written_path, [*names, path]) if name not in catalog]
            catalog[shown[0]] = Table(path, tuple(found))
        return catalog

    def _candidates(self, names: tuple[str, ...]) -> list[tuple[str, ...]]:
        database, schema = self._current()
        if len(names) == 1:
            return [("temp", "main", *names), (database, schema, *names)]
        if len(names) == 2:
            return [("temp", *names), (database, *names), (names[0], "main", names[1])]
        return [names]

    def _read_functions(self) -> list[str]:
        listing = "SELECT DISTINCT function_name FROM duckdb_functions()"
        return [name for (name,) in self.raw.execute(listing).fetchall()]

    # ------------------------------------------------------------------ statements
    def _split(self, sql: str) -> list[tuple[Any, dict[str, str]]]:
        """Return the statements, with the variable of each parameter: DuckDB's ignore the case, Python's do not."""
        written, variables, is_name = "", dict[str, str](), False
        for text, kind in _tokens(sql):
            if is_name and kind in {"identifier", "keyword"} and not text.startswith('"'):
                name = alias = text.rstrip()
                while variables.setdefault(alias.casefold(), name) != name:
                    alias += "_"
                # DuckDB writes $name what the magics write :name
                written = f"{written[:-1]}${alias}{text[len(name) :]}"
            else:
                written += text
            is_name = text == "$" or (text == ":" and not _NO_PARAMETER.search(written))
        return [(statement, variables) for statement in self.raw.extract_statements(written)]

    def _execute(
        self, statement: tuple[Any, dict[str, str]], namespace: Mapping[str, Any], limit: int | None
    ) -> Answer | None:
        from magics.sql.frames import plain

        parsed, variables = statement
        kind = parsed.type.name
        words = {text.strip().upper() for text, part in _tokens(parsed.query) if part == "keyword"}
        may_copy = kind in {"EXPLAIN", "MULTI"} and words & _WRITES_A_FILE
        if self.read_only and (kind not in _READING or may_copy):
            raise SQLError(f"{kind} could write: this connection is read-only, connect again without --read-only")
        names = {name: variables.get(name.casefold(), name) for name in parsed.named_parameters}
        values = {name: plain(parameter(namespace, variable)) for name, variable in names.items()}
        with self._stoppable():
            self.raw.execute(parsed, values or None)
            self._is_stale |= kind != "SELECT"
            # what gives no rows answers with the number of those it changed, or with a success
            if self.raw.rowcount >= 0 or kind == "CREATE" or not self.raw.description:
                self.raw.complete()
                return None
            answer = self._fetch(limit if kind == "SELECT" and not words & _WRITES else None)
        is_success = kind != "SELECT" and list(answer.frame.columns) == ["Success"] and answer.frame.empty
        return None if is_success else answer

    @contextmanager
    def _stoppable(self) -> Iterator[None]:
        try:
            with stoppable(self.raw.interrupt):
                yield
        except KeyboardInterrupt:
            try:
                self.raw.execute("SELECT 1")
            except duckdb.TransactionException:
                # a transaction that was interrupted takes nothing else
                self.raw.rollback()
            raise

    def _fetch(self, limit: int | None) -> Answer:
        columns = self.raw.description
        count = None if limit is None else limit + 1
        with warnings.catch_warnings():
            # the client calls a form of DataFrame.drop that pandas gives up, and tells that Arrow copies the rows
            warnings.simplefilter("ignore")
            if any(_is_wide(kind) for _, kind, *_ in columns):
                frame = self._exact(columns, count)
            else:
                frame = self.raw.df() if count is None else self._first_rows(count)
        for position, (_, kind, *_) in enumerate(columns):
            if kind == "BLOB":
                frame.isetitem(position, frame.iloc[:, position].map(bytes, na_action="ignore").array)
        return Answer(frame.iloc[:limit], more=limit is not None and len(frame) > limit)

    def _exact(self, columns: list[Any], count: int | None) -> DataFrame:
        """Return the rows, ``count`` or a few more, through Arrow: the DataFrames of DuckDB round wide integers."""
        import pandas as pd
        import pyarrow as pa

        from magics.sql.frames import exact

        if count is None:
            table = self.raw.to_arrow_table()
        else:
            with self.raw.to_arrow_reader(_VECTOR) as reader:
                parts = [pa.Table.from_batches([], reader.schema)]
                while sum(map(len, parts)) < count and (batch := next(reader, None)):
                    parts.append(pa.Table.from_batches([batch]))
            self.raw.abort()
            table = pa.concat_tables(parts)
        rows = self.raw.from_arrow(table.rename_columns([str(position) for position in range(len(columns))]))
        series = []
        for position, (_, kind, *_) in enumerate(columns):
            # an ENUM arrives as text
            one = rows.project(f'CAST("{position}" AS {kind}) AS x')
            if _is_wide(kind):
                values = [value for (value,) in one.fetchall()]
                # a BIGNUM arrives as text
                series.append(exact([value and int(value) for value in values] if kind.id == "bignum" else values))
            else:
                series.append(one.df().x)
        frame: DataFrame = pd.concat(series, axis="columns")
        return frame.set_axis([name for name, *_ in columns], axis="columns")

    def _first_rows(self, count: int) -> DataFrame:
        import pandas as pd

        parts: list[DataFrame] = [self.raw.fetch_df_chunk(1)]
        while sum(map(len, parts)) < count and len(parts[-1]):
            parts.append(self.raw.fetch_df_chunk(max(1, count // _VECTOR)))
        self.raw.abort()
        filled = [part for part in parts if len(part)]
        return pd.concat(filled, ignore_index=True) if len(filled) > 1 else parts[0]

    def _create_function(self, function: Callable[..., Any], name: str) -> None:
        arguments, result, null_handling = _signature(function, name)
        with contextlib.suppress(duckdb.InvalidInputException):
            # a former definition, if there is one
            self.raw.remove_function(name)

        @wraps(function)
        def call(*values: Any) -> Any:
            if stopping.is_set():
                # DuckDB calls it for 2,048 rows before it looks, and the function may catch everything
                raise KeyboardInterrupt
            return function(*values)

        self.raw.create_function(name, call, arguments, result, null_handling=null_handling)

    # ------------------------------------------------------------------ tables in and out
    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep everything the block wrote, or nothing; in it DuckDB reads Arrow tables by the names of variables.

        Raises:
            SQLError: a transaction is open: DuckDB has no savepoint to come back to.
        """
        raw = self.raw
        # outside a transaction each statement has one of its own, hence another number
        first, second = (raw.execute("SELECT txid_current()").fetchall() for _ in range(2))
        if first == second:
            raise SQLError("a transaction is open: run COMMIT or ROLLBACK before an import")
        ((setting,),) = raw.execute("SELECT current_setting('python_enable_replacements')").fetchall()
        raw.execute("SET python_enable_replacements = true")
        try:
            raw.begin()
            yield
            raw.commit()
        except BaseException:
            # an interrupted statement may have ended the transaction already
            with contextlib.suppress(duckdb.TransactionException):
                raw.rollback()
            raise
        finally:
            raw.execute(f"SET python_enable_replacements = {setting}")

    def import_file(self, file: DelimitedFile, table: str, if_exists: str = "fail") -> int:
        """Stream a delimited file in a table in bounded memory; see ``Connection.import_file``."""
        # a table in memory must fit there
        if self._file is None or self.read_only:
            return super().import_file(file, table, if_exists)
        with self.translated(table), _bounded_memory(self.raw):
            return super().import_file(file, table, if_exists)

    def _write(self, frame: DataFrame, path: tuple[str, ...], *, append: bool) -> int:
        """Write a frame through Arrow, whose types are exact."""
        # read by its name, which no table has: a view registered in a transaction would keep the frame until its end
        frame_b2d7f0c45a1e4c0f9d6e83f1a7c95e02 = _arrow(frame)  # noqa: F841
        kind = "TEMP TABLE" if len(path) > 1 and path[0] == "temp" else "TABLE"
        target = f"INSERT INTO {quoted(*path)} BY NAME" if append else f"CREATE {kind} {quoted(*path)} AS"
        written = self.raw.execute(f"{target} SELECT * FROM frame_b2d7f0c45a1e4c0f9d6e83f1a7c95e02")  # noqa: S608 - names are quoted
        return int(written.fetchall()[0][0])


def _tokens(sql: str) -> list[tuple[str, str]]:
    """Return a text as DuckDB reads it, piece by piece, each with its kind and the blanks that follow it."""
    text = sql.encode()
    starts = [(start, kind.name) for start, kind in duckdb.tokenize(sql)]
    ends = [start for start, _ in starts[1:]] + [len(text)]
    return [(text[start:end].decode(), kind) for (start, kind), end in zip(starts, ends, strict=True)]


def _is_wide(kind: Any) -> bool:
    """Tell whether a type holds numbers that a float does not: integers over 64 bits, decimals over 15 digits."""
    if kind.id == "decimal":
        return bool(dict(kind.children)["precision"] > sys.float_info.dig)
    # DuckDB hands over a list as an array of numbers, but what a struct or a map holds as it is
    if kind.id in {"list", "array", "union"}:
        return any(_is_wide(child) for name, child in kind.children if name != "size")
    return kind.id in {"hugeint", "uhugeint", "bignum"}


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
