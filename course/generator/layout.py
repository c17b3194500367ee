"""The ten segments of a row: which columns vary together, and the choices of each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from course.generator import insurance, people
from course.generator.acts import Act, acts
from course.generator.care import (
    ESTABLISHMENTS,
    EXECUTANTS,
    PRESCRIBER_CATEGORIES,
    PRESCRIBERS,
    Establishment,
    in_establishment,
)
from course.generator.segments import Axis, Segment, single

USUAL_RATE, FULL_RATE, OUTSIDE_RATE, LOCAL_RATE, SUPPLEMENT_RATE = range(5)
"""Which rate a row is reimbursed at; the numbers after the last one are ``ODD_RATES``."""

ODD_RATES: tuple[int, ...] = (857, 1633, 2222, 2778, 3846, 4321)
"""Rates of some supplementary shares, in hundredths of a percent."""

RATE_CHOICES = SUPPLEMENT_RATE + 1 + len(ODD_RATES)

UNKNOWN = 9
UNKNOWN_CODE = 99

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


@dataclass(frozen=True)
class Layout:
    """The segments in file order; the numbers stand between ``prescribing`` and ``care``."""

    home: Segment
    person: Segment
    establishment: Segment
    prescribing: Segment
    care: Segment
    coverage: Segment
    act: Segment
    reimbursement: Segment
    executant: Segment
    prescriber: Segment


def _discipline(place: Establishment, *, masked: bool) -> tuple[int, int, int]:
    return (0 if masked else place.discipline, place.category, place.kind)


def _executing() -> list[tuple[int, int, int]]:
    return [codes for who in EXECUTANTS for codes in (who, in_establishment(who))]


def _prescribing() -> list[tuple[int, int, int, int]]:
    return [
        (who.activity, who.category, who.specialty, status) for who in PRESCRIBERS for status in (who.status, UNKNOWN)
    ]


def _beneficiary_segments() -> tuple[Segment, Segment]:
    regions = people.REGIONS
    home = Segment(
        single("FLX_ANN_MOI", [insurance.TREATMENT_MONTH]),
        Axis(("ORG_CLE_REG", "BEN_RES_REG"), [(fund, home) for home in regions for fund in regions]),
        single("AGE_BEN_SNDS", people.AGES),
    )
    person = Segment(single("BEN_CMU_TOP", LOW_INCOME), Axis(("BEN_QLT_COD", "BEN_SEX_COD"), people.PERSONS))
    return home, person


def _establishment_segments() -> tuple[Segment, Segment]:
    places = ESTABLISHMENTS.values()
    disciplines = [_discipline(place, masked=masked) for place in places for masked in (False, True)]
    establishment = Segment(
        Axis(("DDP_SPE_COD", "ETE_CAT_SNDS", "ETE_TYP_SNDS"), disciplines),
        single("ETE_REG_COD", people.REGIONS),
    )
    prescribing = Segment(
        single("ETP_CAT_SNDS", CATEGORIES),
        single("ETP_REG_COD", people.REGIONS),
        Axis(("MDT_TYP_COD", "MFT_COD"), [(place.treatment, place.tariff) for place in places]),
        single("PRS_FJH_TYP", (0, 8)),
    )
    return establishment, prescribing


def _coverage_segments() -> tuple[Segment, Segment]:
    care = Segment(
        Axis(("SOI_ANN", "SOI_MOI"), CARE_MONTHS),
        Axis(("ASU_NAT", "ATT_NAT"), insurance.INSURANCES),
        single("CPL_COD", insurance.SURCHARGES),
    )
    covered = Segment(
        single("CPT_ENV_TYP", ENVELOPES),
        single("DRG_AFF_NAT", RECIPIENTS),
        single("ETE_IND_TAA", ACTIVITY_BASED),
        single("EXO_MTF", EXEMPTIONS),
        single("MTM_NAT", MODULATIONS),
    )
    return care, covered


def _reimbursement_segments() -> tuple[Segment, Segment]:
    tariffs = [(act.code, sector, rate) for act in acts() for sector in (1, 2) for rate in rates(act)]
    act = Segment(Axis(("PRS_NAT", "PRS_PPU_SEC", "PRS_REM_TAU"), tariffs))
    reimbursement = Segment(
        single("PRS_REM_TYP", TYPES),
        single("PRS_PDS_QCP", insurance.PATHWAYS),
        single("EXE_INS_REG", people.REGIONS),
    )
    return act, reimbursement


def _professional_segments() -> tuple[Segment, Segment]:
    executant = Segment(
        Axis(("PSE_ACT_SNDS", "PSE_ACT_CAT", "PSE_SPE_SNDS"), _executing()),
        single("PSE_STJ_SNDS", STATUSES),
        single("PRE_INS_REG", people.REGIONS),
    )
    prescriber = Segment(
        Axis(("PSP_ACT_SNDS", "PSP_ACT_CAT", "PSP_SPE_SNDS", "PSP_STJ_SNDS"), _prescribing()),
        single("TOP_PS5_TRG", TARGETS),
    )
    return executant, prescriber


@cache
def layout() -> Layout:
    """Return the segments, made once."""
    return Layout(
        *_beneficiary_segments(),
        *_establishment_segments(),
        *_coverage_segments(),
        *_reimbursement_segments(),
        *_professional_segments(),
    )
