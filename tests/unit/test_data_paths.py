"""Readers of files read objects of an S3-compatible store too, and fetch no more than they need."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest
from sql_notebook import Notebook, forget

import course
from course.cluster import ObjectStore
from course.cluster.object_store import forget_clients
from course.errors import BadArgumentError, DownloadError, ExistingFileError, MissingDependencyError
from course.generator.answer import CENTS_BY_AGE
from course.reading import count_lines, head, is_address, located, name_of, tail
from course.ways import FORMATS, WAYS, answer, convert
from magics.data import DataMagics
from magics.sql import SQLError

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

ROWS = b"AGE;SUM;\n" + b"".join(b"%d;%d;\n" % (number, number) for number in range(50))


@pytest.fixture(scope="module")
def store() -> Iterator[ObjectStore]:
    with ObjectStore() as made:
        yield made


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return course.small_file(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def address(store: ObjectStore, small: Path) -> str:
    """The small file, in the store."""
    import s3fs

    files = s3fs.S3FileSystem()
    files.mkdir("damir")
    files.put(str(small), "damir/small.csv")
    files.pipe("damir/rows.csv", ROWS)
    return "s3://damir/small.csv"


def fetched(store: ObjectStore) -> int:
    return sum(request.sent_bytes for request in store.requests)


@pytest.mark.parametrize("read", [head, tail])
def test_the_ends_of_an_object_cost_a_block_or_two(store: ObjectStore, address: str, small: Path, read: object) -> None:
    store.requests.clear()
    assert callable(read)
    assert read(address, 5) == read(small, 5)
    assert fetched(store) <= 3 * 2**18 < small.stat().st_size // 20
    assert len([request for request in store.requests if request.method == "GET"]) <= 3


def test_lines_of_an_object_are_counted_in_few_requests_and_each_byte_comes_once(
    store: ObjectStore, address: str, small: Path
) -> None:
    store.requests.clear()
    assert count_lines(address) == count_lines(small)
    assert small.stat().st_size <= fetched(store) <= 1.01 * small.stat().st_size
    assert len([request for request in store.requests if request.method == "GET"]) <= 4


@pytest.fixture(scope="module")
def narrow(address: str, small: Path) -> str:
    """Three columns of the small file, in the store: formats of one folder per column make fewer objects."""
    import pandas as pd
    import s3fs

    table = pd.read_csv(small, sep=";", usecols=["AGE_BEN_SNDS", "PRS_REM_MNT", "SOI_ANN"])
    s3fs.S3FileSystem().pipe("damir/narrow.csv", table.to_csv(sep=";", index=False).encode())
    return "s3://damir/narrow.csv"


@pytest.mark.parametrize("way", WAYS)
def test_every_way_answers_from_the_store_to_the_cent(store: ObjectStore, narrow: str, way: str) -> None:
    pytest.importorskip(WAYS[way].library)
    form = FORMATS[WAYS[way].format]
    remote = convert(form.name, narrow, f"s3://damir/{way}{form.suffix}")
    assert remote == narrow or form.name != "csv"
    store.requests.clear()
    sums = answer(way, remote)
    assert dict((sums * 100).round().astype("int64").items()) == CENTS_BY_AGE
    assert any(request.method == "GET" for request in store.requests)


def test_a_format_that_is_a_folder_replaces_the_one_of_that_name(store: ObjectStore, narrow: str) -> None:
    import s3fs

    files = s3fs.S3FileSystem()
    files.pipe("damir/again.zarr/mine/notes", b"a year of work")
    with pytest.raises(ExistingFileError, match="is no zarr table"):
        convert("zarr", narrow, "s3://damir/again.zarr")
    assert files.cat("damir/again.zarr/mine/notes") == b"a year of work"
    files.rm("damir/again.zarr", recursive=True)
    convert("zarr", narrow, "s3://damir/again.zarr")
    files.pipe("damir/again.zarr/SOI_ANN/c/99", b"old")
    convert("zarr", narrow, "s3://damir/again.zarr")
    files.invalidate_cache()
    assert not files.exists("damir/again.zarr/SOI_ANN/c/99")
    assert answer("zarr", "s3://damir/again.zarr").size == len(CENTS_BY_AGE)


@pytest.mark.parametrize("way", ["sqlite", "polars-csv", "duckdb-csv", "h5py", "zarr"])
def test_an_object_that_is_not_there_is_said_whatever_the_way(address: str, way: str) -> None:
    pytest.importorskip(WAYS[way].library)
    with pytest.raises((OSError, duckdb.IOException), match=r"absent\.file"):
        answer(way, "s3://damir/absent.file")


def test_a_failed_conversion_stores_nothing_and_leaves_no_copy(
    store: ObjectStore, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import s3fs

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    files = s3fs.S3FileSystem()
    files.pipe("damir/wrong.csv", b"AGE_BEN_SNDS;PRS_REM_MNT\n20;1.5\nnonsense;2\n")
    with pytest.raises(ValueError, match="nonsense"):
        convert("parquet", "s3://damir/wrong.csv", "s3://damir/wrong.parquet")
    files.invalidate_cache()
    assert not files.exists("damir/wrong.parquet")
    assert list(tmp_path.iterdir()) == []


def test_two_columns_of_parquet_cost_a_fraction_of_the_object(
    store: ObjectStore, small: Path, tmp_path: Path, address: str
) -> None:
    import s3fs

    converted = convert("parquet", small, tmp_path / "small.parquet")
    s3fs.S3FileSystem().put(str(converted), "damir/small.parquet")
    store.requests.clear()
    answer("pyarrow-parquet", "s3://damir/small.parquet")
    assert fetched(store) < converted.stat().st_size / 4


def test_what_cannot_be_opened_says_why(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileNotFoundError):
        head("s3://damir/absent.csv")
    with pytest.raises(BadArgumentError, match="nonsense"):
        head("nonsense://x/y", 1)
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(import_module("fsspec.registry")._registry, "s3", raising=False)
    with pytest.raises(MissingDependencyError, match=r'pip install "bigdata-course\[s3\]"'):
        head("s3://nowhere/x.csv", 1)


def test_a_store_that_does_not_answer_is_a_download_error(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr("s3fs.core.S3FileSystem.retries", 1)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    forget_clients()
    with pytest.raises(DownloadError, match=r"s3://damir/x\.csv cannot be read"):
        head("s3://damir/x.csv", 1)
    forget_clients()


@pytest.mark.parametrize("text", ["s3://bucket/key", "S3://bucket/key", "gs://b/k", "https://a.b/c.csv"])
def test_an_address_stays_text_and_cannot_be_a_path(text: str) -> None:
    assert is_address(text)
    assert located(text) == text
    assert name_of(text) == text.rpartition("/")[2]
    with pytest.raises(BadArgumentError, match="give it as text"):
        located(Path(text))


@pytest.mark.parametrize("text", ["data/x.csv", "/data/x.csv", "x:y.csv", "C:/data/x.csv", "C:\\data\\x.csv"])
def test_a_path_of_this_machine_is_a_path(text: str) -> None:
    assert located(text) == Path(text)


@pytest.mark.parametrize("word", ["s3://damir/rows.csv", "variable"])
def test_the_magics_show_the_lines_of_an_object(empty_shell: InteractiveShell, address: str, word: str) -> None:
    empty_shell.register_magics(DataMagics)
    empty_shell.user_ns["variable"] = "s3://damir/rows.csv"
    for code, expected in {"head": "AGE;SUM;\n0;0;", "tail": "48;48;\n49;49;", "linecount": 51}.items():
        outcome = empty_shell.run_cell(f"%{code} {word}{' -n 2' if code != 'linecount' else ''}")
        outcome.raise_error()
        assert outcome.result == expected


@pytest.mark.parametrize("memory", [":memory:", "duckdb://"])
def test_an_object_is_imported_in_a_table_and_a_database_in_a_store_is_refused(
    one_notebook: Notebook, address: str, memory: str
) -> None:
    with pytest.raises(SQLError, match=r"'s3://damir/x\.sqlite' is not on this machine.*copy the file here first"):
        one_notebook("%SQL_connect s3://damir/x.sqlite")
    one_notebook(f"%SQL_connect {memory}")
    assert one_notebook("%SQL_import_tsv s3://damir/rows.csv") == 50
    assert one_notebook.rows("SELECT count(*), sum(SUM) FROM rows") == [(50, 1225)]
    with pytest.raises(FileNotFoundError, match=r"there is no object at s3://damir/absent\.csv"):
        one_notebook("%SQL_import_tsv s3://damir/absent.csv")
    forget(one_notebook)
