"""Networks in which exactly one protection is weakened, around the real functions of this package's core.

A mutant is what a case is for: one that nobody can tell from the sound core shows that its case proves nothing.
"""

from __future__ import annotations

import copy
import dataclasses
import hmac
import itertools
from collections.abc import Callable
from types import SimpleNamespace

import msgspec
import pytest

from cinq.crypto.nas_security import INTEGRITY, UPLINK, NasSecurity, NasSecurityError, ReplayError
from cinq.nf.amf.inbound import n1
from cinq.nf.amf.n1 import exchange as exchange_module
from cinq.nf.amf.n1.envelope import Checked, Discarded
from cinq.nf.amf.n1.exchange import Exchange
from cinq.nf.amf.n2 import elements, mobility
from cinq.nf.amf.procedures.gmm import authentication, security_mode, service_request
from cinq.nf.amf.procedures.ngap import path_switch
from cinq.nf.amf.registry import Registry
from cinq.nf.amf.ue import Ue, ue_of
from cinq.nf.ausf import services as ausf
from cinq.numbering import Guti
from cinq.procedure import Refused
from cinq.sbi.services.nausf_ueauthentication import AuthenticationInfo, ResynchronizationInfo
from cinq.wire import nas, ngap

Weaken = Callable[[pytest.MonkeyPatch], None]
MUTANTS: dict[str, Weaken] = {}


def mutant(weaken: Weaken) -> Weaken:
    MUTANTS[weaken.__name__] = weaken
    return weaken


# what of NAS is believed


@mutant
def counts_are_not_checked(patch: pytest.MonkeyPatch) -> None:
    """A COUNT that was accepted is accepted again."""
    sound = NasSecurity.verify

    def verify(self: NasSecurity, octets: bytes, direction: int) -> bytes:
        try:
            return sound(self, octets, direction)
        except ReplayError:
            return sound(dataclasses.replace(self, ul_count=octets[6]), octets, direction)

    patch.setattr(NasSecurity, "verify", verify)


@mutant
def macs_are_not_checked(patch: pytest.MonkeyPatch) -> None:
    """Any MAC will do, under a COUNT that is new."""
    sound = NasSecurity.verify

    def verify(self: NasSecurity, octets: bytes, direction: int) -> bytes:
        try:
            return sound(self, octets, direction)
        except ReplayError:
            raise
        except NasSecurityError:
            if direction != UPLINK or len(octets) < 8:
                raise
            plain = octets[7:] if octets[1] == INTEGRITY else self.cipher(octets[7:], UPLINK, octets[6])
            self.ul_count = octets[6] + 1
            return plain

    patch.setattr(NasSecurity, "verify", verify)


@mutant
def no_mac_is_taken_for_a_mac(patch: pytest.MonkeyPatch) -> None:
    """A message in clear is taken though the secure exchange is established."""
    sound = exchange_module.open_envelope

    def open_envelope(octets: bytes, security: NasSecurity | None, secured: bool) -> object:
        if secured and octets[1:2] == b"\0":
            return Checked(nas.decode(octets), 0)
        return sound(octets, security, secured)

    patch.setattr(exchange_module, "open_envelope", open_envelope)


@mutant
def a_mac_of_zeros_is_taken(patch: pytest.MonkeyPatch) -> None:
    """As of a context of NIA0."""
    sound = NasSecurity.verify

    def verify(self: NasSecurity, octets: bytes, direction: int) -> bytes:
        if direction == UPLINK and octets[2:6] == bytes(4):
            self.ul_count = octets[6] + 1
            return self.cipher(octets[7:], UPLINK, octets[6])
        return sound(self, octets, direction)

    patch.setattr(NasSecurity, "verify", verify)


@mutant
def discarding_releases_the_ue(patch: pytest.MonkeyPatch) -> None:
    """What is discarded still ends the UE's connection."""
    sound = n1.receive

    def receive(ue: Ue, octets: bytes) -> None:
        try:
            ue.exchange.open(octets) if octets[1:2] == b"\0" else None
        except Discarded:
            ue.release_soon()
            return
        sound(ue, octets)

    patch.setattr(n1, "receive", receive)


