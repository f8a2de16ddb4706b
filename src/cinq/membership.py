"""What the functions of a process are to the others: registered, alive, and told again of what others may have lost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from functools import partial

from cinq.procedure import Runtime
from cinq.sbi import Problem
from cinq.sbi.json_patch import PatchItem
from cinq.sbi.nf_profile import NFProfile
from cinq.sbi.services.nnrf import NnrfNFManagement
from cinq.sbi.whole import Whole
from cinq.service_interface import ServiceInterface

log = logging.getLogger("cinq.network")

RETRY_S = 1.0  # until what another process must be there for is tried again
LEAVE_S = 1.0  # for the NRF to hear that a function goes
HEARTBEAT = [PatchItem(op="replace", path="/nfStatus", value="REGISTERED")]

Step = Callable[[], Coroutine[object, None, object]]


class Membership:
    """interval: seconds between heartbeats, at most; an NRF may want them more often.

    alone: nothing of the network is in another process.
    """

    def __init__(self, sbi: ServiceInterface, runtime: Runtime, interval: float, *, alone: bool) -> None:
        self._sbi = sbi
        self._runtime = runtime
        self._interval = interval
        self._alone = alone
        self._profiles: list[NFProfile] = []

    async def serve(self, services: list[tuple[type, object]], profile: NFProfile) -> None:
        """Offered, and registered (TS 29.510 §5.2.2.2): the NRF gives access tokens to those that it knows."""
        profile = self._sbi.serve(services, profile)
        await self._there(partial(self._register, profile), "the NRF")
        self._profiles.append(profile)
        if (
            not self._alone and len(self._profiles) == 1
        ):  # those that follow may wait long for another process
            self._often(self._heartbeats, "heartbeats")

    async def subscribes(self, start: Step, who: str) -> None:
        """What a function wants to hear of others; told again at times, since another process may have begun anew.

        One that has nothing to tell is no reason not to serve: what changes there is heard of at the next question.
        """
        try:
            await self._there(start, f"whom the {who} subscribes at")
        except Problem as problem:
            if self._alone:
                raise
            log.warning("the %s hears of no changes, its subscription is refused: %s", who, problem)
        if not self._alone:
            self._often(partial(_once, start), f"subscriptions of the {who}")

    def keep_alive(self, silent: Step | None) -> None:
        """Heartbeats of every function. silent: of the NRF, to be called as often."""
        if self._alone:
            self._often(self._heartbeats, "heartbeats")
        if silent is not None:
            self._often(silent, "silent functions")
        self._runtime.spawn(partial(_once, self._sbi.hear_of_others), "status of others")

    async def leave(self) -> None:
        """Registered no more (TS 29.510 §5.2.2.4), so that nobody is sent to where nothing is. Idempotent.

        The NRF may be gone first; then it finds out by the heartbeats that do not come.
        """
        profiles, self._profiles = self._profiles, []
        for profile in reversed(profiles):
            nrf = self._sbi.bus.client(NnrfNFManagement, profile.nf_type)
            try:
                async with asyncio.timeout(LEAVE_S):
                    await nrf.nf_deregister(profile.nf_instance_id)
            except (Problem, TimeoutError) as error:
                log.debug("%s leaves without a word: %s", profile.nf_type, error)
                return

    def _often(self, step: Step, name: str) -> None:
        self._runtime.every(self._interval, lambda: self._runtime.spawn(step, name), name)

    async def _there(self, step: Step, what: str) -> None:
        """A step that needs another process, tried until that is there. Problem: it refuses."""
        said = False
        while True:
            try:
                await step()
                return
            except Problem as problem:
                if self._alone or problem.status < 500:
                    raise
                if not said:
                    log.warning("waiting for %s: %s", what, problem)
                    said = True
            await asyncio.sleep(RETRY_S)

    async def _register(self, profile: NFProfile) -> None:
        nrf = self._sbi.bus.client(NnrfNFManagement, profile.nf_type)
        made = await nrf.nf_register(profile.nf_instance_id, Whole.of(profile))
        wanted = made.body.read.heart_beat_timer  # the NRF's word counts (TS 29.510 §5.2.2.2.2)
        if wanted:
            self._interval = min(self._interval, float(wanted))

    async def _heartbeats(self) -> None:
        for profile in self._profiles:
            nrf = self._sbi.bus.client(NnrfNFManagement, profile.nf_type)
            try:
                await nrf.nf_update(profile.nf_instance_id, HEARTBEAT)
            except Problem:
                await _once(partial(self._register, profile))


async def _once(step: Step) -> None:
    """A step that comes again by itself: what is in its way now is not said."""
    try:
        await step()
    except Problem as problem:
        log.debug("not now: %s", problem)
