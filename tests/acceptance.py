# ruff: noqa: E501, T201 (the tables of cases have long lines)
"""What the course gives to its users, recorded through what they can reach, and two records compared.

python tests/acceptance.py record FOLDER [--only data,ways] [--lessons OTHER_CHECKOUT]
python tests/acceptance.py compare BEFORE AFTER [--only data,ways]

A record is a folder of texts and pictures, one folder for each function of SECTIONS. ``--lessons`` publishes the
notebooks and slides of another checkout: two editions of the code are then compared on the same stored lessons.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
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
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import bs4
import nbformat
import pypdf
from PIL import Image, ImageChops

REPOSITORY = Path(__file__).resolve().parents[1]
COURSE = [sys.executable, "-m", "course"]
RUN = "scripts commands magics"  # sections that run something: what they print has times, unlike the stored lessons
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
H = "AGE_BEN_SNDS;X;PRS_REM_MNT;\n"
ROW = "20;1;1.5;\n30;2;-2;\n20;;.25;\n"
DIRTY: dict[str, str] = {  # files of the kinds that people have: every way gives the right answer or one clear error
    "crlf": (H + ROW).replace("\n", "\r\n"), "bom": "\ufeff" + H + ROW, "blank lines": H + "\n20;1;1;\n\n\n30;1;2;\n\n",
    "NA amount": H + ROW + "40;1;NA;\n", "nan amount": H + ROW + "40;1;nan;\n", "inf": H + "20;1;-inf;\n20;1;inf;\n",
    "missing amount": H + ROW + "40;1;;\n", "missing age": H + ROW + ";1;5;\n", "1_000": H + ROW + "20;1;1_000;\n",
    "decimal age": H + "20.5;1;1;\n20;1;2;\n", "age 20.0": H + ROW + "20.0;1;1;\n", "quoted": H + ROW + '"20";"1";"1";\n',
    "quoted line end": H + '20;"a\n30;x;5;\nb";1;\n', "quote in the middle": H + '20;5" pipe;1;\n', "header only": H,
    "no final newline": (H + ROW)[:-1], "rows end with ;": H.replace("MNT;", "MNT") + ROW, "comma": H + "20;1;1,5;\n",
    "true": H + ROW + "20;1;true;\n", "hexadecimal": H + "0x14;1;0x14;\n", "dash": H + ROW + "20;1;-;\n", "empty": "",
    "lone cr": (H + ROW).replace("\n", "\r"), "comment": H + ROW + "#20;1;1;\n", "missing column": "AGE_BEN_SNDS;X\n20;1\n",
    "short row": H + ROW + "30\n", "long row": H + ROW + "30;1;2;3;4;5\n", "spaces": H + " 20 ; 1 ; 1.5 ;\n", "1e3": H + "20;1;1e3;\n",
    "big age": H + "9223372036854775808;1;1;\n", "smallest ages": H + "-32768;1;1;\n-9223372036854775808;1;2;\n",
    "text age": H + ROW + "old;1;2;\n", "1..5": H + "20;1;1..5;\n", "zero": H + "20;1;-0.0;\n30;1;0.1;\n30;1;0.2;\n", "nul": H + "20;\0;1;\n",
}  # fmt: skip
COMMANDS = """--version | nonsense | data | data small small | data small small | data small file.txt | data small | data lexicon lex
data lexicon lex | data month | data month m.csv | data month m.csv --rows 0 | data month m.csv --rows 3 --size 1MiB
data month m.csv --size big | data month m.xls --rows 3 | data month m.csv --rows 2000 | data month m.csv --rows 2000
data month m.csv --rows 3000 | data month m.csv --rows 3000 --overwrite --seed 3 | data month m.csv.gz --rows 2000
data month m.parquet --size 200KiB | data month none/m.csv --rows 10 | data month m.csv --seed -1 --rows 2 | data month file.txt/m.csv --rows 2
build --formats docx | build --notebooks none | build absent.ipynb | build --workers 0 | build --timeout 0 | build --nonsense
build | build --formats notebook,script | build --formats html,notebook --no-cache --output other | build --no-execute --strict --formats html
build --output keep --formats script | build bad.ipynb --output bad | build warned.ipynb --no-execute --formats script
build warned.ipynb --no-execute --formats script --strict | build notebooks/01_one.ipynb --output one --formats pdf,notes,slides2 --no-execute
serve --site none | serve --port 70000 | start work --lesson 99 --no-lab | start work --no-lab --lesson 5 | start work --no-lab
start work --no-lab --update | start file.txt --no-lab | doctor | doctor data --packages | doctor file.txt | bench --ways none | bench --repeat 0
bench --rows x | bench --rows 2000 --repeat 1 --ways python-csv,pyarrow-parquet --output bench --data benchdata | bench cluster --nonsense | build --output notebooks"""
SERVED = {"t.csv": b"a;b\n1;2\n", "fake.csv.gz": b"<!DOCTYPE html><html>no</html>", "bad.csv.gz": b"\x1f\x8b\x08 bad"}
CALLS = r"""import course, pandas; from pathlib import Path; name = "t.csv"; x = 3 ¦ %head t.csv -n 3 ¦ %head t.csv -n 2 --raw ¦ %head wide.txt -w 20 --html
%head latin.txt ¦ %head latin.txt -e latin-1 -o kept ¦ kept ¦ %head absent.csv ¦ %head t.csv -n -1 ¦ %head t.csv -o class ¦ %head ¦ %head t.csv --nonsense
%head name -n 1 ¦ %head "my file.txt" ¦ %head t.csv -n x ¦ %head "t.csv ¦ %head t.csv.gz -n 1 ¦ %head t.csv -e nonsense ¦ %head . ¦ %tail t.csv -n 2
%tail t.csv -n 0 ¦ %tail no_end.txt -n 1 --raw ¦ %tail wide.txt -w 9 -o end ¦ end ¦ %tail latin.txt -e latin-1 ¦ %tail absent.csv ¦ %tail t.csv -n 99
%linecount t.csv ¦ %linecount no_end.txt ¦ %linecount cr.txt --text ¦ %linecount cr.txt ¦ %linecount t.csv -o lines ¦ lines ¦ %linecount absent
%linecount latin.txt --text -e latin-1 ¦ %download A201612_small.csv.gz --offline ¦ path = %download A201612_small.csv.gz --offline -d two\npath, path.stat().st_size
%download A201612_small.csv.gz --offline --keep-compressed -d big -o month\nmonth ¦ %download A201612 ¦ %download A201612.csv.gz --offline --force ¦ %download
%download t.csv.gz --offline ¦ %download URL/t.csv ¦ %download URL/t.csv ¦ %download URL/t.csv --force ¦ %download URL/t.csv.gz -d gz ¦ %download URL/t.csv.gz -d gz --keep-compressed
%download URL/t.csv --hash sha256:00 ¦ %download URL/t.csv --hash sha256:0000000000000000000000000000000000000000000000000000000000000000 -d no
%download URL/t.csv --hash md5:0 ¦ %download URL/t.tar.gz -d tar ¦ %download URL/fake.csv.gz ¦ %download URL/bad.csv.gz ¦ %download URL/absent.csv ¦ %download URL/t.csv -f named.csv
%download URL/ ¦ %download URL/t.csv -d t.csv ¦ %download URL/other.csv --offline ¦ %download ftp://nowhere/x.csv ¦ %download Lexique_open-DAMIR.xls --offline -d lex
sorted(str(one) for one in Path().rglob("*") if one.is_file()) ¦ %%measure\n6 * 7 ¦ %%measure "two words" -r 3 -o cost\nsum(range(1000)) ¦ cost.label, len(cost.runs), cost.failed
%measure -q 6 * 7 ¦ %measure -l total -r 2 sum(range(10)); ¦ %measure ¦ %measure -r 0 1 ¦ %measure -o class 1 ¦ %%measure bad\n1 / 0 ¦ %%measure\nfor
%%measure --nonsense\n1 ¦ %%measure waits\nimport asyncio\nawait asyncio.sleep(0)\n"awaited" ¦ %%measure "%head"\n%head t.csv -n 1 ¦ %measure -q next(iter([]))
table = %measures\nlist(table.columns), table["label"].tolist(), table["failed"].tolist() ¦ %measures --summary -o table\nlist(table.columns), table.index.tolist()
%measures --save m.csv ¦ %measures --save m.txt ¦ %measures --plot ¦ %measures --save m.json --clear ¦ %measures -o class ¦ %measures ¦ %measures --summary ¦ %measures --plot ¦ %measures nonsense
%%memory_cap 512MiB\n6 * 7 ¦ %%memory_cap 512MiB -q -i x -o y,z\ny = x + 1; z = [y]\nprint("inside") ¦ y, z ¦ %%memory_cap 200MiB -q\nb = bytearray(10**9) ¦ %%memory_cap 1\n1
%%memory_cap banana\n1 ¦ %%memory_cap 512MiB -i nothing\n1 ¦ %%memory_cap 512MiB\n%head t.csv ¦ %%memory_cap 512MiB -q\n1 / 0 ¦ %%memory_cap 512MiB -q -o absent\n1
%%memory_cap 512MiB -q\nimport os; os._exit(3) ¦ %%memory_cap 512MiB -q\n6 * 7; ¦ %%memory_cap 300MiB --watch\n"watched" ¦ %%memory_cap\n1 ¦ %%memory_cap 512MiB\nfor
i = iter([1])\n%%memory_cap 512MiB ¦ %%memory_cap 512MiB -q -o f\nf = open("t.csv") ¦ course.add_notebook_menu() ¦ course.label("AGE_BEN_SNDS", 60) ¦ course.label("AGE_BEN_SNDS", 61)
course.label("AGE_BEN", 60) ¦ course.lexicon("nothing") ¦ course.lexicon("AGE_BEN_SNDS") ¦ course.nothing ¦ course.month_file("t.csv", rows=5) ¦ course.month_file("q.txt", rows=5)
course.month_file("q.csv") ¦ course.small_file("t.csv") ¦ course.doctor("doctor").can_run ¦ COMPLETE %head - ¦ COMPLETE %SQL_import_tsv x --if_exists ¦ COMPLETE %%memory_cap 1MiB --w
%SQL SELECT 1 ¦ %SQL_tables ¦ %SQL_connect absent.db3 ¦ %SQL_connect t.csv ¦ %SQL_connect x.txt --create ¦ %SQL_connect :memory: -v M ¦ %SQL_connect duckdb:// -v M ¦ %SQL_connect http://h/x.db"""
SQL_CALLS = r"""%SQL_connect BASE --create ¦ DB ¦ %SQL_tables ¦ %SQL_import_tsv t.csv ¦ %SQL_import_tsv t.csv ¦ %SQL_import_tsv t.csv --if_exists append ¦ %SQL_import_tsv name -t other -s ;
%SQL_import_tsv tabs.tsv -s tab -t "two words" ¦ %SQL_import_tsv t.csv.gz -t t --if_exists replace ¦ %SQL_import_tsv latin.txt ¦ %SQL_import_tsv latin.txt -e latin-1 -t latin ¦ %SQL_import_tsv dirty.csv
%SQL_import_tsv kinds.csv ¦ %SQL SELECT * FROM kinds ¦ %SQL_schema kinds ¦ %SQL_import_tsv crlf.csv ¦ %SQL SELECT * FROM crlf ¦ %SQL_import_tsv absent.csv ¦ %SQL_import_tsv empty.txt
%SQL_import_tsv t.csv --if_exists maybe ¦ %SQL_tables -o tables\ntables ¦ %SQL_schema t ¦ %SQL_schema t --as_list ¦ %SQL_schema "two words" -o s\ns ¦ %SQL_schema absent ¦ %SQL SELECT COUNT(*) FROM t
%SQL -n 2 SELECT * FROM t ORDER BY a ¦ %%SQL -o rows\nSELECT a, SUM(b) AS total FROM t GROUP BY a ORDER BY a ¦ rows ¦ %SQL SELECT * FROM t WHERE a = :x ¦ %SQL SELECT :absent ¦ %SQL SELECT * FROM tt
%SQL SELECT aa FROM t ¦ %SQL SELEC 1 ¦ %SQL -q "SELECT 6 * 7 AS answer" ¦ %SQL -q "SELECT 1" SELECT 2 ¦ %SQL ¦ %SQL -n -1 SELECT 1 ¦ %SQL -o kept DROP TABLE other ¦ %SQL -v NONE SELECT 1 ¦ %SQL -v x SELECT 1
%%SQL\n-- a comment; not an end\nCREATE TABLE made (i INTEGER, s TEXT);\nINSERT INTO made VALUES (1, 'a;b'), (NULL, NULL);\nSELECT * FROM made ¦ %%SQL\nINSERT INTO made VALUES (2, 'kept');\nSELECT nothing;
%SQL SELECT i, s FROM made ORDER BY i ¦ %SQL BEGIN ¦ %SQL DELETE FROM made ¦ %SQL ROLLBACK ¦ %SQL SELECT COUNT(*) AS n FROM made ¦ frame = pandas.DataFrame({"k": [1, 2], "w": [1.5, None], "d": pandas.to_datetime(["2016-12-01", None]), "t": ["é", None], "b": [True, False]})
%SQL_import_df frame ¦ %SQL_import_df frame ¦ %SQL_import_df frame -t "a b" --if_exists replace ¦ %SQL_import_df frame -t frame --if_exists append ¦ %SQL SELECT * FROM frame ¦ %SQL_schema frame ¦ %SQL_import_df nothing
%SQL_import_df x ¦ %SQL_import_df rows ¦ def euros(cents: int) -> float:\n    return cents / 100 ¦ %SQL_add_function euros ¦ %SQL SELECT euros(12345) AS euros ¦ def fails(a: int) -> int:\n    return 1 // 0 ¦ %SQL_add_function fails
%SQL SELECT fails(1) ¦ %SQL_add_function absent ¦ %SQL_add_function x ¦ %SQL SELECT MEDIAN(b) AS m, AVG(b) AS mean FROM t ¦ %SQL SELECT SUM(9007199254740993) AS big, 0.1 + 0.2 AS sum, NULL AS nothing, 'text' AS s ¦ %SQL EXPLAIN SELECT 1
COMPLETE %SQL SELECT * FROM ma ¦ COMPLETE %%SQL\nSELECT t. ¦ COMPLETE %SQL_drop_table  ¦ %SQL_refresh_completion ¦ %SQL_drop_table made ¦ %SQL_drop_table made ¦ %SQL_tables ¦ %SQL_connect BASE --read-only ¦ %SQL CREATE TABLE no (i INTEGER)
%SQL_close ¦ %SQL SELECT 1 ¦ %SQL_close ¦ %SQL_close -v nothing ¦ %SQL_connect BASE -v other ¦ %SQL_tables -v other ¦ %SQL_close -v other"""
TEXTS = {"t.csv": "a;b\n" + "".join(f"{n % 5};{n}.5\n" for n in range(25)), "no_end.txt": "one\ntwo", "cr.txt": "a\rb\r\nc\n", "empty.txt": "",
         "wide.txt": "é" * 3000 + "\nend\n", "my file.txt": "spaces\n", "tabs.tsv": "a b\tc\n1\tx\n\ty\n", "dirty.csv": "a;b\n1;2\n3\n4;5;6;7\n",
         "kinds.csv": "i;f;s;d;big;z;e\n1;1.5;x;2016-12-01;9007199254740993;007;\n;2;;;1;1e3;\n-3;nan;\"q;r\";x;2;0x1;\n", "crlf.csv": "a;b;\r\n1;é;\r\n\r\n2;;\r\n"}  # fmt: skip


