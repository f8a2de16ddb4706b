"""The negative cases on N3 and N4: the sound UPF passes each; each kills one that dies of its stimulus, and those for
which a protection can be taken away kill the UPF without it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
import pytest

from cinq.assurance.cases import CASES
from cinq.assurance.cases.ts33117 import robustness_n3, robustness_n4
from cinq.assurance.verdict import Verdict
from cinq.nf.upf import UPF
from cinq.nf.upf.n4 import N4
from cinq.nf.upf.procedures.association import Associations
from cinq.nf.upf.registry import Registry
from cinq.userplane import model
from cinq.userplane.model import Dropped, Model, Outer, Reason
from cinq.wire import gtpu, pfcp

from .upf_site import UPF_N3, Wires, asked

CASE = "33117-4.4.4"
Weaken = Callable[[pytest.MonkeyPatch], None]
NAMES = [
    sub.name
    for sub in CASES[f"SCAS-{CASE}"].subs.values()
    if sub.play is not None and sub.play.__module__ in (robustness_n3.__name__, robustness_n4.__name__)
]


@pytest.mark.parametrize("name", NAMES)
def test_the_sound_upf_passes(name: str) -> None:
    outcome = asked(CASE, name)
    assert outcome.verdict is Verdict.PASS, outcome.judged.reason
    assert {fact.kind for fact in outcome.facts} == {"control", "finding", "liveness", "step"}


@pytest.mark.parametrize("name", NAMES)
def test_a_upf_that_dies_of_it_is_found_out(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A moment after it got what the bench made by hand."""
    dead: list[bool] = []
    received, decapsulate = UPF.n4_received, Model.decapsulate

    def say(sound: Callable[..., object]) -> Callable[..., object]:
        def said(*given: object, **named: object) -> object:
            asyncio.get_running_loop().call_later(0.001, dead.append, True)
            return sound(*given, **named)

        return said

    monkeypatch.setattr(robustness_n4.OwnSmf, "say", say(robustness_n4.OwnSmf.say))
    monkeypatch.setattr(robustness_n3.OnN3, "say", say(robustness_n3.OnN3.say))
    monkeypatch.setattr(UPF, "n4_received", lambda *given: None if dead else received(*given))
    monkeypatch.setattr(
        Model,
        "decapsulate",
        lambda *given: Dropped(Reason.MALFORMED) if dead else decapsulate(*given),
    )
    outcome = asked(CASE, name)
    assert outcome.verdict is Verdict.FAIL, outcome.judged.reason


def anybody_is_an_smf(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(N4, "is_smf", lambda self, peer: True)


def a_name_is_whose_it_was_last(patch: pytest.MonkeyPatch) -> None:
    """An association in a name that is in use ends the one before, with its sessions."""
    anybody_is_an_smf(patch)
    setup = Associations.setup

    def taken(self: Associations, request: pfcp.AssociationSetupRequest, peer: tuple[str, int]) -> object:
        known = self._registry.associations.get(request.node_id)
        if known is not None and known.address != peer[0]:
            self._end(known)
            self._registry.dissociate(known)
        return setup(self, request, peer)

    patch.setattr(Associations, "setup", taken)


def sessions_are_anybodys(patch: pytest.MonkeyPatch) -> None:
    anybody_is_an_smf(patch)
    patch.setattr(Registry, "session", lambda self, seid, address: self.sessions.get(seid or 0))


def refusals_say_accepted(patch: pytest.MonkeyPatch) -> None:
    handle = UPF._handle

    def handled(self: UPF, request: pfcp.Message, peer: tuple[str, int]) -> pfcp.Message | None:
        answer = handle(self, request, peer)
        if getattr(answer, "cause", 0) >= 64:
            answer = msgspec.structs.replace(answer, cause=pfcp.Cause.REQUEST_ACCEPTED)
        return answer

    patch.setattr(UPF, "_handle", handled)


def unreadable_is_accepted(patch: pytest.MonkeyPatch) -> None:
    """What cannot be read is answered as if it had been done."""
    refusal = N4.refusal

    def accepts(self: N4, kind: type[pfcp.Message], cause: int, *rest: object) -> object:
        answer = refusal(self, kind, cause, *rest)  # type: ignore[arg-type]
        return None if answer is None else msgspec.structs.replace(answer, cause=1)

    refusals_say_accepted(patch)
    patch.setattr(N4, "refusal", accepts)


def sources_are_not_looked_at(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Model, "_is_of", lambda self, rule, address: True)


def to_the_upf_itself(patch: pytest.MonkeyPatch) -> None:
    """What UEs send to the UPF's own N3 is taken for what a gNB sends; to its N4, for what an SMF sends."""
    sound = Wires.on_n6

    def on_n6(self: Wires, packet: bytes) -> None:
        content = packet[28:]
        if packet[9] == 17 and packet[16:20] == UPF_N3.packed:
            self.on_n3(content, ("10.0.1.1", gtpu.PORT))
        elif packet[9] == 17 and packet[22:24] == pfcp.PORT.to_bytes(2, "big"):
            back = packet[:12] + packet[16:20] + packet[12:16] + packet[20:]
            answer = self.plane.model.encapsulate(back, 0)
            if isinstance(answer, Outer):
                self.to_bench(answer.octets, answer.peer)
        sound(self, packet)

    patch.setattr(Wires, "on_n6", on_n6)
    patch.setattr(Model, "_is_protected", lambda *given: False)
    patch.setattr(model, "is_nowhere", lambda destination: False)


def error_indications_are_not_told(patch: pytest.MonkeyPatch) -> None:
    received = UPF.gtpu_received

    def silent(self: UPF, octets: bytes, peer: tuple[str, int]) -> None:
        if octets[1] != gtpu.GPdu.TYPE:
            received(self, octets, peer)

    patch.setattr(UPF, "gtpu_received", silent)


KILLS: dict[str, Weaken] = {
    "dev-060-association-of-a-stranger": anybody_is_an_smf,
    "dev-061-node-id-of-another": a_name_is_whose_it_was_last,
    "dev-063-session-of-another": sessions_are_anybodys,
    "dev-064-modification-that-is-wrong-in-part": refusals_say_accepted,
    "dev-065-address-in-use": refusals_say_accepted,
    "dev-066-tunnel-in-use": refusals_say_accepted,
    "dev-067-pdr-without-far": refusals_say_accepted,
    "dev-069-f-teid-of-nothing": refusals_say_accepted,
    "dev-070-broken-outer-header": unreadable_is_accepted,
    "dev-071-broken-filters": refusals_say_accepted,
    "dev-072-rules-that-are-not-there": refusals_say_accepted,
    "dev-079-labels-that-lie": unreadable_is_accepted,
    "dev-080-source-of-another": sources_are_not_looked_at,
    "dev-082-unknown-tunnel": error_indications_are_not_told,
    "dev-086-tunnel-in-a-tunnel": to_the_upf_itself,
    "dev-087-network-functions": to_the_upf_itself,
}


@pytest.mark.parametrize("name", KILLS)
def test_a_protection_that_is_missing_is_found_out(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    KILLS[name](monkeypatch)
    outcome = asked(CASE, name)
    assert outcome.verdict is Verdict.FAIL, outcome.judged.reason
