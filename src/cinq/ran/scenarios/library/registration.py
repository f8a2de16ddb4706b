"""Registration and deregistration, TS 24.501 §5.5."""

from __future__ import annotations

import contextlib

from cinq.numbering import Guti, SNssai
from cinq.ran.scenarios import check
from cinq.ran.scenarios.bench import Bench
from cinq.ran.scenarios.scenario import scenario
from cinq.ran.ue import Ue, access_control
from cinq.wire import nas, ngap
from cinq.wire.nas import GmmCause, RegistrationKind

WITHDRAWN_S = 3.0
"""Until a core has acted on a subscription that was withdrawn."""


@scenario("registration")
async def registration_with_suci(bench: Bench) -> None:
    """A UE without an identity of this network registers with its SUCI and gets a 5G-GUTI (TS 24.501 §5.5.1.2.4)."""
    ue = await bench.registered()
    accept = await bench.hears(nas.RegistrationAccept, ue)
    guti = check.present(accept.guti, "the 5G-GUTI")
    check.equal(guti.plmn, bench.target.core.plmn, "the PLMN of the 5G-GUTI")
    allowed = check.present(accept.allowed_nssai, "the allowed NSSAI")
    check.that(len(allowed) > 0, "the allowed NSSAI names a slice")
    check.present(accept.tai_list, "the registration area")


@scenario("registration")
async def registration_area_holds_the_cell(bench: Bench) -> None:
    """The registration area holds the tracking area where the UE registered.

    TS 24.501 §5.5.1.2.4, TS 23.501 §5.3.2.3.
    """
    gnb = await bench.gnb()
    ue = await bench.registered(gnb)
    accept = await bench.hears(nas.RegistrationAccept, ue)
    tais = check.present(accept.tai_list, "the registration area")
    check.that(
        any(tai.tac == gnb.settings.tac for tai in tais),
        f"TAC {gnb.settings.tac} is in the registration area",
    )


@scenario("registration")
async def registration_with_guti(bench: Bench) -> None:
    """A UE that comes back with its 5G-GUTI is known: it is not asked who it is.

    TS 24.501 §5.5.1.2.2, TS 23.502 §4.2.2.2.2.
    """
    gnb = await bench.gnb()
    ue = await bench.registered(gnb)
    await bench.released(ue)
    await bench.succeeds(ue.register(), "registration with a 5G-GUTI")
    sent = bench.said(nas.RegistrationRequest)
    check.that(isinstance(sent[-1].mobile_identity, Guti), "the UE used its 5G-GUTI")
    check.equal(len(bench.heard(nas.IdentityRequest, ue)), 0, "identity requests")


@scenario("registration")
async def registration_with_unknown_guti(bench: Bench) -> None:
    """A 5G-GUTI that the AMF does not know: the UE is asked for its SUCI and is registered.

    TS 24.501 §5.4.3.1, §5.5.1.2.8 i).
    """
    gnb = await bench.gnb()
    ue = await bench.registered(gnb)
    guti = check.present(ue.context.guti, "the 5G-GUTI")
    await bench.succeeds(ue.deregister(switch_off=True), "deregistration")
    stranger = bench.ue(gnb)
    stranger.commit(guti=Guti(guti.plmn, guti.amf, guti.tmsi ^ 0x5A5A5A5A))
    await bench.succeeds(stranger.register(), "registration with an unknown 5G-GUTI")
    request = await bench.hears(nas.IdentityRequest, stranger)
    check.equal(request.identity_type, 1, "the identity asked for (1 is SUCI)")


@scenario("registration")
async def registration_allocates_a_new_guti(bench: Bench) -> None:
    """Each initial registration gives a 5G-GUTI that was not used before (TS 33.501 §6.12.3)."""
    gnb = await bench.gnb()
    ue = await bench.registered(gnb)
    first = ue.context.guti
    await bench.succeeds(ue.deregister(), "deregistration")
    await bench.succeeds(ue.register(), "second registration")
    check.that(ue.context.guti != first, "the second registration gave another 5G-GUTI")


