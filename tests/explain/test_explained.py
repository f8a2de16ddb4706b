"""What a core says of its refusals: put together from events, bounded, and there after a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.explain import Explainer, History, Incident, chosen, stored, text
from cinq.explain.history import COLLECTION, ENTRIES
from cinq.explain.lines import IN_ALL, OF_A_KIND, WINDOW_S, Lines
from cinq.nf.amf.inbound.errors import ORDER
from cinq.numbering import SNssai
from cinq.procedure import Event, Refused, Why, run_virtual
from cinq.procedure.store import MemoryStore
from cinq.ran.scenarios import spoil
from cinq.ran.ue.settings import SessionSettings
from cinq.ran.ue.signals import ModifySession
from cinq.settings import HexOctets
from cinq.wire import ngap
from cinq.wire.nas import Component, PacketFilter, QosRule
from tests.network.world import Network

SUPI = "imsi-999700000000001"


class Watched:
    """A network of which only trouble is listened to, as in a core without a trace."""

    def __init__(self) -> None:
        self.network = Network()
        for listener in tuple(self.network.journal._listeners):
            self.network.journal._take_off(listener)
        self.store = MemoryStore()
        self.lines: list[str] = []
        self.explainer = Explainer(self.store, self.lines.append, self.lines.append)
        self.network.journal.listen(self.explainer.event, trouble=True)

    def incidents(self) -> list[Incident]:
        self.explainer.close()
        return [incident for _, incident in stored(self.store)]


def watched(body: Callable[[Watched], Awaitable[None]]) -> Watched:
    async def main() -> Watched:
        world = Watched()
        await world.network.start()
        world.network.provision(3)
        await body(world)
        await asyncio.sleep(2)
        world.explainer.tick(world.network.clock.now())
        assert not world.network.journal.listening
        await world.network.stop()
        return world

    return run_virtual(main())


def test_nothing_is_told_of_what_goes_well() -> None:
    async def body(world: Watched) -> None:
        ue = world.network.ue(await world.network.gnb())
        await ue.register()
        await ue.establish_session()
        await ue.deregister()

    world = watched(body)
    assert world.lines == ["gNB attached: gnb-1 from gnb1:38412"]
    assert world.incidents() == []


def test_an_unknown_subscriber() -> None:
    async def body(world: Watched) -> None:
        gnb = await world.network.gnb()
        for _ in range(3):
            with pytest.raises(Refused):
                await world.network.ue(gnb, number=7).register()

    world = watched(body)
    (incident,) = world.incidents()
    assert incident.title == "Registration rejected: 5GMM cause #3 illegal UE"
    assert (incident.ue, incident.gnb, incident.count) == ("imsi-999700000000008", "gnb-1", 3)
    assert "imsi-999700000000008 is not provisioned" in incident.because
    assert incident.mend == "cinq subscriber add 999700000000008 --k ... --opc ..."
    assert len([line for line in world.lines if line.startswith("Registration rejected")]) == 3
    said = dict(text(incident)[1:])
    assert said["mend"] == incident.mend
    assert said["seen"].startswith("3 times since ")
    assert said["seen"].endswith("from gNB gnb-1")


def test_a_slice_that_a_registered_ue_does_not_get() -> None:
    async def body(world: Watched) -> None:
        ue = world.network.ue(await world.network.gnb(), slices=(SNssai(1), SNssai(2, 1)))
        await ue.register()

    (incident,) = watched(body).incidents()
    assert (incident.what, incident.ue) == ("Slice rejected", SUPI)
    assert incident.because == "the UE asks for SST 2 SD 000001; it has not subscribed to it"
    assert incident.mend.startswith("cinq subscriber set 999700000000001 --slices")


@pytest.mark.parametrize("suci", ["null", "A"])
def test_a_wrong_key_is_told_of_the_right_subscriber(suci: str) -> None:
    async def body(world: Watched) -> None:
        ue = world.network.ue(await world.network.gnb(), k=HexOctets(bytes(16)), suci=suci)
        with pytest.raises(Refused):
            await ue.register()

    (incident,) = watched(body).incidents()
    assert (incident.what, incident.ue) == ("Authentication rejected", SUPI)
    assert incident.because
    assert "IMSI" not in incident.mend


def test_a_session_that_is_refused() -> None:
    async def body(world: Watched) -> None:
        ue = world.network.ue(await world.network.gnb(), sessions=(SessionSettings("corporate"),))
        await ue.register()
        with pytest.raises(Refused):
            await ue.establish_session()

    (incident,) = watched(body).incidents()
    assert (incident.ue, incident.gnb) == (SUPI, "gnb-1")
    assert "#91" in incident.cause
    assert "corporate" in incident.because


def test_a_session_to_a_gnb_that_gives_an_address_of_no_use() -> None:
    """The UE is told #38 and nothing else: the operator hears which address it was."""

    async def body(world: Watched) -> None:
        ue = world.network.ue(await world.network.gnb(n3_address=IPv4Address("127.0.0.9")))
        await ue.register()
        await ue.establish_session()
        await asyncio.sleep(1)
        assert not ue.sessions

    found = [one for one in watched(body).incidents() if one.what == "PDU session not carried"]
    assert [(one.ue, one.gnb) for one in found] == [(SUPI, "gnb-1")]
    assert "127.0.0.9 is no address that N3 reaches" in found[0].because
    assert found[0].mend


