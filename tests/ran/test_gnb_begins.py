"""What a gNB begins of itself, TS 38.413 clause 8, against a core that answers one way or the other."""

from __future__ import annotations

import asyncio
from ipaddress import IPv4Address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.numbering import STmsi
from cinq.procedure import Refused, TimerExpired, run_virtual
from cinq.ran.gnb import GnbSettings
from cinq.ran.gnb.procedures import (
    handover_resource_allocation,
    pdu_session_resource_notify,
    relay,
    status_transfer,
    trace,
    ue_information,
    usage_report,
    warning,
)
from cinq.ran.gnb.signals import (
    HandleMtCommunication,
    IndicateModification,
    MapRadioCapability,
    Reset,
    Resume,
    Suspend,
    UpdateConfiguration,
)
from cinq.ran.ue import UeSettings
from cinq.wire import ngap

from .core import UPF, Core, Radio, settle
from .scene import IDS, PLMN, Scene, scene

CAUSE: ngap.Cause = ("radioNetwork", "unspecified")


def test_names() -> None:
    """A name that is no PrintableString goes into Extended RAN Node Name, of ASCII where that is enough."""

    async def main() -> None:
        for name, plain, visible, utf8 in (
            ("gNB one", "gNB one", None, None),
            ("gnb_1", None, "gnb_1", None),
            ("Zürich", None, None, "Zürich"),
            ("東京", None, None, "東京"),
        ):
            core = Core()
            await Radio(core, settings=GnbSettings(name=name)).up()
            request = core.heard[0]
            assert isinstance(request, ngap.NGSetupRequest)
            assert request.ran_node_name == plain
            extended = request.extended_ran_node_name
            assert (extended and extended.ran_node_name_visible_string) == visible
            assert (extended and extended.ran_node_name_utf8_string) == utf8

    run_virtual(main())


def test_identity_is_value_and_length() -> None:
    async def main() -> None:
        for bits in (22, 24, 32):
            core = Core()
            await Radio(core, settings=GnbSettings(gnb_id=411, gnb_id_bits=bits)).up()
            request = core.heard[0]
            assert isinstance(request, ngap.NGSetupRequest)
            assert request.global_ran_node_id[1].gnb_id == ("gNB-ID", (411, bits))  # type: ignore[union-attr]

    run_virtual(main())


def test_a_core_that_pads() -> None:
    """Octets behind the NGAP-PDU, as an AMF in the field sends them: the gNB is set up, and a UE gets its session."""

    class Padding(Core):
        def tell_octets(self, octets: bytes) -> None:
            super().tell_octets(octets + bytes(512 - len(octets) % 512))

    async def main() -> None:
        radio = Radio(Padding())
        await radio.up()
        ue = radio.ue()
        await ue.power_on()
        assert ue.sessions[1].context.bearer

    run_virtual(main())


@settings(max_examples=30, derandomize=True, deadline=None)
@given(st.integers(1, 6), st.integers(1, 5))
def test_any_number_of_streams(streams: int, ues: int) -> None:
    """TS 38.412 §7: stream 0 is for messages of no UE, where there are others; a UE keeps to one."""

    async def main() -> None:
        core = Core()
        core.outbound_streams = streams
        radio = Radio(core)
        await radio.up()
        for number in range(ues):
            await radio.ue(UeSettings().numbered(number)).power_on()
        await settle()
        used: dict[int, set[int]] = {}
        for (stream, _), message in zip(core.octets, core.heard, strict=True):
            ran_id = getattr(message, "ran_ue_ngap_id", None)
            if ran_id is None:
                assert stream == 0
            else:
                used.setdefault(ran_id, set()).add(stream)
        assert all(len(one) == 1 for one in used.values())
        assert all((0 not in one) == (streams > 1) for one in used.values())
        assert all(max(one) < streams for one in used.values())

    run_virtual(main())


def test_configuration_update() -> None:
    """§8.7.2: a tracking area changes; a failure with a time to wait is tried again; one without undoes the change."""

    async def main() -> None:
        core = Core()
        radio = Radio(core)
        await radio.up()
        ue = radio.ue()
        gnb, cell = radio.gnb, radio.gnb.cells[0]

        def answer_with(*answers: ngap.Pdu) -> None:
            left = list(answers)
            gnb.station.filter(
                ngap.RANConfigurationUpdate,
                lambda parcel, onward: (onward(parcel), core.tell(left.pop(0)))[0],
                times=len(answers),
            )

        fails = ngap.RANConfigurationUpdateFailure(cause=("misc", "unspecified"), time_to_wait="v5s")
        answer_with(fails, ngap.RANConfigurationUpdateAcknowledge())
        await gnb.change_tracking_area(cell, 9)
        assert asyncio.get_running_loop().time() == pytest.approx(5, abs=1)
        update = core.heard[-1]
        assert isinstance(update, ngap.RANConfigurationUpdate)
        assert [item.tac[-1] for item in update.supported_ta_list or ()] == [9]
        assert ue.system_information is not None
        assert ue.system_information.tac == 9
        answer_with(ngap.RANConfigurationUpdateFailure(cause=("misc", "unspecified")))
        with pytest.raises(Refused, match="misc/unspecified"):
            await gnb.change_tracking_area(cell, 10)
        assert cell.identity.tac == 9 == gnb.n2.cells[0].tac
        with pytest.raises(TimerExpired):
            await gnb.n2.demand(UpdateConfiguration())
        assert core.names()[-2:] == ["RANConfigurationUpdate"] * 2

    run_virtual(main())


