"""Why the network refused, in plain words, from what a UE can know, and what mends it: one row for each cause.

TS 24.501 annexes A and B say what the causes mean. The commands are those of a core of this house; of another core they
name what to look for.
"""

from __future__ import annotations

from dataclasses import dataclass

from cinq.procedure import Refused, TimerExpired, Why
from cinq.wire.nas import GmmCause, GsmCause

Row = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the UE is and wanted, for the text."""

    supi: str = "this subscriber"
    plmn: str = "this PLMN"
    tai: str = "this tracking area"
    slices: str = "no slice"
    dnn: str = "the default DNN"
    s_nssai: str = "the default slice"
    kind: str = "this PDU session type"


_SHOW = "cinq subscriber show {supi}"
_KEYS = "cinq subscriber show {supi} --keys, beside `k`, `opc` and `algorithm` of the UE's settings"
_ADD = "cinq subscriber add {supi} --k ... --opc ... with the keys of the UE's settings"
_TRACE = "cinq trace live, beside the core, shows the message and the reason"
_NOT_OURS = "nothing of this UE: it has no such function; look at the core's settings"
_AREAS = "`tacs` in the core's settings, or `tac` in the gNB's"
_LOAD = "wait, or lessen the load; the UE asks again when its timer has run out"
_SLICES = "`slices` of the UE's settings, cinq subscriber show {supi}, and `slices` of the core's"
_DNNS = "`dnn` in the UE's sessions, `--dnn` of cinq subscriber add, and [[dnn]] in the core's settings"
_BUG = "the trace of both sides: one of them breaks the protocol"

_PROTOCOL_ERRORS: dict[str, Row] = {
    "SEMANTICALLY_INCORRECT_MESSAGE": ("the network found a message without sense", _BUG),
    "INVALID_MANDATORY_INFORMATION": ("the network could not read what it must have", _BUG),
    "MESSAGE_TYPE_NON_EXISTENT_OR_NOT_IMPLEMENTED": ("the network does not know a message", _TRACE),
    "MESSAGE_TYPE_NOT_COMPATIBLE_WITH_THE_PROTOCOL_STATE": (
        "a message came when the network did not expect it", _TRACE),
    "INFORMATION_ELEMENT_NON_EXISTENT_OR_NOT_IMPLEMENTED": (
        "the network does not know an information element", _TRACE),
    "CONDITIONAL_IE_ERROR": ("an information element was missing, or there without need", _BUG),
    "MESSAGE_NOT_COMPATIBLE_WITH_THE_PROTOCOL_STATE": (
        "a message came when the network did not expect it", _TRACE),
    "PROTOCOL_ERROR_UNSPECIFIED": ("the network says no more than that something is wrong", _TRACE),
}  # fmt: skip
"""Causes #95 to #111, which 5GMM (§9.11.3.2) and 5GSM (§9.11.4.2) have alike."""

