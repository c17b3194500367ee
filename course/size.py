"""Read and print a number of bytes the way people write it: ``4GiB``, ``500 MB``, ``12345``."""

from __future__ import annotations

import re
from decimal import Decimal

from course.errors import BadArgumentError

BINARY_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
DECIMAL_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")

_FACTORS = {unit.lower(): 1024**power for power, unit in enumerate(BINARY_UNITS)}
_FACTORS |= {unit.lower(): 1000**power for power, unit in enumerate(DECIMAL_UNITS)}
_SIZE = re.compile(r"\s*(?P<number>\d+(?:\.\d*)?|\.\d+)\s*(?P<unit>[a-z]*)\s*", re.ASCII | re.IGNORECASE)


def parse_size(text: str) -> int:
    """Return the number of bytes that ``text`` names, rounded down to a whole byte.

    Units are those of IEC 80000-13 (``KiB`` = 1024 bytes) and of the SI (``kB`` = 1000 bytes), in any case;
    a number alone is a number of bytes.

    Raises:
        BadArgumentError: ``text`` is not a number followed by a known unit.
    """
    found = _SIZE.fullmatch(text)
    factor = _FACTORS.get((found["unit"] or "B").lower()) if found else None
    if found is None or factor is None:
        raise BadArgumentError(f"{text!r} is not a size; write for example 4GiB, 500 MB or 12345 (bytes)")
    return int(Decimal(found["number"]) * factor)


def format_size(size: float) -> str:
    """Return a number of bytes with three significant digits in a binary unit: ``15.5 MiB``.

    Raises:
        BadArgumentError: ``size`` is negative.
    """
    if size < 0:
        raise BadArgumentError(f"{size} is not a size: a number of bytes is not negative")
    amount, unit = float(size), 0
    # 1023.5 and above would print as 1024: the next unit is clearer
    while round(amount) >= 1024 and unit < len(BINARY_UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    return f"{size:.0f} B" if unit == 0 else f"{three_digits(amount)} {BINARY_UNITS[unit]}"


def three_digits(amount: float) -> str:
    """Return an amount from 1 to 1024 with three significant digits, four from 1000 on."""
    decimals = 2 if amount < 9.995 else 1 if amount < 99.95 else 0
    return f"{amount:.{decimals}f}"
