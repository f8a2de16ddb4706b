"""What a body says: JSON without its secrets, and the N1 and N2 parts beside it decoded (TS 29.502 §6.1.2.4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec
from msgspec import Struct

from cinq.sbi.message import MULTIPART, media_type
from cinq.sbi.multipart import MultipartError, Part, decode
from cinq.sbi.trace import without_secrets
from cinq.trace.detail import inner, words
from cinq.wire import nas, ngap

NAS, NGAP = "application/vnd.3gpp.5gnas", "application/vnd.3gpp.ngap"
_DEPTH = 64
_TRANSFERS: Mapping[str, type[ngap.Sequence]] = {
    "PDU_RES_SETUP_REQ": ngap.PDUSessionResourceSetupRequestTransfer,
    "PDU_RES_SETUP_RSP": ngap.PDUSessionResourceSetupResponseTransfer,
    "PDU_RES_SETUP_FAIL": ngap.PDUSessionResourceSetupUnsuccessfulTransfer,
    "PDU_RES_REL_CMD": ngap.PDUSessionResourceReleaseCommandTransfer,
    "PDU_RES_REL_RSP": ngap.PDUSessionResourceReleaseResponseTransfer,
    "PDU_RES_MOD_REQ": ngap.PDUSessionResourceModifyRequestTransfer,
    "PDU_RES_MOD_RSP": ngap.PDUSessionResourceModifyResponseTransfer,
    "PDU_RES_MOD_FAIL": ngap.PDUSessionResourceModifyUnsuccessfulTransfer,
    "PDU_RES_NTY": ngap.PDUSessionResourceNotifyTransfer,
    "PDU_RES_NTY_REL": ngap.PDUSessionResourceNotifyReleasedTransfer,
    "PDU_RES_MOD_IND": ngap.PDUSessionResourceModifyIndicationTransfer,
    "PDU_RES_MOD_CFM": ngap.PDUSessionResourceModifyConfirmTransfer,
    "PATH_SWITCH_REQ": ngap.PathSwitchRequestTransfer,
    "PATH_SWITCH_SETUP_FAIL": ngap.PathSwitchRequestSetupFailedTransfer,
    "PATH_SWITCH_REQ_ACK": ngap.PathSwitchRequestAcknowledgeTransfer,
    "PATH_SWITCH_REQ_FAIL": ngap.PathSwitchRequestUnsuccessfulTransfer,
    "HANDOVER_REQUIRED": ngap.HandoverRequiredTransfer,
    "HANDOVER_CMD": ngap.HandoverCommandTransfer,
    "HANDOVER_PREP_FAIL": ngap.HandoverPreparationUnsuccessfulTransfer,
    "HANDOVER_REQ_ACK": ngap.HandoverRequestAcknowledgeTransfer,
    "HANDOVER_RES_ALLOC_FAIL": ngap.HandoverResourceAllocationUnsuccessfulTransfer,
    "SECONDARY_RAT_USAGE": ngap.SecondaryRATDataUsageReportTransfer,
}
"""N2SmInfoType, TS 29.502 §6.1.6.3.11."""


class Body(Struct, frozen=True):
    """data: the JSON value, without secrets; None where there is none. parts: of octets, as they were read.

    said: the messages in the parts, by name. fault: what could not be read.
    """

    data: object = None
    parts: list[dict[str, object]] = []
    said: tuple[str, ...] = ()
    fault: str = ""


def body_of(content_type: str, octets: bytes) -> Body:
    """Never raises. A body of another kind is shown by its size alone."""
    if not octets:
        return Body()
    if media_type(content_type) != MULTIPART:
        if "json" not in content_type and octets[:1] not in (b"{", b"["):
            return Body(parts=[{"content_type": media_type(content_type), "octets": len(octets)}])
        return _json(octets)
    try:
        root, *others = decode(content_type, octets)
    except MultipartError as error:
        return Body(fault=f"multipart body: {error}")
    body = _json(root.octets)
    read = [_part(part, body.data) for part in others]
    said = tuple(name for name, _, _ in read if name)
    fault = "; ".join(one for one in (body.fault, *(fault for _, fault, _ in read)) if one)
    return Body(body.data, [facts for _, _, facts in read], said, fault)


def _json(octets: bytes) -> Body:
    try:
        return Body(msgspec.json.decode(without_secrets(octets)))
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        return Body(fault=f"JSON: {str(error)[:120]}")


def _part(part: Part, data: object) -> tuple[str, str, dict[str, object]]:
    """The name of its message, what is wrong with it, and the whole for programs."""
    facts: dict[str, object] = {"content_type": part.content_type, "content_id": part.content_id}
    if part.content_type == NAS:
        examined = nas.examine(part.octets)
        if examined.message is None:
            return "", "; ".join(examined.faults), facts | {"octets": part.octets.hex()}
        message = inner(examined.message)
        name = words(type(message).__name__)
        plain = dict(nas.plain(examined.message))
        return name, "; ".join(examined.faults), facts | {"message": name, "decoded": plain}
    kind = next((_TRANSFERS[one] for one in _types_of(data, part.content_id) if one in _TRANSFERS), None)
    if part.content_type != NGAP or kind is None:
        return "", "", facts | {"octets": part.octets.hex()}
    found = ngap.examine_value(kind, part.octets)
    fault = "; ".join(f"{kind.__name__}: {one}" for one in found.faults)
    if found.message is None:
        return "", fault, facts | {"octets": part.octets.hex()}
    return "", fault, facts | {"message": kind.__name__, "decoded": ngap.plain(found.message)}


def _types_of(data: object, content_id: str, depth: int = 0) -> Iterator[str]:
    """The N2SmInfoType beside the reference to a part, wherever it stands."""
    if depth > _DEPTH:
        return
    if isinstance(data, list):
        for one in data:
            yield from _types_of(one, content_id, depth + 1)
    if not isinstance(data, dict):
        return
    for name, value in data.items():
        refers = isinstance(value, dict) and value.get("contentId") == content_id
        kind = data.get({"ngapData": "ngapIeType"}.get(name, f"{name}Type"))
        if refers and isinstance(kind, str):
            yield kind
        yield from _types_of(value, content_id, depth + 1)
