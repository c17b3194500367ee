"""The failure of the SQL magics."""

from __future__ import annotations

from course.errors import CourseError


class SQLError(CourseError):
    """A database could not be opened, or a statement or an import failed; the message says what to do."""
