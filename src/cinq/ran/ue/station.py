"""Where a test bench stands on N1: any octets as NAS at any moment, and what it does to a UE's messages out and in.

    with ue.station.record() as record, ue.station.drop(nas.RegistrationComplete):    # an answer is not sent
        await ue.register()
    accept = await record.expect(nas.RegistrationAccept)
    ue.station.send(b"\\x7e\\0\\x43", envelope=Envelope(count=3))       # any octets, under a COUNT that was used
    ue.station.replay(record.sent[0])
    await ue.station.silence(nas.NasMessage, 2)

The verbs are those of cinq.ran.station. Filters of the station see messages before protection: each 5GMM message, and
each 5GSM message before it is put into UL NAS TRANSPORT. Those of `station.pdus` see PDUs after it: a delay there keeps
the COUNT, a duplicate is a replay. What comes in is told with the 5GSM message that it carries, besides Released and
Paged; a message that is muted does not reach the UE, so that a test can answer by hand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from cinq.ran.radio.port import EstablishmentCause
from cinq.ran.station import Parcel, Rule, Station, Unmet
from cinq.ran.ue.security import Envelope, N1Security
from cinq.wire import nas

M = TypeVar("M", bound=nas.NasMessage)
E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class Sent:
    """A PDU that left. message: what it carries, where it can be read. octets: on the radio link."""

    message: nas.NasMessage | None
    octets: bytes
    time: float


@dataclass(frozen=True, slots=True)
class Heard:
    """A PDU that came, or the 5GSM message in it. checked: its integrity was, and held.

    discarded: why the UE does not process it, or "". message: None where it cannot be read. octets: deciphered, where
    it was read. header: the security header type that it came with (TS 24.501 §9.3).
    """

    message: nas.NasMessage | None
    octets: bytes
    checked: bool
    time: float
    discarded: str = ""
    header: int = 0


@dataclass(frozen=True, slots=True)
class Released:
    """The RRC connection is over."""

    cause: str


@dataclass(frozen=True, slots=True)
class Paged:
    """The network paged the UE."""


Event = nas.NasMessage | Released | Paged


@dataclass(frozen=True, slots=True)
class Opening:
    """The parcel is an initial NAS message: it opens an RRC connection for this cause."""

    cause: EstablishmentCause


@dataclass(slots=True)
class Record:
    """What a UE sent and heard while it was recorded. `expect` goes on after what it returned last."""

    sent: list[Sent] = field(default_factory=list)
    heard: list[Heard | Released | Paged] = field(default_factory=list)
    _position: int = 0
    _came: asyncio.Event = field(default_factory=asyncio.Event)

    def messages(self, kind: type[M]) -> list[M]:
        """All messages of a kind that came so far."""
        return [m for m in map(_content, self.heard) if isinstance(m, kind)]

    def said(self, kind: type[M]) -> list[M]:
        """All messages of a kind that were sent so far."""
        return [sent.message for sent in self.sent if isinstance(sent.message, kind)]

    @property
    def discarded(self) -> list[Heard]:
        """PDUs that the UE did not process."""
        return [heard for heard in self.heard if isinstance(heard, Heard) and heard.discarded]

    async def expect(
        self, kind: type[E], where: Callable[[E], bool] | None = None, timeout_s: float = 10.0
    ) -> E:
        """The next message (or Released, Paged) of a kind that fits; what came before it is passed over.

        Unmet: it did not come in time.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    while self._position < len(self.heard):
                        content = _content(self.heard[self._position])
                        self._position += 1
                        if isinstance(content, kind) and (where is None or where(content)):
                            return content
                    self._came.clear()
                    await self._came.wait()
        except TimeoutError:
            raise Unmet(f"{_name(kind)} did not come within {timeout_s:g} s; {self._summary()}") from None

    def _summary(self) -> str:
        names = [_name(type(content)) for content in map(_content, self.heard)]
        return "these came: " + ", ".join(names[-12:]) if names else "nothing came"

    def put(self, heard: Heard | Released | Paged) -> None:
        self.heard.append(heard)
        self._came.set()


def _content(heard: Heard | Released | Paged) -> object:
    return heard.message if isinstance(heard, Heard) else heard


def _name(kind: type[object]) -> str:
    return str(getattr(kind, "NAME", "") or kind.__name__)


class Line(Protocol):
    """The UE's way out, as the bench uses it."""

    def protect(self, parcel: Parcel[Event]) -> None:
        """What the filters of messages let pass."""

    def leave(self, parcel: Parcel[Event]) -> None:
        """What the filters of PDUs let pass."""

    def put(self, parcel: Parcel[Event]) -> None:
        """A PDU that the bench made."""


