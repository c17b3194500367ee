"""``%SQL_import_df`` and ``%SQL_import_tsv``: what comes back, and what is refused with nothing half-written."""

from __future__ import annotations

import bz2
import csv
import datetime as dt
import gzip
import io
import lzma
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from sql_notebook import Notebook, fetched

from course.size import parse_size
from magics.sql import SQLError, text_file
from magics.sql.database import connect
from magics.sql.duckdb_engine import DuckConnection
from magics.sql.names import folded, path_of, quoted, written_path
from magics.sql.text_file import DelimitedFile, describe

if TYPE_CHECKING:
    from magics.sql.connection import Connection

MEMORIES = [":memory:", "duckdb://"]
DAMIR = "AGE_BEN_SNDS;PRS_ACT_NBR;PRS_REM_MNT;\n" + "\n".join(
    f"{age};{'' if age == 30 else 3};{amount};\n" for age, amount in [(0, ".51"), (20, "-.31"), (30, "4.4"), (80, "70")]
)


@pytest.fixture(scope="module")
def databases() -> Iterator[dict[str, Connection]]:
    """One database in memory for each engine, for the examples of a law, which leave it empty: DuckDB opens slowly."""
    with connect(MEMORIES[0]) as sqlite, connect(MEMORIES[1]) as duck:
        yield dict(zip(MEMORIES, (sqlite, duck), strict=True))


@contextmanager
def emptied(connection: Connection) -> Iterator[Connection]:
    """Drop every table at the end of the block."""
    assert connection.tables() == []
    try:
        yield connection
    finally:
        for name in connection.tables():
            connection.run(f"DROP TABLE {quoted(path_of(name)[-1])}")


@pytest.fixture(params=MEMORIES)
def notebook(request: pytest.FixtureRequest, notebook: Notebook) -> Notebook:
    notebook(f"%SQL_connect {request.param}")
    return notebook


# ---------------------------------------------------------------------- text files
def write(content: str, name: str = "t.csv") -> None:
    Path(name).write_bytes(content.encode())


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r\r\n"])
def test_a_damir_file_is_read_as_it_is(notebook: Notebook, line_end: str) -> None:
    # a separator ends every line, a blank line follows each, amounts have no leading zero
    write(DAMIR.replace("\n", line_end), "A201612_small.csv")
    assert notebook("%SQL_import_tsv A201612_small.csv") == 4
    assert notebook("%SQL_schema A201612_small --as_list") == [
        ("AGE_BEN_SNDS", int),
        ("PRS_ACT_NBR", int),
        ("PRS_REM_MNT", float),
    ]
    total = "SELECT SUM(AGE_BEN_SNDS), COUNT(PRS_ACT_NBR), ROUND(SUM(PRS_REM_MNT), 2) FROM A201612_small"
    assert notebook.rows(total) == [(130, 3, 74.6)]


