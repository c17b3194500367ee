"""Which lessons can run on this machine, what is missing, and how large should their data be: ``course doctor``."""

from __future__ import annotations

import html
import platform
import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Literal

from course.files import expanded, make_folder
from course.measure.readers import usable_cores
from course.requirements import LessonCheck, Package, distribution, lessons_without, packages
from course.shipped import install_command
from course.size import format_size

TRIED = ("3.11", "3.13", "3.14")  # the lessons ran on these, on Linux
# an extra named like a lesson is what that lesson needs
EXTRAS = {
    "cluster": "for the lesson on a cluster",
    "publish": "to publish pages",
    "s3": "to read S3",
    "test": "to test the course",
}
# what the doctor tells to type: no line is broken there
COMMANDS = re.compile(
    r"(?:\S+ -m |uv )?pip install (?:--python \S+ )?\S+|python -m ipykernel install --sys-prefix"
    r"|course\.month_file\(.*?\)"
)
LEAST_MEMORY = 2 * 2**30  # no lesson takes more than 2 GB: see CONTRIBUTING
# measured when the lesson on arrays held, with what the others leave, 1.8 GiB for a while; what stays is under 400 MiB
LEAST_DISK = 2**31
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

    @property
    def text(self) -> str:
        """What was found, and what to do."""
        return f"{self.found}: {self.advice}" if self.advice else self.found


