"""A real browser runs nothing that an output, or a text, would have it run, and asks nothing of a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from published_pages import is_here

from course.publish.page_html import HTMLPageExporter
from course.publish.slides_html import SlidesExporter

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.browser

INJECTIONS = [
    "<script>alert(1)</script>",
    "<ScRiPt src=https://example.org/x.js></sCrIpT>",
    "</script><script>alert(2)</script>",
    "<img src=x onerror=alert(3)>",
    "<svg onload=alert(4)><animate onbegin=alert(5) attributeName=x dur=1s></svg>",
    "<iframe srcdoc='<script>parent.alert(6)</script>'></iframe>",
    "<details open ontoggle=alert(7)>x</details>",
    "<a id=link href=' jAvAsCrIpT:alert(8)'>click</a>",
    "<style>@import url(https://example.org/x.css); * { background: url('https://example.org/x.png') }</style>",
    "<video autoplay src=https://example.org/x.mp4 onerror=alert(9)></video>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(10)></style></mglyph></table></mtext></math>",
    "<noscript><p title='</noscript><img src=x onerror=alert(11)>'></noscript>",
    "<!--><img src=x onerror=alert(12)>-->",
    "<template><img src=x onerror=alert(13)></template><input autofocus onfocus=alert(14)>",
    "<svg><style><img src=x onerror=alert(15)></style></svg>",
    "<math><style><img src=x onerror=alert(16)></style></math>",
    "<a href='java&#9;script:alert(17)'>click</a><a href='&#1;javascript:alert(18)'>click</a>",
    "<p style='background: u\\72l(https://example.org/y.png)'>x</p>",
    "<meta http-equiv=refresh content='0;url=https://example.org'><base href=https://example.org/>",
]


@pytest.mark.parametrize("exporter", [HTMLPageExporter, SlidesExporter])
def test_nothing_runs_and_nothing_is_fetched(chromium: Any, tmp_path: Path, exporter: type[HTMLPageExporter]) -> None:
    cells = [new_markdown_cell("# Hostile\n\n" + "\n\n".join(INJECTIONS))]
    for injection in INJECTIONS:
        outputs = [
            new_output("display_data", {"text/html": injection}),
            new_output("stream", text=injection),
            new_output("display_data", {"text/markdown": injection, "text/plain": injection}),
            new_output("display_data", {"text/latex": f"${injection}$"}),
            new_output("display_data", {"image/svg+xml": f"<svg xmlns='http://www.w3.org/2000/svg'>{injection}</svg>"}),
        ]
        cells.append(new_code_cell(injection, outputs=outputs))
    page_text, _ = exporter().from_notebook_node(new_notebook(cells=cells))
    path = tmp_path / "hostile.html"
    path.write_text(page_text, encoding="utf-8")
    ran: list[str] = []
    page = chromium.new_page()
    page.on("dialog", lambda dialog: (ran.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: ran.append(request.url) if not is_here(request.url) else None)
    page.goto(path.as_uri())
    page.evaluate("document.querySelectorAll('main a').forEach(link => link.href.startsWith('http') || link.click())")
    page.wait_for_load_state("networkidle")
    title = page.title()
    page.close()
    assert (ran, title) == ([], "Hostile")
