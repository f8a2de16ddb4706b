"""Identification, TS 24.501 §5.4.3."""

from __future__ import annotations

from cinq.nf.amf.ue import Ue
from cinq.numbering import Imei, Imeisv, MobileIdentity, Suci, SuciNai
from cinq.procedure import Refused, Timer
from cinq.wire import nas

T3570 = Timer("T3570", 6.0)


async def identify(ue: Ue, given: MobileIdentity) -> Suci | SuciNai:
    """TS 23.502 §4.2.2.2.2 steps 6 and 7: the SUCI that was given, or the one that the UE gives when asked."""
    if isinstance(given, Suci | SuciNai):
        return given
    return await ask_suci(ue)


async def ask_pei(ue: Ue) -> Imei | Imeisv | None:
    """§5.4.3.2, of a UE that gave none with SECURITY MODE COMPLETE: the IMEISV, else the IMEI. None: it has neither."""
    for kind in (nas.IdentityType.IMEISV, nas.IdentityType.IMEI):
        request = nas.IdentityRequest(identity_type=kind)
        response = await ue.ask(request, nas.IdentityResponse, timer=T3570)
        if isinstance(response.mobile_identity, Imei | Imeisv):
            return response.mobile_identity
    return None


async def ask_suci(ue: Ue) -> Suci | SuciNai:
    request = nas.IdentityRequest(identity_type=nas.IdentityType.SUCI)
    response = await ue.ask(request, nas.IdentityResponse, timer=T3570)
    if not isinstance(response.mobile_identity, Suci | SuciNai):
        cause = nas.GmmCause.UE_IDENTITY_CANNOT_BE_DERIVED_BY_THE_NETWORK
        raise Refused(nas.RegistrationReject(cause=cause), "asked for a SUCI, got another identity")
    return response.mobile_identity
