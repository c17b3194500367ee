"""Tracebacks that start and end in the notebook."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from course.errors import CourseError

Magic = TypeVar("Magic", bound=Callable[..., Any])


def short_traceback(magic: Magic) -> Magic:
    """Leave the frames of the course out of the tracebacks of its own errors, whose message says what to do."""

    @wraps(magic)
    def run(*arguments: Any, **options: Any) -> Any:
        __tracebackhide__ = True
        try:
            return magic(*arguments, **options)
        except CourseError as error:
            raise error.with_traceback(None)  # noqa: B904 - the same error

    # IPython shows the last frame even if it asks to be hidden: at least without the path of this installation
    shown: Any = run
    shown.__code__ = shown.__code__.replace(co_filename="<magics>")
    return cast("Magic", shown)
