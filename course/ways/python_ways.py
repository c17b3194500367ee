"""The question in plain Python: the ``csv`` module and a dictionary, one row in memory at a time."""

from __future__ import annotations

import csv
import io
from collections import defaultdict

from course.reading import Location, open_binary
from course.ways.question import AGE, AMOUNT, SEPARATOR, Answer, from_pairs


def python_csv(path: Location) -> Answer:
    """Answer row by row with the csv module; memory does not depend on the file."""
    sums: defaultdict[int, float] = defaultdict(float)
    with open_binary(path, access="stream") as file:
        rows = csv.reader(io.TextIOWrapper(file, "utf-8-sig", newline=""), delimiter=SEPARATOR)
        header = next(rows)
        age, amount = header.index(AGE), header.index(AMOUNT)
        for row in rows:
            if row and row[age]:
                sums[int(row[age])] += float(row[amount] or 0)
    return from_pairs(sums.items())
