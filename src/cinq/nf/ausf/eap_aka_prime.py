"""The server of EAP-AKA', RFC 9048 on RFC 4187, as TS 33.501 §6.1.3.1 and annex F use it: what is asked of a UE and
what its packets mean. No identity round (the SUCI came in 5GMM), no pseudonyms, no fast re-authentication."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from cinq.crypto import eap_aka
from cinq.nf.ausf.context import EapContext
from cinq.procedure import Why
from cinq.wire import eap
from cinq.wire.eap import EapError, EapPacket

KDF = 1  # RFC 9048 §3.3; the only one that is offered

WRONG_KEY = "cinq subscriber show {} --keys compares K and OPc with those of the USIM"


@dataclass(frozen=True, slots=True)
class Accepted:
    """The UE has the key."""


@dataclass(frozen=True, slots=True)
class Resynchronise:
    """AKA'-Synchronization-Failure; auts: 14 octets."""

    auts: bytes


@dataclass(frozen=True, slots=True)
class Faulty:
    """An error in the UE's packet: it is notified, then the exchange fails (RFC 4187 §6.3.2)."""

    why: Why


@dataclass(frozen=True, slots=True)
class Ended:
    """The UE has ended it, or has answered the notification: EAP-Failure (RFC 4187 §6.3.3)."""

    why: Why


@dataclass(frozen=True, slots=True)
class Foreign:
    """No answer to the last request: it is discarded (RFC 3748 §4.1)."""

    why: Why


Judgement = Accepted | Resynchronise | Faulty | Ended | Foreign


def challenge(context: EapContext, autn: bytes) -> bytes:
    """EAP-Request/AKA'-Challenge."""
    packet = eap.aka_prime(
        eap.REQUEST,
        context.identifier,
        eap.CHALLENGE,
        eap.at_sixteen(eap.AT_RAND, context.rand),
        eap.at_sixteen(eap.AT_AUTN, autn),
        eap.at_kdf(KDF),
        eap.at_kdf_input(context.serving_network),
        eap.at_no_mac(),
    )
    return eap_aka.sealed(context.keys.k_aut, packet, eap.decode(packet).mac_at)


def general_failure(identifier: int) -> bytes:
    """EAP-Request/AKA'-Notification of a failure before authentication: it has no MAC (RFC 4187 §10.19)."""
    code = eap.at_number(eap.AT_NOTIFICATION, eap.GENERAL_FAILURE)
    return eap.aka_prime(eap.REQUEST, identifier, eap.NOTIFICATION, code)


def judge(context: EapContext, octets: bytes) -> Judgement:
    """What the UE's packet means. It is checked against the last request, whatever it claims to be."""
    try:
        packet = eap.decode(octets)
    except EapError as error:
        return Foreign(Why(f"{context.supi} answered with octets that are no EAP packet: {error}"))
    if packet.code != eap.RESPONSE or packet.identifier != context.identifier:
        wanted = f"response {context.identifier}"
        return Foreign(Why(f"found EAP {packet.name} {packet.identifier}, wanted {wanted} of {context.supi}"))
    if context.failing is not None:
        return Ended(context.failing)
    if packet.method == eap.NAK:
        return Ended(
            Why(
                f"the UE of {context.supi} does not take EAP-AKA'",
                f"cinq subscriber set {context.supi} --auth-method 5g-aka",
            )
        )
    if packet.method != eap.AKA_PRIME:
        return Faulty(Why(f"{context.supi} answered with {packet.name}, wanted EAP-AKA'"))
    return _aka(context, packet, octets)


def _aka(context: EapContext, packet: EapPacket, octets: bytes) -> Judgement:
    match packet.subtype:
        case eap.CHALLENGE:
            return _response(context, packet, octets)
        case eap.SYNCHRONIZATION_FAILURE:
            return _lost(context, packet)
        case eap.AUTHENTICATION_REJECT:
            mend = WRONG_KEY.format(context.supi)
            return Ended(Why(f"the USIM of {context.supi} finds AUTN wrong: another K or OPc", mend))
        case eap.CLIENT_ERROR:
            code = packet.client_error_code
            return Ended(Why(f"the UE of {context.supi} says it cannot process the packet (code {code})"))
    return Faulty(Why(f"{context.supi} answered a challenge with {packet.name}"))


def _response(context: EapContext, packet: EapPacket, octets: bytes) -> Judgement:
    """RFC 9048 §3.1 and §3.2, RFC 4187 §9.4."""
    if packet.not_understood:
        numbers = ", ".join(map(str, packet.not_understood))
        return Faulty(
            Why(f"the answer of {context.supi} has attributes that nobody may pass over: {numbers}")
        )
    if packet.kdfs:
        asked = ", ".join(map(str, packet.kdfs))
        return Faulty(Why(f"{context.supi} wants key derivation function {asked}; offered was {KDF} alone"))
    length = 4 + 1 + len(packet.content)
    if not packet.mac_at or not eap_aka.mac_holds(context.keys.k_aut, octets[:length], packet.mac_at):
        return Faulty(
            Why(f"the MAC in the answer of {context.supi} is wrong", WRONG_KEY.format(context.supi))
        )
    if packet.attributes.get(eap.AT_CHECKCODE, b"\0\0") != b"\0\0":
        return Faulty(Why(f"{context.supi} saw an EAP identity exchange that was none (AT_CHECKCODE)"))
    if packet.res is None or not hmac.compare_digest(packet.res, context.xres):
        return Faulty(Why(f"RES of {context.supi} is wrong", WRONG_KEY.format(context.supi)))
    return Accepted()


def _lost(context: EapContext, packet: EapPacket) -> Judgement:
    """RFC 4187 §9.6; RFC 9048 §3.2: AT_KDF repeats the list that was offered."""
    if packet.auts is None or packet.not_understood:
        return Faulty(Why(f"the synchronisation failure of {context.supi} lacks an AUTS that can be read"))
    if packet.kdfs not in ((), (KDF,)):
        return Faulty(Why(f"{context.supi} repeats AT_KDF as {packet.kdfs}; offered was {KDF} alone"))
    if context.resynchronised:
        mend = "set the sequence number of the USIM back, or look for another USIM of this IMSI"
        return Faulty(Why(f"the USIM of {context.supi} finds SQN wrong again after resynchronisation", mend))
    return Resynchronise(packet.auts)
