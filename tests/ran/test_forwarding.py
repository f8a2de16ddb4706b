"""Data forwarding and PDCP status of a handover, TS 38.300 §9.2.3.2.3, TS 38.423 §8.2.2, TS 38.413 §8.4.6, TS 29.281
§7.3.2."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from ipaddress import IPv4Address

from cinq.procedure import run_virtual
from cinq.ran.gnb.context import PdcpCounts, TunnelEnd
from cinq.ran.gnb.forwarding import GATE_S, LATE_S
from cinq.ran.gnb.n2 import UeContext
from cinq.ran.gnb.procedures import status_transfer
from cinq.ran.gnb.procedures.xn_handover import forwarding_of
from cinq.ran.gnb.xn import ue_information
from cinq.ran.ue import Ue
from cinq.transport_address import TransportAddress
from cinq.userplane.rules import Usage
from cinq.wire import gtpu, ngap, xnap

from .core import UPF, settle
from .mobility import Pair
from .test_gnb import Plane

N3 = IPv4Address("10.0.0.1"), IPv4Address("10.0.0.2")
FROM_UPF = str(UPF), gtpu.PORT


class Moved:
    """A UE with a session at the first of two gNBs with planes of their own, and what is said by Xn."""

    def __init__(self) -> None:
        self.pair = Pair(xn=True)
        self.planes = Plane(), Plane()
        for gnb, plane, address in zip(self.pair.gnbs, self.planes, N3, strict=True):
            gnb.bearers.use(plane)
            gnb.bearers.ends = TransportAddress.of(address)
        self.said: list[xnap.Pdu] = []

    async def up(self) -> tuple[Ue, int]:
        """The UE, and the TEID of its session at the source."""
        ue = await self.pair.up()
        self.pair.gnbs[0].n2.neighbours.all[0].on_message = self.said.append
        return ue, self.pair.context.sessions[1].tunnel.dl_teid

    async def go(self) -> UeContext:
        return await self.pair.gnbs[0].hand_over(self.pair.context, self.pair.gnbs[1].cells[0])

    @property
    def forwarding(self) -> TunnelEnd:
        (acknowledge,) = [m for m in self.said if isinstance(m, xnap.HandoverRequestAcknowledge)]
        return forwarding_of(acknowledge)[1]


def packet(teid: int, payload: bytes = b"packet") -> bytes:
    container = gtpu.DlPduSessionInformation(1)
    return gtpu.encode(gtpu.GPdu(teid=teid, payload=payload, extensions=(container,)))


def test_the_source_sends_on_until_the_end_marker() -> None:
    """Octets as they came but for the TEID, so with their QFI; then the tunnel is nobody's."""

    async def main() -> None:
        moved = Moved()
        _, teid = await moved.up()
        await moved.go()
        assert moved.forwarding.ends.ipv4 == N3[1]
        events, sent = moved.pair.gnbs[0].bearers, moved.planes[0].sent
        events.gtpu_received(packet(teid, b"one"), FROM_UPF)
        events.gtpu_received(packet(teid, b"two"), FROM_UPF)
        events.gtpu_received(gtpu.encode(gtpu.EndMarker(teid=teid)), FROM_UPF)
        assert [(m.teid, to) for m, to in sent] == [(moved.forwarding.teid, str(N3[1]))] * 3
        one, two, end = (message for message, _ in sent)
        assert isinstance(one, gtpu.GPdu)
        assert isinstance(two, gtpu.GPdu)
        assert (one.payload, two.payload) == (b"one", b"two")
        assert one.container == gtpu.DlPduSessionInformation(1)
        assert isinstance(end, gtpu.EndMarker)
        events.gtpu_received(packet(teid), FROM_UPF)
        assert isinstance(sent[-1][0], gtpu.ErrorIndication)

    run_virtual(main())


def test_fresh_packets_wait_for_what_is_forwarded() -> None:
    async def main() -> None:
        moved = Moved()
        await moved.up()
        there = await moved.go()
        fresh, forwarding = there.sessions[1].tunnel.dl_teid, moved.forwarding.teid
        target, plane = moved.pair.gnbs[1].bearers, moved.planes[1]
        assert [rule.teid for rules in plane.rules.values() for rule in rules.decap] == [forwarding]
        target.gtpu_received(packet(fresh, b"three"), FROM_UPF)
        target.gtpu_received(packet(fresh, b"four"), FROM_UPF)
        assert not plane.received
        target.gtpu_received(gtpu.encode(gtpu.EndMarker(teid=forwarding)), (str(N3[0]), gtpu.PORT))
        got = [message for message, _ in plane.received]
        assert [m.payload for m in got if isinstance(m, gtpu.GPdu)] == [b"three", b"four"]
        assert {m.teid for m in got} == {forwarding}  # a tunnel for which the plane had a rule
        (rules,) = plane.rules.values()
        assert rules.decap[0].teid == fresh
        await asyncio.sleep(LATE_S + 0.1)
        (rules,) = plane.rules.values()
        assert [rule.teid for rule in rules.decap] == [fresh]
        assert target._reserved == {fresh}
        assert not plane.sent  # no Error Indication

    run_virtual(main())


