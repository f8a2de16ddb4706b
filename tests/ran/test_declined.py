"""ERROR INDICATION in answer to a request of the emulated gNB ends it at once (TS 38.413 §8.7.5, §10.3)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from cinq.numbering import GnbId, PlmnId
from cinq.procedure import Declined, Refused, run_virtual
from cinq.ran.gnb import GnbSettings
from cinq.ran.gnb.context import CellId
from cinq.ran.gnb.n2 import UeContext
from cinq.ran.gnb.signals import (
    CancelHandover,
    HandleMtCommunication,
    IndicateModification,
    MapRadioCapability,
    PrepareHandover,
    Reset,
    Resume,
    Suspend,
    SwitchPath,
    UpdateConfiguration,
)
from cinq.wire import ngap
from cinq.wire.ngap.diagnostics import diagnostics, turns_down

from .core import Core, Radio, settle
from .mobility import Pair
from .scene import Scene, scene

CAUSE: ngap.Cause = ("protocol", "abstract-syntax-error-reject")
ACTION: ngap.FiveGCAction = ("hLComDeactivate", ngap.HLComDeactivate(ue_reachability_indication="true"))
ELSEWHERE = CellId(GnbId(PlmnId("999", "70"), 9, 32), 9 << 4, 1)

Ask = Callable[[Scene], Awaitable[object]]
OF_THE_UE: dict[type[ngap.Pdu], Ask] = {
    ngap.HandoverRequired: lambda s: s.context.demand(PrepareHandover(ELSEWHERE)),
    ngap.HandoverCancel: lambda s: s.context.demand(CancelHandover(("radioNetwork", "handover-cancelled"))),
    ngap.PathSwitchRequest: lambda s: s.context.demand(SwitchPath(1)),
    ngap.PDUSessionResourceModifyIndication: lambda s: s.context.demand(IndicateModification((1,))),
    ngap.UEContextSuspendRequest: lambda s: s.context.demand(Suspend()),
    ngap.UEContextResumeRequest: lambda s: s.context.demand(Resume("mo-Data")),
    ngap.MTCommunicationHandlingRequest: lambda s: s.context.demand(HandleMtCommunication(ACTION)),
}
OF_THE_INTERFACE: dict[type[ngap.Pdu], Ask] = {
    ngap.NGReset: lambda s: s.radio.gnb.n2.demand(Reset(cause=CAUSE)),
    ngap.RANConfigurationUpdate: lambda s: s.radio.gnb.n2.demand(UpdateConfiguration()),
    ngap.UERadioCapabilityIDMappingRequest: lambda s: s.radio.gnb.n2.demand(MapRadioCapability(b"id")),
}
REQUESTS = {**OF_THE_UE, **OF_THE_INTERFACE}


def indication(
    kind: type[ngap.Pdu], ids: bool, told: bool = True, cause: ngap.Cause | None = CAUSE
) -> ngap.ErrorIndication:
    about = diagnostics(kind.PROCEDURE_CODE, "initiatingMessage", "reject") if told else None
    one = 1 if ids else None
    return ngap.ErrorIndication(
        amf_ue_ngap_id=one, ran_ue_ngap_id=one, cause=cause, criticality_diagnostics=about
    )


def test_every_class_1_procedure_of_a_gnb_is_here() -> None:
    """Table 8.1-1: those that an NG-RAN node begins, with NG Setup, of which the test is below."""
    begun = {
        name
        for name, kind in vars(ngap).items()
        if isinstance(kind, type)
        and issubclass(kind, ngap.Pdu)
        and getattr(kind, "KIND", "") == "initiatingMessage"
        and kind.PROCEDURE in BEGUN_BY_A_GNB
    }
    assert {kind.__name__ for kind in REQUESTS} | {"NGSetupRequest"} == begun


BEGUN_BY_A_GNB = {
    "HandoverCancel",
    "HandoverPreparation",
    "NGReset",
    "NGSetup",
    "PathSwitchRequest",
    "PDUSessionResourceModifyIndication",
    "RANConfigurationUpdate",
    "UEContextResume",
    "UEContextSuspend",
    "UERadioCapabilityIDMapping",
    "MTCommunicationHandling",
}


@pytest.mark.parametrize("told", [True, False], ids=["diagnostics", "cause alone"])
@pytest.mark.parametrize("kind", REQUESTS, ids=lambda kind: kind.__name__)
def test_a_request_ends_at_once(kind: type[ngap.Pdu], told: bool) -> None:
    async def act(one: Scene) -> None:
        one.core.silent.add(kind)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        asked = asyncio.ensure_future(REQUESTS[kind](one))
        await settle()
        assert isinstance(one.core.heard[-1], kind)
        heard = len(one.core.heard)
        one.core.tell(indication(kind, kind in OF_THE_UE, told))
        if kind is ngap.HandoverCancel:  # §8.4.5.4: counts as acknowledged
            await asked
        else:
            with pytest.raises(Refused, match=r"protocol[/ ]abstract-syntax-error-reject") as found:
                await asked
            assert isinstance(found.value, Declined)
            assert found.value.cause == CAUSE
        await settle()
        assert loop.time() < begun + 1
        assert len(one.core.heard) == heard, "an Error Indication is not answered"
        gone = kind in (ngap.NGReset, ngap.PathSwitchRequest, ngap.UEContextResumeRequest)
        assert (1 in one.radio.gnb.n2.ues) is not gone
        assert gone or one.context.context.leaving is None

    scene(act)


@pytest.mark.parametrize("kind", REQUESTS, ids=lambda kind: kind.__name__)
def test_what_does_not_end_a_request(kind: type[ngap.Pdu]) -> None:
    """What was passed over, another procedure, an outcome, another UE, a fault of the radio network."""

    async def act(one: Scene) -> None:
        one.core.silent.add(kind)
        asked = asyncio.ensure_future(REQUESTS[kind](one))
        await settle()
        ids = kind in OF_THE_UE
        passed: ngap.Cause = ("protocol", "abstract-syntax-error-ignore-and-notify")
        outcome = indication(kind, ids)
        outcome.criticality_diagnostics = diagnostics(kind.PROCEDURE_CODE, "successfulOutcome", "reject")
        stranger = indication(kind, ids)
        stranger.amf_ue_ngap_id = stranger.ran_ue_ngap_id = 77
        for message in (
            indication(kind, ids, cause=passed),
            indication(kind, ids, told=False, cause=("radioNetwork", "unspecified")),
            indication(ngap.Paging, ids),
            indication(kind, not ids),
            outcome,
            stranger,
        ):
            one.core.tell(message)
            await settle()
            assert not asked.done(), message
        asked.cancel()

    scene(act)


def test_ng_setup_is_tried_again() -> None:
    async def main() -> None:
        core = Core()
        core.silent.add(ngap.NGSetupRequest)
        radio = Radio(core, settings=GnbSettings(ng_setup_retry_s=3))
        radio.gnb.start()
        await settle()
        core.tell(indication(ngap.NGSetupRequest, ids=False))
        await settle()
        assert "abstract-syntax-error-reject" in radio.gnb.n2.trouble
        core.silent.clear()
        await asyncio.sleep(4)
        assert core.names() == ["NGSetupRequest"] * 2
        assert radio.gnb.n2.context.state == "up"
        assert not core.aborted

    run_virtual(main())


def test_a_path_switch_that_fails_is_not_answered() -> None:
    """The failure of the AMF ends it; nothing goes back."""

    async def main() -> None:
        pair = Pair(xn=True)
        await pair.up()
        pair.path_switch_fails = True
        with pytest.raises(Exception, match="was released"):
            await pair.gnbs[0].hand_over(pair.context, pair.gnbs[1].cells[0])
        await settle()
        assert pair.target.names() == ["NGSetupRequest", "PathSwitchRequest"]

    run_virtual(main())


def test_two_requests_at_a_time() -> None:
    """Without diagnostics nobody can say which one is meant: both go on. With them the right one ends."""

    async def act(one: Scene) -> None:
        one.core.silent |= {ngap.UEContextSuspendRequest, ngap.PDUSessionResourceModifyIndication}
        context = one.context
        suspended = asyncio.ensure_future(context.demand(Suspend()))
        await settle()
        context.beside(partial(beside, context), "modification")
        await settle()
        one.core.tell(indication(ngap.UEContextSuspendRequest, ids=True, told=False))
        await settle()
        assert not suspended.done()
        assert context.questions == 2
        one.core.tell(indication(ngap.PDUSessionResourceModifyIndication, ids=True))
        await settle()
        assert not suspended.done()
        assert context.questions == 1
        one.core.tell(indication(ngap.UEContextSuspendRequest, ids=True))
        with pytest.raises(Declined):
            await suspended

    async def beside(context: UeContext) -> None:
        from cinq.ran.gnb.procedures.pdu_session_resource_modify_indication import modify_indication

        await modify_indication.function(context, IndicateModification((1,)))

    scene(act)


def test_by_the_criticality_of_what_was_wrong() -> None:
    """§10.3.4.2, §10.3.5 without a cause: an IE of criticality reject ends the procedure, others do not."""
    code = ngap.PathSwitchRequest.PROCEDURE_CODE

    def told(*levels: ngap.Criticality) -> ngap.ErrorIndication:
        ies = tuple((level, 10, "missing") for level in levels)
        found = diagnostics(code, "initiatingMessage", "reject", ies)  # type: ignore[arg-type]
        return ngap.ErrorIndication(criticality_diagnostics=found)

    assert turns_down(told(), code, False)
    assert turns_down(told("reject"), code, False)
    assert turns_down(told("notify", "reject"), code, False)
    assert not turns_down(told("notify"), code, True)
    assert not turns_down(told("reject"), code + 1, True)
    assert not turns_down(ngap.ErrorIndication(), code, True)
