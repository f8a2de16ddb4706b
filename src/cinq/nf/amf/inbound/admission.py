"""Who is let in when more UEs come than can be served: TS 24.501 §5.3.9, TS 38.413 §8.7.7, TS 23.501 §5.19.5.

A UE that has proved nothing yet costs an authentication. So each gNB has a share that is served at once, of strangers
and of UEs known by their keys; what goes beyond it waits in a line of its gNB (line.py), and is let in one at a time,
gNB by gNB, while the event loop keeps up. Who finds the line full is told to come back, and its gNB to send
fewer (OVERLOAD START). So no gNB's storm is felt at another, and what is half open is bounded: the oldest that has
answered nothing gives way, or one of an identity that has many for one of an identity that has none.

At the gNB of a storm itself a UE with a 5G security context shows by the MAC of its first message that it is no
stranger, and waits for none. Among strangers identities have turns.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from msgspec import Struct

from cinq.nf.amf import journal
from cinq.nf.amf.inbound.line import SAME_IDENTITY, Line, Waiting
from cinq.nf.amf.n2 import carriage
from cinq.nf.amf.n2.association import NgConnection, Ran
from cinq.nf.amf.procedures.ngap.eligibility import emergency_only
from cinq.nf.amf.ue import ue_of
from cinq.procedure import Why
from cinq.wire import nas, ngap

SHARE = 64  # UEs of one gNB that may be half open without waiting; as many of those known by their keys
HALF_OPEN = 1024  # of one gNB, then the oldest gives way
HALF_OPEN_IN_ALL = 4096
GRACE_S = 3.0  # for which a UE may take to answer, whoever comes
HURRIED_S = 1.0  # while the line is so long that its gNB was told
LOOKED_AT = 1000  # first messages of one gNB in a second whose MAC is looked at, before they wait
DOUBTED = 4  # of one identity, in a second, that were not its own
PATIENCE_S = 10.0  # after which a UE has given up (T3510 is 15 s): nothing is begun for it
TOLD_IN_A_SECOND = 100  # UEs of one gNB that are told to come back; the rest hear nothing
OVERLOADED = 1000  # in line: the gNB is told
ENDURED_S = 10.0  # of overload, from which on T3346 comes along
CALM_S = 5.0  # without a line, until it is told that all is well
LATE_S = 0.003  # of the event loop, from which on nobody else is let in for as long again
LOOK_S = 0.02  # between looks at many half open; at few, every turn of the pump
FEW = 128

FIRST_MESSAGES = tuple(
    bytes((kind.EPD, 0, kind.TYPE))
    for kind in (nas.RegistrationRequest, nas.ServiceRequest, nas.DeregistrationRequestUEOriginating)
)
KNOWN_BY_KEYS = (2, 4)  # 5G-GUTI and 5G-S-TMSI (TS 24.501 §9.11.3.4)
INITIAL_UE_MESSAGE = bytes((0, ngap.InitialUEMessage.PROCEDURE_CODE))


class HalfOpen(NamedTuple):
    """A connection whose UE has proved nothing. since: when it came, by the loop's clock."""

    connection: NgConnection
    claim: bytes
    since: float

    @property
    def is_over(self) -> bool:
        """It is released, or the UE is registered."""
        connection = self.connection
        if connection.ran.access.connections.get(connection.amf_ue_ngap_id) is not connection:
            return True
        return ue_of(connection).context.rm_state == "RM-REGISTERED"


