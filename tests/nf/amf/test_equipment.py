"""Identity check of mobile equipment (TS 23.502 §4.2.2.2.2 step 12, §4.7): who is let in, who is not, who is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date, timedelta

import msgspec
import pytest

from cinq.eligibility.inventory import Inventory
from cinq.nf.amf.procedures.gmm import equipment
from cinq.nf.eir import lists
from cinq.numbering import Imei, Imeisv, MobileIdentity, NoIdentity
from cinq.procedure import Refused
from cinq.sbi import Problem
from cinq.sbi.services.n5g_eir import EirResponseData, N5gEirEquipmentIdentityCheck
from cinq.wire import nas
from cinq.wire.nas import GmmCause, IdentityType, RegistrationKind
from tests.eligibility.parts import ACME, Days, document, gate

from .gnb import Gnb
from .phone import Phone
from .world import World, run

TAC = "35693803"
GET = "N5g-eir_EquipmentIdentityCheck_Get"
CHECKS = ("fail-open", "fail-closed")


def bar(world: World, what: str = TAC, name: str = "black") -> None:
    lists.put(world.udr_store, [lists.entry(what, name, "a test")])


async def tried(world: World, kind: int = RegistrationKind.INITIAL, **more: object) -> Phone:
    """A UE that has tried to register. more: what it says of its equipment."""
    phone, gnb = Phone(world), await Gnb(world, len(world.amf.access.rans) + 1).set_up()
    if more:
        phone.on[nas.SecurityModeCommand] = lambda m: phone.complete(m, **more)  # type: ignore[arg-type]
    phone.register(gnb, phone.registration(kind))
    await asyncio.sleep(1)
    return phone


def rejected(phone: Phone) -> int:
    message = phone.heard[-1]
    assert isinstance(message, nas.RegistrationReject), phone.heard
    return message.cause


def accepted(phone: Phone) -> bool:
    return any(isinstance(m, nas.RegistrationAccept) for m in phone.heard)


def test_nobody_is_asked_unless_the_settings_say_so() -> None:
    async def test(world: World) -> None:
        bar(world)
        assert accepted(await tried(world))
        assert not [e for e in world.journal.kept() if "eir" in e.interface.lower()]
        world.amf.day_has_come()
        await world.quiet()

    run(test)


@pytest.mark.parametrize("check", CHECKS)
def test_equipment_on_the_prohibited_list_is_illegal(check: str) -> None:
    async def test(world: World) -> None:
        bar(world)
        phone = await tried(world)
        assert rejected(phone) == GmmCause.ILLEGAL_ME
        (why,) = (c for c in world.causes() if c.startswith("refused: "))
        listed = f"equipment {TAC} is on the black list of the 5G-EIR (a test)"
        assert why == f"refused: imeisv-3569380356438091 is prohibited: {listed}"
        assert why.mend == f"cinq eir remove {TAC}"  # type: ignore[attr-defined]
        ue = next(iter(world.amf.registry.by_supi.values()), None)
        assert ue is None or ue.context.rm_state == "RM-DEREGISTERED"
        await world.quiet()
        lists.remove(world.udr_store, TAC)
        assert accepted(await tried(world))
        await world.quiet()

    run(test, equipment_check=check)


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", ["white", "grey", ""])
def test_other_equipment_is_let_in(check: str, name: str) -> None:
    async def test(world: World) -> None:
        if name:
            bar(world, name=name)
        assert accepted(await tried(world))
        assert any("is tracked: equipment 35693803" in c for c in world.causes()) is (name == "grey")
        await world.quiet()

    run(test, equipment_check=check)


def identities(phone: Phone, *answers: MobileIdentity) -> Callable[[nas.NasMessage], None]:
    given = list(answers)
    return lambda m: phone.say(nas.IdentityResponse(mobile_identity=given.pop(0))) and None


@pytest.mark.parametrize(
    ("answers", "wanted"),
    [
        ((Imeisv("3569380356438091"),), [IdentityType.IMEISV]),
        ((NoIdentity(), Imei("356938035643809")), [IdentityType.IMEISV, IdentityType.IMEI]),
    ],
)
def test_a_ue_that_gives_no_pei_is_asked(answers: tuple[MobileIdentity, ...], wanted: list[int]) -> None:
    async def test(world: World) -> None:
        bar(world)
        phone, gnb = Phone(world), await Gnb(world).set_up()
        phone.on[nas.SecurityModeCommand] = lambda m: phone.complete(m, imeisv=None)  # type: ignore[arg-type]
        phone.on[nas.IdentityRequest] = identities(phone, *answers)
        phone.register(gnb)
        await asyncio.sleep(1)
        assert [m.identity_type for m in phone.heard if isinstance(m, nas.IdentityRequest)] == wanted
        assert rejected(phone) == GmmCause.ILLEGAL_ME
        await world.quiet()

    run(test, equipment_check="fail-open")


@pytest.mark.parametrize("check", CHECKS)
def test_a_ue_without_a_pei(check: str) -> None:
    async def test(world: World) -> None:
        phone, gnb = Phone(world), await Gnb(world).set_up()
        phone.on[nas.SecurityModeCommand] = lambda m: phone.complete(m, imeisv=None)  # type: ignore[arg-type]
        phone.on[nas.IdentityRequest] = identities(phone, NoIdentity(), NoIdentity())
        phone.register(gnb)
        await asyncio.sleep(1)
        if check == "fail-closed":
            assert rejected(phone) == GmmCause.ILLEGAL_ME
        assert accepted(phone) is (check == "fail-open")
        assert any("gives no PEI" in c for c in world.causes())
        await world.quiet()

    run(test, equipment_check=check)


class Broken:
    """A 5G-EIR that refuses, in one way or another."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem

    async def get_equipment_status(self, pei: str, supi: str | None, gpsi: str | None) -> EirResponseData:
        raise self._problem


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize(
    ("problem", "cause"),
    [
        (None, GmmCause.CONGESTION),
        (Problem(503, "NF_CONGESTION", "busy"), GmmCause.CONGESTION),
        (Problem(500, None, "broken"), GmmCause.CONGESTION),
        (Problem(404, "ERROR_EQUIPMENT_UNKNOWN", "no idea"), GmmCause.ILLEGAL_ME),
    ],
)
def test_a_5g_eir_that_does_not_say(check: str, problem: Problem | None, cause: int) -> None:
    """Its silence is the network's fault: the UE comes back. That it knows no such equipment is not."""

    async def test(world: World) -> None:
        world.bus.withdraw(N5gEirEquipmentIdentityCheck, "eir")
        if problem is not None:
            world.bus.serve(N5gEirEquipmentIdentityCheck, Broken(problem), "other")
        phone = await tried(world)
        assert accepted(phone) is (check == "fail-open")
        if check == "fail-closed":
            assert rejected(phone) == cause
        assert any("5G-EIR" in c or "is not checked" in c for c in world.causes())
        await world.quiet()

    run(test, equipment_check=check)


