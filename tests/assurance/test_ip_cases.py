"""TS 33.117 on the transport: the kernel of a namespace as the target, as it should be and weakened in one point."""

from __future__ import annotations

import ipaddress
import socket
import subprocess
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial

import pytest

from cinq.assurance import packets
from cinq.assurance.cases.ts33117 import tc_bvt_port_scanning as scanning
from cinq.assurance.cases.ts33117 import tc_no_unnecessary_service as services
from cinq.assurance.host import OnHost
from cinq.assurance.verdict import Verdict
from cinq.lab import packet_filter
from cinq.transport import netns, ports
from cinq.transport import raw as raw_module
from cinq.transport.raw import SCTP, Raw

from .plain import N2, N3, answering_gtpu, answering_init, described, played, sysctl, together

pytestmark = [pytest.mark.root, pytest.mark.kernel]
Around = Callable[[], AbstractAsyncContextManager[object]]


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence on loopback is short."""
    monkeypatch.setattr(raw_module, "WAIT_S", 0.3)
    monkeypatch.setattr(packets, "WAIT_S", 0.3)


def filtering(names: dict[str, str]) -> str:
    return packet_filter.set_up(names["rule"], names["address"], names["port"])


def lazy(names: dict[str, str]) -> str:
    """A filter that does nothing."""
    return ""


def uncounted(names: dict[str, str]) -> str:
    """One that drops and tells no numbers."""
    filtering(names)
    return "done"


def both() -> AbstractAsyncContextManager[object]:
    return together(answering_init(), answering_gtpu())


CASES: dict[tuple[str, str], tuple[Around, dict[str, object]]] = {
    ("33117-4.2.4.1.1.3", "4"): (answering_init, {}),
    ("33117-4.2.6.2.1", "A"): (answering_init, {}),
    ("33117-4.2.6.2.4", "sender"): (both, {}),
    ("33117-4.2.6.2.4", "message"): (both, {}),
}


@pytest.mark.parametrize("turn", [filtering, lazy, uncounted])
@pytest.mark.parametrize("which", CASES)
def test_filters(which: tuple[str, str], turn: Callable[[dict[str, str]], str], namespace: str) -> None:
    """A filter that does nothing is found out, and one that counts nothing where counting is asked."""
    around, where = CASES[which]
    judged, _ = played(*which, described(**where), around, {"packet_filter": turn})
    sound = turn is filtering or (turn is uncounted and which[0].endswith("1.1.3"))
    assert judged.verdict is (Verdict.PASS if sound else Verdict.FAIL), judged.reason


def test_gtp_c_by_sender(namespace: str) -> None:
    around = partial(answering_gtpu, str(N2), 2123)
    for turn, verdict in ((filtering, Verdict.PASS), (lazy, Verdict.FAIL)):
        judged, _ = played("33117-4.2.6.2.3", "sender", described(), around, {"packet_filter": turn})
        assert judged.verdict is verdict, judged.reason


@pytest.mark.parametrize(("accepted", "verdict"), [("0", Verdict.PASS), ("1", Verdict.FAIL)])
def test_source_routes(accepted: str, verdict: Verdict, namespace: str) -> None:
    for interface in ("all", "lo"):
        sysctl(f"net.ipv4.conf.{interface}.accept_source_route", accepted)
        sysctl(f"net.ipv4.conf.{interface}.route_localnet", "1")
    judged, _ = played("33117-4.2.4.1.1.3", "routing", described(), answering_init)
    assert judged.verdict is verdict, judged.reason


@pytest.mark.parametrize(("rule", "verdict"), [("unsafe-icmp", Verdict.PASS), ("none", Verdict.FAIL)])
def test_icmp_responses(rule: str, verdict: Verdict, namespace: str) -> None:
    """Linux answers timestamp requests where no filter drops them."""
    packet_filter.set_up(rule)
    judged, _ = played("33117-4.2.4.1.1.2", "4-response", described(n3=None), answering_init)
    assert judged.verdict is verdict, judged.reason
    assert verdict is Verdict.PASS or "{13: [14]}" in judged.reason


class Follows:
    """A host whose way is another after a redirect."""

    def __init__(self) -> None:
        self._asked = 0

    async def run(self, *words: str) -> str:
        self._asked += 1
        return f"127.0.0.97 via 203.0.113.{self._asked} dev eth0"


@pytest.mark.parametrize(("host", "verdict"), [(OnHost(("env",)), Verdict.PASS), (Follows(), Verdict.FAIL)])
def test_icmp_redirects(host: object, verdict: Verdict, namespace: str) -> None:
    judged, _ = played("33117-4.2.4.1.1.2", "4-redirect", described(n3=None), answering_init, host=host)
    assert judged.verdict is verdict, judged.reason


def test_a_host_that_cannot_be_asked_is_not_judged(namespace: str) -> None:
    host = OnHost(("cinq-no-such-command",))
    judged, _ = played("33117-4.2.4.1.1.2", "4-redirect", described(n3=None), answering_init, host=host)
    assert judged.verdict is Verdict.INCONCLUSIVE


def test_a_target_that_answers_nothing_is_not_judged(namespace: str) -> None:
    for which in (("33117-4.2.4.1.1.3", "4"), ("33117-4.2.4.1.1.2", "4-response"), ("33117-4.2.6.2.1", "A")):
        judged, _ = played(*which, described(), None, {"packet_filter": filtering})
        assert judged.verdict is Verdict.INCONCLUSIVE, judged.reason


@pytest.fixture
def link(namespace: str, new_namespace: Callable[[str], str]) -> str:
    """Another namespace on a link with this one: 10.9.9.1, this one has 10.9.9.97."""
    other = new_namespace("target")
    for command in (
        f"ip link add bench type veth peer name eth0 netns {other}",
        "ip address add 10.9.9.97/24 broadcast 10.9.9.255 dev bench",
        "ip link set bench up",
        f"ip -n {other} address add 10.9.9.1/24 broadcast 10.9.9.255 dev eth0",
        f"ip -n {other} link set eth0 up",
    ):
        subprocess.run(command.split(), check=True)
    return other


@pytest.mark.parametrize(("ignored", "verdict"), [("1", Verdict.PASS), ("0", Verdict.FAIL)])
def test_broadcast_icmp(ignored: str, verdict: Verdict, link: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw_module, "WAIT_S", 2.0)  # the first packet waits for ARP
    with netns.inside(link):
        sysctl("net.ipv4.icmp_echo_ignore_broadcasts", ignored)
        raw = Raw("10.9.9.1", SCTP)
    address = ipaddress.IPv4Address("10.9.9.1")
    whom = described(broadcast=ipaddress.IPv4Address("10.9.9.255"), n3=None)
    whom = type(whom)(
        core=type(whom.core)(amf_address=address),
        interfaces=whom.interfaces,
        radio=type(whom.radio)(n3_address=ipaddress.IPv4Address("10.9.9.97")),
        subscribers=whom.subscribers,
    )
    judged, _ = played("33117-4.3.3.1.2", "A", whom, partial(answering_init, "10.9.9.1", raw=raw))
    assert judged.verdict is verdict, judged.reason


# services


@pytest.mark.parametrize(("bound", "verdict"), [(str(N3), Verdict.PASS), ("0.0.0.0", Verdict.FAIL)])
@pytest.mark.parametrize("case", ["33117-4.3.2.2", "33117-4.3.5.1"])
def test_a_service_is_on_its_own_interface_alone(
    case: str, bound: str, verdict: Verdict, namespace: str
) -> None:
    judged, _ = played(case, "A", described(), lambda: together(answering_init(), answering_gtpu(bound)))
    assert judged.verdict is verdict, judged.reason


def test_where_everything_is_at_one_address_nothing_is_apart(namespace: str) -> None:
    judged, _ = played(
        "33117-4.3.2.2", "A", described(n3=N2), lambda: together(answering_init(), answering_gtpu(str(N2)))
    )
    assert judged.verdict is Verdict.INCONCLUSIVE
    assert "nothing is apart" in judged.reason


@pytest.mark.parametrize(("port", "verdict"), [(0, Verdict.PASS), (23, Verdict.FAIL)])
def test_old_services(port: int, verdict: Verdict, namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "UDP_S", 0.2)
    with socket.create_server((str(N2), port or 40_000), backlog=1):
        judged, _ = played("33117-4.3.2.1", "old", described(), answering_init)
    assert judged.verdict is verdict, judged.reason
    assert verdict is Verdict.PASS or "telnet" in judged.reason


def test_a_service_that_is_there_after_a_restart(namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "UDP_S", 0.2)
    monkeypatch.setattr(services, "EVERY", range(40_000, 40_003))
    monkeypatch.setattr(services, "KNOWN_UDP", (40_000,))
    opened: list[socket.socket] = []
    for debug in (False, True):

        def restart(names: dict[str, str], debug: bool = debug) -> str:
            if debug:
                opened.append(socket.create_server((str(N2), 40_001)))
            return ""

        judged, _ = played("33117-4.3.2.1", "restarted", described(), answering_init, {"restart": restart})
        assert judged.verdict is (Verdict.FAIL if debug else Verdict.PASS), judged.reason
    opened[0].close()


@pytest.mark.parametrize(("declared", "verdict"), [((38412, 40_001), Verdict.PASS), ((38412,), Verdict.FAIL)])
def test_sctp_ports(
    declared: tuple[int, ...], verdict: Verdict, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanning, "EVERY", range(38_000, 41_000))
    whom = described(sctp=declared)
    judged, trial = played(
        "33117-4.4.2", "SCTP", whom, lambda: together(answering_init(), answering_init(port=40_001))
    )
    assert judged.verdict is verdict, judged.reason
    assert verdict is Verdict.PASS or "40001" in judged.reason
    assert any("38412" in fact.observed for fact in trial.facts)
