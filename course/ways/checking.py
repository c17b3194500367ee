r"""Decide, before a way runs, whether a CSV file obeys the rules of the course: one answer by every way, or one error.

The file is what Python's ``csv`` module reads, strictly, in UTF-8, with ``;``. The first line that is not blank names
the columns; every other one has a field for each of them, and nothing beyond. An age is an integer of 64 bits
(``[+-]?\d+``, the smallest excepted: formats that have no missing value write it instead), or nothing; an amount is
a number written in ASCII (``[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?``) in the range of a float, or nothing. The sum of
a class must be right in whatever order it is made, to the cent or to nine digits: large amounts may not cancel out.

Two readings decide. The fast one, over bytes, only ever says that a file is certainly good and *plain*, such that every
engine reads it alike. What it doubts is read by the ``csv`` module, which names the first line at fault, or finds the
file good; the ways are then given a plain copy.
"""

from __future__ import annotations

import csv
import gzip
import io
import keyword
import re
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from course.errors import UnreadableFileError
from course.files import replacing, temporary_folder
from course.generator.schema import AGE, AMOUNT, SEPARATOR
from course.progress import progress_bar
from course.reading import Location, located, name_of, open_binary, size_of

LOST, LOST_SHARE = 0.004, 1e-9
"""What a sum may lose by rounding: euros, to be right to the cent, or this share of itself, whichever is more."""
ROUNDED_SHARE = 4e-15
"""Share of a sum without signs that roundings may lose: 36 of them, or a cent in a thousand billion euros."""
BLOCK_BYTES = 2**20
LINE_BYTES = 2**17
"""The longest line of a plain file: the default of the csv module, and less than a block of any engine."""
LARGEST_AGE = 2**12
RECENT_SECONDS = 2.0
"""A file as young may be written again within the same tick of its clock."""

AGE_FORM = re.compile(r"([+-]?)0*([0-9]{1,19})")
AMOUNT_FORM = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
COLUMN_FORM = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")
NO_TEXT = re.compile("[\0\udc80-\udcff]")
"""A zero, or a byte that is not in UTF-8, as ``surrogateescape`` shows it."""
GZIP = b"\x1f\x8b"
PACKED = (".gz", ".tgz", ".bz2", ".xz", ".lzma", ".zip", ".tar", ".zst", ".lz4", ".br", ".sz", ".snappy", ".z")
"""Names from which an engine guesses that a file is compressed, whatever is in it."""

_known: dict[tuple[object, ...], bool | str] = {}


def check_file(path: Path | str) -> bool:
    """Tell whether every engine reads a CSV file as it is; False if it is good, but the ways need a plain copy.

    What was found is remembered, in this process, for a file of the same path, size and time of modification; an object
    in a store is read again each time.

    Args:
        path: a CSV file, compressed by gzip or not whatever its name, or an address such as ``s3://bucket/key``.

    Raises:
        UnreadableFileError: the file breaks a rule; the message names it, the line and the column.
        OSError: it cannot be opened.
    """
    place = located(path)
    key = _identity(place)
    found = _known.get(key) if key else None
    if found is None:
        try:
            is_plain = not name_of(place).lower().endswith(PACKED) and _is_plain(place)
            found = is_plain or _is_good(place)
        except UnreadableFileError as error:
            found = str(error)
        if key:
            _known[key] = found
    if isinstance(found, str):
        raise UnreadableFileError(found)
    return found


def _identity(place: Location) -> tuple[object, ...] | None:
    """Return what changes when a file changes; None if that cannot be known."""
    if isinstance(place, str):
        return None
    known = place.stat()
    if time.time() - max(known.st_mtime, known.st_ctime) < RECENT_SECONDS:
        return None
    return place.resolve(), known.st_ino, known.st_size, known.st_mtime_ns, known.st_ctime_ns


# --- the fast reading -----------------------------------------------------------------------------------------------