class Record:
    """A folder of texts and pictures, and the temporary folder that the sections work in."""

    def __init__(self, folder: Path, temporary: Path, lessons: Path) -> None:
        self.folder, self.temporary, self.lessons, self.section = folder, temporary, lessons, ""

    def place(self, name: str) -> Path:
        """Return a new folder to work in."""
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


# ------------------------------------------------------------------------------------------------ sections
def names(record: Record) -> None:
    """What ``import course``, the ways, the formats and the exporters are called, and what they take."""
    import course
    from course.ways import FORMATS, WAYS

    public = {name: getattr(course, name) for name in course.__all__ if name != "CourseError"}
    record.text("import course", sorted(course.__all__))
    for name, one in public.items():
        parameters = inspect.signature(one).parameters.values()  # types apart, which name classes by their module
        record.text(name, f"{[(p.name, str(p.kind), p.default) for p in parameters]}\n{inspect.getdoc(one)}")
    record.text("ways", [(one.name, one.title, one.format, one.streaming, one.remote) for one in WAYS.values()])
    record.text("formats", [(one.name, one.suffix, one.streaming) for one in FORMATS.values()])
    record.text("exporters", sorted(entry_points(group="nbconvert.exporters").names))


def data(record: Record) -> None:
    """The bytes of the generator, and the lexicon."""
    import openpyxl

    import course

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
    import course
    from course.ways import FORMATS, WAYS, answer, convert

    sources = {"small file": course.small_file(record.place("small"))}
    sources["month"] = course.month_file(record.place("month") / "m.csv", rows=30_000, seed=5).path
    sources["month, csv.gz"] = course.month_file(record.place("month gz") / "m.csv.gz", rows=20_000).path
    for name, text in DIRTY.items():
        sources[name] = record.place(f"dirty {len(sources)}") / "m.csv"
        sources[name].write_bytes(text.encode())
    sources["name with brackets"] = shutil.copy(sources["crlf"], record.place("c [2024]") / "m[12].csv")
    sources["absent"], sources["a folder"] = record.place("absent") / "m.csv", record.place("a folder")
    for number, (name, source) in enumerate(sources.items()):
        place = record.place(f"made {number}")

        @functools.cache
        def made(form: str, source: Path = source, place: Path = place) -> Path:
            return convert(form, source, place / f"m{FORMATS[form].suffix}")

        def answered(way: str, made: Callable[[str], Path] = made) -> str:
            result = answer(way, made(WAYS[way].format))
            # threads add in any order: the last digits change from run to run
            return f"{result.dtype} {result.name} {result.index.dtype} {result.index.name} {result.round(6).to_dict()}"

        lines = [f"{way}: {outcome(answered, way)}" for way in WAYS]
        record.text(name, "\n".join([*lines, "left: " + " ".join(sorted(path.name for path in place.iterdir()))]))
    wrong = [outcome(answer, way, "x.csv") for way in ("nothing", "sqlite", "pandas-csv")]
    record.text("wrong names", [*wrong, *(outcome(convert, form, "x.csv", "y") for form in ("nothing", "csv", "hdf5"))])


