"""Complete tables, columns and keywords where SQL is written: ``%%SQL`` cells, ``%SQL`` lines."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult

from magics.completion import install_matcher, nothing
from magics.options import split_sql
from magics.sql.errors import SQLError
from magics.sql.keywords import BEFORE_TABLE, KEYWORDS
from magics.sql.naming import as_written, folded
from magics.sql.opening import as_connection

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from magics.sql.connection import Table

_CELL = re.compile(r"\s*%%SQL(?=\s|$)")
_LINE = re.compile(r"(?:^|=)\s*%SQL(?=\s)")
_TABLE_ARGUMENT = re.compile(r"(?:^|=)\s*%SQL_(?:schema|drop_table)\s(?P<rest>.*)$")
_VARIABLE = re.compile(r"(?:^|\s)(?:-v|--variable)[\s=]*(?P<name>[^\W\d]\w*)")
_NAME = r"\"(?:[^\"]|\"\")*\"|[^\W\d]\w*"
_WORD = re.compile(rf"(?:(?P<qualifier>{_NAME})\.)?(?P<word>\"[^\"]*|\w*)$")
_ALIAS = re.compile(rf"\b(?:FROM|JOIN|UPDATE|INTO)\s+(?P<table>{_NAME})\s+(?:AS\s+)?(?P<alias>{_NAME})", re.IGNORECASE)


@dataclass(frozen=True)
class _Request:
    """Where the cursor is: the SQL before it, all the SQL, the variable of the connection."""

    before: str
    sql: str
    variable: str


def complete_sql(shell: InteractiveShell) -> None:
    """Complete the names of the connection in use where ``shell`` is given SQL."""
    install_matcher(shell, lambda context: _match(shell, context), "magics.sql")


def _match(shell: InteractiveShell, context: CompletionContext) -> SimpleMatcherResult:
    arguments = _TABLE_ARGUMENT.search(context.text_until_cursor)
    if arguments is not None:
        return _match_table(shell, arguments["rest"])
    request = _request(context)
    if request is None or request.before.count("'") % 2:
        return nothing()
    catalog = _catalog(shell, request.variable)
    found = _WORD.search(request.before)
    if found is None:
        return nothing()
    word = found["word"]
    if found["qualifier"]:
        proposals = _of_qualifier(_bare(found["qualifier"]), request.sql, catalog)
    else:
        proposals = _of_place(request, request.before[: found.start()], word, catalog)
    return _result(word, proposals)


def _match_table(shell: InteractiveShell, rest: str) -> SimpleMatcherResult:
    word = re.split(r"\s", rest)[-1]
    if word.startswith("-"):
        return nothing()
    catalog = _catalog(shell, _variable(rest))
    return _result(word, [(as_written(name), name, "table") for name in catalog])


def _variable(line: str) -> str:
    named = _VARIABLE.search(line)
    return named["name"] if named else "DB"


def _request(context: CompletionContext) -> _Request | None:
    """Return what is being written, None if the cursor is not in SQL."""
    lines = context.full_text.split("\n")
    cell = _CELL.match(lines[0])
    magic = cell or _LINE.search(context.line_with_cursor)
    if magic is None:
        return None
    if cell and context.cursor_line > 0:
        head, first = split_sql(lines[0][magic.end() :])
        before = "\n".join([first, *lines[1 : context.cursor_line], context.text_until_cursor])
        return _Request(before, "\n".join([first, *lines[1:]]), _variable(head))
    head, before = split_sql(context.text_until_cursor[magic.end() :])
    if not before or before.startswith("-"):
        return None
    # split_sql strips, and the space before the cursor tells a new word
    before += " " * (len(context.text_until_cursor) - len(context.text_until_cursor.rstrip()))
    return _Request(before, "\n".join([before, *lines[1:]]) if cell else context.line_with_cursor, _variable(head))


def _catalog(shell: InteractiveShell, variable: str) -> dict[str, Table]:
    try:
        connection = as_connection(shell.user_ns.get(variable))
        return {} if connection is None or connection.closed else connection.catalog()
    except SQLError:
        # closed behind our back, locked, dropped: nothing to propose, and a key press is no place for an error
        return {}


def _bare(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


_Proposal = tuple[str, str, str]


def _columns(tables: Iterable[Table]) -> list[_Proposal]:
    names = dict.fromkeys(name for table in tables for name, _ in table.columns)
    return [(as_written(name, KEYWORDS), name, "column") for name in names]


def _of_qualifier(qualifier: str, sql: str, catalog: dict[str, Table]) -> list[_Proposal]:
    """Return the columns of a table or an alias, or the tables of a schema."""
    aliases = {folded(_bare(found["alias"])): _bare(found["table"]) for found in _ALIAS.finditer(sql)}
    name = folded(aliases.get(folded(qualifier), qualifier))
    tables = [table for known, table in catalog.items() if folded(known) == name]
    inside = [table.path[-1] for table in catalog.values() if name in map(folded, table.path[:-1])]
    return _columns(tables) or [(as_written(table, KEYWORDS), table, "table") for table in inside]


def _of_place(request: _Request, before: str, word: str, catalog: dict[str, Table]) -> list[_Proposal]:
    """Return tables after FROM and the like; else the columns of the tables named, the tables, the keywords."""
    tables = [(as_written(name, KEYWORDS), name, "table") for name in sorted(catalog)]
    previous = before.split()[-1:] or [""]
    if previous[0].upper() in BEFORE_TABLE:
        return tables
    text = folded(request.sql)
    named = [table for name, table in catalog.items() if folded(name) in text]
    keywords = sorted(KEYWORDS) if word and not word.startswith('"') else []
    written = [keyword.lower() if word.islower() else keyword for keyword in keywords]
    return [*_columns(named or catalog.values()), *tables, *((keyword, keyword, "keyword") for keyword in written)]


def _result(word: str, proposals: Iterable[_Proposal]) -> SimpleMatcherResult:
    start = folded(word.removeprefix('"'))
    completions = [
        SimpleCompletion('"' + name.replace('"', '""') + '"' if word.startswith('"') else text, type=kind)
        for text, name, kind in proposals
        if folded(name).startswith(start)
    ]
    # Python's own names have no place in SQL
    return {"completions": completions, "matched_fragment": word, "suppress": True, "ordered": True}
