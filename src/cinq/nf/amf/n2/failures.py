"""The unsuccessful outcome of each class 1 procedure that a gNB may begin, TS 38.413 §10.3.4.2 to §10.4."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar, cast

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


def path_switch_failure(
    request: ngap.PathSwitchRequest,
    cause: ngap.Cause,
    released: Mapping[int, bytes] | None = None,
    told: Diagnostics = None,
) -> ngap.PathSwitchRequestFailure:
    """§8.4.4.3: every session is released at the gNB that asks. released: the transfers that SMFs gave."""
    given = released or {}
    unsuccessful = not_switched(cause)
    sessions = dict.fromkeys(i.pdu_session_id for i in request.pdu_session_resource_to_be_switched_dl_list)
    return ngap.PathSwitchRequestFailure(
        amf_ue_ngap_id=request.source_amf_ue_ngap_id,
        ran_ue_ngap_id=request.ran_ue_ngap_id,
        pdu_session_resource_released_list_ps_fail=[
            ngap.PDUSessionResourceReleasedItemPSFail(
                pdu_session_id=number,
                path_switch_request_unsuccessful_transfer=given.get(number, unsuccessful),
            )
            for number in sessions
        ],
        criticality_diagnostics=told,
    )


def not_switched(cause: ngap.Cause) -> bytes:
    """Path Switch Request Unsuccessful Transfer, §9.3.4.20."""
    return ngap.encode_value(ngap.PathSwitchRequestUnsuccessfulTransfer(cause=cause))


def _setup(request: ngap.NGSetupRequest, cause: ngap.Cause, told: Diagnostics) -> ngap.Pdu:
    return ngap.NGSetupFailure(cause=cause, criticality_diagnostics=told)


def _update(request: ngap.RANConfigurationUpdate, cause: ngap.Cause, told: Diagnostics) -> ngap.Pdu:
    return ngap.RANConfigurationUpdateFailure(cause=cause, criticality_diagnostics=told)


def _switch(request: ngap.PathSwitchRequest, cause: ngap.Cause, told: Diagnostics) -> ngap.Pdu | None:
    amf_id: int | None = request.source_amf_ue_ngap_id
    ran_id: int | None = request.ran_ue_ngap_id
    wanted: list[ngap.PDUSessionResourceToBeSwitchedDLItem] | None = (
        request.pdu_session_resource_to_be_switched_dl_list
    )
    if amf_id is None or ran_id is None or not wanted:
        return None
    return path_switch_failure(request, cause, told=told)


class _OfAUe(Protocol):
    """A failure that says of which UE and why, and no more."""

    def __call__(
        self,
        *,
        amf_ue_ngap_id: int,
        ran_ue_ngap_id: int,
        cause: ngap.Cause,
        criticality_diagnostics: Diagnostics,
    ) -> ngap.Pdu: ...


def _of_a_ue(kind: _OfAUe) -> Failure[ngap.Pdu]:
    def made(request: ngap.Pdu, cause: ngap.Cause, told: Diagnostics) -> ngap.Pdu | None:
        amf_id, ran_id = ue_identities(request)
        if amf_id is None or ran_id is None:
            return None
        return kind(amf_ue_ngap_id=amf_id, ran_ue_ngap_id=ran_id, cause=cause, criticality_diagnostics=told)

    return made


def _row(kind: type[P], made: Failure[P]) -> tuple[type[ngap.Pdu], Failure[ngap.Pdu]]:
    return kind, cast(Failure[ngap.Pdu], made)


_FAILURES: dict[type[ngap.Pdu], Failure[ngap.Pdu]] = dict(
    (
        _row(ngap.NGSetupRequest, _setup),
        _row(ngap.RANConfigurationUpdate, _update),
        _row(ngap.HandoverRequired, _of_a_ue(ngap.HandoverPreparationFailure)),
        _row(ngap.PathSwitchRequest, _switch),
        _row(ngap.UEContextResumeRequest, _of_a_ue(ngap.UEContextResumeFailure)),
        _row(ngap.UEContextSuspendRequest, _of_a_ue(ngap.UEContextSuspendFailure)),
    )
)
