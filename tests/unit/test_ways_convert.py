"""A conversion is put where it was wanted whole, also by two at once, and over nothing that is not its own."""

from __future__ import annotations

import json
import select
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import course
from course.errors import CourseError, ExistingFileError, MissingFileError, OutputError, UnreadableFileError
from course.ways import FORMATS, WAYS, answer, check_file, convert, is_installed
from course.ways.checking import plain_copy

HEADER = "AGE_BEN_SNDS;X;PRS_REM_MNT;\n"
FORMATS_HERE = [form.name for form in FORMATS.values() if form.writer and is_installed(form.library)]
WAY_OF = {way.format: way.name for way in WAYS.values()}
WORKER = """
import json, sys, traceback
from importlib import import_module
from course.ways import FORMATS, convert
for line in sys.stdin:
    form, source, target, limit = json.loads(line)
    import_module(FORMATS[form].library)
    import_module("course.ways." + FORMATS[form].writer.partition(":")[0])
    print(end="\\0", file=sys.stderr, flush=True)
    sys.stdin.readline()
    if limit:
        import resource
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        convert(form, source, target)
    except Exception:
        traceback.print_exc()
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    print(end="\\0", file=sys.stderr, flush=True)
"""


class Worker:
    """A process that converts again and again: starting one costs more than what it does."""

    def __init__(self) -> None:
        command = [sys.executable, "-c", WORKER]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def write(self, text: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(f"{text}\n")
        self.process.stdin.flush()

    def said(self) -> str:
        """Wait until it has imported, or has converted; return what came on its standard error."""
        assert self.process.stderr
        text = ""
        while (character := self.process.stderr.read(1)) not in {"\0", ""}:
            text += character
        return text if character else f"the process ended\n{text}"

    def has_said(self) -> bool:
        return bool(select.select([self.process.stderr], [], [], 0)[0])

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


def begin(workers: list[Worker], form: str, source: Path, target: Path, limit: int = 0) -> None:
    """Have processes convert at once, each having imported what it needs; ``limit`` is of the bytes of a file."""
    for worker in workers:
        worker.write(json.dumps([form, str(source), str(target), limit]))
    assert [worker.said() for worker in workers] == [""] * len(workers)
    for worker in workers:
        worker.write("go")


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> course.MonthReport:
    """A month of a few columns: what the libraries do for each of 55 takes most of the time of a conversion."""
    made = course.month_file(tmp_path_factory.mktemp("month") / "whole.csv", rows=3000)
    path = made.path.with_name("m.csv")
    names = ["FLX_ANN_MOI", "AGE_BEN_SNDS", "BEN_SEX_COD", "PRS_ACT_NBR", "PRS_REM_MNT"]
    pd.read_csv(made.path, sep=";", usecols=names, dtype="str").to_csv(path, sep=";", index=False)
    return replace(made, path=path)


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> course.MonthReport:
    """A month large enough for a conversion to be stopped in the middle."""
    return course.month_file(tmp_path_factory.mktemp("big") / "m.csv", rows=100_000)


@pytest.fixture(scope="module")
def started() -> Iterator[list[Worker]]:
    workers = [Worker(), Worker()]
    yield workers
    for worker in workers:
        if worker.process.returncode is None:
            try:
                assert (worker.process.communicate(timeout=60)[1], worker.process.returncode) == ("", 0)
            finally:
                worker.kill()


@pytest.fixture
def workers(started: list[Worker]) -> list[Worker]:
    """Two processes that wait to convert; a test may kill them."""
    started[:] = [worker if worker.process.returncode is None else Worker() for worker in started]
    return started


def is_right(form: str, path: Path, month: course.MonthReport) -> bool:
    found = {age: round(euros * 100) for age, euros in answer(WAY_OF[form], path).items()}
    return found == {age: cents for age, cents in month.cents_by_age.items() if month.rows_by_age[age]}


@pytest.mark.parametrize("form", FORMATS_HERE)
def test_conversions_at_once_all_succeed(
    form: str, month: course.MonthReport, workers: list[Worker], tmp_path: Path
) -> None:
    target = tmp_path / f"m{FORMATS[form].suffix}"
    begin(workers, form, month.path, target)
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda _: convert(form, month.path, target), range(4))) == [target] * 4
    assert [worker.said() for worker in workers] == [""] * 2
    assert is_right(form, target, month)
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("form", ["zarr", "sqlite", "parquet"])
def test_what_a_killed_conversion_left_goes_and_what_another_one_writes_stays(
    form: str, big: course.MonthReport, workers: list[Worker], tmp_path: Path
) -> None:
    target = tmp_path / f"m{FORMATS[form].suffix}"
    folders: list[Path] = []
    for worker in workers:
        begin([worker], form, big.path, target)
        while not (new := [path for path in tmp_path.glob(".*.part/table") if path not in folders]):
            assert not worker.has_said()
            time.sleep(0.002)
        worker.process.send_signal(signal.SIGSTOP)
        folders += new
    killed, running = workers
    killed.kill()
    convert(form, big.path, target)
    assert list(tmp_path.glob(".*")) == [folders[1].parent]
    running.process.send_signal(signal.SIGCONT)
    assert running.said() == ""
    assert list(tmp_path.iterdir()) == [target]
    assert sorted(path.name for path in big.path.parent.iterdir()) == ["m.csv", "m.csv.json"]
    assert is_right(form, target, big)


