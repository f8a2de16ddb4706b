"""Identification, TS 24.501 §5.4.3."""

from __future__ import annotations

from cinq.numbering import Imei, Imeisv, MobileIdentity, NoIdentity
from cinq.procedure import procedure
from cinq.ran.ue.context import Received
from cinq.ran.ue.ue import Ue
from cinq.wire import nas
from cinq.wire.nas import IdentityType


@procedure(opens=nas.IdentityRequest)
async def identification(ue: Ue, received: Received) -> None:
    """§5.4.3.3: the same SUCI while T3519 runs; 'no identity' for what the UE does not have."""
    request = received.message
    assert isinstance(request, nas.IdentityRequest)
    ue.tell(nas.IdentityResponse(mobile_identity=_identity(ue, request.identity_type)))


def _identity(ue: Ue, kind: int) -> MobileIdentity:
    guti, settings = ue.context.guti, ue.settings
    if kind == IdentityType.SUCI:
        return ue.suci()
    if kind == IdentityType.GUTI and guti is not None:
        return guti
    if kind == IdentityType.S_TMSI and guti is not None:
        return guti.s_tmsi
    if kind == IdentityType.IMEI and settings.imei:
        return Imei(settings.imei)
    if kind == IdentityType.IMEISV and settings.imeisv:
        return Imeisv(settings.imeisv)
    return NoIdentity()
