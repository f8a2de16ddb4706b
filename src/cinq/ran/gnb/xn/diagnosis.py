"""Error handling, TS 38.423 §10 and §8.4.6: what a gNB answers to a message of a neighbour that it cannot use."""

from __future__ import annotations

from cinq.wire import xnap

_TRIGGERING: dict[xnap.Kind, xnap.TriggeringMessage] = {
    "initiatingMessage": "initiating-message",
    "successfulOutcome": "successful-outcome",
    "unsuccessfulOutcome": "unsuccessful-outcome",
}
_MOST = 256  # §9.2.3.3: maxnoofErrors


def diagnostics(
    code: int | None,
    kind: xnap.Kind | None,
    criticality: xnap.Criticality | None,
    ies: tuple[xnap.IeDiagnostic, ...] = (),
) -> xnap.CriticalityDiagnostics:
    """§9.2.3.3."""
    items = [
        xnap.CriticalityDiagnosticsIEsCriticalityDiagnosticsItem(
            ie_criticality=level, ie_id=ie, type_of_error=wrong
        )
        for level, ie, wrong in ies[:_MOST]
    ]
    return xnap.CriticalityDiagnostics(
        procedure_code=code,
        triggering_message=None if kind is None else _TRIGGERING[kind],
        procedure_criticality=criticality,
        ies_criticality_diagnostics=items or None,
    )


def answer(error: xnap.XnapError) -> xnap.Pdu | None:
    """The procedure's own failure where it has one (§10.3.4.2, §10.3.5, §10.3.6), else ERROR INDICATION.

    None: an error in an ERROR INDICATION (§10.5), or in an outcome, which is a local matter.
    """
    if error.silent or error.procedure_code == xnap.ErrorIndication.PROCEDURE_CODE:
        return None
    syntax = error.cause == "transfer-syntax-error"
    message = error.partial
    if message is not None and message.KIND != "initiatingMessage" and not syntax:
        return None
    told = None
    if error.procedure_code is not None or error.ies:
        told = diagnostics(
            error.procedure_code, error.triggering_message, error.procedure_criticality, error.ies
        )
    cause: xnap.Cause = ("protocol", error.cause)
    failure = None if message is None or syntax else _failure(message, cause, told)
    if failure is not None:
        return failure
    return xnap.ErrorIndication(cause=cause, criticality_diagnostics=told, **identities(message))


def identities(message: xnap.Pdu | None) -> dict[str, int | None]:
    """Of the UE that the message is about, as far as it says it (§9.1.3.16): that of the old node and of the new."""
    old = getattr(message, "source_ng_ran_node_ue_xnap_id", None)
    new = getattr(message, "target_ng_ran_node_ue_xnap_id", None)
    old = getattr(message, "old_ng_ran_node_ue_xnap_id", old)
    new = getattr(message, "new_ng_ran_node_ue_xnap_id", new)
    return {
        "old_ng_ran_node_ue_xnap_id": old if isinstance(old, int) else None,
        "new_ng_ran_node_ue_xnap_id": new if isinstance(new, int) else None,
    }


def _failure(
    message: xnap.Pdu, cause: xnap.Cause, told: xnap.CriticalityDiagnostics | None
) -> xnap.Pdu | None:
    """The unsuccessful outcome of the procedure, where it has one and the message says for which UE."""
    if isinstance(message, xnap.XnSetupRequest):
        return xnap.XnSetupFailure(cause=cause, criticality_diagnostics=told)
    if isinstance(message, xnap.NGRANNodeConfigurationUpdate):
        return xnap.NGRANNodeConfigurationUpdateFailure(cause=cause, criticality_diagnostics=told)
    if isinstance(message, xnap.XnRemovalRequest):
        return xnap.XnRemovalFailure(cause=cause, criticality_diagnostics=told)
    known = identities(message)
    old, new = known["old_ng_ran_node_ue_xnap_id"], known["new_ng_ran_node_ue_xnap_id"]
    if isinstance(message, xnap.HandoverRequest) and old is not None:
        return xnap.HandoverPreparationFailure(
            source_ng_ran_node_ue_xnap_id=old, cause=cause, criticality_diagnostics=told
        )
    if isinstance(message, xnap.RetrieveUEContextRequest) and new is not None:
        return xnap.RetrieveUEContextFailure(
            new_ng_ran_node_ue_xnap_id=new, cause=cause, criticality_diagnostics=told
        )
    return None


def unexpected(message: xnap.Pdu) -> xnap.ErrorIndication | None:
    """To what is begun and not heard here, by its criticality. An outcome that nobody asked for is a local matter."""
    if message.KIND != "initiatingMessage" or message.CRITICALITY != "reject":
        return None
    return about(message, ("protocol", "abstract-syntax-error-reject"))


def about(message: xnap.Pdu, cause: xnap.Cause) -> xnap.ErrorIndication:
    """ERROR INDICATION of a message (§8.4.6)."""
    return xnap.ErrorIndication(
        cause=cause,
        criticality_diagnostics=diagnostics(message.PROCEDURE_CODE, message.KIND, message.CRITICALITY),
        **identities(message),
    )
