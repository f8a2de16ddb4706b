"""TS 33.513 §4.2.2.6 TC_TEID_ID_UNIQUENESS_UPF: no two sessions have one tunnel."""

from __future__ import annotations

from itertools import pairwise

from cinq.assurance.case import Case
from cinq.assurance.n4 import association, session
from cinq.assurance.trial import Smf, Trial
from cinq.ran.scenarios import check
from cinq.wire import pfcp

CASE = Case(
    "SCAS-33513-4.2.2.6",
    requirement="The F-TEIDs that a UPF gives to sessions at the same time differ (TS 23.501 §5.8.2.3.1).",
    threat="Two sessions with one tunnel: a subscriber's packets are another's, and are charged to another.",
)
SESSIONS = 200
AGAIN = 20
NEAR = 16


class Sessions:
    """Sessions of the bench SMF, up to the end of a trial."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        where = trial.target.interfaces
        self._smf: Smf = check.present(trial.lab.smf, "a bench SMF")
        self._own = check.present(where.smf, "interfaces.smf")
        self._pool = iter(check.present(where.pool, "interfaces.pool").hosts())
        self._seids: list[int] = []

    async def associated(self) -> None:
        """A control: the UPF takes the bench for an SMF of its own."""
        with self._trial.control("the UPF sets up an association with the bench SMF"):
            answer = await self._smf.ask(association(self._own))
            check.that(
                isinstance(answer, pfcp.AssociationSetupResponse), f"it answers {type(answer).__name__}"
            )
            check.equal(getattr(answer, "cause", None), pfcp.Cause.REQUEST_ACCEPTED, "the cause")

    async def opened(self, count: int) -> list[pfcp.FTeid]:
        """A control: so many sessions are there at once. Returns the F-TEIDs that the UPF chose."""
        found = []
        dnn = self._trial.target.core.dnns[0]
        with self._trial.control(f"the UPF sets up {count} sessions with CHOOSE") as seen:
            for number in range(count):
                ue = check.present(next(self._pool, None), f"address {number + 1} in interfaces.pool")
                answer = await self._smf.ask(session(self._own, 1 + len(self._seids), ue, dnn), 0)
                check.that(
                    isinstance(answer, pfcp.SessionEstablishmentResponse), "it answers an establishment"
                )
                assert isinstance(answer, pfcp.SessionEstablishmentResponse)
                check.equal(answer.cause, pfcp.Cause.REQUEST_ACCEPTED, f"the cause of session {number + 1}")
                self._seids.append(check.present(answer.up_f_seid, "UP F-SEID").seid)
                created = [pdr.f_teid for pdr in answer.created_pdrs if pdr.f_teid is not None]
                found.append(check.present(created[0] if created else None, "the F-TEID that was chosen"))
            seen.text = f"{len(self._seids)} sessions at once"
        return found

    async def closed(self) -> None:
        """A control: all sessions are deleted."""
        with self._trial.control(f"the UPF deletes {len(self._seids)} sessions"):
            while self._seids:
                answer = await self._smf.ask(pfcp.SessionDeletionRequest(), self._seids.pop())
                check.equal(getattr(answer, "cause", None), pfcp.Cause.REQUEST_ACCEPTED, "the cause")


def teids(found: list[pfcp.FTeid]) -> list[int]:
    return [check.present(one.teid, "the TEID") for one in found]


@CASE.sub("A", f"{SESSIONS} sessions at the same time", needs=("n4",))
async def at_once(trial: Trial) -> None:
    sessions = Sessions(trial)
    await sessions.associated()
    found = await sessions.opened(SESSIONS)
    with trial.finding("all F-TEIDs differ") as seen:
        pairs = [(one.teid, one.ipv4) for one in found]
        twice = sorted({f"{teid:#010x} at {ip}" for teid, ip in pairs if pairs.count((teid, ip)) > 1})
        check.equal(twice, [], "F-TEIDs of more than one session")
        seen.text = f"{len(set(pairs))} different ones"
    with trial.finding("none is 0, which is for signalling (TS 29.281 §5.1)"):
        check.that(0 not in teids(found), "a TEID is 0")
    await sessions.closed()


@CASE.sub("B", "TEIDs that were given back are not given again at once", needs=("n4",), beyond=True)
async def not_at_once_again(trial: Trial) -> None:
    sessions = Sessions(trial)
    await sessions.associated()
    before = await sessions.opened(AGAIN)
    await sessions.closed()
    after = await sessions.opened(AGAIN)
    with trial.finding("no session has a TEID that another had a moment ago"):
        again = sorted(f"{teid:#010x}" for teid in set(teids(before)) & set(teids(after)))
        check.equal(again, [], "TEIDs given again")
    await sessions.closed()


@CASE.sub("C", "TEIDs are drawn, not counted on", needs=("n4",), beyond=True)
async def drawn(trial: Trial) -> None:
    sessions = Sessions(trial)
    await sessions.associated()
    found = teids(await sessions.opened(AGAIN))
    with trial.finding("no TEID is next to the one before, nor at the same distance each time") as seen:
        steps = [(b - a) % (1 << 32) for a, b in pairwise(found)]
        seen.text = " ".join(f"{teid:08x}" for teid in found[:6])
        check.that(all(NEAR < step < (1 << 32) - NEAR for step in steps), f"neighbours: {seen.text}")
        check.that(len(set(steps)) > 1, f"steps of {steps[0]}")
    await sessions.closed()
