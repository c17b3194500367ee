"""Diagrams of the ideas of the course, each drawn by code: ``course.show(course.diagrams.chunk_loop(), alt=…)``.

A figure has one pair of axes, in inches from its lower left corner; all of it is drawn by the few functions at the
beginning. One meaning has one look everywhere: grey is on disk, blue is in memory, orange is what this step works on.
Every box says in words what it is too, so that the diagrams are readable in grey.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "chunk_loop",
    "chunk_shapes",
    "index",
    "reservoir",
    "row_groups",
    "sketch_merge",
    "spill",
    "strata",
    "task_graph",
]

Point = tuple[float, float]

DISK, MEMORY, WORK, EMPTY = "#e4e7ea", "#d3e6f3", "#e69f00", "#ffffff"
INK, SOFT = "#16191d", "#4f5964"


def _canvas(width: float, height: float) -> Axes:
    """Return the axes of a new figure of so many inches, in inches, with nothing on them."""
    import matplotlib.pyplot as plt

    with plt.style.context("course.lesson"):
        axes = plt.figure(figsize=(width, height), layout="none").add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, width), ylim=(0, height))
        axes.set_axis_off()
    return axes


def _figure(axes: Axes) -> Figure:
    return axes.get_figure(root=True)  # type: ignore[return-value]


def _label(axes: Axes, x: float, y: float, text: str, **options: Any) -> None:
    """Write a line of text from x on, half of its capitals above y; ``ha="center"`` puts its middle at x."""
    baseline = y - 0.066  # inches, half of a capital of 13 points: lines of one height have one baseline
    axes.text(x, baseline, text, **{"fontsize": 13, "va": "baseline", "color": INK, **options})


def _box(axes: Axes, corner: Point, size: Point, text: str = "", fill: str = EMPTY) -> None:
    """Draw a box of so many inches from its lower left corner on, with its text in the middle."""
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle(corner, *size, facecolor=fill, edgecolor=INK, linewidth=1.2))
    if text:
        _label(axes, corner[0] + size[0] / 2, corner[1] + size[1] / 2, text, ha="center")


def _cells(axes: Axes, corner: Point, texts: Sequence[object], size: Point, fills: str | Sequence[str]) -> None:
    """Draw boxes of one size side by side, the first at the corner, filled all alike or each with its own colour."""
    colours = [fills] * len(texts) if isinstance(fills, str) else fills
    for number, (text, fill) in enumerate(zip(texts, colours, strict=True)):
        _box(axes, (corner[0] + number * size[0], corner[1]), size, str(text), fill)


def _memory(axes: Axes, corner: Point, size: Point) -> None:
    """Draw the memory, a rounded area behind all else."""
    from matplotlib.patches import FancyBboxPatch

    inner = (corner[0] + 0.1, corner[1] + 0.1), size[0] - 0.2, size[1] - 0.2
    style = {"boxstyle": "round,pad=0.1,rounding_size=0.12", "facecolor": MEMORY, "edgecolor": "none", "zorder": 0}
    axes.add_patch(FancyBboxPatch(*inner, **style))  # type: ignore[arg-type]


def _arrow(axes: Axes, *points: Point, color: str = INK) -> None:
    """Draw an arrow along the points, with its head at the last of them."""
    (x, y), (x0, y0) = points[-1], points[-2]
    length = ((x - x0) ** 2 + (y - y0) ** 2) ** 0.5
    along, size = ((x - x0) / length, (y - y0) / length), 0.13
    neck = x - size * along[0], y - size * along[1]
    half = size / 2 * along[1], -size / 2 * along[0]
    line = [*points[:-1], neck]
    axes.plot([px for px, _ in line], [py for _, py in line], color=color, linewidth=1.8, solid_joinstyle="round")
    axes.fill(
        [x, neck[0] + half[0], neck[0] - half[0]], [y, neck[1] + half[1], neck[1] - half[1]], color=color, linewidth=0
    )


def chunk_loop() -> Figure:
    """Return the loop of chunks: a file read by pieces, the sums of a piece merged into the total."""
    axes = _canvas(8, 3.7)
    _label(axes, 0.9, 3.42, "file on disk", ha="center", weight="bold")
    for number, text in enumerate(("chunk 1", "chunk 2", "chunk 3", "chunk 4", "…", "chunk n")):
        _box(axes, (0.25, 2.72 - 0.48 * number), (1.3, 0.48), text, WORK if number == 2 else DISK)
    _memory(axes, (2.1, 0.2), (5.7, 3.3))
    _label(axes, 2.25, 3.27, "in memory at one time", weight="bold")
    tables = {
        2.4: ("chunk 3", [("20", "4"), ("30", "7"), ("20", "1")], WORK),
        4.4: ("its sums", [("20", "5"), ("30", "7")], EMPTY),
        6.4: ("total so far", [("20", "12 + 5"), ("30", "3 + 7")], EMPTY),
    }
    for x, (title, table, fill) in tables.items():
        _label(axes, x, 2.72, title)
        for number, row in enumerate(table):
            _cells(axes, (x, 2.18 - 0.36 * number), row[:1], (0.42, 0.36), fill)
            _cells(axes, (x + 0.42, 2.18 - 0.36 * number), row[1:], (0.42 if x < 6 else 0.82, 0.36), fill)
    _arrow(axes, (1.55, 2.0), (2.4, 2.0))
    _arrow(axes, (3.24, 2.18), (4.4, 2.18))
    _label(axes, 3.82, 1.93, "sum by", ha="center", color=SOFT)
    _label(axes, 3.82, 1.68, "class", ha="center", color=SOFT)
    _arrow(axes, (5.24, 2.18), (6.4, 2.18))
    _label(axes, 5.82, 1.93, "merge", ha="center", color=SOFT)
    _arrow(axes, (7.0, 1.82), (7.0, 0.78), (2.82, 0.78), (2.82, 1.46))
    _label(axes, 4.9, 1.02, "forget the chunk, read the next one", ha="center")
    _label(axes, 4.9, 0.48, "the same space for a file of any length", ha="center", color=SOFT)
    return _figure(axes)


def chunk_shapes() -> Figure:
    """Return a matrix of 12 rows and 12 columns cut into chunks in three ways: what a column, what a row must read."""
    axes, side = _canvas(8, 4), 0.113
    _label(axes, 0.25, 3.75, "What must be read (orange) for one column", weight="bold")
    _label(axes, 0.25, 1.94, "… and for one row", weight="bold")
    for number, (high, wide) in enumerate(((1, 12), (4, 1), (3, 3))):
        x = 0.25 + 2.65 * number
        for y, is_column in ((2.17, True), (0.38, False)):
            for line in range(0, 12, high):
                for column in range(0, 12, wide):
                    is_read = column <= 4 < column + wide if is_column else line <= 7 < line + high
                    corner = x + side * column, y + side * (12 - high - line)
                    _box(axes, corner, (side * wide, side * high), fill=WORK if is_read else DISK)
        _label(axes, x, 0.16, f"chunks of {high} × {wide}")  # noqa: RUF001
    return _figure(axes)


def reservoir() -> Figure:
    """Return the reservoir of k rows: row n comes in with probability k/n and takes the place of a kept one."""
    axes = _canvas(8, 3.8)
    _label(axes, 0.25, 3.55, "row n comes in with probability k/n, in the place of a kept row", weight="bold")
    _cells(axes, (0.25, 2.8), range(1, 12), (0.6, 0.45), [EMPTY] * 8 + [WORK] + [DISK] * 2)
    _label(axes, 7.0, 3.02, "…")
    _label(axes, 2.65, 2.55, "rows seen", ha="center", color=SOFT)
    _label(axes, 6.45, 2.55, "rows to come", ha="center", color=SOFT)
    _box(axes, (3.05, 1.65), (4.4, 0.5), "row n = 9: draw a number j from 1 to n", WORK)
    _arrow(axes, (5.35, 2.8), (5.35, 2.15))
    _memory(axes, (0.25, 0.5), (5.5, 0.65))
    _label(axes, 0.45, 0.83, "kept: k = 4 rows", weight="bold")
    _cells(axes, (3.05, 0.6), [3, 9, 2, 6], (0.6, 0.45), [EMPTY, WORK, EMPTY, EMPTY])
    _arrow(axes, (3.95, 1.65), (3.95, 1.05))
    _label(axes, 3.8, 1.38, "j = 2, at most k: second place", ha="right")
    _arrow(axes, (3.95, 0.6), (3.95, 0.15))
    _label(axes, 4.1, 0.27, "row 7 leaves")
    _arrow(axes, (6.6, 1.65), (6.6, 1.05))
    _label(axes, 6.6, 0.83, "j above k:", ha="center")
    _label(axes, 6.6, 0.55, "forget row 9", ha="center")
    return _figure(axes)


def strata() -> Figure:
    """Return three strata of a population, of which other fractions are drawn, and the weight of a row of each."""
    axes = _canvas(8, 3.7)
    for x, title in ((1.35, "rows, drawn ones in orange"), (4.95, "drawn"), (6.1, "weight of a row")):
        _label(axes, x, 3.4, title, weight="bold")
    strata = {"class 40": (60, (7, 22, 41, 54)), "class 70": (24, (3, 10, 17, 21)), "class 99": (4, range(4))}
    for y, (name, (rows, drawn)) in zip((2.4, 1.5, 0.6), strata.items(), strict=True):
        _label(axes, 0.25, y + 0.31, name)
        for row in range(rows):
            fill = WORK if row in drawn else DISK
            _box(axes, (1.35 + 0.22 * (row // 4), y + 0.165 * (3 - row % 4)), (0.17, 0.125), fill=fill)
        _label(axes, 4.95, y + 0.31, f"{len(drawn)} of {rows}")
        _label(axes, 6.1, y + 0.31, f"{rows} / {len(drawn)} = {rows // len(drawn)}")
    _label(axes, 0.25, 0.24, "estimated sum = 15 × (sum of 4) + 6 × (sum of 4) + 1 × (sum of 4, exact)")  # noqa: RUF001
    return _figure(axes)


def index() -> Figure:
    """Return a small B-tree over nine ages: a search follows one path down to the numbers of the rows."""
    axes = _canvas(8, 3.9)
    _label(axes, 0.3, 3.62, "WHERE age = 50", weight="bold", family="monospace")
    _cells(axes, (3.225, 3.2), ["40", "70"], (0.8, 0.45), WORK)
    _label(axes, 5.0, 3.42, "root: 50 is between 40 and 70")
    for number, ages in enumerate((["0", "20", "30"], ["40", "50", "60"], ["70", "80", "99"])):
        x, is_path = 0.3 + 2.75 * number, number == 1
        _cells(axes, (x, 2.05), ages, (0.65, 0.45), WORK if is_path else DISK)
        _arrow(axes, (3.425 + 0.6 * number, 3.2), (x + 0.975, 2.5), color=INK if is_path else SOFT)
    _label(axes, 0.3, 1.82, "leaves: the ages in order,")
    _label(axes, 0.3, 1.55, "each with its rows")
    table = ["40", "70", "20", "50", "60", "50", "99", "0", "40", "30", "50", "80"]
    _cells(axes, (0.3, 0.75), table, (0.62, 0.45), [WORK if age == "50" else DISK for age in table])
    for number, age in enumerate(table):
        middle = 0.61 + 0.62 * number
        _label(axes, middle, 0.56, str(number + 1), ha="center", color=SOFT)
        if age == "50":
            _arrow(axes, (4.025, 2.05), (middle, 1.2))
    _label(axes, 0.3, 0.2, "the table, in the order of loading: rows 4, 6 and 11 are read, of 12")
    return _figure(axes)


def row_groups() -> Figure:
    """Return a Parquet file of three row groups: what a filter and two columns of five leave unread."""
    axes = _canvas(8, 3.9)
    _label(axes, 0.25, 3.62, "SELECT SUM(amount) … WHERE age >= 60", weight="bold", family="monospace")
    columns = ["date", "age", "sex", "amount", "region"]
    for number, name in enumerate(columns):
        weight = "bold" if name in ("age", "amount") else "normal"
        _label(axes, 2.03 + 0.94 * number, 3.17, name, ha="center", weight=weight)
    _label(axes, 6.45, 3.17, "read", weight="bold")
    for number, (least, most) in enumerate(((0, 40), (20, 70), (60, 99))):
        y = 2.42 - 0.66 * number
        _label(axes, 0.25, y + 0.27, f"row group {number + 1}")
        fills = [WORK if most >= 60 and name in ("age", "amount") else DISK for name in columns]
        _cells(axes, (1.56, y), ["", f"{least} to {most}", "", "", ""], (0.94, 0.54), fills)
        _label(axes, 6.45, y + 0.27, "2 of 5" if most >= 60 else "none: 40 < 60")
    _box(axes, (1.56, 0.3), (4.7, 0.5), "footer: place, minimum and maximum of each", WORK)
    _label(axes, 6.45, 0.55, "first")
    return _figure(axes)


def spill() -> Figure:
    """Return a sort of a file larger than memory: sorted runs are written to disk, then merged."""
    axes = _canvas(8, 4)
    _label(axes, 0.25, 3.72, "1. sort what fits in memory", weight="bold")
    _label(axes, 4.75, 3.72, "2. merge the sorted runs", weight="bold")
    _memory(axes, (1.5, 0.6), (1.5, 2.8))
    _memory(axes, (4.75, 0.6), (1.2, 2.8))
    _label(axes, 2.25, 0.8, "one at a time", ha="center")
    for x, title in ((0.79, "file"), (2.25, "memory"), (3.74, "runs on disk"), (5.35, "memory"), (7.15, "sorted file")):
        _label(axes, x, 3.17, title, ha="center")
    heads = {5: EMPTY, 4: WORK, 6: EMPTY}  # of each run, when 1, 2 and 3 are written
    pieces = ([5, 9, 2], [8, 1, 4], [7, 3, 6])
    for number, (piece, (head, fill)) in enumerate(zip(pieces, heads.items(), strict=True)):
        y = 2.4 - 0.7 * number
        _cells(axes, (0.25, y), piece, (0.36, 0.45), DISK)
        _arrow(axes, (1.33, y + 0.225), (3.2, y + 0.225))
        _label(axes, 2.25, y + 0.37, "sort", ha="center")
        _cells(axes, (3.2, y), sorted(piece), (0.36, 0.45), [EMPTY if one < head else DISK for one in sorted(piece)])
        _arrow(axes, (4.28, y + 0.225), (5.17, y + 0.225))
        _box(axes, (5.17, y), (0.36, 0.45), str(head), fill)
    _arrow(axes, (5.53, 1.925), (6.97, 1.925))
    _label(axes, 6.45, 2.1, "smallest", ha="center")
    for number in range(9):
        fills = {3: WORK} | dict.fromkeys(range(3), DISK)
        _box(
            axes,
            (6.97, 2.61 - 0.27 * number),
            (0.36, 0.27),
            str(number + 1) if number < 4 else "",
            fills.get(number, EMPTY),
        )
    _label(axes, 0.25, 0.27, "Each row is written to disk and read once more: time instead of memory.")
    return _figure(axes)


def task_graph() -> Figure:
    """Return the tasks of a sum by class over four partitions: map, combine, reduce."""
    axes = _canvas(8, 3.7)
    titles = {0.25: "partitions", 2.3: "map", 4.5: "combine", 6.5: "reduce"}
    for x, title in titles.items():
        _label(axes, x, 3.4, title, weight="bold")
    for number in range(4):
        y = 2.6 - 0.65 * number
        _box(axes, (0.25, y), (1.25, 0.48), f"block {number + 1}", DISK)
        _arrow(axes, (1.5, y + 0.24), (2.3, y + 0.24))
        _box(axes, (2.3, y), (1.4, 0.48), "nine sums", MEMORY)
        _arrow(axes, (3.7, y + 0.24), (4.5, (2.515, 1.215)[number // 2] + (0.09, -0.09)[number % 2]))
    for y, end in ((2.515, 1.955), (1.215, 1.775)):
        _box(axes, (4.5, y - 0.24), (1.2, 0.48), "add", MEMORY)
        _arrow(axes, (5.7, y), (6.5, end))
    _box(axes, (6.5, 1.625), (1.25, 0.48), "add", WORK)
    _label(axes, 0.25, 0.24, "Tasks that no arrow connects may run at the same time, on any core or machine.")
    return _figure(axes)


def sketch_merge() -> Figure:
    """Return the merge of two HyperLogLog sketches: of each two registers the greater."""
    axes = _canvas(8, 3.7)
    january, february = [3, 1, 4, 0, 2, 5, 1, 2], [2, 4, 1, 3, 2, 0, 6, 1]
    both = [max(pair) for pair in zip(january, february, strict=True)]
    _label(axes, 0.25, 3.4, "of each two registers, the merged sketch keeps the greater", weight="bold")
    for y, name, registers in ((2.55, "January", january), (1.85, "February", february), (0.75, "both months", both)):
        fills = [WORK if value == most else EMPTY for value, most in zip(registers, both, strict=True)]
        _label(axes, 0.25, y + 0.24, name)
        _cells(axes, (2.0, y), registers, (0.7, 0.48), fills)
    for number in range(8):
        _arrow(axes, (2.35 + 0.7 * number, 1.85), (2.35 + 0.7 * number, 1.23))
    _label(axes, 0.25, 1.54, "maximum")
    _label(axes, 0.25, 0.27, "The same as a sketch of both months at once; a value seen twice counts once.")
    return _figure(axes)
