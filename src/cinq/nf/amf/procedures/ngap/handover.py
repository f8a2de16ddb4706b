"""N2 handover between gNBs of this AMF, TS 38.413 §8.4.1 to §8.4.3, §8.4.5 and §8.4.6, TS 23.502 §4.9.1.3.

The source connection runs it. It ends in one of four ways: the target could not be prepared, the UE has arrived
there, the source has cancelled it, or nobody was heard in time.
"""

from __future__ import annotations

from functools import partial

from cinq.nf.amf import journal, signals
from cinq.nf.amf.context import SmContext
from cinq.nf.amf.n1.algorithms import selected
from cinq.nf.amf.n1.exchange import Relocation
from cinq.nf.amf.n2 import diagnosis, elements, mobility
from cinq.nf.amf.n2 import standing as stays
from cinq.nf.amf.n2.association import NgConnection, Ran
from cinq.nf.amf.n2.carriage import Resource, Transfer
from cinq.nf.amf.n2.elements import Place
from cinq.nf.amf.procedures.ngap.context_release import context_release
from cinq.nf.amf.procedures.sm import mobility as sm
from cinq.nf.amf.procedures.sm.resources import deliver_pending
from cinq.nf.amf.ue import Ue, ue_of
from cinq.numbering import GnbId, NumberingError, PlmnId, Tai
from cinq.procedure import (
    ABORT,
    IGNORE,
    Aborted,
    Declined,
    Refused,
    Timer,
    TimerExpired,
    Undo,
    Verdict,
    Why,
    collision,
    procedure,
)
from cinq.wire import nas, ngap

TNG_RELOC_OVERALL = Timer("handover guard", 20.0, retransmissions=0)
ALLOCATION_GUARD = Timer("Handover Resource Allocation guard", 8.0, retransmissions=0)

Transfers = dict[int, bytes]
UNKNOWN_TARGET: ngap.Cause = ("radioNetwork", "unknown-targetID")
NO_RESOURCES: ngap.Cause = ("radioNetwork", "no-radio-resources-available-in-target-cell")


@procedure(opens=ngap.HandoverRequired)
async def handover(source: NgConnection, required: ngap.HandoverRequired) -> None:
    """TS 23.502 §4.9.1.3.2 (preparation) and §4.9.1.3.3 (execution). The numbers are the steps of the call flows."""
    ue = ue_of(source)
    ran, gnb, tai = target_of(source, required)
    check_the_ue(ue, required)
    try:
        async with source.undo() as undo:
            resources, refused = await prepare_sessions(ue, required, gnb, tai, undo)  # 4 to 7
            if not resources:
                raise Refused(
                    mobility.preparation_failure(required, NO_RESOURCES), Why("no PDU session can move")
                )
            target = reserve(ue, ran, tai, undo)
            relocation = relocate(ue)
            acknowledge = await allocate(ue, target, required, resources, relocation)  # 9, 10
            handed, lost = await tell_sessions(ue, acknowledge, resources)  # 11
            if not handed:
                raise Refused(
                    mobility.preparation_failure(required, NO_RESOURCES), Why("the target admits no session")
                )
            source.send(
                mobility.handover_command(source, required, acknowledge, handed, {**refused, **lost})
            )  # execution 1
            await source.expect(ngap.HandoverNotify, timer=TNG_RELOC_OVERALL)  # 5
            if ue.connection is not source or ue.target is not target:
                raise Refused(None, Why("the UE has come on another connection"))
            undo.keep()
        await arrive(ue, source, target, handed, relocation)
    finally:
        if ue.connection is not None and not ue.connection.releasing:
            deliver_pending(ue)  # what SMFs sent meanwhile


def target_of(source: NgConnection, required: ngap.HandoverRequired) -> tuple[Ran, GnbId, Tai]:
    """The gNB that the source names, and the tracking area there. Refused when this AMF has none such."""
    unknown = mobility.preparation_failure(required, UNKNOWN_TARGET)
    kind, target = required.target_id[0], required.target_id[1]
    if required.handover_type != "intra5gs" or not isinstance(target, ngap.TargetRANNodeID):
        raise Refused(unknown, Why(f"handover {required.handover_type} to {kind} is not served"))
    node = target.global_ran_node_id
    if node[0] != "globalGNB-ID":
        raise Refused(unknown, Why(f"{node[0]} is no gNB"))
    value, bits = node[1].gnb_id[1]
    try:
        gnb = GnbId(PlmnId.from_octets(node[1].plmn_identity), value, bits)
        tai = elements.tai_of(target.selected_tai)
    except NumberingError as error:
        raise Refused(unknown, str(error)) from None
    for ran in source.ran.access.rans:
        if ran.context.node_id == str(gnb) and ran is not source.ran:
            if ran.drained is not None:
                raise Refused(unknown, Why(f"gNB {gnb} is drained: {ran.drained}"))
            if any(served == tai for served, _ in ran.context.tais):
                return ran, gnb, tai
            raise Refused(unknown, Why(f"gNB {gnb} does not serve {tai}"))
    raise Refused(unknown, Why(f"no gNB {gnb} is connected", "connect the target gNB to this AMF: cinq gnb"))


