"""How long a transfer waits and how often it tries again."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from course.errors import DownloadError

Result = TypeVar("Result")

# bytes received since the last failure that make it forgotten, so that a long file may survive many cuts
PROGRESS = 2**20


@dataclass(frozen=True)
class Patience:
    """Limits of a transfer: times in seconds, rates in bytes per second.

    Attributes:
        attempts: failures in a row, without progress in between, after which the transfer is given up.
        connect: longest wait for a connection.
        read: longest silence of the server.
        stall: a transfer slower than ``minimum_rate`` over this time has stalled.
        minimum_rate: see ``stall``.
        backoff: wait after the first failure; it doubles after each failure in a row.
        longest_wait: bound of the wait between two attempts, whatever the server asks.
        redirects: redirections followed.
    """

    attempts: int = 4
    connect: float = 10.0
    read: float = 30.0
    stall: float = 60.0
    minimum_rate: float = 1024.0
    backoff: float = 0.5
    longest_wait: float = 30.0
    redirects: int = 10

    def wait(self, failures: int, asked: float | None) -> float:
        """Return the wait after some failures in a row, with jitter so that a whole class does not come back at once.

        Args:
            failures: number of failures in a row, at least 1.
            asked: what the server asked for (``Retry-After``), never shortened.
        """
        longest = min(self.longest_wait, self.backoff * 2.0 ** (failures - 1))
        return max(asked or 0.0, secrets.SystemRandom().uniform(longest / 2, longest))


class TransferFaultError(Exception):
    """An attempt failed in a way that may not last: it is worth another one.

    Attributes:
        asked: wait the server asked for, in seconds.
    """

    def __init__(self, reason: str, asked: float | None = None) -> None:
        super().__init__(reason)
        self.asked = asked


def with_attempts(
    attempt: Callable[[], Result], patience: Patience, what: str, received: Callable[[], int] = lambda: 0
) -> Result:
    """Call ``attempt`` until it succeeds, fails for good, or has failed too often.

    Args:
        attempt: raises ``TransferFaultError`` if it is worth trying again; anything else goes through.
        patience: the limits.
        what: the address, for the message.
        received: number of bytes held so far; failures are forgotten when it grows by ``PROGRESS``.

    Raises:
        DownloadError: the attempts are used up, or the server asks for a longer wait than ``patience`` allows.
    """
    failures, furthest = 0, received()
    while True:
        try:
            return attempt()
        except TransferFaultError as fault:
            reached = received()
            failures = 1 if reached >= furthest + PROGRESS else failures + 1
            furthest = max(furthest, reached)
            if failures >= patience.attempts or (fault.asked or 0.0) > patience.longest_wait:
                tried = f"{failures} attempt{'s' if failures > 1 else ''}"
                raise DownloadError(f"{what} cannot be fetched ({tried}): {fault}; try again later") from fault
            time.sleep(patience.wait(failures, fault.asked))


class StallWatch:
    """Raise when fewer than ``minimum_rate`` bytes per second came over the last ``stall`` seconds."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._restart()

    def _restart(self) -> None:
        self._since = time.monotonic()
        self._amount = 0

    def add(self, amount: int) -> None:
        """Count bytes that just came.

        Raises:
            TransferFaultError: the transfer has stalled.
        """
        self._amount += amount
        elapsed = time.monotonic() - self._since
        if elapsed < self._patience.stall:
            return
        if self._amount < self._patience.minimum_rate * elapsed:
            rate = self._amount / elapsed
            raise TransferFaultError(f"the transfer has stalled ({rate:.0f} bytes per second over {elapsed:.0f} s)")
        self._restart()
