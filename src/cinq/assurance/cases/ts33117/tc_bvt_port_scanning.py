"""TS 33.117 §4.4.2 TC_BVT_PORT_SCANNING: only what the vendor declares answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from cinq.assurance.case import Case
from cinq.assurance.packets import own, places
from cinq.assurance.trial import Trial
from cinq.ran.scenarios import check
from cinq.ran.scenarios.check import Failed
from cinq.transport import ports
from cinq.transport.raw import open_sctp

CASE = Case(
    "SCAS-33117-4.4.2",
    requirement="The open ports of a product on each interface are those that its documents name, and no others.",
    threat="A service that nobody expects is not looked after: it is the way in.",
)
EVERY = range(1, 65536)
KNOWN_UDP = (
    7, 9, 13, 17, 19, 37, 49, 53, 67, 68, 69, 80, 88, 111, 123, 135, 137, 138, 139, 161, 162, 177, 389, 427, 443, 445,
    464, 497, 500, 514, 515, 518, 520, 593, 623, 626, 631, 996, 998, 1023, 1434, 1645, 1646, 1701, 1718, 1812, 1813,
    1900, 2000, 2048, 2049, 2123, 2152, 2222, 3283, 3386, 3456, 3703, 3799, 4444, 4500, 5000, 5060, 5353, 5632, 8805,
    9200, 10000, 17185, 20031, 30718, 31337, 32768, 33281, 49152, 49200, 51820, 65024,
)  # fmt: skip
"""Where services are found on UDP, and what networks of this kind have."""
Scan = Callable[[str, Iterable[int]], Awaitable[set[int]]]


async def scanned(
    trial: Trial, scan: Scan, kind: str, tried: Iterable[int], declared: tuple[int, ...]
) -> None:
    """A finding for each address: what answers there is declared."""
    tried = list(tried)
    for address, interfaces in places(trial).items():
        trial.step(f"{len(tried)} {kind} ports of {address} ({interfaces})")
        with trial.finding(
            f"on {address} ({interfaces}) no {kind} port answers that is not declared"
        ) as seen:
            try:
                answered = await scan(address, tried)
            except OSError as error:
                raise Failed(f"the scan was not possible: {error}") from None
            seen.text = f"{kind} ports that answer: {' '.join(map(str, sorted(answered))) or 'none'}"
            undeclared = sorted(answered - set(declared))
            check.equal(undeclared, [], f"{kind} ports beside those of interfaces.{kind.lower()}")


async def sees(trial: Trial, scan: Scan, opened: int, kind: str) -> None:
    """A control: the scan finds a port of the bench's own, and not the one beside it."""
    address = str(trial.target.radio.n3_address)
    with trial.control(f"the scan finds a {kind} port that the bench has opened itself at {address}") as seen:
        try:
            found = await scan(address, (opened - 1, opened))
        except OSError as error:
            raise Failed(f"the scan was not possible: {error}") from None
        check.that(opened in found, f"it did not find {kind} port {opened}")
        seen.text = f"{kind} port {opened}"


@CASE.sub("TCP", "every TCP port of each address", within=600)
async def tcp(trial: Trial) -> None:
    with ports.listening_tcp(str(trial.target.radio.n3_address)) as opened:
        await sees(trial, ports.open_tcp, opened, "TCP")
    await scanned(trial, ports.open_tcp, "TCP", EVERY, trial.target.interfaces.tcp)


@CASE.sub(
    "UDP",
    "UDP ports that services are known by",
    within=600,
    limit="a filtered UDP port looks like an open one",
)
async def udp(trial: Trial) -> None:
    declared = trial.target.interfaces.udp
    with ports.listening_udp(str(trial.target.radio.n3_address)) as opened:
        await sees(trial, ports.silent_udp, opened, "UDP")
    await scanned(trial, ports.silent_udp, "UDP", sorted({*KNOWN_UDP, *declared}), declared)


@CASE.sub("SCTP", "every SCTP port of each address", within=600)
async def sctp(trial: Trial) -> None:
    """By INIT chunks, which leave no state behind (RFC 9260 §5.1)."""
    core = trial.target.core
    with trial.control("the scan finds the AMF's own port, where the bench has an association") as seen:
        found = await by_init(trial)(str(core.amf_address), (core.amf_port - 1, core.amf_port))
        check.that(core.amf_port in found, f"it did not find SCTP port {core.amf_port}")
        seen.text = f"SCTP port {core.amf_port}"
    await scanned(trial, by_init(trial), "SCTP", EVERY, trial.target.interfaces.sctp)


def by_init(trial: Trial) -> Scan:
    async def scan(address: str, tried: Iterable[int]) -> set[int]:
        try:
            return await open_sctp(own(trial), address, tried)
        except OSError as error:
            raise Failed(f"the scan was not possible: {error}") from None

    return scan
