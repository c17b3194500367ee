"""A full disk, Ctrl-C or a killed process leaves no half-written file, and the next call goes on."""

from __future__ import annotations

import gzip
import random
import signal
import subprocess
import sys
import time

import pytest
from downloading_user import Course, temporary, visible
from misbehaving_server import Content, Server, drip, serve

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and limits of POSIX")

BODY = gzip.compress(random.Random(0).randbytes(60_000).hex().encode(), mtime=0)
FILE = Content(BODY)
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
    _, said = process.communicate(timeout=20)
    return process.returncode, said


def fetch(url: str, course: Course) -> bytes:
    path = course.get(url)
    assert temporary(course.folder.parent) == []
    return path.read_bytes()


def wait_for_part(course: Course, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 20
    while not any(part.stat().st_size for part in course.cache.rglob(".a.txt.gz.part")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("limit", "message", "kept"),
    [(20_000, "cannot write a.txt.gz", []), (len(BODY) + 1000, "cannot write", ["a.txt.gz"])],
    ids=["during the transfer", "during decompression"],
)
def test_a_full_disk_is_told_and_only_what_is_complete_is_kept(
    limit: int, message: str, kept: list[str], course: Course, server: Server
) -> None:
    url = server.script("/a.txt.gz", serve(FILE))
    code, said = end_of(child(url, course, LIMIT.format(limit)))
    assert code == 1
    assert f"OutputError: {message}" in said
    assert "free some space" in said
    assert [path.name for path in visible(course.folder.parent)] == kept
    assert course.files() == {}
    assert temporary(course.folder.parent) == []
    assert fetch(url, course) == gzip.decompress(BODY)
    assert len(server.requests) == 2 - len(kept)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "killed"])
def test_an_interrupted_transfer_leaves_no_file_and_is_resumed(
    number: signal.Signals, course: Course, server: Server
) -> None:
    url = server.script("/a.txt.gz", drip(FILE, pause=0.02, amount=9000))
    process = child(url, course)
    wait_for_part(course, process)
    process.send_signal(number)
    code, said = end_of(process)
    assert code == -number
    assert ("KeyboardInterrupt" in said) == (number == signal.SIGINT)
    assert course.files() == {}
    part = course.part()
    held = part.stat().st_size
    assert 0 < held < len(BODY)
    assert BODY.startswith(part.read_bytes())
    for stray in course.cache.rglob("tmp*"):
        assert number == signal.SIGKILL
        stray.unlink()
    server.script("/a.txt.gz", serve(FILE))
    assert fetch(url, course) == gzip.decompress(BODY)
    assert server.ranges()[-1] == f"bytes={held}-"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "killed"])
def test_an_interrupted_decompression_leaves_nothing_that_looks_finished(
    number: signal.Signals, course: Course, server: Server
) -> None:
    url = server.script("/a.txt.gz", serve(FILE))
    code, said = end_of(child(url, course, INTERRUPT_DECOMPRESSION.format(number.name)))
    assert code == -number
    assert ("KeyboardInterrupt" in said) == (number == signal.SIGINT)
    left = [path for path in course.folder.iterdir() if not path.name.endswith(".json")]
    assert [path.is_dir() and path.name.startswith(".") for path in left] == [True] * (number == signal.SIGKILL)
    assert course.get(url).read_bytes() == gzip.decompress(BODY)
    assert len(server.requests) == 1


def test_two_processes_that_want_the_same_file_fetch_it_once(course: Course, server: Server) -> None:
    url = server.script("/a.txt.gz", drip(FILE, pause=0.05, amount=9000))
    processes = [child(url, course), child(url, course)]
    assert [end_of(process) for process in processes] == [(0, ""), (0, "")]
    assert (course.folder / "a.txt").read_bytes() == gzip.decompress(BODY)
    assert len(server.requests) == 1
