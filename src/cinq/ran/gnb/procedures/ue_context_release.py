"""UE Context Release, TS 38.413 §8.3.3."""

from __future__ import annotations

from cinq.ran.gnb.n2 import N2, UeContext
from cinq.ran.gnb.n2.elements import said
from cinq.wire import ngap


def received(n2: N2, message: ngap.UEContextReleaseCommand) -> None:
    """UE CONTEXT RELEASE COMMAND: by the pair of identities, or by that of the AMF alone."""
    ids = message.ue_ngap_ids
    ue: UeContext | None
    if ids[0] == "uE-NGAP-ID-pair":
        ue = n2.of_ue(ids[1].ran_ue_ngap_id, ids[1].amf_ue_ngap_id)
    else:
        ue = n2.connections.by_amf_ue_ngap_id(ids[1])
        if ue is None:
            cause: ngap.Cause = ("radioNetwork", "unknown-local-UE-NGAP-ID")
            n2.transmit(ngap.ErrorIndication(amf_ue_ngap_id=ids[1], cause=cause), n2.stream_of(ids[1]))
    if ue is None or ue.amf_ue_ngap_id is None:
        return
    if ue.link.is_leaving(ue):
        ue.release_due = (
            message  # its packets still take their way through here: its handover ends with `owed`
        )
    else:
        _release(ue, message)


def owed(ue: UeContext) -> bool:
    """A UE has left for another process, or stays: whether the AMF has released it meanwhile, which is done now."""
    message, ue.release_due = ue.release_due, None
    if message is None:
        return False
    _release(ue, message)
    return True


def _release(ue: UeContext, message: ngap.UEContextReleaseCommand) -> None:
    if ue.amf_ue_ngap_id is None:
        return
    sessions = [ngap.PDUSessionResourceItemCxtRelCpl(pdu_session_id=psi) for psi in ue.sessions]
    ue.tell(
        ngap.UEContextReleaseComplete(
            amf_ue_ngap_id=ue.amf_ue_ngap_id,
            ran_ue_ngap_id=ue.ran_ue_ngap_id,
            user_location_information=ue.location,
            pdu_session_resource_list_cxt_rel_cpl=sessions or None,
        )
    )
    ue.n2.forget(ue, said(message.cause))