def test_a_modification_that_is_refused() -> None:
    async def body(world: Watched) -> None:
        ue = world.network.ue(await world.network.gnb())
        await ue.register()
        await ue.establish_session()
        web = PacketFilter(1, components=((Component.REMOTE_PORT, b"\0\x50"),))
        wanted = ModifySession(rules=(QosRule(0, packet_filters=(web,), precedence=50, qfi=0),))
        with pytest.raises(Refused):
            await ue.modify_session(1, wanted)

    (incident,) = watched(body).incidents()
    assert (incident.ue, incident.gnb) == (SUPI, "gnb-1")
    assert incident.what == "PDU session modification rejected"
    assert incident.because, "why"


def test_a_gnb_that_is_refused_is_told_under_the_name_it_gave() -> None:
    async def body(world: Watched) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(world.network.gnb(5, tac=99), 3)

    world = watched(body)
    (incident,) = world.incidents()
    assert incident.what == "NG Setup refused"
    assert incident.gnb.startswith("gnb-5")
    assert chosen([incident], "gnb-5") == [incident]
    assert incident.because


def test_a_gnb_that_goes_is_one_line() -> None:
    async def body(world: Watched) -> None:
        gnb = await world.network.gnb()
        gnb.n2.association.abort("cable")

    lines = watched(body).lines
    assert [line for line in lines if "lost" in line] == ["gNB lost, at gnb-1: cable"]


def refusal(number: int, time: float = 1.0, because: str = "not provisioned") -> Incident:
    return Incident(
        what="Registration rejected",
        ue=f"imsi-{number:015}",
        because=f"{number} is {because}",
        first=time,
        last=time,
    )


def test_a_flood_of_names_does_not_push_out_others() -> None:
    history = History(MemoryStore(), entries=50)
    mine = history.add(refusal(1, because="known, with another key"))
    repeated = [history.add(refusal(2)) for _ in range(5)][-1]
    for number in range(3, 5000):
        history.add(refusal(number, time=float(number)))
    kept = list(history._incidents.values())
    assert len(kept) == 50
    assert mine in kept
    assert repeated in kept


def test_the_history_outlives_the_process_and_what_is_broken_in_it() -> None:
    store = MemoryStore()
    history = History(store)
    for number in range(1, 6):
        history.add(refusal(number))
    history.save()
    store.put(COLLECTION, "0002", b"\xff")
    store.put(COLLECTION, "x", b"")
    again = History(store)
    assert len(again._incidents) == 4
    assert again.add(refusal(1, time=9.0)).count == 2
    for number in range(10, 20):
        again.add(refusal(number))
    again.save()
    assert len(dict(stored(store))) == 14
    assert {incident.ue for _, incident in stored(store)} == {i.ue for i in again._incidents.values()}


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3)), max_size=120))
def test_bounds_hold_whatever_happens(happened: list[tuple[int, int]]) -> None:
    store = MemoryStore()
    history = History(store, entries=7)
    for number, kind in happened:
        history.add(refusal(number, because="abc"[: kind + 1]))
        assert len(history._incidents) == len(history._slots) <= 7
        assert sum(map(len, history._kinds.values())) == len(history._incidents)
    history.save()
    assert len(dict(stored(store))) == len(history._incidents)


def event(number: int, time: float, why: str, name: str = "RegistrationReject") -> Event:
    return Event(time, "AMF", f"imsi-{number:015}", "registration", "none", "N1", "REGISTRATION REQUEST", why)


def test_hostile_names_are_bounded_and_stand_in_one_line() -> None:
    store = MemoryStore()
    lines: list[str] = []
    explainer = Explainer(store, lines.append)
    subject = "gnb\n\x1b[31m" + "x" * 5000
    why = Why("refused: no\nsuch\x00thing" + "y" * 5000, "mend\r" + "z" * 5000)
    explainer.event(Event(1.0, "AMF", subject, "ng_setup", "none", "N2", "NGSetupRequest", why))
    explainer.tick(5.0)
    (line,) = lines
    assert line.isprintable()
    assert len(line) < 1200
    (octets,) = (octets for _, octets in store.items(COLLECTION))
    assert len(octets) < 1500