def test_a_folder_that_a_killed_conversion_had_moved_away_is_put_back(
    month: course.MonthReport, tmp_path: Path
) -> None:
    target, bad = tmp_path / "m.zarr", tmp_path / "bad.csv"
    left = tmp_path / ".m.zarr.0123abcd.part"
    convert("zarr", month.path, target)
    left.mkdir()
    target.rename(left / ".aside")
    bad.write_text(HEADER + "20;1;1;\n")
    (tmp_path / "m").write_text("a file where the folder of the target should be")
    with pytest.raises(OutputError):
        convert("zarr", bad, tmp_path / "m" / "m.zarr")
    assert not target.exists()
    bad.write_text(HEADER + f"20;1;1;\n{'9' * 5000};1;2;\n")
    with pytest.raises(UnreadableFileError):
        convert("zarr", bad, target, check=False)
    assert is_right("zarr", target, month)
    assert not list(tmp_path.glob(".*"))


def strangers(folder: Path) -> dict[str, list[Path]]:
    """Make what is no table of the course, and return by what formats it could be replaced."""
    table = pd.DataFrame({"mine": [1]})
    text, empty, notes = folder / "text", folder / "empty", folder / "notes"
    text.write_text(HEADER)
    empty.touch()
    notes.mkdir()
    (notes / "notes.txt").write_text("a year of work")
    (folder / "nothing").mkdir()
    table.to_parquet(folder / "p.parquet")
    table.to_pickle(folder / "p.pkl")
    table.to_feather(folder / "p.feather")
    with sqlite3.connect(folder / "p.sqlite") as connection:
        connection.execute("CREATE TABLE damir (AGE_BEN_SNDS, PRS_REM_MNT)")
        connection.execute("CREATE TABLE mine (a)")
    connection.close()
    everything = {form: [text, empty, notes, folder / "nothing"] for form in FORMATS_HERE}
    everything["parquet"].append(folder / "p.parquet")
    everything["pickle"].append(folder / "p.pkl")
    everything["feather"].append(folder / "p.feather")
    everything["sqlite"].append(folder / "p.sqlite")
    return everything


def content(path: Path) -> object:
    return sorted(path.rglob("*")) if path.is_dir() else path.read_bytes()


