"""PDU session resources, TS 38.413 §8.2 and §8.3.1: many requests in flight, answers in any order, and none at all."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.crypto import kdf
from cinq.wire import nas, ngap

from .gnb import Gnb
from .phone import Phone
from .world import World, run, supi_of

ALL = range(1, 16)
Said = dict[int, list[tuple[str, bytes]]]


def said(world: World) -> Said:
    """What each session's SMF has heard of the gNB: kind and transfer, by PDU session identity."""
    found: Said = {}
    for ref, body in world.smf.updates:
        if body.json_data.n2_sm_info_type is not None:
            number = world.smf.contexts[ref].json_data.pdu_session_id
            assert number is not None
            octets = body.binary_data_n2_sm_information or b""
            found.setdefault(number, []).append((body.json_data.n2_sm_info_type, octets))
    return found


def ids(phone: Phone) -> dict[str, int]:
    assert phone.amf_id is not None
    return {"amf_ue_ngap_id": phone.amf_id, "ran_ue_ngap_id": phone.ran_id}


def set_up(phone: Phone, *done: int, failed: tuple[int, ...] = ()) -> ngap.PDUSessionResourceSetupResponse:
    """Each with a transfer that names its session."""
    return ngap.PDUSessionResourceSetupResponse(
        **ids(phone),
        pdu_session_resource_setup_list_su_res=[
            ngap.PDUSessionResourceSetupItemSURes(
                pdu_session_id=n, pdu_session_resource_setup_response_transfer=b"up %d" % n
            )
            for n in done
        ]
        or None,
        pdu_session_resource_failed_to_setup_list_su_res=[
            ngap.PDUSessionResourceFailedToSetupItemSURes(
                pdu_session_id=n, pdu_session_resource_setup_unsuccessful_transfer=b"no %d" % n
            )
            for n in failed
        ]
        or None,
    )


def modified(phone: Phone, number: int) -> ngap.PDUSessionResourceModifyResponse:
    item = ngap.PDUSessionResourceModifyItemModRes(
        pdu_session_id=number, pdu_session_resource_modify_response_transfer=b"new %d" % number
    )
    return ngap.PDUSessionResourceModifyResponse(
        **ids(phone), pdu_session_resource_modify_list_mod_res=[item]
    )


def released(phone: Phone, *numbers: int) -> ngap.PDUSessionResourceReleaseResponse:
    return ngap.PDUSessionResourceReleaseResponse(
        **ids(phone),
        pdu_session_resource_released_list_rel_res=[
            ngap.PDUSessionResourceReleasedItemRelRes(
                pdu_session_id=n, pdu_session_resource_release_response_transfer=b"off %d" % n
            )
            for n in numbers
        ],
    )


SETUP = "PDUSessionResourceSetupRequest"
MODIFY = "PDUSessionResourceModifyRequest"
RELEASE = "PDUSessionResourceReleaseCommand"


async def asking(world: World, numbers: range = ALL) -> tuple[Gnb, Phone]:
    """A phone whose gNB has been asked for the resources of these sessions and has answered for none."""
    gnb = await Gnb(world).set_up()
    phone = await Phone(world).registered(gnb)
    gnb.silent |= {SETUP, MODIFY, RELEASE}
    for number in numbers:
        phone.establish(number)
    await asyncio.sleep(0.1)
    assert gnb.count(ngap.PDUSessionResourceSetupRequest) == len(numbers)
    return gnb, phone


async def command(world: World, phone: Phone, number: int, kind: str) -> None:
    ref = next(r for r, c in world.smf.contexts.items() if c.json_data.pdu_session_id == number)
    await world.smf.transfer(str(phone.supi), number, None, b"asked", kind, ref)


@settings(max_examples=25, deadline=None)
@given(st.permutations(list(ALL)), st.sets(st.sampled_from(list(ALL))))
def test_fifteen_sessions_answered_in_any_order(order: list[int], failing: set[int]) -> None:
    async def test(world: World) -> None:
        gnb, phone = await asking(world)
        for number in order:
            gnb.say(set_up(phone, failed=(number,)) if number in failing else set_up(phone, number))
        await asyncio.sleep(0.1)
        up, no = "PDU_RES_SETUP_RSP", "PDU_RES_SETUP_FAIL"
        assert said(world) == {n: [(no, b"no %d" % n)] if n in failing else [(up, b"up %d" % n)] for n in ALL}
        assert gnb.count(ngap.ErrorIndication) == 0
        await world.quiet()

    run(test)


