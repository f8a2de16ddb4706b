"""What `cinq subscriber` changes beside a running core reaches those who serve the UE: Nudr_DM_Notify,
Nudm_SDM_Notification, Nudm_UECM_DeregistrationNotification, over the checked SBI."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from cinq.cli import subscriber as verb
from cinq.nf.udm import UDM, Settings
from cinq.nf.udr import UDR, changes, provisioning
from cinq.numbering import PlmnId, SNssai, Supi
from cinq.procedure.store import MemoryStore, Store
from cinq.sbi import Bus, Problem, checked
from cinq.sbi.models import Guami, PlmnIdNid, Snssai
from cinq.sbi.services.nudm_sdm import (
    ModificationNotification,
    NamfSdmCallback,
    NsmfSdmCallback,
    NudmSubscriberDataManagement,
    SdmSubscription,
)
from cinq.sbi.services.nudm_ueau import AuthenticationInfoRequest, Av5GHeAka, NudmUEAuthentication
from cinq.sbi.services.nudm_uecm import (
    Amf3GppAccessRegistration,
    Amf3GppAccessRegistrationModification,
    DeregistrationData,
    NamfUecmCallback,
    NudmUEContextManagement,
)
from cinq.transport.sqlite import SqliteStore

SUPI = "imsi-999700000000001"
ONE = provisioning.Subscriber(Supi.parse(SUPI), bytes(16), bytes(16))
GUAMI = Guami(plmn_id=PlmnIdNid(mcc="999", mnc="70"), amf_id="010040")


class Consumer:
    """What an AMF and an SMF hear. refusal: what they answer in place of taking it."""

    def __init__(self) -> None:
        self.sdm: list[ModificationNotification] = []
        self.dereg: list[tuple[str, str]] = []
        self.refusal: Problem | None = None

    async def sdm_notify(self, identity: str, body: ModificationNotification) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.sdm.append(body)

    async def deregistration_notify(self, supi: str, body: DeregistrationData) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.dereg.append((supi, body.dereg_reason))

    def changed(self) -> dict[str, dict[str, object]]:
        """Path and new value, by the resource's name."""
        return {
            item.resource_id.rsplit("/", 1)[-1]: {
                c.path: msgspec.json.decode(c.new_value) if isinstance(c.new_value, msgspec.Raw) else None
                for c in item.changes
            }
            for body in self.sdm
            for item in body.notify_items
        }


class World:
    def __init__(self, store: Store | None = None) -> None:
        self.store = store or MemoryStore()
        self.bus = Bus(checked)
        self.udr = UDR(self.store, "udr", self.bus, "99970")
        self.udm = UDM(Settings(PlmnId("999", "70")), self.bus, bytes, "udm")
        for nf in (self.udr, self.udm):
            for service, implementation in nf.services():
                self.bus.serve(service, implementation, nf.instance_id)
        self.amf, self.other, self.smf = Consumer(), Consumer(), Consumer()
        for amf, name in ((self.amf, "amf-1"), (self.other, "amf-2")):
            self.bus.serve(NamfSdmCallback, amf, name)
            self.bus.serve(NamfUecmCallback, amf, name)
        self.bus.serve(NsmfSdmCallback, self.smf, "smf")
        if store is None:
            provisioning.put(self.store, ONE)
        self.sdm = self.bus.client(NudmSubscriberDataManagement, "AMF")
        self.uecm = self.bus.client(NudmUEContextManagement, "AMF")

    async def registered(self, amf: str = "amf-1", initial: bool = True, root: str = "") -> None:
        await self.uecm.registration(
            SUPI,
            Amf3GppAccessRegistration(
                amf_instance_id=amf,
                dereg_callback_uri=f"{root}/namf-callback/v1/dereg/{SUPI}",
                guami=GUAMI,
                rat_type="NR",
                initial_registration_ind=initial,
            ),
        )

    async def subscribed(self, amf: str = "amf-1", *, immediate: bool = False) -> SdmSubscription:
        body = SdmSubscription(
            nf_instance_id=amf,
            callback_reference=f"/namf-callback/v1/sdm/{SUPI}",
            monitored_resource_uris=[f"/nudm-sdm/v2/{SUPI}/{n}" for n in ("am-data", "smf-select-data")],
            immediate_report=immediate,
        )
        return (await self.sdm.subscribe(SUPI, body)).body

    async def session(self) -> None:
        body = SdmSubscription(
            nf_instance_id="smf",
            callback_reference="/nsmf-callback/v1/sdm/ref-1",
            monitored_resource_uris=[f"/nudm-sdm/v2/{SUPI}/sm-data"],
            single_nssai=Snssai(sst=1),
            dnn="internet",
        )
        await self.sdm.subscribe(SUPI, body)

    def notes(self) -> int:
        return len(list(self.store.items(changes.COLLECTION)))


