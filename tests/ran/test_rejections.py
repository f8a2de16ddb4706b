"""Every 5GMM cause in every message that may carry one, and what the UE has to do (TS 24.501 §5.5.1.2.5, §5.5.1.3.5,
§5.6.1.5, §5.5.2.3.2, §5.5.1.2.7), on the virtual clock."""

from __future__ import annotations

import asyncio

import pytest

from cinq.numbering import PlmnId, SNssai, Tai
from cinq.procedure import Refused, Why
from cinq.ran.ue import Ue, causes
from cinq.ran.ue.back_off import T3346
from cinq.ran.ue.distrust import T3247_S
from cinq.ran.ue.rejection import consequence
from cinq.wire import nas
from cinq.wire.nas import GmmCause, GsmCause, RegistrationKind

from .core import Core, CoreUe, Radio, settle
from .test_nas_rules import gmm, play

HERE = Tai(PlmnId("999", "70"), 1)
FINAL = [3, 6, 7, 11, 12, 13, 15, 27, 62, 73]
ABNORMAL = [9, 10, 31, 36, 72, 74, 75, 77, 79, 80, 81, 82, 22, 98, 100, 255, 0]
LAST = [95, 96, 97, 99, 111]


class Rejecting(Core):
    """Rejects what `rejects` names, under security where there is some, and lets the connection go."""

    def __init__(self, cause: int, t3346: int | None = None, *rejects: str) -> None:
        super().__init__()
        self.cause, self.t3346, self.rejects = cause, t3346, set(rejects)

    def on_registration(self, ue: CoreUe, request: nas.RegistrationRequest) -> None:
        initial = request.registration_type.value == RegistrationKind.INITIAL
        if ("initial" if initial else "update") not in self.rejects:
            super().on_registration(ue, request)
            return
        ue.request = request
        reject = nas.RegistrationReject(
            cause=self.cause,
            t3346=self.t3346,
            rejected_nssai=[nas.RejectedSNssai(SNssai(1), 0)] if self.cause == 62 else None,
        )
        self.down(ue, reject)
        self.release(ue)

    def on_service(self, ue: CoreUe, request: nas.ServiceRequest) -> None:
        if "service" not in self.rejects:
            super().on_service(ue, request)
            return
        self.down(ue, nas.ServiceReject(cause=self.cause, t3346=self.t3346))
        self.release(ue)


def forgotten(ue: Ue) -> bool:
    context = ue.context
    gone = context.guti is None and not context.tai_list and context.last_visited_tai is None
    return gone and ue.security.ng_ksi == nas.NO_KEY


def lists(ue: Ue) -> tuple[bool, bool, bool]:
    """Whether PLMN and TAI of the cell are on the lists of forbidden PLMNs, of roaming, of regional service."""
    context = ue.context
    return (
        HERE.plmn in context.forbidden_plmns,
        HERE in context.forbidden_tais_roaming,
        HERE in context.forbidden_tais_regional,
    )


async def idle(core: Core, ue: Ue) -> None:
    """Registered, idle, with one session."""
    await ue.power_on()
    await settle()
    core.release(core.last())
    await settle()
    assert not ue.link.connected


@pytest.mark.parametrize("cause", FINAL)
@pytest.mark.parametrize("known", [False, True], ids=["SUCI", "GUTI and keys"])
def test_initial_registration(cause: int, known: bool) -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        assert isinstance(core, Rejecting)
        if known:
            core.rejects.clear()
            await ue.register()
            await ue.deregister()
            core.rejects.add("initial")
        with pytest.raises(Refused) as refused:
            await ue.register()
        assert isinstance(refused.value.reason, Why)
        assert refused.value.reason.mend
        assert not ue.context.registered
        assert forgotten(ue) or (cause == 62 and known)
        assert bool(ue.context.barred) is (cause in (3, 6, 7, 27))
        assert lists(ue) == (cause in (11, 73), cause in (13, 15), cause == 12)
        assert ue.context.update_status == ("5U2 NOT UPDATED" if cause == 62 else "5U3 ROAMING NOT ALLOWED")
        assert [r.s_nssai for r in ue.context.rejected_nssai] == ([SNssai(1)] if cause == 62 else [])
        count = len(core.heard)
        await asyncio.sleep(T3247_S[0] - 1)
        assert len(core.heard) == count, "nothing is tried again by itself"
        await asyncio.sleep(T3247_S[1] - T3247_S[0] + 2)
        tried = len(core.heard) > count
        assert tried is not known, "a reject that anybody could have sent is not obeyed for ever (§5.3.20.2)"
        count = len(core.heard)
        if cause != 62:
            with pytest.raises(Refused):
                await ue.register()
            assert len(core.heard) == count, "nor here at all before the UE is switched off and on"
        core.rejects.clear()
        await ue.deregister(switch_off=True)
        await ue.register()
        assert ue.context.update_status == "5U1 UPDATED"

    play(scene, Rejecting(cause, None, "initial"))


