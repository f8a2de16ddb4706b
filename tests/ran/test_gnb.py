"""NG Setup, resets, errors, overload, resources: the gNB on N2."""

from __future__ import annotations

import asyncio
from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.procedure import TimerExpired, run_virtual
from cinq.ran.gnb import GnbSettings
from cinq.ran.gnb.signals import Reset
from cinq.ran.radio.port import RrcSetup
from cinq.ran.ue import Ue, UeSettings
from cinq.userplane.rules import Action, Network, SessionRules, Usage
from cinq.wire import gtpu, nas, ngap

from .core import UPF, Core, Radio, qos, settle, transfer


class Side:
    def __init__(self, name: str) -> None:
        self.name = name
        self.addresses: set[IPv4Address] = set()
        self.networks: list[Network] = []

    def add(self, address: IPv4Address) -> None:
        self.addresses.add(address)

    def remove(self, address: IPv4Address) -> None:
        self.addresses.discard(address)

    def add_network(self, network: Network) -> None:
        self.networks.append(network)

    def remove_network(self, network: Network) -> None:
        self.networks.remove(network)


class Plane:
    """A data plane that writes down what it is told."""

    def __init__(self) -> None:
        self.rules: dict[int, SessionRules] = {}
        self.usages: dict[int, Usage] = {}
        self.sent: list[tuple[gtpu.GtpuMessage, str]] = []
        self.received: list[tuple[gtpu.GtpuMessage, str]] = []
        self.sides: dict[str, tuple[Side, str | int | None]] = {}

    def install(self, rules: SessionRules) -> None:
        self.rules[rules.session] = rules

    def remove(self, session: int) -> None:
        self.rules.pop(session, None)

    def usage(self, session: int) -> Usage:
        return self.usages.get(session, Usage())

    def send(self, octets: bytes, peer: tuple[str, int]) -> None:
        self.sent.append((gtpu.decode(octets), peer[0]))

    def receive(self, octets: bytes, peer: tuple[str, int]) -> None:
        self.received.append((gtpu.decode(octets), peer[0]))

    def settle(self) -> None:
        pass

    def catch_up(self) -> None:
        pass

    def add_side(
        self, name: str, namespace: str | int | None = None, pools: tuple[IPv4Network, ...] = ()
    ) -> Side:
        side = Side(name)
        self.sides[name] = side, namespace
        return side


async def attached(core: Core, plane: Plane | None = None) -> tuple[Radio, Ue]:
    radio = Radio(core, plane)
    await radio.up()
    ue = radio.ue()
    await ue.power_on()
    await settle()
    return radio, ue


def test_ng_setup_is_tried_again() -> None:
    async def main() -> None:
        core = Core()
        core.refuse_setup = 2
        radio = Radio(core)
        assert radio.gnb.system_information().barred
        await radio.up()
        assert asyncio.get_running_loop().time() == pytest.approx(20, abs=1)
        assert radio.gnb.n2.context.amf_name == "scripted"
        assert len(radio.gnb.n2.context.guamis) == 1
        assert not radio.gnb.system_information().barred

    run_virtual(main())


