"""cinq policy check, dry-run, sign and example; cinq eir: as a user meets them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from cinq import cli
from cinq.cli.output import Failure
from cinq.eligibility import approval, documents, examples
from cinq.settings import load
from cinq.settings.network import NetworkSettings

NEVER = re.compile(r"certified|approved|compliant", re.IGNORECASE)


def run(*words: str) -> Result:
    result = CliRunner().invoke(cli.build(), list(words))
    assert result.exception is None or isinstance(result.exception, Failure), result.exception
    assert not NEVER.search(result.output), "people decide"
    return result


def failed(*words: str) -> Failure:
    result = run(*words)
    assert isinstance(result.exception, Failure), result.output
    return result.exception


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With all examples, and settings that name one."""
    monkeypatch.chdir(tmp_path)
    for name in (*examples.POLICIES, "inventory"):
        (tmp_path / f"{name}.toml").write_text(run("policy", "example", name).output)
    for name in ("ann", "bob", "eve"):
        run("dossier", "key", f"{name}.pem")
    (tmp_path / "network.toml").write_text(
        f'[state]\nfolder = "{tmp_path}"\nrun = "{tmp_path}"\n[eligibility]\npolicy = ["ca-2022.toml"]\n'
        'inventory = "inventory.toml"\nng_setup = "refuse"\napprovers = ["ann.pub.pem", "bob.pub.pem"]\n'
    )
    return tmp_path


POLICIES = [f"{name}.toml" for name in examples.POLICIES]


def test_the_examples_hold() -> None:
    assert run("policy", "example").output.split() == list(examples.NAMES)
    shown = run("policy", "check", *POLICIES, "--inventory", "inventory.toml").output
    assert shown.count(": holds: ") == 5
    assert "eu-csa2-proposed version 1, 1 rule about high-risk; laws: 1 proposed" in shown
    assert failed("policy", "example", "fr-1789").mend.startswith("one of ca-2022")


def test_check_names_every_mistake_in_every_file(folder: Path) -> None:
    (folder / "uk-2022.toml").write_text(
        (folder / "uk-2022.toml").read_text().replace('"deny"', '"ban"').replace('["huawei"]', '["hua"]')
    )
    (folder / "inventory.toml").write_text('[[gnb]]\nname = "a"\nidentity = "x"\nserial_no = 7\n')
    result = run(
        "policy", "check", "ca-2022.toml", "uk-2022.toml", "gone.toml", "--inventory", "inventory.toml"
    )
    assert "ca-2022.toml: holds" in result.output
    for text in (
        "uk-2022.toml:29: rule[0].effect: found 'ban', wanted 'deny' or 'review'",
        "uk-2022.toml:39: rule[1].effect: found 'ban'",
        "uk-2022.toml:49: rule[2].effect: found 'ban'",
        "gone.toml: No such file or directory",
        "inventory.toml:3: gnb[0].identity: gNB identity: found 'x', wanted for example '999-70-411/22'",
        "inventory.toml:4: gnb[0].serial_no: unknown key; did you mean 'serial'?",
    ):
        assert text in result.stderr, result.stderr
    assert isinstance(result.exception, Failure)
    assert result.exception.what == "6 mistakes"


def test_check_finds_an_exception_for_nothing(folder: Path) -> None:
    text = (folder / "ca-2022.toml").read_text().replace("# [[", "[[").replace("# ref", "ref")
    for key in ("rule", "element", "since", "until", "granted_by"):
        text = text.replace(f"# {key} =", f"{key} =")
    (folder / "ca-2022.toml").write_text(text)
    assert "1 exception;" in run("policy", "check", "ca-2022.toml", "--inventory", "inventory.toml").output
    (folder / "ca-2022.toml").write_text(text.replace('"site-0412"', '"site-9"'))
    result = run("policy", "check", "ca-2022.toml", "--inventory", "inventory.toml")
    assert "exception[0].element: found 'site-9', which inventory.toml has not" in result.stderr


