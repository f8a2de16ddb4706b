"""TS 33.117 §4.2.4.1.1.2 TC_HANDLING_OF_ICMP: messages that nobody needs draw no answer and change nothing."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import closing, contextmanager
from ipaddress import IPv6Address

from cinq.assurance.case import Case
from cinq.assurance.packets import (
    ECHO,
    ECHO_REPLY,
    IDENTIFIER,
    REDIRECT,
    icmp,
    icmp_from,
    own,
    places,
    raw,
    reachable,
)
from cinq.assurance.trial import Trial
from cinq.ran.scenarios import check
from cinq.ran.scenarios.check import Failed
from cinq.transport.raw import ICMP, Raw6

CASE = Case(
    "SCAS-33117-4.2.4.1.1.2",
    requirement="No ICMP type is answered but those that are permitted (echo), and none changes the configuration: "
    "redirects and router messages (RFC 792, RFC 4443).",
    threat="A host on the transport learns the product's clock and masks, or sends its traffic another way.",
)
TYPES = range(256)
ROUNDS = 2  # a packet may get lost
LIMIT = "IPv4; what a product documents beyond the table of the clause is for a person to compare"


@CASE.sub("4-response", "every ICMPv4 type: only an echo is answered", limit=LIMIT)
async def response(trial: Trial) -> None:
    await reachable(trial)
    with raw(trial, ICMP) as socket:
        for address, interfaces in places(trial).items():
            trial.step(f"ICMP types 0 to 255 to {address} ({interfaces}), {ROUNDS} times")
            answered: dict[int, set[int]] = {}
            for kind in TYPES:
                for _ in range(ROUNDS):
                    socket.send(icmp(kind), address)
                for one in icmp_from(await socket.hear(0.01), address):
                    answered.setdefault(kind, set()).add(one)
            late = icmp_from(await socket.hear(0.5), address)
            with trial.finding(f"{address} ({interfaces}) answers none but an Echo Request") as seen:
                wrong = {kind: sorted(got) for kind, got in answered.items() if set(got) - {ECHO_REPLY}}
                check.equal(wrong, {}, "types that were sent, with the types that came")
                check.equal(sorted(set(late) - {ECHO_REPLY}), [], "types that came late")
                seen.text = "Echo is answered" if ECHO in answered else "nothing is answered"
    await reachable(trial)


@CASE.sub("4-redirect", "ICMPv4 redirects change no route", needs=("host",))
async def redirect(trial: Trial) -> None:
    """What the host itself says of its way to the bench, before and after."""
    await reachable(trial)
    way = ("ip", "route", "get", own(trial))
    before = await trial.on_host(*way)
    with raw(trial, ICMP) as socket:
        for address, interfaces in places(trial).items():
            trial.step(f"redirects of {own(trial)} and of the world to {address} ({interfaces})")
            for code in range(4):
                socket.send(icmp(REDIRECT, code), address)
    after = await trial.on_host(*way)
    with trial.finding("the host's way to the bench is the same"):
        check.equal(_way(after), _way(before), "what `ip route get` says")
    await reachable(trial)


def _way(said: str) -> list[str]:
    """Without the caches' ages."""
    return said.split("cache")[0].split()


# ICMPv6, RFC 4443 and RFC 4861

ECHO_6, ECHO_REPLY_6, ADVERTISED_ROUTER, SOLICITED, ADVERTISED, REDIRECTED = 128, 129, 134, 135, 136, 137
PERMITTED_6 = {ECHO_REPLY_6, ADVERTISED}
PREFIX = IPv6Address("2001:db8:c10c::")
PATIENT = 6
LIMIT_6 = "what is on one link with the bench"


def solicitation(address: IPv6Address) -> bytes:
    """RFC 4861 §4.3, without the option of a link layer address."""
    return bytes((SOLICITED, 0, 0, 0)) + bytes(4) + address.packed


def router(lifetime: int) -> bytes:
    """A ROUTER ADVERTISEMENT with a prefix to make addresses of (RFC 4861 §4.2 and §4.6.2)."""
    head = bytes((ADVERTISED_ROUTER, 0, 0, 0, 64, 0)) + lifetime.to_bytes(2, "big") + bytes(8)
    return head + struct.pack("!BBBBIII", 3, 4, 64, 0xC0, lifetime, lifetime, 0) + PREFIX.packed


