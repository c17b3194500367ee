"""The comparison of speeds publishes the same files both ways, and fails when one way does."""

from __future__ import annotations

from pathlib import Path

import pytest
from course.cli.bench_publish_command import summary
from course.publish.speed import compare
from notebook_writer import code, text, write_notebook

from course.errors import BuildError


def test_both_ways_and_the_second_build_are_measured_from_start_to_end(tmp_path: Path) -> None:
    lesson = write_notebook(tmp_path / "01_one.ipynb", text("# One"), code("1 + 1"))
    before = lesson.read_bytes()
    comparison = compare([lesson], ["script"])
    costs = (comparison.calls, comparison.build, comparison.again)
    # a process that starts Python and imports nbconvert takes longer than this, on any machine
    assert all(cost.wall_seconds > 0.05 and not cost.failed for cost in costs)
    assert comparison.ratio == costs[0].wall_seconds / costs[1].wall_seconds
    assert summary(comparison).startswith("1 notebooks in 1 formats (script)\n")
    assert lesson.read_bytes() == before


def test_a_notebook_that_cannot_be_published_is_an_error_with_the_reason(tmp_path: Path) -> None:
    broken = tmp_path / "01_broken.ipynb"
    broken.write_text("{", encoding="utf-8")
    with pytest.raises(BuildError, match="nbconvert failed: "):
        compare([broken], ["script"])
