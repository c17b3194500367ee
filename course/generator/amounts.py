"""The thirteen numbers of a row: quantities, expense, base, reimbursement and their filtered copies.

All in integers (hundredths of a coefficient, cents), so that sums are exact. The relations are those of Open DAMIR
(dictionary of the CNAM, 2025, and what the public months show): the reimbursement is the base times the rate; the
expense is the base plus the overrun, except for devices; a supplementary share and a cash allowance have no base; a
deductible is a negative reimbursement without expense; the filtered columns repeat the others for a share of
reference, keep only the reimbursement for a complement, and are zero for a supplementary share.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from course.generator import people
from course.generator.random_stream import OUTCOMES, Codes, Integers, Lane

if TYPE_CHECKING:
    from course.generator.laws import Model

Flags = npt.NDArray[np.bool_]


@dataclass
class Numbers:
    """Numbers of the rows of a block: coefficients in hundredths, amounts in cents, counts as they are."""

    coefficient: Integers  # PRS_ACT_COG
    count: Integers  # PRS_ACT_NBR; not sent where ``count_missing``
    quantity: Integers  # PRS_ACT_QTE
    overrun: Integers  # PRS_DEP_MNT
    paid: Integers  # PRS_PAI_MNT
    base: Integers  # PRS_REM_BSE
    reimbursed: Integers  # PRS_REM_MNT
    count_missing: Flags  # the scheme does not send the number of acts
    filtered: Flags  # a supplementary share: all the ``FLT_`` columns are zero
    complement: Flags  # a complement of act: all are zero but ``FLT_REM_MNT``

    def head(self, rows: int) -> Numbers:
        """Return the numbers of the first ``rows`` rows."""
        return Numbers(**{field.name: getattr(self, field.name)[:rows] for field in fields(self)})


@dataclass(frozen=True)
class Cells:
    """What the numbers of a row depend on, drawn before: ranks of the act and of the age, flags, and the rate."""

    act: Codes
    age: Codes
    rate: Integers  # PRS_REM_TAU, in hundredths of a percent
    masked: Flags  # the row is a small cell
    filtered: Flags
    count_missing: Flags


def _from_law(tables: Integers, law: npt.NDArray[np.integer], lane: Lane) -> Integers:
    return tables.take(law.astype(np.int32) * OUTCOMES + lane)


def _scaled(amount: Integers, factor: Integers) -> Integers:
    return (amount * factor + 512) >> 10


def draw_numbers(model: Model, cells: Cells, lanes: dict[str, Lane]) -> Numbers:
    """Draw quantities and prices, and derive the amounts of each row from them."""
    tables, act = model.numbers, cells.act
    law = np.where(cells.masked, np.int16(tables.small_cell), model.acts.quantity[act])
    quantity = _from_law(tables.quantity, law, lanes["quantity"])
    coefficient = quantity * _from_law(tables.coefficient, model.acts.coefficient[act], lanes["coefficient"])
    gross = _gross(model, cells, coefficient, lanes["price"])
    numbers = _amounts(model, cells, gross, quantity, lanes["excess"])
    numbers.coefficient = coefficient
    numbers.count = (quantity * tables.count.take(lanes["count"]) + 63) >> 6
    _sign(numbers, tables.sign.take(lanes["sign"]))
    return numbers


def _gross(model: Model, cells: Cells, coefficient: Integers, lane: Lane) -> Integers:
    """Return unit price x coefficient x spread of prices, in cents; 0 for a deductible."""
    tables, act = model.numbers, cells.act
    price = _from_law(tables.price, model.acts.spread[act], lane)
    kind = model.acts.free_price[act] * (np.int16(1) + cells.masked)
    age_price = tables.age_price.take(kind * np.int16(len(people.AGES)) + cells.age)
    tariff = (model.acts.unit * (1 - model.acts.deductible)).take(act)
    return _scaled(_scaled((tariff * coefficient + 50) // 100, price), age_price)


def _amounts(model: Model, cells: Cells, gross: Integers, quantity: Integers, lane: Lane) -> Numbers:
    """Return the amounts in cents that follow from ``gross``, before the sign of the row."""
    tables, act = model.acts, cells.act
    base = gross * (tables.has_base[act] & ~cells.filtered)
    above = _scaled(base, _from_law(model.numbers.excess, tables.excess[act], lane))
    rate = np.where(tables.cash[act], 10_000, cells.rate)
    reimbursed = (gross * rate + 5_000) // 10_000
    reimbursed -= quantity * (tables.unit * tables.deductible).take(act)
    return Numbers(
        coefficient=quantity,
        count=quantity,
        quantity=quantity,
        overrun=above * tables.overrun[act],
        paid=gross + above,
        base=base,
        reimbursed=reimbursed,
        count_missing=cells.count_missing,
        filtered=cells.filtered,
        complement=tables.complement[act].astype(bool) & ~cells.masked,
    )


def _sign(numbers: Numbers, sign: Integers) -> None:
    """Turn cancelled rows negative and empty the empty ones: every number of the row is multiplied."""
    for name in ("coefficient", "count", "quantity", "overrun", "paid", "base", "reimbursed"):
        setattr(numbers, name, getattr(numbers, name) * sign)
