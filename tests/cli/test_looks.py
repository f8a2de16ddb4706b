"""Who looks at a subscriber by a command is noted for the core's log."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cinq import cli
from cinq.nf.udr import looks
from cinq.transport.sqlite import SqliteStore

IMSI, KEY = "999700000000001", "00112233445566778899aabbccddeeff"


def noted() -> list[looks.Look]:
    store = SqliteStore(Path("state/cinq.sqlite"))
    try:
        return list(looks._all(store))
    finally:
        store.close()


def test_a_look_is_noted_and_what_was_not_there_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SUDO_USER", "ann")
    Path("network.toml").write_text('[state]\nfolder = "state"\nrun = "state"\n')

    def run(*words: str) -> int:
        return CliRunner().invoke(cli.build(), ["subscriber", *words, "-c", "network.toml"]).exit_code

    assert run("add", IMSI, "--k", KEY, "--opc", KEY) == 0
    assert noted() == []
    assert run("show", "999700000000009") != 0
    assert noted() == []
    assert run("show", IMSI) == run("show", IMSI, "--keys") == run("list") == 0
    assert [(one.what, one.supi) for one in noted()] == [
        ("subscription", f"imsi-{IMSI}"),
        ("subscription and keys", f"imsi-{IMSI}"),
        ("subscriptions", ""),
    ]
    assert all(one.user.endswith(" (sudo of ann)") for one in noted())
    monkeypatch.setenv("SUDO_USER", "ann\nforged line")
    assert run("show", IMSI) == 0
    assert "forged" not in noted()[-1].user