@scenario("registration")
async def registration_of_a_concealed_supi(bench: Bench) -> None:
    """The SUCI that a UE sends hides its MSIN; the network finds the SUPI (TS 33.501 §6.12.2, TS 23.003 §2.2B)."""
    ue = await bench.registered()
    sent = [nas.encode(request) for request in bench.said(nas.RegistrationRequest)]
    check.that(bool(sent), "the UE registered")
    if bench.target.core.scheme != "null":
        msin = ue.settings.supi.msin(ue.settings.plmn).encode()
        check.that(msin not in sent[0], "the MSIN is not in the message")


@scenario("registration")
async def periodic_registration(bench: Bench) -> None:
    """Periodic registration of an idle UE is accepted and keeps it registered.

    TS 24.501 §5.5.1.3.2, TS 23.502 §4.2.2.2.2.
    """
    gnb = await bench.gnb()
    ue = await bench.registered(gnb)
    await bench.released(ue)
    await bench.succeeds(ue.register(RegistrationKind.PERIODIC), "periodic registration")
    check.equal(len(bench.heard(nas.RegistrationAccept, ue)), 2, "registration accepts")


@scenario("registration")
async def mobility_registration_while_connected(bench: Bench) -> None:
    """A mobility registration update on a live connection is accepted (TS 24.501 §5.5.1.3.2, §5.5.1.3.4)."""
    ue = await bench.registered()
    await bench.succeeds(ue.register(RegistrationKind.MOBILITY), "mobility registration update")
    check.equal(len(bench.heard(nas.RegistrationAccept, ue)), 2, "registration accepts")


@scenario("registration")
async def registration_gives_a_periodic_timer(bench: Bench) -> None:
    """The network says when the UE is to register again (T3512, TS 24.501 §5.5.1.2.4, §10.2)."""
    ue = await bench.registered()
    accept = await bench.hears(nas.RegistrationAccept, ue)
    check.present(accept.t3512, "T3512")


@scenario("registration")
async def registration_is_told_again_when_complete_is_lost(bench: Bench) -> None:
    """Without REGISTRATION COMPLETE the network sends the accept again after T3550 (TS 24.501 §5.5.1.2.8 c))."""
    gnb = await bench.gnb()
    ue = bench.ue(gnb)
    with ue.station.drop(nas.RegistrationComplete, times=1):
        await bench.succeeds(ue.register(), "registration")
        await bench.hears(nas.RegistrationAccept, ue)
        await bench.hears(nas.RegistrationAccept, ue, within=9.0)


@scenario("registration")
async def registration_of_an_unknown_subscriber(bench: Bench) -> None:
    """A subscriber that the home network does not know is rejected (TS 24.501 §5.5.1.2.5, TS 29.503 §6.3.3)."""
    gnb = await bench.gnb()
    ue = bench.ue(gnb, imsi=bench.unknown_imsi())
    refused = await bench.refused(ue.register(attempts=1), "registration of an unknown subscriber")
    check.that(
        isinstance(refused.answer, nas.RegistrationReject | nas.AuthenticationReject), "a reject says so"
    )
    if isinstance(refused.answer, nas.RegistrationReject):
        wanted = (GmmCause.ILLEGAL_UE, GmmCause.PLMN_NOT_ALLOWED, GmmCause.SERVICES_5GS_NOT_ALLOWED)
        check.one_of(refused.answer.cause, wanted, "the 5GMM cause")


@scenario("registration")
async def registration_with_a_slice_that_is_not_served(bench: Bench) -> None:
    """Of two requested slices one is served: it is allowed, the other rejected (TS 24.501 §5.5.1.2.4, §9.11.3.46)."""
    gnb = await bench.gnb()
    served, strange = bench.target.core.slices[0], SNssai(200, 0x123456)
    ue = await bench.registered(gnb, slices=(served, strange))
    accept = await bench.hears(nas.RegistrationAccept, ue)
    allowed = check.present(accept.allowed_nssai, "the allowed NSSAI")
    check.that(served in allowed, f"{served} is allowed")
    check.that(strange not in allowed, f"{strange} is not allowed")
    rejected = check.present(accept.rejected_nssai, "the rejected NSSAI")
    check.that(any(r.s_nssai == strange for r in rejected), f"{strange} is rejected")


