"""The interface between gNBs: Xn Setup (TS 38.423 §8.4.1), Configuration Update (§8.4.2), Reset (§8.4.4), Error
Indication (§8.4.6), Xn Removal (§8.4.7)."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from cinq.procedure import Refused, Timer, procedure
from cinq.ran.gnb.context import CellId
from cinq.ran.gnb.n2 import N2, UeContext
from cinq.ran.gnb.signals import RemoveXn, ResetXn, SetUpXn, UpdateNeighbour
from cinq.ran.gnb.xn import elements
from cinq.ran.gnb.xn.association import Xn
from cinq.ran.gnb.xn.elements import Unreadable, said
from cinq.wire import xnap

log = logging.getLogger("cinq.ran.gnb")

XN_SETUP = Timer("Xn Setup", 10, 0)
CONFIGURATION_UPDATE = Timer("NG-RAN node Configuration Update", 10, 0)
RESET = Timer("Xn Reset", 10, 0)
REMOVAL = Timer("Xn Removal", 5, 0)
_SEMANTIC: xnap.Cause = ("protocol", "semantic-error")


# Xn Setup


@procedure(opens=SetUpXn)
async def set_up(xn: Xn, _: SetUpXn) -> None:
    """§8.4.1. Refused: the neighbour does not want it, or is not who can be believed."""
    node = xn.node
    assert isinstance(node, N2)
    answer = await xn.ask(request(node), xnap.XnSetupResponse, xnap.XnSetupFailure, timer=XN_SETUP)
    if isinstance(answer, xnap.XnSetupFailure):
        raise Refused(None, f"Xn Setup Failure: {said(answer.cause)}")
    try:
        gnb = elements.identity_of(answer.global_ng_ran_node_id)
        cells = tuple(
            elements.cell_of(gnb, item.served_cell_info_nr) for item in answer.list_of_served_cells_nr or ()
        )
    except Unreadable as wrong:
        raise Refused(None, f"Xn Setup Response: {wrong}") from None
    if why := node.neighbours.refuses(xn, gnb):
        raise Refused(None, f"Xn Setup Response of gNB {gnb}: {why}")
    xn.commit(state="up", gnb=gnb, cells=cells)
    node.neighbours.settle(xn)


def request(n2: N2) -> xnap.XnSetupRequest:
    """XN SETUP REQUEST, §9.1.3.1."""
    return xnap.XnSetupRequest(
        global_ng_ran_node_id=elements.global_id(n2.identity),
        tai_support_list=elements.tai_support(n2.settings, n2.cells),
        amf_region_information=regions(n2),
        list_of_served_cells_nr=served(n2.cells),
    )


def regions(n2: N2) -> list[xnap.GlobalAMFRegionInformation]:
    """Of the AMF, §9.2.3.83; the first one where no AMF has said which."""
    known = {(plmn.octets, amf.region) for plmn, amf in n2.context.guamis}
    return [
        xnap.GlobalAMFRegionInformation(plmn_id=plmn, amf_region_id=region)
        for plmn, region in sorted(known or {(n2.settings.plmn.octets, 1)})
    ]


def served(cells: Sequence[CellId]) -> list[xnap.ServedCellsNRItem]:
    return [xnap.ServedCellsNRItem(served_cell_info_nr=elements.served(cell)) for cell in cells]


def received(n2: N2, xn: Xn, message: xnap.XnSetupRequest) -> None:
    """XN SETUP REQUEST: what was known of the neighbour is replaced, its UEs are given up (§8.4.1.1)."""
    try:
        gnb = elements.identity_of(message.global_ng_ran_node_id)
        cells = tuple(
            elements.cell_of(gnb, item.served_cell_info_nr) for item in message.list_of_served_cells_nr or ()
        )
    except Unreadable as wrong:
        log.warning("%s: Xn Setup refused: %s", xn, wrong)
        xn.send(xnap.XnSetupFailure(cause=_SEMANTIC))
        return
    why = n2.neighbours.refuses(xn, gnb)
    if xn.gnb not in (None, gnb):
        why = f"it was gNB {xn.gnb} before"
    if why:
        log.warning("%s: Xn Setup of gNB %s refused: %s", xn, gnb, why)
        xn.send(xnap.XnSetupFailure(cause=("misc", "unspecified"), time_to_wait="v10s"))
        return
    give_up(n2, xn, "Xn is set up anew")
    xn.commit(state="up", gnb=gnb, cells=cells)
    xn.send(
        xnap.XnSetupResponse(
            global_ng_ran_node_id=elements.global_id(n2.identity),
            tai_support_list=elements.tai_support(n2.settings, n2.cells),
            list_of_served_cells_nr=served(n2.cells),
            amf_region_information=regions(n2),
        )
    )
    n2.neighbours.settle(xn)


def give_up(n2: N2, xn: Xn, why: str) -> None:
    """The UE-associated signalling of the interface is over; UEs that are connected here stay so."""
    for ue in list(n2.ues.values()):
        if ue.neighbour is xn:
            ue.neighbour = None
            if n2.connections.awaits(ue):
                n2.forget(ue, why)
            elif ue.awaits(xnap.HandoverRequestAcknowledge):
                ue.abort(why)


# NG-RAN node Configuration Update


@procedure(opens=UpdateNeighbour)
async def update(xn: Xn, wanted: UpdateNeighbour) -> None:
    """§8.4.2. Refused: with the failure."""
    cells = xnap.ServedCellsToUpdateNR(
        served_cells_to_modify_nr=[
            xnap.ServedCellsToModifyNRItem(
                old_nr_cgi=elements.nr_cgi(wanted.before), served_cell_info_nr=elements.served(wanted.now)
            )
        ]
    )
    told = xnap.ConfigurationUpdateInitiatingNodeChoiceGNB(served_cells_to_update_nr=cells)
    answer = await xn.ask(
        xnap.NGRANNodeConfigurationUpdate(configuration_update_initiating_node_choice=("gNB", told)),
        xnap.NGRANNodeConfigurationUpdateAcknowledge,
        xnap.NGRANNodeConfigurationUpdateFailure,
        timer=CONFIGURATION_UPDATE,
    )
    if isinstance(answer, xnap.NGRANNodeConfigurationUpdateFailure):
        raise Refused(None, f"NG-RAN node Configuration Update Failure: {said(answer.cause)}")


def updated(n2: N2, xn: Xn, message: xnap.NGRANNodeConfigurationUpdate) -> None:
    """NG-RAN NODE CONFIGURATION UPDATE: added, modified and deleted cells (§8.4.2.2)."""
    gnb, told = xn.gnb, message.configuration_update_initiating_node_choice
    if gnb is None or xn.context.state != "up":
        xn.send(_update_failure(("protocol", "message-not-compatible-with-receiver-state")))
        return
    try:
        cells = _with(gnb_cells={cell.nci: cell for cell in xn.cells}, xn=xn, told=told)
    except Unreadable as wrong:
        log.warning("%s: configuration update refused: %s", xn, wrong)
        xn.send(_update_failure(_SEMANTIC))
        return
    xn.commit(cells=cells)
    xn.send(
        xnap.NGRANNodeConfigurationUpdateAcknowledge(
            responding_node_type_config_update_ack=("gNB", xnap.RespondingNodeTypeConfigUpdateAckgNB())
        )
    )


def _update_failure(cause: xnap.Cause) -> xnap.NGRANNodeConfigurationUpdateFailure:
    return xnap.NGRANNodeConfigurationUpdateFailure(cause=cause)


def _with(
    gnb_cells: dict[int, CellId], xn: Xn, told: xnap.ConfigurationUpdateInitiatingNodeChoice
) -> tuple[CellId, ...]:
    """The cells after the update. Unreadable: it is of an ng-eNB, or names cells of others."""
    gnb = xn.gnb
    assert gnb is not None
    if told[0] != "gNB":
        raise Unreadable("found an ng-eNB, wanted a gNB")
    changes = told[1].served_cells_to_update_nr
    if changes is None:
        return tuple(gnb_cells.values())
    for old in (
        *(changes.served_cells_to_delete_nr or ()),
        *(item.old_nr_cgi for item in changes.served_cells_to_modify_nr or ()),
    ):
        if gnb_cells.pop(old.nr_ci, None) is None:
            raise Unreadable(f"cell {old.nr_ci:09x} is not known")
    for item in (*(changes.served_cells_to_add_nr or ()), *(changes.served_cells_to_modify_nr or ())):
        cell = elements.cell_of(gnb, item.served_cell_info_nr)
        gnb_cells[cell.nci] = cell
    return tuple(gnb_cells.values())


# Reset


@procedure(opens=ResetXn)
async def reset(xn: Xn, _: ResetXn) -> None:
    """§8.4.4, of the whole interface."""
    node = xn.node
    assert isinstance(node, N2)
    give_up(node, xn, "Xn reset")
    await xn.ask(
        xnap.ResetRequest(
            reset_request_type_info=("fullReset", xnap.ResetRequestTypeInfoFull()),
            cause=("misc", "o-and-M-intervention"),
        ),
        xnap.ResetResponse,
        timer=RESET,
    )


def was_reset(n2: N2, xn: Xn, message: xnap.ResetRequest) -> None:
    """RESET REQUEST: contexts that the neighbour prepared here, or was to prepare, are given up (§8.4.4.2)."""
    told = message.reset_request_type_info
    if told[0] == "fullReset":
        give_up(n2, xn, "Xn reset")
        xn.send(xnap.ResetResponse(reset_response_type_info=("fullReset", xnap.ResetResponseTypeInfoFull())))
        return
    items = told[1].ue_contexts_to_be_released_list
    for item in items:
        ue = _named(n2, xn, item.ng_ran_node2_ue_xnap_id, item.ng_ran_node1_ue_xnap_id)
        if ue is not None:
            ue.neighbour = None
            if n2.connections.awaits(ue):
                n2.forget(ue, "Xn reset")
    done = [
        xnap.ResetResponsePartialReleaseItem(
            ng_ran_node1_ue_xnap_id=item.ng_ran_node1_ue_xnap_id,
            ng_ran_node2_ue_xnap_id=item.ng_ran_node2_ue_xnap_id,
        )
        for item in items
    ]
    part = xnap.ResetResponseTypeInfoPartial(ue_contexts_admitted_to_be_released_list=done)
    xn.send(xnap.ResetResponse(reset_response_type_info=("partialReset", part)))


def _named(n2: N2, xn: Xn, ours: int | None, theirs: int | None) -> UeContext | None:
    """A UE of this neighbour, by either identity."""
    if ours is not None:
        ue = n2.ues.get(ours)
        return ue if ue is not None and ue.neighbour is xn else None
    found = (ue for ue in n2.ues.values() if ue.neighbour is xn and ue.neighbour_id == theirs)
    return None if theirs is None else next(found, None)


# Xn Removal and errors


@procedure(opens=RemoveXn)
async def remove(xn: Xn, _: RemoveXn) -> None:
    """§8.4.7. Refused: the neighbour wants to keep it."""
    answer = await xn.ask(
        xnap.XnRemovalRequest(global_ng_ran_node_id=elements.global_id(xn.node.identity)),
        xnap.XnRemovalResponse,
        xnap.XnRemovalFailure,
        timer=REMOVAL,
    )
    if isinstance(answer, xnap.XnRemovalFailure):
        raise Refused(None, f"Xn Removal Failure: {said(answer.cause)}")
    xn.part()


def removed(n2: N2, xn: Xn, message: xnap.XnRemovalRequest) -> None:
    """XN REMOVAL REQUEST: whoever asked ends the association (§8.4.7.2). Of another gNB than comes: it is not."""
    try:
        gnb = elements.identity_of(message.global_ng_ran_node_id)
    except Unreadable:
        gnb = None
    if gnb is None or gnb != xn.gnb:
        xn.send(xnap.XnRemovalFailure(cause=_SEMANTIC))
        return
    give_up(n2, xn, "Xn removed")
    xn.send(xnap.XnRemovalResponse(global_ng_ran_node_id=elements.global_id(n2.identity)))
    xn.commit(state="setup", cells=())


def indicated(n2: N2, xn: Xn, message: xnap.ErrorIndication) -> None:
    """ERROR INDICATION (§8.4.6): what is being prepared with that UE does not come about."""
    ids = (message.old_ng_ran_node_ue_xnap_id, message.new_ng_ran_node_ue_xnap_id)
    cause = "no cause given" if message.cause is None else said(message.cause)
    log.info("%s: Error Indication: %s", xn, cause)
    for number in ids:
        ue = None if number is None else n2.ues.get(number)
        if ue is not None and ue.neighbour is xn and ue.awaits(xnap.HandoverRequestAcknowledge):
            ue.abort(f"Error Indication on Xn: {cause}")
