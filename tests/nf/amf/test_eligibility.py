"""Whom policies keep out at N2: NG Setup, draining, and a day on which a rule begins to hold."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, timedelta

import pytest

from cinq.eligibility.gate import Gate
from cinq.nf.amf.procedures.gmm.draining import check_open
from cinq.nf.amf.procedures.ngap import eligibility
from cinq.nf.amf.ue import ue_of
from cinq.numbering import Guti
from cinq.procedure import Refused
from cinq.settings.eligibility import Mode
from cinq.wire import nas, ngap
from cinq.wire.nas import RegistrationKind
from tests.eligibility import parts
from tests.eligibility.parts import Days

from .gnb import Gnb, setup_request
from .moves import required, scene, switch_request
from .phone import Phone
from .world import World, run

EMERGENCY = ("overloadAction", "permit-emergency-sessions-and-mobile-terminated-services-only")
OPERATOR = ("misc", "om-intervention")
BEFORE = date(2025, 12, 31)


def gate(mode: Mode, days: Days | None = None, denied: int = 1) -> Gate:
    """Of the gNBs 1 and 2 one is of Acme."""
    made = tuple(
        replace(
            parts.gnb(f"site-{n}", "Acme" if n == denied else "Beta Networks AB"),
            identity=f"999-70-{n}/32",
        )
        for n in (1, 2)
    )
    return parts.gate(mode, parts.inventory(*made), days)


def test_a_gnb_that_is_kept_out_hears_why_it_may_not_and_we_hear_which_rule() -> None:
    async def test(world: World) -> None:
        gnb = Gnb(world)
        gnb.say(setup_request(1, 1, slices=gnb.slices))
        await asyncio.sleep(0.1)
        failure = gnb.last(ngap.NGSetupFailure)
        assert (failure.cause, failure.time_to_wait) == (OPERATOR, "v60s")
        assert not gnb.ran.context.is_set_up
        (cause,) = (c for c in world.causes() if c.startswith("refused: "))
        assert "gNB 999-70-1/32 (site-1): denied by rule test/no-acme (Act on Equipment, section 1" in cause
        assert getattr(cause, "mend", "")
        await Gnb(world, 2).set_up()  # nobody else notices
        await Gnb(world, 3).set_up()  # nor one whose maker is not known

    run(test, gate=gate("refuse"))


@pytest.mark.parametrize("mode", ["audit", "alarm"])
def test_an_audit_lets_in_and_says_so(mode: Mode) -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        await Phone(world).registered(gnb)
        (cause,) = (c for c in world.causes() if "no-acme" in c)
        assert cause.startswith("eligibility: let in: ")
        assert cause.endswith("it would be refused")
        assert gnb.count(ngap.OverloadStart) == 0
        await world.quiet()

    run(test, gate=gate(mode))


def test_nobody_begins_at_a_gnb_that_is_drained() -> None:
    """Its UE is released without a reject, and goes elsewhere; who had its service there keeps it."""

    async def test(world: World) -> None:
        gnb, other = await Gnb(world).set_up(), await Gnb(world, 2).set_up()
        assert gnb.last(ngap.OverloadStart).amf_overload_response == EMERGENCY
        assert other.count(ngap.OverloadStart) == 0
        phone = Phone(world)
        phone.register(gnb)
        await asyncio.sleep(1)
        assert phone.heard == []
        assert gnb.last(ngap.UEContextReleaseCommand).cause == OPERATOR
        assert any(c.startswith("refused: ") and "is drained" in c and "no-acme" in c for c in world.causes())
        await phone.registered(other)
        await world.quiet()

    run(test, gate=gate("drain"))


def test_emergency_services_are_not_turned_away_by_it() -> None:
    """What becomes of the request then is as anywhere in this network."""

    async def test(world: World) -> None:
        answers = []
        for gnb in (await Gnb(world).set_up(), await Gnb(world, 2).set_up()):
            phone = Phone(world)
            phone.register(gnb, phone.registration(RegistrationKind.EMERGENCY))
            await asyncio.sleep(1)
            answers.append(phone.heard)
        assert answers[0] == answers[1] != []
        assert not any("is drained" in c for c in world.causes())
        await world.quiet()

    run(test, gate=gate("drain"))


def test_an_emergency_registration_passes_a_gnb_that_is_drained() -> None:
    """As for a core that has emergency services."""

    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = Phone(world)
        phone.register(gnb)
        ue = ue_of(next(iter(gnb.ran.connections.values())))
        check_open(ue, phone.registration(RegistrationKind.EMERGENCY))
        with pytest.raises(Refused):
            check_open(ue, phone.registration(RegistrationKind.INITIAL))
        await world.quiet()

    run(test, gate=gate("drain"))


def test_who_is_there_is_served_on_and_nobody_moves_in() -> None:
    days = Days(BEFORE)

    async def test(world: World) -> None:
        source, target, phone = await scene(world)
        stays = await Phone(world, 2).registered(target)
        stays.say(nas.RegistrationComplete())
        days.day += timedelta(1)
        world.amf.day_has_come()
        await asyncio.sleep(0.1)
        assert target.last(ngap.OverloadStart).amf_overload_response == EMERGENCY
        assert source.count(ngap.OverloadStart) == 0
        source.say(required(phone, 2))
        await asyncio.sleep(0.1)
        assert source.count(ngap.HandoverPreparationFailure) == 1
        assert stays.amf_id in world.amf.access.connections
        for kind in (RegistrationKind.PERIODIC, RegistrationKind.MOBILITY):
            before = stays.count(nas.RegistrationAccept)
            stays.register(target, stays.registration(kind))
            await asyncio.sleep(1)
            assert stays.count(nas.RegistrationAccept) == before + 1
        phone.register(target, phone.registration(RegistrationKind.MOBILITY))
        await asyncio.sleep(1)
        assert target.last(ngap.UEContextReleaseCommand).cause == OPERATOR
        assert isinstance(phone.guti, Guti)
        assert world.amf.registry.by_supi[phone.supi].context.rm_state == "RM-REGISTERED"
        await world.quiet()
        assert target.is_alive

    run(test, gate=gate("drain", days, denied=2))


def test_who_comes_by_xn_is_there_already() -> None:
    """Refused, it would lose what it is in the midst of."""
    days = Days(BEFORE)

    async def test(world: World) -> None:
        _, target, phone = await scene(world)
        days.day += timedelta(1)
        world.amf.day_has_come()
        target.say(switch_request(phone, target))
        await asyncio.sleep(0.1)
        assert target.count(ngap.PathSwitchRequestAcknowledge) == 1
        await world.quiet()

    run(test, gate=gate("drain", days, denied=2))


def test_a_rule_that_begins_to_refuse_lets_a_gnb_empty_first() -> None:
    days = Days(BEFORE)

    async def test(world: World) -> None:
        gnb, other = await Gnb(world).set_up(), await Gnb(world, 2).set_up()
        phone = await Phone(world).registered(gnb)
        phone.say(nas.RegistrationComplete())
        days.day += timedelta(1)
        world.amf.day_has_come()
        await asyncio.sleep(0.1)
        assert gnb.count(ngap.OverloadStart) == 1
        world.amf.look_at_warnings()
        assert gnb.is_alive
        await asyncio.sleep(599)
        world.amf.look_at_warnings()
        assert gnb.is_alive
        await asyncio.sleep(2)
        world.amf.look_at_warnings()
        assert not gnb.is_alive
        assert other.is_alive
        assert any(c.startswith("association ended: ") and "no-acme" in c for c in world.causes())
        again = Gnb(world)
        again.say(setup_request(1, 1, slices=again.slices))
        await asyncio.sleep(0.1)
        assert again.count(ngap.NGSetupFailure) == 1

    run(test, gate=gate("refuse", days))


def test_an_empty_gnb_is_let_go_at_once() -> None:
    days = Days(BEFORE)

    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        days.day += timedelta(1)
        world.amf.day_has_come()
        world.amf.look_at_warnings()
        assert not gnb.is_alive

    run(test, gate=gate("refuse", days))


def test_a_rule_that_ends_is_over() -> None:
    days = Days()
    made = parts.inventory(replace(parts.gnb(), identity="999-70-1/32"))
    ends = parts.document(replace(parts.DENY, until=date(2026, 1, 1)))

    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        assert gnb.count(ngap.OverloadStart) == 1
        days.day += timedelta(1)
        world.amf.day_has_come()
        await asyncio.sleep(0.1)
        assert gnb.count(ngap.OverloadStop) == 1
        await Phone(world).registered(gnb)
        await world.quiet()

    run(test, gate=parts.gate("drain", made, days, ends))


def test_a_storm_that_is_over_does_not_open_what_is_drained() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        line = gnb.inbound.gate
        line._overload_start()
        line.overloaded_at = -100.0
        line.look()
        assert gnb.last(ngap.OverloadStart).amf_overload_response == EMERGENCY
        assert gnb.count(ngap.OverloadStart) == 3
        assert gnb.count(ngap.OverloadStop) == 0

    run(test, gate=gate("drain"))


def look(world: World) -> None:
    world.amf.look_at_warnings()


async def a_drained_source(world: World, days: Days) -> tuple[Gnb, Gnb, Phone]:
    """A UE with a session on a gNB that begins to be drained; another gNB is let in."""
    source, target, phone = await scene(world)
    days.day += timedelta(1)
    world.amf.day_has_come()
    await asyncio.sleep(0.1)
    return source, target, phone


def test_who_is_at_a_gnb_that_is_drained_is_moved_to_another() -> None:
    days = Days(BEFORE)

    async def test(world: World) -> None:
        source, target, phone = await a_drained_source(world, days)
        look(world)
        await asyncio.sleep(0.1)
        assert source.count(ngap.UEContextReleaseCommand) == 0  # the gNB may hand it over by itself
        await asyncio.sleep(61)
        look(world)
        await asyncio.sleep(1)
        assert source.last(ngap.UEContextReleaseCommand).cause == OPERATOR
        ue = world.amf.registry.by_supi[phone.supi]
        assert (ue.context.rm_state, ue.context.cm_state) == ("RM-REGISTERED", "CM-IDLE")
        assert len(ue.context.sm_contexts) == 1
        assert any(c.startswith("moved away from ") and "no-acme" in c for c in world.causes())
        phone.register(target, phone.registration(RegistrationKind.MOBILITY))
        await asyncio.sleep(1)
        look(world)
        await asyncio.sleep(1)
        assert target.count(ngap.UEContextReleaseCommand) == 0
        await world.quiet()

    run(test, gate=gate("drain", days))


def test_it_may_hand_its_ues_over_by_itself() -> None:
    days = Days(BEFORE)

    async def test(world: World) -> None:
        source, target, phone = await a_drained_source(world, days)
        source.say(required(phone, 2))
        await asyncio.sleep(0.1)
        assert target.count(ngap.HandoverRequest) == 1
        await asyncio.sleep(61)
        await world.quiet()

    run(test, gate=gate("drain", days))


def test_whom_nobody_else_serves_stays() -> None:
    days = Days(BEFORE)

    async def test(world: World) -> None:
        source, target, phone = await a_drained_source(world, days)
        target.abort("gone")
        await asyncio.sleep(61)
        look(world)
        await asyncio.sleep(1)
        assert source.count(ngap.UEContextReleaseCommand) == 0
        assert phone.amf_id in world.amf.access.connections
        await world.quiet()

    run(test, gate=gate("drain", days))


@pytest.mark.parametrize("cause", ["emergency", "highPriorityAccess"])
def test_an_emergency_call_is_not_cut(cause: str) -> None:
    days = Days(BEFORE)

    async def test(world: World) -> None:
        source, _, phone = await a_drained_source(world, days)
        world.amf.access.connections[phone.amf_id or 0].cause = cause
        await asyncio.sleep(61)
        look(world)
        await asyncio.sleep(1)
        assert source.count(ngap.UEContextReleaseCommand) == 0
        await world.quiet()

    run(test, gate=gate("drain", days))


def test_who_comes_back_has_no_other_cell() -> None:
    """It is moved twice, and then left where it is."""
    days = Days(BEFORE)

    async def test(world: World) -> None:
        source, _, phone = await a_drained_source(world, days)
        await asyncio.sleep(61)
        for _ in range(4):
            look(world)
            await asyncio.sleep(1)
            phone.register(source, phone.registration(RegistrationKind.PERIODIC))
            await asyncio.sleep(1)
        moves = [c for c in world.causes() if c.startswith("moved away from ")]
        assert len(moves) == 2
        await world.quiet()

    run(test, gate=gate("drain", days))


def test_a_few_are_moved_each_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eligibility, "AT_ONCE", 1)
    days = Days(BEFORE)

    async def test(world: World) -> None:
        source, _, _ = await scene(world)
        second = await Phone(world, 2).registered(source)
        second.say(nas.RegistrationComplete())
        days.day += timedelta(1)
        world.amf.day_has_come()
        await asyncio.sleep(61)
        for moved in (1, 2):
            look(world)
            await asyncio.sleep(1)
            assert source.count(ngap.UEContextReleaseCommand) == moved
        await world.quiet()

    run(test, gate=gate("drain", days))
