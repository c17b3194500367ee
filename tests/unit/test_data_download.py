"""A file is fetched once, checked every time, decompressed, and replaced by a synthetic one only aloud."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import json
import lzma
import os
import random
import secrets
import tarfile
import tempfile
import tracemalloc
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from downloading_user import GZIP, SMALL, TEXT, Course, visible
from misbehaving_server import Content, Server, serve, status

from course.errors import BadArgumentError, DownloadError, ExistingFileError

# --- what is there is checked, not trusted


@pytest.mark.parametrize(
    ("left", "said"),
    [(TEXT[:100], 1), (TEXT.replace(b"60", b"61"), 2), (TEXT + b"mine", 2), (b"", 1), (TEXT, 0), (None, 0)],
    ids=["cut", "changed", "longer", "emptied", "rewritten with the same bytes", "deleted"],
)
def test_a_file_that_is_not_as_it_was_is_made_anew_from_the_cache_and_what_was_written_in_it_is_kept(
    left: bytes | None, said: int, course: Course, server: Server
) -> None:
    path = course.get(url := server.script("/a.csv.gz", serve(Content(GZIP))))
    path.unlink() if left is None else path.write_bytes(left)
    assert course.get(url, offline=True).read_bytes() == TEXT
    kept = course.folder / "a.changed.csv"
    changed = f"{path} has changed since it was downloaded: it is made anew"
    assert course.told == [changed, f"what was written in a.csv is kept as {kept}"][:said]
    assert course.files() == {"a.csv": TEXT} | ({kept.name: left} if said == 2 else {})
    (path).write_bytes(b"again")
    course.get(url, offline=True)
    assert course.files()["a.changed2.csv" if said == 2 else "a.changed.csv"] == b"again"


def test_a_file_of_the_same_size_and_date_is_not_read_and_one_of_another_size_is_made_anew(
    course: Course, server: Server
) -> None:
    path = course.get(url := server.script("/a.csv.gz", serve(Content(GZIP))))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("course.downloads.receipts.file_digest", lambda _: pytest.fail("it was read"))
        assert course.get(url, offline=True) == path
    date = path.stat().st_mtime_ns
    path.write_bytes(TEXT + b"mine")
    os.utime(path, ns=(date, date))
    assert course.get(url, offline=True).read_bytes() == TEXT


@pytest.mark.parametrize("damaged", [GZIP[:-1], GZIP[:50] + b"!" + GZIP[51:]])
def test_a_damaged_file_in_the_cache_is_fetched_again_and_not_used_offline(
    damaged: bytes, course: Course, server: Server
) -> None:
    course.get(url := server.script("/a.csv.gz", serve(Content(GZIP)))).unlink()
    (cached,) = course.cache.rglob("a.csv.gz")
    cached.write_bytes(damaged)
    with pytest.raises(DownloadError, match="is not in the cache, and offline forbids to fetch it"):
        course.get(url, offline=True)
    assert course.get(url).read_bytes() == TEXT
    assert len(server.requests) == 2


def test_a_receipt_that_cannot_be_read_is_as_no_receipt(course: Course, server: Server) -> None:
    url = server.script("/a.csv.gz", serve(Content(GZIP)))
    for number, text in enumerate([b'{"files": 3', b"[]", b'{"later": 1}', b"\xe9"], start=1):
        assert course.get(url).read_bytes() == TEXT
        assert len(server.requests) == number
        for receipt in [*course.folder.glob(".*.json"), *course.cache.rglob(".*.json")]:
            receipt.write_bytes(text)


def test_the_cache_and_the_folder_of_an_earlier_edition_are_read(course: Course) -> None:
    source = "http://nowhere.invalid/a.csv.gz"
    cached = course.cache / "downloads" / hashlib.sha256(source.encode()).hexdigest()[:16] / "a.csv.gz"
    for path, body in ((cached, GZIP), (course.folder / "a.csv", TEXT)):
        path.parent.mkdir(parents=True)
        path.write_bytes(body)
        state, digest = path.stat(), hashlib.sha256(body).hexdigest()
        record = {"path": path.name, "size": len(body), "sha256": digest, "modified": state.st_mtime_ns}
        served = {"source": source, "origin": "download", "sha256": hashlib.sha256(GZIP).hexdigest()}
        receipt = path.with_name(".a.csv.gz.receipt.json")
        receipt.write_text(json.dumps({**served, "answer": path.name, "files": [record]}), encoding="utf-8")
    assert course.get(source, offline=True).read_bytes() == TEXT
    (course.folder / "a.csv").write_bytes(b"changed")
    assert course.get(source, offline=True).read_bytes() == TEXT
    assert course.told[0] == f"{course.folder / 'a.csv'} has changed since it was downloaded: it is made anew"


def test_a_file_that_came_from_elsewhere_is_kept_unless_forced_and_the_same_file_is_taken_over(
    course: Course, server: Server
) -> None:
    url = server.script("/a.csv.gz", serve(Content(GZIP)))
    course.folder.mkdir()
    (course.folder / "a.csv").write_bytes(b"mine")
    with pytest.raises(ExistingFileError, match=r"a\.csv is there and is another file.*force"):
        course.get(url)
    assert course.files() == {"a.csv": b"mine"}
    (course.folder / "a.csv").write_bytes(TEXT)
    assert course.get(url).read_bytes() == TEXT
    (course.folder / "a.csv").write_bytes(b"mine")
    assert course.get(url, force=True).read_bytes() == TEXT


def test_what_is_no_file_and_bears_the_name_is_kept_and_force_replaces_what_was_changed(
    course: Course, server: Server
) -> None:
    url = server.script("/a.csv", serve(Content(TEXT)))
    course.folder.mkdir()
    for make in (Path.mkdir, lambda path: path.symlink_to("nowhere")):
        make(course.folder / "a.csv")
        with pytest.raises(ExistingFileError):
            course.get(url)
        assert course.files() == {}
        (course.folder / "a.csv").rename(course.folder / f"kept{len(list(course.folder.iterdir()))}")
    path = course.get(url)
    path.write_bytes(b"mine")
    assert course.get(url, force=True).read_bytes() == TEXT
    assert course.told == []


def test_force_fetches_again_and_keeps_what_was_fetched_before_if_it_cannot(course: Course, server: Server) -> None:
    course.get(url := server.script("/a.csv", serve(Content(b"old"))))
    server.script("/a.csv", status(404), serve(Content(b"new")))
    with pytest.raises(DownloadError):
        course.get(url, force=True)
    (course.folder / "a.csv").unlink()
    assert course.get(url).read_bytes() == b"old"
    assert course.get(url, force=True).read_bytes() == b"new"
    with pytest.raises(BadArgumentError, match="one of them"):
        course.get(url, force=True, offline=True)


def test_a_known_hash_that_differs_from_what_is_there_fetches_again(course: Course, server: Server) -> None:
    course.get(url := server.script("/a.csv", serve(Content(b"old"))))
    server.script("/a.csv", serve(Content(b"new")))
    for algorithm in ("sha256", "md5"):
        known = f"{algorithm}:{hashlib.new(algorithm, b'new').hexdigest()}"
        assert course.get(url, known_hash=known).read_bytes() == b"new"
    assert len(server.requests) == 2


def test_two_addresses_that_end_alike_do_not_share_a_cached_file(course: Course, server: Server) -> None:
    first, second = (server.script(f"/{key}/a.csv", serve(Content(key.encode()))) for key in ("x", "y"))
    assert course.get(first).read_bytes() == b"x"
    with pytest.raises(ExistingFileError):
        course.get(second)
    assert course.get(second, force=True).read_bytes() == b"y"


# --- how it is asked for


def test_the_server_is_told_who_asks_and_redirections_are_followed(course: Course, server: Server) -> None:
    server.script("/there", serve(Content(GZIP)))
    assert course.get(server.script("/a.csv.gz", status(302, {"Location": "/there"}))).read_bytes() == TEXT
    for _, headers in server.requests:
        assert headers["User-Agent"].startswith("bigdata-course")
        assert headers["Accept-Encoding"] == "identity"


def test_the_proxy_of_the_environment_is_used(course: Course, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    server.script("http://nowhere.invalid/a.csv", serve(Content(b"by proxy")))
    assert course.get("http://nowhere.invalid/a.csv").read_bytes() == b"by proxy"


def test_credentials_are_used_and_never_shown_nor_kept(course: Course, server: Server, tmp_path: Path) -> None:
    server.script("/a.csv", serve(Content(b"a")))
    url = f"{server.url}/a.csv".replace("//", "//me:secret@")
    course.get(url)
    assert server.requests[0][1]["Authorization"].startswith("Basic")
    server.script("/a.csv", status(404))
    with pytest.raises(DownloadError) as raised:
        course.get(url, force=True)
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert "secret" not in str(raised.value)
    assert b"secret" not in kept


WRONG_ADDRESSES = [
    "ftp://h/a.csv",
    "file:///etc/passwd",
    "http://",
    "http://[x/a",
    "http://h/..",
    "http://h/%2e%2e%5ca",
    *(f"http://h/a{letter}b" for letter in ("%2F", "%5C", "%3A", "*", "%3F", '"', "<", ">", "|", "%0A")),
]
WRONG_HASHES = ["abc", "sha256:12", "md7:00", "shake_128:00", "sha256:" + "g" * 64]


@pytest.mark.parametrize(
    ("name", "known_hash", "message"),
    [(url, None, r"is not an http or https address|names no file.*filename=") for url in WRONG_ADDRESSES]
    + [("http://h/?id=3", None, "names no file.*filename=")]
    + [(SMALL, known, "is not a hash") for known in WRONG_HASHES],
)
def test_a_wrong_address_or_hash_is_refused(name: str, known_hash: str | None, message: str, course: Course) -> None:
    with pytest.raises(BadArgumentError, match=message):
        course.get(name, known_hash=known_hash)


# --- decompression


def zipped(**members: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return made.getvalue()


def tarred(mode: str, *links: bytes, **members: bytes) -> bytes:
    """Return a tar, with links of some types to a file outside and members that would be written through them."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=f"w{mode}") as archive:  # type: ignore[call-overload]
        for kind in links:
            link = tarfile.TarInfo("link")
            link.type, link.linkname = kind, "../../outside"
            archive.addfile(link)
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return made.getvalue()


