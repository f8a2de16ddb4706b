"""Who hears what: the row of each message that the AMF sends and that no procedure waits for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from cinq.ran.gnb.n2 import N2
from cinq.ran.gnb.procedures import (
    context_management,
    error_indication,
    interface,
    nas_transport,
    pdu_session,
    release,
)
from cinq.wire import ngap

M = TypeVar("M", bound=ngap.Pdu)
Row = tuple[type[ngap.Pdu], Callable[[N2, ngap.Pdu], None]]


def _row(kind: type[M], hears: Callable[[N2, M], None]) -> Row:
    """Binds a message class to a function that takes just this class."""

    def hear(n2: N2, message: ngap.Pdu) -> None:
        assert isinstance(message, kind)
        hears(n2, message)

    return kind, hear


def _nobody(n2: N2, message: ngap.Pdu) -> None:
    """Understood; nothing is to be done."""


TABLE: dict[type[ngap.Pdu], Callable[[N2, ngap.Pdu], None]] = dict(
    (
        _row(ngap.PDUSessionResourceSetupRequest, pdu_session.setup),
        _row(ngap.PDUSessionResourceReleaseCommand, pdu_session.release),
        _row(ngap.PDUSessionResourceModifyRequest, pdu_session.modify),
        _row(ngap.InitialContextSetupRequest, context_management.initial_context_setup),
        _row(ngap.UEContextModificationRequest, context_management.modification),
        _row(ngap.UEContextReleaseCommand, release.command),
        _row(ngap.HandoverRequest, interface.handover_request),
        _row(ngap.Paging, interface.paging),
        _row(ngap.DownlinkNASTransport, nas_transport.downlink),
        _row(ngap.RerouteNASRequest, nas_transport.reroute),
        _row(ngap.AMFConfigurationUpdate, interface.amf_configuration_update),
        _row(ngap.NGReset, release.reset),
        _row(ngap.ErrorIndication, error_indication.received),
        _row(ngap.AMFStatusIndication, _nobody),
        _row(ngap.OverloadStart, interface.overload),
        _row(ngap.OverloadStop, interface.overload),
        _row(ngap.TraceStart, _nobody),
        _row(ngap.DeactivateTrace, _nobody),
        _row(ngap.LocationReportingControl, interface.location_reporting_control),
        _row(ngap.UERadioCapabilityCheckRequest, interface.radio_capability_check),
    )
)


def handle(n2: N2, message: ngap.Pdu) -> bool:
    """True when the message is dealt with; else it is for the procedures of the interface (or for nobody)."""
    hears = TABLE.get(type(message))
    if hears is None:
        return False
    hears(n2, message)
    return True
