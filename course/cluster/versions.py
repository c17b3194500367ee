"""Compare the libraries of the client, the scheduler and the workers."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from distributed import Client

PACKAGES = ("numpy", "pandas", "pyarrow", "zarr", "s3fs")
"""Libraries whose objects travel between client and workers, beside those that dask itself compares."""


class VersionWarning(UserWarning):
    """The processes of a cluster do not have the same versions of a library."""


def warn_of_other_versions(client: Client) -> None:
    """Warn, in one sentence, of the libraries that are not the same in the client and in its cluster.

    Warns:
        VersionWarning: there is one.
    """
    found: Any = client.get_versions(packages=list(PACKAGES))
    processes = {"scheduler": found["scheduler"], **found["workers"]}
    others = [
        difference
        for where, process in processes.items()
        if process is not None
        for difference in differences(where, found["client"]["packages"], process["packages"])
    ]
    if others:
        warnings.warn(
            f"the cluster has other versions than this process: {'; '.join(others)}. Install the same everywhere: "
            "results may differ, or objects may not be readable",
            VersionWarning,
            stacklevel=3,
        )


def differences(where: str, here: Mapping[str, str | None], there: Mapping[str, str | None]) -> list[str]:
    """Return one phrase per library that is there in another version, or is here and not there."""
    return [
        f"{name} {version} here, {there.get(name) or 'absent'} on {where}"
        for name, version in here.items()
        if version is not None and there.get(name) != version
    ]
