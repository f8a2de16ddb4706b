"""Which message of the AMF goes to which function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cinq.ran.gnb.procedures import (
    context_management,
    error_indication,
    interface,
    nas_transport,
    pdu_session,
    release,
)
from cinq.wire import ngap

if TYPE_CHECKING:
    from cinq.ran.gnb.n2 import N2


def handle(n2: N2, message: ngap.Pdu) -> bool:
    """True when the message is dealt with; else it is for the procedures of the interface (or for nobody)."""
    match message:
        case ngap.DownlinkNASTransport():
            nas_transport.downlink(n2, message)
        case ngap.InitialContextSetupRequest():
            context_management.initial_context_setup(n2, message)
        case ngap.PDUSessionResourceSetupRequest():
            pdu_session.setup(n2, message)
        case ngap.UEContextReleaseCommand():
            release.command(n2, message)
        case ngap.PDUSessionResourceReleaseCommand():
            pdu_session.release(n2, message)
        case ngap.Paging():
            interface.paging(n2, message)
        case _:
            return _rare(n2, message)
    return True


def _rare(n2: N2, message: ngap.Pdu) -> bool:
    match message:
        case ngap.PDUSessionResourceModifyRequest():
            pdu_session.modify(n2, message)
        case ngap.UEContextModificationRequest():
            context_management.modification(n2, message)
        case ngap.NGReset():
            release.reset(n2, message)
        case ngap.ErrorIndication():
            error_indication.received(n2, message)
        case ngap.AMFConfigurationUpdate():
            interface.amf_configuration_update(n2, message)
        case ngap.OverloadStart() | ngap.OverloadStop():
            interface.overload(n2, message)
        case ngap.RerouteNASRequest():
            nas_transport.reroute(n2, message)
        case ngap.LocationReportingControl():
            interface.location_reporting_control(n2, message)
        case ngap.UERadioCapabilityCheckRequest():
            interface.radio_capability_check(n2, message)
        case ngap.HandoverRequest():
            interface.handover_request(n2, message)
        case ngap.AMFStatusIndication() | ngap.TraceStart() | ngap.DeactivateTrace():
            pass
        case _:
            return False
    return True
