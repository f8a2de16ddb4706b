"""RAN configuration transfer (TS 38.413 §8.8) and RIM information transfer (§8.16): from gNB to gNB, as they are."""

from __future__ import annotations

from cinq.nf.amf import journal
from cinq.nf.amf.n2 import elements
from cinq.nf.amf.n2.association import Ran
from cinq.procedure import Why, procedure
from cinq.wire import ngap


@procedure(opens=ngap.UplinkRANConfigurationTransfer)
async def ran_configuration_transfer(ran: Ran, message: ngap.UplinkRANConfigurationTransfer) -> None:
    """§8.8.1.2, §8.8.2. What is for an eNB goes by an MME, and there is none."""
    son = message.son_configuration_transfer_ul
    if son is None:
        journal.note(ran, "RAN configuration for an eNB is not passed on: this AMF reaches no MME")
        return
    wanted = son.target_ran_node_id_son
    target = at_cell(ran, wanted.nr_cgi) if wanted.nr_cgi else at_node(ran, wanted.global_ran_node_id)
    if target is None:
        not_reached(ran, "RAN configuration", wanted.global_ran_node_id)
    else:
        target.tell(ngap.DownlinkRANConfigurationTransfer(son_configuration_transfer_dl=son))


@procedure(opens=ngap.UplinkRIMInformationTransfer)
async def rim_information_transfer(ran: Ran, message: ngap.UplinkRIMInformationTransfer) -> None:
    """§8.16.1, §8.16.2: of remote interference."""
    rim = message.rim_information_transfer
    if rim is None:
        return
    wanted = rim.target_ran_node_id_rim.global_ran_node_id
    target = at_node(ran, wanted)
    if target is None:
        not_reached(ran, "RIM information", wanted)
    else:
        target.tell(ngap.DownlinkRIMInformationTransfer(rim_information_transfer=rim))


def at_node(ran: Ran, wanted: ngap.GlobalRANNodeID) -> Ran | None:
    """The gNB of that identity, where it is connected to this AMF."""
    gnb = elements.gnb_id_of(wanted)
    for other in ran.access.rans:
        if gnb is not None and other.context.node_id == str(gnb):
            return other
    return None


def at_cell(ran: Ran, cell: ngap.NRCGI) -> Ran | None:
    """The gNB that has the cell: the cell's identity goes before the node's (§8.8.1.2)."""
    for other in ran.access.rans:
        if other.context.node_id and elements.holds(other.context.node_id, cell):
            return other
    return None


def not_reached(ran: Ran, what: str, wanted: ngap.GlobalRANNodeID) -> None:
    gnb = elements.gnb_id_of(wanted)
    name = wanted[0] if gnb is None else f"gNB {gnb}"
    journal.note(
        ran, Why(f"{what} for {name} is not passed on: it is not connected", "connect that gNB to this AMF")
    )
