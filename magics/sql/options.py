"""Tell the options at the beginning of a line from the SQL that follows them."""

from __future__ import annotations

import re

# an option: -n 5, -n5, --df NAME, --df=NAME, -q "SELECT 1"; a comment (-- text) is none
_VALUE = r"""(?:"[^"]*"|'[^']*'|[^\s"']+)+"""
_OPTION = re.compile(rf"\s*(?:--[a-z][\w-]*(?:=|\s+){_VALUE}|-[a-z]\s*{_VALUE})(?=\s|$)", re.IGNORECASE)


def split_sql(line: str) -> tuple[str, str]:
    """Return the options at the beginning of a line, then the SQL that follows, untouched.

    Every option takes a value: what follows the first words that are not an option is SQL.
    """
    end = 0
    while match := _OPTION.match(line, end):
        end = match.end()
    rest = line[end:].strip()
    # no statement starts with a dash and a letter: an option without its value, for the parser to refuse
    return (line, "") if re.match("-[a-zA-Z]", rest) else (line[:end], rest)
