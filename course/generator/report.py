"""What is known of a generated month: its size, and the exact answer to the question, kept in a small JSON file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from course.files import replacing

GENERATOR = 1
"""Changes when the same request no longer gives the same rows."""


@dataclass(frozen=True)
class MonthReport:
    """A generated month.

    Attributes:
        path: the file.
        format: its suffix, ``.csv``, ``.csv.gz`` or ``.parquet``.
        rows: number of rows, the header not counted.
        size_bytes: bytes of the file on disk.
        seed: the seed its rows come from.
        rows_by_age: number of rows for each ``AGE_BEN_SNDS``.
        cents_by_age: exact sum of ``PRS_REM_MNT`` for each ``AGE_BEN_SNDS``, in cents.
        seconds: wall time taken to make it, 0 if it was already there.
    """

    path: Path
    format: str
    rows: int
    size_bytes: int
    seed: int
    rows_by_age: dict[int, int]
    cents_by_age: dict[int, int]
    seconds: float = 0.0

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
    )