@scenario("registration", needs=("two tracking areas", "two slices"))
async def a_slice_that_is_not_everywhere(bench: Bench) -> None:
    """Where the gNB has one slice the other is not allowed; where it has both both are, once the UE has moved there.

    TS 23.501 §5.15.8, §5.15.4.1, TS 24.501 §5.5.1.3.4, §9.11.3.46.
    """
    (here, there), (common, rare) = bench.target.core.tacs[:2], bench.target.core.slices[:2]
    poor = await bench.gnb(tac=here, slices=(common,))
    rich = await bench.gnb(tac=there, slices=(common, rare))
    ue = await bench.registered(poor, slices=(common, rare))
    accept = await bench.hears(nas.RegistrationAccept, ue)
    allowed = check.present(accept.allowed_nssai, "the allowed NSSAI")
    check.equal(list(allowed), [common], "the allowed NSSAI where one slice is")
    for rejected in accept.rejected_nssai or ():
        check.equal(
            (rejected.s_nssai, rejected.cause),
            (rare, nas.RejectedCause.NOT_AVAILABLE_IN_REGISTRATION_AREA),
            "what is rejected",
        )
    await bench.released(ue)
    await bench.moved(ue, rich)
    await bench.settled()
    if (
        rare not in ue.context.allowed_nssai
    ):  # its registration area has both tracking areas: it says what it wants
        await bench.succeeds(ue.register(RegistrationKind.MOBILITY), "registration update")
    check.equal(set(ue.context.allowed_nssai), {common, rare}, "the allowed NSSAI where both are")


@scenario("registration")
async def access_categories_of_the_operator(bench: Bench) -> None:
    """Definitions that the core gives are told apart by number and precedence; the UE confirms them and goes by them.

    TS 24.501 §4.5.3, §5.4.4.2, §5.5.1.2.4, §9.11.3.38.
    """
    gnb = await bench.gnb()
    session = bench.session()
    ue = await bench.registered(gnb, sessions=(session,))
    await bench.settled()
    defined = ue.context.access_categories
    if not defined:
        raise check.NotApplicable("operator-defined access categories")
    check.equal(len({one.number for one in defined}), len(defined), "different numbers")
    check.equal(len({one.precedence for one in defined}), len(defined), "different precedence values")
    confirmed = [*bench.said(nas.ConfigurationUpdateComplete), *bench.said(nas.RegistrationComplete)]
    check.first(confirmed, "the UE's confirmation")
    mine = [one for one in defined if access_control.fits(one, (session.dnn, session.s_nssai))]
    if not mine:
        return
    gnb.bar(*(one.number for one in mine))
    refused = await bench.refused(ue.establish_session(), "a session whose access category is barred")
    check.that("access category" in refused.reason, "it is access control that says so")
    gnb.bar()
    await bench.succeeds(ue.establish_session(), "PDU session")


@scenario("registration")
async def registration_again_after_a_lost_connection(bench: Bench) -> None:
    """A UE whose radio link failed registers again with its 5G-GUTI and is served.

    TS 24.501 §5.5.1.2.8 b), TS 23.502 §4.2.6.
    """
    gnb = await bench.gnb()
    ue = await bench.registered(gnb)
    ue.link.fail()
    ue.on_released("radio link failure")
    await bench.hears(ngap.UEContextReleaseCommand, gnb)
    await bench.succeeds(ue.register(), "registration after a lost connection")


@scenario("registration", needs=("ten subscribers",))
async def ten_registrations_at_once(bench: Bench) -> None:
    """Ten UEs of one gNB register at the same time, each to its own identity (TS 23.502 §4.2.2.2.2)."""
    gnb = await bench.gnb()
    ues = [bench.ue(gnb) for _ in range(10)]
    await bench.all(*(bench.succeeds(ue.register(), f"registration of {ue.label}") for ue in ues))
    check.equal(len({ue.context.guti for ue in ues}), 10, "different 5G-GUTIs")


