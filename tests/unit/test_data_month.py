from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from course.errors import BadArgumentError, ExistingFileError, OutputError, UnknownFormatError
from course.generator import month
from course.generator.answer import report_path
from course.generator.month import SEED, month_file, rows_of_size
from course.generator.rows import BLOCK_ROWS, in_order
from course.generator.schema import COLUMNS, HEADER, NULLABLE, arrow_schema, pandas_dtypes

ROWS = 40_000  # more than one block, the last one cut
SUFFIXES = (".csv", ".csv.gz", ".parquet")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("months")
    for suffix in SUFFIXES:
        month_file(folder / f"A201612{suffix}", rows=ROWS)
    return folder


@pytest.fixture(scope="module")
def text(folder: Path) -> str:
    return (folder / "A201612.csv").read_bytes().decode("ascii")


def read_csv(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, sep=";", usecols=list(COLUMNS), dtype=pandas_dtypes())


def test_every_line_ends_with_a_separator_and_none_is_blank(text: str) -> None:
    lines = text.split("\n")
    assert lines.pop() == ""
    assert lines[0] == HEADER
    assert len(lines) == ROWS + 1
    assert all(line.endswith(";") and line.count(";") == 55 for line in lines)
    assert not set(text) - set("0123456789.-;\n" + HEADER)
    assert 158 <= (len(text) - len(HEADER) - 1) / ROWS <= 161


def test_the_three_formats_hold_the_same_frame(folder: Path) -> None:
    expected = read_csv(folder / "A201612.csv")
    assert expected.shape == (ROWS, 55)
    pd.testing.assert_frame_equal(read_csv(folder / "A201612.csv.gz"), expected)
    from_parquet = pq.read_table(folder / "A201612.parquet").to_pandas(integer_object_nulls=False)
    pd.testing.assert_frame_equal(from_parquet.astype(pandas_dtypes()), expected)


def test_parquet_has_the_schema_of_the_readers_and_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert month.ROW_GROUP_BLOCKS * BLOCK_ROWS == 524_288
    monkeypatch.setattr(month, "ROW_GROUP_BLOCKS", 2)
    month_file(tmp_path / "A.parquet", rows=100_000)
    file = pq.ParquetFile(tmp_path / "A.parquet")
    assert file.schema_arrow.equals(arrow_schema())
    groups = [file.metadata.row_group(number).num_rows for number in range(file.metadata.num_row_groups)]
    assert groups == [2 * BLOCK_ROWS, 100_000 - 2 * BLOCK_ROWS]
    assert {field.name for field in file.schema_arrow if field.nullable} == NULLABLE


def test_gzip_file_is_read_by_gzip_duckdb_and_polars(folder: Path, text: str) -> None:
    import duckdb

    path = folder / "A201612.csv.gz"
    assert gzip.decompress(path.read_bytes()).decode("ascii") == text
    total = read_csv(folder / "A201612.csv")["AGE_BEN_SNDS"].sum()
    query = f"select count(*), sum(AGE_BEN_SNDS) from read_csv('{path.as_posix()}', delim=';')"
    assert duckdb.connect().execute(query).fetchall() == [(ROWS, total)]
    polars = pytest.importorskip("polars")
    assert polars.read_csv(path, separator=";", columns=["AGE_BEN_SNDS"])["AGE_BEN_SNDS"].sum() == total


@pytest.mark.parametrize(("suffix", "threads"), [(".csv", 1), (".csv", 3), (".csv.gz", 2)])
def test_bytes_depend_neither_on_the_date_nor_on_the_number_of_threads(
    folder: Path, tmp_path: Path, suffix: str, threads: int
) -> None:
    month_file(tmp_path / f"A{suffix}", rows=ROWS, threads=threads)
    assert (tmp_path / f"A{suffix}").read_bytes() == (folder / f"A201612{suffix}").read_bytes()


def test_a_longer_month_begins_with_the_rows_of_a_shorter_one_and_another_seed_gives_others(
    text: str, tmp_path: Path
) -> None:
    for seed in (SEED, 1):
        month_file(tmp_path / f"{seed}.csv", rows=1_000, seed=seed)
    shorter, other = ((tmp_path / f"{seed}.csv").read_text(encoding="ascii") for seed in (SEED, 1))
    assert text.startswith(shorter)
    assert len(set(other.split("\n")[1:-1]) & set(text.split("\n"))) < 10


def test_the_bytes_of_a_month_are_the_same_everywhere(text: str) -> None:
    first = "\n".join(text.split("\n")[:1001])
    expected = "daa6da252b0881a9f42b575d895e8695ff922a8f87d6133c1edd007095fe81fa"
    assert hashlib.sha256(first.encode("ascii")).hexdigest() == expected


