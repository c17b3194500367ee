"""The names of the course: found by the token of the day, and made by the generator, aloud, when they cannot be."""

from __future__ import annotations

import gzip

import pytest
from downloading_user import GZIP, MONTH, SMALL, TEXT, Course
from misbehaving_server import Content, Server, serve, status

from course.downloads.retrieval import KNOWN_HASHES, LEXICON_COPY, MONTHS_PAGE, SEED_SITE, _resource_of
from course.errors import BadArgumentError, DownloadError, ExistingFileError
from course.generator.answer import read_report
from course.generator.month import month_file


def list_page(*names: str, token: str = "1f") -> Content:
    links = "".join(
        f'<li><a class="x" href="./download_file.php?token={token}&amp;file=Open_DAMIR/{name}">{name}</a></li>\n'
        for name in names
    )
    return Content(f"<!DOCTYPE html><html><body><a>no link</a>{links}</body></html>".encode())


def publish(server: Server, *names: str, body: bytes = GZIP, token: str = "1f") -> None:
    """Put months of one year on the server, behind a list with the token of the day."""
    server.script(f"/list.php?Dir_Rep=Open_DAMIR&Annee={names[0][1:5]}", serve(list_page(*names, token=token)))
    for name in names:
        server.script(f"/download_file.php?token={token}&file=Open_DAMIR/{name}", serve(Content(body)))


def test_a_month_is_found_by_the_token_of_the_day(course: Course, server: Server) -> None:
    publish(server, "A201611.csv.gz", MONTH, token="ab1")
    assert course.get(MONTH).name == "A201612.csv"
    assert course.files() == {"A201612.csv": TEXT}
    publish(server, MONTH, body=gzip.compress(b"newer\n"), token="ab2")
    assert course.get(MONTH, force=True).read_bytes() == b"newer\n"
    publish(server, "P201401.csv.gz")  # the first series has its own prefix
    assert course.get("P201401.csv.gz").read_bytes() == TEXT
    assert course.told == []


ELSEWHERE = Content(b'<a href="http://elsewhere.invalid/A201503.csv.gz">A201503.csv.gz</a>')


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        (list_page("A201501.csv.gz", "A201502.csv.gz"), r"is not on.*lists A201501\.csv\.gz to A201502\.csv\.gz"),
        (list_page(), "is not on.*lists no month"),
        (ELSEWHERE, "another server"),
    ],
)
def test_a_month_that_is_not_listed_or_is_elsewhere_is_said(
    listed: Content, message: str, course: Course, server: Server
) -> None:
    server.script("/list.php?Dir_Rep=Open_DAMIR&Annee=2015", serve(listed))
    with pytest.raises(DownloadError, match=message):
        course.get("A201503.csv.gz", known_hash="0" * 64)


def test_the_known_hash_of_a_month_is_checked(course: Course, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(server, "A202501.csv.gz")
    monkeypatch.setattr("course.downloads.retrieval.SYNTHETIC_ROWS", 10)
    course.get("A202501.csv.gz")
    assert "has not the hash sha256:3d28be96" in course.told[0]


def test_the_lexicon_comes_from_its_public_copy(course: Course, server: Server) -> None:
    workbook = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600)
    server.script("/copy/Lexique%20open-DAMIR.xls", serve(Content(workbook)))
    assert course.get("Lexique_open-DAMIR.xls").read_bytes() == workbook
    assert course.told == []


def test_addresses_are_of_https_and_what_cannot_change_has_a_hash() -> None:
    for address in (SEED_SITE, LEXICON_COPY, MONTHS_PAGE):
        assert address.startswith("https://")
    assert "91de5dad787c370ed5482348a21e696dd952413c" in LEXICON_COPY
    assert KNOWN_HASHES[LEXICON_COPY] == _resource_of("Lexique_open-DAMIR.xls", None).known_hash


