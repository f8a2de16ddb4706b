"""N2 handover with other NAS keys (TS 33.501 §6.9.2.3.3, annex A.9, A.10, A.13; TS 24.501 §9.11.2.6).

What the UE derives is worked out here from the key derivation function of TS 33.220 alone.
"""

from __future__ import annotations

import asyncio
import hmac

import pytest
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

from cinq.crypto.nas_security import NasSecurity
from cinq.nf.amf.n1.exchange import LAST_COUNTS
from cinq.wire import nas, ngap

from .gnb import Gnb
from .moves import acknowledge, arrive, cancel, commanded, is_served, notify, required, scene, switch_request
from .phone import Phone
from .world import World, run, supi_of

NEW_KAMF = {"new_kamf_at_handover": True}


def kdf(key: bytes, s: str) -> bytes:
    return hmac.digest(key, bytes.fromhex(s), "sha256")


def kamf_of(kamf: bytes, count: int) -> bytes:
    """A.13 in a handover: FC 72, direction 1, downlink NAS COUNT."""
    return kdf(kamf, f"72 01 0001 {count:08x} 0004")


def kgnb_of(kamf: bytes) -> bytes:
    """A.9 with the uplink NAS COUNT 2^32-1 and 3GPP access."""
    return kdf(kamf, "6e ffffffff 0004 01 0001")


def nas_key(kamf: bytes, kind: int, algorithm: int) -> bytes:
    return kdf(kamf, f"69 {kind:02x} 0001 {algorithm:02x} 0001")[16:]


def mac_of(key: bytes, octets: bytes) -> bytes:
    """128-NIA2 (TS 33.401 §B.2.3): COUNT 2^32-1, bearer 1, direction 1."""
    cmac = CMAC(AES(key))
    cmac.update(bytes.fromhex("ffffffff 0c000000") + octets)
    return cmac.finalize()[:4]


def counts(phone: Phone) -> NasSecurity:
    assert phone.security is not None
    return phone.security


def taken(phone: Phone, request: ngap.HandoverRequest) -> bytes:
    """The UE takes what the container says into use (§6.9.2.3.4). Returns its KAMF."""
    octets = request.nasc
    assert octets is not None
    assert len(octets) == 7
    count = counts(phone).dl_count
    assert octets[6] == count & 0xFF
    ciphering, integrity = octets[4] >> 4, octets[4] & 15
    if octets[5] & 0x10:
        phone.kamf, phone.security = kamf_of(phone.kamf, count), None
    key = nas_key(phone.kamf, 2, integrity)
    if integrity == 2:
        assert octets[:4] == mac_of(key, octets[4:])
    fresh = NasSecurity(integrity, ciphering, key, nas_key(phone.kamf, 1, ciphering))
    if phone.security is not None:
        fresh.ul_count, fresh.dl_count = phone.security.ul_count, count + 1
    phone.security = fresh
    return phone.kamf


async def arrived(phone: Phone, target: Gnb, request: ngap.HandoverRequest) -> None:
    target.say(notify(request, target))
    await asyncio.sleep(0.1)
    arrive(phone, target, request.amf_ue_ngap_id)


def test_another_kamf_with_every_handover() -> None:
    async def test(world: World) -> None:
        source, target, phone, request = await commanded(world)
        before = phone.kamf
        assert (request.nasc or b"")[4:6] == bytes((0x22, 0x10 | phone.ksi))
        kamf = taken(phone, request)
        assert kamf != before
        kgnb = kgnb_of(kamf)
        assert request.new_security_context_ind == "true"
        assert request.security_context.next_hop_nh == int.from_bytes(kgnb, "big")
        assert request.security_context.next_hop_chaining_count == 0
        await arrived(phone, target, request)
        await is_served(phone)
        assert phone.count(nas.AuthenticationRequest) == 1
        stored = world.amf.registry.by_supi[supi_of(1)].context.security
        assert stored is not None
        assert (stored.kamf, stored.ksi) == (kamf, phone.ksi)
        assert (stored.nh, stored.ncc) == (kdf(kamf, f"6f {kgnb.hex()} 0020"), 1)
        source.say(switch_request(phone, source, 5))  # Xn back: the chain goes on from there
        await asyncio.sleep(0.1)
        switched = source.last(ngap.PathSwitchRequestAcknowledge)
        assert switched.new_security_context_ind is None
        assert switched.security_context.next_hop_chaining_count == 2

    run(test, **NEW_KAMF)


def test_counts_begin_anew_and_outlast_a_restart() -> None:
    async def test(world: World) -> None:
        _, target, phone, request = await commanded(world)
        taken(phone, request)
        await arrived(phone, target, request)
        await is_served(phone)
        assert counts(phone).ul_count < 4
        await world.restart()
        gnb = await Gnb(world).set_up()
        phone.request = None
        phone.service_request(gnb)
        await asyncio.sleep(1)
        assert isinstance(phone.heard[-1], nas.ServiceAccept)
        assert phone.count(nas.AuthenticationRequest) == 1

    run(test, **NEW_KAMF)


