"""The runtime of the control plane: subjects, procedures, verdicts, undo, timers, journal and clocks.

The only room that makes tasks and the only one that catches cancellation. A subject (a UE for 5GMM, a PDU
session for 5GSM, an association for NGAP and PFCP) runs one procedure at a time; `@procedure` says which
message opens it and `@collision` what a message that is not awaited meets.
"""

from cinq.procedure.clock import Clock, RealClock, VirtualClock
from cinq.procedure.inside import Inside
from cinq.procedure.journal import ON_BEHALF, Event, Journal
from cinq.procedure.loop import ServingLoop
from cinq.procedure.runtime import Runtime, collect_seldom
from cinq.procedure.signal import Signal
from cinq.procedure.subject import Subject
from cinq.procedure.table import Procedure, collision, procedure
from cinq.procedure.undo import Undo
from cinq.procedure.verdict import (
    ABORT,
    BESIDE,
    DEFER,
    ENDED,
    IGNORE,
    RESEND,
    STATUS,
    Aborted,
    Declined,
    Refused,
    Timer,
    TimerExpired,
    Verdict,
    Why,
    outcome,
)
from cinq.procedure.virtual import Stuck, VirtualClockLoop, run_virtual

__all__ = [
    "ABORT",
    "BESIDE",
    "DEFER",
    "ENDED",
    "IGNORE",
    "ON_BEHALF",
    "RESEND",
    "STATUS",
    "Aborted",
    "Clock",
    "Declined",
    "Event",
    "Inside",
    "Journal",
    "Procedure",
    "RealClock",
    "Refused",
    "Runtime",
    "ServingLoop",
    "Signal",
    "Stuck",
    "Subject",
    "Timer",
    "TimerExpired",
    "Undo",
    "Verdict",
    "VirtualClock",
    "VirtualClockLoop",
    "Why",
    "collect_seldom",
    "collision",
    "outcome",
    "procedure",
    "run_virtual",
]
