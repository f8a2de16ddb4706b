"""User plane security that must be and is not: TS 23.501 §5.10.3, TS 33.501 §6.6.1."""

from __future__ import annotations

from cinq.nf.smf.n2 import Resources
from cinq.nf.smf.session import PduSession
from cinq.nf.smf.signals import GnbRefused, NetworkRelease
from cinq.procedure import Why
from cinq.wire import ngap
from cinq.wire.nas import GsmCause

NO_INTEGRITY: ngap.Cause = ("radioNetwork", "up-integrity-protection-not-possible")
NO_CONFIDENTIALITY: ngap.Cause = ("radioNetwork", "up-confidentiality-protection-not-possible")


def end(session: PduSession) -> None:
    """Now, or when a handover is over."""
    release = NetworkRelease(GsmCause.NETWORK_FAILURE)
    if session.handover is None:
        session.want(release)
    else:
        session.postponed = release


def secure_enough(session: PduSession, made: Resources) -> None:
    """GnbRefused when the gNB does not perform what the policy requires; the session is released then."""
    policy = session.context.security
    if policy is None:
        return
    for wanted, result, what, cause in (
        (policy.integrity, made.integrity, "integrity protection", NO_INTEGRITY),
        (policy.confidentiality, made.confidentiality, "ciphering", NO_CONFIDENTIALITY),
    ):
        if wanted == "REQUIRED" and result is False:
            end(session)
            text = f"PDU session {session.label} requires user plane {what}, which the gNB does not perform"
            mend = f"enable user plane {what} at the gNB, or ask for 'preferred' in the [[dnn]] table"
            raise GnbRefused(cause, Why(text, mend))
