"""A site at the street with a UPF and a server of its own, a long wire to the core, and the internet behind that.

radio                 edge                           haul           core                    dn
gnb0 10.77.0.2 ---- n3 10.77.0.1   n9 10.79.0.2 ---- (delay) ---- n2 10.79.0.1  n6 10.78.0.1 ---- eth0 10.78.0.2
                      n6 10.81.0.1
                        |
                      eth0 10.81.0.2  local
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from ipaddress import IPv4Address

from cinq.lab.topology import PREFIX, Topology
from cinq.transport import netns
from cinq.transport.netlink import Netlink

GNB, EDGE_N3 = IPv4Address("10.77.0.2"), IPv4Address("10.77.0.1")
EDGE, CORE = IPv4Address("10.79.0.2"), IPv4Address("10.79.0.1")
CORE_N6, INTERNET = IPv4Address("10.78.0.1"), IPv4Address("10.78.0.2")
EDGE_N6, LOCAL = IPv4Address("10.81.0.1"), IPv4Address("10.81.0.2")


@dataclass
class EdgeTopology(Topology):
    """Use as a context manager. delay_ms: of the wire, one way."""

    delay_ms: float = 5.0

    def __post_init__(self) -> None:
        super().__post_init__()
        tag = os.getpid()
        self.edge, self.local, self.haul = (f"{PREFIX}{name}-{tag}" for name in ("edge", "local", "haul"))

    def _make(self) -> None:
        for name in (self.radio, self.edge, self.haul, self.core, self.dn, self.local):
            netns.create(name)
        self._join(self.radio, "gnb0", f"{GNB}/24", self.edge, "n3", f"{EDGE_N3}/24", 1500)
        self._join(self.edge, "n6", f"{EDGE_N6}/24", self.local, "eth0", f"{LOCAL}/24", 1500)
        self._join(self.core, "n6", f"{CORE_N6}/24", self.dn, "eth0", f"{INTERNET}/24", 1500)
        self._wire(self.edge, "n9", f"{EDGE}/24", "near")
        self._wire(self.core, "n2", f"{CORE}/24", "far")
        ways = (
            (self.radio, "default", EDGE_N3),
            (self.local, "default", EDGE_N6),
            (self.core, "default", INTERNET),
            (self.core, f"{EDGE_N3}/32", EDGE),
            (self.core, f"{GNB}/32", EDGE),
            (self.core, f"{LOCAL}/32", EDGE),
        )
        for name, destination, via in ways:
            with Netlink(name) as links:
                links.add_route(destination, via=str(via))
        with Netlink(self.edge) as links:
            links.set_sysctl("net.ipv4.ip_forward", 1)
        self._start_wire()

    def _wire(self, namespace: str, name: str, prefix: str, end: str) -> None:
        """An end of the long wire; what it sends is whole, since nobody on the way finishes it."""
        with Netlink(namespace) as here, Netlink(self.haul) as there:
            here.create_veth(name, end)
            here.move_link(end, self.haul)
            here.add_address(name, prefix)
            here.offload(name, tx=False, tso=False, gso=False)
            here.set_up(name)
            there.offload(end, gro=False)
            there.set_up(end)

    def _start_wire(self) -> None:
        command = [sys.executable, "-m", "cinq.lab.haul", "near", "far", str(self.delay_ms)]
        process = self.start(self.haul, command, stdout=subprocess.PIPE)
        assert process.stdout is not None
        if not process.stdout.readline():
            raise RuntimeError("the long wire did not come up")

    def close(self) -> None:
        super().close()
        for name in (self.edge, self.local, self.haul):
            netns.delete(name)