def test_reset_of_one_ue() -> None:
    """§8.7.4.2.2. The other UE notices nothing."""

    async def main() -> None:
        core = Core()
        radio = Radio(core)
        await radio.up()
        one, other = radio.ue(), radio.ue(UeSettings().numbered(1))
        await one.register()
        await other.register()
        task = asyncio.create_task(radio.gnb.n2.demand(Reset((1,))))
        await settle()
        reset = core.heard[-1]
        assert isinstance(reset, ngap.NGReset)
        assert reset.reset_type == (
            "partOfNG-Interface",
            [ngap.UEassociatedLogicalNGconnectionItem(amf_ue_ngap_id=1, ran_ue_ngap_id=1)],
        )
        core.tell(ngap.NGResetAcknowledge())
        await task
        assert not one.link.connected
        assert other.link.connected

    run_virtual(main())


def test_resets_that_name_nobody() -> None:
    """§8.7.4.2.1: connections that are not known are acknowledged too, in order; empty items are left out."""

    async def act(s: Scene) -> None:
        item = ngap.UEassociatedLogicalNGconnectionItem
        listed = [item(amf_ue_ngap_id=2, ran_ue_ngap_id=6), item(), item(ran_ue_ngap_id=77)]
        reset = ngap.NGReset(cause=("misc", "om-intervention"), reset_type=("partOfNG-Interface", listed))
        (answer,) = await s.answers(reset)
        assert isinstance(answer, ngap.NGResetAcknowledge)
        assert answer.ue_associated_logical_ng_connection_list == [listed[0], listed[2]]
        assert s.ue.link.connected
        reset.reset_type = ("partOfNG-Interface", [item()])
        (answer,) = await s.answers(reset)
        assert answer == ngap.NGResetAcknowledge()

    scene(act)


def test_modify_indication() -> None:
    """§8.2.5: the session's downlink tunnel is another after the confirm, and the same where it is refused."""

    async def act(s: Scene) -> None:
        before = s.context.sessions[1].tunnel
        tunnel = ngap.GTPTunnel(transport_layer_address=(int(UPF), 32), gtp_teid=bytes((0, 0, 9, 9)))
        transfer = ngap.PDUSessionResourceModifyConfirmTransfer(
            qos_flow_modify_confirm_list=[ngap.QosFlowModifyConfirmItem(qos_flow_identifier=9)],
            ulngu_up_tnl_information=("gTPTunnel", tunnel),
        )
        for octets, changed in ((ngap.encode_value(transfer), True), (b"\xff", False)):
            task = asyncio.create_task(s.context.demand(IndicateModification((1,))))
            await settle()
            asked = s.core.heard[-1]
            assert isinstance(asked, ngap.PDUSessionResourceModifyIndication)
            item = ngap.PDUSessionResourceModifyItemModCfm(
                pdu_session_id=1, pdu_session_resource_modify_confirm_transfer=octets
            )
            s.core.tell(
                ngap.PDUSessionResourceModifyConfirm(**IDS, pdu_session_resource_modify_list_mod_cfm=[item])
            )
            await task
            after = s.context.sessions[1].tunnel
            assert (after != before) == changed
            before = after
        assert before.ul_teid == 0x909
        assert s.radio.gnb.bearers._reserved == {before.dl_teid}

    scene(act)


def test_suspend_and_resume() -> None:
    """§8.3.11 and §8.3.12, with both outcomes of each."""

    async def act(s: Scene) -> None:
        async def runs(signal: Suspend | Resume, answer: ngap.Pdu) -> None:
            task = asyncio.create_task(s.context.demand(signal))
            await settle()
            s.core.tell(answer)
            await task

        pair = ngap.SecurityContext(next_hop_chaining_count=3, next_hop_nh=77)
        with pytest.raises(Refused, match="Suspend Failure"):
            await runs(Suspend(), ngap.UEContextSuspendFailure(**IDS, cause=CAUSE))
        assert not s.context.context.inactive
        await runs(Suspend(), ngap.UEContextSuspendResponse(**IDS, security_context=pair))
        assert s.context.context.inactive
        assert (s.context.context.keys.ncc, s.context.context.keys.nh[-1]) == (3, 77)
        await runs(Resume(), ngap.UEContextResumeResponse(**IDS))
        assert not s.context.context.inactive
        with pytest.raises(Refused, match="Resume Failure"):
            await runs(Resume(), ngap.UEContextResumeFailure(**IDS, cause=CAUSE))
        assert not s.radio.gnb.n2.ues
        assert not s.ue.link.connected

    scene(act)


