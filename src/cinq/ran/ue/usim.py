"""The USIM of an emulated UE: it conceals the SUPI and answers challenges, TS 33.102 §6.3 and TS 33.501 §6.1.3."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from cinq.crypto import aka, suci
from cinq.numbering import Suci, msin_octets
from cinq.ran.ue.faults import Fault, Faults
from cinq.ran.ue.settings import SCHEMES, UeSettings

Entropy = Callable[[int], bytes]

IND_BITS = 5  # TS 33.102 §C.3.2: the last bits of SQN index the array of sequence numbers
_IND = (1 << IND_BITS) - 1
_DELTA = 1 << 28  # TS 33.102 §C.2.1: an authentic SQN that jumps further is not accepted


class MacFailed(msgspec.Struct, frozen=True):
    """MAC-A does not hold: cause #20."""


class SynchFailed(msgspec.Struct, frozen=True):
    """The SQN was used before or jumps too far: cause #21 with AUTS of 14 octets."""

    auts: bytes


class Usim:
    """One USIM. Its only state is the sequence numbers accepted, one for each IND; settings give one for all."""

    __slots__ = ("_algorithm", "_k", "_opc", "_sequence", "settings")

    def __init__(self, settings: UeSettings) -> None:
        self.settings = settings
        self._k = settings.k
        self._opc = settings.operator_code
        self._algorithm = aka.functions(settings.algorithm)
        self._sequence: dict[int, int] = {}

    @property
    def sqn(self) -> int:
        """SQN_MS: the highest sequence number accepted so far."""
        return max(
            ((seq << IND_BITS | ind) for ind, seq in self._sequence.items()), default=self.settings.sqn
        )

    def challenge(
        self, rand: bytes, autn: bytes, faults: Faults | None = None
    ) -> aka.Challenge | MacFailed | SynchFailed:
        """Judge a challenge of RAND (16 octets) and AUTN (16): a Challenge whose SQN is now used up, or the failure."""
        shown = faults or Faults()
        try:
            if shown.takes(Fault.MAC_FAILURE):
                return MacFailed()
            challenge = aka.verify_autn(self._algorithm, self._k, self._opc, rand, autn)
        except ValueError:  # MacFailure, or a length that no home network makes
            return MacFailed()
        ind, seq = challenge.sqn & _IND, challenge.sqn >> IND_BITS
        highest = self.sqn
        used = (
            seq <= self._sequence.get(ind, self.settings.sqn >> IND_BITS)
            or seq - (highest >> IND_BITS) > _DELTA
        )
        if used or shown.takes(Fault.SQN_OUT_OF_RANGE):
            auts = aka.auts(self._algorithm, self._k, self._opc, rand, highest)
            if shown.takes(Fault.WRONG_AUTS):
                auts = auts[:6] + bytes(octet ^ 0xFF for octet in auts[6:])
            return SynchFailed(auts)
        self._sequence[ind] = seq
        return challenge

    def conceal(self, entropy: Entropy) -> Suci:
        """A fresh SUCI by the scheme of the settings, TS 33.501 §6.12.2 and annex C."""
        s = self.settings
        scheme = SCHEMES[s.suci]
        if scheme == 0:
            return Suci.null_scheme(s.supi, s.plmn, s.routing_indicator)
        msin = msin_octets(s.supi.msin(s.plmn))
        output = suci.conceal(scheme, s.home_network_key, msin, entropy(32))
        return Suci(s.plmn, s.routing_indicator, scheme, s.home_network_key_id, output)
