"""PDU session authentication and authorization, TS 24.501 §6.3.1, of a UE without credentials for data networks."""

from __future__ import annotations

from cinq.procedure import procedure
from cinq.ran.ue.eap_peer import Unanswered, without_method
from cinq.ran.ue.session import Session
from cinq.wire import nas


@procedure(opens=nas.PDUSessionAuthenticationCommand)
async def session_authentication(session: Session, command: nas.PDUSessionAuthenticationCommand) -> None:
    """§6.3.1.2: the UE says who it is, and takes no method; the data network decides what that is worth."""
    try:
        answer = without_method(command.eap_message, session.ue.settings.identity)
    except Unanswered as reason:
        session.runtime.report(session, session_authentication.name, command, f"ignored: {reason}")
        return
    session.tell(
        nas.PDUSessionAuthenticationComplete(
            pdu_session_id=command.pdu_session_id, pti=command.pti, eap_message=answer
        )
    )


@procedure(opens=nas.PDUSessionAuthenticationResult)
async def session_authentication_result(session: Session, result: nas.PDUSessionAuthenticationResult) -> None:
    """§6.3.1.3: re-authentication went well; where it did not a release command comes instead."""
