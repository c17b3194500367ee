"""Where care is given, who gives it and who prescribed it, as weighted lists of code packages.

An establishment is a package: category, legal type, way of setting tariffs, activity-based payment, mode of treatment,
sector and discipline go together. Codes: dictionary of Open DAMIR (CNAM). Weights: orders of magnitude of the public
months (four rows in five have no establishment).
"""

from __future__ import annotations

from typing import NamedTuple


class Establishment(NamedTuple):
    """Codes of an executing establishment that always come together.

    Attributes: ``ETE_CAT_SNDS``, ``ETE_TYP_SNDS``, ``MFT_COD``, ``ETE_IND_TAA``, ``MDT_TYP_COD``, ``PRS_PPU_SEC`` and
    ``DDP_SPE_COD`` when the row is not masked.
    """

    category: int
    kind: int
    tariff: int
    activity_based: int
    treatment: int
    sector: int
    discipline: int


ESTABLISHMENTS: dict[str, Establishment] = {
    "none": Establishment(9999, 99, 99, 9, 9, 2, 121),
    "public outpatient": Establishment(1102, 1, 3, 1, 9, 1, 0),
    "public outpatient, external": Establishment(1102, 1, 3, 1, 2, 1, 0),
    "university outpatient": Establishment(1101, 1, 3, 1, 9, 1, 0),
    "university outpatient, external": Establishment(1101, 1, 3, 0, 2, 1, 0),
    "non-profit outpatient": Establishment(1102, 2, 4, 0, 9, 1, 0),
    "health centre": Establishment(2206, 6, 36, 0, 9, 2, 0),
    "public health centre": Establishment(2206, 1, 36, 0, 9, 2, 0),
    "clinic outpatient": Establishment(1110, 4, 7, 2, 9, 2, 121),
    "clinic outpatient, external": Establishment(1110, 4, 7, 2, 2, 2, 121),
    "clinic stay": Establishment(1110, 4, 7, 2, 1, 2, 71),
    "clinic surgery": Establishment(1110, 4, 7, 2, 1, 2, 22),
    "rehabilitation": Establishment(1107, 4, 7, 0, 1, 2, 43),
    "convalescence": Establishment(1107, 4, 7, 2, 1, 2, 42),
    "psychiatric clinic": Establishment(1111, 4, 7, 0, 1, 2, 60),
    "psychiatric hospital": Establishment(1103, 1, 3, 0, 1, 1, 60),
    "non-profit hospital": Establishment(1102, 2, 4, 1, 1, 1, 11),
    "other hospital": Establishment(1205, 4, 7, 0, 9, 2, 12),
    "other centre": Establishment(1205, 4, 2, 0, 9, 2, 11),
    "dialysis": Establishment(1203, 6, 7, 0, 9, 2, 14),
    "dialysis at home": Establishment(1203, 6, 7, 2, 3, 2, 14),
    "home hospital": Establishment(1201, 6, 7, 2, 3, 2, 71),
    "imaging": Establishment(2100, 4, 7, 2, 2, 2, 16),
    "imaging, public": Establishment(1102, 1, 3, 1, 2, 1, 16),
    "children's institute": Establishment(4101, 6, 5, 0, 1, 2, 81),
    "care home": Establishment(4401, 6, 11, 0, 1, 2, 101),
}

PLACES: dict[str, dict[str, int]] = {
    "nowhere": {"none": 100},
    "office": {"none": 975, "public outpatient": 15, "health centre": 10},
    "visit": {"none": 920, "health centre": 60, "home hospital": 20},
    "laboratory": {"none": 860, "public outpatient": 80, "university outpatient": 40, "health centre": 20},
    "consultation": {
        "none": 540, "public outpatient": 110, "public outpatient, external": 35, "university outpatient": 50,
        "university outpatient, external": 15, "non-profit outpatient": 10, "health centre": 65,
        "public health centre": 15, "clinic outpatient": 30, "clinic outpatient, external": 10,
    },
    "technical": {
        "none": 430, "public outpatient": 110, "public outpatient, external": 30, "university outpatient": 40,
        "university outpatient, external": 10, "health centre": 30, "clinic outpatient": 160,
        "clinic outpatient, external": 30, "clinic stay": 30, "clinic surgery": 20,
    },
    "dental": {"none": 840, "health centre": 130, "public health centre": 30},
    "public": {"public outpatient": 700, "university outpatient": 300},
    "clinic": {
        "clinic stay": 430, "clinic surgery": 220, "clinic outpatient": 150, "non-profit hospital": 60,
        "other hospital": 70, "other centre": 30, "home hospital": 40,
    },
    "rehabilitation": {
        "rehabilitation": 400, "convalescence": 250, "psychiatric clinic": 200, "psychiatric hospital": 50,
        "care home": 50, "non-profit hospital": 50,
    },
    "disability": {"children's institute": 100},
    "dialysis": {"dialysis": 900, "dialysis at home": 100},
    "imaging": {"imaging": 600, "imaging, public": 400},
}  # fmt: skip
"""For each place of ``acts.csv``, the establishments it can be; the weights are free in each line."""

EXECUTANTS: tuple[tuple[int, int, int], ...] = (
    *((0, 1, specialty) for specialty in (1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 15, 31, 32, 33, 35, 37, 42)),
    (50, 2, 0), (60, 2, 0), (55, 2, 0), (30, 3, 0), (24, 3, 0), (19, 4, 0), (21, 5, 0), (24, 6, 0), (26, 7, 0),
    (27, 8, 0), (28, 9, 0), (29, 9, 0), (0, 99, 0), (0, 0, 0),
)  # fmt: skip
"""``PSE_ACT_SNDS``, ``PSE_ACT_CAT`` and ``PSE_SPE_SNDS`` of who gives care: the category implies the activity."""

