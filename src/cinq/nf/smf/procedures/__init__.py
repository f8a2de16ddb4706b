"""The SMF's procedures, one module each, with their collisions at the foot. Importing them declares them."""

from cinq.nf.smf.procedures import (
    activation,
    association,
    establishment,
    handover,
    modification,
    paging,
    path_change,
    path_ends,
    path_switch,
    policy,
    release,
    relocation,
    restoration,
    subscription,
    ue_modification,
)

__all__ = [
    "activation",
    "association",
    "establishment",
    "handover",
    "modification",
    "paging",
    "path_change",
    "path_ends",
    "path_switch",
    "policy",
    "release",
    "relocation",
    "restoration",
    "subscription",
    "ue_modification",
]
