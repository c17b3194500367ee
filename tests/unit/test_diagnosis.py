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
from notebook_writer import code, write_notebook
from packaging.markers import default_environment

import course
from course.cli import main
from course.diagnosis import (
    LEAST_DISK,
    LEAST_MEMORY,
    REAL_SIZE,
    SIZES,
    Diagnosis,
    advise,
    aligned,
    data_size,
    kernels,
    memory,
    numbers,
)
from course.requirements import OF_LESSONS
from course.size import format_size

GIB = 2**30
INSTALLED = {"numpy": "2.4.6", "pandas": "3.1.1"}
NEEDED = ["numpy>=2.2", "pandas>=3.0"]
BCOLZ = "bcolz-zipline==1.13.0; python_version < '3.13'"
ICECHUNK = ["icechunk<2,>=1.1; python_version < '3.12'", "icechunk>=1.1; python_version >= '3.12'"]

Diagnose = Callable[..., Diagnosis]

# the numbers of the lessons, in order; that on a cluster is the last
LESSONS = sorted(path.name[:2] for path in (Path(__file__).parents[2] / "notebooks").glob("[0-9][0-9]_*.ipynb"))
ALL = f"lessons 00 to {LESSONS[-1]}"


@pytest.fixture
def diagnose(monkeypatch: pytest.MonkeyPatch) -> Diagnose:
    """Ask the doctor about a good machine, but for what is said."""

    def ask(
        *, python: str = "3.13.1", wanted: str = ">=3.11", needed: list[str] = NEEDED, installed: Any = INSTALLED,
        memory: tuple[int, int] = (8 * GIB, 5 * GIB), free: int = 100 * GIB, refusal: str = "",
        kernels: tuple[str, ...] = ("python3",), folder: str = "data",
    ) -> Diagnosis:  # fmt: skip
        monkeypatch.setattr("platform.python_version", lambda: python)
        monkeypatch.setattr("platform.system", lambda: "Linux")
        environment = {**default_environment(), "python_version": python.rpartition(".")[0]}
        monkeypatch.setattr("packaging.markers.default_environment", lambda: environment)
        distribution = SimpleNamespace(metadata={"Requires-Python": wanted}, requires=needed)
        monkeypatch.setattr(metadata, "distribution", lambda _: distribution)
        monkeypatch.setattr("course.requirements.installed_version", installed.get)
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
        "Python          ok  3.13.1, on which the lessons were tried",
        "packages        ok  all 2 that the lessons need",
    ]
    assert repr(diagnosis).endswith(f"\n{ALL} can run here")
    assert [one["can_run"] for one in diagnosis.to_dict()["lessons"]] == [True] * len(LESSONS)
    assert json.loads(json.dumps(diagnosis.to_dict()))["data_size"]["size_bytes"] == REAL_SIZE
    assert repr(diagnose()) == repr(diagnosis)


@pytest.mark.parametrize(
    ("changes", "name", "found", "advice"),
    [
        ({"python": "3.10.9"}, "Python", "3.10.9", r"install Python >=3\.11"),
        (
            {"installed": {**INSTALLED, "numpy": "1.26"}},
            "numpy",
            "1.26",
            rf"00 to {LESSONS[-1]} cannot run without it; get numpy>=2\.2: .*pip",
        ),
        ({"installed": {"numpy": "2.4"}}, "pandas", "absent", r"get pandas>=3\.0: .*pip"),
        ({"memory": (LEAST_MEMORY - 1, GIB)}, "memory", "2.00 GiB", "more memory: the lessons need 2.00 GiB"),
        ({"free": LEAST_DISK - 1}, "free disk", "2.00 GiB", "free some space"),
        ({"refusal": "Permission denied"}, "data folder", "data: Permission denied", "choose a folder"),
        ({"kernels": ()}, "Jupyter kernel", "none runs this Python", "ipykernel install"),
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
        ({"needed": [*NEEDED, BCOLZ], "python": "3.14.1"}, "bcolz-zipline"),
    ],
)
def test_what_is_optional_does_not_keep_the_lessons_from_running(
    diagnose: Diagnose, changes: dict[str, object], name: str
) -> None:
    diagnosis = diagnose(**changes)
    assert diagnosis.can_run
    assert [check.name for check in diagnosis.checks if check.status == "optional"] == [name]


@pytest.mark.parametrize(
    ("changes", "summary", "row"),
    [
        ({"python": "3.12.1"}, f"{ALL} can run here", r"ok +3\.12\.1, not tried: .* 3\.11, 3\.13 and 3\.14"),
        ({"needed": ["polars>=1.30"]}, "lessons 00 to 09, 12 to 15 and 17 can run here; 10, 11 and 16 need polars",
         r"polars +problem +absent: 10, 11 and 16 cannot run without it; get polars>=1\.30: .*pip install bigdata"),
        ({"needed": ['moto>=5; extra == "cluster"', 'flask-cors; extra == "cluster"']},
         f"lessons 00 to {LESSONS[-2]} can run here; {LESSONS[-1]} needs flask-cors and moto",
         r'extra cluster +optional +not installed: for the lesson on .*.*pip install "bigdata-course\[cluster\]"'),
        ({"needed": [BCOLZ], "installed": {"bcolz-zipline": "1.12"}}, f"{ALL} can run", "packages +ok"),
        ({"needed": ['moto; extra == "test"']}, f"{ALL} can run here", r"test +optional +not .*\[test\]"),
    ],
)  # fmt: skip
def test_the_lessons_that_lack_something_are_named_with_it(
    diagnose: Diagnose, changes: dict[str, object], summary: str, row: str
) -> None:
    diagnosis = diagnose(**changes)
    assert diagnosis.verdict.startswith(summary)
    assert re.search(row, repr(diagnosis))
    assert "bcolz" not in repr(diagnosis)
    assert {one.name[:2] for one in diagnosis.lessons if one.missing} == set(
        re.findall(r"\d\d", summary.partition(";")[2])
    )


