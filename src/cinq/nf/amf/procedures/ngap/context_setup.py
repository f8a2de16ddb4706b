"""Initial Context Setup, TS 38.413 §8.3.1. The request is built where the accept that it carries is sent: Ue.set_up."""

from __future__ import annotations

from cinq.nf.amf import journal, signals
from cinq.nf.amf.n2.association import NgConnection
from cinq.nf.amf.n2.diagnosis import cause_of
from cinq.nf.amf.procedures.sm import outcomes
from cinq.nf.amf.procedures.sm.outcomes import NGAP_GUARD, Asked
from cinq.nf.amf.ue import ue_of
from cinq.procedure import Declined, TimerExpired, procedure
from cinq.wire import ngap


@procedure(opens=signals.ContextSetupSent)
async def initial_context_setup(connection: NgConnection, sent: signals.ContextSetupSent) -> None:
    """§8.3.1.2. After a failure (§8.3.1.3), and without an answer, the connection is of no use: it is released.

    A failure, and an Error Indication, end what the UE is doing at once; silence, when that has come to its end.
    """
    ue, asked = ue_of(connection), Asked(connection, sent.sessions, "PDU_RES_SETUP_FAIL")
    try:
        async with connection.undo() as undo:
            undo.owe(outcomes.none_came, asked)
            answer = await connection.expect(
                ngap.InitialContextSetupResponse, ngap.InitialContextSetupFailure, timer=NGAP_GUARD
            )
            undo.keep()
    except TimerExpired:
        ue.want(signals.ReleaseConnection(("radioNetwork", "unspecified")))
        raise
    except Declined as declined:
        journal.note(ue, declined.reason)
        answer = failure_of(connection, cause_of(declined))
    if isinstance(answer, ngap.InitialContextSetupFailure):
        ue.receive(answer)
    else:
        await outcomes.came(asked, answer)


def failure_of(connection: NgConnection, cause: ngap.Cause) -> ngap.InitialContextSetupFailure:
    """What the gNB would have said, had it been able to."""
    return ngap.InitialContextSetupFailure(
        amf_ue_ngap_id=connection.amf_ue_ngap_id,
        ran_ue_ngap_id=connection.ran_ue_ngap_id,
        cause=cause,
    )
