"""What a plane changes on its host, written down before it is done, so that it can be undone exactly.

The journal file has one JSON line for each change and is locked by the living process. A killed process leaves
its lines; the next start with the same file undoes them first.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
from collections.abc import Callable
from functools import partial
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from cinq.transport import ethtool, netns, privilege
from cinq.transport.netlink import Netlink
from cinq.userplane import cleartext, nft, offload, shared

log = logging.getLogger(__name__)
PROC = Path("/proc/sys")
TURN = PROC / "net/ipv4/ip_forward"
"""Stands for all offloads: who looks at one and switches it holds this file."""
T = TypeVar("T")


class Busy(OSError):
    """Another living process holds the journal: the instance runs already."""


class Sysctl(msgspec.Struct, frozen=True, tag="sysctl"):
    """`name` is the path below /proc/sys; values as the kernel writes them."""

    name: str
    before: str
    after: str

    @property
    def need(self) -> str:
        """What others that live with it need, as shared.py names it."""
        return self.name

    def __str__(self) -> str:
        return f"sysctl {self.name} {self.before} -> {self.after}"

    def undo(self, links: Netlink) -> None:
        path = PROC / self.name
        if path.exists() and path.read_text().strip() == self.after:
            path.write_text(self.before)


class Offload(msgspec.Struct, frozen=True, tag="offload"):
    """An offload of an interface that is not ours, switched off."""

    interface: str
    feature: Literal["tx", "tso", "gso"]

    @property
    def need(self) -> str:
        return f"offload/{self.interface}/{self.feature}"

    def __str__(self) -> str:
        return f"offload {self.interface} {self.feature} on -> off"

    def undo(self, links: Netlink) -> None:
        if links.has_link(self.interface):
            offload.switch(self.interface, self.feature, True)


class Link(msgspec.Struct, frozen=True, tag="link"):
    """An interface that we made, with its routes and addresses."""

    name: str

    def __str__(self) -> str:
        return f"interface {self.name} made"

    def undo(self, links: Netlink) -> None:
        links.delete_link(self.name, missing_ok=True)


class Table(msgspec.Struct, frozen=True, tag="table"):
    """An nftables table of ours (family inet)."""

    name: str
    what: str = ""

    def __str__(self) -> str:
        return f"nftables table inet {self.name} made: {self.what}"

    def undo(self, links: Netlink) -> None:
        nft.delete_table(self.name)


class Rule(msgspec.Struct, frozen=True, tag="rule"):
    """A routing policy rule."""

    source: str
    table: int
    priority: int

    def __str__(self) -> str:
        return f"rule {self.priority}: from {self.source} lookup {self.table}"

    def undo(self, links: Netlink) -> None:
        links.delete_rule(self.priority, self.table, source=self.source)


class Route(msgspec.Struct, frozen=True, tag="route"):
    """A route in a table of ours."""

    destination: str
    table: int
    device: str = ""
    via: str = ""
    kind: Literal["unicast", "throw"] = "unicast"

    def __str__(self) -> str:
        way = f"via {self.via or 'nobody'} on {self.device}" if self.kind == "unicast" else self.kind
        return f"route to {self.destination} in table {self.table}: {way}"

    def undo(self, links: Netlink) -> None:
        device = self.device if self.kind == "unicast" else ""
        links.delete_route(self.destination, device=device, table=self.table, kind=self.kind)


class Device(msgspec.Struct, frozen=True, tag="device"):
    """A TUN or TAP, with its routes: it goes with the descriptor that its plane holds."""

    name: str
    what: str

    def __str__(self) -> str:
        return f"interface {self.name} made: {self.what}"

    def undo(self, links: Netlink) -> None:
        """Nothing is left to do."""


class Namespace(msgspec.Struct, frozen=True, tag="namespace"):
    """A network namespace with a name, that we made."""

    name: str

    def __str__(self) -> str:
        return f"network namespace {self.name} made"

    def undo(self, links: Netlink) -> None:
        netns.delete(self.name)


class Pinned(msgspec.Struct, frozen=True, tag="pinned"):
    """Names in a BPF file system, by which a data plane outlives its process."""

    folder: str

    def __str__(self) -> str:
        return f"BPF maps and programs at {self.folder}"

    def undo(self, links: Netlink) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


Change = Sysctl | Offload | Link | Table | Rule | Route | Device | Namespace | Pinned


def _is_sysctl(change: Change, name: str, value: str) -> bool:
    return isinstance(change, Sysctl) and (change.name, change.after) == (name, value)


class _Head(msgspec.Struct, frozen=True, tag="head"):
    """The network namespace that the changes are in."""

    namespace: int


def _namespace() -> int:
    return os.stat("/proc/thread-self/ns/net").st_ino


class Host:
    """The changes of one instance, and `links`, its way to the kernel. Not for concurrent use."""

    def __init__(self, journal: Path, *, adopt: bool = False) -> None:
        """Takes the journal, first undoing what a dead process left in it. Busy: a living one holds it.

        adopt: what it left stays, as ours, where it is done again until `settle`.
        """
        journal.parent.mkdir(parents=True, exist_ok=True)
        self._path = journal
        self._fd = os.open(journal, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._done: list[Change] = []
        self._needs: dict[str, shared.Need] = {}
        self._adopt, self._adopted = adopt, set[Change]()
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._fd)
            raise Busy(error.errno, f"{journal}: another instance is running with this journal") from error
        try:
            self.links = Netlink()
            self._recover()
        except BaseException:
            os.close(self._fd)
            raise

    def _recover(self) -> None:
        left, namespace = self._read()
        if left and namespace == _namespace() and self._adopt:
            self._done = [each for each in left if not isinstance(each, Device)]  # gone with the process
            self._adopted = set(self._done)
        elif left and namespace == _namespace():
            log.warning("undoing %d changes that a dead instance left on this host", len(left))
            self._done = [each for each in left if not self._is_needed(each)]
            self._undo()
            self._done = [each for each in left if self._is_needed(each)]
        self._begin()
        for change in self._done:
            self._write(change)

    @staticmethod
    def _is_needed(change: Change) -> bool:
        """Whether another living instance needs it to stay."""
        return isinstance(change, Sysctl | Offload) and bool(shared.originals(change.need))

    def _read(self) -> tuple[list[Change], int]:
        """The changes of the file; a last line that was cut off is passed over, as it was never done."""
        found: list[Change] = []
        namespace = 0
        for line in os.pread(self._fd, os.fstat(self._fd).st_size, 0).splitlines():
            try:
                entry = msgspec.json.decode(line, type=Change | _Head)
            except msgspec.DecodeError:
                continue
            if isinstance(entry, _Head):
                namespace = entry.namespace
            else:
                found.append(entry)
        return found, namespace

    def _begin(self) -> None:
        os.ftruncate(self._fd, 0)
        os.lseek(self._fd, 0, os.SEEK_SET)
        self._write(_Head(_namespace()))

    def _write(self, entry: Change | _Head) -> None:
        os.write(self._fd, msgspec.json.encode(entry) + b"\n")

    def _is_there(self, change: Change) -> bool:
        """Whether a former process did it, and it stands."""
        there = change in self._adopted
        self._adopted.discard(change)
        return there

    def settle(self) -> None:
        """What a former process changed and we did not goes."""
        left, self._adopted = self._adopted, set()
        for change in [each for each in reversed(self._done) if each in left]:
            self._done.remove(change)
            try:
                change.undo(self.links)
            except OSError as error:
                log.warning("could not undo '%s': %s", change, error)
        if left:
            self._begin()
            for change in self._done:
                self._write(change)

    def _change(self, change: Change, act: Callable[[], None]) -> None:
        """Written first: undoing what was not done is harmless."""
        self._write(change)
        self._done.append(change)
        try:
            act()
        except PermissionError:
            raise privilege.refused("CAP_NET_ADMIN", f"a change of this host ({change})") from None

    # -- what may be changed -------------------------------------------------------------------------------

    def sysctl(self, name: str, value: str) -> None:
        """Sets /proc/sys/<name>, and needs it from now on. No entry when the host had the value by itself.

        Another instance may have set it: then what was before is what that one found. OSError: no such, no right.
        """
        path = PROC / name
        with shared.turn(path):
            now, others = path.read_text().strip(), shared.originals(name)
            before = others[0] if others and now == value else now
            self._adopted = {each for each in self._adopted if not _is_sysctl(each, name, value)}
            if before != value:
                self._change(Sysctl(name, before, value), lambda: (path.write_text(value), None)[1])
            if name not in self._needs:
                self._needs[name] = shared.Need(name, before)

    @staticmethod
    def reads(name: str) -> str:
        """What /proc/sys/<name> says. OSError: no such."""
        return (PROC / name).read_text().strip()

    def offload_off(self, interface: str, feature: Literal["tx", "tso", "gso"]) -> None:
        """No entry when the host had it off by itself. Another instance may have switched it off, and need it so."""
        change = Offload(interface, feature)
        stands = self._is_there(change)
        with shared.turn(TURN):
            if change.need in self._needs:
                return
            if ethtool.feature(interface, feature) or (not stands and "on" in shared.originals(change.need)):
                self._change(change, lambda: offload.switch(interface, feature, False))
            before = "on" if change in self._done else "off"
            self._needs[change.need] = shared.Need(change.need, before)

    def veth(self, name: str, peer: str) -> bool:
        """A new pair; a stale one of that name goes first. Deleted, with its routes, at restore.

        False where a former process made it, and it goes on.
        """
        if self._is_there(Link(name)) and self.links.has_link(name) and self.links.has_link(peer):
            return False
        self.links.delete_link(name, missing_ok=True)
        self._change(Link(name), lambda: self.links.create_veth(name, peer))
        return True

    def device(self, name: str, what: str, act: Callable[[], T]) -> T:
        """What `act` gives, which opens a TUN or TAP."""
        opened: list[T] = []
        self._change(Device(name, what), lambda: opened.append(act()))
        return opened[0]

    def masquerade(self, table: str, pools: tuple[nft.Pool, ...], interface: str) -> None:
        what = f"masquerade {', '.join(map(str, pools))} out of {interface or 'any interface'}"
        if self._is_there(Table(table, what)):
            return
        nft.delete_table(table)
        self._change(Table(table, what), lambda: nft.add_masquerade(table, pools, interface))

    def refuse_cleartext(
        self, table: str, guarded: tuple[cleartext.Guarded, ...], interfaces: tuple[str, ...]
    ) -> None:
        """What is not IPsec there is dropped."""
        nft.delete_table(table)
        change = Table(table, f"what is in clear is dropped at {', '.join(map(str, guarded))}")
        self._change(change, lambda: nft.commit(cleartext.table_of(table, guarded, interfaces)))

    def pins(self, folder: Path) -> None:
        """Names of maps and links are made there."""
        change = Pinned(str(folder))
        if not self._is_there(change):
            shutil.rmtree(folder, ignore_errors=True)
            self._change(change, lambda: folder.mkdir(parents=True, mode=0o700))

    def namespace(self, name: str) -> None:
        """A network namespace of this name, made where there is none. TransportError: no right."""
        if not netns.exists(name):
            self._change(Namespace(name), lambda: netns.create(name))

    def rule(self, source: IPv4Network | IPv6Network, table: int, priority: int) -> None:
        change = Rule(str(source), table, priority)
        self._change(change, lambda: self.links.add_rule(priority, table, source=str(source)))

    def way(self, table: int, priority: int, pools: tuple[nft.Pool, ...], routes: tuple[Route, ...]) -> None:
        """What comes from the pools finds its way by these routes of a table of their own."""
        changes: list[Route | Rule] = [*routes]
        changes += [Rule(str(pool), table, priority) for pool in pools]
        for change in changes:
            if self._is_there(change):
                continue
            if isinstance(change, Rule):
                self._change(change, partial(self.links.add_rule, priority, table, source=change.source))
            else:
                self._change(change, partial(self._add_route, change))

    def _add_route(self, route: Route) -> None:
        self.links.add_route(
            route.destination, via=route.via, device=route.device, table=route.table, kind=route.kind
        )

    def drop_rule(self, source: IPv4Network | IPv6Network, table: int, priority: int) -> None:
        """Undoes one rule before its time."""
        change = Rule(str(source), table, priority)
        if change in self._done:
            self._done.remove(change)
            change.undo(self.links)

    # -- and undone ----------------------------------------------------------------------------------------

    def changes(self) -> list[str]:
        """One line for each change that stands, in the order made."""
        return [str(change) for change in self._done]

    def _undo(self, keep: int = 0) -> None:
        while len(self._done) > keep:
            change = self._done.pop()
            try:
                if isinstance(change, Sysctl | Offload):
                    self._give_up(change)
                else:
                    change.undo(self.links)
            except OSError as error:
                log.warning("could not undo '%s': %s", change, error)

    def _give_up(self, change: Sysctl | Offload) -> None:
        """The last who needs it puts it back."""
        with shared.turn(PROC / change.name if isinstance(change, Sysctl) else TURN):
            need = self._needs.pop(change.need, None)
            if need is not None:
                need.end()
            if shared.originals(change.need):
                log.info("%s stays: another instance needs it", change)
            else:
                change.undo(self.links)

    def restore(self, keep: int = 0) -> None:
        """Undoes all but the first `keep` changes, last first. The object stays usable."""
        self._undo(keep)
        self._adopted &= set(self._done)
        self._begin()
        for change in self._done:
            self._write(change)

    def leave(self) -> None:
        """Gives the journal up with all that is done, for a later process to adopt or to undo."""
        if self._fd < 0:
            return
        for need in self._needs.values():
            need.end()
        self._needs.clear()
        self.links.close()
        os.close(self._fd)
        self._fd = -1

    def close(self) -> None:
        """Restores, and gives the journal up."""
        if self._fd < 0:
            return
        self.restore()
        for need in self._needs.values():
            need.end()
        self._needs.clear()
        self.links.close()
        self._path.unlink(missing_ok=True)
        os.close(self._fd)
        self._fd = -1
