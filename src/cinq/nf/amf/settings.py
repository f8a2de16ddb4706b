"""Settings of the AMF."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Literal

from cinq.numbering import AmfId, PlmnId, SNssai, Tai
from cinq.wire import nas


@dataclass(frozen=True, slots=True)
class ServedPlmn:
    """A PLMN with its tracking areas and slices, as its cells broadcast them and as this AMF serves them."""

    plmn: PlmnId
    tais: tuple[Tai, ...]
    slices: tuple[SNssai, ...]


@dataclass(frozen=True, slots=True)
class Ladn:
    """A local area data network, TS 23.501 §5.6.5: its DNN, and the tracking area codes where it is."""

    dnn: str
    tacs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Settings:
    """plmn: the network. tais: the tracking areas served. slices: the S-NSSAIs supported.

    shared: further PLMNs of a shared core (MOCN, TS 23.501 §5.18). served: every PLMN, the network's own first.
    equivalent_plmns: told to UEs (TS 24.501 §5.5.1.2.4). partners: PLMNs whose subscribers may roam here;
    roams: whether there are roaming agreements at all, by which others are told that this PLMN is not for them.
    name: a PrintableString. extended_name: the name as written, where that is none, else empty
    (Extended AMF Name, TS 38.413 §9.3.3.51).
    full_name, short_name, time_zone: network name and time zone (TS 24.501 §8.2.19); empty and None are not told.

    integrity, ciphering: algorithms 0 to 3 by priority, best first (TS 33.501 §6.7.1.1). NIA0 has no place there:
    it is for emergency sessions without authentication (§5.5.2), which this AMF does not have.
    relative_capacity: 0 to 255, for the gNBs' choice of AMF. t3512_s: periodic registration timer.
    ng_setup_within_s: an association on which no NG SETUP REQUEST came by then is ended.
    t3502_s, t3346_s: TS 24.501 table 10.2.1 and §5.3.9; T3346 is spread over up to half as much more.
    registration_area: own, the TAI of the UE; all, up to 16 of the network. tracking_area_groups: TACs of which a UE
    in one gets all.
    allowed_tacs, non_allowed_tacs: service area restriction (TS 23.501 §5.3.4.1), one of the two or none.
    forbidden_tacs: no UE may register there.
    features: 5GS network feature support. mico, edrx: whether a UE that asks for it gets it.
    reroutes: whether the NSSF knows other AMF sets, to which UEs of other slices go.
    access_categories: operator-defined ones, told to each UE (TS 24.501 §4.5.3).
    new_kamf_at_handover: whether each N2 handover derives another K_AMF (TS 33.501 §6.9.2.3.3).
    equipment_check: whether the 5G-EIR is asked, and what follows where it gives no answer or the UE no PEI.
    drain_s: how long a gNB that a policy begins to refuse has to empty.
    move_after_s: how long a gNB that is drained may hand its UEs over by itself; then they are moved.
    accept_any_order: whether messages of gNBs are taken whose IEs are not in the order of their tables, which are
    faulty by TS 38.413 §10.3.6.
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
    ng_setup_within_s: float = 10.0
    t3512_s: int = 3600
    t3502_s: int = 720
    t3346_s: int = 60
    shared: tuple[ServedPlmn, ...] = ()
    equivalent_plmns: tuple[PlmnId, ...] = ()
    partners: tuple[PlmnId, ...] = ()
    roams: bool = False
    extended_name: str = ""
    full_name: str = ""
    short_name: str = ""
    time_zone: tzinfo | None = None
    registration_area: Literal["own", "all"] = "all"
    tracking_area_groups: tuple[tuple[int, ...], ...] = ()
    allowed_tacs: tuple[int, ...] = ()
    non_allowed_tacs: tuple[int, ...] = ()
    forbidden_tacs: tuple[int, ...] = ()
    features: nas.NetworkFeatureSupport = nas.NetworkFeatureSupport.of()
    mico: bool = False
    edrx: bool = False
    ladns: tuple[Ladn, ...] = ()
    reroutes: bool = False
    equipment_check: Literal["off", "fail-open", "fail-closed"] = "off"
    drain_s: float = 600.0
    move_after_s: float = 60.0
    authenticate_known: bool = False
    accept_any_order: bool = False
    new_kamf_at_handover: bool = False
    access_categories: tuple[nas.AccessCategory, ...] = ()
    served: tuple[ServedPlmn, ...] = field(init=False)
    sweep_s: float = 60.0

    def __post_init__(self) -> None:
        own = ServedPlmn(self.plmn, self.tais, self.slices)
        object.__setattr__(self, "served", (own, *self.shared))
        if 0 in self.integrity or not self.integrity or not self.ciphering:
            raise ValueError(
                f"integrity {self.integrity}, ciphering {self.ciphering}: wanted at least one algorithm of each, "
                "and NIA0 (0) nowhere (TS 33.501 §5.5.2)"
            )

    def implicit_deregistration_s(self, t3512: int) -> float:
        """Mobile reachable timer (T3512 and 4 minutes) and as long again, TS 24.501 §5.3.7. t3512: of a UE, or 0."""
        return 2.0 * ((t3512 or self.t3512_s) + 240)
