"""Bits that tell where a character is in a text, and the two questions asked of them: rank and select.

A bit per byte of text makes an index eight times smaller than the text, over which whole arrays of questions are
answered in a few operations per word. Source: Jacobson, "Succinct static data structures" (1988) for rank and select;
Vigna, "Broadword implementation of rank/select queries" (2008) for the select within a word.
"""

from __future__ import annotations

from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np

    Positions: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
    Words: TypeAlias = np.ndarray[Any, np.dtype[np.uint64]]
    Flags: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]

_EACH_BYTE = 0x0101010101010101
_HIGH_BITS = 0x8080808080808080


class Bits:
    """The places of a text where a flag is set, as bits, with running counts.

    Args:
        flags: one per byte of text.
    """

    def __init__(self, flags: Flags) -> None:
        import numpy as np

        packed = np.zeros(-(-len(flags) // 64) * 8, np.uint8)
        packed[: -(-len(flags) // 8)] = np.packbits(flags, bitorder="little")
        self._words: Words = packed.view("<u8")

    @cached_property
    def _up_to(self) -> Positions:
        """How many flags are set up to the end of each word."""
        import numpy as np

        counts: Positions = np.cumsum(np.bitwise_count(self._words), dtype=np.int64)
        return counts

    @property
    def count(self) -> int:
        """The number of flags set."""
        return int(self._up_to[-1]) if len(self._up_to) else 0

    def positions(self) -> Positions:
        """Return the places of all flags set, in order; fast if they are more than 64 bytes apart."""
        import numpy as np

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
        import numpy as np

        word = places >> 6
        after = self._words[word] >> (places & 63).view(np.uint64)
        ranks: Positions = self._up_to[word] - np.bitwise_count(after)
        return ranks

    def following(self, places: Positions) -> Positions:
        """Return the first flag set at or after each place; there must be one."""
        import numpy as np

        word = places >> 6
        bits = self._words[word] >> (places & 63).view(np.uint64)
        found: Positions = places + _trailing_zeros(bits)
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
        import numpy as np

        word = near >> 6
        while (behind := self._up_to[word] <= ranks).any():
            word = word + behind
        words = self._words[word]
        rest = (ranks - self._up_to[word] + np.bitwise_count(words)).view(np.uint64)
        sums = np.bitwise_count(words.view(np.uint8)).view("<u8") * np.uint64(_EACH_BYTE)
        high = np.uint64(_HIGH_BITS)
        full = np.bitwise_count((((rest * np.uint64(_EACH_BYTE)) | high) - sums) & high).astype(np.uint64) << np.uint64(
            3
        )
        rest -= ((sums << np.uint64(8)) >> full) & np.uint64(0xFF)
        byte = (words >> full) & np.uint64(0xFF)
        places: Positions = (word << 6) + full.view(np.int64) + _bit_of_rank()[(rest << np.uint64(8)) | byte]
        return places


def _trailing_zeros(words: Words) -> Positions:
    import numpy as np

    zeros: Positions = np.bitwise_count(~words & (words - np.uint64(1))).astype(np.int64)
    return zeros


@cache
def _bit_of_rank() -> Positions:
    """Return the position of the bit of each rank in each byte, at 256 times the rank plus the byte."""
    import numpy as np

    table = np.zeros((8, 256), np.int64)
    for byte in range(256):
        for rank, bit in enumerate(bit for bit in range(8) if byte >> bit & 1):
            table[rank, byte] = bit
    return table.ravel()