@pytest.mark.parametrize(
    ("name", "body", "files"),
    [
        ("a.csv.gz", GZIP, {"a.csv": TEXT}),
        ("a.csv.gz", GZIP + gzip.compress(b"more\n"), {"a.csv": TEXT + b"more\n"}),
        ("a.csv.bz2", bz2.compress(TEXT), {"a.csv": TEXT}),
        ("a.csv.xz", lzma.compress(TEXT), {"a.csv": TEXT}),
        ("A.CSV.GZ", GZIP, {"A.CSV": TEXT}),
        ("one.zip", zipped(**{"in.csv": TEXT}), {"in.csv": TEXT}),
        ("two.zip", zipped(**{"a.csv": TEXT, "b/c.csv": b"c"}), {"two/a.csv": TEXT, "two/b/c.csv": b"c"}),
        ("two.tar", tarred("", a=b"a", b=b"b"), {"two/a": b"a", "two/b": b"b"}),
        ("top.tar.gz", tarred(":gz", **{"top/a": b"a", "top/b": b"b"}), {"top/a": b"a", "top/b": b"b"}),
        ("one.tar.bz2", tarred(":bz2", **{"d/a": TEXT}), {"a": TEXT}),
        ("one.txz", tarred(":xz", a=TEXT), {"a": TEXT}),
        ("table.xlsx", zipped(**{"sheet.xml": b"x"}), None),
        ("plain.csv", TEXT, {"plain.csv": TEXT}),
    ],
)
def test_files_are_decompressed_by_their_suffix(
    name: str, body: bytes, files: dict[str, bytes] | None, course: Course, server: Server
) -> None:
    path = course.get(server.script(f"/{name}", serve(Content(body))))
    assert course.files() == (files or {name: body})
    assert path == course.folder / (next(iter(course.files())) if path.is_file() else name.partition(".")[0])
    assert course.get(f"{server.url}/{name}") == course.get(f"{server.url}/{name}", offline=True) == path
    assert len(server.requests) == 1
    assert course.told == []


