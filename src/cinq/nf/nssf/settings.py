"""Settings of the NSSF."""

from __future__ import annotations

from dataclasses import dataclass

from cinq.numbering import SNssai


@dataclass(frozen=True, slots=True)
class Settings:
    """served: the slices of this network. In a tracking area they are those that an AMF has said are supported there
    (Nnssf_NSSAIAvailability), and all of them until one has. sets: what other AMF sets serve, by their names
    (MCC-MNC-region-set, TS 29.531 §6.1.6.2.7)."""

    served: tuple[SNssai, ...] = (SNssai(1),)
    sets: tuple[tuple[str, tuple[SNssai, ...]], ...] = ()
