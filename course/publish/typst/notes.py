"""The speaker's handout: A4, three slides to a page, each beside its notes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from course.publish.typst.article import Identity, identity_arguments
from course.publish.typst.cells import read_cells
from course.publish.typst.compiler import compile_pdf, template
from course.publish.typst.layout import NOTES
from course.publish.typst.markup import array, call, literal
from course.publish.typst.parts import Context, Parts
from course.publish.typst.slides import alternative_text, deck, fit_slides, notes_text, split_slides


def notes_pdf(notebook: Mapping[str, Any], context: Context, identity: Identity) -> bytes:
    """Return the PDF of the notes: pictures of the slides, then their notes or ruled lines to write on.

    Raises:
        BuildError: Typst refuses the document.
        MissingDependencyError: the typst package is not installed.
    """
    slides = split_slides(read_cells(notebook))
    fit_slides(slides, context)
    pictures = compile_pdf(template("common", "slides"), deck(slides, context, identity), context.parts)
    parts = Parts(warnings=context.parts.warnings)
    context = replace(context, parts=parts, layout=NOTES)
    file = literal(parts.add_file(pictures, "pdf"))
    rows = [
        call("annotated", file, str(number), alternative_text(slide, number, context), notes_text(slide, context))
        for number, slide in enumerate(slides, start=1)
    ]
    opening = call("handout", array(rows), **identity_arguments(identity, context))
    return compile_pdf(template("common", "notes"), f"#{opening}", parts)
