"""Trace, TS 38.413 §8.11. The gNB remembers what is traced; records are not written."""

from __future__ import annotations

from ipaddress import IPv4Address

from cinq.ran.gnb.n2 import N2, UeContext
from cinq.ran.gnb.n2.elements import nr_cgi
from cinq.wire import ngap


def started(n2: N2, message: ngap.TraceStart) -> None:
    """TRACE START, §8.11.1."""
    ue = n2.of_ue(message.ran_ue_ngap_id, message.amf_ue_ngap_id)
    activation: ngap.TraceActivation | None = message.trace_activation
    if ue is not None and activation is not None:
        activate(ue, activation)


def activate(ue: UeContext, activation: ngap.TraceActivation) -> None:
    """A UE that is on its way to another gNB is not traced any more (§8.11.1.2)."""
    if ue.context.leaving is not None:
        failed(ue, activation.ngran_trace_id, ("radioNetwork", ue.context.leaving))
        return
    others = (one for one in ue.context.traces if one.ngran_trace_id != activation.ngran_trace_id)
    ue.commit(traces=(*others, activation))


def deactivated(n2: N2, message: ngap.DeactivateTrace) -> None:
    """DEACTIVATE TRACE, §8.11.3."""
    ue = n2.of_ue(message.ran_ue_ngap_id, message.amf_ue_ngap_id)
    trace_id: bytes | None = message.ngran_trace_id
    if ue is None or trace_id is None:
        return
    if ue.context.leaving is not None:
        failed(ue, trace_id, ("radioNetwork", ue.context.leaving))
        return
    ue.commit(traces=tuple(one for one in ue.context.traces if one.ngran_trace_id != trace_id))


def failed(ue: UeContext, trace_id: bytes, cause: ngap.Cause) -> None:
    """TRACE FAILURE INDICATION, §8.11.2."""
    if ue.amf_ue_ngap_id is not None:
        ue.tell(
            ngap.TraceFailureIndication(
                amf_ue_ngap_id=ue.amf_ue_ngap_id,
                ran_ue_ngap_id=ue.ran_ue_ngap_id,
                ngran_trace_id=trace_id,
                cause=cause,
            )
        )


def cell_traffic(
    ue: UeContext, trace_id: bytes, collector: IPv4Address, privacy: ngap.PrivacyIndicator | None = None
) -> None:
    """CELL TRAFFIC TRACE, §8.11.4. trace_id: 8 octets; collector: the trace collection entity."""
    assert ue.amf_ue_ngap_id is not None
    ue.tell(
        ngap.CellTrafficTrace(
            amf_ue_ngap_id=ue.amf_ue_ngap_id,
            ran_ue_ngap_id=ue.ran_ue_ngap_id,
            ngran_trace_id=trace_id,
            ngran_cgi=("nR-CGI", nr_cgi(ue.cell)),
            trace_collection_entity_ip_address=(int(collector), 32),
            privacy_indicator=privacy,
        )
    )
