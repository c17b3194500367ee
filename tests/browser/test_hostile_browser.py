"""A real browser runs nothing that a notebook would have it run, on load or touched, and asks nothing of a network.

Two walls, each tried without the other: what is written into a page is harmless by itself, and the policy of the page,
the deck and the index stops what would slip in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from payloads import HTML, MARKDOWN, TEXT
from published_pages import is_here

from course.publish.build import BuildOptions, build_site
from course.publish.convert import select_formats
from course.publish.lessons import read_lesson
from course.publish.page_html import HTMLPageExporter
from course.publish.slides_html import SlidesExporter

if TYPE_CHECKING:
    from nbformat import NotebookNode

pytestmark = pytest.mark.browser

TOUCH_ALL = """() => {
  const all = [...Document.prototype.querySelectorAll.call(document, "body *")];
  const touch = (element, Kind, ...kinds) => kinds.forEach(kind => element.dispatchEvent(
    new Kind(kind, {bubbles: kind === "click", cancelable: true, view: window})));
  // an honest link is clicked and not followed: it would lead away from the page, or to another slide
  window.addEventListener("click", event => {
    const link = event.target.closest("a, area");
    const target = URL.parse(link?.getAttribute("href") ?? link?.getAttribute("xlink:href") ?? "#", document.baseURI);
    if (link && /^(https?|file|mailto|ftp|tel):/.test(target?.href)) { event.preventDefault(); }
  }, {capture: true});
  for (const element of all) {
    if (element.focus instanceof Function) { element.focus({preventScroll: true}); }
    touch(element, PointerEvent, "pointerover", "pointerenter", "pointerdown", "pointerup");
    touch(element, MouseEvent, "mouseover", "mouseenter", "mousemove", "mousedown", "mouseup", "dblclick");
    touch(element, KeyboardEvent, "keydown", "keypress", "keyup");
    touch(element, MouseEvent, "click", "auxclick", "contextmenu");
  }
  return all.length;
}"""
# what a fault of the cleaning would let into a file
SLIPPED_IN = """
<script>ran(1)</script> <img src=x onerror=ran(2)> <svg onload=ran(3)></svg> <a href=javascript:ran(4)>click</a>
<iframe srcdoc="<script>parent.ran(5)</script>"></iframe> <iframe src=javascript:ran(6)></iframe>
<object data="data:text/html,<script>parent.ran(7)</script>"></object> <embed src=https://ran.test/8>
<base href=https://ran.test/9/> <script src=x.js></script> <link rel=stylesheet href=https://ran.test/10>
<form action=javascript:ran(11)><button>x</button></form> <form action=https://ran.test/12><button>x</button></form>
<style>@import "https://ran.test/13"; * { background: url(https://ran.test/14) }</style> <p onclick=ran(15)>x</p>
<video src=https://ran.test/16 onerror=ran(17)></video> <a href=# ping=https://ran.test/18 onfocus=ran(19)>x</a>
"""


class Trap:
    """A page of the browser that notes what ran (``ran(number)``, a dialog) and what it asked of a network."""

    def __init__(self, context: Any) -> None:
        self.caught: list[object] = []
        self.page = context.new_page()
        context.expose_binding("ran", lambda _, number=None: self.caught.append(number))
        context.route(lambda url: not is_here(url), self._refuse)
        self.page.on("dialog", lambda dialog: (self.caught.append(dialog.message), dialog.dismiss()))

    def _refuse(self, route: Any) -> None:
        self.caught.append(route.request.url)
        route.abort()

    def open_and_touch(self, path: Path) -> None:
        self.page.goto(path.as_uri())
        assert self.page.evaluate(TOUCH_ALL) > 20
        # what an element that failed to load would call has been called by then
        self.page.wait_for_load_state("networkidle")


@pytest.fixture
def open_trap(chromium: Any) -> Iterator[Callable[..., Trap]]:
    """Make a trap, in a context with these options."""
    contexts = []

    def opened(**options: Any) -> Trap:
        contexts.append(chromium.new_context(**options))
        return Trap(contexts[-1])

    yield opened
    for context in contexts:
        context.close()


def armed(payload: str, number: int) -> str:
    return payload.replace("RUN", f"ran({number})").replace("URL", f"https://ran.test/{number}")


def shown(text: str, *kinds: str) -> NotebookNode:
    return new_code_cell("show()", outputs=[new_output("display_data", {kind: text}) for kind in kinds])


def hostile_cells(*, in_outputs: bool) -> list[NotebookNode]:
    """Return a cell for each payload, its text or its output, and each other kind of output with all of them."""
    cells = []
    for number, payload in enumerate([*HTML, *MARKDOWN]):
        text, kind = armed(payload, number), "text/html" if number < len(HTML) else "text/markdown"
        cells.append(shown(text, kind) if in_outputs else new_markdown_cell(text))
    every = armed("\n".join([*HTML, *MARKDOWN, *TEXT]), 999)
    svg = f"<svg xmlns='http://www.w3.org/2000/svg'>{every}</svg>"
    cells += [shown(svg, "image/svg+xml"), shown(f"${every}$", "text/latex")]
    cells += [shown(every, "text/plain", "image/png", "image/gif", "application/javascript", "application/json")]
    error = new_output("error", ename=every, evalue=every, traceback=[every])
    return [*cells, new_code_cell(every, outputs=[new_output("stream", name="stderr", text=every), error])]


@pytest.mark.parametrize(
    ("exporter", "in_outputs"),
    [(HTMLPageExporter, False), (SlidesExporter, True)],
)
def test_nothing_of_a_notebook_runs_or_fetches_even_without_the_policy(
    open_trap: Callable[..., Trap], tmp_path: Path, exporter: type[HTMLPageExporter], in_outputs: bool
) -> None:
    cells = [new_markdown_cell("# Hostile"), *hostile_cells(in_outputs=in_outputs)]
    written, _ = exporter().from_notebook_node(new_notebook(cells=cells))
    path = tmp_path / "hostile.html"
    path.write_text(written, encoding="utf-8")
    trap = open_trap(bypass_csp=True)
    trap.open_and_touch(path)
    assert (trap.caught, trap.page.title()) == ([], "Hostile")
    # none of them has swallowed what follows
    assert trap.page.locator("main > .cell, section > .cell").count() >= len(cells) - 1


@pytest.fixture(scope="module")
def hostile_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site whose names, titles and descriptions would run, too."""
    folder = tmp_path_factory.mktemp("site")
    cell = new_markdown_cell(
        '# <img src=x onerror=ran(20)>\n\n<script>ran(21)</script> "onclick=ran(22) [a](javascript:ran(23))'
    )
    name = 'x" onclick="ran(24)" y'
    data = {name: "z", "notes": "<img src=x onerror=ran(25)>", "background-iframe": "javascript:ran(26)"}
    slide = new_markdown_cell("## Slide", metadata={"slideshow": {"slide_type": "slide", "data": data}})
    paths = [folder / "javascript:ran(27)<!--/01_data.ipynb", folder / "slides/javascript:ran(28).ipynb"]
    for path in paths:
        path.parent.mkdir()
        nbformat.write(new_notebook(cells=[cell, slide]), path)
    options = BuildOptions(folder / "site", folder / "cache", select_formats(["html", "slides"]), execute=False)
    build_site([read_lesson(path) for path in paths], options)
    return folder / "site"


@pytest.mark.parametrize("has_policy", [True, False])
@pytest.mark.parametrize("name", ["index.html", "*/01_data.html", "slides/*(28).html", "slides/*.slides.html"])
def test_no_name_and_no_title_of_a_lesson_runs_and_a_policy_stops_what_slipped_into_a_file(
    open_trap: Callable[..., Trap], hostile_site: Path, tmp_path: Path, name: str, has_policy: bool
) -> None:
    (path,) = hostile_site.glob(name)
    if has_policy:
        whole = path.read_text(encoding="utf-8").replace("</main>", f"{SLIPPED_IN}</main>", 1)
        path = tmp_path / "slipped.html"
        path.write_text(whole, encoding="utf-8")
    trap = open_trap(bypass_csp=not has_policy)
    trap.open_and_touch(path)
    assert trap.caught == []
