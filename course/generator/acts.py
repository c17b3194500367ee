"""The acts of a month: for each code ``PRS_NAT``, how often it comes and how its quantities and amounts are made.

The table is ``acts.csv``. Codes and labels: dictionary of Open DAMIR (CNAM, 2015 and 2025 editions); unit prices: the
French tariffs of 2016 (consultation 23 EUR, AMI 3.15 EUR, AMK 2.15 EUR, B 0.27 EUR, participation 1 EUR, deductible
0.50 EUR); shares of rows: an order of magnitude, by family, of the public months.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

AGE_PATTERNS: dict[str, tuple[int, ...]] = {
    # one weight per age class:   0   20   30   40   50   60   70   80   99
    "any": (100, 100, 100, 100, 100, 100, 100, 100, 100),
    "later": (60, 70, 80, 95, 105, 115, 120, 125, 100),
    "adult": (20, 100, 110, 110, 110, 110, 110, 110, 100),
    "young": (420, 80, 70, 60, 60, 50, 40, 30, 100),
    "middle": (5, 20, 20, 60, 230, 230, 130, 5, 100),
    "fertile": (40, 330, 400, 90, 5, 5, 5, 5, 100),
    "worker": (5, 120, 170, 190, 210, 110, 10, 5, 100),
}
"""How much more or less often, in percent, an act comes at each age class; orders of magnitude."""


@dataclass(frozen=True)
class Act:
    """One line of ``acts.csv``.

    Attributes:
        code: ``PRS_NAT``.
        weight: rows out of about 100,000.
        executant: who does it, a key of ``course.generator.care``.
        place: where, a key of ``course.generator.care``.
        amount: how amounts follow from the quantity: ``standard``, ``complement`` (reimbursement type 1),
            ``deductible`` (negative reimbursement without expense), ``complement_deductible``, ``allowance`` or
            ``pension`` (cash, without a base).
        unit: price of one unit of coefficient, in cents.
        spread: shape of the price around ``unit``: ``fixed``, ``free`` or ``wide``.
        coefficient: law of the coefficient of one act, a key of ``course.generator.quantities``.
        quantity: law of the number of acts in a cell, a key of ``course.generator.quantities``.
        rate: usual rate of reimbursement, in percent.
        excess: law of what is paid above the base, a key of ``course.generator.quantities``.
        insurance: kind of insurance, a key of ``course.generator.insurance``.
        envelope: ``CPT_ENV_TYP`` when it is known.
        pathway: ``doctor`` when the coordinated care pathway applies, else ``other``.
        ages: a key of ``AGE_PATTERNS``.
    """

    code: int
    weight: int
    executant: str
    place: str
    amount: str
    unit: int
    spread: str
    coefficient: str
    quantity: str
    rate: int
    excess: str
    insurance: str
    envelope: int
    pathway: str
    ages: str


_NUMBERS = ("code", "weight", "unit", "rate", "envelope")


@cache
def acts() -> tuple[Act, ...]:
    """Return the acts in the order of ``acts.csv``."""
    text = files("course.generator").joinpath("acts.csv").read_text(encoding="utf-8")
    return tuple(_act(row) for row in csv.DictReader(text.splitlines(), delimiter=";"))


def _act(row: dict[str, str]) -> Act:
    values: dict[str, str | int] = {key: int(text) if key in _NUMBERS else text for key, text in row.items()}
    return Act(**values)  # type: ignore[arg-type]


def weights_by_age() -> list[list[int]]:
    """Return, for each age class, the weight of each act."""
    ages = range(len(AGE_PATTERNS["any"]))
    return [[act.weight * AGE_PATTERNS[act.ages][age] for act in acts()] for age in ages]
