"""Whatever the octets: a message or NgapError, in bounded time.

CINQ_NGAP_MUTATIONS sets how many mutations there are of each message (25 when unset).
"""

from __future__ import annotations

import os
import random
import time

from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.wire import ngap
from cinq.wire.ngap.codec import CODEC
from cinq.wire.per import careful
from tests.asn1 import Oracle

TIMES = int(os.environ.get("CINQ_NGAP_MUTATIONS", "25"))


def survives(octets: bytes) -> bool:
    """Whether it decodes; what decodes also encodes, but for IEs that were passed over.

    The straight way and the careful one agree on it, but that the straight one does not look at criticalities.
    """
    try:
        message = ngap.decode(octets)
    except ngap.NgapError:
        return False
    assert with_care(octets) in (message, "no such criticality")
    ngap.plain(message)
    assert ngap.decode(ngap.encode(message)) == message
    return True


def with_care(octets: bytes) -> ngap.Pdu | str:
    """What the slow path says of the octets."""
    try:
        return careful.decode(CODEC.tables, octets)
    except ngap.NgapError as error:
        wrong = "no such criticality"
        return wrong if wrong in str(error) or octets[2] >> 6 == 3 else str(error)


def mutated(octets: bytes, draw: random.Random) -> bytes:
    changed = bytearray(octets)
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(changed))
        match draw.randrange(5):
            case 0:
                changed[at] ^= 1 << draw.randrange(8)
            case 1:
                changed[at] = draw.choice((0, 127, 128, 191, 192, 193, 196, 255))
            case 2:
                del changed[at : at + draw.randint(1, 3)]
            case 3:
                changed[at:at] = draw.randbytes(draw.randint(1, 3))
            case _:
                changed[at:] = changed[at : at + draw.randint(0, 40)] * draw.randint(0, 3)
        if len(changed) < 4:
            break
    return bytes(changed)


def test_mutations_of_every_message(oracle: Oracle) -> None:
    draw = random.Random(10)
    decoded = 0
    for kind, row, node in oracle.messages():
        octets = oracle.pdu_octets(kind, row, node, oracle.value(node))
        for _ in range(TIMES):
            decoded += survives(mutated(octets, draw))
            # With a right length in front the mutation reaches further in.
            content = mutated(octets[4 if octets[3] < 128 else 5 :], draw)[:16383]
            decoded += survives(octets[:3] + (0x8000 | len(content)).to_bytes(2, "big") + content)
    assert decoded > 100


def test_mutations_of_every_transfer(oracle: Oracle) -> None:
    draw = random.Random(11)
    for name, node in oracle.values():
        node.set_val(oracle.value(node))
        octets = node.to_aper()
        for _ in range(2 * TIMES):
            try:
                value = ngap.decode_value(getattr(ngap, name), mutated(octets, draw))
            except ngap.NgapError:
                continue
            assert ngap.decode_value(getattr(ngap, name), ngap.encode_value(value)) == value


@settings(max_examples=150, derandomize=True, deadline=None)
@given(st.binary(max_size=200))
def test_any_octets(octets: bytes) -> None:
    survives(octets)


@settings(max_examples=150, derandomize=True, deadline=None)
@given(st.integers(0, 2), st.integers(0, 90), st.binary(max_size=100))
def test_any_content(kind: int, code: int, content: bytes) -> None:
    survives(bytes([kind << 5, code, 0, len(content)]) + content)


def test_the_work_is_bounded_by_the_octets() -> None:
    """Counts, lengths and fragments that promise 64K of everything, and as many IEs as fit in a message."""
    full = (16383).to_bytes(2, "big")
    bombs = [
        b"\x00\x14\x00\xc4" + bytes(65536) + b"\xc4" + bytes(65536) + b"\x00",
        b"\x00\x14\x00" + bytes([0x80 | full[0], full[1]]) + b"\x00\xff\xff" + bytes(16380),
        b"\x00\x14\x00\xc4" + b"\x00\xff\xff" + b"\x12\x67\x40\x00" * 16383 + b"\0" + b"\x00",
        b"\x00\x14\x00\xc4" + b"\x00\xff\xff" + b"\x00\x58\x00\xff" * 16383 + b"\0" + b"\x00",
    ]
    before = time.process_time()
    for bomb in bombs:
        survives(bomb)
    assert time.process_time() - before < 5
