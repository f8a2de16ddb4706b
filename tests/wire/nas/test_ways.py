"""The short way and the careful way through a message give the same message, octets and faults."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings

from cinq.wire import nas
from cinq.wire.nas import careful
from cinq.wire.nas.engine import shape_of

from .values import messages

KINDS: list[type[nas.NasMessage]] = [*nas.GMM_MESSAGES.values(), *nas.GSM_MESSAGES.values()]


def careful_decode(octets: bytes) -> nas.NasMessage:
    if octets[0] == 0x7E:
        return careful.decode(nas.GMM_MESSAGES[octets[2]], octets, 3, {})
    head = {"pdu_session_id": octets[1], "pti": octets[2]}
    return careful.decode(nas.GSM_MESSAGES[octets[3]], octets, 4, dict[str, object](head))


def outcome(decode: object, octets: bytes) -> tuple[object, ...]:
    assert callable(decode)
    try:
        message = decode(octets)
    except nas.NasError as error:
        return (error.what, error.cause, error.ie, error.partial)
    return (message, message.unknown, message.faults)


def test_reading() -> None:
    dice = random.Random(24007)
    vectors = [bytes.fromhex(vector) for kind in KINDS for vector in kind.VECTORS]
    for _ in range(6000):
        octets = bytearray(dice.choice(vectors))
        begin = 3 if octets[0] == 0x7E else 4
        for _ in range(dice.randint(0, 2)):
            at = dice.randint(begin, len(octets))
            match dice.randrange(4):
                case 0:
                    octets[at : at + 1] = dice.randbytes(1)
                case 1:
                    del octets[at:]
                case 2:
                    octets[at:at] = dice.randbytes(dice.randint(1, 3))
                case _:
                    octets += octets[at : at + 6]
        assert outcome(nas.decode, bytes(octets)) == outcome(careful_decode, bytes(octets)), octets.hex()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_writing(kind: type[nas.NasMessage]) -> None:
    @settings(max_examples=10, derandomize=True, deadline=None, database=None)
    @given(messages(kind))
    def hold(message: nas.NasMessage) -> None:
        body = b"".join(write(message.fields) for write in shape_of(kind, message.fields).writers)
        assert body == careful.encode(message)
        assert nas.encode(message).endswith(body)

    hold()


def test_shapes_are_bounded() -> None:
    names = sorted(nas.RegistrationAccept.FIELDS - nas.RegistrationAccept.REQUIRED)
    result = nas.RegistrationResult()
    for first in names:
        for second in names:
            nas.RegistrationAccept(registration_result=result, **{first: b"", second: b""})  # type: ignore[arg-type]
    assert len(nas.RegistrationAccept.SHAPES) <= 128
    assert nas.encode(nas.RegistrationAccept(registration_result=result, t3502=60, t3512=540, guti=None))
