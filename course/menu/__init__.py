"""The table of contents a lesson shows in its first cell: plain HTML, made from the notebook's file."""

from __future__ import annotations

from course.menu.notebook_menu import NotebookMenu, add_notebook_menu

__all__ = ["NotebookMenu", "add_notebook_menu"]