def test_a_large_file_is_fetched_and_decompressed_in_flat_memory(course: Course, server: Server) -> None:
    size = 48 * 2**20
    noise = random.Random(0).randbytes(2**20) * 12
    for name, body in (("zeros.csv.gz", gzip.compress(bytes(size), 1)), ("noise.bin", noise)):
        url = server.script(f"/{name}", serve(Content(body)))
        tracemalloc.start()
        path = course.get(url)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert path.stat().st_size in {size, len(noise)}
        assert peak < 6 * 2**20


def test_a_file_can_be_kept_compressed(course: Course, server: Server) -> None:
    url = server.script("/a.csv.gz", serve(Content(GZIP)))
    assert course.get(url, decompress=False).read_bytes() == GZIP
    assert course.get(url).read_bytes() == TEXT
    assert sorted(course.files()) == ["a.csv", "a.csv.gz"]
    assert len(server.requests) == 1


def test_a_changed_member_of_an_archive_is_restored_and_a_stranger_is_kept(course: Course, server: Server) -> None:
    url = server.script("/two.zip", serve(Content(zipped(a=b"a", b=b"b"))))
    folder = course.get(url)
    (folder / "a").write_bytes(b"changed")
    (folder / "mine").write_bytes(b"mine")
    course.get(url)
    assert course.files() == {"two/a": b"a", "two/b": b"b", "two/mine": b"mine", "two/a.changed": b"changed"}


