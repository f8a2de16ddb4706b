"""The foreign captures and their keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from cinq.numbering import Supi
from cinq.trace import Keys, Subscriber, parse_home_network_key

K = bytes.fromhex("465b5ce8b199b49faa5f0a2ee238a6bc")
OPC = bytes.fromhex("e8ed289deba952e4283b54e88e6183ca")
HOME_KEY = "1:A:10c9c67e861a5625a1db8f684123896d9b3506199d3df1968e07b6c8448bb147"


@pytest.fixture
def golden(shared: Path) -> Path:
    return shared / "golden"


@pytest.fixture
def keys() -> Keys:
    others = (Subscriber(Supi("999700000000009"), bytes(16), bytes(16)),)
    return Keys((*others, Subscriber(Supi("999700000000001"), K, OPC)))


@pytest.fixture
def home_key() -> Keys:
    return Keys((), (parse_home_network_key(HOME_KEY),))
