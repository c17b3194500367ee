"""What ``download`` knows by name: the seed's two files and every month of Open DAMIR."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urljoin, urlsplit

from course.downloads.transfer import page_of, without_credentials
from course.errors import BadArgumentError, DownloadError

if TYPE_CHECKING:
    from course.downloads.patience import Patience

# where the seed's notebook found its two files
SEED_SITE = "http://www.xavierdupre.fr/enseignement/complements/"
# a public copy of the lexicon at one commit, its bytes cannot change
LEXICON_COPY = (
    "https://raw.githubusercontent.com/SGMAP-AGD/DAMIR/91de5dad787c370ed5482348a21e696dd952413c/"
    "Fichiers_R/documentation/Lexique%20open-DAMIR.xls"
)
# the producer's list of the files of a year; the links in it hold a token that changes
MONTHS_PAGE = "https://open-data-assurance-maladie.ameli.fr/depenses/download.php?Dir_Rep=Open_DAMIR&Annee={year}"
LICENCE = "Licence Ouverte (Etalab): Assurance maladie, Open DAMIR"
SMALL_NAME = "A201612_small.csv.gz"
LEXICON_NAME = "Lexique_open-DAMIR.xls"
MONTH_NAME = re.compile(r"(?P<prefix>[PA])(?P<year>20\d\d)(?:0[1-9]|1[0-2])\.csv\.gz")
FIRST_YEAR, FIRST_YEAR_OF_A = 2009, 2015
# rows of a synthetic month: enough to be slow in a loop, made in seconds
SYNTHETIC_ROWS = 200_000
# published by two independent users of the file
KNOWN_HASHES = {"A202501.csv.gz": "sha256:3d28be961014f9bd846e41302e7ce6fff625bf2ccccf1148a51403e9a72efe0f"}

Synthetic = Callable[[Path], Path]


def _synthetic_small(folder: Path) -> Path:
    from course.generator.small import small_file

    return small_file(folder)


def _synthetic_lexicon(folder: Path) -> Path:
    from course.codes import lexicon_file

    return lexicon_file(folder)


def _no_file(_: Path) -> None:
    """Find nothing."""


@dataclass(frozen=True)
class Resource:
    """A file that can be asked for.

    Attributes:
        name: its file name, compressed suffix included.
        source: the name or the address that was asked for, without credentials.
        locate: returns the addresses to try, in order; it may read a web page.
        known_hash: ``algorithm:hexadecimal`` of the file as it is served, or None.
        synthetic: makes a file of the same content type in a folder and returns it, or None.
        find_synthetic: returns a synthetic file that is in a folder already and is known for one, or None.
        synthetic_note: what the synthetic file is, in a few words.
        licence: the licence and the source to name.
    """

    name: str
    source: str
    locate: Callable[[Patience], list[str]]
    known_hash: str | None = None
    synthetic: Synthetic | None = None
    synthetic_note: str = ""
    find_synthetic: Callable[[Path], Path | None] = _no_file
    licence: str = ""


@dataclass(frozen=True)
class Registry:
    """The names of the course and where their files are; the addresses may be changed for a mirror or a test.

    Attributes:
        seed_site: folder of the seed's files, ending with ``/``.
        lexicon_copies: other addresses of the lexicon.
        months_page: address of the list of the files of a year, with ``{year}`` in it.
        known_hashes: hashes of files by name.
        synthetic: makers of synthetic files by name, which take the place of the course's own.
    """

    seed_site: str = SEED_SITE
    lexicon_copies: tuple[str, ...] = (LEXICON_COPY,)
    months_page: str = MONTHS_PAGE
    known_hashes: dict[str, str] = field(default_factory=lambda: dict(KNOWN_HASHES))
    synthetic: dict[str, Synthetic] = field(default_factory=dict)

    def resource(self, name_or_url: str, filename: str | None = None) -> Resource:
        """Return what a name or an ``http`` address stands for.

        Args:
            name_or_url: a name of the registry, or an address.
            filename: the name to give to the file of an address that ends with none.

        Raises:
            BadArgumentError: the name is unknown (a near one is suggested), or the address names no file.
        """
        if "://" in name_or_url:
            return _resource_of_url(name_or_url, filename)
        resource = self._named(name_or_url)
        return replace(
            resource,
            known_hash=self.known_hashes.get(resource.name),
            synthetic=self.synthetic.get(resource.name, resource.synthetic),
        )

    def _named(self, name: str) -> Resource:
        if name == SMALL_NAME:
            return _named_resource(name, [urljoin(self.seed_site, name)], _synthetic_small, "99,999 generated rows")
        if name == LEXICON_NAME:
            copies = [urljoin(self.seed_site, name), *self.lexicon_copies]
            return _named_resource(name, copies, _synthetic_lexicon, "the official labels, rewritten as a workbook")
        month = MONTH_NAME.fullmatch(name)
        if month is None or (month["prefix"] == "A") != (int(month["year"]) >= FIRST_YEAR_OF_A):
            raise _unknown(name)
        if int(month["year"]) < FIRST_YEAR:
            raise BadArgumentError(f"there is no {name}: the first month of Open DAMIR is P{FIRST_YEAR}01.csv.gz")
        page, file = self.months_page.format(year=month["year"]), name.removesuffix(".gz")
        return replace(
            _named_resource(
                name, [], lambda folder: _synthetic_month(folder / file), f"{SYNTHETIC_ROWS:,} generated rows"
            ),
            locate=lambda patience: [month_address(page, name, patience)],
            find_synthetic=lambda folder: _generated_month(folder / file),
        )


def _named_resource(name: str, addresses: list[str], synthetic: Synthetic, note: str) -> Resource:
    return Resource(name, name, lambda _: addresses, None, synthetic, note, licence=LICENCE)


def _synthetic_month(path: Path) -> Path:
    from course.generator.month import month_file

    return month_file(path, rows=SYNTHETIC_ROWS).path


def _generated_month(path: Path) -> Path | None:
    from course.generator.answer import read_report

    return path if read_report(path) is not None else None


def _unknown(name: str) -> BadArgumentError:
    month = re.fullmatch(r"[PA]?(20\d\d)(0[1-9]|1[0-2])(\.csv)?(\.gz)?", name, re.IGNORECASE)
    if month:
        prefix = "A" if int(month[1]) >= FIRST_YEAR_OF_A else "P"
        near = [f"{prefix}{month[1]}{month[2]}.csv.gz"]
    else:
        near = difflib.get_close_matches(name, [SMALL_NAME, LEXICON_NAME, "A201612.csv.gz"], n=1)
    hint = f"did you mean {near[0]}?" if near else f"give an address, {SMALL_NAME}, {LEXICON_NAME} or A201612.csv.gz"
    return BadArgumentError(f"{name!r} is neither a name of the course nor an address: {hint}")


def _resource_of_url(url: str, filename: str | None) -> Resource:
    try:
        parts = urlsplit(url)
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        valid = False
    if not valid:
        raise BadArgumentError(f"{url!r} is not an http or https address")
    name = filename or unquote(parts.path.rpartition("/")[2])
    if not _is_file_name(name):
        raise BadArgumentError(f"{without_credentials(url)} names no file: give the name to use with filename=")
    return Resource(name, without_credentials(url), lambda _: [url])


def _is_file_name(name: str) -> bool:
    """Tell whether a name can be that of a visible file, on Windows too."""
    return name.isprintable() and not name.startswith(".") and not set(name) & set('/\\:*?"<>|') and bool(name)


class _LinkParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        address = dict(attrs).get("href")
        if tag == "a" and address:
            self.links.append(address)


def _file_of_link(link: str) -> str:
    """Return the name of the file a link leads to: ``?file=folder/NAME``, or the end of its path."""
    parts = urlsplit(link)
    named = parse_qs(parts.query).get("file", [unquote(parts.path)])
    return PurePosixPath(named[0]).name


def month_address(page_url: str, name: str, patience: Patience) -> str:
    """Return today's address of a monthly file, read on the producer's list page.

    Raises:
        DownloadError: the page cannot be read, does not list the file, or sends to another server.
    """
    page, base = page_of(page_url, patience)
    parser = _LinkParser()
    parser.feed(page)  # the parser itself undoes &amp; in attributes
    links = {_file_of_link(link): urljoin(base, link.strip()) for link in parser.links}
    if name not in links:
        listed = sorted(file for file in links if MONTH_NAME.fullmatch(file))
        there = f"it lists {listed[0]} to {listed[-1]}" if listed else "it lists no month"
        raise DownloadError(f"{name} is not on the page {page_url}: {there}")
    if urlsplit(links[name]).netloc != urlsplit(base).netloc:
        raise DownloadError(f"the page {page_url} sends to another server for {name}: it is not followed")
    return links[name]