GMM: dict[GmmCause, Row] = {
    GmmCause.ILLEGAL_UE: (
        "the network does not know {supi}, has barred it, cannot read its SUCI, or took its keys for wrong",
        f"{_ADD}; and `home_network_key`, `home_network_key_id`, beside the core's"),
    GmmCause.PEI_NOT_ACCEPTED: (
        "the network does not serve this equipment (IMEI) for emergencies", "`imeisv` or `imei` of the UE's settings"),
    GmmCause.ILLEGAL_ME: (
        "the network has barred this equipment (IMEI)", "`imeisv` or `imei` of the UE's settings"),
    GmmCause.SERVICES_5GS_NOT_ALLOWED: (
        "the subscription of {supi} does not allow 5G", _SHOW),
    GmmCause.UE_IDENTITY_CANNOT_BE_DERIVED_BY_THE_NETWORK: (
        "the network does not know the temporary identity of {supi}: it was restarted, or another network gave it",
        "nothing: the UE registers anew with its SUCI"),
    GmmCause.IMPLICITLY_DE_REGISTERED: (
        "the network has deregistered {supi} meanwhile, for it heard nothing of it",
        "nothing: the UE registers anew; `t3512_s` of the core's settings says how long it waits"),
    GmmCause.PLMN_NOT_ALLOWED: (
        "{supi} may not register in {plmn}", "`plmn` of the core's and of the gNB's settings: the IMSI begins with it"),
    GmmCause.TRACKING_AREA_NOT_ALLOWED: (
        "{supi} may not be served in {tai}", _AREAS),
    GmmCause.ROAMING_NOT_ALLOWED_IN_THIS_TRACKING_AREA: (
        "{supi} may not roam in {tai}", _AREAS),
    GmmCause.NO_SUITABLE_CELLS_IN_TRACKING_AREA: (
        "no cell of {tai} serves {supi}", _AREAS),
    GmmCause.MAC_FAILURE: (
        "the UE found the network's challenge to be made with another key", _KEYS),
    GmmCause.SYNCH_FAILURE: (
        "the sequence number of the network's challenge was used before", "--sqn of cinq subscriber add"),
    GmmCause.CONGESTION: (
        "the network is too busy to serve {supi} now", _LOAD),
    GmmCause.UE_SECURITY_CAPABILITIES_MISMATCH: (
        "the network repeated other security capabilities than the UE sent, or chose an algorithm that it lacks",
        "`integrity` and `ciphering` of the UE's and of the core's settings; else somebody alters messages"),
    GmmCause.SECURITY_MODE_REJECTED_UNSPECIFIED: (
        "the security mode command could not be checked or used", _KEYS),
    GmmCause.NON_5G_AUTHENTICATION_UNACCEPTABLE: (
        "the network's challenge was not made for 5G (separation bit)", "--amf 8000 of cinq subscriber add"),
    GmmCause.N1_MODE_NOT_ALLOWED: (
        "{supi} may not use 5G in {plmn}", _SHOW),
    GmmCause.RESTRICTED_SERVICE_AREA: (
        "{tai} is outside the service area of {supi}", "the service area in the subscription, or another cell"),
    GmmCause.REDIRECTION_TO_EPC_REQUIRED: (
        "the network wants {supi} in 4G", _NOT_OURS),
    GmmCause.IAB_NODE_OPERATION_NOT_AUTHORIZED: (
        "the network takes {supi} for a relay node and does not allow that", _NOT_OURS),
    GmmCause.LADN_NOT_AVAILABLE: (
        "{dnn} is a local network that is not served in {tai}", "another cell, or the service area of that DNN"),
    GmmCause.NO_NETWORK_SLICES_AVAILABLE: (
        "no slice that {supi} asked for is served here: {slices}", _SLICES),
    GmmCause.MAXIMUM_NUMBER_OF_PDU_SESSIONS_REACHED: (
        "{supi} has as many PDU sessions as the network allows", "release one, or fewer [[sessions]] in the settings"),
    GmmCause.INSUFFICIENT_RESOURCES_FOR_SPECIFIC_SLICE_AND_DNN: (
        "there are no resources for {dnn} in slice {s_nssai} now", _LOAD),
    GmmCause.INSUFFICIENT_RESOURCES_FOR_SPECIFIC_SLICE: (
        "there are no resources in slice {s_nssai} now", _LOAD),
    GmmCause.NGKSI_ALREADY_IN_USE: (
        "the network gave new keys the number of keys in use", _BUG),
    GmmCause.NON_3GPP_ACCESS_TO_5GCN_NOT_ALLOWED: (
        "the network takes the UE to come over another access than 3GPP's", _NOT_OURS),
    GmmCause.SERVING_NETWORK_NOT_AUTHORIZED: (
        "the home network of {supi} does not let {plmn} serve it",
        "`plmn` of the core's settings: the home network answers for that PLMN only"),
    GmmCause.TEMPORARILY_NOT_AUTHORIZED_FOR_THIS_SNPN: (
        "{supi} may not use this private network now", _NOT_OURS),
    GmmCause.PERMANENTLY_NOT_AUTHORIZED_FOR_THIS_SNPN: (
        "{supi} may never use this private network", _NOT_OURS),
    GmmCause.NOT_AUTHORIZED_FOR_THIS_CAG_OR_AUTHORIZED_FOR_CAG_CELLS_ONLY: (
        "{supi} may only use cells of its closed access group", "another cell, or the groups in the subscription"),
    GmmCause.WIRELINE_ACCESS_AREA_NOT_ALLOWED: (
        "the network takes the UE to come over a wire", _NOT_OURS),
    GmmCause.PLMN_NOT_ALLOWED_TO_OPERATE_AT_THE_PRESENT_UE_LOCATION: (
        "{plmn} may not operate where the UE is", "the location of the gNB as the core has it"),
    GmmCause.UAS_SERVICES_NOT_ALLOWED: (
        "{supi} may not use the services for drones", _NOT_OURS),
    GmmCause.DISASTER_ROAMING_FOR_THE_DETERMINED_PLMN_NOT_ALLOWED: (
        "{supi} may not roam here in a disaster", _NOT_OURS),
    GmmCause.SELECTED_N3IWF_NOT_COMPATIBLE_WITH_THE_ALLOWED_NSSAI: (
        "the gateway does not serve the slices", _NOT_OURS),
    GmmCause.SELECTED_TNGF_NOT_COMPATIBLE_WITH_THE_ALLOWED_NSSAI: (
        "the gateway does not serve the slices", _NOT_OURS),
    GmmCause.PAYLOAD_WAS_NOT_FORWARDED: (
        "the AMF found nobody for this message: no SMF serves {dnn} in slice {s_nssai}, or it did not answer", _DNNS),
    GmmCause.DNN_NOT_SUPPORTED_OR_NOT_SUBSCRIBED_IN_THE_SLICE: (
        "{dnn} is not served, or {supi} has not subscribed to it, in slice {s_nssai}", _DNNS),
    GmmCause.INSUFFICIENT_USER_PLANE_RESOURCES_FOR_THE_PDU_SESSION: (
        "the user plane has no room for the session, or is not there",
        "`max_sessions` of [upf] in the core's settings; the core's log says whether a UPF is associated"),
    GmmCause.ONBOARDING_SERVICES_TERMINATED: (
        "onboarding has ended", _NOT_OURS),
    GmmCause.USER_PLANE_POSITIONING_NOT_AUTHORIZED: (
        "{supi} may not be located over the user plane", _NOT_OURS),
    **{GmmCause[name]: row for name, row in _PROTOCOL_ERRORS.items()},
}  # fmt: skip