def check_the_ue(ue: Ue, required: ngap.HandoverRequired) -> None:
    """Only a registered UE can move, and none whose keys are about to change (TS 33.501 §6.9.5.1)."""
    if ue.context.rm_state != "RM-REGISTERED" or ue.target is not None or not ue.exchange.secured:
        cause: ngap.Cause = ("radioNetwork", "ho-failure-in-target-5GC-ngran-node-or-target-system")
        raise Refused(mobility.preparation_failure(required, cause), Why("the UE is in no state to move"))


async def prepare_sessions(
    ue: Ue, required: ngap.HandoverRequired, gnb: GnbId, tai: Tai, undo: Undo
) -> tuple[list[Resource], Transfers]:
    """What the target is asked for; and why it is not asked for the others, for the source."""
    resources: list[Resource] = []
    refused: Transfers = {}
    indirect = required.direct_forwarding_path_availability is None
    for item in required.pdu_session_resource_list_ho_rqd:
        number = item.pdu_session_id
        context = ue.context.sm_context(number)
        if context is None:
            refused[number] = mobility.not_handed_over(("radioNetwork", "unknown-PDU-session-ID"))
            continue
        answer = await sm.update(
            ue, context, sm.preparing(gnb, tai, indirect), item.handover_required_transfer
        )
        undo.owe(partial(cancel_session, ue), context)
        wanted = sm.transfer_of(answer, "PDU_RES_SETUP_REQ")
        if wanted is None:
            given = sm.transfer_of(answer, "HANDOVER_PREP_FAIL")
            refused[number] = given or mobility.not_handed_over(NO_RESOURCES)
        else:
            transfer = Transfer(number, None, wanted, "PDU_RES_SETUP_REQ", context.s_nssai)
            resources.append(Resource(transfer, None))
    return resources, refused


async def cancel_session(ue: Ue, context: SmContext) -> None:
    await sm.update(ue, context, sm.CANCELLED)


def reserve(ue: Ue, ran: Ran, tai: Tai, undo: Undo) -> NgConnection:
    """A connection at the target, for as long as the handover is under way."""
    target = ran.access.prepare(ran, Place(tai, None), ue)
    target.has_context = True
    target.cause = "" if ue.connection is None else ue.connection.cause
    ue.target = target

    async def abandon(prepared: NgConnection) -> None:
        if ue.target is prepared:
            ue.target = None
            ran.access.drop(prepared, ("radioNetwork", "handover-cancelled"))

    undo.owe(abandon, target)
    return target


def relocate(ue: Ue) -> Relocation:
    """TS 33.501 §6.9.2.3.3. Another K_AMF is taken where the operator wants it, or the NAS COUNTs come to their end."""
    settings, exchange = ue.ports.settings, ue.exchange
    keys = exchange.keys
    assert keys is not None
    wanted = selected(settings.integrity, settings.ciphering, ue.context.security_capability)
    stays = nas.NasAlgorithms(ciphering=keys.ciphering, integrity=keys.integrity)
    made = exchange.relocate(wanted or stays, settings.new_kamf_at_handover or exchange.nearly_used_up)
    ue.commit()
    if made.keys is not None:
        what = "another K_AMF" if made.next_hop.new_key else "other NAS algorithms"
        journal.note(ue, f"with the handover the UE takes {what} into use (TS 33.501 §6.9.2.3.3)")
    return made


async def allocate(
    ue: Ue,
    target: NgConnection,
    required: ngap.HandoverRequired,
    resources: list[Resource],
    relocation: Relocation,
) -> ngap.HandoverRequestAcknowledge:
    """Handover Resource Allocation, §8.4.2. Refused when the target has none, says nothing, or nonsense."""
    standing = stays.of(ue.access.orders, ue.context.supi)
    request = mobility.handover_request(
        target, required, ue.context, ue.ports.settings, relocation, resources, standing
    )
    try:
        answer = await target.demand(signals.AllocateResources(request))
    except TimerExpired:
        silent = mobility.preparation_failure(required, ("radioNetwork", "tngrelocprep-expiry"))
        raise Refused(silent, Why(f"{target.ran.label} does not answer")) from None
    except Declined as declined:
        forget(ue, target)
        told = mobility.preparation_failure(required, diagnosis.cause_of(declined))
        raise Refused(told, declined.reason) from None
    except Aborted:
        gone = mobility.preparation_failure(required, UNKNOWN_TARGET)
        raise Refused(gone, Why(f"{target.ran.label} is lost")) from None
    if isinstance(answer, ngap.HandoverFailure):
        forget(ue, target)
        container = answer.targetto_source_failure_transparent_container
        said = "/".join(answer.cause)
        raise Refused(
            mobility.preparation_failure(required, answer.cause, container),
            Why(f"the target gNB refuses: {said}"),
        )
    if not target.ran.access.assign(target, answer.ran_ue_ngap_id):
        cause: ngap.Cause = ("radioNetwork", "ho-failure-in-target-5GC-ngran-node-or-target-system")
        raise Refused(mobility.preparation_failure(required, cause), Why("the target uses that identity"))
    return answer