@pytest.mark.parametrize(
    ("content", "options", "expected"),
    [
        *((f"a{mark}b\nn{mark}1\nm{mark}2\n", "", [("n", 1), ("m", 2)]) for mark in ";,\t|"),
        ("a b,c\n1 2,3\n", "-s ' '", [(1, "2,3")]),
        ("a\tb\n1\t2\n", "-s tab", [(1, 2)]),
        ("a\n1\n2\n", "", [(1,), (2,)]),
        ('a;b\n"x;y";"say ""no"""\n"two\nlines";z\n', "-s ;", [("x;y", 'say "no"'), ("two\nlines", "z")]),
        ("a;b;c\n1;2;x\n4;5\n", "", [(1, 2, "x"), (4, 5, None)]),
        ("\ufeffnom;x\nNîmes;1\n", "", [("Nîmes", 1)]),
        ("nom;x\nNîmes;1\n".encode("latin-1"), "-e latin-1", [("Nîmes", 1)]),
        ("nom;x\né €;1\n".encode("cp1252"), "-e cp1252", [("é €", 1)]),
        ("tag;n\n#total;2\nv;1\n", "", [("#total", 2), ("v", 1)]),
        ("a;b\r\n1;2\r\n3;4\n5;6\r\n", "", [(1, 2), (3, 4), (5, 6)]),
        ("x;y;\n", "", []),
    ],
)
def test_every_row_is_read_as_it_is_written(
    notebook: Notebook, content: str | bytes, options: str, expected: list[tuple[Any, ...]]
) -> None:
    # the name is no pattern, beside a file that it would match
    write("z\n9\n", "file1.csv")
    Path("file[1].csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    assert notebook(f"%SQL_import_tsv 'file[1].csv' -t t {options}") == len(expected)
    rows = [tuple(None if pd.isna(value) else value for value in row) for row in notebook.rows("SELECT * FROM t")]
    assert rows == expected
    # no mark of the encoding is in a name
    assert all(name.isascii() for name, _ in notebook("%SQL_schema t --as_list"))


def test_types_are_those_of_the_whole_column(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    # chunks of a few rows: what contradicts the first comes much later
    monkeypatch.setattr(text_file, "_VALUES", 500)
    late = "1.5;2A;;x;12345678901234567890123\n"
    write("real;code;void;word;long\n" + "1;01;;;1\n" * 3000 + late + "2;02;;;2\n" * 10)
    assert notebook("%SQL_import_tsv t.csv") == 3011
    assert [kind for _, kind in notebook("%SQL_schema t --as_list")][:4] == [float, str, str, str]
    halves = "SELECT real / 2, COUNT(*) FROM t GROUP BY real ORDER BY real"
    assert notebook.rows(halves) == [(0.5, 3000), (0.75, 1), (1, 10)]
    # nothing of a code is lost, not even its zeros, on the rows before the letter
    codes = "SELECT code, COUNT(*) FROM t GROUP BY code ORDER BY code"
    assert notebook.rows(codes) == [("01", 3000), ("02", 10), ("2A", 1)]
    assert notebook.rows("SELECT COUNT(word), COUNT(void) FROM t") == [(1, 0)]


@pytest.mark.parametrize("first", ["", "1;2\n3;4\n"])
@pytest.mark.parametrize("extra", ["5;6;7", "5;6;7;8;9", "5;6;;x", "5;6;;"])
def test_rows_too_long_are_refused(notebook: Notebook, first: str, extra: str) -> None:
    write(f"a;b\n{first}{extra}\n")
    notebook.fails("%SQL_import_tsv t.csv -s ;", r"row 3 of t\.csv|saw [45]" if first else r"row 1 of t\.csv")
    assert notebook("%SQL_tables") == []


@pytest.mark.parametrize("extra", ["5;6;7", "5;6;7;8;9"])
def test_a_row_too_long_far_below_is_named_by_its_number(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch, extra: str
) -> None:
    # chunks of 100 rows
    monkeypatch.setattr(text_file, "_VALUES", 300)
    write("a;b\n" + "1;2\n" * 2000 + f"{extra}\n" + "3;4\n" * 200)
    notebook.fails("%SQL_import_tsv t.csv -s ;", r"row 2,001 of t\.csv")
    assert notebook("%SQL_tables") == []


def test_compressed_files_are_read_and_cut_ones_refused(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    # somebody watches the bar
    monkeypatch.setattr("course.progress.is_watched", lambda: True)
    content = gzip.compress(("x;y;\n" + "".join(f"{i};{i * i}\n" for i in range(50_000))).encode())
    # a variable may hold the path
    notebook.names["source"] = Path("with space.csv.gz")
    notebook.names["source"].write_bytes(content)
    assert notebook("%SQL_import_tsv source") == 50_000
    Path("u.csv.gz").write_bytes(content[: len(content) // 2])
    notebook.fails("%SQL_import_tsv u.csv.gz", "cannot be read to its end")
    assert notebook("%SQL_tables") == ["with space"]


class Watched(DelimitedFile):
    """A file that calls a function before each chunk, with its position."""

    see: ClassVar[Callable[[int], object]]

    def frames(self, schema: Sequence[tuple[str, str]] = ()) -> Iterator[pd.DataFrame]:
        for position, frame in enumerate(super().frames(schema)):
            type(self).see(position)
            yield frame


@pytest.mark.parametrize("name", ["a.db3", "a.duckdb"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, SQLError, MemoryError])
def test_what_ends_half_way_leaves_the_table_as_it_was(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, error: type[BaseException]
) -> None:
    monkeypatch.setattr(text_file, "_VALUES", 500)

    def interrupt(position: int) -> None:
        if position == 2:
            raise error

    monkeypatch.setattr(Watched, "see", interrupt, raising=False)
    path = tmp_path / "t.csv"
    path.write_text("x;y\n" + "3;4\n" * 3000, encoding="utf-8")
    with connect(str(tmp_path / name), create=True) as connection:
        connection.run("CREATE TABLE t(x INTEGER, y INTEGER); INSERT INTO t VALUES (1, 2)")
        for if_exists in ("replace", "append"):
            with pytest.raises(error):
                connection.import_file(Watched(path, ";", "utf-8", ["x", "y"]), "t", if_exists)
            assert fetched(connection, "SELECT * FROM t").values.tolist() == [[1, 2]]
        assert connection.tables() == ["t"]


def test_a_file_in_a_table_that_exists(notebook: Notebook) -> None:
    write("x;y\n1;01\n2;2A\n")
    notebook("%SQL_import_tsv t.csv")
    notebook.fails("%SQL_import_tsv t.csv", "exists already")
    # columns are matched by name, and a code is text, with its zeros, because the table says so
    write("y;x\n02;3\n")
    assert notebook("%SQL_import_tsv t.csv --if_exists append -t T") == 1
    assert notebook.rows("SELECT x, y FROM t ORDER BY x") == [(1, "01"), (2, "2A"), (3, "02")]
    assert notebook("%SQL_import_tsv t.csv --if_exists replace") == 1
    assert notebook.rows("SELECT x FROM t") == [(3,)]


def test_what_cannot_be_imported_is_a_clear_error(notebook: Notebook) -> None:
    write("", "empty.csv")
    write("a;A\n1;2\n", "case.csv")
    for name, message in [("nowhere.csv", "there is no file"), ("empty.csv", "is empty"), ("case.csv", "same name")]:
        notebook.fails(f"%SQL_import_tsv {name}", message)
    notebook.fails("%SQL_import_tsv case.csv -e nonsense", "write for instance -e utf-8")
    notebook.fails("%SQL_import_tsv case.csv -s ab", "not one character")
    Path("t.csv").write_bytes("nom;x\nNîmes;1\n".encode("latin-1"))
    notebook.fails("%SQL_import_tsv t.csv", "try -e latin-1")
    notebook.names["series"] = pd.Series([1], name="x")
    notebook.fails("%SQL_import_df series", r"series.reset_index\(\)")
    notebook.fails("%SQL_import_df seriesx", "no variable seriesx: did you mean series")
    assert notebook("%SQL_tables") == []


def by_csv(path: Path, encoding: str = "utf-8") -> list[tuple[str, ...]]:
    """Read the rows under the header as Python's csv module does, short rows filled."""
    with path.open(encoding=encoding, newline="") as stream:
        header, *rows = filter(None, csv.reader(stream, delimiter=";"))
    return [(*row, *[""] * (len(header) - len(row)))[: len(header)] for row in rows]


def as_text(connection: Connection) -> list[tuple[str, ...]]:
    return [
        tuple("" if pd.isna(value) else value for value in row)
        for row in fetched(connection, "SELECT * FROM t").itertuples(index=False, name=None)
    ]


ends = st.sampled_from(["\n", "\r\n", "\r", "\r\r\n", "\n\n", " \n"])
cells = st.one_of(
    st.sampled_from(
        ["", " ", "#x", '"', "it's", "é€", "nan", "inf", "NULL", "0x14", "1_000", "a\0b", " a", "\ta", "a;b"]
    ),
    st.sampled_from(["a\nb", "a\r\n\r\nb", "\n c", "NA", "-", "\u0665", "--", "/*", "\x85", "\u2028", "1e999", "\x1a"]),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufdd0\ufdd1"), max_size=6),
)


@settings(max_examples=100)
@given(
    rows=st.lists(st.tuples(st.lists(cells, min_size=1, max_size=3), ends, st.booleans()), min_size=1, max_size=6),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "utf-7"]),
    last=st.booleans(),
)
def test_both_engines_read_what_the_csv_module_reads(
    rows: list[tuple[list[str], str, bool]],
    encoding: str,
    last: bool,
    databases: dict[str, Connection],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    quoting = {True: csv.QUOTE_ALL, False: csv.QUOTE_MINIMAL}
    text = io.StringIO(newline="")
    for cell, end, is_quoted in [(["first", "second", "third"], "\r\n", False), *rows, (["x", "y", "z"], "\n", False)]:
        csv.writer(text, delimiter=";", lineterminator=end, quoting=quoting[is_quoted]).writerow(cell)
    path = tmp_path_factory.getbasetemp() / "rows [1] #é.csv"
    with path.open("w", encoding=encoding, newline="") as stream:
        stream.write(text.getvalue() if last else text.getvalue().rstrip("\n"))
    expected = by_csv(path, encoding)
    for database in databases.values():
        with emptied(database) as connection:
            assert connection.import_file(describe(path, ";", encoding), "t") == len(expected)
            # a letter stands in every column: all is text
            assert as_text(connection) == expected


@given(text=st.text(st.sampled_from("\r\n \ta\0")), size=st.integers(1, 4))
def test_what_is_marked_does_not_depend_on_where_a_piece_ends(text: str, size: int) -> None:
    whole, pieces = (
        text_file._Source(io.TextIOWrapper(io.BytesIO(text.encode()), "utf-8", newline="")) for _ in range(2)
    )
    assert "".join(iter(lambda: pieces.read(size), "")) == whole.read()


ENCODINGS = [
    *("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be", "utf-7", "utf-8-sig", "cp1252", "latin-1", "cp850"),
    *("iso8859-15", "mac-roman", "cp037"),
]


@pytest.mark.parametrize("encoding", [*ENCODINGS, "shift_jis", "euc-jp", "gb18030", "koi8-r"])
def test_every_encoding_and_compression_under_any_suffix(notebook: Notebook, encoding: str) -> None:
    word = {"shift_jis": "日本", "euc-jp": "日本", "gb18030": "中文", "koi8-r": "мир"}.get(encoding, "é à")
    for compress in (bytes, gzip.compress, bz2.compress, lzma.compress):
        Path("t.txt").write_bytes(compress(f"nom;x\n{word};1\n".encode(encoding)))
        assert notebook(f"%SQL_import_tsv t.txt -e {encoding} --if_exists replace") == 1
        assert notebook.rows("SELECT nom, x FROM t") == [(word, 1)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32", "latin-1"])
@pytest.mark.parametrize("told", ["ascii", "utf-8", "utf-16", "utf-32", "cp1252"])
def test_a_wrong_encoding_is_told_and_the_advice_works(notebook: Notebook, encoding: str, told: str) -> None:
    Path("t.csv").write_bytes("nom;x\nÎle à é;1\n".encode(encoding))
    for _ in range(3):
        done = notebook.shell.run_cell(f"%SQL_import_tsv t.csv -e {told} --if_exists replace")
        if done.success:
            break
        assert isinstance(done.error_in_exec, SQLError)
        told = str(done.error_in_exec).partition(f"is not in {told}: try -e ")[2]
    # what cp1252 reads is never an error: every byte is a letter there
    assert told == "cp1252" or notebook.rows("SELECT nom FROM t") == [("Île à é",)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'a;b\n"1;2\n3;4\n', "cannot be read to its end"),
        (b"a;b\n1;2;\n3;4;5\n", "row 2 of"),
        (b"a;b\n\n1;2\n\n\n3;4\n5;6;;\n", "row 3 of"),
        (b"a;b\n\xef\xb7\x90;2\n", "U\\+FDD0"),
        (b"PK\x03\x04 and more", "zip archive"),
        (b"\x1f\x8b\x08 and no more", "cannot be read to its end"),
        (b"a\0b;c\n1;2\n", "cannot be a name"),
        (b'"\n', "cannot be read|is empty|cannot be a name|no column"),
        (b"a;b\n+2AA-;2\n", "t.csv is not in utf-7"),
    ],
)
def test_a_file_that_cannot_be_read_whole_leaves_the_table(notebook: Notebook, content: bytes, message: str) -> None:
    notebook("%SQL CREATE TABLE t(a INTEGER, b INTEGER); INSERT INTO t VALUES (7, 8)")
    Path("t.csv").write_bytes(content)
    encoding = "-e utf-7" if b"+2AA-" in content else ""
    for if_exists in ("append", "replace"):
        notebook.fails(f"%SQL_import_tsv t.csv -s ; --if_exists {if_exists} {encoding}", message)
        assert notebook.rows("SELECT a, b FROM t") == [(7, 8)]


def test_long_fields_and_many_columns(notebook: Notebook) -> None:
    long = ["x" * 3_000_000, "two\nlines;" * 300_000, "1"]
    with Path("t.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, delimiter=";").writerows([["a" * 200_000, "b", "c"], long, ["y", "z", "2"]])
    assert notebook("%SQL_import_tsv t.csv -s ;") == 2
    assert notebook.rows("SELECT * FROM t") == [(*long[:2], 1), ("y", "z", 2)]
    write(";".join(f"c{i}" for i in range(1500)) + "\n" + ";".join(map(str, range(1500))) + "\n", "wide.csv")
    assert notebook("%SQL_import_tsv wide.csv") == 1
    assert notebook.rows("SELECT c0, c1499 FROM wide") == [(0, 1499)]


def test_numbers_after_blanks_are_numbers_and_what_is_no_number_is_text(notebook: Notebook) -> None:
    write("a;b\n   5;  1.5\n1234;12.25\n")
    notebook("%SQL_import_tsv t.csv")
    assert notebook.rows("SELECT * FROM t") == [(5, 1.5), (1234, 12.25)]
    for words in (["nan", "1.5"], ["inf", "1"], ["1_000", "2"], ["0x14", "1"], ["1e999", "2"], ["True", "0"]):
        write("a;b\n" + "".join(f"{word};\n" for word in words))
        notebook("%SQL_import_tsv t.csv --if_exists replace")
        assert notebook.rows("SELECT a FROM t") == [(word,) for word in words]


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("x;y\n1;2\n", encoding="utf-8")
    frames = describe(path).frames()
    path.write_text("x;y\n1;2\n3;4\n", encoding="utf-8")
    with pytest.raises(SQLError, match="changed while it was read"):
        list(frames)


def test_rows_that_a_table_drops_are_told(notebook: Notebook) -> None:
    ignore = "UNIQUE ON CONFLICT IGNORE" if notebook.names["DB"].engine == "sqlite" else "UNIQUE"
    notebook(f"%SQL CREATE TABLE t(x INTEGER {ignore}); INSERT INTO t VALUES (1)")
    notebook.names["frame"] = pd.DataFrame({"x": [2, 1, 3]})
    notebook.fails("%SQL_import_df frame -t t --if_exists append", "took 2 of 3 rows|(?i:unique|duplicate)")
    assert notebook.rows("SELECT x FROM t") == [(1,)]


@pytest.mark.parametrize("declared", ["VARCHAR", "DECIMAL(38, 10)", "DATE"])
def test_values_for_a_table_go_as_they_are_written(notebook: Notebook, declared: str) -> None:
    value = {"VARCHAR": "007", "DATE": "2016-12-31"}.get(declared, "1234567890123456789012345678.0123456789")
    notebook(f"%SQL CREATE TABLE t(x {declared})")
    write(f"x;\n{value};\n")
    assert notebook("%SQL_import_tsv t.csv --if_exists append") == 1
    if (notebook.names["DB"].engine, declared) != ("sqlite", "DECIMAL(38, 10)"):
        assert notebook.rows("SELECT CAST(x AS VARCHAR) FROM t") == [(value,)]


fields = st.one_of(
    st.integers(-(2**62), 2**62).map(str), st.floats(-1e15, 1e15).map(repr), st.sampled_from(["", ".5", "2A", "007"])
)


@pytest.mark.parametrize("target", MEMORIES)
@settings(max_examples=60)
@given(rows=st.lists(st.tuples(fields, fields), min_size=1, max_size=8))
def test_every_field_comes_back_as_the_number_or_the_text_it_is(
    target: str,
    rows: list[tuple[str, str]],
    databases: dict[str, Connection],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    path = tmp_path_factory.getbasetemp() / "fields.csv"
    path.write_text("a;b;\n" + "".join(f"{a};{b};\n" for a, b in rows), encoding="utf-8")
    rows = [row for row in rows if any(row)] or rows
    with emptied(databases[target]) as connection:
        connection.import_file(describe(path, ";"), "t")
        back = fetched(connection, "SELECT a, b FROM t WHERE a IS NOT NULL OR b IS NOT NULL")
        declared = [kind for _, kind in connection.schema("t")]
    for position, kind in enumerate(declared):
        written = [row[position] for row in rows if any(row)]
        read = back.iloc[:, position].tolist()
        convert = {"INTEGER": int, "BIGINT": int, "REAL": float, "DOUBLE": float}.get(kind, str)
        present = [(field, value) for field, value in zip(written, read, strict=True) if field]
        assert [convert(field) for field, _ in present] == [convert(value) for _, value in present]


def test_duckdb_writes_a_file_in_bounded_memory_then_has_its_limit_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "t.csv"
    path.write_text("x;y\n1;2\n", encoding="utf-8")
    limits: list[int] = []
    write = DuckConnection._write

    def limit_of(connection: DuckConnection) -> int:
        return parse_size(connection.raw.execute("SELECT current_setting('memory_limit')").fetchall()[0][0])

    def watched(connection: DuckConnection, *arguments: Any, **options: Any) -> int:
        limits.append(limit_of(connection))
        return write(connection, *arguments, **options)

    monkeypatch.setattr(DuckConnection, "_write", watched)
    with connect(str(tmp_path / "a.duckdb"), create=True) as connection:
        assert isinstance(connection, DuckConnection)
        connection.run("SET threads = 2")
        # a limit of the user's own that is lower is kept
        for limit, bound in ((4 * 2**30, 512 * 2**20), (300 * 2**20, 300 * 2**20)):
            connection.run(f"SET memory_limit = '{limit} B'")
            connection.import_file(describe(path), "t", "replace")
            assert limits.pop() == pytest.approx(bound, rel=0.01)
            assert limit_of(connection) == pytest.approx(limit, rel=0.01)
        with pytest.raises(SQLError, match="exists already"):
            connection.import_file(describe(path), "t")
        assert limit_of(connection) == pytest.approx(limit, rel=0.01)


@pytest.mark.parametrize("suffix", ["db3", "duckdb"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    monkeypatch.setattr(text_file, "_VALUES", 5_000)
    # tracemalloc does not see Arrow's memory
    arrow: list[int] = []
    monkeypatch.setattr(Watched, "see", lambda _: arrow.append(pa.total_allocated_bytes()), raising=False)
    peaks = []
    first = tmp_path / "first.csv"
    first.write_text("x;y;z;\n0;0.5;word0;\n", encoding="utf-8")
    # the smaller one takes several reads of pandas, and leaves as much cyclic garbage as a collection waits for
    for count in (60_000, 180_000):
        path = tmp_path / f"{count}.csv"
        path.write_text("x;y;z;\n" + "".join(f"{i};{i}.5;word{i};\n" for i in range(count)), encoding="utf-8")
        with connect(str(tmp_path / f"{count}.{suffix}"), create=True) as connection:
            connection.import_file(describe(first), "warm")
            arrow.clear()
            tracemalloc.start()
            connection.import_file(Watched(path, ";", "utf-8", ["x", "y", "z"]), "t")
            peaks.append(tracemalloc.get_traced_memory()[1] + max(arrow) - arrow[0])
            tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]


# ---------------------------------------------------------------------- DataFrames
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12)
dates = st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2250, 1, 1))
COLUMNS: dict[str, Any] = {
    "int64": st.integers(-(2**63), 2**63 - 1),
    "float64": st.floats(allow_nan=True, allow_infinity=True),
    "bool": st.booleans(),
    "str": st.one_of(st.none(), text),
    "datetime64[ns]": st.one_of(st.none(), dates),
    "object": st.one_of(st.none(), st.binary(max_size=12)),
}


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    rows = draw(st.integers(1, 6))
    labels = draw(st.lists(names, min_size=1, max_size=6, unique_by=folded))
    columns = []
    for _ in labels:
        dtype = draw(st.sampled_from(list(COLUMNS)))
        values = draw(st.lists(COLUMNS[dtype], min_size=rows, max_size=rows))
        columns.append(pd.Series(values, dtype=dtype))
    frame = pd.concat(columns, axis="columns")
    frame.columns = pd.Index(labels)
    # an index that must not be written
    return frame.set_axis(range(100, 100 + rows), axis="index")


def as_sqlite_keeps_it(series: pd.Series[Any]) -> pd.Series[Any]:
    if series.dtype == "bool":
        return series.astype("int64")
    if str(series.dtype).startswith("datetime64"):
        return pd.Series([None if pd.isna(value) else value.isoformat(sep=" ") for value in series], dtype=object)
    # the file format of SQLite keeps no sign for zero
    return series + 0.0 if series.dtype == "float64" else series


@pytest.mark.parametrize("target", MEMORIES)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(frame=frames(), table=names.filter(lambda name: not folded(name).startswith("sqlite_")))
def test_what_is_imported_comes_back(
    target: str, frame: pd.DataFrame, table: str, databases: dict[str, Connection]
) -> None:
    with emptied(databases[target]) as connection:
        assert connection.import_frame(frame, written_path([table])) == len(frame)
        back = fetched(connection, f"SELECT * FROM {quoted(table)}")
        assert list(back.columns) == list(frame.columns)
        assert connection.tables() == [written_path([table])]
        for position in range(frame.shape[1]):
            column = frame.iloc[:, position]
            expected = as_sqlite_keeps_it(column) if target == ":memory:" else column
            # missing values are equal, of whatever kind; so is the sign of zero
            pairs = zip(back.iloc[:, position], expected, strict=True)
            told = [
                ["" if pd.isna(value) else (value, repr(value).startswith("-")) for value in pair] for pair in pairs
            ]
            assert all(left == right for left, right in told)


def test_categories_dates_and_nullable_integers_are_values() -> None:
    frame = pd.DataFrame({"c": pd.Categorical(["x", None]), "d": [dt.date(2016, 12, 31), None]})
    frame["n"] = pd.array([2**60 + 1, None], dtype="Int64")
    frame["w"] = pd.to_datetime(["2016-12-31 12:30", None])
    with connect(":memory:") as connection:
        connection.import_frame(frame, "t")
        back = fetched(connection, "SELECT c, d, n, w, typeof(n) AS k, strftime('%m', d) AS m FROM t LIMIT 1")
        assert connection.schema("t") == [("c", "TEXT"), ("d", "DATE"), ("n", "INTEGER"), ("w", "TIMESTAMP")]
    assert back.values.tolist() == [["x", "2016-12-31", 2**60 + 1, "2016-12-31 12:30:00", "integer", "12"]]


@pytest.mark.parametrize("target", MEMORIES)
@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"a": [1], "A": [2]}, "columns 'a' and 'A' have the same name"),
        ({"": [1]}, "cannot be a name in SQL"),
        ({"a\0b": [1]}, "cannot be a name in SQL"),
        ({}, "no column to import"),
        ({"a": [2**70]}, None),
        ({"a": pd.Series(["\ud800"], dtype=object)}, None),
        ({"a": [1j]}, "cannot store"),
        ({"a": [object()]}, "cannot store"),
        ({"a": pd.period_range("2016-12", periods=2, freq="M")}, "column a: .*Period|column a: .* period"),
        ({"a": pd.interval_range(0, 2)}, "column a: .*[Ii]nterval"),
    ],
)
def test_what_cannot_be_stored_is_a_clear_error_and_leaves_nothing(target: str, data: Any, message: str | None) -> None:
    with connect(target) as connection:
        with pytest.raises(SQLError, match=message):
            connection.import_frame(pd.DataFrame(data), "t")
        with pytest.raises(SQLError, match="columns 'a' and 'a' have the same name"):
            connection.import_frame(pd.DataFrame([[1, 2]], columns=["a", "a"]), "t")
        assert connection.tables() == []


