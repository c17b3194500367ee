"""The exact answer to the question, known beforehand: of the extract as published, and of each generated month.

Source of the extract's: the outputs printed by the public lesson "Données volumineuses", which read it. That of a
month is kept in a small JSON file beside it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from course.files import replacing

SMALL_NAME = "A201612_small.csv"

SMALL_ROWS = 99_999

FIRST_ROWS = """\
201612;76;20;76;9;1;1;0;1101;76;1;76;1101;9;3;0;2;1;1;0;46;46;46;2;1;1;46;0;46;2016;12;40;0;0;9;99;1;99;9;1117;1;100;99;3;99;0;0;14;2;99;0;0;1;2;9;
201612;28;30;28;9;1;2;0;9999;99;99;24;1102;9;99;0;1;5;1;0;.51;.51;.51;1;5;1;.51;0;.51;2016;12;10;0;0;9;99;9;99;9;3380;2;100;99;31;28;50;2;0;1;99;0;0;6;2;9;
201612;27;60;93;9;2;1;0;9999;99;99;99;9999;9;99;8;1;;1;0;0;0;-.5;1;;1;0;0;-.5;2016;12;10;0;0;9;99;9;99;9;1972;2;100;99;31;93;50;2;0;9;93;0;1;1;9;9;
201612;32;40;32;9;2;2;0;9999;99;99;99;9999;9;99;0;2;2;2;0;46;46;32.2;2;2;2;46;0;32.2;2016;12;10;0;0;9;99;9;99;9;1111;2;70;99;10;32;0;1;1;1;32;0;1;1;1;9;
201612;32;30;32;9;1;2;0;2206;32;6;32;2206;9;36;0;1;1;1;0;23;23;23;1;1;1;23;0;23;2016;12;10;0;0;9;99;0;99;9;1111;2;100;99;31;99;19;0;0;2;99;0;0;1;2;9;
""".splitlines()
"""The first five rows, as text."""

FIRST_ROWS_AGE_AND_CENTS: tuple[tuple[int, int], ...] = ((20, 4600), (30, 51), (60, -50), (40, 3220), (30, 2300))
"""``AGE_BEN_SNDS`` and ``PRS_REM_MNT`` (in cents) of the first five rows."""

ROWS_BY_AGE: dict[int, int] = {
    0: 10_424, 20: 10_948, 30: 10_871, 40: 11_963, 50: 14_475, 60: 15_662, 70: 13_220, 80: 12_281, 99: 155,
}  # fmt: skip

CENTS_BY_AGE: dict[int, int] = {
    0: 260_734_516, 20: 171_489_446, 30: 337_800_146, 40: 327_110_813, 50: 501_147_559, 60: 602_679_272,
    70: 428_327_772, 80: 418_156_536, 99: 1_901_533,
}  # fmt: skip
"""Sum of ``PRS_REM_MNT`` by ``AGE_BEN_SNDS``, in cents."""


GENERATOR = 1
"""Changes when the same request no longer gives the same rows."""


@dataclass(frozen=True)
class Block:
    """Rows ready to be written, and what is known of them; sums are in cents."""

    content: Any  # what the format's sink takes
    rows: int
    rows_by_age: dict[int, int]
    cents_by_age: dict[int, int]


@dataclass(frozen=True)
class MonthReport:
    """A generated month, or the first rows of a real one.

    Attributes:
        path: the file.
        format: its suffix, ``.csv``, ``.csv.gz`` or ``.parquet``.
        rows: number of rows, the header not counted.
        size_bytes: bytes of the file on disk.
        seed: the seed its rows come from, 0 if they are real.
        rows_by_age: number of rows for each ``AGE_BEN_SNDS``.
        cents_by_age: exact sum of ``PRS_REM_MNT`` for each ``AGE_BEN_SNDS``, in cents.
        seconds: wall time taken to make it, 0 if it was already there.
        source: the real month that its rows come from, empty if they are generated.
        is_whole: whether these are all the rows of the real month.
    """

    path: Path
    format: str
    rows: int
    size_bytes: int
    seed: int
    rows_by_age: dict[int, int]
    cents_by_age: dict[int, int]
    seconds: float = 0.0
    source: str = ""
    is_whole: bool = False

    @property
    def answer(self) -> dict[int, Decimal]:
        """The exact sum of ``PRS_REM_MNT`` for each ``AGE_BEN_SNDS``, in euros."""
        return {age: Decimal(cents).scaleb(-2) for age, cents in self.cents_by_age.items()}


def report_path(path: Path) -> Path:
    """Return where the report of a month is kept: beside it, ``.json`` added to its name."""
    return path.with_name(f"{path.name}.json")


def write_report(report: MonthReport) -> None:
    """Write the report beside its file.

    Raises:
        OutputError: it cannot be written.
    """
    known = {
        "file": report.path.name,
        "format": report.format,
        "generator": GENERATOR,
        "seed": report.seed,
        "rows": report.rows,
        "bytes": report.size_bytes,
        **({"source": report.source, "whole": report.is_whole} if report.source else {}),
        "PRS_REM_MNT by AGE_BEN_SNDS": {
            str(age): {"rows": report.rows_by_age[age], "sum": str(total)} for age, total in report.answer.items()
        },
    }
    with replacing(report_path(report.path)) as temporary:
        temporary.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8", newline="\n")


def read_report(path: Path) -> MonthReport | None:
    """Return the report of a month, or None if one of the files is missing, or they do not agree."""
    if not (path.is_file() and report_path(path).is_file()):
        return None
    try:
        known = json.loads(report_path(path).read_text(encoding="utf-8"))
        report = _report(path, known) if known["generator"] == GENERATOR else None
    except (KeyError, TypeError, ValueError):
        return None
    return report if report is not None and report.size_bytes == path.stat().st_size else None


def _report(path: Path, known: dict[str, Any]) -> MonthReport:
    by_age = {int(age): found for age, found in known["PRS_REM_MNT by AGE_BEN_SNDS"].items()}
    return MonthReport(
        path=path,
        format=known["format"],
        rows=known["rows"],
        size_bytes=known["bytes"],
        seed=known["seed"],
        rows_by_age={age: found["rows"] for age, found in by_age.items()},
        cents_by_age={age: int(Decimal(found["sum"]).scaleb(2)) for age, found in by_age.items()},
        source=known.get("source", ""),
        is_whole=known.get("whole", False),
    )
