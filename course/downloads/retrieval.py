"""Get a file by name or address: fetched once, checked every time, complete or absent."""

from __future__ import annotations

import bz2
import difflib
import gzip
import hashlib
import json
import lzma
import os
import re
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import pooch
from bs4 import BeautifulSoup
from filelock import FileLock
from requests.utils import urldefragauth

from course.codes import lexicon_file
from course.downloads.receipts import BLOCK, Receipt, put_in_place
from course.downloads.resuming import ResumingDownloader
from course.errors import BadArgumentError, DownloadError, MissingDependencyError
from course.files import data_directory, expanded, file_digest, make_folder, replacing, scratch_folder, temporary_folder
from course.generator.answer import read_report
from course.generator.month import month_file
from course.generator.small import small_file
from course.progress import progress_bar

# where the seed's notebook found its small file
SEED_SITE = "https://www.xavierdupre.fr/enseignement/complements/"
# a public copy of the lexicon at one commit, its bytes cannot change
LEXICON_COPY = (
    "https://raw.githubusercontent.com/SGMAP-AGD/DAMIR/91de5dad787c370ed5482348a21e696dd952413c/"
    "Fichiers_R/documentation/Lexique%20open-DAMIR.xls"
)
# the producer's list of the files of a year; the links in it hold a token that changes
MONTHS_PAGE = "https://open-data-assurance-maladie.ameli.fr/depenses/download.php?Dir_Rep=Open_DAMIR&Annee={year}"
SMALL_NAME = "A201612_small.csv.gz"
LEXICON_NAME = "Lexique_open-DAMIR.xls"
MONTHS = [  # the prefix changed with the columns, in 2015
    f"{'P' if year < 2015 else 'A'}{year}{month:02}.csv.gz" for year in range(2009, 2100) for month in range(1, 13)
]
MONTH_LINKED = re.compile(r"(?<=[/=])[PA]\d{6}\.csv\.gz(?=&|$)")  # in ?file=folder/NAME or folder/NAME
SYNTHETIC_ROWS = 200_000  # of a month: enough to be slow in a loop, made in seconds
KNOWN_HASHES = {
    # of the file of that commit
    LEXICON_COPY: "sha256:2b8bbab0697fa298b9ff2c681a07cce694d08b611fd86d6c315157f18d21bb1e",
    # published by two independent users of the file
    "A202501.csv.gz": "sha256:3d28be961014f9bd846e41302e7ce6fff625bf2ccccf1148a51403e9a72efe0f",
}

STREAMS: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
SUFFIX = re.compile(r"(\.tar)?\.(gz|bz2|xz)$|\.(zip|tar|tgz|tbz2|txz)$", re.IGNORECASE)
# raised, beside OSError, for damaged data, members that leave the folder (TarError), encryption (RuntimeError)
UNUSABLE = (EOFError, zlib.error, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile, RuntimeError)


class DamagedFileError(DownloadError):
    """What came is not what was wanted or cannot be unpacked: fetched once more if it may be made of two pieces."""


