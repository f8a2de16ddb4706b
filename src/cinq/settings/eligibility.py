"""What the core does about whom policies keep out, at each of its doors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cinq.settings import check
from cinq.settings.toml import setting

Mode = Literal["audit", "alarm", "refuse", "drain"]
Point = Literal["ng_setup", "nrf_registration", "pfcp_association", "terminal"]
POINTS: tuple[Point, ...] = ("ng_setup", "nrf_registration", "pfcp_association", "terminal")


@dataclass(frozen=True, slots=True)
class Eligibility:
    """Whom policies keep out, and what follows. Refuse and drain want two approvers (`cinq policy sign`)."""

    policy: tuple[Path, ...] = setting(
        "Policy files; the strictest counts. Empty: nobody is asked anything.", ()
    )
    inventory: Path | None = setting("Inventory of the equipment (TOML).", None)
    observed: Path | None = setting(
        "What was seen of this equipment otherwise (CSV): element, signal, value, source.", None
    )
    ng_setup: Mode = setting("At NG Setup, by gNB identity: audit, alarm, refuse or drain.", "audit")
    nrf_registration: Mode = setting("At registration with the NRF, by NF instance and vendorId.", "audit")
    pfcp_association: Mode = setting("At the PFCP association, by address.", "audit")
    terminal: Mode = setting("Terminals, by type allocation code, where the AMF asks the 5G-EIR.", "audit")
    approvers: tuple[Path, ...] = setting("Public keys (PEM) of those who may sign for refuse and drain.", ())
    grace_s: int = setting(
        "Seconds that a gNB has to empty when a rule begins to refuse it while it serves, 0 to 86400.", 600
    )
    move_after_s: int = setting(
        "Seconds that a gNB that is drained may hand its UEs over by itself, 0 to 86400; then those that another gNB "
        "can serve are released to look for it.",
        60,
    )

    def __post_init__(self) -> None:
        check.each_once("policy", self.policy)
        check.each_once("approvers", self.approvers)
        check.at_most("policy", self.policy, 16)
        check.at_most("approvers", self.approvers, 64)
        check.within("grace_s", self.grace_s, 0, 86400)
        check.within("move_after_s", self.move_after_s, 0, 86400)
        strict = [point for point in POINTS if self.mode(point) in ("refuse", "drain")]
        if strict and not self.policy:
            raise ValueError(f"policy: found none, wanted one where {strict[0]} is {self.mode(strict[0])}")
        if strict and len(self.approvers) < 2:
            found = len(self.approvers)
            raise ValueError(
                f"approvers: found {found}, wanted at least two where {strict[0]} is {self.mode(strict[0])}"
            )

    def mode(self, point: Point) -> Mode:
        found: Mode = getattr(self, point)
        return found

    @property
    def modes(self) -> dict[Point, Mode]:
        return {point: self.mode(point) for point in POINTS}
