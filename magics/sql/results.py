"""Rows of a database as DataFrames, and the part of them that a notebook shows."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

# beyond, a float64 no longer tells neighbouring integers apart
_EXACT = 2**53


def frame_of(rows: Sequence[tuple[Any, ...]], names: Sequence[str]) -> pd.DataFrame:
    """Return rows as a DataFrame; NULL is NaN among numbers, None elsewhere; duplicated names are kept."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    frame = pd.DataFrame({position: _column(values) for position, values in enumerate(columns)})
    frame.columns = pd.Index(names)
    return frame


def _column(values: tuple[Any, ...]) -> pd.Series[Any]:
    kinds = set(map(type, values))
    present = kinds - {type(None)}
    if present == {str}:
        return pd.Series(values, dtype="str")
    if present == {int} and len(kinds) == 1:
        return pd.Series(np.array(values, dtype="int64"))
    if present == {int} and not _exact(values):
        return pd.Series(list(values), dtype="Int64")
    if present and present <= {int, float} and _exact(values):
        return pd.Series(np.array(values, dtype="float64"))
    return pd.Series(list(values), dtype="object")


def _exact(values: tuple[Any, ...]) -> bool:
    return all(abs(value) <= _EXACT for value in values if type(value) is int)


class Preview(pd.DataFrame):
    """The first rows of an answer; whatever is computed from it is an ordinary DataFrame.

    Attributes:
        note: what is said under the table, for instance that there are more rows.
    """

    _metadata = ["note"]  # noqa: RUF012 - pandas reads this attribute of the class
    note: str

    @property
    def _constructor(self) -> Callable[..., pd.DataFrame]:
        return pd.DataFrame

    def __repr__(self) -> str:
        return f"{super().__repr__()}\n{self.note}"

    def _repr_html_(self) -> str | None:
        table: str | None = super()._repr_html_()  # type: ignore[misc]
        return table and f"{table}\n<p>{html.escape(self.note)}</p>"


def preview(frame: pd.DataFrame, count: int, *, more: bool, others: str) -> pd.DataFrame:
    """Return the first ``count`` rows, with a note when there are others.

    Args:
        frame: the rows that were fetched.
        count: how many of them to show.
        more: whether rows were left in the database.
        others: where the others are, the end of the note.
    """
    if not more and len(frame) <= count:
        return frame
    shown = Preview(frame.head(count))
    of = "" if more else f" of {len(frame):,}"
    shown.note = f"the first {len(shown):,}{of} row{'s' * (len(shown) != 1)}, {others}"
    return shown
