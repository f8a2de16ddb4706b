"""Whose a tunnel is, by what the SMF says: ends that lead back to us, and packets from where the UE is moving to."""

from __future__ import annotations

import asyncio
from ipaddress import IPv4Address, IPv4Network

import pytest
from msgspec.structs import replace

from cinq.nf.upf import UPF, Settings
from cinq.nf.upf.strangers import OF_ALL, OF_SESSION, Strangers
from cinq.transport_address import TransportAddress
from cinq.wire import gtpu, pfcp
from cinq.wire.pfcp import Cause

from .mutations import body_of, tree
from .peer import GNB, N3, N4, POOL, SMF, UE, Bench, establishment, forward, uplink_pdr
from .steps import UE2, cause, gpdu, packet, virtual

DN, TARGET, STRANGER = IPv4Address("10.6.0.2"), IPv4Address("10.3.0.3"), IPv4Address("10.3.0.66")
OWN = {
    "our N3": N3,
    "our N4": N4,
    "the UE's own": UE,
    "another UE's": IPv4Address("10.45.77.1"),
    "loopback": IPv4Address("127.0.0.1"),
    "link local": IPv4Address("169.254.169.254"),
}


@pytest.mark.parametrize("name", OWN)
@virtual
async def test_no_tunnel_leads_back_to_us(name: str) -> None:
    bench = Bench(SMF)
    bench.associate()
    seid, _ = bench.session()
    answer = bench.ask(pfcp.SessionModificationRequest(update_fars=[forward(peer=OWN[name])]), seid)
    assert isinstance(answer, pfcp.SessionModificationResponse)
    assert answer.cause == Cause.RULE_CREATION_MODIFICATION_FAILURE
    assert answer.offending_ie == 84
    assert answer.failed_rule_id == pfcp.FailedRuleId(1, 2)
    assert not bench.plane.sent


def uplink(bench: Bench, teid: int, source: IPv4Address, ue: IPv4Address = UE) -> None:
    """As the plane does it: what has not the tunnel goes to the UPF."""
    bench.upf.gtpu_received(gpdu(teid, packet(ue, DN)), (str(source), 2152))


@virtual
async def test_uplink_of_the_target_waits_for_the_path_switch() -> None:
    """TS 23.502 §4.9.1.2.2: none of it is lost, in order; what a stranger sent meanwhile is."""
    bench = Bench(SMF)
    bench.associate()
    seid, teid = bench.session()
    assert bench.plane.model.registry.sessions[seid].decap[0].peers == ()
    bench.ask(pfcp.SessionModificationRequest(update_fars=[forward()]), seid)
    assert bench.plane.model.registry.sessions[seid].decap[0].peers == (IPv4Network(GNB),)
    for source in (TARGET, STRANGER, TARGET):
        uplink(bench, teid, source)
    assert bench.plane.let_in == []
    assert not [m for m, _ in bench.plane.sent if isinstance(gtpu.decode(m), gtpu.ErrorIndication)]
    bench.ask(pfcp.SessionModificationRequest(update_fars=[forward(peer=TARGET, end_marker=True)]), seid)
    assert bench.plane.let_in == [packet(UE, DN)] * 2


@virtual
async def test_what_waited_too_long_or_for_nothing_is_gone() -> None:
    bench = Bench(SMF)
    bench.associate()
    seid, teid = bench.session()
    bench.ask(pfcp.SessionModificationRequest(update_fars=[forward()]), seid)
    uplink(bench, teid, TARGET)
    await asyncio.sleep(2.1)
    bench.ask(pfcp.SessionModificationRequest(update_fars=[forward(peer=TARGET)]), seid)
    assert bench.plane.let_in == []
    uplink(bench, teid, GNB)
    bench.ask(pfcp.SessionDeletionRequest(), seid)
    other, _ = bench.session(UE2)
    bench.ask(pfcp.SessionModificationRequest(update_fars=[forward(0x2002)]), other)
    assert bench.plane.let_in == []


@virtual
async def test_what_waits_has_a_bound() -> None:
    strangers = Strangers()
    for seid in range(100):
        for _ in range(OF_SESSION + 1):
            strangers.keep(seid, b"packet", ("10.3.0.3", 2152))
    assert len(strangers) == OF_ALL
    assert len(strangers.take(0, [IPv4Network("10.3.0.3/32")])) == OF_SESSION
    await asyncio.sleep(3)
    for _ in range(OF_SESSION + 1):
        strangers.keep(200, b"packet", ("10.3.0.3", 2152))
    assert len(strangers) == OF_ALL, "old ones make room only where there is none"
    strangers.keep(201, b"packet", ("10.3.0.3", 2152))
    assert len(strangers) == OF_SESSION + 1


def with_networks(*networks: str) -> Bench:
    bench = Bench(SMF)
    settings = Settings(
        N4,
        TransportAddress(N3),
        (POOL,),
        (IPv4Address(SMF[0]),),
        gnb_networks=tuple(map(IPv4Network, networks)),
    )
    entropy = bench.upf._registry._entropy
    bench.upf = UPF(settings, bench.port, bench.upf.runtime.clock, entropy, bench.journal)
    bench.upf.start(bench.plane)
    bench.associate()
    return bench


