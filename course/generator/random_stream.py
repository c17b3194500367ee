"""Random integers whose values belong to this project: the same bytes on every platform and library version.

Only the raw 64-bit output of PCG64 is taken from numpy (its bit streams are guaranteed stable, its distributions are
not). Everything else is integer arithmetic: a draw of 16 bits goes through a table of 65,536 outcomes in which each
outcome takes as many places as its weight deserves.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int16]
Integers = npt.NDArray[np.int64]
Lane = npt.NDArray[np.uint16]

OUTCOMES = 65_536
"""Number of values of a 16-bit draw, thus of places in a table."""

_LANES_PER_WORD = 4


def raw_words(seed: int, block: int, count: int) -> npt.NDArray[np.uint64]:
    """Return ``count`` words of 64 bits from the PCG64 stream of (seed, block)."""
    return np.random.PCG64(np.random.SeedSequence([seed, block])).random_raw(count)


def draw_lanes(seed: int, block: int, rows: int, lanes: int) -> list[Lane]:
    """Return ``lanes`` arrays of ``rows`` independent integers, uniform on 0..65535.

    Args:
        seed: seed of the file, zero or more.
        block: number of the block in the file; each block has its own stream.
        rows: length of each array.
        lanes: number of arrays.
    """
    words = -(-lanes // _LANES_PER_WORD)
    raw = raw_words(seed, block, rows * words)
    drawn: list[Lane] = []
    for word in range(words):
        chunk = raw[word * rows : (word + 1) * rows]
        # shifts, not a view of the memory: the byte order of the machine must not change the draws
        drawn += [(chunk >> np.uint64(16 * part)).astype(np.uint16) for part in range(_LANES_PER_WORD)]
    return drawn[:lanes]


def apportion(weights: Sequence[int], places: int) -> list[int]:
    """Share ``places`` between outcomes in proportion to integer ``weights``, by largest remainder.

    Ties go to the first outcome. The shares add up to ``places`` exactly.
    """
    total = sum(weights)
    shares = [weight * places // total for weight in weights]
    remainders = [weight * places % total for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda outcome: (-remainders[outcome], outcome))
    for outcome in by_remainder[: places - sum(shares)]:
        shares[outcome] += 1
    return shares


def outcome_table(weights: Sequence[int]) -> Codes:
    """Return the table of 65,536 places that turns a 16-bit draw into an outcome 0..len(weights)-1."""
    return np.repeat(np.arange(len(weights), dtype=np.int16), apportion(weights, OUTCOMES))


class Mix:
    """A table of outcomes for each value of a condition: the law of one code given another."""

    def __init__(self, weights_by_condition: Sequence[Sequence[int]]) -> None:
        self.table: Codes = np.concatenate([outcome_table(weights) for weights in weights_by_condition])

    def draw(self, lane: Lane, condition: npt.NDArray[np.signedinteger] | int = 0) -> Codes:
        """Return one outcome per element of ``lane``, drawn by the law of its ``condition``."""
        place = np.asarray(condition, dtype=np.int32) * OUTCOMES + lane
        return self.table.take(place)
