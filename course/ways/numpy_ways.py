"""The question over the bytes of the file, with numpy: our own fastest way to read a CSV file.

Separators are found as bits, and fields by counting them: those of two columns are known without a look at the others.
Processes share the file by ranges of bytes; threads would wait for one another between two operations of numpy.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO, Self

from course.reading import open_binary, size_of
from course.ways.decimals import PADDING, hundredths, whole_numbers
from course.ways.fields import find_fields
from course.ways.pandas_ways import DTYPES
from course.ways.processes import Range, share
from course.ways.question import AGE, AMOUNT, SEPARATOR, as_answer, from_pairs

if TYPE_CHECKING:
    from course.reading import Location
    from course.ways.fields import Fields
    from course.ways.question import Answer

BLOCK_BYTES = 2**20
"""Bytes read at a time: the arrays made from them stay in the processor's cache."""
RANGE_BYTES = 16 * BLOCK_BYTES
"""Bytes given to a process at a time."""
LARGEST_AGE = 2**12


@dataclass(frozen=True)
class Layout:
    """What the header says of the lines: how many fields they have, and which two are wanted."""

    header: bytes
    names: int
    age: int
    amount: int

    @classmethod
    def of(cls, path: Location) -> Self:
        """Read the header of a file."""
        with open_binary(path) as file:
            header = file.readline()
        names = header.decode("utf-8-sig").rstrip("\r\n").split(SEPARATOR)
        return cls(header, len(names), names.index(AGE), names.index(AMOUNT))


def numpy_csv(path: Location) -> Answer:
    """Answer from the bytes of the file, by as many processes as cores; memory does not depend on the file.

    A block with quotes, or with a line that has not as many fields as the header, is left to pandas.
    """
    with open_binary(path) as file:
        size = size_of(file)
    ranges = [(start, min(start + RANGE_BYTES, size)) for start in range(0, size, RANGE_BYTES)]
    cents = share(path, ranges, partial(sum_range, path, Layout.of(path)))
    return from_pairs((age, total / 100) for age, total in cents.items())


def sum_range(path: Location, layout: Layout, limits: Range) -> Counter[int]:
    """Return the sums by age of the lines that begin in a range of bytes, in cents."""
    _keep_memory()
    cents: Counter[int] = Counter()
    start, stop = max(limits[0], len(layout.header)), limits[1]
    with open_binary(path, access="stream") as file:
        for block in range(start, stop, BLOCK_BYTES):
            cents.update(_sum_block(file, layout, block, min(block + BLOCK_BYTES, stop)))
    return cents


def _keep_memory() -> None:
    """Make the allocator of Linux keep what a block frees: it would give it back, and take it again page by page.

    A large block, once freed, raises its threshold (mallopt(3), M_MMAP_THRESHOLD): a third of the time is saved.
    """
    bytearray(16 * BLOCK_BYTES)


def _sum_block(file: BinaryIO, layout: Layout, start: int, stop: int) -> dict[int, float]:
    text = _read_lines(file, start, stop)
    fields = None if b'"' in text else find_fields(text, SEPARATOR, layout.names, (layout.age, layout.amount))
    sums = None if fields is None else _sum_fields(text, *fields)
    return _sum_by_pandas(text, layout) if sums is None else sums


def _read_lines(file: BinaryIO, start: int, stop: int) -> bytes:
    """Return the lines that begin from ``start`` to before ``stop``, whole, after what the parser of numbers wants."""
    file.seek(start - 1)
    file.readline()
    begin = file.tell()
    if begin >= stop:
        return PADDING
    text = b"".join((PADDING, file.read(stop - 1 - begin), file.readline()))
    return text if text.endswith(b"\n") else text + b"\n"


def _sum_fields(text: bytes, ages: Fields, amounts: Fields) -> dict[int, float] | None:
    """Return the sums of amounts by age, in cents; None if an age is no small integer."""
    import numpy as np

    classes, cents = whole_numbers(text, *ages), hundredths(text, *amounts)
    if classes is None or classes.max(initial=0) > LARGEST_AGE:
        return None
    known = ages[1] > ages[0]
    if not known.all():
        classes, cents = classes[known], cents[known]
    present = np.flatnonzero(np.bincount(classes))
    return dict(zip(present.tolist(), np.bincount(classes, cents)[present].tolist(), strict=True))


def _sum_by_pandas(text: bytes, layout: Layout) -> dict[int, float]:
    """Return the sums of a block that is not as plain as the others, in cents."""
    import pandas as pd

    lines = BytesIO(layout.header + text[len(PADDING) :])
    table = pd.read_csv(lines, sep=SEPARATOR, usecols=[AGE, AMOUNT], dtype=DTYPES)
    sums = as_answer(table.groupby(AGE)[AMOUNT].sum())
    return dict(zip(sums.index.tolist(), (100 * sums).tolist(), strict=True))
