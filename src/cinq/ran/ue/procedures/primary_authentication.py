"""Primary authentication and key agreement, TS 24.501 §5.4.1: by 5G AKA (§5.4.1.3) or EAP-AKA' (§5.4.1.2.2)."""

from __future__ import annotations

from cinq.crypto import aka, kdf
from cinq.procedure import procedure
from cinq.ran.ue.context import Received
from cinq.ran.ue.eap_peer import SEPARATION_BIT, Unanswered, answer
from cinq.ran.ue.faults import Fault
from cinq.ran.ue.security import KeySet
from cinq.ran.ue.ue import Ue
from cinq.ran.ue.usim import MacFailed, SynchFailed
from cinq.wire import nas
from cinq.wire.nas import GmmCause

MAX_FAILURES = 3  # consecutive; then the network is not genuine, §5.4.1.3.7
T3520_S = 15
OTHER_NETWORK = "5G:mnc000.mcc000.3gppnetwork.org"


@procedure(opens=nas.AuthenticationRequest)
async def primary_authentication(ue: Ue, received: Received) -> None:
    """The ngKSI is judged first, then the challenge by its method (§5.4.1.3.3, §5.4.1.2.2.3)."""
    request = received.message
    assert isinstance(request, nas.AuthenticationRequest)
    ue.timers.stop("T3520")
    if request.eap_message is None and (request.rand is None or request.autn is None):
        ue.tell(nas.FiveGMMStatus(cause=GmmCause.CONDITIONAL_IE_ERROR))
        return
    if request.rand is not None and ue.response is not None and ue.response[0] == request.rand:
        ue.tell(nas.AuthenticationResponse(res=ue.response[1]))  # T3516: the same answer again
        return
    current = ue.security.current
    in_use = current is not None and current.keys.ksi == request.ng_ksi.value
    if request.ng_ksi.value == 7 or in_use or ue.faults.takes(Fault.NGKSI_IN_USE):
        _fail(ue, GmmCause.NGKSI_ALREADY_IN_USE)
    elif request.eap_message is not None:
        _eap_aka_prime(ue, request, request.eap_message)
    else:
        _aka(ue, request)


def _aka(ue: Ue, request: nas.AuthenticationRequest) -> None:
    """5G AKA, §5.4.1.3.3 and §5.4.1.3.6. A challenge answered before is answered the same again (T3516)."""
    assert request.rand is not None
    assert request.autn is not None
    judged = ue.usim.challenge(request.rand, request.autn, ue.faults)
    if isinstance(judged, MacFailed):
        _fail(ue, GmmCause.MAC_FAILURE)
    elif isinstance(judged, SynchFailed):
        _fail(ue, GmmCause.SYNCH_FAILURE, judged.auts)
    elif not judged.amf[0] & SEPARATION_BIT or ue.faults.takes(Fault.NOT_5G):
        _fail(ue, GmmCause.NON_5G_AUTHENTICATION_UNACCEPTABLE)
    else:
        _answer(ue, request, judged)


def _answer(ue: Ue, request: nas.AuthenticationRequest, judged: aka.Challenge) -> None:
    assert request.rand is not None
    serving = OTHER_NETWORK if ue.faults.takes(Fault.WRONG_KDF_INPUT) else ue.camp.serving_network
    kausf = judged.kausf(serving)
    kseaf = kdf.kseaf(kausf, serving)
    ue.security.partial = KeySet.of(request.ng_ksi.value, kseaf, ue.settings.imsi, request.abba, kausf)
    ue.authentication_failures = 0
    res_star = judged.res_star(serving, request.rand)
    if ue.faults.takes(Fault.WRONG_RES):
        res_star = bytes(octet ^ 0xFF for octet in res_star)
    ue.response = (request.rand, res_star)
    ue.tell(nas.AuthenticationResponse(res=res_star))


def _eap_aka_prime(ue: Ue, request: nas.AuthenticationRequest, octets: bytes) -> None:
    """§5.4.1.2.2.3 to §5.4.1.2.2.5: every answer but that to an ngKSI is an EAP response."""
    try:
        answered = answer(octets, ue.usim, ue.camp.serving_network, ue.faults)
    except Unanswered as reason:
        ue.runtime.report(ue, primary_authentication.name, request, f"ignored: {reason}")
        return
    if answered.keys is not None:
        kausf = answered.keys.kausf
        kseaf = kdf.kseaf(kausf, ue.camp.serving_network)
        ue.security.partial = KeySet.of(request.ng_ksi.value, kseaf, ue.settings.imsi, request.abba, kausf)
        ue.authentication_failures = 0
    elif answered.reason:
        ue.runtime.report(ue, primary_authentication.name, request, f"not accepted: {answered.reason}")
    ue.tell(nas.AuthenticationResponse(eap_message=answered.octets))


@procedure(opens=nas.AuthenticationResult)
async def authentication_result(ue: Ue, received: Received) -> None:
    """§5.4.1.2.2.8: EAP-Success or EAP-Failure. The keys know of it already (N1Security)."""
    result = received.message
    assert isinstance(result, nas.AuthenticationResult)
    if ue.security.partial is None:
        ue.runtime.report(ue, authentication_result.name, result, "the keys of the challenge are forgotten")


def _fail(ue: Ue, cause: GmmCause, auts: bytes | None = None) -> None:
    """AUTHENTICATION FAILURE; after three in a row, or T3520 without an answer, the network is not genuine.

    §5.4.1.3.7.
    """
    ue.authentication_failures += 1
    ue.response = None
    ue.tell(nas.AuthenticationFailure(cause=cause, auts=auts))
    if cause == GmmCause.NGKSI_ALREADY_IN_USE:
        return
    if ue.authentication_failures >= MAX_FAILURES:
        _not_genuine(ue)
    else:
        ue.timers.start("T3520", T3520_S, lambda: _not_genuine(ue))


def _not_genuine(ue: Ue) -> None:
    """The cell is left alone."""
    ue.authentication_failures = 0
    ue.timers.stop("T3520")
    ue.link.fail()
    ue.on_released("the network is not genuine")
