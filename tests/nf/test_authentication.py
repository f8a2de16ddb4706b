"""AUSF, UDM and UDR together over the checked SBI: 5G AKA, resynchronisation, SUCI, sequence numbers."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from cinq.crypto import aka, kdf, milenage, suci
from cinq.nf.ausf import AUSF, context
from cinq.nf.udm import UDM, HomeNetworkKey, Settings
from cinq.nf.udr import UDR, provisioning, records
from cinq.numbering import PlmnId, Suci, Supi, msin_octets
from cinq.procedure import RealClock
from cinq.procedure.store import MemoryStore
from cinq.sbi import Bus, Problem, checked
from cinq.sbi.json_patch import PatchItem
from cinq.sbi.services.nausf_ueauthentication import (
    AuthenticationInfo,
    Av5gAka,
    ConfirmationData,
    NausfUEAuthentication,
    ResynchronizationInfo,
    UEAuthenticationCtx,
)
from cinq.sbi.services.nudr_dr import NudrDataRepository

K = bytes.fromhex("465B5CE8B199B49FAA5F0A2EE238A6BC")
OPC = bytes.fromhex("E8ED289DEBA952E4283B54E88E6183CA")
HN_A = bytes.fromhex("10c9c67e861a5625a1db8f684123896d9b3506199d3df1968e07b6c8448bb147")
HN_B = bytes.fromhex("F1AB1074477EBCC7F554EA1C5FC368B1616730155E0041AC447D6301975FECDA")
PLMN = PlmnId("999", "70")
SUPI = Supi("999700000000001")
NETWORK = kdf.snn("999", "70")


class World:
    """The three functions on one bus, and a subscriber."""

    def __init__(self, null_scheme: bool = True, store: MemoryStore | None = None) -> None:
        counter = itertools.count(1)

        def entropy(n: int) -> bytes:
            return next(counter).to_bytes(n, "big")

        self.store = MemoryStore() if store is None else store
        self.bus = Bus(checked)
        keys = (HomeNetworkKey(1, 1, HN_A), HomeNetworkKey(2, 2, HN_B))
        settings = Settings(PLMN, keys, null_scheme)
        for nf in (
            UDR(self.store, "udr"),
            UDM(settings, self.bus, entropy, "udm"),
            AUSF(self.bus, RealClock(), entropy, "ausf"),
        ):
            for service, implementation in nf.services():
                self.bus.serve(service, implementation, nf.instance_id)
        provisioning.put(self.store, provisioning.Subscriber(SUPI, K, OPC))
        self.ausf = self.bus.client(NausfUEAuthentication, "AMF")

    async def challenge(
        self, identity: str, auts: ResynchronizationInfo | None = None
    ) -> UEAuthenticationCtx:
        info = AuthenticationInfo(
            supi_or_suci=identity, serving_network_name=NETWORK, resynchronization_info=auts
        )
        return (await self.ausf.authenticate(info)).body

    def sqn(self) -> int:
        found = provisioning.get(self.store, SUPI)
        assert found is not None
        return found.sqn


def usim(ctx: UEAuthenticationCtx) -> tuple[aka.Challenge, bytes]:
    assert isinstance(ctx.auth_data_5g, Av5gAka)
    rand, autn = bytes.fromhex(ctx.auth_data_5g.rand), bytes.fromhex(ctx.auth_data_5g.autn)
    challenge = aka.verify_autn(milenage, K, OPC, rand, autn)
    return challenge, challenge.res_star(NETWORK, rand)


def context_id(ctx: UEAuthenticationCtx) -> str:
    return ctx.links["5g-aka"].href.split("/")[4]


def test_a_subscriber_is_authenticated() -> None:
    async def run() -> None:
        world = World()
        ctx = await world.challenge(str(Suci.null_scheme(SUPI, PLMN)))
        challenge, res_star = usim(ctx)
        assert isinstance(ctx.auth_data_5g, Av5gAka)
        rand = bytes.fromhex(ctx.auth_data_5g.rand)
        assert kdf.hres_star(rand, res_star).hex() == ctx.auth_data_5g.hxres_star
        answer = await world.ausf.confirm_5g_aka(context_id(ctx), ConfirmationData(res_star=res_star.hex()))
        assert (answer.auth_result, answer.supi) == ("AUTHENTICATION_SUCCESS", str(SUPI))
        assert answer.kseaf == kdf.kseaf(challenge.kausf(NETWORK), NETWORK).hex()
        status = records.AUTHENTICATION_STATUS.read(world.store, str(SUPI))
        assert status is not None
        assert status.success

    asyncio.run(run())


@pytest.mark.parametrize("answer", ["00" * 16, None, "zz", ""])
def test_a_wrong_res_star_fails_and_is_final(answer: str | None) -> None:
    async def run() -> None:
        world = World()
        ctx = await world.challenge(str(SUPI))
        result = await world.ausf.confirm_5g_aka(context_id(ctx), ConfirmationData(res_star=answer))
        assert result.auth_result == "AUTHENTICATION_FAILURE"
        assert result.kseaf is None
        _, res_star = usim(ctx)
        with pytest.raises(Problem, match="CONTEXT_NOT_FOUND"):
            await world.ausf.confirm_5g_aka(context_id(ctx), ConfirmationData(res_star=res_star.hex()))

    asyncio.run(run())


@pytest.mark.parametrize(("scheme", "key_id", "private"), [(1, 1, HN_A), (2, 2, HN_B)])
def test_a_concealed_identifier(scheme: int, key_id: int, private: bytes) -> None:
    async def run() -> None:
        world = World()
        public = suci.public_key(scheme, private)
        output = suci.conceal(scheme, public, msin_octets(SUPI.msin(PLMN)), b"\7" * 32)
        ctx = await world.challenge(str(Suci(PLMN, "0", scheme, key_id, output)))
        usim(ctx)

    asyncio.run(run())


def bad_sucis() -> dict[str, Suci]:
    good = suci.conceal(1, suci.public_key(1, HN_A), msin_octets(SUPI.msin(PLMN)), b"\7" * 32)
    good_b = suci.conceal(2, suci.public_key(2, HN_B), msin_octets(SUPI.msin(PLMN)), b"\7" * 32)
    return {
        "DEV-005 key not provisioned": Suci(PLMN, "0", 1, 9, good),
        "DEV-005 key id 0": Suci(PLMN, "0", 1, 0, good),
        "DEV-006 not on the curve": Suci(PLMN, "0", 2, 2, b"\2" + b"\xff" * 32 + good_b[33:]),
        "DEV-007 profile A tag": Suci(PLMN, "0", 1, 1, good[:-1] + bytes([good[-1] ^ 1])),
        "DEV-007 profile B tag": Suci(PLMN, "0", 2, 2, good_b[:-1] + bytes([good_b[-1] ^ 1])),
        "wrong scheme for the key": Suci(PLMN, "0", 2, 1, good_b),
        "truncated": Suci(PLMN, "0", 1, 1, good[:20]),
        "empty": Suci(PLMN, "0", 1, 1, b""),
    }


@pytest.mark.parametrize("name", bad_sucis())
def test_every_bad_suci_gets_the_same_answer(name: str) -> None:
    async def run() -> None:
        world = World()
        before = world.sqn()
        with pytest.raises(Problem) as caught:
            await world.challenge(str(bad_sucis()[name]))
        problem = caught.value
        assert (problem.status, problem.cause) == (403, "AUTHENTICATION_REJECTED")
        suci_ = bad_sucis()[name]
        here = "keys here: 1 (A), 2 (B)"
        profile = "AB"[suci_.scheme - 1]
        text = f"a SUCI of home network key {suci_.key_id}, profile {profile}, was not de-concealed; {here}"
        assert problem.why == text
        assert problem.why.mend
        assert world.sqn() == before

    asyncio.run(run())


@pytest.mark.parametrize(
    ("identity", "status"),
    [
        ("imsi-001010000000009", 404),
        ("suci-0-001-01-0-0-0-09", 404),
        ("imsi-12x", 400),
        ("\0", 400),
        ("", 404),  # no resource has such a path
    ],
)
def test_identities_of_nobody(identity: str, status: int) -> None:
    async def run() -> None:
        with pytest.raises(Problem) as caught:
            await World().challenge(identity)
        assert caught.value.status == status

    asyncio.run(run())


def test_the_null_scheme_can_be_switched_off() -> None:
    async def run() -> None:
        with pytest.raises(Problem, match="AUTHENTICATION_REJECTED"):
            await World(null_scheme=False).challenge(str(Suci.null_scheme(SUPI, PLMN)))

    asyncio.run(run())


def test_another_serving_network_is_refused() -> None:
    async def run() -> None:
        info = AuthenticationInfo(supi_or_suci=str(SUPI), serving_network_name="5G:evil")
        with pytest.raises(Problem, match="SERVING_NETWORK_NOT_AUTHORIZED"):
            await World().ausf.authenticate(info)

    asyncio.run(run())


def test_sequence_numbers_are_never_given_twice() -> None:
    async def run() -> None:
        world = World()
        contexts = await asyncio.gather(*(world.challenge(str(SUPI)) for _ in range(4)))
        numbers = [usim(c)[0].sqn for c in contexts]
        assert len(set(numbers)) == 4
        assert world.sqn() == max(numbers)
        assert [n >> 5 for n in sorted(numbers)] == [1, 2, 3, 4]

    asyncio.run(run())


def test_keys_that_change_between_reading_and_writing_are_taken_up() -> None:
    """`cinq subscriber add --replace` writes beside a running core: what it wrote is neither lost nor passed over."""

    class Shared(MemoryStore):
        async def replace(self, collection: str, key: str, before: bytes, after: bytes) -> bool:
            if provisioning.get(self, SUPI) != changed:
                provisioning.put(self, changed)
            return await super().replace(collection, key, before, after)

    changed = provisioning.Subscriber(SUPI, bytes(16), OPC, sqn=77 << 5)

    async def run() -> None:
        world = World(store=Shared())
        with pytest.raises(aka.MacFailure):
            usim(await world.challenge(str(SUPI)))
        found = provisioning.get(world.store, SUPI)
        assert found is not None
        assert (found.k, found.sqn >> 5) == (bytes(16), 78)

    asyncio.run(run())


def test_a_patch_stands_on_what_its_own_ue_was_read_with() -> None:
    async def run() -> None:
        world = World()
        other = Supi("999700000000002")
        provisioning.put(world.store, provisioning.Subscriber(other, K, OPC, sqn=9))
        udr = world.bus.client(NudrDataRepository, "UDM")
        await udr.query_authentication_subscription(str(SUPI))
        patch = [PatchItem(op="test", path="/sequenceNumber/sqn", value=f"{9:012x}")]
        await udr.update_authentication_subscription(str(other), patch)
        with pytest.raises(Problem, match="MODIFICATION_NOT_ALLOWED"):
            await udr.update_authentication_subscription(str(SUPI), patch)
        unknown = "imsi-999700000000003"
        with pytest.raises(Problem, match="USER_NOT_FOUND"):
            await udr.update_authentication_subscription(unknown, patch)

    asyncio.run(run())


def test_a_second_challenge_leaves_the_first_alone() -> None:
    """A stranger who knows a SUCI cannot stop its owner (TS 33.501 §6.1.3.2): each challenge has its own answer."""

    async def run() -> None:
        world = World()
        honest = await world.challenge(str(SUPI))
        for _ in range(20):
            await world.challenge(str(SUPI))
        _, res_star = usim(honest)
        other = await world.challenge(str(SUPI))
        wrong = await world.ausf.confirm_5g_aka(context_id(other), ConfirmationData(res_star="00" * 16))
        assert wrong.auth_result == "AUTHENTICATION_FAILURE"
        assert str(SUPI) in wrong.reason
        assert wrong.reason.mend
        answer = await world.ausf.confirm_5g_aka(
            context_id(honest), ConfirmationData(res_star=res_star.hex())
        )
        assert answer.auth_result == "AUTHENTICATION_SUCCESS"

    asyncio.run(run())


def test_contexts_are_bounded_in_number_and_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "LIMIT", 3)
    contexts = context.Contexts()
    one = context.AkaContext("imsi-1", NETWORK, bytes(16), bytes(32))
    for number in range(5):
        contexts.add(str(number), one, float(number))
    assert len(contexts) == 3
    assert contexts.take("1", 5.0) is None
    assert contexts.take("2", 5.0) is one
    assert contexts.take("2", 5.0) is None
    assert contexts.take("3", 3.0 + context.LIFETIME_S) is None
    contexts.add("9", one, 4.0 + context.LIFETIME_S)
    assert len(contexts) == 1


def test_a_number_that_a_challenge_has_does_not_come_again() -> None:
    """Two AUTS of the same SQN_MS, of two challenges: the second does not go back (TS 33.102 §6.3.5)."""

    async def run() -> None:
        world = World()
        first, second = await world.challenge(str(SUPI)), await world.challenge(str(SUPI))
        numbers = []
        for ctx in (first, second, first):
            assert isinstance(ctx.auth_data_5g, Av5gAka)
            rand = bytes.fromhex(ctx.auth_data_5g.rand)
            auts = aka.auts(milenage, K, OPC, rand, 5000 << 5)
            info = ResynchronizationInfo(rand=rand.hex(), auts=auts.hex())
            numbers.append(usim(await world.challenge(str(SUPI), info))[0].sqn >> 5)
        assert numbers == [5001, 5002, 5003]

    asyncio.run(run())


def test_a_number_too_far_ahead_goes_back_to_the_usims() -> None:
    async def run() -> None:
        world = World()
        provisioning.put(world.store, provisioning.Subscriber(SUPI, K, OPC, sqn=1 << 40))
        ctx = await world.challenge(str(SUPI))
        assert isinstance(ctx.auth_data_5g, Av5gAka)
        rand = bytes.fromhex(ctx.auth_data_5g.rand)
        info = ResynchronizationInfo(rand=rand.hex(), auts=aka.auts(milenage, K, OPC, rand, 7 << 5).hex())
        assert usim(await world.challenge(str(SUPI), info))[0].sqn >> 5 == 8

    asyncio.run(run())


def test_resynchronisation_takes_the_usims_number() -> None:
    async def run() -> None:
        world = World()
        ctx = await world.challenge(str(SUPI))
        assert isinstance(ctx.auth_data_5g, Av5gAka)
        rand = bytes.fromhex(ctx.auth_data_5g.rand)
        ahead = 5000 << 5
        auts = aka.auts(milenage, K, OPC, rand, ahead)
        info = ResynchronizationInfo(rand=rand.hex(), auts=auts.hex())
        challenge, _ = usim(await world.challenge(str(SUPI), info))
        assert challenge.sqn >> 5 == 5001

    asyncio.run(run())


@pytest.mark.parametrize("auts", ["00" * 14, "00", ""])
def test_an_auts_of_nobody_changes_nothing(auts: str) -> None:
    async def run() -> None:
        world = World()
        info = ResynchronizationInfo(rand="11" * 16, auts=auts)
        with pytest.raises(Problem, match="AUTHENTICATION_REJECTED"):
            await world.challenge(str(SUPI), info)
        assert world.sqn() == 0

    asyncio.run(run())


def test_a_damaged_record_says_so_without_the_key() -> None:
    async def run() -> None:
        world = World()
        record = records.AUTHENTICATION_SUBSCRIPTION.read(world.store, str(SUPI))
        assert record is not None
        octets = f'{{"authenticationMethod":"5G_AKA","encPermanentKey":"{K.hex()[:-2]}"}}'.encode()
        world.store.put("authentication-subscription", str(SUPI), octets)
        with pytest.raises(Problem) as caught:
            await world.challenge(str(SUPI))
        assert caught.value.status == 500
        assert K.hex()[:8] not in str(caught.value)

    asyncio.run(run())