def test_what_was_written_in_a_synthetic_file_is_kept(course: Course, server: Server) -> None:
    path = course.get(SMALL)
    path.write_bytes(b"mine")
    server.script(f"/seed/{SMALL}", serve(Content(GZIP)))
    assert course.get(SMALL).read_bytes() == TEXT
    assert course.files()["A201612_small.changed.csv"] == b"mine"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("A201612_smal.csv.gz", "did you mean A201612_small.csv.gz?"),
        ("A201612", "did you mean A201612.csv.gz?"),
        ("P201612.csv.gz", "did you mean A201612.csv.gz?"),
        ("a201401.csv", "did you mean P201401.csv.gz?"),
        ("A201613.csv.gz", "A201612.csv.gz"),
        ("nothing alike", "give an address"),
        ("P200812.csv.gz", "P200901.csv.gz"),
    ],
)
def test_an_unknown_name_is_refused_with_a_hint(name: str, hint: str, course: Course) -> None:
    with pytest.raises(BadArgumentError) as raised:
        course.get(name)
    assert hint in str(raised.value)


def test_a_dead_source_gives_the_synthetic_file_and_says_so_until_the_source_lives(
    course: Course, server: Server
) -> None:
    path = course.get(SMALL)
    assert (path, path.read_bytes()) == (course.folder / "A201612_small.csv", b"made up\n")
    assert "404 Not Found" in course.told[0]
    assert "A201612_small.csv is SYNTHETIC (99,999 generated rows)" in course.told[0]
    server.requests.clear()
    assert course.get(SMALL, offline=True) == course.get(SMALL, offline=True) == path
    assert server.requests == []
    assert ["SYNTHETIC" in line for line in course.told] == [True] * 3
    server.script(f"/seed/{SMALL}", serve(Content(GZIP)))
    assert course.get(SMALL).read_bytes() == TEXT
    server.script(f"/seed/{SMALL}", status(404))
    with pytest.raises(DownloadError, match="404"):
        course.get(SMALL, force=True)
    assert path.read_bytes() == TEXT


def test_a_synthetic_file_never_takes_the_place_of_a_file_from_elsewhere(course: Course) -> None:
    course.folder.mkdir()
    (course.folder / "A201612_small.csv").write_bytes(b"mine")
    with pytest.raises(ExistingFileError):
        course.get(SMALL, offline=True)
    assert course.files() == {"A201612_small.csv": b"mine"}


def test_a_month_without_network_is_made_by_the_generator_and_one_made_before_is_taken(
    course: Course, server: Server
) -> None:
    path = course.get("A201611.csv.gz", offline=True)
    assert path.read_bytes().count(b"\n") == 200_001
    assert "A201611.csv is SYNTHETIC (200,000 generated rows): A201611.csv.gz is not in the cache" in course.told[-1]
    assert set(course.files()) == {"A201611.csv", "A201611.csv.json"}
    report = month_file(course.folder / "A201612.csv", rows=50)
    assert course.get(MONTH, offline=True) == report.path
    assert "generated earlier" in course.told[-1]
    assert read_report(report.path) is not None
    publish(server, "A201611.csv.gz")
    assert course.get("A201611.csv.gz").read_bytes() == TEXT
    assert "A201611.csv.json" not in course.files()


def test_what_was_written_in_the_report_of_a_synthetic_month_is_kept(
    course: Course, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("course.downloads.retrieval.SYNTHETIC_ROWS", 10)
    course.get(MONTH, offline=True)
    (course.folder / "A201612.csv.json").write_bytes(b"mine")
    publish(server, MONTH)
    course.get(MONTH)
    assert course.files() == {"A201612.csv": TEXT, "A201612.csv.json": b"mine"}


def test_whoever_gives_a_hash_or_an_address_gets_no_synthetic_file_and_the_environment_can_forbid_the_network(
    course: Course, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DownloadError, match="404"):
        course.get(SMALL, known_hash="0" * 64)
    server.requests.clear()
    monkeypatch.setenv("BIGDATA_COURSE_OFFLINE", "1")
    with pytest.raises(DownloadError, match="is not in the cache, and offline forbids"):
        course.get(f"{server.url}/{SMALL}")
    assert server.requests == []
    assert course.files() == {}
