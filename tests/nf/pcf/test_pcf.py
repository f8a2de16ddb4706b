"""The PCF with the UDR and doubles of AMF and SMF, over the checked SBI: TS 29.507 and TS 29.512."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

import pytest

from cinq.nf.pcf import PCF, Settings
from cinq.nf.udr import UDR, policies, provisioning
from cinq.numbering import SNssai, Supi
from cinq.procedure.store import MemoryStore, Store
from cinq.sbi import Bus, Problem, checked
from cinq.sbi.models import Ambr, Area, Arp, ServiceAreaRestriction, Snssai, SubscribedDefaultQos
from cinq.sbi.services.npcf_ampolicycontrol import (
    NamfPolicyCallback,
    NpcfAMPolicyControl,
    PolicyAssociationRequest,
    PolicyAssociationUpdateRequest,
    PolicyUpdate,
    TerminationNotification,
)
from cinq.sbi.services.npcf_smpolicycontrol import (
    AuthorizedDefaultQos,
    NpcfSMPolicyControl,
    NsmfPolicyCallback,
    PacketFilterInfo,
    PartialSuccessReport,
    RequestedQos,
    RuleReport,
    SmPolicyContextData,
    SmPolicyDecision,
    SmPolicyDeleteData,
    SmPolicyNotification,
    SmPolicyUpdateContextData,
    UeInitiatedResourceRequest,
)
from cinq.sbi.services.npcf_smpolicycontrol import TerminationNotification as SmTermination
from cinq.sbi.services.nudr_policy import AccessPolicy, SessionPolicy
from cinq.settings.policy import Rule
from cinq.settings.toml import BitRate

SUPI = "imsi-999700000000001"
ONE = Supi.parse(SUPI)
FAST, SLOW = Ambr(uplink="1 Gbps", downlink="1 Gbps"), Ambr(uplink="1 Mbps", downlink="2 Mbps")
FILTER = "permit out 17 from 198.51.100.0/24 5004 to assigned"
VOICE = Rule("voice", (FILTER,), 1, gbr_uplink=BitRate(64000), gbr_downlink=BitRate(64000))
VIDEO = Rule("video", (FILTER,), 7, dnn="internet")
CONTEXT = SmPolicyContextData(
    supi=SUPI,
    pdu_session_id=5,
    pdu_session_type="IPV4",
    dnn="internet",
    notification_uri="/nsmf-callback/v1/sm-policy/ref-5",
    slice_info=Snssai(sst=1),
    subs_sess_ambr=FAST,
    subs_def_qos=SubscribedDefaultQos(five_qi=9, arp=Arp(priority_level=8)),
)
ACCESS = PolicyAssociationRequest(
    notification_uri=f"/namf-callback/v1/am-policy/{SUPI}", supi=SUPI, supp_feat="0", rfsp=3, ue_ambr=FAST
)
ID, ACCESS_ID = f"sm-{SUPI}-5", f"am-{SUPI}"


class Consumers:
    """What an SMF and an AMF hear. answer, refusal: what they say to it."""

    def __init__(self) -> None:
        self.sm: list[tuple[str, SmPolicyDecision]] = []
        self.am: list[tuple[str, PolicyUpdate]] = []
        self.ended: list[tuple[str, str]] = []
        self.answer: PartialSuccessReport | None = None
        self.refusal: Problem | None = None

    async def sm_policy_update_notify(
        self, sm_context_ref: str, body: SmPolicyNotification
    ) -> PartialSuccessReport | None:
        if self.refusal is not None:
            raise self.refusal
        assert body.sm_policy_decision is not None
        self.sm.append((sm_context_ref, body.sm_policy_decision))
        return self.answer

    async def sm_policy_terminate_notify(self, sm_context_ref: str, body: SmTermination) -> None:
        self.ended.append((sm_context_ref, body.resource_uri))

    async def am_policy_update_notify(self, supi: str, body: PolicyUpdate) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.am.append((supi, body))

    async def am_policy_terminate_notify(self, supi: str, body: TerminationNotification) -> None: ...


class World:
    def __init__(self, *rules: Rule, store: Store | None = None, gbr: int = 0) -> None:
        self.store = store or MemoryStore()
        self.bus = bus = Bus(checked)
        self.udr = UDR(self.store, "udr", bus, "99970")
        settings = Settings(tuple(map(policies.element, rules)), (7, 1), gbr)
        self.pcf = PCF("pcf", bus, self.store, settings)
        for nf in (self.udr, self.pcf):
            for service, implementation in nf.services():
                bus.serve(service, implementation, nf.instance_id)
        self.consumers = Consumers()
        bus.serve(NsmfPolicyCallback, self.consumers, "smf")
        bus.serve(NamfPolicyCallback, self.consumers, "amf")
        provisioning.put(self.store, provisioning.Subscriber(ONE, bytes(16), bytes(16)))
        self.sm = bus.client(NpcfSMPolicyControl, "SMF")
        self.am = bus.client(NpcfAMPolicyControl, "AMF")

    async def ask(
        self,
        operation: str = "CREATE_PCC_RULE",
        *filters: str,
        rule: str | None = None,
        five_qi: int | None = 7,
        gbr: str | None = None,
    ) -> SmPolicyDecision:
        """A UE's request for resources."""
        request = UeInitiatedResourceRequest(
            rule_op=operation,  # type: ignore[arg-type]
            pack_filt_info=[PacketFilterInfo(pack_filt_cont=text) for text in filters],
            pcc_rule_id=rule,
            req_qos=None if five_qi is None else RequestedQos(five_qi=five_qi, gbr_ul=gbr, gbr_dl=gbr),
        )
        body = SmPolicyUpdateContextData(rep_policy_ctrl_req_triggers=["RES_MO_RE"], ue_init_res_req=request)
        return await self.sm.update(ID, body)

    def notes(self) -> int:
        return len(list(self.store.items("data-changes")))


