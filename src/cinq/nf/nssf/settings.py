"""Settings of the NSSF."""

from __future__ import annotations

from dataclasses import dataclass

from cinq.numbering import SNssai


@dataclass(frozen=True, slots=True)
class Settings:
    """served: the slices of this network, in every tracking area."""

    served: tuple[SNssai, ...] = (SNssai(1),)
