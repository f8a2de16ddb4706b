"""A second process for the SCTP tests: connects, says so, echoes what it hears until it is killed or told to end.

Arguments: remote address, remote port, own port (0: any).
"""

from __future__ import annotations

import asyncio
import sys

from cinq.transport import sctp


class Echo:
    def __init__(self, association: sctp.Association, over: asyncio.Event) -> None:
        self.association = association
        self.over = over

    def message(self, octets: bytes, stream: int, ppid: int) -> None:
        if octets == b"end":
            self.over.set()
        else:
            self.association.send(octets, stream=stream, ppid=ppid)

    def lost(self, reason: str) -> None:
        print("lost", reason, flush=True)
        self.over.set()


async def main(remote: str, port: int, local_port: int) -> None:
    over = asyncio.Event()
    association = await sctp.connect(
        remote, port, lambda association: Echo(association, over), local_port=local_port
    )
    print("up", flush=True)
    await over.wait()
    await association.close()


asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
