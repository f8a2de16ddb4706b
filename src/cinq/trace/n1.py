"""NAS inside NGAP: envelopes opened, 5GMM and 5GSM decoded, identities followed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from msgspec import structs

from cinq.crypto import aka, kdf
from cinq.numbering import Guti, MobileIdentity, PlmnId, STmsi, Suci, SuciNai, Supi
from cinq.trace.bounded import Bounded
from cinq.trace.detail import cause, eap_packet
from cinq.trace.keys import Keys
from cinq.trace.message import Arrival, Subject, TracedMessage
from cinq.trace.security import Opened, UeSecurity
from cinq.wire import eap, nas
from cinq.wire.examined import Examined
from cinq.wire.nas import NasError, Protected

_N1_SM_INFORMATION = 1


@dataclass(eq=False, slots=True)
class Connection:
    """A UE-associated NGAP connection, or what stands in for one. plmns: serving networks that were named in it."""

    subject: Subject
    plmns: list[PlmnId] = field(default_factory=list)


class N1:
    """The NAS of all UEs of a capture."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._security: Bounded[Subject, UeSecurity] = Bounded()
        self._by_tmsi: Bounded[STmsi, Subject] = Bounded()
        self._by_supi: Bounded[Supi, Subject] = Bounded()
        self._by_suci: Bounded[Suci, Subject] = Bounded()
        self.by_address: Bounded[str, Subject] = Bounded()

    def security(self, ue: Connection) -> UeSecurity:
        """The security of the UE that a connection has turned out to be."""
        subject = ue.subject.root()
        found = self._security.get(subject)
        if found is None:
            found = self._security[subject] = UeSecurity()
        return found

    def read(self, at: Arrival, octets: bytes, uplink: bool, ue: Connection) -> list[TracedMessage]:
        """The message in a NAS PDU, and the 5GSM message it carries."""
        try:
            envelope = nas.decode_envelope(octets)
        except NasError as error:
            return [self._undecoded(at, octets, uplink, ue, str(error))]
        if isinstance(envelope, bytes):
            return self._plain(at, octets, octets, Opened(octets, "not-protected"), uplink, ue)
        self._resolve_early(envelope, ue)
        opened = self.security(ue).open(octets, envelope, uplink)
        if opened.payload is None:
            message = self._undecoded(at, octets, uplink, ue, opened.fault)
            message.integrity = opened.integrity
            return [message]
        return self._plain(at, octets, opened.payload, opened, uplink, ue)

    def _resolve_early(self, envelope: Protected, ue: Connection) -> None:
        """An initial message that is readable says whose context checks it."""
        if envelope.payload[2:3] not in _NAMING or envelope.payload[0] != nas.GmmMessage.EPD:
            return
        try:
            message = nas.decode(envelope.payload)
        except NasError:
            return
        self._identify(_identity(message), ue)

    def _ends(self, uplink: bool, far: str) -> tuple[str, str]:
        return ("UE", far) if uplink else (far, "UE")

    def _undecoded(
        self, at: Arrival, octets: bytes, uplink: bool, ue: Connection, fault: str, far: str = "AMF"
    ) -> TracedMessage:
        message = TracedMessage(at, "n1", *self._ends(uplink, far), "NAS", octets)
        message.subject, message.fault = ue.subject, fault
        return message

    def _plain(
        self, at: Arrival, octets: bytes, payload: bytes, opened: Opened, uplink: bool, ue: Connection
    ) -> list[TracedMessage]:
        examined = nas.examine(payload)
        message = examined.message
        if message is None:
            undecoded = self._undecoded(at, payload, uplink, ue, "; ".join(examined.faults))
            undecoded.integrity = opened.integrity
            return [undecoded]
        far = "SMF" if isinstance(message, nas.GsmMessage) else "AMF"
        shown = self._shown(at, self._ends(uplink, far), payload, examined, message)
        shown.subject = ue.subject
        if examined.whole:  # from others nothing is learnt
            opened = self._learn(octets, message, opened, ue)
        shown.integrity = opened.integrity
        found = self._containers(shown, message, examined.raw, opened, ue)
        if isinstance(message, nas.ULNASTransport | nas.DLNASTransport):
            kind: object = getattr(message, "payload_container_type", None)
            payload_container: object = getattr(message, "payload_container", None)
            if kind == _N1_SM_INFORMATION and isinstance(payload_container, bytes):
                found.append(self._session_message(at, payload_container, opened, uplink, ue))
        return found

    def _shown(
        self,
        at: Arrival,
        ends: tuple[str, str],
        octets: bytes,
        examined: Examined[nas.NasMessage],
        message: nas.NasMessage,
    ) -> TracedMessage:
        return TracedMessage(
            at,
            "n1",
            *ends,
            type(message).__name__,
            octets,
            partial(_facts, message, examined.raw),
            message if examined.whole else None,
            cause(message),
            fault="; ".join(examined.faults),
        )

    def _containers(
        self,
        shown: TracedMessage,
        message: nas.NasMessage,
        raw: dict[str, str],
        opened: Opened,
        ue: Connection,
    ) -> list[TracedMessage]:
        """The message itself, with the NAS message container it may have decoded in its place."""
        container: object = getattr(message, "nas_message_container", None)
        if not isinstance(container, bytes):
            return [shown]
        inner = self._container(container, message, opened, ue)
        if inner is not None:
            shown.facts = partial(_facts, message, raw, inner)
            return [shown]
        hidden = structs.replace(
            shown, message="NAS message container", octets=container, facts=None, content=None
        )
        hidden.fault = "ciphered, and no key fits"
        return [shown, hidden]

    def _container(
        self, octets: bytes, message: nas.NasMessage, opened: Opened, ue: Connection
    ) -> nas.NasMessage | None:
        initial = not isinstance(message, nas.SecurityModeComplete)
        plain = self.security(ue).container(octets, opened) if initial else octets
        return None if plain is None else nas.examine(plain).message

    def _session_message(
        self, at: Arrival, octets: bytes, opened: Opened, uplink: bool, ue: Connection
    ) -> TracedMessage:
        examined = nas.examine(octets)
        message = examined.message
        if message is None:
            return self._undecoded(at, octets, uplink, ue, "; ".join(examined.faults), "SMF")
        shown = self._shown(at, self._ends(uplink, "SMF"), octets, examined, message)
        shown.subject, shown.integrity = ue.subject, opened.integrity
        if isinstance(message, nas.PDUSessionEstablishmentAccept):
            address = message.pdu_address
            if address is not None and address.ipv4 is not None:
                self.address(str(address.ipv4), ue.subject)
        return shown

    def address(self, address: str, subject: Subject) -> None:
        """A UE's address in an accept: the PFCP session that had it last without a SUPI is this UE's."""
        known = self.by_address.get(address)
        if known is not None and known.root().supi is None:
            known.becomes(subject)
        self.by_address[address] = subject

    def _learn(self, octets: bytes, message: nas.NasMessage, opened: Opened, ue: Connection) -> Opened:
        """Follows identities and keys. Integrity may be known better after it."""
        if type(message) not in _TELLING:
            return opened
        self._identify(_identity(message), ue)
        match message:
            case nas.AuthenticationRequest(rand=bytes() as rand, autn=bytes() as autn):
                self._challenge(message, rand, autn, ue)
            case nas.AuthenticationRequest(eap_message=bytes() as octets_of_eap):
                self._eap_challenge(message, octets_of_eap, ue)
            case nas.AuthenticationResponse(res=bytes() as res):
                self.security(ue).response(res)
            case nas.AuthenticationResponse(eap_message=bytes() as octets_of_eap):
                if (packet := eap_packet(octets_of_eap)) is not None and packet.res is not None:
                    self.security(ue).response(packet.res)
            case nas.SecurityModeCommand():
                integrity, supi = self.security(ue).command(octets, message)
                if supi is not None:
                    self.permanent(supi, ue.subject)
                if opened.integrity in ("unchecked", "failed"):
                    return replace(opened, integrity=integrity)
            case (
                nas.RegistrationAccept(guti=Guti() as guti)
                | nas.ConfigurationUpdateCommand(guti=Guti() as guti)
            ):
                self._by_tmsi[guti.s_tmsi] = ue.subject
        return opened

    def _challenge(
        self, message: nas.AuthenticationRequest, rand: bytes, autn: bytes, ue: Connection
    ) -> None:
        answers = self._answers(rand, autn, ue)
        names = [kdf.snn(plmn.mcc, plmn.mnc) for plmn in ue.plmns]
        self.security(ue).challenge(answers, message, rand, names)

    def _eap_challenge(self, message: nas.AuthenticationRequest, octets: bytes, ue: Connection) -> None:
        """EAP-Request/AKA'-Challenge, RFC 9048 §3; other methods and subtypes give no keys."""
        packet = eap_packet(octets)
        if packet is None or (packet.method, packet.kdf) != (eap.AKA_PRIME, 1):
            return
        rand, autn, name = packet.rand, packet.autn, packet.network_name
        if rand and autn and name:
            self.security(ue).eap_challenge(self._answers(rand, autn, ue), message, name)

    def _answers(self, rand: bytes, autn: bytes, ue: Connection) -> list[tuple[Supi, aka.Challenge]]:
        """Who may be challenged; where that is one subscriber only, the UE is that one."""
        answers = self._keys.challenged(ue.subject.root().supi, rand, autn)
        if len(answers) == 1:
            self.permanent(answers[0][0], ue.subject)
        return answers

    def _identify(self, identity: MobileIdentity | None, ue: Connection) -> None:
        root = ue.subject.root()
        if isinstance(identity, Suci):
            if identity.plmn not in ue.plmns:
                ue.plmns.append(identity.plmn)
            self._concealed(identity, ue.subject)
        elif isinstance(identity, SuciNai):
            root.call(_short(identity))
        elif isinstance(identity, Guti | STmsi):
            self.temporary(identity.s_tmsi if isinstance(identity, Guti) else identity, ue)

    def concealed(self, identity: Suci) -> Subject:
        """The UE that shows this SUCI."""
        subject = Subject(_short(identity))
        self._concealed(identity, subject)
        return subject

    def _concealed(self, identity: Suci, subject: Subject) -> None:
        supi = self._keys.supi_of(identity)
        if supi is not None:
            self.permanent(supi, subject)
        elif subject.root().supi is None:
            subject.root().call(_short(identity))
        self.join(subject, self._by_suci.setdefault(identity, subject.root()))

    def anchored(self, supi: Supi, kseaf: bytes) -> None:
        """A K_SEAF that the network gave for a UE, after its challenge was answered."""
        subject = Subject(str(supi))
        self.permanent(supi, subject)
        self.security(Connection(subject)).anchor(supi, kseaf)

    def permanent(self, supi: Supi, subject: Subject) -> None:
        """A SUPI: the UE that had it before in this capture is the same."""
        subject.root().supi = supi
        self.join(subject, self._by_supi.setdefault(supi, subject.root()))

    def join(self, subject: Subject, known: Subject) -> None:
        """Two subjects are one UE: the security contexts of both stay in use."""
        mine = subject.root()
        subject.becomes(known)
        root = subject.root()
        if root is not mine and mine in self._security:
            security = self._security.pop(mine)
            if root in self._security:
                security.inherit(self._security[root])
            self._security[root] = security

    def temporary(self, identity: STmsi, ue: Connection) -> None:
        """A 5G-S-TMSI: the UE it was given to in this capture, else a name."""
        known = self._by_tmsi.get(identity)
        if known is not None:
            self.join(ue.subject, known)
        elif ue.subject.root().supi is None:
            ue.subject.call(f"5g-s-tmsi-{identity.octets.hex()}")


