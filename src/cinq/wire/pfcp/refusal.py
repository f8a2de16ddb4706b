"""How either end of N4 refuses a request, TS 29.244 §7.6, and what it calls a cause."""

from __future__ import annotations

from functools import partial

from cinq.wire.pfcp.elements import NodeId
from cinq.wire.pfcp.error import Cause
from cinq.wire.pfcp.messages import MESSAGES, HeartbeatResponse
from cinq.wire.pfcp.row import Message

_RESPONSES: dict[type[Message], type[Message]] = {
    request: response
    for request in MESSAGES
    if request.REQUEST
    for response in MESSAGES
    if response.TYPE == request.TYPE + 1
}


def refusal(
    kind: type[Message],
    cause: int,
    offending: int | None,
    node_id: NodeId,
    recovery_time_stamp: int,
    seid: int | None = None,
) -> Message | None:
    """The response that refuses a request of this kind; None for a heartbeat, which cannot be refused.

    node_id, recovery_time_stamp: of the end that refuses, for the responses that have them. seid: the peer's.
    """
    response = _RESPONSES.get(kind)
    if response is None or response is HeartbeatResponse:
        return None
    members: dict[str, object] = {"cause": cause}
    offered = {"node_id": node_id, "offending_ie": offending, "recovery_time_stamp": recovery_time_stamp}
    members |= {name: value for name, value in offered.items() if name in response.__struct_fields__}
    build: partial[Message] = partial(response, seid=seid)
    return build(**members)


def cause_name(cause: object) -> str:
    """Of table 8.2.1-1; a number that stands for nothing there as it is; "" for no number."""
    try:
        return Cause(cause).name if isinstance(cause, int) else ""
    except ValueError:
        return str(cause)
