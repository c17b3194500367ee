"""Get a file by name or address: fetched once, checked every time, complete or absent."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import json
import lzma
import os
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PureWindowsPath
from tempfile import TemporaryDirectory
from typing import Any, Literal, Self, TypeAlias

from course.downloads.addresses import Resource, resource_of
from course.downloads.resuming import ResumingDownloader
from course.errors import BadArgumentError, CourseError, DownloadError, ExistingFileError, OutputError
from course.files import data_directory, file_digest, make_folder, replacing
from course.generator.report import read_report
from course.progress import progress_bar

BLOCK = 2**20
Origin: TypeAlias = Literal["download", "synthetic"]
STREAMS: dict[str, Callable[..., Any]] = {"": nullcontext, ".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
# how the tar itself is compressed
TARS = {
    ".tar": "",
    ".tgz": ".gz",
    ".tar.gz": ".gz",
    ".tbz2": ".bz2",
    ".tar.bz2": ".bz2",
    ".txz": ".xz",
    ".tar.xz": ".xz",
}
SUFFIXES = (*TARS, ".zip", ".gz", ".bz2", ".xz")
# what the decompressors of the standard library raise on damaged data, beside OSError
DAMAGED = (EOFError, zlib.error, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile, NotImplementedError)


class DamagedFileError(DownloadError):
    """What came is not what was wanted, not whole, or unsafe: fetched once more if it may be made of two pieces."""


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
    resource = resource_of(name_or_url, filename)
    if known_hash is not None:
        # whoever gives one wants that very file, no synthetic one
        resource = replace(resource, known_hash=_normal_hash(known_hash), synthetic=None)
    return _Request(resource, Path(folder), offline, force, decompress, say).answer()


def _normal_hash(known_hash: str) -> str:
    """Return a hash as ``algorithm:hexadecimal`` in lower case; SHA-256 if no algorithm is named."""
    algorithm, _, digest = known_hash.strip().lower().rpartition(":")
    algorithm = algorithm or "sha256"
    try:
        right = len(bytes.fromhex(digest)) == hashlib.new(algorithm, usedforsecurity=False).digest_size > 0
    except ValueError:
        right = False
    if not right:
        raise BadArgumentError(f"{known_hash!r} is not a hash: give sha256: and its 64 hexadecimal digits")
    return f"{algorithm}:{digest}"


@dataclass(frozen=True)
class FileRecord:
    """One file as it was when it was complete."""

    path: str  # relative to the folder of the receipt, with /
    size: int  # bytes
    sha256: str
    modified: int  # nanoseconds since 1970


@dataclass(frozen=True)
class Receipt:
    """What one request put in a folder, noted beside it: a file found later is checked, never trusted."""

    source: str  # the name or the address that was asked for, without credentials
    origin: Origin
    sha256: str  # of the file as it was fetched, before decompression; empty if it is synthetic
    answer: str  # what was returned, relative to the folder
    files: tuple[FileRecord, ...]

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Return the receipt kept in a file, or None if there is none that can be read."""
        try:
            fields = json.loads(path.read_text(encoding="utf-8"))
            return cls(**{**fields, "files": tuple(FileRecord(**record) for record in fields["files"])})
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            return None

    def is_intact(self, folder: Path, *, thorough: bool = False) -> bool:
        """Tell whether every file is as it was; one of the same size and date is read only if ``thorough``."""
        for record in self.files:
            path = folder / record.path
            if not path.is_file() or path.stat().st_size != record.size:
                return False
            if (thorough or path.stat().st_mtime_ns != record.modified) and file_digest(path) != record.sha256:
                return False
        return True


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
        self.suffix = next((suffix for suffix in SUFFIXES if name.lower().endswith(suffix)), "")
        self.downloader = ResumingDownloader(self.cached, bool(self.resource.known_hash or self.suffix))
        self.receipt_path = self.folder / f".{name}{'' if self.decompress else '.compressed'}.receipt.json"
        receipt = Receipt.read(self.receipt_path)
        self.receipt = receipt if receipt is not None and receipt.source == source else None

    def answer(self) -> Path:
        """Return the path asked for, by the cheapest way that is sure."""
        receipt = self.receipt if self.receipt and self.receipt.origin == "download" else None
        if receipt and not self.force and self._has_known_hash(receipt):
            if receipt.is_intact(self.folder):
                return self.folder / receipt.answer
            if (self.folder / receipt.answer).exists():
                self.say(f"{self.folder / receipt.answer} has changed since it was downloaded: it is made anew")
        try:
            try:
                return self._unpacked(self._fetched(again=self.force))
            except DamagedFileError:
                if self.downloader.whole or self.offline:
                    raise
                return self._unpacked(self._fetched(again=True))
        except DownloadError as error:
            # a synthetic file must not hide one that was really downloaded, damaged or not
            hides = receipt is not None and any((self.folder / record.path).exists() for record in receipt.files)
            if self.resource.synthetic is None or hides:
                raise
            return self._synthetic(str(error))

    def _has_known_hash(self, receipt: Receipt) -> bool:
        """Tell whether the file a receipt speaks of, here or decompressed elsewhere, is the one with the known hash."""
        import pooch

        known_hash = self.resource.known_hash
        if known_hash is None or known_hash == f"sha256:{receipt.sha256}":
            return True
        # another algorithm: the file as it was served tells, if it is still there
        algorithm, _, digest = known_hash.partition(":")
        here = self.cached.is_file() and file_digest(self.cached) == receipt.sha256
        return here and bool(pooch.file_hash(str(self.cached), alg=algorithm) == digest)

    def _cached_sha256(self) -> str:
        """Return the SHA-256 of the file in the cache, empty if it is not there, damaged or not the one wanted."""
        receipt = Receipt.read(self.cached_receipt_path)
        if receipt and receipt.is_intact(self.cached.parent, thorough=True) and self._has_known_hash(receipt):
            return receipt.sha256
        return ""

    def _fetched(self, *, again: bool) -> str:
        """Make sure that the file is in the cache; another process that fetches it is waited for."""
        from filelock import FileLock

        if self.offline:
            if sha256 := self._cached_sha256():
                return sha256
            raise DownloadError(f"{self.resource.source} is not in the cache, and offline forbids to fetch it")
        make_folder(self.cached.parent)
        with FileLock(self.cached.with_name(f".{self.cached.name}.lock")):
            if not again and (sha256 := self._cached_sha256()):
                return sha256
            if again:
                self.downloader.discard()
            *others, last = self.resource.locate()
            for url in others:
                try:
                    return self._retrieved(url)
                except DownloadError:
                    self.downloader.discard()
            return self._retrieved(last)

    def _retrieved(self, url: str) -> str:
        import pooch

        pooch.get_logger().setLevel("WARNING")  # the course has its own progress bar
        # what is in the cache stays until all of what replaces it is here
        fresh = self.cached.with_name(f".{self.cached.name}.fresh")
        fresh.unlink(missing_ok=True)
        known_hash = self.resource.known_hash
        try:
            pooch.retrieve(url, known_hash, fname=fresh.name, path=fresh.parent, downloader=self.downloader)
        except ValueError as error:
            raise DamagedFileError(
                f"what came for {self.resource.source} has not the hash {known_hash}: "
                "the file has changed, or the hash is wrong"
            ) from error
        fresh.replace(self.cached)
        sha256 = file_digest(self.cached)
        self._note(self.cached_receipt_path, "download", sha256, self.cached.name, [self.cached])
        return sha256

    def _unpacked(self, sha256: str) -> Path:
        name, unpacks = self.resource.name, self.decompress and self.suffix
        try:
            with _staging(self.folder, name) as staged:
                if unpacks:
                    _unpack(self.cached, staged, self.suffix)
                else:
                    shutil.copyfile(self.cached, staged / name)
                return self._install(staged, "download", sha256)
        except DamagedFileError:
            self.cached_receipt_path.unlink(missing_ok=True)
            self.cached.unlink(missing_ok=True)
            raise

    def _synthetic(self, reason: str) -> Path:
        """Make the synthetic file, unless it is there, and say so."""
        resource, made_before = self.resource, self.folder / self.resource.name.removesuffix(".gz")
        path, note = made_before, resource.synthetic_note
        if self.receipt is not None and self.receipt.is_intact(self.folder):
            path = self.folder / self.receipt.answer
        elif read_report(made_before) is not None:
            note = "generated earlier"
        elif resource.synthetic is not None:
            with _staging(self.folder, resource.name) as staged:
                path = self._install(staged, "synthetic", "", resource.synthetic(staged).name)
        self.say(f"{path} is SYNTHETIC ({note}): {reason}")
        return path

    def _install(self, staged: Path, origin: Origin, sha256: str, answer: str = "") -> Path:
        """Move what is staged to its place: a file as it is, the files of an archive in a folder named as it is."""
        paths = sorted(path for path in staged.rglob("*") if path.is_file())
        if not paths:
            raise DamagedFileError(f"{self.resource.name} holds no file")
        root, place = staged, self.folder
        if len(paths) == 1:
            root, answer = paths[0].parent, paths[0].name
        elif not answer:
            answer = self.resource.name[: -len(self.suffix)]
            place = self.folder / answer
            tops = {path.relative_to(staged).parts[0] for path in paths}
            root = staged / tops.pop() if len(tops) == 1 else staged
        targets = {path: place / path.relative_to(root) for path in paths}
        ours = {self.folder / record.path for record in self.receipt.files} if self.receipt else set()
        for path, target in targets.items():
            if target.exists() and not self.force and target not in ours:
                if not (target.is_file() and file_digest(target) == file_digest(path)):
                    raise ExistingFileError(
                        f"{target} is there and is another file than the one asked for: "
                        "give force to replace it, or another folder"
                    )
        for path, target in targets.items():
            make_folder(target.parent)
            path.replace(target)
        self._note(self.receipt_path, origin, sha256, answer, targets.values())
        if self.receipt and self.receipt.origin == "synthetic":
            for path in ours - set(targets.values()):
                path.unlink(missing_ok=True)
        return self.folder / answer

    def _note(self, path: Path, origin: Origin, sha256: str, answer: str, files: Iterable[Path]) -> None:
        records = []
        for file in files:
            state = file.stat()
            place = file.relative_to(path.parent).as_posix()
            records.append(FileRecord(place, state.st_size, file_digest(file), state.st_mtime_ns))
        receipt = Receipt(self.resource.source, origin, sha256, answer, tuple(records))
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(asdict(receipt), indent=1), encoding="utf-8", newline="\n")


