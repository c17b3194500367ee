"""``course bench publish``: how fast the lessons are published."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from course.publish.speed import Comparison


@click.command(short_help="Time the build of the lessons against nbconvert, call by call.")
@click.argument("notebooks", metavar="[NOTEBOOK]...", nargs=-1, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--all-formats", is_flag=True, help="PDF formats too, for which nbconvert calls the course's exporters.")
def publish(*, notebooks: tuple[Path, ...], all_formats: bool) -> None:
    """Publish executed notebooks twice: by one nbconvert call per file and format, then by one build.

    By default every lesson, with the outputs stored in it, in the formats that nbconvert makes by itself.

    \b
    Examples:
      course bench publish
      course bench publish --all-formats notebooks/01_data.ipynb
    """  # noqa: D301 click reads \b as: keep these lines
    from course.publish.formats import FORMATS
    from course.publish.speed import compare
    from course.shipped import shipped_lessons

    chosen = notebooks or tuple(shipped_lessons())
    names = [one.name for one in FORMATS] if all_formats else []
    click.echo(summary(compare(chosen, names)))


def summary(comparison: Comparison) -> str:
    """Return the lines that say what a comparison found."""
    costs = (comparison.calls, comparison.build, comparison.again)
    title = f"{comparison.lessons} notebooks in {len(comparison.formats)} formats ({', '.join(comparison.formats)})"
    return "\n".join([title, *(f"  {cost}" for cost in costs), f"the build is {comparison.ratio:.1f} times faster"])
