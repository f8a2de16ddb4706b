"""What a gNB begins of itself: each opens the procedure of its name on the association or on a UE's connection."""

from __future__ import annotations

from dataclasses import dataclass

from cinq.procedure import Signal


@dataclass(frozen=True, slots=True)
class SetUp(Signal[None]):
    """NG Setup, TS 38.413 §8.7.1."""


@dataclass(frozen=True, slots=True)
class Reset(Signal[None]):
    """NG Reset, §8.7.4.2.2, of the connections with these RAN-UE-NGAP-IDs; None: of the whole interface."""

    ran_ue_ngap_ids: tuple[int, ...] | None = None