@contextmanager
def _staging(folder: Path, name: str) -> Iterator[Path]:
    """Give a hidden folder inside ``folder``, removed with what is left in it, and explain what goes wrong."""
    make_folder(folder)
    try:
        with TemporaryDirectory(prefix=".", suffix=".part", dir=folder, ignore_cleanup_errors=True) as staged:
            yield Path(staged)
    except CourseError:
        raise
    except (*DAMAGED, OSError) as error:
        if getattr(error, "errno", None) is None:  # what bz2 and gzip raise is an OSError without a number
            raise DamagedFileError(f"{name} is damaged ({error}): fetch it again") from error
        advice = "free some space or choose another folder"
        raise OutputError(f"cannot write {name} in {folder}: {error.strerror}; {advice}") from error


def _unpack(archive: Path, folder: Path, suffix: str) -> None:
    """Decompress a file or the members of an archive by stream, in flat memory; nothing gets out of the folder."""
    if suffix == ".zip":
        with zipfile.ZipFile(archive) as zipped:
            for member in zipped.infolist():
                _check_member(member.filename)
                if member.flag_bits & 1:
                    raise DamagedFileError(f"{archive.name} is encrypted: decrypt it by hand")
            zipped.extractall(folder)
        return
    with archive.open("rb") as compressed, STREAMS[TARS.get(suffix, suffix)](compressed) as stream:
        if suffix in TARS:
            with tarfile.open(fileobj=stream, mode="r|") as tarred:
                tarred.extractall(folder, filter=_checked_member)
            while stream.read(BLOCK):
                pass  # the checksum of the compressed stream comes after the end of the tar
            return
        name = archive.name[: -len(suffix)]
        with (
            (folder / name).open("wb") as output,
            progress_bar(archive.stat().st_size, description=f"decompress {name}") as bar,
        ):
            while block := stream.read(BLOCK):
                output.write(block)
                bar.update(compressed.tell() - bar.n)


def _checked_member(member: tarfile.TarInfo, folder: str) -> tarfile.TarInfo:
    if not (member.isfile() or member.isdir()):
        raise DamagedFileError(f"the archive is refused: its member {member.name!r} is a link or a device")
    _check_member(member.name)
    return tarfile.data_filter(member, folder)


def _check_member(name: str) -> None:
    """Refuse a name that any platform could read as outside the folder."""
    path = PureWindowsPath(name)
    if path.anchor or ".." in path.parts or not path.parts:
        raise DamagedFileError(f"the archive is refused: its member {name!r} would be written outside the folder")
