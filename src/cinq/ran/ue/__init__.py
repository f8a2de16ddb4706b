"""The emulated UE: USIM, 5GMM and 5GSM (TS 24.501, TS 33.501 §6), many to a process."""

from cinq.ran.ue import inbound as _declared
from cinq.ran.ue.context import SessionContext, UeContext
from cinq.ran.ue.session import Session
from cinq.ran.ue.settings import SessionSettings, UeSettings
from cinq.ran.ue.ue import Ue

__all__ = ["Session", "SessionContext", "SessionSettings", "Ue", "UeContext", "UeSettings"]

_ = _declared