@pytest.mark.parametrize("check", CHECKS)
def test_an_emergency_registration_is_never_kept_from_its_end_by_it(check: str) -> None:
    """The 5G-EIR is not even asked; what becomes of it then is as without a list."""

    async def test(world: World) -> None:
        without = await tried(world, RegistrationKind.EMERGENCY)
        bar(world)
        barred = await tried(world, RegistrationKind.EMERGENCY)
        assert without.heard == barred.heard != []
        assert not [e for e in world.journal.kept() if "eir" in e.interface.lower()]
        await world.quiet()

    run(test, equipment_check=check)


@pytest.mark.parametrize("check", CHECKS)
def test_the_check_itself_lets_an_emergency_registration_pass(check: str) -> None:
    """As for a core that has emergency services: the list is not asked, nor is a PEI wanted."""

    async def test(world: World) -> None:
        phone = await there(world)
        bar(world)
        ue = world.amf.registry.by_supi[phone.supi]
        for pei in (ue.context.pei, None):
            ue.context = msgspec.structs.replace(ue.context, pei=pei)
            await equipment.check(ue, phone.registration(RegistrationKind.EMERGENCY))
        ue.context = msgspec.structs.replace(ue.context, pei="imeisv-3569380356438091")
        with pytest.raises(Refused):
            await equipment.check(ue, phone.registration(RegistrationKind.INITIAL))

    run(test, equipment_check=check)


