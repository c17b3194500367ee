"""What every engine offers: tables, schema, statements, imports; an object of the notebook holds all the state."""

from __future__ import annotations

import contextlib
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

from magics.sql.names import (
    Catalog,
    SQLError,
    Table,
    check_names,
    explain,
    folded,
    path_of,
    quoted,
    suggestion,
    written_tables,
)

if TYPE_CHECKING:
    from pandas import DataFrame

    from magics.sql.text_file import DelimitedFile


# the frames to append to a table of these columns (name, SQL type)
_Frames = Callable[[Sequence[tuple[str, str]]], "Iterable[DataFrame]"]


class Answer(NamedTuple):
    """The rows of a statement that were fetched, and whether others were left in the database."""

    frame: DataFrame
    more: bool


class Connection(ABC):
    """An open database, usable in a ``with`` block; the magics keep it in a variable of the notebook.

    Attributes:
        engine: ``sqlite`` or ``duckdb``.
        errors: what its client raises, with OverflowError for an integer over 64 bits and UnicodeError, a ValueError,
            for half a surrogate pair.
        location: the file as it was named, or ``:memory:``.
        read_only: whether every writing statement is refused.
    """

    engine: ClassVar[str]
    errors: ClassVar[tuple[type[Exception], ...]]

    def __init__(self, raw: Any, path: Path | None, *, read_only: bool = False) -> None:
        self._raw: Any = raw
        self._catalog: Catalog | None = None
        self._is_stale = True
        # the notebook may change folder
        self._file = None if path is None else path.resolve()
        self.location = ":memory:" if path is None else str(path)
        self.read_only = read_only

    @classmethod
    def around(cls, raw: Any) -> Self:
        """Return a connection that the notebook opened itself, with what the magics ask; an ``SQLError`` if closed."""
        connection = cls(raw, None)
        with connection.translated(""):
            file = connection._read_file()
        # where the notebook is does not show
        return cls(raw, Path(file.removeprefix(f"{Path.cwd()}{os.sep}"))) if Path(file).is_absolute() else connection

    def __repr__(self) -> str:
        state = "closed" if self.closed else "read-only" if self.read_only else "open"
        return f"<{self.engine} {self.location} ({state})>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self.closed:
            self.close()

    @property
    def closed(self) -> bool:
        """Whether the connection was closed."""
        return self._raw is None

    def holds(self, path: Path | None) -> bool:
        """Tell whether the connection is open on the file ``path``, or was before that file was deleted."""
        file = None if self.closed else self._file
        if file is None or path is None:
            return False
        return file == path.resolve() or (path.exists() and file.exists() and path.samefile(file))

    def check_file(self) -> None:
        """Raise an ``SQLError`` if the open file was deleted, moved or replaced: what is written would be lost."""
        if self._file is not None and not self.closed and not _is_open(self._file):
            raise SQLError(
                f"{self.location} was deleted, moved or replaced since it was opened, and nothing written would be "
                "found again: close every connection to it with %SQL_close, then connect again"
            )

    @property
    def raw(self) -> Any:
        """The engine's own connection; an ``SQLError`` once it is closed."""
        if self._raw is None:
            raise SQLError(f"the connection to {self.location} is closed: open it again with %SQL_connect")
        return self._raw

    def close(self) -> None:
        """Close the connection; one that is closed already raises an ``SQLError``."""
        self.raw.close()
        self._raw = None

    # ------------------------------------------------------------------ names
    def catalog(self) -> Catalog:
        """Return the tables and views as last read; read them if a statement may have changed them."""
        return self.refresh() if self._catalog is None or self._is_stale else self._catalog

    def refresh(self) -> Catalog:
        """Read again the tables, views and columns of the database."""
        self.check_file()
        with self.translated(""), self._stoppable():
            self._catalog = self._read_catalog()
        self._is_stale = False
        return self._catalog

    def tables(self) -> list[str]:
        """Return the names of the tables and views, sorted."""
        return sorted(self.refresh())

    def schema(self, table: str) -> list[tuple[str, str]]:
        """Return the columns of a table as (name, SQL type), in order; an ``SQLError`` if there is no such table."""
        return list(self._table(table).columns)

    def _find(self, name: str) -> Table | None:
        """Return the table that the engine finds under a name: ``t``, ``schema.t`` or ``database.schema.t``."""
        known = {tuple(map(folded, table.path)): table for table in self.refresh().values()}
        paths = [tuple(map(folded, path)) for path in self._candidates(path_of(name))]
        return next((known[path] for path in paths if path in known), None)

    def _table(self, name: str) -> Table:
        table = self._find(name)
        if table is None:
            raise SQLError(f"no such table: {name} — {suggestion(name, written_tables(self.catalog()), 'tables')}")
        return table

    # ------------------------------------------------------------------ statements
    def run(self, sql: str, namespace: Mapping[str, Any] | None = None, limit: int | None = None) -> Answer | None:
        """Run statements one after the other, each committed as it ends; return the last rows that one gives, or None.

        Args:
            sql: one or several statements; ``:name`` stands for ``namespace["name"]``.
            namespace: values of the parameters.
            limit: how many rows to fetch, all if None.

        Raises:
            SQLError: a statement failed; those before it keep their effect.
        """
        namespace = {} if namespace is None else namespace
        self.check_file()
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
        except self.errors as error:
            cause = self._cause(error)
            message = str(error) if cause is error else f"{error}: {type(cause).__name__}: {cause}"
            names = namespace or {}
            held = [name for name, value in names.items() if value is self or value is self._raw]
            option = f" -v {held[0]}" if held and "DB" not in held else ""
            known = self._last_catalog, self._last_functions
            hint = explain(message, sql, names, *known, option=option, read_only=self.read_only)
            # the whole message of the engine is in the hint: only an error of a user's function adds to it
            raise SQLError(f"{hint} ({place})" if place else hint) from (None if cause is error else cause)

    def _last_catalog(self) -> Catalog | None:
        # after an error the engine may refuse to answer
        with contextlib.suppress(*self.errors, SQLError):
            self._catalog = self._read_catalog()
        return self._catalog

    def _last_functions(self) -> list[str]:
        with contextlib.suppress(*self.errors, SQLError):
            return self._read_functions()
        return []

    def add_function(self, function: Callable[..., Any], name: str) -> None:
        """Make a Python function available in SQL under ``name``; an ``SQLError`` if the engine cannot call it."""
        with self.translated(""):
            self._create_function(function, name)

    # ------------------------------------------------------------------ tables in and out
    def drop_table(self, name: str) -> None:
        """Drop a table; an ``SQLError`` if there is none of that name, or if it is a view."""
        self.run(f"DROP TABLE {quoted(*self._table(name).path)}")
        self._is_stale = True

    def import_frame(self, frame: DataFrame, table: str, if_exists: str = "fail") -> int:
        """Write a DataFrame, without its index, in a table, all of it or nothing; return the number of rows.

        Args:
            frame: its column labels become the names of the columns.
            table: name of the table.
            if_exists: ``fail``, ``replace`` or ``append``.

        Raises:
            SQLError: the table exists, a value or a name does not fit the engine, or a file cannot be read to its end.
        """
        named = frame.set_axis([str(name) for name in frame.columns], axis="columns")
        return self._import(list(named.columns), table, if_exists, lambda _: [named])

    def import_file(self, file: DelimitedFile, table: str, if_exists: str = "fail") -> int:
        """Stream a delimited text file in a table: all of it or nothing; arguments, result, errors as above."""
        return self._import(file.names, table, if_exists, file.frames)

    def _import(self, names: list[str], table: str, if_exists: str, frames: _Frames) -> int:
        """Write the frames that ``frames`` gives for the columns of the table that they are appended to, if any."""
        if self.read_only:
            raise SQLError(f"nothing can be imported in {self.location}: connect again without --read-only")
        found = self._find(table)
        if found is not None and if_exists == "fail":
            raise SQLError(f"table {table} exists already: add --if_exists replace or --if_exists append")
        append = found is not None and if_exists == "append"
        path = path_of(table) if found is None else found.path
        check_names(path, names)
        parts, rows = frames(found.columns if found is not None and append else ()), 0
        with self.translated(table), self.transaction():
            if found is not None and not append:
                self.raw.execute(f"DROP TABLE {quoted(*path)}")
            for part in parts:
                with self._stoppable():
                    taken = self._write(part, path, append=append)
                if taken != len(part):
                    raise SQLError(
                        f"{table} took {taken:,} of {len(part):,} rows: its constraints or triggers drop some"
                    )
                rows, append = rows + len(part), True
        self._is_stale = True
        return rows

    # ------------------------------------------------------------------ what an engine must do
    @abstractmethod
    def transaction(self) -> AbstractContextManager[None]:
        """Return a context that keeps everything its block wrote, or nothing if the block fails."""

    @abstractmethod
    def _read_file(self) -> str:
        """Return the path of the open file, empty if there is none."""

    @abstractmethod
    def _read_catalog(self) -> Catalog: ...

    @abstractmethod
    def _read_functions(self) -> list[str]: ...

    @abstractmethod
    def _split(self, sql: str) -> Sequence[Any]: ...

    @abstractmethod
    def _execute(self, statement: Any, namespace: Mapping[str, Any], limit: int | None) -> Answer | None: ...

    @abstractmethod
    def _create_function(self, function: Callable[..., Any], name: str) -> None: ...

    @abstractmethod
    def _write(self, frame: DataFrame, path: tuple[str, ...], *, append: bool) -> int:
        """Write a frame, and return how many rows the table took."""

    @abstractmethod
    def _candidates(self, names: tuple[str, ...]) -> list[tuple[str, ...]]:
        """Return the whole paths that a path may stand for, in the order of the engine."""

    @abstractmethod
    def _stoppable(self) -> AbstractContextManager[None]:
        """Return a context whose block an interrupt ends as KeyboardInterrupt."""

    def _cause(self, error: Exception) -> Exception:
        """Return the exception to show as the cause of an error of the engine."""
        return error


def _is_open(file: Path) -> bool:
    """Tell whether this process has the file of that name open; where it cannot be told, whether there is one."""
    descriptors = Path("/dev/fd")
    if not file.exists() or not descriptors.is_dir():
        return file.exists()
    for descriptor in descriptors.iterdir():
        # the one that lists them is closed already
        with contextlib.suppress(OSError):
            if os.path.samestat(os.fstat(int(descriptor.name)), file.stat()):
                return True
    return False