def test_capability_of_an_identity() -> None:
    """§8.14.3 (RACS)."""

    async def act(s: Scene) -> None:
        task = asyncio.create_task(s.radio.gnb.n2.demand(MapRadioCapability(b"\1\2", 1)))
        await settle()
        s.core.tell(
            ngap.UERadioCapabilityIDMappingResponse(
                ue_radio_capability_id=b"\1\2", ue_radio_capability=b"\xab"
            )
        )
        assert await task == b"\xab"
        assert s.context.context.radio_capability == b"\xab"

    scene(act)


def test_mt_communication() -> None:
    async def act(s: Scene) -> None:
        action: ngap.FiveGCAction = (
            "hLComDeactivate",
            ngap.HLComDeactivate(ue_reachability_indication="true"),
        )
        task = asyncio.create_task(s.context.demand(HandleMtCommunication(action)))
        await settle()
        s.core.tell(ngap.MTCommunicationHandlingResponse(**IDS))
        await task
        task = asyncio.create_task(s.context.demand(HandleMtCommunication(action)))
        await settle()
        s.core.tell(ngap.MTCommunicationHandlingFailure(**IDS, cause=CAUSE))
        with pytest.raises(Refused):
            await task

    scene(act)


def test_class_2() -> None:
    """Each message that a gNB sends and that nobody answers: it is encoded, on the stream of its kind."""

    async def act(s: Scene) -> None:
        n2, ue = s.radio.gnb.n2, s.context
        before = len(s.core.heard)
        pdu_session_resource_notify.fulfilment(ue, 1, [9], "not-fulfilled")
        trace.cell_traffic(ue, bytes(8), IPv4Address("10.0.0.1"))
        usage_report.send(ue, {1: (10, 20)}, bytes(4), bytes(4))
        status_transfer.uplink(ue, ue.link.counts(ue))
        status_transfer.uplink_early(ue)
        handover_resource_allocation.notify(ue, source=True)
        relay.send_nrppa_of_ue(ue, b"\1", b"\2")
        relay.send_nrppa(n2, b"\1", b"\2")
        ue_information.retrieve(n2, STmsi(1, 2, 3))
        warning.restart_indication(n2)
        warning.failure_indication(n2, n2.cells[:1])
        gnb = ngap.GlobalGNBID(plmn_identity=PLMN, gnb_id=("gNB-ID", (7, 24)))
        tai = ngap.TAI(plmn_identity=PLMN, tac=bytes(3))
        node: ngap.GlobalRANNodeID = ("globalGNB-ID", gnb)
        relay.ask_xn_addresses(n2, ngap.TargetRANNodeIDSON(global_ran_node_id=node, selected_tai=tai))
        pdu_session_resource_notify.released(ue, 1, CAUSE, gtpu_error=True)
        await settle()
        sent = s.core.heard[before:]
        assert [type(m).__name__ for m in sent] == [
            "PDUSessionResourceNotify",
            "CellTrafficTrace",
            "SecondaryRATDataUsageReport",
            "UplinkRANStatusTransfer",
            "UplinkRANEarlyStatusTransfer",
            "HandoverNotify",
            "UplinkUEAssociatedNRPPaTransport",
            "UplinkNonUEAssociatedNRPPaTransport",
            "RetrieveUEInformation",
            "PWSRestartIndication",
            "PWSFailureIndication",
            "UplinkRANConfigurationTransfer",
            "PDUSessionResourceNotify",
        ]
        for (stream, _), message in zip(s.core.octets[before:], sent, strict=True):
            assert (stream > 0) == hasattr(message, "ran_ue_ngap_id")
        assert not ue.sessions
        assert not s.ue.sessions[1].context.bearer

    scene(act)


@pytest.mark.parametrize(
    "cause",
    [
        ("radioNetwork", "user-inactivity"),
        ("radioNetwork", "radio-connection-with-ue-lost"),
        ("radioNetwork", "failure-in-radio-interface-procedure"),
        ("radioNetwork", "redirection"),
        ("transport", "transport-resource-unavailable"),
        ("nas", "unspecified"),
        ("misc", "om-intervention"),
    ],
)
def test_release_is_asked_for_with_any_cause(cause: ngap.Cause) -> None:
    async def act(s: Scene) -> None:
        before = len(s.core.heard)
        s.radio.gnb.release(s.context, cause)
        await settle()
        request, complete = s.core.heard[before:]
        assert isinstance(request, ngap.UEContextReleaseRequest)
        assert request.cause == cause
        assert [i.pdu_session_id for i in request.pdu_session_resource_list_cxt_rel_req or ()] == [1]
        assert isinstance(complete, ngap.UEContextReleaseComplete)
        assert not s.radio.gnb.bearers._reserved

    scene(act)
