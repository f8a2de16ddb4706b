"""The secure exchange of NAS messages with one UE, TS 24.501 §4.4, TS 33.501 §6.4 and §6.7: its keys and its counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from cinq.crypto import kdf
from cinq.crypto.nas_security import (
    DOWNLINK,
    INTEGRITY_CIPHERED,
    INTEGRITY_NEW,
    NO_COUNT,
    UPLINK,
    NasSecurity,
)
from cinq.nf.amf.context import DL_COUNT_MARGIN, SecurityContext
from cinq.nf.amf.n1.envelope import Checked, Unprotected, open_envelope
from cinq.wire import nas

STORED_EVERY = DL_COUNT_MARGIN // 2
LAST_COUNTS = 0xFF_0000  # of 24 bits: a key set that is nearly used up is replaced (TS 33.501 §6.4.3.1)

LAST_COUNT = (1 << 24) - 1


class UsedUp(Exception):
    """The downlink NAS COUNT of a key set has come to its end: the UE is to be authenticated anew."""


Former = tuple[SecurityContext | None, NasSecurity | None, bool]


class NextHop(NamedTuple):
    """For the gNB that a UE comes to. nh: 32 octets. new_key: it is a K_gNB that begins a chain, of which the gNB hears
    by the New Security Context Indicator."""

    nh: bytes
    ncc: int
    new_key: bool = False


class Relocation(msgspec.Struct, frozen=True):
    """The keys of a UE that an N2 handover takes elsewhere (§6.9.2.3.3).

    container: Intra N1 mode NAS transparent container, b"" where NAS security stays as it is; else keys: what it says.
    """

    next_hop: NextHop
    container: bytes = b""
    keys: SecurityContext | None = None


class Exchange:
    """keys: the key set in use, as stored. security: the same at work, with its counts.

    secured: the exchange is secure on this connection (TS 24.501 §4.4.2.5).
    kgnb_count: the uplink NAS COUNT that KgNB is derived from (TS 33.501 §A.9).
    doubtful: the keys were restored and may be behind what the UE has seen: it is authenticated anew.
    replayed_capability: the UE security capability that the last SECURITY MODE COMMAND repeated.
    rekeying: its gNB has not confirmed the K_gNB that it was sent last (TS 38.413 §8.3.4).
    """

    __slots__ = (
        "doubtful",
        "keys",
        "kgnb_count",
        "rekeying",
        "replayed_capability",
        "secured",
        "security",
    )

    def __init__(self, keys: SecurityContext | None) -> None:
        self.keys = keys
        self.security: NasSecurity | None = None if keys is None else keys.live()
        self.secured = False
        self.kgnb_count = 0
        self.doubtful = False
        self.rekeying = False
        self.replayed_capability = b""

    def protect(self, message: nas.GmmMessage, octets: bytes, commit: Callable[[], None]) -> bytes:
        """The NAS PDU of a downlink message: protected as soon as the exchange on this connection is secure.

        octets: the message as encoded. commit: stores the counts, so that none is used twice after a restart.
        UsedUp: there is no COUNT left (TS 24.501 §4.4.3.5); the keys are gone.
        """
        security = self.security
        if self.spent:
            self.keys = self.security = None
            self.secured = False
            raise UsedUp
        if security is not None and isinstance(message, nas.SecurityModeCommand):
            return security.protect(octets, INTEGRITY_NEW, DOWNLINK)
        if security is None or not self.secured:
            return octets
        if security.dl_count % STORED_EVERY == 0:
            commit()
        return security.protect(octets, INTEGRITY_CIPHERED, DOWNLINK)

    def open(self, octets: bytes) -> Checked[nas.NasMessage] | Unprotected[nas.NasMessage]:
        """The message of an uplink NAS PDU. Discarded, NasError: as for open_envelope."""
        return open_envelope(octets, self.security, self.secured)

    def decipher(self, container: bytes, count: int) -> bytes:
        """A NAS message container of a checked message. count: the uplink NAS COUNT of that message (§4.4.6)."""
        assert self.security is not None
        return self.security.cipher(container, UPLINK, count)

    # keys

    def take(self, keys: SecurityContext) -> Former:
        """New keys, not yet confirmed by the UE. Returns what `revert` wants."""
        former = (self.keys, self.security, self.secured)
        self.keys, self.security, self.secured = keys, keys.live(), False
        return former

    def confirmed(self) -> None:
        """The UE has taken the keys into use by the message just received: KgNB follows from its COUNT."""
        assert self.security is not None
        self.secured = True
        self.kgnb_count = self.security.last_ul_count

    async def revert(self, former: Former) -> None:
        """The keys that were current before some that the UE did not take into use."""
        self.keys, self.security, self.secured = former

    @property
    def nearly_used_up(self) -> bool:
        security = self.security
        return security is not None and (security.ul_count >= LAST_COUNTS or security.dl_count >= LAST_COUNTS)

    @property
    def spent(self) -> bool:
        """No downlink NAS COUNT is left."""
        return self.security is not None and self.security.dl_count > LAST_COUNT

    def kgnb(self) -> bytes:
        """TS 33.501 §A.9, for an initial context setup or a re-keying.

        A new chain of next hops begins: its first NH has NCC 1.
        """
        keys = self.keys
        assert keys is not None
        kgnb = kdf.kgnb(keys.kamf, self.kgnb_count)
        self.keys = msgspec.structs.replace(keys, nh=kdf.nh(keys.kamf, kgnb), ncc=1)
        return kgnb

    @property
    def is_new_to_gnb(self) -> bool:
        """No KgNB has been derived from these keys."""
        return self.keys is not None and not self.keys.nh

    def next_hop(self) -> NextHop:
        """A fresh {NH, NCC} for a path switch or an N2 handover (§6.9.2.3.2, §6.9.2.3.3). The caller commits it.

        Where the gNB has no key of the K_AMF in use, the chain begins with the K_gNB of the last security mode.
        """
        if self.is_new_to_gnb or self.rekeying:
            self.rekeying = False
            return NextHop(self.kgnb(), 0, new_key=True)
        keys = self.keys
        assert keys is not None
        self.keys = msgspec.structs.replace(keys, nh=kdf.nh(keys.kamf, keys.nh), ncc=(keys.ncc + 1) % 8)
        return NextHop(self.keys.nh, self.keys.ncc)

    def relocate(self, algorithms: nas.NasAlgorithms, new_kamf: bool) -> Relocation:
        """For an N2 handover (§6.9.2.3.3): other algorithms, or another K_AMF derived from that in use (§A.13).

        A container takes a downlink NAS COUNT of the keys in use, which the caller commits; they stay in use until
        `relocated`.
        """
        keys, security = self.counted(), self.security
        assert keys is not None
        assert security is not None
        same = (keys.integrity, keys.ciphering) == (algorithms.integrity, algorithms.ciphering)
        if self.spent or (same and not new_kamf):
            return Relocation(self.next_hop())
        count, hop = security.dl_count, None
        if new_kamf:
            kamf = kdf.kamf_prime(keys.kamf, DOWNLINK, count)
            hop = NextHop(kdf.kgnb(kamf, NO_COUNT), 0, new_key=True)
            chain = kdf.nh(kamf, hop.nh)
            keys = msgspec.structs.replace(keys, kamf=kamf, ul_count=0, dl_count=1, nh=chain, ncc=1)
        changed = msgspec.structs.replace(
            keys, integrity=algorithms.integrity, ciphering=algorithms.ciphering
        )
        told = nas.IntraN1Container(
            algorithms.ciphering, algorithms.integrity, nas.NgKsi(keys.ksi), count & 0xFF, new_kamf
        )
        security.dl_count += 1
        mac = changed.live().container_mac(told.protected)
        container = msgspec.structs.replace(told, mac=mac).octets
        return Relocation(hop or self.next_hop(), container, changed)

    def relocated(self, relocation: Relocation) -> None:
        """The UE has arrived with what the container said. COUNTs and next hops of a K_AMF that stays go on."""
        keys, current = relocation.keys, self.counted()
        if keys is None or current is None:
            return
        if keys.kamf == current.kamf:
            keys = msgspec.structs.replace(current, integrity=keys.integrity, ciphering=keys.ciphering)
        self.keys, self.security = keys, keys.live()

    def counted(self) -> SecurityContext | None:
        """The keys with the counts as they are now, to be stored."""
        keys, security = self.keys, self.security
        if keys is not None and security is not None:
            self.keys = msgspec.structs.replace(keys, ul_count=security.ul_count, dl_count=security.dl_count)
        return self.keys
