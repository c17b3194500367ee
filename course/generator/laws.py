"""Every table of the row model, made once: laws of the codes, and what each act implies."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import TypeVar

import numpy as np

from course.generator import care, insurance, people, quantities
from course.generator.acts import Act, acts, weights_by_age
from course.generator.layout import ACTIVITY_BASED, CATEGORIES, ODD_RATES, rates
from course.generator.quantities import NumberTables
from course.generator.random_stream import Codes, Integers, Mix

Choice = TypeVar("Choice")

_PRESCRIBER_KINDS = ("other", "dentist", "midwife")
_CASH = ("allowance", "pension")
_COMPLEMENTS = ("complement", "complement_deductible")
_DEDUCTIBLES = ("deductible", "complement_deductible")
_PAID_ABOVE_BASE = ("device", "optics")


def _per_act(value: Callable[[Act], int]) -> Codes:
    return np.array([value(act) for act in acts()], dtype=np.int16)


def _rank(names: Iterable[str], name: str) -> int:
    return list(names).index(name)


def _weights(choices: Iterable[Choice], weights: dict[Choice, int]) -> list[int]:
    return [weights.get(choice, 0) for choice in choices]


class ActTables:
    """For each act, as arrays: its laws (their ranks) and its flags (0 or 1)."""

    def __init__(self) -> None:
        self.can_be_supplementary = _per_act(lambda act: act.amount == "standard" and act.rate < 100)
        self.cash = _per_act(lambda act: act.amount in _CASH)
        self.without_date = _per_act(lambda act: act.amount == "pension")
        self.complement = _per_act(lambda act: act.amount in _COMPLEMENTS)
        self.deductible = _per_act(lambda act: act.amount in _DEDUCTIBLES)
        self.has_base = _per_act(lambda act: act.amount in ("standard", "complement"))
        self.overrun = _per_act(lambda act: act.excess not in _PAID_ABOVE_BASE)
        self.free_price = _per_act(lambda act: act.spread != "fixed")
        self.by_nobody = _per_act(lambda act: act.executant == "nobody")
        self.doctor = _per_act(lambda act: act.pathway == "doctor")
        self.place = _per_act(lambda act: _rank(care.PLACES, act.place))
        self.executant = _per_act(lambda act: _rank(care.EXECUTANT_KINDS, act.executant))
        self.prescriber = _per_act(
            lambda act: _rank(_PRESCRIBER_KINDS, act.executant if act.executant in _PRESCRIBER_KINDS else "other")
        )
        self.insurance = _per_act(lambda act: _rank(insurance.INSURANCE_KINDS, act.insurance))
        self.envelope = _per_act(lambda act: act.envelope)
        self.quantity = _per_act(lambda act: _rank(quantities.QUANTITIES, act.quantity))
        self.spread = _per_act(lambda act: _rank(quantities.SPREADS, act.spread))
        self.coefficient = _per_act(lambda act: _rank(quantities.COEFFICIENTS, act.coefficient))
        self.excess = _per_act(lambda act: _rank(quantities.EXCESSES, act.excess))
        self.unit: Integers = np.array([act.unit for act in acts()], dtype=np.int64)
        self.rates: Integers = np.array([rates(act) for act in acts()], dtype=np.int64).ravel()


class Laws:
    """The laws from which the codes of a row are drawn; each condition is the rank of a previous draw."""

    def __init__(self) -> None:
        ages = range(len(people.AGES))
        self.age = Mix([people.AGE_WEIGHTS])
        self.act = Mix(weights_by_age())
        self.share = Mix([insurance.share_weights(can_be_supplementary=possible) for possible in (False, True)])
        self.home = Mix([people.home_and_fund_weights()])
        self.person = Mix([people.person_weights(age) for age in ages])
        self.region = Mix([people.place_weights(home) for home in range(len(people.REGIONS))])
        self.exemption = Mix(
            [insurance.exemption_weights(age, masked=masked) for age in ages for masked in (False, True)]
        )
        self.scheme = Mix([[8995, 865, 140]])
        self.establishment = Mix([_weights(care.ESTABLISHMENTS, kind) for kind in care.PLACES.values()])
        self.executant = Mix([_weights(care.EXECUTANTS, kind) for kind in care.EXECUTANT_KINDS.values()])
        prescribing = [(kind, inside) for kind in _PRESCRIBER_KINDS for inside in (False, True)]
        self.prescriber = Mix([care.prescriber_weights(kind, in_establishment=inside) for kind, inside in prescribing])
        self.prescriber_category = Mix([_weights(CATEGORIES, care.PRESCRIBER_CATEGORIES)])
        self.care_month = Mix([list(insurance.care_months().values())])
        self.insurance = Mix([_weights(insurance.INSURANCES, kind) for kind in insurance.INSURANCE_KINDS.values()])
        self.surcharge = Mix([list(insurance.SURCHARGES.values())])
        self.recipient = Mix([list(insurance.RECIPIENTS.values())])
        self.modulation = Mix([list(insurance.MODULATIONS.values())])
        self.supplement_type = Mix([list(insurance.SUPPLEMENT_TYPES.values())])
        self.low_income = Mix([[100 - insurance.LOW_INCOME_PERCENT, insurance.LOW_INCOME_PERCENT]])
        self.pathway = Mix([list(weights) for weights in zip(*insurance.PATHWAYS.values(), strict=True)])
        self.odd_rate = Mix([[75 * len(ODD_RATES), *[25] * len(ODD_RATES)]])


class Model:
    """All the tables: ``laws``, ``acts`` and ``numbers``; ranks and flags of the other choices, as arrays."""

    def __init__(self) -> None:
        self.laws = Laws()
        self.acts = ActTables()
        self.numbers = NumberTables()
        places = care.ESTABLISHMENTS.values()
        self.category: Codes = np.array([CATEGORIES.index(place.category) for place in places], dtype=np.int16)
        self.activity_based: Codes = np.array(
            [ACTIVITY_BASED.index(place.activity_based) for place in places], dtype=np.int16
        )
        self.sector: Codes = np.array([place.sector for place in places], dtype=np.int16)
        self.full_rate = np.array([code not in insurance.AT_USUAL_RATE for code in insurance.EXEMPTIONS])
        self.outside_pathway = np.array([code in insurance.OUTSIDE_PATHWAY for code in insurance.PATHWAYS])
        self.has_own_region = np.array([who.own_region for who in care.PRESCRIBERS])
        self.has_establishment = np.array([who.establishment for who in care.PRESCRIBERS])


@cache
def model() -> Model:
    """Return the tables, made once (about a third of a second)."""
    return Model()
