"""Back-off timers: what the network forbids the UE to ask for, and for how long (TS 24.501 §5.3.9, §6.2.7, §6.2.8)."""

from __future__ import annotations

import math
from collections.abc import Callable

from cinq.numbering import SNssai
from cinq.ran.ue.settings import SessionSettings
from cinq.wire.nas import DEACTIVATED, GmmCause, GsmCause

Key = tuple[str, str, SNssai | None]
TYPE_CAUSES = frozenset(
    (
        GsmCause.PDU_SESSION_TYPE_IPV4_ONLY_ALLOWED,
        GsmCause.PDU_SESSION_TYPE_IPV6_ONLY_ALLOWED,
        GsmCause.PDU_SESSION_TYPE_IPV4V6_ONLY_ALLOWED,
        GsmCause.PDU_SESSION_TYPE_UNSTRUCTURED_ONLY_ALLOWED,
        GsmCause.PDU_SESSION_TYPE_ETHERNET_ONLY_ALLOWED,
    )
)
T3346: Key = ("T3346", "", None)


class BackOff:
    """The timers that run. now: seconds of a monotonic clock."""

    __slots__ = ("_now", "_until")

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._until: dict[Key, float] = {}

    def start(self, key: Key, seconds: int | None) -> None:
        """As the network says: None is no timer, 0 stops it, DEACTIVATED lasts as long as the UE."""
        if seconds is None:
            return
        self._until.pop(key, None)
        if seconds:
            self._until[key] = math.inf if seconds == DEACTIVATED else self._now() + seconds

    def stop(self, key: Key) -> None:
        self._until.pop(key, None)

    def stop_all(self) -> None:
        self._until.clear()

    def left(self, *keys: Key) -> tuple[str, float]:
        """The name of the timer that runs longest and its seconds; 0 when none of them runs."""
        now = self._now()
        return max(
            ((key[0], max(0.0, self._until.get(key, now) - now)) for key in keys), key=lambda of: of[1]
        )


def of_session(cause: int, dnn: str, s_nssai: SNssai | None) -> Key:
    """Which timer a 5GSM cause starts, §6.4.1.4 (a 5GMM cause of DL NAS TRANSPORT: §5.4.5.3.3)."""
    if cause in (GsmCause.INSUFFICIENT_RESOURCES, GmmCause.CONGESTION):
        return "T3396", dnn, None
    if cause == GsmCause.INSUFFICIENT_RESOURCES_FOR_SPECIFIC_SLICE:
        return "T3585", "", s_nssai
    return "T3584", dnn, s_nssai


def of_kind(wanted: SessionSettings) -> tuple[Key, Key]:
    """PDU session type and SSC mode that a DNN may not give: then they are not asked for again (§6.4.1.4.3)."""
    return (
        (f"PDU sessions of type {wanted.kind}", wanted.dnn, wanted.s_nssai),
        (f"SSC mode {wanted.ssc_mode}", wanted.dnn, wanted.s_nssai),
    )


def of_establishment(dnn: str, s_nssai: SNssai | None) -> tuple[Key, Key, Key]:
    """The timers that stand in the way of a session to this DNN and slice."""
    return ("T3396", dnn, None), ("T3585", "", s_nssai), ("T3584", dnn, s_nssai)
