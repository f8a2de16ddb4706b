"""What several cases send, and how the bench reads its own octets as a peer would."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from cinq.assurance.trial import Trial
from cinq.crypto.nas_security import UPLINK, NasSecurityError
from cinq.ran.scenarios import check
from cinq.ran.scenarios.check import Failed
from cinq.ran.ue import Ue
from cinq.ran.ue.station import Record, Sent
from cinq.wire import nas

M = TypeVar("M", bound=nas.NasMessage)
PSI = 11  # of sessions that cases ask for by hand
PTI = 101


def sent(record: Record, kind: type[M]) -> Sent:
    """The first PDU of this kind that left. Failed: none has."""
    found = next((one for one in record.sent if isinstance(one.message, kind)), None)
    return check.present(found, f"a {kind.NAME} of the UE")


def opens(ue: Ue, octets: bytes, kind: type[M]) -> str:
    """A protected uplink PDU as its receiver would read it for the first time: its MAC holds under the UE's keys, and
    it carries this message. Returns its COUNT in words. Failed: it does not.

    Fits while the UE has used less than 256 COUNTs: the sequence number is the whole of it then (TS 24.501 §4.4.3.1).
    """
    context = check.present(ue.security.current, "a NAS security context")
    count = octets[6] if len(octets) > 6 else 0
    try:
        payload = replace(context.nas, ul_count=count).verify(octets, UPLINK)
        message = nas.decode(payload)
    except (NasSecurityError, nas.NasError) as error:
        raise Failed(f"the bench's own peer does not take it: {error}") from None
    check.that(isinstance(message, kind), f"it carries {kind.NAME}, not {message.NAME}")
    return f"NAS COUNT {count}, MAC {octets[2:6].hex()} holds"


def session_request(trial: Trial, psi: int = PSI) -> nas.ULNASTransport:
    """PDU SESSION ESTABLISHMENT REQUEST for the target's first DNN, in UL NAS TRANSPORT."""
    core = trial.target.core
    request = nas.PDUSessionEstablishmentRequest(
        pdu_session_id=psi,
        pti=PTI,
        integrity_protection_maximum_data_rate=nas.IntegrityProtectionMaximumDataRate(
            nas.DataRate.FULL, nas.DataRate.FULL
        ),
        pdu_session_type=nas.PduSessionType.IPV4,
    )
    return nas.ULNASTransport(
        payload_container_type=nas.PayloadContainerType.N1_SM_INFORMATION,
        payload_container=nas.encode(request),
        pdu_session_id=psi,
        request_type=nas.RequestType.INITIAL_REQUEST,
        s_nssai=core.slices[0],
        dnn=core.dnns[0],
    )


def leaving(ue: Ue) -> nas.DeregistrationRequestUEOriginating:
    """DEREGISTRATION REQUEST of a UE that stays switched on: the network answers it."""
    return nas.DeregistrationRequestUEOriginating(
        deregistration_type=nas.DeregistrationType(),
        ng_ksi=ue.security.ng_ksi,
        mobile_identity=check.present(ue.context.guti, "the 5G-GUTI"),
    )
