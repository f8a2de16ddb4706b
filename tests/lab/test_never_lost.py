"""The bench of what must not be lost: killed and started, put aside and released, every packet is there in order."""

from __future__ import annotations

import pytest

from cinq.lab import never_lost
from tests.userplane.conftest import missing


@pytest.mark.root
@pytest.mark.kernel
def test_every_packet_is_delivered_in_order() -> None:
    if missing("ebpf"):
        pytest.skip(missing("ebpf"))
    for row in never_lost.run(1000):
        assert row.sent > 500
        assert (row.delivered + row.discarded, row.reordered) == (row.sent, 0), row
        assert row.name == "buffered" or row.discarded == 0
