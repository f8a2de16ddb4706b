"""The QoS model: whatever a PCF decides, UE, gNB and UPF are brought to the same QoS by the differences."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.nf.smf import n1, n2, rules
from cinq.nf.smf.binding import Limits, bound, merged, precedences, without
from cinq.nf.smf.context import Ipv4, Ipv4v6, Ipv6, SmContext
from cinq.nf.smf.flows import (
    DEFAULT_RULE,
    NOTHING,
    QosFlow,
    QosProfile,
    Rates,
    SdfFilter,
    SessionQos,
    difference,
)
from cinq.nf.smf.sdf import flow_description, sdf_filters
from cinq.numbering import SNssai
from cinq.sbi.models import Ambr, Arp
from cinq.sbi.services.npcf_smpolicycontrol import (
    AuthorizedDefaultQos,
    FlowInformation,
    PccRule,
    QosData,
    SessionRule,
    SmPolicyDecision,
    TrafficControlData,
)
from cinq.wire import nas, ngap, pfcp

SUBSCRIBED = SessionQos(Rates(10**6, 2 * 10**6), (QosFlow(1, QosProfile(9, 8)),))
CONTEXT = SmContext(
    ref="r",
    supi="imsi-999700000000001",
    pdu_session_id=1,
    dnn="internet",
    s_nssai=SNssai(1),
    ssc_mode=1,
    subscribed=SUBSCRIBED,
    address=Ipv4(0x0A2D0002),
    teid=7,
    n3_address=0x0A000001,
)
END = pfcp.FTeid(7, IPv4Address("10.0.0.1"))
INFO = FlowInformation(flow_description="permit out 17 from 198.51.100.0/24 5004 to assigned")
WIDE = Limits(packet_filters=1024, reflective=True)

descriptions = st.sampled_from(
    [
        "permit out ip from any to assigned",
        "permit out 17 from 198.51.100.0/24 5004 to assigned",
        "permit out 17 from any 1000-2000 to assigned 53",
        "permit out 6 from 203.0.113.9 443 to 10.45.0.2 40000-40010",
        "permit out 17 from 2001:db8::/32 5004 to assigned",
        "permit out 1 from 192.0.2.0/25 to any",
        "deny in ip from any to any",
        "permit out 17 from 2001:db8::1 to assigned",
    ]
)
flow_infos = st.builds(
    FlowInformation,
    flow_description=descriptions,
    packet_filter_usage=st.booleans(),
    flow_direction=st.sampled_from(["DOWNLINK", "UPLINK", "BIDIRECTIONAL", None]),
    tos_traffic_class=st.sampled_from([None, "b8fc", "zz"]),
)
rates = st.integers(1, 10**7).map(lambda n: f"{n} Kbps")


@st.composite
def qos_data(draw: st.DrawFn, name: str) -> QosData:
    five_qi = draw(st.sampled_from([1, 2, 5, 7, 9, 82, None]))
    guaranteed = draw(st.booleans()) if five_qi not in (1, 2, 82) else draw(st.integers(0, 9)) > 0
    return QosData(
        qos_id=name,
        five_qi=five_qi,
        arp=draw(st.none() | st.builds(Arp, priority_level=st.integers(1, 15))),
        gbr_ul=draw(rates) if guaranteed else None,
        gbr_dl=draw(rates) if guaranteed else None,
        maxbr_ul=draw(st.none() | rates),
        maxbr_dl=draw(st.none() | rates),
        reflective_qos=draw(st.booleans()),
        qnc=draw(st.booleans()),
        def_qos_flow_indication=draw(st.booleans()),
        priority_level=draw(st.sampled_from([None, 20])),
    )


@st.composite
def decisions(draw: st.DrawFn) -> SmPolicyDecision:
    names = draw(st.lists(st.sampled_from([f"rule-{n}" for n in range(6)]), unique=True, max_size=5))
    pcc: dict[str, PccRule | None] = {}
    qos: dict[str, QosData | None] = {}
    gates: dict[str, TrafficControlData | None] = {}
    for name in names:
        pcc[name] = PccRule(
            pcc_rule_id=name,
            flow_infos=draw(st.none() | st.lists(flow_infos, max_size=4)),
            precedence=draw(st.none() | st.integers(0, 300)),
            ref_qos_data=draw(st.sampled_from([None, [name], ["nowhere"]])),
            ref_tc_data=draw(st.sampled_from([None, [name]])),
            dis_ue_notif=draw(st.sampled_from([None, True])),
        )
        qos[name] = draw(qos_data(name))
        status = draw(st.sampled_from(["ENABLED", "DISABLED", "ENABLED-UPLINK"]))
        gates[name] = TrafficControlData(tc_id=name, flow_status=status)
    session = SessionRule(
        sess_rule_id="s",
        auth_sess_ambr=draw(st.none() | st.builds(Ambr, uplink=rates, downlink=rates)),
        auth_def_qos=draw(
            st.none() | st.builds(AuthorizedDefaultQos, five_qi=st.sampled_from([5, 7, 9]), arp=st.none())
        ),
    )
    return SmPolicyDecision(sess_rules={"s": session}, pcc_rules=pcc, qos_decs=qos, traff_cont_decs=gates)


@dataclass
class Phone:
    """A UE as TS 24.501 §6.3.2.3 describes it: it applies operations and finds their errors."""

    rules: dict[int, tuple[int, int, tuple[nas.PacketFilter, ...]]] = field(default_factory=dict)
    flows: dict[int, nas.QosFlowDescription] = field(default_factory=dict)

    def told(self, qos_rules: list[nas.QosRule], flows: list[nas.QosFlowDescription]) -> None:
        for rule in qos_rules:
            operation = rule.operation
            if operation == nas.RuleOperation.DELETE:
                assert not rule.packet_filters
                del self.rules[rule.identifier]
                continue
            assert rule.precedence is not None
            assert rule.qfi is not None
            assert (rule.identifier in self.rules) == (operation != nas.RuleOperation.CREATE)
            filters = rule.packet_filters
            if operation == nas.RuleOperation.MODIFY_WITHOUT_FILTERS:
                assert not filters
                filters = self.rules[rule.identifier][2]
            assert 1 <= len({f.identifier for f in filters}) == len(filters) <= 15
            self.rules[rule.identifier] = rule.precedence, rule.qfi, filters
        for flow in flows:
            if flow.operation == nas.FlowOperation.DELETE:
                del self.flows[flow.qfi]
                continue
            assert (flow.qfi in self.flows) == (flow.operation == nas.FlowOperation.MODIFY)
            self.flows[flow.qfi] = flow
        self._sound()

    def _sound(self) -> None:
        """§6.3.2.4: what a UE would reject."""
        precedences = [precedence for precedence, _, _ in self.rules.values()]
        assert len(set(precedences)) == len(precedences)
        assert 80 not in precedences
        assert {qfi for _, qfi, _ in self.rules.values()} <= self.flows.keys()
        for flow in self.flows.values():
            if QosProfile(flow.five_qi or 0, 1).is_gbr:
                assert None not in (
                    flow.gfbr_uplink,
                    flow.gfbr_downlink,
                    flow.mfbr_uplink,
                    flow.mfbr_downlink,
                )

    def known(self) -> object:
        described = {qfi: (f.five_qi, f.gfbr_uplink, f.mfbr_downlink) for qfi, f in self.flows.items()}
        return self.rules, described


@dataclass
class Gnb:
    flows: dict[int, object] = field(default_factory=dict)

    def told(self, octets: bytes) -> None:
        if not octets:
            return
        request = ngap.decode_value(ngap.PDUSessionResourceModifyRequestTransfer, octets)
        for gone in request.qos_flow_to_release_list or ():
            del self.flows[gone.qos_flow_identifier]
        for item in request.qos_flow_add_or_modify_request_list or ():
            self.flows[item.qos_flow_identifier] = ngap.plain(item.qos_flow_level_qos_parameters)


@dataclass
class Upf:
    """A UPF that knows its rules by their identities only."""

    pdrs: dict[int, pfcp.CreatePdr] = field(default_factory=dict)
    qers: dict[int, pfcp.CreateQer] = field(default_factory=dict)

    def told(self, request: pfcp.SessionModificationRequest | None) -> None:
        if request is None:
            return
        read = pfcp.decode(pfcp.encode(request, sequence=1, seid=1))
        assert isinstance(read, pfcp.SessionModificationRequest)
        for gone in read.remove_pdrs:
            del self.pdrs[gone.pdr_id]
        for gone_qer in read.remove_qers:
            del self.qers[gone_qer.qer_id]
        for qer in read.create_qers:
            assert qer.qer_id not in self.qers
            self.qers[qer.qer_id] = qer
        for pdr in read.create_pdrs:
            assert pdr.pdr_id not in self.pdrs
            self.pdrs[pdr.pdr_id] = pdr
        for update in read.update_qers:
            before = self.qers[update.qer_id]
            assert update.gate_status is not None
            self.qers[update.qer_id] = pfcp.CreateQer(
                qer_id=update.qer_id,
                gate_status=update.gate_status,
                mbr=update.mbr or before.mbr,
                gbr=update.gbr or before.gbr,
                qfi=update.qfi,
                rqi=update.rqi,
                averaging_window=update.averaging_window,
            )
        for change in read.update_pdrs:
            pdr = self.pdrs[change.pdr_id]
            assert change.precedence is not None
            assert change.pdi is not None
            self.pdrs[change.pdr_id] = pfcp.CreatePdr(
                pdr_id=pdr.pdr_id,
                precedence=change.precedence,
                pdi=change.pdi,
                outer_header_removal=pdr.outer_header_removal,
                far_id=change.far_id,
                qer_ids=change.qer_ids,
            )
        for pdr in self.pdrs.values():
            assert set(pdr.qer_ids) <= self.qers.keys()


def in_octets(pdrs: list[pfcp.CreatePdr], qers: list[pfcp.CreateQer]) -> Upf:
    fresh = Upf()
    fresh.told(pfcp.SessionModificationRequest(create_pdrs=pdrs, create_qers=qers))
    return fresh


def check_binding(qos: SessionQos, policy: SmPolicyDecision, refused: frozenset[str]) -> None:
    assert qos.flows[0].qfi == 1
    assert qos.rules[0].number == DEFAULT_RULE
    numbers = [rule.number for rule in qos.rules]
    assert len(set(numbers)) == len(numbers)
    assert {rule.qfi for rule in qos.rules} == {flow.qfi for flow in qos.flows}
    assert {rule.name for rule in qos.rules if rule.name} | refused == policy.pcc_rules.keys()
    wanted = [
        (300 if r.precedence is None else r.precedence)
        for rule in sorted(qos.rules[1:], key=lambda r: r.precedence)
        if (r := policy.pcc_rules[rule.name]) is not None
    ]
    assert [min(p, 254) for p in wanted] == sorted(min(p, 254) for p in wanted)
    for flow in qos.flows:
        assert flow.profile.is_gbr == (flow.gfbr is not None) == (flow.mfbr is not None)


@settings(max_examples=150, deadline=None)
@given(st.lists(decisions(), min_size=1, max_size=4))
def test_differences_lead_to_the_same_everywhere(policies: list[SmPolicyDecision]) -> None:
    phone, gnb, upf = Phone(), Gnb(), Upf()
    before = NOTHING
    for policy in policies:
        after, refused = bound(SUBSCRIBED, policy, before, WIDE)
        check_binding(after, policy, frozenset(r.name for r in refused))
        change = difference(before, after)
        context = CONTEXT.__class__(
            **{f: getattr(CONTEXT, f) for f in CONTEXT.__struct_fields__} | {"qos": after}
        )
        phone.told(n1.qos_rules(change), n1.flow_descriptions(change))
        gnb.told(n2.modify_request_transfer(context, change))
        if before.rules:
            as_it_was = in_octets(rules.pdrs(context, before, END), rules.qers(before))
            upf.told(rules.growth(context, before, after, END))
            upf.told(rules.reversal(context, before, after, END))  # a modification that fails
            assert upf == as_it_was
            upf.told(rules.growth(context, before, after, END))
            upf.told(rules.shrinkage(context, before, after, END))
        else:
            upf = in_octets(rules.pdrs(context, after, END), rules.qers(after))
        assert not difference(after, after)

        fresh = difference(NOTHING, after)
        other = Phone()
        other.told(n1.qos_rules(fresh), n1.flow_descriptions(fresh))
        assert phone.known() == other.known()
        assert gnb.flows.keys() == {flow.qfi for flow in after.flows}
        setup = ngap.decode_value(
            ngap.PDUSessionResourceSetupRequestTransfer, n2.setup_request_transfer(context)
        )
        assert gnb.flows == {
            item.qos_flow_identifier: ngap.plain(item.qos_flow_level_qos_parameters)
            for item in setup.qos_flow_setup_request_list
        }
        assert upf == in_octets(rules.pdrs(context, after, END), rules.qers(after))
        # what UE, gNB and UPF are told names the same flows
        assert {qfi for _, qfi, _ in phone.rules.values()} <= gnb.flows.keys()
        assert {q for pdr in upf.pdrs.values() for q in pdr.pdi.qfis} <= gnb.flows.keys()
        before = after


@given(decisions(), decisions())
@settings(max_examples=50, deadline=None)
def test_what_did_not_change_keeps_its_names(first: SmPolicyDecision, second: SmPolicyDecision) -> None:
    one, _ = bound(SUBSCRIBED, first, NOTHING, WIDE)
    both = merged(first, second)
    two, _ = bound(SUBSCRIBED, both, one, WIDE)
    for rule in two.rules:
        was = one.named(rule.name)
        assert was is None or was.number == rule.number
    back, _ = bound(SUBSCRIBED, without(both, frozenset(both.pcc_rules)), two, WIDE)
    assert [r.number for r in back.rules] == [DEFAULT_RULE]


@given(st.lists(st.integers(0, 400), max_size=200).map(sorted))
def test_precedences_are_in_order_and_once(wanted: list[int]) -> None:
    values = precedences(wanted)
    assert values == sorted(set(values))
    assert all(1 <= value <= 254 and value != 80 for value in values)


def test_precedence_is_the_pcfs_where_it_can_be() -> None:
    assert precedences([10, 10, 80, 1000]) == [10, 11, 81, 254]
    assert precedences([400, 400]) == [253, 254]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("permit in 17 from any to assigned", "IPFilterRule"),
        ("permit out 300 from any to assigned", "protocol"),
        ("permit out ip from any 80 to assigned", "ports"),
        ("permit out 6 from any 90-80 to assigned", "before the first"),
        ("permit out 6 from 10.0.0.300 to assigned", "10.0.0.300"),
        ("permit out 6 from 2001:db8::/32 to 10.45.0.2", "IPv6"),
        ("permit out 6 from any to", "IPFilterRule"),
        ("x" * 300, "IPFilterRule"),
    ],
)
def test_a_flow_description_that_is_none(text: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        sdf_filters(FlowInformation(flow_description=text))


@pytest.mark.parametrize(
    "text",
    [
        "permit out ip from any to assigned",
        "permit out 17 from 198.51.100.0/24 5004 to assigned",
        "permit out 6 from 203.0.113.9 443 to 10.45.0.2 40000-40010",
        "permit out 17 from 2001:db8::/32 5004 to assigned",
    ],
)
def test_a_flow_description_is_read_and_written(text: str) -> None:
    (found,) = sdf_filters(FlowInformation(flow_description=text))
    assert flow_description(found) == text


def test_a_list_of_ports_is_several_filters() -> None:
    found = sdf_filters(FlowInformation(flow_description="permit out 6 from any 80,443 to assigned 1-9"))
    assert [(f.remote_ports, f.local_ports) for f in found] == [((80, 80), (1, 9)), ((443, 443), (1, 9))]


def test_packet_filter_components() -> None:
    """TS 24.501 table 9.11.4.13.1: remote and local are meant from the UE."""
    info = FlowInformation(
        flow_description="permit out 17 from 198.51.100.0/24 5004 to 10.45.0.2 40000-40010",
        tos_traffic_class="b8fc",
    )
    assert n1.components(*sdf_filters(info)) == (
        (0x10, bytes.fromhex("c6336400ffffff00")),
        (0x11, bytes.fromhex("0a2d0002ffffffff")),
        (0x30, b"\x11"),
        (0x41, bytes.fromhex("9c409c4a")),
        (0x50, bytes.fromhex("138c")),
        (0x70, bytes.fromhex("b8fc")),
    )
    assert n1.components(SdfFilter()) == nas.MATCH_ALL


def test_filters_that_a_ue_does_not_take() -> None:
    info = FlowInformation(flow_description="permit out ip from any to assigned", packet_filter_usage=True)
    policy = SmPolicyDecision(
        pcc_rules={
            f"r{n}": PccRule(pcc_rule_id=f"r{n}", flow_infos=[info] * 6, precedence=n + 1) for n in range(3)
        }
    )
    qos, refused = bound(SUBSCRIBED, policy, NOTHING, Limits(packet_filters=16))
    assert [rule.name for rule in qos.rules] == ["", "r0", "r1"]
    (refusal,) = refused
    assert (refusal.name, refusal.code) == ("r2", "MAX_NR_PACKET_FILTERS_EXCEEDED")
    assert "16 in all" in refusal.why
    assert refusal.why.mend


def test_more_flows_than_a_session_has() -> None:
    info = FlowInformation(flow_description="permit out ip from any to assigned")
    names = [f"r{n:02}" for n in range(70)]
    profiles = [(five_qi, arp) for five_qi in (5, 6, 7, 8, 69) for arp in range(1, 15)]
    policy = SmPolicyDecision(
        pcc_rules={n: PccRule(pcc_rule_id=n, flow_infos=[info], ref_qos_data=[n]) for n in names},
        qos_decs={
            n: QosData(qos_id=n, five_qi=five_qi, arp=Arp(priority_level=arp))
            for n, (five_qi, arp) in zip(names, profiles, strict=True)
        },
    )
    qos, refused = bound(SUBSCRIBED, policy, NOTHING, WIDE)
    assert sorted(flow.qfi for flow in qos.flows) == list(range(1, 64))
    assert {refusal.code for refusal in refused} == {"MAX_NR_QoS_FLOW"}
    assert len(refused) == 70 - 62


def test_guaranteed_rates_add_up_on_a_flow() -> None:
    info = FlowInformation(flow_description="permit out ip from any to assigned")
    voice = QosData(
        qos_id="v", five_qi=1, gbr_ul="100 Kbps", gbr_dl="200 Kbps", maxbr_ul="1 Mbps", maxbr_dl="1 Mbps"
    )
    policy = SmPolicyDecision(
        pcc_rules={n: PccRule(pcc_rule_id=n, flow_infos=[info], ref_qos_data=["v"]) for n in ("a", "b")},
        qos_decs={"v": voice},
    )
    qos, _ = bound(SUBSCRIBED, policy, NOTHING, WIDE)
    (_, flow) = qos.flows
    assert (flow.gfbr, flow.mfbr) == (Rates(200_000, 400_000), Rates(2_000_000, 2_000_000))
    assert [pdr.qer_ids for pdr in rules.pdrs(CONTEXT, qos, END)] == [[2, 1], [2, 1], [3], [3], [3], [3]]


@pytest.mark.parametrize(
    ("address", "kind", "octets", "n2_kind"),
    [
        (Ipv4(0x0A2D0002), 1, "010a2d0002", "ipv4"),
        (Ipv6(0x20010DB8 << 32, 2), 2, "020000000000000002", "ipv6"),
        (Ipv4v6(0x0A2D0002, 0x20010DB8 << 32, 2), 3, "0300000000000000020a2d0002", "ipv4v6"),
    ],
)
def test_an_address_of_any_type(address: Ipv4 | Ipv6 | Ipv4v6, kind: int, octets: str, n2_kind: str) -> None:
    given_address = n1.pdu_address(address)
    assert given_address is not None
    assert nas.ie.pdu_address.encode(given_address).hex() == octets
    qos, _ = bound(SUBSCRIBED, SmPolicyDecision(), NOTHING, WIDE)
    fields = {f: getattr(CONTEXT, f) for f in CONTEXT.__struct_fields__}
    context = SmContext(**fields | {"address": address, "qos": qos, "session_type": n2_kind.upper()})
    assert n1.session_type(context) == kind
    transfer = ngap.decode_value(
        ngap.PDUSessionResourceSetupRequestTransfer, n2.setup_request_transfer(context)
    )
    assert transfer.pdu_session_type == n2_kind
    (_, downlink) = rules.pdrs(context, qos, END)
    (ue,) = downlink.pdi.ue_ip_addresses
    assert (ue.ipv4 is not None, ue.ipv6 is not None) == (kind != 2, kind != 1)


def test_a_limit_that_goes_is_gone_at_the_upf_and_comes_back_when_the_modification_fails() -> None:
    """An Update QER leaves alone what it does not have (TS 29.244 §7.5.4.5)."""

    def policy(limit: str | None, gate: str) -> SmPolicyDecision:
        rule = PccRule(pcc_rule_id="r", flow_infos=[INFO], ref_qos_data=["q"], ref_tc_data=["t"])
        qos = QosData(qos_id="q", five_qi=5, maxbr_ul=limit, maxbr_dl=limit)
        tc = TrafficControlData(tc_id="t", flow_status=gate)  # type: ignore[arg-type]
        return SmPolicyDecision(pcc_rules={"r": rule}, qos_decs={"q": qos}, traff_cont_decs={"t": tc})

    limited, _ = bound(SUBSCRIBED, policy("1 Kbps", "ENABLED"), NOTHING, WIDE)
    closed, _ = bound(SUBSCRIBED, policy(None, "DISABLED"), limited, WIDE)
    for before, after in ((limited, closed), (closed, limited)):
        upf = in_octets(rules.pdrs(CONTEXT, before, END), rules.qers(before))
        upf.told(rules.growth(CONTEXT, before, after, END))
        upf.told(rules.reversal(CONTEXT, before, after, END))
        assert upf == in_octets(rules.pdrs(CONTEXT, before, END), rules.qers(before))
        upf.told(rules.growth(CONTEXT, before, after, END))
        upf.told(rules.shrinkage(CONTEXT, before, after, END))
        assert upf == in_octets(rules.pdrs(CONTEXT, after, END), rules.qers(after))


@pytest.mark.parametrize(
    ("qer_id", "number"), [(1, None), (64, None), (65, 1), (317, 253), (321, 1), (573, 253)]
)
def test_a_qer_that_a_upf_names_leads_to_its_rule(qer_id: int, number: int | None) -> None:
    assert rules.rule_of_qer(qer_id) == number
