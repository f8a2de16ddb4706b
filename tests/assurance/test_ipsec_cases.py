"""TS 33.513, IPsec: a host of another namespace as the UPF, whose security policies let cleartext pass, or not.

Not every kernel has ESP: the gNB that the lab would protect is one that the policy database lets in here.
"""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from ipaddress import IPv4Address

import pytest

from cinq.assurance import packets
from cinq.assurance.run import out_of_reach
from cinq.assurance.target import Target
from cinq.assurance.trial import Lab
from cinq.assurance.verdict import Verdict
from cinq.transport import netns, udp
from cinq.wire import gtpu, pfcp

from .plain import described, played
from .site import found

pytestmark = [pytest.mark.root, pytest.mark.kernel]
BENCH, CLEAR, UPF = "10.9.9.97", "10.9.9.137", "10.9.9.1"


def ip(words: str, namespace: str = "") -> None:
    prefix = ["ip", "-n", namespace] if namespace else ["ip"]
    done = subprocess.run([*prefix, *words.split()], capture_output=True, text=True, check=False)
    assert not done.returncode, f"ip {words}: {done.stderr}"


@pytest.fixture
def upf(namespace: str, new_namespace: Callable[[str], str]) -> str:
    """A link, with the UPF's namespace at its other end."""
    other = new_namespace("upf")
    ip(f"link add bench type veth peer name eth0 netns {other}")
    for address in (BENCH, CLEAR):
        ip(f"address add {address}/24 dev bench")
    ip("link set bench up")
    ip(f"address add {UPF}/24 dev eth0", other)
    ip("link set eth0 up", other)
    for address in (BENCH, CLEAR):  # so that no first packet waits for ARP
        subprocess.run(
            ["ping", "-c", "1", "-W", "3", "-q", "-I", address, UPF], check=True, capture_output=True
        )
    return other


def refuses_cleartext(other: str) -> None:
    """From all but the gNB that the lab protects (RFC 4301 §4.4.1)."""
    ip(f"xfrm policy add src {BENCH}/32 dst {UPF}/32 proto udp dir in priority 1 action allow", other)
    ip(f"xfrm policy add src 0.0.0.0/0 dst {UPF}/32 proto udp dir in priority 9 action block", other)


def whom(*claimed: str) -> Target:
    target = described(n3=IPv4Address(UPF), n4=IPv4Address(UPF), smf=IPv4Address(BENCH), ipsec=claimed)
    return dataclasses.replace(target, radio=dataclasses.replace(target.radio, n3_address=IPv4Address(BENCH)))


@pytest.mark.parametrize(("strict", "verdict"), [(True, Verdict.PASS), (False, Verdict.FAIL)])
@pytest.mark.parametrize("case", ["33513-4.2.2.1", "33513-4.2.2.2", "33513-4.2.2.5"])
def test_cleartext(
    case: str, strict: bool, verdict: Verdict, upf: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packets, "WAIT_S", 0.5)
    if strict:
        refuses_cleartext(upf)
    with netns.inside(upf):
        bound = [udp.bind(UPF, port) for port in (gtpu.PORT, pfcp.PORT)]

    @asynccontextmanager
    async def serving() -> AsyncIterator[None]:
        ends: list[udp.UdpEndpoint] = []
        for one, answer in zip(bound, ANSWERS, strict=True):

            def heard(octets: bytes, peer: udp.Address, n: int = len(ends), answer: bytes = answer) -> None:
                ends[n].send(answer, peer)

            ends.append(udp.UdpEndpoint(one, heard))
        yield
        for end in ends:
            end.close()

    judged, _ = played(case, "clear", whom("N3", "N4"), serving)
    assert judged.verdict is verdict, judged.reason


ANSWERS = (
    gtpu.encode(gtpu.EchoResponse(sequence=1)),
    pfcp.encode(pfcp.HeartbeatResponse(recovery_time_stamp=1), sequence=1),
)


@pytest.mark.parametrize("case", ["33513-4.2.2.1", "33513-4.2.2.4", "33513-4.2.2.5"])
def test_a_target_that_does_not_claim_it(case: str) -> None:
    for sub in found(case, "A")[0].subs.values():
        told = out_of_reach(sub, Lab(whom(), None, lambda: 0.0))  # type: ignore[arg-type]  # nothing is turned
        assert told is not None
        assert told.verdict is Verdict.NOT_APPLICABLE
        assert "interfaces.ipsec" in told.reason
