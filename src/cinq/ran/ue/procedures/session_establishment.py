"""UE-requested PDU session establishment, TS 24.501 §6.4.1."""

from __future__ import annotations

from contextlib import suppress

from cinq.procedure import Refused, Timer, TimerExpired, procedure
from cinq.ran.ue import pco
from cinq.ran.ue.causes import gsm
from cinq.ran.ue.context import UNASSIGNED_PTI, NoAnswer
from cinq.ran.ue.procedures.session_modification import erase_wrong
from cinq.ran.ue.procedures.session_release import session_release
from cinq.ran.ue.qos import SYNTACTICAL, Qos, QosError, established
from cinq.ran.ue.session import Session
from cinq.ran.ue.signals import EstablishSession, ReleaseSession
from cinq.wire import nas
from cinq.wire.nas import GsmFeature

T3580 = Timer("T3580", 16, 4)
_TYPES = {
    "IPv4": nas.PduSessionType.IPV4,
    "IPv6": nas.PduSessionType.IPV6,
    "IPv4v6": nas.PduSessionType.IPV4V6,
    "Ethernet": nas.PduSessionType.ETHERNET,
}
_RATES = {"full": nas.DataRate.FULL, "64k": nas.DataRate.KBPS_64}


@procedure(opens=EstablishSession)
async def session_establishment(session: Session, wanted: EstablishSession) -> None:
    """§6.4.1.2 to §6.4.1.4. Refused: with PDU SESSION ESTABLISHMENT REJECT, or None where no answer came."""
    if session.context.state == "ACTIVE":
        return
    session.check_access()
    session.check_back_off()
    session.pti = session.ue.allocate_pti()
    session.opened_by(wanted.request_type, wanted.old)
    session.commit(state="ACTIVE_PENDING")
    session.ue.released.pop(session.context.pdu_session_id, None)
    try:
        answer = await session.ask(
            _request(session),
            nas.PDUSessionEstablishmentAccept,
            nas.PDUSessionEstablishmentReject,
            NoAnswer,
            timer=T3580,
        )
        if isinstance(answer, nas.PDUSessionEstablishmentAccept):
            await _accepted(session, answer)
            return
        if isinstance(answer, NoAnswer) and answer.release is not None:  # §7.5.3 a)
            await _release(session, answer.release)
    finally:
        session.pti = UNASSIGNED_PTI
        if session.context.state == "ACTIVE_PENDING":
            session.commit(state="INACTIVE")
    if isinstance(answer, NoAnswer):
        session.hold_off(answer.cause, answer.back_off_s)
        raise Refused(None, answer.reason)
    session.hold_off(answer.cause, answer.back_off_timer)
    raise Refused(answer, gsm(answer.cause, session.asked))


def _request(session: Session) -> nas.PDUSessionEstablishmentRequest:
    """§8.3.1."""
    wanted = session.settings
    rate = _RATES[wanted.integrity_rate]
    features = (GsmFeature.REFLECTIVE_QOS,) if wanted.reflective_qos else ()
    return nas.PDUSessionEstablishmentRequest(
        pdu_session_id=session.context.pdu_session_id,
        pti=session.pti,
        integrity_protection_maximum_data_rate=nas.IntegrityProtectionMaximumDataRate(rate, rate),
        pdu_session_type=_TYPES[wanted.kind],
        ssc_mode=wanted.ssc_mode,
        capability_5gsm=nas.Capability5gsm.of(*features),
        maximum_number_of_supported_packet_filters=wanted.packet_filters or None,
        always_on_requested=True if wanted.always_on else None,
        extended_pco=pco.asked(wanted.ask) or None,
    )


async def _accepted(session: Session, accept: nas.PDUSessionEstablishmentAccept) -> None:
    """§6.4.1.3: the session is active; programs get an interface with its address. QoS that has no sense ends it."""
    try:
        for name, what in accept.faults:
            if name == "authorized_qos_flow_descriptions":
                raise QosError(SYNTACTICAL, f"{name} cannot be read: {what}", release=True)
        qos = established(accept.authorized_qos_rules, accept.authorized_qos_flow_descriptions or ())
    except QosError as error:
        await _release(session, error.cause)
        raise Refused(accept, f"the accept is refused: {error}, 5GSM cause #{int(error.cause)}") from None
    _store(session, accept, qos)
    session.open_interface()
    erase_wrong(session, qos)


async def _release(session: Session, cause: int) -> None:
    with suppress(Refused, TimerExpired):
        await session_release(session, ReleaseSession(cause))
    session.gone()


def _store(session: Session, accept: nas.PDUSessionEstablishmentAccept, qos: Qos) -> None:
    address, found = accept.pdu_address, pco.found(accept.extended_pco)
    session.commit(
        state="ACTIVE",
        address=None if address is None else address.ipv4,
        interface_identifier=b"" if address is None else address.interface_identifier or b"",
        kind=accept.selected_pdu_session_type,
        ssc_mode=accept.selected_ssc_mode,
        always_on=bool(accept.always_on),
        cause=accept.cause or 0,
        rq_timer_s=max(accept.rq_timer or 0, 0),
        dnn=accept.dnn or session.settings.dnn,
        s_nssai=accept.s_nssai or session.settings.s_nssai,
        mtu=session.context.mtu if found.mtu is None else found.mtu,
        dns=found.dns,
        p_cscf=found.p_cscf,
        pco=tuple(accept.extended_pco or ()),
        uplink_bps=accept.session_ambr.uplink_bps,
        downlink_bps=accept.session_ambr.downlink_bps,
        rules=tuple(qos.rules.values()),
        flows=tuple(qos.flows.values()),
        bearer=True,
    )