@settings(max_examples=25, deadline=None)
@given(st.permutations(list(ALL)), st.permutations(list(ALL)))
def test_parallel_releases_and_modifications_in_any_order(first: list[int], second: list[int]) -> None:
    """A request belongs to the answer that names its sessions, whatever else is in flight."""

    async def test(world: World) -> None:
        gnb, phone = await asking(world)
        for number in ALL:
            gnb.say(set_up(phone, number))
        await asyncio.sleep(0.1)
        world.smf.updates.clear()
        for number in ALL:
            await command(world, phone, number, "PDU_RES_MOD_REQ")
            await command(world, phone, number, "PDU_RES_REL_CMD")
        for number, other in zip(first, second, strict=True):
            gnb.say(released(phone, number))
            gnb.say(modified(phone, other))
        await asyncio.sleep(0.1)
        for number in ALL:
            assert sorted(said(world)[number]) == [
                ("PDU_RES_MOD_RSP", b"new %d" % number),
                ("PDU_RES_REL_RSP", b"off %d" % number),
            ]
        assert gnb.count(ngap.ErrorIndication) == 0
        await world.quiet()

    run(test)


def test_an_answer_that_nobody_waits_for_is_dealt_with_locally() -> None:
    """§10.4. The second of two equal answers, and one for a session that was not asked for."""

    async def test(world: World) -> None:
        gnb, phone = await asking(world, range(1, 3))
        gnb.say(set_up(phone, 1))
        gnb.say(set_up(phone, 1))
        gnb.say(set_up(phone, 9))
        gnb.say(set_up(phone, 2, 9))
        await asyncio.sleep(0.1)
        assert said(world) == {1: [("PDU_RES_SETUP_RSP", b"up 1")], 2: [("PDU_RES_SETUP_RSP", b"up 2")]}
        assert gnb.count(ngap.ErrorIndication) == 0
        assert sum("not expected in this state" in cause for cause in world.causes()) == 2
        assert any("did not ask" in cause for cause in world.causes())

    run(test)


def test_what_an_answer_leaves_out_has_failed() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = await Phone(world).registered(gnb)
        for number in (1, 2):
            phone.establish(number)
        await asyncio.sleep(1)
        await idle(gnb, phone)
        world.smf.updates.clear()
        gnb.silent.add("InitialContextSetupRequest")
        phone.service_request(gnb, uplink_data_status=frozenset({1, 2}))
        await asyncio.sleep(1)
        phone.amf_id = gnb.last(ngap.InitialContextSetupRequest).amf_ue_ngap_id
        item = ngap.PDUSessionResourceSetupItemCxtRes(
            pdu_session_id=2, pdu_session_resource_setup_response_transfer=b"up"
        )
        gnb.say(
            ngap.InitialContextSetupResponse(**ids(phone), pdu_session_resource_setup_list_cxt_res=[item])
        )
        await asyncio.sleep(1)
        kinds = {number: [kind for kind, _ in heard] for number, heard in said(world).items()}
        assert kinds == {1: ["PDU_RES_SETUP_FAIL"], 2: ["PDU_RES_SETUP_RSP"]}

    run(test)


async def idle(gnb: Gnb, phone: Phone) -> None:
    gnb.say(ngap.UEContextReleaseRequest(**ids(phone), cause=("radioNetwork", "user-inactivity")))
    await asyncio.sleep(1)


