"""Authentication and NAS security, TS 33.501 §6, TS 24.501 §5.4.1 and §5.4.2."""

from __future__ import annotations

from functools import partial

from cinq.ran.scenarios import check
from cinq.ran.scenarios.bench import Bench
from cinq.ran.scenarios.scenario import scenario
from cinq.ran.ue import Ue
from cinq.ran.ue.faults import Fault
from cinq.ran.ue.security import PLAIN
from cinq.ran.ue.settings import Ciphering, Integrity
from cinq.wire import nas
from cinq.wire.nas import GmmCause


@scenario("security")
async def authentication_by_5g_aka(bench: Bench) -> None:
    """The network challenges by 5G AKA with RAND, AUTN and ABBA 0000.

    TS 33.501 §6.1.3.2, §A.7.1, TS 24.501 §5.4.1.3.
    """
    ue = await bench.registered()
    request = await bench.hears(nas.AuthenticationRequest, ue)
    check.present(request.rand, "RAND")
    check.present(request.autn, "AUTN")
    check.equal(request.abba, b"\0\0", "ABBA")


@scenario("security")
async def each_challenge_is_new(bench: Bench) -> None:
    """Two authentications of one UE have different RAND and AUTN (TS 33.501 §6.1.2, TS 33.102 §6.3.2)."""
    gnb = await bench.gnb()
    ue = await bench.registered(gnb)
    first = await bench.hears(nas.AuthenticationRequest, ue)
    await bench.succeeds(ue.deregister(switch_off=True), "deregistration")
    again = bench.ue_of(ue, gnb)
    await bench.succeeds(again.register(), "second registration")
    second = await bench.hears(nas.AuthenticationRequest, again)
    check.that(first.rand != second.rand, "another RAND")
    check.that(first.autn != second.autn, "another AUTN")


@scenario("security")
async def sequence_number_resynchronisation(bench: Bench) -> None:
    """A USIM that is ahead of the home network says synch failure with AUTS and is challenged anew.

    TS 33.501 §6.1.3.3, TS 24.501 §5.4.1.3.7 f).
    """
    gnb = await bench.gnb()
    ue = bench.ue(gnb, sqn=bench.ahead())
    await bench.succeeds(ue.register(), "registration of a USIM that is ahead")
    failures = bench.said(nas.AuthenticationFailure)
    check.equal([f.cause for f in failures], [GmmCause.SYNCH_FAILURE], "authentication failures of the UE")
    check.equal(len(bench.heard(nas.AuthenticationRequest, ue)), 2, "challenges")


@scenario("security")
async def wrong_response_to_a_challenge(bench: Bench) -> None:
    """A UE that does not have the key is not served (TS 33.501 §6.1.3.2.0, TS 24.501 §5.4.1.3.5)."""
    gnb = await bench.gnb()
    ue = bench.ue(gnb)

    def wrong(response: nas.AuthenticationResponse) -> list[nas.NasMessage]:
        return [nas.AuthenticationResponse(res=bytes(16))]

    with ue.station.change(nas.AuthenticationResponse, wrong):
        await bench.refused(ue.register(), "registration with a wrong RES*")
    await bench.hears(nas.AuthenticationReject, ue)


@scenario("security")
async def mac_failure_leads_to_a_new_attempt(bench: Bench) -> None:
    """A UE that finds AUTN not genuine says MAC failure; the network asks who it is or challenges anew.

    TS 24.501 §5.4.1.3.7 c).
    """
    gnb = await bench.gnb()
    ue = bench.ue(gnb)

    def fail(response: nas.AuthenticationResponse) -> list[nas.NasMessage]:
        return [nas.AuthenticationFailure(cause=GmmCause.MAC_FAILURE)]

    with ue.station.change(nas.AuthenticationResponse, fail, times=1):
        ue.initiate(ue.register, "registration")
        await bench.hears(nas.AuthenticationRequest, ue)
        await bench.hears_one_of(
            (nas.IdentityRequest, nas.AuthenticationRequest, nas.AuthenticationReject), ue
        )


async def algorithms(
    bench: Bench, integrity: tuple[Integrity, ...], ciphering: tuple[Ciphering, ...]
) -> nas.NasAlgorithms:
    """What the network chose for a UE that has these."""
    gnb = await bench.gnb()
    ue = await bench.registered(gnb, integrity=integrity, ciphering=ciphering)
    command = await bench.hears(nas.SecurityModeCommand, ue)
    return command.algorithms


