"""Find the fields of a few columns in delimited text, and read their numbers, over whole arrays at a time.

Where a character is in a text is told by bits, and two questions are asked of them: rank and select. A bit per byte
makes an index eight times smaller than the text, over which arrays of questions are answered in a few operations per
word. Sources: Jacobson, "Succinct static data structures" (1988) for rank and select; Vigna, "Broadword implementation
of rank/select queries" (2008) for the select within a word.

Numbers are parsed eight bytes at a time by integer arithmetic: a field of at most eight characters is loaded as one
64-bit integer, its last character in the highest byte; the three multiplications that turn eight digits into a number
are those of Lemire, "Quickly parsing eight digits" (2018).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Characters: TypeAlias = npt.NDArray[np.uint8]
Flags: TypeAlias = npt.NDArray[np.bool_]
Numbers: TypeAlias = npt.NDArray[np.float64]
Positions: TypeAlias = npt.NDArray[np.int64]
Words: TypeAlias = npt.NDArray[np.uint64]
Fields: TypeAlias = tuple[Positions, Positions]
"""Where each field of a column begins, and where it ends."""

PADDING = bytes(7) + b"\n"
"""What a text begins with: the word that ends with the first field begins there."""

NUMBER = re.compile(rb"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
WIDTH = 8
_EACH_BYTE = np.uint64(0x0101010101010101)
_HIGH_BITS = np.uint64(0x8080808080808080)
_BYTE = np.uint64(0xFF)
_ZEROS = np.uint64(0x3030303030303030)
_TO_NOT_DIGITS = np.uint64(0x7676767676767676)
_POINT = 0x1E  # "." once "0" is taken away from every byte
# by number of decimals: the bytes before the point, those after it, and the power of ten to the hundredth
_BEFORE = np.array((0, 0x0000FFFFFFFFFFFF, 0x000000FFFFFFFFFF), np.uint64)
_AFTER = np.array((0xFFFFFFFFFFFFFFFF, 0xFF00000000000000, 0xFFFF000000000000), np.uint64)
_SCALE = np.array((100.0, 10.0, 1.0))


class Bits:
    """The places of a text where a flag is set, as bits, with running counts.

    Args:
        flags: one per byte of text.
    """

    def __init__(self, flags: Flags) -> None:
        packed = np.zeros(-(-len(flags) // 64) * 8, np.uint8)
        packed[: -(-len(flags) // 8)] = np.packbits(flags, bitorder="little")
        self._words: Words = packed.view("<u8")

    @cached_property
    def _up_to(self) -> Positions:
        """How many flags are set up to the end of each word."""
        return np.cumsum(np.bitwise_count(self._words), dtype=np.int64)

    @property
    def count(self) -> int:
        """The number of flags set."""
        return int(self._up_to[-1]) if len(self._up_to) else 0

    def positions(self) -> Positions:
        """Return the places of all flags set, in order; fast if they are more than 64 bytes apart."""
        where = np.flatnonzero(self._words)
        words = self._words[where]
        found = []
        while len(words):
            found.append((where << 6) + _trailing_zeros(words))
            words = words & (words - np.uint64(1))
            more = words != 0
            if not more.all():
                where, words = where[more], words[more]
        return np.sort(np.concatenate(found)) if len(found) > 1 else np.concatenate([*found, np.zeros(0, np.int64)])

    def rank(self, places: Positions) -> Positions:
        """Return how many flags are set before each place."""
        word = places >> 6
        after = self._words[word] >> (places & 63).view(np.uint64)
        ranks: Positions = self._up_to[word] - np.bitwise_count(after)
        return ranks

    def following(self, places: Positions) -> Positions:
        """Return the first flag set at or after each place; there must be one."""
        word = places >> 6
        bits = self._words[word] >> (places & 63).view(np.uint64)
        found = places + _trailing_zeros(bits)
        beyond = np.flatnonzero(bits == 0)
        if len(beyond):
            found[beyond] = self.following((word[beyond] + 1) << 6)
        return found

    def select(self, ranks: Positions, near: Positions) -> Positions:
        """Return the place of the flag of each rank, from 0.

        Args:
            ranks: how many flags are set before the one wanted.
            near: places somewhat before; the nearer, the faster.
        """
        word = near >> 6
        while (behind := self._up_to[word] <= ranks).any():
            word = word + behind
        words = self._words[word]
        rest = (ranks - self._up_to[word] + np.bitwise_count(words)).view(np.uint64)
        sums = np.bitwise_count(words.view(np.uint8)).view("<u8") * _EACH_BYTE
        full = np.bitwise_count((((rest * _EACH_BYTE) | _HIGH_BITS) - sums) & _HIGH_BITS).astype(np.uint64)
        full <<= np.uint64(3)
        rest -= ((sums << np.uint64(8)) >> full) & _BYTE
        byte = (words >> full) & _BYTE
        places: Positions = (word << 6) + full.view(np.int64) + _bit_of_rank()[(rest << np.uint64(8)) | byte]
        return places


def _trailing_zeros(words: Words) -> Positions:
    return np.bitwise_count(~words & (words - np.uint64(1))).astype(np.int64)


@cache
def _bit_of_rank() -> Positions:
    """Return the position of the bit of each rank in each byte, at 256 times the rank plus the byte."""
    table = np.zeros((8, 256), np.int64)
    for byte in range(256):
        for rank, bit in enumerate(bit for bit in range(8) if byte >> bit & 1):
            table[rank, byte] = bit
    return table.ravel()


def find_fields(text: bytes, separator: str, names: int, columns: Sequence[int]) -> list[Fields] | None:
    """Return the fields of some columns, row by row; None if a line has more or fewer fields than the header.

    Empty lines are no rows. Fields are not quoted.

    Args:
        text: an end of line, after bytes that are no separator, then whole lines.
        separator: one character of ASCII.
        names: how many fields a line has, two at least.
        columns: positions of the columns, from 0.
    """
    characters = np.frombuffer(text, np.uint8)
    starts, ends = _lines(characters)
    separators = Bits(characters == ord(separator))
    ranks = np.arange(len(starts)) * (names - 1)
    if separators.count != len(starts) * (names - 1) or not np.array_equal(separators.rank(starts), ranks):
        return None
    lefts = [separators.select(ranks + (column - 1), starts) + 1 if column else starts for column in columns]
    last = ends - (characters[ends - 1] == ord("\r"))
    rights = [
        last if column == names - 1 else separators.following(left) for column, left in zip(columns, lefts, strict=True)
    ]
    return list(zip(lefts, rights, strict=True))


def _lines(characters: Characters) -> Fields:
    """Return where each line that is not empty begins and ends."""
    ends = Bits(characters == ord("\n")).positions()
    starts, ends = ends[:-1] + 1, ends[1:]
    length = ends - starts
    empty = length <= (characters[starts] == ord("\r"))
    return (starts[~empty], ends[~empty]) if empty.any() else (starts, ends)


def whole_numbers(text: bytes, left: Positions, right: Positions) -> Positions | None:
    """Return the numbers of the fields ``text[left:right]``, 0 for an empty field; None if one is not plain digits."""
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
    negative = np.frombuffer(text, np.uint8)[left] == ord("-")
    start = left + negative
    words = _load(text, start, right)
    one = ((words >> np.uint64(48)) & _BYTE) == _POINT
    two = ((words >> np.uint64(40)) & _BYTE) == _POINT
    decimals = np.where(two, 2, one.astype(np.int64))
    digits = ((words & _BEFORE[decimals]) << np.uint64(8)) | (words & _AFTER[decimals])
    numbers: Numbers = _eight_digits(digits) * _SCALE[decimals]
    np.negative(numbers, where=negative, out=numbers)
    odd = _not_digits(digits) | (right - start > WIDTH) | (one & two) | ((right == start) & negative)
    for row in np.flatnonzero(odd):
        field = text[left[row] : right[row]]
        if field and not NUMBER.fullmatch(field):
            raise ValueError(f"could not convert {field.decode(errors='replace')!r} to a number")
        numbers[row] = float(field or 0) * 100
    return numbers


def _load(text: bytes, left: Positions, right: Positions) -> Words:
    """Return the last eight bytes of each field, ``0`` taken away from each, and zero before the field."""
    windows: Words = np.ndarray(len(text) - 7, "<u8", text, strides=(1,))
    unwanted = (np.maximum(WIDTH - (right - left), 0) * 8).view(np.uint64)
    words: Words = ((windows[right - WIDTH] ^ _ZEROS) >> unwanted) << unwanted
    return words


def _not_digits(words: Words) -> Flags:
    flags: Flags = (((words + _TO_NOT_DIGITS) | words) & _HIGH_BITS) != 0
    return flags


def _eight_digits(digits: Words) -> Words:
    digits = (digits * np.uint64(10) + (digits >> np.uint64(8))) & np.uint64(0x00FF00FF00FF00FF)
    digits = (digits * np.uint64(100) + (digits >> np.uint64(16))) & np.uint64(0x0000FFFF0000FFFF)
    return (digits * np.uint64(10_000) + (digits >> np.uint64(32))) & np.uint64(0xFFFFFFFF)
