"""Downlink NAS transport, TS 24.501 §5.4.5.3, and notification, §5.6.3."""

from __future__ import annotations

from cinq.procedure import procedure
from cinq.ran.ue.context import NotForwarded, Received
from cinq.ran.ue.ue import Ue
from cinq.wire import nas
from cinq.wire.nas import GmmCause, GsmCause, PayloadContainerType

_FROM_NETWORK = (
    nas.PDUSessionEstablishmentAccept,
    nas.PDUSessionEstablishmentReject,
    nas.PDUSessionAuthenticationCommand,
    nas.PDUSessionAuthenticationResult,
    nas.PDUSessionModificationReject,
    nas.PDUSessionModificationCommand,
    nas.PDUSessionReleaseReject,
    nas.PDUSessionReleaseCommand,
    nas.FiveGSMStatus,
)


@procedure(opens=nas.DLNASTransport)
async def downlink_nas_transport(ue: Ue, received: Received) -> None:
    """§5.4.5.3.3: 5GSM messages go to their session, and one that the AMF gave back ends what its session awaits."""
    transport = received.message
    assert isinstance(transport, nas.DLNASTransport)
    if transport.payload_container_type != PayloadContainerType.N1_SM_INFORMATION:
        return
    if transport.cause is not None:
        session = ue.sessions.get(transport.pdu_session_id or 0)
        if session is not None:
            session.receive(NotForwarded(transport.cause, transport.back_off_timer))
        return
    try:
        message = nas.decode(transport.payload_container)
    except nas.NasError as error:
        _unreadable(ue, error)
        return
    if not isinstance(message, nas.GsmMessage):
        ue.tell(nas.FiveGMMStatus(cause=GmmCause.SEMANTICALLY_INCORRECT_MESSAGE))
        return
    session = ue.sessions.get(message.pdu_session_id)
    if session is None or not isinstance(message, _FROM_NETWORK):
        _misplaced(ue, message)
    else:
        session.receive(message)


def _misplaced(ue: Ue, message: nas.GsmMessage) -> None:
    """§7.3.2: a session that does not exist. A release is confirmed all the same, anything else gets a STATUS."""
    if isinstance(message, nas.FiveGSMStatus):
        return
    status = nas.FiveGSMStatus(
        pdu_session_id=message.pdu_session_id,
        pti=message.pti,
        cause=GsmCause.INVALID_PDU_SESSION_IDENTITY,
    )
    uplink(ue, status)


def _unreadable(ue: Ue, error: nas.NasError) -> None:
    if error.cause is not None and error.pdu_session_id is not None:
        uplink(
            ue,
            nas.FiveGSMStatus(pdu_session_id=error.pdu_session_id, pti=error.pti or 0, cause=error.cause),
        )


def uplink(ue: Ue, message: nas.GsmMessage) -> None:
    """A 5GSM message that belongs to no session of the UE."""
    ue.tell(
        nas.ULNASTransport(
            payload_container_type=PayloadContainerType.N1_SM_INFORMATION,
            payload_container=nas.encode(message),
            pdu_session_id=message.pdu_session_id,
        )
    )


@procedure(opens=nas.Notification)
async def notification(ue: Ue, received: Received) -> None:
    """§5.6.3.2: over 3GPP access for non-3GPP access, which this UE has not: it says which sessions it has."""
    active = frozenset(s.context.pdu_session_id for s in ue.sessions.values() if s.context.state == "ACTIVE")
    ue.tell(nas.NotificationResponse(pdu_session_status=active))
