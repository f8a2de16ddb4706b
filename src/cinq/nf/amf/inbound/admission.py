"""Who is let in when more UEs come than can be served: TS 24.501 §5.3.9, TS 38.413 §8.7.7, TS 23.501 §5.19.5.

A UE that has proved nothing yet costs an authentication. So each gNB has a share that is served at once; what goes
beyond it waits in a line of its gNB, and is let in one at a time, gNB by gNB, while the event loop keeps up. Who finds
the line full is told to come back after T3346, and its gNB to send fewer (OVERLOAD START). So no gNB's storm is felt at
another, and what is half open is bounded: the oldest that has answered nothing gives way. Who all claim to be the same
UE have a part of the line only, so that the others of their gNB do not wait behind them.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Hashable
from typing import NamedTuple

from msgspec import Struct

from cinq.nf.amf import journal
from cinq.nf.amf.n2 import carriage
from cinq.nf.amf.n2.association import NgConnection, Ran
from cinq.nf.amf.procedures.ngap.eligibility import emergency_only
from cinq.nf.amf.ue import ue_of
from cinq.procedure import Why
from cinq.wire import nas, ngap

SHARE = 64  # UEs of one gNB that may be half open without waiting
HALF_OPEN = 1024  # of one gNB, then the oldest gives way
HALF_OPEN_IN_ALL = 4096
SAME_IDENTITY = 128  # of one gNB that claim the same SUCI; as many may wait besides
GRACE_S = 3.0  # for which a UE may take to answer, whoever comes
WAITING = 4000  # messages in one gNB's line: what a core serves before who waits has given up
PATIENCE_S = 10.0  # after which a UE has given up (T3510 is 15 s): nothing is begun for it
TOLD_IN_A_SECOND = 100  # UEs of one gNB that are told to come back; the rest hear nothing
OVERLOADED = 1000  # in line: the gNB is told
CALM_S = 5.0  # without a line, until it is told that all is well
LATE_S = 0.003  # of the event loop, from which on nobody else is let in for as long again
LOOK_S = 0.02  # between looks at many half open; at few, every turn of the pump
FEW = 128

REGISTRATION_REQUEST = bytes((nas.RegistrationRequest.EPD, 0, nas.RegistrationRequest.TYPE))
INITIAL_UE_MESSAGE = bytes((0, ngap.InitialUEMessage.PROCEDURE_CODE))


class HalfOpen(NamedTuple):
    """A connection whose UE has proved nothing. since: when it came, by the loop's clock."""

    connection: NgConnection
    identity: Hashable
    since: float

    @property
    def is_over(self) -> bool:
        """It is released, or the UE is registered."""
        connection = self.connection
        if connection.ran.access.connections.get(connection.amf_ue_ngap_id) is not connection:
            return True
        return ue_of(connection).context.rm_state == "RM-REGISTERED"


