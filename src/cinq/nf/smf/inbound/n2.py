"""N2 SM information from the gNB, TS 38.413 §9.3.4, by its type (TS 29.502 §6.1.6.3.10)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from cinq.nf.smf import n2 as transfers
from cinq.nf.smf.inbound.answer import demanded, updated
from cinq.nf.smf.session import PduSession
from cinq.nf.smf.signals import NetworkRelease, Setup, SetupRefused
from cinq.sbi.problem import Problem
from cinq.sbi.services.nsmf_pdusession import N2SmInfoType, UpdateSmContextResponse
from cinq.wire.nas import GsmCause


async def received(session: PduSession, kind: N2SmInfoType, octets: bytes) -> UpdateSmContextResponse:
    handler = HANDLERS.get(kind)
    if handler is None:
        return updated(None)  # PDU_RES_REL_RSP: nothing is left to do; others are not asked for
    return await handler(session, octets)


async def setup_response(session: PduSession, octets: bytes) -> UpdateSmContextResponse:
    """TS 23.502 §4.3.2.2.1 step 14, §4.2.3.2 step 15."""
    try:
        made = transfers.setup_response(octets)
    except transfers.TransferError as error:
        if session.up_cnx_state == "ACTIVATING":  # else the UE would keep a session that carries nothing
            session.want(NetworkRelease(GsmCause.NETWORK_FAILURE))
        raise Problem(400, "N2_SM_ERROR", str(error)) from None
    if session.context.qos.default_flow.qfi not in made.flows:
        await demanded(session, SetupRefused("the QoS flow was not set up"))
        return updated("DEACTIVATED")
    await demanded(session, Setup(made.an))
    return updated("ACTIVATED")


async def setup_unsuccessful(session: PduSession, octets: bytes) -> UpdateSmContextResponse:
    await demanded(session, SetupRefused("PDU_RES_SETUP_FAIL"))
    return updated("DEACTIVATED")


HANDLERS: dict[N2SmInfoType, Callable[[PduSession, bytes], Awaitable[UpdateSmContextResponse]]] = {
    "PDU_RES_SETUP_RSP": setup_response,
    "PDU_RES_SETUP_FAIL": setup_unsuccessful,
}
