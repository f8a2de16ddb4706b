"""What a message meets that comes while the network asks something in a registration: the rows of TS 24.501 §5.4.1.3.7,
§5.4.2.7, §5.4.3.6 and §5.5.1.2.8. Those of §5.4.4.6 are in test_changes; ends of the connection in test_same_turn."""

from __future__ import annotations

import asyncio

import pytest

from cinq.nf.amf.context import UeContext
from cinq.numbering import Guti, SNssai
from cinq.wire import nas, ngap
from cinq.wire.nas import RegistrationKind

from .gnb import Gnb
from .phone import Phone
from .world import PLMN, World, run, supi_of

ASKED: dict[str, type[nas.NasMessage]] = {
    "identification": nas.IdentityRequest,
    "authentication": nas.AuthenticationRequest,
    "security mode": nas.SecurityModeCommand,
    "accept": nas.RegistrationAccept,
}
MOBILITY = nas.RegistrationType(RegistrationKind.MOBILITY, follow_on=True)


class Asked:
    """A registration that waits for the UE's answer."""

    def __init__(self, world: World, gnb: Gnb, phone: Phone, step: str) -> None:
        self.world, self.gnb, self.phone, self.step = world, gnb, phone, step
        self.heard: list[nas.NasMessage] = []
        phone.on[ASKED[step]] = self._hear

    def _hear(self, message: nas.NasMessage) -> None:
        self.heard.append(message)
        if isinstance(message, nas.RegistrationAccept):
            self.phone.secured = True
            self.phone.guti = message.guti

    def answer(self) -> None:
        del self.phone.on[ASKED[self.step]]
        self.phone.usual(self.heard[-1])

    def goes_on(self) -> None:
        """From now on the phone answers by itself."""
        del self.phone.on[ASKED[self.step]]

    @property
    def context(self) -> UeContext | None:
        ue = self.world.amf.registry.by_supi.get(supi_of(1))
        return None if ue is None else ue.context


async def asked(world: World, step: str) -> Asked:
    gnb = await Gnb(world).set_up()
    phone = Phone(world)
    found = Asked(world, gnb, phone, step)
    more: dict[str, object] = {}
    if step == "identification":
        more["mobile_identity"] = Guti(PLMN, world.settings.amf_id, 7)
    phone.register(gnb, phone.registration(**more))
    await asyncio.sleep(0.1)
    assert len(found.heard) == 1
    return found


def registered(found: Asked) -> bool:
    return found.context is not None and found.context.rm_state == "RM-REGISTERED"


BEFORE_THE_ACCEPT = ["identification", "authentication", "security mode"]


@pytest.mark.parametrize("step", BEFORE_THE_ACCEPT)
def test_the_same_request_again(step: str) -> None:
    """§5.4.3.6 d), §5.5.1.2.8 e) 2): it is not treated any further; what is under way goes on."""

    async def test(world: World) -> None:
        found = await asked(world, step)
        request = found.phone.request
        assert request is not None
        found.phone.say_octets(nas.encode(request.cleartext()))
        await asyncio.sleep(1)
        assert len(found.heard) == 1
        found.answer()
        await asyncio.sleep(1)
        assert registered(found)
        assert found.phone.count(nas.RegistrationAccept) == 1

    run(test)


@pytest.mark.parametrize("step", BEFORE_THE_ACCEPT)
def test_another_request(step: str) -> None:
    """§5.4.2.7 c), §5.4.3.6 d), §5.5.1.2.8 e) 1): the new one is executed."""

    async def test(world: World) -> None:
        found = await asked(world, step)
        phone = found.phone
        found.goes_on()
        phone.security = None
        phone.capability = nas.UeSecurityCapability.of((0, 1, 2), (0, 1, 2))
        phone.request = phone.registration(mobile_identity=phone.suci, requested_nssai=[SNssai(1), SNssai(9)])
        phone.say_octets(nas.encode(phone.request.cleartext()))
        await asyncio.sleep(1)
        assert registered(found)
        assert phone.count(nas.RegistrationAccept) == 1
        assert phone.last(nas.RegistrationAccept).rejected_nssai
        assert len(world.amf.registry.by_supi) == 1

    run(test)


def test_an_update_while_it_is_asked_who_it_is() -> None:
    """§5.4.3.6 e): both are progressed."""

    async def test(world: World) -> None:
        found = await asked(world, "identification")
        phone = found.phone
        update = phone.registration(
            registration_type=MOBILITY, mobile_identity=Guti(PLMN, world.settings.amf_id, 7)
        )
        phone.say_octets(nas.encode(update.cleartext()))
        await asyncio.sleep(1)
        assert phone.count(nas.IdentityRequest) == 1
        found.answer()
        await asyncio.sleep(1)
        assert registered(found)
        assert phone.count(nas.RegistrationAccept) >= 1

    run(test)


