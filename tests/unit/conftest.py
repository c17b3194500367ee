"""What several files of tests share: a real IPython shell, and the notebook of the SQL magics."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from downloading_user import Course
    from IPython.core.interactiveshell import InteractiveShell
    from misbehaving_server import Server
    from sql_notebook import Notebook


@pytest.fixture(scope="module")
def one_shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InteractiveShell]:
    """A shell without history and without colours, alone in its process; a file of tests registers its magics."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    saved = sys.displayhook, sys.excepthook
    main = sys.modules["__main__"]
    InteractiveShell.clear_instance()
    config = Config({"HistoryManager": {"enabled": False}, "InteractiveShell": {"colors": "nocolor"}})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
        # jedi writes its cache in place: read half-written by another process, it proposes nothing and says nothing
        patch.setattr("jedi.settings.cache_directory", str(tmp_path_factory.getbasetemp() / "jedi"))
        yield InteractiveShell.instance(config=config)
    InteractiveShell.clear_instance()
    sys.displayhook, sys.excepthook = saved
    # the shell's own stands there; processes started later look for what Python's has
    sys.modules["__main__"] = main


@pytest.fixture
def empty_shell(one_shell: InteractiveShell) -> Iterator[InteractiveShell]:
    """The shell, emptied of what the test put there; its own ``reset`` collects garbage for most of a second."""
    names = one_shell.user_ns
    before = frozenset(names)
    yield one_shell
    for name in set(names) - before:
        del names[name]
    names["Out"].clear()
    one_shell.execution_count = 1


@pytest.fixture(scope="module")
def one_notebook(one_shell: InteractiveShell) -> Notebook:
    """The shell with the SQL magics; ``sql_notebook.forget`` empties it after a test."""
    from sql_notebook import Notebook

    return Notebook(one_shell)


@pytest.fixture
def notebook(one_notebook: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Notebook]:
    """The shell with the SQL magics in an empty folder, emptied after the test."""
    from sql_notebook import forget

    monkeypatch.chdir(tmp_path)
    yield one_notebook
    forget(one_notebook)


@pytest.fixture(params=["a.db3", "a.duckdb"])
def file(request: pytest.FixtureRequest, notebook: Notebook) -> str:
    """Name of a file with a table ``ages`` of 25 rows, open in DB."""
    notebook(f"%SQL_connect {request.param} --create")
    values = ", ".join(f"({number}, {number}.5)" for number in range(25))
    notebook(f"%%SQL\nCREATE TABLE ages(age INTEGER, amount DOUBLE);\nINSERT INTO ages VALUES {values}")
    return str(request.param)


@pytest.fixture(scope="module")
def module_server() -> Iterator[Server]:
    """An HTTP server that misbehaves as it is told to."""
    from misbehaving_server import running

    with running() as server:
        yield server


@pytest.fixture
def server(module_server: Server) -> Server:
    """The server, told nothing yet."""
    module_server.requests.clear()
    module_server.scripts.clear()
    return module_server


@pytest.fixture
def course(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> Course:
    """Somebody who downloads from the server, in folders of their own."""
    from downloading_user import Course

    return Course(tmp_path, server, monkeypatch)