class N1Station(Station[Event]):
    """The bench of one UE. Without rules and records nothing is changed."""

    def __init__(self, security: N1Security, line: Line) -> None:
        super().__init__(_encode, line.protect)
        self.pdus: Station[Event] = Station(_encode, line.leave)
        self._security = security
        self._line = line
        self._records: list[Record] = []

    # by hand

    def send(
        self, what: Event | bytes, *, stream: int = 0, ppid: int = 0, envelope: Envelope | None = None
    ) -> None:
        """A message or any octets at all, wrapped as the envelope says, or as the UE would; past every filter."""
        octets, message = _both(what)
        self._line.put(Parcel(self._security.wrap(octets, envelope), message))

    def open(
        self,
        what: Event | bytes,
        *,
        envelope: Envelope | None = None,
        cause: EstablishmentCause = "mo-Signalling",
    ) -> None:
        """As `send`, in an RRC connection that begins with it. A UE's own way is that of TS 24.501 §4.4.6."""
        octets, message = _both(what)
        if envelope is None:
            pdu = self._security.protect_initial(
                octets if isinstance(what, bytes) or not message else message
            )
        else:
            pdu = self._security.wrap(octets, envelope)
        self._line.put(Parcel(pdu, message, carrier=Opening(cause)))

    def send_pdu(self, octets: bytes) -> None:
        """Octets that nothing is done to."""
        self._line.put(Parcel(octets, _read(octets)))

    def replay(self, sent: Sent) -> None:
        """A PDU once more, octet by octet: its COUNT was used already."""
        self._line.put(Parcel(sent.octets, sent.message))

    def spoil_mac(
        self,
        kind: type[E],
        where: Callable[[E], bool] | None = None,
        times: int | None = None,
    ) -> Rule[Event]:
        """Protected PDUs of this kind have a MAC that does not hold."""

        def spoilt(octets: bytes) -> bytes:
            if len(octets) < 7 or octets[0] != nas.GmmMessage.EPD or not octets[1] & 15:
                return octets
            return octets[:2] + bytes(octet ^ 0xFF for octet in octets[2:6]) + octets[6:]

        return self.pdus.replace(kind, spoilt, where, times)

    @contextmanager
    def record(self) -> Iterator[Record]:
        """Keep what goes and comes."""
        record = Record()
        self._records.append(record)
        try:
            yield record
        finally:
            self._records.remove(record)

    # what the UE tells of itself

    def went(self, parcel: Parcel[Event]) -> None:
        """A PDU has left."""
        if self._records:
            now = asyncio.get_running_loop().time()
            message = parcel.message if isinstance(parcel.message, nas.NasMessage) else None
            for one in (message, *_inside(message)):
                for record in self._records:
                    record.sent.append(Sent(one, parcel.octets, now))

    def came(
        self,
        message: nas.NasMessage | None,
        octets: bytes,
        *,
        checked: bool = False,
        discarded: str = "",
        header: int = 0,
    ) -> bool:
        """A PDU came. False: the UE is not to see it."""
        contents = (message, *_inside(message))
        if self._records:
            now = asyncio.get_running_loop().time()
            for one in contents:
                for record in self._records:
                    record.put(Heard(one, octets, checked, now, discarded, header))
        if discarded:
            return True
        answers = [self.hears(one) for one in contents if one is not None]
        return all(answers)

    def event(self, event: Released | Paged) -> None:
        for record in self._records:
            record.put(event)
        self.hears(event)


def _encode(what: Event) -> bytes:
    return nas.encode(what) if isinstance(what, nas.NasMessage) else b""


def _both(what: Event | bytes) -> tuple[bytes, nas.NasMessage | None]:
    """The plain octets, and what they say."""
    if isinstance(what, bytes):
        return what, _read(what)
    return _encode(what), what if isinstance(what, nas.NasMessage) else None


def _read(octets: bytes) -> nas.NasMessage | None:
    """What plain octets say, or the inside of an envelope that is not ciphered; None where nobody can tell."""
    try:
        inner = nas.decode_envelope(octets)
        return nas.decode(inner.payload if isinstance(inner, nas.Protected) else inner)
    except nas.NasError:
        return None


def _inside(message: nas.NasMessage | None) -> tuple[nas.NasMessage, ...]:
    """The 5GSM message that a NAS TRANSPORT carries, where it can be read."""
    if not isinstance(message, (nas.DLNASTransport, nas.ULNASTransport)):
        return ()
    if message.payload_container_type != nas.PayloadContainerType.N1_SM_INFORMATION:
        return ()
    found = _read(message.payload_container)
    return () if found is None else (found,)
