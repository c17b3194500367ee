"""A picture is shown with its text, once, in the style of the course."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import nbclient
import nbformat

from course.figures import data_drawn, task_streams

if TYPE_CHECKING:
    import pytest
    from matplotlib.axes import Axes

SOURCE = """
%matplotlib inline
import matplotlib.pyplot as plt
from course.figures import show
plt.style.use("course.lesson")
figure, axes = plt.subplots()
axes.plot([1, 2])
show(axes, "a rising line")
"""


def test_a_picture_is_displayed_once_with_its_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR"):  # the home of who runs the tests may not be writable
        monkeypatch.setenv(folder, str(tmp_path / folder))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(SOURCE)])
    nbclient.NotebookClient(notebook).execute()
    pictures = [output for output in notebook.cells[0].outputs if "image/png" in output.get("data", {})]
    assert [picture.metadata["image/png"]["alt"] for picture in pictures] == ["a rising line"]
    assert [picture.data["text/plain"] for picture in pictures] == ["axes\n" + LINE]


LINE = "  line, 2; x 0 … 1 (from 0 to 1, mean 0.5); y 1 … 2 (from 1 to 2, mean 1.5)"


def draw_all(axes: Axes) -> None:
    """Draw one of each kind, with numbers that differ from all others."""
    axes.plot([1, 2, 4], [5.1234, float("nan"), 0.3 - 0.1 - 0.2], label="kept")
    axes.bar_label(axes.bar([10], [20], width=2))
    axes.scatter([31], [32], c=[33])
    axes.fill_between([41, 42], [43, 44])
    axes.imshow([[51, 52], [53, 54]])
    axes.stairs([62], [60, 61])
    axes.set(title="Title", xlabel="x (s)", ylabel="y (€)")


DRAWN = """
Title | x (s) | y (€)
  line kept, 3; x 1 … 4 (from 1 to 4, mean 2.33); y 5.12 … 0 (from 0 to 5.12, mean 2.56)
  bars, 1; left always 9; bottom always 0; right always 11; top always 20
  outline, 4; x 60 … 61 (from 60 to 61, mean 60.5); y 0 … 0 (from 0 to 62, mean 31)
  points, 1; x always 31; y always 32
  colours, 1; value always 33
  points, 7; x 41 … 41 (from 41 to 42, mean 41.4); y 0 … 0 (from 0 to 44, mean 12.4)
  image, 4; value 51 … 54 (from 51 to 54, mean 52.5)
  text: 20
""".strip()


def test_the_text_of_a_picture_says_what_is_drawn() -> None:
    figure, axes = plt.subplots()
    draw_all(axes)
    plt.close(figure)
    assert data_drawn(figure) == DRAWN


def test_the_text_of_an_empty_picture_is_short() -> None:
    figure, (axes, _) = plt.subplots(2)
    axes.plot([], [])
    axes.scatter([float("nan")], [1])
    plt.close(figure)
    assert data_drawn(figure) == "axes\n  line, 0\n  points, 1; x unknown; y always 1\naxes"


def test_the_style_of_the_course_is_found_by_matplotlib() -> None:
    with plt.style.context("course.lesson"):
        assert plt.rcParams["axes.prop_cycle"].by_key()["color"][0] == "#0072B2"


def test_many_things_alike_are_one_line_of_the_text() -> None:
    figure, axes = plt.subplots()
    for number in range(4):
        axes.plot([0, 1], [number, 10 * number])
    plt.close(figure)
    assert data_drawn(figure) == "axes\n  line, 8; x 0 … 1 (from 0 to 1, mean 0.5); y 0 … 30 (from 0 to 30, mean 8.25)"


def event(worker: str, key: str, *steps: tuple[str, float, float]) -> dict[str, Any]:
    named = [{"action": action, "start": start, "stop": stop} for action, start, stop in steps]
    return {"worker": worker, "key": (f"{key}-0123456789abcdef", 0), "startstops": named}


def bar_drawn(bar: Any) -> tuple[float, float, float, Any]:
    return bar.get_y(), bar.get_x(), bar.get_width(), bar.get_facecolor()


def test_the_stream_of_tasks_has_a_row_for_each_worker_and_a_colour_for_each_kind_of_step() -> None:
    first = event("tcp://b", "read-csv", ("compute", 10, 12))
    second = event("tcp://a", "sum-tree", ("transfer", 12, 12.5), ("compute", 13, 14))
    figure = task_streams({"one": [first, second], "two": [event("tcp://a", "shuffle-p2p", ("compute", 5, 6))]})
    plt.close(figure)
    bars = [[bar_drawn(bar) for bar in axes.patches] for axes in figure.axes]
    read, transfer, other = (patch.get_facecolor() for patch in figure.legends[0].get_patches())
    assert bars == [[(0.6, 0, 2, read), (-0.4, 2, 0.5, transfer), (-0.4, 3, 1, other)], [(-0.4, 0, 1, transfer)]]
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["one", "two"]
    assert len({read, transfer, other}) == 3