@pytest.mark.parametrize("switch_off", [True, False])
@pytest.mark.parametrize("step", ["identification", "authentication", "security mode"])
def test_deregistration_that_nobody_can_check(step: str, switch_off: bool) -> None:
    """§4.4.4.3: without an integrity check it is processed in no state; the registration is over (§5.4.3.6 f))."""

    async def test(world: World) -> None:
        found = await asked(world, step)
        phone = found.phone
        phone.security = None
        phone.deregister(switch_off)
        await asyncio.sleep(1)
        assert phone.count(nas.DeregistrationAcceptUEOriginating) == 0
        assert world.amf.registry.by_supi == {}
        assert world.amf.access.connections == {}

    run(test)


@pytest.mark.parametrize("switch_off", [True, False])
def test_deregistration_before_the_complete(switch_off: bool) -> None:
    """§5.5.1.2.8 h)."""

    async def test(world: World) -> None:
        found = await asked(world, "accept")
        found.phone.deregister(switch_off)
        await asyncio.sleep(1)
        assert found.phone.count(nas.DeregistrationAcceptUEOriginating) == (not switch_off)
        assert world.amf.registry.by_supi == {}
        assert world.amf.registry.by_tmsi == {}
        assert world.amf.access.connections == {}

    run(test)


@pytest.mark.parametrize("kind", [RegistrationKind.MOBILITY, RegistrationKind.PERIODIC])
def test_an_update_before_the_complete(kind: int) -> None:
    """§5.5.1.2.8 g): T3550 is stopped, the 5G-GUTI valid, and the update is progressed."""

    async def test(world: World) -> None:
        found = await asked(world, "accept")
        phone = found.phone
        given = phone.guti
        found.goes_on()
        phone.say(phone.registration(kind))
        await asyncio.sleep(1)
        assert registered(found)
        assert phone.count(nas.RegistrationAccept) == 2
        assert phone.guti != given
        assert phone.count(nas.AuthenticationRequest) == 1
        assert found.context is not None
        assert found.context.former_guti is None
        await asyncio.sleep(60)
        assert phone.count(nas.RegistrationAccept) == 2

    run(test)


@pytest.mark.parametrize("differs", [False, True])
def test_an_initial_request_before_the_complete(differs: bool) -> None:
    """§5.5.1.2.8 d): the accept again, or the new registration."""

    async def test(world: World) -> None:
        found = await asked(world, "accept")
        phone = found.phone
        request = phone.request
        assert request is not None
        if differs:
            found.goes_on()
            phone.request = request = phone.registration(requested_nssai=[SNssai(1), SNssai(9)])
            phone.say(request)
        else:
            ue = world.amf.registry.by_supi[supi_of(1)]
            assert ue.opening is not None
            ue.receive(ue.opening)
        await asyncio.sleep(1)
        assert phone.count(nas.RegistrationAccept) == 2
        if not differs:
            assert found.heard[0] == found.heard[1]
            found.answer()
            await asyncio.sleep(1)
        assert registered(found)
        assert found.context is not None
        assert found.context.former_guti is None

    run(test)


def test_a_service_request_before_the_complete() -> None:
    """The UE evidently has the accept: it is registered and has its service (§5.5.1.2.8 a), g))."""

    async def test(world: World) -> None:
        found = await asked(world, "accept")
        phone = found.phone
        assert phone.guti is not None
        phone.say(nas.ServiceRequest(ng_ksi=nas.NgKsi(phone.ksi), service_type=0, s_tmsi=phone.guti.s_tmsi))
        await asyncio.sleep(1)
        assert phone.count(nas.ServiceAccept) == 1
        assert registered(found)
        assert found.context is not None
        assert (found.context.guti, found.context.former_guti) == (phone.guti, None)

    run(test)


@pytest.mark.parametrize("step", ["identification", "authentication", "security mode"])
def test_a_silent_ue(step: str) -> None:
    """§5.4.1.3.7 b), §5.4.2.7 b), §5.4.3.6 b): asked five times; then what was under way ends with its connection."""

    async def test(world: World) -> None:
        found = await asked(world, step)
        await asyncio.sleep(29)
        assert len(found.heard) == 5
        await asyncio.sleep(2)
        assert world.amf.registry.by_supi == {}
        assert world.amf.access.connections == {}
        assert found.gnb.count(ngap.UEContextReleaseCommand) == 1

    run(test)


@pytest.mark.parametrize("step", ["identification", "authentication", "security mode", "accept"])
def test_other_messages_go_on_beside(step: str) -> None:
    """§5.4.2.7 d): 5GMM STATUS, and an answer to something else, disturb nothing."""

    async def test(world: World) -> None:
        found = await asked(world, step)
        phone = found.phone
        phone.say(nas.FiveGMMStatus(cause=111))
        phone.say(
            nas.IdentityResponse(mobile_identity=phone.suci)
            if step != "identification"
            else nas.AuthenticationResponse(res=bytes(16))
        )
        await asyncio.sleep(1)
        assert len(found.heard) == 1
        found.answer()
        await asyncio.sleep(1)
        assert registered(found)

    run(test)