def scene(run: Callable[[World], Coroutine[None, None, None]], world: World | None = None) -> None:
    async def whole() -> None:
        made = world or World()
        await made.pcf.start()
        await run(made)

    asyncio.run(whole())


def test_what_is_subscribed_is_authorised() -> None:
    async def run(world: World) -> None:
        created = await world.sm.create(CONTEXT)
        assert created.id == ID
        rule = created.body.sess_rules["default"]
        assert rule is not None
        assert rule.auth_sess_ambr == FAST
        assert rule.auth_def_qos == AuthorizedDefaultQos(five_qi=9, arp=Arp(priority_level=8))
        assert (created.body.pcc_rules, created.body.qos_decs) == ({}, {})
        assert "RES_MO_RE" in (created.body.policy_ctrl_req_triggers or ())

    scene(run)


def test_rules_of_the_settings_are_for_their_dnn_and_slice() -> None:
    elsewhere = Rule("ims", (FILTER,), 5, dnn="ims")
    sliced = Rule("sliced", (FILTER,), 5, slices=(SNssai(2),))

    async def run(world: World) -> None:
        decision = (await world.sm.create(CONTEXT)).body
        assert list(decision.pcc_rules) == ["video", "voice"]
        voice, qos = decision.pcc_rules["voice"], decision.qos_decs["voice"]
        assert voice is not None
        assert qos is not None
        assert (voice.ref_qos_data, qos.five_qi, qos.gbr_ul, qos.maxbr_dl) == (
            ["voice"],
            1,
            "64 Kbps",
            "64 Kbps",
        )
        assert [f.flow_description for f in voice.flow_infos or ()] == [FILTER]
        other = CONTEXT.__class__(
            **{**{f: getattr(CONTEXT, f) for f in CONTEXT.__struct_fields__}, "dnn": "ims"}
        )
        assert list((await world.sm.create(other)).body.pcc_rules) == ["ims", "voice"]

    scene(run, World(VOICE, VIDEO, elsewhere, sliced))


