"""Where a test bench stands between an emulated endpoint and its peer: what it sends is bent, what it hears is seen.

    gnb.station.drop(ngap.InitialContextSetupResponse, times=1)
    with gnb.station.mute(ngap.UEContextReleaseCommand):
        answer = gnb.station.expect(ngap.ErrorIndication)
        gnb.station.send(octets, stream=1)
        await answer

Outbound filters are asked in the order in which they were put up; what one lets pass goes on to the next. Each is a
Rule: it counts what it met, and is taken away by `remove` or by leaving its `with`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Iterable
from functools import partial
from types import TracebackType
from typing import Generic, Self, TypeVar

import msgspec

M = TypeVar("M")
K = TypeVar("K")
SHOWN = 12  # names of other messages that an expectation which was not met tells


class Parcel(msgspec.Struct, Generic[M], frozen=True):
    """One message on its way out. message: None where a bench gave octets that stand for themselves.

    carrier: what the endpoint puts it into or does with it; filters leave it.
    """

    octets: bytes
    message: M | None = None
    stream: int = 0
    ppid: int = 0
    carrier: object = None


class Unmet(Exception):
    """What a bench expected did not come, or came though it should not."""


class Rule(Generic[M]):
    """One filter, tap or mute. met: how many messages it took. times: how many it takes, None for all."""

    def __init__(
        self,
        station: Station[M],
        matches: Callable[[object], bool],
        act: Callable[[Parcel[M], Callable[[Parcel[M]], None]], None],
        times: int | None,
    ) -> None:
        self.met = 0
        self.times = times
        self._station = station
        self._matches = matches
        self.act = act

    def takes(self, message: object) -> bool:
        """Whether it is for this rule; then it is counted."""
        if (self.times is not None and self.met >= self.times) or not self._matches(message):
            return False
        self.met += 1
        return True

    def remove(self) -> None:
        self._station.remove(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()


class Expectation(Generic[K]):
    """A message that is to come: awaited, it is that message. The time counts from the await.

    Made before the stimulus is sent, so that nothing is missed. Unmet: it did not come, or the connection was lost.
    """

    def __init__(self, what: str, timeout_s: float, closed: Callable[[Expectation[K]], None]) -> None:
        self.what = what
        self.timeout_s = timeout_s
        self.reply: asyncio.Future[K] = asyncio.get_running_loop().create_future()
        self.others: list[str] = []
        self._closed = closed

    @property
    def met(self) -> bool:
        return self.reply.done() and self.reply.exception() is None

    def __await__(self) -> Generator[object, None, K]:
        return self._wait().__await__()

    async def _wait(self) -> K:
        try:
            async with asyncio.timeout(self.timeout_s):
                return await asyncio.shield(self.reply)
        except TimeoutError:
            raise Unmet(f"{self.what} did not come within {self.timeout_s:g} s; {self.came}") from None
        finally:
            self._closed(self)

    @property
    def came(self) -> str:
        if not self.others:
            return "nothing came"
        more = f" and {len(self.others) - SHOWN} more" if len(self.others) > SHOWN else ""
        return f"these came: {', '.join(self.others[:SHOWN])}{more}"

    def lost(self, reason: str) -> None:
        if not self.reply.done():
            self.reply.set_exception(Unmet(f"{self.what} did not come: {reason}; {self.came}"))
            self.reply.exception()  # looked at: one that nobody awaits is no error


class Station(Generic[M]):
    """The bench's place at one endpoint. encode: octets of a message. out: puts a parcel on the wire."""

    def __init__(self, encode: Callable[[M], bytes], out: Callable[[Parcel[M]], None]) -> None:
        self._encode = encode
        self._out = out
        self._outbound: tuple[Rule[M], ...] = ()
        self._taps: tuple[Rule[M], ...] = ()
        self._mutes: tuple[Rule[M], ...] = ()
        self._expected: list[tuple[Callable[[object], bool], Expectation[M]]] = []

    # what the endpoint sends

    def filter(
        self,
        kind: type[K],
        act: Callable[[Parcel[M], Callable[[Parcel[M]], None]], None],
        where: Callable[[K], bool] | None = None,
        times: int | None = None,
    ) -> Rule[M]:
        """`act` is given each message of the kind, and passes on what it likes, when it likes, as often as it likes."""
        rule = Rule(self, _matcher(kind, where), act, times)
        self._outbound = (*self._outbound, rule)
        return rule

    def drop(
        self, kind: type[K], where: Callable[[K], bool] | None = None, times: int | None = None
    ) -> Rule[M]:
        """It never leaves."""
        return self.filter(kind, lambda parcel, onward: None, where, times)

    def duplicate(
        self,
        kind: type[K],
        where: Callable[[K], bool] | None = None,
        times: int | None = None,
        copies: int = 2,
    ) -> Rule[M]:
        """It leaves `copies` times."""

        def act(parcel: Parcel[M], onward: Callable[[Parcel[M]], None]) -> None:
            for _ in range(copies):
                onward(parcel)

        return self.filter(kind, act, where, times)

    def delay(
        self,
        kind: type[K],
        seconds: float,
        where: Callable[[K], bool] | None = None,
        times: int | None = None,
    ) -> Rule[M]:
        """It leaves so much later; what comes after overtakes it."""

        def act(parcel: Parcel[M], onward: Callable[[Parcel[M]], None]) -> None:
            asyncio.get_running_loop().call_later(seconds, onward, parcel)

        return self.filter(kind, act, where, times)

    def change(
        self,
        kind: type[K],
        make: Callable[[K], Iterable[M]],
        where: Callable[[K], bool] | None = None,
        times: int | None = None,
    ) -> Rule[M]:
        """The messages that `make` returns leave in its place, on its stream."""

        def act(parcel: Parcel[M], onward: Callable[[Parcel[M]], None]) -> None:
            if isinstance(parcel.message, kind):
                for message in make(parcel.message):
                    onward(msgspec.structs.replace(parcel, octets=self._encode(message), message=message))

        return self.filter(kind, act, where, times)

    def replace(
        self,
        kind: type[K],
        make: Callable[[bytes], bytes],
        where: Callable[[K], bool] | None = None,
        times: int | None = None,
    ) -> Rule[M]:
        """Its octets leave as `make` returns them."""

        def act(parcel: Parcel[M], onward: Callable[[Parcel[M]], None]) -> None:
            onward(msgspec.structs.replace(parcel, octets=make(parcel.octets), message=None))

        return self.filter(kind, act, where, times)

    def passes(self, parcel: Parcel[M]) -> None:
        """The endpoint sends this."""
        if self._outbound:
            self._pass(parcel, self._outbound)
        else:
            self._out(parcel)

    def _pass(self, parcel: Parcel[M], rules: tuple[Rule[M], ...]) -> None:
        for place, rule in enumerate(rules):
            if parcel.message is not None and rule.takes(parcel.message):
                rule.act(parcel, partial(self._pass, rules=rules[place + 1 :]))
                return
        self._out(parcel)

    def send(self, what: M | bytes, *, stream: int = 0, ppid: int = 0) -> None:
        """The bench itself sends a message, or any octets at all, past every filter."""
        if isinstance(what, bytes):
            self._out(Parcel(what, None, stream, ppid))
        else:
            self._out(Parcel(self._encode(what), what, stream, ppid))

    # what the endpoint hears

    def tap(
        self,
        kind: type[K],
        listen: Callable[[K], None],
        where: Callable[[K], bool] | None = None,
        times: int | None = None,
    ) -> Rule[M]:
        """`listen` is told of each message of the kind that comes in, before the endpoint is."""

        def act(parcel: Parcel[M], onward: Callable[[Parcel[M]], None]) -> None:
            if isinstance(parcel.message, kind):
                listen(parcel.message)

        rule = Rule(self, _matcher(kind, where), act, times)
        self._taps = (*self._taps, rule)
        return rule

    def mute(
        self, kind: type[K], where: Callable[[K], bool] | None = None, times: int | None = None
    ) -> Rule[M]:
        """The endpoint does not hear it: no automatic answer, no effect. Taps and expectations do."""
        rule = Rule(self, _matcher(kind, where), lambda parcel, onward: None, times)
        self._mutes = (*self._mutes, rule)
        return rule

    def expect(
        self, kind: type[K], where: Callable[[K], bool] | None = None, timeout_s: float = 10.0
    ) -> Expectation[K]:
        """The next message of the kind that comes in from now on."""
        expected = Expectation[K](kind.__name__, timeout_s, self._forget)
        self._expected.append((_matcher(kind, where), expected))  # type: ignore[arg-type]  # the matcher keeps K
        return expected

    async def silence(self, kind: type[K], seconds: float, where: Callable[[K], bool] | None = None) -> None:
        """Unmet: such a message came within the time."""
        expected = self.expect(kind, where, seconds)
        try:
            message = await expected
        except Unmet:
            return
        raise Unmet(f"{kind.__name__} came, which should not: {message}")

    def hears(self, message: M) -> bool:
        """Tells the bench of a message that came in. False: the endpoint is not to hear it."""
        for rule in self._taps:
            if rule.takes(message):
                rule.act(Parcel(b"", message), lambda parcel: None)
        for matches, expected in list(self._expected):
            if expected.reply.done():
                continue
            if matches(message):
                expected.reply.set_result(message)
            else:
                expected.others.append(type(message).__name__)
        return not any(rule.takes(message) for rule in self._mutes)

    def lost(self, reason: str) -> None:
        """The connection is over: what is expected will not come."""
        for _, expected in self._expected:
            expected.lost(reason)

    def _forget(self, expected: Expectation[K]) -> None:
        self._expected = [entry for entry in self._expected if entry[1] is not expected]

    def remove(self, rule: Rule[M]) -> None:
        """Idempotent."""
        self._outbound = tuple(r for r in self._outbound if r is not rule)
        self._taps = tuple(r for r in self._taps if r is not rule)
        self._mutes = tuple(r for r in self._mutes if r is not rule)


def _matcher(kind: type[K], where: Callable[[K], bool] | None) -> Callable[[object], bool]:
    def matches(message: object) -> bool:
        return isinstance(message, kind) and (where is None or where(message))

    return matches