def test_the_answer_is_the_one_of_the_file_to_the_cent(folder: Path, text: str) -> None:
    report = month_file(folder / "A201612.csv", rows=ROWS)
    age, amount = COLUMNS.index("AGE_BEN_SNDS"), COLUMNS.index("PRS_REM_MNT")
    sums = dict.fromkeys(report.answer, Decimal(0))
    counts = dict.fromkeys(report.answer, 0)
    for line in text.split("\n")[1:-1]:
        fields = line.split(";")
        sums[int(fields[age])] += Decimal(fields[amount])
        counts[int(fields[age])] += 1
    assert report.answer == sums
    assert report.rows_by_age == counts
    assert sum(counts.values()) == report.rows == ROWS
    by_pandas = read_csv(folder / "A201612.csv").groupby("AGE_BEN_SNDS")["PRS_REM_MNT"].sum().round(2)
    assert by_pandas.to_dict() == {age: float(total) for age, total in sums.items()}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_json_beside_says_the_same(folder: Path, suffix: str) -> None:
    path = folder / f"A201612{suffix}"
    report = month_file(path, rows=ROWS)
    known = json.loads(report_path(path).read_text(encoding="utf-8"))
    assert (known["rows"], known["bytes"], known["seed"]) == (ROWS, path.stat().st_size, report.seed)
    assert known["format"] == suffix
    of_twenty = {"rows": report.rows_by_age[20], "sum": str(report.answer[20])}
    assert known["PRS_REM_MNT by AGE_BEN_SNDS"]["20"] == of_twenty


@pytest.mark.parametrize("size", [2_000, 100_000, 3_000_000, 8_000_000])
def test_size_is_reached_within_one_percent_or_a_row(tmp_path: Path, size: int) -> None:
    report = month_file(tmp_path / "A.csv", size=size)
    assert report.size_bytes == (tmp_path / "A.csv").stat().st_size
    assert abs(report.size_bytes - size) <= max(0.01 * size, 100)


def test_size_is_that_of_the_csv_whatever_the_format(tmp_path: Path) -> None:
    assert month_file(tmp_path / "A.parquet", size=1_000_000).rows == rows_of_size(1_000_000, 201612)


@pytest.fixture
def hundred(tmp_path: Path) -> Path:
    """A month of a hundred rows."""
    month_file(tmp_path / "A.csv", rows=100)
    return tmp_path / "A.csv"


def stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size


def test_an_existing_file_of_the_same_request_is_returned_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "A.csv"
    first = month_file(path, size=300_000)
    before = stamp(path)
    again = month_file(path, rows=first.rows)
    assert stamp(path) == before
    assert (again.answer, again.size_bytes, again.seconds) == (first.answer, first.size_bytes, 0)


@pytest.mark.parametrize("request_", [{"rows": 200}, {"rows": 100, "seed": 3}, {"size": 100_000}])
def test_an_existing_file_of_another_request_is_left_alone(hundred: Path, request_: dict[str, Any]) -> None:
    before = stamp(hundred)
    with pytest.raises(ExistingFileError, match="overwrite"):
        month_file(hundred, **request_)
    assert stamp(hundred) == before


def test_a_file_changed_by_hand_is_not_taken_for_the_generated_one(hundred: Path) -> None:
    with hundred.open("a", encoding="ascii") as file:
        file.write("\n")
    with pytest.raises(ExistingFileError):
        month_file(hundred, rows=100)
    assert month_file(hundred, rows=100, overwrite=True).rows == 100


def test_a_file_of_another_version_of_the_generator_is_not_taken_for_the_one_asked_for(hundred: Path) -> None:
    known = json.loads(report_path(hundred).read_text(encoding="utf-8"))
    report_path(hundred).write_text(json.dumps(known | {"generator": known["generator"] - 1}), encoding="utf-8")
    with pytest.raises(ExistingFileError):
        month_file(hundred, rows=100)


def test_overwriting_replaces_the_file_and_its_report(hundred: Path) -> None:
    report = month_file(hundred, rows=200, overwrite=True)
    assert hundred.read_bytes().count(b"\n") == 201
    assert month_file(hundred, rows=200).answer == report.answer


def test_there_is_no_month_without_its_answer(tmp_path: Path) -> None:
    path = tmp_path / "A.csv"
    report_path(path).mkdir()
    with pytest.raises(OutputError):
        month_file(path, rows=100)
    assert list(tmp_path.iterdir()) == [report_path(path)]


MEANINGLESS: list[dict[str, Any]] = [
    {}, {"rows": 5, "size": 5}, {"rows": 0}, {"rows": -1}, {"size": 0}, {"size": -3}, {"rows": 5, "seed": -1},
    {"rows": 1e5},
]  # fmt: skip


@pytest.mark.parametrize("arguments", MEANINGLESS)
def test_a_request_without_meaning_is_refused(tmp_path: Path, arguments: dict[str, Any]) -> None:
    with pytest.raises(BadArgumentError):
        month_file(tmp_path / "A.csv", **arguments)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_format_is_refused_and_the_known_ones_are_named(tmp_path: Path) -> None:
    with pytest.raises(UnknownFormatError, match=r"\.csv, \.csv\.gz, \.parquet"):
        month_file(tmp_path / "A201612.xlsx", rows=10)


