"""UEs that come to a gNB that is drained (procedures.ngap.eligibility)."""

from __future__ import annotations

from cinq.nf.amf.n2.association import OPERATOR
from cinq.nf.amf.ue import Ue
from cinq.procedure import Refused, Why
from cinq.wire import nas
from cinq.wire.nas import RegistrationKind


def check_open(ue: Ue, request: nas.RegistrationRequest) -> None:
    """Nobody begins there, but for emergency services. Refused without a word to the UE: a reject would keep it from
    other cells too. Who was there goes on: periodic updates, service requests, answers to paging."""
    ran = None if ue.connection is None else ue.connection.ran
    if ran is None or ran.drained is None:
        return
    kind = request.registration_type.value
    was_there = ue.context.rm_state == "RM-REGISTERED" and ue.context.last_gnb == ran.context.node_id
    begins = kind == RegistrationKind.INITIAL or (kind == RegistrationKind.MOBILITY and not was_there)
    if begins:
        ue.why = OPERATOR
        ue.release_soon()
        raise Refused(None, Why(f"{ran.label} is drained: {ran.drained}", ran.drained.mend))
