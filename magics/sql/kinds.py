"""The types of the columns of a delimited file, decided over whole columns and the same for both engines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from course.progress import progress_bar
from magics.sql.naming import folded

if TYPE_CHECKING:
    from magics.sql.delimited import DelimitedFile

# declared types whose values are text: https://www.sqlite.org/datatype3.html section 3.1, and DuckDB's VARCHAR
_TEXT_TYPE = re.compile("CHAR|CLOB|TEXT", re.IGNORECASE)


class Kind(IntEnum):
    """What the values of a column are; the greatest kind met in the column wins."""

    EMPTY = 0
    INTEGER = 1
    REAL = 2
    TEXT = 3


def kind_of(values: Any) -> Kind:
    """Return the kind of one chunk of a column, a pandas array; integers over 64 bits are kept as text."""
    if values.isna().all():
        return Kind.EMPTY
    return {"Int64": Kind.INTEGER, "Float64": Kind.REAL}.get(str(values.dtype), Kind.TEXT)


def texts(kinds: Iterable[Kind]) -> frozenset[int]:
    """Return the positions of the columns of text."""
    return frozenset(position for position, kind in enumerate(kinds) if kind is Kind.TEXT)


def first_kinds(file: DelimitedFile, schema: Sequence[tuple[str, str]] = ()) -> list[Kind]:
    """Return the kinds of the first chunk; a column that a table of this ``schema`` holds as text is TEXT."""
    declared = {folded(name): kind for name, kind in schema}
    kinds = [Kind.TEXT if _TEXT_TYPE.search(declared.get(folded(name), "")) else Kind.EMPTY for name in file.names]
    for chunk in file.chunks(texts(kinds)):
        return _widened(kinds, chunk)
    return kinds


def all_kinds(file: DelimitedFile, kinds: list[Kind]) -> list[Kind]:
    """Return the kinds of the whole columns, at least those given."""
    with progress_bar(file.path.stat().st_size, description=f"types of {file.path.name}") as bar:
        for chunk in file.chunks(texts(kinds), bar.update):
            kinds = _widened(kinds, chunk)
    return kinds


def _widened(kinds: list[Kind], chunk: Any) -> list[Kind]:
    return [max(kind, kind_of(chunk[position].array)) for position, kind in enumerate(kinds)]
