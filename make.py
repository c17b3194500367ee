# /// script
# requires-python = ">=3.11,<3.15"
# ///
"""Install, build and test the course with one command: ``python make.py course`` or ``python make.py test``.

Any Python 3 can read this file, so that one that will not do can say so; ``uv run make.py course`` chooses one that
will, by the lines above.
"""

import glob
import hashlib
import os
import shutil
import subprocess
import sys

OLDEST, NEWEST = (3, 11), (3, 14)  # h5py, numcodecs, numexpr and ndindex have no wheel for 3.15
HERE = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(HERE, ".venv")
SCRIPTS = os.path.join(VENV, "Scripts" if os.name == "nt" else "bin")
VENV_PYTHON = os.path.join(SCRIPTS, "python.exe" if os.name == "nt" else "python")
PACKAGES = os.path.join(VENV, *(["Lib"] if os.name == "nt" else ["lib", "python*"]), "site-packages", "*.dist-info")
MARKER = os.path.join(VENV, "installed-from")
UV = os.environ.get("UV") or shutil.which("uv")

# what to install, each holding the one before, and about how much that is
LEVELS = [(".", "1.2 to 1.5 GB"), (".[cluster,publish]", "1.4 to 1.7 GB"), (".[test]", "1.7 to 2.0 GB")]
NEEDS = {"install": 0, "start": 0, "course": 1}  # every other target: all
# conftest.py says which files come first
PYTEST = ["-m", "pytest", "-n", "2", "--no-loadscope-reorder"]
STEPS = {
    "install": [],
    "start": [["-m", "course", "start"]],
    "course": [["-m", "course", "build"]],
    "lint": [
        ["-m", "ruff", "check"],
        ["-m", "ruff", "format", "--check"],
        ["-m", "mypy", "--num-workers", "2"],
        ["-c", "from importlinter.cli import lint_imports_command as lint; lint(['--no-logo'])"],
    ],
    "unit": [[*PYTEST, "--ignore", "tests/browser"]],
    # apart: a browser is a child process, and what children use is measured by other tests
    "browser": [[*PYTEST, "tests/browser"]],
    "notebooks": [[*PYTEST, "--nbval", "notebooks", "slides"]],
    "lessons": [["tests/notebooks/store_outputs.py"]],
    "mutants": [["tests/notebooks/mutants.py"]],
}
# units and notebooks in one session: no worker waits for the other at the end of a step
TOGETHER = [*PYTEST, "--nbval", "--ignore", "tests/browser", "tests", "notebooks", "slides"]
STEPS["test"] = [*STEPS["lint"], TOGETHER, *STEPS["browser"]]


def main(arguments):
    """Run the steps of each target named on the command line, and return the exit code."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        return refusal(" ".join(arguments))
    os.chdir(HERE)
    if arguments[:1] == ["pins"]:
        return pins(arguments[1:])
    if arguments[:1] in (["mutants"], ["lessons"]):  # what follows is for it: lessons and options
        STEPS[arguments[0]][0] += arguments[1:]
        arguments = arguments[:1]
    if not arguments or set(arguments) - set(STEPS):
        return "usage: python make.py TARGET..., where TARGET is one of %s" % ", ".join(sorted([*STEPS, "pins"]))
    install(max(NEEDS.get(target, 2) for target in arguments))
    for step in (step for target in arguments for step in STEPS[target]):
        code = subprocess.call([VENV_PYTHON, *step])
        if code:
            return code
    return 0


def refusal(words):
    """Return one sentence: this Python will not do, and what to run instead."""
    pattern = "py -3.%d" if os.name == "nt" else "python3.%d"
    names = [pattern % minor for minor in range(NEWEST[1], OLDEST[1] - 1, -1)]
    works = ["uv run"] if UV else list(filter(answers, names))
    instead = "run: %s make.py %s" % (works[0], words) if works else "install one of these, or uv, which brings one"
    needed = "bigdata-course needs Python %d.%d to %d.%d" % (*OLDEST, *NEWEST)
    return "%s: there are no wheels of all its packages for %s; %s" % (needed, sys.version.split()[0], instead)


def answers(python):
    """Tell whether a command starts a Python: one that is there may only say that it is not installed."""
    try:
        return subprocess.call([*python.split(), "-c", ""], stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def install(level):
    """Make the virtual environment, or bring it up to date, if what it is made from or what is in it has changed."""
    state = read(MARKER)
    there, _, known = state.partition(" ")
    if there.isdigit():
        if int(there) >= level and known == fingerprint():
            return
        level = max(level, int(there))
    what, size = LEVELS[level]
    print("installing %s in .venv (%s on the disk in all, a minute or two)" % (what, size), flush=True)
    settings = read(os.path.join(VENV, "pyvenv.cfg"))
    # the packages of another Python are of no use to this one, and a killed installation may have left half of one
    is_useless = state == "unfinished" or (settings and "= %s\n" % sys.version.split()[0] not in settings)
    arguments = ["--quiet", "-c", "constraints.txt", "-e", what]
    if UV:
        make = [UV, "venv", "--quiet", "--clear" if is_useless else "--allow-existing", "--python", sys.executable]
        fill = [UV, "pip", "install", "--python", VENV_PYTHON, "pip", *arguments]
    else:
        make = [sys.executable, "-m", "venv", *["--clear"] * bool(is_useless)]
        fill = [VENV_PYTHON, "-m", "pip", "install", "--disable-pip-version-check", *arguments]
    subprocess.check_call([*make, VENV])
    before = packages()
    write(MARKER, "unfinished")
    try:
        subprocess.check_call(fill)
    except (subprocess.CalledProcessError, KeyboardInterrupt):
        if packages() == before:  # there was no network: what works is kept
            write(MARKER, state)
        raise
    write(MARKER, "%d %s" % (level, fingerprint()))


def read(path):
    """Return the text of a file; nothing if there is none."""
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path, text):
    """Replace the text of a file."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def packages():
    """Return the packages that are installed, and their versions, as their metadata are named."""
    return sorted(os.path.basename(path) for path in glob.glob(PACKAGES))


def fingerprint():
    """Return a hash of the Python version, of the files that say what to install and of what is installed."""
    made_from = [read(os.path.join(HERE, name)) for name in ("pyproject.toml", "constraints.txt")]
    return hashlib.sha256("\n".join([sys.version, *packages(), *made_from]).encode("utf-8")).hexdigest()


def pins(options):
    """Write constraints.txt anew: a pin stays where it will do, and with ``--upgrade`` every one is the newest."""
    if not UV:
        return "make pins needs uv: run python -m pip install uv, then make pins again"
    lowest = ["--universal", "--python-version", "%d.%d" % OLDEST]
    form = ["--quiet", "--no-annotate", "--custom-compile-command", "make pins", "--output-file", "constraints.txt"]
    return subprocess.call([UV, "pip", "compile", *lowest, "--all-extras", *form, *options, "pyproject.toml"])


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except subprocess.CalledProcessError as error:
        sys.exit("this failed: %s; mend what is printed above and run the command again" % error)
    except KeyboardInterrupt:
        sys.exit(130)
