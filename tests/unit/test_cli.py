"""The command says what it did, or on one line what is wrong."""

from __future__ import annotations

import io
import os
import re
import shlex
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from time import sleep
from typing import Any

import psutil
import pytest
from notebook_writer import code, contents, text, write_notebook

from course.cli import course as command
from course.cli import main
from course.cli.start_command import QUIET
from course.errors import OutputError
from course.generator.small import SMALL_SIZE
from course.publish.site import RECORD
from course.shipped import shipped_lessons
from course.size import format_size

has_signals = pytest.mark.skipif(sys.platform == "win32", reason="Windows sends a signal to every process")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int | str | None, str, str]]:
    """Return what runs the command, and returns its exit code and what it printed on both streams."""

    def run(*arguments: str | Path) -> tuple[int | str | None, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([str(one) for one in arguments])
        return ended.value.code, *capsys.readouterr()

    return run


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for the data files, which are generated once for all."""
    return tmp_path_factory.mktemp("kept")


@pytest.fixture
def course(tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with one lesson, as the current folder."""
    write_notebook(tmp_path / "notebooks" / "01_one.ipynb", text("# One"), code("print(6 * 7)"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BIGDATA_COURSE_DATA", str(kept))
    return tmp_path


@pytest.mark.parametrize("words", ["", *command.commands, "data small", "data month", "data lexicon"])
def test_every_command_explains_itself_the_big_ones_with_examples(run: Any, words: str) -> None:
    status, out, err = run(*words.split(), "--help")
    assert (status, err) == (0, "")
    assert out.startswith("Usage: course")
    assert words in ("data small", "data lexicon") or re.search(r"Examples:\n +course ", out)
    assert words or all(name in out for name in command.commands)


def test_the_version_is_that_of_the_package(run: Any) -> None:
    assert run("--version") == (0, f"course, version {version('bigdata-course')}\n", "")


def test_starting_the_command_imports_nothing_heavy() -> None:
    program = "import sys, course.cli; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert not {"pandas", "numpy", "nbconvert", "nbformat", "IPython", "jinja2", "psutil", "asyncio"} & set(loaded)


def test_build_publishes_and_says_what_it_did(run: Any, course: Path) -> None:
    status, out, err = run("build", "--formats", "script, notebook")
    assert (status, err) == (0, "")
    assert out.startswith("1 notebooks (1 executed, 0 not), 2 files, 0 warnings, ")
    assert out.endswith(f"{Path('build/site/index.html')}\n")
    assert b"42" in (course / "build" / "site" / "notebooks" / "01_one.ipynb").read_bytes()
    site = contents(course / "build" / "site")
    status, out, _ = run("build", "--formats", "notebook,script")
    assert (status, out[:36]) == (0, "1 notebooks (0 executed, 1 not), 2 f")
    assert contents(course / "build" / "site") == site
    assert run("build", "--formats", "script", "--no-cache")[1].startswith("1 notebooks (1 executed, 0 not)")


def test_build_of_named_notebooks_makes_a_site_of_them(run: Any, course: Path) -> None:
    deck = write_notebook(course / "slides" / "lecture.ipynb", text("# Deck"))
    words = ["build", "--no-execute", "--formats", "script", "--cache", "c", "--output"]
    assert run(*words, "one", deck)[0] == run(*words, "all")[0] == 0
    assert sorted(contents(course / "one")) == [RECORD, "index.html", "slides/lecture.py"]
    assert sorted(contents(course / "all")) == [RECORD, "index.html", "notebooks/01_one.py", "slides/lecture.py"]


def test_build_prints_warnings_on_their_own_lines(run: Any, course: Path) -> None:
    write_notebook(course / "notebooks" / "01_one.ipynb", code("for x"), code("for y"))
    status, out, err = run("build", "--no-execute", "--formats", "script")
    assert (status, len(err.splitlines()), "2 warnings" in out) == (0, 2, True)
    assert all(line.startswith("warning: 01_one.ipynb: script: ") for line in err.splitlines())
    assert run("build", "--no-execute", "--formats", "script", "--strict")[0] == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["build", "--formats", "docx"], "course: unknown format: docx; choose among notebook, "),
        (["build", "--notebooks", "none"], "course: no lesson in none: a lesson is a file named like 01_data.ipynb"),
        (["build", "absent.ipynb"], "course: cannot read absent.ipynb: "),
        (["serve", "--site", "none"], "course: no site in none; run: course build"),
        (["data", "month", "x.csv", "--size", "big"], "course: 'big' is not a size; "),
    ],
)
def test_an_error_is_one_line_and_code_2(run: Any, course: Path, words: list[str], message: str) -> None:
    status, out, err = run(*words)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(message)


