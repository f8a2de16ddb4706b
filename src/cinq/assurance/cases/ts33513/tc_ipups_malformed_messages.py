"""TS 33.513 §4.2.2.8 TC_IPUPS_MALFORMED_MESSAGES: broken GTP-U is discarded, and harms nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from cinq.assurance.case import Case
from cinq.assurance.n3 import address_of, echo_request, tokens, tunnel_of, uplink
from cinq.assurance.trial import QUIET_S, Trial
from cinq.ran.scenarios import check
from cinq.wire import gtpu

CASE = Case(
    "SCAS-33513-4.2.2.8",
    requirement="Malformed GTP-U messages are discarded; the UPF serves on (TS 33.501 §5.9.3.4, TS 29.281 §5).",
    threat="A broken packet ends the user plane of all, or passes where a whole one would not.",
)
HEADER = 8
LAST = 0x00  # no more extension headers

CASE.not_yet("N9", "malformed GTP-U on N9", "bench H-UPF", feature="ipups")


def spoilt(whole: bytes, token_length: int) -> Iterator[tuple[str, bytes]]:
    """What a G-PDU that carries a ping becomes when its header lies: what, and the octets. None of them is whole.

    whole: flags, type, length and TEID, then sequence number, N-PDU number and next extension header, then extensions.
    """
    for version in (0, 2, 3, 7):
        yield f"version {version}", bytes((version << 5 | whole[0] & 0x1F,)) + whole[1:]
    yield "protocol type GTP'", bytes((whole[0] & 0xEF,)) + whole[1:]
    length = int.from_bytes(whole[2:4], "big")
    for more in (1, 100, 0xFFFF - length):
        yield (
            f"a length of {more} octets more than there are",
            whole[:2] + (length + more).to_bytes(2, "big") + whole[4:],
        )
    for cut in (1, HEADER - 1, HEADER, HEADER + 3):
        yield f"cut after {cut} octets", whole[:cut]
    yield "cut within the packet", whole[: -token_length - 4]
    first = HEADER + 4  # where the first extension header begins
    yield "an extension header of length 0", whole[:first] + b"\0" + whole[first + 1 :]
    yield "an extension header longer than the message", whole[:first] + b"\xff" + whole[first + 1 :]
    yield (
        "an extension header that must be understood and is not",
        whole[: first - 1] + b"\xff" + whole[first:],
    )
    yield (
        "chained extension headers without an end",
        whole[:HEADER] + bytes(3) + b"\x85" + b"\x01\x10\x09\x85" * 64,
    )
    yield "an inner packet of IP version 0", whole[: first + 4] + b"\x05" + whole[first + 5 :]
    yield "an inner packet without a header", whole[: first + 4]


@CASE.sub("N3", "malformed GTP-U on N3", needs=("n6",), beyond=True)
async def on_n3(trial: Trial) -> None:
    bench, plane = trial.bench, check.present(trial.lab.user_plane, "the bench's end of N3")
    to = check.present(trial.target.interfaces.n6, "interfaces.n6")
    gnb = await bench.gnb()
    ue = await trial.with_session(gnb)
    tunnel, source = tunnel_of(gnb, ue), address_of(ue)
    with trial.control("a whole G-PDU with a ping is answered"):
        check.present(await plane.ping(gnb, ue, to, QUIET_S), "the echo")
    since, made = len(plane.heard), dict[bytes, str]()
    for number in range(sum(1 for _ in spoilt(bytes(64), 16))):
        token = b"malformed %6d" % number
        message = uplink(tunnel, echo_request(source, to, token))
        whole = gtpu.encode(message)
        what, octets = list(spoilt(whole, len(token)))[number]
        made[token] = what
        trial.step(f"{what}: {octets[:24].hex()}{'...' if len(octets) > 24 else ''}")
        await plane.send(gnb, octets, tunnel.upf)
    await asyncio.sleep(QUIET_S)
    with trial.finding("none of their pings is answered"):
        passed = sorted(made[token] for token in tokens(plane.heard[since:]) if token in made)
        check.equal(passed, [], "what passed")
    with trial.finding("behind them a whole G-PDU of the same session is answered"):
        check.present(await plane.ping(gnb, ue, to, QUIET_S), "the echo")