def test_ten_thousand_columns() -> None:
    frame = pd.DataFrame(np.arange(20_000).reshape(2, 10_000)).rename(columns="c{}".format)
    with connect(":memory:") as connection, pytest.raises(SQLError, match="SQLite holds 2,000 columns"):
        connection.import_frame(frame, "t")
    with connect("duckdb://") as connection:
        assert connection.import_frame(frame, "t") == 2
        back = fetched(connection, "SELECT * FROM t")
    assert list(back.columns) == list(frame.columns)
    assert set(back.dtypes) == {np.dtype("int64")}
    assert np.array_equal(back.to_numpy(), frame.to_numpy())


@pytest.mark.parametrize("if_exists", ["replace", "append"])
def test_a_table_of_another_database_is_written_where_it_is(notebook: Notebook, if_exists: str) -> None:
    notebook("%SQL ATTACH 'other' AS other; CREATE TABLE other.t AS SELECT 1 AS x")
    (name,) = notebook("%SQL_tables")
    notebook.names["frame"] = pd.DataFrame({"x": [2]})
    assert notebook(f"%SQL_import_df frame -t {name} --if_exists {if_exists}") == 1
    assert notebook.rows("SELECT x FROM other.t") == ([(2,)] if if_exists == "replace" else [(1,), (2,)])
    notebook("%SQL CREATE TEMP TABLE passing(x INTEGER)")
    assert notebook(f"%SQL_import_df frame -t passing --if_exists {if_exists}") == 1
    assert notebook.rows("SELECT x FROM temp.passing") == [(2,)]
    assert notebook("%SQL_tables") == [name, "passing"]


