"""The question every way answers: the sum of ``PRS_REM_MNT`` by ``AGE_BEN_SNDS``; and the form of its answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeAlias

from course.generator.schema import AGE, AMOUNT, SEPARATOR

if TYPE_CHECKING:
    import pandas as pd

    Answer: TypeAlias = pd.Series[float]

__all__ = ["AGE", "AMOUNT", "SEPARATOR", "as_answer", "from_pairs", "sum_parts"]


def as_answer(sums: pd.Series[float]) -> Answer:
    """Return sums by age class (euros) as every way does: float64 named by the amount, sorted by an int64 index."""
    answer = sums.astype("float64").sort_index()
    answer.index = answer.index.astype("int64")
    return answer.rename(AMOUNT).rename_axis(AGE)


def from_pairs(pairs: Iterable[tuple[int, float]]) -> Answer:
    """Return the answer made of pairs of an age class and a sum (euros), as databases give it."""
    import pandas as pd

    return as_answer(pd.Series(dict(pairs), dtype="float64"))


def sum_parts(parts: Iterable[pd.Series[float]]) -> Answer:
    """Return the answer of a file from those of its parts: a sum of sums is a sum."""
    import pandas as pd

    return as_answer(pd.concat(list(parts)).groupby(level=0).sum())
