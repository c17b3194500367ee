"""A working folder receives the lessons, and what a student wrote in it is never lost."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from notebook_writer import contents

from course.errors import BadArgumentError
from course.files import file_digest
from course.start import RECORD, Delivery
from course.start import contents as edition
from course.start import deliver as deliver_files

ONE, TWO, NEW, NEWER = "01_one.ipynb", "02_two.ipynb", "01_one.new.ipynb", "01_one.new2.ipynb"


def deliver(source: Path, folder: Path, *, update: bool = False) -> Delivery:
    return deliver_files(edition(source, folder), folder, update=update)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return a folder of two lessons and a picture, with things that are not delivered."""
    folder = tmp_path / "shipped"
    for name in (ONE, TWO, "images/a.png", "data/big.csv", ".ipynb_checkpoints/01_one.ipynb", "__pycache__/m.pyc"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("first edition")
    return folder


@pytest.fixture
def folder(source: Path, tmp_path: Path) -> Path:
    """Return a working folder filled from ``source``, of which the first lesson has a second edition since."""
    assert deliver(source, tmp_path / "work").added == ["README.md", ONE, TWO, "images/a.png"]
    (source / ONE).write_text("second edition")
    return tmp_path / "work"


def told(source: Path, folder: Path, *, update: bool = True) -> tuple[list[str], list[str], list[tuple[str, str]]]:
    """Return what a delivery adds, renews and keeps."""
    delivery = deliver(source, folder, update=update)
    return delivery.added, delivery.renewed, delivery.kept


def test_a_folder_receives_what_is_missing(source: Path, folder: Path) -> None:
    assert sorted(contents(folder)) == [RECORD, ONE, TWO, "README.md", "images/a.png"]
    (folder / TWO).unlink()
    assert told(source, folder, update=False) == ([TWO], [], [])
    assert (folder / ONE).read_text() == "first edition"


def test_an_update_brings_every_newer_edition_of_what_is_not_changed(source: Path, folder: Path) -> None:
    (folder / TWO).write_text("mine")
    (source / "03_three.ipynb").write_text("new")
    assert told(source, folder) == (["03_three.ipynb"], [ONE], [])
    (source / ONE).write_text("third edition")
    assert told(source, folder) == ([], [ONE], [])
    assert [(folder / name).read_text() for name in (ONE, TWO)] == ["third edition", "mine"]


def test_a_changed_file_stays_and_each_newer_edition_stands_beside_it_once(source: Path, folder: Path) -> None:
    (folder / ONE).write_text("mine")
    assert told(source, folder) == ([], [], [(ONE, NEW)])
    assert told(source, folder) == ([], [], [])
    (source / ONE).write_text("third edition")
    assert told(source, folder) == ([], [], [(ONE, NEW)])
    # what stands beside is the student's too, once changed
    (folder / NEW).write_text("mine too")
    (source / ONE).write_text("fourth edition")
    assert told(source, folder) == ([], [], [(ONE, NEWER)])
    assert [(folder / name).read_text() for name in (ONE, NEW, NEWER)] == ["mine", "mine too", "fourth edition"]


def test_what_stands_beside_is_known_without_the_record(source: Path, folder: Path) -> None:
    (folder / ONE).write_text("mine")
    for _ in range(2):
        assert told(source, folder) == ([], [], [(ONE, NEW)])
        (folder / RECORD).unlink()


def test_a_file_that_was_there_before_the_first_delivery_is_the_students(source: Path, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / ONE).write_text("mine")
    deliver(source, tmp_path / "work")
    deliver(source, tmp_path / "work", update=True)
    assert (tmp_path / "work" / ONE).read_text() == "mine"


def test_a_folder_of_an_earlier_version_is_brought_up_to_date(source: Path, folder: Path) -> None:
    # as version 0.1.0 writes it
    record = {name: file_digest(folder / name) for name in (ONE, TWO, "images/a.png")}
    (folder / RECORD).write_text(json.dumps({"delivered": record}, indent=1, sort_keys=True) + "\n")
    assert told(source, folder) == ([], [ONE], [])


def test_a_damaged_record_is_an_error_that_says_what_to_do(source: Path, folder: Path) -> None:
    (folder / RECORD).write_text("{")
    with pytest.raises(BadArgumentError, match="delete it"):
        deliver(source, folder)


KILLED = """
import os, shutil, signal, sys
from pathlib import Path
from course.start import contents, deliver

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

source, folder, update, place, number = sys.argv[1:]
module = {"copyfile": shutil, "rmtree": shutil, "replace": Path}[place]
original, calls = getattr(module, place), []
def counted(*arguments, **named):
    calls.append(1)
    return die() if len(calls) == int(number) else original(*arguments, **named)
setattr(module, place, counted)
deliver(contents(Path(source), Path(folder)), Path(folder), update=update == "True")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("place", ["copyfile", "replace", "rmtree"])
@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize("update", [False, True])
def test_a_delivery_killed_at_any_moment_leaves_no_file_that_counts_as_changed(
    source: Path, tmp_path: Path, place: str, number: int, update: bool
) -> None:
    work = tmp_path / "work"
    if update:
        deliver(source, work)
        (work / TWO).write_text("mine")
        for name in (ONE, TWO, "images/a.png"):
            (source / name).write_text("second edition")
    command = [sys.executable, "-c", KILLED, source, work, str(update), place, str(number)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in {-signal.SIGKILL, 0}, done.stderr
    if not update:
        deliver(source, work)
        assert not [path for path in work.rglob("*") if path.name.endswith(".part")]
    for name in (ONE, TWO, "images/a.png"):
        (source / name).write_text("third edition")
    kept = deliver(source, work, update=True).kept
    assert [name for name, _ in kept] == ([TWO] if update else [])
    expected = {ONE: "third edition", "images/a.png": "third edition", TWO: "mine" if update else "third edition"}
    assert {name: (work / name).read_text() for name in expected} == expected
    assert not [path for path in work.rglob("*") if path.name.endswith(".part")]


def test_a_folder_whose_record_is_lost_still_knows_what_it_was_given(source: Path, folder: Path) -> None:
    deliver(source, folder, update=True)
    (folder / RECORD).unlink()
    deliver(source, folder)
    (source / ONE).write_text("third edition")
    assert told(source, folder) == ([], [ONE], [])


@pytest.mark.skipif(sys.platform == "win32", reason="links of POSIX")
def test_what_bears_the_name_of_a_lesson_is_kept_whatever_it_is(source: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    (work / ONE).mkdir(parents=True)
    for name in (TWO, "02_two.new.ipynb"):
        (work / name).symlink_to("nowhere")
    for update in (False, True, True):
        deliver(source, work, update=update)
    assert ((work / ONE).is_dir(), (work / TWO).is_symlink(), (work / "nowhere").exists()) == (True, True, False)
    assert [(work / name).read_text() for name in (NEW, "02_two.new2.ipynb")] == ["first edition"] * 2


@settings(max_examples=40)
@given(st.lists(st.sampled_from(["edit", "edit new", "publish", "update", "start"]), max_size=10))
def test_no_text_of_the_student_ever_disappears(tmp_path_factory: pytest.TempPathFactory, events: list[str]) -> None:
    home = tmp_path_factory.mktemp("home")
    source, folder = home / "shipped", home / "work"
    source.mkdir()
    (source / ONE).write_text("edition 0")
    written: set[str] = set()
    for number, event in enumerate(["start", *events]):
        if event.startswith("edit"):
            path = folder / (NEW if event == "edit new" else ONE)
            if path.exists():
                written.discard(path.read_text())  # replaced by the student, not by the course
            path.write_text(f"student {number}")
            written.add(f"student {number}")
        elif event == "publish":
            (source / ONE).write_text(f"edition {number}")
        else:
            deliver(source, folder, update=event == "update")
    assert written <= {path.read_text() for path in folder.glob("*.ipynb")}
