"""Path switch, TS 38.413 §8.4.4, TS 23.502 §4.9.1.2."""

from __future__ import annotations

import asyncio

from cinq.wire import ngap

from .moves import arrive, chain, is_served, scene, switch_request
from .world import World, run

UNKNOWN: ngap.Cause = ("radioNetwork", "unknown-targetID")


def test_path_switch() -> None:
    async def test(world: World) -> None:
        source, target, phone = await scene(world)
        amf_id = phone.amf_id or 0
        target.say(switch_request(phone, target))
        await asyncio.sleep(0.1)
        answer = target.last(ngap.PathSwitchRequestAcknowledge)
        assert (answer.amf_ue_ngap_id, answer.ran_ue_ngap_id) == (amf_id, 77)
        assert answer.ue_security_capabilities is None
        (item,) = answer.pdu_session_resource_switched_list
        assert (item.pdu_session_id, item.path_switch_request_acknowledge_transfer) == (1, b"switched")
        arrive(phone, target, amf_id)
        await is_served(phone)
        source.inbound.lost("switched off")  # it has nothing of the UE any more
        await is_served(phone)

    run(test)


def test_next_hops_are_chained() -> None:
    """The n-th path switch has NCC n+1 modulo 8, and NH of the chain."""

    async def test(world: World) -> None:
        source, target, phone = await scene(world)
        amf_id, gnbs = phone.amf_id or 0, (target, source)
        for hop in range(1, 10):
            here = gnbs[(hop - 1) % 2]
            here.say(switch_request(phone, here, ran_id=100 + hop))
            await asyncio.sleep(0.1)
            security = here.last(ngap.PathSwitchRequestAcknowledge).security_context
            nh, ncc = chain(phone, hop)
            assert security.next_hop_chaining_count == ncc
            assert security.next_hop_nh == int.from_bytes(nh, "big")
            arrive(phone, here, amf_id, 100 + hop)

    run(test)


def test_capabilities_that_differ_are_corrected() -> None:
    """TS 33.501 §6.7.3.1: a target that was bid down hears what the UE really has."""

    async def test(world: World) -> None:
        _, target, phone = await scene(world)
        none = ngap.UESecurityCapabilities(
            nr_encryption_algorithms=(0, 16),
            nr_integrity_protection_algorithms=(0x8000, 16),
            eutra_encryption_algorithms=(0, 16),
            eutra_integrity_protection_algorithms=(0, 16),
        )
        target.say(switch_request(phone, target, ue_security_capabilities=none))
        await asyncio.sleep(0.1)
        told = target.last(ngap.PathSwitchRequestAcknowledge).ue_security_capabilities
        assert told is not None
        assert told.nr_integrity_protection_algorithms == (0xE000, 16)

    run(test)


def test_path_switch_of_an_unknown_ue() -> None:
    """§8.4.4.3: the failure of the procedure, not an Error Indication."""

    async def test(world: World) -> None:
        _, target, phone = await scene(world)
        phone.amf_id = 424242
        target.say(switch_request(phone, target))
        await asyncio.sleep(0.1)
        failure = target.last(ngap.PathSwitchRequestFailure)
        assert (failure.amf_ue_ngap_id, failure.ran_ue_ngap_id) == (424242, 77)
        assert [i.pdu_session_id for i in failure.pdu_session_resource_released_list_ps_fail] == [1]
        assert target.count(ngap.ErrorIndication) == 0

    run(test)


def test_no_session_is_switched() -> None:
    async def test(world: World) -> None:
        _, target, phone = await scene(world)
        world.smf.stays.add("sm-1")
        target.say(switch_request(phone, target))
        await asyncio.sleep(0.1)
        assert target.count(ngap.PathSwitchRequestFailure) == 1
        await is_served(phone)  # at the source: nothing was touched

    run(test)


def test_one_of_two_sessions_is_switched() -> None:
    """The other is deactivated: the target says nothing of it (TS 23.502 §4.9.1.2.2 step 2)."""

    async def test(world: World) -> None:
        _, target, phone = await scene(world, 2)
        target.say(switch_request(phone, target))
        await asyncio.sleep(0.1)
        answer = target.last(ngap.PathSwitchRequestAcknowledge)
        assert [i.pdu_session_id for i in answer.pdu_session_resource_switched_list] == [1]
        assert ("sm-2", "DEACTIVATED") in [(ref, u.json_data.up_cnx_state) for ref, u in world.smf.updates]

    run(test)


def test_a_session_that_the_target_could_not_set_up() -> None:
    async def test(world: World) -> None:
        _, target, phone = await scene(world, 2)
        failed = [
            ngap.PDUSessionResourceFailedToSetupItemPSReq(
                pdu_session_id=2, path_switch_request_setup_failed_transfer=b"no"
            )
        ]
        request = switch_request(phone, target, pdu_session_resource_failed_to_setup_list_ps_req=failed)
        target.say(request)
        await asyncio.sleep(0.1)
        assert target.count(ngap.PathSwitchRequestAcknowledge) == 1
        kinds = [(ref, u.json_data.n2_sm_info_type) for ref, u in world.smf.updates]
        assert ("sm-2", "PATH_SWITCH_SETUP_FAIL") in kinds

    run(test)