def test_no_precedence_comes_twice() -> None:
    rules = [Rule(f"r{i}", (FILTER,), 7, precedence=254 if i else 253) for i in range(4)]

    async def run(world: World) -> None:
        decision = (await world.sm.create(CONTEXT)).body
        assert [r.precedence for r in decision.pcc_rules.values() if r] == [253, 254, 252, 251]

    scene(run, World(*rules))


def test_a_rule_for_one_subscriber_reaches_its_session() -> None:
    async def run(world: World) -> None:
        await world.sm.create(CONTEXT)
        policies.put(world.store, ONE, "voice", policies.element(VOICE))
        await world.udr.tell_changes()
        ((ref, decision),) = world.consumers.sm
        assert (ref, list(decision.pcc_rules), decision.sess_rules) == ("ref-5", ["voice"], {})
        await world.udr.tell_changes()
        assert len(world.consumers.sm) == 1

        louder = Rule("voice", (FILTER,), 1, gbr_uplink=BitRate(128000), gbr_downlink=BitRate(64000))
        policies.put(world.store, ONE, "voice", policies.element(louder))
        await world.udr.tell_changes()
        _, decision = world.consumers.sm[1]
        assert (decision.pcc_rules, list(decision.qos_decs)) == ({}, ["voice"])

        assert policies.remove(world.store, ONE, "voice")
        assert not policies.remove(world.store, ONE, "voice")
        await world.udr.tell_changes()
        _, decision = world.consumers.sm[2]
        assert (decision.pcc_rules, decision.qos_decs) == ({"voice": None}, {"voice": None})

    scene(run)


def test_another_session_ambr() -> None:
    async def run(world: World) -> None:
        await world.sm.create(CONTEXT)
        slower = SessionPolicy(sess_ambr=SLOW, def_qos=AuthorizedDefaultQos(five_qi=7))
        policies.put(world.store, ONE, "session", slower)
        await world.udr.tell_changes()
        ((_, decision),) = world.consumers.sm
        rule = decision.sess_rules["default"]
        assert rule is not None
        assert rule.auth_sess_ambr == SLOW
        assert rule.auth_def_qos == AuthorizedDefaultQos(five_qi=7, arp=Arp(priority_level=8))

    scene(run)


def test_sessions_that_the_operator_denies_end_and_do_not_come_again() -> None:
    async def run(world: World) -> None:
        await world.sm.create(CONTEXT)
        policies.put(world.store, ONE, "session-ims", SessionPolicy(dnn="ims", denied=True))
        await world.udr.tell_changes()
        assert world.consumers.ended == []
        policies.put(world.store, ONE, "session", SessionPolicy(dnn="internet", denied=True))
        await world.udr.tell_changes()
        assert world.consumers.ended == [("ref-5", f"/npcf-smpolicycontrol/v1/sm-policies/{ID}")]
        assert world.consumers.sm == []
        await world.sm.delete(ID, SmPolicyDeleteData())
        with pytest.raises(Problem) as caught:
            await world.sm.create(CONTEXT)
        assert (caught.value.status, caught.value.cause) == (403, "POLICY_CONTEXT_DENIED")
        assert caught.value.why == f"the operator denies {SUPI} sessions of DNN internet"
        policies.remove(world.store, ONE, "session")
        await world.sm.create(CONTEXT)

    scene(run)


def test_a_session_that_ends_while_its_policy_changes_leaves_nothing() -> None:
    async def run(world: World) -> None:
        await world.sm.create(CONTEXT)

        class Quick(Consumers):
            async def sm_policy_update_notify(
                self, sm_context_ref: str, body: SmPolicyNotification
            ) -> PartialSuccessReport | None:
                await world.sm.delete(ID, SmPolicyDeleteData())
                return None

        world.bus.serve(NsmfPolicyCallback, Quick(), "smf-2")
        world.bus.withdraw(NsmfPolicyCallback, "smf")
        policies.put(world.store, ONE, "voice", policies.element(VOICE))
        await world.udr.tell_changes()
        assert world.store.get("sm-policies", ID) is None

    scene(run)


