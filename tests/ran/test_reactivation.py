"""A UE whose user plane the network cannot set up now: TS 24.501 §5.6.1.4.1, 5GMM cause #92."""

from __future__ import annotations

import asyncio

from cinq.ran.ue import Ue
from cinq.ran.ue.procedures.refusal import REACTIVATION_S, REACTIVATIONS
from cinq.wire import nas
from cinq.wire.nas import GmmCause

from .core import Core, CoreUe, Radio, settle
from .test_nas_rules import play

NO_RESOURCES = GmmCause.INSUFFICIENT_USER_PLANE_RESOURCES_FOR_THE_PDU_SESSION


class WithoutUserPlane(Core):
    """Its UPF comes after so many service requests; until then the accept says cause."""

    def __init__(self, *, refusals: int, cause: GmmCause = NO_RESOURCES) -> None:
        super().__init__()
        self.refusals, self.cause, self.asked = refusals, cause, 0

    def on_service(self, ue: CoreUe, request: nas.ServiceRequest) -> None:
        self.asked += 1
        asked = request.uplink_data_status or frozenset()
        if self.refusals == 0 or not asked:
            super().on_service(ue, request)
            return
        self.refusals -= 1
        accept = nas.ServiceAccept(
            pdu_session_status=request.pdu_session_status,
            pdu_session_reactivation_result=asked,
            pdu_session_reactivation_result_error_cause=dict.fromkeys(asked, int(self.cause)),
        )
        self.down(ue, accept)
        self.release(ue)


async def wants_to_send(core: Core, ue: Ue) -> None:
    """One packet, of which the gNB tells once."""
    await ue.power_on()
    core.release(core.last())
    await settle()
    ue.on_uplink_data(1)
    await settle()


def test_user_plane_that_comes_late_is_asked_for_again() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        assert isinstance(core, WithoutUserPlane)
        await wants_to_send(core, ue)
        assert not ue.sessions[1].context.bearer
        await asyncio.sleep(2 * REACTIVATION_S + 1)
        assert ue.sessions[1].context.bearer
        assert core.asked == 3
        await asyncio.sleep(10 * REACTIVATION_S)
        assert core.asked == 3

    play(scene, WithoutUserPlane(refusals=2))


def test_it_gives_up_after_some_attempts_and_begins_anew_with_the_next() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        assert isinstance(core, WithoutUserPlane)
        await wants_to_send(core, ue)
        await asyncio.sleep(20 * REACTIVATION_S)
        assert core.asked == 1 + REACTIVATIONS
        core.refusals = 0
        ue.on_uplink_data(1)
        await settle()
        assert ue.sessions[1].context.bearer
        assert ue.reactivations == 0

    play(scene, WithoutUserPlane(refusals=1000))


def test_an_area_where_it_may_not_is_not_asked_again() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        assert isinstance(core, WithoutUserPlane)
        await wants_to_send(core, ue)
        await asyncio.sleep(20 * REACTIVATION_S)
        assert core.asked == 1

    play(scene, WithoutUserPlane(refusals=1000, cause=GmmCause.RESTRICTED_SERVICE_AREA))


def test_a_ue_that_is_switched_off_asks_no_more() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        assert isinstance(core, WithoutUserPlane)
        await wants_to_send(core, ue)
        await ue.deregister(switch_off=True)
        await asyncio.sleep(20 * REACTIVATION_S)
        assert core.asked == 1

    play(scene, WithoutUserPlane(refusals=1000))