ABSOLUTE = Path(tempfile.gettempdir()) / f"member-{secrets.token_hex(8)}.txt"
EVIL = {"link/evil.txt": b"evil"}
FLIPPED = (whole := tarred(":gz", a=b"a", b=b"b"))[:-8] + bytes([whole[-8] ^ 1]) + whole[-7:]
ENCRYPTED = bytearray(zipped(a=b"a"))
ENCRYPTED[ENCRYPTED.index(b"PK\x01\x02") + 8] |= 1
CANNOT_BE_UNPACKED = {
    "parent": ("a.tar.gz", tarred(":gz", good=b"good", **{"../evil.txt": b"evil"}), "outside the destination"),
    "symbolic link": ("a.tgz", tarred(":gz", tarfile.SYMTYPE, **EVIL), "outside the destination"),
    "hard link": ("a.tgz", tarred(":gz", tarfile.LNKTYPE, **EVIL), "outside the destination"),
    "device": ("a.tgz", tarred(":gz", tarfile.FIFOTYPE, **EVIL), "special file"),
    "the checksum after the end of a tar is wrong": ("a.tar.gz", FLIPPED, "CRC check failed"),
    "encrypted": ("a.zip", bytes(ENCRYPTED), "is encrypted"),
    "empty": ("none.zip", zipped(), "it holds no file"),
}


@pytest.mark.parametrize(("name", "body", "reason"), CANNOT_BE_UNPACKED.values(), ids=CANNOT_BE_UNPACKED)
def test_an_archive_that_is_unsafe_damaged_or_encrypted_is_refused_whole(
    name: str, body: bytes, reason: str, course: Course, server: Server
) -> None:
    with pytest.raises(DownloadError, match=f"{name} cannot be unpacked .*{reason}.*: fetch it again, or keep it comp"):
        course.get(server.script(f"/{name}", serve(Content(body))))
    assert visible(course.folder.parent) == []


@pytest.mark.parametrize(
    "member",
    ["../evil", "a/../../../evil", ABSOLUTE.as_posix(), "C:\\evil", "a\\..\\..\\evil"],
    ids=["parent", "parent of parents", "absolute", "drive", "backslashes"],
)
@pytest.mark.parametrize("make", [lambda **members: tarred(":xz", **members), zipped], ids=["a.tar.xz", "a.zip"])
def test_no_member_of_an_archive_is_written_outside_the_folder(
    make: Callable[..., bytes], member: str, course: Course, server: Server
) -> None:
    name = "a.zip" if make is zipped else "a.tar.xz"
    with suppress(DownloadError):
        course.get(server.script(f"/{name}", serve(Content(make(**{member: b"evil"})))))
        assert list(course.files().values()) == [b"evil"]
    assert visible(course.folder.parent) == [*visible(course.cache), *visible(course.folder)]
    assert not ABSOLUTE.exists()
