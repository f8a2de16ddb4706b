"""One procedure in progress: its task, what it awaits, and how it is aborted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Generic, Protocol, TypeVar

from cinq.procedure.journal import ON_BEHALF
from cinq.procedure.runtime import Described, Runtime
from cinq.procedure.table import Declared
from cinq.procedure.verdict import Aborted, Declined, Refused, Timer, TimerExpired, Why, outcome

R = TypeVar("R")
Fits = Callable[[object], bool]


class Owner(Described, Protocol):
    """A subject of any context, as its runs see it."""

    runtime: Runtime

    def tell(self, message: object) -> None: ...
    def run_ended(self, run: Run) -> None: ...
    def declined(
        self, message: object, sent: object | None, expected: tuple[type[object], ...]
    ) -> Declined | None: ...


class Awaiting(Generic[R]):
    """What one `ask` or `expect` waits for. The timer's callback sends again without waking the task.

    fits: what else an answer must be.
    after: messages with a lower position in the mailbox came before the question and do not answer it.
    due: when the timer expires, None while none runs.
    """

    __slots__ = ("_left", "_run", "_timer", "after", "due", "expected", "fits", "reply", "sent")

    def __init__(
        self,
        run: Run,
        expected: tuple[type[R], ...],
        sent: object | None,
        timer: Timer | None,
        after: int,
        fits: Fits | None = None,
    ) -> None:
        self.expected = expected
        self.fits = fits
        self.sent = sent
        self.reply: asyncio.Future[R] = asyncio.Future()
        self._run = run
        self.after = after
        self.due: float | None = None
        self._timer = timer
        if timer is not None:
            self._left = 0 if sent is None else timer.retransmissions
            run.subject.runtime.start_timer(timer.seconds, self)

    def offer(self, content: object, position: int) -> bool:
        """Take the message if it is one of the expected, or says that none of them will come.

        The timer is stopped when the run moves on (`close`).
        """
        if position < self.after or self.reply.done():
            return False
        if not isinstance(content, self.expected):
            declined = self._run.subject.declined(content, self.sent, self.expected)
            if declined is None:
                return False
            self.reply.set_exception(declined)
            self.close()
            return True
        if self.fits is not None and not self.fits(content):
            return False
        self.reply.set_result(content)
        return True

    def close(self) -> None:
        self.due = None

    def expired(self) -> None:
        timer, subject = self._timer, self._run.subject
        if self.reply.done() or timer is None:
            return
        if not self._left:
            self.reply.set_exception(TimerExpired(timer))
            return
        self._left -= 1
        subject.runtime.start_timer(timer.seconds, self)
        behalf = ON_BEHALF.set(subject)
        try:
            subject.tell(self.sent)
        except Exception as bug:
            self.close()
            self.reply.set_exception(bug)
        finally:
            ON_BEHALF.reset(behalf)


class Run:
    """A task of a subject: a procedure, or a coroutine beside it (then `procedure` is None).

    opening: the message (or argument) that started it. failed: who is to hear why it ended without result.
    aborting: the reason, once it is to end. shield: how many acquires and releases must not be cut.
    ending: it is to end when the answer that came before has had its effect.
    """

    __slots__ = (
        "aborting",
        "awaiting",
        "ending",
        "failed",
        "name",
        "opening",
        "procedure",
        "shield",
        "started",
        "subject",
        "task",
    )

    def __init__(
        self,
        subject: Owner,
        procedure: Declared | None,
        name: str,
        opening: object,
        failed: Callable[[Exception], None] | None,
    ) -> None:
        self.subject = subject
        self.procedure = procedure
        self.name = name
        self.opening = opening
        self.failed = failed
        self.awaiting: Awaiting[object] | None = None
        self.aborting: str | None = None
        self.ending = False
        self.shield = 0
        self.started = False
        self.task: asyncio.Task[None] | None = None

    @property
    def unsettled(self) -> bool:
        """About to move (not begun, answered, or being undone): what it awaits next is not known yet."""
        awaiting = self.awaiting
        return (
            not self.started
            or self.ending
            or self.aborting is not None
            or (awaiting is not None and awaiting.reply.done() and not awaiting.reply.cancelled())
        )

    @property
    def answered(self) -> bool:
        """What it waits for has come, and it has not moved yet."""
        awaiting = self.awaiting
        return awaiting is not None and awaiting.reply.done() and not awaiting.reply.cancelled()

    def start(self, begin: Callable[[], Coroutine[object, None, object]]) -> None:
        task = asyncio.get_running_loop().create_task(self._drive(begin))
        self.task = task
        self.subject.runtime.adopt(task, self)

    def abort(self, reason: str, what: str = "aborted") -> None:
        """End it: at once, or as soon as the acquire or release under way is done. It undoes itself.

        What came first counts first: a run whose answer has come moves on to its next await, and is ended there.
        """
        if self.aborting is not None or self.ending:
            return
        if self.answered:
            self.ending = True
            asyncio.get_running_loop().call_soon(self._end_here, reason, what)
        else:
            self._abort(reason, what)

    def _end_here(self, reason: str, what: str) -> None:
        """The answer has had its effect. A run that needed no more is over."""
        self.ending = False
        if self.task is not None and not self.task.done():
            self._abort(reason, what)

    def _abort(self, reason: str, what: str) -> None:
        self.aborting = reason
        if (
            what != "ended" or isinstance(reason, Why) or self.subject.runtime.journal.listening
        ):  # else no trouble
            self.report(outcome(what, reason))
        if self.started and not self.shield and self.task is not None:
            self.task.cancel()

    def unshield(self) -> None:
        self.shield -= 1
        if not self.shield and self.aborting is not None:
            raise asyncio.CancelledError

    def report(self, cause: str, bug: Exception | None = None) -> None:
        """Into the journal; a bug into the log too."""
        subject = self.subject
        subject.runtime.report(subject, self.name, self.opening, cause, bug)

    async def _drive(self, begin: Callable[[], Coroutine[object, None, object]]) -> None:
        self.started = True
        ON_BEHALF.set(self.subject)
        error: Exception | None = None
        try:
            if self.aborting is None:
                await begin()
        except Refused as refused:
            error = self._refuse(refused)
        except TimerExpired as expired:
            error = expired
            self.report(f"{expired.timer.name} expired")
        except asyncio.CancelledError:
            if self.aborting is None:  # someone else ends the loop
                self.aborting = "cancelled"
                raise
        except Exception as bug:
            error = bug
            self.report(f"ended by a bug: {type(bug).__name__}: {bug}", bug)
        finally:
            self._end(error)
            error = None  # it has this frame

    def _refuse(self, refused: Refused) -> Exception:
        if self.failed is None and refused.answer is not None:
            try:
                self.subject.tell(refused.answer)
            except Exception as bug:
                self.report(f"the answer could not be sent: {bug}", bug)
                return bug
        if refused.answer is None or refused.reason:
            self.report(outcome("refused", refused.reason))
        return refused

    def _end(self, error: Exception | None) -> None:
        if self.failed is not None:
            if self.aborting is not None:
                self.failed(Aborted(f"{self.name}: {self.aborting}"))
            elif isinstance(error, (Refused, TimerExpired)):
                self.failed(error)
            elif error is not None:
                self.failed(Aborted(f"{self.name}: {type(error).__name__}"))
        if self.task is not None:
            self.subject.runtime.release(self.task)
        self.subject.run_ended(self)
