"""Which slices a UE may use: TS 23.501 §5.15.5.2.1. Pure functions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from cinq.numbering import SNssai
from cinq.procedure import Why

MAX_ALLOWED, MAX_CONFIGURED = 8, 16  # TS 24.501 §9.11.3.37


@dataclass(frozen=True, slots=True)
class Selection:
    """why: set where nothing is allowed."""

    allowed: tuple[SNssai, ...]
    configured: tuple[SNssai, ...]
    rejected_in_plmn: tuple[SNssai, ...]
    rejected_in_ta: tuple[SNssai, ...]
    why: Why | None = None


def select(
    served: Collection[SNssai],
    here: Collection[SNssai],
    subscribed: Mapping[SNssai, bool],
    requested: Iterable[SNssai],
) -> Selection:
    """served: by the network. here: of them, in the UE's tracking area. subscribed: with whether each is a default.

    A slice with SD and one without are two (§5.15.2.1). Without a requested one that may be used, the defaults are.
    """
    wanted = list(dict.fromkeys(requested))
    usable = [s for s in subscribed if s in served]
    allowed = [s for s in wanted if s in usable and s in here]
    allowed = allowed or [s for s in usable if subscribed[s] and s in here]
    return Selection(
        allowed=tuple(allowed[:MAX_ALLOWED]),
        configured=tuple(usable[:MAX_CONFIGURED]),
        rejected_in_plmn=tuple(s for s in wanted if s not in usable),
        rejected_in_ta=tuple(s for s in wanted if s in usable and s not in here),
        why=None if allowed else _nothing(served, here, subscribed, wanted),
    )


def _nothing(
    served: Collection[SNssai],
    here: Collection[SNssai],
    subscribed: Mapping[SNssai, bool],
    wanted: list[SNssai],
) -> Why:
    asked = f"the UE asks for {named(wanted)}" if wanted else "the UE asks for no slice in particular"
    text = f"{asked}; it has subscribed to {named(subscribed)}; this network serves {named(sorted(served))}"
    usable = [s for s in subscribed if s in served]
    if not usable:
        some = (wanted or list(subscribed))[:1]
        if some and some[0] in served:
            return Why(text, f"cinq subscriber set IMSI --slices '{some[0]}'")
        return Why(
            text, f'[network] slices = ["{some[0]}", ...]' if some else "cinq subscriber set IMSI --slices 1"
        )
    if not any(s in here for s in usable):
        where = f"{text}, and in this tracking area {named(sorted(here))}"
        return Why(where, "let the gNBs there support the slice")
    return Why(
        f"{text}; none of those served is a default of it", "cinq subscriber set IMSI --default-slices ..."
    )


def named(slices: Iterable[SNssai]) -> str:
    """'SST 1, SST 1 SD 0000ff'; 'no slice'."""
    names = [s.words for s in slices]
    return ", ".join(names) or "no slice"
