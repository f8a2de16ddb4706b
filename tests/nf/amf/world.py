"""An AMF with AUSF, UDM, UDR, NSSF and PCF on one bus, a scripted SMF, gNBs and phones, on virtual time."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from typing import TypeVar

from cinq.crypto import aka, kdf, milenage
from cinq.crypto.nas_security import (
    DOWNLINK,
    INTEGRITY,
    INTEGRITY_CIPHERED,
    INTEGRITY_CIPHERED_NEW,
    UPLINK,
    NasSecurity,
)
from cinq.nf.amf import AMF, Settings
from cinq.nf.ausf import AUSF
from cinq.nf.nssf import NSSF
from cinq.nf.nssf import Settings as NssfSettings
from cinq.nf.pcf import PCF
from cinq.nf.udm import UDM
from cinq.nf.udm import Settings as UdmSettings
from cinq.nf.udr import UDR, provisioning
from cinq.numbering import Guti, Imeisv, MobileIdentity, PlmnId, SNssai, STmsi, Suci, Supi, Tai
from cinq.procedure import Journal, VirtualClock, run_virtual
from cinq.procedure.store import MemoryStore, Store
from cinq.sbi import Bus, Created, Problem, checked
from cinq.sbi.models import RefToBinaryData
from cinq.sbi.services.namf_communication import (
    N1MessageContainer,
    N1N2MessageTransferReqData,
    N1N2MessageTransferRequest,
    N1N2MsgTxfrFailureNotification,
    N2InfoContainer,
    N2InfoContent,
    N2SmInformation,
    NamfCommunication,
    NsmfCallback,
)
from cinq.sbi.services.nsmf_pdusession import (
    NsmfPDUSession,
    PostSmContextsRequest,
    SmContextCreatedData,
    SmContextReleaseData,
    SmContextUpdatedData,
    UpdateSmContextRequest,
    UpdateSmContextResponse,
)
from cinq.wire import nas, ngap

R = TypeVar("R")
P = TypeVar("P", bound=ngap.Pdu)
N = TypeVar("N", bound=nas.NasMessage)

K = bytes.fromhex("465B5CE8B199B49FAA5F0A2EE238A6BC")
OPC = bytes.fromhex("E8ED289DEBA952E4283B54E88E6183CA")
PLMN = PlmnId("999", "70")
TAI = Tai(PLMN, 1)
NETWORK = kdf.snn("999", "70")
CAPABILITY = nas.UeSecurityCapability.of((0, 1, 2, 3), (0, 1, 2, 3))


class FakeSmf:
    """Answers a create at once, then sets the session up by N1N2MessageTransfer, as a real one does."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.contexts: dict[str, PostSmContextsRequest] = {}
        self.updates: list[tuple[str, UpdateSmContextRequest]] = []
        self.released: list[str] = []
        self.failures: list[str] = []
        self.refuse: Problem | None = None
        self.delay = 0.0
        self.sets_up = True
        self._count = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()

    async def create_sm_context(self, body: PostSmContextsRequest) -> Created[SmContextCreatedData]:
        await asyncio.sleep(self.delay)
        if self.refuse is not None:
            raise self.refuse
        ref = f"sm-{next(self._count)}"
        self.contexts[ref] = body
        if self.sets_up:
            task = asyncio.get_running_loop().create_task(self.set_up(ref, b"\x2e\x01\x01\xc2accept"))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return Created(f"/sm-contexts/{ref}", SmContextCreatedData())

    async def set_up(self, ref: str, n1: bytes | None) -> None:
        data = self.contexts[ref].json_data
        assert data.supi is not None
        assert data.pdu_session_id is not None
        await self.transfer(data.supi, data.pdu_session_id, n1, b"setup", "PDU_RES_SETUP_REQ", ref)

    async def transfer(
        self, supi: str, number: int, n1: bytes | None, n2: bytes | None, kind: str | None, ref: str = "sm-1"
    ) -> str:
        body = N1N2MessageTransferRequest(
            json_data=N1N2MessageTransferReqData(
                pdu_session_id=number,
                n1_message_container=N1MessageContainer(
                    n1_message_class="SM", n1_message_content=RefToBinaryData(content_id="n1")
                )
                if n1
                else None,
                n2_info_container=N2InfoContainer(
                    n2_information_class="SM",
                    sm_info=N2SmInformation(
                        pdu_session_id=number,
                        n2_info_content=N2InfoContent(
                            ngap_data=RefToBinaryData(content_id="n2"),
                            ngap_ie_type=kind,  # type: ignore[arg-type]
                        ),
                    ),
                )
                if n2
                else None,
                n1n2_failure_txf_notif_uri=f"/nsmf-callback/v1/n1n2-failure/{ref}",
            ),
            binary_data_n1_message=n1,
            binary_data_n2_information=n2,
        )
        amf = self.bus.client(NamfCommunication, "SMF")
        return (await amf.n1n2_message_transfer(supi, body)).cause

    async def update_sm_context(
        self, sm_context_ref: str, body: UpdateSmContextRequest
    ) -> UpdateSmContextResponse:
        await asyncio.sleep(self.delay)
        if sm_context_ref not in self.contexts:
            raise Problem(404, "CONTEXT_NOT_FOUND")
        self.updates.append((sm_context_ref, body))
        if body.json_data.up_cnx_state == "ACTIVATING":
            return UpdateSmContextResponse(
                json_data=SmContextUpdatedData(
                    n2_sm_info=RefToBinaryData(content_id="n2"), n2_sm_info_type="PDU_RES_SETUP_REQ"
                ),
                binary_data_n2_sm_information=b"resetup",
            )
        return UpdateSmContextResponse(json_data=SmContextUpdatedData())

    async def release_sm_context(self, sm_context_ref: str, body: SmContextReleaseData) -> None:
        if self.contexts.pop(sm_context_ref, None) is None:
            raise Problem(404, "CONTEXT_NOT_FOUND")
        self.released.append(sm_context_ref)

    async def n1n2_transfer_failure(self, sm_context_ref: str, body: N1N2MsgTxfrFailureNotification) -> None:
        self.failures.append(sm_context_ref)

    def states(self) -> list[str]:
        return [str(u.json_data.up_cnx_state or u.json_data.n2_sm_info_type) for _, u in self.updates]


