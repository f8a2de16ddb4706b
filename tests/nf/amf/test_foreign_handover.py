"""Handovers with the octets of another's gNB: PacketRusher 5bf8b4e, whose requests have their IEs out of order.

Only the identities of the UE and of the target are put in for this world's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from cinq.wire import ngap

from .moves import arrive, is_served, required, scene, switch_request
from .octets import NUMBERS, parts, pdu
from .world import World, run

REQUIRED = bytes.fromhex(
    "000c005d000007000a00020001005500020001001d000100000f40020400003d000500000101000069000f0099f907100000020099f90700"
    "00010065002322500300001100000100010099f90700000200000000000099f907000001000000000a"
)
ACKNOWLEDGE = bytes.fromhex(
    "200d002e000004000a00020001005500020001003540110000010d0007c07f000002000000010001006a0006050003000011"
)
NOTIFY = bytes.fromhex("000b0022000003000a000200010055000200010079400f4099f907000002000099f907000001")
SWITCH = bytes.fromhex(
    "00190043000005006400020001005500020001004c00100000010c001f7f0000020000000100020079400f4099f907000002000099f90700"
    "0001007740090c0006000000000000"
)
IDENTITIES = ("AMF-UE-NGAP-ID", "RAN-UE-NGAP-ID", "SourceAMF-UE-NGAP-ID", "TargetID")


def of(foreign: bytes, own: ngap.Pdu, names: Sequence[str] = IDENTITIES) -> bytes:
    """The foreign message with the values that IEs have in our own."""
    header, ies = parts(foreign)
    values = {ie: value for ie, _, value in parts(ngap.encode(own))[1]}
    numbers = {NUMBERS[name] for name in names if name in NUMBERS}
    return pdu(header, [(ie, level, values[ie] if ie in numbers else octets) for ie, level, octets in ies])


def test_path_switch() -> None:
    async def test(world: World) -> None:
        _, target, phone = await scene(world)
        amf_id = phone.amf_id or 0
        target.say_octets(of(SWITCH, switch_request(phone, target)))
        await asyncio.sleep(0.1)
        answer = target.last(ngap.PathSwitchRequestAcknowledge)
        assert [item.pdu_session_id for item in answer.pdu_session_resource_switched_list] == [1]
        arrive(phone, target, amf_id)
        await is_served(phone)

    run(test, accept_any_order=True)


def test_handover() -> None:
    async def test(world: World) -> None:
        source, target, phone = await scene(world)
        source.say_octets(of(REQUIRED, required(phone)))
        await asyncio.sleep(0.1)
        request = target.last(ngap.HandoverRequest)
        amf_id = request.amf_ue_ngap_id
        assert request.source_to_target_transparent_container == ngap_value(REQUIRED, 101)
        ids = ngap.HandoverCancel(amf_ue_ngap_id=amf_id, ran_ue_ngap_id=77, cause=("misc", "unspecified"))
        target.say_octets(of(ACKNOWLEDGE, ids))
        await asyncio.sleep(0.1)
        assert source.count(ngap.HandoverCommand) == 1
        target.say_octets(of(NOTIFY, ids))
        await asyncio.sleep(0.1)
        arrive(phone, target, amf_id)
        await is_served(phone)
        assert source.count(ngap.UEContextReleaseCommand) == 1

    run(test, accept_any_order=True)


def test_refused_by_the_failure_of_the_procedure_where_order_counts() -> None:
    async def test(world: World) -> None:
        source, target, phone = await scene(world)
        source.say_octets(of(REQUIRED, required(phone)))
        target.say_octets(of(SWITCH, switch_request(phone, target)))
        await asyncio.sleep(0.1)
        wrong: ngap.Cause = ("protocol", "abstract-syntax-error-falsely-constructed-message")
        assert source.last(ngap.HandoverPreparationFailure).cause == wrong
        assert target.count(ngap.PathSwitchRequestFailure) == 1
        await is_served(phone)

    run(test)


def ngap_value(octets: bytes, number: int) -> bytes:
    """The OCTET STRING of an IE, without its length."""
    (value,) = (value for ie, _, value in parts(octets)[1] if ie == number)
    return value[1:]
