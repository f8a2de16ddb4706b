"""How many associations one listener has at most: whoever reaches N2 may set them up, before any message is read."""

from __future__ import annotations

import logging
import time

from cinq.transport.sctp.association import Address

log = logging.getLogger(__name__)

LOG_S = 10.0
"""At least between two lines about refusals, so that a flood of them does not fill the log."""


class Admission:
    """Counts who is refused, and says so now and then. bound: associations that may be open."""

    def __init__(self, bound: int) -> None:
        self.bound = bound
        self._refused = 0
        self._silent_until = 0.0

    def admits(self, already: int, remote: Address) -> bool:
        """Whether one more may be had beside the `already` open; who is refused is to be aborted."""
        if already < self.bound:
            return True
        self._refused += 1
        now = time.monotonic()
        if now >= self._silent_until:
            log.warning(
                "SCTP association from %s:%d refused: %d are open and no more are taken (refused since the last such"
                " line: %d)",
                *remote,
                already,
                self._refused,
            )
            self._refused, self._silent_until = 0, now + LOG_S
        return False