class World:
    """One core. `restart` makes another AMF on the same store."""

    def __init__(self, *, store: Store | None = None, subscribers: int = 3, **settings: object) -> None:
        counter = itertools.count(0x1000)
        self.entropy: Callable[[int], bytes] = lambda n: next(counter).to_bytes(n, "big")
        self.journal = Journal(keep=100_000)
        self.bus = Bus(checked, self.journal)
        self.clock = VirtualClock()
        self.udr_store = MemoryStore()
        self.store = store or MemoryStore()
        self.settings = Settings(PLMN, (TAI,), **settings)  # type: ignore[arg-type]
        for nf in (
            UDR(self.udr_store, "udr"),
            UDM(UdmSettings(PLMN), self.bus, self.entropy, "udm"),
            AUSF(self.bus, self.clock, self.entropy, "ausf"),
            NSSF(NssfSettings(self.settings.slices), "nssf"),
            PCF("pcf"),
        ):
            for service, implementation in nf.services():
                self.bus.serve(service, implementation, nf.instance_id)
        self.smf = FakeSmf(self.bus)
        self.bus.serve(NsmfPDUSession, self.smf, "smf")
        self.bus.serve(NsmfCallback, self.smf, "smf")
        for n in range(1, subscribers + 1):
            self.subscribe(n)
        self.amf = self._amf()

    def _amf(self) -> AMF:
        amf = AMF(self.settings, self.bus, self.store, self.clock, self.entropy, self.journal, "amf")
        for service, implementation in amf.services():
            self.bus.withdraw(service, "amf")
            self.bus.serve(service, implementation, "amf")
        return amf

    async def restart(self) -> None:
        await self.amf.stop()
        self.amf = self._amf()

    def subscribe(self, n: int, **more: object) -> Supi:
        supi = supi_of(n)
        provisioning.put(self.udr_store, provisioning.Subscriber(supi, K, OPC, **more))  # type: ignore[arg-type]
        return supi

    def causes(self) -> list[str]:
        return [event.cause for event in self.journal.kept() if event.direction == "none"]

    def messages(self, interface: str) -> list[str]:
        return [e.message for e in self.journal.kept() if e.interface == interface and e.direction != "none"]

    async def quiet(self) -> None:
        """Everything that was going on has ended, timers included."""
        await asyncio.sleep(100)
        assert self.amf.runtime.busy == 0, self.amf.runtime._runs


def supi_of(n: int) -> Supi:
    return Supi(f"99970{n:010d}")


