"""Where a UE may be, TS 23.501 §5.3.2 to §5.3.4, §5.6.5: registration area, service area, forbidden areas, LADNs."""

from __future__ import annotations

from collections.abc import Iterator

from cinq.nf.amf.context import ServiceRestriction
from cinq.nf.amf.procedures.gmm.refusals import rejected
from cinq.nf.amf.settings import Settings
from cinq.nf.amf.ue import Ue
from cinq.numbering import PlmnId, SNssai, Tai
from cinq.procedure import Refused, Why
from cinq.sbi.models import Area, ServiceAreaRestriction
from cinq.wire import nas
from cinq.wire.nas import GmmCause

MAX_TAIS = 16  # of a TAI list, TS 24.501 §9.11.3.9


def check_served(ue: Ue) -> None:
    """#11 in a PLMN that is not served, #12 in a tracking area of one that is (TS 24.501 §5.5.1.2.5)."""
    tai, served = ue.tai, ue.ports.settings.served
    for one in served:
        if tai in one.tais:
            return
    names = ", ".join(str(one.plmn) for one in served)
    if all(tai.plmn != one.plmn for one in served):
        why = Why(
            f"the UE is in PLMN {tai.plmn}; this network serves {names}", f'[network] plmn = "{tai.plmn}"'
        )
        raise Refused(rejected(GmmCause.PLMN_NOT_ALLOWED), why)
    areas = ", ".join(str(t.tac) for one in served if one.plmn == tai.plmn for t in one.tais)
    why = Why(
        f"the UE is in tracking area {tai.tac}; PLMN {tai.plmn} serves {areas}",
        f"[network] tacs = [{tai.tac}, ...]",
    )
    raise Refused(rejected(GmmCause.TRACKING_AREA_NOT_ALLOWED), why)


def check_agreement(ue: Ue, identity: str) -> None:
    """#11 where there is no roaming agreement with the network that a SUCI is of: its USIM stays valid elsewhere, which
    it would not with what is said to an unknown subscriber of our own (TS 24.501 §5.5.1.2.5)."""
    settings = ue.ports.settings
    if not settings.roams or not identity.startswith("suci-0-"):
        return
    mcc, mnc = identity.split("-")[2:4]
    known = (*(one.plmn for one in settings.served), *settings.partners)
    if all((one.mcc, one.mnc) != (mcc, mnc) for one in known):
        mend = f'a [[roaming_partner]] with plmns = ["{mcc}-{mnc}"] and inbound = true'
        why = Why(f"no roaming agreement lets subscribers of PLMN {mcc}-{mnc} register here", mend)
        raise Refused(rejected(GmmCause.PLMN_NOT_ALLOWED), why)


def check_allowed(ue: Ue, forbidden: tuple[int, ...]) -> None:
    """Refused in a forbidden area (§5.5.1.2.5, §5.5.1.3.5)."""
    found = forbidden_here(ue, forbidden)
    if found is not None:
        raise Refused(rejected(found[0]), found[1])


def forbidden_here(ue: Ue, forbidden: tuple[int, ...]) -> tuple[GmmCause, Why] | None:
    """An area that is forbidden by the settings or by the subscription (forbidden): #13 for a UE that roams, #15 where
    the network has other areas for it, else #12 (TS 24.501 annex A.3)."""
    settings, tai = ue.ports.settings, ue.tai
    by_settings = tai.tac in settings.forbidden_tacs
    if not by_settings and tai.tac not in forbidden:
        return None
    supi = str(ue.context.supi)
    if by_settings:
        why = Why(f"no UE may register in tracking area {tai.tac}", "[amf] forbidden_tacs")
    else:
        why = Why(
            f"{supi} may not register in tracking area {tai.tac}",
            f"cinq subscriber set {supi} --forbidden-tacs none",
        )
    roams = not any(supi.removeprefix("imsi-").startswith(p.mcc + p.mnc) for p in plmns(settings))
    closed = {*settings.forbidden_tacs, *forbidden}
    others = any(t.tac not in closed for one in settings.served if one.plmn == tai.plmn for t in one.tais)
    if roams:
        return GmmCause.ROAMING_NOT_ALLOWED_IN_THIS_TRACKING_AREA, why
    if others:
        return GmmCause.NO_SUITABLE_CELLS_IN_TRACKING_AREA, why
    return GmmCause.TRACKING_AREA_NOT_ALLOWED, why