@mutant
def discarding_ends_the_associations(patch: pytest.MonkeyPatch) -> None:
    """What is discarded ends the associations of all gNBs."""
    sound = n1.receive

    def receive(ue: Ue, octets: bytes) -> None:
        if octets[1:2] == b"\0" and ue.exchange.secured:
            for ran in list(ue.connection.ran.access.rans) if ue.connection is not None else ():
                ran.association.abort("crash")
            return
        sound(ue, octets)

    patch.setattr(n1, "receive", receive)


# algorithms


def selecting(patch: pytest.MonkeyPatch, choose: Callable[..., nas.NasAlgorithms | None]) -> None:
    """choose: is given what the sound function is given."""
    patch.setattr(security_mode, "selected", choose)


@mutant
def null_integrity_is_preferred(patch: pytest.MonkeyPatch) -> None:
    sound = security_mode.selected

    def choose(
        integrity: tuple[int, ...], ciphering: tuple[int, ...], octets: bytes
    ) -> nas.NasAlgorithms | None:
        return sound((0, *integrity), ciphering, octets)

    selecting(patch, choose)


@mutant
def null_ciphering_is_preferred(patch: pytest.MonkeyPatch) -> None:
    sound = security_mode.selected
    selecting(patch, lambda integrity, ciphering, octets: sound(integrity, (0, *ciphering), octets))


@mutant
def the_last_algorithm_is_chosen(patch: pytest.MonkeyPatch) -> None:
    sound = security_mode.selected
    selecting(patch, lambda integrity, ciphering, octets: sound(integrity[::-1], ciphering, octets))


@mutant
def the_order_is_built_in(patch: pytest.MonkeyPatch) -> None:
    """What the operator sets up is passed over."""
    sound = security_mode.selected
    selecting(patch, lambda _, ciphering, octets: sound((2, 1, 3), ciphering, octets))


@mutant
def the_command_is_not_protected(patch: pytest.MonkeyPatch) -> None:
    """To UEs that offer NIA0."""
    sound = Exchange.protect

    def protect(self: Exchange, message: nas.GmmMessage, octets: bytes, commit: Callable[[], None]) -> bytes:
        protected = sound(self, message, octets, commit)
        null = (
            isinstance(message, nas.SecurityModeCommand) and 0 in message.replayed_ue_security_capability.ia
        )
        return octets if null else protected

    patch.setattr(Exchange, "protect", protect)


@mutant
def another_algorithm_is_used_than_announced(patch: pytest.MonkeyPatch) -> None:
    """With UEs that have NIA1 and NIA2 alone."""
    sound = security_mode.command_of

    def command_of(algorithms: nas.NasAlgorithms, ksi: int, capability: bytes) -> nas.SecurityModeCommand:
        if 3 not in nas.UeSecurityCapability(capability).ia:
            algorithms = msgspec.structs.replace(algorithms, integrity=3 - algorithms.integrity)
        return sound(algorithms, ksi, capability)

    patch.setattr(security_mode, "command_of", command_of)


# capabilities


