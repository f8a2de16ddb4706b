"""Path switch: a UE has moved by Xn, TS 38.413 §8.4.4, TS 23.502 §4.9.1.2."""

from __future__ import annotations

import logging

from msgspec import Struct

from cinq.nf.amf import journal
from cinq.nf.amf.n2 import elements, mobility
from cinq.nf.amf.n2.association import NgConnection, Ran, stream_of
from cinq.nf.amf.n2.failures import not_switched, path_switch_failure
from cinq.nf.amf.procedures.sm import mobility as sm
from cinq.nf.amf.procedures.sm.resources import deliver_pending
from cinq.nf.amf.ue import Ue, ue_of
from cinq.numbering import NumberingError
from cinq.procedure import DEFER, Verdict, collision, procedure
from cinq.sbi.models import UserLocation
from cinq.sbi.services.nsmf_pdusession import N2SmInfoType
from cinq.wire import ngap

log = logging.getLogger("cinq.amf")

MISMATCH = "the gNB had other UE security capabilities than the AMF (TS 33.501 §6.7.3.1)"
Transfers = dict[int, bytes]


class Arrived(Struct, frozen=True):
    """A UE is at another gNB, which says so on its own association."""

    request: ngap.PathSwitchRequest
    ran: Ran


@procedure(opens=Arrived)
async def path_switch(connection: NgConnection, arrived: Arrived) -> None:
    """TS 23.502 §4.9.1.2.2. The UE is at the target, whatever becomes of the source meanwhile."""
    connection.arriving = arrived.ran
    try:
        await switch(connection, arrived)
    finally:
        connection.arriving = None
    if connection.ran.is_lost:
        ue_of(connection).connection_lost(connection, f"{connection.ran.label} is lost")


async def switch(connection: NgConnection, arrived: Arrived) -> None:
    """The numbers are the steps of the call flow."""
    ue, request, ran = ue_of(connection), arrived.request, arrived.ran
    if request.ran_ue_ngap_id in ran.connections:
        fail(ue, arrived, ("radioNetwork", "inconsistent-remote-UE-NGAP-ID"))
        return
    numbers = [item.pdu_session_id for item in request.pdu_session_resource_to_be_switched_dl_list]
    if len(set(numbers)) < len(numbers):  # §8.4.4.4
        fail(ue, arrived, ("protocol", "semantic-error"))
        return
    switched, released = await switch_sessions(ue, request)  # 3 to 6
    if not switched or not ran.access.switch(connection, ran, request.ran_ue_ngap_id):
        fail(ue, arrived, mobility.NOT_SWITCHED, released)
        return
    connection.moved(request.user_location_information)
    next_hop = ue.exchange.next_hop()  # TS 33.501 §6.9.2.3.2
    ue.commit()
    differ = request.ue_security_capabilities != elements.security_capabilities(
        ue.context.security_capability
    )
    if differ:
        journal.note(ue, MISMATCH)
        log.warning("%s, at %s: %s", ue.label, ran.label, MISMATCH)  # the AMF supports logging of this
    connection.send(
        mobility.path_switch_acknowledge(connection, ue.context, next_hop, switched, released, differ)
    )  # 7
    await deactivate_others(ue, switched.keys() | released.keys())
    deliver_pending(ue)  # what the source could not deliver any more


def location_of(request: ngap.PathSwitchRequest) -> UserLocation | None:
    """Where the UE is now; None where the gNB does not say it, or says what is none."""
    told = request.user_location_information
    if told is None or told[0] != "userLocationInformationNR":
        return None
    try:
        return elements.place_of(told[1]).location
    except NumberingError:
        return None


async def switch_sessions(ue: Ue, request: ngap.PathSwitchRequest) -> tuple[Transfers, Transfers]:
    """Transfers for the target: of the sessions that are switched, and of those that it has to let go."""
    switched: Transfers = {}
    released: Transfers = {}
    wanted: list[tuple[int, N2SmInfoType, bytes]] = [
        (item.pdu_session_id, "PATH_SWITCH_REQ", item.path_switch_request_transfer)
        for item in request.pdu_session_resource_to_be_switched_dl_list
    ]
    wanted += [
        (item.pdu_session_id, "PATH_SWITCH_SETUP_FAIL", item.path_switch_request_setup_failed_transfer)
        for item in request.pdu_session_resource_failed_to_setup_list_ps_req or ()
    ]
    where = location_of(request)
    for number, kind, transfer in wanted:
        context = ue.context.sm_context(number)
        if context is None:
            journal.note(ue, f"the gNB has PDU session {number}, which the UE does not have")
            answer = None
        else:
            answer = await sm.update(ue, context, sm.switch(kind, where), transfer)
        if kind == "PATH_SWITCH_SETUP_FAIL":
            continue
        given = sm.transfer_of(answer, "PATH_SWITCH_REQ_ACK")
        if given is not None:
            switched[number] = given
        else:
            refused = sm.transfer_of(answer, "PATH_SWITCH_REQ_FAIL")
            released[number] = refused or not_switched(("radioNetwork", "unknown-PDU-session-ID"))
    return switched, released


async def deactivate_others(ue: Ue, moved: set[int]) -> None:
    """Sessions of which the target says nothing have no user plane there (step 2)."""
    for context in ue.context.sm_contexts:
        if context.pdu_session_id not in moved:
            await sm.update(ue, context, sm.DEACTIVATED)


def fail(ue: Ue, arrived: Arrived, cause: ngap.Cause, released: Transfers | None = None) -> None:
    """§8.4.4.3, on the association of the gNB that asked."""
    refuse(arrived.ran, arrived.request, cause, ue, released)


def refuse(
    ran: Ran,
    request: ngap.PathSwitchRequest,
    cause: ngap.Cause,
    ue: Ue | None = None,
    released: Transfers | None = None,
) -> None:
    """PATH SWITCH REQUEST FAILURE. ue: whom it is about, where that is known."""
    stream = stream_of(request.source_amf_ue_ngap_id, ran.association.outbound_streams)
    ran.transmit(path_switch_failure(request, cause, released), stream, ue)


@collision(path_switch, Arrived)
def _(connection: NgConnection, again: Arrived) -> Verdict:
    """It has moved on already: one after the other."""
    return DEFER
