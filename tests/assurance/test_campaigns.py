"""The robustness campaigns: what they make, what they find in weakened networks, and how small they make it."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from cinq.assurance.dossier import build
from cinq.assurance.evidence import Folder, kept_in, new_run
from cinq.assurance.robustness import gtpu as gtpu_forms
from cinq.assurance.robustness import nas as nas_forms
from cinq.assurance.robustness import ngap as ngap_forms
from cinq.assurance.robustness import pfcp as pfcp_forms
from cinq.assurance.robustness.campaign import KEPT, Tried
from cinq.assurance.robustness.form import Grammar, names, paths
from cinq.assurance.robustness.kinds import CUTS, KINDS, WHOLE, made, plan
from cinq.assurance.run import Outcome
from cinq.assurance.target import Effort, Knobs
from cinq.assurance.verdict import Verdict
from cinq.nf.amf import AMF
from cinq.transport.error import NoAnswerError
from cinq.wire import gtpu, nas, ngap, pfcp
from cinq.wire.nas.codec import GMM_MESSAGES, GSM_MESSAGES
from cinq.wire.ngap.generated.tables import CLASSES, IES
from cinq.wire.pfcp.messages import BY_TYPE
from tests.network.world import End

from . import site, upf_site
from .robustness_mutants import MUTANTS, end_associations, heard_by_the_amf

CASE = "33117-4.4.4"
GRAMMARS = (
    ngap_forms.GRAMMAR,
    nas_forms.GMM_GRAMMAR,
    nas_forms.GSM_GRAMMAR,
    pfcp_forms.GRAMMAR,
    gtpu_forms.GRAMMAR,
)
CAMPAIGNS = ("N1-phone", "N1-subscriber", "N1-session", "N2-gnb", "N3-gnb", "N4-smf")
FEW = 240


def asked(sub: str, inputs: int = FEW) -> Outcome:
    effort = Effort(inputs, 1e6, 1)
    if sub[:2] in ("N3", "N4"):
        return upf_site.asked(CASE, sub, effort=effort)
    return site.asked(CASE, sub, site.target(effort=effort))


def tried(outcome: Outcome) -> Tried:
    return msgspec.json.decode(outcome.artefacts[KEPT], type=Tried)


# what is made


@pytest.mark.parametrize("grammar", GRAMMARS, ids=lambda grammar: grammar.name)
def test_every_message_and_element_comes_first_and_every_kind_comes(grammar: Grammar) -> None:
    planned, forms = plan(grammar, "1"), grammar.forms()
    elements = [(number, path) for number, form in enumerate(forms) for path in paths(form.parts)]
    assert len(set(planned)) == len(planned)
    first = planned[: len(forms)]
    assert {one.form for one in first} == set(range(len(forms)))
    second = planned[: 2 * len(forms) + len(elements)]
    assert {(one.form, one.path) for one in second if one.path} == set(elements)
    kinds = Counter(one.kind for one in planned)
    assert set(kinds) == {*KINDS, *CUTS, *WHOLE}
    assert len({kinds[kind] for kind in KINDS}) == 1


def test_the_forms_are_the_tables_of_the_codecs() -> None:
    """No list by hand: a message that a codec learns has its turn."""
    assert [len(one.parts) for one in ngap_forms.forms()] == [
        len(IES.get(cls, ())) for cls in CLASSES.values()
    ]
    assert len(nas_forms.gmm_forms()) == len(GMM_MESSAGES)
    assert len(nas_forms.gsm_forms()) == len(GSM_MESSAGES)
    assert {form.message for form in pfcp_forms.forms()} == {cls.__name__ for cls in BY_TYPE.values()}
    assert {form.head[0] for form in gtpu_forms.forms()} == {1, 2, 26, 31, 254, 255}


@pytest.mark.parametrize(
    ("grammar", "decode", "but"),
    [
        (ngap_forms.GRAMMAR, ngap.decode, {"NGResetAcknowledge", "PrivateMessage"}),
        (nas_forms.GMM_GRAMMAR, nas.decode, set()),
        (nas_forms.GSM_GRAMMAR, nas.decode, set()),
        (pfcp_forms.GRAMMAR, pfcp.decode, set()),
        (gtpu_forms.GRAMMAR, gtpu.decode, set()),
    ],
    ids=lambda one: getattr(one, "name", ""),
)
def test_a_whole_message_is_one(grammar: Grammar, decode: object, but: set[str]) -> None:
    """Else nothing behind its header would ever be reached. but: of which an example takes more than zeros."""
    for form in grammar.forms():
        octets = grammar.octets(form, {})
        if form.message not in but:
            assert type(decode(octets)).__name__ == form.message.partition(" ")[0]  # type: ignore[operator]


@pytest.mark.parametrize("grammar", GRAMMARS, ids=lambda grammar: grammar.name)
def test_an_input_is_the_same_for_a_seed_and_spoilt_as_it_says(grammar: Grammar) -> None:
    forms, changed = grammar.forms(), 0
    for one in plan(grammar, "7")[:: max(1, len(plan(grammar, "7")) // 400)]:
        first, again = made(grammar, one, "7", {}), made(grammar, one, "7", {})
        assert first == again
        if first is None:
            continue
        octets = grammar.octets(first, {})
        assert octets == grammar.octets(msgspec.json.decode(msgspec.json.encode(first), type=type(first)), {})
        if one.path:
            assert first.at == names(forms[one.form].parts, one.path)
            changed += octets != grammar.octets(forms[one.form], {})
    assert changed > 100 or grammar is gtpu_forms.GRAMMAR
    assert plan(grammar, "7") != plan(grammar, "8")


def test_cuts_are_at_the_boundaries_of_elements() -> None:
    grammar = pfcp_forms.GRAMMAR
    number = next(
        n for n, form in enumerate(grammar.forms()) if form.message == "SessionEstablishmentRequest"
    )
    cuts = [
        one
        for one in plan(grammar, "1")
        if one.form == number and one.kind == "cut behind" and len(one.path) > 1
    ]
    whole = grammar.octets(grammar.forms()[number], {})
    assert len(cuts) > 50
    for one in cuts:
        made_ = made(grammar, one, "1", {})
        if made_ is not None:
            assert whole.startswith(grammar.octets(made_, {}))


# what is found


@pytest.mark.parametrize("sub", CAMPAIGNS)
def test_the_sound_core_passes(sub: str) -> None:
    outcome = asked(sub)
    assert outcome.verdict is Verdict.PASS, outcome.judged.reason
    assert {fact.kind for fact in outcome.facts} == {"control", "finding", "liveness", "step"}
    found = tried(outcome)
    assert found.sent >= min(FEW, 230)
    assert found.messages[0] == found.messages[1]
    assert not found.findings


KILLS: dict[str, tuple[str, int, int]] = {
    "an_ngap_message_of_more_than_400_octets_ends_all_associations": ("N2-gnb", 1000, 410),
    "an_unknown_ie_of_criticality_notify_releases_every_connection": ("N2-gnb", 1000, 20),
    "a_message_type_of_the_network_said_by_a_phone_ends_all_associations": ("N1-phone", 300, 3),
    "an_unknown_element_under_security_ends_all_associations": ("N1-subscriber", 600, 10),
    "a_long_5gsm_message_ends_all_associations": ("N1-session", 600, 2010),
    "an_extension_header_of_length_0_ends_the_user_plane": ("N3-gnb", 600, 40),
    "an_f_teid_without_contents_ends_all_sessions": ("N4-smf", 600, 40),
}
"""The actor that finds it, the inputs that this takes at most, and the octets of the smallest at most."""


@pytest.mark.parametrize("name", KILLS)
def test_harm_is_found_and_made_small(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sub, inputs, most = KILLS[name]
    MUTANTS[name](monkeypatch)
    outcome = asked(sub, inputs)
    assert outcome.verdict is Verdict.FAIL, outcome.judged.reason
    finding = tried(outcome).findings[0]
    assert finding.again
    assert len(finding.inputs) == 1
    assert len(bytes.fromhex(finding.octets[0])) <= most, finding.octets
    assert finding.harm


def test_every_mutant_is_found_by_something_and_every_actor_finds_one() -> None:
    assert set(KILLS) == set(MUTANTS)
    assert {sub for sub, _, _ in KILLS.values()} == set(CAMPAIGNS)


# what is kept, and asked again


ONE = "an_unknown_ie_of_criticality_notify_releases_every_connection"


def test_a_replay_asks_the_findings_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        MUTANTS[ONE](patch)
        kept = asked("N2-gnb", 1000).artefacts
        found = msgspec.json.decode(kept[KEPT], type=Tried)
        again = site.asked(CASE, "N2-gnb", kept=kept)
        assert again.verdict is Verdict.FAIL, again.judged.reason
        assert [one.inputs for one in tried(again).findings] == [one.inputs for one in found.findings]
        assert tried(again).sent == 1
    mended = site.asked(CASE, "N2-gnb", kept=kept)
    assert mended.verdict is Verdict.PASS, mended.judged.reason
    assert tried(mended).sent == 1


def test_kept_nonsense_is_the_benchs_fault() -> None:
    outcome = site.asked(CASE, "N2-gnb", kept={KEPT: b"{"})
    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert KEPT in outcome.judged.reason


# targets that do not come back


def goes_away(patch: pytest.MonkeyPatch) -> list[bool]:
    """Of an NGAP message of more than 400 octets. Whoever empties what is returned starts it again."""
    connected, gone = AMF.n2_connected, list[bool]()

    def n2_connected(self: AMF, association: End) -> object:
        if gone:
            raise NoAnswerError("N2: nobody answers", "")
        return connected(self, association)

    patch.setattr(AMF, "n2_connected", n2_connected)

    def act(amf: AMF, octets: bytes) -> None:
        if len(octets) > 400 and not gone:
            gone.append(True)
            end_associations(amf)

    heard_by_the_amf(patch, act)
    return gone


def test_a_target_that_does_not_come_back_is_not_judged_and_its_inputs_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody can tell a crash from a pulled plug; what was sent last is there to be tried by hand."""
    goes_away(monkeypatch)
    outcome = asked("N2-gnb", 1000)
    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert "did not come back" in outcome.judged.reason
    assert "knobs.restart would tell" in outcome.judged.reason
    finding = tried(outcome).findings[0]
    assert not finding.again
    assert len(finding.inputs) > 1


