"""LPP from a UE to an LMF, TS 24.501 §5.4.5.2.3 c), TS 23.273 §6.11.1: as it is, to whom the UE answers."""

from __future__ import annotations

from functools import partial

from cinq.nf.amf import journal
from cinq.nf.amf.consumers import Consumer
from cinq.nf.amf.ue import Ue
from cinq.procedure import Why
from cinq.sbi import Problem
from cinq.sbi.models import RefToBinaryData
from cinq.sbi.services.namf_communication import (
    N1MessageContainer,
    N1MessageNotification,
    N1MessageNotifyRequest,
)
from cinq.wire import nas


def relayed(ue: Ue, message: nas.ULNASTransport) -> bool:
    """False: no LMF has subscribed to what this one says, which the additional information names."""
    lmf = (message.additional_information or b"").decode(errors="replace")
    wanted = list(ue.access.consumers.of("N1 LPP", ue.context.supi, lmf))
    for consumer in wanted:
        ue.beside(partial(tell, ue, consumer, message.payload_container), "lpp")
    return bool(wanted)


async def tell(ue: Ue, consumer: Consumer, octets: bytes) -> None:
    """Namf_Communication_N1MessageNotify, TS 29.518 §5.2.2.3.5."""
    container = N1MessageContainer(
        n1_message_class="LPP",
        n1_message_content=RefToBinaryData(content_id="n1Msg"),
        nf_id=consumer.nf_id or None,
    )
    notification = N1MessageNotification(
        n1_notify_subscription_id=consumer.identifier, n1_message_container=container
    )
    body = N1MessageNotifyRequest(json_data=notification, binary_data_n1_message=octets)
    try:
        await ue.ports.notify(consumer.uri, body)
    except Problem as problem:
        journal.note(ue, Why(f"LPP is not passed on: the LMF answers {problem}", problem.why.mend))
