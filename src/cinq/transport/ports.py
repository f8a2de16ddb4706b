"""Which ports of an address answer, as somebody on the network sees it."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager

AT_ONCE = 200
TCP_S = 1.0  # a port that has not answered a SYN by then is filtered
UDP_S = 1.0  # an ICMP error has come by then
PAUSE_S = 1.2  # by then a host may send another


async def open_tcp(address: str, ports: Iterable[int], at_once: int = AT_ONCE) -> set[int]:
    """Ports where something accepts a connection; each is closed at once. OSError: this host cannot try."""
    found, waiting = set[int](), iter(ports)

    async def worker() -> None:
        for port in waiting:
            if await _accepts(address, port):
                found.add(port)

    await asyncio.gather(*(worker() for _ in range(at_once)))
    return found


async def _accepts(address: str, port: int) -> bool:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as own:
        own.setblocking(False)
        try:
            async with asyncio.timeout(TCP_S):
                await asyncio.get_running_loop().sock_connect(own, (address, port))
        except OSError as error:
            if error.errno in (errno.EADDRNOTAVAIL, errno.EMFILE, errno.ENOBUFS, errno.EPERM):
                raise
            return False
        return bool(own.getpeername() != own.getsockname())  # a connection of a port with itself is none


async def silent_udp(address: str, ports: Iterable[int]) -> set[int]:
    """Ports from which no 'port unreachable' comes: something is there, or a filter is.

    One datagram of one octet goes to each. A host sends few such errors (Linux a burst of six, then one in a second to
    each address), so the silent ones are asked again, slowly, until a round finds no more of them closed.
    """
    silent, before = [port for port in ports if await _is_silent(address, port)], 0
    while silent and len(silent) != before:
        before, again = len(silent), silent
        silent = []
        for port in again:
            await asyncio.sleep(PAUSE_S)
            if await _is_silent(address, port):
                silent.append(port)
    return set(silent)


async def _is_silent(address: str, port: int) -> bool:
    loop = asyncio.get_running_loop()
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as own:
        own.setblocking(False)
        own.connect((address, port))
        try:
            async with asyncio.timeout(UDP_S):
                await loop.sock_sendall(own, b"\0")
                await loop.sock_recv(own, 1)
        except ConnectionRefusedError:
            return False
        except TimeoutError:
            pass
        return True


@contextmanager
def listening_tcp(address: str) -> Iterator[int]:
    """A TCP port that is open meanwhile: what a scan has to find."""
    with closing(socket.create_server((address, 0), family=socket.AF_INET, backlog=8)) as own:
        yield own.getsockname()[1]


@contextmanager
def listening_udp(address: str) -> Iterator[int]:
    """A UDP port that is open meanwhile."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as own:
        own.bind((address, 0))
        yield own.getsockname()[1]
