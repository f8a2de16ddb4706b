"""PDU Session Resource Notify, TS 38.413 §8.2.4: the gNB releases, or no longer fulfils, or fulfils again."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from cinq.ran.gnb.n2 import UeContext
from cinq.ran.gnb.procedures.session_resources import with_cause
from cinq.wire import ngap


def released(ue: UeContext, pdu_session_id: int, cause: ngap.Cause, gtpu_error: bool = False) -> None:
    """The gNB gives up the resources of a session. gtpu_error: for a GTP-U Error Indication (TS 23.527)."""
    ue.drop(pdu_session_id)
    transfer = ngap.PDUSessionResourceNotifyReleasedTransfer(
        cause=cause,
        user_plane_error_indicator="gTP-U-error-indication-received" if gtpu_error else None,
    )
    _send(
        ue,
        released=[
            ngap.PDUSessionResourceReleasedItemNot(
                pdu_session_id=pdu_session_id,
                pdu_session_resource_notify_released_transfer=ngap.encode_value(transfer),
            )
        ],
    )


def flows_released(ue: UeContext, pdu_session_id: int, flows: dict[int, ngap.Cause]) -> None:
    """The gNB gives up QoS flows of a session, which keeps others. KeyError: there is no such session."""
    session = ue.sessions[pdu_session_id]
    kept = tuple(flow for flow in session.flows if flow.qfi not in flows)
    tunnel = msgspec.structs.replace(session.tunnel, qfis=tuple(flow.qfi for flow in kept))
    ue.put(pdu_session_id, msgspec.structs.replace(session, flows=kept, tunnel=tunnel))
    _notify(
        ue, pdu_session_id, ngap.PDUSessionResourceNotifyTransfer(qos_flow_released_list=with_cause(flows))
    )


def fulfilment(
    ue: UeContext, pdu_session_id: int, qfis: Iterable[int], cause: ngap.NotificationCause
) -> None:
    """GBR flows with notification control are fulfilled no more, or again."""
    flows = [ngap.QosFlowNotifyItem(qos_flow_identifier=qfi, notification_cause=cause) for qfi in qfis]
    _notify(ue, pdu_session_id, ngap.PDUSessionResourceNotifyTransfer(qos_flow_notify_list=flows))


def _notify(ue: UeContext, pdu_session_id: int, transfer: ngap.PDUSessionResourceNotifyTransfer) -> None:
    item = ngap.PDUSessionResourceNotifyItem(
        pdu_session_id=pdu_session_id, pdu_session_resource_notify_transfer=ngap.encode_value(transfer)
    )
    _send(ue, notified=[item])


def _send(
    ue: UeContext,
    notified: list[ngap.PDUSessionResourceNotifyItem] | None = None,
    released: list[ngap.PDUSessionResourceReleasedItemNot] | None = None,
) -> None:
    if ue.amf_ue_ngap_id is not None:
        ue.tell(
            ngap.PDUSessionResourceNotify(
                amf_ue_ngap_id=ue.amf_ue_ngap_id,
                ran_ue_ngap_id=ue.ran_ue_ngap_id,
                pdu_session_resource_notify_list=notified,
                pdu_session_resource_released_list_not=released,
                user_location_information=ue.location,
            )
        )