@dataclass(frozen=True, repr=False)
class Diagnosis:
    """The doctor's answer, which a notebook shows as a list, and the month to generate on this machine."""

    checks: tuple[Check, ...]
    data_size: DataSize
    packages: tuple[Package, ...]
    lessons: tuple[LessonCheck, ...]

    @property
    def problems(self) -> tuple[Check, ...]:
        """The checks that keep lessons from running, and that can be mended."""
        return tuple(check for check in self.checks if check.status == "problem")

    @property
    def can_run(self) -> bool:
        """Whether nothing that can be mended keeps the lessons from running, what is optional apart."""
        return not self.problems

    @property
    def verdict(self) -> str:
        """One line: which lessons can run, what the others need, and what to do."""
        problems = (f"{check.name} ({check.found}): {check.advice}" for check in self.problems)
        return "; ".join([self._summary, *problems]).replace("cannot run here;", "cannot run here:", 1)

    @property
    def _summary(self) -> str:
        running = [one.name for one in self.lessons if one.can_run]
        if not running:
            return "the lessons cannot run here"
        lacking: dict[str, list[str]] = {}
        for one in self.lessons:
            lacking.setdefault(listed(one.missing), []).append(one.name)
        wants = [f"{numbers(names)} need{'s' * (len(names) == 1)} {what}" for what, names in lacking.items() if what]
        return "; ".join([f"lesson{'s' * (len(running) > 1)} {numbers(running)} can run here", *wants])

    def lines(self, width: int | None = None) -> list[str]:
        """Return what the doctor says, folded to a width in characters; whole lines if it is None."""
        done = self.can_run and all(one.can_run for one in self.lessons)
        said = [f"data size: {self.data_size}", self._summary + "; what to do is said above" * (not done)]
        rows = [(one.name, one.status, one.text) for one in self.checks]
        return [*aligned(rows, width), *(line for text in said for line in aligned([(text,)], width))]

    def __repr__(self) -> str:
        return "\n".join(self.lines())

    def _repr_html_(self) -> str:
        # a list and no table: decks and papers leave out the columns that are too wide
        rows = (f"<li><b>{one.name}</b> ({one.status}): {html.escape(one.text)}</li>" for one in self.checks)
        size, said = html.escape(str(self.data_size)), html.escape(self._summary)
        return f"<ul>{''.join(rows)}</ul><p><b>Data size</b>: {size}.</p><p>{said[0].upper()}{said[1:]}.</p>"

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as dictionaries, lists, texts and numbers (sizes in bytes)."""
        known = {"can_run": self.can_run, **asdict(self)}
        known["data_size"] |= {"fits_in_memory": self.data_size.fits_in_memory, "advice": str(self.data_size)}
        return known


def aligned(rows: Sequence[tuple[str, ...]], width: int | None = None) -> list[str]:
    """Return lines of columns, of which the last is folded to a width in characters; no word or command is broken."""
    widths = [max(map(len, column)) for column in list(zip(*rows, strict=True))[:-1]]
    lines = []
    for row in rows:
        start = "".join(f"{text:<{one}}  " for text, one in zip(row[:-1], widths, strict=True))
        text = COMMANDS.sub(lambda found: found[0].replace(" ", "\0"), row[-1])
        room = (width or sys.maxsize) - len(start)
        # a terminal too narrow for columns breaks its lines itself
        folded = textwrap.wrap(text, max(room, 20), break_long_words=False, break_on_hyphens=False) or [""]
        lines += [(" " * len(start) if at else start) + line.replace("\0", " ") for at, line in enumerate(folded)]
    return lines


def numbers(lessons: Iterable[str]) -> str:
    """Return the numbers of some lessons as people say them: ``00 to 06, 08 and 11``."""
    places = enumerate(sorted(name[:2] for name in lessons))
    runs = [[name for _, name in run] for _, run in groupby(places, lambda place: int(place[1]) - place[0])]
    return listed([text for run in runs for text in (run if len(run) < 3 else [f"{run[0]} to {run[-1]}"])])


def listed(texts: Sequence[str]) -> str:
    """Return some texts as a list in a sentence: ``a, b and c``."""
    return " and ".join([text for text in (", ".join(texts[:-1]), *texts[-1:]) if text])


def doctor(folder: Path | str = "data") -> Diagnosis:
    """Look at Python, the packages, memory, disk and kernel; say which lessons can run, what is missing, what to do.

    Args:
        folder: where the data of the lessons go; made if it is missing.

    Returns:
        The checks, whether the lessons can run (``can_run``) and the month to generate here (``data_size``).

    Raises:
        MissingDependencyError: the course is not installed, so that nobody knows what it needs.
    """
    folder = expanded(folder)
    total, available = memory()
    found = packages(distribution().requires or [])
    lacks = lessons_without(found)
    refusal = write_error(folder)
    place = next(one for one in (folder.absolute(), *folder.absolute().parents) if one.is_dir())
    free = shutil.disk_usage(place).free
    checks = (
        _check_python(),
        *_check_packages(found, lacks),
        *_check_memory(total, available),
        _check("data folder", refusal and f"{folder}: {refusal}", f"{folder}, can be written",
               "choose a folder where you may write, with BIGDATA_COURSE_DATA, or change its permissions"),
        _check_size("free disk", free, LEAST_DISK, "free some space, or choose a folder on another disk"),
        _check("Jupyter kernel", "" if kernels() else "none runs this Python", ", ".join(kernels()),
               "python -m ipykernel install --sys-prefix, with the Python of the course"),
    )  # fmt: skip
    blocked = {one.name for one in checks if one.status == "problem"} - {one.name for one in found}
    lessons = tuple(replace(one, can_run=not (one.missing or blocked)) for one in lacks)
    return Diagnosis(checks, advise(total, free), found, lessons)


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
    yield Check("cores", "ok", str(usable_cores()))


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


def _check_python() -> Check:
    from packaging.specifiers import SpecifierSet

    python, wanted = platform.python_version(), str(distribution().metadata["Requires-Python"])
    if not SpecifierSet(wanted).contains(python, prereleases=True):
        return Check("Python", "problem", python, f"install Python {wanted}, then {install_command()}")
    if python.rpartition(".")[0] in TRIED and platform.system() == "Linux":
        return Check("Python", "ok", f"{python}, on which the lessons were tried")
    return Check("Python", "ok", f"{python}, not tried: the lessons were on {listed(TRIED)}, on Linux")


def _check_packages(found: Sequence[Package], lessons: Sequence[LessonCheck]) -> Iterator[Check]:
    base = [one for one in found if one.group == "lessons"]
    if all(one.is_right for one in base if one.applies):
        yield Check("packages", "ok", f"all {sum(one.applies for one in base)} that the lessons need")
    for one in base:
        if not one.is_missing:
            continue
        needing = [lesson.name for lesson in lessons if one.name in lesson.missing]
        skipping = [lesson.name for lesson in lessons if one.name in lesson.skipped]
        told = [f"{numbers(needing)} cannot run without it"] * bool(needing)
        told += [f"{numbers(skipping)} can, but for the cells that need it"] * bool(skipping)
        get = f"get {one.name}{one.wanted}: {install_command()}"
        told += [get if one.applies else "none is made for this Python and system"]
        yield Check(one.name, "problem" if needing and one.applies else "optional", one.installed or "absent",
                    "; ".join(told))  # fmt: skip
    for extra in dict.fromkeys(one.group for one in found if one.group != "lessons"):
        right = {one.name: one.is_right for one in found if one.group == extra and one.applies}
        lacking = [name for name in right if not right[name]]
        few = listed(lacking) if len(lacking) < 4 else f"{len(lacking)} of {len(right)} packages"
        here = f"{few} absent or old" if len(lacking) < len(right) else "not installed"
        use = EXTRAS.get(extra, "if you want it")
        yield (Check(f"extra {extra}", "optional", here, f"{use}, {install_command(extra)}") if lacking else
               Check(f"extra {extra}", "ok", f"complete, {use}"))  # fmt: skip


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
