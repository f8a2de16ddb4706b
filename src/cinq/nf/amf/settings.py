"""Settings of the AMF."""

from __future__ import annotations

from dataclasses import dataclass

from cinq.numbering import AmfId, PlmnId, SNssai, Tai


@dataclass(frozen=True, slots=True)
class Settings:
    """plmn: the network. tais: the tracking areas served. slices: the S-NSSAIs supported.

    integrity, ciphering: algorithms 0 to 3 by priority, best first (TS 33.501 §6.7.1.1). NIA0 has no place there:
    it is for emergency sessions without authentication (§5.5.2), which this AMF does not have.
    relative_capacity: 0 to 255, for the gNBs' choice of AMF. t3512_s: periodic registration timer.
    authenticate_known: whether a UE whose registration request passed the integrity check runs 5G AKA all the same.
    """

    plmn: PlmnId
    tais: tuple[Tai, ...]
    amf_id: AmfId = AmfId(1, 1, 0)
    name: str = "cinq-amf"
    slices: tuple[SNssai, ...] = (SNssai(1),)
    integrity: tuple[int, ...] = (2, 1, 3)
    ciphering: tuple[int, ...] = (2, 1, 3, 0)
    relative_capacity: int = 255
    t3512_s: int = 3600
    authenticate_known: bool = False
    sweep_s: float = 60.0

    def __post_init__(self) -> None:
        if 0 in self.integrity or not self.integrity or not self.ciphering:
            raise ValueError(
                f"integrity {self.integrity}, ciphering {self.ciphering}: wanted at least one algorithm of each, "
                "and NIA0 (0) nowhere (TS 33.501 §5.5.2)"
            )

    @property
    def implicit_deregistration_s(self) -> float:
        """Mobile reachable timer (T3512 and 4 minutes) and as long again, TS 24.501 §5.3.7."""
        return 2.0 * (self.t3512_s + 240)
