"""What every test session needs: silent bars, no deadlines, a folder for temporary files, nbval's notebook by name."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import tempfile

import pytest
from hypothesis import settings

from course.optional import left_out

# how fast an example is says how busy the machine is, not whether the code is right
settings.register_profile("course", deadline=None)
settings.load_profile("course")

os.environ["BIGDATA_COURSE_PROGRESS"] = "off"

# a shell that starts the tests in the background has Ctrl-C ignored, and tests interrupt what they run
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# the workers of xdist get the folder that the process that starts them has made
IS_WORKER = "PYTEST_XDIST_WORKER" in os.environ
if not IS_WORKER:
    TEMPORARY = tempfile.mkdtemp(prefix="bigdata-course-tests-")
    os.environ |= dict.fromkeys(("TMPDIR", "TEMP", "TMP"), TEMPORARY)
    tempfile.tempdir = None


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(exitstatus: int) -> None:
    """Remove what the tests and the libraries that they run left in the temporary folder, unless a test is red."""
    gc.unfreeze()  # DuckDB tells what nobody collects at the end
    if not IS_WORKER and exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
        shutil.rmtree(TEMPORARY, ignore_errors=True)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tell the kernel which notebook it runs, as a Jupyter server does, so that the menu finds the headings.

    A cell tagged ``needs-NAME`` is skipped where NAME is not installed, and compared elsewhere.
    """
    os.environ.pop("JPY_SESSION_NAME", None)
    if item.path.suffix == ".ipynb":
        os.environ["JPY_SESSION_NAME"] = str(item.path)
        if said := left_out(item.cell.metadata.get("tags", [])):
            pytest.skip(said)


# what lasts longest comes first, so that no worker waits for the other at the end; xdist would begin with what has most
# tests, and gives a file to one worker
LONGEST = str.split("""
test_decks_browser test_lab_browser test_menu_browser test_sql_completion_browser test_start_browser test_published
test_hostile_browser test_site_browser
spill cluster test_magics_sql_import columns test_cluster arrays test_data_month chunks streaming test_cli dask
test_publish_build test_ways sketches test_ways_convert test_data_real pickle test_magics_kernel compare
test_ways_strict test_mutants test_magics_memory_cap start test_magics_sql_connections test_scripts test_optional
sqlite sql_magics test_data_download_faults test_net test_publish_hostile test_magics_sql_stop test_wheel test_measure
test_bench transactions data sampling strata learning
""")


def pytest_collection() -> None:
    """Collect no garbage while the tests and what they test are imported: nothing of it is garbage."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Leave what was imported out of every later collection of garbage: each would pass over millions of objects."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first."""
    rank = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path.stem.lstrip("0123456789_"), len(rank)))