def test_what_is_no_table_of_the_course_is_not_replaced(month: course.MonthReport, tmp_path: Path) -> None:
    for form, paths in strangers(tmp_path).items():
        for path in [*paths, month.path]:
            before = content(path)
            with pytest.raises(ExistingFileError, match=r"is there and is no .* table made by course\.ways\.convert"):
                convert(form, month.path, path)
            assert content(path) == before
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("form", FORMATS_HERE)
def test_a_full_disk_is_one_error_and_leaves_the_table_before(
    form: str, month: course.MonthReport, workers: list[Worker], tmp_path: Path
) -> None:
    pytest.importorskip("resource")
    target = convert(form, month.path, tmp_path / f"m{FORMATS[form].suffix}")
    begin(workers[:1], form, month.path, target, limit=1000)
    told = workers[0].said().strip().splitlines()[-1]
    if form == "hdf5":  # the library keeps what it could not write, and ends its process or complains later
        workers[0].kill()
    assert told.startswith(f"course.errors.OutputError: cannot write {target}: ")
    assert told.endswith("; free some space or choose another folder")
    assert is_right(form, target, month)
    assert list(tmp_path.iterdir()) == [target]


def test_a_copy_in_the_temporary_folder_is_of_its_owner_alone_and_what_a_killed_process_left_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    dead, path = tmp_path / ".bigdata-course.0123abcd.part", tmp_path / "m.csv"
    dead.mkdir()
    path.write_text(HEADER + "20;1;1;\n")
    with plain_copy(path) as first, plain_copy(path) as second:
        assert sorted(tmp_path.iterdir()) == sorted([first.parent, second.parent, path])
        assert first.parent.stat().st_mode & 0o077 == 0
    assert list(tmp_path.iterdir()) == [path]


# --- what is no file of the format ----------------------------------------------------------------------------------