def test_a_storm_is_a_few_lines_and_a_number() -> None:
    lines: list[str] = []
    explainer = Explainer(MemoryStore(), lines.append)
    for number in range(20_000):
        explainer.event(event(number, number / 2500, f"refused: {number} is not provisioned"))
        if not number % 1250:
            explainer.tick(number / 2500)
    explainer.tick(20.0)
    explainer.tick(20.0 + WINDOW_S)
    assert len(lines) <= 2 * (OF_A_KIND + 4)
    assert any("more in 10 s" in line for line in lines)
    assert len(explainer._history._incidents) <= ENTRIES


def test_lines_are_bounded_in_all() -> None:
    lines: list[str] = []
    log = Lines(lines.append)
    log.tick(100.0)
    for number in range(1000):
        log.incident(Incident(what=f"kind {number}"), 101.0)
    assert len(lines) == IN_ALL
    log.tick(101.0 + WINDOW_S)
    held = lines[IN_ALL:]
    assert len(held) <= OF_A_KIND + 1
    assert sum(int(line.split()[0].replace(",", "")) for line in held) == 1000 - IN_ALL


def test_a_release_that_follows_is_no_incident_of_its_own_and_another_is() -> None:
    from cinq.wire import ngap

    def release(time: float) -> Event:
        message = ngap.UEContextReleaseCommand(
            ue_ngap_ids=("aMF-UE-NGAP-ID", 1), cause=("nas", "authentication-failure")
        )
        return Event(time, "AMF", SUPI, "", "out", "N2", "UEContextReleaseCommand", content=message)

    store = MemoryStore()
    explainer = Explainer(store)
    explainer.event(event(999700000000001, 100.0, "refused: no"))
    explainer.event(release(100.1))
    explainer.event(release(200.0))
    explainer.close()
    assert [incident.what for _, incident in stored(store)] == [
        "Registration refused",
        "Connection released",
    ]


def test_whom_one_may_ask_for() -> None:
    incidents = [refusal(number, time=float(number)) for number in range(1, 15)]
    assert chosen(incidents, "last") == incidents[-1:]
    assert chosen(incidents, "") == incidents[-10:]
    assert chosen(incidents, "000000000000003") == chosen(incidents, "imsi-000000000000003") == [incidents[2]]
    assert chosen(incidents, "nobody") == []


@pytest.mark.parametrize(
    ("spoilt", "said", "mend"),
    [
        (
            lambda message: spoil.without(message, "TargetID"),
            "TargetID (105) is missing",
            "the gNB, or who changes its messages",
        ),
        (spoil.backwards, "in the wrong order", ORDER),
    ],
)
def test_a_message_of_a_gnb_that_is_not_as_it_should_be(
    spoilt: Callable[[ngap.Pdu], bytes], said: str, mend: str
) -> None:
    """Testers by other people send IEs in another order than the specification's (TS 38.413 §10.3.6)."""

    async def body(world: Watched) -> None:
        gnb = await world.network.gnb()
        required = ngap.HandoverRequired(
            amf_ue_ngap_id=1,
            ran_ue_ngap_id=1,
            handover_type="intra5gs",
            cause=("radioNetwork", "handover-desirable-for-radio-reason"),
            target_id=target(),
            pdu_session_resource_list_ho_rqd=[
                ngap.PDUSessionResourceItemHORqd(pdu_session_id=1, handover_required_transfer=b"\0")
            ],
            source_to_target_transparent_container=b"\0",
        )
        gnb.station.send(spoilt(required), stream=1)

    incident, other = watched(body).incidents()
    assert incident.title.startswith("Handover refused: protocol: abstract-syntax-error-")
    assert said in incident.because
    assert incident.mend == mend
    assert (other.title[:32], other.because) == ("Error Indication from the other ", "")


def target() -> ngap.TargetID:
    plmn = bytes.fromhex("99f907")
    gnb: ngap.GNBID = ("gNB-ID", (7, 24))
    tai = ngap.TAI(plmn_identity=plmn, tac=b"\0\0\1")
    node: ngap.GlobalRANNodeID = ("globalGNB-ID", ngap.GlobalGNBID(plmn_identity=plmn, gnb_id=gnb))
    return "targetRANNodeID", ngap.TargetRANNodeID(global_ran_node_id=node, selected_tai=tai)
