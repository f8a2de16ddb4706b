"""Which test shows which procedure and service operation: for the last column of the conformance page.

With CINQ_EVIDENCE=FILE a run notes every procedure that came to an end of its own (done, refused, or given up for what
came in between), and every operation that was answered. `make reference` runs the tests so; tools/reference.py reads
FILE.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Coroutine
from pathlib import Path

import pytest

from cinq.numbering import PlmnId
from cinq.procedure import Refused, TimerExpired
from cinq.procedure.run import Run
from cinq.procedure.table import Procedure
from cinq.sbi import bus

SHOWN = 2
ENDS = ("stopping", "cancelled")  # ends of the whole, which show nothing
WHERE = os.environ.get("CINQ_EVIDENCE", "")


class Evidence:
    """seen: tests by what they showed."""

    def __init__(self) -> None:
        self.seen: dict[str, set[str]] = defaultdict(set)
        self._test = ""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        self._test = item.nodeid

    def note(self, what: str) -> None:
        if self._test:
            self.seen[what].add(self._test)

    def watch(self) -> None:
        """Procedures and operations tell of themselves from now on."""
        ended, called, stepped = Run._end, bus.Bus._call, Procedure.__call__
        received = bus.Bus.receive

        async def noted_receive(
            one: bus.Bus, op: bus.Operation, consumer: str | None, arguments: tuple[object, ...]
        ) -> object:
            answer = await received(one, op, consumer, arguments)
            self.note(f"{op.name} {op.method} {op.route}")
            return answer

        def noted_end(run: Run, error: Exception | None) -> None:
            bug = error is not None and not isinstance(error, (Refused, TimerExpired))
            if run.procedure is not None and not bug and run.aborting not in ENDS:
                begin = run.procedure.begin
                self.note(f"{begin.__module__}:{begin.__name__}")
            ended(run, error)

        def noted_call(
            one: bus.Bus, op: bus.Operation, consumer: str, instance: str | None, plmn: PlmnId | None
        ) -> bus.Method:
            method = called(one, op, consumer, instance, plmn)

            async def call(*arguments: object, **named: object) -> object:
                answer = await method(*arguments, **named)
                self.note(f"{op.name} {op.method} {op.route}")
                return answer

            return call

        def noted_step(
            procedure: Procedure[object, object, object], subject: object, argument: object
        ) -> Coroutine[object, None, object]:
            async def step() -> object:
                result = await stepped(procedure, subject, argument)
                self.note(f"{procedure.begin.__module__}:{procedure.begin.__name__}")
                return result

            return step()

        Procedure.__call__ = noted_step  # type: ignore[method-assign]
        Run._end = noted_end  # type: ignore[method-assign]
        bus.Bus._call = noted_call  # type: ignore[method-assign]
        bus.Bus.receive = noted_receive  # type: ignore[method-assign]

    def pytest_sessionfinish(self) -> None:
        found = {what: sorted(tests, key=rank)[:SHOWN] for what, tests in sorted(self.seen.items())}
        Path(WHERE).write_text(json.dumps(found, indent=1) + "\n", "utf-8")


def rank(test: str) -> tuple[int, int, str]:
    """Scenarios first: anybody can run them against any core."""
    return (0 if "::test_scenario[" in test else 1, "hypothesis" in test, test)


def pytest_configure(config: pytest.Config) -> None:
    if WHERE:
        evidence = Evidence()
        evidence.watch()
        config.pluginmanager.register(evidence)
