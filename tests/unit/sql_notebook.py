"""A real IPython shell with the SQL magics, for the tests of ``magics.sql``."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from IPython.core.completer import provisionalcompleter

from magics.completion import complete_options, complete_sql
from magics.sql import SQLError, SQLMagics
from magics.sql.connection import Connection

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell
    from pandas import DataFrame


class Notebook:
    """Run cells as a notebook does, errors raised."""

    def __init__(self, shell: InteractiveShell) -> None:
        shell.register_magics(SQLMagics)
        complete_options(shell)
        complete_sql(shell)
        # every line of every frame costs IPython a tenth of a second, and nobody reads it
        shell.InteractiveTB.set_mode("Minimal")
        self.shell = shell
        self.names: dict[str, Any] = shell.user_ns
        self.first_names = frozenset(shell.user_ns)

    def __call__(self, code: str) -> Any:
        outcome = self.shell.run_cell(code)
        outcome.raise_error()
        return outcome.result

    def rows(self, sql: str, variable: str = "DB") -> list[tuple[Any, ...]]:
        """Return every row of a query."""
        self(f"%%SQL -o fetched -v {variable}\n{sql}")
        return list(self.names["fetched"].itertuples(index=False, name=None))

    def fails(self, code: str, match: str | None = None) -> None:
        """Check that ``code`` raises an ``SQLError`` whose message matches."""
        with pytest.raises(SQLError, match=match):
            self(code)

    def completions(self, code: str) -> list[str]:
        """Return what is proposed at the end of ``code``, as a kernel asks for it."""
        with provisionalcompleter():
            return [found.text for found in self.shell.Completer.completions(code, len(code))]


def fetched(connection: Connection, sql: str) -> DataFrame:
    """Return every row of a query."""
    answer = connection.run(sql)
    assert answer is not None
    return answer.frame


def forget(notebook: Notebook) -> None:
    """Close every connection and empty the namespace."""
    for value in list(notebook.names.values()):
        if isinstance(value, sqlite3.Connection | duckdb.DuckDBPyConnection) or (
            isinstance(value, Connection) and not value.closed
        ):
            value.close()
    for name in set(notebook.names) - notebook.first_names:
        del notebook.names[name]
    notebook.names["Out"].clear()