@pytest.mark.parametrize("cause", ABNORMAL)
def test_initial_registration_abnormal(cause: int) -> None:
    """Five attempts with T3511 between them, then T3502, and the UE comes back by itself."""

    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        assert isinstance(core, Rejecting)
        loop = asyncio.get_running_loop()
        start = loop.time()
        with pytest.raises(Refused):
            await ue.register()
        assert len(gmm(core, nas.RegistrationRequest)) == 5
        assert loop.time() - start == pytest.approx(40, abs=1)
        assert forgotten(ue)
        assert not ue.context.barred
        core.rejects.clear()
        await asyncio.sleep(12 * 60 - 1)
        assert not ue.context.registered
        await asyncio.sleep(2)
        assert ue.context.registered

    play(scene, Rejecting(cause, None, "initial"))


@pytest.mark.parametrize("cause", LAST)
def test_protocol_errors_count_as_five(cause: int) -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        with pytest.raises(Refused):
            await ue.register()
        assert len(gmm(core, nas.RegistrationRequest)) == 1
        assert ue.timers.left("T3502") == 12 * 60

    play(scene, Rejecting(cause, None, "initial"))


@pytest.mark.parametrize("cause", [3, 6, 7, 11, 12, 27, 73])
def test_update_that_ends_the_registration(cause: int) -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await idle(core, ue)
        with pytest.raises(Refused):
            await ue.register(RegistrationKind.PERIODIC)
        assert not ue.context.registered
        assert not ue.sessions
        assert forgotten(ue)
        assert lists(ue) == (cause in (11, 73), False, cause == 12)

    play(scene, Rejecting(cause, None, "update"))


@pytest.mark.parametrize("cause", [13, 15, 62])
def test_update_after_which_the_ue_is_registered_still(cause: int) -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await idle(core, ue)
        with pytest.raises(Refused):
            await ue.register(RegistrationKind.MOBILITY)
        assert ue.context.registered
        assert ue.context.guti is not None
        assert lists(ue) == (False, cause != 62, False)
        assert (HERE in ue.context.tai_list) is (cause == 62)

    play(scene, Rejecting(cause, None, "update"))


@pytest.mark.parametrize("cause", [9, 10])
def test_update_of_a_ue_that_the_network_has_lost(cause: int) -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await idle(core, ue)
        await ue.register(RegistrationKind.PERIODIC)
        assert ue.context.registered
        last = gmm(core, nas.RegistrationRequest)[-1]
        assert isinstance(last, nas.RegistrationRequest)
        assert last.registration_type.value == RegistrationKind.INITIAL
        assert not ue.sessions

    play(scene, Rejecting(cause, None, "update"))


def test_update_that_fails_five_times() -> None:
    """§5.5.1.3.7: the UE is registered still, and updates when T3502 has run out."""

    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        assert isinstance(core, Rejecting)
        await idle(core, ue)
        with pytest.raises(Refused):
            await ue.register(RegistrationKind.PERIODIC)
        assert ue.context.registered
        assert ue.context.update_status == "5U2 NOT UPDATED"
        core.rejects.clear()
        await asyncio.sleep(12 * 60 + 1)
        assert ue.context.update_status == "5U1 UPDATED"

    play(scene, Rejecting(111, None, "update"))


@pytest.mark.parametrize("cause", [3, 6, 7, 11, 12, 27, 73])
def test_service_request_that_ends_the_registration(cause: int) -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await idle(core, ue)
        with pytest.raises(Refused) as refused:
            await ue.request_service()
        assert f"#{cause} " in str(refused.value)
        assert not ue.context.registered
        assert forgotten(ue)
        assert lists(ue) == (cause in (11, 73), False, cause == 12)

    play(scene, Rejecting(cause, None, "service"))


@pytest.mark.parametrize("cause", [13, 15, 31, 72, 96, 111])
def test_service_request_after_which_the_ue_is_registered_still(cause: int) -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await idle(core, ue)
        with pytest.raises(Refused):
            await ue.request_service()
        assert ue.context.registered
        assert ue.sessions
        assert lists(ue)[1] is (cause in (13, 15))

    play(scene, Rejecting(cause, None, "service"))


