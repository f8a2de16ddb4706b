"""Why the core or a neighbour refuses what a gNB asks for, in words for a person, and what mends it."""

from __future__ import annotations

from cinq.procedure import Declined, Why
from cinq.ran.gnb.context import CellId
from cinq.ran.gnb.n2.elements import said
from cinq.ran.gnb.settings import GnbSettings
from cinq.wire import ngap
from cinq.wire.ngap.diagnostics import procedure_of, turns_down

_TEXTS: dict[str, tuple[str, str]] = {
    "unknown-PLMN-or-SNPN": (
        "the core does not serve PLMN {plmn} in tracking area {tacs}",
        "give the gNB a plmn and tac that the core serves (network.plmn and network.tacs of cinq up)",
    ),
    "slice-not-supported": (
        "the core serves none of the slices {slices} of this gNB there",
        "set slices of the gNB to what the core serves (network.slices of cinq up)",
    ),
    "control-processing-overload": ("the core is overloaded", "wait, or send it fewer UEs at a time"),
    "om-intervention": ("the operator of the core does not want it", ""),
    "hardware-failure": ("the core reports a hardware failure", ""),
    "unknown-targetID": (
        "the core has no gNB {target} connected",
        "start that gNB; its gnb_id, gnb_id_bits and plmn must be those of the target",
    ),
    "cell-not-available": ("the target gNB has no {target}", "correct cell (or cells) in its settings"),
    "ho-target-not-allowed": (
        "the UE may not go to {target}",
        "see what its subscription and the network forbid (cinq subscriber show, amf.forbidden_tacs)",
    ),
    "ho-failure-in-target-5GC-ngran-node-or-target-system": ("the target could not prepare for the UE", ""),
    "no-radio-resources-available-in-target-cell": (
        "{target} has no room for the UE",
        "raise gbr_capacity_mbps of the target, or hand over fewer UEs",
    ),
    "radio-resources-not-available": (
        "{target} has no room for the session",
        "raise gbr_capacity_mbps of the target",
    ),
    "encryption-and-or-integrity-protection-algorithms-not-supported": (
        "the UE and {target} have no algorithm in common",
        "give the UE another one (integrity, ciphering of cinq ue)",
    ),
    "up-integrity-protection-not-possible": (
        "the session needs integrity protection of user data",
        "set up_integrity = true at the target",
    ),
    "up-confidentiality-protection-not-possible": (
        "the session needs ciphering of user data",
        "set up_ciphering = true at the target",
    ),
    "tngrelocprep-expiry": ("the core did not answer in time", "raise t_ng_reloc_prep_s"),
    "unknown-local-UE-NGAP-ID": ("the other end does not know the UE (any more)", ""),
    "message-not-compatible-with-receiver-state": ("the core is in no state for it", ""),
    "semantic-error": ("the core takes what the message says for wrong", ""),
    "transfer-syntax-error": ("the core cannot read the message", ""),
}


def declined(
    message: object,
    sent: object | None,
    expected: tuple[type[object], ...],
    alone: bool,
    settings: GnbSettings,
) -> Declined | None:
    """The end of a request that the AMF answers with an ERROR INDICATION (TS 38.413 §8.7.5, §10.3)."""
    code = procedure_of(sent, expected)
    if not isinstance(message, ngap.ErrorIndication) or code is None or not turns_down(message, code, alone):
        return None
    return Declined(message.cause, why("Error Indication", message.cause, settings))


def why(what: str, cause: ngap.Cause | None, settings: GnbSettings, target: CellId | None = None) -> Why:
    """`what` was refused with this cause."""
    text = f"{what}: {said(cause)}"
    if cause is None or cause[1] not in _TEXTS:
        return Why(text)
    reason, mend = _TEXTS[cause[1]]
    names = {
        "plmn": settings.plmn,
        "tacs": ", ".join(str(tac) for tac in dict.fromkeys(cell.tac for cell in settings.every_cell)),
        "slices": ", ".join(map(str, settings.slices)),
        "target": "the target" if target is None else _told(target, cause[1]),
    }
    return Why(f"{text}: {reason.format(**names)}", mend)


def _told(target: CellId, cause: str) -> str:
    return str(target.gnb if cause == "unknown-targetID" else target)