BLOCKS = "p,div,section,article,li,ul,ol,table,tr,td,th,pre,h1,h2,h3,h4,h5,h6,nav,main,header,footer,details,summary,figure,figcaption,aside,blockquote,br,title"


def blocks(tag: bs4.Tag) -> str:
    """Return the text of a page as it is read: one line for each block, and for each line of code."""
    for pre in tag.find_all("pre"):
        for string in list(pre.find_all(string=True)):
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
        prefix.parent.mkdir(exist_ok=True)
        subprocess.run(["pdftoppm", "-r", "40", "-png", "-", str(prefix)], input=content, check=True)


def published(record: Record, name: str, content: bytes) -> None:
    if name.endswith(".pdf"):
        pdf(record, name, content)
    elif name.endswith(".html"):
        page(record, name, content.decode())
    else:  # scripts and notebooks; a picture is known by its hash
        record.text(name, re.sub(r"[A-Za-z0-9+/=\\]{300,}", lambda found: digest(found[0]), content.decode()))


def site(record: Record) -> None:
    """The site of the stored lessons and decks."""
    folder = record.place("build")
    sources = [f"--{name}={record.lessons / name}" for name in ("notebooks", "slides")]
    said = run([*COURSE, "build", "--no-execute", *sources, "--output=site", "--cache=cache"], folder)
    record.text("build", re.sub(r"[\d.]+ s:", "TIME:", said))
    record.text("files", files_of(folder / "site"))
    for name in files_of(folder / "site"):
        published(record, name, (folder / "site" / name).read_bytes())


