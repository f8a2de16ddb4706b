"""Error Indication from a gNB, TS 38.413 §8.7.5. What the AMF itself sends is in cinq.nf.amf.inbound.errors."""

from __future__ import annotations

from cinq.nf.amf import journal
from cinq.nf.amf.n2.association import NgConnection, Ran
from cinq.procedure import Why, procedure
from cinq.wire import ngap

FORGOTTEN = ("unknown-local-UE-NGAP-ID", "inconsistent-remote-UE-NGAP-ID")


def indicated(connection: NgConnection, indication: ngap.ErrorIndication) -> None:
    """A gNB that does not know the UE any more has lost its connection (§10.6). Any other ends the request that it is
    about (§10.3), if one waits."""
    cause = indication.cause
    if cause is not None and cause[1] in FORGOTTEN:
        connection.user.connection_lost(connection, f"the gNB says {cause[1]}")
    else:
        connection.receive(indication)


@procedure(opens=ngap.ErrorIndication)
async def error_indication(ran: Ran, indication: ngap.ErrorIndication) -> None:
    """About nothing that waits for an outcome. Never answered."""
    cause = indication.cause
    said = "no cause" if cause is None else cause[1]
    journal.note(
        ran, Why(f"{ran.label} finds a message wrong: {said}", "see to the gNB, or to who changes messages")
    )
