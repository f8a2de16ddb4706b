"""Error Indication from a gNB, TS 38.413 §8.7.5. What the AMF itself sends is in cinq.nf.amf.inbound.errors."""

from __future__ import annotations

from cinq.nf.amf.n2.association import Ran
from cinq.procedure import procedure
from cinq.wire import ngap

FORGOTTEN = ("unknown-local-UE-NGAP-ID", "inconsistent-remote-UE-NGAP-ID")


@procedure(opens=ngap.ErrorIndication)
async def error_indication(ran: Ran, indication: ngap.ErrorIndication) -> None:
    """Never answered. A gNB that does not know the UE any more has lost its connection (§10.6)."""
    cause = indication.cause
    number = indication.amf_ue_ngap_id
    connection = None if number is None else ran.access.connections.get(number)
    if connection is None or connection.ran is not ran or cause is None:
        return
    if cause[1] in FORGOTTEN and indication.ran_ue_ngap_id in (None, connection.ran_ue_ngap_id):
        connection.user.connection_lost(connection, f"the gNB says {cause[1]}")
