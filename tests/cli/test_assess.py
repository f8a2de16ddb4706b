"""cinq assess: what it lists, shows and refuses."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from cinq import cli
from cinq.assurance import products
from cinq.assurance.cases import CASES
from cinq.assurance.evidence import Folder, new_run
from cinq.assurance.target import Target
from cinq.assurance.template import template
from cinq.cli.output import Failure
from cinq.settings import loads

RUNNER = CliRunner()
TURNED = ("algorithm_order", "restart", "log", "downlink_data")
"""The knobs of a product without EPS interworking."""


def run(*words: str) -> str:
    result = RUNNER.invoke(cli.build(("assess",)), ["assess", *words], catch_exceptions=False)
    return result.output


def test_list_and_show() -> None:
    listed = json.loads(run("list", "--json"))
    assert {one["id"] for one in listed} == set(CASES)
    assert "TC_NAS_REPLAY_AMF" in run("list")
    assert "4.2.2.2.1 " in run("list", "--all")
    shown = run("show", "33.512 4.2.2.3.1")
    assert "requirement" in shown
    assert "async def security_mode_complete" in shown


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "TC_NAS_REPLY_AMF"), "did you mean TC_NAS_REPLAY_AMF?"),
        (("run", "--case", "33.512 9.9"), "no case '33.512 9.9'"),
        (("run", "--target", "nowhere.toml"), "nowhere.toml: No such file"),
    ],
)
def test_mistakes_are_named(words: tuple[str, ...], said: str) -> None:
    with pytest.raises(Failure) as failure:
        run(*words)
    assert said in failure.value.what


def test_the_template_is_a_target() -> None:
    target = loads(Target, template())
    assert target.lacks(("n6", "log")) == "the address of N6 (interfaces.n6), the knob log (knobs.log)"


@pytest.mark.parametrize("name", products.NAMES)
def test_products_that_are_known_have_a_target_each(name: str) -> None:
    target = loads(Target, run("target", name), name)
    assert not target.lacks((*TURNED, "n3", "n6", "sixteen subscribers"))
    for knob in TURNED:
        words = {"integrity": "NIA1,NIA2", "ciphering": "NEA2", "since": "1.5", "address": "10.0.0.1"}
        filled = [word.format_map(words) for word in shlex.split(getattr(target.knobs, knob))]
        shell = filled[-1] if filled[:2] == ["sh", "-c"] else ""
        assert subprocess.run(["sh", "-n", "-c", shell], check=False).returncode == 0
    with pytest.raises(Failure, match="free5gc and open5gs"):
        run("target", "other")


def test_the_order_of_algorithms_is_edited_where_the_product_has_it(tmp_path: Path) -> None:
    """Each product's own line, as it ships, by the command of its knob; what restarts it is not run."""
    shipped = {
        "open5gs": "    integrity_order : [ NIA2, NIA1, NIA0 ]\n    ciphering_order : [ NEA0, NEA1, NEA2 ]\n",
        "free5gc": "    integrityOrder: [NIA2, NIA1]\n    cipheringOrder: [NEA0, NEA2]\n",
    }
    for name, text in shipped.items():
        settings = tmp_path / name
        settings.write_text(text)
        command = loads(Target, products.ready(name), name).knobs.algorithm_order
        *_, script = shlex.split(command)
        edit = script.format(integrity="NIA1,NIA2", ciphering="NEA2,NEA0").split(" && ")[0]
        subprocess.run(["sh", "-c", " ".join((*edit.split()[:-1], str(settings)))], check=True)
        edited = yaml.safe_load(settings.read_text())
        assert list(edited.values()) == [["NIA1", "NIA2"], ["NEA2", "NEA0"]]


def test_a_folder_of_another_run(tmp_path: Path) -> None:
    described = tmp_path / "t.toml"
    described.write_text(template())
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "run.json").write_text("[]")
    with pytest.raises(Failure, match="not a file of a run"):
        run("run", "--target", str(described), "--out", str(tmp_path / "out"))


def test_dossiers_are_signed_and_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    described = loads(Target, template())
    folder = Folder(Path("run"), new_run(described, b"", "seed", 1.0))
    folder.described(described, template())
    program = cli.build(("dossier",))

    def dossier(*words: str) -> str:
        return RUNNER.invoke(program, ["dossier", *words], catch_exceptions=False).output

    assert "hand it out" in dossier("key", "lab.pem")
    assert Path("lab.pem").stat().st_mode & 0o777 == 0o600
    dossier("key", "second.pem")
    assert "not signed" in dossier("build", "run", "--out", "d.zip")
    with pytest.raises(Failure, match="removed"):
        dossier("verify", "d.zip", "--trust", "lab.pub.pem")
    assert "1 signature" in dossier("sign", "d.zip", "--key", "lab.pem")
    assert "2 signatures" in dossier("sign", "d.zip", "--key", "second.pem")
    assert "as it was signed" in dossier("verify", "d.zip", "--trust", "lab.pub.pem")
    assert json.loads(dossier("verify", "d.zip", "--trust", "lab.pub.pem", "--json"))["verified"] is True
    dossier("show", "d.zip", "--trust", "second.pub.pem", "--report", "r.html")
    assert Path("r.html").read_text().startswith("<!doctype html>")
    with pytest.raises(Failure, match="no key to verify by"):
        dossier("verify", "d.zip")
    with pytest.raises(Failure, match="wanted an ed25519 public key"):
        dossier("verify", "d.zip", "--trust", "d.zip")
    with pytest.raises(Failure, match="there is none"):
        dossier("build", "nowhere", "--out", "e.zip")
