"""The picture of a ledger: wall time against peak memory."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from course.errors import BadArgumentError
from course.measure.measurement import format_seconds
from course.size import format_size

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Annotation
    from matplotlib.transforms import Bbox, BboxBase

    from course.measure.measurement import Measurement

_STYLE = "course.lesson"
_MARKERS = "osD^v"
_MARKER_SIZE = 10
_MEBIBYTE = 2**20
Place: TypeAlias = tuple[int, int, Literal["left", "right", "center"]]
"""Where a name stands by its point: typographic points to the right and up, and the text's alignment."""
_WIDE_RANGE = 10
"""Largest over smallest from which a linear axis crowds the small ones together."""
_NEAR_PLACES: tuple[Place, ...] = (
    (9, -5, "left"),
    (-9, -5, "right"),
    (0, 11, "center"),
    (0, -21, "center"),
)
_LINE = {"arrowstyle": "-", "color": "gray", "shrinkA": 0, "shrinkB": 0}
_SIDES: tuple[tuple[int, Literal["left", "right"]], ...] = ((24, "left"), (-24, "right"))
_FAR_PLACES: tuple[Place, ...] = tuple(
    (right, up * step, alignment) for step in range(1, 12) for up in (18, -18) for right, alignment in _SIDES
)


class Point(NamedTuple):
    """One label of the ledger: medians, extremes, and whether no run succeeded."""

    label: str
    seconds: float
    mebibytes: float
    second_range: tuple[float, float]
    mebibyte_range: tuple[float, float]
    failed: bool


def points(measurements: Iterable[Measurement]) -> list[Point]:
    """Return one point per label, first measured first; failed runs count only where there is no other."""
    known = [one for one in measurements if one.peak_memory_bytes is not None]
    labels = dict.fromkeys(one.label for one in known)
    return [_point(label, [one for one in known if one.label == label]) for label in labels]


def _point(label: str, runs: Sequence[Measurement]) -> Point:
    done = [run for run in runs if not run.failed]
    seconds = [run.wall_seconds for run in done or runs]
    mebibytes = [(run.peak_memory_bytes or 0) / _MEBIBYTE for run in done or runs]
    return Point(
        label,
        statistics.median(seconds),
        statistics.median(mebibytes),
        (min(seconds), max(seconds)),
        (min(mebibytes), max(mebibytes)),
        not done,
    )


def draw(measurements: Iterable[Measurement], ax: Axes | None = None) -> Axes:
    """Draw wall time against peak memory, a named point per label, bars from smallest to largest run.

    Raises:
        BadArgumentError: no measure has both figures.
    """
    import matplotlib.pyplot as plt

    drawn = points(measurements)
    if not drawn:
        raise BadArgumentError("nothing to draw: the ledger holds no measure yet; measure a block first")
    with plt.style.context(_STYLE):
        ax = ax or plt.subplots()[1]
        colours = plt.rcParams["axes.prop_cycle"].by_key()["color"]
        for point, (marker, colour) in zip(drawn, _appearances(colours), strict=False):
            _draw_point(ax, point, marker, colour)
        _set_axes(ax, drawn)
        _name_points(ax, drawn)
    return ax


def describe(measurements: Iterable[Measurement]) -> str:
    """Return what the picture says, in words, for those who cannot see it."""
    parts = [
        f"{point.label} {format_seconds(point.seconds)} and {format_size(round(point.mebibytes * _MEBIBYTE))}"
        + (" before it failed" if point.failed else "")
        for point in points(measurements)
    ]
    return f"Wall time against peak memory above the start: {'; '.join(parts)}."


def _appearances(colours: Sequence[str]) -> Iterable[tuple[str, str]]:
    # Five markers and seven colours repeat together only after 35 labels.
    return zip(itertools.cycle(_MARKERS), itertools.cycle(colours), strict=False)


def _draw_point(ax: Axes, point: Point, marker: str, colour: str) -> None:
    ax.errorbar(
        point.seconds,
        point.mebibytes,
        xerr=_bar(point.seconds, point.second_range),
        yerr=_bar(point.mebibytes, point.mebibyte_range),
        marker="X" if point.failed else marker,
        markersize=_MARKER_SIZE,
        color=colour,
        markeredgecolor="black",
        markeredgewidth=0.8,
        elinewidth=1.5,
        linestyle="none",
    )


def _bar(middle: float, extremes: tuple[float, float]) -> list[list[float]]:
    return [[middle - extremes[0]], [extremes[1] - middle]]


def _set_axes(ax: Axes, drawn: Sequence[Point]) -> None:
    from matplotlib.ticker import FuncFormatter

    ax.set_xlabel("wall time (s)")
    ax.set_ylabel("peak memory above the start (MiB)")
    plain = FuncFormatter(lambda value, _: f"{value:,.6g}")
    for axis, values in ((ax.xaxis, [p.seconds for p in drawn]), (ax.yaxis, [p.mebibytes for p in drawn])):
        set_scale, set_limit = (ax.set_xscale, ax.set_xlim) if axis is ax.xaxis else (ax.set_yscale, ax.set_ylim)
        if max(values) > 0 and max(values) >= _WIDE_RANGE * min(values):
            # A block may take no memory at all, which a logarithm cannot show.
            set_scale("log") if min(values) > 0 else set_scale("symlog", linthresh=1)
        else:
            set_limit(0, 1.2 * max(*values, 1e-3))
        axis.set_major_formatter(plain)
    ax.margins(0.15)


def _name_points(ax: Axes, drawn: Sequence[Point]) -> None:
    figure = ax.get_figure(root=True)
    if figure is None:
        return
    figure.draw_without_rendering()
    taken = [_marker_box(ax, point) for point in drawn]
    for point in drawn:
        text = f"{point.label} (failed)" if point.failed else point.label
        taken.append(_place_name(ax, text, (point.seconds, point.mebibytes), taken))


def _marker_box(ax: Axes, point: Point) -> Bbox:
    from matplotlib.transforms import Bbox

    x, y = ax.transData.transform((point.seconds, point.mebibytes))
    half = _MARKER_SIZE / 2 * ax.figure.dpi / 72
    return Bbox.from_extents(x - half, y - half, x + half, y + half)


def _place_name(ax: Axes, text: str, at: tuple[float, float], taken: Sequence[Bbox]) -> Bbox:
    for place in (*_NEAR_PLACES, *_FAR_PLACES):
        name = _write_name(ax, text, at, place)
        box = name.get_window_extent()
        if _is_inside(box, ax.bbox) and not any(box.overlaps(other) for other in taken):
            break
        name.remove()
    else:
        # A crowd: better one name over another than a name left out.
        place = _NEAR_PLACES[0]
        name = _write_name(ax, text, at, place)
    if place in _FAR_PLACES:
        name.remove()
        _write_name(ax, text, at, place, arrowprops={**_LINE, "relpos": (float(place[0] < 0), 0.5)})
    return box


def _is_inside(box: Bbox, outer: BboxBase) -> bool:
    return bool(outer.x0 <= box.x0 and box.x1 <= outer.x1 and outer.y0 <= box.y0 and box.y1 <= outer.y1)


def _write_name(ax: Axes, text: str, at: tuple[float, float], place: Place, **line: Any) -> Annotation:
    from matplotlib.patheffects import withStroke

    right, up, alignment = place
    label = ax.annotate(text, at, (right, up), textcoords="offset points", horizontalalignment=alignment, **line)
    # lines pass behind the letters
    label.set_path_effects([withStroke(linewidth=3, foreground=ax.get_facecolor())])
    return label
