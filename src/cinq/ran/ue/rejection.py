"""What a 5GMM cause makes a UE do: TS 24.501 §5.5.1.2.5, §5.5.1.3.5, §5.6.1.5 and §5.5.2.3.2 as tables.

The UE is one of a PLMN on 3GPP access alone: what the clauses say of SNPNs, of non-3GPP and wireline access, of
satellites, of CIoT, IAB, UAS and disaster roaming makes their causes abnormal cases here (§5.5.1.2.7, §5.5.1.3.7).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Literal

from cinq.ran.ue.context import UpdateStatus
from cinq.wire.nas import DEACTIVATED, GmmCause

Refused = Literal["initial", "update", "service", "deregistration"]
"""What the network refused, or that it deregistered the UE."""


class Then(Enum):
    """How it goes on."""

    STAY = "the UE does nothing by itself"
    ANEW = "an initial registration follows at once"
    UPDATE = "a mobility registration update follows"
    BACK_OFF = "the UE waits for T3346"
    ATTEMPT = "the attempt counts: T3511, at the fifth T3502"


@dataclass(frozen=True, slots=True)
class Consequence:
    """identity: 5G-GUTI, last visited TAI, TAI list and ngKSI are forgotten. equivalents: the list of equivalent PLMNs.

    registered: whether the UE stays so. invalid: the USIM, or N1 mode, is of no use until the UE is switched off.
    forbid: the list that the PLMN or the TAI of the cell is put on.
    """

    then: Then = Then.STAY
    status: UpdateStatus = "5U3 ROAMING NOT ALLOWED"
    identity: bool = True
    equivalents: bool = False
    registered: bool = False
    invalid: bool = False
    forbid: Literal["", "plmn", "roaming", "regional"] = ""


ABNORMAL = Consequence(Then.ATTEMPT, "5U2 NOT UPDATED", identity=False, registered=True)
BACK_OFF = Consequence(Then.BACK_OFF, "5U2 NOT UPDATED", identity=False, registered=True)
_ILLEGAL = Consequence(invalid=True, equivalents=True)
_PLMN = Consequence(equivalents=True, forbid="plmn")
_STAYS = Consequence(identity=False, registered=True)
_ANEW = Consequence(Then.ANEW, "5U2 NOT UPDATED")

_ALWAYS = {
    GmmCause.ILLEGAL_UE: _ILLEGAL,
    GmmCause.ILLEGAL_ME: _ILLEGAL,
    GmmCause.SERVICES_5GS_NOT_ALLOWED: Consequence(invalid=True),
    GmmCause.PLMN_NOT_ALLOWED: _PLMN,
    GmmCause.TRACKING_AREA_NOT_ALLOWED: Consequence(forbid="regional"),
    GmmCause.ROAMING_NOT_ALLOWED_IN_THIS_TRACKING_AREA: Consequence(equivalents=True, forbid="roaming"),
    GmmCause.NO_SUITABLE_CELLS_IN_TRACKING_AREA: Consequence(forbid="roaming"),
    GmmCause.N1_MODE_NOT_ALLOWED: Consequence(invalid=True),
    GmmCause.NO_NETWORK_SLICES_AVAILABLE: Consequence(status="5U2 NOT UPDATED", identity=False),
    GmmCause.SERVING_NETWORK_NOT_AUTHORIZED: _PLMN,
    GmmCause.NOT_AUTHORIZED_FOR_THIS_CAG_OR_AUTHORIZED_FOR_CAG_CELLS_ONLY: Consequence(identity=False),
}
_WHILE_REGISTERED = {
    GmmCause.UE_IDENTITY_CANNOT_BE_DERIVED_BY_THE_NETWORK: _ANEW,
    GmmCause.IMPLICITLY_DE_REGISTERED: replace(_ANEW, identity=False),
    GmmCause.ROAMING_NOT_ALLOWED_IN_THIS_TRACKING_AREA: replace(_STAYS, equivalents=True, forbid="roaming"),
    GmmCause.NO_SUITABLE_CELLS_IN_TRACKING_AREA: replace(_STAYS, forbid="roaming"),
    GmmCause.NOT_AUTHORIZED_FOR_THIS_CAG_OR_AUTHORIZED_FOR_CAG_CELLS_ONLY: _STAYS,
}
_OF: dict[Refused, dict[GmmCause, Consequence]] = {
    "initial": _ALWAYS,
    "update": {
        **_ALWAYS,
        **_WHILE_REGISTERED,
        GmmCause.NO_NETWORK_SLICES_AVAILABLE: replace(_STAYS, status="5U2 NOT UPDATED"),
    },
    "service": {
        **{cause: found for cause, found in _ALWAYS.items() if cause != GmmCause.NO_NETWORK_SLICES_AVAILABLE},
        **_WHILE_REGISTERED,
        GmmCause.RESTRICTED_SERVICE_AREA: replace(_STAYS, then=Then.UPDATE, status="5U1 UPDATED"),
    },
    "deregistration": _ALWAYS,
}
_LAST_ATTEMPT = frozenset(
    (
        GmmCause.SEMANTICALLY_INCORRECT_MESSAGE,
        GmmCause.INVALID_MANDATORY_INFORMATION,
        GmmCause.MESSAGE_TYPE_NON_EXISTENT_OR_NOT_IMPLEMENTED,
        GmmCause.INFORMATION_ELEMENT_NON_EXISTENT_OR_NOT_IMPLEMENTED,
        GmmCause.PROTOCOL_ERROR_UNSPECIFIED,
    )
)


def consequence(refused: Refused, cause: int | None, t3346: int | None = None) -> Consequence:
    """Of a cause in the message that refused it. An abnormal case for every value that the clause does not treat."""
    if cause == GmmCause.CONGESTION:
        return BACK_OFF if t3346 and t3346 != DEACTIVATED else ABNORMAL
    found = _OF[refused].get(GmmCause(cause)) if cause in _KNOWN else None
    return found or ABNORMAL


def last_attempt(cause: int) -> bool:
    """Whether the registration attempt counter is set to 5 at once, §5.5.1.2.7 d)."""
    return cause in _LAST_ATTEMPT


_KNOWN = frozenset(map(int, GmmCause))
