"""The few words that the exporters print themselves, by language."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Captions:
    """Texts of one language; braces are filled with ``str.format``."""

    language: str
    contents: str
    slide: str
    lines_omitted: str
    rows_omitted: str
    columns_omitted: str
    missing_image: str
    no_text: str
    media: str


_ENGLISH = Captions(
    language="en",
    contents="Contents",
    slide="Slide {number}",
    lines_omitted="{count} lines not shown",
    rows_omitted="{count} of {total} rows not shown",
    columns_omitted="{count} of {total} columns not shown",
    missing_image="image not found: {name}",
    no_text="output shown in the notebook only ({kinds})",
    media="{kind}: {address}",
)
_FRENCH = Captions(
    language="fr",
    contents="Sommaire",
    slide="Diapositive {number}",
    lines_omitted="{count} lignes non montrées",
    rows_omitted="{count} lignes non montrées sur {total}",
    columns_omitted="{count} colonnes non montrées sur {total}",
    missing_image="image introuvable : {name}",
    no_text="résultat visible dans le notebook seulement ({kinds})",
    media="{kind} : {address}",
)
_BY_LANGUAGE = {captions.language: captions for captions in (_ENGLISH, _FRENCH)}


def captions_in(language: str) -> Captions:
    """Return the captions of a language (``en``, ``fr-FR`` …), English when it is not one of the table."""
    return _BY_LANGUAGE.get(language.lower().partition("-")[0].partition("_")[0], _ENGLISH)
