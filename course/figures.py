"""Show a picture together with a text that says what it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def show(picture: Figure | Axes, alt: str) -> None:
    """Display a picture with ``alt``, the text for those who cannot see it, and close it.

    The style of the course is the matplotlib style ``course.lesson``: ``plt.style.use("course.lesson")``.

    Args:
        picture: a matplotlib Figure, or Axes of which the whole figure is shown.
        alt: one or two sentences saying what the picture shows.
    """
    import matplotlib.pyplot as plt
    from IPython.display import display

    figure = picture.get_figure(root=True)
    display(figure, metadata={"image/png": {"alt": alt}})  # type: ignore[no-untyped-call]
    plt.close(figure)
