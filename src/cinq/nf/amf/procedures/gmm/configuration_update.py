"""Generic UE configuration update, TS 24.501 §5.4.4, TS 23.502 §4.2.4.2: one procedure for all that a UE is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cinq.nf.amf import signals
from cinq.nf.amf.context import Content, shared
from cinq.nf.amf.procedures.gmm import area, guti_reallocation
from cinq.nf.amf.settings import Settings
from cinq.nf.amf.ue import Ue
from cinq.numbering import Guti
from cinq.procedure import ABORT, BESIDE, Timer, TimerExpired, Verdict, collision, procedure
from cinq.wire import nas, ngap

T3555 = Timer("T3555", 6.0)


@procedure(opens=signals.UpdateConfiguration)
async def configuration_update(ue: Ue, wanted: signals.UpdateConfiguration) -> None:
    """What is due stays due until the UE has confirmed it: after a kill, a lost connection or the last expiry it is
    told again when it comes back (§5.4.4.6 a) and b)). An idle UE is paged for it."""
    contents = tuple(dict.fromkeys((*ue.context.due, *wanted.contents)))
    if ue.context.rm_state != "RM-REGISTERED" or not contents:
        return
    if ue.connection is None or not ue.exchange.secured:
        if ue.context.due and ue.connection is None:
            ue.reach()
        return
    if contents == ("names",):
        ue.tell(command_of(ue, contents, None))  # §5.4.4.2: NITZ alone is not acknowledged
        return
    if not await confirmed(ue, contents):
        return
    changes = told(ue, contents)
    if ue.context.due or changes:
        ue.commit(due=(), **changes)
    if "registration" in contents and ("slices" in contents or contents == ("registration",)):
        # §5.4.4.4: the UE registers on a new connection; for other things on the one that it has
        ue.want(signals.ReleaseConnection(("nas", "normal-release")))


def owe(ue: Ue, *contents: Content) -> None:
    """The UE is to be told of these, now or when it comes back."""
    ue.commit(due=tuple(dict.fromkeys((*ue.context.due, *contents))))
    ue.want(signals.UpdateConfiguration())


def owed(ue: Ue) -> tuple[Content, ...]:
    """What the settings say by now, and the UE has not been told."""
    return ("access",) if ue.context.access_categories != ue.ports.settings.access_categories else ()


def told(ue: Ue, contents: tuple[Content, ...]) -> dict[str, object]:
    """What the UE knows when it has confirmed these, as changes of its context."""
    return {"access_categories": shared(ue.ports.settings.access_categories)} if "access" in contents else {}


async def confirmed(ue: Ue, contents: tuple[Content, ...]) -> bool:
    """Whether CONFIGURATION UPDATE COMPLETE came. While nobody knows, both 5G-GUTIs are valid (§5.4.4.6 b) 1))."""
    if "guti" not in contents:
        try:
            await ue.ask(command_of(ue, contents, None), nas.ConfigurationUpdateComplete, timer=T3555)
        except TimerExpired:
            return False
        return True
    guti = ue.registry.allocate_guti(ue, ue.plmn)
    await guti_reallocation.tell(
        ue, guti, command_of(ue, contents, guti), nas.ConfigurationUpdateComplete, T3555
    )
    return ue.context.former_guti is None


def command_of(ue: Ue, contents: tuple[Content, ...], guti: Guti | None) -> nas.ConfigurationUpdateCommand:
    """CONFIGURATION UPDATE COMMAND (§8.2.19) with what is so now."""
    context, here = ue.context, ue.context.registration_area
    command = nas.ConfigurationUpdateCommand(guti=guti)
    if contents != ("names",):
        indication = nas.ConfigurationUpdateIndication(
            acknowledgement_requested=True, registration_requested="registration" in contents
        )
        command = command.replace(configuration_update_indication=indication)
    if "area" in contents:
        command = command.replace(tai_list=list(here))
    if "slices" in contents:
        command = command.replace(
            allowed_nssai=list(context.allowed_nssai),
            configured_nssai=list(context.configured_nssai) or None,
            network_slicing_indication=nas.NetworkSlicingIndication(subscription_changed=True),
        )
    if "service area" in contents:
        everywhere = nas.ServiceArea(whole_plmn=ue.plmn)
        command = command.replace(service_area_list=area.service_area(ue, here) or everywhere)
    if "ladn" in contents:
        command = command.replace(ladn_information=area.ladns(ue, None, here) or [])
    if "access" in contents:  # an empty list takes back what was defined before
        command = command.replace(
            operator_defined_access_category_definitions=list(ue.ports.settings.access_categories)
        )
    if "mico" in contents:
        command = command.replace(mico_indication=nas.MicoIndication())
    if "names" in contents:
        command = named(command, ue.ports.settings, ue.ports.clock.now())
    return command


def named(
    command: nas.ConfigurationUpdateCommand, settings: Settings, now: float
) -> nas.ConfigurationUpdateCommand:
    """Network names, and network identity and time zone (NITZ, TS 22.042)."""
    if settings.full_name:
        command = command.replace(full_network_name=nas.NetworkName.of(settings.full_name))
    if settings.short_name:
        command = command.replace(short_network_name=nas.NetworkName.of(settings.short_name))
    if settings.time_zone is None:
        return command
    local = datetime.fromtimestamp(int(now), UTC).astimezone(settings.time_zone)
    offset, summer = local.utcoffset() or timedelta(), local.dst() or timedelta()
    return command.replace(
        local_time_zone=offset,
        universal_time=nas.UniversalTime(local.astimezone(UTC), offset),
        network_daylight_saving_time=min(round(summer / timedelta(hours=1)), 2),
    )


def names_to_tell(settings: Settings) -> tuple[Content, ...]:
    """After an initial registration: what the settings say of names and time."""
    told = settings.full_name or settings.short_name or settings.time_zone
    return ("names",) if told else ()


@collision(configuration_update, nas.ServiceRequest)
def _(ue: Ue, request: object) -> Verdict:
    """§5.4.4.6 e): both go on. On a new connection, of which no gNB has the UE context yet, the lower layers have
    failed, b); what is due comes after."""
    return BESIDE if ue.connection is not None and ue.connection.has_context else ABORT


@collision(
    configuration_update,
    nas.RegistrationRequest,
    nas.DeregistrationRequestUEOriginating,
    ngap.UEContextReleaseRequest,
    ngap.InitialContextSetupFailure,
)
def _(ue: Ue, message: object) -> Verdict:
    """§5.4.4.6 c) and d): what the UE wants goes on, with the identity that it shows; what is due comes after."""
    return ABORT


@collision(configuration_update, nas.ULNASTransport)
def _(ue: Ue, message: object) -> Verdict:
    return BESIDE