def scene(run: Callable[[World], Coroutine[None, None, None]], world: World | None = None) -> None:
    async def whole() -> None:
        made = world or World()
        await made.udm.start()
        await run(made)

    asyncio.run(whole())


def test_a_new_ambr_reaches_amf_and_smf() -> None:
    async def run(world: World) -> None:
        await world.registered()
        await world.subscribed()
        await world.session()
        provisioning.put(world.store, replace(ONE, ambr_downlink="20 Mbps"))
        await world.udr.tell_changes()
        rates = {"uplink": "1 Gbps", "downlink": "20 Mbps"}
        assert world.amf.changed() == {"am-data": {"/subscribedUeAmbr": rates}}
        sm_data = world.smf.changed()["sm-data"][""]
        assert isinstance(sm_data, list)
        assert sm_data[0]["dnnConfigurations"]["internet"]["sessionAmbr"] == rates
        assert world.amf.dereg == []
        await world.udr.tell_changes()
        assert (len(world.amf.sdm), len(world.smf.sdm), world.notes()) == (1, 1, 0)

    scene(run)


def test_slices_and_dnns_reach_the_amf() -> None:
    async def run(world: World) -> None:
        await world.subscribed()
        provisioning.put(world.store, replace(ONE, slices=(SNssai(2, 7),), dnns=("ims",)))
        await world.udr.tell_changes()
        changed = world.amf.changed()
        assert changed["am-data"] == {"/nssai": {"defaultSingleNssais": [{"sst": 2, "sd": "000007"}]}}
        assert list(changed["smf-select-data"]) == ["/subscribedSnssaiInfos"]
        assert world.smf.sdm == []

    scene(run)


def test_nothing_changed_is_nothing_told() -> None:
    async def run(world: World) -> None:
        await world.subscribed()
        provisioning.put(world.store, ONE)
        provisioning.put(world.store, replace(ONE, five_qi=7))
        provisioning.put(world.store, ONE)
        await world.udr.tell_changes()
        assert (world.amf.sdm, world.notes()) == ([], 0)

    scene(run)


def test_two_changes_are_told_as_one() -> None:
    async def run(world: World) -> None:
        await world.subscribed()
        provisioning.put(world.store, replace(ONE, ambr_uplink="1 Mbps"))
        provisioning.put(world.store, replace(ONE, ambr_uplink="2 Mbps"))
        await world.udr.tell_changes()
        assert len(world.amf.sdm) == 1
        assert world.amf.changed()["am-data"] == {
            "/subscribedUeAmbr": {"uplink": "2 Mbps", "downlink": "1 Gbps"}
        }

    scene(run)


def test_a_subscription_that_reports_at_once() -> None:
    async def run(world: World) -> None:
        made = await world.subscribed(immediate=True)
        assert made.report == await world.sdm.get_data_sets(SUPI, ["AM", "SMF_SEL"])
        assert made.subscription_id
        again = await world.subscribed()
        assert (again.subscription_id, again.report) == (made.subscription_id, None)
        await world.sdm.unsubscribe(SUPI, made.subscription_id)
        with pytest.raises(Problem, match="SUBSCRIPTION_NOT_FOUND"):
            await world.sdm.unsubscribe(SUPI, made.subscription_id)
        provisioning.put(world.store, replace(ONE, ambr_uplink="1 Mbps"))
        await world.udr.tell_changes()
        assert world.amf.sdm == []
        with pytest.raises(Problem, match="USER_NOT_FOUND"):
            await world.sdm.subscribe(
                "imsi-999700000000009", msgspec.structs.replace(made, immediate_report=True)
            )

    scene(run)


