"""Notification, TS 24.501 §5.6.3."""

from __future__ import annotations

from cinq.procedure import procedure
from cinq.ran.ue.context import Received
from cinq.ran.ue.ue import Ue
from cinq.wire import nas


@procedure(opens=nas.Notification)
async def notification(ue: Ue, received: Received) -> None:
    """§5.6.3.2: over 3GPP access for non-3GPP access, which this UE has not: it says which sessions it has."""
    active = frozenset(s.context.pdu_session_id for s in ue.sessions.values() if s.context.state == "ACTIVE")
    ue.tell(nas.NotificationResponse(pdu_session_status=active))
