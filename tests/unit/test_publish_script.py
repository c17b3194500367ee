"""A script says and answers what its notebook does, under plain Python."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from warnings import catch_warnings, simplefilter

import nbformat
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from notebook_writer import code, notebook, text

from course.errors import BuildError
from course.publish.script import ScriptExporter, python_code


def exported(*cells: dict[str, object]) -> tuple[str, list[str]]:
    """Return the script of a notebook of these cells, and the warnings."""
    source = nbformat.from_dict(notebook(*cells))
    before = str(source)
    script, resources = ScriptExporter().from_notebook_node(source, {"metadata": {"name": "01_data"}})
    assert str(source) == before
    return script, resources.get("course_warnings", [])


def run(tmp_path: Path, script: str) -> subprocess.CompletedProcess[str]:
    path = tmp_path / "01_data.py"
    path.write_text(script, encoding="utf-8")
    return subprocess.run([sys.executable, path], cwd=tmp_path, capture_output=True, text=True, check=False)


NAME = "a column with a long name"
FOLDED = rf" +{NAME} 0 +{NAME} 1 +\\\n0 .*\n\n +{NAME} 2 +{NAME} 3 *\n0 .*\n"
# each cell, and a pattern of what it prints: values as a notebook writes them, magics on the variables of the script
CELLS = [
    (code("from course import add_notebook_menu, CourseError\nadd_notebook_menu()"), ""),
    (text('# Sum of "amounts"\n\nThe question.'), ""),
    (
        code("%load_ext magics\n%matplotlib inline\nimport pandas as pd\nframe = pd.DataFrame({'age': [20, 20, 30]})"),
        "",
    ),
    (code("frame.assign(x=1).groupby('age').x.sum()"), "age\n20    2\n30    1\nName: x, dtype: int64\n"),
    (code("é = 'accent'; é, 2"), r"\('accent', 2\)\n"),
    (code("frame.age.sum();  # silent"), ""),
    (code("%%measure first -o cost\nlines = '''one\n  two'''\nlen(lines)"), "9\nfirst: .*\n"),
    (code("%%measure again -r 3\nNone"), r"again: .*\(median of 3, .*\)\n"),
    (code("cost.label, CourseError.__name__"), r"\('first', 'CourseError'\)\n"),
    (code("1 / 0", "raises-exception"), "ZeroDivisionError: division by zero\n"),
    (code("for", "raises-exception"), "SyntaxError: invalid syntax\n"),
    (code(f"name = {NAME!r}\n'text'"), "'text'\n"),
    (code("pd.DataFrame({f'{name} {n}': [n] for n in range(4)})"), FOLDED),
    (code("{f'{name} {n}': n for n in range(3)}"), rf"{{'{NAME} 0': 0,\n '{NAME} 1': 1,\n '{NAME} 2': 2}}\n"),
    (code("display('shown')"), "'shown'\n"),
    (code("n = 5\nroot = %measure -q n * 2\nroot"), "10\n"),
    (code("%%SQL_connect_is_absent\nSELECT 1", "raises-exception"), "UsageError: .*\n"),
    (code("connection = %SQL_connect :memory:\nlimit = 2"), ""),
    (code("%%SQL -o answer\nSELECT :limit AS twice"), " +twice\n0 +2\n"),
    (code("answer['twice'].tolist()"), r"\[2\]\n"),
    (code("!echo shell"), "shell\n"),
]


def test_a_script_prints_what_its_notebook_shows(tmp_path: Path) -> None:
    script, warnings = exported(*(cell for cell, _ in CELLS))
    done = run(tmp_path, script)
    assert (done.returncode, done.stderr, warnings) == (0, "", [])
    assert re.fullmatch("".join(printed for _, printed in CELLS), done.stdout)


def test_a_magic_runs_under_ipython(tmp_path: Path) -> None:
    (tmp_path / "s.py").write_text(exported(code("answer = %sql_like 1\nanswer"), code("!echo shell"))[0])
    program = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.register_magic_function(lambda line: f"line {line}", magic_name="sql_like")
exec(compile(open("s.py").read(), "s.py", "exec"))
"""
    environment = {"IPYTHONDIR": str(tmp_path / "ipython"), "PATH": str(Path("/usr/bin:/bin"))}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.stdout.split("\n")[:2], done.stderr) == (["'line 1'", "shell"], "")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x", "show_result(x)"),
        ("x;", "x;"),
        ("x ;  # note", "x ;  # note"),
        ("x  # note", "show_result(x)  # note"),
        ("x, y", "show_result((x, y))"),
        ("(x\n .y)", "show_result((x\n .y))"),
        ("print(x)", "print(x)"),
        ("x = 1", "x = 1"),
        ("'é'; x", "'é'; show_result(x)"),
        ("def f():\n    return 1", "def f():\n    return 1"),
        ("%load_ext magics", "get_ipython().run_line_magic('load_ext', 'magics')"),
        ("%matplotlib inline\nx", "show_result(x)"),
        ("from course import add_notebook_menu\n\nadd_notebook_menu(\n    header='Plan'\n)", ""),
        ("import course\ncourse.add_notebook_menu()", "import course"),
        ("%head data.csv -n 2", "show_result(get_ipython().run_line_magic('head', 'data.csv -n 2'))"),
        ("files = !ls", "files = get_ipython().getoutput('ls')"),
        ("%%measure\nx", "with measure() as _cost:\n    show_result(x)\nprint(_cost)"),
        ('%%measure "a b" -q\nx = 1', 'with measure("a b") as _cost:\n    x = 1'),
        ("%%measure CSV, by pandas -q\nx = 1", 'with measure("CSV, by pandas") as _cost:\n    x = 1'),
        ("%%measure -l 'a b' -q\nx = 1", 'with measure("a b") as _cost:\n    x = 1'),
        ("%%SQL\nSELECT\n1", 'show_result(get_ipython().run_cell_magic(\'SQL\', \'\', """\\\nSELECT\n1"""))'),
        (
            "%%SQL\nSELECT\n'\\n'",
            "show_result(get_ipython().run_cell_magic('SQL', '', \"SELECT\\n'\\\\n'\"))",
        ),
        ('%%SQL\nSELECT "a"', "show_result(get_ipython().run_cell_magic('SQL', '', 'SELECT \"a\"'))"),
    ],
)
def test_cells_become_python(source: str, expected: str) -> None:
    assert python_code(source) == expected


