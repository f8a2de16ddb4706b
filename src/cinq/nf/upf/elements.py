"""The IEs of rules one by one: what of them is taken, and the cause that refuses the rest. TS 29.244 §5.2, §8.2."""

from __future__ import annotations

from functools import lru_cache

from msgspec.structs import replace

from cinq.nf.upf.context import FAR, PDR, Far, Qer, Rejected, failed
from cinq.transport_address import TransportAddress, is_one_host
from cinq.wire import pfcp
from cinq.wire.pfcp import ApplyAction, Cause, Interface

PRECEDENCE = 29
MOST_QERS = 8  # of one PDR
MOST_URRS = 8
ETHERNET_PACKET_FILTER, ETHERNET_PDU_SESSION_INFORMATION, ETHI = 132, 142, 1
NETWORK_INSTANCE, GATE, OUTER_HEADER_CREATION = 22, 25, 84
APPLY_ACTION, QER_ID, URR_ID, PROXYING = 44, 109, 81, 137
GTPU_CREATIONS = frozenset((0x0100, 0x0200, 0x0300))
"""Outer Header Creation of GTP-U over IPv4, IPv6, or either, as the peer has addresses (§8.2.56)."""
ACCESS, SIDES = Interface.ACCESS, (Interface.ACCESS, Interface.CORE, Interface.SGI_LAN_N6_LAN)
GTPU_REMOVALS = (0, 1, 6)
"""Outer Header Removal of GTP-U over IPv4, IPv6 or either; the tunnel's end says which there can be."""
DROP, FORW, BUFF, NOCP = ApplyAction.DROP, ApplyAction.FORW, ApplyAction.BUFF, ApplyAction.NOCP
OFFERED = frozenset((DROP, FORW, BUFF, BUFF | NOCP))
"""Of the Apply Action flags: §8.2.26 wants exactly one of DROP, FORW and BUFF; NOCP only with BUFF."""


@lru_cache(1024)
def same_numbers(numbers: tuple[int, ...]) -> tuple[int, ...]:
    """The first that were equal: most sessions have the same."""
    return numbers


def check_removal(pdr_id: int, removal: pfcp.OuterHeaderRemoval | None) -> None:
    if removal is None:
        raise failed(Cause.CONDITIONAL_IE_MISSING, "uplink PDR keeps its outer header", PDR, pdr_id, 95)
    if removal.description not in GTPU_REMOVALS:
        what = f"outer header removal {removal.description}"
        raise failed(Cause.SERVICE_NOT_SUPPORTED, what, PDR, pdr_id, 95)


def check_instance(instance: pfcp.NetworkInstance | None) -> None:
    """Labels, or plain text of characters that a name may have (DEV-079)."""
    if instance is not None and not _is_name(instance.name):
        raise Rejected(Cause.MANDATORY_IE_INCORRECT, "malformed network instance", NETWORK_INSTANCE)


def ethernet_link(pdr_id: int, pdi: pfcp.Pdi, links: tuple[str, ...]) -> str:
    """The network instance of an Ethernet session, "" for another. Rejected: it serves none, or filters frames."""
    if pdi.ethernet_packet_filters:
        what = "Ethernet packet filters"
        raise failed(Cause.SERVICE_NOT_SUPPORTED, what, PDR, pdr_id, ETHERNET_PACKET_FILTER)
    information, instance = pdi.ethernet_pdu_session_information, pdi.network_instance
    if information is None or not information.value & ETHI:
        return ""
    name = "" if instance is None else instance.name
    if name not in links:
        what = f"no Ethernet in network instance {name or '(none)'}"
        raise failed(Cause.SERVICE_NOT_SUPPORTED, what, PDR, pdr_id, ETHERNET_PDU_SESSION_INFORMATION)
    return name


@lru_cache(256)
def _is_name(text: str) -> bool:
    return bool(text) and all(c.isascii() and (c.isalnum() or c in "-._") for c in text)


