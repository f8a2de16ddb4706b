"""PDU session resource management, TS 38.413 §8.2."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address

from cinq.ran.gnb.context import Tunnel
from cinq.ran.gnb.n2 import N2, UeContext
from cinq.userplane.rules import RuleError
from cinq.wire import ngap


@dataclass(slots=True)
class SetUp:
    """What became of the sessions of one request: transfers by PDU session identity, and NAS messages to deliver."""

    tunnels: dict[int, bytes] = field(default_factory=dict)
    failed: dict[int, bytes] = field(default_factory=dict)
    nas: list[bytes] = field(default_factory=list)


class _Unsuccessful(Exception):
    """This session gets no resources, with the NGAP cause."""

    def __init__(self, cause: ngap.Cause) -> None:
        super().__init__("/".join(map(str, cause)))
        self.cause = cause


def setup(n2: N2, message: ngap.PDUSessionResourceSetupRequest) -> None:
    """PDU SESSION RESOURCE SETUP, §8.2.1. NAS messages of sessions that failed are not delivered."""
    ue = n2.of_ue(message.ran_ue_ngap_id, message.amf_ue_ngap_id)
    if ue is None:
        return
    done = SetUp(nas=[] if message.nas_pdu is None else [message.nas_pdu])
    for item in message.pdu_session_resource_setup_list_su_req:
        set_up(n2, ue, item.pdu_session_id, item.pdu_session_resource_setup_request_transfer, done)
        if item.pdu_session_nas_pdu is not None and item.pdu_session_id in done.tunnels:
            done.nas.append(item.pdu_session_nas_pdu)
    n2.tell_of(ue, _setup_response(ue, message.amf_ue_ngap_id, done))
    for nas in done.nas:
        ue.deliver(nas)


def _setup_response(ue: UeContext, amf_ue_ngap_id: int, done: SetUp) -> ngap.PDUSessionResourceSetupResponse:
    set_up = [
        ngap.PDUSessionResourceSetupItemSURes(
            pdu_session_id=psi, pdu_session_resource_setup_response_transfer=transfer
        )
        for psi, transfer in done.tunnels.items()
    ]
    failed = [
        ngap.PDUSessionResourceFailedToSetupItemSURes(
            pdu_session_id=psi, pdu_session_resource_setup_unsuccessful_transfer=transfer
        )
        for psi, transfer in done.failed.items()
    ]
    return ngap.PDUSessionResourceSetupResponse(
        amf_ue_ngap_id=amf_ue_ngap_id,
        ran_ue_ngap_id=ue.ran_ue_ngap_id,
        pdu_session_resource_setup_list_su_res=set_up or None,
        pdu_session_resource_failed_to_setup_list_su_res=failed or None,
    )


def set_up(n2: N2, ue: UeContext, psi: int, transfer: bytes, done: SetUp) -> None:
    """Resources for one session, from the SMF's transfer (§9.3.4.1); the answer goes into `done`."""
    try:
        if not ue.reached:
            raise _Unsuccessful(("radioNetwork", "radio-connection-with-ue-lost"))
        if psi in ue.sessions or psi in done.tunnels:
            raise _Unsuccessful(("radioNetwork", "multiple-PDU-session-ID-instances"))
        tunnel = _tunnel(n2, transfer)
        try:
            ue.link.connect(ue, psi, tunnel)
        except RuleError:
            raise _Unsuccessful(("radioNetwork", "radio-resources-not-available")) from None
    except _Unsuccessful as refused:
        refusal = ngap.PDUSessionResourceSetupUnsuccessfulTransfer(cause=refused.cause)
        done.failed[psi] = ngap.encode_value(refusal)
        return
    flows = [ngap.AssociatedQosFlowItem(qos_flow_identifier=qfi) for qfi in tunnel.qfis]
    downlink = ngap.QosFlowPerTNLInformation(
        up_transport_layer_information=_gtp_tunnel(n2.ports.bearers.address, tunnel.dl_teid),
        associated_qos_flow_list=flows,
    )
    answer = ngap.PDUSessionResourceSetupResponseTransfer(dl_qos_flow_per_tnl_information=downlink)
    done.tunnels[psi] = ngap.encode_value(answer)


def _gtp_tunnel(address: IPv4Address, teid: int) -> ngap.UPTransportLayerInformation:
    return (
        "gTPTunnel",
        ngap.GTPTunnel(transport_layer_address=(int(address), 32), gtp_teid=teid.to_bytes(4, "big")),
    )


def _tunnel(n2: N2, transfer: bytes) -> Tunnel:
    try:
        request = ngap.decode_value(ngap.PDUSessionResourceSetupRequestTransfer, transfer)
    except ngap.NgapError as error:
        raise _Unsuccessful(("protocol", error.cause)) from None
    if request.pdu_session_type not in ("ipv4", "ipv4v6"):
        raise _Unsuccessful(("radioNetwork", "unspecified"))
    qfis = tuple(flow.qos_flow_identifier for flow in request.qos_flow_setup_request_list)
    if len(set(qfis)) != len(qfis):
        raise _Unsuccessful(("radioNetwork", "multiple-qos-flow-ID-instances"))
    upf, ul_teid = _far_end(request.ul_ngu_up_tnl_information)
    return Tunnel(upf, ul_teid, n2.ports.bearers.allocate_teid(), qfis)


