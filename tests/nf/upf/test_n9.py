"""N9 of a UPF by what the SMF says: an uplink classifier before an anchor, and data forwarding. TS 23.501 §5.6.4."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest

from cinq.nf.upf import stored
from cinq.userplane.model import Dropped, Inner, Outer, SlowPath
from cinq.userplane.rules import Action, Reason
from cinq.wire import gtpu, pfcp
from cinq.wire.pfcp import Cause, Interface

from .peer import GNB, N3, SMF, UE, Bench, downlink_pdr, establishment, uplink_pdr
from .steps import gpdu, packet, virtual
from .test_whose_tunnel import OWN

ANCHOR, DN, LOCAL = IPv4Address("10.9.0.1"), IPv4Address("10.6.0.2"), IPv4Address("10.8.0.2")
FORWARD, DROP = pfcp.ApplyAction(pfcp.ApplyAction.FORW), pfcp.ApplyAction(pfcp.ApplyAction.DROP)
ON = pfcp.OuterHeaderCreation.gtpu(0x9001, ANCHOR)


def n9_pdr(pdr_id: int = 3, f_teid: pfcp.FTeid | None = None) -> pfcp.CreatePdr:
    """Downlink packets from the anchor, to FAR 2."""
    pdi = pfcp.Pdi(source_interface=Interface.CORE, f_teid=f_teid or pfcp.FTeid.choose())
    removal = pfcp.OuterHeaderRemoval(0)
    return pfcp.CreatePdr(pdr_id=pdr_id, precedence=200, pdi=pdi, outer_header_removal=removal, far_id=2)


def local_pdr(pdr_id: int = 4) -> pfcp.CreatePdr:
    """Uplink packets to LOCAL, to FAR 4, on the F-TEID of PDR 1."""
    made = uplink_pdr(f_teid=pfcp.FTeid.choose(1))
    made.pdr_id, made.precedence, made.far_id = pdr_id, 100, 4
    made.pdi.sdf_filters = [pfcp.SdfFilter(f"permit out 17 from {LOCAL} to assigned")]
    return made


def to_core(far_id: int, onward: pfcp.OuterHeaderCreation | None = None) -> pfcp.CreateFar:
    parameters = pfcp.ForwardingParameters(destination_interface=Interface.CORE, outer_header_creation=onward)
    return pfcp.CreateFar(far_id=far_id, apply_action=FORWARD, forwarding_parameters=parameters)


def to_access(far_id: int = 2, peer: IPv4Address = GNB) -> pfcp.CreateFar:
    parameters = pfcp.ForwardingParameters(
        destination_interface=Interface.ACCESS,
        outer_header_creation=pfcp.OuterHeaderCreation.gtpu(0x2001, peer),
    )
    return pfcp.CreateFar(far_id=far_id, apply_action=FORWARD, forwarding_parameters=parameters)


def request(pdrs: list[pfcp.CreatePdr], fars: list[pfcp.CreateFar]) -> pfcp.SessionEstablishmentRequest:
    made = establishment()
    made.create_pdrs, made.create_fars = pdrs, fars
    return made


def accepted(bench: Bench, asked: pfcp.SessionEstablishmentRequest) -> tuple[int, dict[int, int]]:
    """SEID, and the TEIDs by PDR."""
    answer = bench.ask(asked, 0)
    assert isinstance(answer, pfcp.SessionEstablishmentResponse)
    assert answer.cause == Cause.REQUEST_ACCEPTED, answer
    assert answer.up_f_seid is not None
    given = {pdr.pdr_id: pdr.f_teid for pdr in answer.created_pdrs}
    assert all(end is not None and end.ipv4 == N3 for end in given.values())
    return answer.up_f_seid.seid, {n: end.teid or 0 for n, end in given.items() if end is not None}


def associated() -> Bench:
    bench = Bench(SMF)
    bench.associate()
    return bench


def classifier(bench: Bench, onward: pfcp.OuterHeaderCreation | None = ON) -> tuple[int, dict[int, int]]:
    rest = uplink_pdr(f_teid=pfcp.FTeid.choose(1))
    rest.pdi.qfis = []
    here = downlink_pdr()
    here.pdi.sdf_filters = [pfcp.SdfFilter(f"permit out 17 from {LOCAL} to assigned")]
    fars = [to_core(1, onward), to_access(), to_core(4)]
    if onward is None:
        fars[0] = pfcp.CreateFar(far_id=1, apply_action=DROP)
    return accepted(bench, request([rest, here, n9_pdr(), local_pdr()], fars))


def sent_on(
    bench: Bench, teid: int, source: IPv4Address, *, down: bool = False, to: IPv4Address = DN
) -> object:
    inner = packet(DN, UE) if down else packet(UE, to)
    octets = gpdu(teid, inner)
    if down:
        octets = octets[:13] + bytes((0,)) + octets[14:]
    return bench.plane.model.decapsulate(octets, 0, source)


@virtual
async def test_an_uplink_classifier() -> None:
    """§5.6.4.2: by the filter to N6 here, or on to the anchor; downlink of both to the gNB; usage of both."""
    bench = associated()
    seid, teids = classifier(bench)
    assert teids[1] == teids[4] != teids[3]
    rules = bench.plane.model.registry.sessions[seid]
    assert [rule.peers for rule in rules.decap] == [(IPv4Network(GNB),), (IPv4Network(ANCHOR),)]
    here = sent_on(bench, teids[1], GNB, to=LOCAL)
    assert isinstance(here, Inner)
    on = sent_on(bench, teids[1], GNB)
    assert isinstance(on, Outer)
    assert on.peer == (str(ANCHOR), 2152)
    assert gtpu.decode(on.octets).teid == 0x9001
    back = sent_on(bench, teids[3], ANCHOR, down=True)
    assert isinstance(back, Outer)
    assert back.peer == (str(GNB), 2152)
    used = bench.plane.usage(seid)
    assert (used.uplink_packets, used.downlink_packets) == (2, 1)


@virtual
async def test_the_tunnel_of_n9_waits_for_its_peer() -> None:
    """Before the SMF has said where the anchor is nobody is served; then the anchor alone, and no gNB."""
    bench = associated()
    seid, teids = classifier(bench, None)
    assert sent_on(bench, teids[3], ANCHOR, down=True) == Dropped(Reason.RULE_DROP)
    update = pfcp.UpdateFar(
        far_id=1,
        apply_action=FORWARD,
        forwarding_parameters=pfcp.UpdateForwardingParameters(
            destination_interface=Interface.CORE, outer_header_creation=ON
        ),
    )
    bench.ask(pfcp.SessionModificationRequest(update_fars=[update]), seid)
    assert isinstance(sent_on(bench, teids[3], ANCHOR, down=True), Outer)
    assert sent_on(bench, teids[3], GNB, down=True) == SlowPath(Reason.WRONG_PEER)
    assert sent_on(bench, teids[1], ANCHOR) == SlowPath(Reason.WRONG_PEER)


@virtual
async def test_a_stranger_on_n9_is_not_kept() -> None:
    """Unlike uplink packets of a gNB, which the UE may be moving to."""
    bench = associated()
    _, teids = classifier(bench)
    octets = gpdu(teids[3], packet(DN, UE))
    bench.upf.gtpu_received(octets, (str(GNB), 2152))
    assert len(bench.upf._sessions.strangers) == 0
    bench.upf.gtpu_received(gpdu(teids[1], packet(UE, DN)), ("10.3.0.66", 2152))
    assert len(bench.upf._sessions.strangers) == 1


@pytest.mark.parametrize("name", OWN)
@virtual
async def test_no_tunnel_of_n9_leads_back_to_us(name: str) -> None:
    bench = associated()
    onward = pfcp.OuterHeaderCreation.gtpu(0x9001, OWN[name])
    answer = bench.ask(request([uplink_pdr()], [to_core(1, onward)]), 0)
    assert isinstance(answer, pfcp.SessionEstablishmentResponse)
    assert answer.cause == Cause.RULE_CREATION_MODIFICATION_FAILURE
    assert answer.offending_ie == 84
    assert len(bench.upf) == 0


@virtual
async def test_without_the_ues_address_all_goes_on_and_nothing_leaves() -> None:
    """The UPF of a visited network: no address in its PDRs. One that would leave by N6 is refused."""
    bench = associated()
    up = uplink_pdr()
    up.pdi.ue_ip_addresses = []
    _, teids = accepted(bench, request([up, n9_pdr()], [to_core(1, ON), to_access()]))
    assert isinstance(sent_on(bench, teids[1], GNB), Outer)
    other = establishment(cp_seid=78)
    other.create_pdrs, other.create_fars = [up], [to_core(1)]
    answer = bench.ask(other, 0)
    assert isinstance(answer, pfcp.SessionEstablishmentResponse)
    assert answer.cause == Cause.CONDITIONAL_IE_MISSING


@virtual
async def test_the_tunnel_is_of_one_side() -> None:
    bench = associated()
    both = n9_pdr(f_teid=pfcp.FTeid.choose(1)), n9_pdr(5, pfcp.FTeid.choose(1))
    both[1].pdi.source_interface, both[1].precedence = Interface.ACCESS, 201
    answer = bench.ask(request([uplink_pdr(), *both], [to_core(1, ON), to_access()]), 0)
    assert isinstance(answer, pfcp.SessionEstablishmentResponse)
    assert answer.cause == Cause.RULE_CREATION_MODIFICATION_FAILURE


@pytest.mark.parametrize("wrong", ["no removal", "teid 0"])
@virtual
async def test_a_tunnel_of_n9_that_is_none(wrong: str) -> None:
    bench = associated()
    pdr = n9_pdr()
    if wrong == "no removal":
        pdr.outer_header_removal = None
    else:
        pdr.pdi.f_teid = pfcp.FTeid.at(0, N3)
    answer = bench.ask(request([uplink_pdr(), pdr], [to_core(1, ON), to_access()]), 0)
    assert isinstance(answer, pfcp.SessionEstablishmentResponse)
    assert answer.cause in (Cause.CONDITIONAL_IE_MISSING, Cause.INVALID_F_TEID_ALLOCATION_OPTION)


@virtual
async def test_end_markers_go_on() -> None:
    """From the anchor to the gNB, with the gNB's TEID; not from a stranger, and none on the uplink."""
    bench = associated()
    _, teids = classifier(bench)
    for teid, source in ((teids[3], ANCHOR), (teids[3], GNB), (teids[1], GNB), (77, ANCHOR)):
        bench.upf.gtpu_received(gtpu.encode(gtpu.EndMarker(teid=teid)), (str(source), 2152))
    assert bench.plane.sent == [(gtpu.encode(gtpu.EndMarker(teid=0x2001)), (str(GNB), 2152))]


