"""N4 with several PDRs and QERs in a session: what a packet meets by precedence. TS 29.244 §5.2.1, §5.4."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address

from cinq.userplane.model import Buffered, Dropped, Inner, Outer
from cinq.userplane.rules import Reason
from cinq.wire import pfcp
from cinq.wire.pfcp import ApplyAction, Cause

from .peer import GNB, SMF, UE, Bench, downlink_pdr, establishment, forward, uplink_pdr
from .steps import cause, virtual

REMOTE = IPv4Address("10.6.0.2")
VOICE = "permit out 17 from 10.6.0.0/24 5000-5010 to assigned"


def udp(source: IPv4Address, destination: IPv4Address, sport: int, dport: int) -> bytes:
    head = struct.pack("!BBHHHBBH", 0x45, 0, 1028, 0, 0, 64, 17, 0) + source.packed + destination.packed
    return head + struct.pack("!HHHH", sport, dport, 1008, 0) + bytes(1000)


def down(bench: Bench, port: int) -> Outer | Buffered | Dropped:
    return bench.plane.model.encapsulate(udp(REMOTE, UE, port, 40000), 0)


def up(bench: Bench, teid: int, port: int, qfi: int) -> object:
    inner = udp(UE, REMOTE, 40000, port)
    tail = struct.pack("!HBBBBBB", 0, 0, 0x85, 1, 0x10, qfi, 0)
    octets = struct.pack("!BBHI", 0x34, 255, len(tail) + len(inner), teid) + tail + inner
    return bench.plane.model.decapsulate(octets, 0)


def qfi(verdict: object) -> int:
    assert isinstance(verdict, Outer), verdict
    return verdict.octets[14]


def with_voice(text: str = VOICE, **qer: object) -> pfcp.SessionEstablishmentRequest:
    """PDRs 3 and 4 before PDRs 1 and 2: voice on QFI 5, with a QER of its own besides the session's."""
    request = establishment()
    request.create_qers[0].qfi = None
    request.create_qers += [
        pfcp.CreateQer(qer_id=2, gate_status=pfcp.GateStatus(), qfi=9),
        pfcp.CreateQer(qer_id=3, gate_status=pfcp.GateStatus(), qfi=5),
    ]
    for name, value in qer.items():
        setattr(request.create_qers[2], name, value)
    plain_up, plain_down = request.create_pdrs
    plain_up.qer_ids, plain_down.qer_ids = [1, 2], [1, 2]
    plain_up.pdi.f_teid = pfcp.FTeid.choose(1)
    voice_up, voice_down = uplink_pdr(f_teid=pfcp.FTeid.choose(1)), downlink_pdr()
    for pdr, number in ((voice_up, 3), (voice_down, 4)):
        pdr.pdr_id, pdr.precedence, pdr.qer_ids = number, 10, [1, 3]
        pdr.pdi.sdf_filters = [pfcp.SdfFilter(text)]
    voice_up.pdi.qfis = [5]
    request.create_pdrs += [voice_up, voice_down]
    request.create_fars[1] = pfcp.CreateFar(
        far_id=2,
        apply_action=ApplyAction(ApplyAction.FORW),
        forwarding_parameters=pfcp.ForwardingParameters(
            destination_interface=pfcp.Interface.ACCESS,
            outer_header_creation=pfcp.OuterHeaderCreation.gtpu(0x2001, GNB),
        ),
    )
    return request


def opened(request: pfcp.SessionEstablishmentRequest) -> tuple[Bench, int, int]:
    bench = Bench(SMF)
    bench.associate()
    answer = bench.ask(request, 0)
    assert isinstance(answer, pfcp.SessionEstablishmentResponse)
    assert answer.cause == Cause.REQUEST_ACCEPTED
    ends = {pdr.f_teid.teid for pdr in answer.created_pdrs if pdr.f_teid is not None}
    assert len(ends) == 1, "one CHOOSE ID, one TEID"
    (teid,) = ends
    assert answer.up_f_seid is not None
    assert teid is not None
    return bench, answer.up_f_seid.seid, teid


@virtual
async def test_each_packet_meets_the_first_pdr_that_takes_it() -> None:
    bench, _, teid = opened(with_voice())
    assert [qfi(down(bench, port)) for port in (5000, 5010, 5011, 80)] == [5, 5, 9, 9]
    assert isinstance(up(bench, teid, 5000, 5), Inner)
    assert isinstance(up(bench, teid, 80, 9), Inner)
    assert up(bench, teid, 80, 5) == Dropped(Reason.NO_FLOW)
    assert isinstance(up(bench, teid, 5000, 9), Inner), "PDR 1 takes every packet of QFI 9"


