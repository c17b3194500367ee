"""The Chromium or Chrome of this machine, and what it can do without a window."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from course.diagnosis import BROWSERS
from course.errors import BuildError, MissingDependencyError

_LONGEST_SECONDS = 120


def find_chromium() -> str | None:
    """Return the path of a Chromium or Chrome of this machine, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def print_to_pdf(page: str) -> bytes:
    """Return the PDF that Chromium prints of a page that stands alone.

    Raises:
        MissingDependencyError: there is no browser.
        BuildError: the browser prints nothing.
    """
    browser = find_chromium()
    if browser is None:
        raise MissingDependencyError(
            f"PDF needs typst and tylax, or a browser named {' or '.join(BROWSERS)}; install one"
        )
    with tempfile.TemporaryDirectory(prefix="course-chromium-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        source, printed = folder / "page.html", folder / "page.pdf"
        source.write_text(page, encoding="utf-8", newline="\n")
        options = ["--headless", "--disable-gpu", "--no-pdf-header-footer", f"--user-data-dir={folder / 'profile'}"]
        # Chromium refuses its sandbox to root, as in containers
        options += ["--no-sandbox"] if getattr(os, "geteuid", lambda: 1)() == 0 else []
        command = [browser, *options, f"--print-to-pdf={printed}", source.as_uri()]
        try:
            subprocess.run(command, capture_output=True, timeout=_LONGEST_SECONDS, check=False)
        except subprocess.TimeoutExpired as error:
            raise BuildError(f"{browser} printed nothing in {_LONGEST_SECONDS} s; install typst and tylax") from error
        if not printed.is_file():
            raise BuildError(f"{browser} printed nothing; install typst and tylax")
        return printed.read_bytes()
