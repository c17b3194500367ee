"""What the course needs of this Python, what is there, and which lessons can run with it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import metadata

from course.errors import MissingDependencyError
from course.shipped import DISTRIBUTION, shipped_lessons

# what only the lessons that name it need; without another package no lesson can run
OF_LESSONS = set(str.split("bcolz blosc2 dask distributed h5py icechunk polars scipy sklearn zarr zodb"))


@dataclass(frozen=True)
class Package:
    """A package the course asks for, and the version that is there."""

    name: str
    wanted: str  # the versions that will do, such as ``>=2.2``; empty if any will
    installed: str | None
    group: str  # ``lessons``, or the extra that asks for it
    applies: bool  # whether it exists for this Python and this system; the lessons do without one that does not
    is_right: bool  # whether the installed version is one of those wanted

    @property
    def is_missing(self) -> bool:
        """Whether a lesson that needs it lacks it."""
        return not self.is_right if self.applies else self.installed is None

    @property
    def modules(self) -> set[str]:
        """The names that its module may have, in lower case: bcolz of bcolz-zipline, sklearn of scikit-learn."""
        name = self.name.lower()
        return {name.replace("-", "_"), name.partition("-")[0], name.replace("scikit-", "sk")}


def distribution() -> metadata.Distribution:
    """Return the installed course; raises MissingDependencyError if there is none."""
    try:
        return metadata.distribution(DISTRIBUTION)
    except metadata.PackageNotFoundError as error:
        raise MissingDependencyError(f"{DISTRIBUTION} is not installed; in its folder: pip install -e .") from error


def installed_version(name: str) -> str | None:
    """Return the version of an installed package, or None."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def packages(requirements: Iterable[str]) -> tuple[Package, ...]:
    """Return what is installed of some requirements, one package per name and group, in alphabetical order.

    Args:
        requirements: as PEP 508 writes them, ``numpy>=2.2; extra == "test"``.
    """
    from packaging.requirements import Requirement

    found: dict[tuple[str, str], Package] = {}
    for one in map(Requirement, requirements):
        extra = re.search(r"extra == [\"']([^\"']+)[\"']", str(one.marker))
        names = ["", extra[1]] if extra else [""]
        holds = [one.marker is None or one.marker.evaluate({"extra": name}) for name in names]
        group = "lessons" if holds[0] or extra is None else extra[1]
        known = found.get((group, one.name))
        # a package may be asked for on several lines, one for each Python; and an extra may take another one in
        if one.name != DISTRIBUTION and (known is None or not known.applies):
            version = installed_version(one.name)
            is_right = version is not None and one.specifier.contains(version, prereleases=True)
            found[group, one.name] = Package(one.name, str(one.specifier), version, group, any(holds), is_right)
    return tuple(sorted(found.values(), key=lambda one: (one.group, one.name.lower())))


@dataclass(frozen=True)
class LessonCheck:
    """Whether a lesson can run, the packages that it lacks for that, and those whose part of it is skipped."""

    name: str
    can_run: bool
    missing: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()


def lessons_without(found: Sequence[Package]) -> tuple[LessonCheck, ...]:
    """Return of each lesson what it lacks of some packages; a cell tagged ``needs-NAME`` is skipped without NAME."""
    missing = [one for one in found if one.is_missing]
    checks = []
    for path in shipped_lessons():
        cells = [one for one in json.loads(path.read_text(encoding="utf-8"))["cells"] if one["cell_type"] == "code"]
        parts = {tag.removeprefix("needs-").lower() for cell in cells for tag in cell["metadata"].get("tags", [])}
        words = {word.lower() for cell in cells for word in re.findall(r"[^\W\d_]\w*", "".join(cell["source"]))}
        skipped = {one.name for one in missing if one.modules & parts}
        # an extra that is named like the lesson
        here = [one for one in missing if one.group in {"lessons", path.stem[3:]} and one.name not in skipped]
        needed = [one.name for one in here if (one.modules & words if one.modules & OF_LESSONS else one.applies)]
        checks.append(LessonCheck(path.stem, not needed, tuple(needed), tuple(sorted(skipped))))
    return tuple(checks)
