"""Which access category an attempt of the UE has, TS 24.501 §4.5.2, §4.5.3 and §4.5.6."""

from __future__ import annotations

import pytest

from cinq.numbering import PlmnId, SNssai
from cinq.ran.radio.port import SystemInformation
from cinq.ran.ue.access_control import Access, Attempt, access, barred
from cinq.ran.ue.context import UeContext
from cinq.wire.nas import AccessCategory
from cinq.wire.nas.ie.access import OsApplication

HOME, OTHER = PlmnId("999", "70"), PlmnId("001", "01")
ONE, TWO = SNssai(1), SNssai(2)
DATA = Access(7, "mo-Data")


def of(*definitions: AccessCategory, **changes: object) -> UeContext:
    return UeContext(access_categories=definitions, access_categories_of=HOME, **changes)  # type: ignore[arg-type]


def data(*sessions: tuple[str, SNssai | None]) -> Attempt:
    return Attempt("data", sessions)


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("paged", Access(0, "mt-Access")),
        ("emergency", Access(2, "emergency")),
        ("signalling", Access(3, "mo-Signalling")),
        ("data", DATA),
    ],
)
def test_without_definitions(kind: str, wanted: Access) -> None:
    assert access(UeContext(), HOME, Attempt(kind)) == wanted  # type: ignore[arg-type]


def test_paging_and_emergency_come_before_definitions() -> None:
    context = of(AccessCategory(0, 32, dnns=("internet",)))
    sessions = (("internet", ONE),)
    assert access(context, HOME, Attempt("paged", sessions)).category == 0
    assert access(context, HOME, Attempt("emergency", sessions)).category == 2
    assert access(context, HOME, Attempt("data", sessions)) == Access(32, "mo-Data")


def test_the_lowest_precedence_comes_first() -> None:
    definitions = (
        AccessCategory(200, 40, dnns=("internet",)),
        AccessCategory(10, 41, slices=(ONE,), standardized=4),
    )
    assert access(of(*definitions), HOME, data(("internet", ONE))) == Access(41, "mo-VoiceCall")
    assert access(of(*definitions), HOME, data(("internet", TWO))) == Access(40, "mo-Data")
    assert access(of(*definitions), HOME, data(("ims", TWO))) == DATA


def test_every_kind_of_criteria_has_to_fit_by_one_of_its_values() -> None:
    context = of(AccessCategory(1, 50, dnns=("internet", "IMS"), slices=(ONE, TWO)))
    assert access(context, HOME, data(("ims", TWO))).category == 50
    assert access(context, HOME, data(("ims", SNssai(3)))) == DATA
    assert access(context, HOME, data(("ims", None))) == DATA
    assert access(context, HOME, data(("other", ONE))) == DATA
    assert access(context, HOME, data(("other", ONE), ("internet", ONE))).category == 50


def test_applications_are_not_known() -> None:
    application = OsApplication(bytes(16), b"app")
    context = of(AccessCategory(1, 50, dnns=("internet",), applications=(application,)))
    assert access(context, HOME, data(("internet", ONE))) == DATA
    assert access(of(AccessCategory(1, 50)), HOME, data(("internet", ONE))) == DATA


def test_they_are_of_the_plmn_that_gave_them() -> None:
    definition = AccessCategory(1, 50, dnns=("internet",))
    attempt = data(("internet", ONE))
    assert access(of(definition), OTHER, attempt) == DATA
    assert access(of(definition, equivalent_plmns=(HOME, OTHER)), OTHER, attempt).category == 50


def test_barring() -> None:
    cell = SystemInformation("cell", HOME, 1, 1, barred_access_categories=(0, 7, 50))
    assert barred(cell, 7) is not None
    assert barred(cell, 50) is not None
    assert barred(cell, 3) is None
    assert barred(cell, 0) is None, "an answer to paging is never barred"
    assert barred(None, 7) is None
