"""cinq policy: what an operator grants one subscriber, beside a running core."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cinq import cli
from cinq.cli.output import Failure

FILTER = "permit out 17 from 198.51.100.0/24 5004 to assigned"
IMSI = "999700000000001"
RATES = ("--gbr-uplink", "64 Kbps", "--gbr-downlink", "64 Kbps")


class Shell:
    def __init__(self, folder: Path) -> None:
        self.settings = folder / "network.toml"
        self.settings.write_text(f'[state]\nfolder = "{folder}"\nrun = "{folder}/run"\n')

    def __call__(self, *words: str) -> str:
        result = CliRunner().invoke(cli.build(), [*words, "--config", str(self.settings)])
        if isinstance(result.exception, Failure):
            return f"{result.exception.what} | {result.exception.mend}"
        assert result.exception is None, result.output
        return result.output


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    made = Shell(tmp_path)
    made("subscriber", "add", IMSI, "--k", "00" * 16, "--opc", "00" * 16)
    return made


def test_rules_come_and_go(shell: Shell) -> None:
    assert shell("policy", "add", IMSI, "voice", "--filter", FILTER, "--five-qi", "1", *RATES) == (
        f"voice of imsi-{IMSI} set\n"
    )
    shell(
        "policy", "session", IMSI, "--ambr-uplink", "1 Mbps", "--ambr-downlink", "2 Mbps", "--dnn", "internet"
    )
    shell("policy", "access", IMSI, "--rfsp", "5", "--allowed-tac", "1", "--allowed-tac", "2")
    listed = " ".join(shell("policy", "list", IMSI).split())
    for text in (
        "voice rule all 5QI 1; guaranteed 64 Kbps up, 64 Kbps down; permit out 17",
        "session-internet session internet AMBR 1 Mbps up, 2 Mbps down",
        "access access RFSP 5; allowed areas 1, 2",
    ):
        assert text in listed
    shell("policy", "session", IMSI, "--denied")
    assert "session session all denied" in " ".join(shell("policy", "list", IMSI).split())
    shell("policy", "remove", IMSI, "session")
    shown = json.loads(shell("policy", "list", IMSI, "--json"))
    assert shown["voice"]["qos"]["5qi"] == 1
    assert shell("policy", "remove", IMSI, "voice") == f"removed voice of imsi-{IMSI}\n"
    assert shell("policy", "remove", IMSI, "voice").startswith(f"imsi-{IMSI} has no policy 'voice'")
    assert list(json.loads(shell("policy", "list", IMSI, "--json"))) == ["access", "session-internet"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("add", IMSI, "v", "--filter", FILTER, "--five-qi", "1"),
            "--gbr-downlink: found none, wanted a guaranteed",
        ),
        (("add", IMSI, "v", "--filter", "all"), "--filter: found 'all'"),
        (("add", IMSI, "v", "--filter", FILTER, "--mbr-uplink", "fast"), "--mbr-uplink: found 'fast'"),
        (("add", IMSI, "v", "--filter", FILTER, "--slice", "x"), "--slice: "),
        (
            ("add", IMSI, "v", "--filter", FILTER, "--direction", "up"),
            "--direction: found 'up', wanted both,",
        ),
        (
            ("add", IMSI, "v", "--filter", FILTER, "--gate", "ajar"),
            "--gate: found 'ajar', wanted open or closed",
        ),
        (("add", IMSI, "v", "--filter", FILTER, "--dnn", "ims"), "--dnn: this network has no DNN ims"),
        (("add", "999700000000009", "v", "--filter", FILTER), "no subscriber imsi-999700000000009"),
        (("session", IMSI), "wanted both bit rates"),
        (("session", IMSI, "--ambr-uplink", "1 Mbps"), "wanted both bit rates"),
        (("session", IMSI, "--five-qi", "300"), "--five-qi: found 300, wanted 0 to 254"),
        (("access", IMSI), "nothing to set"),
        (("access", IMSI, "--rfsp", "300"), "--rfsp: found 300, wanted 0 to 256"),
        (("access", IMSI, "--allowed-tac", "0"), "--allowed-tac: found 0"),
        (("access", IMSI, "--allowed-tac", "1", "--non-allowed-tac", "2"), "not both"),
        (("list", "12"), "found"),
    ],
)
def test_what_may_not_be_granted(shell: Shell, words: tuple[str, ...], said: str) -> None:
    assert said in shell("policy", *words)
    assert json.loads(shell("policy", "list", IMSI, "--json")) == {}
