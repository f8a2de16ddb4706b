"""A scripted core: it plays AMF and SMF on N2 and N1, in memory, and does what a test tells it.

It keeps to the specification unless a test overrides one of the `on_` methods or sends something by hand.
"""

from __future__ import annotations

import asyncio
from ipaddress import IPv4Address

from cinq.crypto import aka, kdf, suci
from cinq.crypto.nas_security import DOWNLINK, UPLINK, NasSecurity
from cinq.numbering import AmfId, Guti, PlmnId, SNssai, Suci, Supi, Tai, msin_digits
from cinq.procedure import Runtime
from cinq.ran.gnb import Gnb, GnbSettings
from cinq.ran.gnb.bearers import RanPlane
from cinq.ran.ue import Ue, UeSettings
from cinq.transport.sctp import AssociationHandler
from cinq.wire import nas, ngap
from cinq.wire.nas import SecurityHeader

from .transfers import UPF, qos, transfer

__all__ = ["UPF", "Core", "CoreUe", "Radio", "qos", "settle", "transfer"]
K = bytes.fromhex("465b5ce8b199b49faa5f0a2ee238a6bc")
OPC = bytes.fromhex("e8ed289deba952e4283b54e88e6183ca")
HOME_KEY = bytes.fromhex("10c9c67e861a5625a1db8f684123896d9b3506199d3df1968e07b6c8448bb147")
AMF_ID = AmfId(1, 1, 0)


DEFAULT_RULE = nas.QosRule(
    1, default=True, packet_filters=(nas.PacketFilter(1, components=nas.MATCH_ALL),), precedence=255, qfi=9
)


