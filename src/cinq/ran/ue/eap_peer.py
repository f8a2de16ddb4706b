"""The peer of EAP-AKA', RFC 9048 on RFC 4187, as a UE plays it in TS 33.501 §6.1.3.1 and TS 24.501 §5.4.1.2.2."""

from __future__ import annotations

from dataclasses import dataclass

from cinq.crypto import aka, eap_aka
from cinq.ran.ue.faults import Fault, Faults
from cinq.ran.ue.usim import MacFailed, SynchFailed, Usim
from cinq.wire import eap
from cinq.wire.eap import EapError, EapPacket

KDF = 1  # RFC 9048 §3.3
OTHER_KDF = 2
WANTED_METHOD = 13  # what a NAK asks for: EAP-TLS
SEPARATION_BIT = 0x80  # of the AMF in AUTN, TS 33.501 §6.1.3.1
UNABLE_TO_PROCESS = 0  # RFC 4187 §10.20


@dataclass(frozen=True, slots=True)
class Answer:
    """The EAP response. keys: of a challenge that was accepted. reason: why it was not. res: AT_RES."""

    octets: bytes
    keys: eap_aka.SessionKeys | None = None
    reason: str = ""


class Unanswered(Exception):
    """An EAP packet that is passed over (RFC 3748 §4.1), and why."""


def answer(octets: bytes, usim: Usim, network_name: str, faults: Faults) -> Answer:
    """The response to an EAP request. network_name: that of the serving network as the UE knows it. Unanswered."""
    try:
        packet = eap.decode(octets)
    except EapError as error:
        raise Unanswered(str(error)) from None
    if packet.code != eap.REQUEST:
        raise Unanswered(f"{packet.name} where a request is due")
    if packet.method != eap.AKA_PRIME or faults.takes(Fault.NAK):
        wanted = eap.AKA_PRIME if packet.method != eap.AKA_PRIME else WANTED_METHOD
        return Answer(_nak(packet.identifier, wanted), reason=f"{packet.name} is not what this UE takes")
    if packet.subtype == eap.NOTIFICATION:
        return Answer(eap.aka_prime(eap.RESPONSE, packet.identifier, eap.NOTIFICATION), reason="notified")
    if packet.subtype != eap.CHALLENGE or packet.not_understood or faults.takes(Fault.CLIENT_ERROR):
        return _client_error(packet, f"{packet.name} cannot be processed")
    if packet.rand is None or packet.autn is None or not packet.mac_at or packet.network_name is None:
        return _client_error(packet, "a mandatory attribute of the challenge is missing")
    return _challenge(packet, octets, usim, network_name, faults)


def _challenge(packet: EapPacket, octets: bytes, usim: Usim, network_name: str, faults: Faults) -> Answer:
    """RFC 9048 §3.1 and §3.2, RFC 4187 §6.3 and §9.3."""
    assert packet.rand is not None
    assert packet.autn is not None
    if faults.takes(Fault.OTHER_KDF):
        return _kdf(packet, OTHER_KDF)
    if packet.kdf != KDF:
        return _kdf(packet, KDF) if KDF in packet.kdfs else _reject(packet, f"no AT_KDF known: {packet.kdfs}")
    if packet.network_name != network_name or faults.takes(Fault.WRONG_KDF_INPUT):
        return _reject(packet, f"AT_KDF_INPUT: found {packet.network_name}, wanted {network_name}")
    judged = usim.challenge(packet.rand, packet.autn, faults)
    if isinstance(judged, MacFailed):
        return _reject(packet, "MAC-A does not hold")
    if isinstance(judged, SynchFailed):
        lost = eap.aka_prime(
            eap.RESPONSE, packet.identifier, eap.SYNCHRONIZATION_FAILURE, (eap.AT_AUTS, judged.auts)
        )
        return Answer(lost, reason="SQN is out of range")
    if not judged.amf[0] & SEPARATION_BIT or faults.takes(Fault.NOT_5G):
        return _reject(packet, "the separation bit of the AMF is clear")
    return _accepted(packet, octets, judged, network_name, usim.settings.imsi, faults)


def _accepted(
    packet: EapPacket, octets: bytes, judged: aka.Challenge, network_name: str, imsi: str, faults: Faults
) -> Answer:
    keys = eap_aka.session_keys(*judged.ck_ik_prime(network_name), imsi)
    if not eap_aka.mac_holds(keys.k_aut, octets[: 5 + len(packet.content)], packet.mac_at):
        return _client_error(packet, "AT_MAC does not hold")
    res = bytes(octet ^ 0xFF for octet in judged.res) if faults.takes(Fault.WRONG_RES) else judged.res
    attributes = [eap.at_res(res), eap.at_no_mac()]
    if eap.AT_RESULT_IND in packet.attributes:
        attributes.append((eap.AT_RESULT_IND, b"\0\0"))
    response = eap.aka_prime(eap.RESPONSE, packet.identifier, eap.CHALLENGE, *attributes)
    key = bytes(32) if faults.takes(Fault.WRONG_AT_MAC) else keys.k_aut
    return Answer(eap_aka.sealed(key, response, eap.decode(response).mac_at), keys)


def _reject(packet: EapPacket, reason: str) -> Answer:
    """AKA'-Authentication-Reject, RFC 4187 §9.5."""
    return Answer(eap.aka_prime(eap.RESPONSE, packet.identifier, eap.AUTHENTICATION_REJECT), reason=reason)


def _kdf(packet: EapPacket, kdf: int) -> Answer:
    """AKA'-Challenge with one AT_KDF alone: the UE asks for this function, RFC 9048 §3.2."""
    asked = eap.aka_prime(eap.RESPONSE, packet.identifier, eap.CHALLENGE, eap.at_kdf(kdf))
    return Answer(asked, reason=f"asks for key derivation function {kdf}")


def _client_error(packet: EapPacket, reason: str) -> Answer:
    """AKA'-Client-Error, RFC 4187 §9.9."""
    code = eap.at_number(eap.AT_CLIENT_ERROR_CODE, UNABLE_TO_PROCESS)
    return Answer(eap.aka_prime(eap.RESPONSE, packet.identifier, eap.CLIENT_ERROR, code), reason=reason)


def _nak(identifier: int, method: int) -> bytes:
    """Legacy Nak, RFC 3748 §5.3.1."""
    return bytes((eap.RESPONSE, identifier, 0, 6, eap.NAK, method))
