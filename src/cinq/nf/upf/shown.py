"""A UPF as a person or a program looks at it: its sessions, and what became of packets."""

from __future__ import annotations

from msgspec import Struct

from cinq.nf.upf.context import SessionContext
from cinq.nf.upf.dataplane import DataPlane
from cinq.userplane.rules import Reason
from cinq.wire.pfcp import ApplyAction

WORDS = {
    Reason.SLOW_PATH: "Echo, End Marker and odd packets, shown to the UPF (not a loss)",
    Reason.UNKNOWN_TEID: "no session has the TEID; answered with Error Indication",
    Reason.MALFORMED: "broken GTP-U or IP header",
    Reason.SPOOFED: "source address is not the UE's",
    Reason.PROTECTED: "to the core, this host or a protected network",
    Reason.UE_TO_UE: "from UE to UE, which upf.ue_to_ue does not allow",
    Reason.POLICED: "above the session AMBR or a flow's rate",
    Reason.RULE_DROP: "a rule says so: gate closed, quota used, no gNB for the downlink",
    Reason.UNKNOWN_UE: "for an address that no session has",
    Reason.TOO_BIG: "larger than the MTU, and not to be fragmented",
    Reason.FAILED: "the kernel did not take it",
    Reason.BUFFER_FULL: "for an idle UE whose buffer, or the whole buffer, is full",
    Reason.FLOOD: "more signalling on N3 than is looked at",
    Reason.WRONG_QFI: "QFI is not that of the tunnel",
    Reason.PUNTED: "put aside for an idle UE (not a loss)",
    Reason.SEGMENTED: "left to the kernel's segmentation (not a loss)",
    Reason.NO_FLOW: "no flow of the session takes it",
    Reason.LOOP: "of our own tunnel, come back",
    Reason.DISCARDED: "waited for an idle UE that was not reached, or whose session ended",
    Reason.WRONG_PEER: "from an address that has not the tunnel (upf.gnb_networks)",
}
LOSSES = frozenset(Reason) - {Reason.SLOW_PATH, Reason.PUNTED, Reason.SEGMENTED}


class ShownSession(Struct, frozen=True):
    """state: FORWARDS, WAITS (for its gNB) or DROPS. gnbs: where downlink packets go, address and TEID."""

    seid: str
    smf: str
    cp_seid: str
    ues: list[str]
    dnn: str
    s_nssai: str
    state: str
    n3_teids: list[str]
    gnbs: list[str]
    pdrs: int
    uplink_packets: int
    uplink_octets: int
    downlink_packets: int
    downlink_octets: int
    policed: int
    flows: list[str]
    """QoS flows with their maximum bit rates, up and down."""


class ShownDrops(Struct, frozen=True):
    """counts: in user space, and then on each CPU. is_loss: whether the packets are gone."""

    reason: str
    meaning: str
    is_loss: bool
    counts: list[int]


def session_of(session: SessionContext, plane: DataPlane) -> ShownSession:
    used, pdrs = plane.usage(session.seid), session.pdrs
    return ShownSession(
        f"{session.seid:#x}",
        session.smf,
        f"{session.cp_seid:#x}",
        list(dict.fromkeys(str(end) for pdr in pdrs for end in pdr.ends)),
        session.dnn,
        session.s_nssai,
        _state(session),
        list(dict.fromkeys(f"{pdr.teid:#010x}" for pdr in pdrs if pdr.teid is not None)),
        sorted(f"{peer} TEID {teid:#010x}" for teid, peer in session.downlink_ends),
        len(pdrs),
        used.uplink_packets,
        used.uplink_octets,
        used.downlink_packets,
        used.downlink_octets,
        used.uplink_policed + used.downlink_policed,
        _flows(session),
    )


def _flows(session: SessionContext) -> list[str]:
    limits = {qer.qfi: qer for qer in session.qers if qer.qfi is not None}
    return [
        f"QFI {qfi}: {_rate(qer.uplink_bps)} up, {_rate(qer.downlink_bps)} down"
        for qfi, qer in sorted(limits.items())
    ]


def _rate(bps: int) -> str:
    return f"{bps / 1_000_000:g} Mbit/s" if bps else "no limit of its own"


def _state(session: SessionContext) -> str:
    actions = {session.far(pdr.far_id).actions for pdr in session.pdrs if not pdr.is_uplink}
    if any(each & ApplyAction.FORW for each in actions):
        return "FORWARDS"
    return "WAITS" if any(each & ApplyAction.BUFF for each in actions) else "DROPS"


def drops_of(plane: DataPlane) -> list[ShownDrops]:
    return [
        ShownDrops(reason.name, WORDS[reason], reason in LOSSES, counts)
        for reason, counts in plane.counted().items()
        if any(counts)
    ]
