"""TS 33.117 over a link: a namespace as the target, another as the bench's place."""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from ipaddress import IPv4Address, IPv6Address

import pytest

from cinq.assurance.cases.ts33117 import tc_handling_of_icmp as icmp
from cinq.assurance.host import OnHost
from cinq.assurance.target import Target
from cinq.assurance.verdict import Judged, Verdict
from cinq.ran.scenarios.target import Core, Radio
from cinq.transport import netns
from cinq.transport import raw as raw_module
from cinq.transport.raw import SCTP, Raw

from .plain import answering_init, described, played, sysctl

pytestmark = [pytest.mark.root, pytest.mark.kernel]
HOST, BENCH = "10.9.8.1", "10.9.8.97"
HOST_6 = IPv6Address("2001:db8:9::1")
ICMP, SPOOFING = "33117-4.2.4.1.1.2", "33117-4.3.3.1.1"


@pytest.fixture
def link(namespace: str, new_namespace: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(raw_module, "WAIT_S", 2.0)  # the first packet waits for ARP
    other = new_namespace("target")
    with netns.inside(other):
        for setting, value in (
            ("net.ipv6.conf.default.accept_ra", "0"),
            ("net.ipv6.conf.default.accept_dad", "0"),
            ("net.ipv6.conf.default.accept_redirects", "0"),
        ):
            sysctl(setting, value)
    sysctl("net.ipv6.conf.default.accept_dad", "0")
    for command in (
        f"ip link add bench type veth peer name eth0 netns {other}",
        f"ip address add {BENCH}/24 dev bench",
        "ip -6 address add 2001:db8:9::97/64 dev bench nodad",
        "ip link set bench up",
        f"ip -n {other} address add {HOST}/24 dev eth0",
        f"ip -n {other} -6 address add {HOST_6}/64 dev eth0 nodad",
        f"ip -n {other} link set eth0 up",
        f"ip -n {other} link set lo up",
    ):
        subprocess.run(command.split(), check=True)
    return other


def whom() -> Target:
    core, radio = Core(amf_address=IPv4Address(HOST)), Radio(n3_address=IPv4Address(BENCH))
    return dataclasses.replace(described(n3=None, ipv6=HOST_6, link="bench"), core=core, radio=radio)


def asked(case: str, sub: str, link: str) -> Judged:
    @asynccontextmanager
    async def around() -> AsyncIterator[None]:
        with netns.inside(link):
            raw = Raw(HOST, SCTP)
        async with answering_init(HOST, raw=raw):
            yield

    inside = OnHost(("ip", "netns", "exec", link))
    return played(case, sub, whom(), around, host=inside)[0]


def in_target(link: str, name: str, value: str) -> None:
    with netns.inside(link):
        sysctl(name, value)


def test_every_icmpv6_type(link: str) -> None:
    found = asked(ICMP, "6-response", link)
    assert found.verdict is Verdict.PASS, found.reason


def test_an_answer_that_is_not_permitted_is_found_out(link: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a host whose Echo Replies nobody permits."""
    monkeypatch.setattr(icmp, "PERMITTED_6", {icmp.ADVERTISED})
    found = asked(ICMP, "6-response", link)
    assert found.verdict is Verdict.FAIL
    assert "128: [129]" in found.reason


@pytest.mark.parametrize(("heeds", "verdict"), [("0", Verdict.PASS), ("1", Verdict.FAIL)])
def test_router_advertisements(heeds: str, verdict: Verdict, link: str) -> None:
    in_target(link, "net.ipv6.conf.eth0.accept_ra", heeds)
    found = asked(ICMP, "6-router", link)
    assert found.verdict is verdict, found.reason


def test_where_nobody_answers_nothing_is_concluded(link: str) -> None:
    subprocess.run(f"ip -n {link} -6 address flush dev eth0".split(), check=True)
    for sub in ("6-response", "6-router"):
        assert asked(ICMP, sub, link).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(("takes", "verdict"), [("0", Verdict.PASS), ("1", Verdict.FAIL)])
def test_martians(takes: str, verdict: Verdict, link: str) -> None:
    in_target(link, "net.ipv4.conf.eth0.accept_local", takes)
    in_target(link, "net.ipv4.conf.eth0.route_localnet", takes)
    in_target(link, "net.ipv4.conf.all.rp_filter", "0")
    found = asked(SPOOFING, "martian", link)
    assert found.verdict is verdict, found.reason


def test_on_the_targets_own_host_nothing_can_be_said_of_martians(namespace: str) -> None:
    judged, _ = played(SPOOFING, "martian", described(n3=None), answering_init, host=OnHost(("env",)))
    assert judged.verdict is Verdict.INCONCLUSIVE
    assert "own host" in judged.reason