@scenario("security")
async def security_mode_by_mandatory_algorithms(bench: Bench) -> None:
    """A UE with the algorithms alone that every UE has is protected by one of them.

    TS 33.501 §5.3.2, §5.3.3, §6.7.2.
    """
    chosen = await algorithms(bench, ("NIA1", "NIA2"), ("NEA0", "NEA1", "NEA2"))
    check.one_of(chosen.integrity, (1, 2), "the integrity algorithm")
    check.one_of(chosen.ciphering, (0, 1, 2), "the ciphering algorithm")


@scenario("security")
async def security_mode_of_a_ue_with_all_algorithms(bench: Bench) -> None:
    """A UE with every algorithm is given one that is not null for integrity (TS 33.501 §5.5.2, §6.7.2)."""
    chosen = await algorithms(bench, ("NIA1", "NIA2", "NIA3"), ("NEA0", "NEA1", "NEA2", "NEA3"))
    check.one_of(chosen.integrity, (1, 2, 3), "the integrity algorithm")


@scenario("security")
async def a_capability_without_mandatory_algorithms_is_refused(bench: Bench) -> None:
    """A UE without the algorithms that every UE has is not registered (TS 24.501 §5.5.1.2.8 i), TS 33.501 §5.3.3)."""
    gnb = await bench.gnb()
    ue = bench.ue(gnb, integrity=("NIA3",))
    refused = await bench.refused(ue.register(attempts=1), "registration with NIA3 alone")
    check.that(isinstance(refused.answer, nas.RegistrationReject), "REGISTRATION REJECT")


@scenario("security")
async def null_integrity_is_not_chosen(bench: Bench) -> None:
    """A UE that offers NIA0 beside another algorithm is not given NIA0 (TS 33.501 §5.5.2)."""
    gnb = await bench.gnb()
    ue = await bench.registered(gnb, integrity=("NIA0", "NIA1", "NIA2"))
    command = await bench.hears(nas.SecurityModeCommand, ue)
    check.that(command.algorithms.integrity != 0, "the integrity algorithm is not NIA0")


@scenario("security")
async def only_null_integrity_is_refused(bench: Bench) -> None:
    """A UE with NIA0 alone is not registered: no common algorithm (TS 33.501 §5.5.2, TS 24.501 §5.5.1.2.5 #23)."""
    gnb = await bench.gnb()
    ue = bench.ue(gnb, integrity=("NIA0",))
    refused = await bench.refused(ue.register(attempts=1), "registration with NIA0 alone")
    reject = refused.answer
    check.that(isinstance(reject, nas.RegistrationReject), "REGISTRATION REJECT")
    if isinstance(reject, nas.RegistrationReject):
        check.equal(reject.cause, GmmCause.UE_SECURITY_CAPABILITIES_MISMATCH, "the 5GMM cause")


@scenario("security")
async def the_capability_is_replayed(bench: Bench) -> None:
    """SECURITY MODE COMMAND repeats the UE's security capability, so that nobody bids it down.

    TS 33.501 §6.7.2, TS 24.501 §5.4.2.2.
    """
    ue = await bench.registered()
    command = await bench.hears(nas.SecurityModeCommand, ue)
    wanted = ue.capability
    found = command.replayed_ue_security_capability.octets
    check.equal(found[:2], wanted[:2], "5G algorithms of the replayed capability")


@scenario("security")
async def the_pei_is_asked_for_under_security(bench: Bench) -> None:
    """The IMEISV comes in SECURITY MODE COMPLETE, ciphered, never in clear (TS 33.501 §6.2.3, TS 24.501 §5.4.2.3)."""
    ue = await bench.registered()
    command = await bench.hears(nas.SecurityModeCommand, ue)
    check.that(bool(command.imeisv_request), "the IMEISV is requested")
    imeisv = ue.settings.imeisv.encode()
    clear = [e.octets for e in bench.events if e.interface == "N2" and e.direction == "out"]
    check.that(all(imeisv not in octets for octets in clear), "no message on N2 has the IMEISV in clear")


