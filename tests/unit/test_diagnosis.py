"""``course doctor`` says what keeps the lessons from running, what to do, and how large the data should be."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st
from packaging.markers import default_environment

import course
from course.cli import main
from course.diagnosis import LEAST_DISK, LEAST_MEMORY, REAL_SIZE, SIZES, Diagnosis, advise, data_size, kernels, memory
from course.size import format_size

GIB = 2**30
INSTALLED = {"numpy": "2.4.6", "pandas": "3.1.1"}
NEEDED = ["numpy>=2.2", "pandas>=3.0"]
BCOLZ = "bcolz-zipline==1.13.0; python_version < '3.13'"
ICECHUNK = ["icechunk<2,>=1.1; python_version < '3.12'", "icechunk>=1.1; python_version >= '3.12'"]

Diagnose = Callable[..., Diagnosis]


@pytest.fixture
def diagnose(monkeypatch: pytest.MonkeyPatch) -> Diagnose:
    """Ask the doctor about a good machine, but for what is said."""

    def ask(
        *, python: str = "3.12.1", wanted: str = ">=3.11", needed: list[str] = NEEDED, installed: Any = INSTALLED,
        memory: tuple[int, int] = (8 * GIB, 5 * GIB), free: int = 100 * GIB, refusal: str = "",
        kernels: tuple[str, ...] = ("python3",), folder: str = "data",
    ) -> Diagnosis:  # fmt: skip
        monkeypatch.setattr("platform.python_version", lambda: python)
        environment = {**default_environment(), "python_version": python.rpartition(".")[0]}
        monkeypatch.setattr("packaging.markers.default_environment", lambda: environment)
        distribution = SimpleNamespace(metadata={"Requires-Python": wanted}, requires=needed)
        monkeypatch.setattr(metadata, "distribution", lambda _: distribution)
        monkeypatch.setattr("course.needs.installed_version", installed.get)
        monkeypatch.setattr("course.diagnosis.memory", lambda: memory)
        monkeypatch.setattr("course.diagnosis.write_error", lambda _: refusal)
        monkeypatch.setattr("course.diagnosis.kernels", lambda: list(kernels))
        monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=free))
        return course.doctor(folder)

    return ask


def test_a_good_machine_can_run_the_lessons(diagnose: Diagnose) -> None:
    diagnosis = diagnose()
    assert diagnosis.can_run
    assert {check.status for check in diagnosis.checks} == {"ok"}
    assert repr(diagnosis).splitlines()[:2] == [
        "Python          ok  3.12.1",
        "packages        ok  all 2 that the lessons need",
    ]
    assert repr(diagnosis).endswith("\nthe lessons can run here")
    assert json.loads(json.dumps(diagnosis.to_dict()))["data_size"]["size_bytes"] == REAL_SIZE
    assert repr(diagnose()) == repr(diagnosis)


@pytest.mark.parametrize(
    ("changes", "name", "found", "advice"),
    [
        ({"python": "3.10.9"}, "Python", "3.10.9", r"install Python >=3\.11"),
        ({"installed": {**INSTALLED, "numpy": "1.26"}}, "numpy", "1.26", r"numpy>=2\.2; .*pip"),
        ({"installed": {"numpy": "2.4"}}, "pandas", "absent", r"pandas>=3\.0; .*pip"),
        ({"memory": (LEAST_MEMORY - 1, GIB)}, "memory", "2.00 GiB", "more memory: the lessons need 2.00 GiB"),
        ({"free": LEAST_DISK - 1}, "free disk", "4.00 GiB", "free some space"),
        ({"refusal": "Permission denied"}, "data folder", "data: Permission denied", "choose a folder"),
        ({"kernels": ()}, "Jupyter kernel", "none runs this Python", "ipykernel install"),
        ({"needed": [BCOLZ]}, "bcolz-zipline", "absent", "bcolz-zipline==1.13.0"),
    ],
)
def test_what_keeps_the_lessons_from_running_is_a_problem_with_its_cure(
    diagnose: Diagnose, changes: dict[str, object], name: str, found: str, advice: str
) -> None:
    diagnosis = diagnose(**changes)
    (problem,) = diagnosis.problems
    assert not diagnosis.can_run
    assert (problem.name, problem.found) == (name, found)
    assert re.search(advice, problem.advice)
    assert diagnosis.verdict == f"the lessons cannot run here: {name} ({found}): {problem.advice}"
    assert "\n" not in diagnosis.verdict


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"memory": (8 * GIB, GIB)}, "free memory"),
        ({"needed": [*NEEDED, 's3fs>=2025.5; extra == "s3"']}, "extra s3"),
        ({"needed": [*NEEDED, BCOLZ], "python": "3.13.1"}, "bcolz-zipline"),
    ],
)
def test_what_is_optional_does_not_keep_the_lessons_from_running(
    diagnose: Diagnose, changes: dict[str, object], name: str
) -> None:
    diagnosis = diagnose(**changes)
    assert diagnosis.can_run
    assert [check.name for check in diagnosis.checks if check.status == "optional"] == [name]


@pytest.mark.parametrize(("python", "right"), [("3.11.1", False), ("3.12.1", True)])
def test_of_two_lines_for_one_package_that_of_this_python_counts(diagnose: Diagnose, python: str, right: bool) -> None:
    for lines in (ICECHUNK, ICECHUNK[::-1]):
        (package,) = diagnose(python=python, needed=lines, installed={"icechunk": "2.0"}).packages
        assert (package.applies, package.is_right, package.group) == (True, right, "lessons")


def test_the_packages_are_those_of_the_distribution(tmp_path: Path) -> None:
    found = {(one.group, one.name): one for one in course.doctor(tmp_path).packages}
    assert found["lessons", "pandas"].installed == metadata.version("pandas")
    assert found["lessons", "distributed"].is_right
    assert found["test", "pytest"].is_right


@given(memory=st.integers(GIB, 256 * GIB), free=st.integers(0, 1000 * GIB))
def test_the_month_advised_goes_on_the_disk_and_not_in_memory_if_that_can_be(memory: int, free: int) -> None:
    advised = advise(memory, free)
    assert advised.size_bytes * 2 <= free
    if advised.fits_in_memory:
        # then no size would do
        too_large = [size for size in SIZES if not data_size(size, memory).fits_in_memory and size >= REAL_SIZE]
        assert all(size * 2 > free for size in too_large)
        assert "that fits in" in str(advised) or advised.size_bytes == 0
    else:
        assert f"does not fit in {format_size(memory)}" in str(advised)


def test_the_advice_is_a_call_that_makes_that_month() -> None:
    assert advise(8 * GIB, 100 * GIB).size_bytes == REAL_SIZE
    text = str(advise(8 * GIB, 100 * GIB))
    assert text.startswith('course.month_file("data/A201612.csv", size=4 * 2**30) makes 27 million rows, 11.1 GiB')
    assert "%%memory_cap" in str(advise(8 * GIB, GIB))
    assert "size=0.5 * 2**30" in str(advise(8 * GIB, GIB))
    assert "keep to the small file" in str(advise(8 * GIB, GIB // 4))


def test_the_size_of_a_month_is_that_of_the_generator_and_of_pandas(tmp_path: Path) -> None:
    import pandas as pd

    report = course.month_file(tmp_path / "month.csv", rows=20_000)
    foreseen = data_size(report.size_bytes, GIB)
    table = pd.read_csv(report.path, sep=";")
    assert abs(foreseen.rows / report.rows - 1) < 0.02
    assert abs(foreseen.table_bytes / table.memory_usage(index=False).sum() - 1) < 0.02


def test_a_notebook_shows_a_table_with_a_row_per_check_and_nothing_unescaped(diagnose: Diagnose) -> None:
    diagnosis = diagnose(folder="<b>data", refusal="<i>no")
    shown = BeautifulSoup(diagnosis._repr_html_(), "html.parser")
    assert len(shown.find_all("tr")) == len(diagnosis.checks) + 1
    assert {tag.name for tag in shown.find_all()} == {"table", "thead", "tbody", "tr", "th", "td", "p", "b"}
    assert "<b>data: <i>no" in [cell.text for cell in shown.find_all("td")]


@pytest.mark.parametrize(("text", "limit"), [("max\n", None), ("", None), ("1073741824\n", GIB)])
def test_a_memory_limit_of_a_container_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, limit: int | None
) -> None:
    (tmp_path / "memory.max").write_text(text, encoding="ascii")
    monkeypatch.setattr("course.diagnosis.LIMITS", (str(tmp_path / "absent"), str(tmp_path / "memory.max")))
    assert memory()[1] <= memory()[0] == (limit or psutil.virtual_memory().total)


def test_a_kernel_of_another_python_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    commands = {"this": [sys.executable], "bare": ["python"], "other": ["/opt/elsewhere/bin/python3"], "none": []}
    specs = {name: {"spec": {"argv": command}} for name, command in commands.items()}
    monkeypatch.setattr("jupyter_client.kernelspec.KernelSpecManager.get_all_specs", lambda _: specs)
    assert kernels() == ["this", "bare"]


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int | str | None, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["doctor", *map(str, arguments)])
    printed = capsys.readouterr()
    return ended.value.code, printed.out, printed.err


def test_the_command_says_yes_of_this_machine_with_code_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, tmp_path / "new" / "data", "--packages")
    assert (code, err) == (0, "")
    assert not any((tmp_path / "new" / "data").iterdir())
    assert out.endswith("\nthe lessons can run here\n")
    assert re.search(rf"^lessons +pandas +{re.escape(metadata.version('pandas'))} +>=3\.0$", out, re.MULTILINE)
    cores = re.search(r"^cores +ok +(\d+)$", out, re.MULTILINE)
    assert cores is not None
    assert 1 <= int(cores[1]) <= (os.cpu_count() or 1)
    assert re.search(r"^Jupyter kernel +ok +.*\bpython3\b", out, re.MULTILINE)


def test_the_command_says_no_with_code_2_and_one_line_of_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    code, out, err = run(capsys, tmp_path / "file", "--json")
    assert code == 2
    assert json.loads(out)["can_run"] is False
    assert err.startswith(f"course: the lessons cannot run here: data folder ({tmp_path / 'file'}: {os.strerror(17)})")
    assert err.count("\n") == 1


def test_a_course_that_is_not_installed_is_one_clear_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("course.needs.DISTRIBUTION", "bigdata-course-that-is-absent")
    code, out, err = run(capsys, tmp_path)
    assert (code, out) == (2, "")
    assert "is not installed; in its folder: pip install -e ." in err
