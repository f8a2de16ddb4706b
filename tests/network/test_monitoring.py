"""What happens to a UE is told to applications: NEF, UDM and AMF (TS 23.502 §4.15.3.2)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from msgspec.structs import replace

from cinq.nf.nef import NEF, Application, Settings
from cinq.nf.udr.access import Access
from cinq.procedure import run_virtual
from cinq.ran.ue.ue import Ue
from cinq.sbi import Bus, Problem, checked
from cinq.sbi.services.namf_eventexposure import (
    AmfCreateEventSubscription,
    AmfEvent,
    AmfEventMode,
    AmfEventNotification,
    AmfEventSubscription,
    NamfEventExposure,
    NnefEventCallback,
)
from cinq.sbi.services.nef_monitoring import (
    AfMonitoringCallback,
    MonitoringEventSubscription,
    MonitoringNotification,
    NefMonitoringEvent,
)
from cinq.sbi.services.nudm_ee import EeSubscription, MonitoringConfiguration, NudmEventExposure
from cinq.sbi.services.nudr_dr import NudrDataRepository
from cinq.sbi.token import SigningKey
from tests.network.test_exposure import by
from tests.network.world import SUPI, Network

NUMBER = "491701234567"
HERE = "/af-monitoring-callback/v1/monitoring"
APP = Application("video", "correct horse battery", ("3gpp-monitoring-event",), (HERE,))


class Told:
    """The AF's end, and that of a consumer of the AMF."""

    def __init__(self) -> None:
        self.application: list[MonitoringNotification] = []
        self.events: list[AmfEventNotification] = []

    async def monitoring_notify(self, body: MonitoringNotification) -> None:
        self.application.append(body)

    async def event_notify(self, reference: str, body: AmfEventNotification) -> None:
        if reference != "here":
            raise Problem(404, "SUBSCRIPTION_NOT_FOUND", "nobody")
        self.events.append(body)

    @property
    def kinds(self) -> list[str]:
        return [report.monitoring_type for one in self.application for report in one.monitoring_event_reports]


Scene = Callable[[Network, Ue, NefMonitoringEvent, NEF, Told], Awaitable[None]]


def play(scene: Scene) -> None:
    async def main() -> None:
        network, north, told = Network(), Bus(checked), Told()
        network.provision(access=Access(msisdn=NUMBER))
        await network.start()
        nef = NEF(
            Settings((APP,)),
            network.bus,
            north,
            network.store,
            network.clock,
            network.entropy,
            "nef",
            SigningKey.made(),
        )
        for service, implementation in nef.services():
            network.bus.serve(service, implementation, "nef")
        for service, implementation in (*nef.apis(), (AfMonitoringCallback, told)):
            north.serve(service, implementation, "nef")
        by("video")
        ue = network.ue(await network.gnb())
        await ue.register()
        await asyncio.sleep(1)  # the AMF has REGISTRATION COMPLETE
        await scene(network, ue, north.client(NefMonitoringEvent, "AF"), nef, told)
        await network.stop()

    run_virtual(main())


def wanted(kind: str, **changes: object) -> MonitoringEventSubscription:
    made = MonitoringEventSubscription(
        notification_destination=HERE,
        monitoring_type=kind,  # type: ignore[arg-type]
        msisdn=NUMBER,
        maximum_number_of_reports=5,
    )
    return replace(made, **changes)


def test_where_a_ue_is_now() -> None:
    async def scene(network: Network, ue: Ue, client: NefMonitoringEvent, nef: NEF, told: Told) -> None:
        made = await client.create("video", wanted("LOCATION_REPORTING", maximum_number_of_reports=1))
        report = made.body.monitoring_event_report
        assert report is not None
        assert report.location_info is not None
        assert report.location_info.user_location is not None
        assert report.location_info.user_location.nr_location is not None
        assert report.location_info.user_location.nr_location.tai.tac == "000001"
        assert await client.list_all("video") == []  # it was the only one
        assert not network.amf.events.watched

    play(scene)


def test_a_ue_that_goes_and_comes_back() -> None:
    async def scene(network: Network, ue: Ue, client: NefMonitoringEvent, nef: NEF, told: Told) -> None:
        lost = await client.create("video", wanted("LOSS_OF_CONNECTIVITY"))
        back = await client.create("video", wanted("UE_REACHABILITY"))
        assert {one.monitoring_type for one in await client.list_all("video")} == {
            "LOSS_OF_CONNECTIVITY",
            "UE_REACHABILITY",
        }
        await ue.deregister()
        await asyncio.sleep(3)
        await nef.look()
        assert sorted(told.kinds) == ["LOSS_OF_CONNECTIVITY", "UE_REACHABILITY"]
        assert (await client.read("video", lost.id)).msisdn == NUMBER
        for one in (lost, back):
            await client.delete("video", one.id)
        assert not network.amf.events.watched
        assert not list(network.store.items("nef-demands"))
        assert not list(network.store.items("amf-events"))
        with pytest.raises(Problem, match="404"):
            await client.read("video", lost.id)

    play(scene)


def test_so_many_reports_and_no_more() -> None:
    async def scene(network: Network, ue: Ue, client: NefMonitoringEvent, nef: NEF, told: Told) -> None:
        made = await client.create("video", wanted("LOSS_OF_CONNECTIVITY", maximum_number_of_reports=1))
        await ue.deregister()
        await asyncio.sleep(2)
        await ue.register()
        await ue.deregister()
        await asyncio.sleep(2)
        await nef.look()
        assert told.kinds == ["LOSS_OF_CONNECTIVITY"]
        with pytest.raises(Problem, match="404"):
            await client.read("video", made.id)

    play(scene)


