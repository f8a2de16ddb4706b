"""A UE that lives a life of chance: for soak tests and for finding what a core forgets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal

from cinq.procedure import Aborted, Refused, TimerExpired
from cinq.ran.ue import Ue
from cinq.wire import nas

Step = Literal[
    "register",
    "periodic",
    "deregister",
    "switch off",
    "session",
    "release session",
    "lose the radio link",
    "service request",
    "wait",
]
Choose = Callable[[int], int]
"""A number from 0 to one less than the argument."""


def possible(ue: Ue) -> tuple[Step, ...]:
    """What the UE can do in its present state."""
    if not ue.context.registered:
        return ("register", "wait")
    steps: list[Step] = ["periodic", "deregister", "switch off", "wait"]
    steps.append("release session" if ue.sessions else "session")
    steps.append("lose the radio link" if ue.link.connected else "service request")
    return tuple(steps)


async def churn(ue: Ue, choose: Choose, steps: int, pause_s: float = 0.1) -> list[tuple[Step, str]]:
    """Take so many steps by chance. Returns each with what was in its way, "" for nothing."""
    taken: list[tuple[Step, str]] = []
    for _ in range(steps):
        options = possible(ue)
        step = options[choose(len(options))]
        try:
            await _take(ue, step, pause_s)
        except (Refused, TimerExpired, Aborted) as error:
            taken.append((step, str(error) or type(error).__name__))
        else:
            taken.append((step, ""))
    return taken


async def _take(ue: Ue, step: Step, pause_s: float) -> None:
    match step:
        case "register":
            await ue.register()
        case "periodic":
            await ue.register(nas.RegistrationKind.PERIODIC)
        case "deregister":
            await ue.deregister()
        case "switch off":
            await ue.deregister(switch_off=True)
        case "session":
            await ue.establish_session()
        case "release session":
            await ue.release_session(next(iter(ue.sessions)))
        case "lose the radio link":
            ue.link.fail()
            ue.on_released("radio link failure")
        case "service request":
            await ue.request_service()
        case "wait":
            await asyncio.sleep(pause_s)