def test_a_dry_run_says_what_would_be_refused(folder: Path) -> None:
    words = [w for p in POLICIES for w in ("--policy", p)]
    shown = run("policy", "dry-run", *words, "--config", "network.toml", "--date", "2026-11-30").output
    assert shown.splitlines()[0].startswith("2026-11-30, stage operate: 7 elements: 1 deny, 6 review.")
    assert "no legal advice" in shown
    assert "gNB site-0412 (999-70-412/22): deny · would be refused (ng_setup = refuse)" in shown
    assert "gNB island (999-70-500/22): review · let in; a person looks" in shown
    for text in (
        "ca-2022/5g-removed says deny from 2024-06-28 on, comes to: deny · policy-statement, in force",
        "because huawei: declared vendor Huawei",
        "Policy Statement - Securing Canada's Telecommunications System, 19 May 2022",
        "eu-csa2-proposed/key-assets says deny from 2026-01-20 on, comes to: nothing · statute, proposed",
        "uk-2022/out-of-5g says deny from 2027-12-31 on, comes to: nothing · direction, in force",
    ):
        assert text in shown
    later = run("policy", "dry-run", "--config", "network.toml", "--date", "2027-12-31").output
    assert "gNB site-0413 (999-70-413/22): deny · would be refused (ng_setup = refuse)" in later


def test_a_dry_run_for_programs() -> None:
    words = ("policy", "dry-run", "--config", "network.toml", "--date", "2026-11-30", "--json")
    found = {one["element"]: one for one in json.loads(run(*words).output)}
    refused = found["site-0412"]
    assert (refused["verdict"], refused["keptOut"], refused["rule"]) == ("deny", True, "5g-removed")
    assert len(refused["evidence"]) == 64
    assert {f["rule"]: (f["applies"], f["status"]) for f in refused["findings"]} == {
        "5g-removed": ("deny", "in-force"),
        "orders": ("allow", "proposed"),
    }
    assert json.loads(run(*words, "--stage", "procure").output)[0]["stage"] == "procure"


def test_a_dry_run_holds_what_was_seen_against_what_is_declared(folder: Path) -> None:
    (folder / "seen.csv").write_text("element,signal,value,source\nsite-0001,vendor,ZTE,certificate\n")
    words = ("policy", "dry-run", "--config", "network.toml", "--date", "2026-11-30")
    assert "gNB site-0001 (999-70-1/22): allow" in run(*words).output
    shown = run(*words, "--observed", "seen.csv").output
    assert "gNB site-0001 (999-70-1/22): conflict · would be refused (ng_setup = refuse)" in shown
    assert "declared vendor Example Radio Ltd, observed vendor ZTE (certificate)" in shown
    (folder / "network.toml").write_text(
        (folder / "network.toml").read_text().replace("ng_setup", 'observed = "seen.csv"\nng_setup')
    )
    assert "conflict" in run(*words).output


def test_a_dry_run_wants_something_to_run() -> None:
    assert "wanted policies and an inventory" in failed("policy", "dry-run").what
    assert (
        "--stage: found 'use'"
        in failed("policy", "dry-run", "--config", "network.toml", "--stage", "use").what
    )


def required() -> None:
    settings = load(NetworkSettings, Path("network.toml")).eligibility
    path = settings.policy[0]
    approval.require(documents.policy(path), path, settings.modes, approval.approvers(settings.approvers))


def test_two_approvers_sign() -> None:
    def sign(who: str) -> str:
        return run("policy", "sign", "ca-2022.toml", "--key", f"{who}.pem", "--config", "network.toml").output

    first = sign("ann")
    assert "ca-2022.toml.approval.json: policy ca-2022 version 1, ng_setup = refuse" in first
    assert "1 more approver wanted" in first
    stranger = sign("eve")
    assert "who is none of the approvers of [eligibility]" in stranger
    assert "1 more approver wanted" in stranger
    with pytest.raises(approval.ApprovalError):
        required()
    last = sign("bob")
    assert last.count("signed by") == 3
    assert "wanted" not in last
    required()


def test_two_approvers_sign_the_inventory() -> None:
    network = load(NetworkSettings, Path("network.toml")).eligibility
    assert network.inventory is not None
    for who, missing in (("ann", "1 more approver wanted"), ("bob", "")):
        said = run(
            "policy", "sign", str(network.inventory), "--key", f"{who}.pem", "--config", "network.toml"
        ).output
        assert f"{network.inventory}.approval.json: inventory of " in said
        assert ("wanted" in said) is bool(missing)
    stock, keys = documents.stock(network.inventory), approval.approvers(network.approvers)
    approval.require_inventory(stock, network.inventory, network.modes, keys)


