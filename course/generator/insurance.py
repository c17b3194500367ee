"""How the insurance covers a row: secrecy, share, exemption, kind of insurance, recipient, care pathway, month of care.

Codes: dictionary of Open DAMIR (CNAM, 2015 edition for the labels in force in 2016). Weights: shares of rows of the
public months, where they are known, else orders of magnitude.
"""

from __future__ import annotations

from enum import IntEnum

from course.generator.people import AGES


class Share(IntEnum):
    """The latent class of a row: is it masked, and which share of the expense is it?"""

    MASKED = 0
    """A small cell, whose sensitive codes are replaced by "unknown"; legal share."""
    MASKED_SUPPLEMENTARY = 1
    """A small cell that holds a supplementary share; its filtered measures are all zero."""
    LEGAL = 2
    """The share of the compulsory insurance, visible."""
    SUPPLEMENTARY = 3
    """The share of the complementary cover for low incomes (CMU-C), visible, filtered out of the FLT columns."""


def share_weights(*, can_be_supplementary: bool) -> list[int]:
    """Return the weights of ``Share``: over all acts 40.5 % masked, 55.5 % legal, 4.1 % supplementary."""
    return [3562, 488, 5457, 493] if can_be_supplementary else [4050, 0, 5950, 0]


EXEMPTIONS: dict[int, tuple[int, int, int]] = {
    # EXO_MTF: weight under 20, from 20 to 59, from 60
    0: (560, 420, 245),
    42: (70, 190, 320),
    41: (40, 110, 190),
    43: (2, 5, 5),
    44: (10, 15, 25),
    45: (1, 2, 4),
    46: (4, 8, 16),
    62: (150, 110, 80),
    20: (60, 60, 60),
    10: (40, 30, 25),
    30: (25, 25, 20),
    21: (0, 2, 4),
    63: (5, 6, 8),
    91: (12, 14, 12),
    92: (4, 5, 4),
    81: (20, 6, 3),
    54: (0, 6, 0),
    55: (0, 12, 0),
}
"""Why the patient pays nothing (``EXO_MTF``)."""

AT_USUAL_RATE: tuple[int, ...] = (0, 10, 20)
"""The motives that leave the usual rate of reimbursement; with all the others it is 100 %."""

_MASKED_FULL_RATE_PERCENT = 34


def exemption_weights(age: int, *, masked: bool) -> list[int]:
    """Return the weights of ``EXEMPTIONS`` in the age class of rank ``age``.

    In a masked row the motive is not shown; only its effect on the rate remains, and it is rarer in small cells.
    """
    group = 0 if AGES[age] == 0 else 2 if 60 <= AGES[age] <= 80 else 1
    weights = [triple[group] for triple in EXEMPTIONS.values()]
    if masked:
        full = sum(weight for code, weight in zip(EXEMPTIONS, weights, strict=True) if code not in AT_USUAL_RATE)
        usual = full * (100 - _MASKED_FULL_RATE_PERCENT) // _MASKED_FULL_RATE_PERCENT
        weights = [0 if code in AT_USUAL_RATE else weight for code, weight in zip(EXEMPTIONS, weights, strict=True)]
        weights[0] = usual
    return weights


INSURANCES: tuple[tuple[int, int], ...] = (
    (10, 0), (40, 0), (40, 1), (40, 2), (40, 3), (30, 0), (70, 0), (90, 0), (80, 0), (50, 0),
)  # fmt: skip
"""``ASU_NAT`` (10 sickness, 40 work accident, 30 maternity, ...) and ``ATT_NAT`` (kind of accident)."""

INSURANCE_KINDS: dict[str, dict[tuple[int, int], int]] = {
    "sickness": {(10, 0): 9740, (40, 0): 170, (40, 1): 15, (40, 2): 3, (40, 3): 2, (30, 0): 55, (70, 0): 15},
    "accident": {(40, 0): 70, (40, 1): 18, (40, 2): 6, (40, 3): 6},
    "maternity": {(30, 0): 90, (10, 0): 10},
    "prevention": {(90, 0): 100},
    "invalidity": {(80, 0): 100},
    "death": {(50, 0): 100},
}

SURCHARGES: dict[int, int] = {0: 9900, 2: 60, 1: 35, 3: 5}
"""``CPL_COD``: none, Sunday or holiday, night, emergency."""

RECIPIENTS: dict[int, int] = {35: 7650, 11: 2250, 12: 30, 15: 10, 16: 25, 18: 20, 32: 10, 33: 5}
"""``DRG_AFF_NAT`` of a visible row: who is paid, mostly the provider (35) or the insured (11)."""

MODULATIONS: dict[int, int] = {0: 9700, 2: 210, 1: 70, 3: 10, 4: 10}
"""``MTM_NAT`` of a visible row; 2 is the local scheme of Alsace-Moselle, which pays 90 %."""

LOCAL_SCHEME = 2

SUPPLEMENT_TYPES: dict[int, int] = {5: 80, 2: 8, 6: 5, 4: 4, 3: 3}
"""``PRS_REM_TYP`` of a supplementary share."""

COMPLEMENT_TYPE = 1
UNKNOWN_TYPE = 99

LOW_INCOME_PERCENT = 16
"""Visible rows of the legal share whose beneficiary has the complementary cover for low incomes (``BEN_CMU_TOP`` 1)."""

PATHWAYS: dict[int, tuple[int, int, int]] = {
    # PRS_PDS_QCP: weight for a doctor's act, for a child's, for anything else
    31: (200, 330, 9600),
    3: (330, 60, 90),
    33: (0, 430, 200),
    1: (120, 60, 25),
    22: (100, 20, 50),
    10: (15, 5, 5),
    23: (30, 5, 5),
    24: (20, 5, 5),
    25: (35, 20, 5),
    26: (45, 10, 5),
    5: (40, 20, 5),
    6: (15, 10, 2),
    7: (30, 10, 3),
    2: (10, 10, 0),
    28: (10, 5, 0),
}
"""``PRS_PDS_QCP``: is the patient in the coordinated care pathway?"""

OUTSIDE_PATHWAY: tuple[int, ...] = (22, 23, 24)
OUTSIDE_PATHWAY_PENALTY = 40
"""Points of the rate lost outside the pathway: 70 % becomes 30 %."""

TREATMENT_MONTH = 201612


def care_months() -> dict[tuple[int, int], int]:
    """Return the weights of the months of care (year, month) for a month of treatment of December 2016.

    48.1 % of the rows are care of the month itself, then 27.9, 8.2 and 4.2 %, the rest goes back ten years, less and
    less; a few have no date, (0, 0). Source: shares of rows by month of care of a recent public month.
    """
    weights = {(2016, 12): 481_000, (2016, 11): 279_000, (2016, 10): 82_000, (2016, 9): 42_000, (0, 0): 100}
    weight = 17_500
    for lag in range(4, 120):
        year, month = divmod(2016 * 12 + 11 - lag, 12)
        weights[year, month + 1] = weight + 10
        weight = weight * 85 // 100
    return weights


NO_DATE = (0, 0)
