"""Statistics over files larger than memory: data, measures and publishing behind the lessons.

Everything a lesson uses is here, and is imported when it is first asked for: ``import course`` stays fast.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from course.check import check_answer
    from course.codes import label, lexicon, lexicon_file
    from course.diagnosis import doctor
    from course.downloads import download
    from course.errors import CourseError
    from course.figures import show
    from course.generator.month import month_file
    from course.generator.small import known_answer, small_file
    from course.menu import add_notebook_menu

HOMES = {
    "CourseError": "course.errors",
    "add_notebook_menu": "course.menu",
    "check_answer": "course.check",
    "doctor": "course.diagnosis",
    "download": "course.downloads",
    "known_answer": "course.generator.small",
    "label": "course.codes",
    "lexicon": "course.codes",
    "lexicon_file": "course.codes",
    "month_file": "course.generator.month",
    "show": "course.figures",
    "small_file": "course.generator.small",
}

__all__ = [
    "CourseError",
    "add_notebook_menu",
    "check_answer",
    "doctor",
    "download",
    "known_answer",
    "label",
    "lexicon",
    "lexicon_file",
    "month_file",
    "show",
    "small_file",
]


def __getattr__(name: str) -> Any:
    """Import what ``name`` stands for from the module it lives in."""
    if name not in HOMES:
        raise AttributeError(f"module 'course' has no attribute {name!r}")
    return getattr(importlib.import_module(HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *HOMES])