@pytest.mark.parametrize("cause", [9, 10, 28])
def test_service_request_that_brings_a_registration(cause: int) -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        assert isinstance(core, Rejecting)
        await idle(core, ue)
        with pytest.raises(Refused):
            await ue.request_service()
        core.rejects.clear()
        await settle(200)
        assert ue.context.registered
        assert ue.sessions[1].context.state == "ACTIVE"
        kinds = [
            m.registration_type.value
            for m in gmm(core, nas.RegistrationRequest)
            if isinstance(m, nas.RegistrationRequest)
        ]
        assert kinds[-1] == (RegistrationKind.MOBILITY if cause == 28 else RegistrationKind.INITIAL)

    play(scene, Rejecting(cause, None, "service"))


@pytest.mark.parametrize("cause", [None, *FINAL, 22, 96])
def test_deregistration_by_the_network(cause: int | None) -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await ue.power_on()
        await settle()
        at_core = core.last()
        request = nas.DeregistrationRequestUETerminated(
            deregistration_type=nas.DeregistrationType(),
            cause=cause,
            t3346=120 if cause == 22 else None,
        )
        core.down(at_core, request)
        await settle()
        core.release(at_core)
        await settle()
        assert gmm(core, nas.DeregistrationAcceptUETerminated)
        assert not ue.context.registered
        assert not ue.sessions
        assert forgotten(ue) is (cause not in (22, 62))
        assert bool(ue.context.barred) is (cause in (3, 6, 7, 27))
        assert lists(ue) == (cause in (11, 73), cause in (13, 15), cause == 12)
        assert bool(ue.timers.left("T3502")) is (cause in (None, 96))
        assert ue.back_off.left(T3346)[1] == (120 if cause == 22 else 0)
        await asyncio.sleep(12 * 60 + 1)
        assert ue.context.registered is (cause in (None, 96))

    play(scene)


def test_network_is_silent_to_service_requests() -> None:
    """§5.6.1.7 b): after five T3517 the UE leaves it for T3525, but not an answer to paging."""

    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await idle(core, ue)
        core.silent.add(nas.ServiceRequest)
        before = core.names().count("InitialUEMessage")
        for _ in range(7):
            ue.on_uplink_data(1)
            await asyncio.sleep(16)
        assert core.names().count("InitialUEMessage") - before == 5
        ue.on_paging()
        await asyncio.sleep(1)
        assert core.names().count("InitialUEMessage") - before == 6
        await asyncio.sleep(60)
        core.silent.clear()
        await ue.request_service()
        assert ue.link.connected

    play(scene)


def test_suci_is_the_same_while_t3519_runs() -> None:
    class Curious(Core):
        def on_registration(self, ue: CoreUe, request: nas.RegistrationRequest) -> None:
            self.down(ue, nas.IdentityRequest(identity_type=nas.IdentityType.SUCI))
            ue.request = request

    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await ue.register()
        (request,) = gmm(core, nas.RegistrationRequest)[:1]
        (answer,) = gmm(core, nas.IdentityResponse)
        assert isinstance(request, nas.RegistrationRequest)
        assert isinstance(answer, nas.IdentityResponse)
        assert request.mobile_identity == answer.mobile_identity
        assert not ue.timers.runs("T3519")

    play(scene, Curious())


def test_rejected_slices_are_not_asked_for_again() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        with pytest.raises(Refused):
            await ue.register()
        assert isinstance(core, Rejecting)
        core.rejects.clear()
        await ue.register()
        requests = gmm(core, nas.RegistrationRequest)
        assert [getattr(m, "requested_nssai", None) for m in requests][-1] is None

    play(scene, Rejecting(62, None, "initial"))


def test_every_cause_has_a_consequence_and_an_explanation() -> None:
    """§5.5.1.2.5 and annexes A and B of TS 24.501: no cause is without words and what mends it."""
    assert set(causes.GMM) == set(GmmCause)
    assert set(causes.GSM) == set(GsmCause)
    asked = causes.Asked("imsi-1", "PLMN 1", "TAI 1", "1", "internet", "1", "IPv6")
    for number in range(256):
        for refused in ("initial", "update", "service", "deregistration"):
            assert consequence(refused, number) is not None  # type: ignore[arg-type]  # of the loop
        for explain in (causes.gmm, causes.gsm):
            why = explain(number, asked)
            assert f"cause #{number}" in why
            assert why.mend
            assert "{" not in why + why.mend
    for row in (*causes.GMM.values(), *causes.GSM.values()):
        assert len(row[0]) > 10
