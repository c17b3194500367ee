"""The ways of answering the question, those whose library is not installed marked to be skipped."""

from __future__ import annotations

import pytest

from course.ways import WAYS, is_installed

EVERY_WAY = [
    pytest.param(
        name, marks=pytest.mark.skipif(not is_installed(way.library), reason=f"{way.library} is not installed")
    )
    for name, way in WAYS.items()
]
