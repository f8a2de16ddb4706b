"""Random lives of three phones on two gNBs: at the end nothing leaks, nothing sticks, and all tables agree."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.nf.amf.ue import ue_of
from cinq.sbi import Problem
from cinq.wire import nas, ngap

from .gnb import Gnb
from .phone import Phone
from .world import World, run

ACTIONS = [
    "register",
    "establish",
    "establish 2",
    "deregister",
    "switch off",
    "idle",
    "service",
    "update",
    "transfer",
    "replay",
    "deaf",
    "hearing",
    "lost",
    "reset",
    "forget",
    "mute",
]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(ACTIONS), st.integers(0, 2), st.sampled_from([0.0, 0.0, 0.001, 0.01, 0.1, 7.0])
    ),
    max_size=30,
)


def act(world: World, gnbs: list[Gnb], phones: list[Phone], action: str, n: int) -> None:
    phone, gnb = phones[n], gnbs[n % 2]
    there = phone.gnb is not None and phone.amf_id is not None
    match action:
        case "register":
            phone.register(gnb)
        case "update" if phone.security is not None and phone.guti is not None:
            phone.register(gnb, phone.registration(2, pdu_session_status=frozenset({1})))
        case "service" if phone.security is not None and phone.guti is not None:
            phone.service_request(gnb, uplink_data_status=frozenset({1, 2}))
        case "establish" if there:
            phone.establish(1)
        case "establish 2" if there:
            phone.establish(2)
        case "deregister" | "switch off" if there:
            phone.deregister(action == "switch off")
        case "idle" if there:
            release(phone)
        case "replay" if there and phone.sent:
            phone.say_octets(phone.sent[len(phone.sent) // 2])
        case "deaf":
            phone.on = {kind: lambda m: None for kind in (nas.AuthenticationRequest, nas.RegistrationAccept)}
        case "hearing":
            phone.on = {}
        case "forget":
            phone.guti, phone.security, phone.ksi, phone.secured = None, None, 7, False
        case "mute":
            gnb.silent ^= {"UEContextReleaseCommand"}
        case "reset":
            gnb.say(ngap.NGReset(cause=("misc", "unspecified"), reset_type=("nG-Interface", "reset-all")))
        case "lost":
            gnb.inbound.lost("cut")
            gnbs[n % 2] = again = Gnb(world, n % 2 + 1)
            again.say(gnbs_setup(n % 2 + 1))


def gnbs_setup(number: int) -> ngap.NGSetupRequest:
    from .gnb import setup_request

    return setup_request(number)


def release(phone: Phone) -> None:
    assert phone.gnb is not None
    assert phone.amf_id is not None
    phone.gnb.say(
        ngap.UEContextReleaseRequest(
            amf_ue_ngap_id=phone.amf_id,
            ran_ue_ngap_id=phone.ran_id,
            cause=("radioNetwork", "user-inactivity"),
        )
    )


def consistent(world: World) -> None:
    amf = world.amf
    assert amf.runtime.busy == 0
    contexts = [ue.context for ue in amf.registry.by_supi.values()]
    assert all(context.rm_state == "RM-REGISTERED" for context in contexts)
    assert {ue.context.guti.tmsi for ue in amf.registry.by_supi.values() if ue.context.guti} == set(
        amf.registry.by_tmsi
    )
    held = {sm.ref for context in contexts for sm in context.sm_contexts}
    assert set(world.smf.contexts) == held, "SM contexts of SMF and AMF differ"
    assert {key for key, _ in world.store.items("amf-ue")} == {str(supi) for supi in amf.registry.by_supi}
    assert set(world.pcf._am._associations) == {context.am_policy for context in contexts}
    for connection in amf.access.connections.values():
        assert ue_of(connection).connection is connection
        assert connection.ran in amf.access.rans
        assert ue_of(connection).context.cm_state == "CM-CONNECTED"
    for ue in amf.registry.by_supi.values():
        assert ue.is_idle
        assert (ue.connection is None) == (ue.context.cm_state == "CM-IDLE")


@settings(max_examples=150, deadline=None, derandomize=True)
@given(STEPS, st.sampled_from([0.0, 0.05]), st.sampled_from([0.0, 0.002, 0.02]))
def test_random_lives(steps: list[tuple[str, int, float]], delay: float, slow: float) -> None:
    async def test(world: World) -> None:
        world.smf.delay = delay
        gnbs = [await Gnb(world, 1).set_up(), await Gnb(world, 2).set_up()]
        phones = [Phone(world, n + 1) for n in range(3)]
        for action, n, pause in steps:
            if action == "transfer":
                await transfer(world, phones[n])
            else:
                act(world, gnbs, phones, action, n)
            if pause:
                await asyncio.sleep(pause)
        for gnb in gnbs:
            gnb.silent.clear()
        await asyncio.sleep(500)
        consistent(world)
        for n in (1, 2, 3):
            phone = Phone(world, n)
            phone.register(gnbs[0])
            await asyncio.sleep(5)
            assert isinstance(phone.heard[-1], nas.RegistrationAccept)
        await asyncio.sleep(500)
        consistent(world)

    run(test, slow=slow)


async def transfer(world: World, phone: Phone) -> None:
    try:
        await world.smf.transfer(str(phone.supi), 1, b"\x2e\x01\x00\xcb", b"setup", "PDU_RES_SETUP_REQ")
    except Problem as problem:
        if problem.status not in (404, 504):
            raise
