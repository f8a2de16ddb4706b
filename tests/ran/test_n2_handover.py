"""N2 handover, source and target, TS 38.413 §8.4.1 to §8.4.7, with all its ends."""

from __future__ import annotations

import asyncio

import pytest

from cinq.crypto import kdf
from cinq.procedure import Refused, TimerExpired, run_virtual
from cinq.ran.gnb.cell import CellLink
from cinq.ran.ue import Ue
from cinq.wire import ngap

from .core import settle, transfer
from .mobility import Pair


def link_of(ue: Ue) -> CellLink:
    assert isinstance(ue.link, CellLink)
    return ue.link


def test_the_whole_flow() -> None:
    async def main() -> None:
        pair = Pair()
        ue = await pair.up()
        source, target = pair.gnbs
        old = pair.context
        nh = pair.nh
        there = await source.hand_over(old, target.cells[0])
        await settle()
        assert pair.source.names()[-3:] == [
            "HandoverRequired",
            "UplinkRANStatusTransfer",
            "UEContextReleaseComplete",
        ]
        assert pair.target.names()[-2:] == ["HandoverRequestAcknowledge", "HandoverNotify"]
        assert not source.n2.ues
        assert pair.context is there
        assert link_of(ue).cell is target.cells[0]
        assert ue.link.connected
        assert ue.system_information is not None
        assert (ue.system_information.name, ue.system_information.tac) == ("two", 2)
        assert ue.sessions[1].context.bearer
        cell = target.n2.cells[0]
        assert there.kgnb == kdf.kgnb_star(nh, cell.pci, cell.arfcn)
        assert there.context.keys.used_ncc == 1
        assert there.context.status is not None
        assert len(there.context.history) == 1
        pair.target.ues[101] = pair.ue
        pair.ue.amf_id, pair.ue.ran_id = 101, there.ran_ue_ngap_id
        await ue.deregister()

    run_virtual(main())


def test_what_the_messages_say() -> None:
    async def main() -> None:
        pair = Pair()
        await pair.up()
        source, target = pair.gnbs
        await source.hand_over(
            pair.context, target.cells[0], cause=("radioNetwork", "resource-optimisation-handover")
        )
        required = pair.required
        assert required.cause == ("radioNetwork", "resource-optimisation-handover")
        assert required.target_id[0] == "targetRANNodeID"
        assert required.target_id[1].global_ran_node_id[1].gnb_id == ("gNB-ID", (2, 32))  # type: ignore[union-attr]
        assert required.target_id[1].selected_tai.tac == bytes((0, 0, 2))
        container = ngap.decode_value(
            ngap.SourceNGRANNodeToTargetNGRANNodeTransparentContainer,
            required.source_to_target_transparent_container,
        )
        assert container.target_cell_id[1].nr_cell_identity == target.n2.cells[0].nci  # type: ignore[union-attr]
        acknowledged = next(m for m in pair.target.heard if isinstance(m, ngap.HandoverRequestAcknowledge))
        admitted = ngap.decode_value(
            ngap.HandoverRequestAcknowledgeTransfer,
            acknowledged.pdu_session_resource_admitted_list[0].handover_request_acknowledge_transfer,
        )
        assert [flow.qos_flow_identifier for flow in admitted.qos_flow_setup_response_list] == [9]
        assert admitted.qos_flow_setup_response_list[0].data_forwarding_accepted == "data-forwarding-accepted"
        assert admitted.dl_forwarding_up_tnl_information is not None
        notify = pair.target.heard[-1]
        assert isinstance(notify, ngap.HandoverNotify)
        assert notify.user_location_information[1].tai.tac == bytes((0, 0, 2))  # type: ignore[union-attr]

    run_virtual(main())


