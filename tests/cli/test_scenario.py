"""What `cinq scenario run` prints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cinq import cli
from cinq.procedure import Event
from cinq.ran.scenarios import products
from cinq.ran.scenarios.library import LIBRARY
from cinq.ran.scenarios.run import Result
from cinq.ran.scenarios.target import Target
from cinq.settings import loads

TARGET = """[[subscribers]]
k = "00112233445566778899aabbccddeeff"
opc = "00112233445566778899aabbccddeeff"
"""


@pytest.mark.parametrize("more", [(), ("--verbose",)])
def test_json_is_json_where_scenarios_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...]
) -> None:
    one = LIBRARY["ng-setup"]
    event = Event(0.0, "RAN", "gNB 1", "", "in", "N2", "NGSetupFailure")

    async def failing(scenarios: object, place: object, told: object = None) -> list[Result]:
        result = Result(one, "FAIL", "wanted 1, found 2", 0.1, (event,))
        assert callable(told)
        told(result)
        return [result]

    monkeypatch.setattr("cinq.ran.scenarios.run.run", failing)
    path = tmp_path / "target.toml"
    path.write_text(TARGET, "utf-8")
    words = ["scenario", "run", one.name, "--target", str(path), "--json", *more]
    result = CliRunner().invoke(cli.build(), words)
    assert result.exit_code == 1
    (outcome,) = json.loads(result.stdout)
    assert (outcome["name"], outcome["verdict"]) == (one.name, "FAIL")
    assert "FAIL" in result.stderr


@pytest.mark.parametrize("name", products.NAMES)
def test_products_that_are_known_have_a_target_each(name: str) -> None:
    printed = CliRunner().invoke(cli.build(("scenario",)), ["scenario", "target", name])
    target = loads(Target, printed.output, name)
    assert not target.lacks(("ten subscribers", "two tracking areas", "two DNNs", "restart"))
