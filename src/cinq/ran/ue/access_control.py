"""Unified access control, TS 24.501 §4.5: the access category of an attempt, and whether the cell bars it.

The UE is of access identity 0. Of table 4.5.2.2 it makes attempts of rules 1, 2, 3, 8, 9 and 10: paged, emergency,
operator-defined, 5GMM specific procedures (signalling), and service request, 5GSM and user data (data). It has neither
MMTEL nor SMS, and no EAB.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from cinq.numbering import PlmnId, SNssai
from cinq.procedure import Why
from cinq.ran.radio.port import EstablishmentCause, SystemInformation
from cinq.ran.ue.context import UeContext
from cinq.wire import nas

MT_ACCESS, EMERGENCY, SIGNALLING, DATA = 0, 2, 3, 7

CAUSES: dict[int, EstablishmentCause] = {
    0: "mt-Access",
    2: "emergency",
    3: "mo-Signalling",
    4: "mo-VoiceCall",
    5: "mo-VideoCall",
    6: "mo-SMS",
    7: "mo-Data",
    9: "mo-Data",
    10: "mo-Data",
}
"""Table 4.5.6.1, for access identity 0."""

For = tuple[str, SNssai | None]
"""DNN ("" for the default) and S-NSSAI of the PDU session that an attempt is for."""


class Attempt(Struct, frozen=True):
    """What access is wanted for. sessions: those that data or a 5GSM request are for."""

    kind: Literal["paged", "emergency", "signalling", "data"]
    sessions: tuple[For, ...] = ()


class Access(Struct, frozen=True):
    """category: 0 to 63. cause: of the RRC connection that is established for it."""

    category: int
    cause: EstablishmentCause


def access(context: UeContext, plmn: PlmnId, attempt: Attempt) -> Access:
    """§4.5.2, by the rules of table 4.5.2.2 in their order."""
    if attempt.kind == "paged":
        return _standardized(MT_ACCESS)
    if attempt.kind == "emergency":
        return _standardized(EMERGENCY)
    if plmn in (context.access_categories_of, *context.equivalent_plmns):
        for one in sorted(context.access_categories, key=lambda each: each.precedence):
            if any(fits(one, wanted) for wanted in attempt.sessions):
                known = DATA if one.standardized is None else one.standardized
                return Access(one.number, CAUSES.get(known, CAUSES[DATA]))
    return _standardized(SIGNALLING if attempt.kind == "signalling" else DATA)


def fits(definition: nas.AccessCategory, wanted: For) -> bool:
    """§4.5.3: each kind of criteria that is there, by one of its values. What application wants it nobody knows."""
    dnn, s_nssai = wanted
    if definition.applications or not (definition.dnns or definition.slices):
        return False
    by_dnn = not definition.dnns or dnn.lower() in (each.lower() for each in definition.dnns)
    return by_dnn and (not definition.slices or s_nssai in definition.slices)


def barred(information: SystemInformation | None, category: int) -> Why | None:
    """TS 38.331 §5.3.14, for a barring factor of 0. None: the attempt may be made; what is paged always may."""
    if information is None or category == MT_ACCESS or category not in information.barred_access_categories:
        return None
    return Why(
        f"access category {category} is barred in cell '{information.name}'",
        "barred_access_categories of the gNB, another cell, or wait until it is allowed again",
    )


def _standardized(category: int) -> Access:
    return Access(category, CAUSES[category])
