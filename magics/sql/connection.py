"""What every engine offers: tables, schema, statements, imports; an object of the notebook holds all the state."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Self

from magics.sql.errors import SQLError
from magics.sql.hints import explain
from magics.sql.naming import check_columns, check_names, folded, quoted, suggestion

if TYPE_CHECKING:
    from pandas import DataFrame

    from magics.sql.delimited import DelimitedFile


@dataclass(frozen=True)
class Table:
    """A table or a view: the path of its name (schema first) and its columns as (name, SQL type)."""

    path: tuple[str, ...]
    columns: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Answer:
    """The rows of a statement that were fetched, and whether others were left in the database."""

    frame: DataFrame
    more: bool


class Connection(ABC):
    """An open database, usable in a ``with`` block; the magics keep it in a variable of the notebook.

    Attributes:
        location: the file as it was named, or ``:memory:``.
        read_only: whether every writing statement is refused.
    """

    engine: ClassVar[str]

    def __init__(self, raw: Any, path: Path | None, *, read_only: bool = False) -> None:
        self._raw: Any = raw
        self._catalog: dict[str, Table] | None = None
        self._is_stale = True
        # the notebook may change folder
        self._file = None if path is None else path.resolve()
        self.location = ":memory:" if path is None else str(path)
        self.read_only = read_only

    def __repr__(self) -> str:
        state = "closed" if self.closed else "read-only" if self.read_only else "open"
        return f"<{self.engine} {self.location} ({state})>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not self.closed:
            self.close()

    @property
    def closed(self) -> bool:
        """Whether the connection was closed."""
        return self._raw is None

    def holds(self, path: Path | None) -> bool:
        """Tell whether the connection is open on the file ``path``."""
        if self.closed or self._file is None or path is None:
            return False
        return path.exists() and self._file.exists() and path.samefile(self._file)

    @property
    def raw(self) -> Any:
        """The engine's own connection.

        Raises:
            SQLError: the connection is closed.
        """
        if self._raw is None:
            raise SQLError(f"the connection to {self.location} is closed: open it again with %SQL_connect")
        return self._raw

    def close(self) -> None:
        """Close the connection.

        Raises:
            SQLError: it was closed already.
        """
        self.raw.close()
        self._raw = None

    # ------------------------------------------------------------------ names
    def catalog(self) -> dict[str, Table]:
        """Return the tables and views as last read; read them if nothing is known."""
        if self._is_stale:
            self.refresh()
        return self._catalog or {}

    def refresh(self) -> None:
        """Read again the tables, views and columns of the database."""
        with self.translated(""):
            self._catalog = self._read_catalog()
        self._is_stale = False

    def known(self) -> dict[str, Table] | None:
        """Return the tables and views for a hint: if the engine cannot answer the last ones read, None if none were."""
        with contextlib.suppress(*self._engine_errors(), SQLError):
            self._catalog = self._read_catalog()
        return self._catalog

    def known_functions(self) -> list[str]:
        """Return the names of the functions of the engine, for a hint."""
        with contextlib.suppress(*self._engine_errors(), SQLError):
            return self._read_functions()
        return []

    def tables(self) -> list[str]:
        """Return the names of the tables and views, sorted."""
        self.refresh()
        return sorted(self.catalog())

    def table(self, name: str) -> Table:
        """Return a table or view of the database; SQL names do not distinguish case.

        Raises:
            SQLError: there is none of that name.
        """
        self.refresh()
        for known, table in self.catalog().items():
            whole = [".".join(table.path[start:]) for start in range(len(table.path) - 1)]
            if folded(name) in map(folded, [known, *whole]):
                return table
        raise SQLError(f"no such table: {name} — {suggestion(name, sorted(self.catalog()), 'tables')}")

    def has_table(self, name: str) -> bool:
        """Tell whether the database has a table or view of that name."""
        self.refresh()
        return folded(name) in map(folded, self.catalog())

    def schema(self, table: str) -> list[tuple[str, str]]:
        """Return the columns of a table as (name, SQL type), in order.

        Raises:
            SQLError: there is no such table.
        """
        return list(self.table(table).columns)

    # ------------------------------------------------------------------ statements
    def run(self, sql: str, namespace: Mapping[str, Any] | None = None, limit: int | None = None) -> Answer | None:
        """Run the statements of ``sql`` one after the other; each is committed as it ends.

        Args:
            sql: one or several statements; ``:name`` stands for ``namespace["name"]``.
            namespace: values of the parameters.
            limit: how many rows to fetch, all if None.

        Returns:
            The rows of the last statement that gives some, None if none does.

        Raises:
            SQLError: a statement failed; those before it keep their effect.
        """
        namespace = {} if namespace is None else namespace
        with self.translated(sql, namespace):
            statements = self._split(sql)
        answer = None
        for position, statement in enumerate(statements, start=1):
            place = f"statement {position} of {len(statements)}" if len(statements) > 1 else ""
            with self.translated(sql, namespace, place):
                answer = self._execute(statement, namespace, limit) or answer
        return answer

    @contextmanager
    def translated(self, sql: str, namespace: Mapping[str, Any] | None = None, place: str = "") -> Iterator[None]:
        """Turn an error of the engine inside the block into an ``SQLError`` with a hint."""
        try:
            yield
        except self._engine_errors() as error:
            cause = self._cause(error)
            message = str(error) if cause is error else f"{error}: {type(cause).__name__}: {cause}"
            hint = explain(message, sql, self, namespace or {})
            # the whole message of the engine is in the hint: only an error of a user's function adds to it
            raise SQLError(f"{hint} ({place})" if place else hint) from (None if cause is error else cause)

    def add_function(self, function: Callable[..., Any], name: str) -> None:
        """Make a Python function available in SQL under ``name``.

        Raises:
            SQLError: the engine cannot call this function.
        """
        with self.translated(""):
            self._create_function(function, name)

    # ------------------------------------------------------------------ tables in and out
    def drop_table(self, name: str) -> None:
        """Drop a table.

        Raises:
            SQLError: there is no such table, or it is a view.
        """
        path = self.table(name).path
        self.run(f"DROP TABLE {quoted(*path)}")
        self._is_stale = True

    def import_frame(self, frame: DataFrame, table: str, if_exists: str = "fail") -> int:
        """Write a DataFrame, without its index, in a table: all of it or nothing.

        Args:
            frame: its column labels become the names of the columns.
            table: name of the table.
            if_exists: ``fail``, ``replace`` or ``append``.

        Returns:
            The number of rows written.

        Raises:
            SQLError: the table exists, or a value or a name does not fit the engine.
        """
        names = [str(name) for name in frame.columns]
        return self._importing(table, if_exists, names, lambda append: self._write_frame(frame, table, append))

    def import_file(self, file: DelimitedFile, table: str, if_exists: str = "fail") -> int:
        """Stream a delimited text file in a table: all of it or nothing; arguments and result as ``import_frame``.

        Raises:
            SQLError: the table exists, or the file cannot be read to its end.
        """
        return self._importing(table, if_exists, file.names, lambda append: self._write_file(file, table, append))

    def _importing(self, table: str, if_exists: str, names: Sequence[str], write: Callable[[bool], int]) -> int:
        if self.read_only:
            raise SQLError(f"nothing can be imported in {self.location}: connect again without --read-only")
        exists = self.has_table(table)
        if exists and if_exists == "fail":
            raise SQLError(f"table {table} exists already: add --if_exists replace or --if_exists append")
        check_names([table, *names])
        check_columns(names)
        with self.translated(table), self.transaction():
            if exists and if_exists == "replace":
                self.raw.execute(f"DROP TABLE {quoted(*self.table(table).path)}")
            rows = write(exists and if_exists == "append")
        self._is_stale = True
        return rows

    # ------------------------------------------------------------------ what an engine must do
    @abstractmethod
    def transaction(self) -> AbstractContextManager[None]:
        """Return a context that keeps everything its block wrote, or nothing if the block fails."""

    @abstractmethod
    def _engine_errors(self) -> tuple[type[Exception], ...]: ...

    @abstractmethod
    def _read_catalog(self) -> dict[str, Table]: ...

    @abstractmethod
    def _read_functions(self) -> list[str]: ...

    @abstractmethod
    def _split(self, sql: str) -> Sequence[Any]: ...

    @abstractmethod
    def _execute(self, statement: Any, namespace: Mapping[str, Any], limit: int | None) -> Answer | None: ...

    @abstractmethod
    def _create_function(self, function: Callable[..., Any], name: str) -> None: ...

    @abstractmethod
    def _write_frame(self, frame: DataFrame, table: str, append: bool) -> int: ...

    @abstractmethod
    def _write_file(self, file: DelimitedFile, table: str, append: bool) -> int: ...

    def _cause(self, error: Exception) -> Exception:
        """Return the exception to show as the cause of an error of the engine; an interruption is raised."""
        return error
