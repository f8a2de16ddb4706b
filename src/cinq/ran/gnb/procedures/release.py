"""Release of UE contexts and reset, TS 38.413 §8.3.2, §8.3.3 and §8.7.4."""

from __future__ import annotations

from cinq.procedure import Timer, procedure
from cinq.ran.gnb.n2 import N2, UeContext
from cinq.ran.gnb.signals import Reset
from cinq.wire import ngap

NG_RESET = Timer("NG Reset", 5, 1)


def request(n2: N2, ue: UeContext, cause: ngap.Cause) -> None:
    """UE CONTEXT RELEASE REQUEST, §8.3.2. A UE that the AMF has not answered yet is forgotten: it has no name there."""
    if ue.amf_ue_ngap_id is None:
        n2.forget(ue, cause[1])
        return
    sessions = [ngap.PDUSessionResourceItemCxtRelReq(pdu_session_id=psi) for psi in ue.sessions]
    n2.tell_of(
        ue,
        ngap.UEContextReleaseRequest(
            amf_ue_ngap_id=ue.amf_ue_ngap_id,
            ran_ue_ngap_id=ue.ran_ue_ngap_id,
            pdu_session_resource_list_cxt_rel_req=sessions or None,
            cause=cause,
        ),
    )


def said(cause: ngap.Cause | None) -> str:
    """A cause as people read it. None: the AMF left it out, as criticality ignore allows (§10.3.5)."""
    return "no cause given" if cause is None else "/".join(map(str, cause))


def command(n2: N2, message: ngap.UEContextReleaseCommand) -> None:
    """UE CONTEXT RELEASE COMMAND, §8.3.3: by the pair of identities, or by that of the AMF alone."""
    ids = message.ue_ngap_ids
    ue: UeContext | None
    if ids[0] == "uE-NGAP-ID-pair":
        ue = n2.of_ue(ids[1].ran_ue_ngap_id, ids[1].amf_ue_ngap_id)
    else:
        ue = n2.by_amf_ue_ngap_id(ids[1])
        if ue is None:
            n2.send(
                ngap.ErrorIndication(
                    amf_ue_ngap_id=ids[1], cause=("radioNetwork", "unknown-local-UE-NGAP-ID")
                )
            )
    if ue is None or ue.amf_ue_ngap_id is None:
        return
    sessions = [ngap.PDUSessionResourceItemCxtRelCpl(pdu_session_id=psi) for psi in ue.sessions]
    complete = ngap.UEContextReleaseComplete(
        amf_ue_ngap_id=ue.amf_ue_ngap_id,
        ran_ue_ngap_id=ue.ran_ue_ngap_id,
        user_location_information=n2.ports.radio.location,
        pdu_session_resource_list_cxt_rel_cpl=sessions or None,
    )
    n2.tell_of(ue, complete)
    n2.forget(ue, said(message.cause))


def reset(n2: N2, message: ngap.NGReset) -> None:
    """NG RESET by the AMF, §8.7.4.2.1: of all UEs, or of those it lists. The acknowledgement repeats the list."""
    kind = message.reset_type
    if kind[0] == "nG-Interface":
        for ue in list(n2.ues.values()):
            n2.forget(ue, "NG Reset")
        n2.send(ngap.NGResetAcknowledge())
        return
    for item in kind[1]:
        found = n2.by_amf_ue_ngap_id(item.amf_ue_ngap_id)
        if found is None and item.ran_ue_ngap_id is not None:
            found = n2.ues.get(item.ran_ue_ngap_id)
        if found is not None:
            n2.forget(found, "NG Reset")
    n2.send(ngap.NGResetAcknowledge(ue_associated_logical_ng_connection_list=kind[1]))


@procedure(opens=Reset)
async def ng_reset(n2: N2, wanted: Reset) -> None:
    """NG RESET by the gNB, §8.7.4.2.2: of the interface or of at least one UE. TimerExpired without answer."""
    chosen = n2.ues if wanted.ran_ue_ngap_ids is None else wanted.ran_ue_ngap_ids
    ues = [n2.ues[ran_id] for ran_id in chosen if ran_id in n2.ues]
    for ue in ues:
        n2.forget(ue, "NG Reset")
    if wanted.ran_ue_ngap_ids is None:
        kind: ngap.ResetType = ("nG-Interface", "reset-all")
    else:
        kind = (
            "partOfNG-Interface",
            [
                ngap.UEassociatedLogicalNGconnectionItem(
                    amf_ue_ngap_id=ue.amf_ue_ngap_id, ran_ue_ngap_id=ue.ran_ue_ngap_id
                )
                for ue in ues
            ],
        )
    await n2.ask(
        ngap.NGReset(cause=("misc", "om-intervention"), reset_type=kind),
        ngap.NGResetAcknowledge,
        timer=NG_RESET,
    )
