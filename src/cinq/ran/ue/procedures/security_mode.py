"""Security mode control, TS 24.501 §5.4.2."""

from __future__ import annotations

from cinq.numbering import Imeisv
from cinq.procedure import procedure
from cinq.ran.ue.context import Received
from cinq.ran.ue.security import refusal
from cinq.ran.ue.ue import Ue
from cinq.wire import nas
from cinq.wire.nas import GmmCause


@procedure(opens=nas.SecurityModeCommand)
async def security_mode_control(ue: Ue, received: Received) -> None:
    """§5.4.2.3 and §5.4.2.5. The whole initial message follows where only a part went (§4.4.6)."""
    command = received.message
    assert isinstance(command, nas.SecurityModeCommand)
    security = ue.security
    if not received.checked:
        ue.tell(nas.SecurityModeReject(cause=GmmCause.SECURITY_MODE_REJECTED_UNSPECIFIED))
        return
    if security.candidate is None:
        return  # the connection went before its turn came: the network begins anew
    cause = refusal(ue.settings.integrity, command, ue.capability)
    if cause is not None:
        security.candidate = None
        ue.tell(nas.SecurityModeReject(cause=cause))
        return
    had_context = security.current is not None
    security.take_into_use()
    ue.response = None
    information = command.additional_security_information
    asked = information is not None and information.retransmission_requested
    initial = security.initial
    container = None
    if initial is not None and (asked or not had_context):
        container = nas.encode(initial)
    pei = ue.settings.pei
    imeisv = pei if command.imeisv_request and isinstance(pei, Imeisv) else None
    ue.tell(nas.SecurityModeComplete(imeisv=imeisv, nas_message_container=container))
