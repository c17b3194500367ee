"""Run the command as ``python -m course``."""

from __future__ import annotations

from course.cli import main

if __name__ == "__main__":
    main()
