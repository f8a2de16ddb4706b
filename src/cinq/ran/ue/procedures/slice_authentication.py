"""Network slice-specific authentication and authorization, TS 24.501 §5.4.7, of a UE without credentials for slices."""

from __future__ import annotations

from cinq.procedure import procedure
from cinq.ran.ue.context import Received
from cinq.ran.ue.eap_peer import Unanswered, without_method
from cinq.ran.ue.granted import merged
from cinq.ran.ue.ue import Ue
from cinq.wire import eap, nas
from cinq.wire.nas import RejectedCause, RejectedSNssai


@procedure(opens=nas.NetworkSliceSpecificAuthenticationCommand)
async def slice_authentication(ue: Ue, received: Received) -> None:
    """§5.4.7.2.2: the UE says who it is, and takes no method."""
    command = received.message
    assert isinstance(command, nas.NetworkSliceSpecificAuthenticationCommand)
    try:
        answer = without_method(command.eap_message, ue.settings.identity)
    except Unanswered as reason:
        ue.runtime.report(ue, slice_authentication.name, command, f"ignored: {reason}")
        return
    complete = nas.NetworkSliceSpecificAuthenticationComplete(s_nssai=command.s_nssai, eap_message=answer)
    ue.tell(complete)


@procedure(opens=nas.NetworkSliceSpecificAuthenticationResult)
async def slice_authentication_result(ue: Ue, received: Received) -> None:
    """§5.4.7.2.3: a slice that failed is pending no more, and rejected."""
    result = received.message
    assert isinstance(result, nas.NetworkSliceSpecificAuthenticationResult)
    context, s_nssai = ue.context, result.s_nssai
    try:
        failed = eap.decode(result.eap_message).code == eap.FAILURE
    except eap.EapError as error:
        ue.runtime.report(ue, slice_authentication_result.name, result, f"ignored: {error}")
        return
    new = (RejectedSNssai(s_nssai, RejectedCause.AUTHENTICATION_FAILED_OR_REVOKED),) if failed else ()
    ue.commit(
        pending_nssai=tuple(one for one in context.pending_nssai if one != s_nssai),
        allowed_nssai=tuple(one for one in context.allowed_nssai if not failed or one != s_nssai),
        rejected_nssai=merged(context, new, (), new_area=False),
    )
