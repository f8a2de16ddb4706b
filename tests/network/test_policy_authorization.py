"""An application function asks for QoS: PCF, SMF, UPF, gNB and UE follow (TS 23.502 §4.15.6.6, TS 29.514)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from msgspec.structs import replace

from cinq.procedure import run_virtual
from cinq.ran.ue.session import Session
from cinq.ran.ue.ue import Ue
from cinq.sbi import Problem
from cinq.sbi.services.npcf_policyauthorization import (
    AfEventSubscription,
    AppSessionContext,
    AppSessionContextReqData,
    AppSessionContextUpdateData,
    AppSessionContextUpdateDataPatch,
    EventsNotification,
    EventsSubscReqData,
    MediaComponent,
    MediaSubComponent,
    NnefPolicyCallback,
    NpcfPolicyAuthorization,
    TerminationInfo,
)
from tests.network.world import Network

EVENTS = EventsSubscReqData(
    events=[
        AfEventSubscription(event="SUCCESSFUL_RESOURCES_ALLOCATION"),
        AfEventSubscription(event="FAILED_RESOURCES_ALLOCATION"),
    ]
)


class Af:
    """Where the PCF tells what became of it."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    async def events_notify(self, reference: str, body: EventsNotification) -> None:
        self.told += [(reference, each.event) for each in body.ev_notifs]

    async def terminate_notify(self, reference: str, body: TerminationInfo) -> None:
        self.told.append((reference, body.term_cause))


def component(number: int = 1, *flows: str, mbps: int = 20) -> MediaComponent:
    sub = MediaSubComponent(
        f_num=1, f_descs=list(flows) or ["permit out 17 from 198.51.100.7 5004 to assigned"]
    )
    rate = f"{mbps} Mbps"
    return MediaComponent(
        med_comp_n=number, med_sub_comps={"1": sub}, med_type="VIDEO", mir_bw_dl=rate, mar_bw_dl=rate
    )


def asked(address: str | None, *components: MediaComponent, **more: object) -> AppSessionContext:
    request = AppSessionContextReqData(
        notif_uri="/nnef-callback/v1/app-sessions/a",
        supp_feat="0",
        ue_ipv4=address,
        med_components={str(each.med_comp_n): each for each in components},
        ev_subsc=EVENTS,
        **more,  # type: ignore[arg-type]
    )
    return AppSessionContext(asc_req_data=request)


def play(scene: Callable[[Network, Ue, Session, NpcfPolicyAuthorization, Af], Awaitable[None]]) -> None:
    async def main() -> None:
        network, af = Network(), Af()
        network.provision()
        await network.start()
        network.bus.serve(NnefPolicyCallback, af, "nef")
        ue = network.ue(await network.gnb())
        await ue.register()
        client = network.bus.client(NpcfPolicyAuthorization, "NEF")
        await scene(network, ue, await ue.establish_session(), client, af)
        await network.stop()

    run_virtual(main())


async def tried(pcf: NpcfPolicyAuthorization, address: str) -> str | None:
    try:
        await pcf.create(asked(address, component()))
    except Problem as problem:
        return problem.cause
    return "made"


def flows_of(session: Session) -> dict[int, int]:
    """GFBR downlink by 5QI."""
    return {flow.five_qi or 0: flow.gfbr_downlink or 0 for flow in session.context.flows}


def address_of(session: Session) -> str:
    assert session.context.address is not None
    return str(session.context.address)


def test_a_flow_comes_changes_and_goes() -> None:
    async def scene(network: Network, ue: Ue, session: Session, pcf: NpcfPolicyAuthorization, af: Af) -> None:
        made = await pcf.create(asked(address_of(session), component()))
        await asyncio.sleep(1)
        assert flows_of(session)[2] == 20_000_000
        assert made.body.asc_resp_data is not None
        await network.pcf.tell_application_functions()
        assert af.told == [("a", "SUCCESSFUL_RESOURCES_ALLOCATION")]
        faster = AppSessionContextUpdateData(med_components={"1": component(mbps=40)})
        changed = await pcf.update(made.id, AppSessionContextUpdateDataPatch(asc_req_data=faster))
        await asyncio.sleep(1)
        assert changed.asc_req_data is not None
        assert flows_of(session)[2] == 40_000_000
        assert (await pcf.get(made.id)).asc_req_data == changed.asc_req_data
        await pcf.delete(made.id, None)
        await asyncio.sleep(1)
        assert set(flows_of(session)) == {9}
        with pytest.raises(Problem, match="404 APPLICATION_SESSION_CONTEXT_NOT_FOUND"):
            await pcf.get(made.id)

    play(scene)


