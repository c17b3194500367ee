"""Which libraries are installed: a way whose library is absent says so and is skipped."""

from __future__ import annotations

from importlib.util import find_spec

from course.errors import MissingDependencyError

PACKAGES = {"bcolz": "bcolz-zipline"}
"""Names of the packages that are not the name of their module."""


def is_installed(library: str) -> bool:
    """Tell whether a library can be imported, without importing it."""
    return find_spec(library.partition(".")[0]) is not None


def require(library: str) -> None:
    """Check that a library is installed.

    Raises:
        MissingDependencyError: it is not.
    """
    if not is_installed(library):
        library = library.partition(".")[0]
        package = PACKAGES.get(library, library)
        raise MissingDependencyError(
            f"{library} is not installed here: pip install {package}, if there is a wheel for this Python and machine"
        )
