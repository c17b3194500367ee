"""Look at this machine and say whether the lessons can run on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from course.diagnosis.data_size import advise
from course.diagnosis.diagnosis import Check, Diagnosis
from course.diagnosis.facts import Facts, gather
from course.size import format_size

if TYPE_CHECKING:
    from course.diagnosis.packages import Package

LEAST_MEMORY = 2 * 2**30
"""No lesson takes more than 2 GB: see CONTRIBUTING."""
LEAST_DISK = 4 * 2**30
"""What all the lessons together leave in their data folder, rounded up."""
INSTALL = "make course, or in the folder of the course: pip install -e ."


def doctor(folder: Path | str = "data") -> Diagnosis:
    """Look at Python, the packages, memory, disk, kernel and browser; say what is missing and what to do.

    Args:
        folder: where the data of the lessons go; made if it is missing.

    Returns:
        The checks, whether the lessons can run (``can_run``) and the month to generate here (``data_size``).

    Raises:
        MissingDependencyError: the course is not installed.
    """
    return examine(gather(Path(folder)))


def examine(facts: Facts) -> Diagnosis:
    """Judge some facts; the same facts give the same diagnosis."""
    checks = (*_python(facts), *_packages(facts), *_machine(facts), *_tools(facts))
    return Diagnosis(checks, advise(facts.memory_bytes, facts.free_bytes), facts.packages)


def _python(facts: Facts) -> Iterator[Check]:
    from packaging.specifiers import SpecifierSet

    if SpecifierSet(facts.wanted_python).contains(facts.python, prereleases=True):
        yield Check("Python", "ok", facts.python)
    else:
        yield Check("Python", "problem", facts.python, f"install Python {facts.wanted_python}, then {INSTALL}")


def _packages(facts: Facts) -> Iterator[Check]:
    needed = [one for one in facts.packages if one.group == "lessons" and one.applies]
    wrong = [one for one in needed if not one.is_right]
    if not wrong:
        yield Check("packages", "ok", f"all {len(needed)} that the lessons need")
    for one in wrong:
        yield Check(one.name, "problem", one.installed or "absent", f"the course needs {_wanted(one)}; {INSTALL}")
    yield from _absent_here(facts)
    yield from _extras(facts)


def _wanted(package: Package) -> str:
    return f"{package.name}{package.wanted}"


def _absent_here(facts: Facts) -> Iterator[Check]:
    for one in facts.packages:
        if one.group == "lessons" and not one.applies:
            advice = f"there is none for Python {facts.python} on this system: the lesson does without"
            yield Check(one.name, "optional", one.installed or "absent", advice)


def _extras(facts: Facts) -> Iterator[Check]:
    for extra in dict.fromkeys(one.group for one in facts.packages if one.group != "lessons"):
        wanted = [one for one in facts.packages if one.group == extra and one.applies]
        wrong = [one.name for one in wanted if not one.is_right]
        if wrong:
            advice = f'pip install -e ".[{extra}]"'
            yield Check(f"extra {extra}", "optional", f"{', '.join(wrong)} absent or old", advice)
        else:
            yield Check(f"extra {extra}", "ok", ", ".join(one.name for one in wanted[:3]) + "…" * (len(wanted) > 3))


def _machine(facts: Facts) -> Iterator[Check]:
    yield _at_least("memory", facts.memory_bytes, LEAST_MEMORY, "run the lessons on a machine with more memory")
    if facts.available_bytes < LEAST_MEMORY <= facts.memory_bytes:
        found = f"{format_size(facts.available_bytes)} of it free"
        advice = f"close other programs: a lesson takes up to {format_size(LEAST_MEMORY)}"
        yield Check("free memory", "optional", found, advice)
    yield Check("cores", "ok", str(facts.cores))
    if facts.write_error:
        advice = "choose a folder where you may write, or change its permissions"
        yield Check("data folder", "problem", f"{facts.folder}: {facts.write_error}", advice)
    else:
        yield Check("data folder", "ok", f"{facts.folder}, can be written")
    yield _at_least("free disk", facts.free_bytes, LEAST_DISK, "free some space, or choose a folder on another disk")


def _at_least(name: str, size_bytes: int, least: int, advice: str) -> Check:
    if size_bytes >= least:
        return Check(name, "ok", format_size(size_bytes))
    return Check(name, "problem", format_size(size_bytes), f"{advice}: the lessons need {format_size(least)}")


def _tools(facts: Facts) -> Iterator[Check]:
    if facts.kernels:
        yield Check("Jupyter kernel", "ok", ", ".join(facts.kernels))
    else:
        advice = "python -m ipykernel install --sys-prefix, with the Python of the course"
        yield Check("Jupyter kernel", "problem", "none runs this Python", advice)
    if facts.browser:
        yield Check("browser", "ok", facts.browser)
    else:
        yield Check("browser", "optional", "no Chromium", "only the tests of the pages use it, and they are skipped")
