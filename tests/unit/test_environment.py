"""``course doctor`` says what keeps the lessons from running, what to do, and how large the data should be."""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser
from importlib import metadata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import course
from course.cli import main
from course.diagnosis.data_size import DISK_SHARE, REAL_SIZE, SIZES, advise, data_size
from course.diagnosis.doctor import LEAST_DISK, LEAST_MEMORY, examine
from course.diagnosis.facts import Facts, gather, read_limit, runs_this_python, write_error
from course.diagnosis.packages import declared_requirements, packages
from course.size import format_size

GIB = 2**30
NUMPY, PANDAS = "numpy>=2.2", "pandas>=3.0"
INSTALLED = {"numpy": "2.4.6", "pandas": "3.1.1"}
FACTS = Facts(
    python="3.12.1",
    wanted_python=">=3.11",
    packages=packages([NUMPY, PANDAS], INSTALLED.get),
    memory_bytes=8 * GIB,
    available_bytes=5 * GIB,
    cores=4,
    folder=Path("data"),
    free_bytes=100 * GIB,
    write_error="",
    kernels=("python3",),
    browser="chromium",
)
BCOLZ = "bcolz-zipline==1.13.0; python_version < '3.13'"
ICECHUNK = ["icechunk<2,>=1.1; python_version < '3.12'", "icechunk>=1.1; python_version >= '3.12'"]
ON_313 = {"python_version": "3.13"}


def status_of(facts: Facts) -> dict[str, str]:
    return {check.name: check.status for check in examine(facts).checks}


def test_a_good_machine_can_run_the_lessons() -> None:
    diagnosis = examine(FACTS)
    assert diagnosis.can_run
    assert set(status_of(FACTS).values()) == {"ok"}
    assert repr(diagnosis).splitlines()[:2] == [
        "Python          ok  3.12.1",
        "packages        ok  all 2 that the lessons need",
    ]
    assert repr(diagnosis).endswith("\nthe lessons can run here")


@pytest.mark.parametrize(
    ("changes", "name", "found", "advice"),
    [
        ({"python": "3.10.9"}, "Python", "3.10.9", r"install Python >=3\.11"),
        ({"packages": packages([NUMPY, PANDAS], {"numpy": "1.26"}.get)}, "numpy", "1.26", r"numpy>=2\.2; .*pip"),
        ({"packages": packages([NUMPY, PANDAS], {"numpy": "2.4"}.get)}, "pandas", "absent", r"pandas>=3\.0; .*pip"),
        ({"memory_bytes": LEAST_MEMORY - 1}, "memory", "2.00 GiB", "more memory: the lessons need 2.00 GiB"),
        ({"free_bytes": LEAST_DISK - 1}, "free disk", "4.00 GiB", "free some space"),
        ({"write_error": "Permission denied"}, "data folder", "data: Permission denied", "choose a folder"),
        ({"kernels": ()}, "Jupyter kernel", "none runs this Python", "ipykernel install"),
    ],
)
def test_what_keeps_the_lessons_from_running_is_a_problem_with_its_cure(
    changes: dict[str, object], name: str, found: str, advice: str
) -> None:
    facts = replace(FACTS, **changes)  # type: ignore[arg-type]
    diagnosis = examine(facts)
    problem = next(check for check in diagnosis.problems if check.name == name)
    assert not diagnosis.can_run
    assert problem.found == found
    assert re.search(advice, problem.advice)
    assert f"{name} ({found}): " in diagnosis.verdict
    assert "\n" not in diagnosis.verdict


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"browser": None}, "browser"),
        ({"available_bytes": GIB}, "free memory"),
        ({"packages": packages([NUMPY, 's3fs>=2025.5; extra == "s3"'], INSTALLED.get)}, "extra s3"),
        ({"packages": packages([NUMPY, BCOLZ], INSTALLED.get, ON_313)}, "bcolz-zipline"),
    ],
)
def test_what_is_optional_does_not_keep_the_lessons_from_running(changes: dict[str, object], name: str) -> None:
    facts = replace(FACTS, **changes)  # type: ignore[arg-type]
    assert examine(facts).can_run
    assert status_of(facts)[name] == "optional"


def test_bcolz_is_needed_where_there_is_one_and_not_on_python_313() -> None:
    (here,) = packages([BCOLZ], INSTALLED.get, {"python_version": "3.11"})
    (there,) = packages([BCOLZ], INSTALLED.get, ON_313)
    assert (here.applies, there.applies) == (True, False)
    assert not examine(replace(FACTS, packages=(here,))).can_run
    assert examine(replace(FACTS, packages=(there,))).can_run


