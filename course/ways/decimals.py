"""Decimal numbers in a text, parsed eight bytes at a time by integer arithmetic over whole arrays.

A field of at most eight characters is loaded as one 64-bit integer, its last character in the highest byte; the three
multiplications that turn eight digits into a number are those of Lemire, "Quickly parsing eight digits" (2018).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np

    Positions: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
    Words: TypeAlias = np.ndarray[Any, np.dtype[np.uint64]]
    Flags: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]
    Numbers: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

PADDING = bytes(7) + b"\n"
"""What a text begins with: the word that ends with the first field begins there."""

WIDTH = 8
_ZEROS = 0x3030303030303030
_NOT_DIGITS = 0x8080808080808080
_TO_NOT_DIGITS = 0x7676767676767676
_POINT = 0x1E  # "." once "0" is taken away from every byte
# by number of decimals: the bytes before the point, those after it, and the power of ten to the hundredth
_BEFORE = (0, 0x0000FFFFFFFFFFFF, 0x000000FFFFFFFFFF)
_AFTER = (0xFFFFFFFFFFFFFFFF, 0xFF00000000000000, 0xFFFF000000000000)
_SCALE = (100.0, 10.0, 1.0)


def whole_numbers(text: bytes, left: Positions, right: Positions) -> Positions | None:
    """Return the numbers of the fields ``text[left:right]``, 0 for an empty field; None if one is not plain digits."""
    import numpy as np

    words = _load(text, left, right)
    if _not_digits(words).any() or (right - left).max(initial=0) > WIDTH:
        return None
    return _eight_digits(words).view(np.int64)


def hundredths(text: bytes, left: Positions, right: Positions) -> Numbers:
    """Return the numbers of the fields ``text[left:right]`` in hundredths, 0 for an empty field.

    Numbers of at most two decimals and eight characters are exact and fast; others are left to ``float``.

    Raises:
        ValueError: a field holds no number.
    """
    import numpy as np

    negative = np.frombuffer(text, np.uint8)[left] == ord("-")
    start = left + negative
    words = _load(text, start, right)
    decimals = _decimals(words)
    digits = _drop_point(words, decimals)
    numbers: Numbers = _eight_digits(digits) * np.array(_SCALE)[decimals]
    np.negative(numbers, where=negative, out=numbers)
    for row in np.flatnonzero(_not_digits(digits) | (right - start > WIDTH)):
        numbers[row] = float(text[left[row] : right[row]].strip() or 0) * 100
    return numbers


def _not_digits(words: Words) -> Flags:
    import numpy as np

    flags: Flags = (((words + np.uint64(_TO_NOT_DIGITS)) | words) & np.uint64(_NOT_DIGITS)) != 0
    return flags


def _load(text: bytes, left: Positions, right: Positions) -> Words:
    """Return the last eight bytes of each field, ``0`` taken away from each, and zero before the field."""
    import numpy as np

    windows: Words = np.ndarray(len(text) - 7, "<u8", text, strides=(1,))
    unwanted = (np.maximum(WIDTH - (right - left), 0) * 8).view(np.uint64)
    words: Words = ((windows[right - WIDTH] ^ np.uint64(_ZEROS)) >> unwanted) << unwanted
    return words


def _decimals(words: Words) -> Positions:
    import numpy as np

    one = ((words >> np.uint64(48)) & np.uint64(0xFF)) == _POINT
    two = ((words >> np.uint64(40)) & np.uint64(0xFF)) == _POINT
    decimals: Positions = one + two * np.int64(2)
    return decimals


def _drop_point(words: Words, decimals: Positions) -> Words:
    import numpy as np

    before, after = (np.array(masks, np.uint64)[decimals] for masks in (_BEFORE, _AFTER))
    return ((words & before) << np.uint64(8)) | (words & after)


def _eight_digits(digits: Words) -> Words:
    import numpy as np

    digits = (digits * np.uint64(10) + (digits >> np.uint64(8))) & np.uint64(0x00FF00FF00FF00FF)
    digits = (digits * np.uint64(100) + (digits >> np.uint64(16))) & np.uint64(0x0000FFFF0000FFFF)
    return (digits * np.uint64(10_000) + (digits >> np.uint64(32))) & np.uint64(0xFFFFFFFF)
