"""A PCF that decides what a test says."""

from __future__ import annotations

from cinq.sbi import Created, Problem
from cinq.sbi.services.npcf_smpolicycontrol import (
    SmPolicyContextData,
    SmPolicyDecision,
    SmPolicyDeleteData,
    SmPolicyUpdateContextData,
)


class Pcf:
    def __init__(self) -> None:
        self.associations: set[str] = set()
        self.refuses: Problem | None = None
        self.decision, self.answer = SmPolicyDecision(), SmPolicyDecision()
        self.answers: list[SmPolicyDecision | Problem] = []  # of the next updates, before `answer`
        self.updates: list[SmPolicyUpdateContextData] = []

    def failures(self) -> list[tuple[str, ...]]:
        """The PCC rules that were reported as not in force: each with its failure code."""
        reports = [report for update in self.updates for report in update.rule_reports]
        return [(name, r.failure_code or "") for r in reports for name in r.pcc_rule_ids]

    async def create(self, body: SmPolicyContextData) -> Created[SmPolicyDecision]:
        if self.refuses is not None:
            raise self.refuses
        name = f"{body.supi}-{body.pdu_session_id}"
        self.associations.add(name)
        return Created(f"/sm-policies/{name}", self.decision)

    async def update(self, sm_policy_id: str, body: SmPolicyUpdateContextData) -> SmPolicyDecision:
        assert sm_policy_id in self.associations
        self.updates.append(body)
        if self.refuses is not None:
            raise self.refuses
        answer = self.answers.pop(0) if self.answers else self.answer
        if isinstance(answer, Problem):
            raise answer
        return answer

    async def delete(self, sm_policy_id: str, body: SmPolicyDeleteData) -> None:
        self.associations.remove(sm_policy_id)
