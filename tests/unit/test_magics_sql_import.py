from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sql_notebook import Notebook, forget

from course.size import parse_size
from magics.sql import SQLError, text_file
from magics.sql.database import connect
from magics.sql.duckdb_engine import DuckConnection
from magics.sql.text_file import DelimitedFile, describe

if TYPE_CHECKING:
    from pandas import DataFrame

MEMORIES = [":memory:", "duckdb://"]
DAMIR = "AGE_BEN_SNDS;PRS_ACT_NBR;PRS_REM_MNT;\n" + "\n".join(
    f"{age};{'' if age == 30 else 3};{amount};\n" for age, amount in [(0, ".51"), (20, "-.31"), (30, "4.4"), (80, "70")]
)


@pytest.fixture(params=MEMORIES)
def notebook(
    request: pytest.FixtureRequest, one_notebook: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Notebook]:
    monkeypatch.chdir(tmp_path)
    one_notebook(f"%SQL_connect {request.param}")
    yield one_notebook
    forget(one_notebook)


def write(content: str, name: str = "t.csv") -> None:
    Path(name).write_bytes(content.encode())


def types(notebook: Notebook, table: str = "t") -> list[type]:
    return [kind for _, kind in notebook(f"%SQL_schema {table} --as_list")]


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


@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
def test_the_separator_is_guessed(notebook: Notebook, separator: str) -> None:
    write("name;x\n".replace(";", separator) + "".join(f"n{i}{separator}{i}\n" for i in range(5)))
    assert notebook("%SQL_import_tsv t.csv") == 5
    assert notebook.rows("SELECT name, x FROM t WHERE x = 4") == [("n4", 4)]


def test_the_separator_may_be_given(notebook: Notebook) -> None:
    write("a b,c\n1 2,3\n")
    notebook("%SQL_import_tsv t.csv -s ' ' -t spaces")
    assert [name for name, _ in notebook("%SQL_schema spaces --as_list")] == ["a", "b,c"]
    write("a\tb\n1\t2\n", "u.txt")
    notebook("%SQL_import_tsv u.txt -s tab")
    assert notebook.rows("SELECT a, b FROM u") == [(1, 2)]
    with pytest.raises(SQLError, match="not one character"):
        notebook("%SQL_import_tsv t.csv -s ab -t other")


def test_a_single_column_and_a_header_alone(notebook: Notebook) -> None:
    write("x\n1\n2\n")
    assert notebook("%SQL_import_tsv t.csv") == 2
    write("x;y;\n", "u.csv")
    assert notebook("%SQL_import_tsv u.csv") == 0
    assert [name for name, _ in notebook("%SQL_schema u --as_list")] == ["x", "y"]