def test_who_is_not_there_any_more_is_forgotten() -> None:
    async def run(world: World) -> None:
        made = await world.subscribed()
        world.amf.refusal = Problem(404, "CONTEXT_NOT_FOUND")
        provisioning.put(world.store, replace(ONE, ambr_uplink="1 Mbps"))
        await world.udr.tell_changes()
        assert world.notes() == 0
        with pytest.raises(Problem, match="SUBSCRIPTION_NOT_FOUND"):
            await world.sdm.unsubscribe(SUPI, made.subscription_id or "")

    scene(run)


@pytest.mark.parametrize("what", ["change", "removal"])
def test_who_cannot_be_reached_is_told_later(what: str) -> None:
    async def run(world: World) -> None:
        await world.registered()
        await world.subscribed()
        world.amf.refusal = Problem(503, "NF_CONGESTION")
        if what == "change":
            provisioning.put(world.store, replace(ONE, ambr_uplink="1 Mbps"))
        else:
            provisioning.remove(world.store, ONE.supi)
        await world.udr.tell_changes()
        assert world.notes() == 1
        world.amf.refusal = None
        await world.udr.tell_changes()
        assert world.notes() == 0
        assert len(world.amf.sdm) + len(world.amf.dereg) == 1

    scene(run)


def test_who_stays_away_is_not_told_for_ever(caplog: pytest.LogCaptureFixture) -> None:
    async def run(world: World) -> None:
        await world.subscribed()
        await world.session()
        world.amf.refusal = Problem(504, "TARGET_NF_NOT_REACHABLE")
        provisioning.put(world.store, replace(ONE, ambr_uplink="1 Mbps"))
        turns = 0
        while world.notes():
            await world.udr.tell_changes()
            turns += 1
        assert turns == 64
        assert len(world.smf.sdm) == 7  # after 1, 2, 4, 8, 16, 32 and 64 turns
        assert f"who serves {SUPI} was not told" in caplog.text

    scene(run)


def test_a_removed_subscriber_is_deregistered() -> None:
    async def run(world: World) -> None:
        await world.registered()
        await world.subscribed()
        assert provisioning.remove(world.store, ONE.supi)
        await world.udr.tell_changes()
        assert world.amf.dereg == [(SUPI, "SUBSCRIPTION_WITHDRAWN")]
        assert world.amf.sdm == []
        assert world.notes() == 0
        kept = {
            c: list(world.store.items(c))
            for c in ("amf-3gpp-access", "sdm-subscriptions", "provisioned-data")
        }
        assert kept == {"amf-3gpp-access": [], "sdm-subscriptions": [], "provisioned-data": []}
        with pytest.raises(Problem) as caught:
            await world.registered()
        assert caught.value.cause == "USER_NOT_FOUND"
        assert caught.value.why == f"{SUPI} is not provisioned"
        assert caught.value.why.mend == "cinq subscriber add 999700000000001 --k ... --opc ..."

    scene(run)


def test_a_removed_subscriber_that_nobody_serves() -> None:
    async def run(world: World) -> None:
        provisioning.remove(world.store, ONE.supi)
        await world.udr.tell_changes()
        assert (world.amf.dereg, world.notes()) == ([], 0)

    scene(run)


def test_removed_and_added_at_once_is_a_change() -> None:
    async def run(world: World) -> None:
        await world.registered()
        provisioning.remove(world.store, ONE.supi)
        provisioning.put(world.store, ONE)
        await world.udr.tell_changes()
        assert (world.amf.dereg, world.notes()) == ([], 0)

    scene(run)


def test_an_amf_that_began_anew_under_another_identity_loses_no_ue() -> None:
    """Open5GS makes its identity at each start: its own UE must not be deregistered there."""

    async def run(world: World) -> None:
        await world.registered("amf-1", root="http://192.0.2.1:7777")
        await world.registered("amf-2", root="http://192.0.2.1:7777")
        assert (world.amf.dereg, world.other.dereg) == ([], [])

    scene(run)


