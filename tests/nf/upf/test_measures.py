"""What a UPF shows of itself: counters by slice and data network that never fall, sessions, dropped packets."""

from __future__ import annotations

import re
from ipaddress import IPv4Address

from cinq.nf.upf.shown import WORDS
from cinq.numbering import SNssai
from cinq.userplane.rules import Reason
from cinq.wire import pfcp

from .peer import GNB, SMF, UE, Bench, establishment, forward
from .steps import UE2, downlink, forwards, packet, virtual

LINE = re.compile(r'^[a-zA-Z_]\w*(\{\w+="[^"]*"(,\w+="[^"]*")*\})? \d+$')


def opened(bench: Bench, ue: IPv4Address, cp_seid: int, dnn: str, sst: int) -> tuple[int, int]:
    request = establishment(ue, cp_seid)
    request.dnn, request.s_nssai = dnn, SNssai(sst)
    answer = bench.ask(request, 0)
    assert isinstance(answer, pfcp.SessionEstablishmentResponse)
    assert answer.up_f_seid is not None
    f_teid = answer.created_pdrs[0].f_teid
    assert f_teid is not None
    assert f_teid.teid is not None
    bench.ask(pfcp.SessionModificationRequest(update_fars=[forward()]), answer.up_f_seid.seid)
    return answer.up_f_seid.seid, f_teid.teid


@virtual
async def test_counters_by_slice_and_data_network() -> None:
    bench = Bench(SMF)
    bench.associate()
    seid, teid = opened(bench, UE, 1, "internet", 1)
    opened(bench, UE2, 2, "ims", 2)
    bench.ask(establishment(UE, 9), 0)  # the address is in use
    assert forwards(bench, teid)
    downlink(bench, UE2)
    before = bench.upf.metrics()
    for line in before.splitlines():
        assert line.startswith("# ") or LINE.match(line), line
    one, other = '{snssai="1",dnn="internet"}', '{snssai="2",dnn="ims"}'
    for wanted in (
        f"GTP_InDataPktN3UPF{one} 1",
        f"GTP_InDataPktN3UPF{other} 0",
        f"GTP_OutDataPktN3UPF{other} 1",
        f"GTP_OutDataOctN3UPF{other} 28",
        "SM_N4SessionEstabReq 3",
        'SM_N4SessionEstabFail{cause="RULE_CREATION_MODIFICATION_FAILURE"} 1',
        f"cinq_upf_sessions{one} 1",
    ):
        assert wanted in before.splitlines(), before
    bench.ask(pfcp.SessionDeletionRequest(), seid)
    after = bench.upf.metrics().splitlines()
    assert f"GTP_InDataPktN3UPF{one} 1" in after, "a counter does not fall with its session"
    assert f"cinq_upf_sessions{one} 1" not in after


@virtual
async def test_sessions_and_drops_are_shown() -> None:
    bench = Bench(SMF)
    bench.associate()
    seid, teid = opened(bench, UE, 77, "internet", 1)
    bench.session(UE2, 78)
    bench.plane.model.encapsulate(packet(IPv4Address("10.6.0.2"), IPv4Address("10.45.9.9")), 0)
    (shown,) = bench.upf.shown(str(UE))
    assert (shown.seid, shown.state, shown.n3_teids) == (f"{seid:#x}", "FORWARDS", [f"{teid:#010x}"])
    assert shown.gnbs == [f"{GNB} TEID 0x00002001"]
    assert [each.state for each in bench.upf.shown()] == ["FORWARDS", "WAITS"]
    assert bench.upf.shown(shown.seid) == [shown]
    assert bench.upf.shown("10.45.0.3") == []
    (dropped,) = bench.upf.drops()
    assert (dropped.reason, dropped.counts, dropped.is_loss) == ("UNKNOWN_UE", [1], True)


def test_every_reason_has_words() -> None:
    assert set(WORDS) == set(Reason)