@pytest.mark.parametrize("words", [["nonsense"], ["data", "month", "x.csv"], ["data", "month", "x.csv", "--rows", "0"]])
def test_wrong_usage_is_code_2_with_the_usage(run: Any, words: list[str]) -> None:
    status, _, err = run(*words)
    assert (status, err.startswith("Usage: course ")) == (2, True)


def test_a_message_of_many_lines_is_printed_on_one(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise OutputError("disk\n  full")

    monkeypatch.setattr(command.commands["build"], "callback", fail)
    assert run("build") == (2, "", "course: disk full\n")


def start(*arguments: str) -> subprocess.Popen[str]:
    """Start the command in another process."""
    words = [sys.executable, "-m", "course", *arguments]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(path: Path) -> int:
    """Return the number a process writes in a file, once it is there."""
    for _ in range(3000):
        if path.is_file() and path.read_text().endswith("\n"):
            return int(path.read_text())
        sleep(0.01)
    raise AssertionError(f"{path} was not written")


@has_signals
@pytest.mark.parametrize(("number", "ends"), [(signal.SIGINT, 130), (getattr(signal, "SIGKILL", 9), -9)])
def test_a_build_interrupted_leaves_the_site_and_no_kernel(run: Any, course: Path, number: int, ends: int) -> None:
    words = ["build", "--formats", "script"]
    assert run(*words, "--no-execute")[0] == 0
    site = contents(course / "build" / "site")
    sign = course / "sign"
    cell = f"import os, time; print(os.getpid(), file=open({str(sign)!r}, 'w'), flush=True); time.sleep(600)"
    write_notebook(course / "notebooks" / "01_one.ipynb", code(cell))
    building = start(*words)
    kernel = psutil.Process(wait_for(sign))
    building.send_signal(number)
    _, err = building.communicate(timeout=60)
    assert building.returncode == ends
    assert err.splitlines()[-1:] == (["course: interrupted"] if ends == 130 else [])
    assert "Traceback" not in err
    psutil.wait_procs([kernel], timeout=60)
    assert not kernel.is_running()
    assert contents(course / "build" / "site") == site
    write_notebook(course / "notebooks" / "01_one.ipynb", code("1"))
    assert run(*words)[0] == 0
    assert [path.name for path in (course / "build").rglob(".*")] == [RECORD]


def test_the_site_is_served_on_a_free_port_until_interrupted(course: Path) -> None:
    site = course / "build" / "site"
    site.mkdir(parents=True)
    (site / "index.html").write_text("the course")
    serving = start("serve", "--port", "0")
    assert serving.stdout is not None
    address = serving.stdout.readline().split()[0]
    assert {one.laddr.ip for one in psutil.Process(serving.pid).net_connections()} == {"127.0.0.1"}
    with urllib.request.urlopen(address) as answer:
        assert answer.read() == b"the course"
    taken = start("serve", "--port", address.strip("/").rpartition(":")[2])
    _, err = taken.communicate(timeout=60)
    assert (taken.returncode, err.startswith("course: cannot listen on port"), err.count("\n")) == (2, True, 1)
    serving.kill()
    serving.communicate(timeout=60)


def test_start_makes_the_folder_with_its_data_and_says_how_to_open_it(run: Any, tmp_path: Path) -> None:
    folder = tmp_path / "work"
    status, out, _ = run("start", folder, "--no-lab", "--lesson", "1")
    assert (status, "01_data.ipynb" in out) == (0, True)
    expected = {path.name for path in shipped_lessons()} | {"data/A201612_small.csv", "data/Lexique_open-DAMIR.xlsx"}
    assert expected <= set(contents(folder))


def test_start_names_a_lesson_that_does_not_exist_before_anything_is_written(run: Any, tmp_path: Path) -> None:
    status, _, err = run("start", tmp_path / "work", "--no-lab", "--lesson", "77")
    assert (status, "no lesson 77; choose one of" in err) == (2, True)
    assert not (tmp_path / "work").exists()


def test_start_opens_jupyterlab_on_the_lesson(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[list[str], Path]] = []
    monkeypatch.setattr(subprocess, "call", lambda words, cwd: calls.append((words, cwd)) or 0)
    folder = tmp_path / "work"
    assert run("start", folder, "--lesson", "1")[0] == 0
    root = f"--ServerApp.root_dir={folder}"
    assert calls == [([sys.executable, "-m", "jupyterlab", *QUIET, root, "01_data.ipynb"], folder)]


@pytest.mark.skipif(sys.platform == "win32", reason="shells and users of POSIX")
@pytest.mark.parametrize("user", [0, 1000])
@pytest.mark.parametrize("home", ["home", "home/none", "file", "home/read only"])
def test_the_command_that_start_prints_can_be_pasted_also_as_root_or_without_a_home(
    run: Any, course: Path, monkeypatch: pytest.MonkeyPatch, user: int, home: str
) -> None:
    (course / "home").mkdir()
    (course / "file").touch()
    writable = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: "read only" not in str(path) and writable(path, mode))
    if home == "home/read only":
        (course / home).mkdir()
    monkeypatch.setenv("HOME", str(course / home))
    monkeypatch.setattr(os, "geteuid", lambda: user)
    status, out, err = run("start", "my $course's", "--no-lab")
    assert (status, err) == (0, "")
    command = out.splitlines()[-1].partition("open it with: ")[2]
    words = shlex.split(command)
    assert words[-1] == "my $course's/00_start.ipynb"
    assert (sys.executable in words, "--allow-root" in words) == (True, user == 0)
    assert (f"HOME={course}/my $course's/.home" in words) == (home != "home")
    # pasted: a shell hands over the words that were meant
    shown = subprocess.run(["sh", "-c", f"printf '%s\\n' {command}"], capture_output=True, text=True, check=True)
    assert shown.stdout.splitlines() == words


