"""What a subscription says of access and mobility, as an operator writes it, to and from am-data of TS 29.503."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from msgspec import Struct, structs

from cinq.nf.udr.fault import ProvisioningError
from cinq.numbering import NumberingError, SNssai
from cinq.sbi.models import Area, RatType, ServiceAreaRestriction
from cinq.sbi.services.nudm_sdm import (
    AccessAndMobilitySubscriptionData,
    AdditionalSnssaiData,
    EdrxParameters,
    PtwParameters,
)
from cinq.settings import check

T = TypeVar("T")
NOTHING = "none"
"""In place of a value: as if the column had never been given."""
RATS: tuple[RatType, ...] = ("NR", "NR_REDCAP")
COLUMNS = (
    "msisdn",
    "default_slices",
    "nssaa_slices",
    "rfsp",
    "allowed_tacs",
    "non_allowed_tacs",
    "forbidden_tacs",
    "rat_restrictions",
    "no_5gc",
    "barred",
    "mico",
    "t3512_s",
    "t3324_s",
    "edrx",
)


class Access(Struct, frozen=True):
    """default_slices: empty, and the first slice is the default. nssaa_slices: with an authentication of their own.

    edrx: cycle and paging time window, four binary digits each, as TS 24.008 §10.5.5.32 has them. no_5gc: the UE may
    use no 5G core network. barred: operator determined barring of all packet services.
    """

    msisdn: str = ""
    default_slices: tuple[SNssai, ...] = ()
    nssaa_slices: tuple[SNssai, ...] = ()
    rfsp: int | None = None
    allowed_tacs: tuple[int, ...] = ()
    non_allowed_tacs: tuple[int, ...] = ()
    forbidden_tacs: tuple[int, ...] = ()
    rat_restrictions: tuple[RatType, ...] = ()
    no_5gc: bool = False
    barred: bool = False
    mico: bool = False
    t3512_s: int | None = None
    t3324_s: int | None = None
    edrx: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        if self.allowed_tacs and self.non_allowed_tacs:
            raise ProvisioningError("allowed_tacs", "found beside non_allowed_tacs, wanted one of them")
        try:
            for key in ("allowed_tacs", "non_allowed_tacs", "forbidden_tacs"):
                check.tacs(key, getattr(self, key))
            for key, value, low, high in (
                ("rfsp", self.rfsp, 1, 256),
                ("t3512_s", self.t3512_s, 2, 35712000),
                ("t3324_s", self.t3324_s, 2, 11160),
            ):
                if value is not None:
                    check.within(key, value, low, high)
        except ValueError as error:
            key, _, what = str(error).partition(": ")
            raise ProvisioningError(key, what) from None


def written(access: Access, am_data: AccessAndMobilitySubscriptionData) -> AccessAndMobilitySubscriptionData:
    """am-data, of which the slices are there, with the rest."""
    nssai = am_data.nssai
    if nssai is not None:
        extra = {str(s): AdditionalSnssaiData(required_authn_authz=True) for s in access.nssaa_slices}
        nssai = structs.replace(nssai, additional_snssai_data=extra)
    cycle, window = access.edrx or ("", "")
    return structs.replace(
        am_data,
        gpsis=[f"msisdn-{access.msisdn}"] if access.msisdn else [],
        nssai=nssai,
        rfsp_index=access.rfsp,
        service_area_restriction=_service_area(access),
        forbidden_areas=[_area(access.forbidden_tacs)] if access.forbidden_tacs else [],
        rat_restrictions=list(access.rat_restrictions),
        core_network_type_restrictions=["5GC"] if access.no_5gc else [],
        odb_packet_services="ALL_PACKET_SERVICES" if access.barred else None,
        mico_allowed=True if access.mico else None,
        subs_reg_timer=access.t3512_s,
        active_time=access.t3324_s,
        edrx_parameters_list=[EdrxParameters(rat_type="NR", edrx_value=cycle)] if cycle else [],
        ptw_parameters_list=[PtwParameters(operation_mode="NR_N1", ptw_value=window)] if window else [],
    )


def read(am_data: AccessAndMobilitySubscriptionData, slices: tuple[SNssai, ...]) -> Access:
    """What `written` wrote. slices: of the subscription, in their order."""
    nssai, area = am_data.nssai, am_data.service_area_restriction
    defaults = [s.numbering() for s in nssai.default_single_nssais] if nssai else []
    extra = nssai.additional_snssai_data if nssai else {}
    allowed = area is not None and area.restriction_type == "ALLOWED_AREAS"
    tacs = _tacs(area.areas) if area is not None else ()
    cycles, windows = am_data.edrx_parameters_list, am_data.ptw_parameters_list
    return Access(
        msisdn=am_data.gpsis[0].removeprefix("msisdn-") if am_data.gpsis else "",
        default_slices=tuple(defaults) if tuple(defaults) != slices[:1] else (),
        nssaa_slices=tuple(SNssai.parse(name) for name, data in extra.items() if data.required_authn_authz),
        rfsp=am_data.rfsp_index,
        allowed_tacs=tacs if allowed else (),
        non_allowed_tacs=() if allowed else tacs,
        forbidden_tacs=_tacs(am_data.forbidden_areas),
        rat_restrictions=tuple(am_data.rat_restrictions),
        no_5gc="5GC" in am_data.core_network_type_restrictions,
        barred=am_data.odb_packet_services == "ALL_PACKET_SERVICES",
        mico=bool(am_data.mico_allowed),
        t3512_s=am_data.subs_reg_timer,
        t3324_s=am_data.active_time,
        edrx=(cycles[0].edrx_value, windows[0].ptw_value) if cycles and windows else None,
    )


def _service_area(access: Access) -> ServiceAreaRestriction | None:
    if access.allowed_tacs:
        return ServiceAreaRestriction(restriction_type="ALLOWED_AREAS", areas=[_area(access.allowed_tacs)])
    if access.non_allowed_tacs:
        return ServiceAreaRestriction(
            restriction_type="NOT_ALLOWED_AREAS", areas=[_area(access.non_allowed_tacs)]
        )
    return None


def _area(tacs: tuple[int, ...]) -> Area:
    return Area(tacs=[f"{tac:06x}" for tac in tacs])


def _tacs(areas: list[Area]) -> tuple[int, ...]:
    return tuple(int(text, 16) for area in areas for text in area.tacs)


def changed(access: Access, cell: dict[str, str]) -> Access:
    """With what is given in place of what was. ProvisioningError names the column."""
    given = {key: text for key in COLUMNS if (text := cell.get(key))}
    unset = Access()
    values = {k: getattr(unset, k) if text == NOTHING else _PARSERS[k](k, text) for k, text in given.items()}
    for one, other in (("allowed_tacs", "non_allowed_tacs"), ("non_allowed_tacs", "allowed_tacs")):
        if one in given and other not in given:
            values[other] = ()
    return structs.replace(access, **values)


def number(key: str, text: str) -> int:
    """ProvisioningError unless it is one."""
    if not text.isascii() or not text.isdigit():
        raise ProvisioningError(key, f"found {text[:40]!r}, wanted a number")
    return int(text)


def _numbers(key: str, text: str) -> tuple[int, ...]:
    return tuple(number(key, part) for part in words(text))


def _slices(key: str, text: str) -> tuple[SNssai, ...]:
    try:
        return tuple(SNssai.parse(part) for part in words(text))
    except NumberingError as error:
        raise ProvisioningError(key, str(error)) from None


def _yes(key: str, text: str) -> bool:
    if text.lower() not in ("yes", "no"):
        raise ProvisioningError(key, f"found {text[:40]!r}, wanted yes or no")
    return text.lower() == "yes"


def _msisdn(key: str, text: str) -> str:
    digits = text.removeprefix("+")
    if not re.fullmatch(r"\d{5,15}", digits, re.ASCII):
        raise ProvisioningError(key, f"found {text[:40]!r}, wanted 5 to 15 digits")
    return digits


def _rats(key: str, text: str) -> tuple[RatType, ...]:
    found: list[RatType] = []
    for word in words(text.upper().replace("-", "_")):
        rat = next((r for r in RATS if r == word), None)
        if rat is None:
            raise ProvisioningError(key, f"found {word[:40]!r}, wanted {' or '.join(RATS)}")
        found.append(rat)
    return tuple(found)


def _edrx(key: str, text: str) -> tuple[str, str]:
    found = re.fullmatch(r"([01]{4})/([01]{4})", text, re.ASCII)
    if found is None:
        raise ProvisioningError(key, f"found {text[:40]!r}, wanted cycle and window as 0010/0011")
    return found[1], found[2]


def words(text: str) -> list[str]:
    """What stands apart by blanks, commas or semicolons."""
    return [word for word in re.split(r"[ ;,]+", text) if word]


_PARSERS: dict[str, Callable[[str, str], object]] = {
    "msisdn": _msisdn,
    "default_slices": _slices,
    "nssaa_slices": _slices,
    "rfsp": number,
    "allowed_tacs": _numbers,
    "non_allowed_tacs": _numbers,
    "forbidden_tacs": _numbers,
    "rat_restrictions": _rats,
    "no_5gc": _yes,
    "barred": _yes,
    "mico": _yes,
    "t3512_s": number,
    "t3324_s": number,
    "edrx": _edrx,
}


def facts(access: Access) -> dict[str, object]:
    """For a person: only what is not as it is without being said."""
    shown: dict[str, object] = {}
    for key in COLUMNS:
        value = getattr(access, key)
        if value != getattr(Access(), key):
            if key == "edrx":
                value = "/".join(value)
            shown[key] = [str(v) for v in value] if isinstance(value, tuple) else value
    return shown
