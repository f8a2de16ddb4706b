"""User planes in which exactly one protection is weakened, around the real functions."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable
from ipaddress import IPv4Address

import msgspec
import pytest

from cinq.nf.upf.n4 import N4
from cinq.nf.upf.registry import Registry
from cinq.userplane import model
from cinq.userplane.model import Model
from cinq.userplane.packet import GPdu, NotForFastPath, Refused
from cinq.wire import pfcp

Weaken = Callable[[pytest.MonkeyPatch], None]
MUTANTS: dict[str, Weaken] = {}


def mutant(weaken: Weaken) -> Weaken:
    MUTANTS[weaken.__name__] = weaken
    return weaken


def telling(patch: pytest.MonkeyPatch, other: Callable[[int, int], int]) -> None:
    """The UPF tells the SMF of another TEID at every thirtieth session. other: is given the TEID before, and this."""
    sound, count, last = N4._send, itertools.count(1), [1]

    def send(self: N4, answer: pfcp.Message, *rest: object) -> bytes:
        if isinstance(answer, pfcp.SessionEstablishmentResponse) and answer.created_pdrs:
            f_teid = answer.created_pdrs[0].f_teid
            assert f_teid is not None
            assert f_teid.teid is not None
            if next(count) % 30 == 0:
                told = msgspec.structs.replace(f_teid, teid=other(last[0], f_teid.teid))
                answer.created_pdrs[0].f_teid = told
            last[0] = f_teid.teid
        return sound(self, answer, *rest)  # type: ignore[arg-type]

    patch.setattr(N4, "_send", send)


@mutant
def a_teid_is_given_twice(patch: pytest.MonkeyPatch) -> None:
    telling(patch, lambda before, this: before)


@mutant
def zero_is_a_teid(patch: pytest.MonkeyPatch) -> None:
    telling(patch, lambda before, this: 0)


@mutant
def teids_are_counted(patch: pytest.MonkeyPatch) -> None:
    numbers = itertools.count(0x1000)
    patch.setattr(Registry, "new_teid", lambda self: next(numbers))


@mutant
def teids_are_the_lowest_that_are_free(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        Registry, "new_teid", lambda self: next(n for n in itertools.count(1) if n not in self._teids)
    )


@mutant
def any_tunnel_will_do(patch: pytest.MonkeyPatch) -> None:
    """A packet of an unknown TEID is taken for that of the first session."""
    sound = Model._decap

    def decap(self: Model, teid: int) -> object:
        found = sound(self, teid)
        if found is None and self.registry.teids:
            rules = [rule for rules in self.registry.sessions.values() for rule in rules.decap]
            found = (rules[-1], self.session(list(self.registry.sessions.values())[-1]))
        return found

    patch.setattr(Model, "_decap", decap)


def lenient(patch: pytest.MonkeyPatch, parse: Callable[[bytes], GPdu]) -> None:
    """parse: of a message that the sound function refuses."""
    sound = model.parse_gpdu

    def parse_gpdu(octets: bytes, uplink: bool = True) -> GPdu:
        try:
            return sound(octets, uplink)
        except (Refused, NotForFastPath):
            if len(octets) < 44 or octets[1] != 255:
                raise
            return parse(octets)

    patch.setattr(model, "parse_gpdu", parse_gpdu)


def header_of(octets: bytes) -> GPdu:
    """As of a whole G-PDU with one extension header."""
    return GPdu(struct.unpack_from("!I", octets, 4)[0], 16, octets[14] & 63)


@mutant
def the_version_is_not_looked_at(patch: pytest.MonkeyPatch) -> None:
    def parse(octets: bytes) -> GPdu:
        if octets[0] >> 4 == 3:
            raise Refused(model.Reason.MALFORMED)
        return header_of(octets)

    lenient(patch, parse)


@mutant
def the_length_is_not_looked_at(patch: pytest.MonkeyPatch) -> None:
    def parse(octets: bytes) -> GPdu:
        if octets[0] >> 4 != 3 or octets[11] != 0x85 or octets[12] != 1:
            raise Refused(model.Reason.MALFORMED)
        return header_of(octets)

    lenient(patch, parse)


@mutant
def extension_headers_are_passed_over(patch: pytest.MonkeyPatch) -> None:
    def parse(octets: bytes) -> GPdu:
        if octets[0] >> 4 != 3 or int.from_bytes(octets[2:4], "big") + 8 != len(octets):
            raise Refused(model.Reason.MALFORMED)
        return header_of(octets)

    lenient(patch, parse)


@mutant
def what_is_malformed_ends_the_user_plane(patch: pytest.MonkeyPatch) -> None:
    """Everybody's."""
    sound, ended = Model._decapsulate, list[bool]()

    def decapsulate(self: Model, octets: bytes, now_ns: int, source: IPv4Address | None) -> object:
        if ended:
            raise Refused(model.Reason.MALFORMED)
        try:
            return sound(self, octets, now_ns, source)
        except Refused:
            ended.append(True)
            raise

    patch.setattr(Model, "_decapsulate", decapsulate)
