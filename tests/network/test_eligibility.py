"""A whole core with a policy: it does not start without approvers, and what begins at midnight acts at midnight."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cinq import network
from cinq.attest import new_key, private_key
from cinq.eligibility import approval, documents, examples
from cinq.explain import Incident, stored
from cinq.network import Network, NetworkError
from cinq.procedure import VirtualClock, run_virtual
from cinq.ran.gnb.settings import GnbSettings
from cinq.settings import loads
from cinq.settings.network import NetworkSettings
from tests.network import ground

INVENTORY = '[[gnb]]\nname = "site-0412"\nidentity = "999-70-412/22"\nvendor = "Huawei"\n'


class Desk:
    """A policy, an inventory and the keys of two approvers in a folder, and the settings that name them."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self._monkeypatch = folder, monkeypatch
        self.policy = folder / "ca.toml"
        self.policy.write_text(examples.text("ca-2022"))
        (folder / "inventory.toml").write_text(INVENTORY)
        self.keys = [new_key(folder / f"{name}.pem") for name in ("ann", "bob")]

    def start_at(self, moment: datetime) -> None:
        self._monkeypatch.setattr(network, "RealClock", lambda: VirtualClock(moment.timestamp()))

    def settings(self, **modes: str) -> NetworkSettings:
        public = ", ".join(f'"{key}"' for _, key in self.keys)
        lines = [
            f'[state]\nfolder = "{self.folder}"\nrun = "{self.folder}/run"',
            "[eligibility]",
            f'policy = ["{self.policy}"]',
            f'inventory = "{self.folder}/inventory.toml"',
            f"approvers = [{public}]",
            *(f'{point} = "{mode}"' for point, mode in modes.items()),
        ]
        return loads(NetworkSettings, "\n".join(lines))

    def sign(self, settings: NetworkSettings) -> None:
        inventory = self.folder / "inventory.toml"
        wanted = {
            self.policy: approval.statement(documents.policy(self.policy), settings.eligibility.modes),
            inventory: approval.inventory_statement(documents.stock(inventory)),
        }
        for path, said in wanted.items():
            for private, _ in self.keys:
                envelope, _same = approval.sign(said, private_key(private), approval.read(path))
                approval.file_of(path).write_bytes(approval.octets_of(envelope))


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    ground.lay(monkeypatch)
    return Desk(tmp_path, monkeypatch)


def served(settings: NetworkSettings, body: Callable[[Network], Awaitable[None]]) -> list[Incident]:
    """What is kept of it for cinq explain."""

    async def main() -> list[Incident]:
        core = await Network.start(settings)
        try:
            await body(core)
            await asyncio.sleep(3)
            return [incident for _, incident in stored(core.store)]
        finally:
            await core.stop()

    return run_virtual(main())


def gnb_settings() -> GnbSettings:
    return GnbSettings(gnb_id=412, gnb_id_bits=22, name="gnb-412", radio="", data_plane="none")


async def nothing(core: Network) -> None:
    assert not core.gate.is_open


@pytest.mark.parametrize("mode", ["refuse", "drain"])
def test_it_does_not_start_without_approvers(desk: Desk, mode: str) -> None:
    settings = desk.settings(ng_setup=mode)
    with pytest.raises(
        NetworkError, match=f"policy ca-2022 wants ng_setup = {mode}, and nobody has signed"
    ) as told:
        served(settings, nothing)
    assert "cinq policy sign" in told.value.remedy
    desk.sign(settings)
    served(settings, nothing)
    served(desk.settings(ng_setup="audit"), nothing)
    desk.policy.write_text(desk.policy.read_text().replace("2024-06-28", "2023-06-28"))
    with pytest.raises(NetworkError, match="was changed after version 1 was signed"):
        served(settings, nothing)


def test_it_does_not_start_with_a_policy_that_does_not_hold(desk: Desk) -> None:
    desk.policy.write_text(desk.policy.read_text().replace('status = "proposed"', 'status = "wanted"'))
    with pytest.raises(NetworkError, match=r"ca\.toml:\d+: law\[1\]\.status: found 'wanted'"):
        served(desk.settings(), nothing)