def download(
    name_or_url: str,
    folder: str | Path = "data",
    *,
    known_hash: str | None = None,
    force: bool = False,
    offline: bool | None = None,
    decompress: bool = True,
    filename: str | None = None,
    say: Callable[[str], object] = print,
) -> Path:
    """Return the path of a file, or of the folder of an archive of several: fetched and unpacked if it is not there.

    What is there already is checked against the receipt written when it came: if it has changed, it is made anew, and
    what was written in it is kept beside, as ``NAME.changed.csv``. The file as it was served is kept in
    the cache of the user, where a broken transfer is taken up again. When a file of the course cannot be fetched, the
    synthetic file of the same name is made, and ``say`` is told.

    Args:
        name_or_url: ``A201612_small.csv.gz``, ``Lexique_open-DAMIR.xls``, a month, or an ``http`` address.
        folder: where the file is wanted.
        known_hash: ``sha256:…`` of the file as it is served; another algorithm of hashlib will do.
        force: fetch again, and replace a file that did not come from here.
        offline: never use the network; by default, what ``BIGDATA_COURSE_OFFLINE`` says (``1``, or not set).
        decompress: unpack ``.gz .bz2 .xz .zip .tar*``.
        filename: name of the file, for an address that ends with none.
        say: is given one line when the result is not what was asked for.

    Raises:
        BadArgumentError: unknown name, wrong address or hash, ``force`` with ``offline``.
        DownloadError: the file cannot be fetched, or is not what was expected.
        ExistingFileError: another file is in its place; ``force`` replaces it.
        MissingDependencyError: this Python is too old to unpack a tar safely.
        OutputError: the disk is full or a folder cannot be written.
    """
    offline = os.environ.get("BIGDATA_COURSE_OFFLINE", "") not in {"", "0"} if offline is None else offline
    if force and offline:
        raise BadArgumentError("force fetches the file again and offline forbids it: give one of them")
    resource = _resource_of(name_or_url, filename)
    if known_hash is not None:  # whoever gives one wants that very file, no synthetic one
        resource = replace(resource, known_hash=_normal_hash(known_hash), synthetic=None)
    return _Request(resource, expanded(folder), offline, force, decompress, say).answer()


def _normal_hash(known_hash: str) -> str:
    """Return a hash as ``algorithm:hexadecimal`` in lower case; SHA-256 if no algorithm is named."""
    algorithm, digest = f"sha256:{known_hash.strip().lower()}".split(":")[-2:]
    with suppress(ValueError):
        if len(bytes.fromhex(digest)) == hashlib.new(algorithm, usedforsecurity=False).digest_size > 0:
            return f"{algorithm}:{digest}"
    raise BadArgumentError(f"{known_hash!r} is not a hash: give sha256: and its 64 hexadecimal digits")


@dataclass(frozen=True)
class Resource:
    """A file that can be asked for."""

    name: str  # its file name, compressed suffix included
    source: str  # the name or the address that was asked for, without credentials
    locate: Callable[[], str]  # returns its address of today; it may read a web page
    known_hash: str | None = None  # algorithm:hexadecimal of the file as it is served
    synthetic: Callable[[Path], Path] | None = None  # makes a file of the same content in a folder
    synthetic_note: str = ""  # what that file is, in a few words


