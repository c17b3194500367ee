"""A file or a folder is replaced as a whole or not at all, and what killed writers left goes, theirs alone."""

from __future__ import annotations

import errno
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from filelock import FileLock, Timeout
from notebook_writer import contents

from course.errors import OutputError
from course.files import expanded, recover, replacing, scratch_folder

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and limits of POSIX")


def write(path: Path, text: str, kind: str) -> None:
    """Write a file, or a folder of one file; interrupted in the middle if the text says so."""
    with replacing(path) as new:
        assert (new.name, new.exists()) == (path.name, False)
        if kind == "folder":
            new.mkdir()
        (new / "inside" if kind == "folder" else new).write_text(text)
        if text == "interrupted":
            raise KeyboardInterrupt


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


NAMES = ["a.csv", "[a]*?{b}", "x" * 244, "é" * 125, " a b%", "a\nb", ".hidden"]


@pytest.mark.parametrize("kind", ["file", "folder"])
@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_it_is_replaced_as_a_whole_or_not_at_all(tmp_path: Path, name: str, kind: str) -> None:
    inside = f"{name}/inside" if kind == "folder" else name
    for text in ("first", "second"):
        if len(name) < 100:
            (tmp_path / f".{name}.0123abcd.part").write_text("of an earlier version")
        write(tmp_path / name, text, kind)
        with pytest.raises(KeyboardInterrupt):
            write(tmp_path / name, "interrupted", kind)
        assert contents(tmp_path) == {inside: text.encode()}
    assert names(tmp_path) == [name]


KILLED = """
import os, shutil, signal, sys
from pathlib import Path
import course.files as files
import filelock

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

path, kind, moment = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
if moment == "not locked yet":
    filelock.FileLock.acquire = die
with files.replacing(path) as new:
    if kind == "folder":
        new.mkdir()
    (new / "inside" if kind == "folder" else new).write_text("new")
    if moment == "writing":
        die()
    if moment == "before the last move":
        Path.replace = die
    if moment == "after the last move":
        shutil.rmtree = die
"""
MOMENTS = {"not locked yet": "old", "writing": "old", "before the last move": "old", "after the last move": "new"}


