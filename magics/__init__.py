"""Magics of the course: load them with ``%load_ext magics``."""
