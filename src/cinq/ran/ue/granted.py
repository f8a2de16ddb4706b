"""What the network gives a UE in REGISTRATION ACCEPT and CONFIGURATION UPDATE COMMAND, as changes of its context."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from cinq.numbering import PlmnId, SNssai, Tai
from cinq.ran.ue.context import UeContext
from cinq.wire import nas
from cinq.wire.nas import RejectedCause, RejectedSNssai

# what makes a REGISTRATION COMPLETE due, §5.5.1.2.4 and §5.5.1.3.4
_ACKNOWLEDGED = (
    "guti",
    "sor_transparent_container",
    "configured_nssai",
    "operator_defined_access_category_definitions",
    "extended_emergency_number_list",
    "cag_information_list",
    "extended_cag_information_list",
    "ue_radio_capability_id",
    "ue_radio_capability_id_deletion_indication",
    "truncated_5g_s_tmsi_configuration",
    "nssrg_information",
    "nsag_information",
    "alternative_nssai",
    "s_nssai_time_validity_information",
    "negotiated_peips_assistance_information",
    "lp_wus_status",
)
DEFAULT_T3502_S = 12 * 60


def acknowledged(accept: nas.RegistrationAccept) -> bool:
    """Whether REGISTRATION COMPLETE is due."""
    slicing = accept.network_slicing_indication
    changed = slicing is not None and slicing.subscription_changed
    return changed or any(getattr(accept, name) is not None for name in _ACKNOWLEDGED)


def by_accept(
    context: UeContext, accept: nas.RegistrationAccept, here: Tai | None, plmn: PlmnId
) -> dict[str, object]:
    """The changes that a REGISTRATION ACCEPT makes. here, plmn: of the cell.

    What it leaves out is deleted (equivalent PLMNs, service area, LADN, MICO, T3324, pending NSSAI ...) or stays
    (5G-GUTI, TAI list, configured NSSAI, access categories ...), as §5.5.1.2.4 and §5.5.1.3.4 have it for each.
    """
    area = accept.tai_list is not None and tuple(accept.tai_list) != context.tai_list
    forbidden = context.forbidden_plmns - {plmn}
    roaming = context.forbidden_tais_roaming | frozenset(accept.forbidden_tais_roaming or ())
    regional = context.forbidden_tais_regional | frozenset(accept.forbidden_tais_regional or ())
    tais = tuple(t for t in accept.tai_list or context.tai_list if t not in roaming | regional)
    return {
        "registered": True,
        "update_status": "5U1 UPDATED",
        "emergency": accept.registration_result.emergency_registered,
        "sms_allowed": accept.registration_result.sms_allowed,
        "guti": accept.guti or context.guti,
        "tai_list": tais,
        "last_visited_tai": here if here in tais else None,
        "forbidden_plmns": forbidden,
        "forbidden_tais_roaming": roaming,
        "forbidden_tais_regional": regional,
        "equivalent_plmns": _equivalents(accept.equivalent_plmns, forbidden, plmn),
        "t3512_s": context.t3512_s if accept.t3512 is None else accept.t3512,
        "t3502_s": DEFAULT_T3502_S if accept.t3502 is None else accept.t3502,
        "t3324_s": max(accept.t3324 or 0, 0),
        "t3447_s": max(accept.t3447 or 0, 0),
        "mico": accept.mico_indication,
        "drx": nas.Drx.NOT_SPECIFIED
        if accept.negotiated_drx_parameters is None
        else accept.negotiated_drx_parameters,
        "edrx": accept.negotiated_extended_drx_parameters,
        "features": accept.network_feature_support,
        "service_area": accept.service_area_list,
        "ladn": tuple(accept.ladn_information or ()),
        **_slices(context, accept, new_area=area),
        **_lasting(context, accept),
    }


def _slices(context: UeContext, accept: nas.RegistrationAccept, *, new_area: bool) -> dict[str, object]:
    """Allowed, configured, pending and rejected NSSAI, §4.6.2.2."""
    slicing = accept.network_slicing_indication
    if slicing is not None and slicing.subscription_changed:
        context = _without_slices(context)
    allowed, pending = tuple(accept.allowed_nssai or ()), tuple(accept.pending_nssai or ())
    new = rejected_slices(accept)
    return {
        "allowed_nssai": allowed,
        "pending_nssai": pending,
        "configured_nssai": tuple(accept.configured_nssai or context.configured_nssai),
        "rejected_nssai": merged(context, new, (*allowed, *pending), new_area=new_area),
    }


def by_command(context: UeContext, command: nas.ConfigurationUpdateCommand) -> dict[str, object]:
    """The changes that a CONFIGURATION UPDATE COMMAND makes, §5.4.4.3: what is given replaces what was there."""
    slicing = command.network_slicing_indication
    known = _without_slices(context) if slicing is not None and slicing.subscription_changed else context
    full, short = command.full_network_name, command.short_network_name
    area = command.tai_list is not None and tuple(command.tai_list) != context.tai_list
    allowed = tuple(known.allowed_nssai if command.allowed_nssai is None else command.allowed_nssai)
    new = rejected_slices(command)
    result = command.registration_result
    return {
        "guti": command.guti or context.guti,
        "tai_list": tuple(command.tai_list or context.tai_list),
        "allowed_nssai": allowed,
        "configured_nssai": tuple(command.configured_nssai or known.configured_nssai),
        "rejected_nssai": merged(known, new, command.allowed_nssai or (), new_area=area),
        "service_area": command.service_area_list or context.service_area,
        "ladn": tuple(context.ladn if command.ladn_information is None else command.ladn_information),
        "mico": command.mico_indication or context.mico,
        "t3447_s": context.t3447_s if command.t3447 is None else max(command.t3447, 0),
        "sms_allowed": context.sms_allowed if result is None else result.sms_allowed,
        "network_name": context.network_name if full is None else full.text,
        "short_network_name": context.short_network_name if short is None else short.text,
        "local_time_zone": command.local_time_zone or context.local_time_zone,
        "universal_time": command.universal_time or context.universal_time,
        "daylight_saving": context.daylight_saving
        if command.network_daylight_saving_time is None
        else command.network_daylight_saving_time,
        **_lasting(context, command),
    }


def _lasting(
    context: UeContext, message: nas.RegistrationAccept | nas.ConfigurationUpdateCommand
) -> dict[str, object]:
    """What both may give, and what stays where they do not."""
    categories = message.operator_defined_access_category_definitions
    identity = message.ue_radio_capability_id
    deletion = message.ue_radio_capability_id_deletion_indication == nas.DeletionRequest.NETWORK_ASSIGNED_IDS
    guti = message.guti or context.guti
    changes: dict[str, object] = (
        {}
        if categories is None or guti is None
        else {
            "access_categories": tuple(categories),
            "access_categories_of": guti.plmn,
        }
    )
    changes |= {
        "cag": tuple(context.cag if message.cag_information_list is None else message.cag_information_list),
        "radio_capability_id": identity or ("" if deletion else context.radio_capability_id),
    }
    if isinstance(message, nas.RegistrationAccept):
        numbers, mode = message.emergency_number_list, message.nssai_inclusion_mode
        changes["emergency_numbers"] = tuple(context.emergency_numbers if numbers is None else numbers)
        changes["nssai_inclusion_mode"] = context.nssai_inclusion_mode if mode is None else mode
    return changes


def merged(
    context: UeContext, new: Iterable[RejectedSNssai], given: Iterable[SNssai], *, new_area: bool
) -> tuple[RejectedSNssai, ...]:
    """Rejected NSSAI: a new entry replaces an older one of its slice, what is given now is rejected no more, and what
    the old registration area did not have the new one may."""
    added = tuple(new)
    gone = {rejected.s_nssai for rejected in added} | set(given)
    kept = (old for old in context.rejected_nssai if old.s_nssai not in gone)
    area = RejectedCause.NOT_AVAILABLE_IN_REGISTRATION_AREA
    return (*(old for old in kept if not (new_area and old.cause == area)), *added)


class Rejecting(Protocol):
    """A message that may reject slices."""

    @property
    def rejected_nssai(self) -> list[RejectedSNssai] | None: ...
    @property
    def extended_rejected_nssai(self) -> list[nas.RejectedGroup] | None: ...


def rejected_slices(message: Rejecting) -> tuple[RejectedSNssai, ...]:
    """Of both elements. A back-off timer of 0 means that the slice is not rejected at all (§5.5.1.2.4, NOTE 15)."""
    groups = (group for group in message.extended_rejected_nssai or () if group.back_off != 0)
    return (*(message.rejected_nssai or ()), *(one for group in groups for one in group.rejected))


def _without_slices(context: UeContext) -> UeContext:
    """The subscription has changed: what is known of slices is forgotten."""
    return UeContext(tai_list=context.tai_list)


def _equivalents(
    given: list[PlmnId] | None, forbidden: frozenset[PlmnId], plmn: PlmnId
) -> tuple[PlmnId, ...]:
    """The list and the PLMN that sent it, without those that are forbidden; none where none was given."""
    if given is None:
        return ()
    return (plmn, *(one for one in given if one not in forbidden and one != plmn))
