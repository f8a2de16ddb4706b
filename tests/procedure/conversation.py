"""A small subject with a scripted peer, for the tests of the runtime."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cinq.procedure import (
    ABORT,
    BESIDE,
    DEFER,
    IGNORE,
    RESEND,
    Event,
    Journal,
    Refused,
    Runtime,
    Subject,
    Timer,
    Verdict,
    VirtualClock,
    collision,
    procedure,
)

T1 = Timer("T1", 6.0)
T2 = Timer("T2", 6.0, retransmissions=0)


@dataclass(frozen=True)
class Hello:
    name: str = "a"


@dataclass(frozen=True)
class Question:
    number: int = 1


@dataclass(frozen=True)
class Answer:
    number: int = 1


@dataclass(frozen=True)
class Accept: ...


@dataclass(frozen=True)
class Complete: ...


@dataclass(frozen=True)
class Reject:
    cause: int = 3


@dataclass(frozen=True)
class Bye: ...


@dataclass(frozen=True)
class ByeAccept: ...


@dataclass(frozen=True)
class Note: ...


@dataclass(frozen=True)
class Noted: ...


@dataclass(frozen=True)
class Odd: ...


@dataclass(frozen=True)
class Status:
    cause: int = 98


@dataclass(frozen=True)
class Context:
    state: str = "OUT"
    name: str = ""
    notes: int = 0


class World:
    """Peers that hold things, slowly."""

    def __init__(self) -> None:
        self.held: list[str] = []
        self.delay = 0.010

    async def grab(self, what: str) -> str:
        import asyncio

        await asyncio.sleep(self.delay)
        self.held.append(what)
        await asyncio.sleep(self.delay)
        return what

    async def drop(self, what: str) -> None:
        import asyncio

        await asyncio.sleep(self.delay)
        self.held.remove(what)
        await asyncio.sleep(self.delay)


class Peer(Subject[Context]):
    __slots__ = ("answers", "events", "sent", "stores", "world")

    def __init__(self, runtime: Runtime, world: World) -> None:
        super().__init__(Context(), runtime)
        self.sent: list[object] = []
        self.stores: list[Context] = []
        self.world = world
        self.answers: dict[type, Callable[[object], object]] = {}

    def send(self, message: object) -> None:
        self.sent.append(message)
        answer = self.answers.get(type(message))
        if answer is not None:
            self.receive(answer(message))

    def stored(self, context: Context) -> None:
        self.stores.append(context)

    def status(self, message: object) -> object | None:
        return Status()


def make(keep: int = 10_000) -> tuple[Peer, Journal]:
    journal = Journal(keep=keep)
    return Peer(Runtime("TEST", journal, VirtualClock()), World()), journal


def causes(journal: Journal) -> list[str]:
    return [event.cause for event in journal.kept()]


def silences(journal: Journal) -> list[Event]:
    return [event for event in journal.kept() if event.direction == "none"]


@procedure(opens=Hello)
async def greeting(peer: Peer, hello: Hello) -> None:
    if hello.name == "forbidden":
        raise Refused(Reject(3))
    if hello.name == "bug":
        raise KeyError("a bug of the procedure")
    answer = await peer.ask(Question(1), Answer, Reject, timer=T1)
    if isinstance(answer, Reject):
        raise Refused(None, "the peer will not answer")
    async with peer.undo() as undo:
        await undo.hold(peer.world.grab("uecm"), peer.world.drop)
        await undo.hold(peer.world.grab("policy"), peer.world.drop)
        await peer.ask(Accept(), Complete, timer=T1)
        undo.keep()
    peer.commit(state="IN", name=hello.name)


@collision(greeting, Hello)
def _(peer: Peer, again: Hello) -> Verdict:
    if again != peer.opening:
        return ABORT
    return RESEND if peer.awaits(Complete) else IGNORE("the same request is under way")


@collision(greeting, Bye)
def _(peer: Peer, bye: Bye) -> Verdict:
    return ABORT


@collision(greeting, Note)
def _(peer: Peer, note: Note) -> Verdict:
    return BESIDE


@procedure(opens=Bye)
async def leaving(peer: Peer, bye: Bye) -> None:
    for what in list(peer.world.held):
        await peer.world.drop(what)
    peer.tell(ByeAccept())
    peer.commit(state="OUT", name="")


@collision(leaving, Hello)
def _(peer: Peer, hello: Hello) -> Verdict:
    return DEFER


@procedure(opens=Note)
async def noting(peer: Peer, note: Note) -> None:
    peer.tell(Noted())
    peer.commit(notes=peer.context.notes + 1)


@procedure()
async def calling(peer: Peer, number: int) -> int:
    if number == 0:
        raise Refused(None, "not today")
    answer = await peer.ask(Question(number), Answer, timer=T2)
    return answer.number * 2


@collision(calling, Hello)
def _(peer: Peer, hello: Hello) -> Verdict:
    return DEFER


@collision(calling, Bye)
def _(peer: Peer, bye: Bye) -> Verdict:
    return ABORT
