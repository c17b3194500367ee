# mypy: disable-error-code="no-untyped-call"
"""The magics that read a file read an object of a store too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from sql_notebook import Notebook, forget

from course.cluster import ObjectStore
from magics.data import DataMagics
from magics.sql import SQLError

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

ROWS = b"AGE;SUM;\n" + b"".join(b"%d;%d;\n" % (number, number) for number in range(50))
ADDRESS = "s3://damir/rows.csv"


@pytest.fixture(scope="module", autouse=True)
def store() -> Iterator[ObjectStore]:
    import s3fs

    with ObjectStore() as made:
        files = s3fs.S3FileSystem()
        files.mkdir("damir")
        files.pipe("damir/rows.csv", ROWS)
        yield made


@pytest.mark.parametrize("word", [ADDRESS, "address"])
def test_lines_of_an_object(empty_shell: InteractiveShell, word: str) -> None:
    empty_shell.register_magics(DataMagics)
    empty_shell.user_ns["address"] = ADDRESS
    for code, expected in {
        f"%head {word} -n 2": "AGE;SUM;\n0;0;",
        f"%tail {word} -n 2": "48;48;\n49;49;",
        f"%linecount {word}": 51,
    }.items():
        outcome = empty_shell.run_cell(code)
        outcome.raise_error()
        assert outcome.result == expected


@pytest.mark.parametrize("memory", [":memory:", "duckdb://"])
def test_an_object_is_imported_in_a_table(one_notebook: Notebook, memory: str) -> None:
    one_notebook(f"%SQL_connect {memory}")
    assert one_notebook(f"%SQL_import_tsv {ADDRESS}") == 50
    assert one_notebook.rows("SELECT count(*), sum(SUM) FROM rows") == [(50, 1225)]
    with pytest.raises(FileNotFoundError, match=r"there is no object at s3://damir/absent\.csv"):
        one_notebook("%SQL_import_tsv s3://damir/absent.csv")
    forget(one_notebook)


def test_a_database_in_a_store_is_refused_with_what_to_do(one_notebook: Notebook) -> None:
    with pytest.raises(SQLError, match=r"'s3://damir/x\.sqlite' is not on this machine.*copy the file here first"):
        one_notebook("%SQL_connect s3://damir/x.sqlite")