def test_a_new_subscription_is_reported_by_the_smf() -> None:
    async def run(world: World) -> None:
        await world.sm.create(CONTEXT)
        body = SmPolicyUpdateContextData(rep_policy_ctrl_req_triggers=["SE_AMBR_CH"], subs_sess_ambr=SLOW)
        rule = (await world.sm.update(ID, body)).sess_rules["default"]
        assert rule is not None
        assert rule.auth_sess_ambr == SLOW
        assert await world.sm.update(ID, body) == SmPolicyDecision()

    scene(run)


def test_associations_survive_a_restart() -> None:
    store = MemoryStore()

    async def before(world: World) -> None:
        await world.sm.create(CONTEXT)
        await world.am.create(ACCESS)
        policies.put(store, ONE, "voice", policies.element(VOICE))

    async def after(world: World) -> None:
        await world.udr.tell_changes()
        assert [ref for ref, _ in world.consumers.sm] == ["ref-5"]
        await world.sm.delete(ID, SmPolicyDeleteData())
        await world.am.delete(ACCESS_ID)
        with pytest.raises(Problem, match="POLICY_CONTEXT_NOT_FOUND"):
            await world.sm.delete(ID, SmPolicyDeleteData())
        with pytest.raises(Problem, match="POLICY_ASSOCIATION_NOT_FOUND"):
            await world.am.delete(ACCESS_ID)

    scene(before, World(store=store))
    scene(after, World(store=store))


def test_what_the_smf_could_not_put_in_force_is_not_given_again() -> None:
    async def run(world: World) -> None:
        await world.sm.create(CONTEXT)
        failed = RuleReport(pcc_rule_ids=["voice"], rule_status="INACTIVE", failure_code="RES_ALLO_FAIL")
        await world.sm.update(ID, SmPolicyUpdateContextData(rule_reports=[failed]))
        body = SmPolicyUpdateContextData(rep_policy_ctrl_req_triggers=["SE_AMBR_CH"], subs_sess_ambr=SLOW)
        decision = await world.sm.update(ID, body)
        assert (decision.pcc_rules, decision.qos_decs) == ({}, {})
        policies.put(world.store, ONE, "other", policies.element(VIDEO))  # the operator tries anew
        world.consumers.answer = PartialSuccessReport(
            failure_cause="PCC_RULE_EVENT",
            rule_reports=[RuleReport(pcc_rule_ids=["video"], rule_status="INACTIVE", failure_code="RES_LIM")],
        )
        await world.udr.tell_changes()
        ((_, decision),) = world.consumers.sm
        assert list(decision.pcc_rules) == ["video", "voice"]
        world.consumers.answer = None
        policies.put(world.store, ONE, "session", SessionPolicy(sess_ambr=FAST))
        await world.udr.tell_changes()
        _, decision = world.consumers.sm[1]
        assert list(decision.pcc_rules) == ["video"]

    scene(run, World(VOICE))


@pytest.mark.parametrize(("status", "notes", "there"), [(504, 1, True), (404, 0, False), (400, 0, True)])
def test_an_smf_that_does_not_take_it(status: int, notes: int, there: bool) -> None:
    async def run(world: World) -> None:
        await world.sm.create(CONTEXT)
        world.consumers.refusal = Problem(status)
        policies.put(world.store, ONE, "voice", policies.element(VOICE))
        await world.udr.tell_changes()
        assert world.notes() == notes
        assert (world.store.get("sm-policies", ID) is not None) is there

    scene(run)