def qer_ids(numbers: list[int]) -> tuple[int, ...]:
    if len(numbers) > MOST_QERS:
        raise Rejected(
            Cause.NO_RESOURCES_AVAILABLE, f"{len(numbers)} QERs of a PDR, at most {MOST_QERS}", QER_ID
        )
    return same_numbers(tuple(numbers))


def urr_ids(numbers: list[int]) -> tuple[int, ...]:
    if len(numbers) > MOST_URRS:
        what = f"{len(numbers)} URRs of a PDR, at most {MOST_URRS}"
        raise Rejected(Cause.NO_RESOURCES_AVAILABLE, what, URR_ID)
    return same_numbers(tuple(numbers))


def actions(far_id: int, action: ApplyAction) -> int:
    """The flags, where they are OFFERED; a flag that is not comes after those that exclude each other."""
    flags = action.value
    if flags in OFFERED:
        return flags
    if flags & (DROP | FORW | BUFF | NOCP) in OFFERED:
        raise failed(Cause.SERVICE_NOT_SUPPORTED, "Apply Action", FAR, far_id, APPLY_ACTION)
    raise failed(Cause.MANDATORY_IE_INCORRECT, "Apply Action", FAR, far_id, APPLY_ACTION)


def forwarding(
    far: Far, ie: pfcp.ForwardingParameters | pfcp.UpdateForwardingParameters, n3: TransportAddress
) -> Far:
    """n3: our ends, which say by which address of a peer it is reached."""
    if ie.redirect_information is not None or ie.forwarding_policy is not None:
        raise failed(Cause.INVALID_FORWARDING_POLICY, "redirection or policy", FAR, far.far_id)
    if isinstance(ie, pfcp.ForwardingParameters) and ie.proxying is not None and ie.proxying.value:
        what = "answers to ARP or to neighbour solicitations for the UE"
        raise failed(Cause.SERVICE_NOT_SUPPORTED, what, FAR, far.far_id, PROXYING)
    check_instance(ie.network_instance)
    if ie.destination_interface is not None:
        if ie.destination_interface == Interface.CP_FUNCTION:
            return replace(far, to_access=None, to_cp=True)
        if ie.destination_interface not in SIDES:
            what = f"destination interface {ie.destination_interface}"
            raise failed(Cause.SERVICE_NOT_SUPPORTED, what, FAR, far.far_id, 42)
        far = replace(far, to_access=ie.destination_interface == ACCESS, to_cp=False)
    if ie.transport_level_marking is not None:
        far = replace(far, tos=ie.transport_level_marking >> 8 & ie.transport_level_marking & 0xFF)
    outer = ie.outer_header_creation
    if outer is None:
        return far
    ends = TransportAddress(outer.ipv4, outer.ipv6)
    peer = ends.reached_from(n3)
    usable = outer.description in GTPU_CREATIONS and outer.teid and all(map(is_one_host, ends.all))
    if not usable or peer is None:
        to = " and ".join(map(str, ends.all)) or "nowhere"
        what = (
            f"outer header creation {outer.description:#06x} to {to}, from {' and '.join(map(str, n3.all))}"
        )
        raise failed(Cause.MANDATORY_IE_INCORRECT, what, FAR, far.far_id, OUTER_HEADER_CREATION)
    beside = next((each for each in ends.all if each != peer), None)
    return replace(far, teid=outer.teid or 0, peer=peer, beside=beside)


def qer_of(qer: Qer, ie: pfcp.CreateQer | pfcp.UpdateQer) -> Qer:
    if ie.gate_status is not None:
        qer = replace(qer, uplink_open=not ie.gate_status.uplink, downlink_open=not ie.gate_status.downlink)
    if ie.mbr is not None:
        qer = replace(qer, uplink_bps=ie.mbr.uplink * 1000, downlink_bps=ie.mbr.downlink * 1000)
    if ie.rqi is not None:
        qer = replace(qer, reflective=bool(ie.rqi & 1))
    return qer if ie.qfi is None else replace(qer, qfi=ie.qfi)
