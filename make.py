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
UV = os.environ.get("UV") or shutil.which("uv")

# what to install, each holding the one before, and about how much that is
LEVELS = [(".", "1.1 to 1.3 GB"), (".[cluster,publish]", "1.3 to 1.6 GB"), (".[test]", "1.6 to 1.9 GB")]
NEEDS = {"install": 0, "start": 0, "course": 1}  # every other target: all
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
    "unit": [["-m", "pytest", "-n", "2", "--ignore", "tests/browser"]],
    # apart: a browser is a child process, and what children use is measured by other tests; the files with many short
    # tests, which xdist would take first, wait for the site anyway
    "browser": [["-m", "pytest", "-n", "2", "--no-loadscope-reorder", "tests/browser"]],
    "notebooks": [["-m", "pytest", "-n", "2", "--nbval", "notebooks", "slides"]],
    "lessons": [["tests/notebooks/store_outputs.py"]],
    "mutants": [["tests/notebooks/mutants.py"]],
}
STEPS["test"] = STEPS["lint"] + STEPS["unit"] + STEPS["browser"] + STEPS["notebooks"]
PINS = """\
# What every supported Python and system installs: pip install -c constraints.txt ... (made by: make pins)
"""


def main(arguments):
    """Run the steps of each target named on the command line, and return the exit code."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        return refusal(" ".join(arguments))
    os.chdir(HERE)
    if arguments[:1] == ["pins"]:
        return pins(arguments[1:])
    if arguments[:1] == ["mutants"]:  # what follows is for it: lessons and options
        STEPS["mutants"][0] += arguments[1:]
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
    names = ["python%d.%d" % (3, minor) for minor in range(NEWEST[1], OLDEST[1] - 1, -1)]
    others = ["uv run"] * bool(UV) + [name for name in names if shutil.which(name)]
    instead = "run: %s make.py %s" % (others[0], words) if others else "install one of these, or uv, which brings one"
    needed = "bigdata-course needs Python %d.%d to %d.%d" % (*OLDEST, *NEWEST)
    return "%s: there are no wheels of all its packages for %s; %s" % (needed, sys.version.split()[0], instead)


def install(level):
    """Make the virtual environment, or bring it up to date, if what it is made from or what is in it has changed."""
    marker = os.path.join(VENV, "installed-from")
    if os.path.exists(marker):
        with open(marker) as file:
            there, _, known = file.read().partition(" ")
        if there.isdigit():
            if int(there) >= level and known == fingerprint():
                return
            level = max(level, int(there))
    what, size = LEVELS[level]
    print("installing %s in .venv (%s on the disk in all, a minute or two)" % (what, size), flush=True)
    settings = os.path.join(VENV, "pyvenv.cfg")
    if os.path.exists(settings):
        with open(settings) as file:
            if "= %s\n" % sys.version.split()[0] not in file.read():
                shutil.rmtree(VENV)  # of another Python, whose packages are of no use to this one
    arguments = ["--quiet", "-c", "constraints.txt", "-e", what]
    if UV:
        subprocess.check_call([UV, "venv", "--quiet", "--allow-existing", "--python", sys.executable, VENV])
        subprocess.check_call([UV, "pip", "install", "--python", VENV_PYTHON, "pip", *arguments])
    else:
        subprocess.check_call([sys.executable, "-m", "venv", VENV])
        os.environ["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
        subprocess.check_call([VENV_PYTHON, "-m", "pip", "install", *arguments])
    with open(marker, "w") as file:
        file.write("%d %s" % (level, fingerprint()))


def fingerprint():
    """Return a hash of the Python version, of the files that say what to install and of what is installed."""
    installed = sorted(os.path.basename(path) for path in glob.glob(PACKAGES))
    digest = hashlib.sha256("\n".join([sys.version, *installed]).encode("utf-8"))
    for name in ("pyproject.toml", "constraints.txt"):
        with open(os.path.join(HERE, name), "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def pins(options):
    """Write constraints.txt anew: a pin stays where it will do, and with ``--upgrade`` every one is the newest."""
    if not UV:
        return "make pins needs uv: run python -m pip install uv, then make pins again"
    lowest = ["--universal", "--python-version", "%d.%d" % OLDEST]
    bare = ["--quiet", "--all-extras", "--no-annotate", "--no-header", "--output-file", "constraints.txt"]
    subprocess.check_call([UV, "pip", "compile", *lowest, *bare, *options, "pyproject.toml"])
    with open("constraints.txt") as file:
        text = file.read()
    with open("constraints.txt", "w", newline="\n") as file:
        file.write(PINS + text)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except subprocess.CalledProcessError as error:
        sys.exit("this failed: %s; mend what is printed above and run the command again" % error)
    except KeyboardInterrupt:
        sys.exit(130)
