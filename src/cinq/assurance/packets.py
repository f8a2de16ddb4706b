"""The bench as a host on the transport: packets of its own making, from addresses of its own."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator
from contextlib import closing, contextmanager
from ipaddress import IPv4Address

from cinq.assurance.trial import Trial
from cinq.ran.scenarios import check
from cinq.ran.scenarios.check import Failed
from cinq.transport import udp
from cinq.transport.raw import ICMP, SCTP, Raw, accepts, checksum, payload_of, sctp_init, source_of

ECHO_REPLY, UNREACHABLE, REDIRECT, ECHO, TIMESTAMP, TIMESTAMP_REPLY = 0, 3, 5, 8, 13, 14
IDENTIFIER = 0xC10C
WAIT_S = 1.0  # a datagram that has not been answered by then is not
NOWHERE = bytes((203, 0, 113, 1))  # RFC 5737: in a packet that an ICMP error would be about


def own(trial: Trial, number: int = 0) -> str:
    """An address of the bench."""
    return str(trial.target.radio.n3_address + number)


def places(trial: Trial) -> dict[str, str]:
    """The target's IPv4 addresses, each with the interfaces that it is of."""
    where, found = trial.target.interfaces, dict[str, str]()
    for name, address in (("N2", trial.target.core.amf_address), ("N3", where.n3), ("N4", where.n4)):
        if isinstance(address, IPv4Address):
            key = str(address)
            found[key] = f"{found[key]} {name}" if key in found else name
    return found


@contextmanager
def raw(trial: Trial, protocol: int, number: int = 0, *, broadcast: bool = False) -> Iterator[Raw]:
    """Failed: this host cannot."""
    try:
        socket = Raw(own(trial, number), protocol, broadcast=broadcast)
    except OSError as error:
        raise Failed(f"the bench cannot: {error}") from None
    with closing(socket):
        yield socket


async def answers_init(trial: Trial, options: bytes = b"", number: int = 0, port: int | None = None) -> bool:
    """Whether the AMF's address answers an SCTP INIT, of a packet with these IP options, by INIT ACK."""
    core = trial.target.core
    with raw(trial, SCTP, number) as socket:
        init = sctp_init(core.amf_port if port is None else port)
        return await socket.answer(init, str(core.amf_address), accepts, options) is not None


async def reachable(trial: Trial) -> None:
    """A control: what the bench sends from this address comes to the target, and its answers come back."""
    with trial.control(f"the AMF answers an SCTP INIT from {own(trial)}"):
        check.that(await answers_init(trial), "no INIT ACK comes")


def icmp(kind: int, code: int = 0, body: bytes = b"") -> bytes:
    """A message of any type (RFC 792): as a query with an identifier, as an error about a packet to nowhere."""
    about = struct.pack("!BBHHHBBH", 0x45, 0, 28, 1, 0, 64, 17, 0) + NOWHERE + NOWHERE + bytes(8)
    rest = struct.pack("!HH", IDENTIFIER, 1) if kind not in (3, 4, 5, 11, 12) else NOWHERE
    message = bytes((kind, code, 0, 0)) + rest + (body or (about if kind in (3, 4, 5, 11, 12) else bytes(12)))
    return message[:2] + checksum(message) + message[4:]


def icmp_from(packets: list[bytes], address: str | None) -> list[int]:
    """The types of the ICMP messages that came from there; None: from anywhere."""
    found = []
    for packet in packets:
        payload = payload_of(packet)
        if payload and (address is None or source_of(packet) == address):
            found.append(payload[0])
    return found


async def pinged(trial: Trial, address: str, number: int = 0) -> bool:
    """Whether an Echo Request from an own address is answered."""
    with raw(trial, ICMP, number) as socket:
        answer = await socket.answer(icmp(ECHO), address, lambda payload: payload[:1] == bytes((ECHO_REPLY,)))
        return answer is not None


async def answered(
    trial: Trial,
    to: IPv4Address,
    port: int,
    octets: bytes,
    number: int = 0,
    source: str = "",
    own_port: int = 0,
) -> bool:
    """Whether anything comes back to a datagram from an own address, from whichever: a service of all addresses may
    answer from another. Failed: the bench has no place there."""
    came: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def heard(answer: bytes, peer: udp.Address) -> None:
        if not came.done():
            came.set_result(answer)

    try:
        end = await udp.endpoint(source or own(trial, number), own_port, heard)
    except OSError as error:
        raise Failed(f"the bench cannot: {error}") from None
    with closing(end):
        end.send(octets, (str(to), port))
        done, _ = await asyncio.wait({came}, timeout=WAIT_S)
        return bool(done)
