"""Ethernet sessions on N4: what is taken, and what is refused with which IE (TS 29.244 §5.13)."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from cinq.nf.upf import Settings
from cinq.transport_address import TransportAddress
from cinq.userplane.model import Buffered, Dropped, Frame, Outer
from cinq.userplane.rules import Reason
from cinq.wire import pfcp
from cinq.wire.pfcp import Cause
from tests.userplane import packets as p

from .peer import N3, N4, SMF, Bench, establishment, forward
from .test_n4 import virtual

POOL_ONLY = Settings(N4, TransportAddress(N3), (), (IPv4Address(SMF[0]),))
LAN = Settings(N4, TransportAddress(N3), (), (IPv4Address(SMF[0]),), links=("internet",))
HOST, MINE = b"\2\0\0\0\0\x99", b"\2\0\0\0\1\1"
THERE, BACK = (to + source + b"\x88\xb5" + bytes(46) for to, source in ((HOST, MINE), (MINE, HOST)))


def of_frames(dnn: str = "internet", filters: list[bytes] | None = None) -> pfcp.SessionEstablishmentRequest:
    request = establishment()
    request.pdn_type = pfcp.PdnType.ETHERNET
    for pdr in request.create_pdrs:
        pdr.pdi.ue_ip_addresses = []
        pdr.pdi.network_instance = pfcp.NetworkInstance(dnn)
        pdr.pdi.ethernet_pdu_session_information = pfcp.PfcpFlags(1)
        pdr.pdi.ethernet_packet_filters = filters or []
    return request


def with_proxy() -> pfcp.SessionEstablishmentRequest:
    request = of_frames()
    for far in request.create_fars:
        if far.forwarding_parameters is not None:
            far.forwarding_parameters.proxying = pfcp.PfcpFlags(1)
    return request


def bench(settings: Settings = LAN) -> Bench:
    made = Bench(SMF, settings=settings)
    made.associate()
    return made


@virtual
async def test_frames_both_ways() -> None:
    one = bench()
    answer = one.ask(of_frames(), 0)
    assert isinstance(answer, pfcp.SessionEstablishmentResponse)
    assert answer.cause == Cause.REQUEST_ACCEPTED
    assert answer.up_f_seid is not None
    seid, model = answer.up_f_seid.seid, one.plane.model
    f_teid = answer.created_pdrs[0].f_teid
    assert f_teid is not None
    assert f_teid.teid is not None
    assert model.from_link("internet", BACK, 0) == [Buffered(seid, True)]
    one.ask(pfcp.SessionModificationRequest(update_fars=[forward()]), seid)
    assert [octets[16:] for octets, _ in one.plane.sent] == [BACK], "what waited"
    assert model.decapsulate(p.gpdu(f_teid.teid, THERE), 0) == Frame("internet", THERE)
    (sent,) = model.from_link("internet", BACK, 0)
    assert isinstance(sent, Outer)
    assert sent.octets[16:] == BACK
    one.ask(pfcp.SessionDeletionRequest(), seid)
    assert model.from_link("internet", BACK, 0) == [Dropped(Reason.UNKNOWN_UE)]


@pytest.mark.parametrize(
    ("request_", "settings", "cause", "offending"),
    [
        (of_frames(), POOL_ONLY, Cause.SERVICE_NOT_SUPPORTED, 113),
        (of_frames("elsewhere"), LAN, Cause.SERVICE_NOT_SUPPORTED, 142),
        (of_frames(filters=[bytes(4)]), LAN, Cause.SERVICE_NOT_SUPPORTED, 132),
        (with_proxy(), LAN, Cause.SERVICE_NOT_SUPPORTED, 137),
    ],
)
def test_what_is_refused(
    request_: pfcp.SessionEstablishmentRequest, settings: Settings, cause: Cause, offending: int
) -> None:
    @virtual
    async def main() -> None:
        one = bench(settings)
        answer = one.ask(request_, 0)
        assert isinstance(answer, pfcp.SessionEstablishmentResponse)
        assert (answer.cause, answer.offending_ie) == (cause, offending)
        assert len(one.upf) == 0

    main()
