from __future__ import annotations

import hashlib
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from course.errors import ExistingFileError, OutputError
from course.generator import small
from course.generator.answer import CENTS_BY_AGE, ROWS_BY_AGE, SMALL_NAME
from course.generator.schema import COLUMNS, HEADER
from course.generator.small import SMALL_SHA256, SMALL_SIZE, small_file

# what the public lesson printed: the first two rows as text, the first five transposed
PRINTED_AS_TEXT = (
    (
        "201612;76;20;76;9;1;1;0;1101;76;1;76;1101;9;3;0;2;1;1;0;46;46;46;2;1;1;46;0;46;2016;12;40;0;0;9;99;1;99;9;1117;1;"
        "100;99;3;99;0;0;14;2;99;0;0;1;2;9;"
    ),
    (
        "201612;28;30;28;9;1;2;0;9999;99;99;24;1102;9;99;0;1;5;1;0;.51;.51;.51;1;5;1;.51;0;.51;2016;12;10;0;0;9;99;9;99;9;"
        "3380;2;100;99;31;28;50;2;0;1;99;0;0;6;2;9;"
    ),
)
PRINTED_TRANSPOSED = """
FLX_ANN_MOI 201612 201612 201612 201612 201612
ORG_CLE_REG 76 28 27 32 32
AGE_BEN_SNDS 20 30 60 40 30
BEN_RES_REG 76 28 93 32 32
BEN_CMU_TOP 9 9 9 9 9
BEN_QLT_COD 1 1 2 2 1
BEN_SEX_COD 1 2 1 2 2
DDP_SPE_COD 0 0 0 0 0
ETE_CAT_SNDS 1101 9999 9999 9999 2206
ETE_REG_COD 76 99 99 99 32
ETE_TYP_SNDS 1 99 99 99 6
ETP_REG_COD 76 24 99 99 32
ETP_CAT_SNDS 1101 1102 9999 9999 2206
MDT_TYP_COD 9 9 9 9 9
MFT_COD 3 99 99 99 36
PRS_FJH_TYP 0 0 8 0 0
PRS_ACT_COG 2 1 1 2 1
PRS_ACT_NBR 1 5 NaN 2 1
PRS_ACT_QTE 1 1 1 2 1
PRS_DEP_MNT 0 0 0 0 0
PRS_PAI_MNT 46 0.51 0 46 23
PRS_REM_BSE 46 0.51 0 46 23
PRS_REM_MNT 46 0.51 -0.5 32.2 23
FLT_ACT_COG 2 1 1 2 1
FLT_ACT_NBR 1 5 NaN 2 1
FLT_ACT_QTE 1 1 1 2 1
FLT_PAI_MNT 46 0.51 0 46 23
FLT_DEP_MNT 0 0 0 0 0
FLT_REM_MNT 46 0.51 -0.5 32.2 23
SOI_ANN 2016 2016 2016 2016 2016
SOI_MOI 12 12 12 12 12
ASU_NAT 40 10 10 10 10
ATT_NAT 0 0 0 0 0
CPL_COD 0 0 0 0 0
CPT_ENV_TYP 9 9 9 9 9
DRG_AFF_NAT 99 99 99 99 99
ETE_IND_TAA 1 9 9 9 0
EXO_MTF 99 99 99 99 99
MTM_NAT 9 9 9 9 9
PRS_NAT 1117 3380 1972 1111 1111
PRS_PPU_SEC 1 2 2 2 2
PRS_REM_TAU 100 100 100 70 100
PRS_REM_TYP 99 99 99 99 99
PRS_PDS_QCP 3 31 31 10 31
EXE_INS_REG 99 28 93 32 99
PSE_ACT_SNDS 0 50 50 0 19
PSE_ACT_CAT 0 2 2 1 0
PSE_SPE_SNDS 14 0 0 1 0
PSE_STJ_SNDS 2 1 9 1 2
PRE_INS_REG 99 99 93 32 99
PSP_ACT_SNDS 0 0 0 0 0
PSP_ACT_CAT 0 0 1 1 0
PSP_SPE_SNDS 1 6 1 1 1
PSP_STJ_SNDS 2 2 9 1 2
TOP_PS5_TRG 9 9 9 9 9
"""


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


@pytest.fixture(scope="module")
def frame(extract: Path) -> pd.DataFrame:
    return pd.read_csv(extract, sep=";")


def test_bytes_are_the_recorded_ones(extract: Path) -> None:
    content = extract.read_bytes()
    assert len(content) == SMALL_SIZE
    assert hashlib.sha256(content).hexdigest() == SMALL_SHA256


def test_size_is_within_three_percent_of_the_original() -> None:
    assert abs(SMALL_SIZE / 16_280_345 - 1) < 0.03


def test_reading_it_as_text_gives_199_999_lines(extract: Path) -> None:
    with extract.open(encoding="ascii") as file:
        assert sum(1 for _ in file) == 199_999


def test_a_blank_line_stands_between_two_records_and_no_carriage_return(text: str) -> None:
    lines = text.split("\n")
    assert lines.pop() == ""
    assert "\r" not in text
    assert set(lines[1::2]) == {""}
    assert all(line.endswith(";") and line.count(";") == 55 for line in lines[::2])


def test_header_and_first_two_rows_are_those_printed(text: str) -> None:
    header, first, second = text.split("\n")[:6:2]
    assert (first, second) == PRINTED_AS_TEXT
    assert header == HEADER
    assert header.startswith("FLX_ANN_MOI;ORG_CLE_REG;AGE_BEN_SNDS;")
    assert len(header) == 634


def test_first_five_rows_are_those_printed_field_by_field(frame: pd.DataFrame) -> None:
    printed = [line.split() for line in PRINTED_TRANSPOSED.strip().splitlines()]
    assert [name for name, *_ in printed] == list(COLUMNS)
    head = frame.head()
    for name, *values in printed:
        expected = pd.Series([float(value) for value in values], name=name)
        pd.testing.assert_series_equal(head[name].astype(float), expected)


def test_frame_has_the_ghost_column_and_99_999_rows(frame: pd.DataFrame) -> None:
    assert frame.shape == (99_999, 56)
    assert frame.columns[-1] == "Unnamed: 55"
    assert frame["Unnamed: 55"].isna().all()


def test_counts_and_sums_by_age_are_known_to_the_cent(text: str) -> None:
    counts = dict.fromkeys(ROWS_BY_AGE, 0)
    sums = dict.fromkeys(ROWS_BY_AGE, Decimal(0))
    age, amount = COLUMNS.index("AGE_BEN_SNDS"), COLUMNS.index("PRS_REM_MNT")
    for line in text.split("\n")[2::2]:
        fields = line.split(";")
        counts[int(fields[age])] += 1
        sums[int(fields[age])] += Decimal(fields[amount])
    assert counts == {
        0: 10424, 20: 10948, 30: 10871, 40: 11963, 50: 14475, 60: 15662, 70: 13220, 80: 12281, 99: 155,
    }  # fmt: skip
    assert {age: str(total) for age, total in sums.items()} == {
        0: "2607345.16", 20: "1714894.46", 30: "3378001.46", 40: "3271108.13", 50: "5011475.59", 60: "6026792.72",
        70: "4283277.72", 80: "4181565.36", 99: "19015.33",
    }  # fmt: skip
    assert {age: int(100 * total) for age, total in sums.items()} == CENTS_BY_AGE


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


def test_importing_the_package_loads_no_heavy_library() -> None:
    import subprocess
    import sys

    program = (
        "import sys, course.generator.small; print([m for m in ('numpy', 'pandas', 'pyarrow') if m in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
    assert small.small_file is small_file
