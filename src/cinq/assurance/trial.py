"""Where a sub-case plays: the scenario engine's bench, and the facts that are observed.

    with trial.control("the UE registers"):
        ue = await trial.bench.registered(gnb)
    trial.step("its SECURITY MODE COMPLETE is sent once more")
    ue.station.replay(sent)
    with trial.finding("the AMF answers nothing"):
        await bench.hears_not(nas.FiveGMMStatus, ue)

What a body raises by `cinq.ran.scenarios.check` makes the fact not hold. A control that does not hold ends the
sub-case; a finding does not.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from typing import Literal, Protocol

from cinq.assurance.credentials import Credentials
from cinq.assurance.target import KnobName, Target
from cinq.assurance.verdict import Fact, Kind
from cinq.numbering import Guti
from cinq.procedure import Aborted, Refused, TimerExpired
from cinq.ran.gnb import Gnb
from cinq.ran.scenarios import check
from cinq.ran.scenarios.bench import Bench
from cinq.ran.scenarios.check import Failed
from cinq.ran.station import Unmet
from cinq.ran.ue import Ue
from cinq.ran.ue.station import Heard, Paged, Record, Released
from cinq.transport.http2 import Answer, Request, Response
from cinq.wire import nas, pfcp

QUIET_S = 2.0  # so long an answer that should not come is waited for
SETTLE_S = 1.0  # a target that has something to say of itself after a registration says it meanwhile


class Ended(Exception):
    """A control does not hold: the rest of the sub-case would prove nothing."""


class DoesNotApply(Exception):
    """What the requirement is about is not there, as controls have shown: the reason, with its reference."""


class Knob(Protocol):
    """Turns the knobs of a target."""

    async def turn(self, knob: KnobName, names: dict[str, str]) -> str:
        """Returns what the command printed, when it is done. OSError: it could not be done."""
        ...


class UserPlane(Protocol):
    """The bench's own end of N3. heard: GTP-U messages that came, as octets, since it was opened."""

    heard: list[bytes]

    async def send(self, gnb: Gnb, octets: bytes, to: IPv4Address | IPv6Address) -> None:
        """Any octets, from the gNB's address and GTP-U port to that of the UPF."""
        ...

    async def ping(self, gnb: Gnb, ue: Ue, to: IPv4Address, within: float) -> float | None:
        """Seconds until the echo came back through the UE's session, None when it did not."""
        ...


class Smf(Protocol):
    """The bench's own end of N4."""

    async def ask(
        self, request: pfcp.Message, seid: int | None = None, own: IPv4Address | None = None
    ) -> pfcp.Message:
        """The UPF's answer. own: of another bench SMF. Failed: none came, after retransmissions."""
        ...

    async def exchange(
        self, make: Callable[[int], bytes], own: IPv4Address | None = None, tries: int = 1
    ) -> pfcp.Message | None:
        """What answers octets that are made with a sequence number, None for nothing."""
        ...

    async def send(self, octets: bytes, own: IPv4Address | None = None) -> None:
        """Any octets, from the address and port of the bench SMF, or of another."""
        ...


Shown = Literal["own", "foreign", "nobody"]
"""The bench's certificate, one of an authority that nobody trusts, or none."""


class ServiceBased(Protocol):
    """The bench's own ends of the SBI."""

    credentials: Credentials

    async def ask(self, root: str, request: Request, shown: Shown = "own", within: float = 5.0) -> Response:
        """Of whoever is at this API root. Failed: no answer."""
        ...

    def client_tls(self) -> ssl.SSLContext:
        """For a connection of which the bench writes each frame. Failed: a file cannot be read."""
        ...

    def serving(self, answer: Answer) -> AbstractAsyncContextManager[str]:
        """A network function of the bench, as long as this lasts; the API root where it is. Failed: no place."""
        ...


class OnHost(Protocol):
    """Commands on the target's host."""

    async def run(self, *words: str, within: float = 30.0) -> str:
        """What it prints. OSError: it could not be done."""
        ...


