"""Which file the running kernel was started for."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path


def notebook_path() -> Path | None:
    """Return the file of the running notebook, or None when nothing tells it or the file is gone.

    JupyterLab and Notebook 7 (jupyter_server) give it to the kernel in the variable ``JPY_SESSION_NAME``,
    VS Code in the Python variable ``__vsc_ipynb_file__``.
    """
    return next((path for path in _candidates() if path.suffix == ".ipynb" and path.is_file()), None)


def _candidates() -> Iterator[Path]:
    for name in (_vscode_name(), os.environ.get("JPY_SESSION_NAME")):
        if name:
            yield Path(name)
            if not Path(name).is_absolute():
                # relative to the folder of the server, when the kernel runs in the folder of the notebook
                yield Path(Path(name).name)


def _vscode_name() -> str | None:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell.user_ns.get("__vsc_ipynb_file__") if shell else None
