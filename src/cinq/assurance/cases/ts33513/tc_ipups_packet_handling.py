"""TS 33.513 §4.2.2.7 TC_IPUPS_PACKET_HANDLING: packets of a tunnel that is nobody's go nowhere."""

from __future__ import annotations

import asyncio

from cinq.assurance.case import Case
from cinq.assurance.n3 import address_of, echo_request, tokens, tunnel_of, uplink
from cinq.assurance.trial import QUIET_S, Trial
from cinq.ran.scenarios import check
from cinq.wire import gtpu

CASE = Case(
    "SCAS-33513-4.2.2.7",
    requirement="Only packets of an F-TEID that was assigned are forwarded (TS 33.501 §5.9.3.4; TS 29.281 §7.3.1).",
    threat="Who reaches the user plane guesses tunnels, and sends into the network as anybody.",
)
TRIED = 50

CASE.not_yet("N9", "G-PDUs of an unassigned F-TEID on N9", "bench H-UPF", feature="ipups")


@CASE.sub("N3", "G-PDUs of unassigned TEIDs on N3", needs=("n6",), beyond=True)
async def on_n3(trial: Trial) -> None:
    bench, plane = trial.bench, check.present(trial.lab.user_plane, "the bench's end of N3")
    to = check.present(trial.target.interfaces.n6, "interfaces.n6")
    gnb = await bench.gnb()
    ue = await trial.with_session(gnb)
    tunnel, source = tunnel_of(gnb, ue), address_of(ue)
    with trial.control("a ping in the session's own tunnel is answered"):
        check.present(await plane.ping(gnb, ue, to, QUIET_S), "the echo")
    since = len(plane.heard)
    trial.step(f"{TRIED} pings of the UE in tunnels that nobody has, from the gNB's address")
    sent = [b"unassigned %5d" % number for number in range(TRIED)]
    for number, token in enumerate(sent):
        message = uplink(
            tunnel, echo_request(source, to, token), (tunnel.ul_teid + 1 + number * 9973) % (1 << 32)
        )
        await plane.send(gnb, gtpu.encode(message), tunnel.upf)
    await asyncio.sleep(QUIET_S)
    with trial.finding("none of them is answered"):
        answered = tokens(plane.heard[since:]) & set(sent)
        check.equal(len(answered), 0, "echoes that came")
    with trial.control("behind them a ping in the session's own tunnel is answered"):
        check.present(await plane.ping(gnb, ue, to, QUIET_S), "the echo")