class Entropy:
    """Numbered octets instead of random ones."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, size: int) -> bytes:
        self.count += 1
        return self.count.to_bytes(size, "big")


class CoreUe:
    """What the core knows of one UE-associated connection."""

    def __init__(self, amf_id: int, ran_id: int) -> None:
        self.amf_id, self.ran_id = amf_id, ran_id
        self.supi: Supi | None = None
        self.kamf = b""
        self.ksi = 0
        self.security: NasSecurity | None = None
        self.vector: aka.AuthenticationVector | None = None
        self.request: nas.RegistrationRequest | None = None
        self.guti: Guti | None = None
        self.plain: list[nas.NasMessage] = []
        self.tunnels: dict[int, ngap.PDUSessionResourceSetupResponseTransfer] = {}


class Core:
    """An in-memory AMF: an Association for the gNB at one end, its handler at the other."""

    outbound_streams = 4

    def __init__(self, integrity: int = 2, ciphering: int = 2) -> None:
        self.integrity, self.ciphering = integrity, ciphering
        self.handler: AssociationHandler | None = None
        self.ues: dict[int, CoreUe] = {}
        self.by_guti: dict[Guti, CoreUe] = {}
        self.heard: list[ngap.Pdu] = []
        self.octets: list[tuple[int, bytes]] = []
        self.said: list[str] = []
        self.sqn = 32
        self.refuse_setup = 0
        self.silent: set[type] = set()
        self.abba = b"\0\0"
        self.t3512 = 540
        self.areas: tuple[int, ...] = (1,)
        self.reject_registration: int | None = None
        self.aborted = ""
        self._next = 1

    # the association, as the gNB holds it

    async def connect(self, handler: AssociationHandler) -> Core:
        self.handler = handler
        return self

    @property
    def local(self) -> tuple[str, int]:
        return "10.99.0.2", 1

    @property
    def remote(self) -> tuple[str, int]:
        return "10.99.0.1", 38412

    def send(self, octets: bytes, *, stream: int = 0, ppid: int = 60) -> None:
        assert ppid == 60
        self.octets.append((stream, octets))
        asyncio.get_running_loop().call_soon(self._receive, octets)

    async def alive(self, within: float = 2.0) -> bool:
        return self.handler is not None

    async def close(self, timeout: float = 2.0) -> None:  # noqa: ASYNC109  # as the Protocol has it
        self.lose("closed")

    def abort(self, reason: str = "") -> None:
        self.aborted = reason
        self.lose(reason)

    def lose(self, reason: str) -> None:
        handler, self.handler = self.handler, None
        if handler is not None:
            handler.lost(reason)

    # what the core says

    def tell(self, message: ngap.Pdu) -> None:
        self.tell_octets(ngap.encode(message))

    def tell_octets(self, octets: bytes) -> None:
        if self.handler is not None:
            asyncio.get_running_loop().call_soon(self.handler.message, octets, 0, 60)

    def nas(self, ue: CoreUe, message: nas.NasMessage, header: SecurityHeader | None = None) -> bytes:
        self.said.append(message.NAME)
        octets = nas.encode(message)
        if ue.security is None or header is SecurityHeader.PLAIN:
            return octets
        return ue.security.protect(octets, header or SecurityHeader.INTEGRITY_CIPHERED, DOWNLINK)

    def down(self, ue: CoreUe, message: nas.NasMessage, header: SecurityHeader | None = None) -> None:
        self.down_octets(ue, self.nas(ue, message, header))

    def down_octets(self, ue: CoreUe, octets: bytes) -> None:
        self.tell(
            ngap.DownlinkNASTransport(amf_ue_ngap_id=ue.amf_id, ran_ue_ngap_id=ue.ran_id, nas_pdu=octets)
        )

    def release(self, ue: CoreUe, cause: ngap.CauseNas = "normal-release") -> None:
        pair = ngap.UENGAPIDpair(amf_ue_ngap_id=ue.amf_id, ran_ue_ngap_id=ue.ran_id)
        self.tell(ngap.UEContextReleaseCommand(ue_ngap_ids=("uE-NGAP-ID-pair", pair), cause=("nas", cause)))

    # what the core hears

    def _receive(self, octets: bytes) -> None:
        message = ngap.decode(octets)
        self.heard.append(message)
        if type(message) in self.silent:
            return
        match message:
            case ngap.NGSetupRequest():
                self.on_ng_setup(message)
            case ngap.InitialUEMessage():
                self.on_initial(message)
            case ngap.UplinkNASTransport():
                self.on_nas(self.ues[message.amf_ue_ngap_id], message.nas_pdu)
            case ngap.UEContextReleaseRequest():
                self.release(self.ues[message.amf_ue_ngap_id])
            case ngap.PDUSessionResourceSetupResponse():
                self.on_session_resources(message)

    def on_ng_setup(self, message: ngap.NGSetupRequest) -> None:
        if self.refuse_setup:
            self.refuse_setup -= 1
            self.tell(ngap.NGSetupFailure(cause=("misc", "unknown-PLMN-or-SNPN"), time_to_wait="v10s"))
            return
        guami = ngap.GUAMI(
            plmn_identity=bytes.fromhex("99f907"), amf_region_id=1, amf_set_id=1, amf_pointer=0
        )
        supported = ngap.PLMNSupportItem(
            plmn_identity=bytes.fromhex("99f907"),
            slice_support_list=[ngap.SliceSupportItem(s_nssai=ngap.SNSSAI(sst=b"\1"))],
        )
        self.tell(
            ngap.NGSetupResponse(
                amf_name="scripted",
                served_guami_list=[ngap.ServedGUAMIItem(guami=guami)],
                relative_amf_capacity=255,
                plmn_support_list=[supported],
            )
        )

    def on_initial(self, message: ngap.InitialUEMessage) -> None:
        ue = CoreUe(self._next, message.ran_ue_ngap_id)
        self._next += 1
        octets = message.nas_pdu
        inner = nas.decode_envelope(octets)
        known = None
        if isinstance(inner, nas.Protected):
            plain = nas.decode(inner.payload)
            identity = getattr(plain, "mobile_identity", None) or getattr(plain, "s_tmsi", None)
            known = next((u for g, u in self.by_guti.items() if identity in (g, g.s_tmsi)), None)
        if known is not None:
            ue.__dict__.update(known.__dict__ | {"amf_id": ue.amf_id, "ran_id": ue.ran_id, "plain": []})
        self.ues[ue.amf_id] = ue
        self.on_nas(ue, octets)

    def on_nas(self, ue: CoreUe, octets: bytes) -> None:
        envelope = nas.decode_envelope(octets)
        if isinstance(envelope, bytes):
            message = nas.decode(envelope)
        elif ue.security is None:
            message = nas.decode(envelope.payload)
        else:
            message = nas.decode(ue.security.verify(octets, UPLINK))
        container = getattr(message, "nas_message_container", None)
        if container is not None and ue.security is not None:
            if not isinstance(message, nas.SecurityModeComplete):
                container = ue.security.cipher(container, UPLINK, ue.security.last_ul_count)
            inner = nas.decode(container)
            ue.plain.append(inner)
            if isinstance(message, nas.SecurityModeComplete):
                assert isinstance(inner, nas.RegistrationRequest)
                ue.request = inner
            else:
                message = inner
        ue.plain.append(message)
        if type(message) not in self.silent:
            self.on_message(ue, message)

    def on_message(self, ue: CoreUe, message: nas.NasMessage) -> None:
        match message:
            case nas.RegistrationRequest():
                self.on_registration(ue, message)
            case nas.IdentityResponse():
                self._identified(ue, message.mobile_identity)
            case nas.AuthenticationResponse():
                self.on_authentication_response(ue, message)
            case nas.AuthenticationFailure() if message.auts is not None:
                assert ue.vector is not None
                algorithm = aka.functions("milenage")
                self.sqn = aka.auts_sqn(algorithm, K, OPC, ue.vector.rand, message.auts) + 32
                self.challenge(ue)
            case nas.SecurityModeComplete():
                self.on_secure(ue)
            case nas.ULNASTransport():
                self.on_gsm(ue, nas.decode(message.payload_container))
            case nas.DeregistrationRequestUEOriginating():
                if not message.deregistration_type.switch_off:
                    self.down(ue, nas.DeregistrationAcceptUEOriginating())
                self.release(ue, "deregister")
            case nas.ServiceRequest():
                self.on_service(ue, message)

    # 5GMM

    def on_registration(self, ue: CoreUe, request: nas.RegistrationRequest) -> None:
        ue.request = request
        if self.reject_registration is not None:
            header = None if ue.security is not None else SecurityHeader.PLAIN
            self.down(ue, nas.RegistrationReject(cause=self.reject_registration), header)
            self.release(ue)
        elif ue.security is not None:
            self.accept(ue)
        elif isinstance(request.mobile_identity, Suci):
            self._identified(ue, request.mobile_identity)
        else:
            self.down(ue, nas.IdentityRequest(identity_type=nas.IdentityType.SUCI))

    def _identified(self, ue: CoreUe, identity: object) -> None:
        assert isinstance(identity, Suci)
        output = identity.output
        if identity.scheme:
            output = suci.deconceal(identity.scheme, HOME_KEY, output)
        ue.supi = Supi(identity.plmn.mcc + identity.plmn.mnc + msin_digits(output))
        self.challenge(ue)

    def challenge(self, ue: CoreUe) -> None:
        self.sqn += 32
        rand = self.sqn.to_bytes(16, "big")
        algorithm = aka.functions("milenage")
        ue.vector = aka.generate_vector(algorithm, K, OPC, rand, self.sqn, b"\x80\0", kdf.snn("999", "70"))
        ue.ksi = (ue.ksi + 1) % 7
        self.down(
            ue,
            nas.AuthenticationRequest(
                ng_ksi=nas.NgKsi(ue.ksi), abba=self.abba, rand=rand, autn=ue.vector.autn
            ),
        )

    def on_authentication_response(self, ue: CoreUe, message: nas.AuthenticationResponse) -> None:
        assert ue.vector is not None
        assert ue.supi is not None
        assert message.res == ue.vector.xres_star
        kseaf = kdf.kseaf(ue.vector.kausf, kdf.snn("999", "70"))
        ue.kamf = kdf.kamf(kseaf, ue.supi.imsi, self.abba)
        ue.security = NasSecurity.from_kamf(ue.kamf, self.integrity, self.ciphering)
        self.command_security(ue)

    def security_mode_command(self, ue: CoreUe) -> nas.SecurityModeCommand:
        assert ue.request is not None
        assert ue.request.ue_security_capability is not None
        return nas.SecurityModeCommand(
            algorithms=nas.NasAlgorithms(self.ciphering, self.integrity),
            ng_ksi=nas.NgKsi(ue.ksi),
            replayed_ue_security_capability=ue.request.ue_security_capability,
            imeisv_request=True,
            additional_security_information=nas.AdditionalSecurityInformation(retransmission_requested=True),
        )

    def command_security(self, ue: CoreUe) -> None:
        self.down(ue, self.security_mode_command(ue), SecurityHeader.INTEGRITY_NEW)

    def on_secure(self, ue: CoreUe) -> None:
        self.accept(ue)

    def accept(self, ue: CoreUe) -> None:
        assert ue.security is not None
        ue.guti = Guti(Tai.from_octets(bytes.fromhex("99f907000001")).plmn, AMF_ID, 0xC0000000 + ue.amf_id)
        self.by_guti[ue.guti] = ue
        accept = nas.RegistrationAccept(
            registration_result=nas.RegistrationResult(),
            guti=ue.guti,
            tai_list=[Tai(PlmnId("999", "70"), tac) for tac in self.areas],
            allowed_nssai=[SNssai(1)],
            t3512=self.t3512,
        )
        kgnb = kdf.kgnb(ue.kamf, ue.security.last_ul_count)
        self.tell(self.context_setup(ue, self.nas(ue, accept), kgnb))

    def context_setup(
        self, ue: CoreUe, octets: bytes, kgnb: bytes, sessions: dict[int, bytes] | None = None
    ) -> ngap.InitialContextSetupRequest:
        capabilities = ngap.UESecurityCapabilities(
            nr_encryption_algorithms=(0xE000, 16),
            nr_integrity_protection_algorithms=(0xE000, 16),
            eutra_encryption_algorithms=(0, 16),
            eutra_integrity_protection_algorithms=(0, 16),
        )
        items = [
            ngap.PDUSessionResourceSetupItemCxtReq(
                pdu_session_id=psi,
                s_nssai=ngap.SNSSAI(sst=b"\1"),
                pdu_session_resource_setup_request_transfer=transfer,
            )
            for psi, transfer in (sessions or {}).items()
        ]
        return ngap.InitialContextSetupRequest(
            amf_ue_ngap_id=ue.amf_id,
            ran_ue_ngap_id=ue.ran_id,
            guami=ngap.GUAMI(
                plmn_identity=bytes.fromhex("99f907"), amf_region_id=1, amf_set_id=1, amf_pointer=0
            ),
            allowed_nssai=[ngap.AllowedNSSAIItem(s_nssai=ngap.SNSSAI(sst=b"\1"))],
            ue_security_capabilities=capabilities,
            security_key=int.from_bytes(kgnb, "big"),
            pdu_session_resource_setup_list_cxt_req=items or None,
            nas_pdu=octets,
        )

    def on_service(self, ue: CoreUe, request: nas.ServiceRequest) -> None:
        assert ue.security is not None
        kgnb = kdf.kgnb(ue.kamf, ue.security.last_ul_count)
        sessions = {psi: transfer(psi) for psi in request.uplink_data_status or ()}
        octets = self.nas(ue, nas.ServiceAccept(pdu_session_status=request.pdu_session_status))
        self.tell(self.context_setup(ue, octets, kgnb, sessions))

    # 5GSM

    def on_gsm(self, ue: CoreUe, message: nas.NasMessage) -> None:
        match message:
            case nas.PDUSessionEstablishmentRequest():
                self.on_establishment(ue, message)
            case nas.PDUSessionReleaseRequest():
                command = nas.PDUSessionReleaseCommand(
                    pdu_session_id=message.pdu_session_id, pti=message.pti, cause=36
                )
                self.release_session(ue, command)

    def on_establishment(self, ue: CoreUe, request: nas.PDUSessionEstablishmentRequest) -> None:
        psi = request.pdu_session_id
        accept = nas.PDUSessionEstablishmentAccept(
            pdu_session_id=psi,
            pti=request.pti,
            selected_pdu_session_type=nas.PduSessionType.IPV4,
            selected_ssc_mode=nas.SscMode.SSC_MODE_1,
            authorized_qos_rules=[DEFAULT_RULE],
            session_ambr=nas.SessionAmbr(downlink_bps=10**9, uplink_bps=10**8),
            pdu_address=nas.PduAddress(ipv4=IPv4Address(f"10.45.0.{ue.amf_id % 250 + 1}")),
            extended_pco=[
                (nas.EPCO_IPV4_LINK_MTU, (1380).to_bytes(2, "big")),
                (nas.EPCO_DNS_SERVER_IPV4, bytes((8, 8, 8, 8))),
            ],
            dnn="internet",
            s_nssai=SNssai(1),
        )
        item = ngap.PDUSessionResourceSetupItemSUReq(
            pdu_session_id=psi,
            pdu_session_nas_pdu=self.nas(ue, in_transport(accept)),
            s_nssai=ngap.SNSSAI(sst=b"\1"),
            pdu_session_resource_setup_request_transfer=transfer(psi),
        )
        self.tell(
            ngap.PDUSessionResourceSetupRequest(
                amf_ue_ngap_id=ue.amf_id,
                ran_ue_ngap_id=ue.ran_id,
                pdu_session_resource_setup_list_su_req=[item],
            )
        )

    def release_session(self, ue: CoreUe, command: nas.PDUSessionReleaseCommand) -> None:
        release = ngap.PDUSessionResourceReleaseCommandTransfer(cause=("nas", "normal-release"))
        item = ngap.PDUSessionResourceToReleaseItemRelCmd(
            pdu_session_id=command.pdu_session_id,
            pdu_session_resource_release_command_transfer=ngap.encode_value(release),
        )
        self.tell(
            ngap.PDUSessionResourceReleaseCommand(
                amf_ue_ngap_id=ue.amf_id,
                ran_ue_ngap_id=ue.ran_id,
                nas_pdu=self.nas(ue, in_transport(command)),
                pdu_session_resource_to_release_list_rel_cmd=[item],
            )
        )

    def on_session_resources(self, message: ngap.PDUSessionResourceSetupResponse) -> None:
        ue = self.ues[message.amf_ue_ngap_id]
        for item in message.pdu_session_resource_setup_list_su_res or ():
            ue.tunnels[item.pdu_session_id] = ngap.decode_value(
                ngap.PDUSessionResourceSetupResponseTransfer,
                item.pdu_session_resource_setup_response_transfer,
            )

    # looking back

    def names(self) -> list[str]:
        """What the gNB sent, by name."""
        return [type(message).__name__ for message in self.heard]

    def last(self) -> CoreUe:
        return self.ues[max(self.ues)]


def in_transport(message: nas.GsmMessage) -> nas.DLNASTransport:
    return nas.DLNASTransport(
        payload_container_type=nas.PayloadContainerType.N1_SM_INFORMATION,
        payload_container=nas.encode(message),
        pdu_session_id=message.pdu_session_id,
    )


class Radio:
    """A gNB and UEs on a scripted core."""

    def __init__(
        self,
        core: Core,
        plane: RanPlane | None = None,
        settings: GnbSettings = GnbSettings(),  # noqa: B008  # frozen
    ) -> None:
        self.core = core
        self.runtime = Runtime("RAN")
        self.gnb = Gnb(settings, core.connect, self.runtime, Entropy())
        if plane is not None:
            self.gnb.bearers.use(plane)

    async def up(self) -> None:
        self.gnb.start()
        await self.gnb.up()

    def ue(self, settings: UeSettings = UeSettings()) -> Ue:  # noqa: B008  # frozen
        return Ue(settings, self.gnb, self.runtime, Entropy())


async def settle(turns: int = 40) -> None:
    """Let everything that can run do so."""
    for _ in range(turns):
        await asyncio.sleep(0)
