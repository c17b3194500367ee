"""Blocks of rows made by several threads, delivered in order, a few at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from course.generator.formats import Format
    from course.generator.random_stream import Integers
    from course.generator.rows import Rows

BLOCK_ROWS = 32_768
"""Rows of a block: its arrays stay in the cache of a core, which makes it faster than a larger one."""

Given = TypeVar("Given")
Made = TypeVar("Made")


@dataclass(frozen=True)
class Block:
    """A block ready to be written.

    Attributes:
        content: what the format's sink takes.
        rows_by_age: number of rows for each rank of age.
        cents_by_age: sum of ``PRS_REM_MNT`` for each rank of age, in cents.
    """

    content: Any
    rows_by_age: Integers
    cents_by_age: Integers


def month_blocks(seed: int, rows: int, form: Format, threads: int) -> Generator[Block, None, None]:
    """Yield the blocks of a month in order; the rows depend on the seed only, not on the number of threads."""

    def make(number: int) -> Block:
        drawn = month_rows(seed, number)
        return _block(drawn.head(min(BLOCK_ROWS, rows - number * BLOCK_ROWS)), form)

    return in_order(make, range(-(-rows // BLOCK_ROWS)), threads)


def month_rows(seed: int, number: int) -> Rows:
    """Return all the rows of a block; a month that ends inside it keeps the first ones."""
    from course.generator.rows import draw_rows

    return draw_rows(seed, number, BLOCK_ROWS)


def _block(rows: Rows, form: Format) -> Block:
    import numpy as np

    from course.generator.people import AGES

    ages = range(len(AGES))
    # sums of 64-bit integers, age by age: bincount would add in floating point
    cents = np.array([rows.numbers.reimbursed[rows.age == age].sum() for age in ages], dtype=np.int64)
    counts = np.bincount(rows.age, minlength=len(AGES)).astype(np.int64)
    return Block(form.encode(rows), counts, cents)


def in_order(make: Callable[[Given], Made], given: Iterable[Given], threads: int) -> Generator[Made, None, None]:
    """Yield ``make(item)`` for each item, in order, computed ahead by ``threads`` threads, two items each at most."""
    items = iter(given)
    with ThreadPoolExecutor(threads, thread_name_prefix="month") as pool:
        try:
            ahead: deque[Future[Made]] = deque(pool.submit(make, item) for item in islice(items, 2 * threads))
            while ahead:
                made = ahead.popleft().result()
                ahead.extend(pool.submit(make, item) for item in islice(items, 1))
                yield made
        finally:
            # an error or Ctrl-C leaves at most the blocks being made to wait for
            pool.shutdown(wait=False, cancel_futures=True)