def test_a_signature_for_something_else_begins_anew() -> None:
    run("policy", "sign", "ca-2022.toml", "--key", "ann.pem", "--config", "network.toml")
    changed = run("policy", "sign", "ca-2022.toml", "--key", "bob.pem", "--mode", "terminal=drain").output
    assert "what was signed before was something else" in changed
    assert changed.count("signed by") == 1


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("--mode", "ng_setup=audit"), "--mode: found 'ng_setup=audit', wanted a point"),
        (("--mode", "door=refuse"), "--mode: found 'door=refuse'"),
        ((), "nothing to sign for"),
    ],
)
def test_what_cannot_be_signed_for(words: tuple[str, ...], what: str) -> None:
    assert failed("policy", "sign", "ca-2022.toml", "--key", "ann.pem", *words).what.startswith(what)


def test_a_key_that_is_none() -> None:
    failure = failed("policy", "sign", "ca-2022.toml", "--key", "ann.pub.pem", "--mode", "terminal=drain")
    assert "wanted an ed25519 private key" in failure.what


def test_settings_want_approvers_and_a_policy(folder: Path) -> None:
    for text, says in (
        ('[eligibility]\nng_setup = "refuse"\n', "policy: found none, wanted one where ng_setup is refuse"),
        (
            '[eligibility]\nterminal = "drain"\npolicy = ["p"]\napprovers = ["a"]\n',
            "approvers: found 1, wanted at least two where terminal is drain",
        ),
        ('[eligibility]\nng_setup = "ban"\n', "found 'ban', wanted 'audit', 'alarm', 'refuse' or 'drain'"),
    ):
        (folder / "wrong.toml").write_text(text)
        failure = failed("policy", "dry-run", "--config", "wrong.toml")
        assert says in failure.what
        assert "wrong.toml:" in failure.what


# -- cinq eir


def eir(*words: str) -> str:
    return run("eir", *words, "--config", "network.toml").output


def test_lists_come_and_go(folder: Path) -> None:
    assert eir("add", "490154203237518", "--list", "black", "--note", "stolen") == (
        '490154203237518 is BLACKLISTED; the AMF does not ask the 5G-EIR: [eir] check = "fail-open"\n'
    )
    (folder / "network.toml").write_text(
        (folder / "network.toml").read_text() + '[eir]\ncheck = "fail-open"\n'
    )
    assert eir("add", "35609200-35609299", "--list", "grey") == "35609200-35609299 is GREYLISTED\n"
    (folder / "more.csv").write_text("equipment,list\n4901542032*,white\n3560920412345601,black\n")
    assert eir("import", "more.csv") == "imported 2 entries\n"
    shown = json.loads(eir("list", "--json"))
    assert {(one["equipment"], one["status"], one["note"]) for one in shown} == {
        ("490154203237518", "BLACKLISTED", "stolen"),
        ("35609200-35609299", "GREYLISTED", ""),
        ("4901542032*", "WHITELISTED", ""),
        ("3560920412345601", "BLACKLISTED", ""),
    }
    assert "4 entries" in eir("list")
    assert eir("remove", "490154203237518") == "removed 490154203237518\n"
    assert "no entry" in failed("eir", "remove", "490154203237518", "--config", "network.toml").what


def test_what_cannot_be_listed(folder: Path) -> None:
    wrong = failed("eir", "add", "490154203237519", "--list", "black", "--config", "network.toml")
    assert wrong.what == "found IMEI 490154203237519 with check digit 9, wanted 8"
    assert failed("eir", "add", "35609204", "--list", "red", "--config", "network.toml").what.startswith(
        "list: "
    )
    (folder / "more.csv").write_text("equipment,list\n35609204,black\n7,black\n")
    assert "more.csv:3: found '7'" in failed("eir", "import", "more.csv", "--config", "network.toml").what
    assert json.loads(eir("list", "--json")) == []