@pytest.mark.parametrize(("python", "has_wheel"), [("3.14.1", True), ("3.15.0", False)])
@pytest.mark.parametrize("tag", ["needs-h5py", "other"])
def test_a_lesson_runs_without_a_package_that_only_its_tagged_cells_need(
    diagnose: Diagnose, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tag: str, python: str, has_wheel: bool
) -> None:
    write_notebook(tmp_path / "08_arrays.ipynb", code("import h5py", tag), code("import numpy"))
    write_notebook(tmp_path / "09_other.ipynb", code("import numpy"))
    monkeypatch.setattr("course.requirements.shipped_lessons", lambda: sorted(tmp_path.glob("*.ipynb")))
    diagnosis = diagnose(needed=[*NEEDED, "h5py>=3.13; python_version < '3.15'"], python=python)
    (check,) = [one for one in diagnosis.checks if one.name == "h5py"]
    assert ("none is made for this Python" in check.advice) != has_wheel
    is_whole = tag == "needs-h5py"
    assert ("08 can, but for the cells that need it" in check.advice) == is_whole
    assert [one.can_run for one in diagnosis.lessons] == [is_whole, True]
    assert diagnosis.lessons[0].skipped == (("h5py",) if is_whole else ())
    assert diagnosis.can_run == (is_whole or not has_wheel)


def test_only_what_the_module_and_the_magics_do_without_is_of_single_lessons() -> None:
    root = Path(course.__file__).parent
    apart = ("ways", "bench", "cluster", "publish")
    files = [path for path in root.rglob("*.py") if path.relative_to(root).parts[0] not in apart]
    files += (root.parent / "magics").rglob("*.py")
    imported = {
        name
        for path in files
        for name in re.findall(r"^ *(?:from|import) (\w+)", path.read_text("utf-8"), re.MULTILINE)
    }
    assert not OF_LESSONS & {name.lower() for name in imported}


@given(
    rows=st.lists(
        st.tuples(st.text("ab-", max_size=9), st.lists(st.text("xyz-/", min_size=1, max_size=50), max_size=30))
    ),
    width=st.none() | st.integers(1, 200),
)
def test_a_column_is_folded_and_never_cut(rows: list[tuple[str, list[str]]], width: int | None) -> None:
    told = [(name, " ".join(words)) for name, words in rows]
    lines = aligned(told, width)
    left = max((len(name) for name, _ in rows), default=0) + 2
    assert " ".join(line[left:] for line in lines).split() == [word for _, words in rows for word in words]
    assert [line[:left].strip() for line in lines if line[:left].strip()] == [name for name, _ in rows if name]
    assert all(len(line) <= max(width, left + 20) or " " not in line[left:] for line in lines if width)
    assert width is not None or len(lines) == len(rows)


def test_a_command_to_type_stays_on_one_line(diagnose: Diagnose) -> None:
    diagnosis = diagnose(needed=['moto>=5; extra == "cluster"'], kernels=())
    for width in range(30, 120):
        text = "\n".join(diagnosis.lines(width))
        assert 'pip install "bigdata-course[cluster]"' in text
        assert "python -m ipykernel install --sys-prefix" in text
        assert 'course.month_file("data/A201612.csv", size=4 * 2**30)' in text


@pytest.mark.parametrize("lessons", [(), ("00",), ("00", "01"), ("03", "04", "05", "07", "09", "10", "11")])
def test_numbers_of_lessons_are_said_as_people_do(lessons: tuple[str, ...]) -> None:
    said = {0: "", 1: "00", 2: "00 and 01", 7: "03 to 05, 07 and 09 to 11"}
    assert numbers(f"{one}_name" for one in reversed(lessons)) == said[len(lessons)]


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


def test_a_notebook_shows_a_list_with_an_item_per_check_and_nothing_unescaped(diagnose: Diagnose) -> None:
    diagnosis = diagnose(folder="<b>data", refusal="<i>no")
    shown = BeautifulSoup(diagnosis._repr_html_(), "html.parser")
    items = [item.get_text() for item in shown.find_all("li")]
    assert items == [f"{one.name} ({one.status}): {one.text}" for one in diagnosis.checks]
    assert {tag.name for tag in shown.find_all()} == {"ul", "li", "p", "b"}
    assert any("<b>data: <i>no" in item for item in items)


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
    assert out.endswith(f"\n{ALL} can run here\n")
    assert re.search(rf"^lessons +pandas +{re.escape(metadata.version('pandas'))} +>=3\.1$", out, re.MULTILINE)
    cores = re.search(r"^cores +ok +(\d+)$", out, re.MULTILINE)
    assert cores is not None
    assert 1 <= int(cores[1]) <= (os.cpu_count() or 1)
    assert re.search(r"^Jupyter kernel +ok +.*\bpython3\b", out, re.MULTILINE)


def test_the_command_folds_its_lines_where_a_width_is_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(capsys, tmp_path / "a folder", "--packages")[1]
    monkeypatch.setenv("COLUMNS", "60")
    folded = run(capsys, tmp_path / "a folder", "--packages")[1]
    assert max(map(len, whole.splitlines())) > 100
    assert whole.split("data size")[1].split() == folded.split("data size")[1].split()
    assert all(len(line) <= 60 or " " not in line.strip() for line in folded.split("data size")[1].splitlines())


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
    monkeypatch.setattr("course.requirements.DISTRIBUTION", "bigdata-course-that-is-absent")
    code, out, err = run(capsys, tmp_path)
    assert (code, out) == (2, "")
    assert "is not installed; in its folder: pip install -e ." in err
