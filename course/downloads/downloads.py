"""Get a file by name or address: fetched once, checked every time, complete or absent."""

from __future__ import annotations

import hashlib
import os
import string
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from course.downloads.archive import CorruptArchiveError, archive_suffix, copy_stream, unpack
from course.downloads.patience import Patience
from course.downloads.placement import place, staging
from course.downloads.receipts import Origin, Receipt
from course.downloads.registry import Registry, Resource
from course.downloads.served import ServedFile
from course.errors import BadArgumentError, DownloadError
from course.files import data_directory


def download(
    name_or_url: str,
    folder: str | Path = "data",
    *,
    known_hash: str | None = None,
    force: bool = False,
    offline: bool | None = None,
    decompress: bool = True,
    filename: str | None = None,
    registry: Registry | None = None,
    patience: Patience | None = None,
    cache: Path | None = None,
    say: Callable[[str], object] = print,
) -> Path:
    """Return a file of the course, or of any address, in ``folder``: fetched and decompressed if it is not there.

    What is there already is checked against the receipt written when it came. The file as it was served is kept in
    the cache of the user, where a broken transfer is taken up again. When a file of the course cannot be fetched, the
    synthetic file of the same name is made, and ``say`` is told.

    Args:
        name_or_url: ``A201612_small.csv.gz``, ``Lexique_open-DAMIR.xls``, a month such as ``A201612.csv.gz``, or an
            ``http`` address.
        folder: where the file is wanted.
        known_hash: ``sha256:…`` of the file as it is served; another algorithm of hashlib will do.
        force: fetch again, and replace a file that did not come from here.
        offline: never use the network; by default, what ``BIGDATA_COURSE_OFFLINE`` says (``1``, or not set).
        decompress: unpack ``.gz .bz2 .xz .zip .tar*``; an archive of several files becomes a folder.
        filename: name of the file, for an address that ends with none.
        registry: what the names stand for.
        patience: time-outs and attempts.
        cache: folder for the files as they are served, instead of the cache of the user.
        say: is given one line when the result is not what was asked for.

    Returns:
        The path of the file, or of the folder for an archive of several files.

    Raises:
        BadArgumentError: unknown name, wrong address or hash, ``force`` with ``offline``.
        DownloadError: the file cannot be fetched, or is not what was expected.
        ExistingFileError: another file is in its place; ``force`` replaces it.
        OutputError: the disk is full or a folder cannot be written.
    """
    offline = os.environ.get("BIGDATA_COURSE_OFFLINE", "") not in {"", "0"} if offline is None else offline
    if force and offline:
        raise BadArgumentError("force fetches the file again and offline forbids it: give one of them")
    resource = _wanted((registry or Registry()).resource(name_or_url, filename), known_hash)
    served = ServedFile(resource, _place_in_cache(resource, cache), patience or Patience())
    return Request(served, Path(folder), offline, force, decompress, say).answer()


def _wanted(resource: Resource, known_hash: str | None) -> Resource:
    """Return the resource with the hash that was given; whoever gives one wants that very file, no synthetic one."""
    if known_hash is None:
        return resource
    return replace(resource, known_hash=normal_hash(known_hash), synthetic=None)


def _place_in_cache(resource: Resource, cache: Path | None) -> Path:
    named = resource.source == resource.name
    key = "course" if named else hashlib.sha256(resource.source.encode()).hexdigest()[:16]
    return (cache or data_directory() / "downloads") / key / resource.name


def normal_hash(known_hash: str) -> str:
    """Return a hash as ``algorithm:hexadecimal`` in lower case; SHA-256 if no algorithm is named.

    Raises:
        BadArgumentError: unknown algorithm, or not a hash of it.
    """
    algorithm, _, digest = known_hash.strip().lower().rpartition(":")
    algorithm = algorithm or "sha256"
    if algorithm not in hashlib.algorithms_available or algorithm.startswith("shake"):
        raise BadArgumentError(f"the hash algorithm {algorithm!r} is unknown: give sha256:…")
    length = 2 * hashlib.new(algorithm, usedforsecurity=False).digest_size
    if len(digest) != length or not set(digest) <= set(string.hexdigits):
        raise BadArgumentError(f"{known_hash!r} is not a {algorithm} hash: it has {length} hexadecimal digits")
    return f"{algorithm}:{digest}"