TRAPS = r"""# Traps: é ≤ 中 & <b>html</b> ¦ | a | $|x|$ |\n|:--|--:|\n| 1 | `a|b` |\n\n1. one\n   - two\n\n> quote\n\n[link](02_x.ipynb#Part) ![none](absent.png)
$$\begin{align} a &= b \\ c &= d \tag{1} \end{align}$$\n\n$\undefined{x}$, \$5, `$x$`, https://example.org/a_b ¦ ## Same\n\n## Same\n\nTitle\n---\n\n```python\n# no title\n```\n<!-- # no title -->
### Details\n\n<details><summary>More</summary>\n\n*inside*\n\n</details>\n\n- [ ] to do\n\nTerm~~gone~~ H<sub>2</sub>O[^1]\n\n[^1]: a note"""
TRAPPED_CODE = r"""%head t.csv -n 1\n!ls\nx = 1  # end\nx; ¦ 1 / 0 ¦ y = await z()\n%%time ¦ %%SQL -o t\nSELECT 1"""
TRAPPED_OUTPUTS: list[dict[str, Any]] = [
    {"output_type": "stream", "name": "stderr", "text": "\x1b[1;31mbold red\x1b[0m & <tag> " + "long " * 60},
    {"output_type": "error", "ename": "ZeroDivisionError", "evalue": "no", "traceback": ["\x1b[31mZeroDivisionError\x1b[0m: no"]},
    *({"output_type": "display_data", "metadata": {}, "data": data} for data in (
        {"text/html": '<table class="dataframe"><thead><tr><th></th><th>a</th></tr></thead><tbody><tr><th>0</th><td>1.5</td></tr></tbody></table>'},
        {"text/latex": r"$\frac{1}{2}$", "text/plain": "half"}, {"text/markdown": "**bold** and $x^2$"}, {"application/x-unknown": "?"},
        {"image/svg+xml": '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 10"><rect width="9" height="9"/></svg>'})),
]  # fmt: skip