def test_the_target_refuses() -> None:
    """Each reason of §8.4.2.3 and §8.4.2.4: HANDOVER FAILURE, the UE stays and is served."""

    async def main() -> None:
        pair = Pair()
        ue = await pair.up()
        source, target = pair.gnbs

        async def refused(cause: tuple[str, str]) -> None:
            with pytest.raises(Refused, match="/".join(cause)):
                await source.hand_over(pair.context, target.cells[0])
            assert pair.context.context.leaving is None
            assert ue.link.connected
            assert not target.n2.ues

        pair.change_request = lambda m: setattr(
            m,
            "ue_security_capabilities",
            ngap.UESecurityCapabilities(
                nr_encryption_algorithms=(0xE000, 16),
                nr_integrity_protection_algorithms=(0, 16),
                eutra_encryption_algorithms=(0, 16),
                eutra_integrity_protection_algorithms=(0, 16),
            ),
        )
        await refused(("radioNetwork", "encryption-and-or-integrity-protection-algorithms-not-supported"))
        pair.change_request = lambda m: setattr(
            m, "mobility_restriction_list", ngap.MobilityRestrictionList(serving_plmn=b"\x00\xf1\x10")
        )
        await refused(("radioNetwork", "ho-target-not-allowed"))
        pair.change_request = lambda m: setattr(m, "source_to_target_transparent_container", b"\xff")
        await refused(("protocol", "transfer-syntax-error"))
        pair.change_request = lambda m: setattr(m, "handover_type", "eps-to-5gs")
        await refused(("radioNetwork", "ho-failure-in-target-5GC-ngran-node-or-target-system"))
        pair.change_request = lambda m: None
        target.admission.handover = lambda cell: (
            "radioNetwork",
            "no-radio-resources-available-in-target-cell",
        )
        await refused(("radioNetwork", "no-radio-resources-available-in-target-cell"))
        target.admission.handover = lambda cell: None
        target.admission.session = lambda psi, session: ("radioNetwork", "radio-resources-not-available")
        await refused(("radioNetwork", "radio-resources-not-available"))
        assert not target.bearers._reserved
        target.admission.session = lambda psi, session: None
        await source.hand_over(pair.context, target.cells[0])
        assert ue.link.connected

    run_virtual(main())


def test_partial_admission() -> None:
    """One session of two, one flow of two: what is not admitted is released at the UE."""

    async def main() -> None:
        pair = Pair()
        ue = await pair.up()
        source, target = pair.gnbs
        item = ngap.PDUSessionResourceSetupItemSUReq(
            pdu_session_id=2,
            s_nssai=ngap.SNSSAI(sst=b"\1"),
            pdu_session_resource_setup_request_transfer=transfer(2),
        )
        pair.source.tell(
            ngap.PDUSessionResourceSetupRequest(
                amf_ue_ngap_id=1, ran_ue_ngap_id=1, pdu_session_resource_setup_list_su_req=[item]
            )
        )
        await settle()
        assert set(pair.context.sessions) == {1, 2}
        target.admission.session = lambda psi, session: (
            ("radioNetwork", "resources-not-available-for-the-slice") if psi == 2 else None
        )
        there = await source.hand_over(pair.context, target.cells[0])
        assert set(there.sessions) == {1}
        assert set(link_of(ue).bearers) == {1}
        acknowledged = next(m for m in pair.target.heard if isinstance(m, ngap.HandoverRequestAcknowledge))
        (failed,) = acknowledged.pdu_session_resource_failed_to_setup_list_ho_ack or ()
        cause = ngap.decode_value(
            ngap.HandoverResourceAllocationUnsuccessfulTransfer,
            failed.handover_resource_allocation_unsuccessful_transfer,
        ).cause
        assert cause == ("radioNetwork", "resources-not-available-for-the-slice")

    run_virtual(main())


def test_preparation_is_not_answered() -> None:
    """TNGRELOCprep runs out: HANDOVER CANCEL; a late HANDOVER COMMAND is ignored (§8.4.1.3)."""

    async def main() -> None:
        pair = Pair()
        ue = await pair.up()
        source, target = pair.gnbs
        pair.target.silent.add(ngap.HandoverRequestAcknowledge)
        with pytest.raises(TimerExpired):
            await source.hand_over(pair.context, target.cells[0])
        cancel = pair.source.heard[-1]
        assert isinstance(cancel, ngap.HandoverCancel)
        assert cancel.cause == ("radioNetwork", "tngrelocprep-expiry")
        count = len(pair.source.heard)
        acknowledged = next(m for m in pair.target.heard if isinstance(m, ngap.HandoverRequestAcknowledge))
        pair.source.tell(pair.command(acknowledged))
        await settle()
        assert len(pair.source.heard) == count
        assert ue.link.connected

    run_virtual(main())


