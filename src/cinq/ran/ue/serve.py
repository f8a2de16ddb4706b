"""UEs on a cell of another process."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from cinq.procedure import Runtime
from cinq.ran.radio.link import RemoteCell
from cinq.ran.ue.settings import UeSettings
from cinq.ran.ue.ue import Ue
from cinq.transport import local


@asynccontextmanager
async def serve(
    settings: UeSettings, runtime: Runtime, on_gone: Callable[[str], None] = lambda reason: None
) -> AsyncIterator[list[Ue]]:
    """All UEs of the settings, switched off, on the cell at the radio socket. TransportError: no gNB is there.

    `Ue.power_on` registers and opens the sessions. Leaving the context detaches them without a word; deregister first.
    on_gone: told when the gNB is lost, and why.
    """
    cells: list[RemoteCell] = []

    def on_connection(connection: local.Connection) -> RemoteCell:
        cells.append(RemoteCell(connection, on_gone))
        return cells[0]

    connection = await local.connect(settings.radio, on_connection)
    ues = [Ue(settings.numbered(i), cells[0], runtime, os.urandom) for i in range(settings.count)]
    try:
        yield ues
    finally:
        for ue in ues:
            ue.leave()
        await runtime.stop()
        connection.close()