@pytest.mark.parametrize(
    ("initial", "reason"), [(True, "UE_INITIAL_REGISTRATION"), (False, "UE_REGISTRATION_AREA_CHANGE")]
)
def test_another_amf_takes_the_ue(initial: bool, reason: str) -> None:
    async def run(world: World) -> None:
        await world.registered("amf-1")
        await world.registered("amf-1")
        assert world.amf.dereg == []
        await world.registered("amf-2", initial)
        assert (world.amf.dereg, world.other.dereg) == ([(SUPI, reason)], [])
        world.other.refusal = Problem(504, "TARGET_NF_NOT_REACHABLE")
        await world.registered("amf-1", initial)  # an AMF that is gone stops nobody
        purge = Amf3GppAccessRegistrationModification(guami=GUAMI, purge_flag=True)
        await world.uecm.deregistration(SUPI, purge)

    scene(run)


def test_subscriptions_survive_a_restart(tmp_path: Path) -> None:
    """Also a change that was made while no core ran."""
    path = tmp_path / "cinq.sqlite"
    store = SqliteStore(path)

    async def before(world: World) -> None:
        await world.registered()
        await world.subscribed()

    async def after(world: World) -> None:
        await world.udr.tell_changes()
        assert "/subscribedUeAmbr" in world.amf.changed()["am-data"]

    provisioning.put(store, ONE)
    scene(before, World(store))
    store.close()
    settings = tmp_path / "network.toml"
    settings.write_text(f'[state]\nfolder = "{tmp_path}"\nrun = "{tmp_path}/run"\n')
    said = CliRunner().invoke(
        verb.app, ["set", SUPI, "--ambr-uplink", "5 Mbps", "--config", str(settings)], catch_exceptions=False
    )
    assert said.output == f"changed {SUPI}\n"
    store = SqliteStore(path)
    scene(after, World(store))
    store.close()


def test_set_changes_what_is_given_and_no_more(tmp_path: Path) -> None:
    settings = tmp_path / "network.toml"
    settings.write_text(
        f'[network]\nslices = ["1", "1-0000ff"]\n[state]\nfolder = "{tmp_path}"\nrun = "{tmp_path}/run"\n'
    )

    def said(*words: str) -> str:
        result = CliRunner().invoke(verb.app, [*words, "--config", str(settings)])
        return result.output if result.exception is None else str(result.exception)

    said("add", SUPI, "--k", "00" * 16, "--opc", "00" * 16, "--sqn", "abc", "--slice", "1-0000ff")
    assert said("set", SUPI, "--auth-method", "eap-aka-prime", "--five-qi", "7") == f"changed {SUPI}\n"
    store = SqliteStore(tmp_path / "cinq.sqlite")
    found = provisioning.get(store, Supi.parse(SUPI))
    store.close()
    assert found == replace(ONE, sqn=0xABC, slices=(SNssai(1, 0xFF),), five_qi=7, auth_method="EAP_AKA_PRIME")
    assert said("set", SUPI) == "nothing to change"
    assert said("set", SUPI, "--five-qi", "0") == "--five-qi: found 0, wanted 1 to 254"
    assert said("set", "imsi-999700000000009", "--five-qi", "7") == "no subscriber imsi-999700000000009"
    assert "wanted 5g-aka or eap-aka-prime" in said("set", SUPI, "--auth-method", "chap")


def test_the_method_changes_beside_a_number_that_is_given_out() -> None:
    async def run(world: World) -> None:
        ueau = world.bus.client(NudmUEAuthentication, "AUSF")
        asked = AuthenticationInfoRequest(
            serving_network_name="5G:mnc070.mcc999.3gppnetwork.org", ausf_instance_id="ausf"
        )
        first = await ueau.generate_auth_data(SUPI, asked)
        assert isinstance(first.authentication_vector, Av5GHeAka)
        await provisioning.set_auth_method(world.store, ONE.supi, "EAP_AKA_PRIME")
        found = provisioning.get(world.store, ONE.supi)
        assert found is not None
        assert (found.sqn >> 5, found.auth_method) == (1, "EAP_AKA_PRIME")
        assert (await ueau.generate_auth_data(SUPI, asked)).auth_type == "EAP_AKA_PRIME"

    scene(run)
