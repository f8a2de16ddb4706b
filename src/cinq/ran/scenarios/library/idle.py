"""CM-IDLE and back: AN release, service request, paging. TS 23.502 §4.2.3 and §4.2.6."""

from __future__ import annotations

from cinq.ran.scenarios import check
from cinq.ran.scenarios.bench import Bench
from cinq.ran.scenarios.scenario import scenario
from cinq.wire import nas, ngap


@scenario("idle")
async def release_by_the_gnb(bench: Bench) -> None:
    """A gNB that asks for it gets the UE's context released with its own cause (TS 38.413 §8.3.2, §8.3.3)."""
    gnb = await bench.gnb()
    ue = await bench.registered(gnb)
    await bench.released(ue)
    command = await bench.hears(ngap.UEContextReleaseCommand, gnb)
    check.equal(command.ue_ngap_ids[0], "uE-NGAP-ID-pair", "the identities named")


@scenario("idle")
async def service_request_for_signalling(bench: Bench) -> None:
    """An idle UE without sessions comes back and is accepted (TS 24.501 §5.6.1.4, TS 23.502 §4.2.3.2)."""
    gnb = await bench.gnb()
    ue = await bench.registered(gnb)
    await bench.released(ue)
    await bench.succeeds(ue.request_service(), "service request")
    await bench.hears(nas.ServiceAccept, ue)


@scenario("idle")
async def service_request_brings_sessions_back(bench: Bench) -> None:
    """A service request with uplink data status sets the session's resources up again.

    TS 24.501 §5.6.1.4, TS 23.502 §4.2.3.2 step 12.
    """
    gnb = await bench.gnb()
    ue = await bench.registered(gnb, sessions=(bench.session(),))
    await bench.succeeds(ue.establish_session(), "PDU session")
    await bench.released(ue)
    check.that(not ue.sessions[1].context.bearer, "the session has no bearer while idle")
    await bench.succeeds(ue.request_service(), "service request")
    await bench.until(lambda: ue.sessions[1].context.bearer, "the session's bearer is up")


@scenario("idle")
async def service_request_of_a_stranger(bench: Bench) -> None:
    """A 5G-S-TMSI that the AMF does not know: SERVICE REJECT #9, the UE registers anew (TS 24.501 §5.6.1.5)."""
    gnb = await bench.gnb()
    ue = await bench.registered(gnb)
    await bench.released(ue)
    guti = check.present(ue.context.guti, "the 5G-GUTI")
    ue.commit(guti=type(guti)(guti.plmn, guti.amf, guti.tmsi ^ 0x0F0F0F0F))
    await bench.refused(ue.request_service(), "service request of a stranger")
    reject = await bench.hears(nas.ServiceReject, ue)
    check.one_of(reject.cause, (9, 10), "the 5GMM cause")


@scenario("idle")
async def idle_and_back_ten_times(bench: Bench) -> None:
    """Ten times idle and back, the session comes with it each time (TS 23.502 §4.2.3.2, §4.2.6)."""
    gnb = await bench.gnb()
    ue = await bench.registered(gnb, sessions=(bench.session(),))
    await bench.succeeds(ue.establish_session(), "PDU session")
    for number in range(10):
        await bench.released(ue)
        await bench.succeeds(ue.request_service(), f"service request {number + 1}")
        await bench.until(lambda: ue.sessions[1].context.bearer, "the session's bearer is up")


@scenario("idle")
async def release_keeps_the_registration(bench: Bench) -> None:
    """After AN release the UE is still registered under its 5G-GUTI (TS 23.502 §4.2.6)."""
    gnb = await bench.gnb()
    ue = await bench.registered(gnb)
    guti = ue.context.guti
    await bench.released(ue)
    await bench.succeeds(
        ue.register(nas.RegistrationKind.PERIODIC), "periodic registration with the same 5G-GUTI"
    )
    check.equal(len(bench.heard(nas.IdentityRequest, ue)), 0, "identity requests")
    check.that(guti is not None, "a 5G-GUTI")


@scenario("idle")
async def lost_gnb_leaves_ues_registered(bench: Bench) -> None:
    """When a gNB's association ends, its UEs are idle and come back through another.

    TS 38.412 §7, TS 23.502 §4.2.6.
    """
    first, second = await bench.gnb(), await bench.gnb()
    ue = await bench.registered(first)
    await bench.loses_its_association(first)
    await bench.moved(ue, second)
    await bench.succeeds(ue.register(nas.RegistrationKind.MOBILITY), "registration update at the other gNB")
