"""Where a file is: the seed's two files and every month of Open DAMIR by name, anything else by address."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote, urljoin, urlsplit

from bs4 import BeautifulSoup
from requests.utils import urldefragauth

from course.codes import lexicon_file
from course.downloads.resuming import ResumingDownloader
from course.errors import BadArgumentError, DownloadError
from course.generator.month import month_file
from course.generator.small import small_file

# where the seed's notebook found its small file
SEED_SITE = "http://www.xavierdupre.fr/enseignement/complements/"
# a public copy of the lexicon at one commit, its bytes cannot change
LEXICON_COPY = (
    "https://raw.githubusercontent.com/SGMAP-AGD/DAMIR/91de5dad787c370ed5482348a21e696dd952413c/"
    "Fichiers_R/documentation/Lexique%20open-DAMIR.xls"
)
# the producer's list of the files of a year; the links in it hold a token that changes
MONTHS_PAGE = "https://open-data-assurance-maladie.ameli.fr/depenses/download.php?Dir_Rep=Open_DAMIR&Annee={year}"
SMALL_NAME = "A201612_small.csv.gz"
LEXICON_NAME = "Lexique_open-DAMIR.xls"
# the prefix changed with the columns, in 2015
MONTHS = [
    f"{'P' if year < 2015 else 'A'}{year}{month:02}.csv.gz" for year in range(2009, 2100) for month in range(1, 13)
]
# rows of a synthetic month: enough to be slow in a loop, made in seconds
SYNTHETIC_ROWS = 200_000
# published by two independent users of the file
KNOWN_HASHES = {"A202501.csv.gz": "sha256:3d28be961014f9bd846e41302e7ce6fff625bf2ccccf1148a51403e9a72efe0f"}


@dataclass(frozen=True)
class Resource:
    """A file that can be asked for."""

    name: str  # its file name, compressed suffix included
    source: str  # the name or the address that was asked for, without credentials
    locate: Callable[[], str]  # returns its address of today; it may read a web page
    known_hash: str | None = None  # algorithm:hexadecimal of the file as it is served
    synthetic: Callable[[Path], Path] | None = None  # makes a file of the same content in a folder
    synthetic_note: str = ""  # what that file is, in a few words


def resource_of(name: str, filename: str | None = None) -> Resource:
    """Return what a name of the course, or an ``http`` address, stands for; ``filename`` names the file of an address.

    Raises:
        BadArgumentError: the name is unknown (a near one is suggested), or the address names no file.
    """
    if "://" in name:
        return _resource_of_url(name, filename)
    if name == SMALL_NAME:
        return Resource(name, name, lambda: urljoin(SEED_SITE, name), None, small_file, "99,999 generated rows")
    if name == LEXICON_NAME:
        note = "the official labels, rewritten as a workbook"
        return Resource(name, name, lambda: LEXICON_COPY, None, lexicon_file, note)
    if name in MONTHS:
        return Resource(
            name,
            name,
            lambda: _listed_address(MONTHS_PAGE.format(year=name[1:5]), name),
            KNOWN_HASHES.get(name),
            lambda folder: month_file(folder / name.removesuffix(".gz"), rows=SYNTHETIC_ROWS).path,
            f"{SYNTHETIC_ROWS:,} generated rows",
        )
    near = difflib.get_close_matches(name, [SMALL_NAME, LEXICON_NAME], n=1, cutoff=0.8)
    if month := re.match(r"[PA]?(20\d{4})(\.csv)?(\.gz)?$", name, re.IGNORECASE):
        near = [known for known in MONTHS if month[1] in known]
    others = f"{SMALL_NAME}, {LEXICON_NAME} or a month from {MONTHS[0]} on, such as A201612.csv.gz"
    hint = f"did you mean {near[0]}?" if near else f"give an address, {others}"
    raise BadArgumentError(f"{name!r} is neither a name of the course nor an address: {hint}")


def _resource_of_url(url: str, filename: str | None) -> Resource:
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise BadArgumentError(f"{url!r} is not an http or https address")
    name = filename or unquote(parts.path.rpartition("/")[2])
    # the name of a visible file, on Windows too
    if not name or not name.isprintable() or name.startswith(".") or set(name) & set('/\\:*?"<>|'):
        raise BadArgumentError(f"{urldefragauth(url)} names no file: give the name to use with filename=")
    return Resource(name, urldefragauth(url), lambda: url)


def _listed_address(page_url: str, name: str) -> str:
    """Return today's address of a monthly file: on the page, a link to ``?file=folder/NAME`` or to ``folder/NAME``."""
    with TemporaryDirectory(prefix="bigdata-course-") as folder:
        downloader = ResumingDownloader(Path(folder) / "list.html")
        downloader(page_url, str(downloader.target))
        page = BeautifulSoup(downloader.target.read_bytes(), "html.parser")
    addresses = [urljoin(downloader.address, str(link["href"]).strip()) for link in page.find_all("a", href=True)]
    links = {unquote(address).rpartition("/")[2].partition("&")[0]: address for address in addresses}
    if name not in links:
        listed = [month for month in MONTHS if month in links]
        there = f"it lists {listed[0]} to {listed[-1]}" if listed else "it lists no month"
        raise DownloadError(f"{name} is not on the page {page_url}: {there}")
    if urlsplit(links[name]).netloc != urlsplit(downloader.address).netloc:
        raise DownloadError(f"the page {page_url} sends to another server for {name}: it is not followed")
    return links[name]