class Gate:
    """The line of one gNB. begin: serves the INITIAL UE MESSAGE in these octets. proves: whether its UE is known by its
    keys, which are left as they are.

    half_open: strangers; known: UEs with a security context whose procedure is under way. By AMF UE NGAP ID.
    """

    def __init__(
        self,
        admission: Admission,
        ran: Ran,
        begin: Callable[[bytes], None],
        proves: Callable[[bytes], bool],
    ) -> None:
        self.ran = ran
        self.begin = begin
        self.line = Line()
        self.half_open: dict[int, HalfOpen] = {}
        self.known: dict[int, NgConnection] = {}
        self.claims: Counter[bytes] = Counter()
        self.overloaded_at: float | None = None
        self.overloaded_since = 0.0
        self.told = self.unheard = 0
        self._proves = proves
        self._doubted: Counter[bytes] = Counter()
        self._looked_at = 0
        self._admission = admission
        self._looked = 0.0

    def arrives(self, octets: bytes) -> bool:
        """Whether the message is to be served at once; else it is in line, or was turned away."""
        if not octets.startswith(INITIAL_UE_MESSAGE) or not self.ran.context.is_set_up:
            return True
        if not self.line and self.count() < SHARE and self.known_count() < SHARE:
            return True
        claim = claim_of(octets)
        one = Waiting(_now(), octets, claim)
        if self._is_known(octets, claim):
            if not self.line.proved and self.known_count() < SHARE:
                return True
            away = None if self.line.put_proved(one) else one
        else:
            away = self.line.put(one, first=not self.claims[claim])
        if away is not None:
            self.turn_away(away.octets)
        if self.line:
            self._admission.pump_soon()
        if len(self.line) >= OVERLOADED and self.overloaded_at is None:
            self._overload_start()
        return False

    def _is_known(self, octets: bytes, claim: bytes) -> bool:
        """What is looked at is bounded, in all and for one identity: a stranger may name any."""
        if not claim or claim[0] & 7 not in KNOWN_BY_KEYS:
            return False
        if self._looked_at >= LOOKED_AT or self._doubted[claim] >= DOUBTED:
            return False
        self._looked_at += 1
        if self._proves(octets):
            return True
        self._doubted[claim] += 1
        return False

    def came(self, connection: NgConnection, octets: bytes) -> None:
        """A UE that has proved nothing was let in. Where too many claim the same, the oldest of them gives way."""
        claim = claim_of(octets)
        self.half_open[connection.amf_ue_ngap_id] = HalfOpen(connection, claim, _now())
        self.claims[claim] += 1
        if not claim or self.claims[claim] <= SAME_IDENTITY:
            return
        self._forget_those_over()
        if self.claims[claim] > SAME_IDENTITY:
            self._oldest_gives_way(
                claim, f"{SAME_IDENTITY} others claim the same identity at {self.ran.label}"
            )

    def back(self, connection: NgConnection) -> None:
        """A UE that is known by its keys was let in."""
        self.known[connection.amf_ue_ngap_id] = connection

    def count(self) -> int:
        """How many strangers are half open, at the most: those that are over are looked for now and then."""
        now = _now()
        many = len(self.half_open) > FEW
        if len(self.half_open) >= SHARE and (not many or now >= self._looked + LOOK_S):
            self._looked = now
            self._forget_those_over()
        return len(self.half_open)

    def known_count(self) -> int:
        """How many UEs that are known by their keys are being served."""
        if len(self.known) >= SHARE:
            self._forget_those_served()
        return len(self.known)

    def _forget_those_served(self) -> None:
        there = self.ran.access.connections
        self.known = {
            n: each for n, each in self.known.items() if there.get(n) is each and not ue_of(each).is_idle
        }

    def _forget_those_over(self) -> None:
        self.half_open = {n: each for n, each in self.half_open.items() if not each.is_over}
        self.claims = Counter(each.claim for each in self.half_open.values())

    def has_room(self, in_all: int) -> bool:
        """Whether the first in line may be let in beyond the share. The oldest stranger, when it had time enough to
        answer, makes room for another; for one of another identity also one of an identity that has several."""
        if self.line.proved:
            return self.known_count() < HALF_OPEN
        if self.count() < HALF_OPEN and in_all < HALF_OPEN_IN_ALL:
            return True
        oldest = next(iter(self.half_open.values()), None)
        if oldest is None:
            return False
        grace = GRACE_S if self.overloaded_at is None else HURRIED_S
        if oldest.since + grace <= _now():
            self._gives_way(
                oldest, f"it has not answered for {grace:g} s, and others wait at {self.ran.label}"
            )
            return True
        claim, several = self.claims.most_common(1)[0]
        if several > 1 and self.line.has_first:
            self._oldest_gives_way(
                claim, f"{several} claim its identity, and others wait at {self.ran.label}"
            )
            return True
        return False

    def _oldest_gives_way(self, claim: bytes, why: str) -> None:
        self._gives_way(next(each for each in self.half_open.values() if each.claim == claim), why)

    def _gives_way(self, half_open: HalfOpen, why: str) -> None:
        """No reject: the subscriber may be another than who came. The UE, if there is one, tries again."""
        self.half_open.pop(half_open.connection.amf_ue_ngap_id, None)
        self.claims[half_open.claim] -= 1
        if not half_open.is_over:
            ue_of(half_open.connection).abort(Why(f"the registration gives way: {why}", MEND))

    def next(self) -> None:
        """Let the first in line in; whoever has waited too long has given up."""
        one = self.line.take()
        if _now() - one.since <= PATIENCE_S:
            self.begin(one.octets)

    def fill_share(self) -> None:
        for _ in range(SHARE):
            if not self.line or (self.known_count() if self.line.proved else self.count()) >= SHARE:
                return
            self.next()

    def turn_away(self, octets: bytes) -> None:
        """Come back later; no UE context is made for this. What cannot be read, or is too much, is dropped.

        A burst is over when T3511 is: #22 alone. T3346 that nothing protects makes a UE stay away for 15 to 30 minutes,
        whatever its value (TS 24.501 §5.5.1.2.5, §5.6.1.5): it is for an overload that lasts.
        """
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
        back_off = None
        if self.overloaded_at is not None and _now() >= self.overloaded_since + ENDURED_S:
            back_off = settings.t3346_s + self.told % (settings.t3346_s // 2 + 1)
        self.told += 1
        rejects: nas.GmmMessage = nas.RegistrationReject(cause=nas.GmmCause.CONGESTION, t3346=back_off)
        if _is_service_request(message.nas_pdu or b""):
            rejects = nas.ServiceReject(cause=nas.GmmCause.CONGESTION, t3346=back_off)
        ran.tell(carriage.nas_transport(ids, nas.encode(rejects)))
        ran.tell(carriage.context_release(ids, ("misc", "control-processing-overload")))

    def _overload_start(self) -> None:
        """§8.7.7: this gNB alone."""
        self.overloaded_at = self.overloaded_since = _now()
        ran = self.ran
        why = (
            f"{ran.label} brings more UEs than can be served: {len(self.line)} wait; it is told to send fewer"
        )
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
        self.told = self.unheard = self._looked_at = 0
        self._doubted.clear()
        self._forget_those_served()
        self._forget_those_over()
        if self.overloaded_at is None:
            return
        if self.line:
            self.overloaded_at = _now()
        elif _now() >= self.overloaded_at + CALM_S:
            self.overloaded_at = None
            journal.note(self.ran, f"overload: over at {self.ran.label}")
            self.ran.tell(ngap.OverloadStop() if self.ran.drained is None else emergency_only())

    def close(self) -> None:
        """The association is over, or begins anew."""
        self.line.clear()
        self.half_open.clear()
        self.known.clear()
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

    def gate(self, ran: Ran, begin: Callable[[bytes], None], proves: Callable[[bytes], bool]) -> Gate:
        gate = Gate(self, ran, begin, proves)
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
            if gate.line and gate.has_room(in_all):
                self._turn = (self._turn + step + 1) % count
                gate.next()
                let_in = True
                break
        if any(gate.line for gate in self.gates):
            self._pumping = True
            pause = (late if late > LATE_S else 0.0) if let_in else LOOK_S
            asyncio.get_running_loop().call_later(pause, self._pump, _now() + pause)

    def look(self) -> None:
        """Once a second: whether an overload is over."""
        for gate in self.gates:
            gate.look()


def claim_of(octets: bytes) -> bytes:
    """Who the UE of an INITIAL UE MESSAGE claims to be: the 5GS mobile identity of its first NAS message, as octets;
    empty where none is found. Nothing is decoded for one who may have to wait, or to go."""
    for begin in FIRST_MESSAGES:
        at = octets.find(begin)
        if at >= 0:
            start = (
                at + 6
            )  # behind type, ngKSI and the length of the identity (TS 24.501 §8.2.6, §8.2.12, §8.2.16)
            return octets[start : start + int.from_bytes(octets[start - 2 : start], "big")]
    return b""


def _is_service_request(nas_pdu: bytes) -> bool:
    """By its type alone, in the clear or behind a security header (TS 24.501 §4.4.6)."""
    inside = nas_pdu if len(nas_pdu) > 2 and not nas_pdu[1] & 0x0F else nas_pdu[7:]
    return inside[2:3] == bytes((nas.ServiceRequest.TYPE,))


def _now() -> float:
    return asyncio.get_running_loop().time()