@pytest.mark.parametrize("end", ["cancelled", "refused"])
def test_a_handover_that_fails_leaves_the_keys(end: str) -> None:
    """§6.9.2.3.4: the existing context stays in use; the COUNT of the container is not used again."""

    async def test(world: World) -> None:
        source, target, phone = await scene(world)
        source.say(required(phone))
        await asyncio.sleep(0.1)
        first = target.last(ngap.HandoverRequest)
        if end == "refused":
            cause = ("radioNetwork", "no-radio-resources-available-in-target-cell")
            target.say(ngap.HandoverFailure(amf_ue_ngap_id=first.amf_ue_ngap_id, cause=cause))
        else:
            target.say(acknowledge(first))
            await asyncio.sleep(0.1)
            source.say(cancel(phone))
        await asyncio.sleep(0.1)
        used = counts(phone).dl_count
        await is_served(phone)
        assert counts(phone).dl_count > used + 1  # the network has skipped the one of the container
        assert phone.count(nas.AuthenticationRequest) == 1
        source.say(required(phone))
        await asyncio.sleep(0.1)
        second = target.last(ngap.HandoverRequest)
        assert second is not first
        assert (second.nasc or b"")[6] != (first.nasc or b"")[6]
        taken(phone, second)
        target.say(acknowledge(second))
        await asyncio.sleep(0.1)
        await arrived(phone, target, second)
        await is_served(phone)

    run(test, **NEW_KAMF)


def test_counts_that_come_to_their_end() -> None:
    """§6.9.2.3.3: a UE whose NAS COUNTs are nearly used up gets another KAMF without the operator's policy."""

    async def test(world: World) -> None:
        source, target, phone = await scene(world)
        theirs = world.amf.registry.by_supi[supi_of(1)].exchange.security
        assert theirs is not None
        theirs.dl_count = counts(phone).dl_count = LAST_COUNTS + 3
        source.say(required(phone))
        await asyncio.sleep(0.1)
        request = target.last(ngap.HandoverRequest)
        taken(phone, request)
        target.say(acknowledge(request))
        await asyncio.sleep(0.1)
        await arrived(phone, target, request)
        await is_served(phone)
        assert counts(phone).dl_count < 10
        assert phone.count(nas.AuthenticationRequest) == 1

    run(test)


def test_without_a_reason_nothing_changes() -> None:
    async def test(world: World) -> None:
        _, target, phone, request = await commanded(world)
        assert request.nasc is None
        assert request.new_security_context_ind is None
        await arrived(phone, target, request)
        await is_served(phone)

    run(test)


def test_other_algorithms_alone() -> None:
    """K_AMF_change_flag 0: KAMF, COUNTs and the chain of next hops go on."""

    async def test(world: World) -> None:
        source, target, phone = await scene(world)
        ue = world.amf.registry.by_supi[supi_of(1)]
        assert ue.exchange.keys is not None
        nh = ue.exchange.keys.nh
        object.__setattr__(ue.ports.settings, "integrity", (1,))
        object.__setattr__(ue.ports.settings, "ciphering", (3,))
        source.say(required(phone))
        await asyncio.sleep(0.1)
        request = target.last(ngap.HandoverRequest)
        assert (request.nasc or b"")[4:6] == bytes((0x31, phone.ksi))
        assert request.new_security_context_ind is None
        assert request.security_context.next_hop_nh == int.from_bytes(
            kdf(phone.kamf, f"6f {nh.hex()} 0020"), "big"
        )
        before = counts(phone).ul_count
        taken(phone, request)
        target.say(acknowledge(request))
        await asyncio.sleep(0.1)
        await arrived(phone, target, request)
        await is_served(phone)
        assert counts(phone).ul_count > before
        keys = ue.exchange.keys
        assert keys is not None
        assert (keys.integrity, keys.ciphering, keys.ncc) == (1, 3, 2)

    run(test)


@pytest.mark.parametrize("way", ["n2", "xn"])
def test_a_gnb_that_has_not_taken_the_new_key(way: str) -> None:
    """§6.9.2.3.2, §6.9.2.3.3: a UE CONTEXT MODIFICATION that is not answered: the target gets K_gNB with NCC 0 and the
    New Security Context Indicator."""

    async def test(world: World) -> None:
        source, target, phone = await scene(world)
        ue = world.amf.registry.by_supi[supi_of(1)]
        source.silent.add("UEContextModificationRequest")
        theirs = ue.exchange.security
        assert theirs is not None
        theirs.ul_count = counts(phone).ul_count = LAST_COUNTS
        phone.request = None
        phone.say_sm(1, b"\x2e\x01\x02\xc9")
        await asyncio.sleep(1)
        key = source.last(ngap.UEContextModificationRequest).security_key
        if way == "n2":
            source.say(required(phone))
            await asyncio.sleep(0.1)
            request = target.last(ngap.HandoverRequest)
            indicator, context = request.new_security_context_ind, request.security_context
            assert request.nasc is None
        else:
            target.say(switch_request(phone, target))
            await asyncio.sleep(0.1)
            switched = target.last(ngap.PathSwitchRequestAcknowledge)
            indicator, context = switched.new_security_context_ind, switched.security_context
        assert indicator == "true"
        assert (context.next_hop_chaining_count, context.next_hop_nh) == (0, key)

    run(test)
