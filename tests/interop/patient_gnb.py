"""A gNB's end of N2 with the timers of RFC 9260 §16, which is idle: it says when it hears that the core is gone.

Argument: address of the AMF.
"""

from __future__ import annotations

import asyncio
import sys

from cinq.transport import sctp
from cinq.transport.sctp.association import SctpSettings

PATIENT = SctpSettings(
    heartbeat_ms=30_000, rto_initial_ms=3000, rto_min_ms=1000, rto_max_ms=60_000, max_retransmissions=10
)


class Silent:
    def __init__(self, over: asyncio.Event) -> None:
        self._over = over

    def message(self, octets: bytes, stream: int, ppid: int) -> None: ...

    def lost(self, reason: str) -> None:
        print("lost", reason, flush=True)
        self._over.set()


async def main() -> None:
    over = asyncio.Event()
    await sctp.connect(sys.argv[1], sctp.N2_PORT, lambda _: Silent(over), settings=PATIENT)
    print("connected", flush=True)
    await over.wait()


asyncio.run(main())