def test_a_folder_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file", encoding="utf-8")
    with pytest.raises(OutputError, match="cannot write"):
        month_file(tmp_path / "data" / "A.csv", rows=10)


def test_a_disk_too_small_is_told_before_writing(tmp_path: Path) -> None:
    rows = shutil.disk_usage(tmp_path).free // 100
    with pytest.raises(OutputError, match=r"free .+ more"):
        month_file(tmp_path / "A.csv", rows=rows)
    assert list(tmp_path.iterdir()) == []


def run_child(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


FULL_DISK = """
import resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
from course import month_file
from course.errors import OutputError
for suffix in (".csv", ".csv.gz", ".parquet"):
    try:
        month_file(Path(sys.argv[1], "A" + suffix), rows=70_000)
    except OutputError as error:
        print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files")
def test_a_disk_that_fills_up_leaves_nothing_in_any_format(tmp_path: Path) -> None:
    ended = run_child(FULL_DISK, tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("cannot write") == 3
    assert list(tmp_path.iterdir()) == []


def end_in_the_middle(folder: Path, suffix: str, number: signal.Signals) -> bytes:
    """Send a signal to a process that writes a month, once some of it is there, and return what it said."""
    program = (
        "import sys; from course.generator import month; month.ROW_GROUP_BLOCKS = 1\n"
        "month.month_file(sys.argv[1], rows=30_000_000)"
    )
    with subprocess.Popen([sys.executable, "-c", program, folder / f"A{suffix}"], stderr=subprocess.PIPE) as process:
        while process.poll() is None and not any(path.stat().st_size for path in folder.glob(f".A{suffix}.*.part/A*")):
            time.sleep(0.01)
        process.send_signal(number)
        try:
            return process.communicate(timeout=60)[1]
        finally:
            process.kill()


has_signals = pytest.mark.skipif(sys.platform == "win32", reason="a console event would reach the tests too")


@has_signals
def test_interrupting_leaves_no_file(tmp_path: Path) -> None:
    assert b"KeyboardInterrupt" in end_in_the_middle(tmp_path, ".csv", signal.SIGINT)
    assert list(tmp_path.iterdir()) == []


@has_signals
@pytest.mark.parametrize(
    ("suffix", "name"), [(".csv", "SIGTERM"), (".csv", "SIGKILL"), (".csv.gz", "SIGKILL"), (".parquet", "SIGKILL")]
)
def test_the_next_month_removes_what_a_killed_one_left(tmp_path: Path, suffix: str, name: str) -> None:
    end_in_the_middle(tmp_path, suffix, getattr(signal, name))
    (left,) = tmp_path.iterdir()
    assert left.name.endswith(".part")
    month_file(tmp_path / f"A{suffix}", rows=10)
    # one that was killed once all was in place
    (tmp_path / left.name).mkdir()
    month_file(tmp_path / f"A{suffix}", rows=10)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"A{suffix}", f"A{suffix}.json"]


def test_a_file_of_that_name_beside_that_is_no_report_is_left_alone(tmp_path: Path) -> None:
    report_path(tmp_path / "A.csv").write_text('{"mine": 1}')
    with pytest.raises(ExistingFileError, match=r"A\.csv\.json is there"):
        month_file(tmp_path / "A.csv", rows=10)
    assert [path.read_text() for path in tmp_path.iterdir()] == ['{"mine": 1}']
    assert month_file(tmp_path / "A.csv", rows=10, overwrite=True).rows == 10
    # of a month that was killed between the two
    (tmp_path / "A.csv").unlink()
    assert month_file(tmp_path / "A.csv", rows=20).rows == 20


def test_blocks_come_in_order_and_are_not_made_too_far_ahead() -> None:
    started: list[int] = []

    def make(number: int) -> int:
        started.append(number)
        time.sleep(0.02 if number % 2 else 0)
        return number

    made = in_order(make, range(50), threads=2)
    assert [next(made) for _ in range(10)] == list(range(10))
    time.sleep(0.1)
    assert len(started) <= 10 + 2 * 2
    made.close()


PEAK = """
import sys
from course import month_file
from course.measure import measure
with measure() as cost:
    month_file(sys.argv[1], rows=int(sys.argv[2]))
print(cost.peak_memory_bytes)
"""


def test_peak_memory_does_not_follow_the_number_of_rows(tmp_path: Path) -> None:
    peaks = [int(run_child(PEAK, tmp_path / f"{rows}.csv", rows).stdout) for rows in (200_000, 1_000_000)]
    assert peaks[1] - peaks[0] < 100 * 2**20
    assert max(peaks) < 600 * 2**20
