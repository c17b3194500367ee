"""Sum by age class over pairs of arrays, for formats that give blocks of columns and no ``group by``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from course.ways.question import AGE, AMOUNT, sum_parts

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from course.ways.question import Answer


def sum_blocks(blocks: Iterable[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]) -> Answer:
    """Return the answer from blocks of ages (the smallest integer stands for a missing one) and amounts (euros)."""
    return sum_parts(_sum_block(ages, amounts) for ages, amounts in blocks)


def _sum_block(ages: np.ndarray[Any, Any], amounts: np.ndarray[Any, Any]) -> pd.Series[float]:
    import numpy as np
    import pandas as pd

    sums = pd.DataFrame({AGE: ages, AMOUNT: amounts}).groupby(AGE)[AMOUNT].sum()
    return sums.drop(np.iinfo(ages.dtype).min, errors="ignore")
