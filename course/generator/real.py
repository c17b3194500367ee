"""A real month of Open DAMIR, where somebody has one: its rows in the form of the course, with their exact answer.

``BIGDATA_COURSE_MONTH`` names the file, a CSV compressed by gzip or not. Files of other years have other columns: what
a file lacks gets the code of what is unknown, what it has beyond the 55 of ``schema.COLUMNS`` is left out, and both
are told once.
"""

from __future__ import annotations

import csv
import gzip
import io
import os
import re
import warnings
import zlib
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import lru_cache
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any

from course.errors import MissingFileError, UnreadableFileError
from course.files import expanded
from course.generator.answer import Block
from course.generator.schema import AGE, AMOUNT, COLUMNS, NULLABLE, SEPARATOR

VARIABLE = "BIGDATA_COURSE_MONTH"
UNKNOWN: dict[str, str] = {
    **{name: "99" for name in COLUMNS if "_REG" in name},
    "PSP_ACT_SNDS": "99", "PSP_ACT_CAT": "99", "PSP_SPE_SNDS": "99", "PSP_STJ_SNDS": "9", "TOP_PS5_TRG": "9",
    **dict.fromkeys(NULLABLE, ""),
}  # fmt: skip
"""What stands for a value that is not known, by the dictionary of the variables, in the columns a file may lack."""

BYTES_PER_ROW = {True: 26.6, False: 161.6}
"""Of a file of 2025, compressed by gzip or not."""
BLOCK_ROWS = 2**15
GZIP = b"\x1f\x8b"
AMOUNT_FORM = re.compile(r"[+-]?([0-9]+(\.[0-9]{0,2}0*)?|\.[0-9]{1,2}0*)")


def real_month() -> Path | None:
    """Return the file that ``BIGDATA_COURSE_MONTH`` names, or None where it is not set.

    Raises:
        MissingFileError: there is no such file.
    """
    named = os.environ.get(VARIABLE)
    if not named:
        return None
    path = expanded(named)
    if not path.is_file():
        raise MissingFileError(f"{VARIABLE} names {path}, and no file is there; correct the variable, or unset it")
    return path


def identity(source: Path) -> str:
    """Return what tells a real month from another, and from itself once it was changed."""
    known = source.stat()
    return f"{source.name}, {known.st_size} bytes, of {known.st_mtime_ns}"


def is_packed(source: Path) -> bool:
    """Tell whether a file is compressed by gzip, whatever its name."""
    with source.open("rb") as file:
        return file.read(2) == GZIP


def real_blocks(source: Path, rows: int | None) -> Generator[Block, None, None]:
    """Yield the first rows of a real month, all of them if ``rows`` is None, as lines of the course.

    Raises:
        UnreadableFileError: it is no month of Open DAMIR, or a line of it breaks a rule; the message names it.
    """
    with _reader(source) as reader:
        header: list[str] = next(filter(None, reader), [])
        arranged = _arrangement(source, header)
        short, width = 0, len(header)
        records = islice(filter(None, reader), rows)
        while True:
            lines, rows_by_age, cents_by_age = [], Counter[int](), Counter[int]()
            for record in islice(records, BLOCK_ROWS):
                short += len(record) < width
                try:
                    line = arranged(record)
                    if line[_AGE]:
                        age = int(line[_AGE])
                        rows_by_age[age] += 1
                        cents_by_age[age] += _cents(line[_AMOUNT]) if line[_AMOUNT] else 0
                except ValueError as error:
                    raise UnreadableFileError(f"{source}, line {reader.line_num}: {error}") from error
                lines.append(line)
            if not lines:
                break
            yield Block(_text(lines), len(lines), rows_by_age, cents_by_age)
    if short:
        _tell(f"{short:,} rows of {source.name} are shorter than its header: what they lack is unknown")


_AGE, _AMOUNT = COLUMNS.index(AGE), COLUMNS.index(AMOUNT)


@contextmanager
def _reader(source: Path) -> Iterator[Any]:
    """Give the rows of a CSV file, compressed by gzip or not, as Python's csv module reads them, strictly."""
    packed = is_packed(source)
    with source.open("rb") as file, gzip.GzipFile(fileobj=file) if packed else file as binary:
        text = io.TextIOWrapper(binary, "utf-8-sig", newline="")
        reader = csv.reader(text, delimiter=SEPARATOR, strict=True)
        try:
            yield reader
        except (csv.Error, UnicodeDecodeError, EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise UnreadableFileError(
                f"{source}, after line {reader.line_num}: {error}; {VARIABLE} must name a month of Open DAMIR, "
                "a CSV file compressed by gzip or not: download it again"
            ) from error


def _arrangement(source: Path, header: list[str]) -> Callable[[list[str]], tuple[str, ...]]:
    """Return what makes of a row of the file one of the course: its columns in order, and a last separator."""
    names = header[:-1] if header and not header[-1] else header
    absent = [name for name in COLUMNS if name not in names]
    needed = [name for name in absent if UNKNOWN.get(name, "") == ""]
    if needed:
        raise UnreadableFileError(f"{source} is no month of Open DAMIR: its first line has no {', '.join(needed)}")
    beyond = [name for name in names if name not in COLUMNS]
    if absent:
        _tell(f"{source.name} has no {', '.join(absent)}: each row gets the code of what is unknown, 9 or 99")
    if beyond:
        _tell(f"{', '.join(beyond)} of {source.name} left out: the course has the 55 columns of 2016")
    width = len(names)
    ends = [UNKNOWN.get(name) for name in names]  # of a row that is shorter
    added = [UNKNOWN[name] for name in absent]
    places = [names.index(name) if name in names else width + absent.index(name) for name in COLUMNS]
    pick = itemgetter(*places)

    def arranged(record: list[str]) -> tuple[str, ...]:
        if len(record) <= width and not record[-1]:
            record = record[:-1]  # what follows the last separator of a shorter row is no field
        lacking = ends[len(record) :]
        if None in lacking or any(record[width:]):
            raise ValueError(f"there are {len(record)} fields for the {width} names of the header")
        return (*pick([*record[:width], *lacking, *added]), "")

    return arranged


@lru_cache(2**16)
def _cents(amount: str) -> int:
    """Return euros in whole cents."""
    if not AMOUNT_FORM.fullmatch(amount):
        raise ValueError(f"{amount[:40]!r} is no amount in euros with two decimals at most")
    return int(Decimal(amount).scaleb(2))


def _text(lines: Iterable[tuple[str, ...]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=SEPARATOR, lineterminator="\n").writerows(lines)
    return text.getvalue().encode()


def _tell(sentence: str) -> None:
    warnings.warn(sentence, stacklevel=3)
