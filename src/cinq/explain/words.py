"""What a reject is called, and its cause, in words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import IntEnum

from cinq.wire import nas, ngap

TITLES: Mapping[type[nas.NasMessage] | type[ngap.Pdu], str] = {
    nas.AuthenticationReject: "Authentication rejected",
    nas.RegistrationReject: "Registration rejected",
    nas.ServiceReject: "Service rejected",
    nas.DeregistrationRequestUETerminated: "Deregistered by the network",
    nas.FiveGMMStatus: "5GMM STATUS",
    nas.FiveGSMStatus: "5GSM STATUS",
    nas.PDUSessionEstablishmentReject: "PDU session establishment rejected",
    nas.PDUSessionModificationReject: "PDU session modification rejected",
    nas.PDUSessionModificationCommandReject: "PDU session modification refused by the UE",
    nas.PDUSessionReleaseReject: "PDU session release rejected",
    nas.DLNASTransport: "NAS payload given back",
    ngap.NGSetupFailure: "NG Setup refused",
    ngap.RANConfigurationUpdateFailure: "RAN configuration update refused",
    ngap.PathSwitchRequestFailure: "Path switch refused",
    ngap.HandoverPreparationFailure: "Handover refused",
    ngap.HandoverFailure: "Handover refused by the target gNB",
    ngap.InitialContextSetupFailure: "Context setup refused by the gNB",
    ngap.UEContextModificationFailure: "Context modification refused by the gNB",
    ngap.ErrorIndication: "Error Indication",
    ngap.UEContextReleaseRequest: "Release asked for by the gNB",
    ngap.UEContextReleaseCommand: "Connection released",
}
NORMAL_RELEASES = (
    "normal-release",
    "deregister",
    "user-inactivity",
    "successful-handover",
    "ng-intra-system-handover-triggered",
    "ng-inter-system-handover-triggered",
    "radio-connection-with-ue-lost",
)
_CAPITALS = re.compile(
    r"\b(ue|me|plmn|pei|dnn|sm|nssai|ngksi|mac|synch|gmm|gsm|ip|ipv4|ipv6|5g|5gs|n1|pdu|ssc|tft)\b"
)


def inner(message: object) -> object:
    """The 5GSM message that a NAS transport carries; the transport itself where the AMF gives the payload back."""
    if isinstance(message, nas.DLNASTransport) and message.cause is not None:
        return message
    if isinstance(message, nas.ULNASTransport | nas.DLNASTransport):
        return nas.examine(message.payload_container).message or message
    return message


def cause_text(message: object) -> str:
    """'5GMM cause #3 illegal UE', 'misc: unknown-PLMN-or-SNPN'; empty where it has none."""
    cause: object = getattr(message, "cause", None)
    match cause:
        case (str() as kind, str() as value):
            return f"{kind}: {value}"
        case int():
            family = "5GSM" if isinstance(message, nas.GsmMessage) else "5GMM"
            said = cause.name.lower().replace("_", " ") if isinstance(cause, IntEnum) else ""
            said = _CAPITALS.sub(lambda found: found[0].upper(), said).replace("SYNCH", "synch")
            return f"{family} cause #{int(cause)} {said}".rstrip()
    return ""


def is_normal_release(message: object) -> bool:
    """A release that is part of a call flow and explains nothing."""
    cause: object = getattr(message, "cause", None)
    releases = isinstance(message, ngap.UEContextReleaseCommand | ngap.UEContextReleaseRequest)
    return releases and isinstance(cause, tuple) and cause[1] in NORMAL_RELEASES


def ended(procedure: str) -> str:
    """A procedure's name as a subject of a sentence."""
    return procedure.replace("_", " ") or "procedure"


def begun(text: str) -> str:
    """As a sentence begins; what is in capitals stays so."""
    return text[:1].upper() + text[1:]
