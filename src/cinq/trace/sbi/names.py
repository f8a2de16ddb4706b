"""What a request is for, in the words of 3GPP: the operation of stage 2 where it is known, else its resource."""

from __future__ import annotations

import importlib
import pkgutil
import re
from functools import cache
from urllib.parse import unquote

from cinq.sbi import services
from cinq.sbi.operation import operations
from cinq.sbi.operation import services as declared
from cinq.sbi.problem import Problem
from cinq.sbi.route import Routes

SCP = "SCP"
UNKNOWN = "NF"
_SERVICES = {
    "namf-comm": "Namf_Communication",
    "namf-evts": "Namf_EventExposure",
    "namf-loc": "Namf_Location",
    "namf-mt": "Namf_MT",
    "nausf-auth": "Nausf_UEAuthentication",
    "nausf-sorprotection": "Nausf_SoRProtection",
    "nausf-upuprotection": "Nausf_UPUProtection",
    "nbsf-management": "Nbsf_Management",
    "nchf-convergedcharging": "Nchf_ConvergedCharging",
    "nchf-spendinglimitcontrol": "Nchf_SpendingLimitControl",
    "n5g-eir-eic": "N5g-eir_EquipmentIdentityCheck",
    "nnrf-disc": "Nnrf_NFDiscovery",
    "nnrf-nfm": "Nnrf_NFManagement",
    "nnssf-nsselection": "Nnssf_NSSelection",
    "nnssf-nssaiavailability": "Nnssf_NSSAIAvailability",
    "npcf-am-policy-control": "Npcf_AMPolicyControl",
    "npcf-policyauthorization": "Npcf_PolicyAuthorization",
    "npcf-smpolicycontrol": "Npcf_SMPolicyControl",
    "npcf-ue-policy-control": "Npcf_UEPolicyControl",
    "nsmf-event-exposure": "Nsmf_EventExposure",
    "nsmf-pdusession": "Nsmf_PDUSession",
    "nudm-ee": "Nudm_EventExposure",
    "nudm-sdm": "Nudm_SDM",
    "nudm-ueau": "Nudm_UEAuthentication",
    "nudm-uecm": "Nudm_UECM",
    "nudr-dr": "Nudr_DataRepository",
    "oauth2": "Nnrf_AccessToken",
}
_FUNCTION = re.compile(r"n(5g-eir|[a-z]{2,8})-")
_AGENT = re.compile(r"[A-Z0-9][A-Z0-9_]{1,9}(?=$|[-/ ])")
_WORD = re.compile(r"[a-z][a-z-]*[a-z]")
_VERSION = re.compile(r"v\d+")
_PATH, _SHOWN = 1024, 40  # characters of a path that are looked at, of a word that are shown


def function_of(path: str) -> str:
    """The function whose API a path is below: '/nudm-sdm/v2/...' is the UDM's. Empty where it does not tell."""
    api = _segments(path)[0]
    if api == "oauth2":
        return "NRF"
    found = _FUNCTION.match(api)
    return found[1].upper() if found else ""


def agent(user_agent: str) -> str:
    """The NF type that a User-Agent begins with (TS 29.500 §5.2.2.2)."""
    found = _AGENT.match(user_agent)
    return found[0] if found else ""


def operation(method: str, path: str, callback: str = "") -> str:
    """'Nudm_SDM_Get', or 'Nudr_DataRepository GET authentication-subscription' where it is none that is served here.

    callback: as 3gpp-Sbi-Callback has it, which names a notification (TS 29.500 annex B).
    """
    if callback:
        return callback.partition(";")[0].strip()[:80]
    if name := _served(method, path):
        return name
    segments = _segments(path)
    words = [one for one in segments[1:] if _WORD.fullmatch(one) and not _VERSION.fullmatch(one)]
    service = _SERVICES.get(segments[0], segments[0][:_SHOWN])
    return " ".join((service, method[:10], *(one[:_SHOWN] for one in words[-1:]))).strip()


def _served(method: str, path: str) -> str:
    try:
        return _routes().find(method, path)[0].name
    except Problem:
        return ""


@cache
def _routes() -> Routes:
    """Of all services that are declared."""
    for module in pkgutil.iter_modules(services.__path__, f"{services.__name__}."):
        importlib.import_module(module.name)
    return Routes(one for service in declared() for one in operations(service))


def _segments(path: str) -> list[str]:
    return unquote(path[:_PATH].partition("?")[0]).strip("/").split("/")
