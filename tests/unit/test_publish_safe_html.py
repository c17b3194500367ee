"""Each rule of the cleaning of HTML by itself: other rules, and the policy of a page, would hide that one lacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from course.publish.safe_html import policy, safe_fragment, without_fetches


def cleaned(html: str) -> tuple[str, int]:
    """Return what is left of a piece of HTML, and how many things were told."""
    told: list[str] = []
    return str(safe_fragment(html, Path(), told.append, "here")), len(told)


LEFT_OUT = """
script iframe frame frameset fencedframe portal object embed applet link base meta noscript noembed noframes xmp
plaintext template handler listener set discard animate animateMotion animateTransform animateColor
"""


@pytest.mark.parametrize("name", LEFT_OUT.split())
def test_an_element_that_runs_loads_or_changes_others_is_left_out_with_a_word(name: str) -> None:
    for written in (name, name.upper()):
        assert cleaned(f"<b>kept</b><svg><{written} a=b></{written}></svg>") == ("<b>kept</b><svg></svg>", 1)


@pytest.mark.parametrize("html", ["<!--x-->", "<!--><i>x</i>-->", "<![CDATA[x]]>", "<?php x?>", "<!doctype x>", "<!x>"])
def test_comments_and_declarations_are_left_out(html: str) -> None:
    assert "<!" not in cleaned(html)[0]
    assert "<?" not in cleaned(html)[0]


def test_what_has_no_name_of_an_element_and_a_form_leave_what_they_hold() -> None:
    assert cleaned("<a<img>x</a<img><form action=x><b>y</b></form>")[0] == "x<b>y</b>"


ATTRIBUTES = [
    *('<p onmousemove="x">', '<p onanything="x">', '<svg onbegin="x">', '<p ="x">', "<p a\"b='x'>", "<p a<b='x'>"),
    *('<q cite="javascript:x">', '<q cite="VBScript:x">', '<q cite="\x01java\tscript:x">', '<q cite="java\nscript:x">'),
    *(f'<a href="{scheme}:x">' for scheme in ("DATA", "file", "blob", "about", "view-source", "x-y.z", "\x01da\tta")),
    *('<area href="data:x">', '<a xlink:href="data:x">', '<area xlink:href="file:x">'),
    *('<b action="x">', '<b formaction="x">', '<a ping="x">', '<b srcset="x">'),
    *(f'<b {name}="https://a.org">' for name in ("src", "data", "poster", "background", "href", "xlink:href")),
    *(f'<b {name}="https://a.org">' for name in ("lowsrc", "dynsrc", "data-background", "data-background-image")),
    *(f'<b src="{address}">' for address in ("//a.org", r"\\a.org", r"/\a.org", "\x01//a.org", "ht\ntps:x", "BLOB:x")),
    *(f'<b data-{name}="x">' for name in ("src", "lazy-src", "preview-link", "preview-image", "notes", "markdown")),
    *('<b data-background-iframe="x">', '<b data-background-video="x">', '<img alt="x" name="cookie" src="data:,">'),
]


@pytest.mark.parametrize("tag", ATTRIBUTES)
def test_an_attribute_that_runs_leads_loads_or_hides_a_function_is_left_out_with_a_word(tag: str) -> None:
    name = tag[1:].partition(" ")[0]
    left = {"img": '<img alt="x" src="data:,"/>', "area": "<area/>"}.get(name, f"<{name}>x</{name}>")
    assert cleaned(tag if left.endswith("/>") else f"{tag}x</{name}>") == (left, 1)


KEPT = [
    *(
        f'<a href="{to}">x</a>'
        for to in ("https://a.org", "http:x", "mailto:a@b.c", "ftp://a.org", "tel:1", "b.html#c")
    ),
    *('<area href="https://a.org"/>', '<svg><a xlink:href="https://a.org">x</a></svg>', '<use href="#a"></use>'),
    *(
        '<p title="javascript is a language: x">x</p>',
        '<input name="x"/>',
        '<img alt="x" src="data:image/gif;base64,"/>',
    ),
    *('<b data-id="https://a.org">x</b>', '<b data-background-color="red">x</b>', '<b src="a/b:c.png">x</b>'),
    *('<p style="color: red; table-layout: fixed">x</p>', '<rect fill="url(#a)"></rect>'),
    *('<p style="background: url(DATA:image/gif;base64,)">x</p>', "<style>p { position: relative }</style>"),
    *("<p style=\"content: 'position: fixed'\">x</p>", '<b id="cookie">x</b>'),
]


@pytest.mark.parametrize("html", KEPT)
def test_what_does_none_of_it_stays_as_it_is(html: str) -> None:
    assert cleaned(html) == (html, 0)


FETCHING = [
    *("background: url(https://a.org)", "background: url( 'https://a.org' )", "background: u\\72l(//a.org)"),
    *("background: URL(a.org)", "background: src('https://a.org')", "background: image-set('a.org' 1x)"),
    *("background: -webkit-image-set('a.org' 1x)", "background: image('a.org')", "--a: url(https://a.org)"),
    *("background: cross-fade('a.org', #a)", "background: -webkit-cross-fade('a.org', #a, 50%)", "x: url('a.org"),
    *("background: url(a.org'x)", "width: calc(1px + attr(x, url(https://a.org)))"),
]


@pytest.mark.parametrize("style", FETCHING)
def test_a_style_loads_no_file_wherever_it_stands(style: str) -> None:
    told: list[str] = []
    for written in (style, f"p {{ {style} }}", f"@media print {{ p {{ {style} }} }}"):
        assert "a.org" not in without_fetches(written, told.append)
    assert len(told) == 3


@pytest.mark.parametrize("style", ["@import 'a.org'", '@IMPORT "a.org" screen', "@im\\port 'a.org'", "@import url(a)"])
def test_a_style_imports_none(style: str) -> None:
    assert without_fetches(style, len).startswith("@none ")


@pytest.mark.parametrize("style", ["position: fixed", "POSITION:Sticky", "position:/**/fi\\78 ed", "position : fixed"])
def test_a_style_leaves_its_place_nowhere(style: str) -> None:
    for written in (style, f"p {{ {style} }}", f"@media print {{ p {{ {style}!important }} }}"):
        left = without_fetches(written, len)
        assert left.count("none") == 1
        assert left.lower().replace("ed", "").count("fix") == left.lower().count("sticky") == 0


STYLING = "style fill stroke filter mask clip-path cursor marker-start marker-mid marker-end"


@pytest.mark.parametrize("name", STYLING.split())
def test_every_attribute_that_is_a_style_loads_no_file(name: str) -> None:
    assert cleaned(f'<rect {name}="x: url(https://a.org)"></rect>') == (f'<rect {name}="x: none"></rect>', 1)


def test_a_style_holds_no_mark_of_html() -> None:
    assert cleaned("<style>a<b</style>") == (r"<style>a\3c b</style>", 0)


def test_the_policy_refuses_all_but_what_a_file_holds() -> None:
    refused = ("default-src", "base-uri", "form-action", "object-src", "connect-src", "frame-src", "script-src")
    expected = dict.fromkeys(refused, "'none'") | dict.fromkeys(("img-src", "media-src", "font-src"), "data:")
    expected["style-src"] = "'unsafe-inline'"
    assert dict(one.split(" ", 1) for one in policy().split("; ")) == expected
    # of "a" and "b"
    digests = "ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=", "PiPoFgA5WUoziU9lZOGxNIu9egCI1CxKy3PurtWcAJ0="
    written = policy("a", "b", frames="'self'")
    assert dict(one.split(" ", 1) for one in written.split("; ")) == expected | {
        "frame-src": "'self'",
        "script-src": " ".join(f"'sha256-{digest}'" for digest in digests),
    }
