"""Run the course on the Python of a newer Debian or Ubuntu, in a folder: ``sudo python3 tests/pythons.py testing``.

For each suite named, ``debootstrap`` makes its system in a folder, the last commit of this checkout is cloned there,
and ``make`` runs the targets as a newcomer does, with the Python of that system. One line is printed for each, with
its time, and all lines again at the end. It needs root (``chroot``), Linux, ``debootstrap`` and 6 GB of disk for each
suite. pip is told what it is told on this machine; a system that is there already (``--folder``) is used again.

    sudo python3 tests/pythons.py trixie testing --folder /var/tmp/suites 2>&1 | tee pythons.log

In November 2026 ``trixie`` has Python 3.13 and ``testing`` 3.14. A target that is red ends its suite, and exits with 1.
"""

from __future__ import annotations

import argparse
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).parents[1]
PACKAGES = "ca-certificates,git,make,python3,python3-venv"
# what the tests of pages and papers use; without them these are skipped
TOOLS = ["chromium", "poppler-utils"]
# what tells this machine where packages come from, and whom to trust
TOLD = ["/etc/resolv.conf", "/etc/hosts", "/etc/pip.conf", "/etc/xdg/pip", "~/.config/pip", "~/.pip"]
# its own processes, devices and memory; all of it goes when the command ends
INSIDE = """
mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" && cd / || exit
exec chroot "$1" sh -c 'cd ~/course && exec "$@"' sh "${@:2}"
"""


def mirror() -> str:
    """Return the first place that apt of this machine takes packages from."""
    command = ["apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages"]
    return subprocess.check_output(command, text=True).split()[0]


def make_system(suite: str, folder: Path, place: str) -> None:
    """Make the system of a suite in a folder, unless it is there."""
    if not (folder / "usr/bin/python3").exists():
        chosen = ["--variant=minbase", f"--include={PACKAGES}", suite, str(folder), place]
        subprocess.run(["debootstrap", *chosen], check=True, stdout=subprocess.DEVNULL)
    trusted = ssl.get_default_verify_paths().cafile
    for path in (Path(name).expanduser() for name in [*TOLD, *([trusted] if trusted else [])]):
        target = folder / path.relative_to("/")
        if path.is_dir():
            shutil.copytree(path, target, dirs_exist_ok=True)
        elif path.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            shutil.copyfile(path, target)


def run(folder: Path, *command: str, quiet: bool = False) -> tuple[str, float]:
    """Run a command in the clone of a system, and return what it printed if it is ``quiet``, and its seconds.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    apart = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "bash", "-c", INSIDE, "bash", str(folder)]
    start = perf_counter()
    done = subprocess.run(
        [*apart, *command], check=True, text=True, stdout=subprocess.PIPE if quiet else None, env=environment()
    )
    return done.stdout or "", perf_counter() - start


def environment() -> dict[str, str]:
    """Return this environment without what names folders of this user, but for pip, pytest and certificates."""
    kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "PYTEST_")) or "CERT" in name}
    return kept | {
        "HOME": "/root",
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
        "DEBIAN_FRONTEND": "noninteractive",
        "TERM": "dumb",
        "PIP_QUIET": "1",
    }


def main() -> int:
    """Run the targets on each suite, and return 1 if one is red."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("suites", nargs="+", help="trixie, testing, unstable…, as the mirror calls them")
    parser.add_argument(
        "--targets", nargs="+", default=["install", "course", "test"], help="of make, one after another"
    )
    parser.add_argument(
        "--mirror", help="where packages come from; by default, where apt of this machine has them from"
    )
    parser.add_argument("--folder", type=Path, help="where the systems are made and kept; by default nothing is kept")
    asked = parser.parse_args()
    lines = []
    with tempfile.TemporaryDirectory(prefix="pythons-") as temporary:
        for suite in asked.suites:
            folder = (asked.folder or Path(temporary)).absolute() / suite
            make_system(suite, folder, asked.mirror or mirror())
            clone = folder / "root" / "course"
            shutil.rmtree(clone, ignore_errors=True)
            subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(clone)], check=True)
            # from the list of packages that debootstrap has left: an old mirror's is taken too
            run(folder, "apt-get", "install", "--yes", "-qq", "--no-install-recommends", *TOOLS, quiet=True)
            line = f"{suite}: {run(folder, 'python3', '--version', quiet=True)[0].strip()}"
            for target in asked.targets:
                try:
                    line += f", {target} {run(folder, 'make', target)[1]:.0f} s"
                except subprocess.CalledProcessError as error:
                    line += f", {target} RED (exit {error.returncode})"
                    break
            lines.append(line)
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
    sys.stdout.write("\n".join(["", *lines, ""]))
    return int(any("RED" in line for line in lines))


if __name__ == "__main__":
    sys.exit(main())
