"""Nsmf_EventExposure, TS 29.508 §4.2: who watches sessions hears what becomes of them."""

from __future__ import annotations

import asyncio
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from cinq.nf.smf.context import Branch, Ipv4
from cinq.nf.smf.events import COLLECTION, Events
from cinq.nf.smf.session import Sessions
from cinq.procedure import VirtualClock
from cinq.procedure.store import MemoryStore
from cinq.sbi import Bus, Problem
from cinq.sbi.models import Snssai
from cinq.sbi.services.nsmf_eventexposure import (
    AfSessionCallback,
    EventNotification,
    EventSubscription,
    NsmfEventExposure,
    NsmfEventExposureNotification,
    NsmfEventExposureService,
)

from .pcf import MOMENT
from .world import SUPI, World, play

ALL = [EventSubscription(event=e) for e in ("PDU_SES_EST", "PDU_SES_REL", "UE_IP_CH", "UP_PATH_CH")]
WANTED = NsmfEventExposure(
    notif_id="n", notif_uri="/af-session-callback/v1/events/here", event_subs=ALL, supi=SUPI
)
ANY = replace(WANTED, supi=None, any_ue_ind=True, dnn="internet")


class Af:
    """refusal: what it says to whatever comes."""

    def __init__(self, w: World) -> None:
        self.told: list[EventNotification] = []
        self.refusal: Problem | None = None
        w.bus.serve(AfSessionCallback, self, "af")
        self.client = w.bus.client(NsmfEventExposureService, "AF")

    async def session_notify(self, reference: str, body: NsmfEventExposureNotification) -> None:
        assert (reference, body.notif_id) == ("here", "n")
        if self.refusal is not None:
            raise self.refusal
        self.told += body.event_notifs

    @property
    def events(self) -> list[str]:
        return [one.event for one in self.told]


@pytest.mark.parametrize("wanted", [WANTED, ANY, replace(ANY, dnn=None, snssai=Snssai(sst=1))])
def test_a_session_comes_and_goes(wanted: NsmfEventExposure) -> None:
    async def scene(w: World) -> None:
        af = Af(w)
        made = await af.client.subscribe(wanted)
        ref = await w.active()
        await asyncio.sleep(1)
        (first,) = af.told
        context = w.smf.sessions.by_identity[SUPI, 1].context
        assert isinstance(context.address, Ipv4)
        assert (first.event, first.supi, first.pdu_se_id, first.dnn) == ("PDU_SES_EST", SUPI, 1, "internet")
        assert (first.ipv4_addr, first.pdu_sess_type) == (str(context.address.ipv4), "IPV4")
        await w.release(ref)
        await asyncio.sleep(1 + MOMENT)
        assert af.events == ["PDU_SES_EST", "PDU_SES_REL"]
        await af.client.unsubscribe(made.id)
        assert list(w.store.items(COLLECTION)) == []
        assert w.smf.sessions.heard is None

    play(scene)


def test_a_path_and_an_address_change() -> None:
    async def scene(w: World) -> None:
        af = Af(w)
        await w.active()
        await af.client.subscribe(WANTED)
        session = w.smf.sessions.by_identity[SUPI, 1]
        old = session.context.address
        assert isinstance(old, Ipv4)
        was = str(old.ipv4)
        session.commit(branch=Branch("192.0.2.9", 77, dnais=("edge",)))
        session.commit(branch=None)
        session.commit(address=Ipv4(int(IPv4Address("10.99.0.1"))))
        session.commit(address=old)
        await asyncio.sleep(1)
        assert [(e.event, e.source_dnai, e.target_dnai, e.re_ipv4_addr, e.ad_ipv4_addr) for e in af.told] == [
            ("UP_PATH_CH", None, "edge", None, None),
            ("UP_PATH_CH", "edge", None, None, None),
            ("UE_IP_CH", None, None, was, "10.99.0.1"),
            ("UE_IP_CH", None, None, "10.99.0.1", was),
        ]
        assert {e.dnai_chg_type for e in af.told[:2]} == {"LATE"}

    play(scene)


def test_what_is_there_already_is_told_at_once_and_counts() -> None:
    async def scene(w: World) -> None:
        af = Af(w)
        await w.active()
        made = await af.client.subscribe(replace(WANTED, imme_rep=True, max_report_nbr=2))
        assert [one.event for one in made.body.event_notifs] == ["PDU_SES_EST"]
        assert await w.smf.release(SUPI, 1, 36)  # type: ignore[arg-type]
        await asyncio.sleep(120)
        assert af.events == ["PDU_SES_REL"]
        with pytest.raises(Problem, match="404"):
            await af.client.get(made.id)

    play(scene)


def test_others_are_not_told_of() -> None:
    async def scene(w: World) -> None:
        af = Af(w)
        for other in (
            replace(WANTED, supi="imsi-999700000000099"),
            replace(WANTED, pdu_se_id=2),
            replace(ANY, dnn="ims"),
            replace(ANY, snssai=Snssai(sst=9)),
            replace(WANTED, event_subs=ALL[1:]),
        ):
            await af.client.subscribe(other)
        await w.active()
        await asyncio.sleep(1)
        assert af.told == []

    play(scene)


