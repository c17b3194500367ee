"""Find the fields of a few columns in delimited text, without a look at the other columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from course.ways.bits import Bits

if TYPE_CHECKING:
    import numpy as np

    from course.ways.bits import Positions

    Characters: TypeAlias = np.ndarray[Any, np.dtype[np.uint8]]
    Fields: TypeAlias = tuple[Positions, Positions]
    """Where each field of a column begins, and where it ends."""


def find_fields(text: bytes, separator: str, names: int, columns: Sequence[int]) -> list[Fields] | None:
    """Return the fields of some columns, row by row; None if a line has more or fewer fields than the header.

    Empty lines are no rows. Fields are not quoted.

    Args:
        text: an end of line, after bytes that are no separator, then whole lines.
        separator: one character of ASCII.
        names: how many fields a line has, two at least.
        columns: positions of the columns, from 0.
    """
    import numpy as np

    characters = np.frombuffer(text, np.uint8)
    starts, ends = _lines(characters)
    separators = Bits(characters == ord(separator))
    ranks = np.arange(len(starts)) * (names - 1)
    if separators.count != len(starts) * (names - 1) or not np.array_equal(separators.rank(starts), ranks):
        return None
    lefts = [separators.select(ranks + (column - 1), starts) + 1 if column else starts for column in columns]
    last = ends - (characters[ends - 1] == ord("\r"))
    rights = [
        last if column == names - 1 else separators.following(left) for column, left in zip(columns, lefts, strict=True)
    ]
    return list(zip(lefts, rights, strict=True))


def _lines(characters: Characters) -> Fields:
    """Return where each line that is not empty begins and ends."""
    ends = Bits(characters == ord("\n")).positions()
    starts, ends = ends[:-1] + 1, ends[1:]
    length = ends - starts
    empty = length <= (characters[starts] == ord("\r"))
    return (starts[~empty], ends[~empty]) if empty.any() else (starts, ends)
