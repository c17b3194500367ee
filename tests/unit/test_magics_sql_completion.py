from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from IPython.terminal.ptutils import IPythonPTCompleter
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from magics.completion import complete_options, complete_sql

if TYPE_CHECKING:
    from sql_notebook import Notebook


@pytest.fixture(params=[":memory:", "duckdb://"])
def notebook(request: pytest.FixtureRequest, notebook: Notebook) -> Notebook:
    notebook(f"%SQL_connect {request.param}")
    notebook('%SQL CREATE TABLE damir("AGE BEN" INTEGER, amount REAL, "order" TEXT); CREATE TABLE region(code TEXT)')
    return notebook


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("%%SQL\nSELECT * FROM da", ["damir"]),
        ("%%SQL\nSELECT * FROM ", ["damir", "region"]),
        ("%%SQL\nselect * from damir join re", ["region"]),
        ("%%SQL\nSELECT am", ["amount"]),
        ("%%SQL\nSELECT AMO", ["amount"]),
        ("%%SQL\nSELECT * FROM damir WHERE age", ['"AGE BEN"']),
        ('%%SQL\nSELECT * FROM damir WHERE "AGE B', ['"AGE BEN"']),
        ("%%SQL\nSELECT * FROM damir WHERE ord", ['"order"', "order"]),
        ("%%SQL\nSELECT region.", ["code"]),
        ("%%SQL\nSELECT * FROM damir AS d WHERE d.a", ['"AGE BEN"', "amount"]),
        ("%%SQL\nSELECT * FROM damir GRO", ["GROUP"]),
        ("%%SQL\nSELECT * FROM damir gro", ["group"]),
        ("%%SQL -n 3 -v DB\nSELECT * FROM da", ["damir"]),
        ("%SQL SELECT * FROM da", ["damir"]),
        ("x = %SQL -n 3 SELECT * FROM da", ["damir"]),
        ("%%SQL -n 3 SELECT * FROM da", ["damir"]),
        ("%SQL_schema da", ["damir"]),
        ("%SQL_drop_table re", ["region"]),
        ("%SQL_connect --c", ["--create"]),
        ("%SQL_connect x.db --read", ["--read-only"]),
        ("%%SQL --d", ["--df"]),
        ("%SQL_import_df x --if_exists re", ["replace"]),
    ],
)
def test_what_is_proposed(notebook: Notebook, code: str, expected: list[str]) -> None:
    assert notebook.completions(code) == expected


def test_a_new_word_proposes_columns_then_tables_and_a_text_nothing(notebook: Notebook) -> None:
    assert notebook.completions("%%SQL\nSELECT ")[:2] == ['"AGE BEN"', "amount"]
    assert "region" in notebook.completions("%SQL SELECT ")
    notebook("damirs = 3")
    assert "damir" not in notebook.completions("%%SQL\nSELECT * FROM damir WHERE amount = 'da")
    assert notebook.completions("dami") == ["damirs"]
    assert notebook.completions("%%SQL\nSELECT dami") == ["damir"]
    # only the columns of the tables that are named
    assert "amount" not in notebook.completions("%%SQL\nSELECT * FROM region WHERE am")


def test_another_variable_is_followed_and_refreshing_shows_what_another_program_made(notebook: Notebook) -> None:
    notebook("%SQL_connect a.db3 --create -v lake")
    notebook("%SQL_connect a.db3 -v other")
    assert "boats" not in notebook.completions("%%SQL -v lake\nSELECT * FROM ")
    notebook("%SQL -v other CREATE TABLE boats(x INTEGER)")
    notebook("%SQL_refresh_completion -v lake")
    assert notebook.completions("%%SQL -v lake\nSELECT * FROM ") == ["boats"]
    assert "damir" not in notebook.completions("%%SQL -v nothing\nSELECT * FROM ")


def test_new_tables_are_proposed_at_once(notebook: Notebook) -> None:
    assert "boats" not in notebook.completions("%%SQL\nSELECT * FROM bo")
    notebook("%SQL CREATE TABLE boats(x INTEGER)")
    assert notebook.completions("%%SQL\nSELECT * FROM bo") == ["boats"]
    notebook("ships = __import__('pandas').DataFrame({'x': [1]})")
    notebook("%SQL_import_df ships")
    assert notebook.completions("%%SQL\nSELECT * FROM sh") == ["ships"]
    notebook("%SQL_drop_table boats")
    assert "boats" not in notebook.completions("%%SQL\nSELECT * FROM bo")


def test_a_table_of_another_database_is_proposed_as_a_path(notebook: Notebook) -> None:
    notebook("%SQL ATTACH ':memory:' AS lake; CREATE TABLE lake.\"big fish\"(size INTEGER)")
    (name,) = notebook.completions("%%SQL\nSELECT * FROM lak")
    assert notebook.rows(f"SELECT COUNT(*) FROM {name}") == [(0,)]
    assert notebook.completions("%%SQL\nSELECT * FROM lake.b") == ['"big fish"']


def test_loading_twice_installs_one_completer(one_notebook: Notebook) -> None:
    before = len(one_notebook.shell.Completer.custom_matchers)
    complete_options(one_notebook.shell)
    complete_sql(one_notebook.shell)
    assert len(one_notebook.shell.Completer.custom_matchers) == before


def test_a_terminal_proposes_the_same(notebook: Notebook) -> None:
    completer = IPythonPTCompleter(ipy_completer=notebook.shell.Completer)
    for code, expected in [
        ("%%SQL\nSELECT * FROM ", ["damir", "region"]),
        ("%SQL SELECT * FROM re", ["region"]),
        ("%SQL_connect --", ["--create", "--read-only", "--variable"]),
    ]:
        found = list(completer.get_completions(Document(code, len(code)), CompleteEvent(completion_requested=True)))
        assert [completion.text for completion in found] == expected
        word = code.split()[-1] if not code.endswith(" ") else ""
        assert {completion.start_position for completion in found} == {-len(word)}
