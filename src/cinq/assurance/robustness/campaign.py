"""Many inputs of one actor among those who must not notice; what does harm is found, shrunk and kept.

Inputs leave in batches. Behind each batch the actor is served anew, and the others are asked whether they have lost
anything. If so, the batch is tried again in parts until the smallest input that does it is left.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator

import msgspec
from msgspec import Struct

from cinq.assurance.robustness.actor import Actor
from cinq.assurance.robustness.form import Grammar, Input, Symbols, names, paths
from cinq.assurance.robustness.kinds import inputs
from cinq.assurance.robustness.shrink import Questions, smallest
from cinq.assurance.trial import DISAPPOINTMENTS, Trial
from cinq.ran.scenarios import check
from cinq.ran.scenarios.check import Failed, Unreachable

BATCH = 40
AFTERMATH_S = 0.2  # what dies of an input does so by then
QUESTIONS = 80  # that a finding may cost
KEPT = "inputs.json"
Made = Callable[[Symbols], Input | None]


class Finding(Struct, frozen=True):
    """inputs: the fewest that do the harm, in order. octets: as they left, hexadecimal. again: it happened again."""

    harm: str
    inputs: tuple[Input, ...]
    octets: tuple[str, ...]
    again: bool

    @property
    def words(self) -> str:
        return ", then ".join(one.name for one in self.inputs[:3]) + (
            f" and {len(self.inputs) - 3} more" if len(self.inputs) > 3 else ""
        )


class Tried(Struct, frozen=True):
    """What is kept as evidence, and asked again by a replay. messages, elements: how many of how many."""

    protocol: str
    seed: str
    sent: int
    messages: tuple[int, int]
    elements: tuple[int, int]
    kinds: dict[str, int]
    findings: tuple[Finding, ...] = ()

    @property
    def words(self) -> str:
        """'1200 inputs by seed ab..: 131 of 131 messages, 752 of 752 elements, 23 kinds'."""
        return (
            f"{self.sent} inputs by seed {self.seed}: {self.messages[0]} of {self.messages[1]} messages, "
            f"{self.elements[0]} of {self.elements[1]} elements, {len(self.kinds)} kinds"
        )


class Campaign:
    """Of one actor, against the target of a trial."""

    def __init__(self, trial: Trial, grammar: Grammar, actor: Actor) -> None:
        self._trial = trial
        self._grammar = grammar
        self._actor = actor
        self._symbols: Symbols = {}
        self._seed = trial.bench.chance(8).hex()
        self._findings: list[Finding] = []
        self._covered: set[tuple[str, str]] = set()
        self._kinds: Counter[str] = Counter()
        self._shut_out = False

    async def run(self) -> None:
        """A control, then findings. Gone: the target does not come back."""
        trial, grammar = self._trial, self._grammar
        try:
            with trial.control("the actor is served as anybody, before"):
                self._symbols = await self._actor.ready()
            kept = trial.kept(KEPT)
            if kept is None:
                trial.step(f"unexpected {grammar.name} input by seed {self._seed}, {BATCH} inputs at a time")
                await self._all(inputs(grammar, self._seed), BATCH)
            else:
                await self._again(kept)
        finally:
            self._actor.close()
            trial.keep(KEPT, msgspec.json.format(msgspec.json.encode(self._tried()), indent=1))
        with trial.finding(
            "behind each batch the actor is served, and nobody else has lost anything"
        ) as seen:
            seen.text = self._tried().words
            check.equal(len(self._findings), 0, "batches that did harm")
        for one in self._findings:
            with trial.finding(f"nobody is harmed by {one.words}"):
                self._disappoint(one)

    def _disappoint(self, one: Finding) -> None:
        more = "" if one.again else "; it did not happen again"
        raise Failed(f"{one.harm}{more}; octets {' '.join(one.octets)[:400]}")

    async def _all(self, made: Iterator[Made], size: int) -> None:
        """Until there are no more, or the lab's effort is spent."""
        effort, loop = self._trial.target.effort, asyncio.get_running_loop()
        left, until = effort.inputs, loop.time() + effort.seconds
        while (
            left > 0 and loop.time() < until and len(self._findings) < effort.findings and not self._shut_out
        ):
            batch = self._next(made, min(size, left))
            if not batch:
                return
            left -= len(batch)
            harm = await self._harm_of(batch)
            for one in batch:
                self._covered.add((one.message, one.at))
                self._kinds[one.kind] += 1
            if harm:
                begun = loop.time()
                await self._find(harm, batch)
                until += loop.time() - begun

    def _next(self, made: Iterator[Made], size: int) -> list[Input]:
        """The next inputs but those that are known to do harm."""
        known = {one.name for finding in self._findings for one in finding.inputs}
        batch: list[Input] = []
        for make in made:
            one = make(self._symbols)
            if one is not None and one.name not in known:
                batch.append(one)
            if len(batch) == size:
                break
        return batch

    async def _harm_of(self, batch: list[Input]) -> str:
        """What the others lost by these, or the actor itself; "" for nothing."""
        for one in batch:
            await self._actor.send(self._grammar.octets(one, self._symbols))
            await asyncio.sleep(0)
        await asyncio.sleep(AFTERMATH_S)
        others = check.present(self._trial.others, "those who must not notice")
        harm = await others.harmed()
        if harm:
            return harm
        try:
            self._symbols = await self._actor.ready()
        except (Unreachable, TimeoutError, *DISAPPOINTMENTS) as lost:
            return await others.harmed() or f"the actor is not served any more: {lost}"
        return ""

    async def _find(self, harm: str, batch: list[Input]) -> None:
        """Shrinks and notes it. What was seen is kept before the target is asked to come back."""
        self._findings.append(self._finding(harm, batch, again=False))
        if not await self._restored():
            return

        async def harms(fewer: list[Input]) -> bool:
            nonlocal harm
            found = await self._harm_of(fewer)
            if found:
                harm = found
                if not await self._restored():
                    questions.left = 0
            return bool(found)

        questions = Questions(harms, QUESTIONS)
        if await questions.ask(batch):
            few = await smallest(batch, questions)
            self._findings[-1] = self._finding(harm, few, again=True)

    async def _restored(self) -> bool:
        """False: the actor itself is not served any more, and nothing more can be asked. Gone: nobody is."""
        await check.present(self._trial.others, "those who must not notice").restored()
        try:
            self._symbols = await self._actor.ready()
        except (Unreachable, TimeoutError, *DISAPPOINTMENTS) as lost:
            self._trial.step(f"the actor is not served after it: {lost}")
            self._shut_out = True
        return not self._shut_out

    async def _again(self, kept: bytes) -> None:
        """The findings of an earlier run, each by itself."""
        trial = self._trial
        try:
            earlier = msgspec.json.decode(kept, type=Tried)
        except msgspec.MsgspecError as error:
            raise Failed(f"{KEPT} of the earlier run: {error}") from None
        self._seed = earlier.seed
        if not earlier.findings:
            trial.step(f"the earlier run found nothing; its inputs once more, by seed {self._seed}")
            await self._all(inputs(self._grammar, self._seed), BATCH)
        for one in earlier.findings:
            trial.step(f"once more: {one.words}")
            harm = await self._harm_of(list(one.inputs))
            for each in one.inputs:
                self._covered.add((each.message, each.at))
                self._kinds[each.kind] += 1
            if harm:
                self._findings.append(self._finding(harm, list(one.inputs), again=True))
                await self._restored()

    def _finding(self, harm: str, few: list[Input], again: bool) -> Finding:
        octets = tuple(self._grammar.octets(one, self._symbols).hex() for one in few)
        return Finding(harm, tuple(few), octets, again)

    def _tried(self) -> Tried:
        forms = self._grammar.forms()
        every = {(form.message, names(form.parts, path)) for form in forms for path in paths(form.parts)}
        return Tried(
            self._grammar.name,
            self._seed,
            sum(self._kinds.values()),
            (len({message for message, _ in self._covered}), len({form.message for form in forms})),
            (len(self._covered & every), len(every)),
            dict(sorted(self._kinds.items())),
            tuple(self._findings),
        )