def test_a_core_without_end_markers() -> None:
    """Fresh packets wait GATE_S and no longer; the source forgets the tunnel LATE_S after its release."""

    async def main() -> None:
        moved = Moved()
        _, teid = await moved.up()
        there = await moved.go()
        target, plane = moved.pair.gnbs[1].bearers, moved.planes[1]
        target.gtpu_received(packet(there.sessions[1].tunnel.dl_teid), FROM_UPF)
        await asyncio.sleep(GATE_S * 0.9)
        assert not plane.received
        await asyncio.sleep(GATE_S * 0.2)
        assert len(plane.received) == 1
        await asyncio.sleep(LATE_S + 0.1)
        moved.pair.gnbs[0].bearers.gtpu_received(packet(teid), FROM_UPF)
        assert isinstance(moved.planes[0].sent[-1][0], gtpu.ErrorIndication)

    run_virtual(main())


def test_a_shared_plane_takes_both_tunnels() -> None:
    async def main() -> None:
        pair, plane = Pair(xn=True), Plane()
        pair.gnbs[0].bearers.use(plane)
        bearers = pair.gnbs[0].bearers
        pair.gnbs[1].bearers = bearers
        pair.gnbs[1].n2.ports = replace(pair.gnbs[1].n2.ports, bearers=bearers)
        await pair.up()
        before = pair.context.sessions[1].tunnel.dl_teid
        there = await pair.gnbs[0].hand_over(pair.context, pair.gnbs[1].cells[0])
        after = there.sessions[1].tunnel.dl_teid
        (rules,) = plane.rules.values()
        assert [rule.teid for rule in rules.decap] == [after, before]
        bearers.gtpu_received(gtpu.encode(gtpu.EndMarker(teid=before)), FROM_UPF)
        (rules,) = plane.rules.values()
        assert [rule.teid for rule in rules.decap] == [after]

    run_virtual(main())


def test_the_counts_go_along_by_xn() -> None:
    async def main() -> None:
        moved = Moved()
        _, _ = await moved.up()
        moved.planes[0].usages[1] = Usage(uplink_packets=300_000, downlink_packets=7)
        there = await moved.go()
        (status,) = [m for m in moved.said if isinstance(m, xnap.SNStatusTransfer)]
        assert ue_information.counts_of(status.drbs_subject_to_status_transfer_list) == {
            1: PdcpCounts(300_000, 7)
        }
        moved.planes[1].usages[1] = Usage(uplink_packets=5, downlink_packets=1)
        assert there.link.counts(there) == {1: PdcpCounts(300_005, 8)}

    run_virtual(main())


def test_the_counts_go_along_by_n2() -> None:
    """A COUNT is told in two parts, sequence number and hyper frame number, and added to what was carried since."""

    async def main() -> None:
        moved = Moved()
        await moved.up()
        moved.planes[0].usages[1] = Usage(uplink_packets=(3 << 18) + 9, downlink_packets=7)
        source, target = moved.pair.gnbs
        there = await source.hand_over(moved.pair.context, target.cells[0], "n2")
        (told,) = [m for m in moved.pair.source.heard if isinstance(m, ngap.UplinkRANStatusTransfer)]
        (item,) = told.ran_status_transfer_transparent_container.drbs_subject_to_status_transfer_list
        assert item.drb_id == 1
        kind, up = item.drb_status_ul
        assert kind == "dRBStatusUL18"
        assert (up.ul_count_value.hfn_pdcp_sn18, up.ul_count_value.pdcp_sn18) == (3, 9)
        moved.planes[1].usages[1] = Usage(uplink_packets=2)
        assert there.amf_ue_ngap_id is not None
        status_transfer.downlink(
            target.n2,
            ngap.DownlinkRANStatusTransfer(
                amf_ue_ngap_id=there.amf_ue_ngap_id,
                ran_ue_ngap_id=there.ran_ue_ngap_id,
                ran_status_transfer_transparent_container=told.ran_status_transfer_transparent_container,
            ),
        )
        await settle()
        assert there.link.counts(there) == {1: PdcpCounts((3 << 18) + 11, 7)}

    run_virtual(main())
