"""cinq order: what the gNB of one UE is to do, beside a core that looks at it, or while none runs."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cinq.nf.amf.orders import Orders
from cinq.transport.sqlite import SqliteStore

from .test_policy import IMSI, Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@contextmanager
def core(folder: Path) -> Iterator[None]:
    """Looks at orders, as an AMF does."""
    ended = threading.Event()

    def run() -> None:
        store = SqliteStore(folder / "cinq.sqlite")
        kept = Orders(store)
        while not ended.wait(0.02):
            for order in kept.all():
                if order.state == "wanted":
                    state = "running" if order.stays else "done"
                    kept.changed(order, state, time.time(), f"done with {order.kind}")  # type: ignore[arg-type]
                elif order.state == "unwanted":
                    kept.changed(order, "ended", time.time(), "stopped")
            store.flush()
        store.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_orders_come_and_go(shell: Shell, tmp_path: Path) -> None:
    with core(tmp_path):
        assert shell("order", "location", IMSI) == f"imsi-{IMSI} location: done with location\n"
        assert shell("order", "radio", IMSI) == f"imsi-{IMSI} radio: done with radio\n"
        assert shell("order", "unbind", IMSI) == f"imsi-{IMSI} unbind: done with unbind\n"
        assert shell("order", "anchor", IMSI) == f"imsi-{IMSI} anchor: done with anchor\n"
        traced = json.loads(shell("order", "trace", IMSI, "--collector", "192.0.2.1", "--json"))
        assert (traced["state"], len(traced["trace_id"])) == ("running", 16)
        assert traced["trace_id"].startswith("99f907")
        listed = " ".join(shell("order", "list").split())
        assert f"imsi-{IMSI} trace running done with trace" in listed
        assert shell("order", "trace", IMSI, "--stop") == f"imsi-{IMSI} trace: stopped\n"
        assert shell("order", "location", IMSI, "--follow") == f"imsi-{IMSI} follow: done with follow\n"
        assert shell("order", "location", IMSI, "--stop") == f"imsi-{IMSI} follow: stopped\n"
        assert shell("order", "location", IMSI, "--stop") == (
            f"imsi-{IMSI} has no order of follow | cinq order list"
        )
        kinds = {o["kind"]: o["state"] for o in json.loads(shell("order", "list", "--json"))}
        assert kinds == {
            "location": "done",
            "follow": "ended",
            "radio": "done",
            "unbind": "done",
            "anchor": "done",
            "trace": "ended",
        }


def test_no_core_runs(shell: Shell) -> None:
    said = shell("order", "location", IMSI, "--wait", "0.3")
    assert "no core has looked at the order within 0.3 s; the next that runs does | cinq up" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((IMSI,), "--collector: found none, wanted an IP address"),
        ((IMSI, "--collector", "here"), "--collector: found here, wanted an IP address"),
        ((IMSI, "--collector", "192.0.2.1", "--depth", "deep"), "--depth: found deep, wanted one of minimum"),
        (
            (IMSI, "--collector", "192.0.2.1", "--interface", "s1"),
            "--interface: found s1, wanted one of ng-c",
        ),
        (("x", "--collector", "192.0.2.1"), "IMSI: found"),
    ],
)
def test_what_cannot_be(shell: Shell, words: tuple[str, ...], said: str) -> None:
    assert said.lower() in shell("order", "trace", *words).lower()
    assert json.loads(shell("order", "list", "--json")) == []
