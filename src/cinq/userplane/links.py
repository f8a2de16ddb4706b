"""The interfaces of Ethernet sessions: TAPs, which a host puts into its bridges or its namespaces as it likes.

A frame that a TAP gives is whole: the kernel has finished its checksums and put its VLAN tag in.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass

from cinq.transport import netns
from cinq.transport.netlink import Netlink
from cinq.userplane import tap
from cinq.userplane.host import Host
from cinq.userplane.ue_side import quieten

AT_ONCE = 128
QUEUE = 4096


@dataclass(frozen=True, slots=True)
class _Open:
    fd: int
    name: str


class Links:
    """received: a frame from the interface of a link."""

    def __init__(
        self, host: Host, loop: asyncio.AbstractEventLoop, received: Callable[[str, bytes], None], mtu: int
    ) -> None:
        """mtu: octets of a frame's payload."""
        self._host, self._loop, self._received, self._mtu = host, loop, received, mtu
        self._open: dict[str, _Open] = {}

    def add(self, link: str, name: str, namespace: str | int | None = None, *, quiet: bool = False) -> None:
        """A TAP of this name, in our namespace or another. quiet: the kernel says nothing of its own on it.

        TransportError or OSError: it cannot be.
        """
        fd = self._host.device(name, f"TAP of {link}", lambda: tap.open_device(name, ethernet=True))
        try:
            if quiet:
                quieten(name)
            if namespace is not None:
                there = netns.open_of(namespace)
                try:
                    self._host.links.move_link(name, there)
                    with Netlink(there) as links:
                        links.set_up(name, mtu=self._mtu, queue=QUEUE)
                finally:
                    os.close(there)
            else:
                self._host.links.set_up(name, mtu=self._mtu, queue=QUEUE)
        except BaseException:
            os.close(fd)
            raise
        self._open[link] = _Open(fd, name)
        self._loop.add_reader(fd, self._read, link, fd)

    def _read(self, link: str, fd: int) -> None:
        for _ in range(AT_ONCE):
            try:
                frame = os.read(fd, 65536)
            except OSError:
                return
            self._received(link, frame)

    def write(self, link: str, frame: bytes) -> None:
        """Best effort, as a wire is."""
        found = self._open.get(link)
        if found is not None:
            try:
                os.write(found.fd, frame)
            except OSError:
                return

    def remove(self, link: str) -> None:
        """Idempotent."""
        found = self._open.pop(link, None)
        if found is not None:
            self._loop.remove_reader(found.fd)
            os.close(found.fd)

    def close(self) -> None:
        for link in list(self._open):
            self.remove(link)
