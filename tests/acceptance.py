"""What the course gives to its users, recorded through what they can reach, and two records compared.

python tests/acceptance.py record FOLDER [--only data,ways] [--lessons OTHER_CHECKOUT]
python tests/acceptance.py compare BEFORE AFTER [--only data,ways]

A record is a folder of texts and pictures, one folder for each function of SECTIONS. ``--lessons`` publishes the
notebooks and slides of another checkout: two editions of the code are then compared on the same stored lessons.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import difflib
import functools
import gzip
import hashlib
import http.server
import inspect
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import bs4
import nbformat
import openpyxl
import pypdf
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from PIL import Image, ImageChops
from traitlets.config import Config

import course
from course.ways import FORMATS, WAYS, answer, convert

REPOSITORY = Path(__file__).resolve().parents[1]
COURSE = [sys.executable, "-m", "course"]
RUN = "commands magics"  # sections that run something: what they print has times, unlike the stored lessons
SUBSTITUTIONS = [  # what may differ: pattern, replacement, sections (all if none); FOLDER and others: see Record
    (r"0x[0-9a-fA-F]{6,16}", "ADDRESS", ""),
    (r"127\.0\.0\.1:\d+", "HOST:PORT", ""),
    (r"\b(python|jupyterlab|jupyter)3?(\.\d+)?\b(?= -m)", r"\1", RUN),  # the name of the program of Python
    (r"[\d.,]+ ?(ns|µs|ms|s|min|h) wall, .* written", "COST", RUN),  # the line of %%measure
    (r"wall spread [\d.,]+ ?(ns|µs|ms|s|min|h)\b", "wall spread TIME", RUN),
    (r"\b\d+(\.\d+)?(e-\d+)? (ns|µs|ms|s|min|h|seconds)\b", "TIME", RUN),
    (r"\d+(\.\d+)?%\|.*", "PROGRESS", RUN),
    (r"/\S*/lib/python3\.\d+/", "PYTHON/", ""),
    (r"(?ms)^ *File (?!<memory|:).*?(?=\n\n|\Z)", "frames of code", RUN),  # a traceback through our code or a library
    (r"\s*\[\.\.\. skipping hidden \d+ frame\]", "", RUN),
    (r"(frames of code\s+)+", "frames of code\n\n", RUN),
    (r'"seconds": [\d.e-]+', '"seconds": TIME', "data"),  # of the report of a month
    (r"(?m)^File: .*", "", "magics"),  # %name? says where it is written
    (r"(?<=course, version )\S+", "VERSION", ""),
]
CASES = Path(__file__).with_name("acceptance_cases.txt").read_text(encoding="utf-8")
SERVED = {"t.csv": b"a;b\n1;2\n", "fake.csv.gz": b"<!DOCTYPE html><html>no</html>", "bad.csv.gz": b"\x1f\x8b\x08 bad"}


class Record:
    """A folder of texts and pictures, and the temporary folder that the sections work in."""

    def __init__(self, folder: Path, temporary: Path, lessons: Path) -> None:
        self.folder, self.temporary, self.lessons, self.section = folder, temporary, lessons, ""

    def place(self, name: str) -> Path:
        path = self.temporary / self.section / name
        path.mkdir(parents=True)
        return path

    def path(self, name: str) -> Path:
        path = self.folder / self.section / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def text(self, name: str, content: object) -> None:
        """Write a text, what may differ replaced."""
        text = content if isinstance(content, str) else json.dumps(content, indent=1, ensure_ascii=False, default=str)
        places = {self.temporary: "FOLDER", REPOSITORY: "REPOSITORY", self.lessons: "REPOSITORY"}
        for place, word in places.items():
            text = text.replace(str(place), word)
        for pattern, word, sections in SUBSTITUTIONS:
            if not sections or self.section in sections:
                text = re.sub(pattern, word, text)
        self.path(f"{name}.txt").write_text(text + "\n", encoding="utf-8", newline="\n", errors="surrogateescape")


def cases(title: str) -> list[str]:
    r"""Return the cases of a table of acceptance_cases.txt; ``\n`` inside a case is the end of a line."""
    table = CASES.partition(f"[{title}]\n")[2].partition("\n\n")[0].rstrip("\n")
    return [one.replace(r"\n", "\n") for one in re.split(r" ?¦ ?|\n", table)]


def texts(title: str) -> dict[str, str]:
    """Return the files of a table, the content of each under its name."""
    words = {"HEADER": "AGE_BEN_SNDS;X;PRS_REM_MNT;\n", "ROWS": "20;1;1.5;\n30;2;-2;\n20;;.25;\n"}
    words |= {r"\r": "\r", r"\0": "\0", r"\ufeff": "\ufeff"}
    files = dict(case.split(" = ", 1) for case in cases(title))
    for word, meaning in words.items():
        files = {name: text.replace(word, meaning) for name, text in files.items()}
    return files


def outcome(call: Callable[..., object], *arguments: object) -> str:
    """Return what a call gives, or its error as a user reads it."""
    try:
        return str(call(*arguments))
    except Exception as error:  # noqa: BLE001
        return f"{type(error).__name__}: {error}"


def digest(data: bytes | str) -> str:
    return hashlib.sha256(data if isinstance(data, bytes) else data.encode()).hexdigest()


def run(words: list[str], folder: Path) -> str:
    done = subprocess.run(words, cwd=folder, capture_output=True, encoding="utf-8", timeout=600, check=False)
    return f"exit code {done.returncode}\n--- stdout\n{done.stdout}\n--- stderr\n{done.stderr}"


def files_of(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def names(record: Record) -> None:
    """What ``import course``, the ways, the formats and the exporters are called, and what they take."""
    public = {name: getattr(course, name) for name in course.__all__ if name != "CourseError"}
    record.text("import course", sorted(course.__all__))
    for name, one in public.items():
        parameters = inspect.signature(one).parameters.values()  # types apart, which name classes by their module
        record.text(name, f"{[(p.name, str(p.kind), p.default) for p in parameters]}\n{inspect.getdoc(one)}")
    record.text("ways", [(one.name, one.title, one.format, one.streaming, one.remote) for one in WAYS.values()])
    record.text("formats", [(one.name, one.suffix) for one in FORMATS.values()])
    record.text("exporters", sorted(entry_points(group="nbconvert.exporters").names))


def data(record: Record) -> None:
    """The bytes of the generator, and the lexicon."""
    folder = record.place("data")
    hashes = {"small": digest(course.small_file(folder).read_bytes())}
    with contextlib.redirect_stdout(io.StringIO()) as said:
        offline = course.download("A201612_small.csv.gz", folder / "offline", offline=True)
    hashes["offline"] = digest(offline.read_bytes())
    record.text("offline", said.getvalue())
    months = {"m.csv": {"rows": 20_000}, "m.csv.gz": {"rows": 100_000, "seed": 7},
              "m.parquet": {"rows": 50_000, "seed": 3}, "size.csv": {"size": 5_000_000, "seed": 1}}  # fmt: skip
    for name, options in months.items():
        record.text(f"month {name}", dataclasses.asdict(course.month_file(folder / name, **options)))
        hashes[name] = digest((folder / name).read_bytes())
    record.text("hashes", hashes)
    book = openpyxl.load_workbook(course.lexicon_file(folder))
    cells = {sheet.title: [list(row) for row in sheet.iter_rows(values_only=True)] for sheet in book}
    record.text("lexicon workbook", {title: [len(rows), rows[:3], digest(repr(rows))] for title, rows in cells.items()})
    names = course.lexicon()
    record.text("lexicon", names.to_csv())
    codes = {name: outcome(lambda name: course.lexicon(name).to_dict(), name) for name in names.index}
    record.text("lexicon of variables", codes)


def ways(record: Record) -> None:
    """The answer of every way, on clean and on dirty files."""
    sources = {"small file": course.small_file(record.place("small"))}
    sources["month"] = course.month_file(record.place("month") / "m.csv", rows=30_000, seed=5).path
    sources["month, csv.gz"] = course.month_file(record.place("month gz") / "m.csv.gz", rows=20_000).path
    for name, text in texts("dirty files").items():
        sources[name] = record.place(f"dirty {len(sources)}") / "m.csv"
        sources[name].write_bytes(text.encode())
    sources["name with brackets"] = shutil.copy(sources["crlf"], record.place("c [2024]") / "m[12].csv")
    sources["absent"], sources["a folder"] = record.place("absent") / "m.csv", record.place("a folder")

    def answered(way: str, source: Path, place: Path) -> str:
        form = FORMATS[WAYS[way].format]
        made = place / f"m{form.suffix}"
        result = answer(way, made if made.exists() else convert(form.name, source, made))
        # threads add in any order: the last digits change from run to run
        return f"{result.dtype} {result.name} {result.index.dtype} {result.index.name} {result.round(6).to_dict()}"

    for number, (name, source) in enumerate(sources.items()):
        place = record.place(f"made {number}")
        lines = [f"{way}: {outcome(answered, way, source, place)}" for way in WAYS]
        record.text(name, "\n".join([*lines, "left: " + " ".join(sorted(path.name for path in place.iterdir()))]))
    wrong = [outcome(answer, way, "x.csv") for way in ("nothing", "sqlite", "pandas-csv")]
    record.text("wrong names", [*wrong, *(outcome(convert, form, "x.csv", "y") for form in ("nothing", "csv", "hdf5"))])


BLOCKS = "p,div,section,article,li,ul,ol,table,tr,td,th,pre,h1,h2,h3,h4,h5,h6,nav,main,header,footer,details,summary,figure,figcaption,aside,blockquote,br,title"  # noqa: E501


def blocks(tag: bs4.Tag) -> str:
    """Return the text of a page as it is read: one line for each block, and for each line of code."""
    for string in [string for pre in tag.find_all("pre") for string in pre.find_all(string=True)]:
        string.replace_with(string.replace("\n", "\0"))
    for block in tag.select(BLOCKS):
        block.insert_before("\0")
        block.insert_after("\0")
    return "\n".join(filter(None, (" ".join(line.split()) for line in tag.get_text().split("\0"))))


def page(record: Record, name: str, content: str) -> None:
    """Record a page: its text, slide by slide in a deck; its links, names, pictures and what is read aloud."""
    soup = bs4.BeautifulSoup(content, "html.parser")
    kept = {"title": [str(soup.title)], "lang": [tag["lang"] for tag in soup.find_all(lang=True)]}
    for attribute in ("href", "id", "alt", "aria-label", "role"):
        values = [str(tag[attribute]) for tag in soup.find_all(attrs={attribute: True})]
        kept[attribute] = [value if len(value) < 500 else digest(value) for value in values]
    kept["pictures"] = [digest(str(tag.get("src", tag))) for tag in soup.find_all(["img", "svg", "video", "audio"])]
    record.text(f"{name} attributes", kept)
    slides = soup.select(".slides > section > section")
    numbered = [f"=== slide {number} of {len(slides)}\n{blocks(slide)}" for number, slide in enumerate(slides, 1)]
    record.text(f"{name} text", "\n".join(numbered) or blocks(soup))


def pdf(record: Record, name: str, content: bytes) -> None:
    """Record the text of a PDF and a small picture of each page."""
    pages = pypdf.PdfReader(io.BytesIO(content)).pages
    texts = [f"=== page {number} of {len(pages)}\n{one.extract_text()}" for number, one in enumerate(pages, 1)]
    record.text(f"{name} text", "\n".join(texts))
    if shutil.which("pdftoppm"):
        prefix = record.path(f"{name} pages/page")
        subprocess.run(["pdftoppm", "-r", "40", "-png", "-", str(prefix)], input=content, check=True)


def site(record: Record) -> None:
    """The site of the stored lessons and decks."""
    folder = record.place("build")
    sources = [f"--{name}={record.lessons / name}" for name in ("notebooks", "slides")]
    said = run([*COURSE, "build", "--no-execute", *sources, "--output=site", "--cache=cache"], folder)
    record.text("build", re.sub(r"[\d.]+ s:", "TIME:", said))
    record.text("files", files_of(folder / "site"))
    for name in files_of(folder / "site"):
        content = (folder / "site" / name).read_bytes()
        if name.endswith(".pdf"):
            pdf(record, name, content)
        elif name.endswith(".html"):
            page(record, name, content.decode())
        else:  # scripts and notebooks; a picture is known by its hash
            record.text(name, re.sub(r"[A-Za-z0-9+/=\\]{300,}", lambda found: digest(found[0]), content.decode()))


def commands(record: Record) -> None:
    """The help of each command, and what invocations of it do, wrong ones included."""
    folder = record.place("folder")
    waiting: list[list[str]] = [[]]
    while waiting:
        words = waiting.pop()
        said = run([*COURSE, *words, "--help"], folder)
        record.text(f"help of course {' '.join(words)}".strip(), said)
        waiting += [[*words, found] for found in re.findall(r"(?m)^  (\w+)  ", said.partition("Commands:")[2])]
    (folder / "file.txt").write_text("a file")
    (folder / "keep").mkdir()
    (folder / "keep" / "mine.txt").write_text("mine")
    v4 = nbformat.v4
    for name, source in {"notebooks/01_one": "print(6 * 7)\n6 * 7", "bad": "1 / 0", "warned": "for x"}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        cells = [v4.new_markdown_cell(f"# {name}\n\n$x$", id="text"), v4.new_code_cell(source, id="code")]
        nbformat.write(v4.new_notebook(cells=cells), folder / f"{name}.ipynb")
    for number, line in enumerate(cases("commands")):
        said = run([*COURSE, *shlex.split(line)], folder)
        if line.startswith("doctor"):  # what is free, and versions
            said = re.sub(r"\d+(\.\d+)*", "N", re.sub(" +", " ", said.replace(str(record.temporary), "FOLDER")))
        record.text(f"{number:02} course {line.replace('/', ' ')}", re.sub(r"[\d.]+ s:", "TIME:", said))
    made = (name for name in files_of(folder) if "/cache/" not in name)  # kept under hashes of the code
    record.text("files", sorted({re.sub(r"[0-9a-f]{16,}", "HASH", name) for name in made}))
    record.text("executed", (folder / "other/notebooks/01_one.ipynb").read_text(encoding="utf-8"))


def called(shell: Any, code: str) -> str:
    """Return all that a cell shows, or what the completer proposes at its end."""
    if code.startswith("COMPLETE "):
        with provisionalcompleter():
            return str([one.text for one in shell.Completer.completions(code[9:], len(code) - 9)])
    with capture_output() as shown:
        ended = shell.run_cell(code, store_history=True)
    error = ended.error_before_exec or ended.error_in_exec
    lines = [f"displays {one.data.get('text/plain')}" for one in shown.outputs]
    kinds = {} if ended.result is None else shell.display_formatter.format(ended.result)[0]
    lines += [f"result as {kind} {data if '<pre' in data[:4] else ''}" for kind, data in kinds.items()]
    lines += [shown.stderr, f"error {type(error).__name__}: {error}" if error else "no error"]
    return "\n".join([shown.stdout, *lines])


def magics(record: Record) -> None:
    """The help of each magic, and what calls of it show, errors included."""
    folder, root = record.place("folder"), record.place("served")
    table = "a;b\n" + "".join(f"{n % 5};{n}.5\n" for n in range(25))
    for name, text in (texts("files") | {"t.csv": table, "wide.txt": "é" * 3000 + "\nend\n"}).items():
        (folder / name).write_bytes(text.encode())
    (folder / "latin.txt").write_bytes("é;b\nà;1\n".encode("latin-1"))
    (folder / "t.csv.gz").write_bytes(gzip.compress(table.encode(), mtime=0))
    for name, content in {**SERVED, "t.csv.gz": gzip.compress(SERVED["t.csv"], mtime=0)}.items():
        (root / name).write_bytes(content)
    shutil.make_archive(str(root / "t"), "gztar", folder, "tabs.tsv")
    os.chdir(folder)
    settings = {"HistoryManager": {"enabled": False}, "InteractiveShell": {"colors": "nocolor"}}
    shell = InteractiveShell.instance(config=Config(settings))
    shell.Completer.use_jedi = False
    known = {kind: set(found) for kind, found in shell.magics_manager.lsmagic().items()}
    shell.run_line_magic("load_ext", "magics")
    added = {kind: sorted(set(found) - known[kind]) for kind, found in shell.magics_manager.lsmagic().items()}
    record.text("names", added)
    for kind, sign in (("line", "%"), ("cell", "%%")):
        for name in added[kind]:
            record.text(f"help of {sign}{name}", shell.object_inspect_text(f"{sign}{name}"))
    tables = {"calls": cases("calls")}
    tables |= {base: [one.replace("BASE", base) for one in cases("SQL calls")] for base in ("a.db3", "a.duckdb")}
    http.server.SimpleHTTPRequestHandler.log_message = lambda *_: None  # else it would write among what a call shows
    served = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(root))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), served) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        for title, table in tables.items():
            for number, code in enumerate(case.replace("URL", address) for case in table):
                record.text(f"{title} {number:03}", f"{code}\n{called(shell, code)}")
        server.shutdown()
    os.chdir(REPOSITORY)


SECTIONS = {one.__name__: one for one in (names, data, ways, site, commands, magics)}
LONGEST = 40  # lines of a difference that are printed


def record_all(folder: Path, lessons: Path, only: list[str]) -> int:
    """Record every section; one that fails is told and leaves its traceback."""
    if folder.exists() and any(folder.iterdir()):
        sys.exit(f"{folder} is not empty")
    warnings.simplefilter("ignore")
    os.environ |= {"PYTHONWARNINGS": "ignore", "COLUMNS": "100"}
    failed = 0
    with tempfile.TemporaryDirectory(prefix="acceptance-") as temporary:
        os.environ |= {"BIGDATA_COURSE_DATA": f"{temporary}/kept", "IPYTHONDIR": f"{temporary}/ipython"}
        os.environ |= {"BIGDATA_COURSE_PROGRESS": "off", "MPLBACKEND": "Agg", "PYTHONIOENCODING": "utf-8"}
        record = Record(folder, Path(temporary).resolve(), lessons)
        for name in only:
            record.section, start = name, time.perf_counter()
            try:
                SECTIONS[name](record)
            except Exception:  # noqa: BLE001
                failed = 1
                record.text("FAILED", traceback.format_exc())
            print(f"{name}: {len(files_of(folder / name))} files, {time.perf_counter() - start:.0f} s", flush=True)  # noqa: T201
    return failed


def difference(before: Path, after: Path) -> list[str]:
    """Return the lines that say how two files of one name differ, none if they are equal."""
    if not before.exists() or not after.exists():
        return [f"only in {before if before.exists() else after}"]
    if before.read_bytes() == after.read_bytes():
        return []
    if before.suffix == ".png":
        change = ImageChops.difference(*(Image.open(path).convert("L") for path in (before, after)))
        equal = change.histogram()[0] / (change.width * change.height)
        return [f"{1 - equal:.2%} of the pixels differ: {before} {after}"]
    old, new = (path.read_text(encoding="utf-8", errors="surrogateescape").splitlines() for path in (before, after))
    lines = [line[:400] for line in difflib.unified_diff(old, new, "before", "after", lineterm="", n=1)]
    return lines[:LONGEST] + [f"… {len(lines) - LONGEST} more lines"] * (len(lines) > LONGEST)


def compare(before: Path, after: Path, only: list[str]) -> int:
    """Print every difference, then the names of what differs; return 1 if there is any."""
    names_of_both = sorted(name for name in {*files_of(before), *files_of(after)} if name.split("/")[0] in only)
    differing = {name: lines for name in names_of_both if (lines := difference(before / name, after / name))}
    for name, lines in differing.items():
        print(f"\n##### {name}", *lines, sep="\n")  # noqa: T201
    print(f"\n{len(differing)} of {len(names_of_both)} items differ", *differing, sep="\n")  # noqa: T201
    return 1 if differing or not names_of_both else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("action", choices=("record", "compare"))
    parser.add_argument("folders", type=Path, nargs="+", help="the folder to record in, or the two to compare")
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(SECTIONS), help=", ".join(SECTIONS))
    parser.add_argument("--lessons", type=Path, default=REPOSITORY, help="checkout whose lessons are published")
    options = parser.parse_args()
    folders = [folder.resolve() for folder in options.folders]
    if len(folders) != (1 if options.action == "record" else 2) or not set(options.only) <= set(SECTIONS):
        parser.error("record takes one folder, compare two; --only takes " + ", ".join(SECTIONS))
    if options.action == "record":
        return record_all(folders[0], options.lessons.resolve(), options.only)
    return compare(folders[0], folders[1], options.only)


if __name__ == "__main__":
    sys.exit(main())
