"""Nudm_EventExposure, TS 29.503 §5.5: who asks by SUPI or GPSI is passed on to the AMF that serves the UE.

The AMF detects and tells (TS 23.502 §4.15.3.2.2); a UE that no AMF serves now has no events.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from cinq.procedure import Why
from cinq.sbi import Bus, Created, Problem
from cinq.sbi.services.namf_eventexposure import (
    AmfCreateEventSubscription,
    AmfEvent,
    AmfEventMode,
    AmfEventReport,
    AmfEventSubscription,
    AmfEventType,
    NamfEventExposure,
)
from cinq.sbi.services.nudm_ee import (
    CreatedEeSubscription,
    EeSubscription,
    EventType,
    LocationReport,
    MonitoringReport,
)
from cinq.sbi.services.nudr_dr import NudrDataRepository

MOST, MOST_CONFIGURATIONS = 10_000, 8
EVENTS: dict[EventType, AmfEventType] = {
    "LOCATION_REPORTING": "LOCATION_REPORT",
    "UE_REACHABILITY_FOR_DATA": "REACHABILITY_REPORT",
    "LOSS_OF_CONNECTIVITY": "LOSS_OF_CONNECTIVITY",
}
"""Of those that an AMF detects: TS 23.502 table 4.15.3.1-1."""


class EventExposure:
    """By subscription: the AMF, its subscription, and the UE as it was named."""

    def __init__(self, sbi: Bus, entropy: Callable[[int], bytes], instance_id: str) -> None:
        self._sbi = sbi
        self._udr = sbi.client(NudrDataRepository, "UDM")
        self._entropy = entropy
        self._instance_id = instance_id
        self._at_amf: dict[str, tuple[str, str, str]] = {}

    async def ee_subscribe(self, ue_identity: str, body: EeSubscription) -> Created[CreatedEeSubscription]:
        """§5.5.2.2."""
        wanted = self._events(body)
        if len(self._at_amf) >= MOST:
            raise Problem(403, "INSUFFICIENT_RESOURCES", Why("there are too many subscriptions"))
        supi = await self._supi(ue_identity)
        serving = (await self._udr.query_context_data(supi, ["AMF_3GPP"])).amf_3gpp
        if serving is None:
            raise Problem(404, "CONTEXT_NOT_FOUND", Why(f"no AMF serves {supi} now"))
        name, options = self._entropy(12).hex(), body.reporting_options
        mode = None
        if options is not None:
            mode = AmfEventMode(
                trigger="ONE_TIME" if options.max_num_of_reports == 1 else "CONTINUOUS",
                max_reports=options.max_num_of_reports,
                expiry=options.expiry,
            )
        subscription = AmfEventSubscription(
            event_list=list(wanted.values()),
            event_notify_uri=body.callback_reference,
            notify_correlation_id=name,
            nf_id=self._instance_id,
            supi=supi,
            options=mode,
        )
        amf = self._sbi.client(NamfEventExposure, "UDM", serving.amf_instance_id)
        made = await amf.subscribe(AmfCreateEventSubscription(subscription=subscription))
        self._at_amf[name] = serving.amf_instance_id, made.id, ue_identity
        reports = [_report(wanted, each) for each in made.body.report_list]
        kept = replace(body, subscription_id=name)
        answer = CreatedEeSubscription(ee_subscription=kept, number_of_ues=1, event_reports=reports)
        return Created(f"/{ue_identity}/ee-subscriptions/{name}", answer)

    async def ee_unsubscribe(self, ue_identity: str, subscription_id: str) -> None:
        """§5.5.2.3. What the AMF has no more has ended."""
        found = self._at_amf.get(subscription_id)
        if found is None or found[2] != ue_identity:
            raise Problem(404, "SUBSCRIPTION_NOT_FOUND", Why(f"no subscription {subscription_id[:60]}"))
        instance, name, _ = found
        try:
            await self._sbi.client(NamfEventExposure, "UDM", instance).unsubscribe(name)
        except Problem as problem:
            if problem.status != 404:
                raise
        self._at_amf.pop(subscription_id, None)

    def _events(self, body: EeSubscription) -> dict[str, AmfEvent]:
        """By the consumer's reference. Problem 400 or 501."""
        if not 1 <= len(body.monitoring_configurations) <= MOST_CONFIGURATIONS:
            what = f"monitoringConfigurations: wanted 1 to {MOST_CONFIGURATIONS}"
            raise Problem(400, "MANDATORY_IE_INCORRECT", Why(what))
        made = {}
        for reference, one in body.monitoring_configurations.items():
            event = EVENTS.get(one.event_type)
            if event is None:
                what = f"{one.event_type[:40]} is not told here"
                raise Problem(501, "UNSUPPORTED_MONITORING_EVENT_TYPE", Why(what))
            if not (reference.isascii() and reference.isdigit() and len(reference) < 10):
                raise Problem(
                    400, "MANDATORY_IE_INCORRECT", Why("monitoringConfigurations: a key is no number")
                )
            made[reference] = AmfEvent(type=event, immediate_flag=bool(one.immediate_flag))
        return made

    async def _supi(self, ue_identity: str) -> str:
        """Problem 404 USER_NOT_FOUND."""
        if ue_identity.startswith("imsi-"):
            return ue_identity
        found = await self._udr.get_identity_data(ue_identity)
        if not found.supi_list:
            raise Problem(404, "USER_NOT_FOUND", Why("nobody has that number"))
        return found.supi_list[0]


def _report(wanted: dict[str, AmfEvent], report: AmfEventReport) -> MonitoringReport:
    reference = next((key for key, event in wanted.items() if event.type == report.type), "0")
    kind = next(kind for kind, event in EVENTS.items() if event == report.type)
    location = None if report.location is None else LocationReport(location=report.location)
    return MonitoringReport(
        reference_id=int(reference), event_type=kind, time_stamp=report.time_stamp, report=location
    )