def test_a_ue_asks_for_a_flow_and_gives_it_back() -> None:
    async def run(world: World) -> None:
        await world.sm.create(CONTEXT)
        decision = await world.ask("CREATE_PCC_RULE", FILTER)
        rule, qos = decision.pcc_rules["ue-1"], decision.qos_decs["ue-1"]
        assert rule is not None
        assert qos is not None
        assert (rule.ref_qos_data, qos.five_qi) == (["ue-1"], 7)
        assert [f.pack_filt_id for f in rule.flow_infos or ()] == ["ue-1-1"]

        decision = await world.ask(
            "MODIFY_PCC_RULE_AND_ADD_PACKET_FILTERS", FILTER, rule="ue-1", five_qi=None
        )
        rule = decision.pcc_rules["ue-1"]
        assert rule is not None
        assert [f.pack_filt_id for f in rule.flow_infos or ()] == ["ue-1-1", "ue-1-2"]
        assert decision.qos_decs == {}

        decision = await world.ask("DELETE_PCC_RULE", rule="ue-1", five_qi=None)
        assert (decision.pcc_rules, decision.qos_decs) == ({"ue-1": None}, {"ue-1": None})

    scene(run)


def test_a_ues_flow_without_a_wish_goes_with_the_default_flow() -> None:
    async def run(world: World) -> None:
        await world.sm.create(CONTEXT)
        qos = (await world.ask("CREATE_PCC_RULE", FILTER, five_qi=None)).qos_decs["ue-1"]
        assert qos is not None
        assert (qos.def_qos_flow_indication, qos.five_qi) == (True, None)

    scene(run)


def test_filters_are_replaced_and_deleted() -> None:
    async def run(world: World) -> None:
        await world.sm.create(CONTEXT)
        await world.ask("CREATE_PCC_RULE", FILTER, FILTER)
        other = "permit out 6 from any 80 to assigned"
        decision = await world.ask(
            "MODIFY_ PCC_RULE_AND_REPLACE_PACKET_FILTERS", other, rule="ue-1", five_qi=None
        )
        rule = decision.pcc_rules["ue-1"]
        assert rule is not None
        assert [f.flow_description for f in rule.flow_infos or ()] == [other]
        body = UeInitiatedResourceRequest(
            rule_op="MODIFY_ PCC_RULE_AND_DELETE_PACKET_FILTERS",
            pack_filt_info=[PacketFilterInfo(pack_filt_id=f.pack_filt_id) for f in rule.flow_infos or ()],
            pcc_rule_id="ue-1",
        )
        decision = await world.sm.update(ID, SmPolicyUpdateContextData(ue_init_res_req=body))
        assert decision.pcc_rules == {"ue-1": None}  # without a filter it has no packets

    scene(run)


