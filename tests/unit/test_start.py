"""A working folder receives the lessons, and what a student wrote in it is never lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course.cli import main
from course.errors import BadArgumentError
from course.start import RECORD, deliver, shipped_folder


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return a folder of two lessons and a picture, with things that are not delivered."""
    folder = tmp_path / "shipped"
    for name in ("01_one.ipynb", "02_two.ipynb", "images/a.png", "data/big.csv", ".ipynb_checkpoints/01_one.ipynb"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"first edition of {name}")
    return folder


@pytest.fixture
def folder(source: Path, tmp_path: Path) -> Path:
    """Return a working folder filled from ``source``."""
    deliver(source, tmp_path / "work")
    return tmp_path / "work"


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_new_folder_receives_every_lesson_and_no_leftovers(source: Path, tmp_path: Path) -> None:
    delivery = deliver(source, tmp_path / "work")
    assert delivery.added == ["01_one.ipynb", "02_two.ipynb", "images/a.png"]
    assert names(tmp_path / "work") == [RECORD, *delivery.added]


def test_a_second_start_changes_nothing_but_brings_back_what_is_missing(source: Path, folder: Path) -> None:
    (source / "01_one.ipynb").write_text("second edition")
    (folder / "02_two.ipynb").unlink()
    delivery = deliver(source, folder)
    assert (delivery.added, delivery.renewed, delivery.kept) == (["02_two.ipynb"], [], [])
    assert (folder / "01_one.ipynb").read_text() == "first edition of 01_one.ipynb"


def test_an_update_brings_new_lessons_and_newer_editions(source: Path, folder: Path) -> None:
    (source / "01_one.ipynb").write_text("second edition")
    (source / "03_three.ipynb").write_text("new")
    delivery = deliver(source, folder, update=True)
    assert (delivery.added, delivery.renewed, delivery.kept) == (["03_three.ipynb"], ["01_one.ipynb"], [])
    assert (folder / "01_one.ipynb").read_text() == "second edition"


def test_a_changed_file_stays_and_the_newer_edition_stands_beside_it_once(source: Path, folder: Path) -> None:
    (folder / "01_one.ipynb").write_text("mine")
    (source / "01_one.ipynb").write_text("second edition")
    assert deliver(source, folder, update=True).kept == [("01_one.ipynb", "01_one.new.ipynb")]
    assert deliver(source, folder, update=True).kept == []
    assert (folder / "01_one.ipynb").read_text() == "mine"
    assert (folder / "01_one.new.ipynb").read_text() == "second edition"


def test_the_newer_edition_beside_is_the_students_too_once_changed(source: Path, folder: Path) -> None:
    (folder / "01_one.ipynb").write_text("mine")
    (source / "01_one.ipynb").write_text("second edition")
    deliver(source, folder, update=True)
    (folder / "01_one.new.ipynb").write_text("mine too")
    (source / "01_one.ipynb").write_text("third edition")
    assert deliver(source, folder, update=True).kept == [("01_one.ipynb", "01_one.new2.ipynb")]
    assert (folder / "01_one.new.ipynb").read_text() == "mine too"


def test_a_changed_file_of_which_there_is_no_newer_edition_is_left_alone(source: Path, folder: Path) -> None:
    (folder / "01_one.ipynb").write_text("mine")
    delivery = deliver(source, folder, update=True)
    assert (delivery.added, delivery.renewed, delivery.kept) == ([], [], [])


def test_a_file_that_was_there_before_the_first_delivery_is_the_students(source: Path, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "01_one.ipynb").write_text("mine")
    deliver(source, tmp_path / "work")
    deliver(source, tmp_path / "work", update=True)
    assert (tmp_path / "work" / "01_one.ipynb").read_text() == "mine"


def test_a_damaged_record_is_an_error_that_says_what_to_do(source: Path, folder: Path) -> None:
    (folder / RECORD).write_text("{")
    with pytest.raises(BadArgumentError, match="delete it"):
        deliver(source, folder)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["edit", "edit new", "publish", "update", "start"]), max_size=10))
def test_whatever_happens_no_text_of_the_student_disappears(
    tmp_path_factory: pytest.TempPathFactory, events: list[str]
) -> None:
    home = tmp_path_factory.mktemp("home")
    source, folder = home / "shipped", home / "work"
    source.mkdir()
    (source / "01_one.ipynb").write_text("edition 0")
    written: set[str] = set()
    for number, event in enumerate(["start", *events]):
        if event.startswith("edit"):
            path = folder / ("01_one.new.ipynb" if event == "edit new" else "01_one.ipynb")
            if path.exists():
                written.discard(path.read_text())  # replaced by the student, not by the course
            path.write_text(f"student {number}")
            written.add(f"student {number}")
        elif event == "publish":
            (source / "01_one.ipynb").write_text(f"edition {number}")
        else:
            deliver(source, folder, update=event == "update")
    assert written <= {path.read_text() for path in folder.glob("*.ipynb")}


def test_the_command_makes_the_folder_with_its_data_and_says_how_to_open_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["start", str(tmp_path / "work"), "--no-lab", "--lesson", "1"])
    assert ended.value.code == 0
    assert "01_data.ipynb" in capsys.readouterr().out
    lessons = {path.name for path in shipped_folder("notebooks").glob("[0-9][0-9]_*.ipynb")}
    assert lessons <= set(names(tmp_path / "work"))
    assert {"data/A201612_small.csv", "data/Lexique_open-DAMIR.xlsx"} <= set(names(tmp_path / "work"))


def test_a_lesson_that_does_not_exist_is_named_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["start", str(tmp_path / "work"), "--no-lab", "--lesson", "77"])
    assert ended.value.code == 2
    assert "no lesson 77; choose one of" in capsys.readouterr().err
    assert not (tmp_path / "work").exists()


def test_jupyterlab_is_opened_in_the_folder_on_the_lesson(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[list[str], Path]] = []
    monkeypatch.setattr(subprocess, "call", lambda words, cwd: calls.append((words, cwd)) or 0)
    with pytest.raises(SystemExit) as ended:
        main(["start", str(tmp_path / "work"), "--lesson", "1"])
    assert ended.value.code == 0
    ((words, cwd),) = calls
    assert words == [
        sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={tmp_path / 'work'}", "01_data.ipynb"
    ]  # fmt: skip
    assert cwd == tmp_path / "work"