class Gnb:
    """A gNB of one cell. Requests are answered by itself unless `silent` holds their name."""

    def __init__(self, world: World, number: int = 1, tac: int = 1) -> None:
        self.world, self.number, self.tac = world, number, tac
        self.heard: list[ngap.Pdu] = []
        self.phones: dict[int, Phone] = {}
        self.silent: set[str] = set()
        self.next_id = 1
        self.ran = world.amf.n2_connected(self)

    def send(self, octets: bytes, *, stream: int) -> None:
        message = ngap.decode(octets)
        self.heard.append(message)
        asyncio.get_running_loop().call_soon(self.react, message)

    def say(self, message: ngap.Pdu) -> None:
        self.say_octets(ngap.encode(message))

    def say_octets(self, octets: bytes) -> None:
        self.ran.message(octets, 0, 60)

    def last(self, kind: type[P]) -> P:
        return next(m for m in reversed(self.heard) if isinstance(m, kind))

    def count(self, kind: type[ngap.Pdu]) -> int:
        return sum(isinstance(m, kind) for m in self.heard)

    async def set_up(self) -> Gnb:
        self.say(setup_request(self.number, self.tac))
        await asyncio.sleep(0.001)
        assert isinstance(self.heard[-1], ngap.NGSetupResponse), self.heard
        return self

    @property
    def location(self) -> ngap.UserLocationInformation:
        cgi = ngap.NRCGI(plmn_identity=PLMN.octets, nr_cell_identity=self.number << 4)
        tai = ngap.TAI(plmn_identity=PLMN.octets, tac=self.tac.to_bytes(3, "big"))
        return ("userLocationInformationNR", ngap.UserLocationInformationNR(nr_cgi=cgi, tai=tai))

    def initial(self, phone: Phone, octets: bytes, context: bool = True) -> None:
        phone.gnb, phone.ran_id, phone.amf_id = self, self.next_id, None
        self.phones[self.next_id] = phone
        self.next_id += 1
        self.say(initial_ue_message(self, phone.ran_id, octets, context))

    def react(self, message: ngap.Pdu) -> None:
        phone = self.phones.get(getattr(message, "ran_ue_ngap_id", -1))
        if type(message).__name__ in self.silent:
            return
        if isinstance(message, ngap.UEContextReleaseCommand):
            self.released(message)
        elif phone is not None:
            phone.amf_id = getattr(message, "amf_ue_ngap_id", phone.amf_id)
            self.about(phone, message)

    def released(self, message: ngap.UEContextReleaseCommand) -> None:
        assert message.ue_ngap_ids[0] == "uE-NGAP-ID-pair"
        pair = message.ue_ngap_ids[1]
        phone = self.phones.pop(pair.ran_ue_ngap_id, None)
        if phone is not None and phone.ran_id == pair.ran_ue_ngap_id:
            phone.amf_id = None
        self.say(
            ngap.UEContextReleaseComplete(
                amf_ue_ngap_id=pair.amf_ue_ngap_id, ran_ue_ngap_id=pair.ran_ue_ngap_id
            )
        )

    def about(self, phone: Phone, message: ngap.Pdu) -> None:
        ids = {"amf_ue_ngap_id": phone.amf_id or 0, "ran_ue_ngap_id": phone.ran_id}
        match message:
            case ngap.InitialContextSetupRequest():
                sessions = message.pdu_session_resource_setup_list_cxt_req
                done = [
                    ngap.PDUSessionResourceSetupItemCxtRes(
                        pdu_session_id=s.pdu_session_id, pdu_session_resource_setup_response_transfer=b"done"
                    )
                    for s in sessions or ()
                ]
                self.say(
                    ngap.InitialContextSetupResponse(
                        **ids, pdu_session_resource_setup_list_cxt_res=done or None
                    )
                )
                self.nas(phone, message.nas_pdu, *(s.nas_pdu for s in sessions or ()))
            case ngap.PDUSessionResourceSetupRequest():
                items = message.pdu_session_resource_setup_list_su_req
                setup = [
                    ngap.PDUSessionResourceSetupItemSURes(
                        pdu_session_id=s.pdu_session_id, pdu_session_resource_setup_response_transfer=b"done"
                    )
                    for s in items
                ]
                self.say(
                    ngap.PDUSessionResourceSetupResponse(**ids, pdu_session_resource_setup_list_su_res=setup)
                )
                self.nas(phone, message.nas_pdu, *(s.pdu_session_nas_pdu for s in items))
            case ngap.PDUSessionResourceReleaseCommand():
                gone = [
                    ngap.PDUSessionResourceReleasedItemRelRes(
                        pdu_session_id=s.pdu_session_id,
                        pdu_session_resource_release_response_transfer=b"gone",
                    )
                    for s in message.pdu_session_resource_to_release_list_rel_cmd
                ]
                self.say(
                    ngap.PDUSessionResourceReleaseResponse(
                        **ids, pdu_session_resource_released_list_rel_res=gone
                    )
                )
                self.nas(phone, message.nas_pdu)
            case ngap.DownlinkNASTransport():
                self.nas(phone, message.nas_pdu)

    def nas(self, phone: Phone, *pdus: bytes | None) -> None:
        for octets in pdus:
            if octets is not None:
                phone.hear(octets)