_DOCTORS = {
    (0, 1, 1): 520, (0, 1, 6): 90, (0, 1, 15): 80, (0, 1, 7): 55, (0, 1, 11): 40, (0, 1, 4): 45, (0, 1, 5): 35,
    (0, 1, 3): 35, (0, 1, 12): 30, (0, 1, 33): 25, (0, 1, 8): 15, (0, 1, 13): 10, (0, 1, 32): 10, (0, 1, 31): 10,
}  # fmt: skip

EXECUTANT_KINDS: dict[str, dict[tuple[int, int, int], int]] = {
    "doctor": _DOCTORS,
    "specialist": {who: weight for who, weight in _DOCTORS.items() if who[2] != 1} | {(0, 1, 35): 5, (0, 1, 42): 15},
    "general_practitioner": {(0, 1, 1): 100},
    "psychiatrist": {(0, 1, 33): 90, (0, 1, 32): 10},
    "cardiologist": {(0, 1, 3): 100},
    "radiologist": {(0, 1, 6): 70, (0, 1, 7): 15, (0, 1, 3): 15},
    "anaesthetist": {(0, 1, 2): 100},
    "pharmacy": {(50, 2, 0): 100},
    "supplier": {(60, 2, 0): 55, (50, 2, 0): 45},
    "transport": {(55, 2, 0): 100},
    "laboratory": {(30, 3, 0): 90, (24, 3, 0): 6, (0, 1, 37): 4},
    "dentist": {(19, 4, 0): 100},
    "midwife": {(21, 5, 0): 100},
    "nurse": {(24, 6, 0): 100},
    "physiotherapist": {(26, 7, 0): 100},
    "podiatrist": {(27, 8, 0): 100},
    "speech_therapist": {(28, 9, 0): 100},
    "orthoptist": {(29, 9, 0): 100},
    "care_at_home": {(24, 6, 0): 55, (26, 7, 0): 45},
    "hospital": {(0, 0, 0): 100},
    "nobody": {(0, 99, 0): 100},
}
"""For each executant of ``acts.csv``, who it can be."""

_ACTIVITIES_IN_ESTABLISHMENT = (0, 19, 24, 30)


def in_establishment(executant: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return the codes of the same executant when an establishment employs it: category 0."""
    activity, _, specialty = executant
    return (activity if activity in _ACTIVITIES_IN_ESTABLISHMENT else 0, 0, specialty)


class Prescriber(NamedTuple):
    """A prescriber: ``PSP_ACT_SNDS``, ``PSP_ACT_CAT``, ``PSP_SPE_SNDS``, ``PSP_STJ_SNDS``, and which region is known.

    Attributes:
        own_region: the region of a self-employed prescriber, ``PRE_INS_REG``, is known.
        establishment: the establishment of the prescriber, ``ETP_*``, is known.
    """

    activity: int
    category: int
    specialty: int
    status: int
    own_region: bool
    establishment: bool


_SPECIALTIES = {1: 800, 15: 55, 7: 40, 11: 35, 3: 35, 5: 15, 33: 10, 12: 10}
_HOSPITAL_SPECIALTIES = {0: 390, 1: 430, 4: 40, 6: 30, 3: 30, 15: 30, 7: 20, 12: 15, 32: 15}
_OWN_PRACTICE = {Prescriber(0, 1, specialty, 1, True, False): w for specialty, w in _SPECIALTIES.items()}
_EMPLOYED = {Prescriber(0, 0, specialty, 2, False, True): w for specialty, w in _HOSPITAL_SPECIALTIES.items()}
_BOTH = Prescriber(0, 1, 1, 1, True, True)
_DENTIST = Prescriber(19, 4, 0, 1, True, False)
_MIDWIFE = Prescriber(21, 5, 0, 1, True, False)
_NOBODY = Prescriber(0, 99, 0, 9, False, False)
_FICTITIOUS = Prescriber(0, 99, 0, 8, False, False)

PRESCRIBERS: tuple[Prescriber, ...] = (
    *_OWN_PRACTICE, *_EMPLOYED, _BOTH, _DENTIST, _MIDWIFE, _NOBODY, _FICTITIOUS,
)  # fmt: skip


def prescriber_weights(executant: str, *, in_establishment: bool) -> list[int]:
    """Return the weights of ``PRESCRIBERS`` for a kind of executant, in an establishment or not.

    A row has either a self-employed prescriber (half of the rows), or one in an establishment (44 %), or none (7 %).
    """
    own, employed, nobody, fictitious, both = (90, 880, 20, 5, 5) if in_establishment else (593, 330, 54, 18, 5)
    weights = {who: own * w for who, w in _OWN_PRACTICE.items()} | {who: employed * w for who, w in _EMPLOYED.items()}
    if executant in ("dentist", "midwife") and not in_establishment:
        itself = _DENTIST if executant == "dentist" else _MIDWIFE
        weights = {itself: 920_000}
        nobody, fictitious, both = 60, 20, 0
    weights |= {_NOBODY: nobody * 1000, _FICTITIOUS: fictitious * 1000, _BOTH: both * 1000}
    return [weights.get(who, 0) for who in PRESCRIBERS]


PRESCRIBER_CATEGORIES: dict[int, int] = {
    1102: 42, 1101: 19, 2206: 12, 1110: 9, 1107: 5, 1103: 3, 1205: 2, 1108: 2, 1106: 2, 1201: 1, 1111: 1, 4401: 1,
    1104: 1,
}  # fmt: skip
"""Weights of ``ETP_CAT_SNDS`` when the prescriber's establishment is known."""
