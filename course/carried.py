# mypy: disable-error-code="no-untyped-call, no-any-return"
"""An error goes from one process to another and keeps its class and its text, or a name and the text."""

from __future__ import annotations

import builtins
import pickle
from contextlib import suppress


def dump_error(error: BaseException) -> tuple[bytes | None, str, str, str]:
    """Return an error for ``load_error``: pickled, if that keeps it, its class, its builtin class, and its text."""
    import cloudpickle  # type: ignore[import-untyped, unused-ignore]

    bases = [kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "builtins"]
    pickled, base = None, next(name for name in bases if not name.endswith("Group"))
    # Pickling and making text run the error's own code, which may do anything.
    text = "<exception str() failed>"  # as Python says
    with suppress(Exception):
        text = str(error)
        pickled = cloudpickle.dumps(error.with_traceback(None))
        again = pickle.loads(pickled)  # noqa: S301
        if (type(again), str(again)) != (type(error), text):
            pickled = None
    return pickled, type(error).__name__, base, text


def load_error(pickled: bytes | None, name: str, base: str, text: str) -> BaseException:
    """Return the error, or one of a class of the same name, whose text is the same."""
    if pickled is not None:
        # Unpickling imports the library that raised: what it does is its own.
        with suppress(Exception):
            return pickle.loads(pickled)  # noqa: S301
    kind = getattr(builtins, base)
    return kind.__new__(type(name, (kind,), {"__str__": lambda _: text}))
