"""TS 33.117 §4.2.6.2.3 and §4.2.6.2.4 TC_GTP-C_FILTERING, TC_GTP-U_FILTERING: by sender and by message."""

from __future__ import annotations

from ipaddress import IPv4Address

from cinq.assurance.case import Case
from cinq.assurance.cases.ts33117.tc_packet_filtering import TRIED, counted
from cinq.assurance.packets import answered, own
from cinq.assurance.trial import Trial
from cinq.ran.scenarios import check
from cinq.ran.scenarios.check import NotApplicable
from cinq.wire import gtpu

THREAT = "A host that has no business with the product ends tunnels, or learns of them."
GTPC_PORT, GTPU_PORT = 2123, gtpu.PORT
APART = 31  # an address where the bench has no gNB: so much above the first
GTPC_ECHO = bytes.fromhex("40010009000001000300010000")  # TS 29.274 §5.1: Echo Request with Recovery 0
U = Case(
    "SCAS-33117-4.2.6.2.4",
    requirement="The product, or an entity that it is documented to need, accepts, drops and counts GTP-U messages by "
    "their kind and sender.",
    threat=THREAT,
)
C = Case(
    "SCAS-33117-4.2.6.2.3",
    requirement="The product, or an entity that it is documented to need, accepts, drops and counts GTP-C messages by "
    "their kind and sender.",
    threat=THREAT,
)
CONDITION = (
    "where the product is documented to need a filter of another entity, that entity is what is tested"
)


async def by_sender(trial: Trial, to: IPv4Address, port: int, echo: bytes) -> None:
    """Echo Requests of IP1 are answered, those of IP2 are dropped and counted."""
    with trial.control("without the rule Echo Requests of both addresses of the bench are answered"):
        for number in range(2):
            check.that(await answered(trial, to, port, echo, number), f"none comes to {own(trial, number)}")
    await trial.turn("packet_filter", rule="udp-from", address=own(trial), port=str(port))
    said = ""
    try:
        with trial.control(f"an Echo Request of IP1, {own(trial)}, is answered"):
            check.that(await answered(trial, to, port, echo), "none comes")
        with trial.finding(f"Echo Requests of IP2, {own(trial, 1)}, are not"):
            for _ in range(TRIED):
                check.that(not await answered(trial, to, port, echo, 1), "an answer comes")
    finally:
        said = await trial.turn("packet_filter", rule="none", address="", port="")
    counted(trial, said, TRIED)
    with trial.control("without the rule IP2 is answered again"):
        check.that(await answered(trial, to, port, echo, 1), "none comes")


async def by_message(trial: Trial, to: IPv4Address, port: int, echo: bytes, other: bytes) -> None:
    """Echo Requests are answered, other messages are dropped and counted.

    What answers a message of a tunnel goes to the port of the protocol (TS 29.281 §4.4.2.3), at an address of its own.
    """

    async def told() -> bool:
        return await answered(trial, to, port, other, APART, own_port=port)

    with trial.control("without the rule a message for a tunnel that nobody has is answered"):
        check.that(await told(), "none comes")
    await trial.turn("packet_filter", rule="gtpu-echo", address="", port=str(port))
    said = ""
    try:
        with trial.control("an Echo Request is answered"):
            check.that(await answered(trial, to, port, echo), "none comes")
        with trial.finding("other messages are not"):
            for _ in range(TRIED):
                check.that(not await told(), "an answer comes")
    finally:
        said = await trial.turn("packet_filter", rule="none", address="", port="")
    counted(trial, said, TRIED)


def n3(trial: Trial) -> IPv4Address:
    """NotApplicable: it is of IPv6 alone."""
    address = check.present(trial.target.interfaces.n3, "interfaces.n3")
    if not isinstance(address, IPv4Address):
        raise NotApplicable("an address of IPv4 on N3")
    return address


ECHO = gtpu.encode(gtpu.EchoRequest(sequence=1))
STRANGE = gtpu.encode(gtpu.GPdu(teid=0x7FFFFFF1, payload=bytes(20)))


@U.sub("sender", "Echo Requests of one sender alone", needs=("n3", "packet_filter"), limit=CONDITION)
async def gtpu_by_sender(trial: Trial) -> None:
    await by_sender(trial, n3(trial), GTPU_PORT, ECHO)


@U.sub("message", "Echo Requests alone", needs=("n3", "packet_filter"), limit=CONDITION)
async def gtpu_by_message(trial: Trial) -> None:
    await by_message(trial, n3(trial), GTPU_PORT, ECHO, STRANGE)


@C.sub(
    "sender", "Echo Requests of one sender alone", needs=("packet_filter",), feature="gtpc", limit=CONDITION
)
async def gtpc_by_sender(trial: Trial) -> None:
    await by_sender(trial, trial.target.core.amf_address, GTPC_PORT, GTPC_ECHO)
