"""What every test session needs: silent progress bars, and the name of the notebook that nbval runs."""

from __future__ import annotations

import os

import pytest

os.environ["BIGDATA_COURSE_PROGRESS"] = "off"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tell the kernel which notebook it runs, as a Jupyter server does, so that the menu finds the headings."""
    if item.path.suffix == ".ipynb":
        os.environ["JPY_SESSION_NAME"] = str(item.path)
