"""The question in SQL: over rows in SQLite, without and with an index; over columns in DuckDB, also on files."""

from __future__ import annotations

import glob
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from course.errors import UnreadableFileError
from course.reading import CACHES, Access, Location, file_system
from course.ways.question import AGE, AMOUNT, SEPARATOR, Answer, from_pairs

if TYPE_CHECKING:
    import pyarrow as pa

SQLITE_PAGE = 512
"""Bytes of the smallest page: SQLite reads zeros where its last page is cut, and does not say so."""
SUM_BY_AGE = f"""
    SELECT {AGE}, coalesce(sum({AMOUNT}), 0) FROM {{table}} WHERE {AGE} IS NOT NULL GROUP BY {AGE}
"""  # noqa: S608 two constants and a name of ours


def to_sqlite(schema: pa.Schema, batches: Iterator[pa.RecordBatch], target: Path) -> None:
    """Write a table as the table ``damir`` of a SQLite database."""
    with closing(sqlite3.connect(target)) as connection:
        columns = ", ".join(f'"{name}"' for name in schema.names)
        connection.execute(f"CREATE TABLE damir ({columns})")
        insert = f"INSERT INTO damir VALUES ({', '.join('?' * len(schema))})"  # noqa: S608 question marks
        with connection:
            for batch in batches:
                connection.executemany(insert, zip(*(column.to_pylist() for column in batch), strict=True))


def to_sqlite_index(schema: pa.Schema, batches: Iterator[pa.RecordBatch], target: Path) -> None:
    """Write a table as a SQLite database whose index holds both columns of the question."""
    to_sqlite(schema, batches, target)
    with closing(sqlite3.connect(target)) as connection, connection:
        connection.execute(f"CREATE INDEX damir_age_amount ON damir ({AGE}, {AMOUNT})")


def sqlite(path: Path) -> Answer:
    """Answer from a SQLite database; if an index covers the query, SQLite reads the index and not the table."""
    if path.stat().st_size % SQLITE_PAGE:
        raise UnreadableFileError(f"{path} is no whole SQLite database, its last page is cut; make it again")
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        return from_pairs(connection.execute(SUM_BY_AGE.format(table="damir")).fetchall())


def duckdb_csv(path: Location) -> Answer:
    """Answer from a CSV file; types are said: guessed, DuckDB 2.0 may round amounts and not say so."""
    types = f"{{'{AGE}': 'BIGINT', '{AMOUNT}': 'DOUBLE'}}"
    dialect = f"delim = '{SEPARATOR}', quote = '\"', escape = '\"', comment = '', skip = 0, header = true"
    return _duckdb_file(path, f"read_csv($path, {dialect}, types = {types})", "stream")


def duckdb_parquet(path: Location) -> Answer:
    """Answer from a Parquet file, whose footer says the types."""
    return _duckdb_file(path, "read_parquet($path)", "ranges")


def _duckdb_file(path: Location, table: str, access: Access) -> Answer:
    import duckdb

    with duckdb.connect() as connection:
        if isinstance(path, str):
            # through fsspec: DuckDB's own reader of object stores is an extension to download
            cache, block = CACHES[access]
            connection.register_filesystem(file_system(path, default_cache_type=cache, default_block_size=block)[0])
        name = {"path": glob.escape(str(path))}
        return from_pairs(connection.execute(SUM_BY_AGE.format(table=table), name).fetchall())


def to_duckdb(schema: pa.Schema, batches: Iterator[pa.RecordBatch], target: Path) -> None:
    """Write a table as the table ``damir`` of a DuckDB database."""
    import duckdb
    import pyarrow as pa

    with duckdb.connect(target) as connection:
        connection.register("rows", pa.RecordBatchReader.from_batches(schema, batches))
        connection.execute("CREATE TABLE damir AS FROM rows")


def duckdb_database(path: Path) -> Answer:
    """Answer from a DuckDB database."""
    import duckdb

    with duckdb.connect(path, read_only=True) as connection:
        return from_pairs(connection.execute(SUM_BY_AGE.format(table="damir")).fetchall())


def tables_of(path: Path) -> list[str]:
    """Return the names of the tables and views of a SQLite or DuckDB database; none if it is neither, or damaged."""
    import duckdb

    query = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY name"
    try:
        with path.open("rb") as file:
            is_sqlite = file.read(6) == b"SQLite"
        if is_sqlite:
            with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
                return [name for (name,) in connection.execute(query)]
        with duckdb.connect(path, read_only=True) as connection:
            return [name for (name,) in connection.execute(query).fetchall()]
    except (sqlite3.Error, duckdb.Error):
        return []
