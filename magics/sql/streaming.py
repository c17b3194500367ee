"""Stream a delimited file in SQLite: typed over the whole column, flat memory, about the speed of the parser."""

from __future__ import annotations

import re
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from course.progress import progress_bar
from magics.sql.frames import listed
from magics.sql.naming import folded

if TYPE_CHECKING:
    import pandas as pd

    from magics.sql.delimited import DelimitedFile
    from magics.sql.sqlite import SqliteConnection

# declared types with the affinity TEXT: https://www.sqlite.org/datatype3.html section 3.1
_TEXT_TYPE = re.compile("CHAR|CLOB|TEXT", re.IGNORECASE)


class Kind(IntEnum):
    """What the values of a column are; the greatest kind met in the column wins."""

    EMPTY = 0
    INTEGER = 1
    REAL = 2
    TEXT = 3

    @property
    def declared(self) -> str:
        """The SQL type of the column."""
        return "TEXT" if self is Kind.EMPTY else self.name


class _WidenedError(Exception):
    """A column turned out to hold another kind of values than its beginning."""


def kind_of(series: pd.Series[Any]) -> Kind:
    """Return the kind of one chunk of a column; integers over 64 bits are kept as text."""
    if not series.notna().any():
        return Kind.EMPTY
    kinds = {"Int64": Kind.INTEGER, "Float64": Kind.REAL}
    return kinds.get(str(series.dtype), Kind.TEXT)


def write_file(connection: SqliteConnection, file: DelimitedFile, table: str, *, append: bool) -> int:
    """Write the rows of ``file`` in ``table``, created unless ``append``; see ``Connection.import_file``.

    A column is INTEGER if all its values are, REAL if all are numbers, else TEXT, character by character as in
    the file. The types come from the first chunk; when a later one contradicts them the whole file is read for
    its types and the writing starts again: rare, and twice as fast as reading the file twice every time.
    """
    width = len(file.names)
    kept = _text_columns(connection, file, table) if append else frozenset()
    kinds = _kinds(file, [Kind.EMPTY] * width, kept, first_chunk=True)
    try:
        return _write(connection, file, table, kinds, kept, append=append)
    except _WidenedError:
        kinds = _kinds(file, kinds, kept, first_chunk=False)
        return _write(connection, file, table, kinds, kept, append=append)


def _text_columns(connection: SqliteConnection, file: DelimitedFile, table: str) -> frozenset[int]:
    """Return the positions of the columns that the table already holds as text."""
    declared = {folded(name): kind for name, kind in connection.schema(table)}
    return frozenset(
        position for position, name in enumerate(file.names) if _TEXT_TYPE.search(declared.get(folded(name), ""))
    )


def _kinds(file: DelimitedFile, kinds: list[Kind], kept: frozenset[int], *, first_chunk: bool) -> list[Kind]:
    kinds = [Kind.TEXT if position in kept else kind for position, kind in enumerate(kinds)]
    with progress_bar(file.path.stat().st_size, description=f"types of {file.path.name}") as bar:
        for chunk in file.chunks(_texts(kinds), None if first_chunk else bar.update):
            kinds = [max(kind, kind_of(chunk[position])) for position, kind in enumerate(kinds)]
            if first_chunk:
                break
    return kinds


def _texts(kinds: list[Kind]) -> frozenset[int]:
    return frozenset(position for position, kind in enumerate(kinds) if kind is Kind.TEXT)


def _write(
    connection: SqliteConnection,
    file: DelimitedFile,
    table: str,
    kinds: list[Kind],
    kept: frozenset[int],
    *,
    append: bool,
) -> int:
    rows = 0
    with (
        connection.transaction(),
        progress_bar(file.path.stat().st_size, description=f"import {file.path.name}") as bar,
    ):
        if not append:
            connection.create_table(table, file.names, [kind.declared for kind in kinds])
        for chunk in file.chunks(_texts(kinds) | kept, bar.update):
            if any(kind_of(chunk[position]) > kind for position, kind in enumerate(kinds)):
                raise _WidenedError
            connection.insert(table, file.names, [listed(chunk[position]) for position in range(len(kinds))])
            rows += len(chunk)
    return rows
