"""Laws of the quantities, coefficients, prices and overruns of a row, as tables of integers: a draw picks a place.

Heavy tails are lognormal (reimbursements of the public months fit a lognormal law of shape 2.2); masked rows are small
cells: one act in 85 % of them, five at most. Quantiles are computed once in floating point, then rounded to integers;
no value lies so near a tie that the last bits of a mathematical library could move it (a test checks it).
"""

from __future__ import annotations

import math
from functools import cache
from statistics import NormalDist

import numpy as np

from course.generator.random_stream import OUTCOMES, Integers, outcome_table

ONE = 1024
"""The integer that stands for a factor of one."""


@cache
def normal_quantiles() -> tuple[float, ...]:
    """Return the 65,536 standard normal quantiles of (place + 1/2) / 65536."""
    quantile = NormalDist().inv_cdf
    return tuple(quantile((place + 0.5) / OUTCOMES) for place in range(OUTCOMES))


def lognormal_quantiles(scale: float, sigma: float) -> list[float]:
    """Return ``scale * exp(sigma * z)``, z being each of the normal quantiles."""
    return [scale * math.exp(sigma * quantile) for quantile in normal_quantiles()]


@cache
def lognormal_table(scale: float, sigma: float) -> Integers:
    """Return 65,536 integers: the quantiles of a lognormal law of median ``scale`` and shape ``sigma``.

    With sigma 0 all are equal to ``scale``. Values are rounded to the nearest integer.
    """
    return np.rint(lognormal_quantiles(scale, sigma)).astype(np.int64)


QUANTITIES: dict[str, tuple[float, float]] = {
    # median and shape of the number of acts in a visible cell
    "act": (1.5, 1.85),
    "box": (3.4, 2.15),
    "fill": (2, 1.6),
    "session": (4, 2.05),
    "distance": (30, 1.9),
    "device": (1.8, 1.8),
    "stay": (1.7, 1.5),
    "day": (16, 1.7),
    "pension": (3, 1.7),
}

SMALL_CELL: dict[int, int] = {1: 85, 2: 11, 3: 2, 4: 1, 5: 1}
"""Number of acts of a masked cell."""

SPREADS: dict[str, float] = {"fixed": 0.0, "free": 0.55, "wide": 1.25}
"""Shape of the price of one act around the unit price."""

COEFFICIENTS: dict[str, dict[int, int]] = {
    # hundredths of a coefficient: weight
    "one": {100: 1},
    "double": {200: 1},
    "nurse": {100: 45, 150: 25, 200: 14, 250: 6, 400: 5, 300: 3, 125: 2},
    "care": {300: 60, 400: 30, 1300: 10},
    "physiotherapy": {750: 30, 800: 20, 850: 15, 950: 10, 753: 8, 900: 7, 1000: 5, 1200: 5},
    "speech": {650: 20, 800: 20, 1010: 20, 1210: 20, 1310: 10, 1510: 10},
    "biology": {1000: 6, 1700: 8, 2300: 8, 2600: 8, 3600: 8, 4000: 8, 4500: 7, 6000: 8, 7500: 7, 9000: 6, 11000: 6,
                12000: 5, 15000: 5, 18000: 4, 24000: 3, 30000: 2, 40000: 1},
    "midwife": {300: 10, 650: 30, 900: 30, 1200: 20, 1550: 10},
    "dental": {500: 10, 600: 10, 700: 15, 1000: 10, 1200: 20, 1400: 5, 1700: 10, 1800: 5, 2400: 5, 3300: 10},
    "prosthesis": {3000: 20, 3500: 15, 5000: 50, 5700: 5, 8500: 10},
    "orthodontics": {500: 15, 1500: 10, 4500: 15, 9000: 60},
}  # fmt: skip

EXCESSES: dict[str, dict[int, int]] = {
    # what is paid above the base, in 1024ths of the base: weight
    "none": {0: 1},
    "rare": {0: 90, 205: 4, 307: 3, 512: 2, 1024: 1},
    "frequent": {0: 55, 102: 8, 256: 10, 445: 10, 640: 8, 1024: 6, 2048: 3},
    "device": {0: 55, 51: 10, 154: 10, 512: 10, 1024: 8, 3072: 7},
    "optics": {0: 10, 4096: 15, 10240: 30, 19456: 30, 30720: 15},
}

COUNT_FACTORS: dict[int, int] = {64: 73, 32: 8, 16: 4, 128: 9, 192: 4, 320: 2}
"""Number of times an act was counted over its quantity, in 64ths, rounded up: equal in four rows out of five."""

AGE_PRICE: tuple[int, ...] = (874, 612, 1472, 1200, 1598, 1711, 1526, 1567, 423)
"""Factor (in 1024ths) of free prices at each age class, set so that the mean reimbursement follows the extract's."""

SMALL_CELL_PRICE = ONE * 3 // 8
"""Factor (in 1024ths) of free prices in a masked row: small cells hold small amounts."""

CANCELLED_PER_TEN_THOUSAND = 92
ZERO_PER_TEN_THOUSAND = 25


def value_table(weights: dict[int, int]) -> Integers:
    """Return the 65,536 places of a law given as value: weight."""
    return np.array(list(weights), dtype=np.int64)[outcome_table(list(weights.values()))]


class NumberTables:
    """The tables of the numbers of a row, each a law after the other, 65,536 places a law."""

    def __init__(self) -> None:
        # no quantity is under one; the law of a masked cell comes last
        visible = [np.maximum(lognormal_table(median, shape), 1) for median, shape in QUANTITIES.values()]
        self.quantity = np.concatenate([*visible, value_table(SMALL_CELL)])
        self.small_cell = len(QUANTITIES)
        self.price = np.concatenate([lognormal_table(ONE, shape) for shape in SPREADS.values()])
        self.coefficient = np.concatenate([value_table(weights) for weights in COEFFICIENTS.values()])
        self.excess = np.concatenate([value_table(weights) for weights in EXCESSES.values()])
        self.count = value_table(COUNT_FACTORS)
        ordinary = 10_000 - CANCELLED_PER_TEN_THOUSAND - ZERO_PER_TEN_THOUSAND
        self.sign = value_table({1: ordinary, -1: CANCELLED_PER_TEN_THOUSAND, 0: ZERO_PER_TEN_THOUSAND})
        # of tariffs, of free prices, of free prices in a masked row
        masked = [factor * SMALL_CELL_PRICE // ONE for factor in AGE_PRICE]
        self.age_price: Integers = np.array([ONE] * len(AGE_PRICE) + list(AGE_PRICE) + masked, dtype=np.int64)
