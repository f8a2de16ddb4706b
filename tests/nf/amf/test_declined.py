"""ERROR INDICATION in answer to a request of the AMF ends it at once (TS 38.413 §8.7.5, §10.3)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from cinq.nf.amf import signals
from cinq.nf.amf.orders import Order
from cinq.wire import nas, ngap
from cinq.wire.ngap.diagnostics import diagnostics

from .gnb import Gnb
from .moves import acknowledge, is_served, required
from .phone import Phone
from .test_connection import attached, idle
from .test_orders import ordered, said
from .test_resources import command
from .test_resources import said as smf_heard
from .test_warning import cancel as cancel_warning
from .test_warning import completed, wanted, warning
from .world import World, run, supi_of

CAUSE: ngap.Cause = ("protocol", "abstract-syntax-error-reject")
SAID = "answers with an Error Indication: protocol abstract-syntax-error-reject"

NOT_KNOWN = "does not say whether the UE's radio suits IMS voice"


class Scene:
    """A UE with a session at the first of two gNBs, which answer requests of one kind no more."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.source: Gnb
        self.target: Gnb
        self.phone: Phone

    async def up(self, silent: type[ngap.Pdu]) -> None:
        self.source, self.phone = await attached(self.world)
        self.source.silent.add(silent.__name__)
        if silent is ngap.HandoverRequest:
            self.target = await Gnb(self.world, 2).set_up()
        self.world.smf.updates.clear()


Ask = Callable[[Scene], Awaitable[object]]


async def new_session(s: Scene) -> None:
    s.phone.establish(2)


async def service_request(s: Scene) -> None:
    await idle(s.source, s.phone)
    s.world.smf.updates.clear()
    s.phone.service_request(s.source, uplink_data_status=frozenset({1}))


async def new_keys(s: Scene) -> None:
    s.phone.request = s.phone.registration(registration_type=nas.RegistrationType(1))
    s.phone.say(s.phone.request)


async def handover(s: Scene) -> None:
    s.source.say(required(s.phone))


async def other_slices(s: Scene) -> None:
    s.world.amf.reconfigure(replace(s.world.settings, name="another"))


async def reset(s: Scene) -> None:
    s.source.ran.want(signals.ResetGnb(("misc", "om-intervention")))


async def radio_check(s: Scene) -> None:
    connection = s.world.amf.registry.by_supi[supi_of(1)].connection
    assert connection is not None
    connection.want_beside(signals.CheckRadioCapability())


async def warn(s: Scene) -> None:
    await wanted(s.world, warning())


async def stop_warning(s: Scene) -> None:
    kept = await wanted(s.world, warning())
    s.source.say(completed(s.source.last(ngap.WriteReplaceWarningRequest)))
    await asyncio.sleep(0.1)
    cancel_warning(kept, next(iter(kept.all())))
    s.world.amf.look_at_warnings()


REQUESTS: dict[type[ngap.Pdu], Ask] = {
    ngap.InitialContextSetupRequest: service_request,
    ngap.PDUSessionResourceSetupRequest: new_session,
    ngap.PDUSessionResourceModifyRequest: lambda s: command(s.world, s.phone, 1, "PDU_RES_MOD_REQ"),
    ngap.PDUSessionResourceReleaseCommand: lambda s: command(s.world, s.phone, 1, "PDU_RES_REL_CMD"),
    ngap.UEContextModificationRequest: new_keys,
    ngap.UEContextReleaseCommand: lambda s: idle(s.source, s.phone),
    ngap.HandoverRequest: handover,
    ngap.AMFConfigurationUpdate: other_slices,
    ngap.NGReset: reset,
    ngap.UERadioCapabilityCheckRequest: radio_check,
    ngap.WriteReplaceWarningRequest: warn,
    ngap.PWSCancelRequest: stop_warning,
}
BEGUN_BY_AN_AMF = {
    "AMFConfigurationUpdate",
    "HandoverResourceAllocation",
    "InitialContextSetup",
    "NGReset",
    "PDUSessionResourceModify",
    "PDUSessionResourceRelease",
    "PDUSessionResourceSetup",
    "PWSCancel",
    "UEContextModification",
    "UEContextRelease",
    "UERadioCapabilityCheck",
    "WriteReplaceWarning",
}


def test_every_class_1_procedure_of_an_amf_is_here() -> None:
    """Table 8.1-1, but for broadcast and multicast sessions, which are not served."""
    assert {kind.PROCEDURE for kind in REQUESTS} == BEGUN_BY_AN_AMF


def answering(request: ngap.Pdu, told: bool = True, cause: ngap.Cause = CAUSE) -> ngap.ErrorIndication:
    about = diagnostics(request.PROCEDURE_CODE, "initiatingMessage", "reject")
    ran_id = getattr(request, "ran_ue_ngap_id", None)
    amf_id = getattr(request, "amf_ue_ngap_id", None)
    if isinstance(request, ngap.UEContextReleaseCommand):
        pair = request.ue_ngap_ids[1]
        assert isinstance(pair, ngap.UENGAPIDpair)
        amf_id, ran_id = pair.amf_ue_ngap_id, pair.ran_ue_ngap_id
    return ngap.ErrorIndication(
        amf_ue_ngap_id=amf_id,
        ran_ue_ngap_id=ran_id,
        cause=cause,
        criticality_diagnostics=about if told else None,
    )


