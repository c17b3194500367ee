"""Diagrams: all of their words can be read, and their text form is the same wherever they are drawn."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import Rectangle

import course
from course.figures import data_drawn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.backends.backend_agg import RendererAgg
    from matplotlib.figure import Figure

SMALLEST_TEXT = 13  # points: a paper shows 8 inches on 6.3, at least 10 points are left
NAMES = course.diagrams.__all__


@pytest.fixture(params=NAMES)
def diagram(request: pytest.FixtureRequest) -> Iterator[Figure]:
    figure = getattr(course.diagrams, request.param)()
    yield figure
    plt.close(figure)


def drawn(figure: Figure) -> RendererAgg:
    """Draw a figure by Agg, and return what knows the extent of its texts."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    return canvas.get_renderer()  # type: ignore[no-untyped-call, no-any-return]


def faults(figure: Figure) -> list[str]:
    """Return the texts that are small, leave the axes, or lie over another text, a line or the edge of a shape."""
    renderer = drawn(figure)
    (axes,) = figure.axes
    frame = axes.get_window_extent().padded(-5)
    boxes = {text: text.get_window_extent(renderer) for text in axes.texts}
    shapes = [(line.get_path(), line.get_transform()) for line in axes.lines]
    shapes += [(patch.get_path(), patch.get_transform()) for patch in axes.patches]
    edges = [path.transformed(transform) for path, transform in shapes]
    found = [f"small: {text.get_text()}" for text in boxes if float(text.get_fontsize()) < SMALLEST_TEXT]
    for text, box in boxes.items():
        inside = frame.contains(*box.p0) and frame.contains(*box.p1)
        found += [] if inside else [f"outside: {text.get_text()}"]
        found += [f"edge: {text.get_text()}" for edge in edges if edge.intersects_bbox(box, filled=False)]
    pairs = (
        (one.get_text(), other.get_text()) for one, other in combinations(boxes, 2) if boxes[one].overlaps(boxes[other])
    )
    return found + [f"overlap: {one}, {other}" for one, other in pairs]


def test_every_word_of_a_diagram_can_be_read_and_its_text_form_is_the_same_at_any_size(diagram: Figure) -> None:
    before = data_drawn(diagram)
    assert all(word in before for word in ("mean", "text: ", "bars"))
    diagram.set_dpi(137)
    assert faults(diagram) == []
    assert data_drawn(diagram) == before
    assert max(diagram.get_size_inches() / (8, 4)) <= 1


@pytest.mark.parametrize(
    ("x", "y", "text", "fontsize", "fault"),
    [
        (0.3, 0.8, "small", 12, "small"),
        (0.99, 0.8, "outside", 13, "outside"),
        (0.31, 0.52, "over", 13, "overlap"),
        (0.3, 0.2, "on a line", 13, "edge"),
        (0.65, 0.7, "out of its box", 13, "edge"),
    ],
)
def test_a_fault_of_a_diagram_is_found(x: float, y: float, text: str, fontsize: int, fault: str) -> None:
    figure = plt.figure(figsize=(8, 4), layout="none")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.text(0.3, 0.5, "a text", fontsize=13)
    axes.plot([0.2, 0.5], [0.22, 0.22])
    axes.add_patch(Rectangle((0.6, 0.6), 0.1, 0.2))
    assert faults(figure) == []
    axes.text(x, y, text, fontsize=fontsize)
    plt.close(figure)
    assert [line.partition(":")[0] for line in faults(figure)] == [fault]


def test_a_merged_register_is_the_greater_of_two() -> None:
    sketch = course.diagrams.sketch_merge()
    numbers = [int(text.get_text()) for text in sketch.axes[0].texts if text.get_text().isdigit()]
    assert numbers[16:] == [max(pair) for pair in zip(numbers[:8], numbers[8:16], strict=True)]
    plt.close(sketch)
