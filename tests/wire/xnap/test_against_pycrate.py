"""Byte for byte with pycrate, on random messages of every procedure that is compiled.

CINQ_XNAP_FUZZ sets how many of each (3 when unset), CINQ_XNAP_SEED the seed.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.wire import xnap
from tests.asn1 import Oracle

TIMES = int(os.environ.get("CINQ_XNAP_FUZZ", "3"))
SEED = int(os.environ.get("CINQ_XNAP_SEED", "38423"))
MESSAGES = 22


@pytest.fixture(autouse=True)
def _long_numbers() -> Iterator[None]:
    """pycrate prints the values it checks, and a long BIT STRING has more digits than Python prints by itself."""
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    yield
    sys.set_int_max_str_digits(before)


def test_every_message(oracle: Oracle) -> None:
    oracle.reseed(SEED)
    kinds = 0
    for kind, row, node in oracle.messages():
        kinds += 1
        for _ in range(TIMES):
            value = oracle.value(node)
            octets = oracle.pdu_octets(kind, row, node, value)
            message = oracle.native(node, value)
            assert xnap.encode(message) == octets
            assert xnap.decode(octets) == message
            assert xnap.examine(octets).message == message
    assert kinds == MESSAGES


def test_the_table_of_names_agrees(oracle: Oracle) -> None:
    assert oracle.ie_names == xnap.IE_NAMES
    assert {row["procedureCode"] for _, row, _ in oracle.messages()} == set(xnap.PROCEDURES)


def test_a_procedure_that_is_not_compiled_is_not_known() -> None:
    """S-NG-RAN node addition, of criticality reject: TS 38.423 §10.3.4.1 wants an answer."""
    with pytest.raises(xnap.XnapError) as found:
        xnap.decode(bytes.fromhex("00070003000000"))
    assert found.value.cause == "abstract-syntax-error-reject"
    assert not found.value.silent
    assert found.value.clause == "TS 38.423 §10.3.4.1"


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=80))
def test_any_octets(octets: bytes) -> None:
    survives(octets)
    xnap.examine(octets)


def test_mutated_messages(oracle: Oracle) -> None:
    oracle.reseed(SEED + 1)
    draw = random.Random(SEED)
    decoded = 0
    for kind, row, node in oracle.messages():
        octets = oracle.pdu_octets(kind, row, node, oracle.value(node))
        for _ in range(15):
            decoded += survives(mutated(octets, draw))
            xnap.examine(mutated(octets, draw))
    assert decoded


def survives(octets: bytes) -> bool:
    """Whether it decodes; what decodes also encodes, to what means the same."""
    try:
        message = xnap.decode(octets)
    except xnap.XnapError:
        return False
    xnap.plain(message)
    assert xnap.decode(xnap.encode(message)) == message
    return True


def mutated(octets: bytes, draw: random.Random) -> bytes:
    changed = bytearray(octets)
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(changed))
        if draw.random() < 0.5:
            changed[at] ^= 1 << draw.randrange(8)
        else:
            del changed[at : at + draw.randint(1, 3)]
            changed = changed or bytearray(1)
    return bytes(changed)


def test_whoever_does_without_xn_does_not_import_it() -> None:
    """It costs some megabytes and milliseconds: the core, and a UE, never have them."""
    program = (
        "import sys, cinq.network, cinq.ran.ue.serve; "
        "sys.exit(any(name.startswith('cinq.wire.xnap') for name in sys.modules))"
    )
    assert subprocess.run((sys.executable, "-c", program), check=False).returncode == 0
