"""Which 5G-GUTIs of a UE are valid while nobody knows which one it has; T3560 of a UE that is registered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from cinq.numbering import Guti
from cinq.wire import nas, ngap

from .gnb import Gnb
from .phone import Phone
from .test_connection import attached, idle
from .world import World, run, supi_of

Kind = Callable[[World, Gnb, Phone], None]


def lose(phone: Phone, take: bool) -> None:
    """What the next accept or command asks to confirm is not confirmed; take: the UE has read it all the same."""

    def heard(message: nas.NasMessage) -> None:
        phone.secured = True
        assert isinstance(message, (nas.RegistrationAccept, nas.ConfigurationUpdateCommand))
        if take:
            phone.guti = message.guti

    phone.on[nas.RegistrationAccept] = phone.on[nas.ConfigurationUpdateCommand] = heard


def gutis(world: World) -> list[Guti | None]:
    context = world.amf.registry.by_supi[supi_of(1)].context
    known = [context.guti, context.former_guti]
    assert set(world.amf.registry.by_tmsi) == {guti.tmsi for guti in known if guti is not None}
    return known


async def unconfirmed(world: World, how: str, take: bool) -> tuple[Gnb, Phone, Guti]:
    """A UE in CM-IDLE whose last 5G-GUTI was not confirmed, and the one it had before."""
    gnb, phone = await attached(world)
    await idle(gnb, phone)
    old = phone.guti
    assert old is not None
    if how == "configuration update":
        await world.smf.transfer(str(phone.supi), 1, None, b"setup", "PDU_RES_SETUP_REQ")
        await asyncio.sleep(1)
        lose(phone, take)
        phone.service_request(gnb)
    else:
        lose(phone, take)
        kind = nas.RegistrationKind.INITIAL if how == "registration" else nas.RegistrationKind.MOBILITY
        phone.register(gnb, phone.registration(kind))
    await asyncio.sleep(3 if how == "lower layer failure" else 60)
    assert (phone.guti == old) is not take
    await idle(gnb, phone)
    phone.on.clear()
    return gnb, phone, old


@pytest.mark.parametrize("take", [True, False])
@pytest.mark.parametrize("how", ["registration", "update", "configuration update", "lower layer failure"])
def test_both_are_valid_until_one_is_used(how: str, take: bool) -> None:
    """§5.5.1.2.8 c), §5.5.1.3.8 a) and c), §5.4.4.6 a) and b): the new and the old, until the UE uses either."""

    async def test(world: World) -> None:
        gnb, phone, old = await unconfirmed(world, how, take)
        new, former = gutis(world)
        assert former == old
        assert new not in (None, old)
        assert phone.guti == (new if take else old)
        commands = phone.count(nas.ConfigurationUpdateCommand)
        phone.service_request(gnb)
        await asyncio.sleep(1)
        assert isinstance(phone.last(nas.ServiceAccept), nas.ServiceAccept)
        assert phone.count(nas.ServiceReject) == 0
        # The old one is replaced once more, as §5.4.4.6 b) 1) iii) allows.
        assert phone.count(nas.ConfigurationUpdateCommand) == commands + (not take)
        assert gutis(world) == [phone.guti, None]
        assert (phone.guti == new) is take
        assert phone.guti != old

    run(test)


@pytest.mark.parametrize("take", [True, False])
def test_a_registration_shows_as_well_which_one_it_has(take: bool) -> None:
    async def test(world: World) -> None:
        gnb, phone, _ = await unconfirmed(world, "update", take)
        before = phone.count(nas.AuthenticationRequest)
        await phone.registered(gnb, registration_type=nas.RegistrationType(2))
        await asyncio.sleep(1)
        assert phone.count(nas.IdentityRequest) == 0
        assert phone.count(nas.AuthenticationRequest) == before
        assert gutis(world) == [phone.guti, None]

    run(test)


@pytest.mark.parametrize("take", [True, False])
@pytest.mark.parametrize("end", ["restart", "crash"])
def test_both_survive_a_restart(end: str, take: bool) -> None:
    async def test(world: World) -> None:
        _, phone, _ = await unconfirmed(world, "update", take)
        both = gutis(world)
        await (world.restart() if end == "restart" else world.crash())
        assert gutis(world) == both
        gnb = await Gnb(world).set_up()
        phone.service_request(gnb)
        await asyncio.sleep(1)
        assert phone.count(nas.ServiceReject) == 0
        assert gutis(world) == [phone.guti, None]

    run(test)


def test_paged_by_the_old_one_first() -> None:
    """§5.4.4.6 b) 1) i)."""

    async def test(world: World) -> None:
        gnb, phone, old = await unconfirmed(world, "update", True)
        new, _ = gutis(world)
        assert new is not None
        await world.smf.transfer(str(phone.supi), 1, b"\x2e\x01\x00\xcb", None, None)
        await asyncio.sleep(60)
        paged = [m.ue_paging_identity[1] for m in gnb.heard if isinstance(m, ngap.Paging)]
        tmsis = [int.from_bytes(identity.five_g_tmsi, "big") for identity in paged]
        assert tmsis == [old.tmsi] * 2 + [new.tmsi] * 2
        assert world.smf.failures == ["sm-1"]

    run(test)


def test_deregistration_leaves_neither() -> None:
    async def test(world: World) -> None:
        gnb, phone, _ = await unconfirmed(world, "update", True)
        phone.service_request(gnb)
        lose(phone, True)
        phone.register(gnb, phone.registration(nas.RegistrationKind.MOBILITY))
        await asyncio.sleep(60)
        assert None not in gutis(world)
        phone.deregister()
        await asyncio.sleep(1)
        assert world.amf.registry.by_tmsi == {}
        assert world.amf.registry.by_supi == {}

    run(test)


def test_t3560_expires_for_a_registered_ue() -> None:
    """§5.4.1.3.7 b): the procedure is aborted and the N1 NAS signalling connection released."""

    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        phone.on[nas.AuthenticationRequest] = lambda message: None
        phone.register(gnb)
        await asyncio.sleep(60)
        assert phone.count(nas.AuthenticationRequest) == 1 + 5
        assert world.amf.access.connections == {}
        context = world.amf.registry.by_supi[supi_of(1)].context
        assert (context.rm_state, context.cm_state) == ("RM-REGISTERED", "CM-IDLE")
        del phone.on[nas.AuthenticationRequest]
        await phone.registered(gnb)

    run(test, authenticate_known=True)


@pytest.mark.parametrize(
    ("n1", "n2"), [(b"\x2e\x01\x00\xd3", None), (b"\x2e\x01\x00\xd3", b"release"), (None, b"release")]
)
def test_an_idle_ue_is_not_paged_for_what_may_be_skipped(n1: bytes | None, n2: bytes | None) -> None:
    """TS 29.518 §5.2.2.3.1.2, TS 23.502 §4.3.4.2 step 3b."""

    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        kind = None if n2 is None else "PDU_RES_REL_CMD"
        said = await world.smf.transfer(str(phone.supi), 1, n1, n2, kind, skip=True)
        assert said == "N1_N2_TRANSFER_INITIATED"
        await asyncio.sleep(1)
        await idle(gnb, phone)
        said = await world.smf.transfer(str(phone.supi), 1, n1, n2, kind, skip=True)
        assert said == "N1_MSG_NOT_TRANSFERRED"
        await asyncio.sleep(60)
        assert gnb.count(ngap.Paging) == 0
        assert world.amf.registry.by_supi[supi_of(1)].pending == ()
        assert world.smf.failures == []

    run(test)
