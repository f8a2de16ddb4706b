"""A subject: one frozen context, one procedure at a time, one mailbox."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Coroutine
from functools import partial
from typing import ClassVar, Generic, Self, TypeVar, cast, overload

import msgspec

from cinq.procedure.activity import Activity, Turn
from cinq.procedure.journal import ON_BEHALF
from cinq.procedure.run import Awaiting, Fits, Run
from cinq.procedure.runtime import Runtime
from cinq.procedure.signal import Signal
from cinq.procedure.table import Declared, Procedure
from cinq.procedure.undo import Undo
from cinq.procedure.verdict import STATUS, Aborted, Declined, Timer, Verdict, outcome

C = TypeVar("C")
A = TypeVar("A")
R = TypeVar("R")
R1 = TypeVar("R1")
R2 = TypeVar("R2")
R3 = TypeVar("R3")

MAILBOX = 64  # messages that may wait; more are dropped with a reason


class Subject(Generic[C]):
    """Something that runs procedures: a UE, a PDU session, an association.

    A subclass gives the ports: `send` (a message towards the peer), and where it needs them `stored` (a
    context was committed), `status` (the answer to an unexpected message), `content` (the message inside a
    wrapper that `receive` was given), `describe` and `label` (for the journal), `idle` (the last procedure
    has ended).
    An idle subject has no task and no timer.
    """

    __slots__ = ("_activity", "context", "runtime")

    opens: ClassVar[dict[type, Declared]] = {}

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        cls.opens = dict(cls.opens)

    def __init__(self, context: C, runtime: Runtime) -> None:
        self.context = context
        self.runtime = runtime
        self._activity: Activity | None = None

    # the ports

    def send(self, message: object) -> None:
        """Encode and send `message`."""
        raise NotImplementedError

    def stored(self, context: C) -> None:
        """A context was committed."""

    def status(self, message: object) -> object | None:
        """The answer to a message that fits no state (it is told), or None for silence."""
        return None

    def declined(
        self, message: object, sent: object | None, expected: tuple[type[object], ...]
    ) -> Declined | None:
        """Whether a message says that nothing of `expected` will come, the answers to what was asked.

        sent: what `ask` asked, None for `expect`. Declined is raised to the procedure at once.
        """
        return None

    def content(self, message: object) -> object:
        """What procedures and rules are found by, and what `ask` returns."""
        return message

    def describe(self, message: object) -> tuple[str, str]:
        """Interface and message name for the journal."""
        content = self.content(message)
        name = getattr(content, "NAME", None)
        return "", name if isinstance(name, str) else type(content).__name__

    @property
    def label(self) -> str:
        """The subject's name in the journal, identities whole."""
        return type(self).__name__

    @property
    def whereabouts(self) -> str:
        """The gNB where the subject is, for the journal."""
        return ""

    def idle(self) -> None:
        """The last procedure has ended and nothing waits."""

    # what procedures use

    def tell(self, message: object) -> None:
        """Send `message` and wait for nothing."""
        self.send(message)

    def commit(self, **changes: object) -> None:
        """Replace the context by one with these changes, and store it: the one write of a procedure."""
        context: C = self.context
        if isinstance(context, msgspec.Struct):
            self.context = msgspec.structs.replace(context, **changes)
        elif dataclasses.is_dataclass(context) and not isinstance(context, type):
            self.context = dataclasses.replace(context, **changes)
        else:
            raise TypeError(f"{type(context).__name__} is neither a Struct nor a dataclass")
        self.stored(self.context)

    def undo(self) -> Undo:
        """`async with subject.undo() as undo`: see Undo."""
        return Undo(self._current())

    @overload
    async def ask(self, message: object, e1: type[R1], /, *, timer: Timer) -> R1: ...
    @overload
    async def ask(self, message: object, e1: type[R1], e2: type[R2], /, *, timer: Timer) -> R1 | R2: ...
    @overload
    async def ask(
        self, message: object, e1: type[R1], e2: type[R2], e3: type[R3], /, *, timer: Timer
    ) -> R1 | R2 | R3: ...
    async def ask(self, message: object, /, *expected: type[object], timer: Timer) -> object:
        """Send `message` and wait for one of `expected`; send again at each expiry of `timer`.

        Only a message that arrives after this one was sent is its answer. TimerExpired: at the last expiry.
        """
        run = self._current()
        awaiting = Awaiting(run, expected, message, timer, self._active().arrived)
        run.awaiting = awaiting
        try:
            self.send(message)
            return await awaiting.reply
        finally:
            awaiting.close()
            run.awaiting = None

    @overload
    async def expect(
        self, e1: type[R1], /, *, timer: Timer | None = None, fits: Fits | None = None
    ) -> R1: ...
    @overload
    async def expect(
        self, e1: type[R1], e2: type[R2], /, *, timer: Timer | None = None, fits: Fits | None = None
    ) -> R1 | R2: ...
    @overload
    async def expect(
        self,
        e1: type[R1],
        e2: type[R2],
        e3: type[R3],
        /,
        *,
        timer: Timer | None = None,
        fits: Fits | None = None,
    ) -> R1 | R2 | R3: ...
    async def expect(
        self, *expected: type[object], timer: Timer | None = None, fits: Fits | None = None
    ) -> object:
        """Wait for one of `expected`; the first deferred message that fits is taken at once.

        fits: what else the message must be, where several runs wait for messages of one type.
        """
        run = self._current()
        if (activity := self._activity) is not None:
            for message in activity.deferred:
                content = self.content(message)
                if isinstance(content, expected) and (fits is None or fits(content)):
                    activity.deferred.remove(message)
                    return content
        awaiting = Awaiting(run, expected, None, timer, 0, fits)
        run.awaiting = awaiting
        try:
            return await awaiting.reply
        finally:
            awaiting.close()
            run.awaiting = None

    def beside(self, body: Callable[[], Coroutine[object, None, object]], name: str = "") -> None:
        """Let `body()` run on its own, owned by the runtime; it may ask. What it raises ends it alone."""
        if self.runtime.stopping:
            return
        activity = self._active()
        run = Run(self, None, name or getattr(body, "__name__", "beside"), None, None)
        activity.beside.append(run)
        run.start(body)

    def want(self, signal: Signal[object]) -> None:
        """Begin the procedure that `signal` opens when its turn comes; nobody waits for its result.

        So a procedure of the network itself is begun by what happened, not by who imports it. It takes its turn and
        meets no collision rule. Refused tells its answer to the peer. KeyError: no procedure of this subject hears it.
        """
        opened = self.opens[type(signal)]
        if self.runtime.stopping:
            return

        def begin() -> None:
            self._start(opened, signal, partial(opened.begin, self, signal), None)

        def dropped(error: Exception) -> None:
            self.runtime.report(self, opened.name, signal, f"not begun: {error}")

        self._take_turn(self._active(), Turn(begin, lambda: False, dropped))

    def want_beside(self, signal: Signal[object]) -> None:
        """As `want`, at once and beside what is under way: for procedures of which several may be in flight."""
        opened = self.opens[type(signal)]
        if not self.runtime.stopping:
            self._begin_beside(opened, signal)

    async def demand(self, signal: Signal[R]) -> R:
        """As `want`, and return the result. Raises as `perform` does."""
        opened = self.opens[type(signal)]
        declared = cast("Procedure[Subject[C], Signal[R], R]", opened)  # a string costs nothing
        return await self.perform(declared, signal)

    async def perform(self: Self, procedure: Procedure[Self, A, R], argument: A) -> R:
        """Run a network-initiated procedure when its turn comes, and return its result.

        Refused and TimerExpired are raised here. Aborted: it ended without a result.
        RuntimeError: called from the subject's own procedure, which would wait for itself.
        """
        runtime = self.runtime
        if runtime.stopping:
            raise Aborted(f"{procedure.name}: stopping")
        activity = self._active()
        current = runtime.current()
        if isinstance(current, Run) and current is activity.main:
            raise RuntimeError(f"{current.name} waits for {procedure.name} of the same subject")
        reply: asyncio.Future[R] = asyncio.get_running_loop().create_future()

        async def body() -> None:
            result = await procedure(self, argument)
            if not reply.done():
                reply.set_result(result)

        def failed(error: Exception) -> None:
            if not reply.done():
                reply.set_exception(error)

        def begin() -> None:
            self._start(procedure, argument, body, failed)

        self._take_turn(activity, Turn(begin, reply.done, failed))
        try:
            return await reply
        except Exception:
            del reply  # it has the exception, which has this frame: else the collector would have to find it
            raise

    def perform_soon(self: Self, procedure: Procedure[Self, A, R], argument: A) -> None:
        """Run a network-initiated procedure when its turn comes; nobody waits for its result.

        Refused tells its answer to the peer, as in a procedure that a message opened.
        """
        if self.runtime.stopping:
            return

        def begin() -> None:
            self._start(procedure, argument, partial(procedure.function, self, argument), None)

        def dropped(error: Exception) -> None:
            self.runtime.report(self, procedure.name, argument, f"not begun: {error}")

        self._take_turn(self._active(), Turn(begin, lambda: False, dropped))

    def _take_turn(self, activity: Activity, turn: Turn) -> None:
        if activity.main is None and not activity.turns and not activity.mailbox:
            turn.begin()
        else:
            activity.turns.append(turn)

    # what is under way

    @property
    def running(self) -> Declared | None:
        """The procedure under way (not one beside it)."""
        activity = self._activity
        return None if activity is None or activity.main is None else activity.main.procedure

    @property
    def opening(self) -> object | None:
        """The message (or argument) that started the procedure under way."""
        activity = self._activity
        return None if activity is None or activity.main is None else activity.main.opening

    @property
    def is_idle(self) -> bool:
        return self._activity is None

    @property
    def has_answer(self) -> bool:
        """An answer has come to something under way, and has its effect at the next turn of the loop."""
        activity = self._activity
        return activity is not None and any(run.answered for run in activity.runs)

    @property
    def questions(self) -> int:
        """How many procedures under way wait for an answer now."""
        return 0 if self._activity is None else self._activity.questions

    def awaits(self, *kinds: type[object]) -> bool:
        """Whether a procedure under way waits for one of these messages now."""
        activity = self._activity
        for run in () if activity is None else activity.runs:
            awaiting = run.awaiting
            if awaiting is not None and not awaiting.reply.done():
                for kind in kinds:
                    if issubclass(kind, awaiting.expected):
                        return True
        return False

    def abort(self, reason: str) -> None:
        """Abort all under way but the caller's own procedure. Waiting messages are judged afterwards."""
        activity = self._activity
        if activity is None:
            return
        current = self.runtime.current()
        for run in activity.runs:
            if run is not current:
                run.abort(reason)

    # the mailbox

    def receive(self, message: object) -> None:
        """A message of the peer. Never raises: a bug in a rule is reported and the message is ignored."""
        if self.runtime.stopping:
            self._report(message, "ignored: stopping")
            return
        activity = self._activity
        if activity is None:
            self._judge_safely(message)
        elif activity.mailbox or activity.unsettled:
            self._put_by(activity, message)
        else:
            self._judge_safely(message)

    def _put_by(self, activity: Activity, message: object) -> None:
        if len(activity.mailbox) + len(activity.deferred) >= MAILBOX:
            self._report(message, f"ignored: {MAILBOX} messages wait already")
            return
        activity.mailbox.append(message)
        activity.arrived += 1
        self._drain_soon(activity)

    def _drain_soon(self, activity: Activity) -> None:
        """Look again when the tasks that are about to move have moved. An abort drains when it has ended."""
        main = activity.main
        if not activity.draining and (main is None or main.aborting is None):
            activity.draining = True
            asyncio.get_running_loop().call_soon(self._drain, activity)

    def _drain(self, activity: Activity) -> None:
        activity.draining = False
        while activity.mailbox:
            if activity.unsettled:
                self._drain_soon(activity)
                return
            position = activity.position
            self._judge_safely(activity.mailbox.popleft(), position)
        self._next_turn(activity)

    def _judge_safely(self, message: object, position: int | None = None) -> None:
        try:
            self._judge(message, position)
        except Exception as bug:
            self.runtime.report(self, "", message, f"ignored: a bug: {type(bug).__name__}: {bug}", bug)

    def _judge(self, message: object, position: int | None) -> None:
        content = self.content(message)
        activity = self._activity
        if activity is not None:
            if position is None:
                position = activity.arrived
            for run in activity.runs if activity.beside else (activity.main,):
                if run is not None and run.awaiting is not None and run.awaiting.offer(content, position):
                    return
        main = None if activity is None else activity.main
        if activity is None or main is None:
            opened = self.opens.get(type(content))
            if opened is not None:
                self._start(opened, message, partial(opened.begin, self, message), None)
            else:
                self._apply(STATUS, message, None)
            return
        procedure = main.procedure
        rule = None if procedure is None else procedure.collisions.get(type(content))
        self._apply(STATUS if rule is None else rule(self, message), message, main)

    def _apply(self, verdict: Verdict, message: object, main: Run | None) -> None:
        name = "" if main is None else main.name
        if verdict.kind == "IGNORE":
            self._report(message, outcome("ignored", verdict.reason), name)
        elif verdict.kind == "STATUS" or main is None:
            self._status(message, name)
        elif verdict.kind == "RESEND":
            if main.awaiting is None or main.awaiting.sent is None:
                self._report(message, "ignored: nothing to send again", name)
            else:
                self.send(main.awaiting.sent)
        elif verdict.kind == "DEFER":
            self._active().deferred.append(message)
        elif verdict.kind == "ABORT":
            activity = self._active()
            activity.mailbox.appendleft(message)
            if verdict.reason:
                main.abort(verdict.reason, "ended")
            else:
                main.abort(self.describe(message)[1])
        else:
            self._start_beside(message)

    def _status(self, message: object, name: str) -> None:
        answer = self.status(message)
        if answer is None:
            self._report(message, "ignored: not expected in this state", name)
        else:
            self.send(answer)

    def _start_beside(self, message: object) -> None:
        opened = self.opens.get(type(self.content(message)))
        if opened is None:
            self._status(message, "")
        else:
            self._begin_beside(opened, message)

    def _begin_beside(self, opened: Declared, opening: object) -> None:
        run = Run(self, opened, opened.name, opening, None)
        self._active().beside.append(run)
        run.start(partial(opened.begin, self, opening))

    # tasks

    def _active(self) -> Activity:
        activity = self._activity
        if activity is None:
            activity = self._activity = Activity()
        return activity

    def _current(self) -> Run:
        activity = self._activity
        if activity and activity.main and not activity.beside and ON_BEHALF.get() is self:
            return activity.main  # the one task that acts for this subject
        run = self.runtime.current()
        if not isinstance(run, Run) or run.subject is not self:
            raise RuntimeError("only a procedure of this subject may wait")
        return run

    def _start(
        self,
        procedure: Declared,
        opening: object,
        begin: Callable[[], Coroutine[object, None, object]],
        failed: Callable[[Exception], None] | None,
    ) -> None:
        run = Run(self, procedure, procedure.name, opening, failed)
        self._active().main = run
        run.start(begin)

    def run_ended(self, run: Run) -> None:
        """A run has ended: judge what waited, then give the next turn. Called by the run alone."""
        activity = self._activity
        if activity is None:
            return
        if run is activity.main:
            activity.main = None
            activity.mailbox.extendleft(reversed(activity.deferred))
            activity.deferred.clear()
        else:
            activity.beside.remove(run)
        if self.runtime.stopping:
            self._drop_all(activity)
        (self._drain if activity.mailbox else self._next_turn)(activity)

    def _drop_all(self, activity: Activity) -> None:
        for message in activity.mailbox:
            self._report(message, "ignored: stopping")
        activity.mailbox.clear()
        for turn in activity.turns:
            turn.refuse(Aborted("stopping"))
        activity.turns.clear()

    def _next_turn(self, activity: Activity) -> None:
        while activity.main is None and activity.turns:
            turn = activity.turns.popleft()
            if not turn.given_up():
                turn.begin()
        if activity.main is None and not activity.beside and self._activity is activity:
            self._activity = None
            self.idle()

    def _report(self, message: object, cause: str, procedure: str = "") -> None:
        self.runtime.report(self, procedure, message, cause)
