"""NAS Non Delivery Indication, TS 38.413 §8.6.4: what a gNB could not give to the UE.

Messages of a 5GMM procedure are sent again by its timer. A 5GSM message has none in the AMF: it waits for a UE that
is on its way to another gNB, else it goes back to its SMF.
"""

from __future__ import annotations

import asyncio
from functools import partial

from cinq.nf.amf import journal
from cinq.nf.amf.n2.association import NgConnection
from cinq.nf.amf.n2.carriage import Transfer
from cinq.nf.amf.procedures.sm.resources import deliver_pending, failure_uri, not_reached
from cinq.nf.amf.ue import Ue
from cinq.wire import nas, ngap

MOVING = (
    "xn-handover-triggered",
    "ng-intra-system-handover-triggered",
    "ng-inter-system-handover-triggered",
)
ARRIVES_WITHIN_S = 5.0  # what waits for a UE that moves goes out then, wherever the UE is


def non_delivery(ue: Ue, connection: NgConnection, message: ngap.NASNonDeliveryIndication) -> None:
    """§8.6.4.2."""
    octets, cause = message.nas_pdu or b"", message.cause[1] if message.cause else "no cause"
    journal.n1_ignored(ue, octets, f"not delivered to the UE: {cause}")
    lost = connection.sent(octets)
    if not isinstance(lost, nas.DLNASTransport) or lost.pdu_session_id is None:
        return
    sm = ue.context.sm_context(lost.pdu_session_id)
    if sm is None:
        return
    if cause in MOVING:
        again = Transfer(
            sm.pdu_session_id, n1=lost.payload_container, s_nssai=sm.s_nssai, failure_uri=failure_uri(sm)
        )
        ue.pending = (*ue.pending, again)
        ue.beside(partial(arrived, ue), "nas_delivery")
    else:
        ue.beside(partial(not_reached, ue, failure_uri(sm)), "nas_delivery")


async def arrived(ue: Ue) -> None:
    """At the end of the handover it was sent already; this is for one that came to nothing without a word."""
    await asyncio.sleep(ARRIVES_WITHIN_S)
    if ue.connection is not None and ue.target is None and not ue.connection.releasing:
        deliver_pending(ue)
