"""Faults that a UE shows on demand in authentication: what a scenario asks of a UE that has the right keys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum


class Fault(Enum):
    """What is wrong. Those of EAP-AKA' only say so."""

    WRONG_RES = "RES* of 5G AKA, or AT_RES, is another"
    WRONG_AUTS = "the MAC-S in AUTS does not hold"
    SQN_OUT_OF_RANGE = "the USIM finds every SQN used up: cause #21, or AKA'-Synchronization-Failure"
    MAC_FAILURE = "the USIM finds MAC-A wrong: cause #20, or AKA'-Authentication-Reject"
    NOT_5G = "the UE finds the separation bit clear: cause #26, or AKA'-Authentication-Reject"
    NGKSI_IN_USE = "the UE has a key set of that ngKSI: cause #71"
    WRONG_KDF_INPUT = "the UE derives for another serving network, and finds AT_KDF_INPUT wrong"
    WRONG_AT_MAC = "EAP: the MAC of the UE's packet does not hold"
    OTHER_KDF = "EAP: the UE asks for a key derivation function that was not offered"
    NAK = "EAP: the UE wants another method"
    CLIENT_ERROR = "EAP: the UE cannot process the packet"


class Faults:
    """Which are shown, and how many times more (None: until it is taken off)."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left: dict[Fault, int | None] = {}

    def add(self, fault: Fault, times: int | None = None) -> None:
        self._left[fault] = times

    def remove(self, fault: Fault) -> None:
        self._left.pop(fault, None)

    @contextmanager
    def shown(self, fault: Fault, times: int | None = None) -> Iterator[None]:
        """`with ue.faults.shown(Fault.WRONG_RES): ...`"""
        self.add(fault, times)
        try:
            yield
        finally:
            self.remove(fault)

    def takes(self, fault: Fault) -> bool:
        """Whether it is to be shown now; then it is counted."""
        if fault not in self._left:
            return False
        left = self._left[fault]
        if left is not None:
            if left <= 1:
                del self._left[fault]
            else:
                self._left[fault] = left - 1
        return True
