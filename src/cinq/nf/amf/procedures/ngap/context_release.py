"""UE Context Release by the AMF, TS 38.413 §8.3.3."""

from __future__ import annotations

from contextlib import suppress

from cinq.nf.amf import signals
from cinq.nf.amf.n2 import carriage, elements
from cinq.nf.amf.n2.association import NgConnection
from cinq.nf.amf.ue import ue_of
from cinq.procedure import Declined, Timer, TimerExpired, procedure
from cinq.wire import ngap

RELEASE_GUARD = Timer("UE Context Release guard", 5.0, retransmissions=0)


@procedure(opens=signals.ReleaseContext)
async def context_release(connection: NgConnection, wanted: signals.ReleaseContext) -> None:
    """§8.3.3.2. Without an answer of the gNB the connection counts as released all the same."""
    if connection.releasing:
        return
    connection.releasing = True
    command = carriage.context_release(connection, wanted.cause)
    ue = ue_of(connection)
    with suppress(TimerExpired, Declined):
        complete = await connection.ask(command, ngap.UEContextReleaseComplete, timer=RELEASE_GUARD)
        where = complete.info_on_recommended_cells_and_ran_nodes_for_paging
        cells = None if where is None else where.recommended_cells_for_paging
        ue.recommended = elements.cells_for_paging(cells)
    ue.connection_ended(connection)
