"""N4 rules of a session at the UPF between its anchor and the gNB: TS 23.501 §5.6.4.2, §5.8.2.11, TS 29.244 §5.2.

Uplink packets of rules that leave there (`leaving`) go out by its N6, all others on to the anchor; downlink packets of
both go to the gNB by one FAR, which is numbered as that of a session with one UPF. The session AMBR holds for all of
them together; without flows of a guaranteed rate it is enforced here as well (§5.7.1.8), as the anchor sees its part
alone.
"""

from __future__ import annotations

from cinq.nf.smf import rules
from cinq.nf.smf.context import AnTunnel, Branch, SmContext
from cinq.nf.smf.flows import LAST_PRECEDENCE, SdfRule, SessionQos
from cinq.wire import pfcp
from cinq.wire.pfcp import Interface, InterfaceType

ONWARD_FAR, LOCAL_FAR, LATE_FAR = rules.UPLINK_FAR, 3, 4
"""LATE_FAR is at the anchor: of no PDR, it says from where packets may still come."""
TOWARDS_ANCHOR = 2  # CHOOSE ID of the end of N9
UP, DOWN = rules.uplink_pdr(1), rules.downlink_pdr(1)
"""PDRs of all that does not leave here."""


def leaving(qos: SessionQos, dnais: tuple[str, ...]) -> list[SdfRule]:
    """The rules whose packets leave by a UPF with these DNAIs."""
    return [rule for rule in qos.rules if not set(rule.dnais).isdisjoint(dnais)]


def made(
    context: SmContext, qos: SessionQos, branch: Branch, ends: tuple[pfcp.FTeid, pfcp.FTeid]
) -> rules.Made:
    """ends: of N3 and of N9, given or to be chosen."""
    n3, n9 = ends
    local = SessionQos(qos.ambr, qos.flows, tuple(leaving(qos, branch.dnais)), qos.reflective_timer)
    pdrs = [_up(context, n3, qos), _down(n9, qos)]
    for pdr in rules.pdrs(context, local, n3):
        uplink = pdr.pdi.source_interface == Interface.ACCESS
        pdr.far_id = LOCAL_FAR if uplink else rules.DOWNLINK_FAR
        pdr.urr_ids = []
        pdrs.append(pdr)
    used = {rule.qfi for rule in local.rules}
    flows = tuple(flow for flow in qos.flows if flow.qfi in used)
    return rules.Made(pdrs, rules.qers(SessionQos(qos.ambr, flows, local.rules)), [])


def chosen(*, ipv4: bool, ipv6: bool) -> tuple[pfcp.FTeid, pfcp.FTeid]:
    """Both of the UPF's choice."""
    n3 = rules.choose(ipv4=ipv4, ipv6=ipv6, shared=True)
    return n3, pfcp.FTeid.choose(TOWARDS_ANCHOR, ipv4=ipv4, ipv6=ipv6)


def given(branch: Branch) -> tuple[pfcp.FTeid, pfcp.FTeid]:
    """As the UPF chose them."""
    ends = branch.n3.all
    return pfcp.FTeid.at(branch.teid, *ends), pfcp.FTeid.at(branch.n9_teid, *ends)


def _ambr(qos: SessionQos) -> list[int]:
    return [] if any(flow.profile.is_gbr for flow in qos.flows) else [rules.SESSION_AMBR]


def _up(context: SmContext, n3: pfcp.FTeid, qos: SessionQos) -> pfcp.CreatePdr:
    pdi = pfcp.Pdi(
        source_interface=Interface.ACCESS,
        f_teid=n3,
        network_instance=rules.instance(context.dnn),
        ue_ip_addresses=rules.ue_addresses(context, destination=False),
        framed_routes=rules.framed(context, 4),
        framed_ipv6_routes=rules.framed(context, 6),
        interface_type=InterfaceType.N3_3GPP_ACCESS,
    )
    return pfcp.CreatePdr(
        pdr_id=UP,
        precedence=LAST_PRECEDENCE,
        pdi=pdi,
        outer_header_removal=rules.removal(n3),
        far_id=ONWARD_FAR,
        qer_ids=_ambr(qos),
    )


def _down(n9: pfcp.FTeid, qos: SessionQos) -> pfcp.CreatePdr:
    pdi = pfcp.Pdi(source_interface=Interface.CORE, f_teid=n9, interface_type=InterfaceType.N9)
    return pfcp.CreatePdr(
        pdr_id=DOWN,
        precedence=LAST_PRECEDENCE,
        pdi=pdi,
        outer_header_removal=rules.removal(n9),
        far_id=rules.DOWNLINK_FAR,
        qer_ids=_ambr(qos),
    )


def fars(context: SmContext, downlink: pfcp.CreateFar) -> list[pfcp.CreateFar]:
    """On to the anchor, out here, and downlink."""
    onward = pfcp.ForwardingParameters(
        destination_interface=Interface.CORE,
        network_instance=rules.instance(context.dnn),
        outer_header_creation=pfcp.OuterHeaderCreation.gtpu(context.teid, *context.anchor_ends.all),
        interface_type=InterfaceType.N9,
    )
    on = pfcp.CreateFar(far_id=ONWARD_FAR, apply_action=rules.FORWARD, forwarding_parameters=onward)
    out = rules.uplink_far(context.dnn)
    return [
        on,
        downlink,
        pfcp.CreateFar(
            far_id=LOCAL_FAR, apply_action=rules.FORWARD, forwarding_parameters=out.forwarding_parameters
        ),
    ]


# -- at the anchor --------------------------------------------------------------------------------------


def end_of(branch: Branch) -> AnTunnel:
    """Where the anchor's downlink goes."""
    return AnTunnel(branch.n9_teid, branch.n3.ipv4, branch.n3.ipv6)


def downlink(branch: Branch) -> pfcp.CreateFar:
    """At an anchor that gets the session anew."""
    return rules.downlink_far(end_of(branch), notify=False)


def leads(
    to: AnTunnel | None, before: AnTunnel | None, *, to_upf: bool, late: bool
) -> pfcp.SessionModificationRequest:
    """The anchor's downlink goes to another end (or waits, None), with an end marker on the path before; what is still
    on its way from there is taken on. late: LATE_FAR is there already."""
    update = rules.waiting() if to is None else rules.to_gnb(to, end_marker=before is not None)
    if to is not None and update.forwarding_parameters is not None and to_upf:
        update.forwarding_parameters.interface_type = InterfaceType.N9
    request = pfcp.SessionModificationRequest(update_fars=[update])
    if before is not None and late:
        again = rules.to_gnb(before)
        again.far_id = LATE_FAR
        request.update_fars.append(again)
    elif before is not None:
        far = rules.downlink_far(before, notify=False)
        request.create_fars = [
            pfcp.CreateFar(
                far_id=LATE_FAR,
                apply_action=far.apply_action,
                forwarding_parameters=far.forwarding_parameters,
            )
        ]
    return request


def late_ends() -> pfcp.SessionModificationRequest:
    return pfcp.SessionModificationRequest(remove_fars=[pfcp.RemoveFar(far_id=LATE_FAR)])