def _is_plain(place: Location) -> bool:
    """Tell whether a file is certainly good, and read alike by every engine as it is; False if in doubt."""
    import numpy as np

    from course.ways.bytes.parser import PADDING, find_fields, hundredths, whole_numbers

    in_order, exact, total = np.zeros((3, LARGEST_AGE))
    with (
        open_binary(place, access="stream") as opened,
        progress_bar(size_of(opened), description=f"checking {name_of(place)}") as bar,
        # fsspec reads lines of any length
        io.BufferedReader(cast("io.RawIOBase", opened), BLOCK_BYTES) as file,
    ):
        header = file.readline(LINE_BYTES)
        names, end = _plain_header(header)
        if not names:
            return False
        bar.update(len(header))
        columns = [names.index(AGE), names.index(AMOUNT)]
        while block := file.read(BLOCK_BYTES):
            text = b"".join((PADDING, block, file.readline(LINE_BYTES)))
            bar.update(len(text) - len(PADDING))
            if not text.endswith(b"\n"):
                if file.read(1):
                    return False
                text += end
            fields = find_fields(text, SEPARATOR, len(names), columns) if _has_plain_lines(text, end) else None
            if fields is None or (not names[-1] and not _ends_with_separators(text, end)):
                return False
            try:
                ages, cents = whole_numbers(text, *fields[0]), hundredths(text, *fields[1])
            except ValueError:
                return False
            largest = abs(cents).max(initial=0)
            if ages is None or ages.max(initial=0) >= LARGEST_AGE or largest * ROUNDED_SHARE > 100 * LOST:
                return False
            known = fields[0][0] < fields[0][1]
            ages, cents = ages[known], cents[known]
            np.add.at(in_order, ages, cents / 100)
            exact += np.bincount(ages, cents, LARGEST_AGE)
            total += np.bincount(ages, abs(cents), LARGEST_AGE)
    may_lose = np.maximum(LOST, LOST_SHARE * abs(in_order))
    # the cents of larger sums would not be exact
    return bool((total * ROUNDED_SHARE <= 100 * LOST).all() and (abs(in_order - exact / 100) < may_lose).all())


def _plain_header(line: bytes) -> tuple[list[str], bytes]:
    """Return the names of the columns, the last one empty if a separator ends the line, and its end; none if in doubt.

    A mark of the byte order may come first.
    """
    end = b"\r\n" if line.endswith(b"\r\n") else b"\n"
    names = line.removesuffix(end).removeprefix(b"\xef\xbb\xbf").decode("latin-1").split(SEPARATOR)
    named = names[:-1] if not names[-1] else names
    if not line.endswith(end) or _safe_names(named) != named or not {AGE, AMOUNT} <= set(named):
        return [], end
    return names, end


def _has_plain_lines(text: bytes, end: bytes) -> bool:
    """Tell whether whole lines, after the padding, are UTF-8 without quotes nor zeros, end alike, and none is long."""
    if b'"' in text or text.find(b"\0", 8) >= 0 or (b"\r" in text) != (end == b"\r\n"):
        return False
    if end == b"\r\n" and not text.count(b"\r") == text.count(end) == text.count(b"\n") - 1:
        return False
    if not text.isascii():
        try:
            text.decode()
        except UnicodeDecodeError:
            return False
    start = 0
    while start < len(text):
        start = text.rfind(b"\n", start, start + LINE_BYTES) + 1
        if not start:
            return False
    return True


def _ends_with_separators(text: bytes, end: bytes) -> bool:
    """Tell whether a separator ends each line that is not blank."""
    import numpy as np

    characters = np.frombuffer(text, np.uint8)
    before = characters[np.flatnonzero(characters == ord("\n"))[1:] - len(end)]
    return bool(((before == ord(SEPARATOR)) | (before == ord("\n"))).all())


# --- the truth ------------------------------------------------------------------------------------------------------


def _is_good(place: Location) -> bool:
    """Read a file by the csv module and return False, that it is not plain; the compensated sums are Neumaier's (1974).

    Raises:
        UnreadableFileError: it breaks a rule.
    """
    sums: dict[str, tuple[float, float, float]] = {}
    with open_rows(place) as (names, rows):
        age, amount = names.index(AGE), names.index(AMOUNT)
        for row in rows:
            if row[age] and row[amount]:
                one = float(row[amount])
                before, lost, total = sums.get(row[age], (0.0, 0.0, 0.0))
                after = before + one
                lost += (before - after) + one if abs(before) >= abs(one) else (one - after) + before
                sums[row[age]] = after, lost, total + abs(one)
    for value, (found, lost, total) in sums.items():
        may_lose = max(LOST, LOST_SHARE * abs(found + lost))
        # neither holds if a sum is infinite
        if not (total * ROUNDED_SHARE <= may_lose and abs(lost) < may_lose):
            raise UnreadableFileError(
                f"{place}, column {AMOUNT}: the amounts of the class {value} are too large, their sum depends on the "
                "order in which they are added; correct or remove the largest of them"
            )
    return False


