"""TS 33.117 §4.2.4.1.1.2 TC_HANDLING_OF_ICMP: messages that nobody needs draw no answer and change nothing."""

from __future__ import annotations

from cinq.assurance.case import Case
from cinq.assurance.packets import ECHO, ECHO_REPLY, REDIRECT, icmp, icmp_from, own, places, raw, reachable
from cinq.assurance.trial import Trial
from cinq.ran.scenarios import check
from cinq.transport.raw import ICMP

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


CASE.not_yet("6", "ICMPv6: router messages and redirects", "second leg")
