"""Primary authentication by 5G AKA, TS 33.501 §6.1.3.2, TS 24.501 §5.4.1.3."""

from __future__ import annotations

import hmac

from msgspec import Struct

from cinq.crypto import kdf
from cinq.nf.amf.context import SecurityContext
from cinq.nf.amf.procedures.gmm.identity import ask_suci
from cinq.nf.amf.ue import Ue
from cinq.numbering import Supi
from cinq.procedure import Refused, Timer, TimerExpired, Why
from cinq.sbi import Problem
from cinq.sbi.services.nausf_ueauthentication import (
    AuthenticationInfo,
    Av5gAka,
    ConfirmationData,
    ResynchronizationInfo,
)
from cinq.wire import nas
from cinq.wire.nas import GmmCause

T3560 = Timer("T3560", 6.0)
ABBA = b"\0\0"
NO_KEY = 7


class Challenge(Struct, frozen=True, gc=False):
    identifier: str
    rand: bytes
    autn: bytes
    hxres_star: bytes


async def authenticate(ue: Ue, identity: str, in_use: nas.NgKsi) -> tuple[Supi, SecurityContext]:
    """Steps 8 and 9. identity: SUCI or SUPI. in_use: the key set that the UE says it has.

    Each kind of failure is forgiven once: synchronisation (#21) by a vector after AUTS, a wrong MAC (#20, #26)
    by asking for the SUCI, a key set in use (#71) by another one. Anything more is final. When T3560 expires for
    the last time the UE loses its connection as well (TS 24.501 §5.4.1.3.7 b)).
    """
    ksi = (in_use.value + 1) % NO_KEY if in_use.value != NO_KEY else 0
    forgiven: set[int] = set()
    challenge = await challenge_for(ue, identity, None)
    while True:
        request = nas.AuthenticationRequest(
            ng_ksi=nas.NgKsi(ksi), abba=ABBA, rand=challenge.rand, autn=challenge.autn
        )
        try:
            answer = await ue.ask(request, nas.AuthenticationResponse, nas.AuthenticationFailure, timer=T3560)
        except TimerExpired:
            ue.release_soon()
            raise
        if isinstance(answer, nas.AuthenticationResponse):
            return await confirm(ue, challenge, answer, ksi)
        kind = (
            GmmCause.MAC_FAILURE
            if answer.cause == GmmCause.NON_5G_AUTHENTICATION_UNACCEPTABLE
            else answer.cause
        )
        if kind in forgiven:
            raise Refused(nas.AuthenticationReject(), f"authentication failure {answer.cause!r} again")
        forgiven.add(kind)
        if kind == GmmCause.SYNCH_FAILURE and answer.auts is not None:
            lost = ResynchronizationInfo(rand=challenge.rand.hex(), auts=answer.auts.hex())
            challenge = await challenge_for(ue, identity, lost)
        elif kind == GmmCause.MAC_FAILURE:
            identity = str(await ask_suci(ue))
            challenge = await challenge_for(ue, identity, None)
        elif kind == GmmCause.NGKSI_ALREADY_IN_USE:
            ksi = (ksi + 1) % NO_KEY
        else:
            raise Refused(nas.AuthenticationReject(), f"authentication failure {answer.cause!r}")


async def challenge_for(ue: Ue, identity: str, lost: ResynchronizationInfo | None) -> Challenge:
    """Nausf_UEAuthentication_Authenticate. Problem: as the AUSF refuses."""
    created = await ue.ports.nausf.authenticate(
        AuthenticationInfo(
            supi_or_suci=identity, serving_network_name=ue.ports.serving_network, resynchronization_info=lost
        )
    )
    data = created.body.auth_data_5g
    if not isinstance(data, Av5gAka):
        why = Why("the subscription asks for EAP-AKA', which this AMF does not carry yet")
        raise Refused(nas.AuthenticationReject(), why)
    rand, autn, hxres_star = map(bytes.fromhex, (data.rand, data.autn, data.hxres_star))
    return Challenge(created.id, rand, autn, hxres_star)


async def confirm(
    ue: Ue, challenge: Challenge, response: nas.AuthenticationResponse, ksi: int
) -> tuple[Supi, SecurityContext]:
    """The visited network compares HRES*, the home network RES* (§6.1.3.2.0 steps 9 to 12)."""
    res = response.res
    holds = res is not None and hmac.compare_digest(kdf.hres_star(challenge.rand, res), challenge.hxres_star)
    try:
        answer = await ue.ports.nausf.confirm_5g_aka(
            challenge.identifier, ConfirmationData(res_star=res.hex() if holds and res is not None else None)
        )
    except Problem as problem:
        if problem.status == 404:
            raise Refused(nas.AuthenticationReject(), "the challenge was overtaken by another") from None
        raise
    if not holds or answer.auth_result != "AUTHENTICATION_SUCCESS" or not answer.supi or not answer.kseaf:
        raise Refused(nas.AuthenticationReject(), "RES* is wrong")
    supi = Supi.parse(answer.supi)
    kamf = kdf.kamf(bytes.fromhex(answer.kseaf), supi.imsi, ABBA)
    return supi, SecurityContext(ksi=ksi, kamf=kamf, integrity=0, ciphering=0)