@mutant
def mandatory_algorithms_are_not_looked_for(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(security_mode, "check_mandatory", lambda octets: None)


@mutant
def any_capability_will_do(patch: pytest.MonkeyPatch) -> None:
    """Where the UE has nothing, null is chosen for it."""
    patch.setattr(security_mode, "check_mandatory", lambda octets: None)
    sound = security_mode.selected
    null = nas.NasAlgorithms(0, 0)
    selecting(patch, lambda integrity, ciphering, octets: sound(integrity, ciphering, octets) or null)


@mutant
def the_gnb_hears_of_fewer_capabilities(patch: pytest.MonkeyPatch) -> None:
    sound = elements.security_capabilities

    def fewer(octets: bytes) -> ngap.UESecurityCapabilities:
        told = copy.copy(sound(octets))
        told.nr_integrity_protection_algorithms = (0x8000, 16)
        return told

    patch.setattr(elements, "security_capabilities", fewer)


def capability_of(request: ngap.PathSwitchRequest) -> bytes:
    said = request.ue_security_capabilities
    return bytes(
        (0x80 | said.nr_encryption_algorithms[0] >> 9, said.nr_integrity_protection_algorithms[0] >> 9)
    )


@mutant
def the_gnbs_capabilities_are_taken_over(patch: pytest.MonkeyPatch) -> None:
    """Before they are compared."""
    sound = path_switch.switch_sessions

    async def switch_sessions(ue: Ue, request: ngap.PathSwitchRequest) -> object:
        ue.commit(security_capability=capability_of(request))
        return await sound(ue, request)

    patch.setattr(path_switch, "switch_sessions", switch_sessions)


@mutant
def the_gnbs_capabilities_are_kept(patch: pytest.MonkeyPatch) -> None:
    """The acknowledge is right; what is stored is not."""
    sound = mobility.path_switch_acknowledge

    def acknowledge(connection: object, context: object, *rest: object) -> object:
        answer = sound(connection, context, *rest)  # type: ignore[arg-type]
        ue_of(connection).commit(security_capability=bytes((0x80, 0)))  # type: ignore[arg-type]
        return answer

    patch.setattr(mobility, "path_switch_acknowledge", acknowledge)


@mutant
def the_acknowledge_says_nothing(patch: pytest.MonkeyPatch) -> None:
    sound = mobility.path_switch_acknowledge
    patch.setattr(mobility, "path_switch_acknowledge", lambda *given: sound(*given[:-1], False))


@mutant
def the_mismatch_is_not_logged(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(path_switch, "log", SimpleNamespace(warning=lambda *_: None))


# identities


@mutant
def the_guti_stays(patch: pytest.MonkeyPatch) -> None:
    sound = Registry.allocate_guti

    def allocate(self: object, ue: Ue, plmn: object) -> object:
        return ue.context.guti or sound(self, ue, plmn)  # type: ignore[arg-type]

    patch.setattr(Registry, "allocate_guti", allocate)


@mutant
def the_guti_is_the_subscribers_for_ever(patch: pytest.MonkeyPatch) -> None:
    """Also of a UE that registers anew."""
    sound, given = Registry.allocate_guti, dict[object, Guti]()

    def allocate(self: object, ue: Ue, plmn: object) -> object:
        guti = given.setdefault(ue.context.supi, sound(self, ue, plmn))  # type: ignore[arg-type]
        self.by_tmsi[guti.tmsi] = ue  # type: ignore[attr-defined]
        return guti

    patch.setattr(Registry, "allocate_guti", allocate)


@mutant
def the_guti_stays_after_a_paging(patch: pytest.MonkeyPatch) -> None:
    class Never:
        def UpdateConfiguration(self, what: object) -> object:
            return service_request_signals.UpdateConfiguration(())

        def __getattr__(self, name: str) -> object:
            return getattr(service_request_signals, name)

    service_request_signals = service_request.signals
    patch.setattr(service_request, "signals", Never())


@mutant
def nothing_is_ciphered(patch: pytest.MonkeyPatch) -> None:
    """Integrity alone."""
    patch.setattr(exchange_module, "INTEGRITY_CIPHERED", INTEGRITY)


@mutant
def temporary_identities_are_counted(patch: pytest.MonkeyPatch) -> None:
    sound, numbers = Registry.__init__, itertools.count(0x1000)

    def init(self: object, *given: object, **named: object) -> None:
        sound(self, *given, **named)  # type: ignore[arg-type]
        self._entropy = lambda n: next(numbers).to_bytes(n, "big")  # type: ignore[attr-defined]

    patch.setattr(Registry, "__init__", init)


# authentication


@mutant
def any_response_is_right(patch: pytest.MonkeyPatch) -> None:
    """Neither the visited nor the home network compares RES*."""
    always = SimpleNamespace(compare_digest=lambda one, other: True, new=hmac.new)
    patch.setattr(authentication, "hmac", always)
    patch.setattr(ausf, "hmac", always)


@mutant
def a_wrong_response_is_always_rejected(patch: pytest.MonkeyPatch) -> None:
    """Whatever identity the UE came with."""
    sound = authentication.after

    async def after(failed: Exception, *rest: object) -> object:
        if isinstance(failed, Refused):
            raise failed
        return await sound(failed, *rest)  # type: ignore[arg-type]

    patch.setattr(authentication, "after", after)


@mutant
def a_wrong_response_is_never_rejected(patch: pytest.MonkeyPatch) -> None:
    """With the reject of an authentication: the UE may try again at once."""
    sound = authentication.after

    async def after(failed: Exception, *rest: object) -> object:
        if isinstance(failed, Refused):
            raise Refused(nas.RegistrationReject(cause=nas.GmmCause.PROTOCOL_ERROR_UNSPECIFIED), "wrong")
        return await sound(failed, *rest)  # type: ignore[arg-type]

    patch.setattr(authentication, "after", after)


@mutant
def auts_is_passed_over(patch: pytest.MonkeyPatch) -> None:
    """The next challenge does not wait for what the AUSF makes of the AUTS."""
    sound = authentication.challenge_for
    patch.setattr(authentication, "challenge_for", lambda ue, identity, lost: sound(ue, identity, None))


@mutant
def a_challenge_goes_out_before_the_ausf_answers(patch: pytest.MonkeyPatch) -> None:
    sound = authentication.challenge_for

    async def challenge_for(ue: Ue, identity: str, lost: ResynchronizationInfo | None) -> object:
        if lost is not None:
            ue.tell(authentication.request_of(await sound(ue, identity, None), 0))
        return await sound(ue, identity, lost)

    patch.setattr(authentication, "challenge_for", challenge_for)


def asked_by_nobody(patch: pytest.MonkeyPatch, act: Callable[[Ue, ResynchronizationInfo], object]) -> None:
    """act: what the AMF does with an AUTS of a registered UE."""
    rands: dict[int, bytes] = {}
    sound, receive = authentication.challenge_for, Ue.receive

    async def challenge_for(ue: Ue, identity: str, lost: ResynchronizationInfo | None) -> object:
        challenge = await sound(ue, identity, lost)
        rands[id(ue)] = challenge.rand  # type: ignore[union-attr]
        return challenge

    def heard(self: Ue, message: object) -> None:
        failure = message.message if isinstance(message, Checked) else None
        if isinstance(failure, nas.AuthenticationFailure) and failure.auts and self.is_idle:
            act(self, ResynchronizationInfo(rand=rands[id(self)].hex(), auts=failure.auts.hex()))
        receive(self, message)

    patch.setattr(authentication, "challenge_for", challenge_for)
    patch.setattr(Ue, "receive", heard)


@mutant
def an_auts_that_nobody_asked_for_is_taken(patch: pytest.MonkeyPatch) -> None:
    """It goes to the AUSF; the UE hears nothing of it."""

    def act(ue: Ue, lost: ResynchronizationInfo) -> None:
        info = AuthenticationInfo(
            supi_or_suci=str(ue.context.supi),
            serving_network_name=ue.ports.serving(ue.plmn).network,
            resynchronization_info=lost,
        )

        async def ask() -> None:
            await ue.ports.home(info.supi_or_suci).nausf.authenticate(info)

        ue.runtime.spawn(ask, "resynchronisation")

    asked_by_nobody(patch, act)


@mutant
def an_auts_that_nobody_asked_for_is_answered(patch: pytest.MonkeyPatch) -> None:
    """By a challenge."""

    def act(ue: Ue, lost: ResynchronizationInfo) -> None:
        ue.tell(nas.AuthenticationRequest(ng_ksi=nas.NgKsi(1), abba=b"\0\0", rand=bytes(16), autn=bytes(16)))

    asked_by_nobody(patch, act)
