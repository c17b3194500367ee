"""Heavy-tailed factors as tables of integers: a 16-bit draw picks a quantile of a lognormal law.

The quantiles are computed once in floating point, then rounded to integers; no value lies so near a tie that the last
bits of a mathematical library could move it (a test checks it), so the tables are the same everywhere.
"""

from __future__ import annotations

import math
from functools import cache
from statistics import NormalDist

import numpy as np

from course.generator.random_stream import OUTCOMES, Integers

ONE = 1024
"""The integer that stands for a factor of one."""


def lognormal_quantile(place: int, scale: float, sigma: float) -> float:
    """Return ``scale * exp(sigma * z)``, z being the standard normal quantile of (place + 1/2) / 65536."""
    return scale * math.exp(sigma * NormalDist().inv_cdf((place + 0.5) / OUTCOMES))


@cache
def lognormal_table(scale: float, sigma: float) -> Integers:
    """Return 65,536 integers: the quantiles of a lognormal law of median ``scale`` and shape ``sigma``.

    With sigma 0 all are equal to ``scale``. Values are rounded to the nearest integer.
    """
    return np.array([round(lognormal_quantile(place, scale, sigma)) for place in range(OUTCOMES)], dtype=np.int64)
