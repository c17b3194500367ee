"""The packages that the course declares, and what is installed of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING

from course.errors import MissingDependencyError

if TYPE_CHECKING:
    from packaging.requirements import Requirement

DISTRIBUTION = "bigdata-course"


@dataclass(frozen=True)
class Package:
    """A package the course asks for.

    Attributes:
        name: as the course writes it.
        wanted: the versions that will do, such as ``>=2.2``; empty if any will.
        installed: the version that is there, or None.
        group: ``lessons``, or the extra that asks for it.
        applies: whether it exists for this Python and this system; the lessons do without one that does not.
        is_right: whether the installed version is one of those wanted.
    """

    name: str
    wanted: str
    installed: str | None
    group: str
    applies: bool
    is_right: bool


def installed_version(name: str) -> str | None:
    """Return the version of an installed package, or None."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def declared_requirements() -> list[str]:
    """Return the requirements of the course, as its installation recorded them, and those of the extras it asks for.

    Raises:
        MissingDependencyError: the course itself is not installed.
    """
    declared = _distribution().requires or []
    return [*declared, *(found for one in declared for found in _of_extras(one))]


def _of_extras(text: str) -> Iterator[str]:
    """Yield what ``dask[distributed]`` needs beside dask itself."""
    from packaging.requirements import Requirement

    requirement = Requirement(text)
    if requirement.marker is not None or installed_version(requirement.name) is None:
        return
    for found in map(Requirement, metadata.requires(requirement.name) or []):
        extras = [extra for extra in requirement.extras if found.marker and found.marker.evaluate({"extra": extra})]
        if extras and not found.marker.evaluate({"extra": ""}):  # type: ignore[union-attr]
            yield f"{found.name}{found.specifier}"


def declared_python() -> str:
    """Return the versions of Python that will do, such as ``>=3.11,<3.14``.

    Raises:
        MissingDependencyError: the course itself is not installed.
    """
    return str(_distribution().metadata["Requires-Python"])


def _distribution() -> metadata.Distribution:
    try:
        return metadata.distribution(DISTRIBUTION)
    except metadata.PackageNotFoundError as error:
        raise MissingDependencyError(f"{DISTRIBUTION} is not installed; in its folder: pip install -e .") from error


def packages(
    requirements: Iterable[str],
    version_of: Callable[[str], str | None] = installed_version,
    environment: dict[str, str] | None = None,
) -> tuple[Package, ...]:
    """Return what is installed of some requirements, one package per name and group, in alphabetical order.

    Args:
        requirements: as PEP 508 writes them, ``numpy>=2.2; extra == "test"``.
        version_of: the version of a package, None if it is absent.
        environment: values of the markers in place of those of this Python, such as ``{"python_version": "3.13"}``.
    """
    found: dict[tuple[str, str], Package] = {}
    for one in _packages(requirements, version_of, environment or {}):
        # a package may be asked for on several lines, one for each Python
        known = found.get((one.group, one.name))
        if known is None or not known.applies:
            found[one.group, one.name] = one
    return tuple(sorted(found.values(), key=lambda one: (one.group, one.name.lower())))


def _packages(
    requirements: Iterable[str], version_of: Callable[[str], str | None], environment: dict[str, str]
) -> Iterator[Package]:
    from packaging.requirements import Requirement

    for requirement in map(Requirement, requirements):
        if requirement.name == DISTRIBUTION:
            continue  # an extra that takes another one in
        group, applies = _condition(requirement, environment)
        version = version_of(requirement.name)
        right = version is not None and requirement.specifier.contains(version, prereleases=True)
        yield Package(requirement.name, str(requirement.specifier), version, group, applies, right)


def _condition(requirement: Requirement, environment: dict[str, str]) -> tuple[str, bool]:
    """Return the extra that asks for a requirement, and whether its other conditions hold."""
    if requirement.marker is None:
        return "lessons", True
    if requirement.marker.evaluate({**environment, "extra": ""}):
        return "lessons", True
    extra = re.search(r"extra == [\"']([^\"']+)[\"']", str(requirement.marker))
    if extra is None:
        return "lessons", False
    return extra[1], requirement.marker.evaluate({**environment, "extra": extra[1]})
