"""`cinq demo edge` with real planes, packets and namespaces: the same session leaves at two UPFs."""

from __future__ import annotations

from pathlib import Path

import pytest

from cinq.lab.edge import OCTETS, EdgeDemo, EdgeResult
from tests.userplane.conftest import missing


@pytest.mark.root
@pytest.mark.kernel
@pytest.mark.parametrize("plane", ["ebpf", "tun"])
def test_the_server_of_the_street_is_near(plane: str, tmp_path: Path) -> None:
    """From a cell without a site by the central UPF, over the wire and back; from the other cell at once. The internet
    is reached all the while. Nothing is left at the edge."""
    if missing(plane):
        pytest.skip(missing(plane))
    steps: list[str] = []

    def step(name: str, _: EdgeResult) -> None:
        steps.append(name)

    demo = EdgeDemo.into(tmp_path, step)
    demo.data_plane, demo.delay_ms = plane, 20.0  # type: ignore[assignment]
    result = demo.run()
    assert (result.data_plane, result.edge_data_plane) == (plane, plane)
    found = {(each.cell, each.server): each for each in result.reached}
    assert {key: (each.upf, each.tunnels) for key, each in found.items()} == {
        (1, "street"): ("central", "N3"),
        (1, "internet"): ("central", "N3"),
        (2, "street"): ("edge", "N3"),
        (2, "internet"): ("central", "N3 N9"),
    }
    assert all(each.octets == OCTETS for each in found.values())
    assert found[1, "street"].rtt_ms > 80  # over the wire four times
    assert found[2, "street"].rtt_ms < 40 < found[2, "internet"].rtt_ms
    assert result.good, result
    assert steps == ["core", "session", "reached", "moved", "reached", "deregistered"]


def test_a_result_that_is_not_whole_is_not_good() -> None:
    result = EdgeResult(10.0, deregistered=True, left_at_edge=0)
    assert not result.good
    assert result.facts()["good"] is False
