"""Which UPF a new session gets: TS 23.501 §6.3.3.3, by DNN, slice, location and load."""

from __future__ import annotations

from collections.abc import Sequence

from cinq.nf.smf.context import SmContext
from cinq.nf.smf.ports import AssociatedUpf, Ports
from cinq.nf.smf.settings import UserPlane

UNKNOWN_LOAD = 0


def candidates(ports: Ports, context: SmContext, tac: int | None) -> list[AssociatedUpf]:
    """Those that serve the session, the best first: what is near before what serves everywhere, then the least loaded.

    Load is what a UPF says of itself (Load Control Information, TS 29.244 §6.2.3.3), and among equals the sessions
    that we have there by the UPF's capacity, which is round robin where nobody says anything.
    """
    found: list[tuple[bool, int, float, int, AssociatedUpf]] = []
    for number, upf in enumerate(ports.settings.user_planes):
        association = ports.associations.get(str(upf.address))
        if association is None or not association.takes_more or not _serves(upf, context, tac):
            continue
        if not upf.anchors:
            continue
        share = association.sessions_here / upf.capacity
        found.append((not upf.tacs, association.load or UNKNOWN_LOAD, share, number, association))
    return [each[-1] for each in sorted(found, key=lambda each: each[:-1])]


def branch(ports: Ports, context: SmContext, tac: int | None) -> UserPlane | None:
    """The UPF that belongs between the anchor and a gNB there: TS 23.501 §5.6.4.2, §6.3.3.3; None where none does.

    One that packets of a rule leave by (its DNAI), or any where the anchor does not serve; it is linked to the anchor.
    The one that is there stays while it suits, else the least loaded.
    """
    anchor = next((u for u in ports.settings.user_planes if str(u.address) == context.upf), None)
    if anchor is None or tac is None or context.session_type == "ETHERNET":
        return None
    dnais = {dnai for rule in context.qos.rules for dnai in rule.dnais}
    outside = bool(anchor.tacs) and tac not in anchor.tacs
    found: list[tuple[bool, bool, int, int, UserPlane]] = []
    for number, upf in enumerate(ports.settings.user_planes):
        association = ports.associations.get(str(upf.address))
        leaves = not dnais.isdisjoint(upf.dnais)
        if association is None or anchor.address not in upf.links or not (leaves or outside):
            continue
        stays = context.branch is not None and context.branch.upf == str(upf.address)
        if not (association.is_usable if stays else association.takes_more):
            continue
        if upf.tacs and _serves(upf, context, tac):
            found.append((not leaves, not stays, association.load or UNKNOWN_LOAD, number, upf))
    return min(found, key=lambda each: each[:-1])[-1] if found else None


def _serves(upf: UserPlane, context: SmContext, tac: int | None) -> bool:
    return (
        _is_among(context.dnn, upf.dnns)
        and _is_among(context.s_nssai, upf.slices)
        and (not upf.tacs or (tac is not None and tac in upf.tacs))
    )


def _is_among(value: object, wanted: Sequence[object]) -> bool:
    return not wanted or value in wanted
