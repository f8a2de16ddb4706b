"""Which function an address is. What shows it first counts for the messages before it as well."""

from __future__ import annotations

from cinq.trace.bounded import Bounded
from cinq.trace.message import Role

_Pair = tuple[Role | str, Role | str]


class Ends:
    """The addresses of one interface between two functions, for example N3: ("gNB", "UPF").

    An address that shows itself as both (one host for all) is neither, and messages are judged one by one.
    """

    def __init__(self, one: str, other: str) -> None:
        self._across = {one: other, other: one}
        self._roles: Bounded[str, Role] = Bounded()
        self._shown: Bounded[str, set[str]] = Bounded()
        self._pairs: Bounded[tuple[str, str, str], _Pair] = Bounded()

    def known(self, address: str) -> bool:
        """Whether the address has shown what it is."""
        return address in self._shown

    def learn(self, address: str, function: str) -> None:
        """Something that only this function does, or is told of, was done by this address."""
        shown = self._shown.setdefault(address, set())
        if function not in shown:
            shown.add(function)
            self._role(address, function).name = function
            self._pairs.clear()

    def pair(self, source: str, destination: str, guess: str) -> _Pair:
        """Sender and receiver of a message. guess: the sender, where the addresses do not tell."""
        key = (source, destination, guess)
        found = self._pairs.get(key)
        if found is None:
            found = self._pairs[key] = self._judged(source, destination, guess)
        return found

    def _judged(self, source: str, destination: str, guess: str) -> _Pair:
        sent, met = self._shown.get(source, set()), self._shown.get(destination, set())
        if source == destination or len(sent) > 1 or len(met) > 1:
            return guess, self._across[guess]
        sender, receiver = self._role(source, guess), self._role(destination, self._across[guess])
        if sent and not met:
            receiver.name = self._across[sender.name]
        elif met and not sent:
            sender.name = self._across[receiver.name]
        elif not sent and sender.name == receiver.name:
            return guess, self._across[guess]
        return sender, receiver

    def _role(self, address: str, name: str) -> Role:
        return self._roles.setdefault(address, Role(name))
