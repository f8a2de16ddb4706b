"""Registration with AMF re-allocation, TS 23.502 §4.2.2.2.3; Reroute NAS Request, TS 38.413 §8.6.5."""

from __future__ import annotations

from cinq.nf.amf.n2 import elements
from cinq.nf.amf.procedures.gmm.slices import ask_nssf, elsewhere
from cinq.nf.amf.procedures.gmm.subscription import slices_of
from cinq.nf.amf.ue import Ue
from cinq.numbering import Supi
from cinq.procedure import Refused, Why
from cinq.sbi import Problem
from cinq.wire import ngap


async def reroute(ue: Ue, supi: Supi) -> None:
    """Steps 2 to 7B, for a UE that has proved who it is and has no security association here yet.

    What it requests is not known before that (TS 24.501 §4.4.6): its default slices decide. By way of the gNB: this AMF
    knows no other (6a). Refused: the UE is another AMF's now, and hears nothing from this one.
    """
    connection = ue.connection
    if connection is None or not connection.initial:
        return
    try:
        answer = await ask_nssf(ue, (), await slices_of(ue, supi))  # 3, 4
    except Problem as problem:
        if problem.cause == "SNSSAI_NOT_SUPPORTED":
            return  # with what it requests there may be one
        raise
    number = elsewhere(ue, answer)
    if number is None or ue.connection is not connection:
        return
    allowed = [
        s.allowed_snssai.numbering() for each in answer.allowed_nssai_list for s in each.allowed_snssai_list
    ]
    connection.send(
        ngap.RerouteNASRequest(
            ran_ue_ngap_id=connection.ran_ue_ngap_id,
            amf_ue_ngap_id=connection.amf_ue_ngap_id,
            ngap_message=connection.initial,
            amf_set_id=number,
            allowed_nssai=elements.allowed_nssai(tuple(allowed)),
        )
    )  # 7B
    ue.disconnect()
    raise Refused(
        None, Why(f"AMF set {number} serves the slices of {supi}: {connection.ran.label} reroutes the UE")
    )
