"""NAS Non Delivery Indication, TS 38.413 §8.6.4: what becomes of a message that the UE did not get."""

from __future__ import annotations

import asyncio

import pytest

from cinq.wire import nas, ngap

from .gnb import Gnb
from .moves import arrive, is_served, scene, switch_request
from .phone import Phone
from .world import World, run

MOVES: ngap.Cause = ("radioNetwork", "xn-handover-triggered")
LOST: ngap.Cause = ("radioNetwork", "radio-connection-with-ue-lost")


async def undelivered(world: World, gnb: Gnb, phone: Phone, cause: ngap.Cause) -> bytes:
    """A 5GSM message that the gNB could not deliver."""
    gnb.silent.add("DownlinkNASTransport")
    before = gnb.count(ngap.DownlinkNASTransport)
    await world.smf.transfer(str(phone.supi), 1, b"modify", None, None)
    await asyncio.sleep(0.1)
    assert gnb.count(ngap.DownlinkNASTransport) == before + 1
    octets = gnb.last(ngap.DownlinkNASTransport).nas_pdu
    tell(gnb, phone, octets, cause)
    gnb.silent.clear()
    await asyncio.sleep(0.1)
    return octets


def tell(gnb: Gnb, phone: Phone, octets: bytes, cause: ngap.Cause) -> None:
    gnb.say(
        ngap.NASNonDeliveryIndication(
            amf_ue_ngap_id=phone.amf_id or 0, ran_ue_ngap_id=phone.ran_id, nas_pdu=octets, cause=cause
        )
    )


def modifications(phone: Phone) -> int:
    return sum(isinstance(m, nas.DLNASTransport) and m.payload_container == b"modify" for m in phone.heard)


@pytest.mark.parametrize("moves", [True, False])
def test_a_ue_that_moves_gets_it_at_the_target(moves: bool) -> None:
    """Or where it is, when it does not arrive anywhere."""

    async def test(world: World) -> None:
        source, target, phone = await scene(world)
        await undelivered(world, source, phone, MOVES)
        assert modifications(phone) == 0
        if moves:
            target.say(switch_request(phone, target))
            arrive(phone, target, phone.amf_id or 0)
            await asyncio.sleep(0.1)
            assert modifications(phone) == 1
        await asyncio.sleep(10)
        assert modifications(phone) == 1
        assert world.smf.failures == []
        await is_served(phone)

    run(test)


def test_a_lost_message_goes_back_to_the_smf() -> None:
    """Once; what is no 5GSM message, or was never sent, goes nowhere."""

    async def test(world: World) -> None:
        gnb, _, phone = await scene(world)
        octets = await undelivered(world, gnb, phone, LOST)
        assert world.smf.failures == ["sm-1"]
        tell(gnb, phone, octets, LOST)
        tell(gnb, phone, b"\x7e\x02never sent", MOVES)
        await asyncio.sleep(10)
        assert world.smf.failures == ["sm-1"]
        assert modifications(phone) == 0
        assert gnb.count(ngap.ErrorIndication) == 0
        await is_served(phone)

    run(test)


def test_only_the_last_few_are_remembered() -> None:
    async def test(world: World) -> None:
        gnb, _, phone = await scene(world)
        octets = []
        for _ in range(6):
            await world.smf.transfer(str(phone.supi), 1, b"modify", None, None)
            await asyncio.sleep(0.1)
            octets.append(gnb.last(ngap.DownlinkNASTransport).nas_pdu)
        for one in octets:
            tell(gnb, phone, one, LOST)
        await asyncio.sleep(0.1)
        assert world.smf.failures == ["sm-1"] * 4

    run(test)
