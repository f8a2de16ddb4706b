"""TS 33.117 §4.3.3.1.2 TC_BROADCAST_ICMP_HANDLING: nobody answers what was said to all."""

from __future__ import annotations

from cinq.assurance.case import Case
from cinq.assurance.packets import ECHO, TIMESTAMP, icmp, icmp_from, places, raw, reachable
from cinq.assurance.trial import Trial
from cinq.ran.scenarios import check
from cinq.transport.raw import ICMP

CASE = Case(
    "SCAS-33117-4.3.3.1.2",
    requirement="ICMP echo and timestamp requests to a broadcast address are not answered.",
    threat="One forged packet makes every host of a link answer to a victim.",
)
TRIED = 5


@CASE.sub("A", "echo and timestamp requests to the broadcast address", needs=("broadcast",))
async def broadcast(trial: Trial) -> None:
    to = str(check.present(trial.target.interfaces.broadcast, "interfaces.broadcast"))
    known = places(trial)
    await reachable(trial)
    for kind, name in ((ECHO, "Echo Request"), (TIMESTAMP, "Timestamp")):
        with raw(trial, ICMP, broadcast=True) as socket:
            trial.step(f"{TRIED} times {name} to {to}")
            for _ in range(TRIED):
                socket.send(icmp(kind), to)
            came = await socket.hear(1.0)
            with trial.control("they left"):
                check.equal(socket.dropped, 0, "packets that the host did not let out")
        with trial.finding(f"no address of the target answers the {name} to {to}"):
            answers = {address: icmp_from(came, address) for address in known if icmp_from(came, address)}
            check.equal(answers, {}, "types that came")
    await reachable(trial)
