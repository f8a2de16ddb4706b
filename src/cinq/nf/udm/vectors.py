"""ARPF: authentication vectors of one subscriber, TS 33.501 §6.1.3; sequence numbers, TS 33.102 §6.3 and annex C."""

from __future__ import annotations

from cinq.crypto.aka import MacFailure, auts_sqn, generate_eap_vector, generate_vector
from cinq.nf.udm.context import Credentials
from cinq.procedure import Why
from cinq.sbi import Problem
from cinq.sbi.services.nausf_ueauthentication import AuthType, ResynchronizationInfo
from cinq.sbi.services.nudm_ueau import AuthenticationInfoResult, Av5GHeAka, AvEapAkaPrime

DELTA = 1 << 28  # TS 33.102 §C.2.1: a USIM takes no SEQ that lies further ahead than this


def last_sqn(supi: str, subscriber: Credentials, info: ResynchronizationInfo | None) -> int:
    """The sequence number after which the next is counted (TS 33.102 §6.3.5). Problem 403: AUTS is another's.

    Where the USIM would take the next one in any case SQN_HE stays: several challenges may be under way, and a
    number that one of them has must not come again.
    """
    if info is None:
        return subscriber.sqn
    try:
        rand, auts = bytes.fromhex(info.rand), bytes.fromhex(info.auts)
        sqn_ms = auts_sqn(subscriber.algorithm, subscriber.k, subscriber.opc, rand, auts)
    except (MacFailure, ValueError) as error:
        mend = f"cinq subscriber show {supi} --keys compares K and OPc with those of the USIM"
        raise Problem(
            403, "AUTHENTICATION_REJECTED", Why(f"resynchronisation of {supi}: {error}", mend)
        ) from None
    ahead = (subscriber.next_sqn(subscriber.sqn) >> subscriber.ind_length) - (sqn_ms >> subscriber.ind_length)
    return subscriber.sqn if 0 < ahead <= DELTA else sqn_ms


def vector(
    method: AuthType, supi: str, subscriber: Credentials, rand: bytes, sqn: int, network: str
) -> AuthenticationInfoResult:
    """A vector of the subscriber's method for a sequence number that is durable."""
    given = (subscriber.algorithm, subscriber.k, subscriber.opc, rand, sqn, subscriber.amf, network)
    av: Av5GHeAka | AvEapAkaPrime
    if method == "EAP_AKA_PRIME":
        eap = generate_eap_vector(*given)
        av = AvEapAkaPrime(
            rand=eap.rand.hex(),
            xres=eap.xres.hex(),
            autn=eap.autn.hex(),
            ck_prime=eap.ck_prime.hex(),
            ik_prime=eap.ik_prime.hex(),
        )
    else:
        aka = generate_vector(*given)
        av = Av5GHeAka(
            rand=aka.rand.hex(), xres_star=aka.xres_star.hex(), autn=aka.autn.hex(), kausf=aka.kausf.hex()
        )
    return AuthenticationInfoResult(auth_type=method, authentication_vector=av, supi=supi)