# a path, and the table that it stands for, if it is there already
QUALIFIED = {
    "sqlite": {"t": "main.t", "main.t": "main.t", "other.t": "other.t", "OTHER.T": "other.t", "main.hidden": ""},
    "duckdb": {
        "t": "memory.main.t",
        "main.t": "memory.main.t",
        "other.t": "other.main.t",
        "main.hidden": "temp.hidden",
        "s.t": "memory.s.t",
        "memory.s.t": "memory.s.t",
        "other.s.t": "other.s.t",
        "Other.Main.T": "other.main.t",
    },
}
ANYWHERE = {"hidden": "temp.hidden", "temp.t": "", '"a.b"': '"a.b"', "x y": '"x y"', '"x y"': '"x y"', "b": "", "u": ""}


@pytest.mark.parametrize("if_exists", ["replace", "append"])
def test_a_qualified_name_is_a_path(notebook: Notebook, if_exists: str) -> None:
    engine = notebook.names["DB"].engine
    paths = sorted(set((QUALIFIED[engine] | ANYWHERE).values()) - {""})
    schemas = "; CREATE SCHEMA s; CREATE SCHEMA other.s" if engine == "duckdb" else ""
    notebook(f"%SQL ATTACH ':memory:' AS other{schemas}")
    notebook.names["frame"] = pd.DataFrame({"x": [7]})
    for name, expected in (QUALIFIED[engine] | ANYWHERE).items():
        making = []
        for path in paths:
            kind = "TEMP TABLE" if path.startswith("temp.") else "TABLE"
            making += [f"DROP TABLE IF EXISTS {path}", f"CREATE {kind} {path}(x INTEGER)"]
            making += [f"INSERT INTO {path} VALUES (1)"]
        notebook(f"%SQL {'; '.join(making)}")
        assert notebook(f"%SQL_import_df frame -t '{name}' --if_exists {if_exists}") == 1
        largest = notebook.rows("SELECT " + ", ".join(f"(SELECT MAX(x) FROM {path})" for path in paths))
        assert [found == 7 for found in largest[0]] == [path == expected for path in paths], name
        # what is listed can be used, and is dropped alone
        before = notebook("%SQL_tables")
        assert notebook(f"%SQL_schema '{name}' --as_list") == [("x", int)]
        notebook(f"%SQL_drop_table '{name}'")
        gone = set(before) - set(notebook("%SQL_tables"))
        assert len(gone) == 1, name
        for shown in notebook("%SQL_tables"):
            assert notebook(f"%SQL_schema '{shown}' --as_list") == [("x", int)]
    for wrong in ("nowhere.t", "nowhere.main.t", "b.a.b.t"):
        for code in (f"%SQL_import_df frame -t {wrong} --if_exists {if_exists}", f"%SQL_drop_table {wrong}"):
            before = notebook("%SQL_tables")
            notebook.fails(code)
            assert notebook("%SQL_tables") == before
    notebook.fails("%SQL_import_df frame -t 'other.'", "cannot be a name")