def _resource_of(name: str, filename: str | None) -> Resource:
    """Return what a name of the course, or an ``http`` address, stands for; a name near an unknown one is suggested."""
    if "://" in name:
        return _resource_of_url(name, filename)
    if name == SMALL_NAME:
        return Resource(
            name,
            name,
            lambda: urljoin(SEED_SITE, name),
            None,
            partial(small_file, generated=True),
            "99,999 generated rows",
        )
    if name == LEXICON_NAME:
        note = "the official labels, rewritten as a workbook"
        return Resource(name, name, lambda: LEXICON_COPY, KNOWN_HASHES.get(LEXICON_COPY), lexicon_file, note)
    if name in MONTHS:
        return Resource(
            name,
            name,
            lambda: _listed_address(MONTHS_PAGE.format(year=name[1:5]), name),
            KNOWN_HASHES.get(name),
            lambda folder: month_file(folder / name.removesuffix(".gz"), rows=SYNTHETIC_ROWS, generated=True).path,
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
    """Return today's address of a monthly file, on the page of its year."""
    with temporary_folder() as folder:
        downloader = ResumingDownloader(folder / "list.html")
        downloader(page_url, str(downloader.target))
        page = BeautifulSoup(downloader.target.read_bytes(), "html.parser")
    addresses = [urljoin(downloader.address, str(link["href"]).strip()) for link in page.find_all("a", href=True)]
    links = {match[0]: address for address in addresses for match in MONTH_LINKED.finditer(unquote(address))}
    if name not in links:
        listed = [month for month in MONTHS if month in links]
        there = f"it lists {listed[0]} to {listed[-1]}" if listed else "it lists no month"
        raise DownloadError(f"{name} is not on the page {page_url}: {there}")
    if urlsplit(links[name]).netloc != urlsplit(downloader.address).netloc:
        raise DownloadError(f"the page {page_url} sends to another server for {name}: it is not followed")
    return links[name]


@dataclass
class _Request:
    """One call of ``download``, its arguments understood."""

    resource: Resource
    folder: Path
    offline: bool
    force: bool
    decompress: bool
    say: Callable[[str], object]

    def __post_init__(self) -> None:
        name, source = self.resource.name, self.resource.source
        key = "course" if source == name else hashlib.sha256(source.encode()).hexdigest()[:16]
        self.cached = data_directory() / "downloads" / key / name
        self.cached_receipt_path = self.cached.with_name(f".{name}.receipt.json")
        self.suffix = found[0] if self.decompress and (found := SUFFIX.search(name)) else ""  # to be taken away
        self.downloader = ResumingDownloader(self.cached, bool(self.resource.known_hash or self.suffix))
        self.receipt_path = self.folder / f".{name}{'' if self.decompress else '.compressed'}.receipt.json"
        receipt = Receipt.read(self.receipt_path)
        self.receipt = receipt if receipt.source == source else Receipt()

    def answer(self) -> Path:
        """Return the path asked for, by the cheapest way that is sure."""
        was_downloaded, there = self.receipt.origin == "download", self.folder / self.receipt.answer
        if was_downloaded and not self.force and self._has_known_hash(self.receipt):
            if self.receipt.is_intact(self.folder):
                return there
            if there.exists():
                self.say(f"{there} has changed since it was downloaded: it is made anew")
        try:
            try:
                return self._unpacked(self._fetched(again=self.force))
            except DamagedFileError:
                if self.downloader.whole or self.offline:
                    raise
                return self._unpacked(self._fetched(again=True))
        except DownloadError as error:
            # a synthetic file must not hide one that was really downloaded, damaged or not
            ours = self.receipt.paths(self.folder)
            if self.resource.synthetic is None or (was_downloaded and any(path.exists() for path in ours)):
                raise
            return self._synthetic(self.resource.synthetic, str(error))

    def _has_known_hash(self, receipt: Receipt) -> bool:
        """Tell whether a receipt is that of the file with the known hash; if it is not a SHA-256, the cache tells."""
        if self.resource.known_hash in {None, f"sha256:{receipt.sha256}"}:
            return True
        algorithm, digest = str(self.resource.known_hash).split(":")
        here = self.cached.is_file() and file_digest(self.cached) == receipt.sha256
        return here and bool(pooch.file_hash(str(self.cached), alg=algorithm) == digest)

    def _fetched(self, *, again: bool) -> str:
        """Return the SHA-256 of the file in the cache, fetched if need be; a process that fetches it is waited for."""
        make_folder(self.cached.parent)
        with FileLock(self.cached.with_name(f".{self.cached.name}.lock")):
            receipt = Receipt.read(self.cached_receipt_path)
            if not again and receipt.is_intact(self.cached.parent) and self._has_known_hash(receipt):
                return receipt.sha256
            if self.offline:
                raise DownloadError(f"{self.resource.source} is not in the cache, and offline forbids to fetch it")
            if again:
                self.downloader.discard()
            url, known_hash = self.resource.locate(), self.resource.known_hash
            pooch.get_logger().setLevel("WARNING")  # the course has its own progress bar
            with replacing(self.cached) as fresh:  # what was there stays until all of it is here
                try:
                    pooch.retrieve(url, known_hash, fname=fresh.name, path=fresh.parent, downloader=self.downloader)
                except ValueError as error:
                    what = f"what came for {self.resource.source} has not the hash {known_hash}"
                    raise DamagedFileError(f"{what}: the file has changed, or the hash is wrong") from error
            sha256 = file_digest(self.cached)
            self._note(self.cached_receipt_path, sha256, self.cached.name, [self.cached])
            return sha256

    def _unpacked(self, sha256: str) -> Path:
        with scratch_folder(self.folder / self.resource.name) as scratch:
            staged = scratch / "came"
            staged.mkdir()
            try:
                if self.suffix:
                    _unpack(self.cached, staged, self.suffix.lower())
                else:
                    shutil.copyfile(self.cached, staged / self.resource.name)
            except (*UNUSABLE, OSError) as error:
                if isinstance(error, OSError) and error.errno:  # of the disk: those of bz2 and gzip have no number
                    raise
                self.cached.unlink(missing_ok=True)
                what = f"{self.resource.name} cannot be unpacked ({error})"
                raise DamagedFileError(f"{what}: fetch it again, or keep it compressed") from error
            return self._install(staged, sha256)

    def _synthetic(self, make: Callable[[Path], Path], reason: str) -> Path:
        """Make the synthetic file, unless it is there, and say so."""
        path, note = self.folder / self.resource.name.removesuffix(".gz"), self.resource.synthetic_note
        if self.receipt.is_intact(self.folder):
            path = self.folder / self.receipt.answer
        elif (known := read_report(path)) and not known.source:
            note = "generated earlier"
        else:
            with scratch_folder(self.folder / self.resource.name) as scratch:
                staged = scratch / "made"
                staged.mkdir()
                path = self._install(staged, "", make(staged).name)
        self.say(f"{path} is SYNTHETIC ({note}): {reason}")
        return path

    def _install(self, staged: Path, sha256: str, answer: str = "") -> Path:
        """Move what is staged to its place: a file as it is, the files of an archive in a folder named as it is."""
        paths = sorted(path for path in staged.rglob("*") if path.is_file())
        root, place = staged, self.folder
        if len(paths) == 1:
            root, answer = paths[0].parent, paths[0].name
        elif not answer:
            answer = self.resource.name[: -len(self.suffix)]
            tops = {path.relative_to(staged).parts[0] for path in paths}
            root, place = staged / tops.pop() if len(tops) == 1 else staged, self.folder / answer
        targets = {path: place / path.relative_to(root) for path in paths}
        put_in_place(targets, self.folder, self.receipt, force=self.force, say=self.say)
        self._note(self.receipt_path, sha256, answer, targets.values())
        return self.folder / answer

    def _note(self, receipt_path: Path, sha256: str, answer: str, paths: Iterable[Path]) -> None:
        files = []
        for path in paths:
            place, state = path.relative_to(receipt_path.parent).as_posix(), path.stat()
            described = {"path": place, "size": state.st_size, "modified": state.st_mtime_ns}
            files.append({**described, "sha256": file_digest(path)})
        receipt = Receipt(self.resource.source, "download" if sha256 else "synthetic", sha256, answer, files)
        with replacing(receipt_path) as temporary:
            temporary.write_text(json.dumps(asdict(receipt), indent=1), encoding="utf-8", newline="\n")


def _unpack(archive: Path, folder: Path, suffix: str) -> None:
    """Decompress a file or the members of an archive by stream, in flat memory; nothing gets out of the folder."""
    if not archive.stat().st_size:
        raise EOFError("it is empty")
    if suffix == ".zip":
        with zipfile.ZipFile(archive) as zipped:
            zipped.extractall(folder)  # noqa: S202 (it makes every name one inside the folder)
    elif suffix.startswith(".t"):
        if not hasattr(tarfile, "data_filter"):
            raise MissingDependencyError(f"Python 3.11.4 or later is needed to unpack {archive.name} safely")
        with tarfile.open(archive) as tarred:
            tarred.extractall(folder, filter="data")
            while tarred.fileobj and tarred.fileobj.read(BLOCK):
                pass  # the checksum of the compressed stream comes after the end of the tar
    else:
        target = folder / archive.name[: -len(suffix)]
        with (
            progress_bar(archive.stat().st_size, description=f"decompress {target.name}") as bar,
            archive.open("rb") as compressed,
            STREAMS[suffix](compressed) as stream,
            target.open("wb") as output,
        ):
            while block := stream.read(BLOCK):
                output.write(block)
                bar.update(compressed.tell() - bar.n)
    if not any(path.is_file() for path in folder.rglob("*")):
        raise EOFError("it holds no file")
