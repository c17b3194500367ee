"""What the doctor says: checks, whether the lessons can run, and how large the data should be."""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from course.diagnosis.data_size import DataSize
    from course.diagnosis.packages import Package

Status = Literal["ok", "optional", "problem"]


@dataclass(frozen=True)
class Check:
    """One thing the doctor looked at.

    Attributes:
        name: of what.
        status: ``problem`` keeps the lessons from running; ``optional`` is missing and can stay so.
        found: what is there.
        advice: what to do, in one line; empty if nothing.
    """

    name: str
    status: Status
    found: str
    advice: str = ""


@dataclass(frozen=True, repr=False)
class Diagnosis:
    """The doctor's answer, which a notebook shows as a table.

    Attributes:
        checks: in the order in which they are shown.
        data_size: the month to generate on this machine.
        packages: every package the course asks for, and its version here.
    """

    checks: tuple[Check, ...]
    data_size: DataSize
    packages: tuple[Package, ...]

    @property
    def problems(self) -> tuple[Check, ...]:
        """The checks that keep the lessons from running."""
        return tuple(check for check in self.checks if check.status == "problem")

    @property
    def can_run(self) -> bool:
        """Whether the lessons can run here."""
        return not self.problems

    @property
    def verdict(self) -> str:
        """One line: whether the lessons can run, or what keeps them from it."""
        if self.can_run:
            return "the lessons can run here"
        return "the lessons cannot run here: " + "; ".join(
            f"{check.name} ({check.found}): {check.advice}" for check in self.problems
        )

    @property
    def _conclusion(self) -> str:
        return self.verdict if self.can_run else "the lessons cannot run here: what to do is said above"

    def __repr__(self) -> str:
        names, statuses = (
            max(len(word) for word in words)
            for words in zip(*((check.name, check.status) for check in self.checks), strict=True)
        )
        lines = [
            f"{check.name:<{names}}  {check.status:<{statuses}}  {check.found}{check.advice and f': {check.advice}'}"
            for check in self.checks
        ]
        return "\n".join([*lines, f"data size: {self.data_size}", self._conclusion])

    def _repr_html_(self) -> str:
        heads = _cells("th", ("check", "status", "found", "what to do"))
        rows = "".join(
            f"<tr>{_cells('td', (check.name, check.status, check.found, check.advice))}</tr>" for check in self.checks
        )
        return (
            f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
            f"<p><b>Data size</b>: {html.escape(str(self.data_size))}.</p><p>{self._conclusion.capitalize()}.</p>"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as dictionaries, lists, texts and numbers (sizes in bytes)."""
        size = self.data_size
        return {
            "can_run": self.can_run,
            "checks": [asdict(check) for check in self.checks],
            "data_size": {**asdict(size), "fits_in_memory": size.fits_in_memory, "advice": str(size)},
            "packages": [asdict(package) for package in self.packages],
        }


def _cells(tag: str, texts: Iterable[str]) -> str:
    return "".join(f'<{tag} style="text-align: left">{html.escape(text)}</{tag}>' for text in texts)
