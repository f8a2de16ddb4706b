"""The end of a connection and the answer that a procedure waits for, in one turn of the event loop, in either order.

What came first counts first: the answer has its effect, or it is as if it had never been said.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from cinq.nf.amf.context import UeContext
from cinq.numbering import Guti
from cinq.sbi.services.nudm_uecm import DeregistrationData, NamfUecmCallback
from cinq.wire import nas, ngap
from cinq.wire.nas import RegistrationKind

from .gnb import Gnb
from .moves import acknowledge, arrive, commanded, is_served, notify, required, scene, switch_request
from .phone import Phone
from .test_connection import attached, idle
from .world import PLMN, World, run, supi_of

Answer = Callable[[], object]
End = Callable[[Gnb, Phone], None]


def lost(gnb: Gnb, phone: Phone) -> None:
    gnb.inbound.lost("switched off")


def reset(gnb: Gnb, phone: Phone) -> None:
    whole: ngap.ResetType = ("nG-Interface", "reset-all")
    gnb.say(ngap.NGReset(cause=("misc", "unspecified"), reset_type=whole))


def reset_of_one(gnb: Gnb, phone: Phone) -> None:
    item = ngap.UEassociatedLogicalNGconnectionItem(amf_ue_ngap_id=phone.amf_id)
    gnb.say(ngap.NGReset(cause=("misc", "unspecified"), reset_type=("partOfNG-Interface", [item])))


def release(gnb: Gnb, phone: Phone) -> None:
    gnb.say(
        ngap.UEContextReleaseRequest(
            amf_ue_ngap_id=phone.amf_id or 0,
            ran_ue_ngap_id=phone.ran_id,
            cause=("radioNetwork", "radio-connection-with-ue-lost"),
        )
    )


ENDS: list[End] = [lost, reset, reset_of_one, release]


def context_of(world: World) -> UeContext:
    return world.amf.registry.by_supi[supi_of(1)].context


def takes(phone: Phone, kind: type[nas.NasMessage]) -> None:
    """The UE reads the message, and the test answers it."""

    def heard(message: nas.NasMessage) -> None:
        phone.secured = True
        phone.guti = getattr(message, "guti", None) or phone.guti

    phone.on[kind] = heard


async def initial_registration(world: World) -> tuple[Gnb, Phone, Answer]:
    gnb = await Gnb(world).set_up()
    phone = Phone(world)
    takes(phone, nas.RegistrationAccept)
    phone.register(gnb)
    await asyncio.sleep(0.1)
    return gnb, phone, partial(phone.say, nas.RegistrationComplete())


async def registered_anew(world: World, kind: int) -> tuple[Gnb, Phone, Answer]:
    gnb, phone = await attached(world)
    await idle(gnb, phone)
    takes(phone, nas.RegistrationAccept)
    phone.register(gnb, phone.registration(kind))
    await asyncio.sleep(0.1)
    return gnb, phone, partial(phone.say, nas.RegistrationComplete())


async def new_guti(world: World) -> tuple[Gnb, Phone, Answer]:
    """Generic UE configuration update: what is due after paging by the 5G-GUTI."""
    gnb, phone = await attached(world)
    await idle(gnb, phone)
    await world.smf.transfer(str(phone.supi), 1, None, b"setup", "PDU_RES_SETUP_REQ")
    await asyncio.sleep(1)
    takes(phone, nas.ConfigurationUpdateCommand)
    phone.service_request(gnb)
    await asyncio.sleep(0.1)
    assert phone.count(nas.ConfigurationUpdateCommand) == 1
    return gnb, phone, partial(phone.say, nas.ConfigurationUpdateComplete())


Scene = Callable[[World], Awaitable[tuple[Gnb, Phone, Answer]]]
SCENES: dict[str, Scene] = {
    "initial registration": initial_registration,
    "initial registration of a registered UE": partial(registered_anew, kind=RegistrationKind.INITIAL),
    "mobility registration update": partial(registered_anew, kind=RegistrationKind.MOBILITY),
    "configuration update": new_guti,
}


@pytest.mark.parametrize("first", ["answer", "end"])
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("name", SCENES)
def test_the_answer_to_an_accept_or_command(name: str, end: End, first: str) -> None:
    """TS 24.501 §5.5.1.2.8 a), §5.5.1.3.8 a), §5.4.4.6 a): the UE is registered in any case. By the new 5G-GUTI alone
    where it has said that it has it, else by both."""

    async def test(world: World) -> None:
        gnb, phone, answer = await SCENES[name](world)
        before = context_of(world).guti
        if first == "answer":
            answer()
            end(gnb, phone)
        else:
            end(gnb, phone)
            answer()
        await asyncio.sleep(1)
        after = context_of(world)
        assert (after.rm_state, after.cm_state) == ("RM-REGISTERED", "CM-IDLE")
        assert after.guti == phone.guti
        # a reset, and a release, that are a procedure of their own have their turn behind the answer all the same
        behind = first == "answer" or end in (reset, reset_of_one)
        assert after.former_guti == (None if behind else before)
        assert world.amf.access.connections == {}
        phone.on.clear()
        if end is lost:
            gnb = await Gnb(world).set_up()
        phone.service_request(gnb)
        await asyncio.sleep(1)
        assert phone.count(nas.ServiceReject) == 0
        assert phone.count(nas.ServiceAccept) == (2 if name == "configuration update" else 1)

    run(test)


@pytest.mark.parametrize("first", ["answer", "end"])
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("step", [nas.IdentityRequest, nas.AuthenticationRequest, nas.SecurityModeCommand])
def test_a_common_procedure_of_a_registration(step: type[nas.NasMessage], end: End, first: str) -> None:
    """§5.4.1.3.7 a), §5.4.2.7 a), §5.4.3.6 a): nothing was accepted yet, and nothing is left.

    SECURITY MODE COMPLETE lets the accept go out in the same turn: then §5.5.1.2.8 a) holds.
    """

    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = Phone(world)
        asked: list[nas.NasMessage] = []
        phone.on[step] = asked.append
        more: dict[str, object] = {}
        if step is nas.IdentityRequest:
            other = await Phone(world, 2).registered(gnb)
            assert other.guti is not None
            more["mobile_identity"] = Guti(PLMN, other.guti.amf, 7)
            other.say(nas.RegistrationComplete())
        phone.register(gnb, phone.registration(**more))
        await asyncio.sleep(0.1)
        assert len(asked) == 1
        answer = partial(phone.usual, asked[0])
        if first == "answer":
            answer()
            end(gnb, phone)
        else:
            end(gnb, phone)
            answer()
        await asyncio.sleep(100)
        behind = first == "answer" or end in (reset, reset_of_one)
        accepted = step is nas.SecurityModeCommand and behind
        assert (supi_of(1) in world.amf.registry.by_supi) is accepted
        if accepted:
            assert context_of(world).rm_state == "RM-REGISTERED"
        assert world.amf.runtime.busy == 0
        assert len(world.amf.registry.by_tmsi) == len(world.amf.registry.by_supi)

    run(test)


@pytest.mark.parametrize("first", ["answer", "end"])
@pytest.mark.parametrize("end", ENDS)
def test_the_answer_to_a_deregistration(end: End, first: str) -> None:
    """§5.5.2.3.5 b): the UE is deregistered in either case."""

    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        phone.on[nas.DeregistrationRequestUETerminated] = lambda _: None
        udm = world.bus.client(NamfUecmCallback, "UDM")
        await udm.deregistration_notify(
            str(supi_of(1)), DeregistrationData(dereg_reason="SUBSCRIPTION_WITHDRAWN")
        )
        await asyncio.sleep(0.1)
        answer = partial(phone.say, nas.DeregistrationAcceptUETerminated())
        if first == "answer":
            answer()
            end(gnb, phone)
        else:
            end(gnb, phone)
            answer()
        await asyncio.sleep(100)
        assert world.amf.registry.by_supi == {}
        assert world.amf.access.connections == {}
        assert world.smf.released == ["sm-1"]

    run(test)


@pytest.mark.parametrize("slow", [0.0, 0.05])
@pytest.mark.parametrize("first", ["answer", "end"])
@pytest.mark.parametrize("end", [lost, reset])
def test_handover_notify_and_the_end_of_the_source(end: End, first: str, slow: float) -> None:
    """A UE that has arrived stays at its target, and its SMFs hear of it, however slow they are."""

    async def test(world: World) -> None:
        source, target, phone, request = await commanded(world)
        world.smf.delay = slow
        answer = partial(target.say, notify(request, target))
        if first == "answer":
            answer()
            end(source, phone)
        else:
            end(source, phone)
            answer()
        await asyncio.sleep(1)
        ue = world.amf.registry.by_supi[supi_of(1)]
        if first == "answer" or end is reset:
            assert ue.connection is not None
            assert ue.connection.ran.context.node_id.startswith(target.ran.context.node_id)
            assert world.smf.ho_states()[-1] == "COMPLETED"
            assert target.count(ngap.UEContextReleaseCommand) == 0
            arrive(phone, target, request.amf_ue_ngap_id)
            await is_served(phone)
        else:
            assert ue.connection is None
            assert world.smf.ho_states()[-1] == "CANCELLED"
            assert target.count(ngap.UEContextReleaseCommand) == 1
        assert len(world.amf.access.connections) == (ue.connection is not None)

    run(test)


@pytest.mark.parametrize("first", ["answer", "end"])
@pytest.mark.parametrize("who", ["source", "target"])
def test_handover_acknowledge_and_the_end_of_a_gnb(who: str, first: str) -> None:
    async def test(world: World) -> None:
        source, target, phone = await scene(world)
        source.say(required(phone))
        await asyncio.sleep(0.1)
        request = target.last(ngap.HandoverRequest)
        answer = partial(target.say, acknowledge(request))
        gone = source if who == "source" else target
        if first == "answer":
            answer()
            lost(gone, phone)
        else:
            lost(gone, phone)
            answer()
        await asyncio.sleep(30)
        ue = world.amf.registry.by_supi[supi_of(1)]
        assert ue.target is None
        assert world.smf.ho_states()[-1] == "CANCELLED"
        if who == "target":
            await is_served(phone)
        else:
            assert ue.connection is None
        assert len(world.amf.access.connections) == (ue.connection is not None)
        await world.quiet()

    run(test)


@pytest.mark.parametrize("first", ["answer", "end"])
@pytest.mark.parametrize("end", ENDS)
def test_resources_and_the_end(end: End, first: str) -> None:
    """Whatever the SMF has heard of the tunnel, it hears that the connection has ended."""

    async def test(world: World) -> None:
        gnb, phone = await attached(world)
        gnb.silent.add("PDUSessionResourceSetupRequest")
        phone.establish(2)
        await asyncio.sleep(0.1)
        answer = partial(gnb.about, phone, gnb.last(ngap.PDUSessionResourceSetupRequest))
        gnb.silent.clear()
        if first == "answer":
            answer()
            end(gnb, phone)
        else:
            end(gnb, phone)
            answer()
        await asyncio.sleep(10)
        last = {ref: update.json_data.up_cnx_state for ref, update in world.smf.updates}
        assert last == {"sm-1": "DEACTIVATED", "sm-2": "DEACTIVATED"}
        await world.quiet()

    run(test)


@pytest.mark.parametrize("end", [lost, reset])
def test_a_path_switch_and_the_end_of_the_source(end: End) -> None:
    """The UE is at the target: it stays connected there."""

    async def test(world: World) -> None:
        source, target, phone = await scene(world)
        world.smf.delay = 0.05
        target.say(switch_request(phone, target))
        await asyncio.sleep(0.01)
        end(source, phone)
        await asyncio.sleep(1)
        world.smf.delay = 0.0
        assert target.count(ngap.PathSwitchRequestAcknowledge) == 1
        arrive(phone, target, phone.amf_id or 0)
        await is_served(phone)
        assert len(world.amf.access.connections) == 1

    run(test)


@pytest.mark.parametrize("both", [False, True])
def test_a_path_switch_and_the_end_of_the_target(both: bool) -> None:
    """It is lost with the gNB where it is; and with both where none of its sessions was switched."""

    async def test(world: World) -> None:
        source, target, phone = await scene(world)
        world.smf.delay = 0.05
        if both:
            world.smf.stays.add("sm-1")
        target.say(switch_request(phone, target))
        await asyncio.sleep(0.01)
        lost(source if both else target, phone)
        await asyncio.sleep(1)
        world.smf.delay = 0.0
        ue = world.amf.registry.by_supi[supi_of(1)]
        assert (ue.connection, ue.context.cm_state) == (None, "CM-IDLE")
        assert world.amf.access.connections == {}
        assert world.smf.states()[-1] == "DEACTIVATED"
        assert target.count(ngap.PathSwitchRequestFailure) == both
        third = await Gnb(world, 3).set_up()
        phone.service_request(third)
        await asyncio.sleep(1)
        assert phone.count(nas.ServiceAccept) == 1

    run(test)
