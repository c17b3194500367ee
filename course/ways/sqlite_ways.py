"""The question in SQL over rows: a SQLite database, without and with an index that covers the query."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from course.ways.csv_batches import open_batches
from course.ways.question import AGE, AMOUNT, Answer, Location, from_pairs

SUM_BY_AGE = f"SELECT {AGE}, total({AMOUNT}) FROM damir WHERE {AGE} IS NOT NULL GROUP BY {AGE}"  # noqa: S608


def to_sqlite(source: Location, target: Path) -> None:
    """Write a CSV file as the table ``damir`` of a SQLite database."""
    with open_batches(source) as (schema, batches), closing(sqlite3.connect(target)) as connection:
        columns = ", ".join(f'"{name}"' for name in schema.names)
        connection.execute(f"CREATE TABLE damir ({columns})")
        insert = f"INSERT INTO damir VALUES ({', '.join('?' * len(schema))})"  # noqa: S608 question marks
        with connection:
            for batch in batches:
                connection.executemany(insert, zip(*(column.to_pylist() for column in batch), strict=True))


def to_sqlite_index(source: Location, target: Path) -> None:
    """Write a CSV file as a SQLite database whose index holds both columns of the question."""
    to_sqlite(source, target)
    with closing(sqlite3.connect(target)) as connection, connection:
        connection.execute(f"CREATE INDEX damir_age_amount ON damir ({AGE}, {AMOUNT})")


def sqlite(path: Path) -> Answer:
    """Answer from a SQLite database; if an index covers the query, SQLite reads the index and not the table."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        return from_pairs(connection.execute(SUM_BY_AGE).fetchall())
