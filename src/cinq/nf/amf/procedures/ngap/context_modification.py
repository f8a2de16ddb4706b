"""UE Context Modification, TS 38.413 §8.3.4. The request goes out with the accept that follows new keys: Ue.rekey."""

from __future__ import annotations

from cinq.nf.amf import journal, signals
from cinq.nf.amf.n2.association import NgConnection
from cinq.nf.amf.procedures.sm.outcomes import NGAP_GUARD
from cinq.nf.amf.ue import ue_of
from cinq.procedure import Why, procedure
from cinq.wire import ngap


@procedure(opens=signals.ContextModificationSent)
async def context_modification(connection: NgConnection, _: signals.ContextModificationSent) -> None:
    """§8.3.4.2. A gNB that refuses (§8.3.4.3) goes on with what it has."""
    answer = await connection.expect(
        ngap.UEContextModificationResponse, ngap.UEContextModificationFailure, timer=NGAP_GUARD
    )
    if isinstance(answer, ngap.UEContextModificationResponse):
        ue_of(connection).exchange.rekeying = False
    else:
        cause = "no cause" if answer.cause is None else answer.cause[1]
        text = f"{connection.ran.label} keeps the UE context as it was: {cause}"
        journal.note(
            ue_of(connection), Why(text, "release the UE's connection: it comes back with the new keys")
        )
