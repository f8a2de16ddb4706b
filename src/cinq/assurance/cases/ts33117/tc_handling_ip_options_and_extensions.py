"""TS 33.117 §4.2.4.1.1.3 TC_HANDLING-IP-OPTIONS-AND-EXTENSIONS: packets with IP options are dropped."""

from __future__ import annotations

from cinq.assurance.case import Case
from cinq.assurance.packets import answers_init, reachable
from cinq.assurance.trial import Trial
from cinq.ran.scenarios import check

CASE = Case(
    "SCAS-33117-4.2.4.1.1.3",
    requirement="A filter drops IP packets with options or extension headers that nobody needs (RFC 791 §3.1).",
    threat="By source routing and recording a host on the transport goes round the network's filters, or maps it.",
)
LOOSE, STRICT, ROUTING = 0x83, 0x89, ("loose source routing", "strict source routing")
OTHERS = {
    "record route": b"\x07\x07\x04\0\0\0\0\0",
    "time stamp": b"\x44\x08\x05\0\0\0\0\0",
    "router alert": b"\x94\x04\0\0",
    "no operation": b"\x01\x01\x01\0",
}


def options(trial: Trial) -> dict[str, bytes]:
    """Each with an end of the list. A source route goes by the target's own address, so that it ends there."""
    hop = trial.target.core.amf_address.packed
    routes = {
        name: bytes((kind, 7, 4)) + hop + b"\0" for name, kind in zip(ROUTING, (LOOSE, STRICT), strict=True)
    }
    return {**routes, **OTHERS}


@CASE.sub(
    "4",
    "IPv4 packets with options while the filter is on",
    needs=("packet_filter",),
    limit="on N2, where SCTP is",
)
async def filtered(trial: Trial) -> None:
    await reachable(trial)
    await trial.turn("packet_filter", rule="options", address="", port="")
    try:
        with trial.control("with the filter a packet without options is answered"):
            check.that(await answers_init(trial), "no INIT ACK comes")
        for name, octets in options(trial).items():
            with trial.finding(f"an SCTP INIT in a packet with the option {name} is not answered"):
                check.that(not await answers_init(trial, octets), "INIT ACK comes")
    finally:
        await trial.turn("packet_filter", rule="none", address="", port="")
    await reachable(trial)


@CASE.sub("routing", "packets with a source route, without any filter", beyond=True)
async def source_routes(trial: Trial) -> None:
    await reachable(trial)
    for name in ROUTING:
        with trial.finding(f"an SCTP INIT in a packet with the option {name} is not answered"):
            check.that(not await answers_init(trial, options(trial)[name]), "INIT ACK comes")
    await reachable(trial)


CASE.not_yet("6", "IPv6 packets with extension headers", "second leg")
