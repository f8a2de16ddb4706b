"""Byte for byte with pycrate, on random messages and transfers of every type.

CINQ_NGAP_FUZZ sets how many of each (3 when unset), CINQ_NGAP_SEED the seed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

from cinq.wire import ngap
from tests.asn1 import Oracle

TIMES = int(os.environ.get("CINQ_NGAP_FUZZ", "3"))
SEED = int(os.environ.get("CINQ_NGAP_SEED", "38413"))


@pytest.fixture(autouse=True)
def _long_numbers() -> Iterator[None]:
    """pycrate prints the values it checks, and a long BIT STRING has more digits than Python prints by itself."""
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    yield
    sys.set_int_max_str_digits(before)


def agree_on_messages(oracle: Oracle, times: int) -> tuple[int, int]:
    """(number of types, number of messages of 16K octets and more)."""
    kinds = long = 0
    for kind, row, node in oracle.messages():
        kinds += 1
        for _ in range(times):
            value = oracle.value(node)
            octets = oracle.pdu_octets(kind, row, node, value)
            message = oracle.native(node, value)
            assert ngap.encode(message) == octets
            assert ngap.decode(octets) == message
            long += len(octets) >= 16384
    return kinds, long


def agree_on_values(oracle: Oracle, times: int) -> tuple[int, int]:
    kinds = long = 0
    for name, node in oracle.values():
        kinds += 1
        for _ in range(times):
            value = oracle.value(node)
            node.set_val(value)
            octets = node.to_aper()
            ours = oracle.native(node, value)
            assert ngap.encode_value(ours) == octets
            assert ngap.decode_value(getattr(ngap, name), octets) == ours
            long += len(octets) >= 16384
    return kinds, long


def test_every_message(oracle: Oracle) -> None:
    oracle.reseed(SEED)
    assert agree_on_messages(oracle, TIMES) == (131, 0)


def test_every_transfer_and_transparent_container(oracle: Oracle) -> None:
    oracle.reseed(SEED + 1)
    assert agree_on_values(oracle, TIMES) == (51, 0)


def test_lengths_from_16k_on(oracle: Oracle) -> None:
    """Some sizes are drawn around the multiples of 16K, where octet strings and open types go in fragments."""
    oracle.reseed(SEED + 2, long=0.1)
    _, long_messages = agree_on_messages(oracle, max(1, TIMES // 3))
    _, long_values = agree_on_values(oracle, 2 * TIMES)
    assert long_messages >= 3
    assert long_values >= 1


def test_the_table_of_names_agrees(oracle: Oracle) -> None:
    assert oracle.ie_names == ngap.IE_NAMES
    assert {row["procedureCode"] for _, row, _ in oracle.messages()} == set(ngap.PROCEDURES)


def test_every_message_is_printable_and_plain(oracle: Oracle) -> None:
    for _, _, node in oracle.messages():
        message = oracle.native(node, oracle.value(node))
        assert repr(message).startswith(type(message).__name__)
        told = ngap.plain(message)
        assert isinstance(told, dict)
        assert told["message"] == type(message).__name__
