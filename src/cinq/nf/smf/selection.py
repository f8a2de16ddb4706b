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
        share = association.sessions_here / upf.capacity
        found.append((not upf.tacs, association.load or UNKNOWN_LOAD, share, number, association))
    return [each[-1] for each in sorted(found, key=lambda each: each[:-1])]


def _serves(upf: UserPlane, context: SmContext, tac: int | None) -> bool:
    return (
        _is_among(context.dnn, upf.dnns)
        and _is_among(context.s_nssai, upf.slices)
        and (not upf.tacs or (tac is not None and tac in upf.tacs))
    )


def _is_among(value: object, wanted: Sequence[object]) -> bool:
    return not wanted or value in wanted
