"""The question every way answers, the sum of ``PRS_REM_MNT`` by ``AGE_BEN_SNDS``, and the form of its answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

from course.errors import UnreadableFileError
from course.generator.schema import AGE, AMOUNT, SEPARATOR

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["AGE", "AMOUNT", "DTYPES", "SEPARATOR", "Answer", "as_answer", "from_pairs", "sum_columns", "sum_parts"]

Answer: TypeAlias = "pd.Series[float]"

DTYPES = {AGE: "Int64", AMOUNT: "float64"}
"""How pandas reads the two columns: both types have a missing value, an empty cell costs no error and no guess."""
BLOCK_ROWS = 2**19
"""Rows read at a time, several chunks of the formats: by one chunk at a time, zarr took 1.5 times as long."""
SMALL = 2**10
"""Ages below this are counted in an array, as the lesson on arrays does: ten times as fast as to group them."""


def as_answer(sums: pd.Series[float]) -> Answer:
    """Return sums by age class (euros) as every way does: float64 named by the amount, sorted by an int64 index.

    Raises:
        UnreadableFileError: a sum is no finite number, or a class no integer.
    """
    answer = sums.astype("float64").sort_index()
    index = answer.index.astype("int64")
    if not (abs(answer) < float("inf")).all() or not (answer.index == index).all():
        raise UnreadableFileError(
            f"a sum of {AMOUNT} is no finite number, or an age no integer; course.ways.check_file says which line of a "
            "CSV file is at fault, and a file made from it by course.ways.convert has none"
        )
    answer.index = index
    return answer.rename(AMOUNT).rename_axis(AGE)


def from_pairs(pairs: Iterable[tuple[int, float]]) -> Answer:
    """Return the answer made of pairs of an age class and a sum (euros), as databases give it."""
    import pandas as pd

    return as_answer(pd.Series(dict(pairs), dtype="float64"))


def sum_parts(parts: Iterable[pd.Series[float]]) -> Answer:
    """Return the answer of a file from those of its parts: a sum of sums is a sum."""
    import pandas as pd

    return as_answer(pd.concat(list(parts)).groupby(level=0).sum())


def sum_columns(ages: Any, amounts: Any) -> Answer:
    """Return the answer from two columns on disk, read by blocks; memory does not depend on their length.

    Args:
        ages: array of integers of any library that slices, the smallest of its type standing for a missing one.
        amounts: array of euros of the same length.
    """
    # one block at least: an empty table has an empty answer
    starts = range(0, max(ages.shape[0], 1), BLOCK_ROWS)
    blocks = (slice(start, start + BLOCK_ROWS) for start in starts)
    return sum_parts(_sum_block(ages[rows], amounts[rows]) for rows in blocks)


def _sum_block(ages: Any, amounts: Any) -> pd.Series[float]:
    """Return the sums by age of two arrays in memory, of which ``sum_columns`` says what they hold."""
    import numpy as np
    import pandas as pd

    if ages.size and ages.min() >= 0 and ages.max() < SMALL:
        totals, counts = np.bincount(ages, amounts), np.bincount(ages)
        if not np.isnan(totals).any():
            return pd.Series(totals, name=AMOUNT)[counts > 0]
    sums = pd.DataFrame({AGE: ages, AMOUNT: amounts}).groupby(AGE)[AMOUNT].sum()
    return sums.drop(np.iinfo(ages.dtype).min, errors="ignore")
