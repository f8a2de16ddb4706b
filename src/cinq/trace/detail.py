"""What a ladder says of a message besides its name: who, which algorithms, which address."""

from __future__ import annotations

import re
from enum import IntEnum
from functools import lru_cache

from cinq.numbering import Guti, MobileIdentity, STmsi, Suci, SuciNai
from cinq.wire import eap, nas, ngap, pfcp
from cinq.wire.nas import NasError
from cinq.wire.ngap import NgapError
from cinq.wire.pfcp import PfcpError

_SCHEMES = {0: "SUCI null scheme", 1: "SUCI A", 2: "SUCI B"}
_N1_SM_INFORMATION = 1


@lru_cache(4096)
def words(name: str) -> str:
    """'PDUSessionEstablishmentRequest' as 'PDU Session Establishment Request'."""
    name = name.replace("FiveG", "5G", 1).replace("LNASTransport", "L NAS Transport")
    name = name.replace("UEOriginating", "(by UE)").replace("UETerminated", "(by network)")
    return re.sub(r"(?<=[a-z])(?=[A-Z(])|(?<=\d)(?=[A-Z][a-z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)


def decoded(interface: str, octets: bytes) -> object | None:
    """The message in the octets of an event of N1, N2 or N4; None where it is another, or cannot be read."""
    try:
        if interface == "N1":
            return nas.decode(octets)
        if interface == "N2":
            return ngap.decode(octets)
        if interface == "N4":
            return pfcp.decode(octets)
    except (NasError, NgapError, PfcpError):
        return None
    return None


def inner(message: object) -> object:
    """The 5GSM message that an UL or DL NAS TRANSPORT carries, else the message itself.

    A payload that the AMF gives back is not the message that it once was: the transport, with its cause, is.
    """
    if isinstance(message, nas.DLNASTransport) and message.cause is not None:
        return message
    if isinstance(message, nas.ULNASTransport | nas.DLNASTransport) and (
        message.payload_container_type == _N1_SM_INFORMATION
    ):
        return decoded("N1", message.payload_container) or message
    return message


def cause(message: object) -> str:
    """The cause that a message of N1 or N2 carries: '#3 illegal ue', 'nas: normal-release'; or nothing."""
    value: object = getattr(message, "cause", None)
    if value is None or not isinstance(message, nas.NasMessage | ngap.Pdu):
        return ""
    match value:
        case IntEnum() as found:
            return f"#{found.value} {found.name.lower().replace('_', ' ')}"
        case bool():
            return ""
        case int() as found:
            return f"#{found}"
        case (str() as kind, str() as value):
            return f"{kind}: {value}"
    return ""


def detail(message: object) -> str:
    """A few words, or nothing."""
    if type(message) not in _DETAILED:
        return ""
    match message:
        case nas.RegistrationRequest():
            return _identity(message.mobile_identity)
        case nas.IdentityResponse():
            return _identity(message.mobile_identity)
        case nas.AuthenticationRequest():
            return "5G AKA" if message.rand else _eap(message)
        case nas.AuthenticationResponse() | nas.AuthenticationResult():
            return _eap(message)
        case nas.SecurityModeCommand(algorithms=chosen):
            return f"NIA{chosen.integrity} NEA{chosen.ciphering}"
        case nas.PDUSessionEstablishmentAccept():
            return _session(message)
        case ngap.NGSetupRequest(ran_node_name=str() as name):
            return name
        case ngap.NGSetupResponse():
            return message.amf_name
    return ""


_DETAILED = frozenset(
    (
        nas.RegistrationRequest,
        nas.IdentityResponse,
        nas.AuthenticationRequest,
        nas.AuthenticationResponse,
        nas.AuthenticationResult,
        nas.SecurityModeCommand,
        nas.PDUSessionEstablishmentAccept,
        ngap.NGSetupRequest,
        ngap.NGSetupResponse,
    )
)
"""The messages of which detail() says something."""


def eap_packet(octets: object) -> eap.EapPacket | None:
    """The EAP packet in an IE that NAS carries; None where there is none, or it cannot be read."""
    if not isinstance(octets, bytes):
        return None
    try:
        return eap.decode(octets)
    except eap.EapError:
        return None


def _eap(message: nas.NasMessage) -> str:
    octets: object = getattr(message, "eap_message", None)
    packet = eap_packet(octets)
    return packet.name if packet is not None else "EAP" if octets else ""


def _identity(identity: MobileIdentity) -> str:
    if isinstance(identity, Suci | SuciNai):
        return _SCHEMES.get(identity.scheme, f"SUCI scheme {identity.scheme}")
    return "5G-GUTI" if isinstance(identity, Guti | STmsi) else type(identity).__name__.upper()


def _session(accept: nas.PDUSessionEstablishmentAccept) -> str:
    said = []
    if accept.pdu_address is not None and accept.pdu_address.ipv4 is not None:
        said.append(str(accept.pdu_address.ipv4))
    if accept.dnn:
        said.append(accept.dnn)
    flows = accept.authorized_qos_flow_descriptions or []
    said += [f"5QI {flow.five_qi}" for flow in flows if flow.five_qi is not None]
    said.append(f"AMBR {_rate(accept.session_ambr.downlink_bps)}")
    return ", ".join(said)


def _rate(bits_per_second: int) -> str:
    """'1 Gbit/s', '2.5 Mbit/s'."""
    for unit, size in (("Gbit/s", 10**9), ("Mbit/s", 10**6)):
        if bits_per_second >= size:
            return f"{bits_per_second / size:g} {unit}"
    return f"{bits_per_second / 1000:g} kbit/s"
