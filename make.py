"""Install, build and test the course with one command: ``python make.py course`` or ``python make.py test``.

Any Python 3 can read this file, so that one that is too old can say so.
"""

import hashlib
import os
import shutil
import subprocess
import sys

# datasketches has no wheel for Python 3.14
OLDEST, NEWEST = (3, 11), (3, 13)
HERE = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(HERE, ".venv")
SCRIPTS = os.path.join(VENV, "Scripts" if os.name == "nt" else "bin")
VENV_PYTHON = os.path.join(SCRIPTS, "python.exe" if os.name == "nt" else "python")
INSTALL = ["-c", "constraints.txt", "-e", ".[test]"]

# conftest.py says which files come first
PYTEST = ["-m", "pytest", "-n", "2", "--no-loadscope-reorder"]
STEPS = {
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
    "install": [],
}
# units and notebooks in one session: no worker waits for the other at the end of a step
TOGETHER = [*PYTEST, "--nbval", "--ignore", "tests/browser", "tests", "notebooks", "slides"]
STEPS["test"] = [*STEPS["lint"], TOGETHER, *STEPS["browser"]]


def main(arguments):
    """Run the steps of each target named on the command line, and return the exit code."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        return "bigdata-course needs Python %d.%d to %d.%d and this is %s: run make PYTHON=python%d.%d %s" % (
            *OLDEST,
            *NEWEST,
            sys.version.split()[0],
            *NEWEST,
            " ".join(arguments),
        )
    if arguments[:1] == ["mutants"]:  # what follows is for it: lessons and options
        STEPS["mutants"][0] += arguments[1:]
        arguments = arguments[:1]
    unknown = sorted(set(arguments) - set(STEPS))
    if unknown or not arguments:
        return "usage: python make.py TARGET..., where TARGET is one of %s" % ", ".join(sorted(STEPS))
    os.chdir(HERE)
    install()
    for step in (step for target in arguments for step in STEPS[target]):
        code = subprocess.call([VENV_PYTHON, *step])
        if code:
            return code
    return 0


def install():
    """Make the virtual environment, or bring it up to date, if what it is made from has changed."""
    wanted = fingerprint()
    marker = os.path.join(VENV, "installed-from")
    if os.path.exists(marker):
        with open(marker) as file:
            if file.read() == wanted:
                return
    print("installing the course and what it needs in .venv (about 1.9 GB, a minute or two)", flush=True)
    if shutil.which("uv"):
        subprocess.check_call(["uv", "venv", "--quiet", "--allow-existing", "--python", sys.executable, VENV])
        subprocess.check_call(["uv", "pip", "install", "--quiet", "--python", VENV_PYTHON, *INSTALL])
    else:
        subprocess.check_call([sys.executable, "-m", "venv", VENV])
        subprocess.check_call([VENV_PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *INSTALL])
    with open(marker, "w") as file:
        file.write(wanted)


def fingerprint():
    """Return a hash of the Python version and of the files that say what to install."""
    digest = hashlib.sha256(sys.version.encode("utf-8"))
    for name in ("pyproject.toml", "constraints.txt"):
        with open(os.path.join(HERE, name), "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except subprocess.CalledProcessError as error:
        sys.exit("installation failed (%s); mend what is printed above and run the command again" % error)
    except KeyboardInterrupt:
        sys.exit(130)
