"""The short way and the careful way through a message give the same message, octets and faults."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings

from cinq.wire import nas
from cinq.wire.nas import careful, codec
from cinq.wire.nas.engine import layout_of
from cinq.wire.nas.straight import reader, source, writer

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
        octets = writer(layout_of(kind))(message.fields)
        assert octets == nas.encode(message)
        assert octets[3 + len(kind.HEADER) // 2 :] == careful.encode(message)
        assert careful_decode(octets) == message

    hold()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_the_short_way_leads_to_the_end(kind: type[nas.NasMessage]) -> None:
    """What foreign stacks sent takes the short way; its code is made once."""
    assert f"def __init__(self{', *' if kind.NAMES else ''}" in source(layout_of(kind))
    for octets in map(bytes.fromhex, kind.VECTORS):
        message = nas.decode(octets)
        if message.unknown or message.faults:
            continue
        assert reader(layout_of(kind))(octets) == message.fields
        nas.encode(message)
        assert kind in codec._writers
        assert kind(**message.fields) == message
        assert kind.__init__ is not nas.NasMessage.__init__


def test_a_constructor_says_what_is_wrong() -> None:
    for arguments in ({}, {"cause": None}, {"cause": 3, "t9999": 1}):
        with pytest.raises(TypeError, match="RegistrationReject"):
            nas.RegistrationReject(**arguments)
    with pytest.raises(TypeError, match="positional"):
        nas.RegistrationReject(3)  # type: ignore[call-arg]
