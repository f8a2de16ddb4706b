"""The rules of aligned PER (ITU-T X.691), one by one, on small types; the octets were worked out by hand.

Each type is compiled as the content of an open type; the length in front of it is cut off again.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cinq.wire.per import model, reading, writing
from cinq.wire.per.decode import DecoderWriter
from cinq.wire.per.emit import Program
from cinq.wire.per.encode import EncoderWriter
from cinq.wire.per.model import Component, Container, Ie, Integer, Size


class T:
    """Stands for any SEQUENCE that is compiled here."""

    def __init__(self, **members: object) -> None:
        self.__dict__ |= members

    def __eq__(self, other: object) -> bool:
        return isinstance(other, T) and vars(self) == vars(other)

    __hash__ = None


Codec = tuple[Callable[[object], bytes], Callable[[bytes], object]]


def compiled(kind: model.Type) -> Codec:
    decoders, encoders = Program(), Program()
    decode = DecoderWriter(decoders).content(kind, "T")
    encode = EncoderWriter(encoders).open(kind, "T")
    spaces = []
    for runtime, program in ((reading, decoders), (writing, encoders)):
        space = dict(vars(runtime)) | {"from_bytes": int.from_bytes, "new": object.__new__, "T": T}
        exec("\n".join(one.text for one in program.definitions.values()), space)
        spaces.append(space)

    def encoded(value: object) -> bytes:
        o = bytearray()
        spaces[1][encode](o, value)
        content, end = reading.octets(bytes(o), 0)
        assert end == len(o)
        return content

    return encoded, spaces[0][decode]


def agree(kind: model.Type, value: object, octets: bytes | str) -> None:
    wanted = bytes.fromhex(octets) if isinstance(octets, str) else octets
    encode, decode = compiled(kind)
    assert encode(value) == wanted
    assert decode(wanted) == value


BYTE = Integer(((0, 255),), False)
BIT = Integer(((0, 1),), False)
GAPS = Integer(((1, 30), (40, 40), (181, 181)), True)


@pytest.mark.parametrize(
    ("kind", "value", "octets"),
    [
        (Integer(((7, 7),), False), 7, "00"),
        (Integer(((1, 12),), False), 12, "b0"),
        (Integer(((0, 254),), False), 254, "fe"),
        (BYTE, 255, "ff"),
        (Integer(((0, 256),), False), 256, "0100"),
        (Integer(((1, 65536),), False), 65536, "ffff"),
        (Integer(((0, 65536),), False), 5, "0005"),
        (Integer(((0, 65536),), False), 65536, "80010000"),
        (Integer(((0, 2**40 - 1),), False), 2**40 - 1, "80ffffffffff"),
        (Integer(((-20, 20),), False), -20, "00"),
        (Integer(((0, 255),), True), 255, "00ff"),
        (Integer(((0, 255),), True), 256, "80020100"),
        (Integer(((0, 255),), True), -129, "8002ff7f"),
        (Integer(((0, 255),), True), -128, "800180"),
        (GAPS, 30, "0e80"),
        (GAPS, 181, "5a00"),
        (GAPS, 31, "80011f"),  # in a gap: not in the root, so in the extension
        (GAPS, 182, "800200b6"),
    ],
)
def test_integers(kind: Integer, value: int, octets: str) -> None:
    agree(kind, value, octets)


def test_a_value_of_a_gap_that_claims_to_be_of_the_root_is_refused() -> None:
    _, decode = compiled(GAPS)
    with pytest.raises(reading.Fault, match="gap"):
        decode(bytes.fromhex("0f00"))


LETTERS = model.Enumerated("Letters", ("a", "b", "c"), ("d", "e"))


@pytest.mark.parametrize(
    ("value", "octets"),
    [
        ("c", "40"),
        ("e", "81"),
        ("unknown-2", "82"),
        ("unknown-63", "bf"),
        ("unknown-64", "c00140"),
        ("unknown-70000", "c003011170"),
    ],
)
def test_enumerated_values_of_later_releases(value: str, octets: str) -> None:
    agree(LETTERS, value, octets)


@pytest.mark.parametrize("value", ["z", "unknown-", "unknown-x", f"unknown-{1 << 32}", None, 3])
def test_enumerated_values_that_nobody_defined(value: object) -> None:
    encode, _ = compiled(LETTERS)
    with pytest.raises(writing.Unencodable):
        encode(value)


def test_enumerated_root_out_of_range() -> None:
    _, decode = compiled(LETTERS)
    with pytest.raises(IndexError):
        decode(b"\x60")


@pytest.mark.parametrize(
    ("size", "value", "octets"),
    [
        (Size(16, 16, False), 0xABCD, "abcd"),
        (Size(22, 22, False), 0x3FFFFF, "fffffc"),
        (Size(22, 32, False), (1, 22), "00000004"),
        (Size(22, 32, False), (0xFFFFFFFF, 32), "a0ffffffff"),
        (Size(16, 16, True), (0xE000, 16), "7000 00"),
        (Size(16, 16, True), (1, 1), "800180"),
        (Size(1, 160, True), (0x0A000001, 32), "0f80 0a000001"),
        (None, (5, 3), "03a0"),
    ],
)
def test_bit_strings(size: Size | None, value: object, octets: str) -> None:
    agree(model.BitString(size), value, octets)


def test_a_bit_string_of_64k_or_more_has_an_unconstrained_length() -> None:
    kind = model.BitString(Size(1, 131072, False))
    agree(kind, (5, 3), "03a0")
    octets = b"\xc4" + bytes(8191) + b"\x80" + b"\xc1" + bytes(2048) + b"\x03\xa0"
    agree(kind, (1 << (16384 + 3 + 7) | 5, 65536 + 16384 + 3), octets)
    agree(kind, (1, 131072), b"\xc4" + bytes(8192) + b"\xc4" + bytes(8191) + b"\x01\x00")


@pytest.mark.parametrize("length", [0, 127, 128, 16383, 16384, 16385, 65535, 65536, 65537, 81920, 200000])
def test_octet_strings_in_fragments(length: int) -> None:
    content = bytes(range(256)) * (length // 256) + bytes(length % 256)
    whole, octets, at = length, b"", 0
    while whole >= 16384:
        units = min(whole // 16384, 4)
        octets += bytes([0xC0 + units]) + content[at : at + units * 16384]
        at, whole = at + units * 16384, whole - units * 16384
    octets += (bytes([whole]) if whole < 128 else (0x8000 + whole).to_bytes(2, "big")) + content[at:]
    agree(model.OctetString(None), content, octets)
    agree(model.OpenType(), content, octets)
    text = model.CharacterString("utf-8", None)
    agree(text, "x" * length, compiled(model.OctetString(None))[0](b"x" * length))


def test_short_octet_strings_are_not_aligned() -> None:
    kind = model.Sequence("T", True, (Component("a", "a", model.OctetString(Size(2, 2, False)), False),))
    agree(kind, T(a=b"\xff\xff"), "7fff80")
    kind = model.Sequence("T", True, (Component("a", "a", model.OctetString(Size(3, 3, False)), False),))
    agree(kind, T(a=b"\xff\xff\xff"), "00ffffff")


def test_strings_beyond_their_size() -> None:
    kind = model.CharacterString("ascii", Size(1, 150, True))
    agree(kind, "gnb", "010067 6e62".replace(" ", ""))
    agree(kind, "x" * 151, bytes.fromhex("808097") + b"x" * 151)
    with pytest.raises(UnicodeDecodeError):
        compiled(kind)[1](bytes.fromhex("0000ff"))


def test_a_list_of_64k_or_more_has_an_unconstrained_length() -> None:
    kind = model.SequenceOf(BIT, Size(1, 65536, False))
    agree(kind, [1, 0, 1], "03a0")
    agree(kind, [1] * 16385, b"\xc1" + b"\xff" * 2048 + b"\x01\x80")
    agree(kind, [1] * 16384, b"\xc1" + b"\xff" * 2048 + b"\x00")
    agree(kind, [1] * 65536, b"\xc4" + b"\xff" * 8192 + b"\x00")
    agree(model.SequenceOf(BIT, Size(1, 65535, False)), [1, 0, 1], "0002a0")
    with pytest.raises(writing.Unencodable):
        compiled(kind)[0]([])
    with pytest.raises(reading.Fault):
        compiled(kind)[1](b"\x00")


def test_list_items_that_move_the_bit_offset() -> None:
    item = model.Sequence("T", False, (Component("a", "a", BIT, True), Component("b", "b", BYTE, True)))
    kind = model.SequenceOf(item, Size(1, 65536, False))
    value = [T(a=1, b=None), T(a=None, b=9), T(a=None, b=None)]
    agree(kind, value, "03 a8 09 00".replace(" ", ""))
    many = value * 6000
    encode, decode = compiled(kind)
    assert decode(encode(many)) == many


def extended(*ies: Ie) -> model.Sequence:
    """SEQUENCE { a INTEGER (0..1), iE-Extensions OPTIONAL, ... }"""
    container = Container(1, True, ies)
    return model.Sequence(
        "T", True, (Component("a", "a", BIT, False), Component("iE-Extensions", "x", container, True))
    )


NEW, NEWER = Ie(7, "new", "new", 1, False, BYTE), Ie(9, "newer", "newer", 0, False, BYTE)


def test_the_count_of_an_extension_container_is_reduced_by_its_lower_bound() -> None:
    kind = extended(NEW, NEWER)
    agree(kind, T(a=1, new=5, newer=None), "60 0000 0007 40 01 05".replace(" ", ""))
    agree(kind, T(a=1, new=5, newer=6), "60 0001 0007 40 01 05 0009 00 01 06".replace(" ", ""))
    agree(kind, T(a=1, new=None, newer=None), "20")


@pytest.mark.parametrize(
    ("octets", "raised"),
    [
        ("60 0001 0009 00 01 06 0007 40 01 05", reading.Misplaced),
        ("60 0001 0007 40 01 05 0007 40 01 05", reading.Misplaced),
        ("60 0000 0008 00 01 05", reading.NotComprehended),
        ("60 0000 0007 40 02 05", reading.Fault),
        ("60 0009 0007 40 01 05", IndexError),
    ],
)
def test_faults_in_an_extension_container(octets: str, raised: type[Exception]) -> None:
    with pytest.raises(raised):
        compiled(extended(NEW, NEWER))[1](bytes.fromhex(octets))


def test_unknown_extensions_are_passed_over_by_criticality() -> None:
    _, decode = compiled(extended(NEW, NEWER))
    reading.NOTICES.clear()
    octets = bytes.fromhex("60 0002 0008 40 01 05 0009 00 01 06 000a 80 02 0000")
    assert decode(octets) == T(a=1, new=None, newer=6)
    assert reading.NOTICES == [(reading.NOTIFY, 10)]
    reading.NOTICES.clear()


@pytest.mark.parametrize("bitmap", ["1", "11", "01", "0" * 63 + "1"])
def test_extension_additions_of_later_releases_are_passed_over(bitmap: str) -> None:
    """Items of SEQUENCE { a INTEGER (0..1), ... }: one with additions, then one without."""
    inner = model.Sequence("T", True, (Component("a", "a", BIT, False),))
    _, decode = compiled(model.SequenceOf(inner, Size(1, 256, False)))
    bits = f"11{len(bitmap) - 1:07b}{bitmap}"
    bits += "0" * (-len(bits) % 8)
    octets = int(bits, 2).to_bytes(len(bits) // 8, "big")
    assert decode(b"\x01" + octets + bytes.fromhex("0105") * bitmap.count("1") + b"\x40") == [T(a=1), T(a=1)]


def test_sixty_five_additions_and_more() -> None:
    inner = model.Sequence("T", True, (Component("a", "a", BIT, False),))
    _, decode = compiled(inner)
    octets = bytes.fromhex("e0 41 80 00000000000000 80 0105 0106")
    assert decode(octets) == T(a=1)
    with pytest.raises(reading.Fault):
        decode(octets[:-1])


WAYS = model.Choice(
    "Ways",
    (
        model.Alternative("first", BYTE),
        model.Alternative("second", model.Null()),
        model.ExtensionAlternative((Ie(11, "Third-Way", "third_way", 0, True, BYTE),)),
    ),
)


@pytest.mark.parametrize(
    ("value", "octets"),
    [(("first", 5), "0005"), (("second", True), "40"), (("Third-Way", 6), "80000b000106")],
)
def test_choices(value: object, octets: str) -> None:
    agree(WAYS, value, octets)


@pytest.mark.parametrize("octets", ["c0", "80000c000106", "80000b000206"])
def test_choices_that_nobody_defined(octets: str) -> None:
    with pytest.raises((reading.Fault, reading.NotComprehended)):
        compiled(WAYS)[1](bytes.fromhex(octets))
    with pytest.raises(writing.Unencodable):
        compiled(WAYS)[0](("fourth", 1))


@pytest.mark.parametrize(
    ("value", "octets"),
    [("1.3.6.1.4.1.99999", "082b06010401868d1f"), ("2.999.3", "03883703"), ("0.39", "0127")],
)
def test_object_identifiers(value: str, octets: str) -> None:
    agree(model.ObjectIdentifier(), value, octets)


@pytest.mark.parametrize("octets", ["00", "0180", "028001", "ff"])
def test_object_identifiers_of_broken_arcs(octets: str) -> None:
    with pytest.raises((reading.Fault, IndexError)):
        compiled(model.ObjectIdentifier())[1](bytes.fromhex(octets))


@pytest.mark.parametrize("octets", ["c0", "c5", "c1", "c100", "8005", "19aa"])
def test_lengths_that_announce_too_much(octets: str) -> None:
    for kind in (
        model.OctetString(None),
        model.BitString(None),
        model.SequenceOf(BYTE, Size(0, 65536, False)),
    ):
        with pytest.raises((reading.Fault, IndexError)):
            compiled(kind)[1](bytes.fromhex(octets))


def test_an_open_type_is_never_empty() -> None:
    o = bytearray()
    spaces: dict[str, object] = {}
    program = Program()
    write = EncoderWriter(program).open(model.Null(), "T")
    exec("\n".join(one.text for one in program.definitions.values()), dict(vars(writing)), spaces)
    spaces[write](o, True)  # type: ignore[operator]
    assert o == b"\x01\x00"