def test_what_is_refused() -> None:
    async def scene(network: Network, ue: Ue, client: NefMonitoringEvent, nef: NEF, told: Told) -> None:
        for body, said in (
            (wanted("CHANGE_OF_IMSI_IMEI_ASSOCIATION"), "400 MANDATORY_IE_INCORRECT"),
            (wanted("LOCATION_REPORTING", msisdn=None), "400 MANDATORY_IE_INCORRECT"),
            (wanted("LOCATION_REPORTING", msisdn="1' or '1"), "400 MANDATORY_IE_INCORRECT"),
            (wanted("LOCATION_REPORTING", msisdn="4900000"), "404 USER_NOT_FOUND"),
            (wanted("LOCATION_REPORTING", maximum_number_of_reports=None), "400 MANDATORY_IE_INCORRECT"),
            (wanted("LOCATION_REPORTING", maximum_number_of_reports=0), "400 MANDATORY_IE_INCORRECT"),
            (
                wanted("LOCATION_REPORTING", maximum_number_of_reports=None, monitor_expire_time="soon"),
                "400 OPTIONAL_IE_INCORRECT",
            ),
            (wanted("LOCATION_REPORTING", notification_destination="http://127.0.0.8/"), "403"),
        ):
            with pytest.raises(Problem, match=said):
                await client.create("video", body)
        udm = network.bus.client(NudmEventExposure, "NEF")
        for configurations, said in (
            ({}, "400"),
            ({"x": MonitoringConfiguration(event_type="LOCATION_REPORTING")}, "400"),
            ({"1": MonitoringConfiguration(event_type="ROAMING_STATUS")}, "501"),  # type: ignore[arg-type]
        ):
            request = EeSubscription(callback_reference="/x", monitoring_configurations=configurations)
            with pytest.raises(Problem, match=said):
                await udm.ee_subscribe(str(SUPI), request)
        with pytest.raises(Problem, match="404"):
            await udm.ee_unsubscribe(str(SUPI), "x")
        udr = network.bus.client(NudrDataRepository, "UDM")
        assert (await udr.get_identity_data(str(SUPI))).gpsi_list == [f"msisdn-{NUMBER}"]
        assert not network.amf.events.watched
        assert not list(network.store.items("nef-demands"))

    play(scene)


def test_events_of_the_amf() -> None:
    """Each kind, once when it happens; a consumer that is gone is told no more."""

    async def scene(network: Network, ue: Ue, client: NefMonitoringEvent, nef: NEF, told: Told) -> None:
        network.bus.withdraw(NnefEventCallback, "nef")
        network.bus.serve(NnefEventCallback, told, "consumer")
        amf = network.bus.client(NamfEventExposure, "NEF")
        kinds = ("REGISTRATION_STATE_REPORT", "CONNECTIVITY_STATE_REPORT", "REACHABILITY_REPORT")
        events = [AmfEvent(type=kind, immediate_flag=True) for kind in kinds]  # type: ignore[arg-type]
        subscription = AmfEventSubscription(
            event_list=events,
            event_notify_uri="/nnef-callback/v1/monitoring/here",
            notify_correlation_id="7",
            nf_id="consumer",
            supi=str(SUPI),
        )
        made = await amf.subscribe(AmfCreateEventSubscription(subscription=subscription))
        assert [report.type for report in made.body.report_list] == list(kinds)
        assert made.body.report_list[0].rm_info_list[0].rm_state == "REGISTERED"
        gone = replace(subscription, event_notify_uri="/nnef-callback/v1/monitoring/gone")
        await amf.subscribe(AmfCreateEventSubscription(subscription=gone))
        past = AmfEventMode(trigger="CONTINUOUS", expiry="2001-01-01T00:00:00Z")
        await amf.subscribe(AmfCreateEventSubscription(subscription=replace(subscription, options=past)))
        assert len(network.amf.events.watched) == 3
        await ue.deregister()
        await asyncio.sleep(2)
        reports = [report for one in told.events for report in one.report_list]
        assert {report.type for report in reports} == set(kinds)
        assert {one.notify_correlation_id for one in told.events} == {"7"}
        assert list(network.amf.events.watched) == [made.id]
        await amf.unsubscribe(made.id)
        with pytest.raises(Problem, match="404 SUBSCRIPTION_NOT_FOUND"):
            await amf.unsubscribe(made.id)
        for wrong, said in (
            (replace(subscription, supi=None), "400 MANDATORY_IE_MISSING"),
            (replace(subscription, any_ue=True), "403 SUBSCRIPTION_CANNOT_BE_SERVED"),
            (replace(subscription, event_list=[]), "400 MANDATORY_IE_INCORRECT"),
            (replace(subscription, event_list=[AmfEvent(type="UES_IN_AREA_REPORT")]), "403"),  # type: ignore[arg-type]
            (replace(subscription, supi="imsi-999700000000077"), "404 CONTEXT_NOT_FOUND"),
            (replace(subscription, supi="x"), "400"),
            (replace(subscription, options=AmfEventMode(trigger="CONTINUOUS", max_reports=0)), "400"),
        ):
            with pytest.raises(Problem, match=said):
                await amf.subscribe(AmfCreateEventSubscription(subscription=wrong))

    play(scene)