@posix
@pytest.mark.parametrize("kind", ["file", "folder"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_what_a_killed_writer_leaves_is_removed_or_comes_back(tmp_path: Path, kind: str, moment: str) -> None:
    path, inside = tmp_path / "a.x", "a.x/inside" if kind == "folder" else "a.x"
    write(path, "old", kind)
    done = subprocess.run([sys.executable, "-c", KILLED, path, kind, moment], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (-signal.SIGKILL, b"")
    assert len(list(tmp_path.glob(".a.x.*.part"))) == 1
    assert path.exists() == (kind == "file" or moment != "before the last move")
    recover(path)
    assert contents(tmp_path) == {inside: MOMENTS[moment].encode()}
    assert names(tmp_path) == ["a.x"]


WORKING = """
import sys
from pathlib import Path
from course.files import replacing
with replacing(Path(sys.argv[1])) as new:
    new.write_text("slow")
    print(flush=True)
    input()
"""


def test_a_writer_at_work_is_let_be_and_the_last_to_end_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    (tmp_path / ".a.csv.0123abcd.part").write_text("of an earlier version")
    (tmp_path / ".a.csv.gz.0123abcd.part").write_text("of another file")
    (tmp_path / ".a.csv.mine.part").write_text("of nobody")
    command = [sys.executable, "-c", WORKING, path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as working:
        assert working.stdout is not None
        working.stdout.readline()
        write(path, "quick", "file")
        assert len(list(tmp_path.glob(".a.csv.????????.part"))) == 1
        assert path.read_text() == "quick"
        working.communicate("\n", timeout=60)
    assert (working.returncode, path.read_text()) == (0, "slow")
    assert names(tmp_path) == [".a.csv.gz.0123abcd.part", ".a.csv.mine.part", "a.csv"]


def test_a_folder_that_another_writer_puts_there_in_between_is_replaced_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, rename, others = tmp_path / "a", Path.rename, ["b", "c"]
    write(path, "old", "folder")

    def raced(moved: Path, target: Path) -> Path:
        rename(moved, target)
        if moved == path and others:
            (path / others.pop()).mkdir(parents=True)
        return target

    monkeypatch.setattr(Path, "rename", raced)
    write(path, "new", "folder")
    assert (others, contents(tmp_path), names(path)) == ([], {"a/inside": b"new"}, ["inside"])


def test_a_folder_that_was_moved_aside_comes_back_where_the_new_one_cannot_be_put(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EACCES, os.strerror(errno.EACCES), str(tmp_path / "a"))

    def raced(moved: Path, target: Path) -> Path:
        # another had put its own there, and has moved it again
        if target == tmp_path / "a" and taken:
            raise taken.pop()
        return rename(moved, target)

    rename, taken = Path.rename, [OSError(errno.ENOTEMPTY, ""), OSError(errno.EEXIST, "")]
    write(tmp_path / "a", "old", "folder")
    monkeypatch.setattr(Path, "rename", raced)
    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OutputError, match="cannot write"):
        write(tmp_path / "a", "new", "folder")
    assert (contents(tmp_path), names(tmp_path)) == ({"a/inside": b"old"}, ["a"])


@pytest.mark.parametrize("error", [FileExistsError, FileNotFoundError, Timeout])
def test_a_folder_that_another_takes_for_a_left_over_is_made_again(
    error: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    acquire, taken = FileLock.acquire, [error, error]

    def late(lock: FileLock, *arguments: object, **named: object) -> object:
        if taken:
            Path(lock.lock_file).parent.rmdir()
            raise taken.pop()(lock.lock_file)
        return acquire(lock, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(FileLock, "acquire", late)
    write(tmp_path / "a", "new", "file")
    assert (taken, contents(tmp_path)) == ([], {"a": b"new"})


def test_many_writers_of_one_folder_all_succeed(tmp_path: Path) -> None:
    failures: list[BaseException] = []

    def write_often() -> None:
        try:
            for _ in range(10):
                write(tmp_path / "a", "all of it", "folder")
        except OutputError as error:
            failures.append(error)

    threads = [threading.Thread(target=write_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (failures, contents(tmp_path)) == ([], {"a/inside": b"all of it"})


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_file_and_a_folder_never_replace_each_other_and_a_link_stays_one(tmp_path: Path, kind: str) -> None:
    path, link, other = tmp_path / "a", tmp_path / "link", {"file": "folder", "folder": "file"}[kind]
    link.symlink_to(path)
    for text in ("first", "second"):
        write(link, text, kind)
    with pytest.raises(OutputError, match="cannot write"):
        write(path, "third", other)
    assert (link.is_symlink(), contents(tmp_path).popitem()[1]) == (True, b"second")


def test_a_folder_of_its_own_is_empty_and_vanishes(tmp_path: Path) -> None:
    with scratch_folder(tmp_path / "new" / "work") as first, scratch_folder(tmp_path / "new" / "work") as second:
        assert (first != second, first.parent.name) == (True, "new")
        (second / "a").mkdir()
        if os.name == "posix":  # a temporary folder is seen by the other users of the machine
            assert stat.S_IMODE(first.stat().st_mode) == 0o700
    assert contents(tmp_path) == {}
    assert names(tmp_path / "new") == []


FULL = [
    OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
    OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "source", None, "elsewhere"),
    OSError(errno.EFBIG, os.strerror(errno.EFBIG)),
    OSError(errno.EIO, os.strerror(errno.EIO)),
    OSError(f"Error writing bytes to file. Detail: [errno 28] {os.strerror(errno.ENOSPC)}"),
    ValueError(f"a library says: {os.strerror(errno.ENOSPC)}"),
    sqlite3.OperationalError("database or disk is full"),
]


@pytest.mark.parametrize("error", FULL, ids=range(len(FULL)))
def test_a_full_disk_is_one_sentence_whichever_library_meets_it(tmp_path: Path, error: Exception) -> None:
    with pytest.raises(OutputError) as raised, replacing(tmp_path / "a.csv"):
        raise error
    place = "elsewhere" if getattr(error, "filename2", None) else tmp_path / "a.csv"
    assert str(raised.value).startswith(f"cannot write {place}: ")
    assert str(raised.value).endswith("; free some space or choose another folder")
    assert ("\n" in str(raised.value), names(tmp_path)) == (False, [])


def test_a_library_that_does_not_say_why_it_fails_is_asked_about_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(OutputError, match=r"cannot write .*: no reason; free"), replacing(tmp_path / "a.csv"):
        raise RuntimeError("no reason")


OTHERS = [OSError(errno.ENOENT, "gone", "source"), OSError(errno.ECONNRESET, "reset"), ValueError("a"), OSError("b")]


@pytest.mark.parametrize("error", OTHERS, ids=range(len(OTHERS)))
def test_an_error_that_is_not_about_the_disk_is_not_called_so(tmp_path: Path, error: Exception) -> None:
    with pytest.raises(type(error)) as raised, replacing(tmp_path / "a.csv"):
        raise error
    assert raised.value is error


@posix
def test_a_file_that_can_be_read_back_is_written_on_no_full_disk(tmp_path: Path) -> None:
    program = (
        "import resource, shutil, sys; from pathlib import Path; from course.files import replacing\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "with replacing(Path(sys.argv[1])) as new: shutil.copyfile(sys.executable, new)"
    )
    done = subprocess.run([sys.executable, "-c", program, tmp_path / "a"], capture_output=True, text=True, check=False)
    assert f"OutputError: cannot write {tmp_path / 'a'}: " in done.stderr
    assert names(tmp_path) == []


def test_a_full_cache_says_which_variable_names_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("BIGDATA_COURSE_DATA", "~/cache")
    with pytest.raises(OutputError, match="set BIGDATA_COURSE_DATA to another folder"), replacing(tmp_path / "cache/a"):
        raise FULL[0]
    assert expanded("~/a") == tmp_path / "a"
    assert expanded("~nobody-of-this-name/a") == Path("~nobody-of-this-name/a")