def test_cancelled_by_the_source() -> None:
    async def main() -> None:
        pair = Pair()
        await pair.up()
        source, target = pair.gnbs
        pair.target.silent.add(ngap.HandoverRequestAcknowledge)
        context = pair.context
        task = asyncio.create_task(source.hand_over(context, target.cells[0]))
        await settle()
        assert context.context.leaving == "ng-intra-system-handover-triggered"
        await source.cancel_handover(context)
        assert isinstance(pair.source.heard[-1], ngap.HandoverCancel)
        assert context.context.leaving is None
        with pytest.raises(Exception, match="cancelled"):
            await task

    run_virtual(main())


def test_session_management_while_leaving() -> None:
    """§8.4.1.2: it is answered with the cause that says why, and the handover goes on."""

    async def main() -> None:
        pair = Pair()
        await pair.up()
        source, target = pair.gnbs
        pair.target.silent.add(ngap.HandoverRequestAcknowledge)
        task = asyncio.create_task(source.hand_over(pair.context, target.cells[0]))
        await settle()
        item = ngap.PDUSessionResourceSetupItemSUReq(
            pdu_session_id=2,
            s_nssai=ngap.SNSSAI(sst=b"\1"),
            pdu_session_resource_setup_request_transfer=transfer(2),
        )
        pair.source.tell(
            ngap.PDUSessionResourceSetupRequest(
                amf_ue_ngap_id=1, ran_ue_ngap_id=1, pdu_session_resource_setup_list_su_req=[item]
            )
        )
        await settle()
        answer = pair.source.heard[-1]
        assert isinstance(answer, ngap.PDUSessionResourceSetupResponse)
        (failed,) = answer.pdu_session_resource_failed_to_setup_list_su_res or ()
        assert ngap.decode_value(
            ngap.PDUSessionResourceSetupUnsuccessfulTransfer,
            failed.pdu_session_resource_setup_unsuccessful_transfer,
        ).cause == ("radioNetwork", "ng-intra-system-handover-triggered")
        acknowledged = next(m for m in pair.target.heard if isinstance(m, ngap.HandoverRequestAcknowledge))
        pair.source.tell(pair.command(acknowledged))
        await task

    run_virtual(main())


def test_the_ue_does_not_arrive() -> None:
    """It is back in its cell: the AMF hears HANDOVER CANCEL, and the UE is served on."""

    async def main() -> None:
        pair = Pair()
        ue = await pair.up()
        source, target = pair.gnbs
        link_of(ue).obeys = False
        with pytest.raises(Refused, match="did not arrive"):
            await source.hand_over(pair.context_at(0), target.cells[0])
        assert isinstance(pair.source.heard[-1], ngap.HandoverCancel)
        assert ue.link.connected
        await asyncio.sleep(30)
        assert not any(isinstance(m, ngap.UEContextReleaseRequest) for m in pair.source.heard)

    run_virtual(main())


def test_nobody_releases_the_source() -> None:
    """TNGRELOCoverall runs out (§8.3.3.4): the AMF is asked to release what is left."""

    async def main() -> None:
        pair = Pair()
        await pair.up()
        source, target = pair.gnbs
        pair.target.silent.add(ngap.HandoverNotify)
        old = pair.context
        task = asyncio.create_task(source.hand_over(old, target.cells[0]))
        await asyncio.sleep(9)
        assert source.n2.ues
        await asyncio.sleep(2)
        requests = [m for m in pair.source.heard if isinstance(m, ngap.UEContextReleaseRequest)]
        assert [m.cause for m in requests] == [("radioNetwork", "tngrelocoverall-expiry")]
        assert task.done()
        assert not source.n2.ues

    run_virtual(main())


def test_nas_for_a_ue_that_left() -> None:
    """§8.6.4: what comes for it at the source is given back, with the cause."""

    async def main() -> None:
        pair = Pair()
        await pair.up()
        source, target = pair.gnbs
        pair.target.silent.add(ngap.HandoverNotify)
        old = pair.context
        task = asyncio.create_task(source.hand_over(old, target.cells[0]))
        await settle()
        pair.source.tell(
            ngap.DownlinkNASTransport(
                amf_ue_ngap_id=1, ran_ue_ngap_id=old.ran_ue_ngap_id, nas_pdu=b"\x7e\0\x68"
            )
        )
        await settle()
        answer = pair.source.heard[-1]
        assert isinstance(answer, ngap.NASNonDeliveryIndication)
        assert answer.cause == ("radioNetwork", "ng-intra-system-handover-triggered")
        task.cancel()

    run_virtual(main())