GSM: dict[GsmCause, Row] = {
    GsmCause.OPERATOR_DETERMINED_BARRING: (
        "the operator has barred {dnn} for {supi}", _SHOW),
    GsmCause.INSUFFICIENT_RESOURCES: (
        "there are no resources or addresses for {dnn} now", "`pool` of that [[dnn]], or wait: the UE asks again"),
    GsmCause.MISSING_OR_UNKNOWN_DNN: (
        "the network knows no DNN '{dnn}', or {supi} has none", _DNNS),
    GsmCause.UNKNOWN_PDU_SESSION_TYPE: (
        "the network does not serve {kind} sessions to {dnn}", "`kind` in the UE's sessions: IPv4"),
    GsmCause.USER_AUTHENTICATION_OR_AUTHORIZATION_FAILED: (
        "{dnn} did not let {supi} in",
        "the credentials that the data network asks for, or money on the subscriber's account"),
    GsmCause.REQUEST_REJECTED_UNSPECIFIED: (
        "the SMF refused without saying why", _TRACE),
    GsmCause.SERVICE_OPTION_NOT_SUPPORTED: (
        "the network does not offer what the session asks for", "`kind` and `ssc_mode` in the UE's sessions"),
    GsmCause.REQUESTED_SERVICE_OPTION_NOT_SUBSCRIBED: (
        "{supi} has not subscribed to what the session asks for", _SHOW),
    GsmCause.PTI_ALREADY_IN_USE: ("the network sees two requests with one identity", _BUG),
    GsmCause.REGULAR_DEACTIVATION: ("the session is released in the ordinary way", "nothing"),
    GsmCause.QOS_5GS_NOT_ACCEPTED: (
        "the quality of service asked for is not accepted", "the rules and flows that the UE asked for"),
    GsmCause.NETWORK_FAILURE: (
        "something in the network is broken or silent (UPF, PCF or UDM)", "cinq up and its log; " + _TRACE),
    GsmCause.REACTIVATION_REQUESTED: (
        "the network wants the session set up anew", "nothing: the UE does so"),
    GsmCause.SEMANTIC_ERROR_IN_THE_TFT_OPERATION: ("a filter operation has no sense", _BUG),
    GsmCause.SYNTACTICAL_ERROR_IN_THE_TFT_OPERATION: ("a filter operation cannot be read", _BUG),
    GsmCause.INVALID_PDU_SESSION_IDENTITY: (
        "the other end has no session of this identity", "nothing: the UE releases it and asks anew"),
    GsmCause.SEMANTIC_ERRORS_IN_PACKET_FILTERS: ("packet filters have no sense", _BUG),
    GsmCause.SYNTACTICAL_ERROR_IN_PACKET_FILTERS: ("packet filters cannot be read", _BUG),
    GsmCause.OUT_OF_LADN_SERVICE_AREA: (
        "{dnn} is a local network that is not served in {tai}", "another cell, or the service area of that DNN"),
    GsmCause.PTI_MISMATCH: ("an answer does not belong to a request under way", _TRACE),
    GsmCause.PDU_SESSION_TYPE_IPV4_ONLY_ALLOWED: (
        "{dnn} gives IPv4 only, and {kind} was asked for", "`kind = \"IPv4\"` in the UE's sessions"),
    GsmCause.PDU_SESSION_TYPE_IPV6_ONLY_ALLOWED: (
        "{dnn} gives IPv6 only, and {kind} was asked for", "`kind = \"IPv6\"` in the UE's sessions"),
    GsmCause.PDU_SESSION_DOES_NOT_EXIST: (
        "the network has no such session", "nothing: the UE asks for it anew"),
    GsmCause.PDU_SESSION_TYPE_IPV4V6_ONLY_ALLOWED: (
        "{dnn} gives IPv4v6 only, and {kind} was asked for", "`kind = \"IPv4v6\"` in the UE's sessions"),
    GsmCause.PDU_SESSION_TYPE_UNSTRUCTURED_ONLY_ALLOWED: (
        "{dnn} carries unstructured data only", "another `dnn` in the UE's sessions"),
    GsmCause.UNSUPPORTED_5QI_VALUE: (
        "the network does not know the 5QI asked for", "the flows that the UE asked for, or five_qi of the subscriber"),
    GsmCause.PDU_SESSION_TYPE_ETHERNET_ONLY_ALLOWED: (
        "{dnn} carries Ethernet only", "another `dnn` in the UE's sessions"),
    GsmCause.INSUFFICIENT_RESOURCES_FOR_SPECIFIC_SLICE_AND_DNN: (
        "there are no resources for {dnn} in slice {s_nssai} now", _LOAD),
    GsmCause.NOT_SUPPORTED_SSC_MODE: (
        "{dnn} does not offer the SSC mode asked for", "`ssc_mode` in the UE's sessions: 1"),
    GsmCause.INSUFFICIENT_RESOURCES_FOR_SPECIFIC_SLICE: (
        "there are no resources in slice {s_nssai} now", _LOAD),
    GsmCause.MISSING_OR_UNKNOWN_DNN_IN_A_SLICE: (
        "{dnn} is not served, or {supi} has not subscribed to it, in slice {s_nssai}", _DNNS),
    GsmCause.INVALID_PTI_VALUE: ("a transaction identity is not allowed there", _BUG),
    GsmCause.MAXIMUM_DATA_RATE_PER_UE_FOR_USER_PLANE_INTEGRITY_PROTECTION_IS_TOO_LOW: (
        "the session must be integrity protected, faster than the UE says it can",
        "`integrity_rate` in the UE's sessions: full"),
    GsmCause.SEMANTIC_ERROR_IN_THE_QOS_OPERATION: ("a QoS rule or flow has no sense", _BUG),
    GsmCause.SYNTACTICAL_ERROR_IN_THE_QOS_OPERATION: ("a QoS rule or flow cannot be read", _BUG),
    GsmCause.INVALID_MAPPED_EPS_BEARER_IDENTITY: ("a mapped 4G bearer has no allowed identity", _BUG),
    GsmCause.UAS_SERVICES_NOT_ALLOWED: ("{supi} may not use the services for drones", _NOT_OURS),
    GsmCause.QOS_DIFFERENTIATION_FOR_NON_3GPP_DEVICE_IDENTIFIERS_NOT_AVAILABLE: (
        "the network does not tell devices behind the UE apart", _NOT_OURS),
    **{GsmCause[name]: row for name, row in _PROTOCOL_ERRORS.items()},
}  # fmt: skip

