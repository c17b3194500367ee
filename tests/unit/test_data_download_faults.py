"""Whatever the server does, a download gives the whole right file or an error, and loses nothing that was there."""

from __future__ import annotations

import gzip
import hashlib
import random
import re
import time
from dataclasses import dataclass, replace
from types import SimpleNamespace

import pytest
from downloading_user import Course, temporary, visible
from misbehaving_server import (
    IMPATIENT,
    Behaviour,
    Content,
    Server,
    chunked,
    drip,
    hang_up,
    page,
    running,
    serve,
    short_part,
    status,
    wrong_part,
)

from course.downloads import resuming
from course.downloads.retrieval import Receipt
from course.errors import CourseError, DownloadError, OutputError

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


def check_nothing_half_written(course: Course) -> None:
    """Every visible file has an intact receipt; nothing temporary is left in the folder of the user."""
    assert temporary(course.folder) == []
    assert not list(course.cache.rglob("tmp*"))
    for path in visible(course.cache):
        assert Receipt.read(path.with_name(f".{path.name}.receipt.json")).is_intact(path.parent)


@dataclass(frozen=True)
class Fault:
    """What the server does, and how many requests are needed to get the file all the same."""

    script: list[Behaviour]
    requests: int
    ranges: list[int] | None = None


OVERCOME = {
    "cut, resumed by entity tag": Fault([serve(FILE, HALF), serve(FILE)], 2, [HALF]),
    "cut, resumed by date": Fault([serve(DATED, HALF), serve(DATED)], 2, [HALF]),
    "cut, resumed without a version since gzip can be verified": Fault(
        [serve(UNVERSIONED, HALF), serve(UNVERSIONED)], 2, [HALF]
    ),
    "cut twice": Fault([serve(FILE, 1000), serve(FILE, HALF), serve(FILE)], 3, [1000, HALF]),
    "cut, ranges ignored": Fault([serve(UNRANGED, HALF), serve(UNRANGED)], 2, [HALF]),
    "cut before the first byte": Fault([serve(FILE, 0), serve(FILE)], 2),
    "cut, then a newer version": Fault([serve(OLDER, HALF), serve(FILE)], 2, [HALF]),
    "cut, then a newer version, If-Range ignored": Fault([serve(BLIND_AND_OLDER, HALF), serve(BLIND)], 3, [HALF]),
    "cut, then the wrong part": Fault([serve(FILE, HALF), wrong_part(FILE, HALF - 7), serve(FILE)], 3, [HALF]),
    "cut, then the part is refused": Fault([serve(FILE, HALF), status(416), serve(FILE)], 3, [HALF]),
    "cut, then 500, then resumed": Fault([serve(FILE, HALF), status(500), serve(FILE)], 3, [HALF, HALF]),
    "cut chunks": Fault([chunked(FILE, HALF), serve(FILE)], 2),
    "500 then fine": Fault([status(500), serve(FILE)], 2),
    "502, 504 then fine": Fault([status(502), status(504), serve(FILE)], 3),
    "503 asking to wait": Fault([status(503, {"Retry-After": "0"}), serve(FILE)], 2),
    "429 then fine": Fault([status(429), serve(FILE)], 2),
    "silence before the body": Fault([drip(FILE, 5, 0), serve(FILE)], 2),
    "silence in the middle": Fault([drip(FILE, 5, HALF), serve(FILE)], 2, [HALF]),
    "slow drip then fine": Fault([drip(FILE), serve(FILE)], 2),
    "hangs up then fine": Fault([hang_up, serve(FILE)], 2),
    "called an encoding": Fault([serve(Content(BODY, encoding={"Content-Encoding": "gzip"}))], 1),
    "chunks without a length": Fault([chunked(FILE)], 1),
}


@pytest.mark.parametrize("fault", OVERCOME.values(), ids=OVERCOME)
def test_a_passing_fault_is_overcome(fault: Fault, course: Course, server: Server) -> None:
    path = course.get(server.script(f"/{NAME}", *fault.script))
    assert path == course.folder / "month.csv"
    assert path.read_bytes() == TEXT
    assert len(server.requests) == fault.requests
    if fault.ranges is not None:
        assert [r for r in server.ranges() if r] == [f"bytes={start}-" for start in fault.ranges]
    check_nothing_half_written(course)


