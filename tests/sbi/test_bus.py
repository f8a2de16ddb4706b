"""The bus: direct and checked calls, problems, providers that come and go, the trace."""

from __future__ import annotations

import asyncio

import pytest

from cinq.procedure import Event, Journal
from cinq.sbi import Bus, Created, Problem, checked, direct
from cinq.sbi.bus import Transport
from cinq.sbi.models import Ambr, PlmnIdNid, RefToBinaryData, bit_rate, bits_per_second
from cinq.sbi.services.npcf_ampolicycontrol import (
    NpcfAMPolicyControl,
    PolicyAssociation,
    PolicyAssociationRequest,
    PolicyAssociationUpdateRequest,
    PolicyUpdate,
)
from cinq.sbi.services.nsmf_pdusession import (
    NsmfPDUSession,
    PostSmContextsRequest,
    SmContextCreateData,
    SmContextCreatedData,
    SmContextRefused,
)

REQUEST = PolicyAssociationRequest(
    notification_uri="http://amf/x",
    supi="imsi-999700000000001",
    supp_feat="0",
    ue_ambr=Ambr(uplink="1 Gbps", downlink="1 Gbps"),
)


class Pcf:
    def __init__(self, name: str = "1") -> None:
        self.name = name

    async def create(self, body: PolicyAssociationRequest) -> Created[PolicyAssociation]:
        return Created(f"/policies/{self.name}", PolicyAssociation(supp_feat="0", ue_ambr=body.ue_ambr))

    async def update(self, pol_asso_id: str, body: PolicyAssociationUpdateRequest) -> PolicyUpdate:
        return PolicyUpdate(resource_uri=pol_asso_id)

    async def delete(self, pol_asso_id: str) -> None:
        raise Problem(404, "POLICY_ASSOCIATION_NOT_FOUND", pol_asso_id)


@pytest.mark.parametrize("transport", [direct, checked])
def test_a_call_reaches_its_provider(transport: Transport) -> None:
    bus = Bus(transport)
    bus.serve(NpcfAMPolicyControl, Pcf(), "i1")
    created = asyncio.run(bus.client(NpcfAMPolicyControl, "AMF").create(body=REQUEST))
    assert (created.id, created.body.ue_ambr) == ("1", REQUEST.ue_ambr)


@pytest.mark.parametrize("transport", [direct, checked])
def test_a_problem_crosses_with_its_cause(transport: Transport) -> None:
    bus = Bus(transport)
    bus.serve(NpcfAMPolicyControl, Pcf(), "i1")
    with pytest.raises(Problem) as caught:
        asyncio.run(bus.client(NpcfAMPolicyControl, "AMF").delete("77"))
    assert (caught.value.status, caught.value.cause) == (404, "POLICY_ASSOCIATION_NOT_FOUND")


def test_nobody_serves() -> None:
    with pytest.raises(Problem, match="504 TARGET_NF_NOT_REACHABLE"):
        asyncio.run(Bus().client(NpcfAMPolicyControl, "AMF").delete("77"))


def test_an_instance_is_chosen_and_withdrawn() -> None:
    bus = Bus()
    bus.serve(NpcfAMPolicyControl, Pcf("1"), "i1")
    bus.serve(NpcfAMPolicyControl, Pcf("2"), "i2")
    second = bus.client(NpcfAMPolicyControl, "AMF", "i2")
    anyone = bus.client(NpcfAMPolicyControl, "AMF")
    assert asyncio.run(second.create(REQUEST)).id == "2"
    assert asyncio.run(anyone.create(REQUEST)).id == "1"
    bus.withdraw(NpcfAMPolicyControl, "i1")
    assert asyncio.run(anyone.create(REQUEST)).id == "2"
    bus.withdraw(NpcfAMPolicyControl, "i2")
    with pytest.raises(Problem, match="504"):
        asyncio.run(second.create(REQUEST))


def test_checked_refuses_what_is_not_of_the_shape() -> None:
    bus = Bus(checked)
    bus.serve(NpcfAMPolicyControl, Pcf(), "i1")
    wrong = PolicyAssociationRequest(notification_uri="x", supi="y", supp_feat=3)  # type: ignore[arg-type]
    with pytest.raises(Problem, match="400 MANDATORY_IE_INCORRECT: /suppFeat"):
        asyncio.run(bus.client(NpcfAMPolicyControl, "AMF").create(wrong))


class Smf:
    async def create_sm_context(self, body: PostSmContextsRequest) -> Created[SmContextCreatedData]:
        if body.binary_data_n1_sm_message == b"no":
            raise SmContextRefused(403, "DNN_DENIED", "no such DNN", b"\x2e\x01")
        return Created("/sm-contexts/1", SmContextCreatedData(pdu_session_id=5))

    async def update_sm_context(self, sm_context_ref: str, body: object) -> None: ...

    async def release_sm_context(self, sm_context_ref: str, body: object) -> None: ...


@pytest.mark.parametrize("transport", [direct, checked])
def test_octets_cross_beside_the_json(transport: Transport) -> None:
    bus = Bus(transport)
    bus.serve(NsmfPDUSession, Smf(), "i1")
    data = SmContextCreateData(
        serving_nf_id="a",
        serving_network=PlmnIdNid(mcc="999", mnc="70"),
        an_type="3GPP_ACCESS",
        sm_context_status_uri="/x",
        n1_sm_msg=RefToBinaryData(content_id="n1SmMsg"),
    )
    client = bus.client(NsmfPDUSession, "AMF")
    good = PostSmContextsRequest(json_data=data, binary_data_n1_sm_message=b"\xff\0")
    assert asyncio.run(client.create_sm_context(good)).body.pdu_session_id == 5
    bad = PostSmContextsRequest(json_data=data, binary_data_n1_sm_message=b"no")
    with pytest.raises(SmContextRefused) as caught:
        asyncio.run(client.create_sm_context(bad))
    assert caught.value.n1_sm_message == b"\x2e\x01"


def test_the_trace_names_both_ends_and_the_subject() -> None:
    journal, events = Journal(), list[Event]()
    journal.listen(events.append)
    bus = Bus(direct, journal)
    bus.serve(NpcfAMPolicyControl, Pcf(), "i1")
    asyncio.run(bus.client(NpcfAMPolicyControl, "AMF").create(REQUEST))
    with pytest.raises(Problem):
        asyncio.run(bus.client(NpcfAMPolicyControl, "AMF").delete("imsi-999700000000001"))
    seen = [(e.nf, e.peer, e.message, e.subject, e.cause) for e in events]
    supi = "imsi-999700000000001"
    refusal = f"404 POLICY_ASSOCIATION_NOT_FOUND: {supi}"
    assert seen == [
        ("AMF", "PCF", "Npcf_AMPolicyControl_Create request", supi, ""),
        ("PCF", "AMF", "Npcf_AMPolicyControl_Create response", supi, ""),
        ("AMF", "PCF", "Npcf_AMPolicyControl_Delete request", supi, ""),
        (
            "PCF",
            "AMF",
            "Npcf_AMPolicyControl_Delete response",
            supi,
            refusal,
        ),
    ]


@pytest.mark.parametrize(("text", "bps"), [("1 Gbps", 10**9), ("1.5 Mbps", 1_500_000), ("64 bps", 64)])
def test_bit_rates(text: str, bps: int) -> None:
    assert bits_per_second(text) == bps
    assert bits_per_second(bit_rate(bps)) == bps


@pytest.mark.parametrize("text", ["", "1", "1 Mb", "x Mbps", "1.2.3 Gbps", "-1 Mbps"])
def test_bit_rates_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="bit rate"):
        bits_per_second(text)
