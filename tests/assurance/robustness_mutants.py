"""Networks that one kind of unexpected input harms, around the real functions: what the campaigns have to find.

Each says whom it harms and how, and what the smallest input is that does it.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cinq.nf.amf import AMF
from cinq.nf.amf.inbound.n2 import Inbound
from cinq.nf.amf.n1 import envelope
from cinq.nf.smf.inbound import n1 as smf_n1
from cinq.nf.upf import UPF
from cinq.userplane.model import Model
from cinq.wire import nas

Weaken = Callable[[pytest.MonkeyPatch], None]
MUTANTS: dict[str, Weaken] = {}


def mutant(weaken: Weaken) -> Weaken:
    MUTANTS[weaken.__name__] = weaken
    return weaken


def heard_by_the_amf(patch: pytest.MonkeyPatch, act: Callable[[AMF, bytes], None]) -> None:
    """act: sees each NGAP message before it is served."""
    connected = AMF.n2_connected

    def n2_connected(self: AMF, association: object) -> Inbound:
        inbound = connected(self, association)  # type: ignore[arg-type]
        served = inbound.message

        def message(octets: bytes, stream: int, ppid: int) -> None:
            served(octets, stream, ppid)
            act(self, octets)

        inbound.message = message  # type: ignore[method-assign]
        return inbound

    patch.setattr(AMF, "n2_connected", n2_connected)


def end_associations(amf: AMF) -> None:
    for ran in list(amf.access.rans):
        ran.association.abort("crash")


class Decoding:
    """`nas` as a module sees it that tells first what it reads."""

    def __init__(self, act: Callable[[bytes], None]) -> None:
        self._act = act

    def decode(self, octets: bytes) -> nas.NasMessage:
        self._act(octets)
        return nas.decode(octets)

    def __getattr__(self, name: str) -> object:
        return getattr(nas, name)


def remembered(patch: pytest.MonkeyPatch) -> list[AMF]:
    """The AMF that is under test."""
    found: list[AMF] = []
    start = AMF.start

    def started(self: AMF) -> None:
        found.append(self)
        start(self)

    patch.setattr(AMF, "start", started)
    return found


@mutant
def an_ngap_message_of_more_than_400_octets_ends_all_associations(patch: pytest.MonkeyPatch) -> None:
    def act(amf: AMF, octets: bytes) -> None:
        if len(octets) > 400:
            end_associations(amf)

    heard_by_the_amf(patch, act)


@mutant
def an_unknown_ie_of_criticality_notify_releases_every_connection(patch: pytest.MonkeyPatch) -> None:
    def act(amf: AMF, octets: bytes) -> None:
        if (65533).to_bytes(2, "big") + b"\x80" in octets:
            for ue in list(amf.registry.by_supi.values()):
                ue.release_soon()

    heard_by_the_amf(patch, act)


@mutant
def a_message_type_of_the_network_said_by_a_phone_ends_all_associations(patch: pytest.MonkeyPatch) -> None:
    """In clear."""
    amfs = remembered(patch)

    def act(octets: bytes) -> None:
        if octets[1:3] == b"\0\x56":
            end_associations(amfs[0])

    patch.setattr(envelope, "nas", Decoding(act))


@mutant
def an_unknown_element_under_security_ends_all_associations(patch: pytest.MonkeyPatch) -> None:
    """One with a length of two octets, in a message whose integrity holds."""
    amfs = remembered(patch)

    def act(octets: bytes) -> None:
        if b"\x7f\0\x02\0\0" in octets:
            end_associations(amfs[0])

    patch.setattr(envelope, "nas", Decoding(act))


@mutant
def a_long_5gsm_message_ends_all_associations(patch: pytest.MonkeyPatch) -> None:
    amfs = remembered(patch)

    def act(octets: bytes) -> None:
        if len(octets) > 2000:
            end_associations(amfs[0])

    patch.setattr(smf_n1, "nas", Decoding(act))


@mutant
def an_extension_header_of_length_0_ends_the_user_plane(patch: pytest.MonkeyPatch) -> None:
    """Everybody's sessions are gone from it."""
    sound = Model._decapsulate

    def decapsulate(self: Model, octets: bytes, *rest: object) -> object:
        if len(octets) > 12 and octets[0] & 4 and octets[11] and octets[12] == 0:
            for session in list(self.registry.sessions):
                self.remove(session)
        return sound(self, octets, *rest)  # type: ignore[arg-type]

    patch.setattr(Model, "_decapsulate", decapsulate)


@mutant
def an_f_teid_without_contents_ends_all_sessions(patch: pytest.MonkeyPatch) -> None:
    sound = UPF.n4_received

    def n4_received(self: UPF, octets: bytes, peer: tuple[str, int]) -> None:
        if b"\0\x15\0\0" in octets[8:]:
            model = self._plane.model  # type: ignore[union-attr]
            for session in list(model.registry.sessions):
                model.remove(session)
        sound(self, octets, peer)

    patch.setattr(UPF, "n4_received", n4_received)