class Gate:
    """The line of one gNB. begin: serves the INITIAL UE MESSAGE in these octets."""

    def __init__(self, admission: Admission, ran: Ran, begin: Callable[[bytes], None]) -> None:
        self.ran = ran
        self.begin = begin
        self.waiting: deque[tuple[float, bytes, bytes]] = deque()
        self.waiting_claims: Counter[bytes] = Counter()
        self.half_open: dict[int, HalfOpen] = {}
        self.claims: Counter[Hashable] = Counter()
        self.overloaded_at: float | None = None
        self.told = self.unheard = 0
        self._admission = admission
        self._looked = 0.0

    def arrives(self, octets: bytes) -> bool:
        """Whether the message is to be served at once; else it is in line, or was turned away."""
        if not octets.startswith(INITIAL_UE_MESSAGE) or not self.ran.context.is_set_up:
            return True
        if not self.waiting and self.count() < SHARE:
            return True
        claim = _claim(octets)
        if len(self.waiting) < WAITING and (not claim or self.waiting_claims[claim] < SAME_IDENTITY):
            self.waiting.append((_now(), octets, claim))
            self.waiting_claims[claim] += 1
            self._admission.pump_soon()
            if len(self.waiting) >= OVERLOADED and self.overloaded_at is None:
                self._overload_start()
        else:
            self.turn_away(octets)
        return False

    def came(self, connection: NgConnection, identity: Hashable) -> None:
        """A UE that has proved nothing was let in. Where too many claim the same, the oldest of them gives way."""
        self.half_open[connection.amf_ue_ngap_id] = HalfOpen(connection, identity, _now())
        self.claims[identity] += 1
        if identity is None or self.claims[identity] <= SAME_IDENTITY:
            return
        self._forget_those_over()
        if self.claims[identity] > SAME_IDENTITY:
            oldest = next(each for each in self.half_open.values() if each.identity == identity)
            self._gives_way(oldest, f"{SAME_IDENTITY} others claim the same identity at {self.ran.label}")

    def count(self) -> int:
        """How many are half open, at the most: those that are over are looked for now and then."""
        now = _now()
        many = len(self.half_open) > FEW
        if len(self.half_open) >= SHARE and (not many or now >= self._looked + LOOK_S):
            self._looked = now
            self._forget_those_over()
        return len(self.half_open)

    def _forget_those_over(self) -> None:
        self.half_open = {n: each for n, each in self.half_open.items() if not each.is_over}
        self.claims = Counter(each.identity for each in self.half_open.values())

    def has_room(self, in_all: int) -> bool:
        """Whether one more may be half open. The oldest, when it had time enough to answer, makes room."""
        if self.count() < HALF_OPEN and in_all < HALF_OPEN_IN_ALL:
            return True
        oldest = next(iter(self.half_open.values()), None)
        if oldest is None or oldest.since + GRACE_S > _now():
            return False
        self._gives_way(oldest, f"it has not answered for {GRACE_S:g} s, and others wait at {self.ran.label}")
        return True

    def _gives_way(self, half_open: HalfOpen, why: str) -> None:
        """No reject: the subscriber may be another than who came. The UE, if there is one, tries again."""
        self.half_open.pop(half_open.connection.amf_ue_ngap_id, None)
        self.claims[half_open.identity] -= 1
        if not half_open.is_over:
            ue_of(half_open.connection).abort(Why(f"the registration gives way: {why}", MEND))

    def next(self) -> None:
        """Let the first in line in; whoever has waited too long has given up."""
        since, octets, claim = self.waiting.popleft()
        self.waiting_claims[claim] -= 1
        if not self.waiting_claims[claim]:
            del self.waiting_claims[claim]
        if _now() - since <= PATIENCE_S:
            self.begin(octets)

    def fill_share(self) -> None:
        for _ in range(SHARE):
            if not self.waiting or self.count() >= SHARE:
                return
            self.next()

    def turn_away(self, octets: bytes) -> None:
        """Come back after T3346; no UE context is made for this. What cannot be read, or is too much, is dropped."""
        if self.told >= TOLD_IN_A_SECOND:
            self.unheard += 1
            return
        try:
            message = ngap.decode(octets)
        except ngap.NgapError:
            self.unheard += 1
            return
        assert isinstance(message, ngap.InitialUEMessage)
        ran = self.ran
        ids = Ids(ran.access.reserve(ran, message.ran_ue_ngap_id), message.ran_ue_ngap_id)
        settings = ran.ports.settings
        back_off = settings.t3346_s + self.told % (settings.t3346_s // 2 + 1)
        self.told += 1
        rejects: nas.GmmMessage = nas.RegistrationReject(cause=nas.GmmCause.CONGESTION, t3346=back_off)
        if _is_service_request(message.nas_pdu or b""):
            rejects = nas.ServiceReject(cause=nas.GmmCause.CONGESTION, t3346=back_off)
        ran.tell(carriage.nas_transport(ids, nas.encode(rejects)))
        ran.tell(carriage.context_release(ids, ("misc", "control-processing-overload")))

    def _overload_start(self) -> None:
        """§8.7.7: this gNB alone."""
        self.overloaded_at = _now()
        ran = self.ran
        why = f"{ran.label} brings more UEs than can be served: {len(self.waiting)} wait; it is told to send fewer"
        journal.note(ran, Why(f"overload: {why}", MEND))
        ran.tell(
            ngap.OverloadStart(
                amf_overload_response=("overloadAction", "reject-rrc-cr-signalling"),
                amf_traffic_load_reduction_indication=REDUCTION,
            )
        )

    def look(self) -> None:
        """Once a second."""
        if self.told or self.unheard:
            text = f"{self.told} UEs of {self.ran.label} were told to come back later, {self.unheard} got no answer"
            journal.note(self.ran, Why(f"overload: {text}", MEND))
        self.told = self.unheard = 0
        if self.overloaded_at is None:
            return
        if self.waiting:
            self.overloaded_at = _now()
        elif _now() >= self.overloaded_at + CALM_S:
            self.overloaded_at = None
            journal.note(self.ran, f"overload: over at {self.ran.label}")
            self.ran.tell(ngap.OverloadStop() if self.ran.drained is None else emergency_only())

    def close(self) -> None:
        """The association is over, or begins anew."""
        self.waiting.clear()
        self.waiting_claims.clear()
        self.half_open.clear()
        self.claims.clear()
        self.overloaded_at = None


MEND = (
    "find out what sends so many (cinq explain); spread UEs over more gNBs, or this network over more cores"
)
REDUCTION = 90  # percent


class Ids(Struct):
    """A connection that is none any more."""

    amf_ue_ngap_id: int
    ran_ue_ngap_id: int


class Admission:
    """All gates of the AMF, and the pump that lets in who waits."""

    def __init__(self) -> None:
        self.gates: list[Gate] = []
        self._pumping = False
        self._turn = 0

    def gate(self, ran: Ran, begin: Callable[[bytes], None]) -> Gate:
        gate = Gate(self, ran, begin)
        self.gates.append(gate)
        return gate

    def gone(self, gate: Gate) -> None:
        gate.close()
        if gate in self.gates:
            self.gates.remove(gate)

    def pump_soon(self) -> None:
        if not self._pumping:
            self._pumping = True
            asyncio.get_running_loop().call_soon(self._pump, _now())

    def _pump(self, due: float) -> None:
        """Who has a place in its gNB's share, and one more. When the loop is late, nobody beyond the shares for as long
        as it was: what is under way goes first."""
        self._pumping = False
        for gate in self.gates:
            gate.fill_share()
        late = _now() - due
        count = len(self.gates)
        in_all = sum(len(gate.half_open) for gate in self.gates)
        let_in = False
        for step in range(count):
            gate = self.gates[(self._turn + step) % count]
            if gate.waiting and gate.has_room(in_all):
                self._turn = (self._turn + step + 1) % count
                gate.next()
                let_in = True
                break
        if any(gate.waiting for gate in self.gates):
            self._pumping = True
            pause = (late if late > LATE_S else 0.0) if let_in else LOOK_S
            asyncio.get_running_loop().call_later(pause, self._pump, _now() + pause)

    def look(self) -> None:
        """Once a second: whether an overload is over."""
        for gate in self.gates:
            gate.look()


def _claim(octets: bytes) -> bytes:
    """Who the UE of an INITIAL UE MESSAGE claims to be: the identity in its REGISTRATION REQUEST, as octets; empty
    where none is found. Nothing is decoded for one who may have to wait, or to go."""
    at = octets.find(REGISTRATION_REQUEST)
    if at < 0:
        return b""
    start = at + 6  # behind type, ngKSI and the length of the identity (TS 24.501 §8.2.6)
    return octets[start : start + int.from_bytes(octets[start - 2 : start], "big")]


def _is_service_request(nas_pdu: bytes) -> bool:
    """By its type alone, in the clear or behind a security header (TS 24.501 §4.4.6)."""
    inside = nas_pdu if len(nas_pdu) > 2 and not nas_pdu[1] & 0x0F else nas_pdu[7:]
    return inside[2:3] == bytes((nas.ServiceRequest.TYPE,))


def _now() -> float:
    return asyncio.get_running_loop().time()
