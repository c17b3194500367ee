"""Stream a delimited file in SQLite: typed over the whole column, flat memory, about the speed of the parser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from course.progress import progress_bar
from magics.sql.frames import listed
from magics.sql.kinds import Kind, all_kinds, first_kinds, kind_of, texts

if TYPE_CHECKING:
    from magics.sql.delimited import DelimitedFile
    from magics.sql.sqlite import SqliteConnection

_DECLARED = {Kind.EMPTY: "TEXT", Kind.INTEGER: "INTEGER", Kind.REAL: "REAL", Kind.TEXT: "TEXT"}


class _WidenedError(Exception):
    """A column turned out to hold another kind of values than its beginning."""


def write_file(connection: SqliteConnection, file: DelimitedFile, table: str, *, append: bool) -> int:
    """Write the rows of ``file`` in ``table``, created unless ``append``; see ``Connection.import_file``.

    A column is INTEGER if all its values are, REAL if all are numbers, else TEXT, character by character as in
    the file. The types come from the first chunk; when a later one contradicts them the whole file is read for
    its types and the writing starts again: rare, and the file is parsed once in the ordinary case.
    """
    kinds = first_kinds(file, connection.schema(table) if append else ())
    try:
        return _write(connection, file, table, kinds, append=append)
    except _WidenedError:
        return _write(connection, file, table, all_kinds(file, kinds), append=append)


def _write(connection: SqliteConnection, file: DelimitedFile, table: str, kinds: list[Kind], *, append: bool) -> int:
    rows = 0
    size = file.path.stat().st_size
    with connection.transaction(), progress_bar(size, description=f"import {file.path.name}") as bar:
        if not append:
            connection.create_table(table, file.names, [_DECLARED[kind] for kind in kinds])
        for chunk in file.chunks(texts(kinds), bar.update):
            columns = [chunk[position].array for position in range(len(kinds))]
            if any(kind_of(values) > kind for values, kind in zip(columns, kinds, strict=True)):
                raise _WidenedError
            connection.insert(table, file.names, [listed(values) for values in columns])
            rows += len(chunk)
    return rows
