# mypy: disable-error-code="no-untyped-call, untyped-decorator"
"""The SQL magics: ``%SQL_connect``, ``%%SQL`` and the others."""

from __future__ import annotations

import re
from argparse import Namespace
from collections import ChainMap
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_cell_magic, magics_class, needs_local_scope, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments

from course.errors import BadArgumentError
from magics.options import option_magic, parse, path_named, short_traceback, split_options, variable_name
from magics.sql.database import connect, connection_in
from magics.sql.names import SQLError, python_type, similar, written_path

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell
    from pandas import DataFrame

    from magics.sql.connection import Connection

_variable = argument(
    "-v", "--variable", default="DB", type=variable_name, help="variable that holds the connection (default: DB)"
)
_table = argument("-t", "--table", default="-", help="name of the table (default: the name of what is imported)")
_if_exists = argument(
    "--if_exists",
    default="fail",
    choices=("fail", "replace", "append"),
    help="when the table exists already (default: fail)",
)
_output = argument("-o", "--output", metavar="NAME", type=variable_name, help="store the result in this variable")
# an option and its value: -n 5, -n5, --df NAME, --df=NAME, -q "SELECT 1"; a comment (-- text) is none
_VALUE = r"""(?:"[^"]*"|'[^']*'|[^\s"']+)+"""
_OPTION = re.compile(rf"\s*(?:--[a-z][\w-]*(?:=|\s+){_VALUE}|-[a-z]\s*{_VALUE})(?=\s|$)", re.IGNORECASE)


def split_sql(line: str) -> tuple[str, str]:
    """Return the options at the beginning of a line, then the SQL that follows, untouched."""
    options, rest = split_options(line, _OPTION)
    # neither a statement nor a comment starts like this: an option without its value, for the parser to refuse
    return (line, "") if re.match("--?[a-zA-Z]", rest) else (options, rest)


