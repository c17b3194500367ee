"""``course clean`` deletes what lessons generated and nothing that a student wrote."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell

from course.clean import RECORD, Watch, delete_generated, find_generated, lesson_files, start_record
from course.errors import BadArgumentError
from course.shipped import shipped_lessons

FILE, FOLDER = "A201612_small.csv", "columns_by_age"
NAMES = [FILE, f"{FOLDER}/a.parquet", f"{FOLDER}/b/c.parquet", "mine.csv", "columns_mine.csv"]


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    # a clock that is coarse must not hide a change
    os.utime(path, ns=(0, write.clock))  # type: ignore[attr-defined]
    write.clock += 1  # type: ignore[attr-defined]


write.clock = 10**18  # type: ignore[attr-defined]


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A working folder in which a lesson wrote three files, and the student one before."""
    write(tmp_path / "data" / "mine.csv", "student")
    start_record(tmp_path / "data")
    watch = Watch(tmp_path / "data")
    for name in NAMES[:3]:
        write(tmp_path / "data" / name, "lesson")
    watch.record()
    return tmp_path


def left(work: Path) -> list[str]:
    return sorted(path.relative_to(work / "data").as_posix() for path in (work / "data").rglob("*"))


def clean(work: Path) -> int:
    return delete_generated(work, find_generated(work).sizes)


def test_what_lessons_wrote_goes_and_the_rest_stays(work: Path) -> None:
    found = find_generated(work)
    assert (list(found.sizes), found.changed, found.others) == (NAMES[:3], [], ["mine.csv"])
    assert clean(work) == 3 * len("lesson")
    assert left(work) == [RECORD, "mine.csv"]
    assert clean(work) == 0


def test_the_small_file_of_a_real_month_goes_too(work: Path) -> None:
    watch = Watch(work / "data")
    for name in ("A202501_small.csv", "A202501_small.csv.json", "A202501_mine.csv"):
        write(work / "data" / name, "a cell")
    watch.record()
    clean(work)
    assert left(work) == [RECORD, "A202501_mine.csv", "mine.csv"]


@pytest.mark.parametrize("name", NAMES[:3])
def test_what_the_student_changed_stays(work: Path, name: str) -> None:
    write(work / "data" / name, "edited")  # as long as before
    assert find_generated(work).changed == [name]
    clean(work)
    assert (work / "data" / name).read_text() == "edited"


def test_what_changes_between_the_question_and_the_answer_stays(work: Path) -> None:
    agreed = list(find_generated(work).sizes)
    write(work / "data" / FILE, "edited")
    write(work / "data" / FOLDER / "mine.parquet", "student")
    delete_generated(work, agreed)
    assert left(work) == [RECORD, FILE, FOLDER, f"{FOLDER}/mine.parquet", "mine.csv"]


@pytest.mark.skipif(sys.platform == "win32", reason="links of POSIX")
def test_no_link_is_followed(work: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    away = tmp_path_factory.mktemp("away")
    (work / "data" / FOLDER).rename(away / FOLDER)
    (work / "data" / FOLDER).symlink_to(away / FOLDER)
    (work / "data" / FILE).rename(away / FILE)
    (work / "data" / FILE).symlink_to(away / FILE)
    assert clean(work) == 0
    assert len([path for path in away.rglob("*") if path.is_file()]) == 3
    (work / "data").rename(away / "data")
    (work / "data").symlink_to(away / "data")
    with pytest.raises(BadArgumentError, match="no record"):
        clean(work)


@pytest.mark.parametrize("name", ["../01_data.ipynb", "/etc/none", f"{FOLDER}/../../01_data.ipynb"])
def test_a_record_that_names_another_place_deletes_nothing_there(work: Path, name: str) -> None:
    write(work / "01_data.ipynb", "mine")
    stat = (work / "01_data.ipynb").stat()
    (work / "data" / RECORD).write_text(json.dumps({name: [stat.st_size, stat.st_mtime_ns]}))
    assert clean(work) == 0
    assert (work / "01_data.ipynb").exists()


@pytest.mark.parametrize("text", ["{", "[]", '{"a": 1}', '{"a": ["x", 2]}'])
def test_a_damaged_record_is_told_and_start_makes_another(work: Path, text: str) -> None:
    (work / "data" / RECORD).write_text(text)
    with pytest.raises(BadArgumentError, match="course start makes a new one"):
        clean(work)
    start_record(work / "data")
    assert clean(work) == 0


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.sampled_from(["student", "lesson", "both", "clean"]), st.sampled_from(NAMES)), max_size=12)
)
def test_nothing_that_the_student_wrote_last_is_ever_deleted(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[str, str]]
) -> None:
    work = tmp_path_factory.mktemp("work")
    start_record(work / "data")
    owned: set[str] = set()
    for event, name in events:
        watch = Watch(work / "data")
        if event == "clean":
            clean(work)
            continue
        write(work / "data" / name, event)
        if event == "student":
            owned.add(name)
            continue
        owned.discard(name)
        if event == "both":  # while a cell runs, the student saves under a name of his own
            write(work / "data" / "notes.txt", "student")
            owned.add("notes.txt")
        watch.record()
    clean(work)
    assert {name for name in owned if not (work / "data" / name).exists()} == set()


def test_cells_of_a_working_folder_are_recorded_and_no_others(
    work: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    from magics import load_ipython_extension

    cell = f"from pathlib import Path; Path('data/{FILE}').write_text('lesson')"
    shell = InteractiveShell()
    monkeypatch.chdir(work)
    clean(work)
    load_ipython_extension(shell)
    write(work / "data" / "start.db3", "between cells: student")
    shell.run_cell(cell)
    assert list(find_generated(work).sizes) == [FILE]
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "data").mkdir()
    monkeypatch.chdir(elsewhere)
    other = InteractiveShell()
    load_ipython_extension(other)
    other.run_cell(cell)
    assert left(elsewhere) == [FILE]


def test_the_files_that_lessons_name_are_known() -> None:
    """Red after a lesson writes under a new name: run ``make lessons``."""
    written = re.compile(r"""^[^#\n]*["']data/([\w.]+)["']""", re.MULTILINE)
    named: set[str] = set()
    for path in shipped_lessons():
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                named |= set(written.findall("".join(cell["source"])))
    assert len(named) > 10
    assert named - set(lesson_files()) == set()