def test_the_knob_restart_tells_whether_it_goes_away_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = goes_away(monkeypatch)
    monkeypatch.setitem(site.TURNS, "restart", lambda names: gone.clear())
    described = site.target(
        effort=Effort(1000, 1e6, 1), knobs=dataclasses.replace(Knobs(), restart="in this process")
    )
    outcome = site.asked(CASE, "N2-gnb", described)
    assert outcome.verdict is Verdict.FAIL, outcome.judged.reason
    finding = tried(outcome).findings[0]
    assert finding.again
    assert len(finding.inputs) == 1


def test_a_target_that_hangs_in_the_middle_is_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its associations stay, and it answers nothing more: no wait is without an end."""
    connected, hangs = AMF.n2_connected, list[bool]()

    def n2_connected(self: AMF, association: End) -> object:
        inbound = connected(self, association)  # type: ignore[arg-type]
        served = inbound.message

        def message(octets: bytes, stream: int, ppid: int) -> None:
            if not hangs:
                served(octets, stream, ppid)
            if len(octets) > 400:
                hangs.append(True)

        inbound.message = message  # type: ignore[method-assign]
        return inbound

    monkeypatch.setattr(AMF, "n2_connected", n2_connected)
    outcome = asked("N2-gnb", 1000)
    assert outcome.verdict is Verdict.INCONCLUSIVE, outcome.judged.reason
    assert "does not serve as before" in outcome.judged.reason
    assert tried(outcome).findings


def test_a_dossier_gives_back_what_a_replay_asks(tmp_path: Path) -> None:
    outcome = asked("N1-session")
    folder = Folder(tmp_path, new_run(site.target(), b"a target", "1", 1.0))
    told = folder.keep(outcome)
    folder.finished(2.0)
    assert KEPT in told.artefacts
    kept = kept_in(build(tmp_path).files)
    assert kept[f"SCAS-{CASE}/N1-session/{KEPT}"] == outcome.artefacts[KEPT]
