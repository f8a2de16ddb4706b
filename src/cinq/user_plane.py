"""One UPF put together: N4, data plane, N6. `cinq upf` runs one alone, a network has one in itself."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from cinq import functions, protection, upf_state
from cinq.eligibility.gate import OPEN, Gate
from cinq.nf import upf
from cinq.procedure import Clock, Journal, RealClock
from cinq.procedure.store import Store
from cinq.settings.upf import UpfSettings
from cinq.settings.user_plane import Upf
from cinq.trace import stream
from cinq.transport import metrics, privilege, udp
from cinq.transport.log_store import LogStore
from cinq.userplane.host import Host
from cinq.userplane.open import open_plane
from cinq.userplane.rules import Plane, PlaneSettings

LEAVE_S = 1.0  # what SMFs get to release their associations when a UPF stops


class UserPlane:
    """`open` builds it; `undo` of the caller takes it down. n4: its socket."""

    def __init__(
        self,
        settings: upf.Settings,
        n4: udp.UdpEndpoint,
        clock: Clock,
        journal: Journal,
        gate: Gate,
        store: Store | None,
    ) -> None:
        self.n4 = n4
        self.upf = upf.UPF(settings, n4, clock, os.urandom, journal, gate, store)
        self.plane: Plane

    @classmethod
    async def open(
        cls,
        settings: upf.Settings,
        plane: PlaneSettings,
        port: int,
        host_journal: Path,
        clock: Clock,
        journal: Journal,
        undo: contextlib.AsyncExitStack,
        gate: Gate = OPEN,
        store: Store | None = None,
    ) -> UserPlane:
        """port: of N4. gate: which SMFs may have an association. store: with it sessions outlive the process, and
        packets where the plane can. OSError: the host or another program is in the way."""
        n4 = await udp.endpoint(str(settings.node_id), port, lambda octets, peer: None)
        undo.callback(n4.close)
        made = cls(settings, n4, clock, journal, gate, store)
        made.plane = open_plane(plane, made.upf, host_journal)
        undo.callback(made.plane.close if store is None else made.plane.leave)
        made.upf.start(made.plane)
        undo.push_async_callback(made.upf.stop)
        n4.on_datagram = made.upf.n4_received
        return made

    async def show(self, s: Upf, control: Path, undo: contextlib.AsyncExitStack) -> None:
        """What it shows of itself: beside the socket `control`, and to Prometheus where the settings want it."""
        listener = await upf_state.serve(control, self.upf)
        undo.callback(listener.close)
        if s.metrics_address is not None:
            page = metrics.Page(self.upf.metrics)
            await page.listen(str(s.metrics_address), s.metrics_port)
            undo.callback(page.close)


class Node:
    """A UPF in a process of its own."""

    def __init__(self, settings: UpfSettings, journal: Journal) -> None:
        self.settings, self.journal = settings, journal
        self._undo = contextlib.AsyncExitStack()
        self._user_plane: UserPlane | None = None

    @classmethod
    async def start(cls, settings: UpfSettings, journal: Journal | None = None) -> Node:
        """A UPF that is ready for SMFs. TransportError or OSError: what is in the way; nothing is left behind."""
        node = cls(settings, journal or Journal())
        try:
            await node._start()
        except BaseException:
            await node.stop()
            raise
        return node

    async def _start(self) -> None:
        s = self.settings
        privilege.require({"CAP_NET_ADMIN": "interfaces, routes and forwarding of the UPF"})
        s.state.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        s.state.run.mkdir(parents=True, exist_ok=True, mode=0o700)
        protection.of_upf(s, self._undo)
        store = None
        if s.node.survives:
            store = LogStore(self._store_file())
            self._undo.callback(store.close)
        self._user_plane = await UserPlane.open(
            functions.of_a_upf(s),
            functions.of_a_plane(s),
            s.upf.n4_port,
            self._host_journal(),
            RealClock(),
            self.journal,
            self._undo,
            store=store,
        )
        await self._user_plane.show(s.upf, s.control, self._undo)
        addresses = {"UPF": str(s.upf.n4_address), "UPF N3": str(s.upf.n3_address)}
        if s.upf.n3_ipv6_address is not None:
            addresses["UPF N3 IPv6"] = str(s.upf.n3_ipv6_address)
        listener = await stream.serve(str(s.control), self.journal, s.node.name, addresses)
        self._undo.callback(listener.close)

    def _host_journal(self) -> Path:
        return (
            self.settings.state.folder / f"{functions.instance_of(self.settings.node.name)}-host-changes.json"
        )

    def _store_file(self) -> Path:
        return self.settings.state.run / f"{functions.instance_of(self.settings.node.name)}-sessions"

    async def stop(self) -> None:
        """Idempotent. A UPF that survives leaves its sessions as they are; another tells its SMFs, and restores the
        host."""
        if self._user_plane is not None and not self.settings.node.survives:
            await self._user_plane.upf.leave(LEAVE_S)
        await self._undo.aclose()

    def remove(self) -> list[str]:
        """What a UPF that survives has left behind goes: what it was. host.Busy: it runs."""
        host = Host(self._host_journal(), adopt=True)
        changes = host.changes()
        host.close()
        self._store_file().unlink(missing_ok=True)
        return changes

    def facts(self) -> dict[str, object]:
        """What a user wants to know of a UPF that is ready."""
        s = self.settings
        plane = None if self._user_plane is None else self._user_plane.plane
        return {
            "name": s.node.name,
            "data_plane": "no" if plane is None else plane.kind,
            "n3": ", ".join(map(str, s.upf.n3.all)),
            "n4": f"{s.upf.n4_address}:{s.upf.n4_port}",
            "smfs": [str(each) for each in s.upf.smf_addresses],
            "dnns": "; ".join(f"DNN {d.name} {d.pool}" for d in s.dnn),
            "control": str(s.control),
            "packets_go_on": plane is not None and plane.survives,
            "host_changes": [] if plane is None else list(plane.changes()),
        }