AUTHENTICATION_REJECTED: Row = (
    "authentication rejected: the network knows no subscriber {supi}, or with other keys than this UE has",
    _ADD + ", or " + _KEYS,
)
NO_ANSWER: Row = (
    "no answer to the {what}",
    "look at the core: whether it runs, its log, and cinq trace live beside it",
)
_ACRONYMS = frozenset(
    ("UE", "ME", "PEI", "PLMN", "SNPN", "MAC", "NGKSI", "3GPP", "5GCN", "5GS", "DNN", "PDU", "IE", "CAG", "EPC",
     "IAB", "LADN", "NSSAI", "N3IWF", "TNGF", "UAS", "PTI", "QOS", "TFT", "SSC", "5QI", "IPV4", "IPV6", "IPV4V6", "EPS")
)  # fmt: skip


def cause_name(cause: int) -> str:
    """'5GMM cause #11 PLMN not allowed'."""
    return f"5GMM {words(cause)}"


def words(cause: int) -> str:
    """'cause #11 PLMN not allowed': the number of a cause and its name."""
    name = getattr(cause, "name", None)
    if not isinstance(name, str):
        return f"cause #{int(cause)}"
    parts = [part if part in _ACRONYMS else part.lower() for part in name.split("_")]
    text = " ".join(parts)
    return f"cause #{int(cause)} {text[0].upper()}{text[1:]}"


