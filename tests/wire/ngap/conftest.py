"""pycrate as the oracle of NGAP."""

from __future__ import annotations

import pytest

from cinq.wire import ngap
from tests.asn1 import Oracle


@pytest.fixture
def oracle() -> Oracle:
    return Oracle(ngap, seed=38413)
