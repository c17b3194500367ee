"""Is this machine ready for the lessons, and how large should their data be: ``course doctor``."""

from __future__ import annotations

import html
import os
import platform
import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Literal

from course.errors import MissingDependencyError
from course.files import expanded, make_folder
from course.shipped import install_command
from course.size import format_size

DISTRIBUTION = "bigdata-course"
INSTALL = "make course, or in the folder of the course: pip install -e ."
LEAST_MEMORY = 2 * 2**30  # no lesson takes more than 2 GB: see CONTRIBUTING
LEAST_DISK = 4 * 2**30  # what all the lessons together leave in their data folder, rounded up
# where Linux writes the memory a container may use: control groups 2, then 1
LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
TABLE_BYTES_PER_ROW = 8 * 56  # a month read by pandas without options: 56 columns, the nameless one included
TEXT_BYTES_PER_ROW = 161  # the CSV text of a generated month; 160.6 was measured on 26,749,551 rows
SIZES = tuple(2**power for power in range(28, 37))  # from 256 MiB to 64 GiB
REAL_SIZE = 2**32  # the real months weigh 4 GiB and more: no smaller one is advised where there is room
DISK_SHARE = 2  # a month may take one part in so many of the free disk: the lessons write other forms of it beside


@dataclass(frozen=True)
class Check:
    """One thing the doctor looked at; a ``problem`` keeps the lessons from running, what is ``optional`` can stay so.

    The advice says what to do, in one line; it is empty if there is nothing to do.
    """

    name: str
    status: Literal["ok", "optional", "problem"]
    found: str
    advice: str = ""


