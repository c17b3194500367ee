"""Workers and an object store for the lessons, on this machine or on a real cluster.

In: an address, a file that names a scheduler, or nothing; out: a dask ``Client``, and a store that counts its requests.
Start reading in ``client``.
"""

from __future__ import annotations

from course.cluster.client import connect
from course.cluster.object_store import ObjectStore

__all__ = ["ObjectStore", "connect"]
