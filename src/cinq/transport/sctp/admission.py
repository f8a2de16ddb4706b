"""How many associations one listener has at most: whoever reaches N2 may set them up, before any message is read."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection

from cinq.transport.sctp.association import Address, Association, SctpSettings

log = logging.getLogger(__name__)

LOG_S = 10.0
"""At least between two lines about refusals, so that a flood of them does not fill the log."""


class Admission:
    """Counts who is refused, and says so now and then. Associations are bounded in all and for each peer address."""

    def __init__(self, settings: SctpSettings) -> None:
        self._bound = settings.max_associations
        self._bound_each = settings.max_associations_per_address
        self._refused = 0
        self._silent_until = 0.0

    def admits(self, already: Collection[Association], remote: Address) -> bool:
        """Whether one more may be had beside those that are open; who is refused is to be aborted."""
        if len(already) >= self._bound:
            self._refuse(remote, f"{len(already)} are open")
            return False
        if len(already) >= self._bound_each:
            same = sum(one.remote[0] == remote[0] for one in already)
            if same >= self._bound_each:
                self._refuse(remote, f"{same} of that address are open")
                return False
        return True

    def _refuse(self, remote: Address, why: str) -> None:
        self._refused += 1
        now = time.monotonic()
        if now >= self._silent_until:
            log.warning(
                "SCTP association from %s:%d refused: %s and no more are taken (refused since the last such line: %d)",
                *remote,
                why,
                self._refused,
            )
            self._refused, self._silent_until = 0, now + LOG_S
