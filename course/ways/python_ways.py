"""The question in plain Python: the ``csv`` module and a dictionary, one row in memory at a time."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from course.ways.question import AGE, AMOUNT, SEPARATOR, from_pairs

if TYPE_CHECKING:
    from course.ways.question import Answer


def python_csv(path: Path) -> Answer:
    """Answer row by row with the csv module; memory does not depend on the file."""
    sums: defaultdict[int, float] = defaultdict(float)
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.reader(file, delimiter=SEPARATOR)
        header = next(rows)
        age, amount = header.index(AGE), header.index(AMOUNT)
        for row in rows:
            if row and row[age]:
                sums[int(row[age])] += float(row[amount] or 0)
    return from_pairs(sums.items())
