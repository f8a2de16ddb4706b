"""NGAP messages taken apart into their IEs and put together wrongly."""

from __future__ import annotations

from cinq.wire import ngap

REJECT, IGNORE, NOTIFY = 0, 1, 2
UNKNOWN = 4711
Ie = tuple[int, int, bytes]
NUMBERS = {name: number for number, name in ngap.IE_NAMES.items()}


def parts(octets: bytes) -> tuple[bytes, list[Ie]]:
    """Header and IEs of a short PDU."""
    content = octets[4:] if octets[3] < 128 else octets[5:]
    found, i = [], 3
    for _ in range(int.from_bytes(content[1:3], "big")):
        size = content[i + 3]
        found.append(
            (int.from_bytes(content[i : i + 2], "big"), content[i + 2] >> 6, content[i + 4 : i + 4 + size])
        )
        i += 4 + size
    assert i == len(content)
    return octets[:3], found


def pdu(header: bytes, ies: list[Ie]) -> bytes:
    content = b"\x00" + len(ies).to_bytes(2, "big")
    for ie, level, octets in ies:
        content += ie.to_bytes(2, "big") + bytes([level << 6, len(octets)]) + octets
    size = bytes([len(content)]) if len(content) < 128 else bytes([0x80, len(content)])
    return header + size + content


def with_ie(message: ngap.Pdu, level: int) -> bytes:
    """The message with an IE that nobody knows behind the others."""
    header, ies = parts(ngap.encode(message))
    return pdu(header, [*ies, (UNKNOWN, level, b"\0")])


def without(message: ngap.Pdu, *names: str) -> bytes:
    header, ies = parts(ngap.encode(message))
    gone = {NUMBERS[name] for name in names}
    assert gone <= {ie for ie, _, _ in ies}
    return pdu(header, [part for part in ies if part[0] not in gone])