def test_start_keeps_data_that_were_changed_and_goes_on(run: Any, course: Path) -> None:
    run("start", "work", "--no-lab")
    with (course / "work" / "data" / "A201612_small.csv").open("a") as file:
        file.write("my note")
    (course / "work" / "data" / "Lexique_open-DAMIR.xlsx").write_text("mine")
    status, out, _ = run("start", "work", "--no-lab")
    assert (status, out.count("it stays as it is: "), "open it with: " in out) == (0, 2, True)
    assert (course / "work" / "data" / "A201612_small.csv").read_text().endswith("my note")
    assert run("start", "other", "--no-lab")[0] == 0
    # copies: what is done to one reaches neither the cache nor the other
    data = (course / "other" / "data" / "A201612_small.csv").stat()
    assert (data.st_size, data.st_nlink) == (SMALL_SIZE, 1)


def test_start_without_a_cache_that_can_be_written_fills_the_folder(
    run: Any, course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (course / "file").touch()
    monkeypatch.setenv("BIGDATA_COURSE_DATA", str(course / "file" / "cache"))
    assert run("start", "work", "--no-lab")[0] == 0
    assert (course / "work" / "data" / "A201612_small.csv").stat().st_size == SMALL_SIZE
    status, _, err = run("data", "small")
    assert (status, "set BIGDATA_COURSE_DATA to another folder" in err) == (2, True)


def test_a_jupyterlab_that_does_not_run_as_root_is_told_how(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "call", lambda *_, **__: 1)
    for user, told in ((0, "as root, open it with: "), (1000, "its own message is above\n")):
        monkeypatch.setattr(os, "geteuid", lambda user=user: user, raising=False)
        status, _, err = run("start", tmp_path / "work")
        assert (status, told in err, "--allow-root" in err) == (2, True, user == 0)


def test_a_tilde_is_the_home_wherever_a_path_is_taken(run: Any, course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (course / "home").mkdir()
    monkeypatch.setenv("HOME", str(course / "home"))
    monkeypatch.setenv("USERPROFILE", str(course / "home"))
    words = ["build", "--no-execute", "--formats", "script", "--output=~/site", "--cache=~/cache"]
    for one in (words, ["data", "month", "~/A.csv", "--rows", "10"], ["data", "lexicon", "~/data"]):
        assert run(*one)[0] == 0
    assert run("doctor", "~/doctor")[0] in {0, 2}
    assert {path.name for path in (course / "home").iterdir()} >= {"site", "cache", "A.csv", "data", "doctor"}
    assert not (course / "~").exists()
    assert run("build", "--notebooks=~/none")[2].endswith("named like 01_data.ipynb\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_under_the_standard_output_is_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "course", "--help"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr.count("\n"), "free some space" in done.stderr) == (2, 1, True)


def test_data_small_and_lexicon_write_files_and_say_their_sizes(
    run: Any, tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIGDATA_COURSE_DATA", str(kept))
    for folder in ([tmp_path / "data"], []):
        status, out, err = run("data", "small", *folder)
        written = (folder or [kept])[0] / "A201612_small.csv"
        assert (status, out, err) == (0, f"{written}: {format_size(written.stat().st_size)}\n", "")
        assert written.read_text(encoding="latin-1").count("\n") > 199_000
    workbook = tmp_path / "data" / "Lexique_open-DAMIR.xlsx"
    status, out, _ = run("data", "lexicon", tmp_path / "data")
    assert (status, out) == (0, f"{workbook}: {format_size(workbook.stat().st_size)}\n")


def test_data_month_writes_the_rows_that_are_asked(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "month.csv"
    status, out, err = run("data", "month", path, "--rows", "1000")
    assert (status, err, out.startswith(f"{path}: 1,000 rows, ")) == (0, "", True)
    assert len(path.read_text(encoding="latin-1").splitlines()) == 1001
    status, _, err = run("data", "month", path, "--rows", "10")
    assert (status, err.startswith("course: ")) == (2, True)
    made = []
    for seed in ([], ["--seed", "0"], ["--seed", "1"]):
        assert run("data", "month", path, "--rows", "10", "--overwrite", *seed)[0] == 0
        made.append(path.read_bytes())
    assert len(set(made)) == 3


@has_signals
def test_a_watched_notebook_is_built_again_at_each_save_a_broken_one_too_until_interrupted(course: Path) -> None:
    building = start("build", "--formats", "script", "--no-execute", "--watch")
    out, errors = building.stdout, building.stderr
    assert out and errors  # noqa: PT018 both are pipes
    assert out.readline().startswith("1 notebooks")
    lesson, script = course / "notebooks" / "01_one.ipynb", course / "build" / "site" / "notebooks" / "01_one.py"
    lesson.write_text("{", encoding="utf-8")
    assert out.readline() == "changed: 01_one.ipynb\n"
    assert "is not a notebook" in errors.readline()
    write_notebook(lesson, text("# One"), code("print(6 * 9)"))
    # a slow machine may see the file while it is being written, and say so before it builds
    assert any(line.startswith("1 notebooks") for line in out)
    assert "6 * 9" in script.read_text(encoding="utf-8")
    building.send_signal(signal.SIGINT)
    _, err = building.communicate(timeout=60)
    assert building.returncode == 130
    assert err.splitlines()[-1] == "course: interrupted"


def test_the_script_that_measures_the_speed_of_publishing_says_what_both_ways_cost(tmp_path: Path) -> None:
    lesson = write_notebook(tmp_path / "01_one.ipynb", text("# One"), code("1"))
    script = Path(__file__).parents[1] / "publish_speed.py"
    done = subprocess.run([sys.executable, script, lesson], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines[0] == "1 notebooks in 4 formats (notebook, html, script, slides)"
    costs = ["  nbconvert: ", "  course build: ", "  course build, again: "]
    assert all(line.startswith(cost) for line, cost in zip(lines[1:4], costs, strict=True))
    assert re.fullmatch(r"the build is [\d.]+ times faster", lines[4])
    lesson.write_text("{", encoding="utf-8")
    done = subprocess.run([sys.executable, script, lesson], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.startswith("nbconvert failed: ")) == (1, True)


def test_clean_shows_asks_and_deletes_what_start_put(run: Any, course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("start", "work", "--no-lab")[0] == 0
    readme = (course / "work" / "README.md").read_text(encoding="utf-8")
    assert readme.count("-m course") == 2
    assert str(course / "work") in readme
    (course / "work" / "data" / "mine.csv").write_text("mine")
    before = contents(course / "work")
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    status, out, err = run("clean", "work")
    assert (status, "15.4 MiB  work/data/A201612_small.csv" in out, "add --yes" in err) == (2, True, True)
    assert contents(course / "work") == before
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr("click.confirm", lambda question: "2 files" not in question)
    assert run("clean", "work")[0] == 0
    assert contents(course / "work") == before
    status, out, _ = run("clean", "work", "--yes")
    assert (status, "freed" in out, "1 more in" in out) == (0, True, True)
    gone = {"data/A201612_small.csv", "data/Lexique_open-DAMIR.xlsx"}
    assert set(before) - set(contents(course / "work")) == gone
    status, out, _ = run("clean", "work")
    assert (status, out.splitlines()[-1]) == (0, "nothing to delete")
    status, _, err = run("clean", "nowhere")
    assert (status, "give a folder that course start made" in err) == (2, True)
