"""cinq account, as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cinq import cli

SETTINGS = """
[state]
folder = "{folder}"
run = "{folder}"
[charging]
on = true
[[tariff]]
name = "flat"
currency = "EUR"
[[tariff]]
name = "yen"
currency = "JPY"
[[rate]]
tariff = "flat"
price = "0.01"
per = "1 MB"
"""
IMSI = "999700000000001"


class Shell:
    def __init__(self, folder: Path) -> None:
        self.config = folder / "network.toml"
        self.config.write_text(SETTINGS.format(folder=folder))

    def __call__(self, *words: str) -> str:
        result = CliRunner().invoke(
            cli.build(), ["account", words[0], "--config", str(self.config), *words[1:]]
        )
        if isinstance(result.exception, cli.Failure):
            return f"cinq: {result.exception.what}"
        assert result.exit_code == 0, result.output
        return result.output


@pytest.fixture
def account(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_an_account_from_its_opening(account: Shell) -> None:
    said = account("open", IMSI, "--tariff", "flat")
    assert f"imsi-{IMSI}: prepaid account in EUR, tariff flat" in said
    assert "is not provisioned" in said
    assert "5.00 EUR left" in account("credit", IMSI, "5", "--reference", "invoice-17")
    assert "was paid in before, 5.00 EUR left" in account("credit", IMSI, "5", "--reference", "invoice-17")
    assert "7.25 EUR left" in account("credit", IMSI, "2.25")
    (one,) = json.loads(account("list", "--json"))
    assert (one["balance"], one["set_aside"], one["kind"]) == ("7.25", "0", "prepaid")
    assert "7.25 EUR" in account("show", IMSI)
    assert "0 records" in account("records")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("open", IMSI, "--tariff", "none"), "tariff: found none, wanted one of flat, yen"),
        (("open", IMSI, "--tariff", "flat", "--limit", "5"), "--limit is of a postpaid account"),
        (("credit", IMSI, "5"), f"imsi-{IMSI} has no account"),
        (("show", IMSI), f"imsi-{IMSI} has no account"),
    ],
)
def test_mistakes(account: Shell, words: tuple[str, ...], said: str) -> None:
    assert said in account(*words)


@pytest.mark.parametrize("amount", ["x", "-5", "1.234", "1e3", "", "9" * 40])
def test_amounts_that_are_none(account: Shell, amount: str) -> None:
    account("open", IMSI, "--tariff", "flat")
    assert "AMOUNT: found" in account("credit", "--", IMSI, amount)
    assert json.loads(account("list", "--json"))[0]["balance"] == "0"


def test_a_currency_without_cents(account: Shell) -> None:
    account("open", IMSI, "--tariff", "yen", "--postpaid", "--limit", "500")
    assert "wanted at most 0 digits" in account("credit", IMSI, "0.5")
    assert "100 JPY left" in account("credit", IMSI, "100")
    assert "has an account" in account("open", IMSI, "--tariff", "yen")
