"""Error Indication of the AMF, TS 38.413 §8.7.5."""

from __future__ import annotations

from cinq.ran.gnb.n2 import N2
from cinq.wire import ngap

FORGOTTEN = ("unknown-local-UE-NGAP-ID", "inconsistent-remote-UE-NGAP-ID")


def received(n2: N2, message: ngap.ErrorIndication) -> None:
    """ERROR INDICATION of the AMF. A UE that the AMF does not know (any more) is released locally (§10.6).

    Any other ends the request that it is about, if one waits: for its UE, or for the interface.
    """
    cause, ran_id, amf_id = message.cause, message.ran_ue_ngap_id, message.amf_ue_ngap_id
    if ran_id is None and amf_id is None:
        n2.receive(message)
        return
    ue = n2.connections.by_amf_ue_ngap_id(amf_id) if ran_id is None else n2.ues.get(ran_id)
    if ue is None:
        return
    if cause is not None and cause[0] == "radioNetwork" and cause[1] in FORGOTTEN:
        n2.forget(ue, str(cause[1]))
    elif amf_id in (None, ue.amf_ue_ngap_id):
        ue.receive(message)