def initial_ue_message(gnb: Gnb, ran_id: int, octets: bytes, context: bool = True) -> ngap.InitialUEMessage:
    return ngap.InitialUEMessage(
        ran_ue_ngap_id=ran_id,
        nas_pdu=octets,
        user_location_information=gnb.location,
        rrc_establishment_cause="mo-Signalling",
        ue_context_request="requested" if context else None,
    )


def setup_request(
    number: int = 1, tac: int = 1, plmn: bytes = PLMN.octets, slices: tuple[SNssai, ...] = (SNssai(1),)
) -> ngap.NGSetupRequest:
    support = [
        ngap.SliceSupportItem(
            s_nssai=ngap.SNSSAI(sst=bytes((s.sst,)), sd=None if s.sd is None else s.sd.to_bytes(3, "big"))
        )
        for s in slices
    ]
    return ngap.NGSetupRequest(
        global_ran_node_id=(
            "globalGNB-ID",
            ngap.GlobalGNBID(plmn_identity=plmn, gnb_id=("gNB-ID", (number, 32))),
        ),
        ran_node_name=f"gnb-{number}",
        supported_ta_list=[
            ngap.SupportedTAItem(
                tac=tac.to_bytes(3, "big"),
                broadcast_plmn_list=[
                    ngap.BroadcastPLMNItem(plmn_identity=plmn, tai_slice_support_list=support)
                ],
            )
        ],
        default_paging_drx="v128",
    )