def cases(text: str) -> list[str]:
    """Return the cases of a table: one a line, or more, and ``\n`` inside a case is the end of a line."""
    return [one.replace(r"\n", "\n") for one in re.split(r" ?¦ ?|\n", text)]


def trap() -> nbformat.NotebookNode:
    """Return a notebook of what is hard to publish."""
    kinds = ("slide", "subslide", "fragment", "skip", "notes")
    cells: list[dict[str, Any]] = [
        {"cell_type": "markdown", "metadata": {"slideshow": {"slide_type": kind}}, "source": text}
        for kind, text in zip(kinds, cases(TRAPS), strict=True)
    ]
    shown = {"cell_type": "code", "outputs": TRAPPED_OUTPUTS, "execution_count": 1}
    for tag, text in zip(("raises-exception", "any", "nbval-ignore-output", "any"), cases(TRAPPED_CODE), strict=True):
        cells.append({**shown, "source": text, "metadata": {"tags": [tag]}})
    cells.append({"cell_type": "raw", "metadata": {}, "source": "raw <b>"})
    metadata = {"authors": [{"name": "Ann"}], "language_info": {"name": "python"}}
    return nbformat.from_dict({"nbformat": 4, "nbformat_minor": 4, "metadata": metadata, "cells": copy.deepcopy(cells)})


