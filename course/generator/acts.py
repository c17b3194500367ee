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
    """One line of ``acts.csv``; a law is a key of a table of ``course.generator.quantities``."""

    code: int  # PRS_NAT
    weight: int  # rows out of about 100,000
    executant: str  # who does it, a key of ``care.EXECUTANT_KINDS``
    place: str  # where, a key of ``care.PLACES``
    amount: str
    """How amounts follow from the quantity: ``standard``, ``complement`` (reimbursement type 1), ``deductible``
    (negative reimbursement without expense), ``complement_deductible``, ``allowance`` or ``pension`` (cash, without a
    base)."""
    unit: int  # price of one unit of coefficient, in cents
    spread: str  # law of the price around ``unit``
    coefficient: str  # law of the coefficient of one act
    quantity: str  # law of the number of acts in a cell
    rate: int  # usual rate of reimbursement, in percent
    excess: str  # law of what is paid above the base
    insurance: str  # a key of ``insurance.INSURANCE_KINDS``
    envelope: int  # CPT_ENV_TYP when it is known
    pathway: str  # ``doctor`` when the coordinated care pathway applies, else ``other``
    ages: str  # a key of ``AGE_PATTERNS``


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
