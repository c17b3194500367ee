"""The question in SQL over columns: DuckDB on a CSV file, and on its own database."""

from __future__ import annotations

from pathlib import Path

from course.reading import CACHES, file_system
from course.ways.csv_batches import open_batches
from course.ways.question import AGE, AMOUNT, SEPARATOR, Answer, Location, from_pairs

SUM_BY_AGE = f"""
    SELECT {AGE}, coalesce(sum({AMOUNT}), 0) FROM {{table}} WHERE {AGE} IS NOT NULL GROUP BY {AGE}
"""  # noqa: S608 two constants and a name of ours


def duckdb_csv(path: Location) -> Answer:
    """Answer from a CSV file; types are said: guessed, DuckDB 2.0 may round amounts and not say so."""
    import duckdb

    types = f"{{'{AGE}': 'INTEGER', '{AMOUNT}': 'DOUBLE'}}"
    table = f"read_csv($path, delim = '{SEPARATOR}', header = true, types = {types})"
    with duckdb.connect() as connection:
        if isinstance(path, str):
            # through fsspec: DuckDB's own reader of object stores is an extension to download
            cache, block = CACHES["stream"]
            connection.register_filesystem(file_system(path, default_cache_type=cache, default_block_size=block)[0])
        return from_pairs(connection.execute(SUM_BY_AGE.format(table=table), {"path": str(path)}).fetchall())


def to_duckdb(source: Location, target: Path) -> None:
    """Write a CSV file as the table ``damir`` of a DuckDB database."""
    import duckdb
    import pyarrow as pa

    with open_batches(source) as (schema, batches), duckdb.connect(target) as connection:
        connection.register("rows", pa.RecordBatchReader.from_batches(schema, batches))
        connection.execute("CREATE TABLE damir AS FROM rows")


def duckdb_database(path: Path) -> Answer:
    """Answer from a DuckDB database."""
    import duckdb

    with duckdb.connect(path, read_only=True) as connection:
        return from_pairs(connection.execute(SUM_BY_AGE.format(table="damir")).fetchall())