def test_a_refusal_is_explained(desk: Desk) -> None:
    settings = desk.settings(ng_setup="refuse")
    desk.sign(settings)

    async def body(core: Network) -> None:
        gnb = await ground.gnb_of(core, gnb_settings())
        await asyncio.sleep(2)
        assert gnb.n2.context.state != "up"
        await gnb.runtime.stop()

    desk.start_at(datetime(2026, 11, 30, 12, tzinfo=UTC))
    incidents = served(settings, body)
    (refusal,) = (one for one in incidents if one.what == "NG Setup refused")
    assert refusal.cause == "misc: om-intervention"
    assert refusal.gnb.startswith("gnb-412")
    assert "site-0412): denied by rule ca-2022/5g-removed (Policy Statement" in refusal.because
    assert "cinq policy dry-run" in refusal.mend


def test_what_has_changed_is_taken_without_a_restart(desk: Desk) -> None:
    """By SIGHUP: the inventory, a door, a policy; what does not hold, or nobody has signed for, changes nothing."""
    settings = desk.settings(ng_setup="drain")
    inventory = desk.folder / "inventory.toml"
    inventory.write_text(INVENTORY.replace("Huawei", "Example Ltd"))

    async def body(core: Network) -> None:
        gnb = await ground.gnb_of(core, gnb_settings())
        await asyncio.wait_for(gnb.up(), 20)
        assert gnb.n2.context.overload is None
        inventory.write_text(INVENTORY)
        assert not core.reload(settings)  # nobody has signed for drain
        await asyncio.sleep(1)
        assert gnb.n2.context.overload is None
        assert core.settings.eligibility.ng_setup == "audit"
        desk.sign(settings)
        assert core.reload(settings)
        await asyncio.sleep(1)
        assert gnb.n2.context.overload is not None
        inventory.write_text("[[gnb]]\n")
        assert core.reload(settings) is False
        await asyncio.sleep(1)
        assert gnb.n2.context.overload is not None
        inventory.write_text(INVENTORY.replace("Huawei", "Example Ltd"))
        assert not core.reload(settings)  # nobody has signed that it is another's
        await asyncio.sleep(1)
        assert gnb.n2.context.overload is not None
        desk.sign(settings)
        assert core.reload(settings)
        await asyncio.sleep(1)
        assert gnb.n2.context.overload is None
        assert core.reload(
            loads(NetworkSettings, f'[state]\nfolder = "{desk.folder}"\nrun = "{desk.folder}/run"')
        )
        assert core.gate.is_open
        await gnb.runtime.stop()

    served(desk.settings(), body)


def test_an_alarm_is_explained(desk: Desk) -> None:
    async def body(core: Network) -> None:
        gnb = await ground.gnb_of(core, gnb_settings())
        await asyncio.wait_for(gnb.up(), 20)
        await gnb.runtime.stop()

    desk.start_at(datetime(2026, 11, 30, 12, tzinfo=UTC))
    incidents = served(desk.settings(ng_setup="alarm"), body)
    (alarm,) = (one for one in incidents if "ca-2022/5g-removed" in one.because)
    assert alarm.what == "Eligibility"
    assert alarm.gnb == "gnb-412"
    assert alarm.because.startswith(
        "let in: gNB 999-70-412/22 (site-0412): denied by rule ca-2022/5g-removed"
    )
    assert alarm.mend
    assert not any("ca-2022" in one.because for one in served(desk.settings(), body))


def test_a_rule_begins_at_midnight_while_it_runs(desk: Desk) -> None:
    """Of the network's time zone, and without a restart."""
    settings = desk.settings(ng_setup="refuse")
    desk.sign(settings)

    async def body(core: Network) -> None:
        gnb = await ground.gnb_of(core, gnb_settings())
        await asyncio.wait_for(gnb.up(), 20)
        await asyncio.sleep(120)
        assert gnb.n2.context.state == "up"
        await asyncio.sleep(130)
        assert gnb.n2.context.state != "up"
        await gnb.runtime.stop()

    desk.start_at(datetime(2024, 6, 28, tzinfo=UTC) - timedelta(minutes=4))
    incidents = served(settings, body)
    told = [one.what for one in incidents if "ca-2022/5g-removed" in one.because]
    assert "Eligibility" in told  # drained
    assert told.count("NG Setup refused") == 1  # when it came again
