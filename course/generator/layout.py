"""The ten segments of a row: neighbouring columns that vary together, rendered once for all their combinations.

A row of the file is ten segments and thirteen numbers. A segment keeps every combination of its codes twice: as
integers, for typed formats, and as the piece of text ``"76;20;76;"``, for CSV. Making a row then is a matter of picking
pieces, not of formatting numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from course.generator import insurance, people
from course.generator.acts import Act, acts
from course.generator.care import ESTABLISHMENTS, EXECUTANTS, PRESCRIBER_CATEGORIES, PRESCRIBERS, in_establishment
from course.generator.schema import COLUMNS, DECIMALS, SEPARATOR, ZERO_PADDED

Index = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Axis:
    """Values that some columns take together: one tuple per choice, in the order of ``columns``."""

    columns: tuple[str, ...]
    choices: Sequence[tuple[int, ...]]


def hundredths_text(value: int) -> str:
    """Return a number of hundredths as the real files write it: no leading zero, no trailing zero.

    >>> [hundredths_text(value) for value in (51, -50, 440, 7000, 0)]
    ['.51', '-.5', '4.4', '70', '0']
    """
    if value == 0:
        return "0"
    whole, part = divmod(abs(value), 100)
    fraction = f".{part:02d}".rstrip("0").rstrip(".")
    return f"{'-' if value < 0 else ''}{whole or ''}{fraction}"


def code_text(column: str, code: int) -> str:
    """Return a code as it is written in ``column``: plain, zero padded, or a decimal kept in hundredths."""
    if column in DECIMALS:
        return hundredths_text(code)
    return f"{code:0{ZERO_PADDED.get(column, 1)}d}"


class Segment:
    """The product of a few axes, its columns put in file order.

    Attributes:
        columns: names, neighbours in the file.
        codes: array (combinations, columns) of ``int32``; a decimal column is in hundredths.
        text: for each combination the codes with a separator after each, and a line end after the last column.
    """

    def __init__(self, *axes: Axis) -> None:
        unordered = [name for axis in axes for name in axis.columns]
        order = sorted(range(len(unordered)), key=lambda position: COLUMNS.index(unordered[position]))
        combinations = [sum(choice, ()) for choice in product(*(axis.choices for axis in axes))]
        self.columns = tuple(unordered[position] for position in order)
        self.codes = np.array(combinations, dtype=np.int32)[:, order]
        self.sizes = tuple(len(axis.choices) for axis in axes if len(axis.choices) > 1)
        self.text = pa.array(self._render(), pa.string())

    def _render(self) -> Iterable[str]:
        end = "\n" if self.columns[-1] == COLUMNS[-1] else ""
        by_column = []
        for name, codes in zip(self.columns, self.codes.T.tolist(), strict=True):
            texts = {code: code_text(name, code) + SEPARATOR for code in set(codes)}
            by_column.append([texts[code] for code in codes])
        return ("".join(parts) + end for parts in zip(*by_column, strict=True))

    def index(self, *choices: npt.NDArray[np.integer] | int) -> Index:
        """Return the number of the combination made of one choice per axis (axes of one choice left out)."""
        number: npt.NDArray[np.int32] = np.asarray(choices[0], dtype=np.int32)
        for size, choice in zip(self.sizes[1:], choices[1:], strict=True):
            number = number * np.int32(size) + choice
        return number.astype(np.int32, copy=False)


def single(column: str, codes: Iterable[int]) -> Axis:
    """Return the axis of one column."""
    return Axis((column,), [(code,) for code in codes])


USUAL_RATE, FULL_RATE, OUTSIDE_RATE, LOCAL_RATE, SUPPLEMENT_RATE = range(5)
"""Which rate a row is reimbursed at; the numbers after the last one are ``ODD_RATES``."""

ODD_RATES: tuple[int, ...] = (857, 1633, 2222, 2778, 3846, 4321)
"""Rates of some supplementary shares, in hundredths of a percent."""

RATE_CHOICES = SUPPLEMENT_RATE + 1 + len(ODD_RATES)

UNKNOWN = 9
UNKNOWN_CODE = 99
_MASKED = 0

CARE_MONTHS: tuple[tuple[int, int], ...] = tuple(insurance.care_months())
RECIPIENTS: tuple[int, ...] = (*insurance.RECIPIENTS, UNKNOWN_CODE)
EXEMPTIONS: tuple[int, ...] = (*insurance.EXEMPTIONS, UNKNOWN_CODE)
MODULATIONS: tuple[int, ...] = (*insurance.MODULATIONS, UNKNOWN)
ENVELOPES: tuple[int, ...] = (1, 2, 3, 4, 7, UNKNOWN)
ACTIVITY_BASED: tuple[int, ...] = (0, 1, 2, 9)
TYPES: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6, 99)
STATUSES: tuple[int, ...] = (1, 2, 9)
TARGETS: tuple[int, ...] = (0, 1, UNKNOWN)
LOW_INCOME: tuple[int, ...] = (0, 1, UNKNOWN)
CATEGORIES: tuple[int, ...] = (
    ESTABLISHMENTS["none"].category,
    *sorted({*PRESCRIBER_CATEGORIES, *(place.category for place in ESTABLISHMENTS.values())} - {9999}),
)
"""``ETP_CAT_SNDS``; the first means that no establishment of the prescriber is known."""


def rates(act: Act) -> tuple[int, ...]:
    """Return, for each choice of rate, ``PRS_REM_TAU`` in hundredths of a percent."""
    usual = act.rate
    if act.amount == "allowance":
        return (usual * 100,) * RATE_CHOICES
    outside = usual - insurance.OUTSIDE_PATHWAY_PENALTY if act.pathway == "doctor" and usual < 100 else usual
    plain = (usual, 100, outside, max(usual, 90), 100 - usual)
    return (*(rate * 100 for rate in plain), *ODD_RATES)


@cache
def layout() -> dict[str, Segment]:
    """Return the segments in file order, made once; the numbers stand between ``prescribing`` and ``care``."""
    regions, places = people.REGIONS, ESTABLISHMENTS.values()
    funds = [(fund, home) for home in regions for fund in regions]
    disciplines = [
        (discipline, place.category, place.kind) for place in places for discipline in (place.discipline, _MASKED)
    ]
    tariffs = [(act.code, sector, rate) for act in acts() for sector in (1, 2) for rate in rates(act)]
    executants = [codes for who in EXECUTANTS for codes in (who, in_establishment(who))]
    prescribers = [(*who[:3], status) for who in PRESCRIBERS for status in (who.status, UNKNOWN)]
    return {
        "home": Segment(
            single("FLX_ANN_MOI", [insurance.TREATMENT_MONTH]),
            Axis(("ORG_CLE_REG", "BEN_RES_REG"), funds),
            single("AGE_BEN_SNDS", people.AGES),
        ),
        "person": Segment(single("BEN_CMU_TOP", LOW_INCOME), Axis(("BEN_QLT_COD", "BEN_SEX_COD"), people.PERSONS)),
        "establishment": Segment(
            Axis(("DDP_SPE_COD", "ETE_CAT_SNDS", "ETE_TYP_SNDS"), disciplines), single("ETE_REG_COD", regions)
        ),
        "prescribing": Segment(
            single("ETP_CAT_SNDS", CATEGORIES),
            single("ETP_REG_COD", regions),
            Axis(("MDT_TYP_COD", "MFT_COD"), [(place.treatment, place.tariff) for place in places]),
            single("PRS_FJH_TYP", (0, 8)),
        ),
        "care": Segment(
            Axis(("SOI_ANN", "SOI_MOI"), CARE_MONTHS),
            Axis(("ASU_NAT", "ATT_NAT"), insurance.INSURANCES),
            single("CPL_COD", insurance.SURCHARGES),
        ),
        "terms": Segment(
            single("CPT_ENV_TYP", ENVELOPES),
            single("DRG_AFF_NAT", RECIPIENTS),
            single("ETE_IND_TAA", ACTIVITY_BASED),
            single("EXO_MTF", EXEMPTIONS),
            single("MTM_NAT", MODULATIONS),
        ),
        "act": Segment(Axis(("PRS_NAT", "PRS_PPU_SEC", "PRS_REM_TAU"), tariffs)),
        "reimbursement": Segment(
            single("PRS_REM_TYP", TYPES), single("PRS_PDS_QCP", insurance.PATHWAYS), single("EXE_INS_REG", regions)
        ),
        "executant": Segment(
            Axis(("PSE_ACT_SNDS", "PSE_ACT_CAT", "PSE_SPE_SNDS"), executants),
            single("PSE_STJ_SNDS", STATUSES),
            single("PRE_INS_REG", regions),
        ),
        "prescriber": Segment(
            Axis(("PSP_ACT_SNDS", "PSP_ACT_CAT", "PSP_SPE_SNDS", "PSP_STJ_SNDS"), prescribers),
            single("TOP_PS5_TRG", TARGETS),
        ),
    }