def forget(ue: Ue, target: NgConnection) -> None:
    """The target has nothing of the UE: there is nothing to release (§8.4.2.3)."""
    ue.target = None
    target.ran.access.release(target)


async def tell_sessions(
    ue: Ue, acknowledge: ngap.HandoverRequestAcknowledge, resources: list[Resource]
) -> tuple[Transfers, Transfers]:
    """Transfers for the source: of the sessions that move, and of those that end there."""
    asked = {resource.transfer.pdu_session_id for resource in resources}
    admitted = {
        item.pdu_session_id: item.handover_request_acknowledge_transfer
        for item in acknowledge.pdu_session_resource_admitted_list
    }
    failed = {
        item.pdu_session_id: item.handover_resource_allocation_unsuccessful_transfer
        for item in acknowledge.pdu_session_resource_failed_to_setup_list_ho_ack or ()
    }
    handed: Transfers = {}
    lost: Transfers = {}
    for number in sorted(asked):
        context = ue.context.sm_context(number)
        if context is None:  # released meanwhile
            lost[number] = mobility.not_handed_over(("radioNetwork", "unknown-PDU-session-ID"))
        elif number in admitted:
            answer = await sm.update(ue, context, sm.prepared("HANDOVER_REQ_ACK"), admitted[number])
            command = sm.transfer_of(answer, "HANDOVER_CMD")
            if command is None:
                lost[number] = mobility.not_handed_over(NO_RESOURCES)
            else:
                handed[number] = command
        else:
            said = failed.get(number) or mobility.not_allocated(NO_RESOURCES)
            await sm.update(ue, context, sm.prepared("HANDOVER_RES_ALLOC_FAIL"), said)
            lost[number] = mobility.not_handed_over(NO_RESOURCES)
    return handed, lost


async def arrive(
    ue: Ue, source: NgConnection, target: NgConnection, handed: Transfers, relocation: Relocation
) -> None:
    """Execution steps 5 to 14: the UE is at the target. Its SMFs hear of it even where the source is lost meanwhile."""
    ue.move()
    ue.exchange.relocated(relocation)
    ue.commit()
    async with source.undo() as undo:
        await undo.hold(tell_where(ue, handed), nothing_to_undo)
    await context_release(source, signals.ReleaseContext(("radioNetwork", "successful-handover")))


async def tell_where(ue: Ue, handed: Transfers) -> None:
    for context in ue.context.sm_contexts:
        moved = context.pdu_session_id in handed
        await sm.update(ue, context, sm.COMPLETED if moved else sm.DEACTIVATED)


async def nothing_to_undo(_: None) -> None:
    """The UE is where it is."""


@procedure(opens=signals.AllocateResources)
async def resource_allocation(
    target: NgConnection, wanted: signals.AllocateResources
) -> ngap.HandoverRequestAcknowledge | ngap.HandoverFailure:
    """§8.4.2, at the target."""
    return await target.ask(
        wanted.request, ngap.HandoverRequestAcknowledge, ngap.HandoverFailure, timer=ALLOCATION_GUARD
    )


@procedure(opens=ngap.HandoverCancel)
async def handover_cancel(source: NgConnection, cancel: ngap.HandoverCancel) -> None:
    """§8.4.5. Whatever was under way is undone by now."""
    source.send(
        ngap.HandoverCancelAcknowledge(
            amf_ue_ngap_id=source.amf_ue_ngap_id, ran_ue_ngap_id=source.ran_ue_ngap_id
        )
    )


@collision(handover, ngap.HandoverCancel)
def _(source: NgConnection, cancel: ngap.HandoverCancel) -> Verdict:
    """§8.4.5.2: the target and the SMFs let go first. After HANDOVER NOTIFY it is too late."""
    if source.has_answer or ue_of(source).connection is not source:
        return IGNORE("the UE is at the target")
    return ABORT


@collision(handover, ngap.HandoverRequired)
def _(source: NgConnection, again: ngap.HandoverRequired) -> Verdict:
    return IGNORE("a handover is under way")
