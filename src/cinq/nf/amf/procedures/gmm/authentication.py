"""Primary authentication, TS 33.501 §6.1.3, TS 24.501 §5.4.1: by EAP-AKA' or 5G AKA, as the subscription says."""

from __future__ import annotations

import hmac

from msgspec import Struct

from cinq.crypto import kdf
from cinq.nf.amf.context import SecurityContext
from cinq.nf.amf.ports import Home
from cinq.nf.amf.procedures.gmm.identity import ask_suci
from cinq.nf.amf.ue import Ue
from cinq.numbering import Supi
from cinq.procedure import Refused, Timer, TimerExpired, Why
from cinq.sbi import Problem
from cinq.sbi.services.nausf_ueauthentication import (
    AuthenticationInfo,
    Av5gAka,
    ConfirmationData,
    EapSession,
    ResynchronizationInfo,
)
from cinq.wire import nas
from cinq.wire.nas import GmmCause

T3560 = Timer("T3560", 6.0)
ABBA = b"\0\0"
NO_KEY = 7
BY_GUTI = "imsi-"  # a SUPI, of a UE that gave its temporary identity
FOREIGN = 0  # an EAP packet that answers nothing, among the failures that are forgiven
UNANSWERED = 504  # of an AUSF that is silent
LOST = -1  # the AUSF knows nothing of the challenge any more


class AkaChallenge(Struct, frozen=True, gc=False):
    """5G SE AV. home: whose AUSF it is of. identifier: of the authentication there."""

    home: Home
    identifier: str
    rand: bytes
    autn: bytes
    hxres_star: bytes


class EapChallenge(Struct, frozen=True, gc=False):
    """An EAP request for the UE."""

    home: Home
    identifier: str
    packet: bytes


class Authenticated(Struct, frozen=True, gc=False):
    """eap_success: what the next SECURITY MODE COMMAND carries (TS 33.501 §6.1.3.1 step 10), None after 5G AKA."""

    supi: Supi
    keys: SecurityContext
    eap_success: bytes | None = None


Challenge = AkaChallenge | EapChallenge


async def authenticate(ue: Ue, identity: str, in_use: nas.NgKsi) -> Authenticated:
    """Steps 8 and 9. identity: SUCI or SUPI. in_use: the key set that the UE says it has.

    Each kind of failure is forgiven once: synchronisation (#21) by a vector after AUTS, a wrong MAC (#20, #26)
    by asking for the SUCI, a key set in use (#71) by another one. A wrong answer of a UE that came with its 5G-GUTI is
    met by asking for the SUCI as well: it may be another's (§5.4.1.3.5, TS 33.501 §6.1.3.2.2). Anything more is
    final. When T3560 expires for the last time the UE loses its connection as well (TS 24.501 §5.4.1.3.7 b)).
    """
    ksi = (in_use.value + 1) % NO_KEY if in_use.value != NO_KEY else 0
    forgiven: set[int] = set()
    challenge = await challenge_for(ue, identity, None)
    while True:
        try:
            answer = await ue.ask(
                request_of(challenge, ksi),
                nas.AuthenticationResponse,
                nas.AuthenticationFailure,
                timer=T3560,
            )
        except TimerExpired:
            ue.release_soon()
            raise
        if isinstance(answer, nas.AuthenticationResponse):
            try:
                judged = await judge(ue, challenge, answer, ksi)
            except (Problem, Refused) as failed:
                identity, challenge = await after(failed, ue, identity, challenge, forgiven)
                continue
            if isinstance(judged, Authenticated):
                return judged
            challenge = judged
            continue
        kind = _kind(answer.cause)
        forgive(
            forgiven, kind, Why(f"the UE finds the challenge not genuine: {cause_words(answer.cause)}", KEYS)
        )
        if kind == GmmCause.SYNCH_FAILURE and answer.auts is not None and isinstance(challenge, AkaChallenge):
            lost = ResynchronizationInfo(rand=challenge.rand.hex(), auts=answer.auts.hex())
            challenge = await challenge_for(ue, identity, lost)
        elif kind == GmmCause.MAC_FAILURE:
            identity = str(await ask_suci(ue))
            challenge = await challenge_for(ue, identity, None)
        elif kind == GmmCause.NGKSI_ALREADY_IN_USE:
            ksi = (ksi + 1) % NO_KEY
        else:
            raise Refused(nas.AuthenticationReject(), Why(f"the UE says {cause_words(answer.cause)}"))


async def after(
    failed: Problem | Refused, ue: Ue, identity: str, challenge: Challenge, forgiven: set[int]
) -> tuple[str, Challenge]:
    """Whom to challenge, and by what, after an answer that proved nothing. Refused, Problem: nobody."""
    if isinstance(failed, Problem):
        forgive(forgiven, _unjudged(failed), failed.why)
        if failed.status == 400:
            return identity, challenge
        if failed.status == UNANSWERED:
            identity = str(await ask_suci(ue))
    elif identity.startswith(BY_GUTI):
        identity = str(await ask_suci(ue))
    else:
        raise failed
    return identity, await challenge_for(ue, identity, None)


KEYS = "compare K and OPc of the USIM with those provisioned: cinq subscriber show IMSI --keys"


def forgive(forgiven: set[int], kind: int, why: Why) -> None:
    """Once; Refused the second time. An authentication that the AUSF has lost is nobody's fault: no reject of the
    USIM (TS 24.501 §5.4.1.3.5), the UE tries again after T3346."""
    if kind in forgiven:
        answer = (
            nas.RegistrationReject(cause=GmmCause.CONGESTION) if kind == LOST else nas.AuthenticationReject()
        )
        raise Refused(answer, Why(f"{why}, twice", why.mend))
    forgiven.add(kind)


