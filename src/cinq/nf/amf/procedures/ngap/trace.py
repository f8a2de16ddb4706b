"""Trace, TS 38.413 §8.11, TS 32.422. The records go from the gNB to a collection entity; the AMF keeps none."""

from __future__ import annotations

from ipaddress import ip_address

from cinq.nf.amf import journal, signals
from cinq.nf.amf.n2.association import NgConnection
from cinq.nf.amf.ue import Ue
from cinq.procedure import Why, procedure
from cinq.wire import ngap


@procedure(opens=signals.StartTrace)
async def trace_start(connection: NgConnection, wanted: signals.StartTrace) -> None:
    """§8.11.1. A gNB that does not say otherwise traces."""
    connection.send(
        ngap.TraceStart(
            amf_ue_ngap_id=connection.amf_ue_ngap_id,
            ran_ue_ngap_id=connection.ran_ue_ngap_id,
            trace_activation=wanted.activation,
        )
    )


@procedure(opens=signals.StopTrace)
async def deactivate_trace(connection: NgConnection, wanted: signals.StopTrace) -> None:
    """§8.11.3."""
    connection.send(
        ngap.DeactivateTrace(
            amf_ue_ngap_id=connection.amf_ue_ngap_id,
            ran_ue_ngap_id=connection.ran_ue_ngap_id,
            ngran_trace_id=wanted.trace_id,
        )
    )


def failure(ue: Ue, connection: NgConnection, message: ngap.TraceFailureIndication) -> None:
    """§8.11.2: of a start or of a deactivation."""
    trace_id, cause = message.ngran_trace_id or b"", message.cause[1] if message.cause else "no cause"
    if ue.context.supi is not None:
        text = f"failed at {connection.ran.label}: {cause}"
        ue.access.orders.note(str(ue.context.supi), "trace", ue.ports.clock.now(), text)
    mend = "cinq order trace SUPI begins it again"
    journal.note(ue, Why(f"{connection.ran.label}: trace {trace_id.hex()} failed: {cause}", mend))


def cell_traffic(ue: Ue, connection: NgConnection, message: ngap.CellTrafficTrace) -> None:
    """§8.11.4: where the records of a cell's UEs go. Of the UE, its SUPI is for the collection entity to ask."""
    trace_id = (message.ngran_trace_id or b"").hex()
    privacy = message.privacy_indicator or "not restricted"
    collector = addresses(message.trace_collection_entity_ip_address)
    journal.note(ue, f"cell traffic trace {trace_id} goes to {collector}, {privacy}")


def addresses(value: tuple[int, int] | None) -> str:
    """A transport layer address, §9.3.2.4: of IPv4, IPv6, or one of each."""
    number, bits = value or (0, 0)
    octets = number.to_bytes((bits + 7) // 8, "big")
    parts = {32: (octets,), 128: (octets,), 160: (octets[:4], octets[4:])}.get(bits, ())
    return " and ".join(str(ip_address(part)) for part in parts) or "nowhere"
