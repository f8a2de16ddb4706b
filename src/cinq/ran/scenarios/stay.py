"""A UE that stays attached: what a phone in a drawer does."""

from __future__ import annotations

import asyncio
import logging

from cinq.procedure import Aborted, Refused, TimerExpired
from cinq.ran.ue import Ue

log = logging.getLogger("cinq.ran.scenarios")

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0


async def stay(ue: Ue) -> None:
    """Register, open the sessions, and again whenever a registration or a session is lost. Ends when it is cancelled,
    or with Refused when the network bars the USIM. Pauses double from 1 s to 60 s between failures."""
    changed = asyncio.Event()
    before, ue.on_change = ue.on_change, lambda _: changed.set()
    pause = FIRST_PAUSE_S
    try:
        while True:
            changed.clear()
            try:
                await _missing(ue)
                pause = FIRST_PAUSE_S
                await changed.wait()
            except (Refused, TimerExpired, Aborted) as error:
                if ue.context.barred:
                    raise
                log.info("%s: %s; again in %.0f s", ue.label, error, pause)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_S)
    finally:
        ue.on_change = before


async def _missing(ue: Ue) -> None:
    """What is not there yet."""
    if not ue.context.registered:
        await ue.register()
    for index in range(len(ue.settings.sessions)):
        if index + 1 not in ue.sessions:
            await ue.establish_session(index)
