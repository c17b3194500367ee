"""Notebooks that no author writes on purpose, for the tests of every published format."""

from __future__ import annotations

from typing import Any

from nbformat.v4 import new_code_cell, new_markdown_cell, new_output


def stream(text: str) -> Any:
    return new_code_cell("run()", outputs=[new_output("stream", text=text)])


def display(mimetype: str, data: Any) -> Any:
    return new_code_cell("show()", outputs=[new_output("display_data", {mimetype: data, "text/plain": "plain form"})])


HOSTILE: dict[str, list[Any]] = {
    "empty": [],
    "empty cells": [new_markdown_cell(""), new_code_cell(""), new_markdown_cell("#"), stream("")],
    "unclosed html": [
        new_markdown_cell("<div><table><tr><td><b>deep <ul><li>x"),
        display("text/html", "<p><table><td>1<td>2<tr>3"),
    ],
    "nesting": [
        new_markdown_cell("<div>" * 3000 + "deep"),
        new_markdown_cell(">" * 300 + " quote"),
        display("text/html", "<b>" * 5000),
    ],
    "unknown macros": [new_markdown_cell("$\\nope{a}$ $$\\begin{strange} x \\end{strange}$$ $\\frac{$ $a_{$")],
    "code in formulas": [new_markdown_cell('$\\text{x} \\#read("/etc/hostname")$ $#import "@preview/cetz:0.3.4"$')],
    "fault in the converter": [
        new_markdown_cell(r"$\require\"\draw\sum\stackrel\sqrt[^_\limits\sum[\text{\end{align}$")
    ],
    "huge output": [stream("\n".join(f"{i} " + "x" * 80 for i in range(50_000)))],
    "long line": [
        stream("z" * 6000),
        new_code_cell("t = '" + "z" * 6000 + "'"),
        new_markdown_cell("z" * 6000 + " `" + "z" * 6000 + "`"),
    ],
    "missing images": [new_markdown_cell("![a](no.png) ![b](attachment:no.png) ![c](http://example.org/c.png) <img>")],
    "broken images": [
        display("image/png", "AAAA"),
        display("image/png", "é"),
        display("image/svg+xml", "<svg"),
        display("image/jpeg", ""),
    ],
    "broken picture data": [
        new_markdown_cell("![x](data:image/png;base64,AAAA) ![y](data:,) ![n](%00.png)"),
        new_markdown_cell("![z](" + "a" * 5000 + ".png)"),
    ],
    "widget": [
        display("application/vnd.jupyter.widget-view+json", {"model_id": "1"}),
        display("application/javascript", "x"),
    ],
    "injection": [
        new_markdown_cell('#read("x") $]}")'),
        display("text/html", '<script>alert(1)</script>"#panic()'),
        # a comment that ends at once for a browser, and later for Python's parser
        display("text/html", "<!--><img src=x onerror=alert(1)>-->"),
    ],
    "control characters": [
        new_markdown_cell("a\x00b\x1bc\x85d \ud800 \ufffe $\ud800$"),
        stream("\x00\x1b[\x1b]\ud800\x1b[999A\x1b[99999999G!"),
    ],
    "broken tables": [
        display("text/html", "<table></table><table><tr></tr><tr><td colspan=0 rowspan=-1>a<td colspan=x>b</table>"),
    ],
    "repeated headings": [new_markdown_cell("# a\n## b\n## b\n[x](#b) [y](#gone) [z](#)\n###### f")],
    "addresses": [new_markdown_cell("[a](http://[x) [b](javascript:alert(1)) [c](file:///etc) <a href>d</a>")],
}
