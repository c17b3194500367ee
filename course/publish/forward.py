"""The pages and decks of lessons that were renamed forward to those of the new name."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from course.publish.safe_html import policy

if TYPE_CHECKING:
    from course.publish.convert import Published

NEW_NAMES = {
    "03_sampling": "04_sampling",
    "04_pickle": "06_pickle",
    "05_sqlite": "07_sqlite",
    "06_dask": "09_dask",
    "07_columns": "10_columns",
    "08_arrays": "12_arrays",
    "09_sketches": "14_sketches",
    "10_compare": "16_compare",
    "11_cluster": "17_cluster",
}
"""The name of a lesson for each name it had before; where one became two, that of the first."""

# without a script, over file:// too; what follows a # in the old address is dropped: headings have changed
_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta http-equiv="refresh" content="0; url={address}">
<link rel="canonical" href="{address}">
<title>{title}</title>
</head>
<body>
<main>
<h1>This lesson has a new address</h1>
<p><a href="{address}">{title}</a></p>
</main>
</body>
</html>
"""


def write_forwards(site: Path, published: Iterable[Published]) -> None:
    """Write a page for each old name of the lessons of a site, in HTML formats, where no lesson has that name now."""
    old_names = {new: old for old, new in NEW_NAMES.items()}
    for one in published:
        old = old_names.get(one.lesson.name)
        for form in one.sizes if old and not one.lesson.is_deck else ():
            path = site / one.lesson.folder / f"{old}{form.suffix}"
            if form.suffix.endswith(".html") and not path.exists():
                words = {"address": form.file_name(one.lesson), "title": one.lesson.title, "policy": policy()}
                page = _PAGE.format_map({name: escape(word) for name, word in words.items()})
                path.write_text(page, encoding="utf-8", errors="replace", newline="\n")