@pytest.mark.parametrize(("python", "right"), [("3.11", False), ("3.12", True)])
def test_of_two_lines_for_one_package_that_of_this_python_counts(python: str, right: bool) -> None:
    for lines in (ICECHUNK, ICECHUNK[::-1]):
        (package,) = packages(lines, {"icechunk": "2.0"}.get, {"python_version": python})
        assert (package.applies, package.is_right, package.group) == (True, right, "lessons")


def test_the_requirements_are_those_of_the_distribution_and_of_the_extras_it_asks_for() -> None:
    declared = declared_requirements()
    assert set(metadata.requires("bigdata-course") or []) < set(declared)
    found = {(one.group, one.name): one for one in packages(declared)}
    assert found["lessons", "pandas"].installed == metadata.version("pandas")
    assert found["lessons", "distributed"].is_right
    assert found["test", "pytest"].is_right


@given(memory=st.integers(GIB, 256 * GIB), free=st.integers(0, 1000 * GIB))
def test_the_month_advised_goes_on_the_disk_and_not_in_memory_if_that_can_be(memory: int, free: int) -> None:
    advised = advise(memory, free)
    assert advised.size_bytes * DISK_SHARE <= free
    if advised.fits_in_memory:
        # then no size would do
        too_large = [size for size in SIZES if not data_size(size, memory).fits_in_memory and size >= REAL_SIZE]
        assert all(size * DISK_SHARE > free for size in too_large)
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


class Cells(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_a_notebook_shows_a_table_with_a_row_per_check_and_nothing_unescaped() -> None:
    diagnosis = examine(replace(FACTS, folder=Path("<b>data"), write_error="<i>no"))
    cells = Cells()
    cells.feed(diagnosis._repr_html_())
    assert cells.tags.count("tr") == len(diagnosis.checks) + 1
    assert {"b", "table", "p"} <= set(cells.tags)
    assert "i" not in cells.tags
    assert f"{Path('<b>data')}: <i>no" in cells.texts


def test_the_same_facts_give_the_same_diagnosis() -> None:
    assert repr(examine(FACTS)) == repr(examine(FACTS))
    assert json.loads(json.dumps(examine(FACTS).to_dict()))["data_size"]["size_bytes"] == REAL_SIZE


def test_a_memory_limit_of_a_container_is_read(tmp_path: Path) -> None:
    for text, limit in (("1073741824\n", GIB), ("max\n", sys.maxsize), ("", sys.maxsize)):
        (tmp_path / "memory.max").write_text(text, encoding="ascii")
        assert read_limit(tmp_path / "memory.max") == limit
    assert read_limit(tmp_path / "absent") == sys.maxsize


def test_a_folder_is_tried_and_left_empty(tmp_path: Path) -> None:
    assert write_error(tmp_path / "new" / "data") == ""
    assert list((tmp_path / "new" / "data").iterdir()) == []
    (tmp_path / "file").touch()
    assert write_error(tmp_path / "file") == os.strerror(17)


def test_a_kernel_of_another_python_does_not_count() -> None:
    assert runs_this_python(sys.executable)
    assert runs_this_python("python")
    assert not runs_this_python("/opt/elsewhere/bin/python3")
    assert not runs_this_python("")


def test_the_facts_about_this_machine_are_those_of_the_system(tmp_path: Path) -> None:
    import psutil

    facts = gather(tmp_path)
    assert 0 < facts.available_bytes <= facts.memory_bytes <= psutil.virtual_memory().total
    assert 1 <= facts.cores <= (os.cpu_count() or 1)
    assert "python3" in facts.kernels
    assert facts.write_error == ""
    assert course.doctor(tmp_path).can_run


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int | str | None, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["doctor", *map(str, arguments)])
    printed = capsys.readouterr()
    return ended.value.code, printed.out, printed.err


def test_the_command_says_yes_with_code_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, tmp_path, "--packages")
    assert (code, err) == (0, "")
    assert out.endswith("\nthe lessons can run here\n")
    assert re.search(rf"^lessons +pandas +{re.escape(metadata.version('pandas'))} +>=3\.0$", out, re.MULTILINE)


def test_the_command_says_no_with_code_2_and_one_line_of_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    code, out, err = run(capsys, tmp_path / "file", "--json")
    assert code == 2
    assert json.loads(out)["can_run"] is False
    assert err.startswith("course: the lessons cannot run here: data folder (")
    assert err.count("\n") == 1


def test_a_course_that_is_not_installed_is_one_clear_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("course.diagnosis.packages.DISTRIBUTION", "bigdata-course-that-is-absent")
    code, out, err = run(capsys, tmp_path)
    assert (code, out) == (2, "")
    assert "is not installed; in its folder: pip install -e ." in err
