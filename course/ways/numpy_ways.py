"""The question over the bytes of the file: blocks of lines, parsed with numpy, and processes that share them.

Processes share the file by ranges of bytes; threads would wait for one another between two operations of numpy. Each is
a program of its own, ``python -m course.ways.numpy_ways FILE``: that works in a notebook and in a script without
``__main__`` guard, on every system, where ``multiprocessing`` would run the script again.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from math import isfinite
from typing import BinaryIO, Self, TypeAlias

import numpy as np

from course.measure.readers import usable_cores
from course.reading import Location, located, open_binary, size_of
from course.ways.bytes.parser import PADDING, find_fields, hundredths, whole_numbers
from course.ways.pandas_ways import pandas_csv_chunks
from course.ways.question import AGE, AMOUNT, DTYPES, SEPARATOR, Answer, from_pairs

Range: TypeAlias = tuple[int, int]
"""The first byte of a range, and the one after its last."""

BLOCK_BYTES = 2**20
"""Bytes read at a time: the arrays made from them stay in the processor's cache."""
RANGE_BYTES = 16 * BLOCK_BYTES
"""Bytes given to a process at a time."""
WORTH_A_PROCESS = 8
"""Ranges for which a process is worth its start."""
WORKER = "course.ways.numpy_ways"
LARGEST_AGE = 2**12


@dataclass(frozen=True)
class Header:
    """What the first line says of the others: how many fields they have, and which two are wanted."""

    line: bytes
    names: int
    age: int
    amount: int

    @classmethod
    def of(cls, path: Location) -> Self:
        """Read the header of a file."""
        with open_binary(path) as file:
            line = file.readline()
        names = line.decode("utf-8-sig").rstrip("\r\n").split(SEPARATOR)
        return cls(line, len(names), names.index(AGE), names.index(AMOUNT))


def numpy_csv(path: Location) -> Answer:
    """Answer from the bytes of the file, by as many processes as cores; memory does not depend on the file.

    A block with quotes, or with a line that has not as many fields as the header, is left to pandas.
    """
    with open_binary(path) as file:
        size = size_of(file)
    waiting = deque((start, min(start + RANGE_BYTES, size)) for start in range(0, size, RANGE_BYTES))
    sum_here = partial(sum_range, path, Header.of(path))
    others = min(usable_cores() - 1, len(waiting) // WORTH_A_PROCESS)
    cents: Counter[int] = Counter()
    with ThreadPoolExecutor(max(1, others)) as pool:
        delegates = [pool.submit(_delegate, path, waiting) for _ in range(others)]
        try:
            _take(waiting, sum_here, cents)
        except BaseException:
            waiting.clear()  # the others stop too
            raise
    for delegate in delegates:
        cents.update(delegate.result())
    # what a process that failed gave back: its error, if any, is met here
    _take(waiting, sum_here, cents)
    if not all(map(isfinite, cents.values())):  # the cents of the largest floats are no floats
        return pandas_csv_chunks(path)
    return from_pairs((age, total / 100) for age, total in cents.items())


def _take(waiting: deque[Range], sum_one: Callable[[Range], Counter[int] | None], total: Counter[int]) -> None:
    """Sum ranges until none waits, or until one is not summed: it waits again."""
    while waiting:
        try:
            one = waiting.popleft()
        except IndexError:
            return
        sums = sum_one(one)
        if sums is None:
            waiting.append(one)
            return
        total.update(sums)


def _delegate(path: Location, waiting: deque[Range]) -> Counter[int]:
    """Give ranges to another process until none waits, and return its sums."""
    total: Counter[int] = Counter()
    command = [sys.executable, "-m", WORKER, str(path)]
    pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=nowhere, bufsize=0) as worker:
        _take(waiting, partial(_ask, worker), total)
    return total


def _ask(worker: subprocess.Popen[bytes], one: Range) -> Counter[int] | None:
    """Return the sums of a range, or None if the process ended."""
    if worker.stdin is None or worker.stdout is None:
        return None
    try:
        worker.stdin.write("{} {}\n".format(*one).encode())
    except OSError:
        return None
    line = worker.stdout.readline()
    return Counter({int(age): cents for age, cents in json.loads(line).items()}) if line else None


def sum_range(path: Location, header: Header, limits: Range) -> Counter[int]:
    """Return the sums by age of the lines that begin in a range of bytes, in cents."""
    # a large block, once freed, makes the allocator of Linux keep what the next ones free, and not take it again page
    # by page: a third of the time is saved (mallopt(3), M_MMAP_THRESHOLD)
    bytearray(16 * BLOCK_BYTES)
    cents: Counter[int] = Counter()
    start, stop = max(limits[0], len(header.line)), limits[1]
    with open_binary(path, access="stream") as file:
        for block in range(start, stop, BLOCK_BYTES):
            text = _read_lines(file, block, min(block + BLOCK_BYTES, stop))
            sums = None if b'"' in text else _sum_fields(text, header)
            cents.update(_sum_by_pandas(text, header) if sums is None else sums)
    return cents


def _read_lines(file: BinaryIO, start: int, stop: int) -> bytes:
    """Return the lines that begin from ``start`` to before ``stop``, whole, after what the parser of numbers wants."""
    file.seek(start - 1)
    file.readline()
    begin = file.tell()
    if begin >= stop:
        return PADDING
    text = b"".join((PADDING, file.read(stop - 1 - begin), file.readline()))
    return text if text.endswith(b"\n") else text + b"\n"


def _sum_fields(text: bytes, header: Header) -> dict[int, float] | None:
    """Return the sums of amounts by age, in cents; None if a line is unlike the header or an age no small integer."""
    fields = find_fields(text, SEPARATOR, header.names, (header.age, header.amount))
    if fields is None:
        return None
    ages, amounts = fields
    classes, cents = whole_numbers(text, *ages), hundredths(text, *amounts)
    if classes is None or classes.max(initial=0) > LARGEST_AGE:
        return None
    known = ages[1] > ages[0]
    if not known.all():
        classes, cents = classes[known], cents[known]
    present = np.flatnonzero(np.bincount(classes))
    return dict(zip(present.tolist(), np.bincount(classes, cents)[present].tolist(), strict=True))


def _sum_by_pandas(text: bytes, header: Header) -> dict[int, float]:
    """Return the sums of a block that is not as plain as the others, in cents."""
    import pandas as pd

    lines = BytesIO(header.line + text[len(PADDING) :])
    sums = pd.read_csv(lines, sep=SEPARATOR, usecols=[AGE, AMOUNT], dtype=DTYPES).groupby(AGE)[AMOUNT].sum()
    return dict(zip(sums.index.astype("int64").tolist(), (100 * sums).tolist(), strict=True))


def main(path: Location) -> None:
    """Read ranges, one a line, and write their sums in JSON, until standard input ends."""
    header = Header.of(path)
    for line in sys.stdin:
        start, stop = map(int, line.split())
        sys.stdout.write(json.dumps(sum_range(path, header, (start, stop))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(located(sys.argv[1]))
