"""Rows of a month: draws of the codes and numbers of a block, by the laws of ``course.generator.laws``.

The order of the draws is that of the dependencies: who and which act, then where and by whom, then which share of the
expense and at which rate, then how much. The relations between columns hold by construction, because columns that go
together come from one draw.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from course.generator import insurance, people
from course.generator.amounts import Cells, Flags, Numbers, draw_numbers
from course.generator.answer import Block
from course.generator.insurance import Share
from course.generator.laws import Model, model
from course.generator.layout import (
    ACTIVITY_BASED,
    CARE_MONTHS,
    ENVELOPES,
    EXEMPTIONS,
    FULL_RATE,
    LOCAL_RATE,
    MODULATIONS,
    OUTSIDE_RATE,
    RATE_CHOICES,
    RECIPIENTS,
    SUPPLEMENT_RATE,
    TYPES,
    USUAL_RATE,
    layout,
)
from course.generator.random_stream import Codes, Lane, draw_lanes

if TYPE_CHECKING:
    from course.generator.layout import Index

LANES = (
    "age", "act", "share", "exemption", "home", "place", "prescriber_place", "person", "establishment", "executant",
    "prescriber", "prescriber_category", "care_month", "scheme", "quantity", "price", "coefficient", "excess", "count",
    "sign", "insurance", "pathway", "terms", "surcharge",
)  # fmt: skip
"""Names of the 16-bit draws of a row."""

_SAME_ESTABLISHMENT = 85 * 65_536 // 100
_REGION_OF_EMPLOYED = 10 * 65_536 // 100

_VISIBLE_TYPE, _UNKNOWN_TYPE = TYPES.index(0), TYPES.index(insurance.UNKNOWN_TYPE)
_COMPLEMENT_TYPE = TYPES.index(insurance.COMPLEMENT_TYPE)
_SUPPLEMENT_TYPES = np.array([TYPES.index(code) for code in insurance.SUPPLEMENT_TYPES], dtype=np.int16)
_SUPPLEMENT_ENVELOPE = ENVELOPES.index(7)
_NO_DATE = CARE_MONTHS.index(insurance.NO_DATE)
_LOCAL_SCHEME = MODULATIONS.index(insurance.LOCAL_SCHEME)
_UNKNOWN_REGION = np.int16(people.UNKNOWN_REGION)


@dataclass(frozen=True)
class Rows:
    """A block of rows: for each segment of the layout a combination, and the numbers."""

    age: Codes  # rank of ``AGE_BEN_SNDS`` in ``people.AGES``
    segments: dict[str, Index]  # for each segment of ``layout``, the numbers of the combinations
    numbers: Numbers
    free: Flags  # rows whose amount can be any (price without a tariff, reimbursed in full, visible)

    def __len__(self) -> int:
        return len(self.age)

    def head(self, rows: int) -> Rows:
        """Return the first ``rows`` rows."""
        parts = {name: index[:rows] for name, index in self.segments.items()}
        return Rows(self.age[:rows], parts, self.numbers.head(rows), self.free[:rows])


@dataclass(frozen=True)
class _Person:
    """Who the row is about, and what was done."""

    age: Codes
    act: Codes
    pair: Codes
    home: Codes
    person: Codes


@dataclass(frozen=True)
class _Share:
    """Which share of the expense the row is, and under which rules."""

    masked: Flags
    filtered: Flags
    supplementary: Flags
    exemption: Codes
    modulation: Codes
    pathway: Codes
    rate_choice: Codes


@dataclass(frozen=True)
class _Care:
    """Where, by whom, and on whose prescription."""

    establishment: Codes
    inside: Flags
    place: Codes
    prescriber: Codes
    prescriber_place: Codes
    other_scheme: Flags


def draw_rows(seed: int, block: int, rows: int, *, age: Codes | None = None) -> Rows:
    """Draw a block of rows.

    Args:
        seed: seed of the file.
        block: number of the block; with the seed it decides all the draws.
        rows: number of rows of the block.
        age: rank of the age class of each row, drawn by the law of the extract if not given.
    """
    tables = model()
    lanes = dict(zip(LANES, draw_lanes(seed, block, rows, len(LANES)), strict=True))
    person = _draw_person(tables, lanes, age)
    share = _draw_share(tables, lanes, person)
    given = _draw_care(tables, lanes, person)
    rate = tables.acts.rates.take(person.act.astype(np.int32) * RATE_CHOICES + share.rate_choice)
    cells = Cells(person.act, person.age, rate, share.masked, share.filtered, given.other_scheme)
    segments = {
        "home": layout()["home"].index(person.pair, person.age),
        **_care_segments(tables, lanes, person, share, given),
        **_insurance_segments(tables, lanes, person, share, given),
    }
    free = tables.acts.free_price[person.act].astype(bool) & tables.acts.has_base[person.act].astype(bool)
    free &= ~share.masked & ~share.filtered & (rate == 10_000) & ~tables.acts.complement[person.act].astype(bool)
    return Rows(person.age, segments, draw_numbers(tables, cells, lanes), free)


def _draw_person(tables: Model, lanes: dict[str, Lane], age: Codes | None) -> _Person:
    laws = tables.laws
    age = laws.age.draw(lanes["age"]) if age is None else age
    pair = laws.home.draw(lanes["home"])
    act = laws.act.draw(lanes["act"], age)
    home = pair // np.int16(len(people.REGIONS))
    return _Person(age, act, pair, home, laws.person.draw(lanes["person"], age))


def _draw_share(tables: Model, lanes: dict[str, Lane], person: _Person) -> _Share:
    laws, acts = tables.laws, tables.acts
    share = laws.share.draw(lanes["share"], acts.can_be_supplementary[person.act])
    masked = share <= Share.MASKED_SUPPLEMENTARY
    supplementary = share == Share.SUPPLEMENTARY
    filtered = supplementary | (share == Share.MASKED_SUPPLEMENTARY)
    exemption = laws.exemption.draw(lanes["exemption"], person.age * np.int16(2) + masked)
    exemption *= ~(filtered | acts.cash[person.act].astype(bool))
    child = (person.age == 0).astype(np.int16)
    pathway = laws.pathway.draw(lanes["pathway"], np.where(acts.doctor[person.act], child, np.int16(2)))
    modulation = laws.modulation.draw(_shuffled(lanes["terms"]))
    modulation *= ~(masked | filtered)
    choice = np.where(modulation == _LOCAL_SCHEME, np.int16(LOCAL_RATE), np.int16(USUAL_RATE))
    choice = np.where(tables.outside_pathway[pathway], np.int16(OUTSIDE_RATE), choice)
    choice = np.where(tables.full_rate[exemption], np.int16(FULL_RATE), choice)
    supplement = laws.odd_rate.draw(lanes["terms"]) + np.int16(SUPPLEMENT_RATE)
    choice = np.where(filtered, supplement, choice)
    return _Share(masked, filtered, supplementary, exemption, modulation, pathway, choice)


def _shuffled(lane: Lane) -> Lane:
    """Return another uniform draw made of the same bits: an odd multiple modulo 65,536 scatters neighbours."""
    return lane * np.uint16(40_503)


def _draw_care(tables: Model, lanes: dict[str, Lane], person: _Person) -> _Care:
    laws, acts = tables.laws, tables.acts
    establishment = laws.establishment.draw(lanes["establishment"], acts.place[person.act])
    inside = establishment > 0
    place = laws.region.draw(lanes["place"], person.home)
    prescriber = laws.prescriber.draw(lanes["prescriber"], acts.prescriber[person.act] * np.int16(2) + inside)
    elsewhere = laws.region.draw(lanes["prescriber_place"], place)
    scheme = laws.scheme.draw(lanes["scheme"])
    return _Care(establishment, inside, place, prescriber, np.where(inside, place, elsewhere), scheme > 0)


def _care_segments(
    tables: Model, lanes: dict[str, Lane], person: _Person, share: _Share, where: _Care
) -> dict[str, Index]:
    """Return the segments that say where care was given, by whom and on whose prescription."""
    parts, laws = layout(), tables.laws
    known = tables.has_establishment[where.prescriber]
    same = where.inside & (lanes["surcharge"] < _SAME_ESTABLISHMENT)
    category = laws.prescriber_category.draw(lanes["prescriber_category"])
    category = np.where(same, tables.category[where.establishment], category) * known
    own_region = np.where(tables.has_own_region[where.prescriber], where.prescriber_place, _UNKNOWN_REGION)
    executant = laws.executant.draw(lanes["executant"], tables.acts.executant[person.act]) * np.int16(2) + where.inside
    without_schedule = laws.scheme.draw(lanes["scheme"]) == 1
    # ``PSE_STJ_SNDS``: self-employed, employed (in an establishment), or not known
    unknown = where.other_scheme | tables.acts.by_nobody[person.act].astype(bool)
    status = np.where(unknown, np.int16(2), where.inside.astype(np.int16))
    # ``TOP_PS5_TRG``: 9 for a masked row, 0 for a visible supplementary share, else 1
    target = np.where(share.masked, np.int16(2), (~share.filtered).astype(np.int16))
    return {
        "establishment": parts["establishment"].index(
            where.establishment * np.int16(2) + share.masked, np.where(where.inside, where.place, _UNKNOWN_REGION)
        ),
        "prescribing": parts["prescribing"].index(
            category, np.where(known, where.prescriber_place, _UNKNOWN_REGION), where.establishment, without_schedule
        ),
        "executant": parts["executant"].index(executant, status, own_region),
        "prescriber": parts["prescriber"].index(where.prescriber * np.int16(2) + where.other_scheme, target),
    }


def _insurance_segments(
    tables: Model, lanes: dict[str, Lane], person: _Person, share: _Share, where: _Care
) -> dict[str, Index]:
    """Return the segments that say when, under which insurance, and what is reimbursed."""
    parts, laws, act = layout(), tables.laws, person.act
    month = laws.care_month.draw(lanes["care_month"])
    month = np.where(tables.acts.without_date[act], np.int16(_NO_DATE), month)
    insurance = laws.insurance.draw(lanes["insurance"], tables.acts.insurance[act])
    income = laws.low_income.draw(_shuffled(lanes["surcharge"])) | share.supplementary
    sector = tables.sector[where.establishment] - np.int16(1)
    tariff = (act.astype(np.int32) * 2 + sector) * RATE_CHOICES + share.rate_choice
    return {
        "person": parts["person"].index(np.where(share.masked, np.int16(2), income), person.person),
        "care": parts["care"].index(month, insurance, laws.surcharge.draw(lanes["surcharge"])),
        "terms": _terms_index(tables, lanes, person, share, where),
        "act": parts["act"].index(tariff),
        "reimbursement": parts["reimbursement"].index(
            _type(tables, lanes, person, share), share.pathway, _executant_region(tables, lanes, person, where)
        ),
    }


def _terms_index(tables: Model, lanes: dict[str, Lane], person: _Person, share: _Share, where: _Care) -> Index:
    """Return the combinations of envelope, recipient, activity-based payment, exemption and modulation."""
    segment = layout()["terms"]
    activity_based = tables.activity_based[where.establishment]
    envelope = np.where(share.supplementary, np.int16(_SUPPLEMENT_ENVELOPE), tables.acts.envelope[person.act] - 1)
    recipient = tables.laws.recipient.draw(_shuffled(lanes["count"])) * ~share.supplementary
    visible = segment.index(envelope, recipient, activity_based, share.exemption, share.modulation)
    last = [len(codes) - 1 for codes in (ENVELOPES, RECIPIENTS, ACTIVITY_BASED, EXEMPTIONS, MODULATIONS)]
    unknown = np.array([segment.index(*last[:2], rank, *last[3:]) for rank in range(len(ACTIVITY_BASED))])
    return np.where(share.masked, unknown.astype(np.int32)[activity_based], visible)


def _type(tables: Model, lanes: dict[str, Lane], person: _Person, share: _Share) -> npt.NDArray[np.int16]:
    """Return the rank of ``PRS_REM_TYP``: reference or complement for a legal share, unknown for a masked row."""
    supplement = _SUPPLEMENT_TYPES[tables.laws.supplement_type.draw(lanes["exemption"])]
    legal = np.where(tables.acts.complement[person.act], np.int16(_COMPLEMENT_TYPE), np.int16(_VISIBLE_TYPE))
    visible = np.where(share.supplementary, supplement, legal)
    return np.where(share.masked, np.int16(_UNKNOWN_TYPE), visible)


def _executant_region(tables: Model, lanes: dict[str, Lane], person: _Person, where: _Care) -> npt.NDArray[np.int16]:
    """Return the rank of ``EXE_INS_REG``: known for the self-employed, seldom for those an establishment employs."""
    hidden = where.inside & (lanes["executant"] >= _REGION_OF_EMPLOYED)
    hidden |= tables.acts.by_nobody[person.act].astype(bool)
    return np.where(hidden, _UNKNOWN_REGION, where.place)


BLOCK_ROWS = 32_768
"""Rows of a block: its arrays stay in the cache of a core, which makes it faster than a larger one."""

Given = TypeVar("Given")
Made = TypeVar("Made")


def month_blocks(seed: int, rows: int, encode: Callable[[Rows], Any], threads: int) -> Generator[Block, None, None]:
    """Yield the blocks of a month in order; the rows depend on the seed only, not on the number of threads."""

    def make(number: int) -> Block:
        drawn = draw_rows(seed, number, BLOCK_ROWS).head(min(BLOCK_ROWS, rows - number * BLOCK_ROWS))
        here = {age: drawn.age == rank for rank, age in enumerate(people.AGES)}
        counts = {age: int(found.sum()) for age, found in here.items()}
        # sums of 64-bit integers, age by age: bincount would add in floating point
        cents = {age: int(drawn.numbers.reimbursed[found].sum()) for age, found in here.items()}
        return Block(encode(drawn), len(drawn.age), counts, cents)

    return in_order(make, range(-(-rows // BLOCK_ROWS)), threads)


def in_order(make: Callable[[Given], Made], given: Iterable[Given], threads: int) -> Generator[Made, None, None]:
    """Yield ``make(item)`` for each item, in order, computed ahead by ``threads`` threads, two items each at most."""
    items = iter(given)
    with ThreadPoolExecutor(threads, thread_name_prefix="month") as pool:
        try:
            ahead: deque[Future[Made]] = deque(pool.submit(make, item) for item in islice(items, 2 * threads))
            while ahead:
                made = ahead.popleft().result()
                ahead.extend(pool.submit(make, item) for item in islice(items, 1))
                yield made
        finally:
            # an error or Ctrl-C leaves at most the blocks being made to wait for
            pool.shutdown(wait=False, cancel_futures=True)