class Phone:
    """A UE. `on[Message]` replaces what it does by itself when it hears one."""

    def __init__(self, world: World, n: int = 1) -> None:
        self.world, self.supi = world, supi_of(n)
        self.gnb: Gnb | None = None
        self.ran_id = 0
        self.amf_id: int | None = None
        self.security: NasSecurity | None = None
        self.kamf = b""
        self.ksi = 7
        self.secured = False
        self.guti: Guti | None = None
        self.capability = CAPABILITY
        self.heard: list[nas.NasMessage] = []
        self.request: nas.RegistrationRequest | None = None
        self.on: dict[type, Callable[[nas.NasMessage], None]] = {}
        self.k = K
        self.sent: list[bytes] = []

    @property
    def suci(self) -> Suci:
        return Suci.null_scheme(self.supi, PLMN)

    def registration(
        self, kind: int = nas.RegistrationKind.INITIAL, **more: object
    ) -> nas.RegistrationRequest:
        identity: MobileIdentity = self.guti or self.suci
        fields: dict[str, object] = {
            "registration_type": nas.RegistrationType(kind, follow_on=True),
            "ng_ksi": nas.NgKsi(self.ksi),
            "mobile_identity": identity,
            "ue_security_capability": self.capability,
            "requested_nssai": [SNssai(1)],
            "capability_5gmm": b"\x03",
        }
        return nas.RegistrationRequest(**{**fields, **more})  # type: ignore[arg-type]

    def register(self, gnb: Gnb, request: nas.RegistrationRequest | None = None) -> None:
        self.request = request or self.registration()
        self.secured = False
        gnb.initial(self, self.initial(self.request))

    def initial(self, request: nas.RegistrationRequest | nas.ServiceRequest) -> bytes:
        """As §4.4.6 wants it: cleartext elements, and the whole in a ciphered container when there are keys."""
        clear = request.cleartext()
        if self.security is None:
            return nas.encode(clear)
        if clear != request:
            whole = nas.encode(request)
            container = self.security.cipher(whole, UPLINK, self.security.count(UPLINK))
            clear = clear.replace(nas_message_container=container)
        return self.security.protect(nas.encode(clear), INTEGRITY, UPLINK)

    async def registered(self, gnb: Gnb, **more: object) -> Phone:
        self.register(gnb, self.registration(**more))
        await asyncio.sleep(0.1)
        assert isinstance(self.heard[-1], nas.RegistrationAccept), self.heard
        return self

    def say(self, message: nas.NasMessage, header: int = INTEGRITY_CIPHERED) -> bytes:
        octets = nas.encode(message)
        if self.security is not None and self.secured:
            octets = self.security.protect(octets, header, UPLINK)
        return self.say_octets(octets)

    def say_octets(self, octets: bytes) -> bytes:
        assert self.gnb is not None
        assert self.amf_id is not None
        self.sent.append(octets)
        self.gnb.say(
            ngap.UplinkNASTransport(
                amf_ue_ngap_id=self.amf_id,
                ran_ue_ngap_id=self.ran_id,
                nas_pdu=octets,
                user_location_information=self.gnb.location,
            )
        )
        return octets

    def say_sm(self, number: int, octets: bytes, **more: object) -> bytes:
        return self.say(
            nas.ULNASTransport(
                payload_container_type=1,
                payload_container=octets,
                pdu_session_id=number,
                **more,  # type: ignore[arg-type]
            )
        )

    def establish(self, number: int = 1, **more: object) -> None:
        self.say_sm(number, b"\x2e\x01\x01\xc1request", **{"request_type": 1, **more})

    def deregister(self, switch_off: bool = False) -> bytes:
        identity: MobileIdentity = self.guti or self.suci
        return self.say(
            nas.DeregistrationRequestUEOriginating(
                deregistration_type=nas.DeregistrationType(switch_off=switch_off),
                ng_ksi=nas.NgKsi(self.ksi),
                mobile_identity=identity,
            )
        )

    def service_request(self, gnb: Gnb, **more: object) -> None:
        assert self.guti is not None
        request = nas.ServiceRequest(
            ng_ksi=nas.NgKsi(self.ksi),
            service_type=nas.ServiceType.DATA,
            s_tmsi=self.guti.s_tmsi,
            **more,  # type: ignore[arg-type]
        )
        self.secured = False
        gnb.initial(self, self.initial(request))

    def last(self, kind: type[N]) -> N:
        return next(m for m in reversed(self.heard) if isinstance(m, kind))

    def count(self, kind: type[nas.NasMessage]) -> int:
        return sum(isinstance(m, kind) for m in self.heard)

    # what it hears

    def hear(self, octets: bytes) -> None:
        if octets[1] == 0:
            message = nas.decode(octets)
        else:
            if octets[1] == 3:
                command = nas.decode(octets[7:])
                assert isinstance(command, nas.SecurityModeCommand)
                algorithms = command.algorithms
                self.security = NasSecurity.from_kamf(self.kamf, algorithms.integrity, algorithms.ciphering)
            assert self.security is not None
            message = nas.decode(self.security.verify(octets, DOWNLINK))
            self.secured = True
        self.heard.append(message)
        if isinstance(message, nas.SecurityModeCommand):
            self.secured = False
        action = self.on.get(type(message), self.usual)
        action(message)

    def usual(self, message: nas.NasMessage) -> None:
        match message:
            case nas.IdentityRequest():
                self.say(nas.IdentityResponse(mobile_identity=self.suci))
            case nas.AuthenticationRequest():
                self.say(nas.AuthenticationResponse(res=self.respond(message)))
            case nas.SecurityModeCommand():
                self.complete(message)
            case nas.RegistrationAccept():
                self.secured = True
                self.guti = message.guti or self.guti
                self.say(nas.RegistrationComplete())
            case nas.ServiceAccept():
                self.secured = True

    def respond(self, request: nas.AuthenticationRequest) -> bytes:
        assert request.rand is not None
        assert request.autn is not None
        challenge = aka.verify_autn(milenage, self.k, OPC, request.rand, request.autn)
        kseaf = kdf.kseaf(challenge.kausf(NETWORK), NETWORK)
        self.kamf = kdf.kamf(kseaf, self.supi.imsi, request.abba)
        self.ksi = request.ng_ksi.value
        return challenge.res_star(NETWORK, request.rand)

    def complete(self, command: nas.SecurityModeCommand, **more: object) -> None:
        self.secured = True
        container = None if self.request is None else nas.encode(self.request)
        fields: dict[str, object] = {
            "imeisv": Imeisv("3569380356438091"),
            "nas_message_container": container,
        }
        self.say(nas.SecurityModeComplete(**{**fields, **more}), INTEGRITY_CIPHERED_NEW)  # type: ignore[arg-type]

    @property
    def s_tmsi(self) -> STmsi:
        assert self.guti is not None
        return self.guti.s_tmsi


def run(test: Callable[[World], Coroutine[object, None, R]], **settings: object) -> R:
    """Run a test on virtual time, in a world of its own, and see that nothing is left behind."""

    async def main() -> R:
        world = World(**settings)  # type: ignore[arg-type]
        try:
            return await test(world)
        finally:
            await world.amf.stop()
            assert world.amf.runtime.busy == 0
            bugs = [cause for cause in world.causes() if "bug" in cause]
            assert not bugs, bugs

    return run_virtual(main())