@contextmanager
def open_rows(path: Path | str) -> Iterator[tuple[list[str], Iterator[list[str]]]]:
    """Give the names of the columns of a CSV file and its rows, as Python's csv module reads them, checked.

    Names are made good for every format: a column without name, or with one that others have or cannot have, is called
    ``COLUMN_`` and its number. A row has a field for each; age and amount are written in the manner of Python.

    Raises:
        UnreadableFileError: the file breaks a rule; the message names it, the line and the column.
    """
    place = located(path)
    csv.field_size_limit(2**31 - 1)
    with (
        open_binary(place, access="stream") as file,
        progress_bar(size_of(file), description=f"reading {name_of(place)}") as bar,
    ):
        packed = file.read(2) == GZIP
        file.seek(0)
        # what is no UTF-8 passes here, to be told with its line
        unpacked = gzip.GzipFile(fileobj=file) if packed else file
        text = io.TextIOWrapper(unpacked, "utf-8-sig", "surrogateescape", newline="")
        reader = csv.reader(text, delimiter=SEPARATOR, strict=True)
        rows = _raw_rows(place, reader)
        names = _names(place, next(rows, []))
        age, amount, width = names.index(AGE), names.index(AMOUNT), len(names)

        def checked() -> Iterator[list[str]]:
            for row in rows:
                line = reader.line_num
                if len(row) != width:
                    if len(row) < width or any(row[width:]):
                        raise _fault(place, line, f"there are {len(row)} fields for the {width} names of the header")
                    del row[width:]
                if row[age]:
                    row[age] = _integer(place, line, row[age])
                if row[amount]:
                    row[amount] = _number(place, line, row[amount])
                if not line % 4096:
                    bar.update(file.tell() - bar.n)
                yield row

        yield _safe_names(names), checked()


def _raw_rows(place: Location, reader: Any) -> Iterator[list[str]]:
    """Yield the rows that are not blank, all of them text."""
    try:
        for row in reader:
            content = "".join(row)
            if ("\0" in content or not content.isascii()) and NO_TEXT.search(content):
                reason = "there are bytes that are no text in UTF-8; is it a CSV file? save it in UTF-8"
                raise _fault(place, reader.line_num, reason)
            if row:
                yield row
    except csv.Error as error:
        raise _fault(place, reader.line_num, f"{error}; a quote within quotes is written twice") from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise _fault(place, reader.line_num, f"what gzip compressed ends or is damaged here ({error})") from error


def _names(place: Location, header: list[str]) -> list[str]:
    """Return the names of the header, without the empty ones that end it."""
    while header and not header[-1]:
        header = header[:-1]
    for name in (AGE, AMOUNT):
        if header.count(name) != 1:
            raise UnreadableFileError(
                f"{place}, header: {header.count(name)} columns are called {name}; one must be, in a line of names "
                f"separated by {SEPARATOR!r}"
            )
    return header


def _safe_names(names: list[str]) -> list[str]:
    """Return names that every format takes, the same as far as they are good, and none twice in any case of letters."""
    safe: list[str] = []
    taken = {AGE.casefold(), AMOUNT.casefold()}
    for number, name in enumerate(names, 1):
        is_good = COLUMN_FORM.fullmatch(name) and not keyword.iskeyword(name) and name.casefold() not in taken
        new = name if is_good or name in {AGE, AMOUNT} else f"COLUMN_{number}"
        while new.casefold() in taken and new not in {AGE, AMOUNT}:
            new += "_"
        taken.add(new.casefold())
        safe.append(new)
    return safe


def _integer(place: Location, line: int, text: str) -> str:
    """Return an age as Python writes it."""
    found = AGE_FORM.fullmatch(text)
    number = int("".join(found.groups())) if found else -(2**63)
    if not -(2**63) < number < 2**63:
        raise _fault(place, line, f"{text[:40]!r} is no integer of 64 bits; write digits, or nothing", AGE)
    return str(number)


def _number(place: Location, line: int, text: str) -> str:
    """Return an amount as Python writes it."""
    number = float(text) if AMOUNT_FORM.fullmatch(text) else float("inf")
    if not abs(number) < float("inf"):
        raise _fault(place, line, f"{text[:40]!r} is no number; write digits with a decimal point, or nothing", AMOUNT)
    return repr(number)


def _fault(place: Location, line: int, reason: str, column: str = "") -> UnreadableFileError:
    return UnreadableFileError(f"{place}, line {line}{f', column {column}' if column else ''}: {reason}")


@contextmanager
def plain_copy(path: Path | str) -> Iterator[Path]:
    """Give a plain CSV file of the two columns of the question, on this machine, removed at the end of the block.

    Raises:
        UnreadableFileError: the file breaks a rule.
        OutputError: the temporary folder cannot be written.
    """
    with temporary_folder() as folder:
        copy = folder / "copy.csv"
        with (
            open_rows(path) as (names, rows),
            replacing(copy) as part,
            part.open("w", encoding="ascii", newline="\n") as file,
        ):
            age, amount = names.index(AGE), names.index(AMOUNT)
            file.write(f"{AGE}{SEPARATOR}{AMOUNT}\n")
            file.writelines(f"{row[age]}{SEPARATOR}{row[amount]}\n" for row in rows)
        yield copy
