"""Transfers of a target gNB, and where the UPF sends downlink packets."""

from __future__ import annotations

from ipaddress import IPv4Address

from cinq.nf.smf.context import UserPlaneSecurity
from cinq.wire import ngap, pfcp
from cinq.wire.pfcp import ApplyAction

from .world import World

TARGET = int(IPv4Address("10.0.0.3"))
DIRECT = ngap.encode_value(
    ngap.HandoverRequiredTransfer(direct_forwarding_path_availability="direct-path-available")
)
INDIRECT = ngap.encode_value(ngap.HandoverRequiredTransfer())


def tunnel(teid: int = 0x33, address: int = TARGET) -> ngap.UPTransportLayerInformation:
    return "gTPTunnel", ngap.GTPTunnel(
        transport_layer_address=(address, 32), gtp_teid=teid.to_bytes(4, "big")
    )


def path_switch(
    qfi: int = 1, performed: str | None = None, address: int = TARGET, told: str = "not-needed"
) -> bytes:
    security = None
    if performed is not None:
        security = ngap.UserPlaneSecurityInformation(
            security_result=ngap.SecurityResult(
                integrity_protection_result=performed, confidentiality_protection_result="performed"
            ),
            security_indication=ngap.SecurityIndication(
                integrity_protection_indication=told, confidentiality_protection_indication="preferred"
            ),
        )
    return ngap.encode_value(
        ngap.PathSwitchRequestTransfer(
            dl_ngu_up_tnl_information=tunnel(address=address),
            qos_flow_accepted_list=[ngap.QosFlowAcceptedItem(qos_flow_identifier=qfi)],
            user_plane_security_information=security,
        )
    )


def acknowledge(qfi: int = 1, *, forwarding: bool = False, performed: str | None = None) -> bytes:
    result = None
    if performed is not None:
        result = ngap.SecurityResult(
            integrity_protection_result=performed, confidentiality_protection_result="performed"
        )
    drb = ngap.DataForwardingResponseDRBItem(drb_id=1, dl_forwarding_up_tnl_information=tunnel(0x45))
    return ngap.encode_value(
        ngap.HandoverRequestAcknowledgeTransfer(
            dl_ngu_up_tnl_information=tunnel(),
            security_result=result,
            qos_flow_setup_response_list=[
                ngap.QosFlowItemWithDataForwarding(
                    qos_flow_identifier=qfi,
                    data_forwarding_accepted="data-forwarding-accepted" if forwarding else None,
                )
            ],
            dl_forwarding_up_tnl_information=tunnel(0x44) if forwarding else None,
            data_forwarding_response_drb_list=[drb] if forwarding else None,
        )
    )


def cause(kind: type, octets: bytes | None) -> ngap.Cause:
    assert octets is not None
    return ngap.decode_value(kind, octets).cause


def downlink(w: World) -> tuple[int, str, bool]:
    """Where the UPF sends downlink packets, and whether it was told to send an end marker."""
    far = w.upf.far[1]
    assert isinstance(far, pfcp.UpdateFar)
    assert far.apply_action == ApplyAction(ApplyAction.FORW)
    parameters = far.forwarding_parameters
    assert parameters is not None
    outer, flags = parameters.outer_header_creation, parameters.sm_req_flags
    assert outer is not None
    marked = flags is not None and flags.has(pfcp.SmReqFlags.SNDEM)
    return outer.teid or 0, str(outer.ipv4), marked


SOURCE = (7, "10.0.0.2", False)
MOVED = (0x33, "10.0.0.3", True)


def secured(w: World, integrity: str = "REQUIRED") -> None:
    (session,) = w.smf.sessions.by_ref.values()
    session.note(security=UserPlaneSecurity(integrity, "PREFERRED"))


async def prepared(w: World, ref: str, *, required: bytes = DIRECT, forwarding: bool = False) -> bytes:
    """Until the source gNB can be commanded: its transfer."""
    answer = await w.update(ref, n2=required, kind="HANDOVER_REQUIRED", ho_state="PREPARING")
    assert answer.json_data.ho_state == "PREPARING"
    assert answer.json_data.n2_sm_info_type == "PDU_RES_SETUP_REQ"
    assert answer.binary_data_n2_sm_information is not None
    request = ngap.decode_value(
        ngap.PDUSessionResourceSetupRequestTransfer, answer.binary_data_n2_sm_information
    )
    assert request.ul_ngu_up_tnl_information[1].gtp_teid == bytes.fromhex("00001001")
    answer = await w.update(
        ref, n2=acknowledge(forwarding=forwarding), kind="HANDOVER_REQ_ACK", ho_state="PREPARED"
    )
    assert (answer.json_data.ho_state, answer.json_data.n2_sm_info_type) == ("PREPARED", "HANDOVER_CMD")
    assert downlink(w) == SOURCE  # only the completion moves it
    assert answer.binary_data_n2_sm_information is not None
    return answer.binary_data_n2_sm_information


def removed(w: World) -> list[int]:
    requests = [m for m in w.upf.received if isinstance(m, pfcp.SessionModificationRequest)]
    return [pdr.pdr_id for m in requests for pdr in m.remove_pdrs]
