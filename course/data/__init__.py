"""The data of the course: the Open DAMIR layout, a generator of such files, the lexicon and the downloads."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from course.data.downloads import download
    from course.data.lexicon import label, lexicon
    from course.data.lexicon_workbook import lexicon_file
    from course.data.month import month_file
    from course.data.report import MonthReport
    from course.data.small import small_file

HOMES = {
    "MonthReport": "course.data.report",
    "download": "course.data.downloads",
    "label": "course.data.lexicon",
    "lexicon": "course.data.lexicon",
    "lexicon_file": "course.data.lexicon_workbook",
    "month_file": "course.data.month",
    "small_file": "course.data.small",
}

__all__ = ["MonthReport", "download", "label", "lexicon", "lexicon_file", "month_file", "small_file"]


def __getattr__(name: str) -> Any:
    """Import what ``name`` stands for from the module it lives in."""
    if name not in HOMES:
        raise AttributeError(f"module 'course.data' has no attribute {name!r}")
    return getattr(importlib.import_module(HOMES[name]), name)
