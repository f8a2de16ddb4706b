"""TS 33.117 §4.3.3.1.1 TC_IP_SPOOFING_MITIGATION: a packet counts only on the way that its source would take."""

from __future__ import annotations

import itertools
from contextlib import closing
from ipaddress import IPv4Address

from cinq.assurance.case import Case
from cinq.assurance.packets import own, places, reachable
from cinq.assurance.trial import Trial
from cinq.ran.scenarios import check
from cinq.ran.scenarios.check import Failed
from cinq.transport.raw import SCTP, Foreign, sctp_init

CASE = Case(
    "SCAS-33117-4.3.3.1.1",
    requirement="Packets whose source is not reachable through the interface that they came in by are dropped "
    "(reverse path filtering, RFC 3704).",
    threat="A host of one network speaks in the name of another that the product trusts.",
)
CASE.not_yet("A", "the source of one leg on the other", "second leg")
MARTIANS = ("127.0.0.1", "224.0.0.1", "255.255.255.255")
EACH = 20
COUNTED = (
    "sh",
    "-c",
    "cat /proc/net/stat/rt_cache; grep ^TcpExt: /proc/net/netstat; grep ^Ip: /proc/net/snmp",
)


def counted(said: str) -> int:
    """Packets that the host has dropped for their addresses: martians, and those of the reverse path filter."""
    lines = [line.split() for line in said.splitlines() if line]
    total = 0
    for head, row in itertools.pairwise(lines):
        if head[0] == row[0] and head[0].endswith(":"):
            named = dict(zip(head, row, strict=False))
            total += sum(int(named.get(key, 0)) for key in ("IPReversePathFilter", "InAddrErrors"))
    table = [line for line in lines if not line[0].endswith(":")]
    for row in table[1:]:
        named = dict(zip(table[0], row, strict=False))
        total += sum(int(named.get(key, "0"), 16) for key in ("in_martian_src", "in_martian_dst"))
    return total


@CASE.sub(
    "martian",
    "sources that nobody can have, and the product's own",
    needs=("host",),
    beyond=True,
    limit="the host's own counters tell",
)
async def martian(trial: Trial) -> None:
    await reachable(trial)
    for address, interfaces in places(trial).items():
        with trial.control(f"{address} ({interfaces}) is reached over a link"):
            there = IPv4Address(address).is_loopback or address == own(trial)
            check.that(not there, "the bench is on the target's own host, where no packet is looked at")
        for source in (*MARTIANS, address):
            before = counted(await trial.on_host(*COUNTED))
            try:
                with closing(Foreign()) as socket:
                    for _ in range(EACH):
                        socket.send(source, address, SCTP, sctp_init(trial.target.core.amf_port))
            except OSError as error:
                raise Failed(f"the bench cannot: {error}") from None
            trial.step(f"{EACH} SCTP INITs of {source} to {address} ({interfaces})")
            with trial.control("they left"):
                check.equal(socket.dropped, 0, "packets that the bench's host did not let out")
            await trial.settle()
            with trial.finding(f"the host drops packets of {source} for their source") as seen:
                more = counted(await trial.on_host(*COUNTED)) - before
                seen.text = f"{more} more are counted"
                check.that(more >= EACH, f"{seen.text} of {EACH}")
    await reachable(trial)