def gmm(cause: int, asked: Asked) -> Why:
    """A 5GMM cause of the network: its name, what it means for this UE, and what mends it."""
    row = GMM.get(GmmCause(cause)) if cause in _GMM_KNOWN else None
    return _why(cause_name(cause), row, asked)


def gsm(cause: int, asked: Asked) -> Why:
    """A 5GSM cause likewise."""
    row = GSM.get(GsmCause(cause)) if cause in _GSM_KNOWN else None
    return _why(f"5GSM {words(cause)}", row, asked)


def explain(error: Exception, asked: Asked) -> Why:
    """What a procedure ended with: the reason that the network gave, or what its silence may mean."""
    if isinstance(error, Refused):
        return error.reason if isinstance(error.reason, Why) else Why(str(error), _TRACE)
    if isinstance(error, TimerExpired):
        what = _TIMERS.get(error.timer.name, "request")
        return no_answer(what, f"{error.timer.name} expired", asked)
    return Why(str(error) or type(error).__name__, _TRACE)


_TIMERS = {
    "T3510": "registration",
    "T3517": "service request",
    "T3521": "deregistration",
    "T3580": "PDU session establishment",
    "T3581": "PDU session modification",
    "T3582": "PDU session release",
}


def short(error: Exception) -> str:
    """What went wrong without whom it befell: for counting."""
    cause = getattr(getattr(error, "answer", None), "cause", None)
    if isinstance(cause, GsmCause):
        return f"5GSM {words(cause)}"
    if isinstance(cause, int):
        return cause_name(cause)
    return str(error).partition(": ")[0] or type(error).__name__


def authentication_rejected(asked: Asked) -> Why:
    return _filled(AUTHENTICATION_REJECTED, asked, "")


def no_answer(what: str, reason: str, asked: Asked) -> Why:
    """what: 'registration', 'service request' ..."""
    found = _filled(NO_ANSWER, asked, what)
    return Why(f"{found}: {reason}" if reason else str(found), found.mend)


def _why(name: str, row: Row | None, asked: Asked) -> Why:
    if row is None:
        return Why(f"{name}: no cause of TS 24.501", _TRACE)
    found = _filled(row, asked, "")
    return Why(f"{name}: {found}", found.mend)


def _filled(row: Row, asked: Asked, what: str) -> Why:
    values = {name: getattr(asked, name) for name in asked.__dataclass_fields__}
    return Why(row[0].format(**values, what=what), row[1].format(**values, what=what))


_GMM_KNOWN, _GSM_KNOWN = frozenset(map(int, GmmCause)), frozenset(map(int, GsmCause))
