"""NG Reset, TS 38.413 §8.7.4."""

from __future__ import annotations

from cinq.procedure import Timer, procedure
from cinq.ran.gnb.n2 import N2
from cinq.ran.gnb.signals import Reset
from cinq.wire import ngap

NG_RESET = Timer("NG Reset", 5, 1)
Connection = ngap.UEassociatedLogicalNGconnectionItem


def received(n2: N2, message: ngap.NGReset) -> None:
    """NG RESET by the AMF, §8.7.4.2.1: of all UEs, or of those it lists.

    The acknowledgement names each in the order received, those that are not known too; empty items are left out.
    """
    kind = message.reset_type
    if kind[0] == "nG-Interface":
        for ue in list(n2.ues.values()):
            n2.forget(ue, "NG Reset")
        n2.send(ngap.NGResetAcknowledge())
        return
    for item in kind[1]:
        found = n2.connections.by_amf_ue_ngap_id(item.amf_ue_ngap_id)
        if found is None and item.ran_ue_ngap_id is not None:
            found = n2.ues.get(item.ran_ue_ngap_id)
        if found is not None:
            n2.forget(found, "NG Reset")
    named = [item for item in kind[1] if item.amf_ue_ngap_id is not None or item.ran_ue_ngap_id is not None]
    n2.send(ngap.NGResetAcknowledge(ue_associated_logical_ng_connection_list=named or None))


@procedure(opens=Reset)
async def ng_reset(n2: N2, wanted: Reset) -> None:
    """NG RESET by the gNB, §8.7.4.2.2: of the interface or of at least one UE. TimerExpired without answer."""
    chosen = n2.ues if wanted.ran_ue_ngap_ids is None else wanted.ran_ue_ngap_ids
    ues = [n2.ues[ran_id] for ran_id in chosen if ran_id in n2.ues]
    listed = [Connection(amf_ue_ngap_id=ue.amf_ue_ngap_id, ran_ue_ngap_id=ue.ran_ue_ngap_id) for ue in ues]
    for ue in ues:
        n2.forget(ue, "NG Reset")
    kind: ngap.ResetType = ("nG-Interface", "reset-all")
    if wanted.ran_ue_ngap_ids is not None:
        kind = ("partOfNG-Interface", listed)
    await n2.ask(ngap.NGReset(cause=wanted.cause, reset_type=kind), ngap.NGResetAcknowledge, timer=NG_RESET)
