"""Whatever the server does, a download gives the whole right file or an error, and loses nothing that was there."""

from __future__ import annotations

import gzip
import hashlib
import random
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from types import SimpleNamespace

import pytest
from downloading_user import Course, temporary, visible
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from misbehaving_server import (
    IMPATIENT,
    Behaviour,
    Content,
    Handler,
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
LATER = {"Retry-After": "1"}  # seconds, more than IMPATIENT waits


def check_nothing_half_written(course: Course) -> None:
    """Every visible file has an intact receipt; nothing temporary is left in the folder of the user."""
    assert temporary(course.folder) == []
    assert not list(course.cache.rglob("tmp*"))
    for path in visible(course.cache):
        assert Receipt.read(path.with_name(f".{path.name}.receipt.json")).is_intact(path.parent)


# what the server does, how many requests get the file all the same, and where those for a part start
OVERCOME: dict[str, tuple[list[Behaviour], int, list[int] | None]] = {
    "cut, resumed by entity tag": ([serve(FILE, HALF), serve(FILE)], 2, [HALF]),
    "cut, resumed by date": ([serve(DATED, HALF), serve(DATED)], 2, [HALF]),
    "cut, resumed without a version": ([serve(UNVERSIONED, HALF), serve(UNVERSIONED)], 2, [HALF]),
    "cut twice": ([serve(FILE, 1000), serve(FILE, HALF), serve(FILE)], 3, [1000, HALF]),
    "cut, ranges ignored": ([serve(UNRANGED, HALF), serve(UNRANGED)], 2, [HALF]),
    "cut before the first byte": ([serve(FILE, 0), serve(FILE)], 2, []),
    "cut, then a newer version": ([serve(OLDER, HALF), serve(FILE)], 2, [HALF]),
    "cut, then a newer version, If-Range ignored": ([serve(BLIND_AND_OLDER, HALF), serve(BLIND)], 3, [HALF]),
    "cut, then the wrong part": ([serve(FILE, HALF), wrong_part(FILE, HALF - 7), serve(FILE)], 3, [HALF]),
    "cut, then the part is refused": ([serve(FILE, HALF), status(416), serve(FILE)], 3, [HALF]),
    "cut, then 500, then resumed": ([serve(FILE, HALF), status(500), serve(FILE)], 3, [HALF, HALF]),
    "cut chunks": ([chunked(FILE, HALF), serve(FILE)], 2, None),
    "500 then fine": ([status(500), serve(FILE)], 2, []),
    "502, 504 then fine": ([status(502), status(504), serve(FILE)], 3, []),
    "503 asking to wait": ([status(503, {"Retry-After": "0"}), serve(FILE)], 2, []),
    "429 then fine": ([status(429), serve(FILE)], 2, []),
    "silence before the body": ([drip(FILE, 5, 0), serve(FILE)], 2, []),
    "silence in the middle": ([drip(FILE, 5, HALF), serve(FILE)], 2, [HALF]),
    "slow drip then fine": ([drip(FILE), serve(FILE)], 2, None),
    "hangs up then fine": ([hang_up, serve(FILE)], 2, []),
    "called an encoding": ([serve(Content(BODY, encoding={"Content-Encoding": "gzip"}))], 1, []),
    "chunks without a length": ([chunked(FILE)], 1, []),
}


@pytest.mark.parametrize(("script", "requests", "ranges"), OVERCOME.values(), ids=OVERCOME)
def test_a_passing_fault_is_overcome(
    script: list[Behaviour], requests: int, ranges: list[int] | None, course: Course, server: Server
) -> None:
    path = course.get(server.script(f"/{NAME}", *script))
    assert path == course.folder / "month.csv"
    assert path.read_bytes() == TEXT
    assert len(server.requests) == requests
    if ranges is not None:
        assert [asked for asked in server.ranges() if asked] == [f"bytes={start}-" for start in ranges]
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
    "429 asking to come back later": ([status(429, LATER)], "429.*try again later", 1),
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
    with pytest.MonkeyPatch.context() as patch:
        if script is REFUSED["silence for ever"][0]:  # no good answer comes, however long one waits
            patch.setattr(resuming, "RETRY", replace(IMPATIENT, read=0.3))
        with pytest.raises(DownloadError, match=message) as raised:
            course.get(url, force=earlier)
    assert "\n" not in str(raised.value)
    assert len(server.requests) == requests
    assert course.files() == ({"month.csv": before} if earlier else {})
    check_nothing_half_written(course)
    server.script(f"/{NAME}", serve(FILE))
    assert course.get(url).read_bytes() == (before or TEXT)


def test_a_page_in_place_of_any_other_file_is_recognised_too(course: Course, server: Server) -> None:
    with pytest.raises(DownloadError, match=r"the web page 'Login' in place of a\.csv"):
        course.get(server.script("/a.csv", page("Login")))
    with pytest.raises(DownloadError, match=r"the web page 'Marked' in place of b\.csv"):
        course.get(server.script("/b.csv", serve(Content(b"\xef\xbb\xbf\n<html><title>Marked</title></html>"))))
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


# what a server may answer to a request for a part: a status, and how it lies about position, body, length and version
RANGES = [None, "bytes {0}-{1}/{2}", "bytes {0}-{1}/*", "bytes {0}-{1}/{0}", "bytes 0-{1}/{2}", "bytes 7-{1}/{2}",
          "bytes {0}-{1}", "bytes */{2}", "items {0}-{1}/{2}", "bytes -{1}/{2}", "?"]  # fmt: skip
BODIES = {"rest": slice(20_000, None), "whole": slice(None), "short": slice(20_000, 30_000), "none": slice(0, 0)}
TAGS = [None, '"other"', 'W/"x"', "same"]


def lie(code: int, position: str | None, body: bytes, tag: str | None, announce: int | None) -> Behaviour:
    def behave(request: Handler) -> None:
        told = position and position.format(20_000, len(NOISE.body) - 1, len(NOISE.body))
        tags = {"ETag": NOISE.headers["ETag"] if tag == "same" else tag, "Content-Range": told}
        if "Range" not in request.headers:
            serve(NOISE)(request)
        elif announce is None:  # closed at the end
            request.send_response(code)
            for name, value in tags.items():
                if value:
                    request.send_header(name, value)
            request.end_headers()
            request.wfile.write(body)
        else:
            headers = {name: value for name, value in tags.items() if value}
            request.answer(code, body, headers, length=len(body) + announce)

    return behave


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    code=st.sampled_from([200, 206, 416]),
    position=st.sampled_from(RANGES),
    body=st.sampled_from(sorted(BODIES)),
    tag=st.sampled_from(TAGS),
    announce=st.sampled_from([None, 0, 5]),
    has_length=st.booleans(),
)
@example(code=200, position="bytes {0}-{1}/{2}", body="rest", tag="same", announce=0, has_length=True)
@example(code=200, position=None, body="rest", tag="same", announce=None, has_length=True)
@example(code=200, position=None, body="rest", tag=None, announce=0, has_length=True)
@example(code=200, position=None, body="rest", tag='"other"', announce=0, has_length=True)
@example(code=200, position="bytes 0-{1}/{2}", body="rest", tag="same", announce=None, has_length=True)
@example(code=206, position="bytes {0}-{1}/*", body="short", tag="same", announce=0, has_length=False)
@example(code=206, position="bytes {0}-{1}/{2}", body="rest", tag=None, announce=0, has_length=True)
def test_whatever_a_server_answers_to_a_request_for_a_part_the_file_is_whole_or_there_is_an_error(
    code: int, position: str | None, body: str, tag: str | None, announce: int | None, has_length: bool,
    course: Course, server: Server,
) -> None:  # fmt: skip
    # this is a whole file, of another version
    assume((code, position, tag, announce) != (200, None, '"other"', 0) or body in {"rest", "whole"})
    name = f"/{len(server.scripts)}.csv"
    first = serve(NOISE, 20_000) if has_length else chunked(NOISE, 20_000)
    url = server.script(name, first, lie(code, position, NOISE.body[BODIES[body]], tag, announce))
    with suppress(DownloadError):
        assert course.get(url).read_bytes() == NOISE.body
    server.script(name, serve(NOISE))
    assert course.get(url).read_bytes() == NOISE.body


