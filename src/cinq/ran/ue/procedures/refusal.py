"""What a UE does at once when the network refuses it or lets it go: the consequences of rejection.py carried out."""

from __future__ import annotations

from functools import partial

from cinq.procedure import Why
from cinq.ran.ue.back_off import T3346
from cinq.ran.ue.causes import gmm
from cinq.ran.ue.distrust import CAUSES
from cinq.ran.ue.granted import Rejecting, merged, rejected_slices
from cinq.ran.ue.rejection import Consequence, Then
from cinq.ran.ue.ue import Ue
from cinq.wire import nas
from cinq.wire.nas import GmmCause

T3511_S = 10
REACTIVATION_S = 5.0
REACTIVATIONS = 5
"""How often, and when, user plane that was not there is asked for again: §5.6.1.4.1 leaves it to the UE."""
_UNPROTECTED_T3346_S = (15 * 60, 30 * 60)  # TS 24.008 table 11.2: the default range

Reject = nas.RegistrationReject | nas.ServiceReject | nas.DeregistrationRequestUETerminated


def suffer(ue: Ue, found: Consequence, reject: Reject, name: Why, registered: bool) -> None:
    """Identity, forbidden lists, T3346, update status. registered: whether the UE was, and stays so where it may."""
    if found.then is Then.BACK_OFF:
        ue.back_off.start(T3346, _t3346(ue, reject))
    rejected = () if isinstance(reject, nas.ServiceReject) else rejected_slices(reject)
    context = ue.context
    plmns, roaming, regional = (
        context.forbidden_plmns,
        context.forbidden_tais_roaming,
        context.forbidden_tais_regional,
    )
    if found.forbid == "plmn":
        plmns |= {ue.camp.plmn}
    elif ue.camp.tai is not None and found.forbid == "roaming" and reject.forbidden_tais_roaming is None:
        roaming |= {ue.camp.tai}
    elif ue.camp.tai is not None and found.forbid == "regional" and reject.forbidden_tais_regional is None:
        regional |= {ue.camp.tai}
    roaming |= frozenset(reject.forbidden_tais_roaming or ())
    regional |= frozenset(reject.forbidden_tais_regional or ())
    if not (found.registered and registered) and found.then is not Then.ATTEMPT:
        ue.deregistered(
            barred=name if found.invalid else "",
            forget_identity=found.identity,
            equivalents=found.equivalents,
        )
    if isinstance(reject, nas.RegistrationReject) and reject.t3502 is not None:
        ue.commit(t3502_s=reject.t3502)
    ue.commit(
        update_status=found.status,
        forbidden_plmns=plmns,
        forbidden_tais_roaming=roaming,
        forbidden_tais_regional=regional,
        tai_list=tuple(t for t in ue.context.tai_list if t not in roaming | regional),
        equivalent_plmns=() if found.equivalents else ue.context.equivalent_plmns,
        rejected_nssai=merged(ue.context, rejected, (), new_area=False),
    )
    if not isinstance(reject, nas.ServiceReject):
        limited(ue, reject)
    _believe_for_a_while(ue, reject)


def _believe_for_a_while(ue: Ue, reject: Reject) -> None:
    """§5.3.20.2: what came without integrity protection is obeyed until T3247."""
    unchecked = (
        not isinstance(reject, nas.DeregistrationRequestUETerminated) and not ue.downlink.reject_protected
    )
    if unchecked and reject.cause in CAUSES:
        ue.distrust.obeys()


def limited(ue: Ue, message: Rejecting) -> None:
    """T3526 of slices that have as many UEs as they take: afterwards they may be asked for again (§4.6.2.2)."""
    for group in message.extended_rejected_nssai or ():
        if group.back_off is None or group.back_off in (0, nas.DEACTIVATED):
            continue
        for one in group.rejected:
            ue.timers.start(f"T3526 {one.s_nssai}", group.back_off, partial(_may_ask_again, ue, one))


def _may_ask_again(ue: Ue, slice_: nas.RejectedSNssai) -> None:
    ue.commit(rejected_nssai=tuple(one for one in ue.context.rejected_nssai if one != slice_))


def not_reactivated(ue: Ue, accept: nas.RegistrationAccept | nas.ServiceAccept) -> None:
    """The journal says which sessions have no user plane, and why (§5.5.1.3.4, §5.6.1.4.1).

    Where only resources were missing the UE asks again: it is told by nobody when they are there.
    """
    causes = accept.pdu_session_reactivation_result_error_cause or {}
    if GmmCause.INSUFFICIENT_USER_PLANE_RESOURCES_FOR_THE_PDU_SESSION not in causes.values():
        ue.reactivations = 0
    elif ue.reactivations < REACTIVATIONS:
        ue.reactivations += 1
        ue.timers.start("reactivation", REACTIVATION_S, partial(_reactivate, ue))
    for psi in sorted(accept.pdu_session_reactivation_result or ()):
        session = ue.sessions.get(psi)
        if session is not None:
            why = gmm(causes[psi], session.asked) if psi in causes else Why("the network does not say why")
            reason = Why(f"no user plane: {why}", why.mend)
            session.runtime.report(session, "", accept, reason)


def _reactivate(ue: Ue) -> None:
    if ue.context.registered:
        ue.initiate(ue.request_service, "user plane again")


def _t3346(ue: Ue, reject: Reject) -> int:
    """Not believed unprotected: then a random time of the default range, §5.5.1.2.5."""
    low, high = _UNPROTECTED_T3346_S
    if ue.downlink.reject_protected and reject.t3346 is not None:
        return reject.t3346
    return low + int.from_bytes(ue.entropy(4), "big") % (high - low)
