"""A picture is shown with its text, once, in the style of the course."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import nbclient
import nbformat

if TYPE_CHECKING:
    import pytest

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


def test_the_style_of_the_course_is_found_by_matplotlib() -> None:
    with plt.style.context("course.lesson"):
        assert plt.rcParams["axes.prop_cycle"].by_key()["color"][0] == "#0072B2"