def test_an_encoded_file_that_was_cut_is_not_taken_up_in_its_middle(course: Course, server: Server) -> None:
    encoded = Content(gzip.compress(NOISE.body), encoding={"Content-Encoding": "gzip"})
    url = server.script("/a.csv", serve(encoded, 20_000), serve(encoded))
    assert course.get(url).read_bytes() == NOISE.body
    assert server.ranges() == [None, None]


def test_an_address_that_says_at_once_that_nothing_is_left_is_an_error(course: Course, server: Server) -> None:
    with pytest.raises(DownloadError, match="sent another part"):
        course.get(server.script("/a.csv", status(416, {"Content-Range": "bytes */0"})))


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


def test_a_forced_call_takes_nothing_of_the_kept_part(course: Course, server: Server) -> None:
    url = server.script(f"/{NAME}", serve(FILE, HALF), status(404))
    with pytest.raises(DownloadError, match="404"):
        course.get(url)
    server.script(f"/{NAME}", serve(FILE))
    server.requests.clear()
    assert course.get(url, force=True).read_bytes() == TEXT
    assert server.ranges() == [None]


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


# --- a full disk, Ctrl-C or a killed process leaves no half-written file, and the next call goes on

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and limits of POSIX")
CHILD = """
import sys
from pathlib import Path
from course.downloads import download
{before}
download(*sys.argv[1:])
"""
LIMIT = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0}))"
# a real signal, at a moment that is always the same
INTERRUPT_DECOMPRESSION = """
import gzip, os, signal
from course.downloads import retrieval
class Interrupted(gzip.GzipFile):
    def read(self, size=-1):
        if self.tell():
            os.kill(os.getpid(), signal.{0})
        return super().read(1000)
retrieval.STREAMS[".gz"] = lambda stream: Interrupted(fileobj=stream)
"""


