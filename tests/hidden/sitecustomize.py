"""Hide libraries from a Python, as if they had no wheel for it; tests put this folder on ``PYTHONPATH``.

``BIGDATA_COURSE_HIDDEN="h5py bcolz"`` names their modules: no import finds them, and they are not installed.
"""

import os
import sys
from importlib.machinery import PathFinder

HIDDEN = os.environ.get("BIGDATA_COURSE_HIDDEN", "").split()


class Without(PathFinder):
    """Finds what Python finds, but for what is hidden."""

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in HIDDEN else super().find_spec(name, path, target)

    @classmethod
    def find_distributions(cls, *context):
        hidden = {*HIDDEN, *(f"{name}-zipline" for name in HIDDEN)}
        return (one for one in PathFinder.find_distributions(*context) if one.metadata["Name"] not in hidden)


sys.meta_path[sys.meta_path.index(PathFinder)] = Without