def exporters(record: Record) -> None:
    """A notebook of traps through each exporter, as ``jupyter nbconvert --to NAME`` takes it."""
    from nbconvert.exporters import get_exporter

    for name in sorted(one for one in entry_points(group="nbconvert.exporters").names if one.startswith("course_")):
        resources = {"metadata": {"name": "trap", "path": str(record.temporary)}}
        content, told = get_exporter(name)().from_notebook_node(trap(), resources)
        record.text(f"{name} warnings", [told["output_extension"], *told.get("course_warnings", [])])
        data = content if isinstance(content, bytes) else content.encode()
        published(record, f"{name}{told['output_extension']}", data)


def scripts(record: Record) -> None:
    """What the scripts of lessons print when plain Python runs them; nothing of the cells whose output changes."""
    from nbconvert.exporters import get_exporter

    mark = nbformat.v4.new_code_cell('print("¦")')
    for lesson in SCRIPTS:
        folder = record.place(lesson)
        notebook = nbformat.read(REPOSITORY / "notebooks" / f"{lesson}.ipynb", as_version=4)
        for number, cell in reversed(list(enumerate(notebook.cells))):
            if "nbval-ignore-output" in cell.metadata.get("tags", []):
                notebook.cells[number : number + 1] = [mark, cell, mark]
        script, _ = get_exporter("course_script")().from_notebook_node(notebook, {"metadata": {"name": lesson}})
        (folder / f"{lesson}.py").write_text(script, encoding="utf-8")
        record.text(lesson, re.sub(r"(?s)¦.*?¦", "…", run([sys.executable, f"{lesson}.py"], folder)))
        record.text(f"{lesson} files", [name for name in files_of(folder) if ".zarr/" not in name])


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
    for number, line in enumerate(re.split(r"\s*[|\n]\s*", COMMANDS)):
        said = run([*COURSE, *shlex.split(line)], folder)
        if line.startswith("doctor"):  # what is free, and versions
            said = re.sub(r"\d+(\.\d+)*", "N", re.sub(" +", " ", said.replace(str(record.temporary), "FOLDER")))
        record.text(f"{number:02} course {line.replace('/', ' ')}", re.sub(r"[\d.]+ s:", "TIME:", said))
    made = (name for name in files_of(folder) if "/cache/" not in name)  # kept under hashes of the code
    record.text("files", sorted({re.sub(r"[0-9a-f]{16,}", "HASH", name) for name in made}))
    record.text("executed", (folder / "other/notebooks/01_one.ipynb").read_text(encoding="utf-8"))
    server = subprocess.Popen([*COURSE, "serve", "--port", "0"], cwd=folder, stdout=-1, stderr=-1, text=True)
    said = server.stdout.readline() if server.stdout else ""
    server.send_signal(signal.SIGINT)
    record.text("course serve", [said, server.communicate(timeout=30)[0], server.returncode])


