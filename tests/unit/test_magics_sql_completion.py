from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from IPython.terminal.ptutils import IPythonPTCompleter
from jupyter_client.manager import start_new_kernel
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from sql_notebook import Notebook, forget

from magics.completion import complete_options, complete_sql

if TYPE_CHECKING:
    from jupyter_client.blocking.client import BlockingKernelClient


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BlockingKernelClient]:
    manager, client = start_new_kernel(cwd=str(tmp_path_factory.mktemp("kernel")))
    try:
        setup = "%load_ext magics\n%SQL_connect :memory:"
        assert client.execute_interactive(setup, timeout=60, output_hook=print)["content"]["status"] == "ok"
        yield client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@pytest.fixture(params=[":memory:", "duckdb://"])
def notebook(request: pytest.FixtureRequest, one_notebook: Notebook) -> Iterator[Notebook]:
    one_notebook(f"%SQL_connect {request.param}")
    one_notebook(
        '%%SQL\nCREATE TABLE damir("AGE BEN" INTEGER, amount REAL, "order" TEXT);\nCREATE TABLE region(code TEXT)'
    )
    yield one_notebook
    forget(one_notebook)


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


def test_another_variable_is_followed(notebook: Notebook) -> None:
    notebook("%SQL_connect :memory: -v lake")
    notebook("%SQL -v lake CREATE TABLE boats(x INTEGER)")
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


def test_refreshing_shows_what_another_program_made(
    one_notebook: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    one_notebook("%SQL_connect a.db3 --create")
    one_notebook("%SQL_connect a.db3 -v other")
    assert "boats" not in one_notebook.completions("%%SQL\nSELECT * FROM ")
    one_notebook("%SQL -v other CREATE TABLE boats(x INTEGER)")
    one_notebook("%SQL_refresh_completion")
    assert one_notebook.completions("%%SQL\nSELECT * FROM ") == ["boats"]
    forget(one_notebook)


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


@pytest.mark.parametrize(
    "code", ["%SQL_connect", "%SQL_connect :memory: --bogus", "%SQL SELECT * FROM nowhere", "%SQL -n"]
)
def test_a_runner_of_notebooks_sees_the_error(kernel: BlockingKernelClient, code: str) -> None:
    # nbval looks for a message of the type error, which IPython does not send for its own UsageError
    kinds: list[str] = []
    reply = kernel.execute_interactive(code, timeout=30, output_hook=lambda message: kinds.append(message["msg_type"]))
    assert reply["content"]["status"] == "error"
    assert "error" in kinds


def test_a_kernel_answers_a_completion_request(kernel: BlockingKernelClient) -> None:
    created = kernel.execute_interactive("%SQL CREATE TABLE damir(age INTEGER)", timeout=30, output_hook=print)
    assert created["content"]["status"] == "ok"
    code = "%%SQL\nSELECT age FROM da"
    answer = kernel.complete(code, len(code), reply=True, timeout=30)["content"]
    assert answer["matches"] == ["damir"]
    assert answer["cursor_start"] == code.index("da")
    assert answer["metadata"]["_jupyter_types_experimental"][0]["type"] == "table"
