"""TS 33.515 §4.2.2.1.1 TC_UP_POLICY_PRECEDENCE_SMF: the subscription's policy goes before the SMF's own."""

from __future__ import annotations

import json

from cinq.assurance.case import Case
from cinq.assurance.sbi.relay import Relay
from cinq.assurance.trial import Trial
from cinq.ran.gnb import Gnb
from cinq.ran.scenarios import check
from cinq.transport.http2 import Request, Response
from cinq.wire import ngap

CASE = Case(
    "SCAS-33515-4.2.2.1.1",
    requirement="The user plane security policy that the UDM gives goes before the one that the SMF is set up with "
    "(TS 33.501 §6.6.1, TS 23.501 §5.10.3).",
    threat="User data of a subscriber goes unprotected that its home network wants protected.",
)
Policy = tuple[str, str]
WORDS = {"required": "REQUIRED", "preferred": "PREFERRED", "not-needed": "NOT_NEEDED"}
STRICT, LAX = ("REQUIRED", "REQUIRED"), ("NOT_NEEDED", "NOT_NEEDED")


def told(bench_heard: list[ngap.PDUSessionResourceSetupRequest]) -> Policy:
    """Security Indication of the last request (TS 38.413 §9.3.1.27). Failed: there is none."""
    request = check.present(bench_heard[-1] if bench_heard else None, "PDU SESSION RESOURCE SETUP REQUEST")
    item = request.pdu_session_resource_setup_list_su_req[-1]
    transfer = ngap.decode_value(
        ngap.PDUSessionResourceSetupRequestTransfer, item.pdu_session_resource_setup_request_transfer
    )
    found = check.present(transfer.security_indication, "Security Indication")
    return (
        WORDS[found.integrity_protection_indication],
        WORDS[found.confidentiality_protection_indication],
    )


def with_policy(policy: Policy, request: Request, response: Response) -> Response:
    """The UDM's answer, every DNN's upSecurity being this."""
    if not request.target.partition("?")[0].endswith("/sm-data") or response.status != 200:
        return response
    tree = json.loads(response.body)
    for each in tree if isinstance(tree, list) else [tree]:
        for configuration in each.get("dnnConfigurations", {}).values():
            configuration["upSecurity"] = {"upIntegr": policy[0], "upConfid": policy[1]}
    return Response(response.status, response.headers, json.dumps(tree).encode())


@CASE.sub("A", "the UDM's policy is another than the SMF's", needs=("sbi nrf", "sbi address"), within=90.0)
async def precedence(trial: Trial) -> None:
    bench = trial.bench
    gnb = await bench.gnb()
    await trial.with_session(gnb)
    own: Policy = STRICT
    with trial.control("without the bench UDM the SMF tells the gNB a policy") as seen:
        own = told(bench.heard(ngap.PDUSessionResourceSetupRequest, gnb))
        seen.text = f"integrity {own[0]}, confidentiality {own[1]}"
    policy = STRICT if own != STRICT else LAX
    other: Gnb = await bench.gnb()
    ue = await trial.registered(other, sessions=(bench.session(),))
    relay = Relay(trial, lambda request, response: with_policy(policy, request, response))
    async with relay.in_place("UDM", "nudm-sdm", "v2", "SMF"):
        trial.step(f"a session, while the bench UDM says integrity {policy[0]}, confidentiality {policy[1]}")
        with trial.control("the session is made, and the SMF has asked the bench UDM for the policy"):
            await bench.succeeds(ue.establish_session(), "PDU session")
            await bench.until(lambda: bool(ue.sessions[1].context.bearer), "the session's bearer is up")
            check.that(any("/sm-data" in one.target for one in relay.asked), "it has not asked")
        with trial.finding("the gNB is told the UDM's policy") as seen:
            found = told(bench.heard(ngap.PDUSessionResourceSetupRequest, other))
            seen.text = f"integrity {found[0]}, confidentiality {found[1]}"
            check.equal(found, policy, "Security Indication")
