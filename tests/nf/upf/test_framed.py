"""Framed routes on N4: what is taken, what is refused with which IE, and what an update leaves (TS 29.244 §5.16)."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest

from cinq.userplane.model import Dropped, Inner, Outer
from cinq.userplane.rules import Reason
from cinq.wire import pfcp
from cinq.wire.pfcp import Cause, UpFunctionFeatures
from tests.userplane import packets as p

from .peer import N3, SMF, UE, Bench, downlink_pdr, establishment, forward, uplink_pdr
from .test_n4 import virtual

BEHIND = IPv4Address("198.51.100.7")


def with_routes(*routes: str, ipv6: bool = False, **more: object) -> pfcp.SessionEstablishmentRequest:
    request = establishment(**more)  # type: ignore[arg-type]
    for pdr in request.create_pdrs:
        if ipv6:
            pdr.pdi.framed_ipv6_routes = list(routes)
        else:
            pdr.pdi.framed_routes = list(routes)
    return request


def opened(request: pfcp.SessionEstablishmentRequest, bench: Bench | None = None) -> pfcp.Message | None:
    if bench is None:
        bench = Bench(SMF)
        bench.associate()
    return bench.ask(request, 0)


@virtual
async def test_a_network_comes_and_goes() -> None:
    bench = Bench(SMF)
    associated = bench.associate()
    assert isinstance(associated, pfcp.AssociationSetupResponse)
    assert associated.up_function_features is not None
    assert associated.up_function_features.has(UpFunctionFeatures.FRRT)
    answer = opened(with_routes("198.51.100.0/24 0.0.0.0 1"), bench)
    assert isinstance(answer, pfcp.SessionEstablishmentResponse)
    assert answer.up_f_seid is not None
    seid, model = answer.up_f_seid.seid, bench.plane.model
    f_teid = answer.created_pdrs[0].f_teid
    assert f_teid is not None
    assert f_teid.teid is not None
    bench.ask(pfcp.SessionModificationRequest(update_fars=[forward()]), seid)
    there, back = p.gpdu(f_teid.teid, p.udp(BEHIND, p.DN)), p.udp(p.DN, BEHIND)
    assert isinstance(model.decapsulate(there, 0), Inner)
    assert isinstance(model.encapsulate(back, 0), Outer)
    pdrs = [uplink_pdr(f_teid=pfcp.FTeid(f_teid.teid, N3)), downlink_pdr()]
    updates = [pfcp.UpdatePdr(pdr_id=pdr.pdr_id, pdi=pdr.pdi) for pdr in pdrs]
    changed = bench.ask(pfcp.SessionModificationRequest(update_pdrs=updates), seid)
    assert isinstance(changed, pfcp.SessionModificationResponse)
    assert changed.cause == Cause.REQUEST_ACCEPTED
    assert model.decapsulate(there, 0) == Dropped(Reason.SPOOFED)
    assert model.encapsulate(back, 0) == Dropped(Reason.UNKNOWN_UE)
    assert isinstance(model.encapsulate(p.udp(p.DN, UE), 0), Outer)


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("198.51.100.0/24", "198.51.100.0/24"),
        ("198.51.100.0/24 198.51.100.1 1 2 -1 3 400", "198.51.100.0/24"),  # the form of RFC 2865 §5.22
        ("198.51.100.0 0.0.0.0 1", "198.51.100.0/24"),
        ("172.16.0.0", "172.16.0.0/16"),
        ("11.0.0.0 0.0.0.0", "11.0.0.0/8"),
    ],
)
def test_forms_of_a_route(text: str, network: str) -> None:
    @virtual
    async def main() -> None:
        bench = Bench(SMF)
        bench.associate()
        assert getattr(opened(with_routes(text), bench), "cause", None) == Cause.REQUEST_ACCEPTED
        (rules,) = bench.plane.model.registry.sessions.values()
        assert rules.encap[0].routes == (IPv4Network(network),)

    main()


REFUSED: dict[str, tuple[tuple[str, ...], bool, Cause, int]] = {
    "nothing": (("",), False, Cause.MANDATORY_IE_INCORRECT, 153),
    "no address": (("here/24",), False, Cause.MANDATORY_IE_INCORRECT, 153),
    "host bits": (("198.51.100.7/24",), False, Cause.MANDATORY_IE_INCORRECT, 153),
    "IPv6 in the IE of IPv4": (("2001:db8::/32",), False, Cause.MANDATORY_IE_INCORRECT, 153),
    "IPv6 without length": (("2001:db8::",), True, Cause.MANDATORY_IE_INCORRECT, 155),
    "everything": (("0.0.0.0/0 0.0.0.0 1",), False, Cause.RULE_CREATION_MODIFICATION_FAILURE, 153),
    "half of it": (("128.0.0.0/1",), False, Cause.RULE_CREATION_MODIFICATION_FAILURE, 153),
    "loopback": (("127.0.0.0/8",), False, Cause.RULE_CREATION_MODIFICATION_FAILURE, 153),
    "our N3": (("10.3.0.0/16",), False, Cause.RULE_CREATION_MODIFICATION_FAILURE, 153),
    "our N4": (("10.4.0.2/32",), False, Cause.RULE_CREATION_MODIFICATION_FAILURE, 153),
    "IPv6 behind IPv4": (("2001:db8::/32",), True, Cause.RULE_CREATION_MODIFICATION_FAILURE, 155),
    "33 of them": (tuple(f"198.51.{n}.0/24" for n in range(33)), False, Cause.NO_RESOURCES_AVAILABLE, 153),
}


@pytest.mark.parametrize("name", REFUSED)
def test_routes_that_are_refused(name: str) -> None:
    routes, ipv6, cause, offending = REFUSED[name]

    @virtual
    async def main() -> None:
        bench = Bench(SMF)
        bench.associate()
        answer = opened(with_routes(*routes, ipv6=ipv6), bench)
        assert isinstance(answer, pfcp.SessionEstablishmentResponse)
        assert (answer.cause, answer.offending_ie) == (cause, offending)
        assert len(bench.upf) == 0

    main()


@virtual
async def test_a_network_of_another_session() -> None:
    bench = Bench(SMF)
    bench.associate()
    assert getattr(opened(with_routes("198.51.100.0/24"), bench), "cause", None) == Cause.REQUEST_ACCEPTED
    second = with_routes("198.51.100.0/24", ue=IPv4Address("10.45.0.2"), cp_seid=78)
    answer = opened(second, bench)
    assert getattr(answer, "cause", None) == Cause.RULE_CREATION_MODIFICATION_FAILURE
    assert len(bench.upf) == 1