def test_association_lost_and_found(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        core = Core()
        radio, ue = await attached(core)
        core.lose("path failure")
        await settle()
        assert not ue.link.connected
        assert radio.gnb.system_information().barred
        assert not radio.gnb.n2.ues
        task = asyncio.create_task(ue.request_service())
        await settle()
        assert not task.done()
        await task
        assert ue.sessions[1].context.bearer

    with caplog.at_level("INFO", "cinq.ran.gnb"):
        run_virtual(main())
    lost, found = (record.getMessage() for record in caplog.records if "AMF 127" in record.getMessage())
    assert lost == "AMF 127.0.0.5:38412 is lost: path failure; sought every 5 s"
    assert found == "NG Setup done again with AMF 127.0.0.5:38412"


def test_no_amf_no_connection() -> None:
    async def main() -> None:
        core = Core()
        radio = Radio(core)
        ue = radio.ue()
        ue.link.setup(RrcSetup(b"\x7e\0\x41", "mo-Signalling", ue.settings.plmn))
        assert not ue.link.connected
        await radio.up()

    run_virtual(main())


def test_reset_by_the_amf() -> None:
    async def main() -> None:
        core = Core()
        radio, ue = await attached(core)
        other = radio.ue(ue.settings.numbered(1))
        await other.register()
        await settle()
        part = [ngap.UEassociatedLogicalNGconnectionItem(ran_ue_ngap_id=1)]
        cause: ngap.Cause = ("misc", "om-intervention")
        core.tell(ngap.NGReset(cause=cause, reset_type=("partOfNG-Interface", part)))
        await settle()
        assert not ue.link.connected
        assert other.link.connected
        acknowledged = core.heard[-1]
        assert isinstance(acknowledged, ngap.NGResetAcknowledge)
        assert acknowledged.ue_associated_logical_ng_connection_list == part
        core.tell(ngap.NGReset(cause=cause, reset_type=("nG-Interface", "reset-all")))
        await settle()
        assert not other.link.connected
        assert core.heard[-1] == ngap.NGResetAcknowledge()

    run_virtual(main())


def test_reset_by_the_gnb() -> None:
    async def main() -> None:
        core = Core()
        radio, ue = await attached(core)
        task = asyncio.create_task(radio.gnb.n2.demand(Reset()))
        await settle()
        assert isinstance(core.heard[-1], ngap.NGReset)
        core.tell(ngap.NGResetAcknowledge())
        await task
        assert not ue.link.connected
        with pytest.raises(TimerExpired):
            await radio.gnb.n2.demand(Reset())

    run_virtual(main())


def test_wrong_identities() -> None:
    """TS 38.413 §10.6."""

    async def main() -> None:
        core = Core()
        _, ue = await attached(core)
        core.tell(ngap.DownlinkNASTransport(amf_ue_ngap_id=1, ran_ue_ngap_id=77, nas_pdu=b"\x7e\0\x42"))
        await settle()
        error = core.heard[-1]
        assert isinstance(error, ngap.ErrorIndication)
        assert error.cause == ("radioNetwork", "unknown-local-UE-NGAP-ID")
        assert error.ran_ue_ngap_id == 77
        assert ue.link.connected
        core.tell(ngap.DownlinkNASTransport(amf_ue_ngap_id=99, ran_ue_ngap_id=1, nas_pdu=b"\x7e\0\x42"))
        await settle()
        error = core.heard[-1]
        assert isinstance(error, ngap.ErrorIndication)
        assert error.cause == ("radioNetwork", "inconsistent-remote-UE-NGAP-ID")
        assert not ue.link.connected

    run_virtual(main())


def test_error_indication_of_the_amf() -> None:
    async def main() -> None:
        core = Core()
        _, ue = await attached(core)
        count = len(core.heard)
        core.tell(
            ngap.ErrorIndication(
                amf_ue_ngap_id=1, ran_ue_ngap_id=1, cause=("radioNetwork", "unknown-local-UE-NGAP-ID")
            )
        )
        await settle()
        assert not ue.link.connected
        assert len(core.heard) == count

    run_virtual(main())


@pytest.mark.parametrize(
    ("octets", "cause"),
    [
        (b"", "transfer-syntax-error"),
        (bytes.fromhex("ffffffff"), "transfer-syntax-error"),
        (bytes.fromhex("000440050000010000"), None),
    ],
)
def test_garbage_gets_error_indication(octets: bytes, cause: str | None) -> None:
    async def main() -> None:
        core = Core()
        _, ue = await attached(core)
        core.tell_octets(octets)
        await settle()
        error = core.heard[-1]
        assert isinstance(error, ngap.ErrorIndication)
        assert error.cause is not None
        assert error.cause[0] == "protocol"
        if cause is not None:
            assert error.cause[1] == cause
        assert ue.link.connected

    run_virtual(main())


def test_overload() -> None:
    async def main() -> None:
        core = Core()
        radio, ue = await attached(core)
        core.tell(ngap.OverloadStart())
        await settle()
        other = radio.ue(ue.settings.numbered(1))
        task = asyncio.create_task(other.register())
        await settle()
        assert not other.link.connected
        core.tell(ngap.OverloadStop())
        await task
        assert other.context.registered

    run_virtual(main())


def test_amf_configuration_update() -> None:
    async def main() -> None:
        core = Core()
        radio, _ = await attached(core)
        core.tell(ngap.AMFConfigurationUpdate(amf_name="renamed", relative_amf_capacity=7))
        await settle()
        assert radio.gnb.n2.context.amf_name == "renamed"
        assert radio.gnb.n2.context.relative_capacity == 7
        assert core.heard[-1] == ngap.AMFConfigurationUpdateAcknowledge()

    run_virtual(main())


def test_rules_of_the_user_plane() -> None:
    async def main() -> None:
        core, plane = Core(), Plane()
        radio, ue = await attached(core, plane)
        address = IPv4Address("10.45.0.2")
        rules = plane.rules[1]
        (encap,), (decap,) = rules.encap, rules.decap
        assert (encap.ue, encap.teid, encap.peer, encap.qfi) == (address, 0x1001, UPF, 9)
        assert (decap.ue, decap.side) == (address, "ue0")
        told = core.last().tunnels[1].dl_qos_flow_per_tnl_information.up_transport_layer_information[1]
        assert int.from_bytes(told.gtp_teid, "big") == decap.teid
        assert plane.sides["ue0"][0].addresses == {address}
        assert ue.sessions[1].context.interface == "ue0"
        core.release(core.last())
        await settle()
        assert plane.rules[1].decap == ()
        assert plane.rules[1].encap[0].action is Action.BUFFER
        radio.gnb.bearers.buffered(1)
        await settle()
        assert ue.link.connected
        assert plane.rules[1].encap[0].action is Action.FORWARD
        await ue.deregister()
        await settle()
        assert not plane.rules
        assert not plane.sides["ue0"][0].addresses
        assert len(radio.gnb.bearers) == 0

    run_virtual(main())


@pytest.mark.parametrize(("named", "found"), [("", "/run/netns/cinq-ue"), ("phone", "/run/netns/phone")])
def test_beside_the_upf_a_ue_has_a_namespace(named: str, found: str) -> None:
    """With its address in the UPF's own namespace nothing would pass the tunnels: the kernel delivers it at once."""

    async def main() -> None:
        core, plane = Core(), Plane()
        radio = Radio(core)
        radio.gnb.bearers.use(plane, lambda address: address == UPF)
        await radio.up()
        ue = radio.ue(UeSettings(netns=named))
        await ue.power_on()
        await settle()
        assert plane.sides["ue0"][1] == found
        assert ue.sessions[1].context.netns == found.removeprefix("/run/netns/")
        other = radio.ue(UeSettings().numbered(1))
        await other.power_on()
        await settle()
        assert len(plane.sides) == (1 if not named else 2)

    run_virtual(main())


def test_gtpu_signalling() -> None:
    async def main() -> None:
        core, plane = Core(), Plane()
        radio, ue = await attached(core, plane)
        bearers = radio.gnb.bearers
        upf = (str(UPF), 2152)
        bearers.gtpu_received(gtpu.encode(gtpu.EchoRequest(sequence=7)), upf)
        bearers.gtpu_received(gtpu.encode(gtpu.GPdu(teid=99, payload=b"x")), upf)
        bearers.gtpu_received(b"\xff", upf)
        answers = [message for message, _ in plane.sent]
        assert answers[0] == gtpu.EchoResponse(sequence=7)
        assert isinstance(answers[1], gtpu.ErrorIndication)
        assert answers[1].tunnel == 99
        wrong = gtpu.encode(gtpu.ErrorIndication(tunnel=0x1001, peer=UPF))
        bearers.gtpu_received(wrong, ("10.99.0.99", 2152))
        await settle()
        assert ue.link.connected
        bearers.gtpu_received(wrong, upf)
        await settle()
        assert not ue.link.connected
        assert "UEContextReleaseRequest" in core.names()

    run_virtual(main())


def test_session_resources_refused() -> None:
    """A session that is there already, and a transfer that cannot be read: each with its cause, NAS undelivered."""

    async def main() -> None:
        core = Core()
        await attached(core)
        items = [
            ngap.PDUSessionResourceSetupItemSUReq(
                pdu_session_id=psi,
                pdu_session_nas_pdu=b"\x7e\0\x68",
                s_nssai=ngap.SNSSAI(sst=b"\1"),
                pdu_session_resource_setup_request_transfer=octets,
            )
            for psi, octets in ((1, transfer(1)), (2, b"\xff\xff"))
        ]
        core.tell(
            ngap.PDUSessionResourceSetupRequest(
                amf_ue_ngap_id=1, ran_ue_ngap_id=1, pdu_session_resource_setup_list_su_req=items
            )
        )
        await settle()
        answer = core.heard[-1]
        assert isinstance(answer, ngap.PDUSessionResourceSetupResponse)
        assert answer.pdu_session_resource_setup_list_su_res is None
        kind = ngap.PDUSessionResourceSetupUnsuccessfulTransfer
        causes = [
            ngap.decode_value(kind, item.pdu_session_resource_setup_unsuccessful_transfer).cause
            for item in answer.pdu_session_resource_failed_to_setup_list_su_res or ()
        ]
        assert causes[0] == ("radioNetwork", "multiple-PDU-session-ID-instances")
        assert causes[1][0] == "protocol"

    run_virtual(main())


def test_session_resources_modified() -> None:
    async def main() -> None:
        core = Core()
        radio, _ = await attached(core)
        change = ngap.encode_value(
            ngap.PDUSessionResourceModifyRequestTransfer(
                qos_flow_add_or_modify_request_list=[
                    ngap.QosFlowAddOrModifyRequestItem(
                        qos_flow_identifier=5, qos_flow_level_qos_parameters=qos()
                    )
                ]
            )
        )
        items = [
            ngap.PDUSessionResourceModifyItemModReq(
                pdu_session_id=psi, pdu_session_resource_modify_request_transfer=change
            )
            for psi in (1, 9)
        ]
        core.tell(
            ngap.PDUSessionResourceModifyRequest(
                amf_ue_ngap_id=1, ran_ue_ngap_id=1, pdu_session_resource_modify_list_mod_req=items
            )
        )
        await settle()
        modified = core.heard[-1]
        assert isinstance(modified, ngap.PDUSessionResourceModifyResponse)
        assert [i.pdu_session_id for i in modified.pdu_session_resource_modify_list_mod_res or ()] == [1]
        failed = modified.pdu_session_resource_failed_to_modify_list_mod_res or []
        assert [i.pdu_session_id for i in failed] == [9]
        assert radio.gnb.n2.ues[1].sessions[1].qfis == (9, 5)

    run_virtual(main())


def test_inactivity() -> None:
    async def main() -> None:
        core, plane = Core(), Plane()
        radio = Radio(core, plane, GnbSettings(inactivity_s=10))
        await radio.up()
        ue = radio.ue()
        await ue.power_on()
        for packets in range(5):
            plane.usages[1] = Usage(uplink_packets=packets)
            await asyncio.sleep(10)
            assert ue.link.connected
        await asyncio.sleep(11)
        assert not ue.link.connected
        requests = [m for m in core.heard if isinstance(m, ngap.UEContextReleaseRequest)]
        assert [m.cause for m in requests] == [("radioNetwork", "user-inactivity")]
        await radio.gnb.stop()

    run_virtual(main())


def test_radio_link_failure() -> None:
    async def main() -> None:
        core = Core()
        radio, ue = await attached(core)
        ue.link.fail()
        await settle()
        assert "UEContextReleaseRequest" in core.names()
        assert core.names()[-1] == "UEContextReleaseComplete"
        assert not radio.gnb.n2.ues

    run_virtual(main())


def test_nas_for_a_lost_ue_is_not_delivered() -> None:
    async def main() -> None:
        core = Core()
        core.silent.add(ngap.UEContextReleaseRequest)
        _, ue = await attached(core)
        ue.link.fail()
        core.down(core.last(), nas.IdentityRequest(identity_type=1))
        await settle()
        assert isinstance(core.heard[-1], ngap.NASNonDeliveryIndication)

    run_virtual(main())


def test_streams() -> None:
    """TS 38.412 §7: stream 0 for the interface, one of the others for each UE."""

    async def main() -> None:
        core = Core()
        radio, ue = await attached(core)
        other = radio.ue(ue.settings.numbered(1))
        await other.register()
        streams = [stream for stream, _ in core.octets]
        assert streams[0] == 0
        assert all(1 <= stream <= 3 for stream in streams[1:])
        assert len(set(streams)) == 3

    run_virtual(main())


@settings(max_examples=80, derandomize=True, deadline=None)
@given(st.lists(st.binary(max_size=120), min_size=1, max_size=6))
def test_any_octets(octets: list[bytes]) -> None:
    async def main() -> None:
        core = Core()
        radio, ue = await attached(core)
        for one in octets:
            core.tell_octets(one)
        await settle()
        assert radio.gnb.n2.context.state == "up"
        await ue.deregister()
        await radio.gnb.stop()

    run_virtual(main())
