"""Figures of a bench, and what becomes of them in JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from cinq.lab.figures import Figure, plain, write
from cinq.lab.traffic import Rate
from cinq.lab.user_plane import Bench, Direction, Kind, Mode, Slot, _order


@dataclass(frozen=True)
class Outer:
    name: str
    figures: tuple[Figure, ...]
    skipped: dict[str, str]


def test_minimum_median_maximum() -> None:
    assert Figure.of([3, 1, 2.00049]) == Figure(1, 2.0, 3)
    assert str(Figure.of([1.5])) == "1.5 [1.5 1.5]"
    with pytest.raises(ValueError, match="no round"):
        Figure.of([])


def test_a_result_as_json(tmp_path: Path) -> None:
    result = Outer("x", (Figure(1, 2, 3),), {"ebpf": "no right"})
    write(tmp_path / "out.json", result)
    found = json.loads((tmp_path / "out.json").read_text())
    assert found == plain(result)
    assert found["figures"][0] == {"min": 1, "median": 2, "max": 3}


def test_forwarding_is_measured_beside_each_plane_in_changing_order() -> None:
    assert _order(["ebpf", "tun"], 0) == ["ebpf", "none", "tun"]
    assert _order(["ebpf", "tun"], 1) == ["tun", "none", "ebpf"]
    assert _order(["tun"], 0) == ["tun", "none"]
    assert _order(["tun"], 1) == ["none", "tun"]


def test_ratios_are_of_pairs() -> None:
    """Each round against its own forwarding, not median against median."""
    bench = Bench(3)
    rates: dict[tuple[Mode, Direction, Kind], list[Rate]] = {
        ("ebpf", "uplink", "tcp"): [Rate(1, 10), Rate(4, 10), Rate(9, 10)],
        ("none", "uplink", "tcp"): [Rate(2, 10), Rate(4, 10), Rate(10, 10)],
        ("ebpf", "uplink", "udp64"): [Rate(9, 1), Rate(9, 2), Rate(9, 3)],
        ("none", "uplink", "udp64"): [Rate(1, 2), Rate(1, 2), Rate(1, 2)],
    }
    bench._slots = {key: [Slot(rate, 0.0) for rate in found] for key, found in rates.items()}
    assert bench._row("ebpf", "uplink", "tcp").ratio == Figure(0.5, 0.9, 1.0)
    assert bench._row("ebpf", "uplink", "udp64").ratio == Figure(0.5, 1.0, 1.5)
