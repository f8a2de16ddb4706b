"""What stands in an NGAP message and matters beyond it: NAS PDUs, transfers, networks, tunnels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from operator import attrgetter

from cinq.wire import ngap
from cinq.wire.examined import Examined
from cinq.wire.ngap import Sequence

Transfers = dict[tuple[str, bytes], Examined[Sequence]]
"""Transfers that were read, by the attribute and the octets that they stand in."""

_TRANSFERS: Mapping[str, type[Sequence]] = {
    name.lower(): cls
    for name, cls in vars(ngap).items()
    if isinstance(cls, type) and issubclass(cls, Sequence) and name.endswith("Transfer")
} | {"handoverrequesttransfer": ngap.PDUSessionResourceSetupRequestTransfer}
_LEAVES = (int, str, bool, type(None))
_SHARED = 256


class Inside:
    """Collects of a message: nas, its NAS PDUs in order; plmns, the PLMN identities that it names; tunnels, with the
    attribute they stand in; transfers. What stands in a transfer counts as well."""

    __slots__ = ("nas", "plmns", "transfers", "tunnels")

    def __init__(self) -> None:
        self.nas: list[bytes] = []
        self.plmns: set[bytes] = set()
        self.tunnels: list[tuple[str, ngap.GTPTunnel]] = []
        self.transfers: Transfers = {}

    def look(self, value: Sequence) -> None:
        """Through a message or what stands in one."""
        kind = type(value)
        for name, member in zip(kind.__slots__, _members(kind)(value), strict=True):
            if type(member) not in _LEAVES:
                self._member(name, member)

    def faults(self) -> Iterator[str]:
        """What is wrong with the transfers."""
        for (name, _), each in self.transfers.items():
            for fault in each.faults:
                yield f"{_TRANSFERS[name.replace('_', '')].__name__}: {fault}"

    def _member(self, name: str, value: object) -> None:
        if isinstance(value, bytes):
            self._octets(name, value)
        elif isinstance(value, ngap.GTPTunnel):
            self.tunnels.append((name, value))
        elif isinstance(value, Sequence):
            self.look(value)
        elif isinstance(value, tuple) and name == "user_location_information":
            self.plmns |= _networks(value)
        elif isinstance(value, list | tuple):
            for each in value:
                if type(each) not in _LEAVES:
                    self._member(name, each)

    def _octets(self, name: str, octets: bytes) -> None:
        if name == "plmn_identity":
            self.plmns.add(octets)
        elif name.endswith("nas_pdu"):
            self.nas.append(octets)
        elif (cls := _TRANSFERS.get(name.replace("_", ""))) and (name, octets) not in self.transfers:
            found = self.transfers[name, octets] = ngap.examine_value(cls, octets)
            if found.message is not None:
                self.look(found.message)


_Reader = Callable[[Sequence], tuple[object, ...]]
_readers: dict[type[Sequence], _Reader] = {}


def _members(kind: type[Sequence]) -> _Reader:
    """A function to all attributes of a value of this class."""
    found = _readers.get(kind)
    if found is None:
        found = _readers[kind] = _reader(kind)
    return found


def _reader(kind: type[Sequence]) -> _Reader:
    names = kind.__slots__
    if len(names) < 2:  # attrgetter of one name gives no tuple
        return lambda value: tuple(getattr(value, name) for name in names)
    return attrgetter(*names)


_locations: dict[int, tuple[object, frozenset[bytes]]] = {}


def _networks(location: tuple[object, ...]) -> frozenset[bytes]:
    """The PLMN identities of a location. Messages share the locations that they repeat: they are looked at once."""
    known = _locations.get(id(location))
    if known is None or known[0] is not location:
        inside = Inside()
        inside._member("", location)
        if len(_locations) >= _SHARED:
            _locations.clear()
        known = _locations[id(location)] = location, frozenset(inside.plmns)
    return known[1]