def _kind(cause: int) -> int:
    return GmmCause.MAC_FAILURE if cause == GmmCause.NON_5G_AUTHENTICATION_UNACCEPTABLE else cause


def _unjudged(problem: Problem) -> int:
    """An answer that the AUSF could not judge: 400 stands for an EAP packet to be ignored, 404 for a lost context.

    One that is silent: the UE is asked for its SUCI, TS 33.501 §6.1.3.2.2.
    """
    if problem.status == 400:
        return FOREIGN
    if problem.status == UNANSWERED:
        return LOST
    if problem.status == 404 and problem.cause == "CONTEXT_NOT_FOUND":
        return LOST
    raise problem


def cause_words(cause: int) -> str:
    """'#20 MAC failure'."""
    try:
        return f"#{cause} {GmmCause(cause).name.replace('_', ' ').lower().replace('mac', 'MAC')}"
    except ValueError:
        return f"#{cause}"


def request_of(challenge: Challenge, ksi: int) -> nas.AuthenticationRequest:
    """AUTHENTICATION REQUEST, TS 24.501 §8.2.1."""
    if isinstance(challenge, EapChallenge):
        return nas.AuthenticationRequest(ng_ksi=nas.NgKsi(ksi), abba=ABBA, eap_message=challenge.packet)
    return nas.AuthenticationRequest(
        ng_ksi=nas.NgKsi(ksi), abba=ABBA, rand=challenge.rand, autn=challenge.autn
    )


async def challenge_for(ue: Ue, identity: str, lost: ResynchronizationInfo | None) -> Challenge:
    """Nausf_UEAuthentication_Authenticate. Problem: as the AUSF refuses."""
    home = ue.ports.home(identity)
    created = await home.nausf.authenticate(
        AuthenticationInfo(
            supi_or_suci=identity,
            serving_network_name=ue.ports.serving(ue.plmn).network,
            resynchronization_info=lost,
        )
    )
    data = created.body.auth_data_5g
    if not isinstance(data, Av5gAka):
        return EapChallenge(home, created.id, data)
    rand, autn, hxres_star = map(bytes.fromhex, (data.rand, data.autn, data.hxres_star))
    return AkaChallenge(home, created.id, rand, autn, hxres_star)


async def judge(
    ue: Ue, challenge: Challenge, response: nas.AuthenticationResponse, ksi: int
) -> Authenticated | Challenge:
    """What the networks make of the UE's answer; a challenge when the EAP exchange goes on. Problem: see _unjudged."""
    if isinstance(challenge, EapChallenge):
        return await judge_eap(ue, challenge, response.eap_message or b"", ksi)
    return await judge_res(ue, challenge, response.res, ksi)


async def judge_res(ue: Ue, challenge: AkaChallenge, res: bytes | None, ksi: int) -> Authenticated:
    """The visited network compares HRES*, the home network RES* (TS 33.501 §6.1.3.2.0 steps 9 to 12)."""
    holds = res is not None and hmac.compare_digest(kdf.hres_star(challenge.rand, res), challenge.hxres_star)
    answer = await challenge.home.nausf.confirm_5g_aka(
        challenge.identifier, ConfirmationData(res_star=res.hex() if holds and res is not None else None)
    )
    if not holds or answer.auth_result != "AUTHENTICATION_SUCCESS" or not answer.supi or not answer.kseaf:
        raise Refused(nas.AuthenticationReject(), answer.reason)
    check_home(ue, challenge.home, answer.supi)
    return Authenticated(*keys_of(answer.supi, answer.kseaf, ksi))


async def judge_eap(ue: Ue, challenge: EapChallenge, packet: bytes, ksi: int) -> Authenticated | EapChallenge:
    """TS 33.501 §6.1.3.1 steps 6 to 11. EAP-Failure goes to the UE in AUTHENTICATION REJECT (TS 24.501 §5.4.1.2.2)."""
    answer = await challenge.home.nausf.eap_session(challenge.identifier, EapSession(eap_payload=packet))
    if answer.auth_result == "AUTHENTICATION_ONGOING" and answer.eap_payload:
        return EapChallenge(challenge.home, challenge.identifier, answer.eap_payload)
    if answer.auth_result != "AUTHENTICATION_SUCCESS" or not answer.supi or not answer.kseaf:
        raise Refused(nas.AuthenticationReject(eap_message=answer.eap_payload), answer.reason)
    check_home(ue, challenge.home, answer.supi)
    supi, keys = keys_of(answer.supi, answer.kseaf, ksi)
    return Authenticated(supi, keys, answer.eap_payload)


def check_home(ue: Ue, home: Home, supi: str) -> None:
    """A network names its own subscribers and nobody else's. Refused: another's, whose session it would take over."""
    if ue.ports.home(supi).plmn != home.plmn:
        named = "this network" if home.plmn is None else f"PLMN {home.plmn}"
        why = Why(f"the AUSF of {named} answers with a SUPI that is not of it")
        raise Refused(nas.AuthenticationReject(), why)


def keys_of(supi: str, kseaf: str, ksi: int) -> tuple[Supi, SecurityContext]:
    """KAMF, TS 33.501 §A.7; algorithms are chosen by the security mode procedure."""
    named = Supi.parse(supi)
    kamf = kdf.kamf(bytes.fromhex(kseaf), named.imsi, ABBA)
    return named, SecurityContext(ksi=ksi, kamf=kamf, integrity=0, ciphering=0)
