"""A real month in place of a generated one: files of three schemas, written as the real ones are."""

from __future__ import annotations

import gzip
import subprocess
import sys
import warnings
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

import course
from course.errors import BadArgumentError, CourseError, ExistingFileError, MissingFileError, UnreadableFileError
from course.generator.answer import MonthReport, read_report
from course.generator.real import VARIABLE
from course.generator.schema import COLUMNS, HEADER, pandas_dtypes
from course.ways import FORMATS, WAYS, answer, convert, is_installed

ROWS = 2_000
SCHEMAS = {
    "P201301": tuple(name.replace("_REG_COD", "_ZEAT_COD").replace("_REG", "_ZEAT") for name in COLUMNS),
    "A202301": COLUMNS,
    "A202401": (*COLUMNS[:-2], "ETB_DCS_MCO"),
    "A202501": (*COLUMNS, "ETB_DCS_MCO"),
}
LETTERS = "ZZZMCSO"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Lines as those of a real file: no leading zero, no blank line, a separator at the end."""
    path = tmp_path_factory.mktemp("drawn") / "A.csv"
    course.month_file(path, rows=ROWS, seed=7)
    return path.read_text(encoding="ascii").splitlines()[1:]


def write_month(folder: Path, name: str, drawn: list[str], *, packed: bool = False) -> Path:
    """Write a month as those of its year are; ``.csv`` even when it is compressed."""
    columns = SCHEMAS[name]
    lines = ["".join(f"{column};" for column in columns)]
    for number, line in enumerate(drawn):
        fields = line.split(";")[: len(columns) - ("ETB_DCS_MCO" in columns)]
        letter = [LETTERS[number % len(LETTERS)]] if "ETB_DCS_MCO" in columns else []
        lines.append("".join(f"{field};" for field in [*fields, *letter]))
    text = "".join(f"{line}\n" for line in lines).encode()
    path = folder / f"{name}.csv"
    path.write_bytes(gzip.compress(text) if packed else text)
    return path


def cents(drawn: list[str]) -> dict[int, int]:
    found: dict[int, int] = {}
    for line in drawn:
        fields = line.split(";")
        age, amount = int(fields[2]), Decimal(fields[22])
        found[age] = found.get(age, 0) + int(100 * amount)
    return dict(sorted(found.items()))


@pytest.fixture(
    params=[("P201301", True), ("A202301", False), ("A202401", False), ("A202501", True)], ids=lambda param: param[0]
)
def source(request: pytest.FixtureRequest, drawn: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    name, packed = request.param
    (tmp_path / "real").mkdir()
    path = write_month(tmp_path / "real", name, drawn, packed=packed)
    monkeypatch.setenv(VARIABLE, str(path))
    return path


@pytest.fixture
def real(drawn: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "real").mkdir()
    path = write_month(tmp_path / "real", "A202301", drawn)
    monkeypatch.setenv(VARIABLE, str(path))
    return path


def test_every_schema_takes_the_form_of_the_course_and_its_answer_is_exact(
    source: Path, drawn: list[str], tmp_path: Path
) -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        month = course.month_file(tmp_path / "m.csv", rows=1_500)
    lines = (tmp_path / "m.csv").read_text(encoding="ascii").splitlines()
    absent = dict.fromkeys(("PSP_STJ_SNDS", "TOP_PS5_TRG"), "9") if "A202401" in source.name else {}
    if "P201301" in source.name:
        absent = {name: "99" for name in COLUMNS if "_REG" in name}
    fields = [line.split(";") for line in drawn[:1_500]]
    for name, unknown in absent.items():
        for line in fields:
            line[COLUMNS.index(name)] = unknown
    assert lines == [HEADER, *(";".join(line) for line in fields)]
    assert month.cents_by_age == cents(drawn[:1_500])
    assert month.rows == sum(month.rows_by_age.values()) == 1_500
    said = " ".join(str(one.message) for one in told)
    assert all(name in said for name in {*absent, *SCHEMAS[source.stem]} - (set(COLUMNS) - set(absent)))
    assert len(told) == bool(absent) + (set(SCHEMAS[source.stem]) > set(COLUMNS) or bool(absent))


def test_every_way_answers_on_the_real_file(source: Path, drawn: list[str], tmp_path: Path) -> None:
    ways = [way for way in WAYS.values() if is_installed(way.library)]
    forms = dict.fromkeys(way.format for way in ways)
    files = {name: convert(name, source, tmp_path / f"m{FORMATS[name].suffix}") for name in forms}
    for way in ways:
        found = {age: round(100 * euros) for age, euros in answer(way.name, files[way.format]).items()}
        assert found == cents(drawn), way.name


@pytest.mark.parametrize("suffix", [".csv.gz", ".parquet"])
def test_the_other_formats_hold_the_same_rows(real: Path, tmp_path: Path, suffix: str) -> None:
    month = course.month_file(tmp_path / f"m{suffix}", rows=300)
    expected = pd.read_csv(real, sep=";", usecols=list(COLUMNS), dtype=pandas_dtypes(), nrows=300)
    if suffix == ".parquet":
        found = pq.read_table(month.path).to_pandas().astype(pandas_dtypes())
    else:
        found = pd.read_csv(month.path, sep=";", usecols=list(COLUMNS), dtype=pandas_dtypes())
    pd.testing.assert_frame_equal(found, expected)


def test_a_copy_is_reused_until_the_setting_or_the_file_changes(
    real: Path, drawn: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m.csv"
    assert course.month_file(path, rows=100).seconds > 0
    assert course.month_file(path, rows=100).seconds == 0
    assert course.month_file(path, rows=100, again=True).seconds > 0
    with pytest.raises(ExistingFileError):
        course.month_file(path, rows=200)
    whole = course.month_file(path, rows=5_000, overwrite=True)
    assert (whole.rows, whole.is_whole) == (ROWS, True)
    assert [course.month_file(path, rows=rows).seconds for rows in (9_000, ROWS, None)] == [0, 0, 0]
    monkeypatch.delenv(VARIABLE)
    assert course.month_file(path, rows=100).source == ""
    monkeypatch.setenv(VARIABLE, str(real))
    real.write_text("".join(f"{line}\n" for line in [HEADER, *drawn[:50]]), encoding="ascii")
    assert course.month_file(path, rows=100).cents_by_age == cents(drawn[:50])
    with pytest.raises(BadArgumentError, match="itself"):
        course.month_file(real, rows=10, overwrite=True)


def test_the_small_file_is_the_first_rows_under_the_name_of_the_month(
    real: Path, drawn: list[str], tmp_path: Path
) -> None:
    path = course.small_file(tmp_path)
    assert path.name == "A202301_small.csv"
    assert course.known_answer(path).cents_by_age == cents(drawn)
    assert course.small_file(tmp_path, generated=True).name == "A201612_small.csv"
    assert course.known_answer(tmp_path / "A201612_small.csv").cents_by_age[99] == 1_901_533
    with pytest.raises(MissingFileError, match="no answer is known"):
        course.known_answer(real)


@pytest.mark.usefixtures("real")
def test_what_a_download_calls_synthetic_is_generated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIGDATA_COURSE_DATA", str(tmp_path / "cache"))
    path = course.download("A201612_small.csv.gz", tmp_path / "data", offline=True)
    assert course.known_answer(path).rows == 99_999
    assert course.known_answer(path).source == ""


def test_rows_shorter_than_the_header_are_completed_and_told(real: Path, drawn: list[str], tmp_path: Path) -> None:
    short = ["".join(f"{field};" for field in line.split(";")[:53]) for line in drawn[:10]]
    real.write_text("".join(f"{line}\n" for line in [HEADER, *short, *drawn[10:]]), encoding="ascii")
    with pytest.warns(UserWarning, match="10 rows of A202301.csv are shorter"):
        month = course.month_file(tmp_path / "m.csv", rows=500)
    assert (tmp_path / "m.csv").read_text(encoding="ascii").splitlines()[1].endswith(";9;9;")
    assert month.cents_by_age == cents(drawn[:500])


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (b"<html>\n", "no FLX_ANN_MOI"),
        (b"\x1f\x8b" + b"damaged" * 9, "compressed by gzip or not"),
        (b"PK\x03\x04\xff\xfe\xff", "compressed by gzip or not"),
        (f"{HEADER}\n201612;76;\n".encode(), "line 2: there are 2 fields"),
        (f"{HEADER}\n{'1;' * 22}1.234;{'1;' * 32}\n".encode(), "line 2: '1.234' is no amount"),
        (f"{HEADER}\n{'1;' * 2}x;{'1;' * 52}\n".encode(), "line 2: .*'x'"),
        (f"{HEADER}\n{'1;' * 55}1;\n".encode(), "line 2: there are 57 fields"),
    ],
)
def test_what_is_no_month_is_one_clear_error_and_leaves_nothing(
    real: Path, tmp_path: Path, broken: bytes, reason: str
) -> None:
    real.write_bytes(broken)
    with pytest.raises(UnreadableFileError, match=reason) as found:
        course.month_file(tmp_path / "copies" / "m.csv", rows=10)
    assert isinstance(found.value, CourseError)
    assert list((tmp_path / "copies").iterdir()) == []


def test_a_file_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "A202501.csv.gz"))
    with pytest.raises(MissingFileError, match=VARIABLE):
        course.month_file(tmp_path / "m.csv", rows=10)


ASK = """
import sys, course
for _ in range(4):
    month = course.month_file(sys.argv[1], rows=3_000, again=len(sys.argv) > 2)
    text = month.path.read_bytes()
    assert len(text) == month.size_bytes, "half a file"
"""


def test_lessons_that_ask_for_one_month_at_once_all_have_it_whole(tmp_path: Path) -> None:
    month = tmp_path / "month.csv"
    commands = [[sys.executable, "-c", ASK, month, *how] for how in ([], ["again"], [])]
    lessons = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for command in commands]
    assert [lesson.communicate(timeout=120)[1] for lesson in lessons] == [""] * 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["month.csv", "month.csv.json"]


def test_a_month_that_another_lesson_puts_there_just_now_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "month.csv"

    def late(asked: Path) -> MonthReport | None:
        monkeypatch.undo()
        found = read_report(asked)
        course.month_file(path, rows=100)
        return found

    monkeypatch.setattr("course.generator.month.read_report", late)
    assert course.month_file(path, rows=100).rows == 100
