"""Anything in any order: no procedure ends by a bug, UPF and context agree, and nothing is left over."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.procedure import run_virtual
from cinq.sbi import Problem
from cinq.wire import nas

from .gnb import DIRECT, INDIRECT, acknowledge, path_switch
from .pcf import (
    VIDEO,
    command_reject,
    complete,
    modify_response,
    modify_unsuccessful,
    with_ambr,
    with_rule,
    without_rule,
)
from .test_establishment import request as establishment
from .test_modification import notify
from .world import SUPI, World, release_complete, release_request, setup_response

Step = Callable[[World, str], Awaitable[object]]
MODIFICATION = nas.encode(nas.PDUSessionModificationRequest(pdu_session_id=1, pti=7))


async def relocated(w: World, ref: str) -> None:
    asyncio.ensure_future(w.smf.release(SUPI, 1, nas.GsmCause.REACTIVATION_REQUESTED))  # noqa: RUF006


def done(change: Step) -> Step:
    """The change, and what UE and gNB say to it when all is well."""

    async def steps(w: World, ref: str) -> None:
        await change(w, ref)
        await asyncio.sleep(0.01)
        await w.update(ref, n2=modify_response((2, 3)), kind="PDU_RES_MOD_RSP")
        await w.update(ref, n1=complete())

    return steps


STEPS: dict[str, Step] = {
    "a rule, done": done(lambda w, ref: w.decide(ref, with_rule())),
    "another rule, done": done(lambda w, ref: w.decide(ref, with_rule("video", "1 Mbps", VIDEO))),
    "no rule, done": done(lambda w, ref: w.decide(ref, without_rule())),
    "another rate, done": done(lambda w, ref: w.decide(ref, with_rule(rate="2 Mbps"))),
    "a rule": lambda w, ref: w.decide(ref, with_rule()),
    "another rule": lambda w, ref: w.decide(ref, with_rule("video", "1 Mbps", VIDEO)),
    "no rule": lambda w, ref: w.decide(ref, without_rule()),
    "another AMBR": lambda w, ref: w.decide(ref, with_ambr("10 Mbps", "20 Mbps")),
    "complete": lambda w, ref: w.update(ref, n1=complete()),
    "complete 7": lambda w, ref: w.update(ref, n1=complete(7)),
    "command reject": lambda w, ref: w.update(ref, n1=command_reject(44)),
    "the gNB did it": lambda w, ref: w.update(ref, n2=modify_response((2, 3)), kind="PDU_RES_MOD_RSP"),
    "the gNB did half": lambda w, ref: w.update(ref, n2=modify_response((), (2,)), kind="PDU_RES_MOD_RSP"),
    "the gNB did nothing": lambda w, ref: w.update(
        ref, n2=modify_unsuccessful("xn-handover-triggered"), kind="PDU_RES_MOD_FAIL"
    ),
    "a flow is lost": lambda w, ref: w.update(ref, n2=notify(released=(2,)), kind="PDU_RES_NTY"),
    "the UE modifies": lambda w, ref: w.update(ref, n1=MODIFICATION),
    "AN release": lambda w, ref: w.update(ref, state="DEACTIVATED"),
    "service request": lambda w, ref: w.update(ref, state="ACTIVATING"),
    "set up": lambda w, ref: w.update(ref, n2=setup_response(9, 1, 2, 3), kind="PDU_RES_SETUP_RSP"),
    "not set up": lambda w, ref: w.update(ref, n2=b"", kind="PDU_RES_SETUP_FAIL"),
    "path switch": lambda w, ref: w.update(ref, n2=path_switch(), kind="PATH_SWITCH_REQ"),
    "handover required": lambda w, ref: w.update(
        ref, n2=DIRECT, kind="HANDOVER_REQUIRED", ho_state="PREPARING"
    ),
    "indirectly": lambda w, ref: w.update(ref, n2=INDIRECT, kind="HANDOVER_REQUIRED", ho_state="PREPARING"),
    "acknowledged": lambda w, ref: w.update(
        ref, n2=acknowledge(forwarding=True), kind="HANDOVER_REQ_ACK", ho_state="PREPARED"
    ),
    "handed over": lambda w, ref: w.update(ref, ho_state="COMPLETED"),
    "cancelled": lambda w, ref: w.update(ref, ho_state="CANCELLED"),
    "not handed over": lambda w, ref: w.update(ref, cause="HO_FAILURE"),
    "again": lambda w, ref: w.create(establishment(pti=3)),
    "the same again": lambda w, ref: w.create(establishment(pti=4), request_type="EXISTING_PDU_SESSION"),
    "the UE releases": lambda w, ref: w.update(ref, n1=release_request()),
    "released": lambda w, ref: w.update(ref, n1=release_complete()),
    "the network releases": relocated,
    "a moment": lambda w, ref: asyncio.sleep(0.01),
    "a minute": lambda w, ref: asyncio.sleep(60),
}


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([[], ["a rule, done"], ["a rule, done", "another rule, done"]]),
    st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.booleans()), max_size=14),
)
def test_anything_in_any_order(before: list[str], steps: list[tuple[str, bool]]) -> None:
    """Each step at once after the one before, or a moment later."""

    async def main() -> None:
        w = await World().start()
        ref = await w.active()
        for name in before:
            await STEPS[name](w, ref)
            await asyncio.sleep(0.01)
        tasks: list[asyncio.Future[object]] = []
        for name, pause in steps:
            session = w.smf.sessions.by_identity.get((SUPI, 1))
            ref = "gone" if session is None else session.ref
            tasks.append(asyncio.ensure_future(tolerant(STEPS[name](w, ref))))
            await asyncio.sleep(0.01 if pause else 0)
        await asyncio.sleep(400)  # every timer has run out
        await asyncio.gather(*tasks)
        assert not [e.cause for e in w.events if "bug" in e.cause], steps
        for session in list(w.smf.sessions.by_identity.values()):
            if session.context.state == "ACTIVE":
                pdrs = {2 * r.number - k for r in session.context.qos.rules for k in (0, 1)}
                assert {p for p in w.upf.pdrs[session.context.up_seid] if p < 0x400} == pdrs, steps
                await w.release(session.ref)
        await asyncio.sleep(1)
        assert w.nothing_left(), steps
        await w.smf.stop()

    run_virtual(main())


async def tolerant(step: Awaitable[object]) -> object:
    with suppress(Problem):
        return await step
    return None
