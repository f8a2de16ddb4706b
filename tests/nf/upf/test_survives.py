"""A UPF whose process ends and begins: sessions, tunnels, identities and the recovery time go on. TS 23.527 §4.2."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinq.nf.upf import UPF, Settings, stored
from cinq.nf.upf.context import Association, Far, Pdr, Qer, SessionContext, Urr
from cinq.procedure.store import MemoryStore
from cinq.transport_address import TransportAddress
from cinq.userplane.rules import Filter
from cinq.wire import pfcp
from cinq.wire.pfcp import Cause

from .peer import GNB, N3, N4, POOL, SMF, UE, Bench, ModelPlane, establishment, forward
from .steps import UE2, cause, downlink, forwards, virtual

SETTINGS = Settings(N4, TransportAddress(N3), (POOL,), (IPv4Address(SMF[0]),))


def begun(bench: Bench, store: MemoryStore, settings: Settings = SETTINGS) -> UPF:
    """Another process with an empty data plane."""
    bench.plane = ModelPlane()
    entropy = bench.upf._registry._entropy
    bench.upf = UPF(settings, bench.port, bench.upf.runtime.clock, entropy, bench.journal, store=store)
    bench.upf.start(bench.plane)
    return bench.upf


def recovery(bench: Bench) -> int:
    answer = bench.ask(pfcp.HeartbeatRequest(recovery_time_stamp=1000))
    assert isinstance(answer, pfcp.HeartbeatResponse)
    return answer.recovery_time_stamp


@virtual
async def test_sessions_go_on() -> None:
    import asyncio

    bench, store = Bench(SMF), MemoryStore()
    begun(bench, store)
    bench.associate()
    seid, teid = bench.session()
    gone, _ = bench.session(UE2, 78)
    bench.ask(pfcp.SessionModificationRequest(update_fars=[forward()]), seid)
    bench.ask(pfcp.SessionDeletionRequest(), gone)
    first = recovery(bench)
    await asyncio.sleep(100)
    begun(bench, store)
    assert len(bench.upf) == 1
    assert recovery(bench) == first, "what kept its sessions did not begin anew"
    assert forwards(bench, teid)
    assert "Outer" in str(downlink(bench))
    wait = pfcp.ApplyAction(pfcp.ApplyAction.BUFF | pfcp.ApplyAction.NOCP)
    update = pfcp.UpdateFar(far_id=2, apply_action=wait)
    assert cause(bench.ask(pfcp.SessionModificationRequest(update_fars=[update]), seid)) == 1
    begun(bench, store)
    assert "Buffered" in str(downlink(bench))
    assert cause(bench.ask(establishment(UE, 99), 0)) == Cause.RULE_CREATION_MODIFICATION_FAILURE
    assert cause(bench.ask(establishment(UE, 77), 0)) == 1, "it never heard that it has this session"
    assert len(bench.upf) == 1
    (seid,) = bench.upf._registry.sessions
    assert bench.upf._n4._sequence, "an SMF knows requests of the former process by their numbers"
    assert cause(bench.ask(pfcp.SessionDeletionRequest(), seid)) == 1
    begun(bench, store)
    assert len(bench.upf) == 0
    await bench.upf.stop()


@virtual
async def test_what_was_measured_is_reported_once() -> None:
    """Usage since the last report is in the counters of the plane, which went on; sequence numbers go on."""
    bench, store = Bench(SMF), MemoryStore()
    begun(bench, store)
    bench.associate()
    request = establishment()
    volume = pfcp.MeasurementMethod(pfcp.MeasurementMethod.VOLUM)
    request.create_urrs = [
        pfcp.CreateUrr(urr_id=1, measurement_method=volume, reporting_triggers=pfcp.ReportingTriggers(0))
    ]
    for pdr in request.create_pdrs:
        pdr.urr_ids = [1]
    answer = bench.ask(request, 0)
    assert isinstance(answer, pfcp.SessionEstablishmentResponse)
    assert answer.up_f_seid is not None
    seid, f_teid = answer.up_f_seid.seid, answer.created_pdrs[0].f_teid
    assert f_teid is not None
    assert f_teid.teid is not None

    def queried() -> tuple[int | None, int]:
        asked = pfcp.SessionModificationRequest(query_urrs=[pfcp.QueryUrr(urr_id=1)])
        said = bench.ask(asked, seid)
        assert isinstance(said, pfcp.SessionModificationResponse)
        (report,) = said.usage_reports
        assert report.volume_measurement is not None
        return report.volume_measurement.uplink_packets, report.ur_seqn

    assert forwards(bench, f_teid.teid)
    assert queried() == (1, 0)
    for _ in range(2):
        assert forwards(bench, f_teid.teid)
    plane = bench.plane
    entropy = bench.upf._registry._entropy
    bench.upf = UPF(SETTINGS, bench.port, bench.upf.runtime.clock, entropy, bench.journal, store=store)
    bench.upf.start(plane)  # the same tables, as a plane that survives has them
    assert forwards(bench, f_teid.teid)
    assert queried() == (3, 1)
    begun(bench, store)  # tables that began anew
    assert forwards(bench, f_teid.teid)
    assert queried() == (1, 2)
    bench.ask(pfcp.SessionDeletionRequest(), seid)
    assert not list(store.items("pfcp-meters"))
    await bench.upf.stop()


@virtual
async def test_without_an_association_it_begins_anew() -> None:
    import asyncio

    bench, store = Bench(SMF), MemoryStore()
    begun(bench, store)
    first = recovery(bench)
    await asyncio.sleep(100)
    begun(bench, store)
    assert recovery(bench) > first
    await bench.upf.stop()


@virtual
async def test_an_smf_that_is_none_of_ours_any_more_has_no_session() -> None:
    bench, store = Bench(SMF), MemoryStore()
    begun(bench, store)
    bench.associate()
    bench.session()
    begun(bench, store, replace(SETTINGS, smf_addresses=(IPv4Address("10.4.0.77"),)))
    assert len(bench.upf) == 0
    assert not list(store.items(stored.SESSIONS))
    assert not bench.plane.model.registry.sessions


@virtual
async def test_a_session_that_settings_do_not_allow_any_more_ends() -> None:
    bench, store = Bench(SMF), MemoryStore()
    begun(bench, store)
    bench.associate()
    seid, _ = bench.session()
    bench.ask(pfcp.SessionModificationRequest(update_fars=[forward()]), seid)
    begun(bench, store, replace(SETTINGS, node_id=GNB))
    assert len(bench.upf) == 0
    assert not bench.plane.model.registry.sessions


@pytest.mark.parametrize("octets", [b"", b"\xc1", b"\x93\x01\x02\x03", bytes(100)])
@virtual
async def test_what_cannot_be_read_makes_it_begin_anew(octets: bytes) -> None:
    """An SMF that hears another recovery time sets all sessions up again."""
    import asyncio

    bench, store = Bench(SMF), MemoryStore()
    begun(bench, store)
    bench.associate()
    bench.session()
    first = recovery(bench)
    store.put(stored.SESSIONS, "00", octets)
    await asyncio.sleep(10)
    begun(bench, store)
    assert len(bench.upf) == 0
    assert not bench.plane.model.registry.sessions
    assert recovery(bench) > first
    store.put(stored.ASSOCIATIONS, "00", octets)
    begun(bench, store)
    await bench.upf.stop()


FILTERS = st.builds(
    Filter,
    protocol=st.none() | st.integers(0, 255),
    remote=st.none() | st.just(POOL) | st.just(IPv6Network("2001:db8::/32")),
    local_ports=st.none() | st.just((1, 9)),
    tos=st.none() | st.just((1, 252)),
)
NUMBERS = st.lists(st.integers(0, 9), max_size=3).map(tuple)
PDRS = st.builds(
    Pdr,
    st.integers(0, 65535),
    st.integers(0, 1 << 32),
    st.booleans(),
    st.none() | st.integers(1, 1 << 32),
    st.none() | st.just(UE),
    NUMBERS,
    st.integers(1, 9),
    NUMBERS,
    NUMBERS,
    st.lists(FILTERS, max_size=3).map(tuple),
    st.none() | st.just(IPv6Network("2001:db8:1::/64")),
    st.just(()) | st.just((POOL, IPv6Network("2001:db8:2::/64"))),
)
AMOUNTS = st.none() | st.tuples(st.none() | st.integers(0, 1 << 60), st.none(), st.integers(0, 9))
FARS = st.builds(
    Far, st.integers(1, 9), st.integers(0, 15), st.none() | st.booleans(), peer=st.none() | st.just(GNB)
)
URRS = st.builds(Urr, st.integers(1, 9), volume_threshold=AMOUNTS, period=st.none() | st.integers(1, 9))


@given(
    st.builds(
        SessionContext,
        st.integers(1, (1 << 64) - 1),
        st.integers(1, (1 << 64) - 1),
        st.just(SMF[0]),
        st.lists(PDRS, max_size=4).map(tuple),
        st.lists(FARS, max_size=3).map(tuple),
        st.lists(st.builds(Qer, st.integers(1, 9), qfi=st.none() | st.integers(0, 63)), max_size=3).map(
            tuple
        ),
        st.lists(URRS, max_size=2).map(tuple),
        st.lists(st.tuples(st.integers(1, 9), st.lists(FILTERS, max_size=2).map(tuple)), max_size=2).map(
            tuple
        ),
    )
)
def test_any_session_is_read_as_it_was_written(session: SessionContext) -> None:
    assert stored.decoded(stored.encoded(session)) == session


@given(st.binary(max_size=200))
def test_any_octets_are_a_session_or_unreadable(octets: bytes) -> None:
    for read in (stored.decoded, stored.association_decoded):
        try:
            read(octets)
        except stored.Unreadable:
            continue


def test_associations() -> None:
    for node in (IPv4Address("10.4.0.1"), "smf.example"):
        association = Association(pfcp.NodeId(node), SMF[0], 77, True, 1.5)
        assert stored.association_decoded(stored.association_encoded(association)) == association