@virtual
async def test_a_gnb_that_sends_from_several_addresses() -> None:
    bench = with_networks("10.3.0.0/29", "10.3.0.64/29")
    seid, _ = bench.session()
    bench.ask(pfcp.SessionModificationRequest(update_fars=[forward()]), seid)
    assert bench.plane.model.registry.sessions[seid].decap[0].peers == (IPv4Network("10.3.0.0/29"),)


@virtual
async def test_f_seids_that_name_no_session_or_another_address() -> None:
    """§8.2.37: reports go where the association is; a SEID is not 0 after a modification either."""
    bench = Bench(SMF)
    bench.associate()
    foreign = pfcp.FSeid(77, IPv4Address("10.4.0.99"))
    for wrong in (foreign, pfcp.FSeid(0, IPv4Address(SMF[0]))):
        request = establishment()
        request.cp_f_seid = wrong
        answer = bench.ask(request, 0)
        assert cause(answer) == Cause.MANDATORY_IE_INCORRECT
        assert getattr(answer, "offending_ie", 0) == 57
    seid, _ = bench.session()
    for wrong in (foreign, pfcp.FSeid(0, IPv4Address(SMF[0]))):
        assert cause(bench.ask(pfcp.SessionModificationRequest(cp_f_seid=wrong), seid)) == (
            Cause.MANDATORY_IE_INCORRECT
        )
    assert len(bench.upf) == 1


@virtual
async def test_a_rule_that_is_there_is_not_created_again() -> None:
    bench = Bench(SMF)
    bench.associate()
    seid, teid = bench.session()
    answer = bench.ask(pfcp.SessionModificationRequest(create_pdrs=[uplink_pdr()]), seid)
    assert isinstance(answer, pfcp.SessionModificationResponse)
    assert (answer.cause, answer.failed_rule_id) == (
        Cause.RULE_CREATION_MODIFICATION_FAILURE,
        pfcp.FailedRuleId(0, 1),
    )
    assert list(bench.plane.model.registry.teids) == [teid]


def _with(
    pdr: pfcp.CreatePdr, number: int, precedence: int, description: str, qfis: list[int]
) -> pfcp.CreatePdr:
    filters = [pfcp.SdfFilter(description)] if description else []
    f_teid = pfcp.FTeid.choose(1)
    pdi = replace(pdr.pdi, sdf_filters=filters, qfis=qfis, f_teid=f_teid)
    return replace(pdr, pdr_id=number, precedence=precedence, pdi=pdi)


@pytest.mark.parametrize(
    ("description", "qfis", "precedence", "fine"),
    [
        ("permit out 17 from 10.6.0.2 to assigned", [9], 255, False),  # the default PDR takes those too
        ("permit out 17 from 10.6.0.2 to assigned", [9], 254, True),
        ("permit out 17 from 10.6.0.2 to assigned", [7], 255, True),
        ("", [9], 255, False),
    ],
)
@virtual
async def test_pdrs_of_one_precedence_take_different_packets(
    description: str, qfis: list[int], precedence: int, fine: bool
) -> None:
    bench = Bench(SMF)
    bench.associate()
    request = establishment()
    request.create_pdrs[0] = _with(uplink_pdr(), 1, 255, "", [9])
    request.create_pdrs.append(_with(uplink_pdr(), 3, precedence, description, qfis))
    answer = bench.ask(request, 0)
    assert isinstance(answer, pfcp.SessionEstablishmentResponse)
    if fine:
        assert answer.cause == Cause.REQUEST_ACCEPTED
    else:
        assert answer.cause == Cause.RULE_CREATION_MODIFICATION_FAILURE
        assert (answer.offending_ie, answer.failed_rule_id) == (29, pfcp.FailedRuleId(0, 3))


@pytest.mark.parametrize("octets", ["0500000001", "05000000010a030001", "0d010a030001"])
@virtual
async def test_nothing_stands_beside_choose(octets: str) -> None:
    """§8.2.3: with CH neither TEID nor address is there."""
    bench = Bench(SMF)
    bench.associate()
    good = pfcp.encode(establishment(), sequence=9, seid=0)
    ies = tree(good[16:])
    create = next(content for kind, content in ies if kind == 1)
    detection = next(content for kind, content in create if kind == 2)
    at = next(n for n, (kind, _) in enumerate(detection) if kind == 21)
    assert isinstance(detection, list)
    detection[at] = 21, bytes.fromhex(octets)
    body = body_of(ies)
    made = good[:2] + (12 + len(body)).to_bytes(2, "big") + good[4:16] + body
    answer = bench.send(made)
    assert isinstance(answer, pfcp.SessionEstablishmentResponse)
    assert answer.cause == Cause.INVALID_F_TEID_ALLOCATION_OPTION
    assert len(bench.upf) == 0