@virtual
async def test_the_anchor_does_not_know_the_tunnel() -> None:
    """TS 29.281 §7.3.1: its Error Indication reaches the SMF, once; one of an end that is not used does not."""
    bench = associated()
    classifier(bench)
    before = len(bench.port.sent)
    for tunnel in (0x9002, 0x9001, 0x9001):
        told = gtpu.ErrorIndication(tunnel=tunnel, peer=ANCHOR, sequence=0)
        bench.upf.gtpu_received(gtpu.encode(told), (str(ANCHOR), 2152))
    (octets, _), *more = bench.port.sent[before:]
    assert not more
    report = pfcp.decode(octets)
    assert isinstance(report, pfcp.SessionReportRequest)
    assert report.error_indication_report is not None
    assert report.error_indication_report.remote_f_teids == [pfcp.FTeid.at(0x9001, ANCHOR)]


@virtual
async def test_data_forwarding_in_a_handover() -> None:
    """TS 23.502 §4.9.1.3.2 step 11d: from the source gNB to the target, with its end marker; counted in no usage."""
    bench = associated()
    seid, teid = bench.session()
    target = IPv4Address("10.3.0.3")
    bench.ask(pfcp.SessionModificationRequest(update_fars=[_update()]), seid)
    pdr = uplink_pdr()
    pdr.pdr_id, pdr.far_id, pdr.precedence, pdr.qer_ids = 0x400, 0x40, 1, []
    pdr.pdi = pfcp.Pdi(source_interface=Interface.ACCESS, f_teid=pfcp.FTeid.choose())
    made = pfcp.SessionModificationRequest(create_pdrs=[pdr], create_fars=[to_access(0x40, target)])
    answer = bench.ask(made, seid)
    assert isinstance(answer, pfcp.SessionModificationResponse)
    assert answer.cause == Cause.REQUEST_ACCEPTED, answer
    end = answer.created_pdrs[0].f_teid
    assert end is not None
    assert end.teid not in (None, teid)
    forwarded = sent_on(bench, end.teid or 0, GNB, down=True)
    assert isinstance(forwarded, Outer)
    assert forwarded.peer == (str(target), 2152)
    assert isinstance(sent_on(bench, teid, GNB), Inner)
    bench.plane.sent.clear()
    bench.upf.gtpu_received(gtpu.encode(gtpu.EndMarker(teid=end.teid or 0)), (str(GNB), 2152))
    assert [peer for _, peer in bench.plane.sent] == [(str(target), 2152)]
    gone = pfcp.SessionModificationRequest(
        remove_pdrs=[pfcp.RemovePdr(pdr_id=0x400)], remove_fars=[pfcp.RemoveFar(far_id=0x40)]
    )
    bench.ask(gone, seid)
    assert len(bench.plane.model.registry.sessions[seid].decap) == 1