@pytest.mark.parametrize("way", [way.name for way in WAYS.values() if is_installed(way.library)])
def test_what_is_no_file_of_the_format_is_one_error_of_the_course(
    way: str, month: course.MonthReport, tmp_path: Path
) -> None:
    form = WAYS[way].format
    whole = convert(form, month.path, tmp_path / "whole")
    folder, text, noise, cut = (tmp_path / name for name in ("folder", "text", "noise", "cut"))
    folder.mkdir()
    text.write_text("hello\nworld\n")
    noise.write_bytes(bytes(range(256)) * 40)
    pd.DataFrame({"mine": [1]}).to_parquet(tmp_path / "mine.parquet")
    other = convert("sqlite" if "sqlite" not in form else "parquet", month.path, tmp_path / "other")
    broken = [folder, text, noise, other, tmp_path / "mine.parquet"]
    if whole.is_file() and form != "csv":
        for size in (0, 1000, whole.stat().st_size // 2, whole.stat().st_size - 5):
            broken.append(tmp_path / f"cut{size}")
            broken[-1].write_bytes(whole.read_bytes()[:size])
    for path in broken:
        with pytest.raises(CourseError) as caught:
            answer(way, path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)
    with pytest.raises(MissingFileError, match="there is no"):
        answer(way, cut)


# --- the check ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("20;1;1,5;\n", r"line 2, column PRS_REM_MNT: '1,5' is no number; write digits with a decimal point"),
        ("20;1;1;\n\n20.5;1;1;\n", r"line 4, column AGE_BEN_SNDS: '20\.5' is no integer of 64 bits"),
        ('20;"a\nb";1;\n20;1\n', r"line 4: there are 2 fields for the 3 names of the header"),
        ("20;1;1;5\n", r"line 2: there are 4 fields for the 3 names"),
        ('20;1;1;\n20;"1;1;\n', r"line 3: unexpected end of data"),
        (
            "30;1;1e308;\n20;1;1e300;\n20;1;1;\n20;1;-1e300;\n",
            r"column PRS_REM_MNT: the amounts of the class 20 are too",
        ),
        ("20;1;1.7e308;\n" * 2, r"the amounts of the class 20 are too large, their sum depends on the order"),
        ("20;1;1e11;\n" + "20;1;.01;\n" * 2000 + "20;1;-1e11;\n", r"the amounts of the class 20 are too large"),
    ],
)
def test_an_error_names_the_line_and_what_to_do(rows: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(HEADER + rows)
    for ask in (check_file, lambda path: answer("pandas-csv", path), lambda path: convert("zarr", path, path / "x")):
        with pytest.raises(UnreadableFileError, match=message):
            ask(path)


@pytest.mark.parametrize("limit", [2**17, 2**10])
def test_what_is_plain_is_read_as_it_is_and_the_rest_is_copied(
    limit: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("course.ways.checking.BLOCK_BYTES", limit)
    path, long = tmp_path / "m.csv", "x" * 100
    plain = ["20;1;1.5;\n", "20;é;-.5;\n\n", "", ";1;;\n" * 999, f"20;{long};1.5;\n" * 999 + "20;1;1;"]
    for rows in plain:
        for text in (HEADER + rows, (HEADER + rows).replace("\n", "\r\n"), "\ufeff" + HEADER + rows):
            path.write_bytes(text.encode())
            assert check_file(path), text[:200]
    for rows in [
        '20;"1";1;\n',
        "20;1;1\n",
        "-1;1;1;\n",
        "5000;1;1;\n",
        "20;1;1;\r\n",
        "20;1;1;\r20;1;1;\n",
        f"20;{long * 2000};1;\n",
    ]:
        path.write_bytes((HEADER + f"20;{long};1.5;\n" * 99 + rows).encode())
        assert not check_file(path), rows[:200]
    with plain_copy(path) as copy:
        assert copy.read_text() == "AGE_BEN_SNDS;PRS_REM_MNT\n" + "20;1.5\n" * 99 + "20;1.0\n"
    assert not copy.exists()


def test_what_was_found_is_remembered_until_the_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path] = []
    monkeypatch.setattr("course.ways.checking._is_plain", lambda place: asked.append(place) or True)
    path = tmp_path / "m.csv"
    path.write_text(HEADER)
    assert check_file(path)
    assert check_file(path)
    assert len(asked) == 2, "a file just written may be written again within a tick of its clock"
    monkeypatch.setattr("course.ways.checking.RECENT_SECONDS", -1.0)
    assert all([check_file(path), check_file(str(path)), check_file(path)])
    assert len(asked) == 3
    path.write_text(HEADER + "20;1;x;\n")
    assert check_file(path)
    assert len(asked) == 4


def test_without_the_check_a_way_reads_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.csv"
    path.write_text(HEADER + "20;1;1_0;\n")
    assert answer("python-csv", path, check=False).to_dict() == {20: 10.0}
    for rows in ("20;1;nan;\n", "20;1;1e308;\n20;1;1e308;\n", "20;1;abc;\n"):
        path.write_text(HEADER + rows)
        with pytest.raises(UnreadableFileError):
            answer("python-csv", path, check=False)


@pytest.mark.parametrize("way", [way.name for way in WAYS.values() if is_installed(way.library)])
def test_an_age_that_no_float_holds_is_exact_beside_a_missing_one(way: str, tmp_path: Path) -> None:
    source = tmp_path / "month.csv"
    source.write_text(f"{HEADER}{2**53 + 1};1;1.5;\n;1;2;\n", encoding="ascii")
    form = FORMATS[WAYS[way].format]
    file = convert(form.name, source, tmp_path / f"month{form.suffix}") if form.writer else source
    assert answer(way, file).to_dict() == {2**53 + 1: 1.5}


def test_a_column_that_does_not_fit_is_text_in_every_format(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text(HEADER.replace("X", "SOI_ANN;BEN_SEX_COD") + '70000;2019;1;1;\n20;"a;b";2;2;\n')
    table = pd.read_parquet(convert("parquet", path, tmp_path / "m.parquet"))
    assert table["SOI_ANN"].tolist() == ["2019", "a;b"]
    assert [str(kind) for kind in table.dtypes] == ["int64", "str", "int16", "float64"]
