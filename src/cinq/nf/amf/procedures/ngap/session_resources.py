"""PDU Session Resource Setup, Modify and Release, TS 38.413 §8.2.1 to §8.2.3; Notify, §8.2.4.

Several of each may be in flight on one connection: an answer belongs to the request whose PDU sessions it names.
"""

from __future__ import annotations

from functools import partial

from cinq.nf.amf import signals
from cinq.nf.amf.n2.association import NgConnection
from cinq.nf.amf.procedures.sm import outcomes
from cinq.nf.amf.procedures.sm.outcomes import NGAP_GUARD, Asked
from cinq.procedure import procedure
from cinq.wire import ngap


@procedure(opens=signals.ResourceSetupSent)
async def resource_setup(connection: NgConnection, sent: signals.ResourceSetupSent) -> None:
    """§8.2.1. What was not set up, or not answered for, the SMF hears as failed."""
    asked = Asked(connection, sent.sessions, "PDU_RES_SETUP_FAIL")
    await answered(asked, ngap.PDUSessionResourceSetupResponse)


@procedure(opens=signals.ResourceModifySent)
async def resource_modify(connection: NgConnection, sent: signals.ResourceModifySent) -> None:
    """§8.2.3."""
    asked = Asked(connection, sent.sessions, "PDU_RES_MOD_FAIL")
    await answered(asked, ngap.PDUSessionResourceModifyResponse)


@procedure(opens=signals.ResourceReleaseSent)
async def resource_release(connection: NgConnection, sent: signals.ResourceReleaseSent) -> None:
    """§8.2.2. A gNB that does not answer has no use of them either: they count as released."""
    asked = Asked(connection, sent.sessions, "PDU_RES_REL_RSP")
    await answered(asked, ngap.PDUSessionResourceReleaseResponse)


async def answered(asked: Asked, kind: type[ngap.Pdu]) -> None:
    """Wait for the gNB's answer about these sessions, and hand it to their SMFs."""
    connection = asked.connection
    async with connection.undo() as undo:
        undo.owe(outcomes.none_came, asked)
        answer = await connection.expect(kind, timer=NGAP_GUARD, fits=partial(outcomes.names, asked))
        undo.keep()
    await outcomes.came(asked, answer)
