"""The bindings that the BSF keeps: in the store they outlive a restart, by their addresses they are found."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv6Network

import msgspec

from cinq.nf.bsf.addresses import Address, of_binding
from cinq.procedure.store import Store
from cinq.sbi.services.nbsf_management import PcfBinding

COLLECTION = "pcf-bindings"


class Bindings:
    """Read once, written through."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, PcfBinding] = {}
        self._by_address: dict[Address, set[str]] = {}
        self._lengths: dict[int, int] = {}
        """Of IPv6 prefixes: how many there are of each length."""
        decode = msgspec.json.Decoder(PcfBinding).decode
        for name, octets in store.items(COLLECTION):
            self._remember(name, decode(octets))

    def __len__(self) -> int:
        return len(self._known)

    def get(self, name: str) -> PcfBinding | None:
        return self._known.get(name)

    def put(self, name: str, binding: PcfBinding) -> None:
        """Problem 400: an address that is none; nothing has changed then."""
        of_binding(binding)
        self._forget(name)
        self._remember(name, binding)
        self._store.put(COLLECTION, name, msgspec.json.encode(binding))

    def remove(self, name: str) -> bool:
        """False when there was none."""
        if not self._forget(name):
            return False
        self._store.delete(COLLECTION, name)
        return True

    def with_address(self, address: Address) -> dict[str, PcfBinding]:
        """Of an IPv6 prefix: those of the longest prefix that it is within."""
        for key in self._widening(address):
            if key in self._by_address:
                return {name: self._known[name] for name in self._by_address[key]}
        return {}

    def _widening(self, address: Address) -> Iterable[Address]:
        if not isinstance(address, IPv6Network):
            return (address,)
        lengths = sorted((n for n in self._lengths if n <= address.prefixlen), reverse=True)
        return (address.supernet(new_prefix=n) for n in lengths)

    def _remember(self, name: str, binding: PcfBinding) -> None:
        self._known[name] = binding
        for address in of_binding(binding):
            self._by_address.setdefault(address, set()).add(name)
            if isinstance(address, IPv6Network):
                self._lengths[address.prefixlen] = self._lengths.get(address.prefixlen, 0) + 1

    def _forget(self, name: str) -> bool:
        binding = self._known.pop(name, None)
        if binding is None:
            return False
        for address in of_binding(binding):
            names = self._by_address[address]
            names.discard(name)
            if not names:
                del self._by_address[address]
            if isinstance(address, IPv6Network):
                self._lengths[address.prefixlen] -= 1
                if not self._lengths[address.prefixlen]:
                    del self._lengths[address.prefixlen]
        return True