def test_a_subscription_changes_and_ends_by_time() -> None:
    async def scene(w: World) -> None:
        af = Af(w)
        made = await af.client.subscribe(replace(WANTED, event_subs=ALL[1:]))
        changed = await af.client.replace(made.id, replace(WANTED, event_subs=ALL[:1]))
        assert await af.client.get(made.id) == changed
        await w.active()
        await asyncio.sleep(1)
        assert af.events == ["PDU_SES_EST"]
        await af.client.replace(made.id, replace(WANTED, expiry="1971-01-01T00:00:00Z"))
        await asyncio.sleep(1)
        for gone in (af.client.get(made.id), af.client.unsubscribe(made.id)):
            with pytest.raises(Problem, match="404"):
                await gone

    play(scene)


def test_who_cannot_be_reached_is_told_later_and_who_refuses_no_more() -> None:
    async def scene(w: World) -> None:
        af = Af(w)
        made = await af.client.subscribe(WANTED)
        af.refusal = Problem(503)
        await w.active()
        await asyncio.sleep(3)
        assert af.told == []
        af.refusal = None
        await asyncio.sleep(1)
        assert af.events == ["PDU_SES_EST"]
        af.refusal = Problem(404)
        session = w.smf.sessions.by_identity[SUPI, 1]
        session.commit(branch=Branch("192.0.2.9", 77, dnais=("edge",)))
        await asyncio.sleep(1)
        session.commit(branch=None)
        with pytest.raises(Problem, match="404"):
            await af.client.get(made.id)

    play(scene)


def test_subscriptions_outlive_a_restart() -> None:
    async def scene(w: World) -> None:
        af = Af(w)
        made = await af.client.subscribe(WANTED)
        await w.active()
        await asyncio.sleep(1)
        again = Events(w.smf.sessions, w.store, VirtualClock(), bytes, w.bus)
        again.begin()
        assert (await again.get(made.id)).supi == SUPI
        w.smf.sessions.by_identity[SUPI, 1].commit(branch=Branch("192.0.2.9", 77, dnais=("edge",)))
        await again.look()
        assert af.events == ["PDU_SES_EST", "UP_PATH_CH"]
        w.smf.sessions.by_identity[SUPI, 1].commit(branch=None)

    play(scene)


@pytest.mark.parametrize(
    "changes",
    [
        {"event_subs": []},
        {"event_subs": ALL * 3},
        {"event_subs": [EventSubscription(event="PLMN_CH")]},  # type: ignore[arg-type]
        {"event_subs": [EventSubscription(event="UP_PATH_CH", dnai_chg_type="EARLY")]},
        {"supi": None},
        {"any_ue_ind": True},
        {"supi": None, "any_ue_ind": True},
        {"supi": None, "any_ue_ind": True, "dnn": "internet", "imme_rep": True},
        {"supi": None, "group_id": "group"},
        {"gpsi": "msisdn-1"},
        {"notif_method": "PERIODIC"},
        {"max_report_nbr": 0},
        {"expiry": "tomorrow"},
        {"snssai": Snssai(sst=999)},
        {"snssai": Snssai(sst=1, sd="nothex")},
    ],
    ids=str,
)
def test_what_is_not_told_here_is_refused(changes: dict[str, object]) -> None:
    store = MemoryStore()
    events = Events(sessions(), store, VirtualClock(), bytes, Bus())
    with pytest.raises(Problem, match="400"):
        asyncio.run(events.subscribe(replace(WANTED, **changes)))
    assert list(store.items(COLLECTION)) == []


def test_one_ue_has_so_many_watchers() -> None:
    numbers = iter(range(100))
    events = Events(
        sessions(), MemoryStore(), VirtualClock(), lambda n: next(numbers).to_bytes(n, "big"), Bus()
    )

    async def main() -> None:
        for _ in range(16):
            await events.subscribe(WANTED)
        with pytest.raises(Problem, match="500 INSUFFICIENT_RESOURCES"):
            await events.subscribe(WANTED)

    asyncio.run(main())


def sessions() -> Sessions:
    return Sessions(0)


@given(
    st.builds(
        NsmfEventExposure,
        notif_id=st.text(max_size=5),
        notif_uri=st.text(max_size=5),
        event_subs=st.lists(st.builds(EventSubscription, event=st.text(max_size=12)), max_size=3),
        supi=st.none() | st.text(max_size=5),
        any_ue_ind=st.booleans(),
        dnn=st.none() | st.text(max_size=5),
        snssai=st.none() | st.builds(Snssai, sst=st.integers(), sd=st.none() | st.text(max_size=7)),
        expiry=st.none() | st.text(max_size=30),
        max_report_nbr=st.none() | st.integers(),
        imme_rep=st.booleans(),
    )
)
def test_no_subscription_does_more_than_be_refused(body: NsmfEventExposure) -> None:
    events = Events(sessions(), MemoryStore(), VirtualClock(), bytes, Bus())
    try:
        asyncio.run(events.subscribe(body))
    except Problem as problem:
        refused = problem.status
    else:
        refused = 0
    assert refused in (0, 400)