def test_types_are_those_of_the_whole_column(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    # chunks of a few rows: what contradicts the first comes much later
    monkeypatch.setattr(text_file, "_VALUES", 500)
    late = "1.5;2A;;x;12345678901234567890123\n"
    write("real;code;void;word;long\n" + "1;01;;;1\n" * 3000 + late + "2;02;;;2\n" * 10)
    assert notebook("%SQL_import_tsv t.csv") == 3011
    assert types(notebook)[0] is float
    assert types(notebook)[1:4] == [str, str, str]
    assert notebook.rows("SELECT SUM(real) FROM t") == [(3021.5,)]
    # nothing of a code is lost, not even its zeros, on the rows before the letter
    assert notebook.rows("SELECT code, COUNT(*) FROM t GROUP BY code ORDER BY code") == [
        ("01", 3000),
        ("02", 10),
        ("2A", 1),
    ]
    assert notebook.rows("SELECT COUNT(word), COUNT(void) FROM t") == [(1, 0)]


def test_a_real_column_divides_as_reals(notebook: Notebook) -> None:
    write("x\n1\n.5\n")
    notebook("%SQL_import_tsv t.csv")
    assert notebook.rows("SELECT x / 2 FROM t ORDER BY x") == [(0.25,), (0.5,)]


def test_quotes_hold_separators_quotes_and_line_ends(notebook: Notebook) -> None:
    write('a;b\n"x;y";"say ""no"""\n"two\nlines";z\n')
    assert notebook("%SQL_import_tsv t.csv -s ;") == 2
    assert sorted(notebook.rows("SELECT a, b FROM t")) == [("two\nlines", "z"), ("x;y", 'say "no"')]


def test_rows_too_short_are_filled_with_null(notebook: Notebook) -> None:
    write("a;b;c\n1;2;3\n4;5\n")
    notebook("%SQL_import_tsv t.csv")
    assert notebook.rows("SELECT a, b, c IS NULL FROM t ORDER BY a") == [(1, 2, 0), (4, 5, 1)]


@pytest.mark.parametrize("extra", ["5;6;7", "5;6;7;8;9", "5;6;;x"])
def test_rows_too_long_are_refused(notebook: Notebook, extra: str) -> None:
    write("a;b\n1;2\n3;4\n" + extra + "\n")
    with pytest.raises(SQLError):
        notebook("%SQL_import_tsv t.csv -s ;")
    assert notebook("%SQL_tables") == []


def test_encodings(notebook: Notebook) -> None:
    Path("t.csv").write_bytes("nom;x\nNîmes;1\n".encode("latin-1"))
    with pytest.raises(SQLError):
        notebook("%SQL_import_tsv t.csv")
    notebook("%SQL_import_tsv t.csv -e latin-1")
    assert notebook.rows("SELECT nom FROM t") == [("Nîmes",)]
    Path("u.csv").write_bytes("\ufeffnom;x\nNîmes;1\n".encode())
    notebook("%SQL_import_tsv u.csv")
    assert notebook.rows("SELECT nom FROM u") == [("Nîmes",)]


def test_compressed_files_are_read_and_cut_ones_refused(notebook: Notebook) -> None:
    content = gzip.compress(("x;y;\n" + "".join(f"{i};{i * i}\n" for i in range(50_000))).encode())
    Path("t.csv.gz").write_bytes(content)
    assert notebook("%SQL_import_tsv t.csv.gz") == 50_000
    Path("u.csv.gz").write_bytes(content[: len(content) // 2])
    with pytest.raises(SQLError):
        notebook("%SQL_import_tsv u.csv.gz")
    assert notebook("%SQL_tables") == ["t"]


@pytest.mark.parametrize("if_exists", ["replace", "append"])
def test_a_failure_half_way_leaves_the_table_as_it_was(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch, if_exists: str
) -> None:
    monkeypatch.setattr(text_file, "_VALUES", 500)
    write("x;y\n1;2\n")
    notebook("%SQL_import_tsv t.csv")
    write("x;y\n" + "3;4\n" * 3000 + "5;6;7;8\n")
    with pytest.raises(SQLError):
        notebook(f"%SQL_import_tsv t.csv --if_exists {if_exists}")
    assert notebook.rows("SELECT x, y FROM t") == [(1, 2)]
    assert notebook("%SQL_tables") == ["t"]


class Interrupted(DelimitedFile):
    """A file at whose third chunk somebody presses Ctrl-C."""

    def frames(self, schema: Sequence[tuple[str, str]] = ()) -> Iterator[DataFrame]:
        for position, frame in enumerate(super().frames(schema)):
            if position == 2:
                raise KeyboardInterrupt
            yield frame


@pytest.mark.parametrize("name", ["a.db3", "a.duckdb"])
def test_ctrl_c_half_way_leaves_the_table_as_it_was(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    monkeypatch.setattr(text_file, "_VALUES", 500)
    path = tmp_path / "t.csv"
    path.write_text("x;y\n" + "3;4\n" * 3000, encoding="utf-8")
    file = Interrupted(path, ";", "utf-8", ["x", "y"])
    with connect(str(tmp_path / name), create=True) as connection:
        connection.run("CREATE TABLE t(x INTEGER, y INTEGER); INSERT INTO t VALUES (1, 2)")
        for if_exists in ("replace", "append"):
            with pytest.raises(KeyboardInterrupt):
                connection.import_file(file, "t", if_exists)
            answer = connection.run("SELECT * FROM t")
            assert answer is not None
            assert answer.frame.values.tolist() == [[1, 2]]


def test_if_exists(notebook: Notebook) -> None:
    write("x;y\n1;01\n2;2A\n")
    notebook("%SQL_import_tsv t.csv")
    with pytest.raises(SQLError, match="exists already"):
        notebook("%SQL_import_tsv t.csv")
    # columns are matched by name, and a code is text because the table says so
    write("y;x\n02;3\n")
    assert notebook("%SQL_import_tsv t.csv --if_exists append -t T") == 1
    assert notebook.rows("SELECT x, y FROM t ORDER BY x")[2][0] == 3
    assert notebook("%SQL_import_tsv t.csv --if_exists replace") == 1
    assert notebook.rows("SELECT x FROM t") == [(3,)]


def test_appending_to_a_column_of_text_keeps_the_zeros() -> None:
    for target in MEMORIES:
        with connect(target) as connection:
            connection.run("CREATE TABLE t(code VARCHAR)")
            path = Path("codes.csv")
            path.write_text("code\n01\n02\n", encoding="utf-8")
            connection.import_file(describe(path), "t", "append")
            answer = connection.run("SELECT code FROM t ORDER BY code")
            path.unlink()
        assert answer is not None
        assert answer.frame.code.tolist() == ["01", "02"]


def test_what_cannot_be_imported_is_a_clear_error(notebook: Notebook) -> None:
    write("", "empty.csv")
    write("a;A\n1;2\n", "case.csv")
    for name, message in [("nowhere.csv", "there is no file"), ("empty.csv", "is empty"), ("case.csv", "same name")]:
        with pytest.raises(SQLError, match=message):
            notebook(f"%SQL_import_tsv {name}")
    with pytest.raises(SQLError):
        notebook("%SQL_import_tsv case.csv -e nonsense")
    assert notebook("%SQL_tables") == []


def test_a_variable_may_hold_the_path(notebook: Notebook) -> None:
    write("x\n1\n", "with space.csv")
    notebook("from pathlib import Path\nsource = Path('with space.csv')")
    notebook("%SQL_import_tsv source -t t")
    assert notebook.rows("SELECT x FROM t") == [(1,)]


@pytest.mark.parametrize("target", MEMORIES)
def test_a_watched_import_ends_like_another(target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("course.progress.is_watched", lambda: True)
    path = tmp_path / "t.csv"
    path.write_text("x;y\n" + "3;4.5\n" * 100_000, encoding="utf-8")
    with connect(target) as connection:
        assert connection.import_file(describe(path), "t") == 100_000


fields = st.one_of(
    st.integers(-(2**62), 2**62).map(str), st.floats(-1e15, 1e15).map(repr), st.sampled_from(["", ".5", "2A", "007"])
)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.tuples(fields, fields), min_size=1, max_size=8))
def test_every_field_comes_back_as_the_number_or_the_text_it_is(
    rows: list[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "fields.csv"
    path.write_text("a;b;\n" + "".join(f"{a};{b};\n" for a, b in rows), encoding="utf-8")
    rows = [row for row in rows if any(row)] or rows
    with connect(":memory:") as connection:
        connection.import_file(describe(path, ";"), "t")
        answer = connection.run("SELECT a, b FROM t WHERE a IS NOT NULL OR b IS NOT NULL")
        assert answer is not None
        declared = [kind for _, kind in connection.schema("t")]
    for position, kind in enumerate(declared):
        written = [row[position] for row in rows if any(row)]
        read = answer.frame.iloc[:, position].tolist()
        convert = {"INTEGER": int, "REAL": float, "TEXT": str}[kind]
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

    def watched(connection: DuckConnection, *arguments: Any, **options: Any) -> None:
        limits.append(limit_of(connection))
        write(connection, *arguments, **options)

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


def test_memory_does_not_grow_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_file, "_VALUES", 5_000)
    peaks = []
    for count in (20_000, 80_000):
        path = tmp_path / f"{count}.csv"
        path.write_text("x;y;z;\n" + "".join(f"{i};{i}.5;word{i};\n" for i in range(count)), encoding="utf-8")
        with connect(str(tmp_path / f"{count}.db3"), create=True) as connection:
            connection.import_file(describe(path), "warm")
            tracemalloc.start()
            connection.import_file(describe(path), "t")
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]
