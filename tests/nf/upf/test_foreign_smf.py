"""Sessions as SMFs of other products make them, octet by octet as they were captured, at our UPF."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address

import pytest

from cinq.nf.upf import Settings
from cinq.transport_address import TransportAddress
from cinq.userplane.model import Buffered, Dropped, Outer
from cinq.wire import pfcp

from .peer import N4, POOL, Bench
from .steps import packet, virtual

DN = IPv4Address("10.6.0.2")


@dataclass(frozen=True)
class Captured:
    """An SMF's Session Establishment Request, and the Session Modification Request that names the gNB's F-TEID."""

    smf: str
    n3: str
    ue: str
    gnb: str
    establishment: str
    modification: str


OPEN5GS = Captured(
    smf="10.66.0.4",
    n3="10.69.0.7",
    ue="10.45.0.2",
    gnb="10.66.0.40",
    establishment=(
        "21320250000000000000000000000400003c0005000a4200040039000d020000000000000cc60a4200040001004a00380002"
        "0001001d00040000ffff0002002000140001010016000908696e7465726e6574005d0005060a2d000200a0000111006c0004"
        "000000010051000400000001006d00040000000100010049003800020002001d00040000ffff000200220014000100001500"
        "020f050016000908696e7465726e6574007c00010100a000010b005f000106006c000400000002006d000400000001000100"
        "29003800020003001d0004000000ff0002000a00140001030015000107005f000106006c0004000000010001006e00380002"
        "0004001d0004000000ff0002004f0014000100001500020f050016000908696e7465726e65740017002e0100002a7065726d"
        "6974206f75742035382066726f6d20666630323a3a322f31323820746f2061737369676e656400a000010b005f000106006c"
        "00040000000300030013006c000400000001002c00020c00005800010100030029006c000400000002002c00020200000400"
        "17002a0001010016000908696e7465726e657400a000011100030025006c000400000003002c0002020000040013002a0001"
        "030054000a0100000000010a420004000600210051000400000001003e00010200250003020000001f000901000000000640"
        "000000070020006d0004000000010019000100001a000a00000f424000000f4240007c000101005500050058000101007100"
        "0101008d0013030899790000000030f0083407181652181615009f000908696e7465726e65740101000401ffffff"
    ),
    modification=(
        "21340047618dbffdbadfaa4300000500000a0037006c000400000001002c00020200000b0025002a0001000016000908696e"
        "7465726e65740054000a01000c77041f0a42002800a000010b"
    ),
)
"""SMF of 2.7.7: F-TEIDs of either version of IP, and rules by which router solicitations go to it."""
FREE5GC = Captured(
    smf="10.68.0.4",
    n3="10.67.0.7",
    ue="10.45.64.2",
    gnb="10.68.0.40",
    establishment=(
        "233201d9000000000000000000001000003c0005000a4400040039000d0200000000000000020a4400040001006600380002"
        "0003001d0004000000ff0002002700140001000015000901000000060a43000700160008696e7465726e6574005d0005020a"
        "2d4002005f000100006c00040000000300510004000000010051000400000002006d000400000004006d0004000000030001"
        "0054003800020004001d0004000000ff0002001a001400010100160008696e7465726e6574005d0005060a2d4002006c0004"
        "0000000400510004000000010051000400000002006d000400000004006d00040000000300030022006c000400000003002c"
        "00010200040011002a00010100160008696e7465726e657400030016006c000400000004002c00010200040005002a000100"
        "000600350051000400000001003e000102002500020300004000040000001e001f001106000000000007a120000000000007"
        "a1200064000111000600350051000400000002003e000102002500020300004000040000001e001f001106000000000007a1"
        "20000000000007a120006400011000070012006d0004000000040019000100007c00010100070020006d0004000000030019"
        "000100001a000a00000f424000000f4240007c0001010071000101"
    ),
    modification=(
        "233400ae5ebce87561cacf6d000011c00039000d0200000000000000020a44000400090054003800020004001d0004000000"
        "ff0002001a001400010100160008696e7465726e6574005d0005060a2d4002006c0004000000040051000400000001005100"
        "0400000002006d000400000004006d000400000003000a0035006c000400000004002c000102000b0024002a000100001600"
        "08696e7465726e65740054000a010052f5737e0a4400280031000100"
    ),
)
"""SMF of 4.2.3: a F-TEID of its own choice, and a FAR that forwards to the access side before there is a tunnel."""


def bench_of(captured: Captured) -> Bench:
    smf = (captured.smf, 8805)
    n3 = TransportAddress(IPv4Address(captured.n3))
    bench = Bench(smf, settings=Settings(N4, n3, (POOL,), (IPv4Address(captured.smf),)))
    bench.associate(smf)
    return bench


def ask(bench: Bench, captured: Captured, octets: str, seid: int) -> pfcp.Message:
    """The captured request, with the SEID that our UPF gave."""
    answer = bench.ask(pfcp.decode(bytes.fromhex(octets)), seid, (captured.smf, 8805))
    assert answer is not None
    return answer


def established(bench: Bench, captured: Captured) -> pfcp.SessionEstablishmentResponse:
    answer = ask(bench, captured, captured.establishment, 0)
    assert isinstance(answer, pfcp.SessionEstablishmentResponse)
    assert answer.cause == pfcp.Cause.REQUEST_ACCEPTED, answer
    return answer


@pytest.mark.parametrize("captured", [OPEN5GS, FREE5GC], ids=["open5gs", "free5gc"])
@virtual
async def test_its_session_carries_packets_once_it_names_the_gnb(captured: Captured) -> None:
    bench = bench_of(captured)
    answer = established(bench, captured)
    assert answer.up_f_seid is not None
    down = packet(DN, IPv4Address(captured.ue))
    assert isinstance(bench.plane.model.encapsulate(down, 0), Buffered | Dropped)
    modified = ask(bench, captured, captured.modification, answer.up_f_seid.seid)
    assert isinstance(modified, pfcp.SessionModificationResponse)
    assert modified.cause == pfcp.Cause.REQUEST_ACCEPTED, modified
    sent = bench.plane.model.encapsulate(down, 0)
    assert isinstance(sent, Outer)
    assert sent.peer[0] == captured.gnb


@virtual
async def test_open5gs_has_a_tunnel_end_for_each_pdr_and_shares_one_by_its_choose_id() -> None:
    """The SMF wants IPv4 and IPv6; our N3 has IPv4 (TS 29.244 §8.2.3)."""
    created = established(bench_of(OPEN5GS), OPEN5GS).created_pdrs
    ends = {pdr.pdr_id: pdr.f_teid for pdr in created}
    assert ends.keys() == {2, 3, 4}
    assert all(
        end is not None and end.ipv4 == IPv4Address(OPEN5GS.n3) and end.ipv6 is None for end in ends.values()
    )
    assert ends[2] == ends[4] != ends[3]


@pytest.mark.parametrize(
    ("pdr", "changes", "far"),
    [
        (3, {"sdf_filters": []}, 3),
        (3, {"sdf_filters": [pfcp.SdfFilter("permit out 17 from any 53 to assigned")]}, 3),
        (1, {}, 3),
    ],
    ids=["all packets", "DNS", "downlink"],
)
@virtual
async def test_nothing_else_goes_to_the_cp_function(pdr: int, changes: dict[str, object], far: int) -> None:
    bench = bench_of(OPEN5GS)
    request = pfcp.decode(bytes.fromhex(OPEN5GS.establishment))
    assert isinstance(request, pfcp.SessionEstablishmentRequest)
    one = request.create_pdrs[pdr if pdr != 1 else 0]
    one.far_id = far
    for name, value in changes.items():
        setattr(one.pdi, name, value)
    answer = bench.ask(request, 0, (OPEN5GS.smf, 8805))
    assert isinstance(answer, pfcp.SessionEstablishmentResponse)
    assert (answer.cause, answer.offending_ie) == (pfcp.Cause.SERVICE_NOT_SUPPORTED, 42)


@virtual
async def test_what_comes_from_the_cp_function_goes_to_no_data_network() -> None:
    bench = bench_of(OPEN5GS)
    request = pfcp.decode(bytes.fromhex(OPEN5GS.establishment))
    assert isinstance(request, pfcp.SessionEstablishmentRequest)
    (from_cp,) = [
        pdr for pdr in request.create_pdrs if pdr.pdi.source_interface == pfcp.Interface.CP_FUNCTION
    ]
    from_cp.far_id = 2
    answer = bench.ask(request, 0, (OPEN5GS.smf, 8805))
    assert isinstance(answer, pfcp.SessionEstablishmentResponse)
    assert (answer.cause, answer.offending_ie) == (pfcp.Cause.SERVICE_NOT_SUPPORTED, 42)