_NAMING = [
    bytes((kind.TYPE,))
    for kind in (
        nas.RegistrationRequest,
        nas.IdentityResponse,
        nas.DeregistrationRequestUEOriginating,
        nas.ServiceRequest,
    )
]
"""The message types of _identity()."""
_TELLING = frozenset(
    (
        nas.RegistrationRequest,
        nas.IdentityResponse,
        nas.DeregistrationRequestUEOriginating,
        nas.ServiceRequest,
        nas.AuthenticationRequest,
        nas.AuthenticationResponse,
        nas.SecurityModeCommand,
        nas.RegistrationAccept,
        nas.ConfigurationUpdateCommand,
    )
)
"""The messages that _learn() learns from."""


def _facts(
    message: nas.NasMessage, raw: dict[str, str], inner: nas.NasMessage | None = None
) -> Mapping[str, object]:
    """A message for programs. inner: what its NAS message container holds."""
    facts: dict[str, object] = dict(nas.plain(message))
    packet = eap_packet(getattr(message, "eap_message", None))
    if packet is not None:
        facts["eap_message"] = eap.plain(packet)
    if inner is not None:
        facts["nas_message_container"] = nas.plain(inner)
    return facts | ({"not_read": raw} if raw else {})


def _short(identity: Suci | SuciNai) -> str:
    text = str(identity)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _identity(message: nas.NasMessage) -> MobileIdentity | None:
    match message:
        case (
            nas.RegistrationRequest(mobile_identity=identity)
            | nas.IdentityResponse(mobile_identity=identity)
            | nas.DeregistrationRequestUEOriginating(mobile_identity=identity)
        ):
            return identity
        case nas.ServiceRequest(s_tmsi=identity):
            return identity
    return None
