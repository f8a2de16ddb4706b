"""Protection of NAS messages, TS 24.501 §4.4 and TS 33.501 §6.4: one object for AMF, UE and trace alike.

It sees octets only. A protected message is 7E, the security header type, a MAC of 4 octets, a sequence number
and the payload. COUNT has 24 bits: an overflow counter of 16 and the sequence number of 8.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cinq.crypto import kdf, nea, nia

UPLINK = 0
DOWNLINK = 1

INTEGRITY = 1
INTEGRITY_CIPHERED = 2
INTEGRITY_NEW = 3
INTEGRITY_CIPHERED_NEW = 4

_EPD = 0x7E
_HEADER_LENGTH = 7
_COUNT_END = 1 << 24
NO_COUNT = (1 << 32) - 1
"""Stands for a COUNT where none is used: 2^32-1, which no message has (TS 33.501 §6.9.2.3.3, §A.9)."""
_CIPHERED = (INTEGRITY_CIPHERED, INTEGRITY_CIPHERED_NEW)


class NasSecurityError(ValueError):
    """A message that the security context does not accept, or a context that is used up."""


class IntegrityError(NasSecurityError):
    """The envelope is malformed or its MAC does not hold."""


class ReplayError(NasSecurityError):
    """The MAC holds for a COUNT that was accepted before."""


@dataclass(slots=True)
class NasSecurity:
    """One 5G NAS security context on one access.

    integrity, ciphering: algorithm 0 to 3. knasint, knasenc: 16 octets. ul_count, dl_count: the next COUNT of
    that direction, for the sender the one it will use and for the receiver the lowest it still accepts.
    access: NAS connection identifier, 1 for 3GPP access and 2 for non-3GPP.
    """

    integrity: int
    ciphering: int
    knasint: bytes = field(repr=False)
    knasenc: bytes = field(repr=False)
    ul_count: int = 0
    dl_count: int = 0
    access: int = kdf.ACCESS_3GPP

    @classmethod
    def from_kamf(cls, kamf: bytes, integrity: int, ciphering: int) -> NasSecurity:
        """A context with both COUNTs at zero, its keys derived from KAMF."""
        return cls(integrity, ciphering, kdf.knasint(kamf, integrity), kdf.knasenc(kamf, ciphering))

    @property
    def last_ul_count(self) -> int:
        """The uplink COUNT last used or accepted: what KgNB is derived from. -1 before the first."""
        return self.ul_count - 1

    def count(self, direction: int) -> int:
        """The next COUNT of a direction."""
        return self.dl_count if direction else self.ul_count

    def _advance(self, direction: int, count: int) -> None:
        if direction:
            self.dl_count = count + 1
        else:
            self.ul_count = count + 1

    def cipher(self, octets: bytes, direction: int, count: int) -> bytes:
        """Ciphers or deciphers under a given COUNT, as the container of an initial NAS message is (§4.4.6).

        The UE gives the COUNT that protect() will use next, the AMF last_ul_count after verify().
        """
        return nea.cipher(self.ciphering, self.knasenc, count, self.access, direction, octets)

    def protect(self, payload: bytes, header_type: int, direction: int) -> bytes:
        """The envelope round a plain payload, ciphered for types 2 and 4. Advances the COUNT.

        NasSecurityError when the 24 bits of COUNT are used up: the context must be replaced (§4.4.3.5).
        """
        count = self.dl_count if direction else self.ul_count
        if count >= _COUNT_END:
            raise NasSecurityError("NAS COUNT is used up, the context must be replaced")
        if header_type in _CIPHERED:
            payload = nea.cipher(self.ciphering, self.knasenc, count, self.access, direction, payload)
        body = bytes((count & 0xFF,)) + payload
        mac = nia.mac(self.integrity, self.knasint, count, self.access, direction, body)
        self._advance(direction, count)
        return bytes((_EPD, header_type)) + mac + body

    def verify(self, octets: bytes, direction: int) -> bytes:
        """The plain payload of an envelope whose MAC holds; its COUNT is accepted once and never a lower one.

        IntegrityError, ReplayError: the context is as before. With NIA0 nothing is checked (TS 33.501 §D.1).
        """
        if len(octets) <= _HEADER_LENGTH or octets[0] != _EPD or not 1 <= octets[1] <= 4:
            raise IntegrityError(f"not a protected 5GMM message: {octets[:8].hex()}")
        mac, body = octets[2:6], octets[6:]
        count = _estimate(body[0], self.dl_count if direction else self.ul_count)
        if not self._holds(mac, body, direction, count):
            if count >= 256 and self._holds(mac, body, direction, count - 256):
                raise ReplayError(f"NAS COUNT {count - 256} was accepted before")
            raise IntegrityError(f"NAS MAC {mac.hex()} does not hold for COUNT {count}")
        self._advance(direction, count)
        payload = body[1:]
        if octets[1] in _CIPHERED:
            return nea.cipher(self.ciphering, self.knasenc, count, self.access, direction, payload)
        return payload

    def container_mac(self, octets: bytes) -> bytes:
        """The MAC of a NAS container that goes in a handover command, 4 octets (TS 33.501 §6.9.2.3.3)."""
        return nia.mac(self.integrity, self.knasint, NO_COUNT, self.access, DOWNLINK, octets)

    def container_holds(self, mac: bytes, octets: bytes) -> bool:
        return nia.holds(mac, self.integrity, self.knasint, NO_COUNT, self.access, DOWNLINK, octets)

    def estimate(self, direction: int, sequence_number: int) -> int:
        """The COUNT that the receiver takes for this sequence number: not below the next one (TS 24.501 §4.4.3.1)."""
        return _estimate(sequence_number, self.count(direction))

    def _holds(self, mac: bytes, body: bytes, direction: int, count: int) -> bool:
        if count >= _COUNT_END:
            return False
        return nia.holds(mac, self.integrity, self.knasint, count, self.access, direction, body)


def _estimate(sequence_number: int, expected: int) -> int:
    """The lowest COUNT not below the expected one that ends in the sequence number (§4.4.3.1)."""
    count = expected & ~0xFF | sequence_number
    return count if count >= expected else count + 256
