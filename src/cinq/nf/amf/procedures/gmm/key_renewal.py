"""Other keys or algorithms for a connected UE (TS 33.501 §6.4.3.1, §6.7.2, TS 24.501 §5.4.1, §5.4.2)."""

from __future__ import annotations

from cinq.nf.amf import journal, signals
from cinq.nf.amf.procedures.gmm.authentication import authenticate
from cinq.nf.amf.procedures.gmm.security_mode import algorithms_are_current, take_security_into_use
from cinq.nf.amf.ue import Ue
from cinq.procedure import ABORT, BESIDE, IGNORE, Refused, Verdict, Why, collision, procedure
from cinq.sbi import Problem
from cinq.wire import nas, ngap


@procedure(opens=signals.RenewKeys)
async def key_renewal(ue: Ue, _: signals.RenewKeys) -> None:
    """Before the NAS COUNTs come to their end the UE is authenticated; for other algorithms a security mode command is
    enough. The gNB gets keys that follow (TS 33.501 §6.9.4.4)."""
    exchange, supi = ue.exchange, ue.context.supi
    keys, success = exchange.counted(), None
    if ue.connection is None or not exchange.secured or supi is None or keys is None:
        return
    if ue.target is not None:  # its next message there asks again (TS 33.501 §6.9.5.1)
        return
    if exchange.nearly_used_up:
        try:
            proved = await authenticate(ue, str(supi), nas.NgKsi(keys.ksi))
        except Problem as problem:
            journal.note(ue, Why(f"the keys of {supi} are not renewed: {problem}", problem.why.mend))
            return
        if proved.supi != supi:
            raise Refused(nas.AuthenticationReject(), Why(f"the UE of {supi} proves to be {proved.supi}"))
        keys, success = proved.keys, proved.eap_success
    elif algorithms_are_current(ue):
        return
    await take_security_into_use(ue, None, keys, success)
    ue.commit()
    if ue.connection is not None and ue.connection.has_context:
        ue.rekey(ue.connection)


@collision(
    key_renewal,
    nas.RegistrationRequest,
    nas.ServiceRequest,
    nas.DeregistrationRequestUEOriginating,
    ngap.UEContextReleaseRequest,
    ngap.InitialContextSetupFailure,
)
def _(ue: Ue, message: object) -> Verdict:
    """TS 24.501 §5.4.1.3.7, §5.4.2.7 c): what the UE wants goes on, by the keys of before."""
    return ABORT


@collision(key_renewal, nas.ULNASTransport)
def _(ue: Ue, message: object) -> Verdict:
    """§5.4.2.7 d)."""
    return BESIDE


@collision(
    key_renewal,
    nas.IdentityResponse,
    nas.AuthenticationResponse,
    nas.AuthenticationFailure,
    nas.SecurityModeComplete,
    nas.SecurityModeReject,
)
def _(ue: Ue, message: object) -> Verdict:
    return IGNORE("it answers nothing that is asked")