def test_who_unsubscribes_hears_nothing_and_the_end_is_told() -> None:
    async def scene(network: Network, ue: Ue, session: Session, pcf: NpcfPolicyAuthorization, af: Af) -> None:
        made = await pcf.create(asked(address_of(session), component()))
        await pcf.unsubscribe(made.id)
        await asyncio.sleep(1)
        await network.pcf.tell_application_functions()
        assert not af.told
        again = await pcf.subscribe(made.id, EVENTS)
        assert again.location.endswith(f"{made.id}/events-subscription")
        await ue.release_session(session.context.pdu_session_id)
        await asyncio.sleep(1)
        await network.pcf.tell_application_functions()
        assert af.told == [("a", "PDU_SESSION_TERMINATION")]
        with pytest.raises(Problem, match="404"):
            await pcf.delete(made.id, None)

    play(scene)


def test_what_nobody_can_have_changes_nothing() -> None:
    async def scene(network: Network, ue: Ue, session: Session, pcf: NpcfPolicyAuthorization, af: Af) -> None:
        address = address_of(session)
        bad = component()
        for request, said in (
            (asked("10.45.77.77", bad), "500 PDU_SESSION_NOT_AVAILABLE"),
            (asked("10.45.0.300", bad), "400 MANDATORY_IE_MISSING"),
            (asked(None, bad), "400 MANDATORY_IE_MISSING"),
            (asked(address, bad, ue_ipv6="fd00::1"), "400 MANDATORY_IE_MISSING"),
            (asked(address, bad, supi="imsi-999700000000099"), "500 PDU_SESSION_NOT_AVAILABLE"),
            (asked(address, bad, dnn="ims"), "500 PDU_SESSION_NOT_AVAILABLE"),
            (asked(address), "400 INVALID_SERVICE_INFORMATION"),
            (asked(address, replace(bad, med_sub_comps={})), "400 INVALID_SERVICE_INFORMATION"),
            (asked(address, replace(bad, mir_bw_dl="fast")), "400 INVALID_SERVICE_INFORMATION"),
            (asked(address, replace(bad, mir_bw_dl="9 Zbps")), "400"),
            (asked(address, replace(bad, qos_reference="best")), "403 REQUESTED_SERVICE_NOT_AUTHORIZED"),
            (asked(address, component(1, "permit out 17 from any to 10.45.0.99")), "400 INVALID_SERVICE"),
            (asked(address, component(1, "deny out 17 from any to assigned")), "400 INVALID_SERVICE"),
            (asked(address, component(1, "permit out 999 from any to assigned")), "400 INVALID_SERVICE"),
            (
                asked(address, component(1, *["permit out 17 from any to assigned"] * 3)),
                "400 INVALID_SERVICE",
            ),
            (asked(address, *[component(n) for n in range(1, 10)]), "400 INVALID_SERVICE"),
        ):
            with pytest.raises(Problem, match=said):
                await pcf.create(request)
        await asyncio.sleep(1)
        assert set(flows_of(session)) == {9}
        assert not list(network.store.items("app-sessions"))

    play(scene)


def test_a_session_takes_so_many_and_no_more() -> None:
    async def scene(network: Network, ue: Ue, session: Session, pcf: NpcfPolicyAuthorization, af: Af) -> None:
        answers = [await tried(pcf, address_of(session)) for _ in range(40)]
        made = answers.count("made")
        assert set(answers) == {"made", "REQUESTED_SERVICE_NOT_AUTHORIZED"}
        assert 8 <= made <= 16
        assert len(list(network.store.items("app-sessions"))) == made

    play(scene)
