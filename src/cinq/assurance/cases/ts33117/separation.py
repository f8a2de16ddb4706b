"""TS 33.117 §4.3.2.2 and §4.3.5.1: a service is reached on its own interface, and nowhere else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address
from typing import NamedTuple

from cinq.assurance.case import Case
from cinq.assurance.cases.ts33117.gtp_filtering import ECHO, GTPU_PORT
from cinq.assurance.packets import answered, own, places
from cinq.assurance.trial import Trial
from cinq.ran.scenarios import check
from cinq.ran.scenarios.check import Failed
from cinq.transport.raw import open_sctp
from cinq.wire import pfcp

REACH = Case(
    "SCAS-33117-4.3.2.2",
    requirement="Services are bound to the interfaces where they are used, and to their legitimate peers.",
    threat="The user plane's network reaches the control plane's services.",
)
SEPARATE = Case(
    "SCAS-33117-4.3.5.1",
    requirement="Traffic of one network domain is refused on the interfaces of another (RFC 3871).",
    threat="Who has a foothold in one domain goes on into the next.",
)
HEARTBEAT = pfcp.encode(pfcp.HeartbeatRequest(recovery_time_stamp=1_000_000), sequence=1)


class Service(NamedTuple):
    """asked: whether it answers at an address."""

    name: str
    domain: str
    home: IPv4Address
    asked: Callable[[Trial, IPv4Address], Awaitable[bool]]


async def ngap_answers(trial: Trial, address: IPv4Address) -> bool:
    try:
        return bool(await open_sctp(own(trial), str(address), (trial.target.core.amf_port,)))
    except OSError as error:
        raise Failed(f"the bench cannot: {error}") from None


async def gtpu_answers(trial: Trial, address: IPv4Address) -> bool:
    return await answered(trial, address, GTPU_PORT, ECHO)


async def pfcp_answers(trial: Trial, address: IPv4Address) -> bool:
    """From the bench SMF's address, where there is one: a UPF may answer no other."""
    return await answered(trial, address, pfcp.PORT, HEARTBEAT)


def services(trial: Trial) -> list[Service]:
    where, core = trial.target.interfaces, trial.target.core
    found = [Service("NGAP", "N2", core.amf_address, ngap_answers)]
    if isinstance(where.n3, IPv4Address):
        found.append(Service("GTP-U", "N3", where.n3, gtpu_answers))
    if where.n4 is not None:
        found.append(Service("PFCP", "N4", where.n4, pfcp_answers))
    return found


async def apart(trial: Trial, wanted: Callable[[Service, str], bool]) -> None:
    """Each service at home, and at each address of another interface. wanted: which pairs are asked."""
    asked = 0
    for service in services(trial):
        for address, interfaces in places(trial).items():
            if address == str(service.home) or not wanted(service, interfaces):
                continue
            asked += 1
            with trial.finding(
                f"{service.name} of {service.domain} is not reached at {address} ({interfaces})"
            ):
                check.that(not await service.asked(trial, IPv4Address(address)), "it answers there")
    with trial.control(
        "services and interfaces have addresses of their own, and one answers at home"
    ) as seen:
        check.that(asked > 0, "every service of this target is at one address: nothing is apart")
        home = [one.name for one in services(trial) if await one.asked(trial, one.home)]
        check.that(bool(home), "none answers")
        seen.text = f"{' '.join(home)} at home"


@REACH.sub("A", "each service at the addresses of the other interfaces")
async def reach(trial: Trial) -> None:
    await apart(trial, lambda service, interfaces: True)


@SEPARATE.sub(
    "A",
    "control plane against user plane",
    needs=("n3",),
    limit="management networks are for an OAM client to ask",
)
async def domains(trial: Trial) -> None:
    await apart(trial, lambda service, interfaces: (service.domain == "N3") != ("N3" in interfaces))


SEPARATE.not_yet("B", "management against control and user plane", "OAM client")
