"""Charging from the packet to the record: the SMF asks the CHF, the UPF counts and closes, the UE pays."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest

from cinq.nf.chf.account import Account
from cinq.nf.smf.settings import Charging
from cinq.procedure import Refused, run_virtual
from cinq.ran.ue.session import Session
from cinq.ran.ue.ue import Ue
from cinq.sbi import Created, Problem
from cinq.sbi.services.nchf_convergedcharging import (
    ChargingDataRequest,
    ChargingDataResponse,
    GrantedUnit,
    MultipleUnitInformation,
    ResultCode,
)
from cinq.userplane.model import Inner
from tests.network.test_flows import up
from tests.network.through import Path, play
from tests.network.world import SUPI, Network

SUPI_TEXT = str(SUPI)
NUMBER = 1  # PDU session identity


def account(balance: str = "1") -> Account:
    return Account(SUPI_TEXT, "flat", "EUR", balance=Decimal(balance))


class Meter:
    """What a subscriber has left, and what was recorded."""

    def __init__(self, path: Path) -> None:
        self.chf = path.network.chf

    @property
    def balance(self) -> Decimal:
        found = self.chf.accounts.get(SUPI_TEXT)
        assert found is not None
        return found.balance

    @property
    def recorded(self) -> Decimal:
        return sum((one.amount for one in self.chf.records), Decimal(0))


def sent(path: Path, session: Session, octets: int) -> bool:
    """So many octets of IP go up in packets of 1000; whether all of them arrived."""
    packet = up(session, 5000, 1000 - 28)
    return all(isinstance(path.up(packet)[1], Inner) for _ in range(octets // 1000))


async def counted() -> None:
    """The UPF looks once a second."""
    await asyncio.sleep(3)


def test_use_is_paid_and_recorded() -> None:
    async def scene(path: Path, ue: Ue, session: Session) -> None:
        meter = Meter(path)
        assert sent(path, session, 9000)  # past the threshold of four fifths
        await counted()
        assert meter.balance == Decimal("0.91")
        assert sent(path, session, 9000)
        await counted()
        assert sent(path, session, 2000)
        await ue.release_session(NUMBER)
        await counted()
        assert meter.balance == Decimal("0.80")
        assert meter.recorded == Decimal("0.20")
        (record,) = meter.chf.records
        about = record.pdu_session_charging_information
        assert about is not None
        assert about.pdu_session_information is not None
        assert about.pdu_session_information.dnn_id == "internet"
        assert [one.uplink for one in record.used_unit_containers] == [9000, 9000, 2000]

    play(scene, charged=account())


def test_the_end_of_the_money_ends_the_session() -> None:
    """The last quota is for what is left; when that is used up the network releases the session."""

    async def scene(path: Path, ue: Ue, session: Session) -> None:
        meter = Meter(path)
        assert sent(path, session, 9000)
        await counted()
        assert sent(path, session, 6000)  # the last of it
        await counted()
        await asyncio.sleep(30)
        assert NUMBER not in ue.sessions
        assert meter.balance == 0
        assert meter.recorded == Decimal("0.15")

    play(scene, charged=account("0.15"))


def test_a_grant_is_renewed_when_its_time_is_up() -> None:
    async def scene(path: Path, ue: Ue, session: Session) -> None:
        meter = Meter(path)
        assert sent(path, session, 1000)
        await asyncio.sleep(605)
        assert meter.balance == Decimal("0.99")
        assert NUMBER in ue.sessions

    play(scene, charged=account())


Scene = Callable[[Network, Ue], Awaitable[None]]


def run(scene: Scene, charging: Charging = Charging(on=True)) -> None:  # noqa: B008  # frozen
    """A network whose UPF is an echo of rules, with a UE that is registered."""

    async def main() -> None:
        network = Network(charging=charging)
        network.provision()
        await network.start()
        gnb = await network.gnb()
        ue = network.ue(gnb)
        await ue.register()
        await scene(network, ue)
        await network.stop()

    run_virtual(main())


def test_without_an_account_there_is_no_session() -> None:
    """5GSM cause #29; and nothing of it is left anywhere."""

    async def scene(network: Network, ue: Ue) -> None:
        with pytest.raises(Refused) as refused:
            await ue.establish_session()
        assert "authorization" in str(refused.value).lower() or "29" in str(refused.value)
        assert not network.smf.sessions.by_ref
        causes = [event.cause for event in network.events if "no account" in event.cause]
        assert causes

    run(scene)


@pytest.mark.parametrize("on", [False, True])
def test_without_a_chf(on: bool) -> None:
    """Served and not charged where the settings say so, and refused where not."""

    async def scene(network: Network, ue: Ue) -> None:
        async def gone(*_: object) -> object:
            raise Problem(504, "TARGET_NF_NOT_REACHABLE")

        network.smf.ports.chf.create = gone  # type: ignore[method-assign]
        if on:
            session = await ue.establish_session()
            assert session.context.state == "ACTIVE"
            return
        with pytest.raises(Refused):
            await ue.establish_session()

    run(scene, Charging(on=True, goes_on_without=on))


@pytest.mark.parametrize(
    ("result", "serves"),
    [("QUOTA_LIMIT_REACHED", False), ("SUCCESS", False), ("QUOTA_MANAGEMENT_NOT_APPLICABLE", True)],
)
def test_a_chf_that_grants_nothing(result: ResultCode, serves: bool) -> None:
    """A session without quota is no session without end, unless the CHF says that none is needed."""

    async def scene(network: Network, ue: Ue) -> None:
        ended: list[str] = []

        async def nothing(body: ChargingDataRequest) -> Created[ChargingDataResponse]:
            one = MultipleUnitInformation(
                rating_group=body.multiple_unit_usage[0].rating_group,
                result_code=result,
                granted_unit=GrantedUnit(),
            )
            answer = ChargingDataResponse(
                invocation_time_stamp=body.invocation_time_stamp,
                invocation_sequence_number=0,
                multiple_unit_information=[one],
            )
            return Created("/chargingdata/7", answer)

        async def release(ref: str, body: ChargingDataRequest) -> None:
            ended.append(ref)

        network.smf.ports.chf.create = nothing  # type: ignore[method-assign]
        network.smf.ports.chf.release = release  # type: ignore[method-assign]
        if serves:
            session = await ue.establish_session()
            assert session.context.state == "ACTIVE"
            return
        with pytest.raises(Refused):
            await ue.establish_session()
        assert ended == ["7"]

    run(scene, Charging(on=True, goes_on_without=True))


def test_a_chf_that_is_away_at_the_end() -> None:
    """The end is told when it is back, once."""

    async def scene(path: Path, ue: Ue, session: Session) -> None:
        meter, chf = Meter(path), path.network.smf.ports.chf
        release = chf.release
        away = True

        async def sometimes(*arguments: object) -> None:
            if away:
                raise Problem(504, "TARGET_NF_NOT_REACHABLE")
            await release(*arguments)  # type: ignore[arg-type]

        chf.release = sometimes  # type: ignore[method-assign]
        assert sent(path, session, 3000)
        await ue.release_session(NUMBER)
        await asyncio.sleep(15)
        assert meter.recorded == 0
        away = False
        await asyncio.sleep(25)
        assert meter.recorded == Decimal("0.03")
        assert meter.balance == Decimal("0.97")
        assert not list(path.network.store.items("charging-untold"))

    play(scene, charged=account())
