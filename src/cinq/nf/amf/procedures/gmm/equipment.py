"""Identity check of mobile equipment, TS 23.502 §4.7, and what follows of what the 5G-EIR says."""

from __future__ import annotations

from cinq.nf.amf import journal, signals
from cinq.nf.amf.context import Leaving
from cinq.nf.amf.procedures.gmm.identity import ask_pei
from cinq.nf.amf.procedures.gmm.refusals import congestion, rejected
from cinq.nf.amf.ue import Ue
from cinq.procedure import Refused, Why
from cinq.sbi import Problem
from cinq.sbi.services.n5g_eir import EirResponseData
from cinq.wire import nas
from cinq.wire.nas import GmmCause, RegistrationKind

PERMITTED = EirResponseData(status="WHITELISTED")
OPEN = '[eir] check = "fail-open" lets it in'


async def check(ue: Ue, request: nas.RegistrationRequest) -> None:
    """Step 12 of registration (TS 23.502 §4.2.2.2.2). #6 for equipment that is on the prohibited list (TS 24.501 annex
    A.1). No emergency registration is kept from its end by it; nor, where the settings say fail-open, is any other by a
    5G-EIR that does not answer or by a UE that gives no PEI."""
    settings = ue.ports.settings
    if settings.equipment_check == "off" or request.registration_type.value == RegistrationKind.EMERGENCY:
        return
    closed = settings.equipment_check == "fail-closed"
    pei = ue.context.pei or await learned(ue)
    if pei is None:
        why = Why("the UE gives no PEI: neither IMEISV nor IMEI", f"the phone; {OPEN}")
        if closed:
            raise Refused(rejected(GmmCause.ILLEGAL_ME), why)
        journal.note(ue, f"its equipment is not checked: {why}")
        return
    try:
        answer = await ask(ue, pei)
    except Problem as problem:
        if not closed:
            journal.note(ue, Why(f"its equipment is not checked: {problem.why}", problem.why.mend))
            return
        if problem.status == 404 and problem.cause == "ERROR_EQUIPMENT_UNKNOWN":
            raise Refused(
                rejected(GmmCause.ILLEGAL_ME), Why(f"{pei} is not known to the 5G-EIR", OPEN)
            ) from None
        raise Refused(congestion(ue), Why(f"the 5G-EIR does not answer: {problem.why}", OPEN)) from None
    if answer.status == "BLACKLISTED":
        raise Refused(rejected(GmmCause.ILLEGAL_ME), prohibited(pei, answer))
    if answer.status == "GREYLISTED":
        journal.note(ue, f"{pei} is tracked: {answer.why or 'it is on no list'}")


async def check_again(ue: Ue) -> None:
    """Of a UE that is registered: lists have changed, or a rule holds from today on. No answer changes nothing."""
    pei = ue.context.pei
    if ue.ports.settings.equipment_check == "off" or pei is None or ue.context.rm_state != "RM-REGISTERED":
        return
    try:
        answer = await ask(ue, pei)
    except Problem as problem:
        journal.note(ue, f"its equipment is not checked: {problem.why}")
        return
    if answer.status == "BLACKLISTED" and not answer.may_stay and ue.context.rm_state == "RM-REGISTERED":
        why = prohibited(pei, answer)
        ue.want(signals.Deregister(Leaving(GmmCause.ILLEGAL_ME, str(why), why.mend)))


async def learned(ue: Ue) -> str | None:
    """The PEI, as the UE gives it when asked; kept for next time."""
    identity = await ask_pei(ue)
    if identity is None:
        return None
    ue.commit(pei=str(identity))
    return str(identity)


async def ask(ue: Ue, pei: str) -> EirResponseData:
    return await ue.ports.eir.get_equipment_status(pei, str(ue.context.supi), None)


def prohibited(pei: str, answer: EirResponseData) -> Why:
    why = answer.why or "the 5G-EIR has it on its prohibited list"
    return Why(f"{pei} is prohibited: {why}", answer.mend or "the lists of the 5G-EIR: cinq eir list")