@scenario("security")
async def a_replayed_message_is_not_taken_twice(bench: Bench) -> None:
    """A NAS message with a COUNT that was used is discarded (TS 33.501 §6.4.3.2, TS 24.501 §4.4.3.2)."""
    gnb = await bench.gnb()
    ue = await bench.registered(gnb)
    with ue.station.record() as record:
        await bench.succeeds(ue.register(nas.RegistrationKind.MOBILITY), "registration update")
        requests = [sent for sent in record.sent if isinstance(sent.message, nas.RegistrationRequest)]
        ue.station.replay(requests[0])
    await bench.hears(nas.RegistrationAccept, ue)
    await bench.hears(nas.RegistrationAccept, ue)
    await bench.hears_not(nas.RegistrationAccept, ue)
    await bench.alive(gnb)


@scenario("security")
async def a_message_in_clear_is_not_taken(bench: Bench) -> None:
    """After security is established a 5GMM message in clear is discarded (TS 24.501 §4.4.4.3)."""
    gnb = await bench.gnb()
    ue = await bench.registered(gnb)
    leave = nas.DeregistrationRequestUEOriginating(
        deregistration_type=nas.DeregistrationType(switch_off=True),
        ng_ksi=ue.security.ng_ksi,
        mobile_identity=check.present(ue.context.guti, "the 5G-GUTI"),
    )
    ue.station.send(leave, envelope=PLAIN)
    await bench.hears_not(nas.DeregistrationAcceptUEOriginating, ue)
    await bench.succeeds(ue.register(nas.RegistrationKind.MOBILITY), "registration update afterwards")


@scenario("security")
async def a_wrong_mac_is_not_taken(bench: Bench) -> None:
    """A message whose MAC does not hold is discarded, and the UE stays registered.

    TS 33.501 §6.4.3.3, TS 24.501 §4.4.4.3.
    """
    gnb = await bench.gnb()
    ue = await bench.registered(gnb)
    with ue.station.spoil_mac(nas.RegistrationRequest, times=1):
        ue.initiate(lambda: ue.register(nas.RegistrationKind.MOBILITY), "registration update")
        await bench.hears_not(nas.RegistrationAccept, ue, within=3.0, after=1)
    await bench.alive(gnb)


@scenario("security", needs=("EAP-AKA'",))
async def authentication_by_eap_aka_prime(bench: Bench) -> None:
    """The challenge is an EAP packet, EAP-Success comes with SECURITY MODE COMMAND or AUTHENTICATION RESULT.

    TS 33.501 §6.1.3.1, TS 24.501 §5.4.1.2, RFC 9048.
    """
    ue = await bench.registered()
    request = await bench.hears(nas.AuthenticationRequest, ue)
    check.present(request.eap_message, "the EAP message of the challenge")
    check.absent(request.rand, "RAND beside the EAP message")
    command = await bench.hears(nas.SecurityModeCommand, ue)
    results = bench.heard(nas.AuthenticationResult, ue)
    check.that(command.eap_message is not None or bool(results), "EAP-Success came")


@scenario("security", needs=("EAP-AKA'",))
async def eap_resynchronisation(bench: Bench) -> None:
    """AKA'-Synchronization-Failure is answered by a challenge that the USIM takes.

    RFC 4187 §6.3.1, TS 33.501 §6.1.3.3.
    """
    gnb = await bench.gnb()
    ue = bench.ue(gnb, sqn=bench.ahead())
    await bench.succeeds(ue.register(), "registration of a USIM that is ahead")
    check.equal(len(bench.heard(nas.AuthenticationRequest, ue)), 2, "challenges")


async def eap_refused(bench: Bench, fault: Fault) -> nas.AuthenticationReject:
    """The reject of a UE that shows the fault for ever."""
    gnb = await bench.gnb()
    ue = bench.ue(gnb)
    with ue.faults.shown(fault):
        await bench.refused(ue.register(), f"registration although {fault.value}")
    return await bench.hears(nas.AuthenticationReject, ue)


@scenario("security", needs=("EAP-AKA'",))
async def eap_with_a_wrong_res(bench: Bench) -> None:
    """A wrong AT_RES ends in EAP-Failure with AUTHENTICATION REJECT (RFC 4187 §6.3, TS 24.501 §5.4.1.2.2)."""
    reject = await eap_refused(bench, Fault.WRONG_RES)
    check.present(reject.eap_message, "EAP-Failure")


