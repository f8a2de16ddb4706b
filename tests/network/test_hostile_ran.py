"""What a hostile gNB or UE says in any state: AMF and SMF survive it, others are served, nothing is left behind."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address

import pytest

from cinq.crypto.nas_security import INTEGRITY_CIPHERED, UPLINK
from cinq.nf.amf.ue import ue_of
from cinq.nf.smf import SMF, DataNetwork, UserPlane
from cinq.nf.smf import Settings as SmfSettings
from cinq.numbering import SNssai
from cinq.procedure import Event, run_virtual
from cinq.sbi.services.namf_communication import NsmfCallback
from cinq.sbi.services.nsmf_pdusession import NsmfPDUSession
from cinq.wire import nas, ngap, pfcp
from tests.nf.amf.gnb import Gnb, setup_request
from tests.nf.amf.octets import REJECT, parts, pdu, with_ie
from tests.nf.amf.phone import Phone
from tests.nf.amf.world import PLMN, World
from tests.nf.smf.world import ESTABLISHMENT_REQUEST, UPF_PEER, Upf

EVENTS = 5_000  # that may happen in no time; more are a procedure without end


class Core(World):
    """AMF and its neighbours with a true SMF and a scripted UPF."""

    def __init__(self) -> None:
        super().__init__(subscribers=0)
        self.bus.withdraw(NsmfPDUSession, "smf")
        self.bus.withdraw(NsmfCallback, "smf")
        self.upf = Upf()
        settings = SmfSettings(
            PLMN,
            IPv4Address("127.0.0.6"),
            (UserPlane(IPv4Address(UPF_PEER[0])),),
            (DataNetwork(slices=(SNssai(1),)),),
        )
        self.core_smf = SMF(
            settings, self.bus, self.upf, self.udr_store, self.clock, self.entropy, self.journal, "smf"
        )
        self.upf.smf = self.core_smf
        for service, implementation in self.core_smf.services():
            self.bus.serve(service, implementation, "smf")
        self.core_smf.start()
        self.phones = 0
        self.moment, self.events = 0.0, 0
        self.journal.listen(self.watch)

    def watch(self, event: Event) -> None:
        """Ends the test where time stands still."""
        loop = asyncio.get_running_loop()
        self.events = self.events + 1 if loop.time() == self.moment else 0
        self.moment = loop.time()
        if self.events > EVENTS:
            loop.stop()

    def phone(self) -> Phone:
        self.phones += 1
        self.subscribe(self.phones)
        return Phone(self, self.phones)

    async def nothing_is_left(self) -> None:
        """After all timers: no procedure runs, and all tables name the same UEs and sessions."""
        await asyncio.sleep(400)
        amf, smf = self.amf, self.core_smf
        assert (amf.runtime.busy, smf.runtime.busy) == (0, 0)
        contexts = [ue.context for ue in amf.registry.by_supi.values()]
        gutis = [g for c in contexts for g in (c.guti, c.former_guti) if g is not None]
        assert {g.tmsi for g in gutis} == set(amf.registry.by_tmsi)
        assert {sm.ref for c in contexts for sm in c.sm_contexts} == set(smf.sessions.by_ref)
        assert len(self.upf.sessions) == len(smf.sessions.by_ref) == len(smf.sessions.by_identity)
        assert sum(map(len, smf.ports.pools.values())) == len(smf.sessions.by_ref)
        assert set(self.pcf._am._associations) == {c.am_policy for c in contexts}
        for connection in amf.access.connections.values():
            assert ue_of(connection).connection is connection
            assert connection.ran.connections[connection.ran_ue_ngap_id] is connection
        assert not any("bug" in cause for cause in self.causes())


class Cell(Gnb):
    """A gNB whose tunnels have a form."""

    def say(self, message: ngap.Pdu) -> None:
        for name in ("pdu_session_resource_setup_list_cxt_res", "pdu_session_resource_setup_list_su_res"):
            for item in getattr(message, name, None) or ():
                if item.pdu_session_resource_setup_response_transfer == b"done":
                    item.pdu_session_resource_setup_response_transfer = tunnel("10.0.0.2")
        super().say(message)


def tunnel(address: str) -> bytes:
    end = ngap.GTPTunnel(transport_layer_address=(int(IPv4Address(address)), 32), gtp_teid=b"\0\0\0\1")
    flows = [ngap.AssociatedQosFlowItem(qos_flow_identifier=1)]
    return ngap.encode_value(
        ngap.PDUSessionResourceSetupResponseTransfer(
            dl_qos_flow_per_tnl_information=ngap.QosFlowPerTNLInformation(
                up_transport_layer_information=("gTPTunnel", end), associated_qos_flow_list=flows
            )
        )
    )


def play(scene: Callable[[Core, Cell], Awaitable[None]]) -> None:
    """Beside a UE on another gNB that is still served afterwards."""

    async def main() -> None:
        core = Core()
        await asyncio.sleep(0.1)
        other, home = Cell(core, 2), Cell(core, 1)
        await other.set_up()
        await home.set_up()
        neighbour = await core.phone().registered(other)
        await scene(core, home)
        establish(neighbour)
        await asyncio.sleep(1)
        assert len(core.amf.registry.by_supi[neighbour.supi].context.sm_contexts) == 1
        await core.nothing_is_left()
        await core.amf.stop()
        await core.core_smf.stop()

    run_virtual(main())


def establish(phone: Phone, number: int = 1) -> None:
    phone.say_sm(number, bytes((0x2E, number, 1)) + ESTABLISHMENT_REQUEST[3:], request_type=1)


def release(phone: Phone) -> None:
    assert phone.gnb is not None
    assert phone.amf_id is not None
    phone.gnb.say(
        ngap.UEContextReleaseRequest(
            amf_ue_ngap_id=phone.amf_id, ran_ue_ngap_id=phone.ran_id, cause=("misc", "unspecified")
        )
    )


# states


async def authenticating(core: Core, gnb: Cell) -> Phone:
    phone = core.phone()
    phone.on[nas.AuthenticationRequest] = lambda _: None
    phone.register(gnb)
    return phone


async def after_smc(core: Core, gnb: Cell) -> Phone:
    phone = core.phone()
    phone.on[nas.SecurityModeCommand] = lambda _: None
    phone.register(gnb)
    await asyncio.sleep(0.1)
    phone.secured = True
    return phone


async def connected(core: Core, gnb: Cell) -> Phone:
    return await core.phone().registered(gnb)


async def in_setup(core: Core, gnb: Cell) -> Phone:
    phone = await connected(core, gnb)
    gnb.silent.add("PDUSessionResourceSetupRequest")
    establish(phone)
    await asyncio.sleep(0.1)
    gnb.silent.clear()
    return phone


async def with_session(core: Core, gnb: Cell) -> Phone:
    phone = await connected(core, gnb)
    establish(phone)
    await asyncio.sleep(0.1)
    return phone


async def in_release(core: Core, gnb: Cell) -> Phone:
    phone = await with_session(core, gnb)
    gnb.silent.add("UEContextReleaseCommand")
    release(phone)
    await asyncio.sleep(0.1)
    gnb.silent.clear()
    return phone


async def in_deregistration(core: Core, gnb: Cell) -> Phone:
    phone = await with_session(core, gnb)
    core.upf.mute.add(pfcp.SessionDeletionRequest)
    phone.deregister()
    await asyncio.sleep(0.1)
    core.upf.mute.clear()
    return phone


STATES = (authenticating, after_smc, connected, in_setup, with_session, in_release, in_deregistration)


# every message that a gNB sends about a UE


def messages(phone: Phone, gnb: Cell) -> list[ngap.Pdu]:
    ids = {"amf_ue_ngap_id": phone.amf_id or 1, "ran_ue_ngap_id": phone.ran_id}
    cause: ngap.Cause = ("misc", "unspecified")
    failed = ngap.PDUSessionResourceFailedToSetupItemCxtFail(
        pdu_session_id=1, pdu_session_resource_setup_unsuccessful_transfer=b""
    )
    setup = ngap.PDUSessionResourceSetupItemSURes(
        pdu_session_id=1, pdu_session_resource_setup_response_transfer=tunnel("10.0.0.3")
    )
    gone = ngap.PDUSessionResourceReleasedItemRelRes(
        pdu_session_id=1, pdu_session_resource_release_response_transfer=b""
    )
    return [
        ngap.UplinkNASTransport(**ids, nas_pdu=b"\x7e\0\x64", user_location_information=gnb.location),
        ngap.UEContextReleaseRequest(**ids, cause=cause),
        ngap.UEContextReleaseComplete(**ids),
        ngap.InitialContextSetupResponse(**ids),
        ngap.InitialContextSetupFailure(
            **ids, cause=cause, pdu_session_resource_failed_to_setup_list_cxt_fail=[failed]
        ),
        ngap.PDUSessionResourceSetupResponse(**ids, pdu_session_resource_setup_list_su_res=[setup]),
        ngap.PDUSessionResourceReleaseResponse(**ids, pdu_session_resource_released_list_rel_res=[gone]),
        ngap.PDUSessionResourceModifyResponse(**ids),
        ngap.NASNonDeliveryIndication(**ids, nas_pdu=b"x", cause=cause),
        ngap.UERadioCapabilityInfoIndication(**ids, ue_radio_capability=b"x"),
        ngap.UEContextModificationResponse(**ids),
        ngap.UEContextModificationFailure(**ids, cause=cause),
        ngap.RRCInactiveTransitionReport(**ids, rrc_state="inactive", user_location_information=gnb.location),
        ngap.ErrorIndication(**ids, cause=("radioNetwork", "unknown-local-UE-NGAP-ID")),
        ngap.NGReset(cause=cause, reset_type=("nG-Interface", "reset-all")),
    ]


def mutations(message: ngap.Pdu, draw: random.Random) -> list[bytes]:
    """Each IE missing, doubled, empty and full of ones; out of order; cut; with an IE nobody knows; a bit of noise."""
    octets = ngap.encode(message)
    header, ies = parts(octets)
    found = [octets, pdu(header, ies[::-1]), pdu(header, []), with_ie(message, REJECT)]
    for i, (ie, level, value) in enumerate(ies):
        found.append(pdu(header, ies[:i] + ies[i + 1 :]))
        found.append(pdu(header, ies[: i + 1] + ies[i:]))
        found += [
            pdu(header, [*ies[:i], (ie, level, other), *ies[i + 1 :]])
            for other in (b"", b"\xff" * len(value), b"\0" * len(value))
        ]
    for _ in range(3):
        at = draw.randrange(3, len(octets))
        found += [octets[:at], octets[:at] + bytes((draw.randrange(256),)) + octets[at + 1 :]]
    return found


@pytest.mark.parametrize("state", STATES)
def test_every_message_of_a_gnb_spoilt(state: Callable[[Core, Cell], Awaitable[Phone]]) -> None:
    draw = random.Random(state.__name__)

    async def scene(core: Core, gnb: Cell) -> None:
        kinds = len(messages(core.phone(), gnb))
        for kind in range(kinds):
            for again in (1, 1, 1, 1, 3, 3):
                phone = await state(core, gnb)
                await asyncio.sleep(0.05)
                octets = draw.choice(mutations(messages(phone, gnb)[kind], draw))
                for _ in range(again):
                    gnb.inbound.message(octets, draw.choice((0, 1, 77)), 60)
                await asyncio.sleep(0.05)

    play(scene)


# every kind of NAS message of a UE


UPLINK_TYPES = (
    0x41,
    0x43,
    0x44,
    0x45,
    0x46,
    0x4C,
    0x54,
    0x55,
    0x57,
    0x59,
    0x5C,
    0x5E,
    0x5F,
    0x64,
    0x65,
    0x67,
    0x99,
)
SESSION_TYPES = (0xC1, 0xC9, 0xCC, 0xCD, 0xD1, 0xD4, 0xD6, 0xC5, 0x99)
TAILS = (b"", b"\0", b"\xff" * 9, b"\x71\0\0", b"\x7b\0\0", b"\x7b\xff\xff" + bytes(60_000))


def nas_messages() -> list[bytes]:
    found = [bytes((0x7E, 0, kind)) + tail for kind in UPLINK_TYPES for tail in TAILS]
    for kind in SESSION_TYPES:
        for tail in TAILS:
            payload = bytes((0x2E, 1, 1, kind)) + tail
            found += [
                nas.encode(
                    nas.ULNASTransport(
                        payload_container_type=1,
                        payload_container=payload,
                        pdu_session_id=1,
                        request_type=wanted,
                    )
                )
                for wanted in (None, 1, 2)
            ]
    return found


def enveloped(phone: Phone, plain: bytes) -> list[bytes]:
    """Plain, and protected: rightly, again, with a wrong MAC, COUNT and header type, and in two envelopes."""
    security = phone.security
    if security is None:
        return [plain, b"\x7e\x01" + bytes(5) + plain, b"\x7e\x04" + bytes(5) + plain]
    good = [security.protect(plain, header, UPLINK) for header in (1, 2, 3, 4)]
    spoilt = [good[1][:at] + bytes((good[1][at] ^ 0x55,)) + good[1][at + 1 :] for at in (1, 3, 6)]
    return [plain, *good, *spoilt, security.protect(good[1], 2, UPLINK)]


@pytest.mark.parametrize("state", STATES)
def test_every_nas_message_in_every_envelope(state: Callable[[Core, Cell], Awaitable[Phone]]) -> None:
    draw = random.Random(state.__name__)

    async def scene(core: Core, gnb: Cell) -> None:
        for plain in draw.sample(nas_messages(), 70):
            phone = await state(core, gnb)
            await asyncio.sleep(0.05)
            for octets in draw.sample(enveloped(phone, plain), 2):
                if phone.amf_id is not None and draw.random() < 0.7:
                    phone.say_octets(octets)
                else:
                    phone.secured = False
                    gnb.initial(phone, octets)
                await asyncio.sleep(draw.choice((0.0, 0.05, 7.0)))

    play(scene)


# what was found that way, and by reading


def test_initial_message_that_deciphers_to_something_else() -> None:
    """TS 24.501 §4.4.6: initial messages are not ciphered as a whole; the MAC of this one holds all the same."""

    async def scene(core: Core, gnb: Cell) -> None:
        phone = await connected(core, gnb)
        release(phone)
        await asyncio.sleep(0.1)
        assert phone.security is not None
        plain = nas.encode(phone.registration().cleartext())
        text = phone.security.cipher(plain, UPLINK, phone.security.count(UPLINK))
        octets = phone.security.protect(text, INTEGRITY_CIPHERED, UPLINK)
        assert octets[7:] == plain
        phone.secured = False
        gnb.initial(phone, octets)
        await asyncio.sleep(1)
        assert phone.count(nas.IdentityRequest) == 1

    play(scene)


def test_request_under_keys_that_are_not_in_use_yet() -> None:
    """TS 24.501 §5.4.2.7: the security mode control is aborted; nobody is known by those keys."""

    async def scene(core: Core, gnb: Cell) -> None:
        phone = await after_smc(core, gnb)
        phone.on.clear()
        phone.request = phone.registration()
        phone.say(phone.request, 1)
        phone.security, phone.secured = None, False
        await asyncio.sleep(10)
        assert core.amf.registry.by_supi[phone.supi].context.rm_state == "RM-REGISTERED"

    play(scene)


def test_another_subscriber_in_the_context_of_one() -> None:
    """A UE with two USIMs, while its first is authenticated anew: each context stays its own subscriber's."""

    async def scene(core: Core, gnb: Cell) -> None:
        phone, other = await connected(core, gnb), core.phone()
        release(phone)
        await asyncio.sleep(0.1)
        keys = phone.security
        phone.on[nas.SecurityModeCommand] = lambda _: None
        phone.capability = nas.UeSecurityCapability.of((0, 1, 2), (1, 2))
        phone.register(gnb)
        await asyncio.sleep(0.1)
        other.gnb, other.ran_id, other.amf_id, other.security = gnb, phone.ran_id, phone.amf_id, keys
        gnb.phones[phone.ran_id] = other
        other.request = other.registration()
        other.say_octets(nas.encode(other.request.cleartext()))
        other.secured = True
        await asyncio.sleep(1)
        assert other.count(nas.RegistrationReject) == 1
        assert core.amf.registry.by_supi[phone.supi].context.supi == phone.supi
        assert other.supi not in core.amf.registry.by_supi

    play(scene)


