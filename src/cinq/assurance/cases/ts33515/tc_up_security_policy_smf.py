"""TS 33.515 §4.2.2.1.3 TC_UP_SECURITY_POLICY_SMF: a target gNB that says another policy is put right."""

from __future__ import annotations

from collections import Counter
from typing import Literal

from cinq.assurance.case import Case
from cinq.assurance.cases.ts33515.tc_up_policy_precedence_smf import WORDS, Policy, told
from cinq.assurance.trial import Trial
from cinq.ran.gnb import Gnb
from cinq.ran.scenarios import check
from cinq.ran.scenarios.check import Failed
from cinq.ran.ue import Ue
from cinq.wire import ngap

CASE = Case(
    "SCAS-33515-4.2.2.1.3",
    requirement="In a path switch the SMF compares the user plane security policy that the target gNB says with its "
    "own; where they differ it sends its own and logs the event (TS 33.501 §6.6.1).",
    threat="A gNB in strange hands turns the protection of user data off at a handover.",
)
Protection = Literal["required", "preferred", "not-needed"]
REVERSED: dict[Protection, Protection] = {
    "required": "not-needed",
    "preferred": "not-needed",
    "not-needed": "required",
}
LOGGED = ("security", "policy")


async def bid_down(trial: Trial) -> tuple[Ue, Gnb, Policy, ngap.PathSwitchRequestAcknowledge]:
    """A handover by Xn whose PATH SWITCH REQUEST says another policy than the SMF has given."""
    bench = trial.bench
    source, target = await bench.gnb(), await bench.gnb()
    ue = await trial.with_session(source)
    own: Policy = "", ""
    with trial.control("the SMF has told the source a policy") as seen:
        own = told(bench.heard(ngap.PDUSessionResourceSetupRequest, source))
        seen.text = f"integrity {own[0]}, confidentiality {own[1]}"
    await trial.settle()

    def other(request: ngap.PathSwitchRequest) -> list[ngap.Pdu]:
        for item in request.pdu_session_resource_to_be_switched_dl_list:
            transfer = ngap.decode_value(ngap.PathSwitchRequestTransfer, item.path_switch_request_transfer)
            security = check.present(transfer.user_plane_security_information, "its security information")
            indication = security.security_indication
            indication.integrity_protection_indication = REVERSED[indication.integrity_protection_indication]
            indication.confidentiality_protection_indication = REVERSED[
                indication.confidentiality_protection_indication
            ]
            item.path_switch_request_transfer = ngap.encode_value(transfer)
        return [request]

    with target.station.change(ngap.PathSwitchRequest, other) as changed:
        trial.step("PATH SWITCH REQUEST of the target says another user plane security policy")
        with trial.control("the path is switched"):
            await bench.succeeds(bench.hand_over(ue, target, "xn"), "handover by Xn")
            check.equal(changed.met, 1, "PATH SWITCH REQUESTs that were changed")
            answer = await bench.hears(ngap.PathSwitchRequestAcknowledge, target)
    return ue, target, own, answer


@CASE.sub("A", "the acknowledge has the SMF's own policy")
async def put_right(trial: Trial) -> None:
    ue, _, own, answer = await bid_down(trial)
    with trial.finding("the transfer for the target has the policy that the SMF has") as seen:
        item = answer.pdu_session_resource_switched_list[0]
        transfer = ngap.decode_value(
            ngap.PathSwitchRequestAcknowledgeTransfer, item.path_switch_request_acknowledge_transfer
        )
        found = check.present(transfer.security_indication, "Security Indication in the acknowledge")
        said = (
            WORDS[found.integrity_protection_indication],
            WORDS[found.confidentiality_protection_indication],
        )
        seen.text = f"integrity {said[0]}, confidentiality {said[1]}"
        check.equal(said, own, "Security Indication")
    await trial.served(ue)


@CASE.sub(
    "B", "the mismatch is logged", needs=("log",), limit="any entry that speaks of a security policy counts"
)
async def logged(trial: Trial) -> None:
    """What the log had before counts for nothing."""
    since = str(int(trial.lab.utc()) - 1)
    before = Counter((await trial.turn("log", since=since)).splitlines())
    ue, *_ = await bid_down(trial)
    await trial.settle()
    after = Counter((await trial.turn("log", since=since)).splitlines())
    with trial.finding("the log has a new entry that speaks of the policy") as seen:
        new = list((after - before).elements())
        lines = [line for line in new if all(word in line.lower() for word in LOGGED)]
        if not lines:
            raise Failed(f"{len(new)} new lines, none of them does")
        seen.text = lines[0][:200]
    await trial.served(ue)