@contextlib.contextmanager
def local_server(folder: Path) -> Iterator[str]:
    """Serve a folder on this machine, and give its address."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def called(shell: Any, code: str) -> str:
    """Return all that a cell shows, or what the completer proposes at its end."""
    from IPython.core.completer import provisionalcompleter
    from IPython.utils.capture import capture_output

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
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    folder, root = record.place("folder"), record.place("served")
    for name, text in TEXTS.items():
        (folder / name).write_bytes(text.encode())
    (folder / "latin.txt").write_bytes("é;b\nà;1\n".encode("latin-1"))
    (folder / "t.csv.gz").write_bytes(gzip.compress(TEXTS["t.csv"].encode(), mtime=0))
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
    tables = {"calls": CALLS, **{base: SQL_CALLS.replace("BASE", base) for base in ("a.db3", "a.duckdb")}}
    with local_server(root) as address:
        for title, table in tables.items():
            for number, code in enumerate(cases(table.replace("URL", address))):
                record.text(f"{title} {number:03}", f"{code}\n{called(shell, code)}")
    os.chdir(REPOSITORY)


SECTIONS = {one.__name__: one for one in (names, data, ways, site, exporters, scripts, commands, magics)}
SCRIPTS = ("00_start", "01_data", "03_sampling", "04_pickle", "05_sqlite")  # under 30 s each
LONGEST = 40  # lines of a difference that are printed


def record_all(folder: Path, lessons: Path, only: list[str]) -> int:
    """Record every section; one that fails is told and leaves its traceback."""
    if folder.exists() and any(folder.iterdir()):
        sys.exit(f"{folder} is not empty")
    warnings.simplefilter("ignore")
    failed = 0
    with tempfile.TemporaryDirectory(prefix="acceptance-") as temporary:
        os.environ.update(BIGDATA_COURSE_DATA=f"{temporary}/kept", BIGDATA_COURSE_PROGRESS="off", COLUMNS="100")
        os.environ.update(IPYTHONDIR=f"{temporary}/ipython", PYTHONIOENCODING="utf-8", PYTHONWARNINGS="ignore")
        os.environ["MPLBACKEND"] = "Agg"
        record = Record(folder, Path(temporary).resolve(), lessons)
        for name in only:
            record.section, start = name, time.perf_counter()
            try:
                SECTIONS[name](record)
            except Exception:  # noqa: BLE001
                failed = 1
                traceback.print_exc()
                record.text("FAILED", traceback.format_exc())
            print(f"{name}: {len(files_of(folder / name))} files, {time.perf_counter() - start:.0f} s", flush=True)
    return failed


def difference(before: Path, after: Path) -> list[str]:
    """Return the lines that say how two files of one name differ, none if they are equal."""
    if not before.exists() or not after.exists():
        return [f"only in {before if before.exists() else after}"]
    if before.read_bytes() == after.read_bytes():
        return []
    if before.suffix == ".png":
        pictures = [Image.open(path).convert("L") for path in (before, after)]
        if pictures[0].size != pictures[1].size:
            return [f"sizes {pictures[0].size} and {pictures[1].size}"]
        equal = ImageChops.difference(*pictures).histogram()[0] / (pictures[0].width * pictures[0].height)
        return [f"{1 - equal:.2%} of the pixels differ: {before} {after}"]
    old, new = (path.read_text(encoding="utf-8", errors="surrogateescape").splitlines() for path in (before, after))
    lines = [line[:400] for line in difflib.unified_diff(old, new, "before", "after", lineterm="", n=1)]
    return lines[:LONGEST] + [f"… {len(lines) - LONGEST} more lines"] * (len(lines) > LONGEST)


def compare(before: Path, after: Path, only: list[str]) -> int:
    """Print every difference, then the names of what differs; return 1 if there is any."""
    names_of_both = sorted(name for name in {*files_of(before), *files_of(after)} if name.split("/")[0] in only)
    differing = {name: lines for name in names_of_both if (lines := difference(before / name, after / name))}
    for name, lines in differing.items():
        print("", f"##### {name}", *lines, sep="\n")
    print("", f"{len(differing)} of {len(names_of_both)} items differ", *differing, sep="\n")
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