def test_a_table_of_the_schema_in_use_is_written_there(notebook: Notebook) -> None:
    notebook("%SQL_connect duckdb://\n%SQL CREATE SCHEMA s; CREATE TABLE t AS SELECT 1 AS x; USE memory.s")
    notebook.names["frame"] = pd.DataFrame({"x": [7]})
    for if_exists in ("replace", "append"):
        notebook(f"%SQL_import_df frame -t t --if_exists {if_exists}")
    assert notebook("%SQL_tables") == ["main.t", "t"]
    assert notebook.rows("SELECT COUNT(*) FROM s.t UNION ALL SELECT COUNT(*) FROM main.t") == [(2,), (1,)]


@given(path=st.lists(names, min_size=1, max_size=3))
def test_a_path_is_written_and_read_back(path: list[str]) -> None:
    assert path_of(written_path(path)) == tuple(path)


def test_a_frame_in_a_table_that_exists(notebook: Notebook) -> None:
    notebook.names["frame"] = pd.DataFrame({"x": [1, 2], "y": ["a", "b"]}, index=[7, 8])
    assert notebook("%SQL_import_df frame") == 2
    assert notebook("%SQL_schema frame --as_list") == [("x", int), ("y", str)]
    notebook.fails("%SQL_import_df frame", "exists already")
    # a frame that fails half way leaves the table as it was
    notebook.names["frame"] = pd.DataFrame({"x": 3, "y": pd.Series(["y"] * 30_000 + [object()], dtype=object)})
    for if_exists in ("replace", "append"):
        notebook.fails(f"%SQL_import_df frame --if_exists {if_exists}")
        assert notebook.rows("SELECT x, y FROM frame") == [(1, "a"), (2, "b")]
    # columns are matched by name
    notebook.names["frame"] = pd.DataFrame({"y": ["c"], "x": [3]})
    assert notebook("%SQL_import_df frame --if_exists append") == 1
    assert notebook.rows("SELECT x, y FROM frame") == [(1, "a"), (2, "b"), (3, "c")]
    assert notebook("%SQL_import_df frame -t FRAME --if_exists replace") == 1
    assert notebook.rows("SELECT x, y FROM frame") == [(3, "c")]


