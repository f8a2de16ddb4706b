"""What a gNB may not say: N2 cases DEV-035 to DEV-059 of the list of negative cases, as rows of a table.

Each is played beside a bystander and judged as `stage` says. Of the list, DEV-049 is in the chapter of the interface
(identity_of_a_connection_given_anew), DEV-053 stands with DEV-050; DEV-056 and DEV-058 are SCTP's own.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

from cinq.ran.scenarios import check, spoil
from cinq.ran.scenarios.bench import Bench
from cinq.ran.scenarios.scenario import Play, scenario
from cinq.ran.scenarios.stage import Stage, stage
from cinq.wire import nas, ngap

UNKNOWN = (1 << 40) - 1
SWITCH = ngap.PathSwitchRequestFailure
Made = Sequence[ngap.Pdu | bytes]


class Row(NamedTuple):
    """make: what the gNB sends, one after the other. wanted: one of these comes for each; empty: none of `never`.

    advised: the answer is what a node should give (§10.2), or shall only where it comprehends the procedure, whose
    criticality is ignore (§10.3.4.1): silence passes.
    """

    name: str
    title: str
    make: Callable[[Stage], Made]
    wanted: tuple[type[ngap.Pdu], ...] = ()
    never: tuple[type[ngap.Pdu], ...] = ()
    advised: bool = False


def uplink(stage: Stage, amf_id: int, ran_id: int) -> ngap.UplinkNASTransport:
    return ngap.UplinkNASTransport(
        amf_ue_ngap_id=amf_id,
        ran_ue_ngap_id=ran_id,
        nas_pdu=b"\x7e\0\x43",
        user_location_information=stage.gnb.location,
    )


def setup_request(stage: Stage) -> ngap.NGSetupRequest:
    """As the gNB itself sent it."""
    core = stage.bench.target.core
    item = ngap.BroadcastPLMNItem(
        plmn_identity=core.plmn.octets,
        tai_slice_support_list=[ngap.SliceSupportItem(s_nssai=ngap.SNSSAI(sst=bytes((core.slices[0].sst,))))],
    )
    own = stage.gnb.settings.identity
    return ngap.NGSetupRequest(
        global_ran_node_id=(
            "globalGNB-ID",
            ngap.GlobalGNBID(plmn_identity=core.plmn.octets, gnb_id=("gNB-ID", (own.value, own.bits))),
        ),
        supported_ta_list=[
            ngap.SupportedTAItem(tac=core.tacs[0].to_bytes(3, "big"), broadcast_plmn_list=[item])
        ],
        default_paging_drx="v128",
    )


def plmn_of_another_length(stage: Stage) -> Made:
    whole = ngap.encode(setup_request(stage))
    at = whole.index(stage.bench.target.core.plmn.octets)
    return [whole[:at] + whole[at + 1 :], whole[:at] + b"\x99" + whole[at:]]


def as_many_areas_as_there_can_be(stage: Stage) -> Made:
    request = setup_request(stage)
    item = request.supported_ta_list[0].broadcast_plmn_list[0]
    request.supported_ta_list = [
        ngap.SupportedTAItem(tac=n.to_bytes(3, "big"), broadcast_plmn_list=[item] * 12) for n in range(256)
    ]
    return [request]


def identity_too_large(stage: Stage) -> Made:
    """AMF UE NGAP ID of 2^40, which has six octets."""
    octets = ngap.encode(uplink(stage, UNKNOWN, 1))
    at = octets.index(b"\xff" * 5)
    return [octets[: at - 1] + b"\xa0\x01" + bytes(5) + octets[at + 5 :]]


def of_an_unknown_ue(stage: Stage) -> Made:
    ids = (UNKNOWN, stage.victim[1])
    return [
        uplink(stage, *ids),
        ngap.PDUSessionResourceSetupResponse(amf_ue_ngap_id=ids[0], ran_ue_ngap_id=ids[1]),
        ngap.UEContextReleaseRequest(
            amf_ue_ngap_id=ids[0], ran_ue_ngap_id=ids[1], cause=("radioNetwork", "user-inactivity")
        ),
        ngap.HandoverNotify(
            amf_ue_ngap_id=ids[0], ran_ue_ngap_id=ids[1], user_location_information=stage.gnb.location
        ),
    ]


def acknowledge(stage: Stage) -> ngap.HandoverRequestAcknowledge:
    amf_id, ran_id = stage.victim
    item = ngap.PDUSessionResourceAdmittedItem(pdu_session_id=1, handover_request_acknowledge_transfer=b"")
    return ngap.HandoverRequestAcknowledge(
        amf_ue_ngap_id=amf_id,
        ran_ue_ngap_id=ran_id,
        pdu_session_resource_admitted_list=[item],
        target_to_source_transparent_container=b"\0",
    )


def location_reports(stage: Stage) -> Made:
    amf_id, ran_id = stage.victim
    report = ngap.LocationReport(
        amf_ue_ngap_id=amf_id,
        ran_ue_ngap_id=ran_id,
        user_location_information=stage.gnb.location,
        location_reporting_request_type=ngap.LocationReportingRequestType(
            event_type="direct", report_area="cell"
        ),
    )
    failure = ngap.LocationReportingFailureIndication(
        amf_ue_ngap_id=UNKNOWN, ran_ue_ngap_id=ran_id, cause=("misc", "unspecified")
    )
    return [spoil.without(report, "RAN-UE-NGAP-ID"), failure]


def partial_reset(stage: Stage) -> Made:
    item = ngap.UEassociatedLogicalNGconnectionItem
    amf_id, ran_id = stage.victim
    part: ngap.ResetType = (
        "partOfNG-Interface",
        [item(amf_ue_ngap_id=amf_id), item(amf_ue_ngap_id=amf_id, ran_ue_ngap_id=ran_id), item()],
    )
    return [ngap.NGReset(cause=("misc", "unspecified"), reset_type=part)]


def release_request(stage: Stage) -> ngap.UEContextReleaseRequest:
    amf_id, ran_id = stage.victim
    return ngap.UEContextReleaseRequest(
        amf_ue_ngap_id=amf_id, ran_ue_ngap_id=ran_id, cause=("radioNetwork", "user-inactivity")
    )


def path_switch(stage: Stage, transfer: bytes = b"\0") -> ngap.PathSwitchRequest:
    """Of the bystander, for a session that it does not have, with security capabilities bid down to nothing."""
    return ngap.PathSwitchRequest(
        ran_ue_ngap_id=0xB000_0001,
        source_amf_ue_ngap_id=stage.victim[0],
        user_location_information=stage.gnb.location,
        ue_security_capabilities=ngap.UESecurityCapabilities(
            nr_encryption_algorithms=(0, 16),
            nr_integrity_protection_algorithms=(0, 16),
            eutra_encryption_algorithms=(0, 16),
            eutra_integrity_protection_algorithms=(0, 16),
        ),
        pdu_session_resource_to_be_switched_dl_list=[
            ngap.PDUSessionResourceToBeSwitchedDLItem(
                pdu_session_id=1 if transfer != b"\0" else 9, path_switch_request_transfer=transfer
            )
        ],
    )


def malformed_first_messages(stage: Stage) -> Made:
    """300 registrations cut short or with one bit turned, the same ones each time."""
    good = nas.encode(stage.registration())
    chance = random.Random(54)
    made: list[ngap.Pdu] = []
    for n in range(300):
        octets = bytearray(good[: chance.randrange(1, len(good))] if n % 2 else good)
        octets[chance.randrange(len(octets))] ^= 1 << chance.randrange(8)
        made.append(stage.first(bytes(octets)))
    return made


def release_response(stage: Stage) -> Made:
    amf_id, ran_id = stage.victim
    item = ngap.PDUSessionResourceReleasedItemRelRes(
        pdu_session_id=1, pdu_session_resource_release_response_transfer=b""
    )
    return [
        ngap.PDUSessionResourceReleaseResponse(
            amf_ue_ngap_id=amf_id, ran_ue_ngap_id=ran_id, pdu_session_resource_released_list_rel_res=[item]
        )
    ]


TOLD = (ngap.ErrorIndication,)
ROWS = (
    Row(
        "dev_035_no_ngap",
        "'Hello!' on an association (TS 38.413 §10.2)",
        lambda stage: [b"Hello!", b"\0"],
        TOLD,
        advised=True,
    ),
    Row(
        "dev_037_plmn_of_two_and_of_four_octets",
        "NG SETUP REQUEST whose PLMN has another length (TS 38.413 §8.7.1.4, §10.2)",
        plmn_of_another_length,
        (ngap.NGSetupFailure, ngap.ErrorIndication),
        advised=True,
    ),
    Row(
        "dev_038_as_many_tracking_areas_as_there_can_be",
        "NG SETUP REQUEST of 256 tracking areas with 12 PLMNs each (TS 38.413 §9.2.6.1)",
        as_many_areas_as_there_can_be,
        (ngap.NGSetupResponse, ngap.NGSetupFailure),
    ),
    Row(
        "dev_039_amf_ue_ngap_id_too_large",
        "An AMF UE NGAP ID of 2^40 (TS 38.413 §9.3.3.1, §10.2)",
        identity_too_large,
        TOLD,
        advised=True,
    ),
    Row(
        "dev_040_messages_of_an_unknown_ue",
        "Messages with an AMF UE NGAP ID that nobody has (TS 38.413 §10.6)",
        of_an_unknown_ue,
        TOLD,
    ),
    Row(
        "dev_041_error_indication_without_cause",
        "ERROR INDICATION without a cause is never answered in kind (TS 38.413 §8.7.5, §10.5)",
        lambda stage: [ngap.ErrorIndication()],
        never=TOLD,
    ),
    Row(
        "dev_042_configuration_transfer_to_nobody",
        "UPLINK RAN CONFIGURATION TRANSFER without a target (TS 38.413 §8.8.1, §10.3.4)",
        lambda stage: [ngap.UplinkRANConfigurationTransfer()],
    ),
    Row(
        "dev_043_handover_acknowledged_that_nobody_asked_for",
        "HANDOVER REQUEST ACKNOWLEDGE without a handover, whole and without its container (TS 38.413 §8.4.2, §10.4)",
        lambda stage: [
            acknowledge(stage),
            spoil.without(acknowledge(stage), "TargetToSource-TransparentContainer"),
        ],
        never=(ngap.HandoverCommand,),
    ),
    Row(
        "dev_044_location_report_without_identity",
        "LOCATION REPORT without its RAN UE NGAP ID, a failure of nobody (TS 38.413 §8.12.2, §8.12.3, §10.3.5, §10.6)",
        location_reports,
        TOLD,
        advised=True,
    ),
    Row(
        "dev_046_reset_of_a_ue_of_another_gnb",
        "A partial NG RESET that names another gNB's UE is acknowledged and touches it not (TS 38.413 §8.7.4.2.2)",
        partial_reset,
        (ngap.NGResetAcknowledge,),
    ),
    Row(
        "dev_047_release_of_a_ue_of_another_gnb",
        "UE CONTEXT RELEASE REQUEST for another gNB's UE (TS 38.413 §8.3.2, §10.6)",
        lambda stage: [release_request(stage)],
        TOLD,
    ),
    Row(
        "dev_048_nas_of_a_ue_of_another_gnb",
        "UPLINK NAS TRANSPORT with another gNB's UE identities (TS 38.413 §8.6.3, §10.6)",
        lambda stage: [uplink(stage, *stage.victim)],
        TOLD,
    ),
    Row(
        "dev_050_053_path_switch_of_a_session_that_is_none",
        "PATH SWITCH REQUEST of nothing, capabilities bid down, twice (TS 38.413 §8.4.4.3, TS 33.501 §6.7.3.1)",
        lambda stage: [path_switch(stage), path_switch(stage)],
        (SWITCH, ngap.ErrorIndication),
    ),
    Row(
        "dev_051_path_switch_without_a_location",
        "PATH SWITCH REQUEST that lacks where the UE is (TS 38.413 §8.4.4.3, §10.3.5)",
        lambda stage: [spoil.without(path_switch(stage), "UserLocationInformation")],
        (SWITCH, ngap.ErrorIndication),
    ),
    Row(
        "dev_052_path_switch_without_a_tunnel",
        "PATH SWITCH REQUEST whose transfer names no tunnel (TS 38.413 §8.4.4.3, §9.3.4.8)",
        lambda stage: [path_switch(stage, b"\xff")],
        (SWITCH, ngap.ErrorIndication),
    ),
    Row(
        "dev_054_malformed_first_messages",
        "300 INITIAL UE MESSAGES whose NAS is spoilt (TS 24.501 §7.1, TS 38.413 §8.6.1)",
        malformed_first_messages,
        never=(ngap.InitialContextSetupRequest,),
    ),
    Row(
        "dev_055_message_of_forty_thousand_octets",
        "A user message of 40,000 octets (TS 38.413 §10.2, TS 38.412 §7)",
        lambda stage: [b"\0\x0f\x40\xc2" + b"\0" * 40_000],
    ),
    Row(
        "dev_059_release_response_that_nobody_asked_for",
        "PDU SESSION RESOURCE RELEASE RESPONSE of another gNB's UE (TS 38.413 §8.2.2, §10.4, §10.6)",
        release_response,
    ),
)


def _name(sent: ngap.Pdu | bytes) -> str:
    return f"the message of {len(sent)} octets" if isinstance(sent, bytes) else type(sent).__name__


def played(row: Row) -> Play:
    """A scenario of a row."""

    async def play(bench: Bench) -> None:
        async with stage(bench) as on:
            for sent in row.make(on):
                before = sum(len(bench.heard(kind, on.gnb)) for kind in row.wanted)
                on.send(sent)
                if row.advised:
                    await bench.settled()
                elif row.wanted:
                    await bench.until(
                        lambda before=before: (
                            on.gnb.n2.association is None  # type: ignore[misc]
                            or sum(len(bench.heard(kind, on.gnb)) for kind in row.wanted) > before
                        ),
                        f"{_name(sent)} is answered by {' or '.join(kind.__name__ for kind in row.wanted)}, or the "
                        "association is ended",
                    )
            for kind in row.never:
                await bench.quiet_of(kind, on.gnb)

    play.__name__ = row.name
    play.__doc__ = row.title + "; a bystander does not notice."
    return play


for _row in ROWS:
    scenario("negative", needs=("ten subscribers",))(played(_row))


@scenario("negative", needs=("ten subscribers",))
async def dev_036_release_complete_before_ng_setup(bench: Bench) -> None:
    """UE CONTEXT RELEASE COMPLETE of another gNB's UE as the first message (TS 38.413 §8.7.1.1, §10.4)."""
    async with stage(bench) as on:
        stranger = bench.unattached_gnb()
        stranger.start(set_up=False)
        await bench.associated(stranger)
        amf_id, ran_id = on.victim
        stranger.station.send(ngap.UEContextReleaseComplete(amf_ue_ngap_id=amf_id, ran_ue_ngap_id=ran_id))
        stranger.station.send(uplink(on, amf_id, ran_id))
        await bench.succeeds(stranger.set_up(), "NG Setup afterwards")


@scenario("negative", needs=("ten subscribers",))
async def dev_057_short_associations(bench: Bench) -> None:
    """Twenty associations that each send one octet and end (TS 38.412 §7, RFC 9260 §9.1)."""
    async with stage(bench) as on:
        stranger = bench.unattached_gnb()
        stranger.start(set_up=False)
        for _ in range(20):
            await bench.associated(stranger)
            stranger.station.send(b"\0")
            await bench.until(lambda: stranger.n2.association is not None, "the association is there")
            association = check.present(stranger.n2.association, "the association")
            association.abort("short")
            await bench.until(lambda: stranger.n2.association is not None, "the next association")
        await bench.alive(on.home)
