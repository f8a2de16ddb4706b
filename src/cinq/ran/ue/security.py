"""NAS security at the UE, TS 24.501 §4.4: contexts, and what may pass unprotected, unciphered or unchecked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from cinq.crypto import kdf
from cinq.crypto.nas_security import DOWNLINK, NO_COUNT, UPLINK, NasSecurity, NasSecurityError
from cinq.ran.radio.port import Reconfiguration
from cinq.ran.ue.as_keys import AsChain
from cinq.ran.ue.context import Received
from cinq.ran.ue.home import HomeNetwork
from cinq.wire import eap, nas
from cinq.wire.nas import GmmCause, SecurityHeader

_NEW = (SecurityHeader.INTEGRITY_NEW, SecurityHeader.INTEGRITY_CIPHERED_NEW)
_CIPHERED = (SecurityHeader.INTEGRITY_CIPHERED, SecurityHeader.INTEGRITY_CIPHERED_NEW)
_REJECTS_THAT_NEED_INTEGRITY = frozenset((76, 78))  # §4.4.4.2 e) and g)


class Discarded(Exception):
    """The message is discarded, for this reason; nothing is answered."""


@dataclass(slots=True)
class KeySet:
    """The outcome of one authentication. ksi: 0 to 6. kamf, kseaf, kausf: 32 octets. imsi: what KAMF is bound to."""

    ksi: int
    kamf: bytes = field(repr=False)
    abba: bytes = b"\0\0"
    kseaf: bytes = field(default=b"", repr=False)
    imsi: str = ""
    kausf: bytes = field(default=b"", repr=False)

    @classmethod
    def of(cls, ksi: int, kseaf: bytes, imsi: str, abba: bytes, kausf: bytes = b"") -> KeySet:
        return cls(ksi, kdf.kamf(kseaf, imsi, abba), abba, kseaf, imsi, kausf)

    def with_abba(self, abba: bytes) -> KeySet:
        """The same keys for an ABBA that came with EAP-Success, TS 33.501 §6.1.3.1."""
        return (
            self
            if abba == self.abba or not self.kseaf
            else self.of(self.ksi, self.kseaf, self.imsi, abba, self.kausf)
        )


@dataclass(slots=True)
class NativeContext:
    """A 5G NAS security context in use: KAMF with algorithms, keys and COUNTs."""

    keys: KeySet
    nas: NasSecurity


@dataclass(frozen=True, slots=True)
class Envelope:
    """How a bench wraps octets (station.py). header: security header type, 0 to 15; 2 and 4 are ciphered, 0 is plain.

    count: None takes the next COUNT and uses it up; another number leaves the context as it was. mac: 4 octets in place
    of the right MAC. sequence_number: in place of the low 8 bits of COUNT, after the MAC was made. under: another
    context than the one in use.
    """

    header: int = SecurityHeader.INTEGRITY_CIPHERED
    count: int | None = None
    mac: bytes | None = None
    sequence_number: int | None = None
    under: NasSecurity | None = None


PLAIN = Envelope(SecurityHeader.PLAIN)


class N1Security:
    """current: the context in use. partial: keys of an authentication that no SECURITY MODE COMMAND has used yet.

    secure_exchange: the network has established it on this N1 connection. candidate: the context that a SECURITY
    MODE COMMAND was checked with, taken into use by the procedure. home: what the home network says under K_AUSF.
    """

    __slots__ = (
        "_as_chain",
        "_asked",
        "candidate",
        "current",
        "home",
        "initial",
        "partial",
        "secure_exchange",
    )

    def __init__(self) -> None:
        self.home = HomeNetwork()
        self.current: NativeContext | None = None
        self.partial: KeySet | None = None
        self.candidate: NativeContext | None = None
        self.secure_exchange = False
        self.initial: nas.NasMessage | None = None
        self._asked = 0
        self._as_chain: AsChain | None = None

    @property
    def as_chain(self) -> AsChain | None:
        """The keys of the access stratum on this connection; None without a NAS security context.

        They begin with the last initial message or SECURITY MODE COMPLETE (TS 33.501 §6.8.1.2.2, annex A.9).
        """
        if self._as_chain is None and self.current is not None:
            self._as_chain = AsChain.begin(self.current.keys.kamf, self._asked)
        return self._as_chain

    def _as_begins(self) -> None:
        """The message that was protected last is what K_gNB is derived from."""
        assert self.current is not None
        self._asked, self._as_chain = self.current.nas.last_ul_count, None

    def hand_over(self, told: Reconfiguration, sent: bytes) -> None:
        """TS 33.501 §6.9.2.3.4: the key of another cell, and what a NAS container changes. sent: as for `refusal`.

        Discarded: the container does not hold; everything is as it was.
        """
        context, as_from = self.current, None
        if told.nas:
            context, as_from = relocated(self.current, told.nas, sent)
        chain = self.as_chain
        if told.new_key and context is not None:
            chain = AsChain.begin(context.keys.kamf, self._asked if as_from is None else as_from)
        if chain is not None:
            chain.hand_over(told.ncc, told.pci, told.arfcn)
        self.current, self._as_chain = context, chain

    def released(self) -> None:
        """The N1 connection is over: the next one begins without secure exchange, §4.4.2.5."""
        self.secure_exchange = False
        self.candidate = None
        self.initial = None
        self._as_chain = None

    def delete(self) -> None:
        """The contexts are no longer valid: ngKSI is 'no key is available'."""
        self.current = self.partial = self.candidate = None

    @property
    def ng_ksi(self) -> nas.NgKsi:
        return nas.NO_KEY if self.current is None else nas.NgKsi(self.current.keys.ksi)

    # uplink

    def protect_octets(self, octets: bytes) -> bytes:
        """Plain without a context; ciphered only after the secure exchange was established, §4.4.5."""
        if self.current is None:
            return octets
        header = SecurityHeader.INTEGRITY_CIPHERED if self.secure_exchange else SecurityHeader.INTEGRITY
        return self.current.nas.protect(octets, header, UPLINK)

    def protect_complete(self, octets: bytes) -> bytes:
        """SECURITY MODE COMPLETE, ciphered under the context that it confirms, §5.4.2.3; plain without one."""
        if self.current is None:
            return octets
        protected = self.current.nas.protect(octets, SecurityHeader.INTEGRITY_CIPHERED_NEW, UPLINK)
        self._as_begins()
        return protected

    def protect_initial(self, message: nas.NasMessage | bytes) -> bytes:
        """An initial message, §4.4.6: in clear only what may be, the whole in a ciphered container.

        Without a context the rest waits for SECURITY MODE COMPLETE. Octets, and messages that are none of the three
        initial ones, go whole.
        """
        if not isinstance(message, nas.GmmMessage) or not message.CLEARTEXT:
            return self.protect_octets(message if isinstance(message, bytes) else nas.encode(message))
        clear = message.cleartext()
        self.initial = message
        if self.current is None:
            return nas.encode(clear)
        security = self.current.nas
        if clear != message:
            container = security.cipher(nas.encode(message), UPLINK, security.ul_count)
            clear = clear.replace(nas_message_container=container)
        protected = security.protect(nas.encode(clear), SecurityHeader.INTEGRITY, UPLINK)
        self._as_begins()
        return protected

    def wrap(self, octets: bytes, envelope: Envelope | None) -> bytes:
        """Any octets in any envelope, None as the UE would. Without a context, and for type 0, they stay plain."""
        if envelope is None:
            return self.protect_octets(octets)
        security = envelope.under or (None if self.current is None else self.current.nas)
        if security is None or not envelope.header:
            return octets
        if envelope.count is not None:
            security = replace(security, ul_count=envelope.count)
        known = envelope.header if 1 <= envelope.header <= 4 else SecurityHeader.INTEGRITY
        made = bytearray(security.protect(octets, known, UPLINK))
        made[1] = envelope.header
        if envelope.mac is not None:
            made[2:6] = envelope.mac
        if envelope.sequence_number is not None:
            made[6] = envelope.sequence_number
        return bytes(made)

    # downlink

    def open(self, octets: bytes) -> Received:
        """A NAS message as it came from the radio link.

        Discarded: it may not be processed. nas.NasError: its integrity holds, and it cannot be read (its cause is
        for 5GMM STATUS).
        """
        try:
            envelope = nas.decode_envelope(octets)
        except nas.NasError as error:
            raise Discarded(str(error)) from None
        if isinstance(envelope, bytes):
            return self._plain(envelope, "")
        if envelope.header_type in _NEW:
            return self._security_mode_command(octets, envelope)
        reason = "no NAS security context"
        if self.current is not None:
            try:
                payload = self.current.nas.verify(octets, DOWNLINK)
            except NasSecurityError as error:
                reason = str(error)
            else:
                self.secure_exchange = True
                return Received(nas.decode(payload), payload, True)
        if envelope.header_type in _CIPHERED:
            raise Discarded(reason)
        return self._plain(envelope.payload, reason)

    def _plain(self, octets: bytes, reason: str) -> Received:
        """What the UE processes without an integrity check that held, §4.4.4.2."""
        if self.secure_exchange:
            raise Discarded(reason or "not integrity protected after secure exchange was established")
        try:
            message = nas.decode(octets)
        except nas.NasError as error:
            raise Discarded(str(error)) from None
        if not isinstance(message, nas.GmmMessage) or not message.UNPROTECTED:
            raise Discarded(reason or f"{message.NAME} is not integrity protected")
        if isinstance(message, nas.IdentityRequest) and message.identity_type != nas.IdentityType.SUCI:
            raise Discarded(reason or "asks for an identity other than SUCI without integrity protection")
        rejects = isinstance(message, (nas.RegistrationReject, nas.ServiceReject))
        if rejects and getattr(message, "cause", 0) in _REJECTS_THAT_NEED_INTEGRITY:
            raise Discarded(reason or "this cause is not believed without integrity protection")
        return Received(message, octets, False)

    def _security_mode_command(self, octets: bytes, envelope: nas.Protected) -> Received:
        """Only SECURITY MODE COMMAND has these header types (§9.3); whether its MAC holds is for the procedure."""
        payload = envelope.payload
        if envelope.header_type != SecurityHeader.INTEGRITY_NEW:
            raise Discarded("a downlink message is never ciphered with a new context")
        try:
            message = nas.decode(payload)
        except nas.NasError as error:
            raise Discarded(str(error)) from None
        if not isinstance(message, nas.SecurityModeCommand):
            raise Discarded(f"{message.NAME} with the header of a new security context")
        candidate = self._candidate(message)
        self.candidate = None
        if candidate is None:
            return Received(message, payload, False)
        try:
            candidate.nas.verify(octets, DOWNLINK)
        except NasSecurityError:
            return Received(message, payload, False)
        self.candidate = candidate
        return Received(message, payload, True)

    def _candidate(self, command: nas.SecurityModeCommand) -> NativeContext | None:
        """The context that the command names by its ngKSI: new keys with COUNTs at 0, or the current ones."""
        ksi, algorithms = command.ng_ksi.value, command.algorithms
        if self.partial is not None and self.partial.ksi == ksi:
            keys = self.partial if command.abba is None else self.partial.with_abba(command.abba)
            fresh = NasSecurity.from_kamf(keys.kamf, algorithms.integrity, algorithms.ciphering)
            return NativeContext(keys, fresh)
        if self.current is None or self.current.keys.ksi != ksi:
            return None
        information = command.additional_security_information
        if information is not None and information.horizontal_derivation:  # TS 33.501 §6.9.3
            derived = kdf.kamf_prime(self.current.keys.kamf, UPLINK, self.current.nas.last_ul_count)
            fresh = NasSecurity.from_kamf(derived, algorithms.integrity, algorithms.ciphering)
            return NativeContext(KeySet(ksi, derived, self.current.keys.abba), fresh)
        again = NasSecurity.from_kamf(self.current.keys.kamf, algorithms.integrity, algorithms.ciphering)
        again.ul_count, again.dl_count = self.current.nas.ul_count, self.current.nas.dl_count
        return NativeContext(self.current.keys, again)

    def confirm(self, result: nas.AuthenticationResult) -> None:
        """EAP-Success confirms the keys of the last challenge, with the ABBA that it says; EAP-Failure ends them."""
        try:
            code = eap.decode(result.eap_message).code
        except eap.EapError:
            return
        if code == eap.FAILURE:
            self.partial = None
        elif code == eap.SUCCESS and self.partial is not None and result.abba is not None:
            self.partial = self.partial.with_abba(result.abba)

    def take_into_use(self) -> None:
        """The candidate becomes the current context, and the secure exchange is established."""
        assert self.candidate is not None
        self.current, self.candidate = self.candidate, None
        if self.partial is not None and self.partial.ksi == self.current.keys.ksi:
            self.partial = None
            self.home.renewed(self.current.keys.kausf)
        self.secure_exchange = True


def relocated(current: NativeContext | None, octets: bytes, sent: bytes) -> tuple[NativeContext, int | None]:
    """What an Intra N1 mode NAS transparent container says (TS 24.501 §9.11.2.6), once it is believed.

    Also the COUNT that K_gNB follows from, where KAMF is another (TS 33.501 §6.9.2.3.4, annex A.13). Discarded: the MAC
    does not hold, its COUNT is not new, it is of other keys, or names algorithms that the UE has not said it has.
    """
    try:
        told = nas.IntraN1Container.from_octets(octets)
    except ValueError as error:
        raise Discarded(str(error)) from None
    if current is None or told.ng_ksi != nas.NgKsi(current.keys.ksi):
        raise Discarded(f"NAS container: ngKSI {told.ng_ksi.value} is not of the keys in use")
    has = nas.UeSecurityCapability(sent)
    if told.integrity not in has.ia - {0} or told.ciphering not in has.ea:
        raise Discarded(f"NAS container: NIA{told.integrity}, NEA{told.ciphering} are not the UE's")
    count = current.nas.estimate(DOWNLINK, told.sequence_number)
    keys = current.keys
    if told.new_kamf:
        keys = KeySet(keys.ksi, kdf.kamf_prime(keys.kamf, DOWNLINK, count), keys.abba)
    fresh = NasSecurity.from_kamf(keys.kamf, told.integrity, told.ciphering)
    if not fresh.container_holds(told.mac, told.protected):
        raise Discarded(f"NAS container: its MAC does not hold for downlink COUNT {count}")
    if told.new_kamf:
        return NativeContext(keys, fresh), NO_COUNT
    fresh.ul_count, fresh.dl_count = current.nas.ul_count, count + 1
    return NativeContext(keys, fresh), None


def refusal(settings_integrity: tuple[str, ...], command: nas.SecurityModeCommand, sent: bytes) -> int | None:
    """Why a SECURITY MODE COMMAND whose MAC holds is rejected, §5.4.2.5: a 5GMM cause, or None.

    sent: the UE security capability as the UE sent it, which the network must replay unaltered.
    """
    if command.replayed_ue_security_capability.octets != sent:
        return GmmCause.UE_SECURITY_CAPABILITIES_MISMATCH
    if f"NIA{command.algorithms.integrity}" not in settings_integrity:
        return GmmCause.UE_SECURITY_CAPABILITIES_MISMATCH
    capability = nas.UeSecurityCapability(sent)
    if command.algorithms.ciphering not in capability.ea:
        return GmmCause.UE_SECURITY_CAPABILITIES_MISMATCH
    return None


def capability_of(integrity: Iterable[str], ciphering: Iterable[str]) -> bytes:
    """UE security capability as sent: 5G algorithms, and the same for E-UTRA as multi-mode phones say it."""
    ia, ea = [int(name[3:]) for name in integrity], [int(name[3:]) for name in ciphering]
    return nas.UeSecurityCapability.of(ea, ia, ea, ia).octets