def test_the_reason_of_a_failed_append_is_told(notebook: Notebook) -> None:
    notebook("%SQL CREATE TABLE t(x INTEGER UNIQUE); INSERT INTO t VALUES (1)")
    notebook.names["twice"], notebook.names["other"] = pd.DataFrame({"x": [2, 1]}), pd.DataFrame({"y": [1]})
    notebook.fails("%SQL_import_df twice -t t --if_exists append", r"(?i)unique")
    notebook.fails("%SQL_import_df other -t t --if_exists append", r"\by\b.*columns here: x")
    assert notebook.rows("SELECT x FROM t") == [(1,)]
    # nothing is left of the frames that were not written
    assert notebook("%SQL_tables") == ["t"]


def test_types_come_back(notebook: Notebook) -> None:
    notebook.names["frame"] = pd.DataFrame({"x": [b"\0a", None, b""], "half": np.full(3, 1.5, dtype="float16")})
    # a table of the name by which the frame used to be read
    notebook("%SQL CREATE TABLE frame_of_the_course(x INTEGER)")
    notebook("%SQL_import_df frame")
    (first,), (second,), (third,) = notebook.rows("SELECT x FROM frame")
    assert [type(first), type(third), type(notebook("%SQL SELECT x FROM frame").x[0])] == [bytes] * 3
    assert pd.isna(second)
    assert notebook.rows("SELECT DISTINCT half FROM frame") == [(1.5,)]
    words = pd.Series(["é\0b", None], dtype="str")
    notebook.names["typed"] = pd.DataFrame({"i": [1, 2], "f": [0.1, np.nan], "s": words})
    notebook("%SQL_import_df typed\n%SQL -o back SELECT * FROM typed")
    assert_frame_equal(notebook.names["back"], notebook.names["typed"])


def test_an_import_inside_a_transaction_is_part_of_it_or_refused(notebook: Notebook) -> None:
    notebook.names["frame"] = pd.DataFrame({"x": [1]})
    notebook("%SQL_connect :memory:")
    notebook("%SQL BEGIN")
    notebook("%SQL_import_df frame")
    notebook("%SQL ROLLBACK")
    assert notebook("%SQL_tables") == []
    notebook("%SQL_connect duckdb://")
    notebook("%SQL BEGIN; CREATE TABLE t(x INTEGER)")
    notebook.fails("%SQL_import_df frame", "COMMIT or ROLLBACK")
    notebook("%SQL COMMIT")
    assert notebook("%SQL_tables") == ["t"]
