"""Every table of the row model, made once: laws of the codes, and what each act implies."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from course.generator import care, insurance, people, quantities
from course.generator.acts import Act, acts, weights_by_age
from course.generator.layout import CATEGORIES, ODD_RATES, rates
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
        self.prescriber = _per_act(lambda act: max(0, _find(_PRESCRIBER_KINDS, act.executant)))
        self.insurance = _per_act(lambda act: _rank(insurance.INSURANCE_KINDS, act.insurance))
        self.envelope = _per_act(lambda act: act.envelope)
        self.quantity = _per_act(lambda act: _rank(quantities.QUANTITIES, act.quantity))
        self.spread = _per_act(lambda act: _rank(quantities.SPREADS, act.spread))
        self.coefficient = _per_act(lambda act: _rank(quantities.COEFFICIENTS, act.coefficient))
        self.excess = _per_act(lambda act: _rank(quantities.EXCESSES, act.excess))
        self.unit: Integers = np.array([act.unit for act in acts()], dtype=np.int64)
        self.rates: Integers = np.array([rates(act) for act in acts()], dtype=np.int64).ravel()


def _find(names: tuple[str, ...], name: str) -> int:
    return names.index(name) if name in names else -1


@dataclass(frozen=True)
class EstablishmentTables:
    """For each establishment, as arrays: rank of its category, of its activity-based payment, and its sector."""

    category: Codes
    activity_based: Codes
    sector: Codes


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
        self._care()
        self._insurance()

    def _care(self) -> None:
        executants = care.EXECUTANTS
        self.establishment = Mix([_weights(care.ESTABLISHMENTS, kind) for kind in care.PLACES.values()])
        self.executant = Mix([_weights(executants, kind) for kind in care.EXECUTANT_KINDS.values()])
        self.prescriber = Mix(
            [
                care.prescriber_weights(kind, in_establishment=inside)
                for kind in _PRESCRIBER_KINDS
                for inside in (False, True)
            ]
        )
        self.prescriber_category = Mix([_weights(CATEGORIES, care.PRESCRIBER_CATEGORIES)])

    def _insurance(self) -> None:
        kinds = insurance.INSURANCE_KINDS.values()
        self.care_month = Mix([list(insurance.care_months().values())])
        self.insurance = Mix([_weights(insurance.INSURANCES, kind) for kind in kinds])
        self.surcharge = Mix([list(insurance.SURCHARGES.values())])
        self.recipient = Mix([list(insurance.RECIPIENTS.values())])
        self.modulation = Mix([list(insurance.MODULATIONS.values())])
        self.supplement_type = Mix([list(insurance.SUPPLEMENT_TYPES.values())])
        self.low_income = Mix([[100 - insurance.LOW_INCOME_PERCENT, insurance.LOW_INCOME_PERCENT]])
        self.pathway = Mix([list(weights) for weights in zip(*insurance.PATHWAYS.values(), strict=True)])
        self.odd_rate = Mix([[75 * len(ODD_RATES), *[25] * len(ODD_RATES)]])


class NumberTables:
    """The tables of the numbers of a row, each a law after the other, 65,536 places a law."""

    def __init__(self) -> None:
        self.quantity = quantities.quantity_tables()
        self.small_cell = len(quantities.QUANTITIES)
        self.price = quantities.price_tables()
        self.coefficient = quantities.coefficient_tables()
        self.excess = quantities.excess_tables()
        self.count = quantities.value_table(quantities.COUNT_FACTORS)
        self.sign = quantities.sign_table()
        self.age_price = quantities.age_price_table()


@dataclass(frozen=True)
class Model:
    """All the tables."""

    laws: Laws
    acts: ActTables
    establishments: EstablishmentTables
    numbers: NumberTables
    full_rate: npt.NDArray[np.bool_]
    outside_pathway: npt.NDArray[np.bool_]
    has_own_region: npt.NDArray[np.bool_]
    has_establishment: npt.NDArray[np.bool_]


def _establishment_tables() -> EstablishmentTables:
    places = care.ESTABLISHMENTS.values()
    activity_based = {0: 0, 1: 1, 2: 2, 9: 3}
    return EstablishmentTables(
        category=np.array([CATEGORIES.index(place.category) for place in places], dtype=np.int16),
        activity_based=np.array([activity_based[place.activity_based] for place in places], dtype=np.int16),
        sector=np.array([place.sector for place in places], dtype=np.int16),
    )


@cache
def model() -> Model:
    """Return the tables, made once (about a third of a second)."""
    return Model(
        laws=Laws(),
        acts=ActTables(),
        establishments=_establishment_tables(),
        numbers=NumberTables(),
        full_rate=np.array([code not in insurance.AT_USUAL_RATE for code in insurance.EXEMPTIONS]),
        outside_pathway=np.array([code in insurance.OUTSIDE_PATHWAY for code in insurance.PATHWAYS]),
        has_own_region=np.array([who.own_region for who in care.PRESCRIBERS]),
        has_establishment=np.array([who.establishment for who in care.PRESCRIBERS]),
    )
