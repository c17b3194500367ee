"""The menu of jyquickhelper, a script that reads the page: for the classic notebook, when the file is unknown."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any


def script_menu(**options: Any) -> str | None:
    """Return the HTML and JavaScript of ``jyquickhelper.add_notebook_menu``, or None where it cannot be imported.

    Args:
        options: the arguments of that function, but ``raw``.
    """
    try:
        add_notebook_menu = _import_add_notebook_menu()
    except ImportError:
        return None
    return str(add_notebook_menu(raw=True, **options))


def _import_add_notebook_menu() -> Callable[..., Any]:
    """Import jyquickhelper 0.4.220, which looks for ``display`` where IPython 9 no longer has it."""
    from IPython.core import display as core_display
    from IPython.display import display

    names = vars(core_display)
    is_missing = "display" not in names
    if is_missing:
        names["display"] = display
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from jyquickhelper import add_notebook_menu
    finally:
        if is_missing:
            del names["display"]
    return add_notebook_menu  # type: ignore[no-any-return]
