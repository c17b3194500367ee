"""A dask Client for the lessons: on this machine by default, on a real scheduler when one is named."""

from __future__ import annotations

from course.cluster.client import connect
from course.cluster.object_store import ObjectStore
from course.cluster.scheduler_file import scheduler_address
from course.cluster.sizing import Size, machine_size

__all__ = ["ObjectStore", "Size", "connect", "machine_size", "scheduler_address"]
