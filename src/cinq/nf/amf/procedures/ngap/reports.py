"""What a gNB reports of a connected UE: RRC state (TS 38.413 §8.3.5), secondary RAT data usage (§8.15.1)."""

from __future__ import annotations

from functools import partial

from cinq.nf.amf import journal
from cinq.nf.amf.n2.association import NgConnection
from cinq.nf.amf.procedures.sm import outcomes
from cinq.nf.amf.ue import Ue
from cinq.wire import ngap


def rrc_inactive(ue: Ue, connection: NgConnection, message: ngap.RRCInactiveTransitionReport) -> None:
    """§8.3.5: the UE is CM-CONNECTED all the same (TS 23.501 §5.3.3.2.5)."""
    connection.moved(message.user_location_information)
    state: str | None = message.rrc_state
    journal.note(ue, f"RRC state: {state or 'not said'}")


def data_usage(ue: Ue, connection: NgConnection, message: ngap.SecondaryRATDataUsageReport) -> None:
    """§8.15.1, TS 23.502 §4.21: on to the SMFs, whatever else is under way."""
    connection.moved(message.user_location_information)
    ue.beside(partial(outcomes.relay, ue, outcomes.of_sessions(message)), "data_usage")
