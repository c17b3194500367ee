"""The picture of a ledger: wall time against peak memory, and the same in words."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from course.errors import BadArgumentError
from course.measure.measurement import Measurement, format_seconds
from course.size import format_size

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Annotation
    from matplotlib.transforms import Bbox

_STYLE = "course.lesson"
_MARKERS = "osD^v"
_MARKER_SIZE = 10
_MEBIBYTE = 2**20
_WIDE_RANGE = 10
"""Largest over smallest from which a linear axis crowds the small ones together."""
# Where a name may stand by its point: typographic points to the right and up, and the text's alignment.
_NEAR_PLACES = ((9, -5, "left"), (-9, -5, "right"), (0, 11, "center"), (0, -21, "center"))
_FAR_PLACES = tuple(
    (right, up * step, alignment)
    for step in range(1, 12)
    for up in (18, -18)
    for right, alignment in ((24, "left"), (-24, "right"))
)


class _Range(NamedTuple):
    """One figure of the runs of a label."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> _Range:
        return cls(statistics.median(values), min(values), max(values))

    @property
    def bar(self) -> list[list[float]]:
        """The distances of the extremes from the median, as ``Axes.errorbar`` wants them."""
        return [[self.median - self.least], [self.most - self.median]]


class _Point(NamedTuple):
    """One label of the ledger, and whether no run of it succeeded."""

    label: str
    seconds: _Range
    mebibytes: _Range
    failed: bool

    @property
    def place(self) -> tuple[float, float]:
        return self.seconds.median, self.mebibytes.median


def draw(measurements: Iterable[Measurement], ax: Axes | None = None) -> Axes:
    """Draw wall time against peak memory, a named point per label, bars from smallest to largest run.

    Raises:
        BadArgumentError: no measure has both figures.
    """
    import matplotlib.pyplot as plt

    points = _points(measurements)
    if not points:
        raise BadArgumentError("nothing to draw: the ledger holds no measure yet; measure a block first")
    with plt.style.context(_STYLE):
        ax = ax or plt.subplots()[1]
        # Five markers and seven colours repeat together only after 35 labels.
        colours = itertools.cycle(plt.rcParams["axes.prop_cycle"].by_key()["color"])
        for point, marker, colour in zip(points, itertools.cycle(_MARKERS), colours, strict=False):
            ax.errorbar(
                *point.place,
                xerr=point.seconds.bar,
                yerr=point.mebibytes.bar,
                marker="X" if point.failed else marker,
                markersize=_MARKER_SIZE,
                color=colour,
                markeredgecolor="black",
                markeredgewidth=0.8,
                elinewidth=1.5,
                linestyle="none",
            )
        _set_axes(ax, points)
        _name_points(ax, points)
    return ax


def describe(measurements: Iterable[Measurement]) -> str:
    """Return what the picture says, in words, for those who cannot see it."""
    parts = [
        f"{point.label} {format_seconds(point.seconds.median)}"
        f" and {format_size(round(point.mebibytes.median * _MEBIBYTE))}" + (" before it failed" if point.failed else "")
        for point in _points(measurements)
    ]
    return f"Wall time against peak memory above the start: {'; '.join(parts)}."


def _points(measurements: Iterable[Measurement]) -> list[_Point]:
    """Return one point per label, first measured first; failed runs count only where there is no other."""
    runs_of: dict[str, list[Measurement]] = {}
    for one in measurements:
        if one.peak_memory_bytes is not None:
            runs_of.setdefault(one.label, []).append(one)
    points = []
    for label, runs in runs_of.items():
        done = [run for run in runs if not run.failed]
        seconds = [run.wall_seconds for run in done or runs]
        mebibytes = [(run.peak_memory_bytes or 0) / _MEBIBYTE for run in done or runs]
        points.append(_Point(label, _Range.of(seconds), _Range.of(mebibytes), failed=not done))
    return points


def _set_axes(ax: Axes, points: Sequence[_Point]) -> None:
    from matplotlib.ticker import FuncFormatter

    ax.set(xlabel="wall time (s)", ylabel="peak memory above the start (MiB)")
    for name, values in zip("xy", zip(*(point.place for point in points), strict=True), strict=True):
        if max(values) > 0 and max(values) >= _WIDE_RANGE * min(values):
            # A block may take no memory at all, which a logarithm cannot show.
            set_scale = getattr(ax, f"set_{name}scale")
            set_scale("log") if min(values) > 0 else set_scale("symlog", linthresh=1)
        else:
            ax.set(**{f"{name}lim": (0, 1.2 * max(*values, 1e-3))})
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))
    ax.margins(0.15)


def _name_points(ax: Axes, points: Sequence[_Point]) -> None:
    from matplotlib.transforms import Bbox

    figure = ax.get_figure(root=True)
    if figure is None:
        return
    figure.draw_without_rendering()
    half = _MARKER_SIZE / 2 * figure.dpi / 72
    centres = [ax.transData.transform(point.place) for point in points]
    taken = [Bbox.from_extents(x - half, y - half, x + half, y + half) for x, y in centres]
    for point in points:
        text = f"{point.label} (failed)" if point.failed else point.label
        taken.append(_place_name(ax, text, point.place, taken))


def _place_name(ax: Axes, text: str, at: tuple[float, float], taken: Sequence[Bbox]) -> Bbox:
    """Write a name where it covers nothing, with a line to its point from afar, and return the place it takes."""
    from matplotlib.patheffects import withStroke
    from matplotlib.text import Text

    name: Annotation | None = None
    # In a crowd the first place it is: better one name over another than a name left out.
    for place in (*_NEAR_PLACES, *_FAR_PLACES, _NEAR_PLACES[0]):
        if name is not None:
            name.remove()
        right, up, alignment = place
        line = {"arrowstyle": "-", "color": "gray", "shrinkA": 0, "shrinkB": 0, "relpos": (float(right < 0), 0.5)}
        options: dict[str, Any] = {"arrowprops": line} if place in _FAR_PLACES else {}
        name = ax.annotate(text, at, (right, up), textcoords="offset points", horizontalalignment=alignment, **options)
        # lines pass behind the letters
        name.set_path_effects([withStroke(linewidth=3, foreground=ax.get_facecolor())])
        name.get_window_extent()  # puts the letters in their place, and counts the line
        box = Text.get_window_extent(name)
        inside = ax.bbox.x0 <= box.x0 and box.x1 <= ax.bbox.x1 and ax.bbox.y0 <= box.y0 and box.y1 <= ax.bbox.y1
        if inside and not any(box.overlaps(other) for other in taken):
            break
    return box
