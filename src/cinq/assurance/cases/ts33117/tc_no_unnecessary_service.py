"""TS 33.117 §4.3.2.1 TC_NO_UNNECESSARY_SERVICE: none but the services that are needed, also after a restart."""

from __future__ import annotations

from cinq.assurance.case import Case
from cinq.assurance.cases.ts33117.tc_bvt_port_scanning import EVERY, KNOWN_UDP, by_init, scanned, sees
from cinq.assurance.packets import places
from cinq.assurance.trial import Trial
from cinq.ran.scenarios import check
from cinq.ran.scenarios.check import Failed
from cinq.transport import ports

CASE = Case(
    "SCAS-33117-4.3.2.1",
    requirement="Only services that the product needs run, none of the old unprotected ones, and no others after a "
    "restart.",
    threat="A service that nobody uses and nobody mends is the way in.",
)
OLD_TCP = {
    7: "echo",
    9: "discard",
    13: "daytime",
    19: "chargen",
    21: "FTP",
    23: "telnet",
    79: "finger",
    80: "HTTP",
    113: "ident",
    512: "rexec",
    513: "rlogin",
    514: "rsh",
}
OLD_UDP = {7: "echo", 9: "discard", 13: "daytime", 19: "chargen", 67: "BOOTP", 69: "TFTP", 161: "SNMP"}


async def none_of_the_old(trial: Trial) -> None:
    """Whatever is declared."""
    address_of_bench = str(trial.target.radio.n3_address)
    with ports.listening_tcp(address_of_bench) as opened:
        await sees(trial, ports.open_tcp, opened, "TCP")
    with ports.listening_udp(address_of_bench) as opened:
        await sees(trial, ports.silent_udp, opened, "UDP")
    for address, interfaces in places(trial).items():
        with trial.finding(f"on {address} ({interfaces}) none of the services that are to be off answers"):
            try:
                tcp = await ports.open_tcp(address, OLD_TCP)
                udp = await ports.silent_udp(address, OLD_UDP)
            except OSError as error:
                raise Failed(f"the scan was not possible: {error}") from None
            check.equal([OLD_TCP[port] for port in sorted(tcp)], [], "TCP services")
            check.equal([OLD_UDP[port] for port in sorted(udp)], [], "UDP services")


async def only_declared(trial: Trial) -> None:
    declared = trial.target.interfaces
    await scanned(trial, ports.open_tcp, "TCP", EVERY, declared.tcp)
    await scanned(trial, ports.silent_udp, "UDP", sorted({*KNOWN_UDP, *declared.udp}), declared.udp)
    await scanned(trial, by_init(trial), "SCTP", EVERY, declared.sctp)


@CASE.sub("old", "none of the services that are to be off", within=300)
async def old(trial: Trial) -> None:
    await none_of_the_old(trial)


@CASE.sub("restarted", "only what is declared, after a restart", needs=("restart",), within=1200)
async def restarted(trial: Trial) -> None:
    with ports.listening_tcp(str(trial.target.radio.n3_address)) as opened:
        await sees(trial, ports.open_tcp, opened, "TCP")
    await trial.restart()
    await only_declared(trial)


@CASE.sub("host", "what listens, as the host itself says", needs=("host",))
async def on_the_host(trial: Trial) -> None:
    declared = trial.target.interfaces
    listening: dict[str, set[int]] = {"tcp": set(), "udp": set()}
    with trial.control("the host says what listens") as seen:
        said = await trial.on_host("ss", "-Hlntu")
        for words in map(str.split, said.splitlines()):
            if len(words) > 4 and words[0] in listening and words[4].rpartition(":")[2].isdecimal():
                listening[words[0]].add(int(words[4].rpartition(":")[2]))
        check.that(any(listening.values()), "nothing listens")
        seen.text = f"TCP {sorted(listening['tcp'])}, UDP {sorted(listening['udp'])}"
    with trial.finding("nothing listens on a port that is not declared"):
        check.equal(sorted(listening["tcp"] - set(declared.tcp)), [], "TCP ports")
        check.equal(sorted(listening["udp"] - set(declared.udp)), [], "UDP ports")
