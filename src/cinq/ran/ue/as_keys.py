"""The keys of the access stratum as a UE derives them: K_gNB and its chain, TS 33.501 §6.9.2.1 and annex A.9 to A.11.

Nothing is ciphered with them on the emulated radio; that both ends derive the same is what a test looks at.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cinq.crypto import kdf

_COUNTS = 8  # NCC has 3 bits


@dataclass(slots=True)
class AsChain:
    """kgnb: in use. ncc: of that key. next_hop: the NH of that NCC; for NCC 0 the K_gNB that the chain begins with."""

    kamf: bytes = field(repr=False)
    kgnb: bytes = field(repr=False)
    next_hop: bytes = field(repr=False)
    ncc: int = 0

    @classmethod
    def begin(cls, kamf: bytes, uplink_count: int) -> AsChain:
        """At the initial context: from the uplink NAS COUNT of the message that asked for it (A.9)."""
        kgnb = kdf.kgnb(kamf, uplink_count)
        return cls(kamf, kgnb, kgnb)

    def hand_over(self, ncc: int, pci: int, arfcn: int) -> None:
        """§6.9.2.3.4: the chain is stepped until it has this NCC; with the NCC in use the derivation is horizontal."""
        if ncc == self.ncc:
            self.kgnb = kdf.kgnb_star(self.kgnb, pci, arfcn)
            return
        while self.ncc != ncc % _COUNTS:
            self.next_hop = kdf.nh(self.kamf, self.next_hop)
            self.ncc = (self.ncc + 1) % _COUNTS
        self.kgnb = kdf.kgnb_star(self.next_hop, pci, arfcn)
