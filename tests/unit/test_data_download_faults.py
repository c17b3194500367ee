"""Whatever the server does, a download gives the whole right file or an error, and loses nothing that was there."""

from __future__ import annotations

import gzip
import hashlib
import io
import random
import re
import secrets
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from misbehaving_server import (
    IMPATIENT,
    Behaviour,
    Content,
    Server,
    chunked,
    cut,
    drip,
    hang_up,
    page,
    redirect,
    running,
    serve,
    serve_with_length,
    short_part,
    silence,
    status,
    wrong_part,
)

from course.downloads import download, resuming
from course.downloads.retrieval import Receipt
from course.errors import CourseError, DownloadError

# text that compresses little, so that the compressed file has some size: 90 kB
TEXT = "".join(f"{random.Random(number).random()};\n" for number in range(8000)).encode()
BODY = gzip.compress(TEXT, mtime=0)
HALF = len(BODY) // 2
NAME = "month.csv.gz"
FILE = Content(BODY)
FLIPPED = BODY[:HALF] + bytes([BODY[HALF] ^ 255]) + BODY[HALF + 1 :]
OLDER = Content(gzip.compress(TEXT[::-1], mtime=0))
DATED = Content(BODY, validators={"Last-Modified": "Sun, 01 Jan 2017 00:00:00 GMT"})
UNRANGED = Content(BODY, ranges=False)
UNVERSIONED = Content(BODY, validators={})
BLIND = Content(BODY, honest=False)
BLIND_AND_OLDER = Content(OLDER.body, honest=False)
DAY = {"Retry-After": "86400"}


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIGDATA_COURSE_DATA", str(tmp_path / "cache"))
    monkeypatch.setattr(resuming, "RETRY", IMPATIENT)


def fetch(url: str, tmp_path: Path, **options: object) -> Path:
    return download(url, tmp_path / "data", **options)  # type: ignore[arg-type]