REFUSED: dict[str, tuple[Callable[[World], Coroutine[None, None, SmPolicyDecision]], str]] = {
    "5QI": (lambda w: w.ask("CREATE_PCC_RULE", FILTER, five_qi=82), "asks for 5QI 82; a UE may ask for 7, 1"),
    "rate": (lambda w: w.ask("CREATE_PCC_RULE", FILTER, five_qi=1, gbr="2 Mbps"), "2 Mbps guaranteed uplink"),
    "no packets": (lambda w: w.ask("CREATE_PCC_RULE"), "without saying for which packets"),
    "the network's": (lambda w: w.ask("DELETE_PCC_RULE", rule="voice"), "the network alone changes it"),
    "another's": (lambda w: w.ask("DELETE_PCC_RULE", rule="ue-9"), "'ue-9' is none of those"),
    "no name": (lambda w: w.ask("MODIFY_PCC_RULE_AND_ADD_PACKET_FILTERS", FILTER), "is none of those"),
    "too many": (lambda w: w.ask("CREATE_PCC_RULE", *[FILTER] * 16), "asks for 16 packet filters"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_ue_may_not_have(name: str) -> None:
    ask, text = REFUSED[name]

    async def run(world: World) -> None:
        before = (await world.sm.create(CONTEXT)).body
        with pytest.raises(Problem) as caught:
            await ask(world)
        assert (caught.value.status, caught.value.cause) == (403, "ERROR_TRAFFIC_MAPPING_INFO_REJECTED")
        assert text in caught.value.why
        assert await world.sm.update(ID, SmPolicyUpdateContextData()) == SmPolicyDecision()
        assert list(before.pcc_rules) == ["voice"]

    scene(run, World(VOICE, gbr=1_000_000))


def test_a_ue_may_not_have_rules_without_end() -> None:
    async def run(world: World) -> None:
        await world.sm.create(CONTEXT)
        for _ in range(16):
            await world.ask("CREATE_PCC_RULE", FILTER)
        with pytest.raises(Problem, match="which is all it may have"):
            await world.ask("CREATE_PCC_RULE", FILTER)

    scene(run)


def test_am_policy_as_subscribed_and_reported() -> None:
    async def run(world: World) -> None:
        policy = (await world.am.create(ACCESS)).body
        assert (policy.rfsp, policy.ue_ambr, policy.serv_area_res) == (3, FAST, None)
        assert set(policy.triggers) == {"RFSP_CH", "UE_AMBR_CH", "SERV_AREA_CH", "ALLOWED_NSSAI_CH"}
        area = ServiceAreaRestriction(restriction_type="ALLOWED_AREAS", areas=[Area(tacs=["000001"])])
        update = await world.am.update(
            ACCESS_ID,
            PolicyAssociationUpdateRequest(
                triggers=["RFSP_CH", "UE_AMBR_CH", "SERV_AREA_CH"], rfsp=4, ue_ambr=SLOW, serv_area_res=area
            ),
        )
        assert (update.rfsp, update.ue_ambr, update.serv_area_res) == (4, SLOW, area)
        slices = PolicyAssociationUpdateRequest(
            triggers=["ALLOWED_NSSAI_CH"], allowed_snssais=[Snssai(sst=1), Snssai(sst=2)]
        )
        update = await world.am.update(ACCESS_ID, slices)
        assert (update.rfsp, update.ue_ambr, update.serv_area_res) == (None, None, None)
        with pytest.raises(Problem, match="POLICY_ASSOCIATION_NOT_FOUND"):
            await world.am.update("am-imsi-1", slices)

    scene(run)


def test_an_operators_am_policy_reaches_the_amf_and_outlasts_the_subscription() -> None:
    async def run(world: World) -> None:
        await world.am.create(ACCESS)
        policies.put(world.store, ONE, "access", AccessPolicy(rfsp=9))
        await world.udr.tell_changes()
        ((supi, update),) = world.consumers.am
        assert (supi, update.rfsp, update.ue_ambr) == (SUPI, 9, None)
        reported = PolicyAssociationUpdateRequest(triggers=["RFSP_CH"], rfsp=4)
        assert (await world.am.update(ACCESS_ID, reported)).rfsp is None
        policies.remove(world.store, ONE, "access")
        await world.udr.tell_changes()
        assert world.consumers.am[1][1].rfsp == 4
        world.consumers.refusal = Problem(404, "CONTEXT_NOT_FOUND")
        policies.put(world.store, ONE, "access", AccessPolicy(ue_ambr=SLOW))
        await world.udr.tell_changes()
        assert world.store.get("am-policies", ACCESS_ID) is None

    scene(run)


def test_areas() -> None:
    allowed = ServiceAreaRestriction(
        restriction_type="ALLOWED_AREAS", areas=[Area(tacs=["00000A"]), Area(tacs=["0000ff"])]
    )
    assert [allowed.allows(tac) for tac in (10, 255, 1)] == [True, True, False]
    other = ServiceAreaRestriction(restriction_type="NOT_ALLOWED_AREAS", areas=allowed.areas)
    assert [other.allows(tac) for tac in (10, 255, 1)] == [False, False, True]
    assert ServiceAreaRestriction().allows(1)
