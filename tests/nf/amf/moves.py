"""Scenes and messages of UEs that move, for the tests of path switch and handover."""

from __future__ import annotations

import asyncio

from cinq.crypto import kdf
from cinq.wire import nas, ngap

from .gnb import Gnb
from .phone import Phone
from .world import PLMN, World

UNKNOWN: ngap.Cause = ("radioNetwork", "unknown-targetID")


async def scene(world: World, sessions: int = 1) -> tuple[Gnb, Gnb, Phone]:
    """A registered UE with PDU sessions on the first of two gNBs."""
    source, target = await Gnb(world).set_up(), await Gnb(world, 2).set_up()
    phone = await Phone(world).registered(source)
    phone.say(nas.RegistrationComplete())
    for number in range(1, sessions + 1):
        phone.establish(number)
    await asyncio.sleep(0.1)
    return source, target, phone


def required(
    phone: Phone, gnb_id: int = 2, sessions: tuple[int, ...] = (1,), tac: int = 1
) -> ngap.HandoverRequired:
    node = ngap.GlobalGNBID(plmn_identity=PLMN.octets, gnb_id=("gNB-ID", (gnb_id, 32)))
    tai = ngap.TAI(plmn_identity=PLMN.octets, tac=tac.to_bytes(3, "big"))
    target = ngap.TargetRANNodeID(global_ran_node_id=("globalGNB-ID", node), selected_tai=tai)
    return ngap.HandoverRequired(
        amf_ue_ngap_id=phone.amf_id or 0,
        ran_ue_ngap_id=phone.ran_id,
        handover_type="intra5gs",
        cause=("radioNetwork", "handover-desirable-for-radio-reason"),
        target_id=("targetRANNodeID", target),
        pdu_session_resource_list_ho_rqd=[
            ngap.PDUSessionResourceItemHORqd(pdu_session_id=n, handover_required_transfer=b"wanted")
            for n in sessions
        ],
        source_to_target_transparent_container=b"to the target",
    )


def acknowledge(
    request: ngap.HandoverRequest,
    ran_id: int = 77,
    admitted: tuple[int, ...] = (1,),
    failed: tuple[int, ...] = (),
) -> ngap.HandoverRequestAcknowledge:
    return ngap.HandoverRequestAcknowledge(
        amf_ue_ngap_id=request.amf_ue_ngap_id,
        ran_ue_ngap_id=ran_id,
        pdu_session_resource_admitted_list=[
            ngap.PDUSessionResourceAdmittedItem(
                pdu_session_id=n, handover_request_acknowledge_transfer=b"admitted"
            )
            for n in admitted
        ],
        pdu_session_resource_failed_to_setup_list_ho_ack=[
            ngap.PDUSessionResourceFailedToSetupItemHOAck(
                pdu_session_id=n, handover_resource_allocation_unsuccessful_transfer=b"failed"
            )
            for n in failed
        ]
        or None,
        target_to_source_transparent_container=b"to the source",
    )


def notify(request: ngap.HandoverRequest, target: Gnb, ran_id: int = 77) -> ngap.HandoverNotify:
    return ngap.HandoverNotify(
        amf_ue_ngap_id=request.amf_ue_ngap_id,
        ran_ue_ngap_id=ran_id,
        user_location_information=target.location,
    )


def arrive(phone: Phone, target: Gnb, amf_id: int, ran_id: int = 77) -> None:
    """From now on the phone speaks through the target."""
    phone.gnb, phone.ran_id, phone.amf_id = target, ran_id, amf_id
    target.phones[ran_id] = phone


async def commanded(world: World) -> tuple[Gnb, Gnb, Phone, ngap.HandoverRequest]:
    """A handover whose command is out."""
    source, target, phone = await scene(world)
    source.say(required(phone))
    await asyncio.sleep(0.1)
    request = target.last(ngap.HandoverRequest)
    target.say(acknowledge(request))
    await asyncio.sleep(0.1)
    assert source.count(ngap.HandoverCommand) == 1
    return source, target, phone, request


async def is_served(phone: Phone) -> None:
    """Its next NAS message is answered where it is."""
    before = len(phone.heard)
    phone.say(phone.registration(nas.RegistrationKind.MOBILITY))
    await asyncio.sleep(0.1)
    assert any(isinstance(m, nas.RegistrationAccept) for m in phone.heard[before:]), phone.heard[before:]
    phone.say(nas.RegistrationComplete())
    await asyncio.sleep(0.1)


def switch_request(phone: Phone, target: Gnb, ran_id: int = 77, **changes: object) -> ngap.PathSwitchRequest:
    fields: dict[str, object] = {
        "ran_ue_ngap_id": ran_id,
        "source_amf_ue_ngap_id": phone.amf_id or 0,
        "user_location_information": target.location,
        "ue_security_capabilities": ngap.UESecurityCapabilities(
            nr_encryption_algorithms=(0xE000, 16),
            nr_integrity_protection_algorithms=(0xE000, 16),
            eutra_encryption_algorithms=(0, 16),
            eutra_integrity_protection_algorithms=(0, 16),
        ),
        "pdu_session_resource_to_be_switched_dl_list": [
            ngap.PDUSessionResourceToBeSwitchedDLItem(pdu_session_id=1, path_switch_request_transfer=b"here")
        ],
    }
    return ngap.PathSwitchRequest(**{**fields, **changes})  # type: ignore[arg-type]


def chain(phone: Phone, hops: int) -> tuple[bytes, int]:
    """TS 33.501 §6.9.2.1.1: NH after so many handovers, from KgNB of the registration."""
    nh = kdf.nh(phone.kamf, kdf.kgnb(phone.kamf, 0))
    for _ in range(hops):
        nh = kdf.nh(phone.kamf, nh)
    return nh, (1 + hops) % 8


def cancel(phone: Phone) -> ngap.HandoverCancel:
    return ngap.HandoverCancel(
        amf_ue_ngap_id=phone.amf_id or 0,
        ran_ue_ngap_id=phone.ran_id,
        cause=("radioNetwork", "handover-cancelled"),
    )
