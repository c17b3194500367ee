"""What every test session needs: silent progress bars, and the name of the notebook that nbval runs."""

from __future__ import annotations

import os
import signal

import pytest

os.environ["BIGDATA_COURSE_PROGRESS"] = "off"

# a shell that starts the tests in the background has Ctrl-C ignored, and tests interrupt what they run
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tell the kernel which notebook it runs, as a Jupyter server does, so that the menu finds the headings."""
    if item.path.suffix == ".ipynb":
        os.environ["JPY_SESSION_NAME"] = str(item.path)