@virtual
async def test_gates_and_rates_are_of_the_qers_of_each_pdr() -> None:
    bench, seid, _ = opened(with_voice(mbr=pfcp.BitRate(1000, 1000)))
    passed = [isinstance(down(bench, 5000), Outer) for _ in range(60)]
    assert 36 <= passed.count(True) <= 38, "1 Mbit/s with 300 ms: 37.5 kB at once"
    assert qfi(down(bench, 80)) == 9
    shut = pfcp.UpdateQer(qer_id=3, gate_status=pfcp.GateStatus(0, 1))
    assert cause(bench.ask(pfcp.SessionModificationRequest(update_qers=[shut]), seid)) == 1
    assert down(bench, 5000) == Dropped(Reason.RULE_DROP)
    assert qfi(down(bench, 80)) == 9


@virtual
async def test_pdrs_come_and_go_while_the_session_lives() -> None:
    bench, seid, teid = opened(with_voice())
    gone = pfcp.SessionModificationRequest(
        remove_pdrs=[pfcp.RemovePdr(pdr_id=3), pfcp.RemovePdr(pdr_id=4)],
        remove_qers=[pfcp.RemoveQer(qer_id=3)],
    )
    assert cause(bench.ask(gone, seid)) == Cause.REQUEST_ACCEPTED
    assert qfi(down(bench, 5000)) == 9
    assert up(bench, teid, 5000, 5) == Dropped(Reason.WRONG_QFI)
    moved = downlink_pdr()
    moved.pdr_id, moved.precedence, moved.qer_ids = 8, 1, [1, 7]
    moved.pdi.sdf_filters = [pfcp.SdfFilter("permit out 17 from any 80 to any")]
    new = pfcp.SessionModificationRequest(
        create_pdrs=[moved],
        create_qers=[pfcp.CreateQer(qer_id=7, gate_status=pfcp.GateStatus(), qfi=7, rqi=1)],
    )
    assert cause(bench.ask(new, seid)) == Cause.REQUEST_ACCEPTED
    assert [qfi(down(bench, port)) for port in (80, 5000)] == [0x47, 9], "with the RQI"
    update = pfcp.UpdatePdr(pdr_id=8, precedence=300)
    assert cause(bench.ask(pfcp.SessionModificationRequest(update_pdrs=[update]), seid)) == 1
    assert qfi(down(bench, 80)) == 9, "behind the one that takes all"


@virtual
async def test_flows_wait_together_and_leave_in_order() -> None:
    bench, seid, _ = opened(with_voice())
    wait = pfcp.UpdateFar(far_id=2, apply_action=ApplyAction(ApplyAction.BUFF | ApplyAction.NOCP))
    assert cause(bench.ask(pfcp.SessionModificationRequest(update_fars=[wait]), seid)) == 1
    assert [down(bench, port) for port in (80, 5000, 81)] == [
        Buffered(seid, True),
        Buffered(seid, False),
        Buffered(seid, False),
    ]
    assert cause(bench.ask(pfcp.SessionModificationRequest(update_fars=[forward()]), seid)) == 1
    sent = [octets for octets, _ in bench.plane.sent]
    assert [(octets[14], octets[36:38]) for octets in sent] == [
        (9, struct.pack("!H", 80)),
        (5, struct.pack("!H", 5000)),
        (9, struct.pack("!H", 81)),
    ]


@virtual
async def test_filters_of_other_makers() -> None:
    """Names of protocols, lists of ports, an SDF Filter ID that stands for a filter given before."""
    request = with_voice("permit out udp from any 5000,5002 to any")
    request.create_pdrs[2].pdi.sdf_filters = [
        pfcp.SdfFilter("permit out 17 from any 7000 to any", filter_id=3)
    ]
    request.create_pdrs[3].pdi.sdf_filters.append(pfcp.SdfFilter(filter_id=3))
    bench, _, teid = opened(request)
    assert [qfi(down(bench, port)) for port in (5000, 5001, 5002, 7000)] == [5, 9, 5, 5]
    assert isinstance(up(bench, teid, 7000, 5), Inner)


@virtual
async def test_transport_level_marking() -> None:
    """The outer header has it (§8.2.12: value and mask)."""
    request = with_voice()
    parameters = request.create_fars[1].forwarding_parameters
    assert parameters is not None
    parameters.transport_level_marking = 0xB8FC
    bench, _, _ = opened(request)
    sent = down(bench, 80)
    assert isinstance(sent, Outer)
    assert sent.tos == 0xB8


@virtual
async def test_limits_of_a_pdr_that_are_too_many() -> None:
    request = with_voice()
    request.create_qers += [
        pfcp.CreateQer(qer_id=n, gate_status=pfcp.GateStatus(), mbr=pfcp.BitRate(1, 1)) for n in range(10, 14)
    ]
    request.create_pdrs[3].qer_ids = [1, 10, 11, 12, 13]
    bench = Bench(SMF)
    bench.associate()
    assert cause(bench.ask(request, 0)) == Cause.NO_RESOURCES_AVAILABLE
    assert len(bench.upf) == 0
