"""The lessons and decks that are published, and a page of the browser that is watched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
NOTEBOOKS = [*sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")), *sorted((ROOT / "slides").glob("*.ipynb"))]
NAMES = [f"{path.parent.name}/{path.stem}" for path in NOTEBOOKS]


class Watched:
    """A page of the browser, with what it asked of a network and the complaints of its console."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self._asked(request.url))
        page.on("console", lambda message: self.complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _asked(self, url: str) -> None:
        if not is_here(url):
            self.requests.append(url)


def is_here(url: str) -> bool:
    """Tell whether a browser needs no network for an address."""
    return url.startswith(("file:", "data:", "blob:", "about:"))
