"""The unsuccessful outcome of each class 1 procedure that a gNB may begin, TS 38.413 §10.3.4.2 to §10.4."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from cinq.nf.amf.n2.diagnosis import error_indication
from cinq.wire import ngap
from cinq.wire.ngap.diagnostics import diagnostics, ue_identities

P = TypeVar("P", bound=ngap.Pdu)
Diagnostics = ngap.CriticalityDiagnostics | None
Failure = Callable[[P, ngap.Cause, Diagnostics], ngap.Pdu | None]


def failure(request: ngap.Pdu, cause: ngap.Cause, told: Diagnostics = None) -> ngap.Pdu | None:
    """What says that `request` came to nothing. None when its procedure has no such message, or when the request, of
    which parts may be missing, does not give what that message needs."""
    found = _FAILURES.get(type(request))
    return None if found is None else found(request, cause, told)


def refusal(request: ngap.Pdu, cause: ngap.Cause) -> ngap.Pdu:
    """§10.4, for a request with a logical error: the failure of its procedure, else an Error Indication."""
    told = diagnostics(request.PROCEDURE_CODE, request.KIND, request.CRITICALITY)
    return failure(request, cause, told) or error_indication(cause, request)


def _setup(request: ngap.NGSetupRequest, cause: ngap.Cause, told: Diagnostics) -> ngap.Pdu:
    return ngap.NGSetupFailure(cause=cause, criticality_diagnostics=told)


def _update(request: ngap.RANConfigurationUpdate, cause: ngap.Cause, told: Diagnostics) -> ngap.Pdu:
    return ngap.RANConfigurationUpdateFailure(cause=cause, criticality_diagnostics=told)


def _preparation(request: ngap.HandoverRequired, cause: ngap.Cause, told: Diagnostics) -> ngap.Pdu | None:
    amf_id, ran_id = ue_identities(request)
    if amf_id is None or ran_id is None:
        return None
    return ngap.HandoverPreparationFailure(
        amf_ue_ngap_id=amf_id, ran_ue_ngap_id=ran_id, cause=cause, criticality_diagnostics=told
    )


def _switch(request: ngap.PathSwitchRequest, cause: ngap.Cause, told: Diagnostics) -> ngap.Pdu | None:
    """Each session is released at the gNB that asks (§8.4.4.3)."""
    amf_id: int | None = request.source_amf_ue_ngap_id
    ran_id: int | None = request.ran_ue_ngap_id
    wanted: list[ngap.PDUSessionResourceToBeSwitchedDLItem] | None = (
        request.pdu_session_resource_to_be_switched_dl_list
    )
    if amf_id is None or ran_id is None or not wanted:
        return None
    unsuccessful = ngap.encode_value(ngap.PathSwitchRequestUnsuccessfulTransfer(cause=cause))
    return ngap.PathSwitchRequestFailure(
        amf_ue_ngap_id=amf_id,
        ran_ue_ngap_id=ran_id,
        pdu_session_resource_released_list_ps_fail=[
            ngap.PDUSessionResourceReleasedItemPSFail(
                pdu_session_id=number, path_switch_request_unsuccessful_transfer=unsuccessful
            )
            for number in dict.fromkeys(item.pdu_session_id for item in wanted)
        ],
        criticality_diagnostics=told,
    )


def _resume(request: ngap.UEContextResumeRequest, cause: ngap.Cause, told: Diagnostics) -> ngap.Pdu | None:
    amf_id, ran_id = ue_identities(request)
    if amf_id is None or ran_id is None:
        return None
    return ngap.UEContextResumeFailure(
        amf_ue_ngap_id=amf_id, ran_ue_ngap_id=ran_id, cause=cause, criticality_diagnostics=told
    )


def _suspend(request: ngap.UEContextSuspendRequest, cause: ngap.Cause, told: Diagnostics) -> ngap.Pdu | None:
    amf_id, ran_id = ue_identities(request)
    if amf_id is None or ran_id is None:
        return None
    return ngap.UEContextSuspendFailure(
        amf_ue_ngap_id=amf_id, ran_ue_ngap_id=ran_id, cause=cause, criticality_diagnostics=told
    )


def _row(kind: type[P], made: Failure[P]) -> tuple[type[ngap.Pdu], Failure[ngap.Pdu]]:
    return kind, cast(Failure[ngap.Pdu], made)


_FAILURES: dict[type[ngap.Pdu], Failure[ngap.Pdu]] = dict(
    (
        _row(ngap.NGSetupRequest, _setup),
        _row(ngap.RANConfigurationUpdate, _update),
        _row(ngap.HandoverRequired, _preparation),
        _row(ngap.PathSwitchRequest, _switch),
        _row(ngap.UEContextResumeRequest, _resume),
        _row(ngap.UEContextSuspendRequest, _suspend),
    )
)
