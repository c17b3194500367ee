"""Who the beneficiaries are and where they live: ages, regions, sex and quality.

Age shares are those of the extract ``A201612_small.csv``; region shares those of a recent public month; sex by age
from the 2019 expenses of Open DAMIR.
"""

from __future__ import annotations

from course.generator.answer import ROWS_BY_AGE

AGES: tuple[int, ...] = tuple(ROWS_BY_AGE)
"""``AGE_BEN_SNDS``: first year of the class (0 is 0-19, 80 is 80 and more, 99 unknown)."""

AGE_WEIGHTS: tuple[int, ...] = tuple(ROWS_BY_AGE.values())

REGIONS: tuple[int, ...] = (5, 11, 24, 27, 28, 32, 44, 52, 53, 75, 76, 84, 93, 99)
"""Regions of 2016, ``5`` for all overseas departments, ``93`` with Corsica, ``99`` unknown; the last must be 99."""

REGION_WEIGHTS: tuple[int, ...] = (348, 1131, 489, 525, 540, 748, 842, 592, 501, 809, 882, 911, 832, 850)

UNKNOWN_REGION = len(REGIONS) - 1

PERSONS: tuple[tuple[int, int], ...] = (
    (1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (3, 2), (4, 1), (4, 2), (1, 0),
)  # fmt: skip
"""``BEN_QLT_COD`` (1 insured, 2 spouse, 3 child, 4 other) and ``BEN_SEX_COD`` (1 man, 2 woman, 0 unknown)."""

_WOMEN_PERCENT: tuple[float, ...] = (48.5, 58.0, 59.0, 55.0, 52.0, 48.5, 50.5, 60.0, 52.0)


def person_weights(age: int) -> list[int]:
    """Return the weights of ``PERSONS`` in the age class of rank ``age``; children are under 20 only."""
    women = round(_WOMEN_PERCENT[age] * 10)
    men = 1000 - women
    qualities = (360, 0, 620, 20) if age == 0 else (905, 85, 0, 10)
    weights = [share * part for share in qualities for part in (men, women)]
    return [*weights, 5000 if AGES[age] == 99 else 150]


def home_and_fund_weights() -> list[int]:
    """Return the weights of the pairs (region of residence, region of the fund), residence varying slowest.

    One fund in ten is not known; where both are known they agree in 92.5 % of the rows.
    """
    return [
        REGION_WEIGHTS[home] * _fund_weight(home, fund) for home in range(len(REGIONS)) for fund in range(len(REGIONS))
    ]


def _fund_weight(home: int, fund: int) -> int:
    if fund == UNKNOWN_REGION:
        return 10_000 if home != UNKNOWN_REGION else 20_000
    if home == UNKNOWN_REGION:
        return REGION_WEIGHTS[fund] * 80_000 // 9150
    if fund == home:
        return 83_250
    return REGION_WEIGHTS[fund] * 6_750 // 9150


def place_weights(home: int) -> list[int]:
    """Return the weights of the regions of care for the region of residence ``home``: the same in 95 % of the rows."""
    if home == UNKNOWN_REGION:
        return [*REGION_WEIGHTS[:-1], 0]
    away = [weight if region != home else 0 for region, weight in enumerate(REGION_WEIGHTS[:-1])]
    return [95 * sum(away) if region == home else 5 * weight for region, weight in enumerate(away)] + [0]
