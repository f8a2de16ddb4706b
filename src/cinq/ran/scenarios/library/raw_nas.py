"""Octets as NAS that no UE sends: what the core answers, that it lives, and that nobody else is touched."""

from __future__ import annotations

from cinq.ran.scenarios import check
from cinq.ran.scenarios.bench import Bench
from cinq.ran.scenarios.scenario import scenario
from cinq.ran.ue import Ue
from cinq.ran.ue.security import Envelope
from cinq.wire import nas, ngap
from cinq.wire.nas import GmmCause, RegistrationKind, SecurityHeader

NOT_A_TYPE = bytes.fromhex("7e007f")
NOT_A_PROTOCOL = bytes.fromhex("000000")


async def unharmed(bench: Bench, ue: Ue, *, connected: bool = True) -> None:
    """The UE is registered still and updates under its keys, on its connection if it is to be `connected`; another UE
    can register."""
    before, connections = (
        len(bench.heard(nas.AuthenticationRequest, ue)),
        len(bench.said(ngap.InitialUEMessage)),
    )
    await bench.succeeds(ue.register(RegistrationKind.MOBILITY), "registration update afterwards")
    if connected:
        check.equal(len(bench.said(ngap.InitialUEMessage)), connections, "connections that were begun")
    check.equal(len(bench.heard(nas.AuthenticationRequest, ue)), before, "authentications")
    await bench.alive(bench.gnb_of(ue))


@scenario("negative")
async def unknown_message_type_under_security(bench: Bench) -> None:
    """A message type that does not exist is ignored; 5GMM STATUS, which should come, says #97 (TS 24.501 §7.4)."""
    ue = await bench.registered()
    ue.station.send(NOT_A_TYPE)
    await bench.settled()
    for status in bench.heard(nas.FiveGMMStatus, ue):
        check.equal(status.cause, GmmCause.MESSAGE_TYPE_NON_EXISTENT_OR_NOT_IMPLEMENTED, "the 5GMM cause")
    await unharmed(bench, ue)


@scenario("negative")
async def octets_of_no_protocol_under_security(bench: Bench) -> None:
    """Octets that are no 5GS NAS message, and too few of them, are ignored (TS 24.501 §7.2.1, §9.2)."""
    ue = await bench.registered()
    await bench.settled()
    for octets in (NOT_A_PROTOCOL, b"\x7e", b""):
        ue.station.send(octets)
    await bench.hears_not(nas.GmmMessage, ue, within=1.0, after=len(bench.heard(nas.GmmMessage, ue)))
    await unharmed(bench, ue)


@scenario("negative")
async def reserved_security_header_types(bench: Bench) -> None:
    """A PDU of a reserved security header type is ignored (TS 24.501 §9.3)."""
    ue = await bench.registered()
    status = nas.encode(nas.FiveGMMStatus(cause=GmmCause.PROTOCOL_ERROR_UNSPECIFIED))
    for header in range(5, 16):
        ue.station.send(status, envelope=Envelope(header, count=1000))
    await unharmed(bench, ue)


@scenario("negative")
async def a_count_that_runs_ahead(bench: Bench) -> None:
    """A COUNT that skips some numbers is taken: messages get lost on the radio (TS 24.501 §4.4.3.1)."""
    ue = await bench.registered()
    security = check.present(ue.security.current, "a NAS security context").nas
    security.ul_count += 100
    ue.station.send(NOT_A_TYPE)
    await bench.settled()
    await unharmed(bench, ue)


@scenario("negative")
async def a_count_that_was_used(bench: Bench) -> None:
    """A message under a COUNT that was accepted before is discarded (TS 24.501 §4.4.3.2)."""
    ue = await bench.registered()
    ue.station.send(NOT_A_TYPE, envelope=Envelope(count=0))
    await bench.hears_not(nas.FiveGMMStatus, ue, within=1.0)
    await unharmed(bench, ue)


@scenario("negative")
async def a_message_of_the_networks_own_direction(bench: Bench) -> None:
    """What only a network says is no message for a network: 5GMM STATUS #97, or silence (TS 24.501 §7.4)."""
    ue = await bench.registered()
    ue.station.send(nas.RegistrationReject(cause=GmmCause.ILLEGAL_UE))
    ue.station.send(nas.ServiceAccept())
    await bench.settled()
    known = (
        GmmCause.MESSAGE_TYPE_NON_EXISTENT_OR_NOT_IMPLEMENTED,
        GmmCause.MESSAGE_TYPE_NOT_COMPATIBLE_WITH_THE_PROTOCOL_STATE,
    )
    for status in bench.heard(nas.FiveGMMStatus, ue):
        check.one_of(status.cause, known, "the 5GMM cause")
    await unharmed(bench, ue)