@pytest.mark.parametrize(
    ("kind", "told"),
    [("PDU_RES_MOD_REQ", "PDU_RES_MOD_FAIL"), ("PDU_RES_REL_CMD", "PDU_RES_REL_RSP")],
)
def test_a_silent_gnb_leaves_no_smf_waiting(kind: str, told: str) -> None:
    async def test(world: World) -> None:
        gnb, phone = await asking(world, range(1, 3))
        await asyncio.sleep(9)
        assert said(world) == {}
        await asyncio.sleep(2)
        for heard in said(world).values():
            (fail,) = heard
            assert fail[0] == "PDU_RES_SETUP_FAIL"
            transfer = ngap.decode_value(ngap.PDUSessionResourceSetupUnsuccessfulTransfer, fail[1])
            assert transfer.cause == ("radioNetwork", "unspecified")
        assert set(said(world)) == {1, 2}
        await command(world, phone, 1, kind)
        await asyncio.sleep(11)
        assert [k for k, _ in said(world)[1]] == ["PDU_RES_SETUP_FAIL", told]
        assert world.amf.registry.by_supi[supi_of(1)].connection is not None
        await world.quiet()
        assert any("NGAP guard expired" in cause for cause in world.causes())
        assert gnb.count(ngap.ErrorIndication) == 0

    run(test)


def test_a_gnb_that_does_not_answer_the_context_setup_loses_the_connection() -> None:
    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = await Phone(world).registered(gnb)
        phone.establish(1)
        await asyncio.sleep(1)
        await idle(gnb, phone)
        world.smf.updates.clear()
        gnb.silent.add("InitialContextSetupRequest")
        phone.service_request(gnb, uplink_data_status=frozenset({1}))
        await asyncio.sleep(12)
        assert [kind for kind, _ in said(world)[1]] == ["PDU_RES_SETUP_FAIL"]
        assert world.smf.states()[-1] == "DEACTIVATED"
        assert world.amf.access.connections == {}
        assert world.amf.registry.by_supi[supi_of(1)].context.cm_state == "CM-IDLE"
        gnb.silent.clear()
        phone.service_request(gnb, uplink_data_status=frozenset({1}))
        await asyncio.sleep(1)
        assert isinstance(phone.heard[-1], nas.ServiceAccept)
        await world.quiet()

    run(test)


def test_a_new_connection_ends_the_wait_on_the_former() -> None:
    async def test(world: World) -> None:
        gnb, phone = await asking(world, range(1, 2))
        other = await Gnb(world, 2).set_up()
        phone.service_request(other)
        await asyncio.sleep(1)
        assert [kind for kind, _ in said(world)[1]] == ["PDU_RES_SETUP_FAIL"]
        assert gnb.count(ngap.UEContextReleaseCommand) == 1
        assert len(world.amf.access.connections) == 1
        await world.quiet()

    run(test)


def test_a_lost_association_ends_the_wait() -> None:
    async def test(world: World) -> None:
        gnb, _ = await asking(world)
        gnb.inbound.lost("cut")
        await asyncio.sleep(1)
        assert said(world) == {}  # the SMFs hear that the user plane is gone
        assert world.smf.states() == ["DEACTIVATED"] * len(ALL)
        await world.quiet()

    run(test)


@pytest.mark.parametrize("answers", ["done", "refused", "nothing"])
def test_new_keys_reach_the_gnb_that_has_the_context(answers: str) -> None:
    """TS 33.501 §6.9.4.4: KgNB from the COUNT of SECURITY MODE COMPLETE, before the accept."""

    async def test(world: World) -> None:
        gnb = await Gnb(world).set_up()
        phone = await Phone(world).registered(gnb)
        assert gnb.count(ngap.UEContextModificationRequest) == 0
        if answers != "done":
            gnb.silent.add("UEContextModificationRequest")
        phone.request = phone.registration(registration_type=nas.RegistrationType(1))
        phone.say(phone.request)
        await asyncio.sleep(0.1)
        request = gnb.last(ngap.UEContextModificationRequest)
        assert request.security_key == int.from_bytes(kdf.kgnb(phone.kamf, 0), "big")
        assert gnb.count(ngap.InitialContextSetupRequest) == 1
        assert phone.count(nas.RegistrationAccept) == 2
        if answers == "refused":
            gnb.say(ngap.UEContextModificationFailure(**ids(phone), cause=("misc", "unspecified")))
        await asyncio.sleep(11)
        refused = any("keeps the UE context as it was" in cause for cause in world.causes())
        silent = any("NGAP guard expired" in cause for cause in world.causes())
        assert (refused, silent) == (answers == "refused", answers == "nothing")
        phone.establish(1)
        await asyncio.sleep(1)
        assert said(world) == {1: [("PDU_RES_SETUP_RSP", b"done")]}

    run(test, authenticate_known=True)
