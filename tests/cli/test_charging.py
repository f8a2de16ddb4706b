"""cinq charging, as a user meets it."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cinq import cli

SETTINGS = """
[network]
name = "{name}"
plmn = "{plmn}"
[state]
folder = "{folder}"
run = "{folder}"
[charging]
tariff_files = ["{tariffs}"]
[[tariff]]
name = "retail"
currency = "EUR"
[[rate]]
tariff = "retail"
price = "0.004"
per = "1 MB"
[[partner]]
plmn = "{partner}"
tariff = "roaming"
"""
TARIFFS = """
[[tariff]]
name = "roaming"
currency = "XDR"
time_zone = "Europe/Berlin"
round_to = "0.01"

[[rate]]
tariff = "roaming"
price = "0.0017"
per = "1 MB"
block = "10 KB"
"""
MONTH = "2026-10"


class Two:
    """Two networks' settings, a command line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tariffs = folder / "roaming.toml"
        self.tariffs.write_text(TARIFFS)
        self.a, self.b = self._settings("a", "999-70", "999-71"), self._settings("b", "999-71", "999-70")

    def _settings(self, name: str, plmn: str, partner: str) -> str:
        path = self.folder / f"{name}.toml"
        path.write_text(
            SETTINGS.format(
                name=name, plmn=plmn, partner=partner, folder=self.folder / name, tariffs=self.tariffs
            )
        )
        return str(path)

    def __call__(self, *words: str, code: int = 0) -> str:
        result = CliRunner().invoke(cli.build(("charging",)), ["charging", *words])
        if isinstance(result.exception, cli.Failure):
            assert code == 1
            return f"cinq: {result.exception.what}"
        assert result.exit_code == code, result.output
        return result.output

    def delete(self, side: str, record: str) -> None:
        with sqlite3.connect(self.folder / side / "cinq.sqlite") as database:
            tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type='table'")]
            gone = 0
            for table in tables:
                columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
                if "key" in columns:
                    gone += database.execute(f"DELETE FROM {table} WHERE key = ?", (record,)).rowcount
        database.close()
        assert gone == 1


@pytest.fixture
def two(tmp_path: Path) -> Two:
    return Two(tmp_path)


def test_a_month_is_made_up_and_settled(two: Two) -> None:
    assert "80 sessions" in two("simulate", two.a, two.b, "--month", MONTH, "--sessions", "80")
    said = two("settle", two.a, two.b, "--month", MONTH)
    assert "the balances are equal" in said
    assert "a (999-70)" in said
    facts = json.loads(two("settle", two.a, two.b, "--month", MONTH, "--json"))
    assert facts["even"]
    one, other = facts["balances"]
    assert one["to_get"] == other["to_pay"]
    record = one["sessions"][0]["records"][0]
    assert record in two("settle", two.a, two.b, "--month", MONTH, "--records").replace("\n", "").replace(
        " ", ""
    )
    two.delete("a", record)
    said = two("settle", two.a, two.b, "--month", MONTH, code=1)
    assert "1 difference" in said
    assert "missing" in said
    assert not json.loads(two("settle", two.a, two.b, "--month", "2026-11", "--json"))["differences"]


@pytest.mark.parametrize("form", ["json", "ber"])
def test_records_go_into_files(two: Two, form: str) -> None:
    two("simulate", two.a, two.b, "--month", MONTH, "--sessions", "30")
    out = two.folder / "out"
    said = two("export", str(out), "--form", form, "--most", "20", "--config", two.a)
    assert "30 records in 2 files" in said
    files = sorted(out.iterdir())
    assert [file.suffix for file in files] == [f".{form}"] * 2
    before = [file.read_bytes() for file in files]
    two("export", str(out), "--form", form, "--most", "20", "--config", two.a)
    assert [file.read_bytes() for file in sorted(out.iterdir())] == before
    if form == "json":
        assert len(before[0].splitlines()) == 20
        return
    assert "20 records" in two("read", str(files[0]))
    assert json.loads(two("read", str(files[1]), "--json"))[0]["recordType"] == 200
    files[1].write_bytes(before[1][:-3])
    assert "record 10" in two("read", str(files[1]), code=1)


def test_prices(two: Two) -> None:
    at = "2026-10-25T02:30:00+01:00"
    said = two("price", "roaming", "25 MB", "--at", at, "--config", two.a)
    assert said.startswith("25 MB at Sun 02:30 CET: 0.04 XDR")
    assert "wanted it with its offset" in two(
        "price", "roaming", "1 MB", "--at", "2026-10-25T02:30", "--config", two.a, code=1
    )
    assert "found seconds" in two("price", "roaming", "60 s", "--config", two.a, code=1)
    assert "wanted one of retail, roaming" in two("price", "cheap", "1 MB", "--config", two.a, code=1)


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        (
            'currency = "XDR"',
            'currency = "XXX"',
            ":4: tariff[0].currency: found XXX, wanted a code of ISO 4217",
        ),
        ('currency = "XDR"', 'currency = "xdr"', "currency"),
        ("Europe/Berlin", "Europe/Berlinn", "time_zone"),
        ('price = "0.0017"', "price = 0.0017", "price"),
        ('price = "0.0017"', 'price = "-1"', "price"),
        ('block = "10 KB"', 'block = "10 s"', "block"),
        ('round_to = "0.01"', 'round_to = "0.03"', "power of ten"),
        ('per = "1 MB"', 'per = "1 TB"', "octets, seconds or events"),
        ('tariff = "roaming"', 'tariff = "roming"', "roming"),
        ("[[rate]]", "[[rates]]", "rate"),
        ("[[rate]]", "[[rate]", "not TOML"),
    ],
)
def test_a_tariff_file_that_does_not_hold_is_named_with_the_place(
    two: Two, was: str, now: str, said: str
) -> None:
    two.tariffs.write_text(TARIFFS.replace(was, now))
    found = two("check", str(two.tariffs), code=1)
    assert f"{two.tariffs}" in found
    assert said in found


def test_a_tariff_file_that_holds(two: Two) -> None:
    assert "1 tariffs, 1 rates" in two("check", str(two.tariffs))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("settle", "{a}", "{b}", "--month", "2026-13"), "wanted YYYY-MM"),
        (("settle", "{a}", "{a}", "--month", MONTH), "have the same PLMN"),
        (("export", "x", "--form", "xml"), "wanted json or ber"),
        (("export", "x", "--month", "October"), "wanted YYYY-MM"),
    ],
)
def test_mistakes(two: Two, words: tuple[str, ...], said: str) -> None:
    assert said in two(*(word.format(a=two.a, b=two.b) for word in words), code=1)


def test_without_an_agreement_nothing_is_settled(two: Two) -> None:
    Path(two.b).write_text(Path(two.b).read_text().replace('plmn = "999-70"', 'plmn = "999-72"'))
    assert "has no [[partner]]" in two("settle", two.a, two.b, "--month", MONTH, code=1)
