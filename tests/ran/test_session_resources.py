"""PDU session management at the gNB, TS 38.413 §8.2: what is granted, flow by flow, and what is refused and why."""

from __future__ import annotations

import pytest

from cinq.wire import ngap

from .core import qos, transfer
from .scene import IDS, SST, Scene, scene


def setup_request(
    octets: bytes, psi: int = 2, slice_: ngap.SNSSAI = SST
) -> ngap.PDUSessionResourceSetupRequest:
    item = ngap.PDUSessionResourceSetupItemSUReq(
        pdu_session_id=psi, s_nssai=slice_, pdu_session_resource_setup_request_transfer=octets
    )
    return ngap.PDUSessionResourceSetupRequest(**IDS, pdu_session_resource_setup_list_su_req=[item])


def cause_of(answers: list[ngap.Pdu]) -> ngap.Cause:
    (answer,) = answers
    assert isinstance(answer, ngap.PDUSessionResourceSetupResponse)
    (failed,) = answer.pdu_session_resource_failed_to_setup_list_su_res or ()
    octets = failed.pdu_session_resource_setup_unsuccessful_transfer
    return ngap.decode_value(ngap.PDUSessionResourceSetupUnsuccessfulTransfer, octets).cause


def granted_of(answers: list[ngap.Pdu]) -> ngap.PDUSessionResourceSetupResponseTransfer:
    (answer,) = answers
    assert isinstance(answer, ngap.PDUSessionResourceSetupResponse)
    (done,) = answer.pdu_session_resource_setup_list_su_res or ()
    return ngap.decode_value(
        ngap.PDUSessionResourceSetupResponseTransfer, done.pdu_session_resource_setup_response_transfer
    )


def flow(qfi: int, five_qi: int = 9, guaranteed: int = 0) -> ngap.QosFlowSetupRequestItem:
    return ngap.QosFlowSetupRequestItem(
        qos_flow_identifier=qfi, qos_flow_level_qos_parameters=qos(five_qi, guaranteed)
    )


def test_sessions_are_refused_with_their_cause() -> None:
    """§8.2.1.4: two flows of one identity, a slice that is not here, a session twice, no session-AMBR."""

    async def act(s: Scene) -> None:
        assert cause_of(await s.answers(setup_request(transfer(2, flows=[flow(9), flow(9)])))) == (
            "radioNetwork",
            "multiple-qos-flow-ID-instances",
        )
        other = ngap.SNSSAI(sst=b"\x63")
        assert cause_of(await s.answers(setup_request(transfer(2), slice_=other))) == (
            "radioNetwork",
            "slice-not-supported",
        )
        request = setup_request(transfer(2))
        request.pdu_session_resource_setup_list_su_req *= 2
        (answer,) = await s.answers(request)
        assert isinstance(answer, ngap.PDUSessionResourceSetupResponse)
        assert answer.pdu_session_resource_setup_list_su_res is None
        bare = ngap.decode_value(ngap.PDUSessionResourceSetupRequestTransfer, transfer(2))
        bare.pdu_session_aggregate_maximum_bit_rate = None
        assert cause_of(await s.answers(setup_request(ngap.encode_value(bare)))) == (
            "protocol",
            "semantic-error",
        )

    scene(act)


def test_flows_are_admitted_one_by_one() -> None:
    """§8.2.1.2: what the guaranteed rates leave room for, in the order asked; a GBR flow without rates is wrong."""

    async def act(s: Scene) -> None:
        flows = [flow(1, 1, 60_000_000), flow(2, 1, 60_000_000), flow(3, 1), flow(9)]
        done = granted_of(await s.answers(setup_request(transfer(2, flows=flows))))
        taken = done.dl_qos_flow_per_tnl_information.associated_qos_flow_list
        assert [item.qos_flow_identifier for item in taken] == [1, 9]
        failed = {item.qos_flow_identifier: item.cause for item in done.qos_flow_failed_to_setup_list or ()}
        assert failed == {
            2: ("radioNetwork", "radio-resources-not-available"),
            3: ("radioNetwork", "invalid-qos-combination"),
        }
        assert [f.qfi for f in s.context.sessions[2].flows] == [1, 9]

    scene(act, gbr_capacity_mbps=100)


@pytest.mark.parametrize("can", [True, False])
@pytest.mark.parametrize("wanted", ["required", "preferred", "not-needed"])
def test_user_plane_security(wanted: ngap.IntegrityProtectionIndication, can: bool) -> None:
    """§8.2.1.2: required is done or refused; preferred is told; not needed is not done."""

    async def act(s: Scene) -> None:
        indication = ngap.SecurityIndication(
            integrity_protection_indication=wanted, confidentiality_protection_indication="required"
        )
        answers = await s.answers(setup_request(transfer(2, security=indication)))
        if wanted == "required" and not can:
            assert cause_of(answers) == ("radioNetwork", "up-integrity-protection-not-possible")
            assert 2 not in s.context.sessions
            return
        result = granted_of(answers).security_result
        if wanted == "preferred":
            assert result is not None
            assert result.integrity_protection_result == ("performed" if can else "not-performed")
            assert result.confidentiality_protection_result == "performed"
        else:
            assert result is None
        security = s.context.sessions[2].security
        assert security is not None
        assert security.integrity == (can and wanted != "not-needed")

    scene(act, up_integrity=can)


def test_flows_come_and_go() -> None:
    """§8.2.3: flows added and released, one that is in both lists, the session-AMBR and the uplink tunnel changed."""

    async def act(s: Scene) -> None:
        gone = ("radioNetwork", "release-due-to-5gc-generated-reason")
        change = ngap.PDUSessionResourceModifyRequestTransfer(
            pdu_session_aggregate_maximum_bit_rate=ngap.PDUSessionAggregateMaximumBitRate(
                pdu_session_aggregate_maximum_bit_rate_dl=7, pdu_session_aggregate_maximum_bit_rate_ul=8
            ),
            qos_flow_add_or_modify_request_list=[
                ngap.QosFlowAddOrModifyRequestItem(qos_flow_identifier=q, qos_flow_level_qos_parameters=qos())
                for q in (4, 5)
            ],
            qos_flow_to_release_list=[
                ngap.QosFlowWithCauseItem(qos_flow_identifier=q, cause=gone)  # type: ignore[arg-type]
                for q in (9, 5)
            ],
        )
        item = ngap.PDUSessionResourceModifyItemModReq(
            pdu_session_id=1, pdu_session_resource_modify_request_transfer=ngap.encode_value(change)
        )
        (answer,) = await s.answers(
            ngap.PDUSessionResourceModifyRequest(**IDS, pdu_session_resource_modify_list_mod_req=[item])
        )
        assert isinstance(answer, ngap.PDUSessionResourceModifyResponse)
        (done,) = answer.pdu_session_resource_modify_list_mod_res or ()
        told = ngap.decode_value(
            ngap.PDUSessionResourceModifyResponseTransfer, done.pdu_session_resource_modify_response_transfer
        )
        assert [f.qos_flow_identifier for f in told.qos_flow_add_or_modify_response_list or ()] == [4]
        assert [f.qos_flow_identifier for f in told.qos_flow_failed_to_add_or_modify_list or ()] == [5]
        session = s.context.sessions[1]
        assert (session.qfis, session.ambr) == ((4,), (7, 8))

    scene(act)