def test_a_claim_is_all_that_there_is() -> None:
    """Who says to be another phone is let in: a PEI is not authenticated (TS 33.501 has no means for it)."""

    async def test(world: World) -> None:
        bar(world)
        assert accepted(await tried(world, imeisv=Imeisv("9901542032375101")))
        await world.quiet()

    run(test, equipment_check="fail-closed")


async def there(world: World) -> Phone:
    phone = await Phone(world).registered(await Gnb(world).set_up())
    await asyncio.sleep(0.1)
    return phone


def test_changes_in_a_row_are_one_pass_and_one_more() -> None:
    async def test(world: World) -> None:
        await there(world)
        before = len([e for e in world.journal.kept() if e.message == f"{GET} request"])
        for _ in range(50):
            world.amf.check_equipment()
        await asyncio.sleep(1)
        assert len([e for e in world.journal.kept() if e.message == f"{GET} request"]) == before + 1
        world.amf.check_equipment()
        await world.quiet()
        assert len([e for e in world.journal.kept() if e.message == f"{GET} request"]) == before + 2

    run(test, equipment_check="fail-open")


def test_who_is_registered_goes_when_the_list_changes() -> None:
    async def test(world: World) -> None:
        phone, other = await there(world), Phone(world, 2)
        other.on[nas.SecurityModeCommand] = lambda m: other.complete(m, imeisv=Imeisv("9901542032375101"))  # type: ignore[arg-type]
        assert phone.gnb is not None
        await other.registered(phone.gnb)
        bar(world)
        assert world.eir.have_changed()
        world.amf.check_equipment()
        await asyncio.sleep(1)
        assert phone.last(nas.DeregistrationRequestUETerminated).cause == GmmCause.ILLEGAL_ME
        assert other.count(nas.DeregistrationRequestUETerminated) == 0
        assert world.amf.registry.by_supi[other.supi].context.rm_state == "RM-REGISTERED"
        await world.quiet()

    run(test, equipment_check="fail-open")


@pytest.mark.parametrize(("mode", "goes"), [("refuse", True), ("drain", False), ("alarm", False)])
def test_a_rule_about_its_type_begins(mode: str, goes: bool) -> None:
    """Drain: who is registered stays, who comes is refused."""
    days = Days(date(2025, 12, 31))
    codes = document(subject=(_of_type(), document().policy.subject[1]))

    async def test(world: World) -> None:
        phone = await there(world)
        days.day += timedelta(1)
        world.amf.day_has_come()
        await asyncio.sleep(1)
        assert (phone.count(nas.DeregistrationRequestUETerminated) == 1) is goes
        newcomer = await tried(world)
        if mode == "alarm":
            assert accepted(newcomer)
        else:
            assert rejected(newcomer) == GmmCause.ILLEGAL_ME
            assert any(
                "denied by rule test/no-acme" in c for c in world.causes() if c.startswith("refused: ")
            )
        await world.quiet()

    run(test, equipment_check="fail-open", gate=gate(mode, Inventory(), days, codes))  # type: ignore[arg-type]


def _of_type() -> object:
    from dataclasses import replace

    return replace(ACME, type_allocation_codes=(TAC,))


def test_an_update_is_looked_at_too() -> None:
    async def test(world: World) -> None:
        phone = await there(world)
        bar(world)
        assert phone.gnb is not None
        phone.register(phone.gnb, phone.registration(RegistrationKind.PERIODIC))
        await asyncio.sleep(1)
        assert phone.last(nas.DeregistrationRequestUETerminated).cause == GmmCause.ILLEGAL_ME
        await world.quiet()

    run(test, equipment_check="fail-open")