REFUSED: dict[str, tuple[list[Behaviour], str, int]] = {
    "cut for ever": ([serve(UNRANGED, HALF)], r"attempts: 3\): the transfer broke", 3),
    "announced longer than sent": ([lambda request: request.answer(200, BODY, length=len(BODY) + 9)], "attempts: 3", 3),
    "announced shorter than sent": (
        [lambda request: request.answer(200, BODY, length=len(BODY) - 9)],
        "cannot be unpacked",
        1,
    ),
    "404": ([status(404)], "404 Not Found; check the address", 1),
    "403": ([status(403)], "403", 1),
    "204 without a body": ([status(204)], "204", 1),
    "500 for ever": ([status(500)], r"attempts: 3\): the server answered 500", 3),
    "429 asking to come back tomorrow": ([status(429, DAY)], "429.*try again later", 1),
    "slow drip for ever": ([drip(FILE)], "stalled", 3),
    "silence for ever": ([drip(FILE, 5, 0)], "timed out", 3),
    "hangs up for ever": ([hang_up], "attempts: 3", 3),
    "page in place of gzip": ([page("Accès &amp; maintenance")], "the web page 'Accès & maintenance' in place of", 1),
    "text in place of gzip": ([serve(Content(b"AGE_BEN_SNDS;\n" * 99))], "cannot be unpacked .Not a gzipped file", 1),
    "empty file": ([serve(Content(b""))], "cannot be unpacked .it is empty", 1),
    "one bit of gzip changed": ([serve(Content(FLIPPED))], "cannot be unpacked", 1),
    "gzip cut on the server": ([serve(Content(BODY[:HALF]))], "cannot be unpacked", 1),
    "damaged in two pieces": ([serve(Content(FLIPPED), HALF), serve(Content(FLIPPED))], "cannot be unpacked", 3),
    "redirects to itself": ([status(302, {"Location": f"/{NAME}"})], "Exceeded 30 redirects", 31),
    "redirects to another protocol": (
        [status(302, {"Location": "ftp://127.0.0.1/a"})],
        "not an address that can be fetched",
        1,
    ),
}


@pytest.mark.parametrize("earlier", [False, True], ids=["nothing there", "earlier copy there"])
@pytest.mark.parametrize(("script", "message", "requests"), REFUSED.values(), ids=REFUSED)
def test_a_lasting_fault_is_one_clear_error_and_loses_nothing(
    script: list[Behaviour], message: str, requests: int, earlier: bool, course: Course, server: Server
) -> None:
    url = server.script(f"/{NAME}", serve(OLDER))
    before = course.get(url).read_bytes() if earlier else None
    server.script(f"/{NAME}", *script)
    server.requests.clear()
    with pytest.raises(DownloadError, match=message) as raised:
        course.get(url, force=earlier)
    assert "\n" not in str(raised.value)
    assert len(server.requests) == requests
    assert course.files() == ({"month.csv": before} if earlier else {})
    check_nothing_half_written(course)


def test_a_page_in_place_of_any_other_file_is_recognised_too(course: Course, server: Server) -> None:
    with pytest.raises(DownloadError, match=r"the web page 'Login' in place of a\.csv"):
        course.get(server.script("/a.csv", page("Login")))
    assert course.get(server.script("/a.html", page("A page"))).read_bytes().startswith(b"<!DOCTYPE")


def test_failures_are_forgotten_when_the_transfer_makes_progress(course: Course, server: Server) -> None:
    content = Content(random.Random(0).randbytes(8 * 2**20))
    cuts = [serve(content, stop * 2**20 + 5) for stop in range(1, 8)]
    path = course.get(server.script("/large.bin", *cuts, serve(content)))
    assert path.read_bytes() == content.body
    assert len(server.requests) == 8 > IMPATIENT.attempts


OLD_TEXT, NEW_TEXT = (Content(letter * 50_000, validators={}, honest=False) for letter in (b"a", b"b"))
OLD_NOISE, NOISE = (Content(random.Random(seed).randbytes(50_000), honest=False) for seed in (0, 1))
KNOWN = hashlib.sha256(NEW_TEXT.body).hexdigest()
RESUMED = "bytes=20000-"


