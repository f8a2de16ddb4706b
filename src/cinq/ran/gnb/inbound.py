"""Who hears what: the row of each message that the AMF, or a neighbour by Xn, begins something with."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from cinq.ran.gnb.n2 import N2
from cinq.ran.gnb.procedures import (
    amf_configuration_update,
    error_indication,
    handover_preparation,
    handover_resource_allocation,
    initial_context_setup,
    initial_ue_message,
    location_reporting,
    nas_transport,
    ng_reset,
    ng_setup,
    overload,
    paging,
    path_switch_request,
    pdu_session_resource_modify,
    pdu_session_resource_modify_indication,
    pdu_session_resource_release,
    pdu_session_resource_setup,
    radio_capability,
    ran_configuration_update,
    re_establishment,
    relay,
    rrc_inactive,
    status_transfer,
    trace,
    ue_context_modification,
    ue_context_release,
    ue_context_suspend,
    ue_information,
    warning,
    xn_handover,
    xn_setup,
)
from cinq.ran.gnb.xn import diagnosis
from cinq.ran.gnb.xn.association import Xn
from cinq.wire import ngap, xnap
from cinq.wire.ngap.diagnostics import ue_identities

M = TypeVar("M", bound=ngap.Pdu)
X = TypeVar("X", bound=xnap.Pdu)
Row = tuple[type[ngap.Pdu], Callable[[N2, ngap.Pdu], None]]
XnRow = tuple[type[xnap.Pdu], Callable[[N2, Xn, xnap.Pdu], None]]

BEGUN_HERE = (
    amf_configuration_update,
    ng_setup,
    ran_configuration_update,
    handover_preparation,
    path_switch_request,
    pdu_session_resource_modify_indication,
    ue_context_suspend,
)
"""Procedures that a signal opens (signals.py): they are declared by being imported."""


def _row(kind: type[M], hears: Callable[[N2, M], None]) -> Row:
    """Binds a message class to a function that takes just this class."""

    def hear(n2: N2, message: ngap.Pdu) -> None:
        assert isinstance(message, kind)
        hears(n2, message)

    return kind, hear


def _xn(kind: type[X], hears: Callable[[N2, Xn, X], None]) -> XnRow:
    def hear(n2: N2, xn: Xn, message: xnap.Pdu) -> None:
        assert isinstance(message, kind)
        hears(n2, xn, message)

    return kind, hear


TABLE: dict[type[ngap.Pdu], Callable[[N2, ngap.Pdu], None]] = dict(
    (  # in the order of TS 38.413 clause 8
        _row(ngap.PDUSessionResourceSetupRequest, pdu_session_resource_setup.received),
        _row(ngap.PDUSessionResourceReleaseCommand, pdu_session_resource_release.received),
        _row(ngap.PDUSessionResourceModifyRequest, pdu_session_resource_modify.received),
        _row(ngap.InitialContextSetupRequest, initial_context_setup.received),
        _row(ngap.UEContextReleaseCommand, ue_context_release.received),
        _row(ngap.UEContextModificationRequest, ue_context_modification.received),
        _row(ngap.ConnectionEstablishmentIndication, ue_information.established),
        _row(ngap.AMFCPRelocationIndication, ue_information.relocated),
        _row(ngap.UEInformationTransfer, ue_information.transferred),
        _row(ngap.RANPagingRequest, rrc_inactive.ran_paging_request),
        _row(ngap.HandoverRequest, handover_resource_allocation.received),
        _row(ngap.DownlinkRANStatusTransfer, status_transfer.downlink),
        _row(ngap.HandoverSuccess, status_transfer.success),
        _row(ngap.DownlinkRANEarlyStatusTransfer, status_transfer.downlink_early),
        _row(ngap.Paging, paging.received),
        _row(ngap.DownlinkNASTransport, nas_transport.downlink),
        _row(ngap.RerouteNASRequest, initial_ue_message.reroute),
        _row(ngap.AMFConfigurationUpdate, amf_configuration_update.received),
        _row(ngap.NGReset, ng_reset.received),
        _row(ngap.ErrorIndication, error_indication.received),
        _row(ngap.AMFStatusIndication, overload.status_indicated),
        _row(ngap.OverloadStart, overload.started),
        _row(ngap.OverloadStop, overload.stopped),
        _row(ngap.DownlinkRANConfigurationTransfer, relay.ran_configuration),
        _row(ngap.WriteReplaceWarningRequest, warning.write_replace),
        _row(ngap.PWSCancelRequest, warning.cancel),
        _row(ngap.DownlinkUEAssociatedNRPPaTransport, relay.nrppa_for_ue),
        _row(ngap.DownlinkNonUEAssociatedNRPPaTransport, relay.nrppa),
        _row(ngap.TraceStart, trace.started),
        _row(ngap.DeactivateTrace, trace.deactivated),
        _row(ngap.LocationReportingControl, location_reporting.received),
        _row(ngap.UETNLABindingReleaseRequest, amf_configuration_update.binding_released),
        _row(ngap.UERadioCapabilityCheckRequest, radio_capability.check),
        _row(ngap.DownlinkRIMInformationTransfer, relay.rim),
    )
)

XN_TABLE: dict[type[xnap.Pdu], Callable[[N2, Xn, xnap.Pdu], None]] = dict(
    (  # in the order of TS 38.423 clause 8
        _xn(xnap.HandoverRequest, xn_handover.requested),
        _xn(xnap.SNStatusTransfer, xn_handover.status),
        _xn(xnap.HandoverCancel, xn_handover.cancelled),
        _xn(xnap.RetrieveUEContextRequest, re_establishment.retrieve),
        _xn(xnap.RANPaging, rrc_inactive.ran_paging),
        _xn(xnap.UEContextRelease, xn_handover.released),
        _xn(xnap.XnSetupRequest, xn_setup.received),
        _xn(xnap.NGRANNodeConfigurationUpdate, xn_setup.updated),
        _xn(xnap.ResetRequest, xn_setup.was_reset),
        _xn(xnap.ErrorIndication, xn_setup.indicated),
        _xn(xnap.XnRemovalRequest, xn_setup.removed),
    )
)
BEFORE_SETUP = (xnap.XnSetupRequest, xnap.ErrorIndication)
"""What a neighbour may begin with: before Xn Setup it is nobody."""


def handle(n2: N2, message: ngap.Pdu) -> bool:
    """True when the message is dealt with; else it is for the procedures of the interface (or for nobody).

    An outcome goes to the connection that its identities name, to the procedure there that waits for it.
    """
    hears = TABLE.get(type(message))
    if hears is not None:
        hears(n2, message)
        return True
    if message.KIND == "initiatingMessage":
        return False
    amf_ue_ngap_id, ran_ue_ngap_id = ue_identities(message)
    if amf_ue_ngap_id is None or ran_ue_ngap_id is None:
        return False
    ue = n2.of_ue(ran_ue_ngap_id, amf_ue_ngap_id)
    if ue is not None:
        ue.receive(message)
    return True


def handle_xn(n2: N2, xn: Xn, message: xnap.Pdu) -> bool:
    """As `handle`. An outcome goes to the UE that it names, where that is this neighbour's."""
    hears = XN_TABLE.get(type(message))
    if hears is not None:
        if xn.context.state != "up" and not isinstance(message, BEFORE_SETUP):
            cause: xnap.Cause = ("protocol", "message-not-compatible-with-receiver-state")
            xn.send(diagnosis.about(message, cause))
        else:
            hears(n2, xn, message)
        return True
    if isinstance(message, xnap.HandoverRequestAcknowledge | xnap.HandoverPreparationFailure):
        ue = n2.ues.get(message.source_ng_ran_node_ue_xnap_id)
        if ue is not None and ue.neighbour is xn:
            ue.receive(message)
        return True
    return False
