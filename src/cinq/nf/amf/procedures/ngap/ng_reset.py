"""NG Reset, TS 38.413 §8.7.4.2 (from the gNB) and §8.7.4.3 (from the AMF)."""

from __future__ import annotations

from cinq.nf.amf import signals
from cinq.nf.amf.n2.association import NgConnection, Ran
from cinq.nf.amf.n2.diagnosis import notices
from cinq.procedure import Timer, procedure
from cinq.wire import ngap

NG_RESET_GUARD = Timer("NG Reset guard", 5.0, retransmissions=2)

Item = ngap.UEassociatedLogicalNGconnectionItem


@procedure(opens=ngap.NGReset)
async def ng_reset(ran: Ran, reset: ngap.NGReset) -> None:
    """Only connections of this gNB are touched. Unknown ones are confirmed too, in the order of the request; an item
    without an identity is left out (§8.7.4.2.2, §8.7.4.4.1)."""
    if reset.reset_type[0] == "nG-Interface":
        ran.lose_connections("NG Reset")
        ran.tell(ngap.NGResetAcknowledge(criticality_diagnostics=notices(reset)))
        return
    for item in reset.reset_type[1]:
        connection = named(ran, item)
        if connection is not None:
            connection.user.connection_lost(connection, "NG Reset")
        elif item.amf_ue_ngap_id is not None:
            ran.leaving.pop(item.amf_ue_ngap_id, None)
    confirmed = [item for item in reset.reset_type[1] if item != Item()]
    ran.tell(
        ngap.NGResetAcknowledge(
            ue_associated_logical_ng_connection_list=confirmed or None,
            criticality_diagnostics=notices(reset),
        )
    )


def named(ran: Ran, item: Item) -> NgConnection | None:
    """The gNB's own connection that an item names by either identity, or both when they agree."""
    amf_id, ran_id = item.amf_ue_ngap_id, item.ran_ue_ngap_id
    if amf_id is None:
        return None if ran_id is None else ran.connections.get(ran_id)
    connection = ran.access.connections.get(amf_id)
    if connection is None or connection.ran is not ran:
        return None
    return connection if ran_id in (None, connection.ran_ue_ngap_id) else None


@procedure(opens=signals.ResetGnb)
async def ng_reset_by_amf(ran: Ran, wanted: signals.ResetGnb) -> None:
    """TS 38.413 §8.7.4.3: the AMF has lost its mind about this gNB's UEs and says so."""
    ran.lose_connections("NG Reset")
    whole: ngap.ResetType = ("nG-Interface", "reset-all")
    await ran.ask(
        ngap.NGReset(cause=wanted.cause, reset_type=whole), ngap.NGResetAcknowledge, timer=NG_RESET_GUARD
    )
