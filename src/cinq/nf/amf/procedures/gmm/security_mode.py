"""Security mode control, TS 24.501 §5.4.2, TS 33.501 §6.7.2; the container of an initial message, §4.4.6."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import msgspec
from msgspec import Struct

from cinq.nf.amf import journal
from cinq.nf.amf.context import SecurityContext
from cinq.nf.amf.n1.algorithms import selected
from cinq.nf.amf.procedures.gmm.authentication import ABBA, T3560
from cinq.nf.amf.ue import Ue
from cinq.procedure import Refused, Why
from cinq.wire import nas
from cinq.wire.nas import GmmCause

Contained = nas.NasMessage | None
MANDATORY_EA, MANDATORY_IA = (
    frozenset((0, 1, 2)),
    frozenset((1, 2)),
)  # TS 33.501 §5.3.2, §5.3.3; NIA0 protects nobody


class Completed(Struct, frozen=True, gc=False):
    """message: the initial message in full, None when the UE sent none. pei: 'imeisv-' and 16 digits."""

    message: Contained
    pei: str | None


async def take_security_into_use(
    ue: Ue,
    request: nas.RegistrationRequest | nas.ServiceRequest | None,
    keys: SecurityContext,
    eap_success: bytes | None = None,
) -> Completed:
    """The UE proves that it has the new keys. If it does not, the former context is current again.

    eap_success: ends the EAP exchange that made the keys (TS 24.501 §5.4.2.2).
    """
    capability = request.ue_security_capability if isinstance(request, nas.RegistrationRequest) else None
    octets = ue.context.security_capability if capability is None else capability.octets
    ue.exchange.replayed_capability = octets
    check_mandatory(octets)
    settings = ue.ports.settings
    algorithms = selected(settings.integrity, settings.ciphering, octets)
    if algorithms is None:
        has = nas.UeSecurityCapability(octets)
        why = Why(
            f"the UE supports {_names('NIA', has.ia)} and {_names('NEA', has.ea)}; this network allows "
            f"{_names('NIA', settings.integrity)} and {_names('NEA', settings.ciphering)}",
            "amf.integrity and amf.ciphering, or the phone",
        )
        raise Refused(nas.RegistrationReject(cause=GmmCause.UE_SECURITY_CAPABILITIES_MISMATCH), why)
    keys = msgspec.structs.replace(
        keys, integrity=algorithms.integrity, ciphering=algorithms.ciphering, nh=b"", ncc=0
    )  # the COUNTs of known keys go on (TS 33.501 §6.4.3.1)
    async with ue.undo() as undo:
        undo.owe(ue.exchange.revert, ue.exchange.take(keys))
        command = command_of(algorithms, keys.ksi, octets)
        if eap_success is not None:
            command = command.replace(eap_message=eap_success, abba=ABBA)
        answer = await ue.ask(command, nas.SecurityModeComplete, nas.SecurityModeReject, timer=T3560)
        if isinstance(answer, nas.SecurityModeReject):
            raise Refused(None, f"the UE rejects the security mode: 5GMM cause #{answer.cause}")
        undo.keep()
    ue.exchange.confirmed()
    pei = None if answer.imeisv is None else str(answer.imeisv)
    return Completed(inner(answer.nas_message_container), pei)


def check_mandatory(octets: bytes) -> None:
    """A capability with none of what every UE has was changed on its way, or is no UE's (§5.5.1.2.8 i), §5.5.1.3.8 i)).

    One that has some of it is served: which capability is not acceptable the clause leaves to the AMF, and testers show
    one algorithm of each kind. Who bids a capability down is found out by its replay (TS 33.501 §6.7.2).
    """
    has = nas.UeSecurityCapability(octets)
    if not (has.ea & MANDATORY_EA and has.ia & MANDATORY_IA):
        why = Why(
            f"the UE supports {_names('NIA', has.ia)} and {_names('NEA', has.ea)}: every UE has "
            f"{_names('NIA', MANDATORY_IA)} and {_names('NEA', MANDATORY_EA)}",
            "the phone, or who changes its messages",
        )
        raise Refused(nas.RegistrationReject(cause=GmmCause.UE_SECURITY_CAPABILITIES_MISMATCH), why)


def _names(family: str, numbers: Iterable[int]) -> str:
    return ", ".join(f"{family}{n}" for n in sorted(numbers)) or f"no {family}"


def algorithms_are_current(ue: Ue) -> bool:
    """Whether the keys in use go by the algorithms that the settings prefer, of those that the UE has."""
    keys, settings = ue.exchange.keys, ue.ports.settings
    wanted = selected(settings.integrity, settings.ciphering, ue.context.security_capability)
    if keys is None or wanted is None:
        return True
    return (keys.integrity, keys.ciphering) == (wanted.integrity, wanted.ciphering)


@lru_cache(maxsize=1024)
def command_of(algorithms: nas.NasAlgorithms, ksi: int, capability: bytes) -> nas.SecurityModeCommand:
    """SECURITY MODE COMMAND (§8.2.25): it says the same to all UEs of one kind."""
    return nas.SecurityModeCommand(
        algorithms=algorithms,
        ng_ksi=nas.NgKsi(ksi),
        replayed_ue_security_capability=nas.UeSecurityCapability(capability),
        imeisv_request=True,
        additional_security_information=nas.AdditionalSecurityInformation(retransmission_requested=True),
    )


def inner(octets: bytes | None) -> Contained:
    """The plain initial message that SECURITY MODE COMPLETE carries. Refused when it cannot be read."""
    if octets is None:
        return None
    try:
        return nas.decode(octets)
    except nas.NasError as error:
        cause = error.cause or GmmCause.PROTOCOL_ERROR_UNSPECIFIED
        raise Refused(nas.RegistrationReject(cause=cause), f"NAS message container: {error}") from None


def contained(ue: Ue, octets: bytes | None, count: int) -> Contained:
    """The message in the ciphered container of a checked initial message: None when there is none or it is broken.

    count: the uplink NAS COUNT of the message that carried it.
    """
    if octets is None or ue.exchange.security is None:
        return None
    try:
        return nas.decode(ue.exchange.decipher(octets, count))
    except nas.NasError:
        journal.note(ue, "the NAS message container cannot be read: only the cleartext elements count")
        return None
