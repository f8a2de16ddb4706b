"""Both benches, small: every figure is there and the traffic took the way it should."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cinq.cli.bench import app
from cinq.cli.output import Failure
from cinq.lab import rootless, traffic

pytestmark = [pytest.mark.root, pytest.mark.kernel]
FIGURE = {"min", "median", "max"}


@pytest.fixture(autouse=True)
def _root() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root (network namespaces)")
    if not Path("/dev/net/tun").exists():
        pytest.skip("needs /dev/net/tun")


def test_user_plane(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic, "has_iperf3", lambda: False)
    monkeypatch.setattr("cinq.lab.user_plane.KINDS", ("tcp", "udp64"))
    out = tmp_path / "up.json"
    arguments = ["user-plane", "--rounds", "1", "--seconds", "0.2", "--output", str(out)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    found = json.loads(out.read_text())
    planes = {"ebpf", "tun"} - set(found["skipped"])
    assert "tun" in planes
    keys = {(row["plane"], row["direction"], row["kind"]) for row in found["rows"]}
    ways = {(d, k) for d in ("uplink", "downlink") for k in ("tcp", "udp64")}
    assert keys == {(plane, *way) for plane in planes for way in ways}
    for row in (*found["rows"], *found["forwarding"]):
        for name in ("ratio", "gbit_s", "kpps"):
            assert set(row[name]) == FIGURE
            assert row[name]["median"] > 0
        assert (row["pairs"], row["dropped"]) == (1, 0)
    assert found["tcp_by"] == "cinq"


def test_control_plane(tmp_path: Path) -> None:
    out = tmp_path / "cp.json"
    arguments = ["control-plane", "--ues", "20", "--in-flight", "8", "--rounds", "1"]
    done = CliRunner().invoke(app, [*arguments, "--suci", "A", "--output", str(out)])
    assert done.exit_code == 0, done.output
    found = json.loads(out.read_text())
    for name in ("cpu_us_per_ue", "registrations_per_s", "rss_idle_mib", "rss_kib_per_ue", "ready_s"):
        assert set(found[name]) == FIGURE
    assert set(found["latency_ms"]) == {"p50", "p99"}
    assert found["latency_ms"]["p50"]["median"] <= found["latency_ms"]["p99"]["median"]
    for name in ("rss_kib_per_idle_ue", "loop_block_ms", "loop_block_cpu_ms"):
        assert set(found[name]) == FIGURE
    assert 0 <= found["loop_block_cpu_ms"]["max"] <= found["loop_block_ms"]["max"]
    assert found["suci"] == "A"


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither root nor a user namespace: the message says which right and what gives it."""

    def refused() -> None:
        raise rootless.TransportError("not root, and a user namespace is refused", "run as root")

    monkeypatch.setattr(rootless, "privileged", lambda: False)
    monkeypatch.setattr(rootless, "enter", refused)
    for bench in ("user-plane", "control-plane"):
        done = CliRunner().invoke(app, [bench])
        assert isinstance(done.exception, Failure)
        assert done.exception.mend == "run as root"


def test_an_unknown_scheme() -> None:
    done = CliRunner().invoke(app, ["control-plane", "--suci", "B"])
    assert isinstance(done.exception, Failure)


def test_service_calls(tmp_path: Path) -> None:
    out = tmp_path / "sbi.json"
    arguments = ["sbi", "--calls", "40", "--in-flight", "4", "--rounds", "1", "--output", str(out)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    found = json.loads(out.read_text())
    assert found.pop("in_flight") == 4
    assert all(set(figure) == FIGURE and figure["median"] > 0 for figure in found.values())
    assert found["cpu_us"]["median"] > found["producer_cpu_us"]["median"]
    assert found["p50_ms"]["median"] <= found["p99_ms"]["median"]