@pytest.mark.parametrize("state", [in_setup, in_release])
def test_outcome_that_cannot_be_taken(state: Callable[[Core, Cell], Awaitable[Phone]]) -> None:
    """TS 38.413 §10.3.4.2: "consider the procedure as unsuccessfully terminated and initiate local error handling"."""

    async def scene(core: Core, gnb: Cell) -> None:
        phone = await state(core, gnb)
        ue = core.amf.registry.by_supi[phone.supi]
        assert ue.connection is not None
        ids = {"amf_ue_ngap_id": ue.connection.amf_ue_ngap_id, "ran_ue_ngap_id": phone.ran_id}
        kind = ngap.PDUSessionResourceSetupResponse if state is in_setup else ngap.UEContextReleaseComplete
        gnb.say_octets(with_ie(kind(**ids), REJECT))
        await asyncio.sleep(0.1)
        assert ue.connection is None
        assert ue.is_idle

    play(scene)


@pytest.mark.parametrize(
    "transfer", [b"", b"\xff" * 9, tunnel("224.0.0.1"), tunnel("0.0.0.0"), tunnel("255.255.255.255")]
)
def test_setup_response_without_a_tunnel(transfer: bytes) -> None:
    """The session ends at UE and gNB: else the UE kept one that carries nothing."""

    async def scene(core: Core, gnb: Cell) -> None:
        phone = await in_setup(core, gnb)
        item = ngap.PDUSessionResourceSetupItemSURes(
            pdu_session_id=1, pdu_session_resource_setup_response_transfer=transfer
        )
        assert phone.amf_id is not None
        gnb.say(
            ngap.PDUSessionResourceSetupResponse(
                amf_ue_ngap_id=phone.amf_id,
                ran_ue_ngap_id=phone.ran_id,
                pdu_session_resource_setup_list_su_res=[item],
            )
        )
        await asyncio.sleep(0.1)
        assert gnb.count(ngap.PDUSessionResourceReleaseCommand) == 1
        establish(phone)  # meanwhile the UE begins anew: the release is aborted, which is no bug
        await asyncio.sleep(100)
        assert core.amf.registry.by_supi[phone.supi].context.pdu_session_status == {1}

    play(scene)


def test_session_begun_anew_and_left_at_once() -> None:
    """TS 24.501 §5.4.5.2.5 a) 12: the former session is released though the UE turns to something else meanwhile."""

    async def scene(core: Core, gnb: Cell) -> None:
        phone = await with_session(core, gnb)
        core.upf.mute.add(pfcp.SessionDeletionRequest)
        establish(phone)
        await asyncio.sleep(0.1)
        phone.say(phone.registration(nas.RegistrationKind.EMERGENCY))
        await asyncio.sleep(0.1)
        core.upf.mute.clear()
        await asyncio.sleep(60)
        assert not core.core_smf.sessions.by_ref
        assert core.amf.registry.by_supi[phone.supi].context.sm_contexts == ()

    play(scene)


def test_name_of_a_gnb_stands_in_one_line() -> None:
    async def scene(core: Core, gnb: Cell) -> None:
        request = setup_request(5)
        request.extended_ran_node_name = ngap.ExtendedRANNodeName(ran_node_name_utf8_string="a\nb\x1b[2Jé")
        cell = Cell(core, 5)
        cell.say(request)
        await asyncio.sleep(0.1)
        assert cell.ran.label == "a?b?[2Jé"

    play(scene)
