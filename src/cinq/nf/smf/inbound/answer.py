"""What the AMF is answered, TS 29.502 §6.1.6.2.5; and a procedure's end as an error of the SBI."""

from __future__ import annotations

from typing import TypeVar

from cinq.nf.smf.session import N1_PART, N2_PART, PduSession
from cinq.nf.smf.signals import LocalRelease
from cinq.procedure import Aborted, Refused, Signal, TimerExpired
from cinq.sbi.models import UpCnxState
from cinq.sbi.problem import Problem
from cinq.sbi.services.nsmf_pdusession import (
    HoState,
    N2SmInfoType,
    SmContextUpdatedData,
    UpdateSmContextResponse,
)

R = TypeVar("R")


def updated(
    state: UpCnxState | None,
    n1: bytes = b"",
    n2: bytes = b"",
    n2_type: N2SmInfoType | None = None,
    ho_state: HoState | None = None,
) -> UpdateSmContextResponse:
    data = SmContextUpdatedData(
        up_cnx_state=state,
        ho_state=ho_state,
        n1_sm_msg=N1_PART if n1 else None,
        n2_sm_info=N2_PART if n2 else None,
        n2_sm_info_type=n2_type,
    )
    return UpdateSmContextResponse(
        json_data=data, binary_data_n1_sm_message=n1 or None, binary_data_n2_sm_information=n2 or None
    )


async def demanded(session: PduSession, signal: Signal[R]) -> R:
    """The result of what the AMF wants. 504 when the UPF has not done its part, 409 when the session is going."""
    if session.is_releasing and not isinstance(signal, LocalRelease):
        raise Problem(409, "HIGHER_PRIORITY_REQUEST_ONGOING", "the session is being released")
    session.give_way("the AMF wants something else of the session")
    try:
        return await session.demand(signal)
    except Refused as refused:
        raise Problem(504, "UPF_NOT_RESPONDING", refused.reason) from None
    except (Aborted, TimerExpired) as ended:
        raise Problem(409, "HIGHER_PRIORITY_REQUEST_ONGOING", str(ended)) from None


async def let_go(session: PduSession, signal: Signal[None]) -> None:
    """As `demanded`, of what a session that is being released has done already."""
    if session.is_releasing:
        session.up_cnx_state = "DEACTIVATED"
        session.handover = None
        return
    await demanded(session, signal)