def visible(folder: Path) -> list[Path]:
    """Return the files a user would take for finished ones."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))


def check_nothing_half_written(tmp_path: Path) -> None:
    """Every visible file has an intact receipt; nothing temporary is left in the folder of the user."""
    assert not list((tmp_path / "data").rglob("*.part"))
    assert not list((tmp_path / "cache").rglob("tmp*"))
    for path in visible(tmp_path / "cache"):
        receipt = Receipt.read(path.with_name(f".{path.name}.receipt.json"))
        assert receipt is not None
        assert receipt.is_intact(path.parent)


@dataclass(frozen=True)
class Fault:
    """What the server does, and how many requests are needed to get the file all the same."""

    script: list[Behaviour]
    requests: int
    ranges: list[int] | None = None


OVERCOME = {
    "cut, resumed by entity tag": Fault([cut(FILE, HALF), serve(FILE)], 2, [HALF]),
    "cut, resumed by date": Fault([cut(DATED, HALF), serve(DATED)], 2, [HALF]),
    "cut, resumed without a version since gzip can be verified": Fault(
        [cut(UNVERSIONED, HALF), serve(UNVERSIONED)], 2, [HALF]
    ),
    "cut twice": Fault([cut(FILE, 1000), cut(FILE, HALF), serve(FILE)], 3, [1000, HALF]),
    "cut, ranges ignored": Fault([cut(UNRANGED, HALF), serve(UNRANGED)], 2, [HALF]),
    "cut before the first byte": Fault([cut(FILE, 0), serve(FILE)], 2),
    "cut, then a newer version": Fault([cut(OLDER, HALF), serve(FILE)], 2, [HALF]),
    "cut, then a newer version, If-Range ignored": Fault([cut(BLIND_AND_OLDER, HALF), serve(BLIND)], 3, [HALF]),
    "cut, then the wrong part": Fault([cut(FILE, HALF), wrong_part(FILE, HALF - 7), serve(FILE)], 3, [HALF]),
    "cut, then the part is refused": Fault([cut(FILE, HALF), status(416), serve(FILE)], 3, [HALF]),
    "cut, then 500, then resumed": Fault([cut(FILE, HALF), status(500), serve(FILE)], 3, [HALF, HALF]),
    "cut chunks": Fault([chunked(FILE, HALF), serve(FILE)], 2),
    "500 then fine": Fault([status(500), serve(FILE)], 2),
    "502, 504 then fine": Fault([status(502), status(504), serve(FILE)], 3),
    "503 asking to wait": Fault([status(503, {"Retry-After": "0"}), serve(FILE)], 2),
    "429 then fine": Fault([status(429), serve(FILE)], 2),
    "silence before the body": Fault([silence(FILE), serve(FILE)], 2),
    "silence in the middle": Fault([silence(FILE, HALF), serve(FILE)], 2, [HALF]),
    "slow drip then fine": Fault([drip(FILE), serve(FILE)], 2),
    "hangs up then fine": Fault([hang_up, serve(FILE)], 2),
    "called an encoding": Fault([serve(Content(BODY, headers={"Content-Encoding": "gzip"}))], 1),
    "chunks without a length": Fault([chunked(FILE)], 1),
}


@pytest.mark.parametrize("fault", OVERCOME.values(), ids=OVERCOME)
def test_a_passing_fault_is_overcome(fault: Fault, server: Server, tmp_path: Path) -> None:
    path = fetch(server.script(f"/{NAME}", *fault.script), tmp_path)
    assert path == tmp_path / "data" / "month.csv"
    assert path.read_bytes() == TEXT
    assert len(server.requests) == fault.requests
    if fault.ranges is not None:
        assert [r for r in server.ranges() if r] == [f"bytes={start}-" for start in fault.ranges]
    check_nothing_half_written(tmp_path)


REFUSED: dict[str, tuple[list[Behaviour], str, int]] = {
    "cut for ever": ([cut(UNRANGED, HALF)], r"3 attempts\): the transfer broke", 3),
    "announced longer than sent": ([serve_with_length(BODY, len(BODY) + 9)], "3 attempts", 3),
    "announced shorter than sent": ([serve_with_length(BODY, len(BODY) - 9)], "damaged", 1),
    "404": ([status(404)], "404 Not Found; check the address", 1),
    "403": ([status(403)], "403", 1),
    "204 without a body": ([status(204)], "204", 1),
    "500 for ever": ([status(500)], r"3 attempts\): the server answered 500", 3),
    "429 asking to come back tomorrow": ([status(429, DAY)], "429.*try again later", 1),
    "slow drip for ever": ([drip(FILE)], "stalled", 3),
    "silence for ever": ([silence(FILE)], "timed out", 3),
    "hangs up for ever": ([hang_up], "3 attempts", 3),
    "page in place of gzip": ([page("Accès &amp; maintenance")], "the web page 'Accès & maintenance' in place of", 1),
    "text in place of gzip": ([serve(Content(b"AGE_BEN_SNDS;\n" * 99))], "damaged .Not a gzipped file", 1),
    "empty file": ([serve(Content(b""))], "damaged .it is empty", 1),
    "one bit of gzip changed": ([serve(Content(FLIPPED))], "damaged", 1),
    "gzip cut on the server": ([serve(Content(BODY[:HALF]))], "damaged", 1),
    "damaged in two pieces": ([cut(Content(FLIPPED), HALF), serve(Content(FLIPPED))], "damaged", 3),
    "redirects to itself": ([redirect(f"/{NAME}")], "Exceeded 30 redirects", 31),
    "redirects to another protocol": ([redirect("ftp://127.0.0.1/a")], "not an address that can be fetched", 1),
}


@pytest.mark.parametrize("earlier", [False, True], ids=["nothing there", "earlier copy there"])
@pytest.mark.parametrize(("script", "message", "requests"), REFUSED.values(), ids=REFUSED)
def test_a_lasting_fault_is_one_clear_error_and_loses_nothing(
    script: list[Behaviour], message: str, requests: int, earlier: bool, server: Server, tmp_path: Path
) -> None:
    url = server.script(f"/{NAME}", serve(OLDER))
    before = fetch(url, tmp_path).read_bytes() if earlier else None
    server.script(f"/{NAME}", *script)
    server.requests.clear()
    with pytest.raises(DownloadError, match=message) as raised:
        fetch(url, tmp_path, force=earlier)
    assert "\n" not in str(raised.value)
    assert len(server.requests) == requests
    left = {path: path.read_bytes() for path in visible(tmp_path / "data")}
    assert left == ({tmp_path / "data" / "month.csv": before} if earlier else {})
    check_nothing_half_written(tmp_path)


def test_a_page_in_place_of_any_other_file_is_recognised_too(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"the web page 'Login' in place of a\.csv"):
        fetch(server.script("/a.csv", page("Login")), tmp_path)
    assert fetch(server.script("/a.html", page("A page")), tmp_path).read_bytes().startswith(b"<!DOCTYPE")


def test_failures_are_forgotten_when_the_transfer_makes_progress(server: Server, tmp_path: Path) -> None:
    content = Content(random.Random(0).randbytes(8 * 2**20))
    cuts = [cut(content, stop * 2**20 + 5) for stop in range(1, 8)]
    path = fetch(server.script("/large.bin", *cuts, serve(content)), tmp_path)
    assert path.read_bytes() == content.body
    assert len(server.requests) == 8 > IMPATIENT.attempts


def test_a_file_that_cannot_be_verified_is_not_made_of_two_pieces_of_unknown_versions(
    server: Server, tmp_path: Path
) -> None:
    old, new = (Content(letter * 50_000, validators={}, honest=False) for letter in (b"a", b"b"))
    path = fetch(server.script("/a.csv", cut(old, 20_000), serve(new)), tmp_path)
    assert path.read_bytes() == new.body
    assert server.ranges() == [None, None]


NOISE = [Content(random.Random(seed).randbytes(50_000), honest=False) for seed in (0, 1)]


@pytest.mark.parametrize(
    "script",
    {
        "newer version, If-Range ignored": [cut(NOISE[0], 20_000), serve(NOISE[1])],
        "wrong part": [cut(NOISE[1], 20_000), wrong_part(NOISE[1], 10_000), serve(NOISE[1])],
        "shorter part": [cut(NOISE[1], 20_000), short_part(NOISE[1], 10_000), serve(NOISE[1])],
    }.items(),
    ids=lambda named: named[0],
)
def test_pieces_fit_together_even_where_no_checksum_would_tell(
    script: tuple[str, list[Behaviour]], server: Server, tmp_path: Path
) -> None:
    path = fetch(server.script("/a.csv", *script[1]), tmp_path)
    assert path.read_bytes() == NOISE[1].body


def test_pieces_of_two_versions_that_cannot_be_told_apart_are_found_out_by_the_hash(
    server: Server, tmp_path: Path
) -> None:
    old, new = (Content(letter * 50_000, validators={}, honest=False) for letter in (b"a", b"b"))
    url = server.script("/a.csv", cut(old, 20_000), serve(new))
    path = fetch(url, tmp_path, known_hash=hashlib.sha256(new.body).hexdigest())
    assert path.read_bytes() == new.body
    assert server.ranges() == [None, "bytes=20000-", None]


def test_a_wrong_hash_is_an_error_and_the_file_does_not_appear(server: Server, tmp_path: Path) -> None:
    url = server.script(f"/{NAME}", serve(FILE))
    with pytest.raises(DownloadError, match="has not the hash sha256:0000"):
        fetch(url, tmp_path, known_hash="sha256:" + "0" * 64)
    assert visible(tmp_path) == []
    assert len(server.requests) == 1


@pytest.mark.parametrize("algorithm", ["sha256", "md5", "sha512"])
def test_a_right_hash_is_accepted_and_remembered(algorithm: str, server: Server, tmp_path: Path) -> None:
    url, known = server.script(f"/{NAME}", serve(FILE)), f"{algorithm}:{hashlib.new(algorithm, BODY).hexdigest()}"
    assert fetch(url, tmp_path, known_hash=known) == fetch(url, tmp_path, known_hash=known.upper())
    assert len(server.requests) == 1


def test_a_transfer_is_resumed_by_a_later_call(server: Server, tmp_path: Path) -> None:
    url = server.script(f"/{NAME}", cut(FILE, HALF), status(404))
    with pytest.raises(DownloadError, match="404"):
        fetch(url, tmp_path)
    server.script(f"/{NAME}", serve(FILE))
    assert fetch(url, tmp_path).read_bytes() == TEXT
    assert server.ranges()[-1] == f"bytes={HALF}-"


def test_a_complete_part_that_lacks_only_its_name_is_not_fetched_again(server: Server, tmp_path: Path) -> None:
    url = server.script(f"/{NAME}", cut(FILE, HALF), status(404))
    with pytest.raises(DownloadError):
        fetch(url, tmp_path)
    (part,) = (tmp_path / "cache").rglob("*.part")
    part.write_bytes(BODY)
    server.script(f"/{NAME}", serve(FILE))
    assert fetch(url, tmp_path).read_bytes() == TEXT


def test_bytes_damaged_in_the_kept_part_are_found_out_and_fetched_again(server: Server, tmp_path: Path) -> None:
    url = server.script(f"/{NAME}", cut(FILE, HALF), status(404))
    with pytest.raises(DownloadError):
        fetch(url, tmp_path)
    (part,) = (tmp_path / "cache").rglob("*.part")
    part.write_bytes(b"\x1f\x8b" + bytes(HALF - 2))
    server.script(f"/{NAME}", serve(FILE))
    assert fetch(url, tmp_path).read_bytes() == TEXT
    assert server.ranges()[-2:] == [f"bytes={HALF}-", None]


def test_a_part_longer_than_the_file_is_given_up(server: Server, tmp_path: Path) -> None:
    url = server.script(f"/{NAME}", cut(FILE, HALF), status(404))
    with pytest.raises(DownloadError):
        fetch(url, tmp_path)
    (part,) = (tmp_path / "cache").rglob("*.part")
    part.write_bytes(BODY + b"more")
    server.script(f"/{NAME}", serve(FILE))
    assert fetch(url, tmp_path).read_bytes() == TEXT


def test_a_server_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    with running() as gone:
        url = gone.url
    with pytest.raises(DownloadError, match=re.escape(f"{url}/a.csv cannot be fetched (3 attempts)")):
        fetch(f"{url}/a.csv", tmp_path)


def archive_of(kind: str, *members: str) -> bytes:
    made = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(made, "w") as zipped:
            for name in members:
                zipped.writestr(name, b"evil")
        return made.getvalue()
    with tarfile.open(fileobj=made, mode=f"w:{kind}") as tarred:  # type: ignore[call-overload]
        for name in members:
            member = tarfile.TarInfo(name)
            member.size = 4
            tarred.addfile(member, io.BytesIO(b"evil"))
    return made.getvalue()


def tar_with_link(kind: bytes) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tarred:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = kind, "../../outside"
        tarred.addfile(link)
        member = tarfile.TarInfo("link/evil.txt")
        member.size = 4
        tarred.addfile(member, io.BytesIO(b"evil"))
    return made.getvalue()


ABSOLUTE = Path(tempfile.gettempdir()) / f"member-{secrets.token_hex(8)}.txt"
OUTSIDE: dict[str, Callable[[], tuple[str, bytes]]] = {
    "zip, parent": lambda: ("a.zip", archive_of("zip", "good.txt", "../evil.txt")),
    "zip, deep parent": lambda: ("a.zip", archive_of("zip", "a/../../evil.txt")),
    "zip, absolute": lambda: ("a.zip", archive_of("zip", ABSOLUTE.as_posix())),
    "zip, drive of Windows": lambda: ("a.zip", archive_of("zip", "C:\\evil.txt")),
    "zip, backslashes": lambda: ("a.zip", archive_of("zip", "..\\evil.txt")),
    "tar, parent": lambda: ("a.tar.gz", archive_of("gz", "good.txt", "../evil.txt")),
    "tar, absolute": lambda: ("a.tar.xz", archive_of("xz", ABSOLUTE.as_posix())),
    "tar, symbolic link": lambda: ("a.tgz", tar_with_link(tarfile.SYMTYPE)),
    "tar, hard link": lambda: ("a.tgz", tar_with_link(tarfile.LNKTYPE)),
    "tar, device": lambda: ("a.tgz", tar_with_link(tarfile.FIFOTYPE)),
}


@pytest.mark.parametrize("make", OUTSIDE.values(), ids=OUTSIDE)
def test_an_archive_that_reaches_out_of_the_folder_is_refused_whole(
    make: Callable[[], tuple[str, bytes]], server: Server, tmp_path: Path
) -> None:
    name, body = make()
    with pytest.raises(DownloadError, match="the archive is refused"):
        fetch(server.script(f"/{name}", serve(Content(body))), tmp_path)
    assert visible(tmp_path) == []
    assert not ABSOLUTE.exists()


def test_the_checksum_after_the_end_of_a_tar_is_checked(server: Server, tmp_path: Path) -> None:
    body = archive_of("gz", "a.txt", "b.txt")
    flipped = body[:-8] + bytes([body[-8] ^ 1]) + body[-7:]
    with pytest.raises(DownloadError, match="damaged"):
        fetch(server.script("/a.tar.gz", serve(Content(flipped))), tmp_path)
    assert visible(tmp_path) == []


def test_every_refusal_is_an_error_of_the_course() -> None:
    assert issubclass(DownloadError, CourseError)