@scenario("security", needs=("EAP-AKA'",))
async def eap_with_a_wrong_mac(bench: Bench) -> None:
    """A response whose AT_MAC does not hold ends in EAP-Failure (RFC 4187 §6.2, TS 33.501 §6.1.3.1)."""
    reject = await eap_refused(bench, Fault.WRONG_AT_MAC)
    check.present(reject.eap_message, "EAP-Failure")


@scenario("security", needs=("EAP-AKA'",))
async def eap_rejected_by_the_ue(bench: Bench) -> None:
    """AKA'-Authentication-Reject of the UE ends the exchange (RFC 4187 §6.3.1, TS 33.501 §6.1.3.1)."""
    await eap_refused(bench, Fault.MAC_FAILURE)


@scenario("security", needs=("EAP-AKA'",))
async def eap_client_error(bench: Bench) -> None:
    """AKA'-Client-Error ends the exchange (RFC 4187 §6.3.1)."""
    await eap_refused(bench, Fault.CLIENT_ERROR)


@scenario("security", needs=("EAP-AKA'",))
async def eap_of_another_method(bench: Bench) -> None:
    """A UE that wants another EAP method is refused (RFC 3748 §5.3.1, TS 33.501 §6.1.3.1)."""
    await eap_refused(bench, Fault.NAK)


@scenario("security")
async def key_set_in_use(bench: Bench) -> None:
    """A UE that says its key set identifier is in use is challenged with another (TS 24.501 §5.4.1.3.7 e))."""
    gnb = await bench.gnb()
    ue = bench.ue(gnb)
    with ue.faults.shown(Fault.NGKSI_IN_USE, times=1):
        await bench.succeeds(ue.register(), "registration")
    first, second = bench.heard(nas.AuthenticationRequest, ue)
    check.that(first.ng_ksi != second.ng_ksi, "the second challenge has another ngKSI")


@scenario("security")
async def synch_failure_again_and_again(bench: Bench) -> None:
    """A UE that finds every sequence number used is not challenged for ever.

    TS 33.102 §6.3.5, TS 24.501 §5.4.1.3.7 f).
    """
    gnb = await bench.gnb()
    ue = bench.ue(gnb)
    with ue.faults.shown(Fault.SQN_OUT_OF_RANGE):
        ue.initiate(lambda: bench.forgiven(ue.register()), "registration")
        await bench.hears(nas.AuthenticationRequest, ue)
        await bench.hears_one_of((nas.AuthenticationReject, nas.RegistrationReject), ue)
    check.that(len(bench.heard(nas.AuthenticationRequest, ue)) <= 4, "at most four challenges")


@scenario("security")
async def auts_that_is_forged(bench: Bench) -> None:
    """An AUTS whose MAC-S does not hold moves no sequence number (TS 33.102 §6.3.5, TS 33.501 §6.1.3.3).

    What its sender hears of it the clauses leave open; the UE whose number it is registers.
    """
    gnb = await bench.gnb()
    ue = bench.ue(gnb)
    with ue.faults.shown(Fault.SQN_OUT_OF_RANGE, times=1), ue.faults.shown(Fault.WRONG_AUTS, times=1):
        ue.initiate(lambda: bench.forgiven(ue.register(attempts=1)), "registration")
        await bench.until(lambda: bool(bench.said(nas.AuthenticationFailure)), "the AUTS has left")
        await bench.settled()
    honest = bench.ue_of(ue, gnb)
    await bench.succeeds(honest.register(), "registration of the honest UE afterwards")


async def _give_up(bench: Bench, ue: Ue) -> None:
    await bench.forgiven(ue.register())


@scenario("security", needs=("two subscribers",))
async def a_stranger_starts_many_challenges(bench: Bench) -> None:
    """Many first messages with a UE's SUCI from strangers do not stop the UE from registering.

    TS 33.501 §6.1.2, TS 24.501 §5.4.1.3.5.
    """
    gnb = await bench.gnb()
    ue = bench.ue(gnb)
    strangers = [bench.ue_of(ue, gnb) for _ in range(5)]
    for stranger in strangers:
        stranger.station.mute(nas.AuthenticationRequest)
        stranger.initiate(partial(_give_up, bench, stranger), "stranger")
    await bench.hears(nas.AuthenticationRequest, ue)
    await bench.succeeds(ue.register(), "registration of the honest UE")
    check.equal(len(bench.heard(nas.AuthenticationReject, ue)), 0, "rejects")