@pytest.mark.parametrize(
    ("script", "known_hash", "ranges"),
    [
        ([serve(OLD_TEXT, 20_000), serve(NEW_TEXT)], None, [None, None]),
        ([serve(OLD_TEXT, 20_000), serve(NEW_TEXT)], KNOWN, [None, RESUMED, None]),
        ([serve(OLD_NOISE, 20_000), serve(NOISE)], None, [None, RESUMED, None]),
        ([serve(NOISE, 20_000), wrong_part(NOISE, 10_000), serve(NOISE)], None, [None, RESUMED, None]),
        ([serve(NOISE, 20_000), short_part(NOISE, 10_000), serve(NOISE)], None, [None, RESUMED, "bytes=30000-"]),
    ],
    ids=["version unknown", "version unknown, hash known", "If-Range ignored", "wrong part", "shorter part"],
)
def test_pieces_fit_together_even_where_no_checksum_would_tell(
    script: list[Behaviour], known_hash: str | None, ranges: list[str | None], course: Course, server: Server
) -> None:
    path = course.get(server.script("/a.csv", *script), known_hash=known_hash)
    assert path.read_bytes() == (NEW_TEXT if ranges[1] is None or known_hash else NOISE).body
    assert server.ranges() == ranges


@pytest.mark.parametrize("algorithm", ["sha256", "md5", "sha512"])
def test_a_wrong_hash_is_an_error_and_a_right_one_is_accepted_and_remembered(
    algorithm: str, course: Course, server: Server
) -> None:
    url, known = server.script(f"/{NAME}", serve(FILE)), f"{algorithm}:{hashlib.new(algorithm, BODY).hexdigest()}"
    wrong = f"{algorithm}:{'0' * len(known.partition(':')[2])}"
    with pytest.raises(DownloadError, match=f"has not the hash {wrong[:10]}"):
        course.get(url, known_hash=wrong)
    assert visible(course.cache) == visible(course.folder) == []
    assert len(server.requests) == 1
    assert course.get(url, known_hash=known) == course.get(url, known_hash=known.upper())
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("held", "version", "ranges"),
    [
        (None, None, [HALF]),
        (BODY, None, [len(BODY)]),
        (BODY + b"more", None, [len(BODY) + 4, None]),
        (b"\x1f\x8b" + bytes(HALF - 2), None, [HALF, None]),
        (None, b"", [HALF]),
        (None, b"[1]", [HALF]),
        (None, b'{"validator": "of another edition"}', [HALF]),
    ],
    ids=["as it was", "complete but for its name", "too long", "damaged"] + ["version not readable"] * 3,
)
def test_a_later_call_goes_on_with_what_is_right_of_the_kept_part(
    held: bytes | None, version: bytes | None, ranges: list[int | None], course: Course, server: Server
) -> None:
    url = server.script(f"/{NAME}", serve(FILE, HALF), status(404))
    with pytest.raises(DownloadError, match="404"):
        course.get(url)
    part = course.part()
    part.write_bytes(part.read_bytes() if held is None else held)
    if version is not None:
        part.with_name(f"{part.name}.json").write_bytes(version)
    server.script(f"/{NAME}", serve(FILE))
    server.requests.clear()
    assert course.get(url).read_bytes() == TEXT
    assert server.ranges() == [start if start is None else f"bytes={start}-" for start in ranges]
    check_nothing_half_written(course)


def test_the_wait_that_a_server_asks_for_is_kept(
    course: Course, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(resuming, "RETRY", replace(IMPATIENT, longest_wait=60.0))
    monkeypatch.setattr(time, "sleep", waits.append)
    course.get(server.script(f"/{NAME}", status(503, {"Retry-After": "50"}), serve(FILE)))
    assert 50.0 in waits


def test_a_file_larger_than_the_room_on_the_disk_is_refused_before_it_comes(
    course: Course, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=len(BODY) - 1))
    with pytest.raises(OutputError, match=f"no room for the {len(BODY):,} bytes.*free some space"):
        course.get(server.script(f"/{NAME}", serve(FILE)))
    assert visible(course.folder.parent) == [] == list(course.cache.rglob("*.part"))


def test_a_server_that_is_not_there_is_a_clear_error(course: Course) -> None:
    with running() as gone:
        url = gone.url
    with pytest.raises(CourseError, match=re.escape(f"{url}/a.csv cannot be fetched (attempts: 3)")):
        course.get(f"{url}/a.csv")
