"""cinq explain: what a person and a program see of the history in a state folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cinq import cli
from cinq.cli.output import Failure
from cinq.explain import History, Incident
from cinq.transport.sqlite import SqliteStore

WHY = Incident(
    what="Registration rejected",
    ue="imsi-001010000000009",
    gnb="demo-cell",
    cause="5GMM cause #3 illegal UE",
    because="imsi-001010000000009 is not provisioned",
    mend="cinq subscriber add 001010000000009 --k ... --opc ...",
    first=1.7e9,
    last=1.7e9,
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "cinq.toml"
    file.write_text(f'[state]\nfolder = "{tmp_path}/state"\n')
    return file


@pytest.fixture
def history(config: Path) -> Path:
    store = SqliteStore(config.parent / "state" / "cinq.sqlite")
    kept = History(store)
    for _ in range(3):
        kept.add(WHY)
    kept.add(
        Incident(what="NG Setup refused", gnb="other", because="its tracking area is not served", last=1.8e9)
    )
    kept.save()
    store.close()
    return config


def explained(config: Path, *words: str) -> str:
    result = CliRunner().invoke(cli.build(["explain"]), ["explain", *words, "--config", str(config)])
    assert result.exit_code == 0, result.exception
    return result.stdout


@pytest.mark.parametrize("whom", ["001010000000009", "imsi-001010000000009", "demo-cell"])
def test_one_ue(history: Path, whom: str) -> None:
    shown = explained(history, whom)
    first, *rest = shown.splitlines()
    assert first.endswith("  Registration rejected: 5GMM cause #3 illegal UE")
    assert "  because  imsi-001010000000009 is not provisioned" in rest
    assert "  mend     cinq subscriber add 001010000000009 --k ... --opc ..." in rest
    assert rest[-1].startswith("  seen     3 times since 2023-")
    assert rest[-1].endswith("from gNB demo-cell")


def test_the_last_and_all(history: Path) -> None:
    assert "NG Setup refused" in explained(history, "last")
    assert "Registration" not in explained(history, "last")
    assert explained(history).count("  seen ") == 2


def test_for_programs(history: Path) -> None:
    (found,) = json.loads(explained(history, "001010000000009", "--json"))
    assert (found["ue"], found["count"], found["mend"]) == (WHY.ue, 3, WHY.mend)
    assert json.loads(explained(history, "nobody", "--json")) == []


def test_nobody(history: Path) -> None:
    shown = explained(history, "001010000000001")
    assert "nothing was refused to 001010000000001" in shown
    assert "imsi-001010000000009" in shown


def test_where_no_core_has_run(config: Path) -> None:
    with pytest.raises(Failure, match="no core has run"):
        CliRunner().invoke(
            cli.build(["explain"]),
            ["explain", "--config", str(config)],
            catch_exceptions=False,
            standalone_mode=False,
        )
