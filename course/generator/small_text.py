"""The bytes of the extract: rows of the model, with the ages and the sums that are known."""

from __future__ import annotations

from collections import Counter

import numpy as np

from course.generator.answer import (
    CENTS_BY_AGE,
    FIRST_ROWS,
    FIRST_ROWS_AGE_AND_CENTS,
    ROWS_BY_AGE,
    SMALL_ROWS,
)
from course.generator.csv_text import CSV_HEADER, csv_text
from course.generator.people import AGES
from course.generator.random_stream import Codes, raw_words
from course.generator.rows import Rows, draw_rows

SEED = 201_635
"""Chosen so that no sum has to be changed by more than a third to become the known one."""

_ROWS_BLOCK, _ORDER_BLOCK = 0, 1


def extract_text() -> bytes:
    """Return the whole file: the header and the rows, ending with a line feed, a blank line between two lines."""
    age = _shuffled_ages()
    rows = draw_rows(SEED, _ROWS_BLOCK, len(age), age=age)
    _set_sums(rows)
    first = "".join(f"{row}\n" for row in FIRST_ROWS).encode("ascii")
    text = b"".join([CSV_HEADER, first, csv_text(rows).text])
    return text.replace(b"\n", b"\n\n")[:-1]


def _shuffled_ages() -> Codes:
    """Return the rank of the age of each row after the first five, in random order; the counts are the known ones."""
    first = Counter(age for age, _ in FIRST_ROWS_AGE_AND_CENTS)
    counts = [ROWS_BY_AGE[age] - first[age] for age in AGES]
    ages = np.repeat(np.arange(len(AGES), dtype=np.int16), counts)
    order = np.argsort(raw_words(SEED, _ORDER_BLOCK, SMALL_ROWS - len(FIRST_ROWS)), kind="stable")
    return ages[order]


def _set_sums(rows: Rows) -> None:
    """Change free amounts, age by age, so that the sums of reimbursements are the known ones to the cent.

    Only rows whose price has no tariff and which are reimbursed in full change: there base, expense and reimbursement
    move together, so the relations between columns still hold. They are scaled, and the largest takes the last cents.
    """
    known = Counter(CENTS_BY_AGE)
    for age, cents in FIRST_ROWS_AGE_AND_CENTS:
        known[age] -= cents
    numbers = rows.numbers
    for rank, age in enumerate(AGES):
        here = rows.age == rank
        free = np.flatnonzero(here & rows.free & (numbers.reimbursed > 0))
        old = numbers.reimbursed[free]
        total = int(old.sum())
        wanted = total + known[age] - int(numbers.reimbursed[here].sum())
        new = np.array([cents * wanted // total for cents in old.tolist()], dtype=np.int64)
        new[np.argmax(new)] += wanted - int(new.sum())
        for column in (numbers.base, numbers.paid, numbers.reimbursed):
            column[free] += new - old
