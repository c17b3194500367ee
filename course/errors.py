"""The failures a caller can act on; every message is one sentence that says what to do."""

from __future__ import annotations


class CourseError(Exception):
    """Base of every error the course raises on purpose; the command prints it on one line."""


class BadArgumentError(CourseError, ValueError):
    """An argument has a value the function cannot work with."""


class UnknownFormatError(BadArgumentError):
    """A file name or format is not one of those the function can read or write."""


class UnreadableFileError(CourseError, ValueError):
    """A file does not hold what it should: not the format, a line or a value against the rules, a sum too large."""


class WrongAnswerError(CourseError, AssertionError):
    """An answer is not the true one; the message names every fault."""


class MissingFileError(CourseError, FileNotFoundError):
    """There is no file, or no object, of this name."""


class ExistingFileError(CourseError, FileExistsError):
    """A file is already there and is not the one that was asked for."""


class OutputError(CourseError, OSError):
    """A file could not be written: folder not writable, disk full."""


class DownloadError(CourseError, OSError):
    """A file could not be fetched, or what came is not what was expected."""


class MissingDependencyError(CourseError, ImportError):
    """An optional package is needed and is not installed."""


class BuildError(CourseError):
    """A notebook could not be executed or published."""
