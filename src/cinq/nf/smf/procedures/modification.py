"""PDU session modification by the network: TS 23.502 §4.3.3.2, TS 24.501 §6.3.2."""

from __future__ import annotations

from cinq.nf.smf.session import PduSession
from cinq.nf.smf.signals import FlowsLost
from cinq.procedure import procedure


@procedure(opens=FlowsLost)
async def flows_lost(session: PduSession, lost: FlowsLost) -> None:
    """TS 23.502 §4.3.3.2 step 1e: what the gNB does not carry."""
    session.runtime.report(session, "flows_lost", lost, f"QoS flows {sorted(lost.qfis)} are not carried")