@magics_class
class SQLMagics(Magics):
    """SQL on SQLite and DuckDB files, results as DataFrames; all the state is in the notebook's variables."""

    shell: InteractiveShell

    @option_magic
    @argument("database", help="file, :memory:, sqlite:///path, duckdb:///path, duckdb://, or a variable with its path")
    @_variable
    @argument("--create", action="store_true", help="make the file, and its folder, if it is missing")
    @argument("--read-only", action="store_true", help="refuse every statement that writes")
    def SQL_connect(self, options: Namespace) -> Connection:
        """Open a database and keep the connection in a variable.

        The engine follows the suffix: .db .db3 .sqlite .sqlite3 are SQLite's, .duckdb .ddb are DuckDB's.
        A connection that the variable held before is closed.

        Examples::

            %SQL_connect damir.db3 --create
            %SQL_connect "my data/damir.duckdb" --read-only -v lake
            %SQL_connect :memory:
        """
        connection = connect(
            str(path_named(self, options.database)),
            create=options.create,
            read_only=options.read_only,
            former=self.shell.user_ns.get(options.variable),
        )
        self.shell.user_ns[options.variable] = connection
        return connection

    @option_magic
    @_variable
    @_output
    def SQL_tables(self, options: Namespace) -> list[str]:
        """Return the names of the tables and views, sorted.

        Examples::

            %SQL_tables
            tables = %SQL_tables -v lake
        """
        return self._connection(options).tables()

    @option_magic
    @argument("table", help="name of a table or view")
    @argument("--as_list", action="store_true", help="return a list of (name, type)")
    @_variable
    @_output
    def SQL_schema(self, options: Namespace) -> Any:
        """Return the columns of a table, as {position: (name, Python type)} or a list of (name, Python type).

        Examples::

            %SQL_schema damir
            %SQL_schema damir --as_list
        """
        columns = [(name, python_type(kind)) for name, kind in self._connection(options).schema(options.table)]
        return columns if options.as_list else dict(enumerate(columns))

    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    @short_traceback
    @magic_arguments()
    @argument("-q", "--query", help="SQL between quotes; may be written without -q after the options")
    @argument(
        "-o",
        "--output",
        "--df",
        metavar="NAME",
        type=variable_name,
        help="fetch every row and store the DataFrame in this variable",
    )
    @argument("-n", "--n", type=int, default=10, help="number of rows to show (default: 10)")
    @_variable
    def SQL(self, line: str, cell: str | None = None, local_ns: Mapping[str, Any] | None = None) -> DataFrame | None:
        """Run SQL statements and return the rows of the last one that gives some, as a DataFrame.

        Only the rows shown are fetched, unless -o (or --df) asks for all of them. A parameter :name is bound to the
        variable of that name in the notebook; nothing else in the SQL is replaced. Each statement is committed as
        it ends; the first that fails raises, and those before it keep their effect.
        SQLite has no dates: they come back as the text that was stored, for pandas.to_datetime.
        In DuckDB a colon right after a word or a bracket is a slice or a field: a list is written [ :a, :b].
        Integers are exact; so are decimals, as floats where each of them is one, else as decimal.Decimal.
        The stop button ends a statement, and a Python function that it calls between two bytecodes: a long call of
        C code that such a function makes ends first. What a transaction had not committed may be rolled back.

        Examples::

            %SQL SELECT COUNT(*) FROM damir
            %SQL -n 3 -v lake SELECT * FROM damir WHERE AGE_BEN_SNDS = :age

            %%SQL -o totals
            SELECT AGE_BEN_SNDS, SUM(PRS_REM_MNT) AS total
            FROM damir GROUP BY AGE_BEN_SNDS
        """
        head, rest = split_sql(line)
        options = parse(self.SQL, head)
        if options.n < 0:
            raise BadArgumentError(f"-n {options.n}: a number of rows is 0 or more")
        if options.query is not None and (rest or cell):
            raise BadArgumentError("write the SQL once: after -q, on the line, or in the cell")
        sql = options.query if options.query is not None else f"{rest}\n{cell or ''}"
        if not sql.strip():
            raise BadArgumentError("no SQL: write it after the options, or in the cell")
        connection = self._connection(options)
        namespace: Mapping[str, Any] = ChainMap(dict(local_ns or {}), self.shell.user_ns)
        answer = connection.run(sql, namespace, None if options.output else options.n)
        if answer is None and options.output:
            raise SQLError(f"nothing to store in {options.output}: no statement gives rows")
        if answer is None:
            return None
        from magics.sql.frames import preview

        others = f"others stay in {options.variable} {connection!r}: -o NAME fetches all"
        if options.output:
            self.shell.user_ns[options.output] = answer.frame
            others = f"all are in {options.output}"
        return preview(answer.frame, options.n, more=answer.more, others=others)

    @option_magic
    @argument("df", help="variable that holds the DataFrame")
    @_table
    @_if_exists
    @_variable
    def SQL_import_df(self, options: Namespace) -> int:
        """Write a DataFrame, without its index, in a table, and return its number of rows.

        All the rows are written, or none. The name of a table may be a path, schema.table; a name that holds a dot is
        written between double quotes, -t '"a.b"'.
        In SQLite booleans become 0 and 1, dates and times ISO text, and -0.0 is 0.0.

        Examples::

            %SQL_import_df totals
            %SQL_import_df totals -t "totals by age" --if_exists replace
        """
        from pandas import DataFrame

        frame = self._value(options.df)
        if not isinstance(frame, DataFrame):
            advice = f": {options.df}.reset_index() makes one" if type(frame).__name__ == "Series" else ""
            raise SQLError(f"{options.df} is a {type(frame).__name__}, not a DataFrame{advice}")
        table = options.df if options.table == "-" else options.table
        return self._connection(options).import_frame(frame, table, options.if_exists)

    @option_magic
    @argument("filename", help="text file or s3://… address, or a variable with it; its first line names the columns")
    @_table
    @argument("-s", "--separator", help="one character, or tab (default: guessed from the first lines)")
    @argument("-e", "--encoding", default="utf-8", help="encoding of the file (default: utf-8)")
    @_if_exists
    @_variable
    def SQL_import_tsv(self, options: Namespace) -> int:
        """Stream a delimited text file (also compressed by gzip, bz2, xz) in a table; return its number of rows.

        All the rows are written, or none; the memory used does not depend on the length of the file. A column is
        an integer if all its values are, else a real number if all are numbers, else text; an empty field is NULL,
        a separator that ends the lines makes no column, empty lines are skipped. Every encoding of Python is read.

        Examples::

            %SQL_import_tsv A201612_small.csv -t damir
            %SQL_import_tsv "my data/ages.txt" -s tab -e latin-1 --if_exists append
        """
        from course.reading import fetched, is_address
        from magics.sql.text_file import describe

        name = str(path_named(self, options.filename))
        connection = self._connection(options)
        # an object is copied: the file is read more than once
        with fetched(name if is_address(name) else Path(name).expanduser()) as path:
            file = describe(path, options.separator, options.encoding)
            table = written_path([path.name.split(".")[0]]) if options.table == "-" else options.table
            return connection.import_file(file, table, options.if_exists)

    @option_magic
    @argument("function", help="name of a Python function of the notebook")
    @_variable
    def SQL_add_function(self, options: Namespace) -> None:
        """Make a Python function of the notebook available in SQL, under its own name.

        DuckDB needs the types of the arguments and of the result: def euros(cents: int) -> float.

        Examples::

            %SQL_add_function euros
            %SQL SELECT euros(12345)
        """
        function = self._value(options.function)
        if not callable(function):
            raise SQLError(f"{options.function} is a {type(function).__name__}, not a function")
        self._connection(options).add_function(function, options.function)

    @option_magic
    @argument("table", help="name of the table")
    @_variable
    def SQL_drop_table(self, options: Namespace) -> None:
        """Drop a table.

        Examples::

            %SQL_drop_table damir
        """
        self._connection(options).drop_table(options.table)

    @option_magic
    @_variable
    def SQL_refresh_completion(self, options: Namespace) -> None:
        """Read again the names that completion offers, after another program changed the database.

        Examples::

            %SQL_refresh_completion
        """
        self._connection(options).refresh()

    @option_magic
    @_variable
    def SQL_close(self, options: Namespace) -> None:
        """Close a connection: other programs may write its file again.

        Examples::

            %SQL_close
            %SQL_close -v lake
        """
        self._connection(options).close()

    # ------------------------------------------------------------------ variables of the notebook
    def _connection(self, options: Namespace) -> Connection:
        return connection_in(self.shell.user_ns, options.variable)

    def _value(self, name: str) -> Any:
        if name not in self.shell.user_ns:
            close = similar(name, [known for known in self.shell.user_ns if not known.startswith("_")])
            raise SQLError(f"the notebook has no variable {name}" + (f": did you mean {close}?" if close else ""))
        return self.shell.user_ns[name]
