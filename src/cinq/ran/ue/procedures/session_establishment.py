"""UE-requested PDU session establishment, TS 24.501 §6.4.1."""

from __future__ import annotations

from contextlib import suppress
from ipaddress import IPv4Address

from cinq.procedure import Refused, Timer, procedure
from cinq.ran.ue.causes import gsm
from cinq.ran.ue.context import UNASSIGNED_PTI, NoAnswer
from cinq.ran.ue.procedures.session_release import session_release
from cinq.ran.ue.session import Session
from cinq.ran.ue.signals import EstablishSession, ReleaseSession
from cinq.wire import nas

T3580 = Timer("T3580", 16, 4)
_TYPES = {
    "IPv4": nas.PduSessionType.IPV4,
    "IPv6": nas.PduSessionType.IPV6,
    "IPv4v6": nas.PduSessionType.IPV4V6,
}
_CAPABILITY = nas.Capability5gsm.of()
_ASKED_PCO = [
    (nas.EPCO_IP_ADDRESS_ALLOCATION_VIA_NAS, b""),
    (nas.EPCO_DNS_SERVER_IPV4, b""),
    (nas.EPCO_IPV4_LINK_MTU, b""),
]


@procedure(opens=EstablishSession)
async def session_establishment(session: Session, _: EstablishSession) -> None:
    """§6.4.1.2 to §6.4.1.4. Refused: with PDU SESSION ESTABLISHMENT REJECT, or None where no answer came."""
    if session.context.state == "ACTIVE":
        return
    session.check_back_off()
    session.pti = session.ue.allocate_pti()
    session.commit(state="ACTIVE_PENDING")
    request = nas.PDUSessionEstablishmentRequest(
        pdu_session_id=session.context.pdu_session_id,
        pti=session.pti,
        integrity_protection_maximum_data_rate=nas.IntegrityProtectionMaximumDataRate(),
        pdu_session_type=_TYPES[session.settings.kind],
        ssc_mode=nas.SscMode.SSC_MODE_1,
        capability_5gsm=_CAPABILITY,
        extended_pco=_ASKED_PCO,
    )
    session.ue.released.pop(session.context.pdu_session_id, None)
    try:
        answer = await session.ask(
            request,
            nas.PDUSessionEstablishmentAccept,
            nas.PDUSessionEstablishmentReject,
            NoAnswer,
            timer=T3580,
        )
        if isinstance(answer, nas.PDUSessionEstablishmentAccept):
            _accepted(session, answer)
            return
        if isinstance(answer, NoAnswer) and answer.release is not None:  # §7.5.3 a)
            with suppress(Refused):
                await session_release(session, ReleaseSession(answer.release))
            session.gone()
    finally:
        session.pti = UNASSIGNED_PTI
        if session.context.state == "ACTIVE_PENDING":
            session.commit(state="INACTIVE")
    if isinstance(answer, NoAnswer):
        session.hold_off(answer.cause, answer.back_off_s)
        raise Refused(None, answer.reason)
    session.hold_off(answer.cause, answer.back_off_timer)
    raise Refused(answer, gsm(answer.cause, session.asked))


def _accepted(session: Session, accept: nas.PDUSessionEstablishmentAccept) -> None:
    """§6.4.1.3: the session is active; programs get an interface with its address."""
    address = None if accept.pdu_address is None else accept.pdu_address.ipv4
    mtu, dns = session.context.mtu, []
    for identifier, contents in accept.extended_pco or ():
        if identifier == nas.EPCO_IPV4_LINK_MTU and len(contents) == 2:
            mtu = int.from_bytes(contents, "big")
        elif identifier == nas.EPCO_DNS_SERVER_IPV4 and len(contents) == 4:
            dns.append(IPv4Address(contents))
    session.commit(
        state="ACTIVE",
        address=address,
        dnn=accept.dnn or session.settings.dnn,
        s_nssai=accept.s_nssai or session.settings.s_nssai,
        mtu=mtu,
        dns=tuple(dns),
        uplink_bps=accept.session_ambr.uplink_bps,
        downlink_bps=accept.session_ambr.downlink_bps,
        bearer=True,
    )
    session.open_interface()