@dataclass(frozen=True)
class Request:
    """One call of ``download``, its arguments understood."""

    served: ServedFile
    folder: Path
    offline: bool
    force: bool
    decompress: bool
    say: Callable[[str], object]

    def answer(self) -> Path:
        """Return the path asked for, by the cheapest way that is sure."""
        receipt = self._receipt()
        if receipt is not None and not self.force and self._settles(receipt):
            return self.folder / receipt.answer
        try:
            return self._unpacked(receipt)
        except DownloadError as error:
            if self.served.resource.synthetic is None or self._would_lose(receipt):
                raise
            return self._synthetic(receipt, str(error))

    def _receipt(self) -> Receipt | None:
        receipt = Receipt.read(self.folder, self._receipt_name)
        return receipt if receipt is not None and receipt.source == self.served.resource.source else None

    @property
    def _receipt_name(self) -> str:
        return self.served.resource.name + ("" if self.decompress else ".compressed")

    def _settles(self, receipt: Receipt) -> bool:
        """Tell whether the files of a receipt are intact and are what is asked for."""
        if receipt.origin == "synthetic" or not self.served.has_known_hash(receipt):
            return False
        if receipt.is_intact(self.folder):
            return True
        if (self.folder / receipt.answer).exists():
            self.say(f"{self.folder / receipt.answer} has changed since it was downloaded: it is made anew")
        return False

    def _would_lose(self, receipt: Receipt | None) -> bool:
        """Tell whether a file that was really downloaded is there, damaged or not: a synthetic one must not hide it."""
        if receipt is None or receipt.origin == "synthetic":
            return False
        return any((self.folder / record.path).exists() for record in receipt.files)

    def _unpacked(self, receipt: Receipt | None) -> Path:
        """Put the served file, decompressed, in the folder; one that may be made of two pieces is fetched once more."""
        whole = self._fetch(again=self.force)
        try:
            return self._place_served(receipt)
        except CorruptArchiveError as error:
            self.served.forget()
            if whole or self.offline:
                raise self._damaged(error) from error
        self._fetch(again=True)
        try:
            return self._place_served(receipt)
        except CorruptArchiveError as error:
            self.served.forget()
            raise self._damaged(error) from error

    def _damaged(self, error: CorruptArchiveError) -> DownloadError:
        return DownloadError(f"{self.served.resource.source}: {error}")

    def _fetch(self, *, again: bool) -> bool:
        if not self.offline:
            return self.served.fetch(again=again)
        if self.served.receipt() is None:
            raise DownloadError(f"{self.served.resource.source} is not in the cache, and offline forbids to fetch it")
        return False

    def _place_served(self, receipt: Receipt | None) -> Path:
        name = self.served.resource.name
        with staging(self.folder) as staged:
            if self.decompress and archive_suffix(name):
                unpack(self.served.path, staged)
            else:
                with self.served.path.open("rb") as source:
                    copy_stream(source, staged / name)
            return self._placed(staged, receipt, "download", self.served.sha256())

    def _synthetic(self, receipt: Receipt | None, reason: str) -> Path:
        """Make the synthetic file, unless it is there, and say so."""
        resource = self.served.resource
        path, note = resource.find_synthetic(self.folder), "generated earlier"
        if receipt is not None and receipt.origin == "synthetic" and receipt.is_intact(self.folder):
            path, note = self.folder / receipt.answer, resource.synthetic_note
        if path is None:
            with staging(self.folder) as staged:
                made = resource.synthetic(staged) if resource.synthetic is not None else None
                path, note = self._placed(staged, receipt, "synthetic", "", made), resource.synthetic_note
        self.say(f"{path} is SYNTHETIC ({note}): {reason}")
        return path

    def _placed(
        self, staged: Path, receipt: Receipt | None, origin: Origin, sha256: str, answer: Path | None = None
    ) -> Path:
        resource = self.served.resource
        asked, records = place(staged, self.folder, resource.name, receipt, force=self.force, answer=answer)
        written = Receipt(resource.source, origin, sha256, asked, tuple(records))
        written.write(self.folder, self._receipt_name)
        if receipt is not None and receipt.origin == "synthetic":
            receipt.remove_others(self.folder, written)
        return self.folder / asked