def _far_end(information: ngap.UPTransportLayerInformation) -> tuple[IPv4Address, int]:
    """Address and TEID of the UPF. Of a dual-stack address (160 bits) the IPv4 part, TS 38.414 §5.1."""
    address, bits = information[1].transport_layer_address
    if bits not in (32, 160):
        raise _Unsuccessful(("transport", "transport-resource-unavailable"))
    upf = IPv4Address(address if bits == 32 else address >> 128)
    return upf, int.from_bytes(information[1].gtp_teid, "big")


def release(n2: N2, message: ngap.PDUSessionResourceReleaseCommand) -> None:
    """PDU SESSION RESOURCE RELEASE, §8.2.2. Sessions that are not known are released all the same (§8.2.2.4)."""
    ue = n2.of_ue(message.ran_ue_ngap_id, message.amf_ue_ngap_id)
    if ue is None:
        return
    released = []
    transfer = ngap.encode_value(ngap.PDUSessionResourceReleaseResponseTransfer())
    for item in message.pdu_session_resource_to_release_list_rel_cmd:
        ue.link.disconnect(ue, item.pdu_session_id)
        released.append(
            ngap.PDUSessionResourceReleasedItemRelRes(
                pdu_session_id=item.pdu_session_id, pdu_session_resource_release_response_transfer=transfer
            )
        )
    if message.nas_pdu is not None:
        ue.deliver(message.nas_pdu)
    n2.tell_of(
        ue,
        ngap.PDUSessionResourceReleaseResponse(
            amf_ue_ngap_id=message.amf_ue_ngap_id,
            ran_ue_ngap_id=ue.ran_ue_ngap_id,
            pdu_session_resource_released_list_rel_res=released,
            user_location_information=n2.ports.radio.location,
        ),
    )


def modify(n2: N2, message: ngap.PDUSessionResourceModifyRequest) -> None:
    """PDU SESSION RESOURCE MODIFY, §8.2.3: new QoS flows, flows to release, a new uplink tunnel."""
    ue = n2.of_ue(message.ran_ue_ngap_id, message.amf_ue_ngap_id)
    if ue is None:
        return
    modified, failed, nas = [], [], []
    for item in message.pdu_session_resource_modify_list_mod_req:
        psi = item.pdu_session_id
        try:
            transfer = _modify_one(ue, psi, item.pdu_session_resource_modify_request_transfer)
        except _Unsuccessful as refused:
            answer = ngap.PDUSessionResourceModifyUnsuccessfulTransfer(cause=refused.cause)
            failed.append(
                ngap.PDUSessionResourceFailedToModifyItemModRes(
                    pdu_session_id=psi,
                    pdu_session_resource_modify_unsuccessful_transfer=ngap.encode_value(answer),
                )
            )
            continue
        if item.nas_pdu is not None:
            nas.append(item.nas_pdu)
        modified.append(
            ngap.PDUSessionResourceModifyItemModRes(
                pdu_session_id=psi, pdu_session_resource_modify_response_transfer=transfer
            )
        )
    n2.tell_of(
        ue,
        ngap.PDUSessionResourceModifyResponse(
            amf_ue_ngap_id=message.amf_ue_ngap_id,
            ran_ue_ngap_id=ue.ran_ue_ngap_id,
            pdu_session_resource_modify_list_mod_res=modified or None,
            pdu_session_resource_failed_to_modify_list_mod_res=failed or None,
        ),
    )
    for octets in nas:
        ue.deliver(octets)


def _modify_one(ue: UeContext, psi: int, transfer: bytes) -> bytes:
    before = ue.sessions.get(psi)
    if before is None:
        raise _Unsuccessful(("radioNetwork", "unknown-PDU-session-ID"))
    try:
        request = ngap.decode_value(ngap.PDUSessionResourceModifyRequestTransfer, transfer)
    except ngap.NgapError as error:
        raise _Unsuccessful(("protocol", error.cause)) from None
    upf, ul_teid = before.upf, before.ul_teid
    if request.ul_ngu_up_tnl_modify_list:
        upf, ul_teid = _far_end(request.ul_ngu_up_tnl_modify_list[0].ul_ngu_up_tnl_information)
    added = [f.qos_flow_identifier for f in request.qos_flow_add_or_modify_request_list or ()]
    gone = {f.qos_flow_identifier for f in request.qos_flow_to_release_list or ()}
    qfis = tuple(q for q in (*before.qfis, *(q for q in added if q not in before.qfis)) if q not in gone)
    try:
        ue.link.connect(ue, psi, Tunnel(upf, ul_teid, before.dl_teid, qfis))
    except RuleError:
        raise _Unsuccessful(("radioNetwork", "radio-resources-not-available")) from None
    flows = [ngap.QosFlowAddOrModifyResponseItem(qos_flow_identifier=qfi) for qfi in added]
    return ngap.encode_value(
        ngap.PDUSessionResourceModifyResponseTransfer(qos_flow_add_or_modify_response_list=flows or None)
    )
