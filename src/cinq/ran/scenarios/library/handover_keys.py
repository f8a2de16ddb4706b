"""N2 handover with other NAS keys: TS 33.501 §6.9.2.3.3 and §6.9.2.3.4, TS 24.501 §9.11.2.6.

Whether a core changes keys in a handover is its operator's policy: one that does not is not asked further.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from cinq.ran.radio import rrc
from cinq.ran.scenarios import check
from cinq.ran.scenarios.bench import Bench
from cinq.ran.scenarios.library.mobility import attached, is_served, moves
from cinq.ran.scenarios.scenario import scenario
from cinq.wire import nas, ngap

Container = ngap.TargetNGRANNodeToSourceNGRANNodeTransparentContainer


def told(request: ngap.HandoverRequest) -> nas.IntraN1Container:
    """What HANDOVER REQUEST says of NAS keys. NotApplicable: nothing."""
    if request.nasc is None:
        raise check.NotApplicable("a core that changes NAS keys in an N2 handover")
    return nas.IntraN1Container.from_octets(request.nasc)


@scenario("mobility")
async def n2_handover_with_new_keys(bench: Bench) -> None:
    """The UE believes the NAS container and is served under the keys that it says; with a new K_AMF K_gNB begins anew.

    TS 33.501 §6.9.2.3.3, §6.9.2.3.4, TS 24.501 §9.11.2.6, TS 38.413 §8.4.2.2.
    """
    source, target = await bench.gnb(), await bench.gnb()
    ue = await attached(bench, source)
    before = check.present(ue.security.current, "NAS keys")
    await moves(bench, ue, target, "n2")
    request = await bench.hears(ngap.HandoverRequest, target)
    container = told(request)
    check.equal(container.ng_ksi, ue.security.ng_ksi, "the ngKSI")
    after = check.present(ue.security.current, "NAS keys")
    check.equal(
        (after.nas.ciphering, after.nas.integrity), (container.ciphering, container.integrity), "algorithms"
    )
    if container.new_kamf:
        check.that(after.keys.kamf != before.keys.kamf, "the UE has another K_AMF")
        check.equal(request.new_security_context_ind, "true", "the New Security Context Indicator")
        check.equal(request.security_context.next_hop_chaining_count, 0, "the NCC")
    keys = bench.context(ue, target).context.keys
    chain = check.present(ue.security.as_chain, "AS keys")
    check.equal((chain.kgnb, chain.ncc), (keys.kgnb, keys.used_ncc), "K_gNB at the UE and at the gNB")
    await is_served(bench, ue)
    await moves(bench, ue, source, "n2")
    await is_served(bench, ue)


@scenario("mobility")
async def n2_handover_with_a_changed_nas_container(bench: Bench) -> None:
    """A NAS container that somebody changed is not believed: the UE stays, and both go on with the keys of before.

    TS 33.501 §6.9.2.3.4, TS 38.413 §8.4.5.
    """
    source, target = await bench.gnb(), await bench.gnb()
    ue = await attached(bench, source)
    before = ue.security.current
    with target.station.change(ngap.HandoverRequestAcknowledge, spoiled):
        await bench.forgiven(bench.hand_over(ue, target, "n2"))
    told(await bench.hears(ngap.HandoverRequest, target))
    await bench.hears(ngap.HandoverCancelAcknowledge, source)
    check.that(ue.security.current is before, "the UE has the keys of before")
    check.that(bench.gnb_of(ue) is source, "the UE is where it was")
    await is_served(bench, ue)
    await moves(bench, ue, target, "n2")
    await is_served(bench, ue)


def spoiled(acknowledge: ngap.HandoverRequestAcknowledge) -> Iterator[ngap.HandoverRequestAcknowledge]:
    """Another MAC in the NAS container of the handover command, where it has one."""
    given = ngap.decode_value(Container, acknowledge.target_to_source_transparent_container)
    command = rrc.decode(given.rrc_container)
    changed = replace(command, nas=bytes(octet ^ 0xFF for octet in command.nas[:4]) + command.nas[4:])
    acknowledge.target_to_source_transparent_container = ngap.encode_value(
        Container(rrc_container=rrc.encode(changed))
    )
    yield acknowledge
