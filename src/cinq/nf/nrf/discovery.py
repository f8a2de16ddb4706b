"""Nnrf_NFDiscovery_Request, TS 29.510 §5.3.2.2 and table 6.2.3.2.3.1-1: who fits, and who goes first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from cinq.nf.nrf.tokens import admits, offers
from cinq.sbi.models import Snssai, Tai
from cinq.sbi.nf_profile import AmfInfo, NFProfile, NFService, SupiRange, TacRange, TaiRange
from cinq.sbi.services.nnrf import SearchQuery
from cinq.sbi.whole import Whole

HIDDEN = (
    "allowedPlmns",
    "allowedSnpns",
    "allowedNfTypes",
    "allowedNfDomains",
    "allowedNssais",
    "allowedRuleSet",
)
"""Who may ask is between a producer and the NRF (TS 29.510 §6.2.6.2.3)."""
LONGEST_PATTERN, LONGEST_TEXT = 128, 128
_ESCAPED = re.compile(r"\\.")
_CLASS = re.compile(r"\[\^?\]?[^\]]*\]")
_TIMES = re.compile(r"(?<!\))\{\d{1,3}\}")  # a number of times, of one character


def fits(profile: NFProfile, query: SearchQuery, requester: NFProfile) -> bool:
    """Registered, open to the requester, and what every criterion wants. A criterion that is not given fits all."""
    return (
        _wanted(profile, query)
        and admits(profile, requester)
        and (query.service_names is None or bool(services_of(profile, query, requester)))
    )


def closed(profile: NFProfile, query: SearchQuery, requester: NFProfile) -> bool:
    """What every criterion wants, and its profile does not allow the requester."""
    return _wanted(profile, query) and not admits(profile, requester)


def _wanted(profile: NFProfile, query: SearchQuery) -> bool:
    return (
        profile.nf_type == query.target_nf_type
        and profile.nf_status == "REGISTERED"
        and all(_criteria(profile, query))
        and _serves(profile, query)
    )


def services_of(profile: NFProfile, query: SearchQuery, requester: NFProfile) -> list[NFService]:
    """The services that the requester may have: of those that it names, or all."""
    wanted = None if query.service_names is None else set(query.service_names)
    return [
        each
        for each in profile.services
        if each.nf_service_status == "REGISTERED"
        and (wanted is None or each.service_name in wanted)
        and offers(each, requester)
    ]


def ranked(profiles: Iterable[Whole[NFProfile]], query: SearchQuery) -> list[Whole[NFProfile]]:
    """The preferred ones first, then by priority, load and name."""
    wanted, near = query.preferred_nf_instances or (), query.preferred_locality

    def rank(one: Whole[NFProfile]) -> tuple[bool, bool, int, int, str]:
        profile = one.read
        priority = 65_535 if profile.priority is None else profile.priority
        is_near = near is not None and profile.locality == near
        return (
            profile.nf_instance_id not in wanted,
            not is_near,
            priority,
            profile.load or 0,
            profile.nf_instance_id,
        )

    return sorted(profiles, key=rank)


def shown(profile: Whole[NFProfile], query: SearchQuery, requester: NFProfile) -> dict[str, object]:
    """The profile as a consumer sees it."""
    may_have = {one.service_instance_id for one in services_of(profile.read, query, requester)}
    seen = visible(profile.document)
    listed, mapped = seen.get("nfServices"), seen.get("nfServiceList")
    if isinstance(listed, list):
        seen["nfServices"] = [one for one in listed if _identifier(one) in may_have]
    if isinstance(mapped, Mapping):
        seen["nfServiceList"] = {key: one for key, one in mapped.items() if _identifier(one) in may_have}
    return {name: value for name, value in seen.items() if value not in ([], {})}


def visible(document: Mapping[str, object]) -> dict[str, object]:
    """A profile without who may ask it, and its services likewise."""
    seen = _open(document)
    listed, mapped = seen.get("nfServices"), seen.get("nfServiceList")
    if isinstance(listed, list):
        seen["nfServices"] = [_open(one) for one in listed if isinstance(one, Mapping)]
    if isinstance(mapped, Mapping):
        seen["nfServiceList"] = {key: _open(one) for key, one in mapped.items() if isinstance(one, Mapping)}
    return seen


def _identifier(service: object) -> object:
    return service.get("serviceInstanceId") if isinstance(service, Mapping) else None


def _open(service: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in service.items() if name not in HIDDEN}


# criteria


def _supi(profile: NFProfile, supi: str) -> bool:
    """The ranges of AUSF, UDM, UDR and PCF; none means all."""
    for info in (profile.ausf_info, profile.udm_info, profile.udr_info, profile.pcf_info):
        if info is not None and info.supi_ranges:
            return any(in_range(one, supi.partition("-")[2] or supi, supi) for one in info.supi_ranges)
    return True


def in_range(one: SupiRange | TacRange, text: str, whole: str = "") -> bool:
    """start and end compare as numbers of the same length; a pattern is of the whole."""
    if one.pattern is not None:
        found = _pattern(one.pattern)
        return found is not None and found.search((whole or text)[:LONGEST_TEXT]) is not None
    start, end = one.start or "", one.end or ""
    return len(text) == len(start) == len(end) and start.lower() <= text.lower() <= end.lower()


@lru_cache(256)
def _pattern(text: str) -> re.Pattern[str] | None:
    """None: it is none that is looked at.

    Matching is to take no more than the square of the text: so there is one repetition of an open number, no group is
    repeated, and there is one group.
    """
    if len(text) > LONGEST_PATTERN:
        return None
    plain = _TIMES.sub("", _CLASS.sub("c", _ESCAPED.sub("c", text)))
    if sum(map(plain.count, "*+?{")) > 1 or plain.count("(") > 1 or re.search(r"\)[*+?{]", plain):
        return None
    try:
        return re.compile(text)
    except (re.error, OverflowError, RecursionError):
        return None


def _routing(profile: NFProfile, indicator: str) -> bool:
    for info in (profile.ausf_info, profile.udm_info):
        if info is not None and info.routing_indicators:
            return indicator in info.routing_indicators
    return True


def _group(profile: NFProfile, groups: list[str]) -> bool:
    for info in (profile.ausf_info, profile.udm_info, profile.udr_info, profile.pcf_info):
        if info is not None and info.group_id is not None:
            return info.group_id in groups
    return False


def _data_set(profile: NFProfile, name: str) -> bool:
    info = profile.udr_info
    return info is None or not info.supported_data_sets or name in info.supported_data_sets


def _tai(profile: NFProfile, tai: Tai) -> bool:
    """Of an AMF or SMF that says where it serves; one that says nothing serves everywhere."""
    info = profile.amf_info or profile.smf_info
    if info is None or not (info.tai_list or info.tai_range_list):
        return True
    listed = any((t.plmn_id, t.tac.lower()) == (tai.plmn_id, tai.tac.lower()) for t in info.tai_list)
    return listed or any(_in_area(area, tai) for area in info.tai_range_list)


def _in_area(area: TaiRange, tai: Tai) -> bool:
    return area.plmn_id == tai.plmn_id and any(in_range(one, tai.tac) for one in area.tac_range_list)


def _criteria(p: NFProfile, q: SearchQuery) -> Iterator[bool]:
    """Of each criterion that is given, whether it is met. Slices and DNN go together, services by themselves."""
    if q.target_plmn_list is not None:
        yield not p.plmn_list or any(plmn in p.plmn_list for plmn in q.target_plmn_list)
    if q.target_nf_instance_id is not None:
        yield p.nf_instance_id == q.target_nf_instance_id.lower()
    if q.target_nf_fqdn is not None:
        yield p.fqdn == q.target_nf_fqdn
    if q.target_nf_set_id is not None:
        yield q.target_nf_set_id in p.nf_set_id_list
    if q.nsi_list is not None:
        yield not p.nsi_list or bool(set(p.nsi_list) & set(q.nsi_list))
    if q.tai is not None:
        yield _tai(p, q.tai)
    if q.supi is not None:
        yield _supi(p, q.supi)
    if q.routing_indicator is not None:
        yield _routing(p, q.routing_indicator)
    if q.group_id_list is not None:
        yield _group(p, q.group_id_list)
    if q.data_set is not None:
        yield _data_set(p, q.data_set)
    if q.exclude_nfinst_list is not None:
        yield p.nf_instance_id not in q.exclude_nfinst_list
    yield from _of_an_amf(p.amf_info, q)


def _of_an_amf(info: AmfInfo | None, q: SearchQuery) -> Iterator[bool]:
    if q.amf_region_id is not None:
        yield info is not None and info.amf_region_id.lower() == q.amf_region_id.lower()
    if q.amf_set_id is not None:
        yield info is not None and info.amf_set_id.lower() == q.amf_set_id.lower()
    if q.guami is not None:
        yield info is not None and q.guami in info.guami_list


def _serves(profile: NFProfile, query: SearchQuery) -> bool:
    """Slices and DNN of an SMF's info; of another NF its list of slices, where it has one, and a PCF's DNNs."""
    wanted = {s.numbering() for s in query.snssais or ()}
    if profile.smf_info is not None:
        return any(
            (not wanted or item.s_nssai.numbering() in wanted)
            and (query.dnn is None or any(d.dnn == query.dnn for d in item.dnn_smf_info_list))
            for item in profile.smf_info.s_nssai_smf_info_list
        )
    pcf = profile.pcf_info
    if query.dnn is not None and pcf is not None and pcf.dnn_list and query.dnn not in pcf.dnn_list:
        return False
    offered = {s.numbering() for s in profile.s_nssais}
    return not wanted or not offered or bool(offered & wanted)


def faulty(snssais: Iterable[Snssai]) -> bool:
    """Whether one is no S-NSSAI at all."""
    try:
        for one in snssais:
            one.numbering()
    except ValueError:
        return True
    return False