@scenario("negative")
async def a_cut_message_at_each_length(bench: Bench) -> None:
    """A service request cut at each octet, under valid security: no answer but STATUS or a reject, and nothing lost.

    TS 24.501 §7.2.1, §7.5.1.
    """
    ue = await bench.registered()
    whole = nas.encode(
        nas.ServiceRequest(
            ng_ksi=ue.security.ng_ksi,
            service_type=nas.ServiceType.SIGNALLING,
            s_tmsi=check.present(ue.context.guti, "the 5G-GUTI").s_tmsi,
        )
    )
    for length in range(len(whole)):
        ue.station.send(whole[:length])
    await bench.hears_not(nas.ServiceAccept, ue, within=1.0)
    await unharmed(bench, ue, connected=False)


@scenario("negative")
async def registration_complete_that_nobody_asked_for(bench: Bench) -> None:
    """A REGISTRATION COMPLETE too many draws STATUS or silence, and the 5G-GUTI stays (TS 24.501 §7.4)."""
    ue = await bench.registered()
    for _ in range(3):
        ue.station.send(nas.RegistrationComplete())
    await unharmed(bench, ue)


@scenario("negative")
async def answers_that_nobody_asked_for(bench: Bench) -> None:
    """Answers to common procedures that do not run are ignored or draw STATUS (TS 24.501 §5.4, §7.4)."""
    ue = await bench.registered()
    for message in (
        nas.AuthenticationResponse(res=bytes(16)),
        nas.AuthenticationFailure(cause=GmmCause.MAC_FAILURE),
        nas.IdentityResponse(mobile_identity=ue.suci()),
        nas.SecurityModeReject(cause=GmmCause.UE_SECURITY_CAPABILITIES_MISMATCH),
        nas.ConfigurationUpdateComplete(),
        nas.NotificationResponse(),
        nas.DeregistrationAcceptUETerminated(),
    ):
        ue.station.send(message)
    await unharmed(bench, ue)


@scenario("negative")
async def integrity_without_ciphering(bench: Bench) -> None:
    """After security mode a message that is not ciphered is no reason to let go of a UE (TS 24.501 §4.4.5)."""
    ue = await bench.registered()
    ue.station.send(NOT_A_TYPE, envelope=Envelope(SecurityHeader.INTEGRITY))
    await unharmed(bench, ue)


@scenario("negative")
async def the_same_registration_twice(bench: Bench) -> None:
    """A duplicate of the initial message on the same connection is no second registration (TS 24.501 §5.5.1.2.8 e))."""
    gnb = await bench.gnb()
    ue = bench.ue(gnb)
    with ue.station.duplicate(nas.RegistrationRequest, times=1):
        await bench.succeeds(ue.register(), "registration")
    await unharmed(bench, ue)


@scenario("negative")
async def an_answer_is_lost(bench: Bench) -> None:
    """An AUTHENTICATION RESPONSE that is lost is asked for again, and registration goes on (TS 24.501 §5.4.1.3.7)."""
    gnb = await bench.gnb()
    ue = bench.ue(gnb)
    with ue.station.drop(nas.AuthenticationResponse, times=1):
        await bench.succeeds(ue.register(), "registration")
    check.equal(len(bench.heard(nas.AuthenticationRequest, ue)), 2, "challenges")


@scenario("negative")
async def a_session_message_of_another_session(bench: Bench) -> None:
    """A 5GSM message of a session that does not exist is given back, or answered by 5GSM STATUS (TS 24.501 §7.3.2)."""
    ue = await bench.registered()
    request = nas.PDUSessionModificationRequest(pdu_session_id=9, pti=9)
    ue.station.send(
        nas.ULNASTransport(
            payload_container_type=nas.PayloadContainerType.N1_SM_INFORMATION,
            payload_container=nas.encode(request),
            pdu_session_id=9,
        )
    )
    await bench.hears(nas.DLNASTransport, ue)
    await unharmed(bench, ue)
