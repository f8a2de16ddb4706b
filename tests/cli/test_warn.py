"""cinq warn: public warnings, beside a core that looks at them, or while none runs."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cinq.nf.amf.warnings import Result, Warnings
from cinq.transport.sqlite import SqliteStore

from .test_policy import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@contextmanager
def core(folder: Path, *gnbs: str) -> Iterator[None]:
    """Looks at warnings, as an AMF does; the last of its gNBs is silent where there is more than one."""
    ended = threading.Event()

    def run() -> None:
        store = SqliteStore(folder / "cinq.sqlite")
        kept = Warnings(store)
        while not ended.wait(0.02):
            for warning in list(kept.all()):
                told = {"wanted": "broadcast", "unwanted": "cancelled"}.get(warning.state)
                if told is not None:
                    now = kept.changed(warning, told, time.time(), gnbs)  # type: ignore[arg-type]
                    for gnb in gnbs[:1]:
                        kept.record(now, Result(gnb, 2, told))
                    store.flush()
        store.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_send_list_and_cancel(shell: Shell, tmp_path: Path) -> None:
    with core(tmp_path, "north", "south"):
        sent = shell("warn", "send", "Flood ahead", "--tac", "1", "--number", "3", "--wait", "1")
        assert "broadcast: TAC 1, 3 times, every 60 s" in sent
        assert "north broadcast 2" in " ".join(sent.split())
        assert "south no answer yet 0" in " ".join(sent.split())
        (one,) = json.loads(shell("warn", "list", "--json"))
        assert (one["state"], one["told"]) == ("broadcast", ["north", "south"])
        assert one["gnbs"] == [{"gnb": "north", "cells": 2, "text": "broadcast"}]
        assert one["serial"] >> 14 == 2  # tracking area wide
        listed = " ".join(shell("warn", "list").split())
        assert f"{one['key']} broadcast TAC 1 3 times, every 60 s Flood ahead north: broadcast (2)" in listed
        stopped = json.loads(shell("warn", "cancel", one["key"], "--wait", "1", "--json"))
        assert (stopped["state"], stopped["gnbs"][0]["text"]) == ("cancelled", "cancelled")
        assert shell("warn", "cancel") == "no warning is there | cinq warn list"


def test_several_are_several(shell: Shell, tmp_path: Path) -> None:
    with core(tmp_path):
        first = json.loads(shell("warn", "send", "First", "--json"))
        second = json.loads(shell("warn", "send", "Второе", "--replace", "--json"))
        assert first["serial"] != second["serial"]
        assert first["serial"] >> 14 == 1  # everywhere
        assert "no gNB is there" in shell("warn", "send", "Third")
        shell("warn", "cancel", "--all")
        assert {w["state"] for w in json.loads(shell("warn", "list", "--json"))} == {"cancelled"}


def test_no_core_runs(shell: Shell) -> None:
    said = shell("warn", "send", "Flood", "--wait", "0.3")
    assert "no core has looked at it within 0.3 s; the next that runs does | cinq up" in said
    assert [w["state"] for w in json.loads(shell("warn", "list", "--json"))] == ["wanted"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--tac", "77"), "--tac: found 77, wanted one of 1"),
        (("--repeat", "0"), "--repeat: found 0"),
        (("--number", "65536"), "--number: found 65536"),
        (("--identifier", "-1"), "--identifier: found -1"),
    ],
)
def test_what_cannot_be(shell: Shell, words: tuple[str, ...], said: str) -> None:
    assert shell("warn", "send", "Flood", *words).startswith(said)
    assert json.loads(shell("warn", "list", "--json")) == []


def test_etws(shell: Shell, tmp_path: Path) -> None:
    with core(tmp_path, "north"):
        sent = json.loads(shell("warn", "send", "--etws", "tsunami", "--no-popup", "--json"))
        assert (sent["identifier"], sent["text"]) == (4353, "ETWS tsunami")
        assert sent["serial"] >> 12 & 3 == 0b10  # alert without popup
        signed = shell("warn", "send", "Run", "--etws", "test", "--security-info", "0a" * 50, "--tac", "1")
        assert "broadcast: TAC 1" in signed
    store = SqliteStore(tmp_path / "cinq.sqlite")
    first, second = Warnings(store).all()
    store.close()
    assert (first.etws, first.contents, first.security) == (b"\x03\x00", b"", b"")
    assert (second.etws, second.security) == (b"\x07\x80", b"\x0a" * 50)
    assert second.contents


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--etws", "flood"), "--etws: found flood, wanted one of earthquake, tsunami"),
        (("--etws", "test", "--security-info", "00"), "--security-info: found 2 characters, wanted 100"),
        (("--security-info", "00"), "--security-info, --no-alert, --no-popup: found without --etws"),
    ],
)
def test_etws_that_cannot_be(shell: Shell, words: tuple[str, ...], said: str) -> None:
    assert shell("warn", "send", "x", *words).startswith(said)


def test_texts_that_do_not_fit(shell: Shell) -> None:
    assert "wanted at most 15 | say it in fewer words" in shell("warn", "send", "x" * 1400)
    assert "found none" in shell("warn", "send", "")
    assert shell("warn", "cancel", "1112-4010") == "no warning 1112-4010 | cinq warn list"
