"""Error Indication of the AMF, TS 38.413 §8.7.5."""

from __future__ import annotations

from cinq.ran.gnb.n2 import N2
from cinq.wire import ngap


def received(n2: N2, message: ngap.ErrorIndication) -> None:
    """ERROR INDICATION of the AMF, §8.7.5: a UE that the AMF does not know (any more) is released locally."""
    cause, ran_id, amf_id = message.cause, message.ran_ue_ngap_id, message.amf_ue_ngap_id
    if cause is None or cause[0] != "radioNetwork" or (ran_id is None and amf_id is None):
        return
    if cause[1] in ("unknown-local-UE-NGAP-ID", "inconsistent-remote-UE-NGAP-ID"):
        ue = n2.connections.by_amf_ue_ngap_id(amf_id) if ran_id is None else n2.ues.get(ran_id)
        if ue is not None:
            n2.forget(ue, str(cause[1]))