def _update() -> pfcp.UpdateFar:
    return pfcp.UpdateFar(
        far_id=2,
        apply_action=FORWARD,
        forwarding_parameters=pfcp.UpdateForwardingParameters(
            destination_interface=Interface.ACCESS,
            outer_header_creation=pfcp.OuterHeaderCreation.gtpu(0x2001, GNB),
        ),
    )


@virtual
async def test_packets_from_n9_wait_for_an_idle_ue() -> None:
    """One downlink data report, of the PDR of N9."""
    bench = associated()
    seid, teids = classifier(bench)
    waits = pfcp.UpdateFar(
        far_id=2, apply_action=pfcp.ApplyAction(pfcp.ApplyAction.BUFF | pfcp.ApplyAction.NOCP)
    )
    bench.ask(pfcp.SessionModificationRequest(update_fars=[waits]), seid)
    (down,) = [rule for rule in bench.plane.model.registry.sessions[seid].decap if rule.to_ue]
    assert [flow.action for flow in down.flows] == [Action.BUFFER]
    before = len(bench.port.sent)
    sent_on(bench, teids[3], ANCHOR, down=True)
    bench.upf.buffered(seid)
    report = pfcp.decode(bench.port.sent[before][0])
    assert isinstance(report, pfcp.SessionReportRequest)
    assert report.downlink_data_report is not None
    assert report.downlink_data_report.pdr_ids == [2, 3]
    bench.ask(pfcp.SessionModificationRequest(update_fars=[_update()]), seid)
    assert [peer for _, peer in bench.plane.sent] == [(str(GNB), 2152)]


@virtual
async def test_a_session_of_n9_is_stored_whole() -> None:
    bench = associated()
    seid, _ = classifier(bench)
    session = bench.upf._registry.sessions[seid]
    assert stored.decoded(stored.encoded(session)) == session