@scenario("registration")
async def deregistration_by_the_ue(bench: Bench) -> None:
    """A UE that leaves is answered, and its connection ends (TS 24.501 §5.5.2.2, TS 23.502 §4.2.2.3.2)."""
    gnb = await bench.gnb()
    ue = await bench.registered(gnb)
    await bench.succeeds(ue.deregister(), "deregistration")
    await bench.hears(nas.DeregistrationAcceptUEOriginating, ue)
    await bench.hears(ngap.UEContextReleaseCommand, gnb)


@scenario("registration")
async def deregistration_by_switching_off(bench: Bench) -> None:
    """A UE that is switched off hears no answer; its connection ends (TS 24.501 §5.5.2.2.2)."""
    gnb = await bench.gnb()
    ue = await bench.registered(gnb)
    await bench.succeeds(ue.deregister(switch_off=True), "switching off")
    await bench.hears(ngap.UEContextReleaseCommand, gnb)
    check.equal(len(bench.heard(nas.DeregistrationAcceptUEOriginating, ue)), 0, "accepts")


@scenario("registration", needs=("subscriber_remove", "subscriber_add"))
async def subscriber_removed_while_connected(bench: Bench) -> None:
    """A UE whose subscription is withdrawn is deregistered, and its connection ends.

    With a word to the UE or implicitly, and with a cause or without (TS 23.502 §4.2.2.3.3, TS 24.501 §5.5.2.3.1).
    """
    gnb = await bench.gnb()
    ue = await bench.registered(gnb)
    imsi = ue.settings.imsi
    await bench.turn("subscriber_remove", supi=f"imsi-{imsi}", imsi=imsi)
    try:
        await bench.hears(ngap.UEContextReleaseCommand, gnb)
        for request in bench.heard(nas.DeregistrationRequestUETerminated, ue):
            check.equal(
                request.deregistration_type.re_registration_required, False, "re-registration required"
            )
        await not_served(bench, ue)
    finally:
        await add_again(bench, ue)


@scenario("registration", needs=("subscriber_remove", "subscriber_add"), within=60.0)
async def subscriber_removed_while_idle(bench: Bench) -> None:
    """An idle UE whose subscription is withdrawn is paged and deregistered when it answers, or deregistered implicitly.

    TS 23.502 §4.2.2.3.3 step 2, TS 24.501 §5.5.2.3.5 f).
    """
    gnb = await bench.gnb()
    ue = await bench.registered(gnb)
    await bench.released(ue)
    imsi = ue.settings.imsi
    await bench.turn("subscriber_remove", supi=f"imsi-{imsi}", imsi=imsi)
    try:
        with contextlib.suppress(check.Failed):  # without a word: implicitly
            await bench.until(lambda: bool(bench.heard(ngap.Paging, gnb)), "paging", WITHDRAWN_S)
        if bench.heard(ngap.Paging, gnb):
            await bench.hears(nas.DeregistrationRequestUETerminated, ue)
            await bench.until(lambda: not ue.context.registered, "the UE is deregistered")
        await not_served(bench, ue)
    finally:
        await add_again(bench, ue)


async def not_served(bench: Bench, ue: Ue) -> None:
    """The network has nothing of the UE any more: whatever it asks for is refused."""
    if ue.context.registered:
        await bench.refused(ue.request_service(), "service request of a UE whose subscription is withdrawn")
    anew = bench.ue_of(ue, bench.gnb_of(ue))
    ue.leave()
    await bench.refused(anew.register(attempts=1), "registration of a UE whose subscription is withdrawn")


async def add_again(bench: Bench, ue: Ue) -> None:
    """The test subscriber is there for the next scenario."""
    usim = ue.settings
    imsi = ue.settings.imsi
    await bench.turn("subscriber_add", supi=f"imsi-{imsi}", imsi=imsi, k=usim.k.hex(), opc=usim.opc.hex())