class Others(Protocol):
    """Those who must not notice, asked in the middle of a sub-case."""

    async def harmed(self) -> str:
        """What they have lost, in words; "" when they are served as before."""
        ...

    async def golden(self) -> float:
        """Seconds that the golden UE takes to register and leave. Failed: it could not, within GOLDEN_S."""
        ...

    async def restored(self) -> None:
        """They are as they were before. Raises what ends the sub-case when the target does not come back."""
        ...


@dataclass(frozen=True, slots=True)
class Lab:
    """What the lab gives every trial. utc(): seconds since 1970. user_plane, smf: None where the target has no place
    for them. kept: artefacts of an earlier run that are asked again, by `case/sub-case/name`. documents: of the vendor,
    each with its digest, by row.
    """

    target: Target
    knobs: Knob
    utc: Callable[[], float]
    user_plane: UserPlane | None = None
    smf: Smf | None = None
    kept: Mapping[str, bytes] = field(default_factory=dict)
    host: OnHost | None = None
    documents: Mapping[str, Sequence[str]] = field(default_factory=dict)
    sbi: ServiceBased | None = None


@dataclass(slots=True)
class Observed:
    """What a fact saw; a body may write it."""

    text: str = ""


class Trial:
    """One sub-case under way. facts: in order. bench: gNBs and UEs. name: 'SCAS-33117-4.4.4/N2'.

    usual: how often this target authenticates a UE for a registration update, by its own policy. others: those who must
    not notice. artefacts: what is kept beside the facts, by file name.
    """

    def __init__(self, lab: Lab, bench: Bench, name: str = "") -> None:
        self.lab = lab
        self.target = lab.target
        self.bench = bench
        self.name = name
        self.facts: list[Fact] = []
        self.artefacts: dict[str, bytes] = {}
        self.others: Others | None = None
        self.usual = 0
        self._begun = asyncio.get_running_loop().time()

    # facts

    def note(self, kind: Kind, statement: str, holds: bool, observed: str = "") -> None:
        elapsed = asyncio.get_running_loop().time() - self._begun
        self.facts.append(Fact(kind, statement, holds, observed, self.lab.utc(), elapsed))

    def step(self, what: str) -> None:
        """The bench does this."""
        self.note("step", what, True)

    def keep(self, name: str, octets: bytes) -> None:
        """Beside the facts, as evidence. name: of a file."""
        self.artefacts[name] = octets

    def kept(self, name: str) -> bytes | None:
        """What an earlier run kept, where this one asks it again."""
        return self.lab.kept.get(f"{self.name}/{name}")

    @contextmanager
    def control(self, statement: str) -> Iterator[Observed]:
        """The body shows that what follows can prove something. Ended: it does not hold."""
        holds = True
        with self._observed("control", statement) as seen:
            try:
                yield seen
            except DISAPPOINTMENTS:
                holds = False
                raise
        if not holds:
            raise Ended

    @contextmanager
    def finding(self, statement: str) -> Iterator[Observed]:
        """The body looks for what the specification demands."""
        with self._observed("finding", statement) as seen:
            yield seen

    @contextmanager
    def alive(self, statement: str) -> Iterator[Observed]:
        """The body shows that the target serves others as before."""
        with self._observed("liveness", statement) as seen:
            yield seen

    @contextmanager
    def _observed(self, kind: Kind, statement: str) -> Iterator[Observed]:
        seen = Observed()
        try:
            yield seen
        except DISAPPOINTMENTS as error:
            self.note(kind, statement, False, str(error) or type(error).__name__)
        else:
            self.note(kind, statement, True, seen.text)

    # what cases share

    async def registered(self, gnb: Gnb, **changes: object) -> Ue:
        """The UE under test, registered: a control."""
        ue = self.bench.ue(gnb, **changes)
        with self.control("the UE under test registers with the right keys"):
            await self.bench.succeeds(ue.register(), "registration")
        return ue

    async def with_session(self, gnb: Gnb, **changes: object) -> Ue:
        """The UE under test, registered and with a PDU session whose bearer is up: a control."""
        bench = self.bench
        ue = bench.ue(gnb, sessions=(bench.session(),), **changes)
        with self.control("the UE under test registers and has a PDU session"):
            await bench.succeeds(ue.register(), "registration")
            await bench.succeeds(ue.establish_session(), "PDU session")
            await bench.until(lambda: ue.sessions[1].context.bearer, "the session's bearer is up")
        return ue

    async def updated(self, ue: Ue, what: str = "a registration update is answered") -> int:
        """A control: the UE's update is accepted. Returns how often the UE was authenticated for it."""
        before = len(self.bench.heard(nas.AuthenticationRequest, ue))
        with self.control(what):
            await self.bench.succeeds(ue.register(nas.RegistrationKind.MOBILITY), "registration update")
        return len(self.bench.heard(nas.AuthenticationRequest, ue)) - before

    async def served(self, ue: Ue) -> None:
        """A control and the state at once: a fresh update on the same connection, behind the stimulus, is accepted
        under the keys that the UE has. SCTP delivers in order on a stream: what was before it has been there."""
        asked = await self.updated(ue, "the UE's next message under its keys is answered")
        with self.finding("for that the UE is authenticated no more often than before the stimulus"):
            check.equal(asked, self.usual, "authentications for an update")

    async def still_served(self, ue: Ue) -> None:
        """Failed when the UE's update is refused, or it is authenticated for it more often than is usual here."""
        before = len(self.bench.heard(nas.AuthenticationRequest, ue))
        await self.bench.succeeds(ue.register(nas.RegistrationKind.MOBILITY), "registration update")
        asked = len(self.bench.heard(nas.AuthenticationRequest, ue)) - before
        check.equal(asked, self.usual, "authentications for an update")

    async def settle(self) -> None:
        """What the target says of itself has been said: what comes from now on is due to the stimulus."""
        await asyncio.sleep(SETTLE_S)

    async def silence(self, record: Record, since: int, statement: str) -> None:
        """A finding: the UE heard nothing after so many entries of its record, and does not for two seconds more."""
        with self.finding(statement):
            await asyncio.sleep(QUIET_S)
            check.equal([name_of(one) for one in record.heard[since:]], [], "messages that came")

    async def turn(self, knob: KnobName, **names: str) -> str:
        """A control: the knob is turned. Returns what its command printed."""
        said = ""
        put_in = ", ".join(f"{name} {value}" for name, value in names.items())
        with self.control(f"the knob {knob} is turned: {put_in}"):
            try:
                said = await self.lab.knobs.turn(knob, names)
            except OSError as error:
                raise Failed(str(error)) from None
        return said

    async def restart(self) -> None:
        """A control: the target is restarted, and serves those who must not notice as before."""
        await self.turn("restart")
        if self.others is not None:
            await self.others.restored()

    async def on_host(self, *words: str, within: float | None = None) -> str:
        """What a command on the target's host prints. Failed: it could not be run."""
        try:
            host = check.present(self.lab.host, "access to a host of the target")
            return await (host.run(*words) if within is None else host.run(*words, within=within))
        except OSError as error:
            raise Failed(str(error)) from None


def guti_of(ue: Ue) -> Guti:
    return check.present(ue.context.guti, "the 5G-GUTI")


def name_of(heard: Heard | Released | Paged) -> str:
    """As the specification calls it."""
    if isinstance(heard, Heard):
        return "an unreadable NAS PDU" if heard.message is None else heard.message.NAME
    return type(heard).__name__


def messages(heard: Sequence[Heard | Released | Paged]) -> list[nas.NasMessage]:
    return [one.message for one in heard if isinstance(one, Heard) and one.message is not None]


DISAPPOINTMENTS = (Failed, Unmet, Refused, TimerExpired, Aborted)
"""What the emulated side raises when the target does not do what is wanted."""
