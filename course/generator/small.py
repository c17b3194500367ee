"""The extract ``A201612_small.csv``: rows of the model, with the ages and the sums that are known.

The file on which every lesson answers the question first.
"""

from __future__ import annotations

import shutil
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from course.errors import ExistingFileError, MissingFileError, OutputError
from course.files import data_directory, expanded, file_digest, recover, replacing
from course.generator.answer import (
    CENTS_BY_AGE,
    FIRST_ROWS,
    FIRST_ROWS_AGE_AND_CENTS,
    ROWS_BY_AGE,
    SMALL_NAME,
    SMALL_ROWS,
    MonthReport,
    read_report,
)
from course.generator.month import month_file
from course.generator.real import real_month
from course.generator.schema import CSV_HEADER

if TYPE_CHECKING:
    from course.generator.random_stream import Codes
    from course.generator.rows import Rows

SEED = 201_635
"""Chosen so that no sum has to be changed by more than a third to become the known one."""

_ROWS_BLOCK, _ORDER_BLOCK = 0, 1

SMALL_SIZE = 16_169_713
"""Bytes of the file."""

SMALL_SHA256 = "81d59786039c271c56e365e3eccb35e80fa31ae39e594069a15fffc447ee872e"
"""SHA-256 of the file: it is the same on every platform and with every version of the libraries."""


def small_file(folder: Path | str = "data", *, generated: bool = False) -> Path:
    """Put ``A201612_small.csv`` in a folder, and return its path (relative if ``folder`` is).

    The file is generated once, in about two seconds, and kept in ``course.files.data_directory()`` if that can be
    written; the folder receives a copy of its own. It has 99,999 rows on 199,999 lines of text: a blank line stands
    between two records.

    Where ``BIGDATA_COURSE_MONTH`` names a real month, such as ``A202501.csv.gz``, its first 99,999 rows are copied
    instead, without blank lines, as ``A202501_small.csv``.

    Args:
        folder: where the lesson expects its data; made if it is missing.
        generated: generate the file even where a real month is named.

    Raises:
        ExistingFileError: the folder holds another file of this name.
        MissingFileError: ``BIGDATA_COURSE_MONTH`` names no file.
        OutputError: the folder cannot be written, or the disk is full.
        UnreadableFileError: the file that it names is no month, or a line of it breaks a rule.
    """
    real = None if generated else real_month()
    if real is not None:
        return month_file(expanded(folder) / f"{real.name.partition('.')[0]}_small.csv", rows=SMALL_ROWS).path
    placed = expanded(folder) / SMALL_NAME
    recover(placed)
    if placed.exists():
        if _is_genuine(placed):
            return placed
        raise ExistingFileError(f"{placed} is not the extract of the course; move or delete it, then try again")
    kept = data_directory() / SMALL_NAME
    text = b"" if _is_genuine(kept) else _extract_text()
    if text:
        with suppress(OutputError), replacing(kept) as temporary:  # the home may be one where nothing can be written
            temporary.write_bytes(text)
    with replacing(placed) as temporary:
        temporary.write_bytes(text) if text else shutil.copyfile(kept, temporary)
    return placed


def known_answer(path: Path | str) -> MonthReport:
    """Return what is known of a file that ``small_file`` or ``month_file`` made: its rows and exact sums by age.

    Raises:
        MissingFileError: nothing is known of this file.
    """
    path = expanded(path)
    if path.name == SMALL_NAME and _is_genuine(path):
        return MonthReport(path, ".csv", SMALL_ROWS, SMALL_SIZE, SEED, ROWS_BY_AGE, CENTS_BY_AGE)
    report = read_report(path)
    if report is None:
        raise MissingFileError(
            f"no answer is known for {path}: course.small_file and course.month_file make such files"
        )
    return report


def _is_genuine(path: Path) -> bool:
    try:
        return path.is_file() and path.stat().st_size == SMALL_SIZE and file_digest(path) == SMALL_SHA256
    except PermissionError:
        return False


def _extract_text() -> bytes:
    """Return the whole file: the header and the rows, ending with a line feed, a blank line between two lines."""
    from course.generator.encoding import csv_text
    from course.generator.rows import draw_rows

    age = _shuffled_ages()
    rows = draw_rows(SEED, _ROWS_BLOCK, len(age), age=age)
    _set_sums(rows)
    first = "".join(f"{row}\n" for row in FIRST_ROWS).encode("ascii")
    text = b"".join([CSV_HEADER, first, csv_text(rows).text])
    return text.replace(b"\n", b"\n\n")[:-1]


def _shuffled_ages() -> Codes:
    """Return the rank of the age of each row after the first five, in random order; the counts are the known ones."""
    import numpy as np

    from course.generator.random_stream import raw_words

    first = Counter(age for age, _ in FIRST_ROWS_AGE_AND_CENTS)
    counts = [rows - first[age] for age, rows in ROWS_BY_AGE.items()]
    ages = np.repeat(np.arange(len(counts), dtype=np.int16), counts)
    order = np.argsort(raw_words(SEED, _ORDER_BLOCK, SMALL_ROWS - len(FIRST_ROWS)), kind="stable")
    return ages[order]


def _set_sums(rows: Rows) -> None:
    """Change free amounts, age by age, so that the sums of reimbursements are the known ones to the cent.

    Only rows whose price has no tariff and which are reimbursed in full change: there base, expense and reimbursement
    move together, so the relations between columns still hold. They are scaled, and the largest takes the last cents.
    """
    import numpy as np

    known = Counter(CENTS_BY_AGE)
    for age, cents in FIRST_ROWS_AGE_AND_CENTS:
        known[age] -= cents
    numbers = rows.numbers
    for rank, age in enumerate(ROWS_BY_AGE):
        here = rows.age == rank
        free = np.flatnonzero(here & rows.free & (numbers.reimbursed > 0))
        old = numbers.reimbursed[free]
        total = int(old.sum())
        wanted = total + known[age] - int(numbers.reimbursed[here].sum())
        new = np.array([cents * wanted // total for cents in old.tolist()], dtype=np.int64)
        new[np.argmax(new)] += wanted - int(new.sum())
        for column in (numbers.base, numbers.paid, numbers.reimbursed):
            column[free] += new - old
