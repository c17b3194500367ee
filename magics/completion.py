"""Completion of the options of every magic declared with ``@magic_arguments``, and how a matcher is installed."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

Matcher = Callable[[CompletionContext], SimpleMatcherResult]
_MAGIC = re.compile(r"(?:^|=)\s*(?P<escape>%%?)(?P<name>[\w.]+)\s+(?P<words>.*)$")


def nothing() -> SimpleMatcherResult:
    """Return the answer of a matcher that has no proposal: a new one each time, as the completer writes in it."""
    return {"completions": []}


def install_matcher(shell: InteractiveShell, matcher: Matcher, identifier: str) -> None:
    """Add a matcher to the completer of ``shell``, in place of a former one of the same identifier."""
    marked = context_matcher(identifier=identifier)(matcher)
    matchers = shell.Completer.custom_matchers
    matchers[:] = [known for known in matchers if getattr(known, "matcher_identifier", "") != identifier]
    matchers.append(marked)


def complete_options(shell: InteractiveShell) -> None:
    """Complete the options, and the values they choose from, of the magics of ``shell``."""
    install_matcher(shell, lambda context: _match(shell, context), "magics.options")


def _match(shell: InteractiveShell, context: CompletionContext) -> SimpleMatcherResult:
    line = _MAGIC.search(context.text_until_cursor)
    if line is None or (line["escape"] == "%%" and context.cursor_line > 0):
        return nothing()
    kind = "cell" if line["escape"] == "%%" else "line"
    magic = shell.magics_manager.magics[kind].get(line["name"])
    parser = getattr(magic, "parser", None)
    if not isinstance(parser, argparse.ArgumentParser):
        return nothing()
    *words, word = re.split(r"\s+", line["words"])
    found = [text for text in _proposals(parser, words, word) if text.startswith(word)]
    return {
        "completions": [SimpleCompletion(text, type="option") for text in found],
        "matched_fragment": word,
        "suppress": bool(found),
        "ordered": True,
    }


def _proposals(parser: argparse.ArgumentParser, words: list[str], word: str) -> list[str]:
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