@dataclass(frozen=True, repr=False)
class Diagnosis:
    """The doctor's answer, which a notebook shows as a table, and the month to generate on this machine."""

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
        problems = (f"{check.name} ({check.found}): {check.advice}" for check in self.problems)
        return "the lessons can run here" if self.can_run else f"the lessons cannot run here: {'; '.join(problems)}"

    @property
    def _conclusion(self) -> str:
        return self.verdict if self.can_run else "the lessons cannot run here: what to do is said above"

    def __repr__(self) -> str:
        names = max(len(check.name) for check in self.checks)
        statuses = max(len(check.status) for check in self.checks)
        lines = [
            f"{check.name:<{names}}  {check.status:<{statuses}}  {check.found}{check.advice and f': {check.advice}'}"
            for check in self.checks
        ]
        return "\n".join([*lines, f"data size: {self.data_size}", self._conclusion])

    def _repr_html_(self) -> str:
        def row(tag: str, *texts: str) -> str:
            cells = (f'<{tag} style="text-align: left">{html.escape(text)}</{tag}>' for text in texts)
            return f"<tr>{''.join(cells)}</tr>"

        rows = (row("td", check.name, check.status, check.found, check.advice) for check in self.checks)
        return (
            f"<table><thead>{row('th', 'check', 'status', 'found', 'what to do')}</thead>"
            f"<tbody>{''.join(rows)}</tbody></table>"
            f"<p><b>Data size</b>: {html.escape(str(self.data_size))}.</p><p>{self._conclusion.capitalize()}.</p>"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as dictionaries, lists, texts and numbers (sizes in bytes)."""
        known = {"can_run": self.can_run, **asdict(self)}
        known["data_size"] |= {"fits_in_memory": self.data_size.fits_in_memory, "advice": str(self.data_size)}
        return known


def doctor(folder: Path | str = "data") -> Diagnosis:
    """Look at Python, the packages, memory, disk and kernel; say what is missing and what to do.

    Args:
        folder: where the data of the lessons go; made if it is missing.

    Returns:
        The checks, whether the lessons can run (``can_run``) and the month to generate here (``data_size``).

    Raises:
        MissingDependencyError: the course is not installed, so that nobody knows what it needs.
    """
    folder = expanded(folder)
    total, available = memory()
    found = packages(_distribution().requires or [])
    refusal = write_error(folder)
    place = next(one for one in (folder.absolute(), *folder.absolute().parents) if one.is_dir())
    free = shutil.disk_usage(place).free
    checks = (
        *_check_packages(found),
        *_check_memory(total, available),
        _check("data folder", refusal and f"{folder}: {refusal}", f"{folder}, can be written",
               "choose a folder where you may write, with BIGDATA_COURSE_DATA, or change its permissions"),
        _check_size("free disk", free, LEAST_DISK, "free some space, or choose a folder on another disk"),
        _check("Jupyter kernel", "" if kernels() else "none runs this Python", ", ".join(kernels()),
               "python -m ipykernel install --sys-prefix, with the Python of the course"),
    )  # fmt: skip
    return Diagnosis(checks, advise(total, free), found)


def _check(name: str, wrong: str, right: str, advice: str) -> Check:
    """Return the check of what the lessons need: ``wrong`` says what is not as it should be."""
    return Check(name, "problem", wrong, advice) if wrong else Check(name, "ok", right)


def _check_size(name: str, size_bytes: int, least: int, advice: str) -> Check:
    size = format_size(size_bytes)
    return _check(name, size if size_bytes < least else "", size, f"{advice}: the lessons need {format_size(least)}")


def _check_memory(total: int, available: int) -> Iterator[Check]:
    yield _check_size("memory", total, LEAST_MEMORY, "run the lessons on a machine with more memory")
    if available < LEAST_MEMORY <= total:
        advice = f"close other programs: a lesson takes up to {format_size(LEAST_MEMORY)}"
        yield Check("free memory", "optional", f"{format_size(available)} of it free", advice)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    yield Check("cores", "ok", str(cores))


def memory() -> tuple[int, int]:
    """Return the bytes that this process may use, those of its container if there is one, and how many are free."""
    import psutil

    machine = psutil.virtual_memory()
    limit = min(machine.total, *map(read_limit, map(Path, LIMITS)))
    return limit, min(limit, machine.available)


def read_limit(path: Path) -> int:
    """Return the number of bytes a file of a control group allows; a very large one where there is no limit."""
    try:
        text = path.read_text(encoding="ascii").strip()
    except OSError:
        return sys.maxsize
    return int(text) if text.isdecimal() else sys.maxsize


def write_error(folder: Path) -> str:
    """Return why a file cannot be written in a folder, which is made if it is missing; nothing if one can."""
    try:
        make_folder(folder)
        with TemporaryFile(dir=folder) as file:
            file.write(b"doctor")
    except OSError as error:
        # the course's own errors say why in what they were raised from
        causes = (error.__cause__, error)
        return next((cause.strerror for cause in causes if isinstance(cause, OSError) and cause.strerror), str(error))
    return ""


def kernels() -> list[str]:
    """Return the kernels whose command starts this Python; another Python lacks the packages found here."""
    try:
        from jupyter_client.kernelspec import KernelSpecManager
    except ImportError:
        return []
    found = KernelSpecManager().get_all_specs()
    return [name for name, one in found.items() if runs_this_python((one["spec"].get("argv") or [""])[0])]


def runs_this_python(program: str) -> bool:
    """Tell whether the command of a kernel starts this Python; Jupyter itself replaces a bare ``python`` by it."""
    generic = {"python", f"python{sys.version_info[0]}", "python{}.{}".format(*sys.version_info[:2])}
    return program in generic or Path(program) == Path(sys.executable)


@dataclass(frozen=True)
class Package:
    """A package the course asks for, and the version that is there."""

    name: str
    wanted: str  # the versions that will do, such as ``>=2.2``; empty if any will
    installed: str | None
    group: str  # ``lessons``, or the extra that asks for it
    applies: bool  # whether it exists for this Python and this system; the lessons do without one that does not
    is_right: bool  # whether the installed version is one of those wanted


def _check_packages(found: tuple[Package, ...]) -> Iterator[Check]:
    from packaging.specifiers import SpecifierSet

    python, wanted = platform.python_version(), str(_distribution().metadata["Requires-Python"])
    is_right = SpecifierSet(wanted).contains(python, prereleases=True)
    yield _check("Python", "" if is_right else python, python, f"install Python {wanted}, then {INSTALL}")
    needed = [one for one in found if one.group == "lessons" and one.applies]
    if all(one.is_right for one in needed):
        yield Check("packages", "ok", f"all {len(needed)} that the lessons need")
    for one in found:
        here = one.installed or "absent"
        if one in needed and not one.is_right:
            yield Check(one.name, "problem", here, f"the course needs {one.name}{one.wanted}; {INSTALL}")
        elif one.group == "lessons" and not one.applies:
            advice = f"there is none for Python {python} on this system: the lesson does without"
            yield Check(one.name, "optional", here, advice)
    for extra in dict.fromkeys(one.group for one in found if one.group != "lessons"):
        right = {one.name: one.is_right for one in found if one.group == extra and one.applies}
        wrong = ", ".join(name for name in right if not right[name])
        if wrong:
            yield Check(f"extra {extra}", "optional", f"{wrong} absent or old", install_command(extra))
        else:
            yield Check(f"extra {extra}", "ok", ", ".join([*right][:3]) + "…" * (len(right) > 3))


def _distribution() -> metadata.Distribution:
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
class DataSize:
    """A month to generate, and the memory of the machine."""

    size_bytes: int  # of its CSV text; 0 if there is no room for one
    rows: int  # about how many that makes
    table_bytes: int  # about what they take in memory, as a pandas table
    memory_bytes: int

    @property
    def fits_in_memory(self) -> bool:
        """Whether pandas could hold the whole month."""
        return self.table_bytes < self.memory_bytes

    def __str__(self) -> str:
        memory = format_size(self.memory_bytes)
        if not self.size_bytes:
            return "keep to the small file: there is no room on the disk for a month"
        month = (
            f'course.month_file("data/A201612.csv", size={self.size_bytes / 2**30:g} * 2**30) makes '
            f"{self.rows / 1e6:,.0f} million rows, {format_size(self.table_bytes)} as a pandas table"
        )
        if self.fits_in_memory:
            return f"{month}: that fits in {memory} of memory, so show what does not with %%memory_cap"
        return f"{month}: that does not fit in {memory} of memory"


def advise(memory_bytes: int, free_bytes: int) -> DataSize:
    """Return the smallest usual month whose table is larger than memory, or the largest that the disk allows."""
    sizes = [data_size(size, memory_bytes) for size in SIZES if size * DISK_SHARE <= free_bytes]
    too_large = [one for one in sizes if one.size_bytes >= REAL_SIZE and not one.fits_in_memory]
    return [*too_large[:1], *sizes[-1:], data_size(0, memory_bytes)][0]


def data_size(size_bytes: int, memory_bytes: int) -> DataSize:
    """Return what a month of some bytes of CSV text takes."""
    rows = size_bytes // TEXT_BYTES_PER_ROW
    return DataSize(size_bytes, rows, rows * TABLE_BYTES_PER_ROW, memory_bytes)
