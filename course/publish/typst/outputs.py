"""Set the outputs of a code cell: of all the forms an output has, the best one that paper can show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from course.publish.markdown import HEADINGS
from course.publish.typst.code import text_output
from course.publish.typst.html_walker import HtmlWalker
from course.publish.typst.images import SUFFIXES, data_bytes, image
from course.publish.typst.markdown import html_tree, markdown_tree
from course.publish.typst.markup import EMPTY, block, call, literal
from course.publish.typst.mathematics import formula, undelimited

if TYPE_CHECKING:
    from bs4 import BeautifulSoup

    from course.publish.typst.parts import Context

Output = Mapping[str, Any]
_WIDGET = "application/vnd.jupyter.widget-view+json"
_OUTSIDE_MATH = ("tabular", "document", "table", "itemize", "enumerate")


def outputs(cell_outputs: list[Output], context: Context) -> str:
    """Return the Typst expression of all the outputs of a cell."""
    return block(_output(output, context) for output in _joined(cell_outputs))


def _joined(cell_outputs: list[Output]) -> list[Output]:
    """Join consecutive pieces of one stream: a progress bar is often sent in several."""
    joined: list[Output] = []
    for output in cell_outputs:
        last = joined[-1] if joined else {}
        if output["output_type"] == "stream" and last.get("name") == output.get("name"):
            joined[-1] = {**last, "text": _text(last["text"]) + _text(output["text"])}
        else:
            joined.append(output)
    return joined


def _output(output: Output, context: Context) -> str:
    kind = output["output_type"]
    if kind == "stream":
        return text_output(_text(output["text"]), context, "stderr" if output.get("name") == "stderr" else "stream")
    if kind == "error":
        traceback = "\n".join(output.get("traceback", []))
        return text_output(traceback or f"{output.get('ename')}: {output.get('evalue')}", context, "error")
    return _data(output.get("data", {}), output.get("metadata", {}), context)


def _data(data: Mapping[str, Any], metadata: Mapping[str, Any], context: Context) -> str:
    for mimetype in SUFFIXES:
        if mimetype in data:
            return _picture(mimetype, data, metadata, context)
    for mimetype, setter in _SETTERS.items():
        if mimetype in data and _WIDGET not in data:
            content = setter(_text(data[mimetype]), context)
            if content != EMPTY:
                return content
    return _plain(data, context)


def _plain(data: Mapping[str, Any], context: Context) -> str:
    kinds = [mimetype for mimetype in data if mimetype != "text/plain"]
    if "text/plain" in data:
        if _WIDGET in data or any("javascript" in kind for kind in kinds):
            context.parts.warn(f"output shown as its text, paper has no {kinds[0]}: {_text(data['text/plain'])[:80]}")
        return text_output(_text(data["text/plain"]), context)
    if not kinds:
        return EMPTY
    notice = context.captions.no_text.format(kinds=", ".join(kinds))
    context.parts.warn(f"output not shown: {', '.join(kinds)}, without a text form")
    return call("missing", literal(notice))


def _picture(mimetype: str, data: Mapping[str, Any], metadata: Mapping[str, Any], context: Context) -> str:
    asked = metadata.get(mimetype)
    asked = asked if isinstance(asked, dict) else {}
    alt = str(asked.get("alt") or metadata.get("alt") or "")
    try:
        content = data_bytes(mimetype, data[mimetype])
    except ValueError:
        content = b""
    return image(content, SUFFIXES[mimetype], context, alt, asked)


@lru_cache(maxsize=32)  # a slide is set again at each step of shrinking
def _read_output(source: str) -> Any:
    return _without_headings(html_tree(source))


def _html(source: str, context: Context) -> str:
    tree = _read_output(source)
    content = HtmlWalker(context, tree).walk()
    shows = tree.get_text().strip() or tree.find(["img", "x-svg", "table", "iframe", "video", "audio", "hr"])
    return call("html-output", content) if shows and content.strip("[] \n") else EMPTY


def _without_headings(tree: BeautifulSoup) -> BeautifulSoup:
    """Make headings bold paragraphs: in an output they are no part of the lesson, nor of its contents."""
    for heading in tree.find_all(HEADINGS):
        heading.name = "strong"
        heading.wrap(tree.new_tag("p"))
    return tree


def _markdown(source: str, context: Context) -> str:
    tree = _without_headings(markdown_tree(source))
    content = HtmlWalker(context, tree).walk()
    return EMPTY if content == EMPTY else call("html-output", content)


def _latex(source: str, context: Context) -> str:
    latex, _ = undelimited(source)
    if any(f"\\begin{{{name}" in latex for name in _OUTSIDE_MATH):
        context.parts.warn(f"LaTeX output shown as its source: {latex}")
        return text_output(source, context)
    return formula(latex, context.parts, display=True) if latex else EMPTY


def _text(value: Any) -> str:
    return "".join(value) if isinstance(value, list) else str(value)


_SETTERS: dict[str, Callable[[str, Context], str]] = {
    "text/html": _html,
    "text/latex": _latex,
    "text/markdown": _markdown,
}