@pytest.mark.parametrize("told", [True, False], ids=["diagnostics", "cause alone"])
@pytest.mark.parametrize("kind", REQUESTS, ids=lambda kind: kind.__name__)
def test_a_request_ends_at_once(kind: type[ngap.Pdu], told: bool) -> None:
    """No guard timer is waited for; what was held for the request is let go."""

    async def test(world: World) -> None:
        scene = Scene(world)
        await scene.up(kind)
        asked = asyncio.ensure_future(REQUESTS[kind](scene))
        await asyncio.sleep(1.5)
        gnb = scene.target if kind is ngap.HandoverRequest else scene.source
        gnb.say(answering(gnb.last(kind), told))
        scene.source.silent.clear()
        await asyncio.sleep(0.2)
        await asked
        if kind is ngap.UEContextReleaseCommand:
            assert world.amf.access.connections == {}
        else:
            text = NOT_KNOWN if kind is ngap.UERadioCapabilityCheckRequest else SAID
            assert any(text in cause for cause in world.causes()), world.causes()[-5:]
        AFTERWARDS.get(kind, nothing)(scene)
        await world.quiet()
        assert not [cause for cause in world.causes() if "guard expired" in cause]

    run(test, authenticate_known=kind is ngap.UEContextModificationRequest)


def nothing(s: Scene) -> None: ...


def smf_is_told(kind: str) -> Callable[[Scene], None]:
    def check(s: Scene) -> None:
        assert [[k for k, _ in heard] for heard in smf_heard(s.world).values()] == [[kind]]

    return check


def handover_failed(s: Scene) -> None:
    """The source hears the cause; the target has nothing to release."""
    assert s.source.last(ngap.HandoverPreparationFailure).cause == CAUSE
    assert s.target.count(ngap.UEContextReleaseCommand) == 0
    assert not s.target.ran.preparing
    assert s.world.smf.ho_states()[-1] == "CANCELLED"


def released(s: Scene) -> None:
    assert s.world.amf.access.connections == {}
    assert [k for k, _ in smf_heard(s.world)[1]][:1] == ["PDU_RES_SETUP_FAIL"]


AFTERWARDS: dict[type[ngap.Pdu], Callable[[Scene], None]] = {
    ngap.InitialContextSetupRequest: released,
    ngap.PDUSessionResourceSetupRequest: smf_is_told("PDU_RES_SETUP_FAIL"),
    ngap.PDUSessionResourceModifyRequest: smf_is_told("PDU_RES_MOD_FAIL"),
    ngap.PDUSessionResourceReleaseCommand: smf_is_told("PDU_RES_REL_RSP"),
    ngap.HandoverRequest: handover_failed,
}


def test_of_several_requests_the_oldest_ends() -> None:
    """Sessions are not named by an Error Indication: requests are answered in the order in which they came."""

    async def test(world: World) -> None:
        scene = Scene(world)
        await scene.up(ngap.PDUSessionResourceSetupRequest)
        scene.phone.establish(2)
        scene.phone.establish(3)
        await asyncio.sleep(0.2)
        request = scene.source.last(ngap.PDUSessionResourceSetupRequest)
        scene.source.say(answering(request, told=False))
        await asyncio.sleep(0.2)
        assert smf_heard(world) == {}
        scene.source.say(answering(request))
        await asyncio.sleep(0.2)
        assert list(smf_heard(world)) == [2]
        scene.source.say(answering(request))
        await asyncio.sleep(0.2)
        assert list(smf_heard(world)) == [2, 3]

    run(test)


def test_what_is_passed_over_ends_nothing() -> None:
    async def test(world: World) -> None:
        scene = Scene(world)
        await scene.up(ngap.HandoverRequest)
        scene.source.say(required(scene.phone))
        await asyncio.sleep(0.2)
        request = scene.target.last(ngap.HandoverRequest)
        passed: ngap.Cause = ("protocol", "abstract-syntax-error-ignore-and-notify")
        scene.target.say(answering(request, cause=passed))
        scene.source.say(answering(request))  # another gNB's UE is not the source's to end
        await asyncio.sleep(0.2)
        assert scene.source.count(ngap.HandoverPreparationFailure) == 0
        scene.target.say(acknowledge(request))
        await asyncio.sleep(0.2)
        assert scene.source.count(ngap.HandoverCommand) == 1

    run(test)


def test_an_order_says_why() -> None:
    """LOCATION REPORTING CONTROL has no outcome, but somebody waits: what the gNB says ends that too."""

    async def test(world: World) -> None:
        scene = Scene(world)
        await scene.up(ngap.LocationReportingControl)
        await ordered(world, Order(str(supi_of(1)), "location"))
        scene.source.say(answering(scene.source.last(ngap.LocationReportingControl)))
        await asyncio.sleep(0.2)
        state, text = said(world, "location")
        assert state == "done"
        assert SAID in text
        await is_served(scene.phone)

    run(test)