async def on_the_link(trial: Trial, socket: Raw6, address: IPv6Address) -> None:
    """A control: whom the bench asks on the link answers."""
    with trial.control(f"{address} answers a NEIGHBOUR SOLICITATION"):
        heard: list[tuple[str, bytes]] = []
        for _ in range(PATIENT):  # a link that has just come up loses some
            socket.send(solicitation(address), str(address))
            heard += await socket.hear(1.0)
            if any(octets[:1] == bytes((ADVERTISED,)) for _, octets in heard):
                return
        check.that(False, f"only types {sorted({octets[0] for _, octets in heard if octets})} came")


@contextmanager
def link(trial: Trial, *, local: bool = False) -> Iterator[Raw6]:
    """Failed: this host cannot."""
    try:
        socket = Raw6(trial.target.interfaces.link, local=local)
    except OSError as error:
        raise Failed(f"the bench cannot: {error}") from None
    with closing(socket):
        yield socket


@CASE.sub(
    "6-response",
    "every ICMPv6 type: only an echo and a solicitation are answered",
    needs=("ipv6", "link"),
    limit=LIMIT_6,
)
async def response_6(trial: Trial) -> None:
    address = check.present(trial.target.interfaces.ipv6, "interfaces.ipv6")
    with link(trial) as socket:
        await on_the_link(trial, socket, address)
        trial.step(f"ICMPv6 types 0 to 255 to {address}, {ROUNDS} times")
        answered: dict[int, set[int]] = {}
        for kind in TYPES:
            body = struct.pack("!HH", IDENTIFIER, 1) + bytes(12)
            for _ in range(ROUNDS):
                socket.send(bytes((kind, 0, 0, 0)) + body, str(address))
            for source, octets in await socket.hear(0.02):
                if octets and source == str(address):
                    answered.setdefault(kind, set()).add(octets[0])
        with trial.finding(
            f"{address} answers with nothing but an Echo Reply or a Neighbour Advertisement"
        ) as seen:
            # a solicitation of its own, and what it reports of its groups, answer nothing
            unasked = {SOLICITED, 130, 131, 143}
            wrong = {kind: sorted(got - PERMITTED_6 - unasked) for kind, got in answered.items()}
            check.equal(
                {kind: got for kind, got in wrong.items() if got},
                {},
                "types that were sent, with those that came",
            )
            seen.text = "Echo is answered" if ECHO_6 in answered else "Echo is not answered"
        await on_the_link(trial, socket, address)


@CASE.sub(
    "6-router",
    "ICMPv6 router advertisements and redirects change nothing",
    needs=("ipv6", "link", "host"),
    limit=LIMIT_6,
)
async def router_6(trial: Trial) -> None:
    """What the host itself says of its addresses and ways, before and after."""
    address = check.present(trial.target.interfaces.ipv6, "interfaces.ipv6")
    says = ("sh", "-c", "ip -6 -o address show; ip -6 route show; true")
    with link(trial, local=True) as socket:
        await on_the_link(trial, socket, address)
        before = await trial.on_host(*says)
        with trial.control("the host has nothing of the bench's prefix yet"):
            check.that(str(PREFIX) not in before and bool(before.strip()), "it has, or says nothing")
        trial.step(f"the bench says that it is the router, and that {PREFIX}/64 is on the link")
        redirect = bytes((REDIRECTED, 0, 0, 0)) + bytes(4) + PREFIX.packed + PREFIX.packed
        for _ in range(ROUNDS):
            socket.send(router(1800), str(address))
            socket.send(router(1800), "ff02::1")
            socket.send(redirect, str(address))
        await trial.settle()
        await trial.settle()
        with trial.finding("the host takes neither an address, a way nor a router from it"):
            now = await trial.on_host(*says)
            taken = [
                line for line in now.splitlines() if str(PREFIX).rstrip(":") in line or "proto ra" in line
            ]
            new = [line for line in taken if "proto ra" not in before or str(PREFIX).rstrip(":") in line]
            check.equal(new, [], "lines")
        for _ in range(ROUNDS):
            socket.send(router(0), "ff02::1")
        await on_the_link(trial, socket, address)
