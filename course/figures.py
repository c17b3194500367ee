"""Show a picture together with a text that says what it shows; draw what the workers of a cluster did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def show(picture: Figure | Axes, alt: str) -> None:
    """Display a picture with ``alt``, the text for those who cannot see it, and close it.

    Its text form is ``data_drawn``. The style of the course is ``plt.style.use("course.lesson")``.

    Args:
        picture: a matplotlib Figure, or Axes of which the whole figure is shown.
        alt: one or two sentences saying what the picture shows.
    """
    import matplotlib.pyplot as plt
    from IPython.core.getipython import get_ipython
    from IPython.display import display

    figure: Figure = picture.get_figure(root=True)  # type: ignore[assignment]
    formatter = getattr(get_ipython(), "display_formatter", None)
    if formatter:
        data, _ = formatter.format(figure)
        data["text/plain"] = data_drawn(figure)
        display(data, raw=True, metadata={"image/png": {"alt": alt}})  # type: ignore[no-untyped-call]
    else:
        display(figure)  # type: ignore[no-untyped-call]
    plt.close(figure)


_KINDS = {"read": "C0", "transfer": "C1", "other": "C2"}


def task_streams(streams: Mapping[str, Sequence[Mapping[str, Any]]]) -> Figure:
    """Return what dask's workers did over time: for each stream a panel, in it a row a worker and a bar a task.

    Args:
        streams: for each title the events that ``dask.distributed.get_task_stream`` recorded, one or more.
    """
    import matplotlib.pyplot as plt
    from matplotlib.patches import Rectangle

    figure, panels = plt.subplots(len(streams), figsize=(9, 0.9 + 1.3 * len(streams)), sharex=True, squeeze=False)
    for axes, (title, events) in zip(panels[:, 0], streams.items(), strict=True):
        workers = sorted({event["worker"] for event in events})
        steps = [(event, step) for event in events for step in event["startstops"]]
        first = min(step["start"] for _, step in steps)
        for event, step in steps:
            name = f"{step['action']} {event['key']}"
            kind = next(
                (kind for kind in _KINDS if kind in name or (kind == "transfer" and "shuffle" in name)), "other"
            )
            row, seconds = workers.index(event["worker"]), step["stop"] - step["start"]
            axes.barh(row, seconds, left=step["start"] - first, color=_KINDS[kind], edgecolor="white")
        axes.set_title(title, loc="left")
        axes.set(yticks=range(len(workers)), yticklabels=[f"worker {number}" for number in range(len(workers))])
    axes.set_xlabel("time (s)")
    bars = [Rectangle((0, 0), 1, 1, color=colour) for colour in _KINDS.values()]
    figure.legend(bars, _KINDS, loc="upper right", ncols=len(_KINDS))
    return figure


def data_drawn(figure: Figure) -> str:
    """Return what a figure draws, a line for each line, group of bars, set of points, image and text in its axes.

    Of each, in the unit of the axis and to 3 significant digits: how many points, then along each axis the first and
    the last value, the least and the greatest, and the mean. More than three of a kind, without a name, are one.
    """
    import numpy as np

    lines = []
    for axes in figure.axes:
        lines.append(" | ".join(filter(None, (axes.get_title(), axes.get_xlabel(), axes.get_ylabel()))) or "axes")
        drawn = list(_drawn(axes))
        for kind, directions, points in drawn:
            alike = [other for name, _, other in drawn if name == kind]
            if len(alike) <= 3 or points is alike[0]:
                all_points = np.concatenate(alike) if len(alike) > 3 else points
                told = [f"{name} {_summary(values)}" for name, values in zip(directions, all_points.T, strict=True)]
                lines.append("; ".join([f"  {kind}, {len(all_points)}", *(told if len(all_points) else [])]))
        texts = "; ".join(text.get_text() for text in axes.texts if text.get_text())
        lines += [f"  text: {texts}"] if texts else []
    return "\n".join(lines)


def _drawn(axes: Axes) -> Iterator[tuple[str, Sequence[str], np.ndarray]]:
    # the kind of each thing drawn, the directions of its numbers, and these: a row per point
    import numpy as np
    from matplotlib.collections import PathCollection
    from matplotlib.patches import Rectangle

    for line in axes.lines:
        label = str(line.get_label())
        yield "line" if label.startswith("_") else f"line {label}", "xy", np.asarray(line.get_xydata())
    corners = [patch.get_bbox().get_points() for patch in axes.patches if isinstance(patch, Rectangle)]
    if corners:
        yield "bars", ("left", "bottom", "right", "top"), np.reshape(corners, (-1, 4))
    for patch in axes.patches:
        if not isinstance(patch, Rectangle):
            yield "outline", "xy", np.asarray(patch.get_path().vertices)
    for collection in axes.collections:
        places, paths = np.asarray(collection.get_offsets()), [path.vertices for path in collection.get_paths()]
        is_outline = len(places) == 1 and paths and not isinstance(collection, PathCollection)
        yield "points", "xy", np.concatenate(paths) if is_outline else places
        if collection.get_array() is not None:
            yield "colours", ("value",), np.asarray(collection.get_array()).reshape(-1, 1)
    for image in axes.images:
        yield "image", ("value",), np.asarray(image.get_array()).reshape(-1, 1)


def _summary(values: np.ndarray) -> str:
    import numpy as np

    known = np.asarray(values, dtype=float)[np.isfinite(values)]
    if not len(known):
        return "unknown"
    small = 1e-9 * abs(known).max()  # what rounding leaves of a zero
    five = (known[0], known[-1], known.min(), known.max(), known.mean())
    told = [f"{0.0 if abs(number) <= small else number:.3g}" for number in five]
    return f"always {told[0]}" if told[2] == told[3] else "{} … {} (from {} to {}, mean {})".format(*told)
