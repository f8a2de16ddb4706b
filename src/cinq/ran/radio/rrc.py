"""The two RRC messages that travel in NGAP and XnAP containers at a handover, TS 38.331, unaligned PER.

HandoverPreparationInformation goes from source to target, HandoverCommand from target to source and on to the UE: an
RRCReconfiguration with sync that names the C-RNTI in the new cell and the NCC of its key.
"""

from __future__ import annotations

import msgspec

from cinq.crypto import kdf, nia

HANDOVER_PREPARATION_INFORMATION = bytes(2)
"""§11.2.2, with an empty list of UE capabilities."""

# rrcReconfiguration with masterCellGroup (reconfigurationWithSync) and masterKeyUpdate
_HEAD = bytes.fromhex("000c80282040")
_T304 = 0xA0  # ms1000, and the octets that follow it
_WITH_NAS, _NEW_KEY = 0x02, 0x01
_NCC_BITS, _LENGTH_BITS = 3, 8
MOST_NAS = 100


class RrcError(ValueError):
    """Not a HandoverCommand of an emulated gNB."""


class HandoverCommand(msgspec.Struct, frozen=True):
    """§11.2.2, as far as an emulated UE needs it.

    nas: NAS security parameters that the AMF changed. new_key: keySetChangeIndicator, K_gNB is derived from K_AMF anew.
    """

    c_rnti: int
    ncc: int
    nas: bytes = b""
    new_key: bool = False


def encode(command: HandoverCommand) -> bytes:
    """ValueError: the NAS container has more than 100 octets."""
    if len(command.nas) > MOST_NAS:
        raise ValueError(f"nas: found {len(command.nas)} octets, wanted at most {MOST_NAS}")
    tail, bits = command.ncc, _NCC_BITS
    if command.nas:
        tail = tail << _LENGTH_BITS | len(command.nas)
        tail = tail << 8 * len(command.nas) | int.from_bytes(command.nas, "big")
        bits += _LENGTH_BITS + 8 * len(command.nas)
    octets = -(-bits // 8)
    flags = _T304 | (_WITH_NAS if command.nas else 0) | (_NEW_KEY if command.new_key else 0)
    message = _HEAD + command.c_rnti.to_bytes(2, "big") + bytes((flags,))
    message += (tail << 8 * octets - bits).to_bytes(octets, "big")
    # criticalExtensions, c1, no extension: four bits of 0; then the length and the message, in step with them
    return (((len(message) << 8 * len(message)) | int.from_bytes(message, "big")) << 4).to_bytes(
        len(message) + 2, "big"
    )


def decode(octets: bytes) -> HandoverCommand:
    size = len(octets) - 2
    whole = int.from_bytes(octets, "big") >> 4
    if size < len(_HEAD) + 4 or whole >> 8 * size != size:
        raise RrcError("not a HandoverCommand")
    message = (whole & (1 << 8 * size) - 1).to_bytes(size, "big")
    if not message.startswith(_HEAD) or message[8] & ~(_WITH_NAS | _NEW_KEY) != _T304:
        raise RrcError("not a HandoverCommand that an emulated gNB made")
    c_rnti, tail = int.from_bytes(message[6:8], "big"), message[9:]
    bits, value = 8 * len(tail), int.from_bytes(tail, "big")
    ncc, new_key = value >> bits - _NCC_BITS, bool(message[8] & _NEW_KEY)
    if not message[8] & _WITH_NAS:
        return HandoverCommand(c_rnti, ncc, b"", new_key)
    bits -= _NCC_BITS + _LENGTH_BITS
    length = value >> bits & 0xFF if bits >= 0 else 0
    if length > MOST_NAS or 8 * length > bits:
        raise RrcError("the NAS container ends too early")
    nas = (value >> bits - 8 * length & (1 << 8 * length) - 1).to_bytes(length, "big")
    return HandoverCommand(c_rnti, ncc, nas, new_key)


_RRC_INTEGRITY = 0x04  # TS 33.501 annex A.8


def short_mac_i(kgnb: bytes, algorithm: int, pci: int, target_nci: int, c_rnti: int) -> int:
    """ShortMAC-I of an RRCReestablishmentRequest, 16 bits, TS 38.331 §5.3.7.4.

    Over VarShortMAC-Input (PCI of the source, cell identity of the target, C-RNTI in the source), with the K_RRCint of
    the source; COUNT, BEARER and DIRECTION are all ones.
    """
    key = kdf.algorithm_key(kgnb, _RRC_INTEGRITY, algorithm)
    bits = pci << 52 | target_nci << 16 | c_rnti  # 10, 36 and 16 bits
    octets = (bits << 2).to_bytes(8, "big")
    return int.from_bytes(nia.mac(algorithm, key, 0xFFFFFFFF, 0x1F, 1, octets)[-2:], "big")
