"""Make the links between notebooks lead to their pages."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from course.publish.lessons import file_beside

if TYPE_CHECKING:
    from bs4 import BeautifulSoup

    from course.publish.page import Page

_NOTEBOOK = ".ipynb"


def link_pages(fragment: BeautifulSoup, page: Page) -> None:
    """Make each link to a notebook of the course lead to its page, at the same heading.

    In a site a page has the place that its notebook has among the sources. A link to a notebook that is not there
    stays as it is, with a warning.
    """
    for element in fragment.find_all("a", href=True):
        path, mark, heading = str(element["href"]).partition("#")
        if not path.endswith(_NOTEBOOK) or _has_host(path):
            continue
        if file_beside(page.folder, path):
            element["href"] = f"{path.removesuffix(_NOTEBOOK)}.html{mark}{heading}"
        else:
            page.warn(f"the link to {path[:80]} leads nowhere: there is no such notebook")


def _has_host(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return True
    return bool(parts.scheme or parts.netloc)
