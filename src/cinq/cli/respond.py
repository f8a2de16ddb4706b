"""cinq respond: the end in the data network of the traffic that emulated UEs make."""

from __future__ import annotations

import asyncio
import os
from typing import Annotated

import typer

from cinq.cli.output import console, failure_of, until_signal


def command(
    address: Annotated[str, typer.Option(help="Address to answer at; 0.0.0.0 or :: for all.")] = "0.0.0.0",
    port: Annotated[int, typer.Option(min=1, max=65535, help="UDP port.")] = 5600,
) -> None:
    """Answer the traffic of `cinq ue` in the data network, until Ctrl-C. It gives much only to those who receive it."""
    asyncio.run(_run(address, port))


async def _run(address: str, port: int) -> None:
    from cinq.ran.traffic import Responder
    from cinq.transport import udp

    stopped, responder = until_signal(), Responder(os.urandom(32))
    try:
        endpoint = await udp.endpoint(address, port, lambda octets, peer: None)
    except OSError as error:
        raise failure_of(error) from None

    def received(octets: bytes, peer: tuple[str, int]) -> None:
        for answer in responder.answer(octets, peer):
            endpoint.send(answer, peer)

    endpoint.on_datagram = received
    console().print(f"answering at {endpoint.local[0]} port {endpoint.local[1]}; Ctrl-C ends it")
    try:
        await stopped
    finally:
        endpoint.close()
    console().print(f"{responder.answered} requests answered")