@given(
    st.lists(st.sampled_from(["a = 1", "s = '''x", "  y", "z'''", "f = f'''{a}", "\\\n", "# c", "", "if a:", "    a"]))
)
def test_a_cell_that_may_fail_means_what_it_meant(lines: list[str]) -> None:
    try:
        plain = python_code("\n".join(lines))
    except SyntaxError:
        return
    if ast.parse(plain).body:
        guarded = ast.parse(python_code("\n".join(lines), raises=True)).body[0]
        assert isinstance(guarded, ast.Try)
        assert [ast.dump(one) for one in guarded.body] == [ast.dump(one) for one in ast.parse(plain).body]


def test_what_starts_processes_is_kept_from_starting_again_in_them() -> None:
    script, _ = exported(code("from dask.distributed import Client"), code("text = '''a\nb'''"))
    guarded = ast.parse(script).body[-1]
    assert isinstance(guarded, ast.If)
    assert ast.unparse(guarded.test) == "__name__ == '__main__'"
    assert ast.unparse(guarded.body[-1]) == "text = 'a\\nb'"
    assert "__main__" not in exported(code("1"))[0]


def test_code_that_is_not_python_is_kept_as_a_comment_with_a_warning() -> None:
    script, warnings = exported(code("for x"))
    assert "# for x" in script
    assert len(warnings) == 1


@pytest.mark.parametrize("line", ["%%measure it's", "%%measure -r abc"])
def test_a_magic_that_cannot_be_read_is_kept_as_a_comment_with_a_warning(line: str) -> None:
    script, warnings = exported(code(f"{line}\n1"))
    assert f"# {line}\n# 1" in script
    assert len(warnings) == 1
    assert "%%measure does not understand" in warnings[0]


def test_a_cell_of_comments_that_may_fail_runs(tmp_path: Path) -> None:
    script, warnings = exported(code("# only a comment", "raises-exception"), code("print('after')"))
    assert (warnings, run(tmp_path, script).stdout) == ([], "after\n")


def test_what_python_thinks_of_the_code_is_not_said_while_publishing() -> None:
    with catch_warnings(record=True) as said:
        simplefilter("always")
        exported(code("x = '\\d'\nx is 1"))
    assert said == []


def test_a_notebook_of_another_language_is_no_script() -> None:
    other = notebook(code("print(1)")) | {"metadata": {"language_info": {"name": "R"}}}
    with pytest.raises(BuildError, match="its kernel is R, and scripts are of Python; leave this format out"):
        ScriptExporter().from_notebook_node(nbformat.from_dict(other), {})


def test_top_level_await_is_warned_of() -> None:
    _, warnings = exported(code("import asyncio\nawait asyncio.sleep(0)"))
    assert len(warnings) == 1
    assert "does not run under plain Python" in warnings[0]


def test_prose_stands_in_comments_as_it_is_written_without_embedded_pictures() -> None:
    source = "# A \\N title\n| a | b |\n\n```\nx  =  1\n```\n![dot](data:image/png;base64,AAAA) end"
    script, warnings = exported(text(source))
    assert warnings == []
    assert "# # A \\N title\n# | a | b |\n# \n# ```\n# x  =  1\n# ```\n# ![dot] end\n" in script


@settings(max_examples=30)
@given(st.text(alphabet=st.one_of(st.sampled_from("a \n\r\x0b\x0c\x1c\x85\u2028\\'\""), st.characters(codec="utf-8"))))
@example("\x00")
@example("\x85 ")
def test_no_word_of_the_prose_is_lost_nor_run(markdown: str) -> None:
    body = exported(text(f"start {markdown}"))[0].rpartition("# start")[2]
    if "](" not in markdown:
        assert re.sub(r"^# ?", "", body, flags=re.MULTILINE).split() == markdown.replace("\x00", "?").split()
    assert ast.parse(f"# {body}").body == []
