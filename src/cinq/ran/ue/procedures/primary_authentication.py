"""Primary authentication and key agreement by 5G AKA, TS 24.501 §5.4.1.3."""

from __future__ import annotations

from cinq.crypto import kdf
from cinq.procedure import procedure
from cinq.ran.ue.context import Received
from cinq.ran.ue.security import KeySet
from cinq.ran.ue.ue import Ue
from cinq.ran.ue.usim import MacFailed, SynchFailed
from cinq.wire import nas
from cinq.wire.nas import GmmCause

_SEPARATION_BIT = 0x80  # of the AMF in AUTN, TS 33.501 §6.1.3.2.0 step 7
MAX_FAILURES = 3  # consecutive; then the network is not genuine, §5.4.1.3.7


@procedure(opens=nas.AuthenticationRequest)
async def primary_authentication(ue: Ue, received: Received) -> None:
    """§5.4.1.3.3 and §5.4.1.3.6. A challenge that was answered before is answered the same again (T3516)."""
    request = received.message
    assert isinstance(request, nas.AuthenticationRequest)
    if request.rand is None or request.autn is None:  # EAP is not for this USIM
        ue.tell(nas.FiveGMMStatus(cause=GmmCause.CONDITIONAL_IE_ERROR))
        return
    if ue.response is not None and ue.response[0] == request.rand:
        ue.tell(nas.AuthenticationResponse(res=ue.response[1]))
        return
    current = ue.security.current
    if request.ng_ksi.value == 7 or (current is not None and current.keys.ksi == request.ng_ksi.value):
        _fail(ue, GmmCause.NGKSI_ALREADY_IN_USE)
        return
    judged = ue.usim.challenge(request.rand, request.autn)
    if isinstance(judged, MacFailed):
        _fail(ue, GmmCause.MAC_FAILURE)
    elif isinstance(judged, SynchFailed):
        _fail(ue, GmmCause.SYNCH_FAILURE, judged.auts)
    elif not judged.amf[0] & _SEPARATION_BIT:
        _fail(ue, GmmCause.NON_5G_AUTHENTICATION_UNACCEPTABLE)
    else:
        information = ue.system_information
        plmn = ue.settings.plmn if information is None else information.plmn
        serving = kdf.snn(plmn.mcc, plmn.mnc)
        kseaf = kdf.kseaf(judged.kausf(serving), serving)
        kamf = kdf.kamf(kseaf, ue.settings.imsi, request.abba)
        ue.security.partial = KeySet(request.ng_ksi.value, kamf, request.abba)
        ue.authentication_failures = 0
        res_star = judged.res_star(serving, request.rand)
        ue.response = (request.rand, res_star)
        ue.tell(nas.AuthenticationResponse(res=res_star))


def _fail(ue: Ue, cause: GmmCause, auts: bytes | None = None) -> None:
    """AUTHENTICATION FAILURE; after three in a row the cell is left alone, §5.4.1.3.7."""
    ue.authentication_failures += 1
    ue.response = None
    ue.tell(nas.AuthenticationFailure(cause=cause, auts=auts))
    if ue.authentication_failures >= MAX_FAILURES:
        ue.authentication_failures = 0
        ue.link.fail()
        ue.on_released("the network is not genuine")
