# mypy: disable-error-code="no-untyped-call"
"""%download, %head, %tail and %linecount return what the functions of the course return, and raise their errors."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from IPython.core.formatters import DisplayFormatter
from misbehaving_server import Content, Server, serve, status

from course.errors import BadArgumentError, DownloadError
from magics.data import DataMagics, FormattedText, PlainText

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

ROWS = b"AGE;SUM;\n" + b"".join(b"%d;%d;\n" % (number, number) for number in range(50))
SOME = "AGE;SUM;\n0;0;"


@pytest.fixture
def shell(empty_shell: InteractiveShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InteractiveShell:
    empty_shell.register_magics(DataMagics)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BIGDATA_COURSE_DATA", str(tmp_path / "cache"))
    Path("rows.csv").write_bytes(ROWS)
    return empty_shell


def run(shell: InteractiveShell, code: str) -> Any:
    """Run a cell and return its value, or raise its error."""
    outcome = shell.run_cell(code)
    outcome.raise_error()
    return outcome.result


def displayed(value: object) -> dict[str, str]:
    """Return what a notebook gets: the formatter of a kernel, not that of a terminal."""
    data: dict[str, str] = DisplayFormatter().format(value)[0]
    return data


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("%head rows.csv -n 2", SOME),
        ("%tail rows.csv -n 2", "48;48;\n49;49;"),
        ("len(_ip.run_line_magic('head', 'rows.csv').splitlines())", 10),
        ("len(_ip.run_line_magic('tail', 'rows.csv').splitlines())", 10),
        ("%head 'my file.txt' -e latin-1", "été"),
        ('%head "my file.txt" -e latin-1', "été"),
        ("%tail long.txt", "x" * 1000 + "…\nend"),
        ("%head long.txt -w 3 -n 1", "xxx…"),
        ("%linecount small.csv", 3),
        ("%linecount small.csv --text", 5),
    ],
)
def test_lines_are_shown_and_counted(shell: InteractiveShell, code: str, value: object) -> None:
    Path("my file.txt").write_bytes("été".encode("latin-1"))
    Path("long.txt").write_text("x" * 5000 + "\nend\n", encoding="utf-8")
    Path("small.csv").write_bytes(b"a\r\r\nb\r\r\nc")
    shell.user_ns["_ip"] = shell
    assert run(shell, code) == value


def test_a_notebook_shows_escaped_html_and_a_terminal_or_raw_the_text(shell: InteractiveShell) -> None:
    Path("page.txt").write_text("<b>&\n", encoding="utf-8")
    shown = displayed(run(shell, "%head page.txt"))
    assert shown["text/plain"] == "<b>&"
    assert shown["text/html"].endswith(">&lt;b&gt;&amp;</pre>")
    assert "<b>" not in shown["text/html"]
    value = run(shell, "%head rows.csv -n 2 --raw")
    assert (type(value), displayed(value)) == (PlainText, {"text/plain": SOME})
    assert isinstance(run(shell, "%head rows.csv --html"), FormattedText)


def test_the_result_goes_to_a_variable_and_is_not_shown(shell: InteractiveShell) -> None:
    assert run(shell, "%head rows.csv -n 2 -o first") is None
    assert run(shell, "%linecount rows.csv --output=count") is None
    assert shell.user_ns["first"] == SOME
    assert shell.user_ns["count"] == 51


def test_a_variable_or_an_expression_gives_the_path(shell: InteractiveShell) -> None:
    shell.user_ns["path"] = Path("rows.csv")
    assert run(shell, "%head path -n 2") == run(shell, "%head {path} -n 2") == run(shell, "%head $path -n 2") == SOME
    Path("path").write_text("the file of this name goes first\n", encoding="utf-8")
    assert run(shell, "%head path") == "the file of this name goes first"


@pytest.mark.parametrize(
    ("code", "error", "message"),
    [
        ("%tail absent.csv", FileNotFoundError, "absent"),
        ("%head rows.csv -e utf-9", BadArgumentError, "unknown"),
        ("%head rows.csv -w -1", BadArgumentError, "cannot be -1"),
        ("%head rows.csv -o 1x", BadArgumentError, "not a variable name"),
        ("%head", BadArgumentError, "required"),
        ("%tail rows.csv --unknown", BadArgumentError, "unrecognized"),
        ("%download nothing.csv", BadArgumentError, "neither a name of the course nor an address"),
    ],
)
def test_errors_are_exceptions(shell: InteractiveShell, code: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        run(shell, code)


def test_download_returns_the_path_and_head_takes_it(shell: InteractiveShell, server: Server) -> None:
    shell.user_ns["url"] = server.script("/rows.csv.gz", serve(Content(gzip.compress(ROWS))))
    assert run(shell, "%download url") == Path("data/rows.csv")
    assert run(shell, "path = %download url -d elsewhere") is None
    assert run(shell, "%head path -n 2") == SOME
    assert run(shell, "%download {url} --offline --keep-compressed -o kept") is None
    assert gzip.decompress(shell.user_ns["kept"].read_bytes()) == ROWS


def test_download_checks_the_hash_and_force_replaces(shell: InteractiveShell, server: Server) -> None:
    url = server.script("/table?x", serve(Content(ROWS)))
    with pytest.raises(DownloadError, match="has not the hash"):
        run(shell, f"%download {url} --filename t.csv --hash sha256:{'0' * 64}")
    assert not Path("data").exists()
    with pytest.raises(DownloadError, match="404"):
        run(shell, f"%download {server.script('/none.csv', status(404))}")
    Path("data").mkdir(exist_ok=True)
    Path("data/t.csv").write_bytes(b"mine")
    assert run(shell, f"%download {url} --filename t.csv --force").read_bytes() == ROWS


def test_offline_a_name_of_the_course_gives_a_synthetic_file_and_one_line_says_so(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    path = run(shell, "%download Lexique_open-DAMIR.xls --offline")
    assert path == Path("data/Lexique_open-DAMIR.xlsx")
    said = capsys.readouterr().out.splitlines()
    assert f"{path} is SYNTHETIC (the official labels, rewritten as a workbook): " in said[0]


def test_a_tilde_is_the_home_in_every_magic_and_in_a_variable(
    shell: InteractiveShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    Path("rows.csv").rename(tmp_path / "home" / "rows.csv")
    shell.user_ns["name"] = "~/rows.csv"
    for word in ("~/rows.csv", "name"):
        assert run(shell, f"%head {word} -n 2") == SOME
        assert run(shell, f"%tail {word} -n 1") == "49;49;"
        assert run(shell, f"%linecount {word}") == 51
    assert run(shell, "%download A201612_small.csv.gz --offline -d ~/data").parent == tmp_path / "home" / "data"
    run(shell, "from course.measure import ledger; ledger.save('~/m.csv')")
    assert (tmp_path / "home" / "m.csv").is_file()
    assert not Path("~").exists()
    Path("~").mkdir()  # a file of that name is taken for what it is
    Path("~", "rows.csv").write_bytes(b"mine")
    assert run(shell, "%head ./~/rows.csv") == "mine"
