"""Those who must not notice a stimulus: a golden UE that registers before and after it, and a bystander with a session.

And the bench itself: one that stood still says nothing of the target.
"""

from __future__ import annotations

import asyncio

from cinq.assurance.trial import DISAPPOINTMENTS, Ended, Trial
from cinq.ran.gnb import Gnb
from cinq.ran.scenarios import check
from cinq.ran.scenarios.check import Failed
from cinq.ran.ue import Ue
from cinq.wire import ngap

GOLDEN_S = 3.0  # so long the golden UE may take
BACK_S = 15.0  # so long the target is given to come back: an outage is told from the end of the line
LATE_S = 1.0  # a bench that was late by so much blames nobody
AFTERMATH_S = 0.5  # what dies of a stimulus does so by then
BEAT_S = 0.1
NOBODY = -1  # no RAN UE NGAP ID


class Gone(Exception):
    """The target went away while it was tested, and did not come back: nobody can say why."""


class Company:
    """At a gNB of their own, `home`, for one trial. As it was `before` the stimulus, it is `after` it."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self._bench = trial.bench
        self._late = Lateness()
        self._home: Gnb
        self._golden: Ue
        self._bystander: Ue
        self._connection = NOBODY, 0

    async def before(self) -> None:
        """A control: it works while nothing is done to the target. Ended: it does not."""
        bench = self._bench
        with self._trial.control("before: the golden UE registers, and the bystander has a session"):
            self._home = home = await bench.gnb()
            self._golden = bench.ue(home)
            await self._golden_registers()
            self._bystander = await bench.registered(home, sessions=(bench.session(),))
            await bench.succeeds(self._bystander.establish_session(), "session of the bystander")
            await bench.until(
                lambda: self._bystander.sessions[1].context.bearer, "the bystander's bearer is up"
            )
        self._trial.usual = await self._trial.updated(
            self._bystander, "before: a registration update of the bystander is answered"
        )
        if self._measures:
            with self._trial.control("before: the bystander's traffic passes") as seen:
                seen.text = await self._traffic()
        self._remember()
        self._late.begin()

    async def after(self) -> None:
        """Liveness, and that the bench can tell. Ended: it cannot."""
        await asyncio.sleep(AFTERMATH_S)
        late = self._late.end()
        trial, bench, bystander = self._trial, self._bench, self._bystander
        with trial.control("the bench itself kept its time"):
            check.that(late < LATE_S, f"the bench was late by {late:.1f} s")
        if self._home.n2.association is None:
            await self._gone()
        with trial.alive(f"after: the golden UE registers within {GOLDEN_S:g} s") as seen:
            seen.text = f"in {await self.golden():.3f} s"
        with trial.alive("after: the bystander kept its connection, its registration and its session"):
            check.equal(len(self._released()), 0, "releases of the bystander")
            check.equal(bystander.active_sessions, frozenset({1}), "sessions of the bystander")
            await trial.still_served(bystander)
            check.equal(bystander.active_sessions, frozenset({1}), "sessions of the bystander afterwards")
            await bench.until(lambda: bystander.sessions[1].context.bearer, "the bystander's bearer is up")
        if self._measures:
            with trial.alive("after: the bystander's traffic passes") as seen:
                seen.text = await self._traffic()
        else:
            trial.step("traffic is not measured: the target names no interfaces.n6")

    def end(self) -> None:
        self._late.end()

    async def harmed(self) -> str:
        """What those who did nothing have lost, "" when they are served as before. A bench that was late by LATE_S in
        the meantime looks once more."""
        for _ in range(2):
            late = Lateness()
            late.begin()
            try:
                found = await self._harm()
            finally:
                was_late = late.end() >= LATE_S
            if not found or not was_late:
                return found
        return found

    async def _harm(self) -> str:
        if self._home.n2.association is None:
            return "the association of a gNB that did nothing has ended"
        if self._released() or self._bystander.active_sessions != frozenset({1}):
            return "the bystander has lost its connection or its session"
        try:
            await self.golden()
        except DISAPPOINTMENTS as lost:
            return f"the golden UE does not register: {str(lost) or type(lost).__name__}"
        try:
            if self._measures:
                await self._traffic()
        except DISAPPOINTMENTS as lost:
            return f"the bystander's traffic does not pass: {str(lost) or type(lost).__name__}"
        return ""

    async def golden(self) -> float:
        """Seconds that it takes to register and leave. Failed: it could not, within GOLDEN_S."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        try:
            async with asyncio.timeout(GOLDEN_S):
                await self._golden_registers()
        except TimeoutError:
            self._golden.leave()
            self._golden = self._bench.ue_of(self._golden, self._home)
            raise Failed(f"not within {GOLDEN_S:g} s") from None
        return loop.time() - begun

    async def restored(self) -> None:
        """The target is given BACK_S, then the knob `restart` where there is one; then the bystander begins anew.

        Gone: it does not come back.
        """
        bench, home = self._bench, self._home
        trial = self._trial
        for attempt in range(2):
            try:
                await bench.until(lambda: home.n2.association is not None, "it comes back", BACK_S)
                async with asyncio.timeout(BACK_S):
                    await home.up()
                break
            except (TimeoutError, OSError, *DISAPPOINTMENTS):
                if attempt or not trial.target.knobs.restart:
                    raise Gone(
                        f"the target ended its associations after this: {self._last}; it did not come back within "
                        f"{BACK_S:g} s, so nobody can say whether it does so each time (knobs.restart would tell)"
                    ) from None
                await trial.lab.knobs.turn("restart", {})
        for ue in (self._golden, self._bystander):
            ue.leave()
        self._golden = bench.ue_of(self._golden, home)
        self._bystander = bench.ue_of(self._bystander, home, sessions=(bench.session(),))
        try:
            await bench.succeeds(self._bystander.register(), "registration of the bystander")
            await bench.succeeds(self._bystander.establish_session(), "session of the bystander")
            await bench.until(lambda: self._bystander.sessions[1].context.bearer, "its bearer is up")
            self._remember()
        except DISAPPOINTMENTS as lost:
            raise Gone(f"after this: {self._last} the target does not serve as before: {lost}") from None

    @property
    def _last(self) -> str:
        return next((f.statement for f in reversed(self._trial.facts) if f.kind == "step"), "the case began")

    async def _gone(self) -> None:
        """The association of those who did nothing has ended. Gone: a target that is away for good is not judged."""
        trial = self._trial
        last = self._last
        try:
            with trial.control("the target can be reached"):
                home = self._home.n2
                await self._bench.until(lambda: home.association is not None, "it comes back", BACK_S)
        except Ended:
            raise Gone(
                f"the target ended its associations after this: {last}; it did not come back within {BACK_S:g} s. "
                "Start it and run the case again: if it goes away each time, that is the finding"
            ) from None
        with trial.alive("the association of a gNB that did nothing stays"):
            raise Failed(f"the target ended it after this: {last}; it could be reached again afterwards")

    async def _golden_registers(self) -> None:
        """From nothing: it comes with its SUCI, is authenticated, leaves, and keeps nothing."""
        bench, golden = self._bench, self._golden
        await bench.succeeds(golden.register(attempts=1), "registration of the golden UE")
        await bench.succeeds(golden.deregister(), "deregistration of the golden UE")
        await bench.until(lambda: not golden.link.connected, "the golden UE's connection is released")
        golden.security.delete()
        golden.commit(guti=None)

    def _released(self) -> list[ngap.UEContextReleaseCommand]:
        """What released the bystander's connection."""
        number, since = self._connection
        return [
            command
            for command in self._bench.heard(ngap.UEContextReleaseCommand, self._home)[since:]
            if isinstance(command.ue_ngap_ids[1], ngap.UENGAPIDpair)
            and command.ue_ngap_ids[1].ran_ue_ngap_id == number
        ]

    def _remember(self) -> None:
        """Which connection the bystander has now, if any, and how many releases its gNB has heard."""
        bench, one = self._bench, self._bystander
        releases = len(bench.heard(ngap.UEContextReleaseCommand, self._home))
        number = bench.ran_ue_ngap_id(one, self._home) if one.link.connected else NOBODY
        self._connection = number, releases

    @property
    def _measures(self) -> bool:
        return self._trial.lab.user_plane is not None and self._trial.target.interfaces.n6 is not None

    async def _traffic(self) -> str:
        """A ping through the bystander's session. Failed: no echo came."""
        plane, to = self._trial.lab.user_plane, self._trial.target.interfaces.n6
        assert plane is not None
        assert to is not None
        took = await plane.ping(self._home, self._bystander, to, GOLDEN_S)
        if took is None:
            raise Failed(f"no echo from {to} within {GOLDEN_S:g} s")
        return f"echo from {to} in {1000 * took:.1f} ms"


class Lateness:
    """How late this process runs what is due, in seconds, at worst."""

    def __init__(self) -> None:
        self._worst = 0.0
        self._handle: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        loop = asyncio.get_running_loop()
        self._beat(loop, loop.time())

    def _beat(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        self._worst = max(self._worst, loop.time() - due)
        self._handle = loop.call_later(BEAT_S, self._beat, loop, loop.time() + BEAT_S)

    def end(self) -> float:
        """The worst since it began. Idempotent."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        return self._worst
