"""pycrate as the oracle of XnAP."""

from __future__ import annotations

import pytest

from cinq.wire import xnap
from tests.asn1 import Oracle


@pytest.fixture
def oracle() -> Oracle:
    return Oracle(xnap, seed=38423)
