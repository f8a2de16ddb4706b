"""What charging makes of rules and of money: rating groups, last quota, money that comes, spending limits."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from decimal import Decimal

from msgspec.structs import replace

from cinq.nf.chf import Counter, Last, Settings
from cinq.nf.chf.account import Credit
from cinq.nf.chf.tariff import Rate
from cinq.nf.pcf import Limit
from cinq.nf.pcf import Settings as PcfSettings
from cinq.nf.udr import policies
from cinq.ran.ue.session import Session
from cinq.ran.ue.ue import Ue
from cinq.sbi.models import Ambr
from cinq.sbi.services.nchf_convergedcharging import ChargingNotifyRequest
from cinq.sbi.services.nudr_policy import SessionPolicy
from cinq.settings.policy import Rule
from cinq.userplane.model import Inner
from tests.network.test_charging import NUMBER, SUPI_TEXT, Meter, account, counted, sent
from tests.network.test_flows import told, up
from tests.network.through import Path, play
from tests.network.world import SUPI, TARIFF

MUSIC = Rule("music", ("permit out 17 from 198.51.100.0/24 7000 to assigned",), rating_group=7)
FREE = "permit out 17 from 198.51.100.0/24 7000 to assigned"
BY_GROUP = Settings(
    (
        replace(
            TARIFF,
            rates=(Rate(Decimal("0.10"), 1000, rating_group=7), Rate(Decimal("0.01"), 1000)),
            validity_s=3600,
        ),
    ),
    immediate=("QOS_CHANGE",),
)


def passes(path: Path, session: Session, port: int, octets: int = 1000) -> bool:
    packet = up(session, port, 1000 - 28)
    return all(isinstance(path.up(packet)[1], Inner) for _ in range(octets // 1000))


async def paid_in(path: Path, amount: str) -> None:
    credit = Credit(SUPI_TEXT, Decimal(amount), "EUR", f"more-{amount}", datetime(2026, 1, 1, tzinfo=UTC))
    await path.network.chf.accounts.credit(credit)
    await asyncio.sleep(15)  # the CHF looks now and then, the UPF once a second


def test_several_rating_groups_in_a_session() -> None:
    """A rule that comes later has its own quota, its own price, and its own container in the record."""

    async def scene(path: Path, ue: Ue, session: Session) -> None:
        meter = Meter(path)
        assert passes(path, session, 7000, 1000)
        policies.put(path.network.store, SUPI, "music", policies.element(MUSIC))
        await told(path.network)
        await counted()
        assert passes(path, session, 7000, 3000)
        assert passes(path, session, 5000, 2000)
        await ue.release_session(NUMBER)
        await counted()
        (record,) = meter.chf.records
        by_group = {
            group: sum(c.uplink for c in record.used_unit_containers if c.rating_group == group)
            for group in (1, 7)
        }
        assert by_group == {1: 3000, 7: 3000}
        assert meter.balance == 10 - Decimal("0.03") - Decimal("0.30")
        assert any("QOS_CHANGE" in c.why for c in record.used_unit_containers)

    play(scene, charged=account("10"), chf=BY_GROUP)


def test_a_rule_that_goes_takes_its_measure_along() -> None:
    """What was used by it is told all the same."""

    async def scene(path: Path, ue: Ue, session: Session) -> None:
        policies.put(path.network.store, SUPI, "music", policies.element(MUSIC))
        await told(path.network)
        await counted()
        assert passes(path, session, 7000, 3000)
        policies.remove(path.network.store, SUPI, "music")
        await told(path.network)
        await counted()
        assert passes(path, session, 7000, 1000)
        await ue.release_session(NUMBER)
        await counted()
        assert Meter(path).balance == 10 - Decimal("0.30") - Decimal("0.01")

    play(scene, charged=account("10"), chf=BY_GROUP)


def test_a_rating_group_without_money_is_closed_alone() -> None:
    """The session goes on, and the group is open again when there is money."""

    async def scene(path: Path, ue: Ue, session: Session) -> None:
        policies.put(path.network.store, SUPI, "music", policies.element(MUSIC))
        await told(path.network)
        await counted()
        assert passes(path, session, 7000, 3000)
        for _ in range(3):
            await counted()
        assert not passes(path, session, 7000)
        assert passes(path, session, 5000)
        assert NUMBER in ue.sessions
        await paid_in(path, "5")
        await counted()
        assert passes(path, session, 7000)

    settings = replace(
        BY_GROUP,
        tariffs=(
            replace(
                BY_GROUP.tariffs[0],
                quota=2000,
                rates=(
                    Rate(Decimal("0.10"), 1000, rating_group=7),
                    Rate(Decimal("0"), 1000),
                ),
            ),
        ),
    )
    play(scene, charged=account("0.20"), chf=settings)


RESTRICTED = Settings((replace(TARIFF, last=Last("restrict", (FREE,))),))


def test_without_money_what_is_free_may_be_used() -> None:
    async def scene(path: Path, ue: Ue, session: Session) -> None:
        meter = Meter(path)
        assert sent(path, session, 9000)
        await counted()
        assert sent(path, session, 6000)
        await asyncio.sleep(10)
        assert NUMBER in ue.sessions
        assert not sent(path, session, 1000)
        assert passes(path, session, 7000, 5000)
        assert meter.balance == 0
        await paid_in(path, "1")
        assert sent(path, session, 1000)
        await ue.release_session(NUMBER)
        await counted()
        assert meter.balance == Decimal("0.99")

    play(scene, charged=account("0.15"), chf=RESTRICTED)


def test_a_redirection_by_address_lets_that_server_be_reached() -> None:
    async def scene(path: Path, ue: Ue, session: Session) -> None:
        assert sent(path, session, 9000)
        await counted()
        assert sent(path, session, 6000)
        await asyncio.sleep(10)
        assert NUMBER in ue.sessions
        assert sent(path, session, 1000)  # it goes to that very server

    play(
        scene,
        charged=account("0.15"),
        chf=Settings((replace(TARIFF, last=Last("redirect", redirect="198.51.100.7")),)),
    )


def test_a_quota_that_nobody_uses_goes_back() -> None:
    """After the quota holding time nothing is set aside; the next packet asks for more."""

    async def scene(path: Path, ue: Ue, session: Session) -> None:
        meter = Meter(path)

        def aside() -> Decimal:
            found = meter.chf.accounts.get(SUPI_TEXT)
            assert found is not None
            return found.set_aside

        assert sent(path, session, 1000)
        assert aside() == Decimal("0.10")
        await asyncio.sleep(45)
        assert aside() == 0
        assert meter.balance == Decimal("0.99")
        assert sent(path, session, 1000)
        await counted()
        await counted()
        assert aside() == Decimal("0.10")
        assert sent(path, session, 3000)
        await ue.release_session(NUMBER)
        await counted()
        assert meter.balance == Decimal("0.95")

    play(scene, charged=account(), chf=Settings((replace(TARIFF, holds_idle_s=30),)))


def test_the_chf_ends_a_session() -> None:
    async def scene(path: Path, ue: Ue, session: Session) -> None:
        (found,) = path.network.smf.sessions.by_ref
        body = ChargingNotifyRequest(notification_type="ABORT_CHARGING")
        assert sent(path, session, 2000)
        services = {s.__name__: i for s, i in path.network.smf.services()}
        await services["NsmfChargingCallback"].charging_notify(found, body)  # type: ignore[attr-defined]
        await asyncio.sleep(30)
        assert NUMBER not in ue.sessions
        assert Meter(path).recorded == Decimal("0.02")

    play(scene, charged=account())


COUNTERS = Settings(
    (replace(TARIFF, validity_s=3600),), counters=(Counter("spent", above=((Decimal("0.15"), "slow"),)),)
)
SLOW = Ambr(uplink="64 Kbps", downlink="64 Kbps")
LIMITS = PcfSettings(limits=(Limit("spent", "slow", SessionPolicy(sess_ambr=SLOW)),))


def test_a_spending_limit_changes_what_a_ue_gets() -> None:
    async def scene(path: Path, ue: Ue, session: Session) -> None:
        assert ambr(path) == 10**9
        assert sent(path, session, 9000)
        await counted()
        assert ambr(path) == 10**9
        assert sent(path, session, 9000)
        await counted()
        await counted()
        assert ambr(path) == 64_000
        assert list(path.network.store.items("spending-limits"))
        path.network.clock.start += 31 * 86_400  # another month
        await asyncio.sleep(15)
        assert ambr(path) == 10**9
        await ue.release_session(NUMBER)
        await counted()
        assert not list(path.network.store.items("spending-limits"))
        assert not list(path.network.store.items("policy-counters"))

    play(scene, charged=account("100"), chf=COUNTERS, pcf=LIMITS)


def test_a_new_session_gets_what_the_counter_says() -> None:
    async def scene(path: Path, ue: Ue, session: Session) -> None:
        assert sent(path, session, 9000)
        await counted()
        assert sent(path, session, 9000)
        await ue.release_session(NUMBER)
        await counted()
        await ue.establish_session()
        assert ambr(path) == 64_000

    play(scene, charged=account("100"), chf=COUNTERS, pcf=LIMITS)


def ambr(path: Path) -> int:
    (session,) = path.network.smf.sessions.by_ref.values()
    return session.context.qos.ambr.uplink_bps
