"""Where a UE is, and where it is handed over to, as an AMF tells it."""

from __future__ import annotations

from cinq.sbi.models import (
    GlobalRanNodeId,
    GNbId,
    Ncgi,
    NgRanTargetId,
    NrLocation,
    PlmnId,
    Tai,
    UserLocation,
)


def place(tac: int) -> UserLocation:
    """A cell of the tracking area."""
    plmn = PlmnId(mcc="999", mnc="70")
    ncgi = Ncgi(plmn_id=plmn, nr_cell_id="000000010")
    return UserLocation(nr_location=NrLocation(tai=Tai(plmn_id=plmn, tac=f"{tac:06x}"), ncgi=ncgi))


def target_of(tac: int) -> NgRanTargetId:
    """A gNB of the tracking area."""
    plmn = PlmnId(mcc="999", mnc="70")
    node = GlobalRanNodeId(plmn_id=plmn, g_nb_id=GNbId(bit_length=22, value="000001"))
    return NgRanTargetId(ran_node_id=node, tai=Tai(plmn_id=plmn, tac=f"{tac:06x}"))
