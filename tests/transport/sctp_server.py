"""A server as a process of its own, which a test kills. Arguments: address, port, file that remembers."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from cinq.transport import sctp


class Silent:
    def message(self, octets: bytes, stream: int, ppid: int) -> None:
        print("message", flush=True)

    def lost(self, reason: str) -> None:
        print("lost", reason, flush=True)


def connected(association: sctp.Association) -> Silent:
    print("up", flush=True)
    return Silent()


async def main() -> None:
    await sctp.listen(sys.argv[1], int(sys.argv[2]), connected, remember=Path(sys.argv[3]))
    print("listening", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
