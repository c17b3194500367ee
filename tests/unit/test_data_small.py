from __future__ import annotations

import hashlib
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from course.errors import ExistingFileError, OutputError
from course.generator.answer import CENTS_BY_AGE, ROWS_BY_AGE, SMALL_NAME
from course.generator.schema import COLUMNS, HEADER
from course.generator.small import SMALL_SHA256, SMALL_SIZE, small_file

# what the public lesson printed: the first two rows as text, the next three as numbers
PRINTED = """\
201612;76;20;76;9;1;1;0;1101;76;1;76;1101;9;3;0;2;1;1;0;46;46;46;2;1;1;46;0;46;2016;12;40;0;0;9;99;1;99;9;1117;1;100;99;3;99;0;0;14;2;99;0;0;1;2;9;
201612;28;30;28;9;1;2;0;9999;99;99;24;1102;9;99;0;1;5;1;0;.51;.51;.51;1;5;1;.51;0;.51;2016;12;10;0;0;9;99;9;99;9;3380;2;100;99;31;28;50;2;0;1;99;0;0;6;2;9;
201612;27;60;93;9;2;1;0;9999;99;99;99;9999;9;99;8;1;;1;0;0;0;-.5;1;;1;0;0;-.5;2016;12;10;0;0;9;99;9;99;9;1972;2;100;99;31;93;50;2;0;9;93;0;1;1;9;9;
201612;32;40;32;9;2;2;0;9999;99;99;99;9999;9;99;0;2;2;2;0;46;46;32.2;2;2;2;46;0;32.2;2016;12;10;0;0;9;99;9;99;9;1111;2;70;99;10;32;0;1;1;1;32;0;1;1;1;9;
201612;32;30;32;9;1;2;0;2206;32;6;32;2206;9;36;0;1;1;1;0;23;23;23;1;1;1;23;0;23;2016;12;10;0;0;9;99;0;99;9;1111;2;100;99;31;99;19;0;0;2;99;0;0;1;2;9;
""".splitlines()


@pytest.fixture(scope="module")
def data_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(autouse=True)
def _own_data_directory(data_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIGDATA_COURSE_DATA", str(data_directory))


@pytest.fixture(scope="module")
def extract(data_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BIGDATA_COURSE_DATA", str(data_directory))
        return small_file(tmp_path_factory.mktemp("lesson") / "data")


@pytest.fixture(scope="module")
def text(extract: Path) -> str:
    return extract.read_bytes().decode("ascii")


def test_bytes_are_the_recorded_ones_nearly_as_many_as_in_the_original(extract: Path) -> None:
    content = extract.read_bytes()
    assert len(content) == SMALL_SIZE
    assert hashlib.sha256(content).hexdigest() == SMALL_SHA256
    assert abs(SMALL_SIZE / 16_280_345 - 1) < 0.03


def test_a_blank_line_stands_between_two_records_and_no_carriage_return(text: str) -> None:
    lines = text.split("\n")
    assert lines.pop() == ""
    assert len(lines) == 199_999
    assert "\r" not in text
    assert set(lines[1::2]) == {""}
    assert all(line.endswith(";") and line.count(";") == 55 for line in lines[::2])


def test_header_and_first_five_rows_are_those_printed(text: str) -> None:
    header, *rows = text.split("\n")[:12:2]
    assert rows == PRINTED
    assert header == HEADER
    assert header.startswith("FLX_ANN_MOI;ORG_CLE_REG;AGE_BEN_SNDS;")
    assert len(header) == 634


def test_frame_has_the_ghost_column_and_99_999_rows(extract: Path) -> None:
    frame = pd.read_csv(extract, sep=";")
    assert frame.shape == (99_999, 56)
    assert list(frame.columns) == [*COLUMNS, "Unnamed: 55"]
    assert frame["Unnamed: 55"].isna().all()


def test_counts_and_sums_by_age_are_known_to_the_cent(text: str) -> None:
    counts, cents = dict.fromkeys(ROWS_BY_AGE, 0), dict.fromkeys(ROWS_BY_AGE, 0)
    age, amount = COLUMNS.index("AGE_BEN_SNDS"), COLUMNS.index("PRS_REM_MNT")
    for line in text.split("\n")[2::2]:
        fields = line.split(";")
        counts[int(fields[age])] += 1
        cents[int(fields[age])] += int(100 * Decimal(fields[amount]))
    assert counts == ROWS_BY_AGE == {
        0: 10424, 20: 10948, 30: 10871, 40: 11963, 50: 14475, 60: 15662, 70: 13220, 80: 12281, 99: 155,
    }  # fmt: skip
    assert cents == CENTS_BY_AGE == {
        0: 260734516, 20: 171489446, 30: 337800146, 40: 327110813, 50: 501147559, 60: 602679272, 70: 428327772,
        80: 418156536, 99: 1901533,
    }  # fmt: skip


def test_second_call_gives_the_file_that_is_there(extract: Path) -> None:
    before = extract.stat()
    assert small_file(extract.parent) == extract
    assert extract.stat().st_mtime_ns == before.st_mtime_ns


def test_a_relative_folder_gives_a_relative_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extract: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert small_file() == Path("data") / SMALL_NAME
    assert Path("data", SMALL_NAME).read_bytes() == extract.read_bytes()


def test_what_a_student_does_to_the_file_does_not_reach_the_kept_one(tmp_path: Path, data_directory: Path) -> None:
    placed = small_file(tmp_path / "data")
    with placed.open("ab") as file:
        file.write(b"mine")
    assert hashlib.sha256((data_directory / SMALL_NAME).read_bytes()).hexdigest() == SMALL_SHA256


def test_a_damaged_copy_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIGDATA_COURSE_DATA", str(tmp_path / "kept"))
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / SMALL_NAME).write_bytes(b"x" * SMALL_SIZE)
    placed = small_file(tmp_path / "data")
    assert hashlib.sha256(placed.read_bytes()).hexdigest() == SMALL_SHA256


def test_another_file_of_this_name_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / SMALL_NAME).write_text("mine", encoding="utf-8")
    with pytest.raises(ExistingFileError, match="move or delete it"):
        small_file(tmp_path)
    assert (tmp_path / SMALL_NAME).read_text(encoding="utf-8") == "mine"


def test_a_folder_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file", encoding="utf-8")
    with pytest.raises(OutputError, match="cannot write"):
        small_file(tmp_path / "data" / "inside")


def test_importing_it_loads_no_heavy_library() -> None:
    program = (
        "import sys, course.generator.small; print([m for m in ('numpy', 'pandas', 'pyarrow') if m in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