def plmns(settings: Settings) -> Iterator[PlmnId]:
    for one in settings.served:
        yield one.plmn
    yield from settings.equivalent_plmns


def equivalents(ue: Ue) -> list[PlmnId] | None:
    """Equivalent PLMNs for a UE of this serving PLMN; PLMNs that share a core are no equivalents by that alone."""
    plmn = ue.plmn
    return [other for other in ue.ports.settings.equivalent_plmns if other != plmn][:15] or None


def registration_area(
    ue: Ue,
    allowed: tuple[SNssai, ...],
    forbidden: tuple[int, ...] = (),
    absent: tuple[SNssai, ...] = (),
) -> tuple[Tai, ...]:
    """The UE's own TAI first; then, as the settings say, those of its group or of the network that serve all its
    allowed slices, at most 16 (TS 23.501 §5.3.2.3, §5.15.5.2.1). Where one is that it was told not to be in the area
    (§5.15.4.1.1), the area ends: the UE asks for it again there.
    """
    tai, settings = ue.tai, ue.ports.settings
    candidates = list(_candidates(settings, tai))
    if candidates == [tai]:
        return (tai,)
    closed = {*settings.forbidden_tacs, *forbidden}
    served = _slices(ue, set(candidates))
    wanted, missing = set(allowed), set(absent)
    rest = [
        t
        for t in candidates
        if t != tai
        and t.tac not in closed
        and wanted <= served.get(t, wanted)
        and missing.isdisjoint(served.get(t, ()))
    ]
    return (tai, *rest[: MAX_TAIS - 1])


def _candidates(settings: Settings, tai: Tai) -> Iterator[Tai]:
    of_plmn = [t for one in settings.served if one.plmn == tai.plmn for t in one.tais]
    for group in settings.tracking_area_groups:
        if tai.tac in group:
            yield from (t for t in of_plmn if t.tac in group)
            return
    if settings.registration_area == "own":
        yield tai
    else:
        yield from of_plmn


def _slices(ue: Ue, tais: set[Tai]) -> dict[Tai, set[SNssai]]:
    """What all gNBs of a tracking area support; one without a gNB is not there."""
    found: dict[Tai, set[SNssai]] = {}
    for ran in ue.access.rans:
        for tai, slices in ran.context.tais:
            if tai in tais:
                found[tai] = found[tai] & set(slices) if tai in found else set(slices)
    return found


def restriction(settings: Settings, policy: ServiceAreaRestriction | None) -> ServiceRestriction | None:
    """TS 23.501 §5.3.4.1: what the PCF authorised, of the subscription or its own; else what the settings say."""
    if policy is not None and policy.restriction_type is not None:
        return ServiceRestriction(policy.restriction_type == "ALLOWED_AREAS", tacs(policy.areas))
    if settings.allowed_tacs:
        return ServiceRestriction(True, settings.allowed_tacs)
    if settings.non_allowed_tacs:
        return ServiceRestriction(False, settings.non_allowed_tacs)
    return None


def tacs(areas: list[Area]) -> tuple[int, ...]:
    return tuple(int(text, 16) for each in areas for text in each.tacs)


def service_area(ue: Ue, area: tuple[Tai, ...]) -> nas.ServiceArea | None:
    """Service area list of a registration area (TS 24.501 §9.11.3.49)."""
    limits = ue.context.service_area
    if limits is None:
        return None
    listed = tuple(tai for tai in area if tai.tac in limits.tacs)
    if limits.allowed and not listed:
        return nas.ServiceArea(area, allowed=False)  # nowhere in this area
    return nas.ServiceArea(listed, allowed=limits.allowed) if listed else None


def ladns(ue: Ue, asked: list[str] | None, area: tuple[Tai, ...]) -> list[nas.Ladn] | None:
    """LADN information (TS 23.501 §5.6.5): of each LADN that is subscribed and asked for, where it is in this area.

    asked: by the UE; empty or None: of all that it has subscribed to.
    """
    subscribed = {each.dnn for each in ue.context.subscribed_dnns}
    found = []
    for ladn in ue.ports.settings.ladns:
        wanted = not asked or ladn.dnn in asked
        if wanted and (ladn.dnn in subscribed or "*" in subscribed):
            where = tuple(tai for tai in area if tai.tac in ladn.tacs)
            if where:
                found.append(nas.Ladn(ladn.dnn, where))
    return found or None