def child(url: str, course: Course, before: str = "") -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CHILD.format(before=before), url, str(course.folder)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def end_of(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, said = process.communicate(timeout=60)
    return process.returncode, said


def check_ended_by(name: str, process: subprocess.Popen[str]) -> None:
    code, said = end_of(process)
    assert code == -getattr(signal, name)
    assert ("KeyboardInterrupt" in said) == (name == "SIGINT")


@posix
@pytest.mark.parametrize(
    ("limit", "message", "kept"),
    [(20_000, f"cannot write {NAME}", []), (len(BODY) + 1000, "cannot write", [NAME])],
    ids=["during the transfer", "during decompression"],
)
def test_a_full_disk_is_told_and_only_what_is_complete_is_kept(
    limit: int, message: str, kept: list[str], course: Course, server: Server
) -> None:
    url = server.script(f"/{NAME}", serve(FILE))
    code, said = end_of(child(url, course, LIMIT.format(limit)))
    assert code == 1
    assert f"OutputError: {message}" in said
    assert "free some space" in said
    assert [path.name for path in visible(course.folder.parent)] == kept
    assert course.files() == {}
    assert temporary(course.folder.parent) == []
    assert course.get(url).read_bytes() == TEXT
    check_nothing_half_written(course)
    assert len(server.requests) == 2 - len(kept)


@posix
@pytest.mark.parametrize("name", ["SIGINT", "SIGKILL"])
def test_an_interrupted_transfer_leaves_no_file_and_is_resumed(name: str, course: Course, server: Server) -> None:
    url = server.script(f"/{NAME}", drip(FILE, pause=0.5, amount=9000))
    process = child(url, course)
    while not any(part.stat().st_size for part in course.cache.rglob(f".{NAME}.part")):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(getattr(signal, name))
    check_ended_by(name, process)
    assert course.files() == {}
    received = course.part().read_bytes()
    assert 0 < len(received) < len(BODY)
    assert BODY.startswith(received)
    server.script(f"/{NAME}", serve(FILE))
    assert course.get(url).read_bytes() == TEXT
    check_nothing_half_written(course)
    assert server.ranges()[-1] == f"bytes={len(received)}-"


@posix
@pytest.mark.parametrize("name", ["SIGINT", "SIGKILL"])
def test_an_interrupted_decompression_leaves_nothing_that_looks_finished(
    name: str, course: Course, server: Server
) -> None:
    url = server.script(f"/{NAME}", serve(FILE))
    check_ended_by(name, child(url, course, INTERRUPT_DECOMPRESSION.format(name)))
    left = [path for path in course.folder.iterdir() if not path.name.endswith(".json")]
    assert [path.is_dir() and path.name.startswith(".") for path in left] == [True] * (name == "SIGKILL")
    assert course.get(url).read_bytes() == TEXT
    assert len(server.requests) == 1


# says in a file that this process is about to look into the cache
COMING = """
from pathlib import Path
from course.downloads.retrieval import _Request
fetched = _Request._fetched
def coming(request, *, again):
    Path({0!r}).touch()
    return fetched(request, again=again)
_Request._fetched = coming
"""


@posix
def test_two_processes_that_want_the_same_file_fetch_it_once(course: Course, server: Server) -> None:
    coming = course.folder.with_name("coming")

    def wait_for_another(request: Handler) -> None:
        # the second has a second for a request that it must not make
        while not coming.exists() and not server.closing.wait(0.01):
            pass
        server.closing.wait(1)
        serve(FILE)(request)

    url = server.script(f"/{NAME}", wait_for_another)
    first = child(url, course)
    while not server.requests:
        assert first.poll() is None
        time.sleep(0.01)
    second = child(url, course, COMING.format(str(coming)))
    assert [end_of(process) for process in (first, second)] == [(0, ""), (0, "")]
    assert (course.folder / "month.csv").read_bytes() == TEXT
    assert len(server.requests) == 1
