"""Where services are reached: API roots (TS 29.501 §4.4.1), and the attributes of a profile that say so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from cinq.sbi.nf_profile import IpEndPoint, NFProfile, NFService, NFServiceVersion
from cinq.sbi.operation import operations
from cinq.transport.http2 import authority_of

CONSUMERS: dict[str, tuple[str, ...]] = {
    "nausf-auth": ("AMF",),
    "nbsf-management": ("PCF", "NEF", "AF", "NWDAF"),
    "nchf-convergedcharging": ("SMF", "AMF", "SMSF", "NEF"),
    "nchf-spendinglimitcontrol": ("PCF",),
    "nnssf-nsselection": ("AMF", "NSSF", "NWDAF", "SMF"),
    "nnssf-nssaiavailability": ("AMF", "NSSF"),
    "npcf-am-policy-control": ("AMF",),
    "npcf-policyauthorization": ("NEF", "AF"),
    "npcf-smpolicycontrol": ("SMF",),
    "nsmf-event-exposure": ("NEF", "AF", "PCF", "NWDAF", "AMF", "UDM", "DCCF"),
    "nsmf-pdusession": ("AMF", "SMF"),
    "namf-evts": ("UDM", "NEF", "SMF", "PCF", "NWDAF", "DCCF"),
    "nudm-ee": ("NEF", "NWDAF", "AF", "AMF"),
    "nudm-sdm": ("AMF", "SMF", "SMSF", "AUSF", "NEF", "GMLC", "LMF", "NWDAF", "PCF", "SCP", "HSS", "UDM"),
    "nudm-ueau": ("AUSF", "HSS"),
    "nudm-uecm": ("AMF", "SMF", "SMSF", "NEF", "GMLC", "NWDAF", "HSS"),
    "nudr-dr": ("UDM", "PCF", "NEF"),
}
"""Who may ask, TS 23.502 §5.2: the NF types of consumers by service. A service that is not named is for all."""
OTHERS = ("AMF", "SMF", "UDM", "AUSF", "PCF", "NSSF", "NEF", "LMF", "SMSF", "CBCF", "GMLC")


def api_root(host: str, port: int, *, tls: bool) -> str:
    """What the targets of requests are below."""
    return f"{'https' if tls else 'http'}://{authority_of(host, port)}"


def reachable(
    profile: NFProfile,
    offered: Sequence[type],
    host: str,
    port: int,
    *,
    tls: bool = False,
    tokens: bool = False,
    operation_scopes: bool = False,
) -> NFProfile:
    """The profile, with where its services are reached (TS 29.510 §6.1.6.2.2 and §6.1.6.2.3). Callbacks are none."""
    end = IpEndPoint(ipv4_address=host, transport="TCP", port=port)
    versions = {op.service: op.version for each in offered for op in operations(each)[:1]}
    scopes: dict[str, dict[str, None]] = {name: {} for name in versions}
    for op in (op for each in offered for op in operations(each)):
        scopes[op.service].update(dict.fromkeys(op.scopes))
    services = [
        NFService(
            service_instance_id=f"{profile.nf_instance_id}-{name}",
            service_name=name,
            versions=[NFServiceVersion(api_version_in_uri=version, api_full_version=f"{version[1:]}.0.0")],
            scheme="https" if tls else "http",
            nf_service_status="REGISTERED",
            ip_end_points=[end],
            oauth2_required=tokens or None,
            allowed_nf_types=list(CONSUMERS.get(name, ())),
            allowed_operations_per_nf_type=_operations(name, scopes[name]) if operation_scopes else {},
        )
        for name, version in versions.items()
        if not name.endswith("-callback") and name not in ("oauth2", "bootstrapping")
    ]
    return msgspec.structs.replace(profile, ipv4_addresses=[host], nf_services=services)


def _operations(service: str, scopes: Iterable[str]) -> dict[str, list[str]]:
    """allowedOperationsPerNfType: who may ask for the service may ask for its operations."""
    named = list(scopes)
    return dict.fromkeys(CONSUMERS.get(service, OTHERS), named) if named else {}
