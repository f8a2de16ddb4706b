"""One UE's NAS security as an onlooker follows it: keys from the captured challenge, algorithms from the command.

TS 33.501 §6.1.3.1 (EAP-AKA'), §6.1.3.2 (5G AKA), §6.7.2 (NAS security mode command).
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field

from cinq.crypto import aka, eap_aka, kdf
from cinq.crypto.nas_security import DOWNLINK, UPLINK, IntegrityError, NasSecurity, ReplayError
from cinq.numbering import Supi
from cinq.trace.message import Integrity
from cinq.wire import nas
from cinq.wire.nas import NasAlgorithms, NasError, Protected, SecurityHeader

_CIPHERED = (SecurityHeader.INTEGRITY_CIPHERED, SecurityHeader.INTEGRITY_CIPHERED_NEW)
_CONTEXTS = 3


@dataclass(frozen=True, slots=True)
class Opened:
    """A NAS PDU without its envelope. payload: None where it stays ciphered, and then `fault` says why."""

    payload: bytes | None
    integrity: Integrity
    fault: str = ""
    context: NasSecurity | None = None


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A KSEAF that one SUPI and serving network name give, with the RES* (of EAP-AKA' the RES) that answers the
    challenge, and so shows that the name is right."""

    supi: Supi
    kseaf: bytes = field(repr=False)
    answer: bytes = field(repr=False)


class UeSecurity:
    """The security contexts of one UE, newest first."""

    def __init__(self) -> None:
        self._candidates: dict[int, list[_Candidate]] = {}
        self._contexts: list[NasSecurity] = []
        self._algorithms: NasAlgorithms | None = None
        self._challenged = 7
        self._abba = b"\0\0"

    def inherit(self, older: UeSecurity) -> None:
        """Takes over what was known of the same UE before."""
        self._candidates = {**older._candidates, **self._candidates}
        self._contexts = [*self._contexts, *older._contexts][:_CONTEXTS]
        self._algorithms = self._algorithms or older._algorithms

    def challenge(
        self,
        answers: list[tuple[Supi, aka.Challenge]],
        request: nas.AuthenticationRequest,
        rand: bytes,
        names: list[str],
    ) -> None:
        """A challenge whose AUTN holds: derives a KSEAF for each SUPI and serving network name that may be meant."""
        self._challenge(
            request,
            [
                _Candidate(supi, kdf.kseaf(found.kausf(name), name), found.res_star(name, rand))
                for supi, found in answers
                for name in names
            ],
        )

    def eap_challenge(
        self, answers: list[tuple[Supi, aka.Challenge]], request: nas.AuthenticationRequest, name: str
    ) -> None:
        """The same of EAP-AKA', which says the serving network name itself."""
        candidates = []
        for supi, found in answers:
            prime = kdf.ck_ik_prime(found.ck, found.ik, name, found.sqn_xor_ak)
            kausf = eap_aka.session_keys(*prime, supi.imsi).kausf
            candidates.append(_Candidate(supi, kdf.kseaf(kausf, name), found.res))
        self._challenge(request, candidates)

    def _challenge(self, request: nas.AuthenticationRequest, candidates: list[_Candidate]) -> None:
        self._candidates[request.ng_ksi.value] = candidates
        self._challenged = request.ng_ksi.value
        self._abba = request.abba

    def anchor(self, supi: Supi, kseaf: bytes) -> None:
        """The key that the last challenge ended with, from one who was told."""
        self._candidates[self._challenged] = [_Candidate(supi, kseaf, b"")]

    def response(self, answer: bytes) -> Integrity:
        """RES* or RES of the UE: says which serving network name was meant, and whether the UE has the key."""
        candidates = self._candidates.get(self._challenged)
        if not candidates:
            return "unchecked"
        right = [each for each in candidates if hmac.compare_digest(each.answer, answer)]
        if right:
            self._candidates[self._challenged] = right
        return "verified" if right else "failed"

    def command(self, octets: bytes, command: nas.SecurityModeCommand) -> tuple[Integrity, Supi | None]:
        """A SECURITY MODE COMMAND, its payload readable: takes the context into use that its MAC belongs to.

        With the SUPI that this shows to be meant. NIA0 shows nothing.
        """
        self._algorithms = command.algorithms
        integrity, ciphering = command.algorithms.integrity, command.algorithms.ciphering
        candidates = self._candidates.get(command.ng_ksi.value)
        if not candidates or integrity > 3 or ciphering > 3:
            return "unchecked", None
        for each in candidates:
            kamf = kdf.kamf(each.kseaf, each.supi.imsi, command.abba or self._abba)
            context = NasSecurity.from_kamf(kamf, integrity, ciphering)
            try:
                context.verify(octets, DOWNLINK)
            except (IntegrityError, ReplayError):
                continue
            self._contexts = [context, *self._contexts][:_CONTEXTS]
            if not integrity:
                return "null", None
            self._candidates[command.ng_ksi.value] = [each]
            return "verified", each.supi
        return "failed", None

    def open(self, octets: bytes, envelope: Protected, uplink: bool) -> Opened:
        """The payload of a protected message, and what is known of its integrity."""
        direction = UPLINK if uplink else DOWNLINK
        replayed: NasSecurity | None = None
        for context in self._contexts:
            try:
                payload = context.verify(octets, direction)
            except ReplayError:
                replayed = context
            except IntegrityError:
                continue
            else:
                return Opened(payload, "verified" if context.integrity else "null", context=context)
        if envelope.header_type not in _CIPHERED:
            return Opened(envelope.payload, self._unverified(replayed))
        return self._guess(envelope, direction, replayed)

    def _unverified(self, replayed: NasSecurity | None) -> Integrity:
        return "replayed" if replayed else "failed" if self._contexts else "unchecked"

    def _guess(self, envelope: Protected, direction: int, replayed: NasSecurity | None) -> Opened:
        """A ciphered message whose MAC holds for no context: deciphered where that gives a message."""
        number = envelope.sequence_number
        if self._algorithms is not None and not self._algorithms.ciphering:
            return Opened(envelope.payload, self._unverified(replayed))
        guesses = [envelope.payload]
        for context in self._contexts:
            count = context.count(direction) & ~0xFF | number
            guesses += [context.cipher(envelope.payload, direction, each) for each in (count, count + 256)]
            if count >= 256:
                guesses.append(context.cipher(envelope.payload, direction, count - 256))
        integrity = self._unverified(replayed)
        for guess in guesses:
            if _is_message(guess):
                return Opened(guess, integrity)
        if self._algorithms is None:
            return Opened(None, integrity, "ciphered, and the capture does not show with what")
        return Opened(None, integrity, f"ciphered with NEA{self._algorithms.ciphering}, and no key fits")

    def container(self, octets: bytes, opened: Opened) -> bytes | None:
        """The NAS message container of an initial message, which has its own ciphering (TS 24.501 §4.4.6)."""
        if opened.context is not None:
            count = opened.context.last_ul_count
            deciphered = opened.context.cipher(octets, UPLINK, count)
            if _is_message(deciphered):
                return deciphered
        return octets if _is_message(octets) else None


def _is_message(octets: bytes) -> bool:
    try:
        nas.decode(octets)
    except NasError:
        return False
    return True
