"""Completion of what is written after a magic: its options, and tables, columns and keywords where it takes SQL."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher

from magics.sql.database import as_connection
from magics.sql.magic import split_sql
from magics.sql.names import (
    KEYWORDS,
    Catalog,
    SQLError,
    columns_of,
    folded,
    path_of,
    quoted,
    unquoted,
    written,
    written_tables,
)

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

Matcher = Callable[[CompletionContext], SimpleMatcherResult]


def _install(shell: InteractiveShell, matcher: Matcher, identifier: str) -> None:
    """Add a matcher to the completer of ``shell``, in place of a former one of the same identifier."""
    marked = context_matcher(identifier=identifier)(matcher)
    matchers = shell.Completer.custom_matchers
    matchers[:] = [known for known in matchers if getattr(known, "matcher_identifier", "") != identifier]
    matchers.append(marked)


def _nothing() -> SimpleMatcherResult:
    return {"completions": []}  # a new one each time: the completer writes in it


# ---------------------------------------------------------------------- options
_MAGIC = re.compile(r"(?:^|=)\s*(?P<escape>%%?)(?P<name>[\w.]+)\s+(?P<words>.*)$")


def complete_options(shell: InteractiveShell) -> None:
    """Complete the options of every magic declared with ``@magic_arguments``, and the values they choose from."""
    _install(shell, lambda context: _match_option(shell, context), "magics.options")


def _match_option(shell: InteractiveShell, context: CompletionContext) -> SimpleMatcherResult:
    line = _MAGIC.search(context.text_until_cursor)
    kind = "cell" if line and line["escape"] == "%%" else "line"
    if line is None or (kind == "cell" and context.cursor_line > 0):
        return _nothing()
    parser = getattr(shell.magics_manager.magics[kind].get(line["name"]), "parser", None)
    if not isinstance(parser, argparse.ArgumentParser):
        return _nothing()
    *words, word = re.split(r"\s+", line["words"])
    found = [text for text in _options(parser, words, word) if text.startswith(word)]
    return {
        "completions": [SimpleCompletion(text, type="option") for text in found],
        "matched_fragment": word,
        "suppress": bool(found),
        "ordered": True,
    }


def _options(parser: argparse.ArgumentParser, words: list[str], word: str) -> list[str]:
    """Return the values of the option just before the cursor if it has a choice of them, else the unused options."""
    # argparse offers no public list of what a parser accepts
    actions = [action for action in parser._actions if action.option_strings]  # noqa: SLF001
    for action in actions:
        if words and words[-1] in action.option_strings and action.nargs != 0:
            return [str(choice) for choice in action.choices or ()]
    if not word.startswith("-"):
        return []
    unused = [action for action in actions if not set(action.option_strings) & set(words)]
    return sorted(option for action in unused for option in action.option_strings)


# ---------------------------------------------------------------------- SQL
_CELL = re.compile(r"\s*%%SQL(?=\s|$)")
_LINE = re.compile(r"(?:^|=)\s*%SQL(?=\s)")
_TABLE_ARGUMENT = re.compile(r"(?:^|=)\s*%SQL_(?:schema|drop_table)\s(?P<rest>.*)$")
_VARIABLE = re.compile(r"(?:^|\s)(?:-v|--variable)[\s=]*(?P<name>[^\W\d]\w*)")
_NAME = r"\"(?:[^\"]|\"\")*\"|[^\W\d]\w*"
_WORD = re.compile(rf"(?:(?P<qualifier>{_NAME})\.)?(?P<word>\"[^\"]*|\w*)$")
_ALIAS = re.compile(rf"\b(?:FROM|JOIN|UPDATE|INTO)\s+(?P<table>{_NAME})\s+(?:AS\s+)?(?P<alias>{_NAME})", re.IGNORECASE)
_BEFORE_TABLE = frozenset({"DESCRIBE", "FROM", "INTO", "JOIN", "TABLE", "UPDATE", "VIEW"})


class _Request(NamedTuple):
    """Where the cursor is: the SQL before it, all the SQL, the variable of the connection."""

    before: str
    sql: str
    variable: str


def complete_sql(shell: InteractiveShell) -> None:
    """Complete the names of the connection in use where ``shell`` is given SQL."""
    _install(shell, lambda context: _match_name(shell, context), "magics.sql")


def _match_name(shell: InteractiveShell, context: CompletionContext) -> SimpleMatcherResult:
    if arguments := _TABLE_ARGUMENT.search(context.text_until_cursor):
        word = re.split(r"\s", arguments["rest"])[-1]
        names = [] if word.startswith("-") else _catalog(shell, _variable(arguments["rest"]))
        shown = [name if re.fullmatch(r"[\w.]+", name) else quoted(name) for name in names]
        return _result(word, [SimpleCompletion(name, type="table") for name in shown]) if names else _nothing()
    request = _request(context)
    found = None if request is None or request.before.count("'") % 2 else _WORD.search(request.before)
    if request is None or found is None:
        return _nothing()
    catalog = _catalog(shell, request.variable)
    if found["qualifier"]:
        return _result(found["word"], _of_qualifier(unquoted(found["qualifier"]), request.sql, catalog))
    return _result(found["word"], _of_place(request.sql, request.before[: found.start()], found["word"], catalog))


def _variable(line: str) -> str:
    return named["name"] if (named := _VARIABLE.search(line)) else "DB"


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


def _catalog(shell: InteractiveShell, variable: str) -> Catalog:
    try:
        connection = as_connection(shell.user_ns.get(variable))
        return {} if connection is None or connection.closed else connection.catalog()
    except SQLError:
        # closed behind our back, locked, dropped: nothing to propose, and a key press is no place for an error
        return {}


def _columns(names: Iterable[str]) -> list[SimpleCompletion]:
    return [SimpleCompletion(written(name), type="column") for name in names]


def _tables(names: Iterable[str]) -> list[SimpleCompletion]:
    return [SimpleCompletion(name, type="table") for name in written_tables(names)]


def _of_qualifier(qualifier: str, sql: str, catalog: Catalog) -> list[SimpleCompletion]:
    """Return the columns of a table or an alias, or the tables of a schema."""
    aliases = {folded(unquoted(found["alias"])): unquoted(found["table"]) for found in _ALIAS.finditer(sql)}
    name = folded(aliases.get(folded(qualifier), qualifier))
    named = [table for known, table in catalog.items() if [*map(folded, path_of(known))] == [name]]
    columns = [column for table in named for column, _ in table.columns]
    inside = [table.path[-1] for table in catalog.values() if name in map(folded, table.path[:-1])]
    return _columns(columns) or _tables(map(quoted, inside))


def _of_place(sql: str, before: str, word: str, catalog: Catalog) -> list[SimpleCompletion]:
    """Return tables after FROM and the like; else the columns of the tables named, the tables, the keywords."""
    tables = _tables(catalog)
    if "".join(before.split()[-1:]).upper() in _BEFORE_TABLE:
        return tables
    keywords = [] if not word or word.startswith('"') else [SimpleCompletion(one, type="keyword") for one in KEYWORDS]
    if word.islower():
        keywords = [SimpleCompletion(one.text.lower(), type="keyword") for one in keywords]
    return [*_columns(columns_of(sql, catalog)), *tables, *keywords]


def _result(word: str, proposals: Iterable[SimpleCompletion]) -> SimpleMatcherResult:
    start = folded(word.removeprefix('"'))
    completions = [found for found in proposals if folded(unquoted(found.text)).startswith(start)]
    if word.startswith('"'):
        completions = [SimpleCompletion(quoted(*path_of(found.text)), type=found.type) for found in completions]
    # Python's own names have no place in SQL
    return {"completions": completions, "matched_fragment": word, "suppress": True, "ordered": True}
