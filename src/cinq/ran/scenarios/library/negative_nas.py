"""What a UE may not say: N1 cases DEV-001 to DEV-034 of the list of negative cases, beside a bystander.

First messages are rows of a table; what is said later, or under valid security, is a coroutine each. DEV-031 and 034
stand in the chapters of registration and security.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from cinq.numbering import AmfId, Guti, Suci
from cinq.ran.scenarios import check
from cinq.ran.scenarios.bench import Bench
from cinq.ran.scenarios.scenario import Play, scenario
from cinq.ran.scenarios.stage import Stage, stage
from cinq.ran.ue import Ue
from cinq.ran.ue.security import Envelope
from cinq.wire import nas, ngap
from cinq.wire.nas import GmmCause

NEEDS = ("ten subscribers",)
REJECTS = (nas.RegistrationReject, nas.AuthenticationReject, nas.ServiceReject)
AUTHENTICATED = (nas.AuthenticationRequest, nas.SecurityModeCommand, nas.RegistrationAccept)


class First(NamedTuple):
    """make: first NAS PDUs. refused: each is answered by a reject. Never is anything of `AUTHENTICATED` the answer."""

    name: str
    title: str
    make: Callable[[Stage], Sequence[bytes]]
    refused: bool = False


def protected_and_short(stage: Stage) -> list[bytes]:
    return [bytes.fromhex("7e02aabbccdd00")[:size] for size in range(1, 8)]


def short_identities(stage: Stage) -> list[bytes]:
    made = []
    for kind in (1, 2, 4):
        for size in (0, 1, 3):
            identity = bytes((kind, 0x99, 0xF9))[:size]
            made.append(bytes.fromhex("7e004179") + size.to_bytes(2, "big") + identity + b"\x2e\x02\xf0\xf0")
    return made


def msin_of_forty_digits(stage: Stage) -> list[bytes]:
    identity = b"\x01" + stage.bench.target.core.plmn.octets + b"\xf0\xff\0\0" + b"\x11" * 20
    header = bytes.fromhex("7e004179") + len(identity).to_bytes(2, "big")
    return [header + identity + b"\x2e\x02\xf0\xf0"]


def wrong_sucis(stage: Stage) -> list[bytes]:
    """Key identifiers that are not provisioned, a point that is not on the curve, a tag that does not hold."""
    plmn = stage.bench.target.core.plmn
    sucis = (
        Suci(plmn, "0", 1, 77, b"\x01" * 45),
        Suci(plmn, "0", 1, 0, b"\x01" * 45),
        Suci(plmn, "0", 2, 2, b"\x05" + b"\xff" * 50),
        Suci(plmn, "0", 1, 1, b"\x09" + b"\0" * 44),
    )
    return [nas.encode(stage.registration(mobile_identity=suci)) for suci in sucis]


def farewells(stage: Stage) -> list[bytes]:
    """DEREGISTRATION REQUEST with the bystander's 5G-GUTI: in clear, and behind each header with a MAC of chance."""
    plain = nas.encode(
        nas.DeregistrationRequestUEOriginating(
            deregistration_type=nas.DeregistrationType(switch_off=True),
            ng_ksi=stage.bystander.security.ng_ksi,
            mobile_identity=check.present(stage.bystander.context.guti, "the 5G-GUTI"),
        )
    )
    return [plain, *(bytes((0x7E, header)) + b"\xde\xad\xbe\xef\x01" + plain for header in (1, 2, 3, 4))]


def not_first(stage: Stage) -> list[bytes]:
    """In clear, and as if protected with a MAC of zeros."""
    messages = (
        nas.IdentityResponse(mobile_identity=stage.suci(stage.bench.unknown_imsi())),
        nas.AuthenticationResponse(res=bytes(16)),
        nas.SecurityModeComplete(),
        nas.RegistrationComplete(),
        nas.FiveGMMStatus(cause=111),
        nas.ULNASTransport(payload_container_type=1, payload_container=b"\x2e\x01\x01\xc1"),
        nas.RegistrationAccept(registration_result=nas.RegistrationResult()),
    )
    plain = [nas.encode(message) for message in messages]
    return [*plain, *(b"\x7e\x02" + bytes(5) + octets for octets in plain)]


ROWS = (
    First(
        "dev_001_empty_nas_pdu", "An empty NAS PDU (TS 24.501 §7.2.1, TS 38.413 §10.4)", lambda stage: [b""]
    ),
    First(
        "dev_002_protected_header_without_content",
        "A security header of 1 to 7 octets with nothing behind it (TS 24.501 §7.2.1, §9.1.1)",
        protected_and_short,
    ),
    First(
        "dev_003_short_mobile_identity",
        "Mobile identities of 0, 1 and 3 octets (TS 24.501 §7.5.1, §9.11.3.4)",
        short_identities,
    ),
    First(
        "dev_004_msin_of_forty_digits",
        "A SUCI of the null scheme with an MSIN of 40 digits (TS 24.501 §9.11.3.4, TS 23.003 §2.2B)",
        msin_of_forty_digits,
        refused=True,
    ),
    First(
        "dev_005_006_007_wrong_sucis",
        "SUCIs that cannot be deconcealed get one answer, whatever is wrong (TS 33.501 §6.12.2, §C.3)",
        wrong_sucis,
        refused=True,
    ),
    First(
        "dev_010_011_farewell_of_another",
        "DEREGISTRATION REQUEST with another's 5G-GUTI, forged or in clear (TS 24.501 §4.4.4.3)",
        farewells,
    ),
    First(
        "dev_012_013_015_017_what_may_not_come_first",
        "Messages that begin nothing as the first of a connection (TS 24.501 §4.4.4.3, §5.3.1.1)",
        not_first,
    ),
    First(
        "dev_020_no_security_capability",
        "REGISTRATION REQUEST without the UE security capability (TS 24.501 §5.5.1.2.2, §8.2.6.4)",
        lambda stage: [nas.encode(stage.registration(ue_security_capability=None))],
        refused=True,
    ),
)


def played(row: First) -> Play:
    """A scenario of a row."""

    async def play(bench: Bench) -> None:
        async with stage(bench) as on:
            first_messages = [on.first(octets) for octets in row.make(on)]
            for message in first_messages:
                on.send(message)
            if row.refused:
                wanted = len(first_messages)
                await rejected(bench, on, wanted)
            await asyncio.sleep(1)
            wrong = [m.NAME for m in on.answers() if isinstance(m, AUTHENTICATED)]
            check.equal(wrong, [], "messages to who proved nothing")
            if row.name.startswith("dev_005"):
                causes = {getattr(m, "cause", None) for m in on.answers()}
                check.equal(len(causes), 1, "different causes")

    play.__name__ = row.name
    play.__doc__ = row.title + "; a bystander does not notice."
    return play


async def rejected(bench: Bench, on: Stage, wanted: int) -> None:
    """So many first messages were answered by a reject."""

    def rejects() -> int:
        return sum(isinstance(m, REJECTS) for m in on.answers())

    try:
        await bench.until(lambda: rejects() >= wanted, "rejects")
    except check.Failed:
        raise check.Failed(f"rejects of {wanted} messages: found {rejects()}") from None


for _row in ROWS:
    scenario("negative", needs=NEEDS)(played(_row))


async def still_served(bench: Bench, ue: Ue) -> None:
    await bench.succeeds(ue.register(nas.RegistrationKind.MOBILITY), "registration update of the UE itself")


@scenario("negative", needs=NEEDS)
async def dev_001_002_021_no_nas_under_way(bench: Bench) -> None:
    """No octets, a bare security header and an unknown discriminator on a UE's connection (TS 24.501 §7.2.1, §9.2)."""
    async with stage(bench) as on:
        ue = await bench.registered(on.gnb)
        for octets in (b"", b"\x7e", b"\x7e\x02\xaa", b"\x7e\x02\xaa\xbb\xcc\xdd\0", b"\0\0\x5c\0\1\1"):
            ue.station.send_pdu(octets)
        await asyncio.sleep(1)
        check.that(ue.context.registered, "the UE is registered")
        await still_served(bench, ue)


@scenario("negative", needs=NEEDS)
async def dev_008_replayed_security_mode_complete(bench: Bench) -> None:
    """A SECURITY MODE COMPLETE once more is discarded and not answered (TS 33.501 §6.4.3.2, TS 24.501 §4.4.3.2)."""
    async with stage(bench) as on:
        ue = bench.ue(on.gnb)
        with ue.station.record() as record:
            await bench.succeeds(ue.register(), "registration")
            await bench.settled()
            complete = next(s for s in record.sent if isinstance(s.message, nas.SecurityModeComplete))
            heard = len(record.heard)
            ue.station.replay(complete)
            await asyncio.sleep(1)
            check.equal(len(record.heard), heard, "answers to the replay")
        await still_served(bench, ue)


@scenario("negative", needs=NEEDS)
async def dev_009_replayed_farewell(bench: Bench) -> None:
    """A DEREGISTRATION REQUEST of an earlier registration does nothing (TS 33.501 §6.4.3.2, TS 24.501 §4.4.4.3)."""
    async with stage(bench) as on:
        ue = await bench.registered(on.gnb)
        with ue.station.record() as record:
            await bench.succeeds(ue.deregister(), "deregistration")
            farewell = next(
                s for s in record.sent if isinstance(s.message, nas.DeregistrationRequestUEOriginating)
            )
        await bench.succeeds(ue.register(), "registration anew")
        ue.station.replay(farewell)
        on.send(on.first(farewell.octets))
        await asyncio.sleep(1)
        await still_served(bench, ue)


@scenario("negative", needs=NEEDS)
async def dev_014_service_request_in_the_container_of_a_registration(bench: Bench) -> None:
    """SECURITY MODE COMPLETE that carries a SERVICE REQUEST while a UE registers: no service is granted on it.

    TS 24.501 §4.4.6, §5.4.2.4.
    """
    async with stage(bench) as on:
        ue = bench.ue(on.gnb)
        plmn = bench.target.core.plmn
        other = nas.ServiceRequest(
            ng_ksi=nas.NgKsi(0), service_type=1, s_tmsi=Guti(plmn, AmfId(1, 1, 0), 1).s_tmsi
        )

        def changed(complete: nas.SecurityModeComplete) -> list[nas.NasMessage]:
            return [complete.replace(nas_message_container=nas.encode(other))]

        with ue.station.change(nas.SecurityModeComplete, changed):
            await bench.forgiven(ue.register(attempts=1))
            await bench.hears(nas.SecurityModeCommand, ue)
        check.equal(len(bench.heard(nas.ServiceAccept, ue)), 0, "SERVICE ACCEPTs")


async def authenticating(
    bench: Bench, answer: Callable[[nas.NasMessage], list[nas.NasMessage]], limit: int
) -> None:
    """A UE that answers every challenge so is not registered, and is challenged at most so often."""
    async with stage(bench) as on:
        ue = bench.ue(on.gnb)
        with ue.station.change(nas.AuthenticationResponse, answer):
            await bench.forgiven(ue.register(attempts=1))
        check.equal(len(bench.heard(nas.RegistrationAccept, ue)), 0, "registrations")
        challenges = len(bench.heard(nas.AuthenticationRequest, ue))
        check.that(1 <= challenges <= limit, f"1 to {limit} challenges, found {challenges}")


@scenario("negative", needs=NEEDS)
async def dev_016_authentication_response_without_res(bench: Bench) -> None:
    """AUTHENTICATION RESPONSE without RES* (TS 24.501 §5.4.1.3.5)."""
    await authenticating(bench, lambda _: [nas.AuthenticationResponse()], 2)


@scenario("negative", needs=NEEDS)
async def dev_018_synchronisation_failure_again_and_again(bench: Bench) -> None:
    """AUTHENTICATION FAILURE #21 with an AUTS of chance for every challenge (TS 24.501 §5.4.1.3.7 f))."""
    failure = nas.AuthenticationFailure(cause=GmmCause.SYNCH_FAILURE, auts=bytes(range(14)))
    await authenticating(bench, lambda _: [failure], 3)


@scenario("negative", needs=NEEDS)
async def dev_019_mac_failure_fifty_times(bench: Bench) -> None:
    """Fifty AUTHENTICATION FAILURE #20 for every challenge (TS 24.501 §5.4.1.3.7 c))."""
    failure = nas.AuthenticationFailure(cause=GmmCause.MAC_FAILURE)
    await authenticating(bench, lambda _: [failure] * 50, 3)


@scenario("negative", needs=NEEDS)
async def dev_017_029_two_registrations_of_one_suci(bench: Bench) -> None:
    """A subscriber registers while strangers begin with the same SUCI, and is never rejected for their doing.

    TS 33.501 §6.1.3.2, TS 24.501 §5.4.1.3.5.
    """
    async with stage(bench) as on:
        ue = bench.ue(on.home)
        with ue.station.record() as record, ue.station.delay(nas.AuthenticationResponse, 1.0):
            ue.initiate(partial(ue.register, attempts=1), "registration")
            await bench.hears(nas.AuthenticationRequest, ue)
            request = next(s for s in record.sent if isinstance(s.message, nas.RegistrationRequest))
            for _ in range(20):
                on.send(on.first(request.octets))
                await asyncio.sleep(0.04)
            await bench.hears(nas.RegistrationAccept, ue)
        check.equal(len(bench.heard(nas.AuthenticationReject, ue)), 0, "rejects of the subscriber")
        await still_served(bench, ue)


@scenario("negative", needs=NEEDS)
async def dev_022_023_sessions_that_cannot_be(bench: Bench) -> None:
    """UL NAS TRANSPORT with PDU session identities 0, 16 and 255, and without a request type.

    TS 24.501 §5.4.5.2.5, §7.3.2.
    """
    request = b"\x2e\x01\x01\xc1\xff\xff\x91"
    async with stage(bench) as on:
        ue = await bench.registered(on.gnb)
        for number, kind in ((0, 1), (16, 1), (255, 1), (5, None)):
            message = nas.ULNASTransport(
                payload_container_type=1, payload_container=request, pdu_session_id=number, request_type=kind
            )
            ue.station.send(message)
        await asyncio.sleep(1)
        check.equal(len(bench.heard(nas.PDUSessionEstablishmentAccept, ue)), 0, "sessions")
        await still_served(bench, ue)


@scenario("negative", needs=NEEDS)
async def dev_024_025_026_027_broken_session_contents(bench: Bench) -> None:
    """Extended PCO cut short, a QoS rule longer than its element, flow descriptions of no octets, impossible DNNs.

    TS 24.501 §6.4.1.4, §6.4.2.4, §7.5.3, §7.7.1.
    """
    async with stage(bench) as on:
        ue = await bench.registered(on.gnb, sessions=(bench.session(),))
        await bench.succeeds(ue.establish_session(), "a session")
        for number, container, kind in (
            (5, "2e0501c1ffff91" + "7b0009800001ff", 1),
            (1, "2e0102c9" + "7a000601ff21310101", None),
            (1, "2e0103c9" + "790000", None),
        ):
            message = nas.ULNASTransport(
                payload_container_type=1,
                payload_container=bytes.fromhex(container),
                pdu_session_id=number,
                request_type=kind,
            )
            ue.station.send(message)
        for dnn in (b"", b"\x64" + b"a" * 100):
            octets = bytes.fromhex("7e0067010007" + "2e0601c1ffff91" + "1206" + "81" + "25")
            ue.station.send(octets + bytes((len(dnn),)) + dnn)
        await asyncio.sleep(1)
        check.equal(ue.active_sessions & {1}, frozenset({1}), "the session that there was")
        await still_served(bench, ue)


@scenario("negative", needs=NEEDS)
async def dev_028_two_establishments_of_one_session(bench: Bench) -> None:
    """A second establishment request of the same session before the answer (TS 24.501 §5.4.5.2.5, §6.4.1)."""
    async with stage(bench) as on:
        ue = await bench.registered(on.gnb, sessions=(bench.session(),))
        with ue.station.duplicate(nas.PDUSessionEstablishmentRequest, times=1):
            await bench.forgiven(ue.establish_session())
        await still_served(bench, ue)


@scenario("negative", needs=NEEDS)
async def dev_030_unknown_identity_and_type_zero(bench: Bench) -> None:
    """A 5G-GUTI that nobody has with registration type 0 leads to an identity request or a reject.

    TS 24.501 §5.4.3, §9.11.3.7.
    """
    async with stage(bench) as on:
        guti = check.present(on.bystander.context.guti, "a 5G-GUTI of the core")
        strange = Guti(guti.plmn, guti.amf, guti.tmsi ^ 0x55555555)
        request = bytearray(nas.encode(on.registration(mobile_identity=strange)))
        request[3] &= 0xF8  # registration type 0, reserved: read as initial registration
        on.send(on.first(bytes(request)))
        await bench.until(lambda: bool(on.answers()), "an answer")
        check.that(
            isinstance(on.answers()[0], nas.IdentityRequest | nas.RegistrationReject),
            "IDENTITY REQUEST or REGISTRATION REJECT",
        )


@scenario("negative", needs=NEEDS)
async def dev_032_emergency_opens_no_door(bench: Bench) -> None:
    """A plain DEREGISTRATION REQUEST and SERVICE REQUEST with RRC cause emergency (TS 24.501 §4.4.4.3)."""
    async with stage(bench) as on:
        guti = check.present(on.bystander.context.guti, "the 5G-GUTI")
        service = nas.ServiceRequest(
            ng_ksi=on.bystander.security.ng_ksi,
            service_type=nas.ServiceType.EMERGENCY_SERVICES,
            s_tmsi=guti.s_tmsi,
        )
        for octets in (farewells(on)[0], nas.encode(service)):
            on.send(on.first(octets, "emergency"))
        await asyncio.sleep(1)
        wrong = [m.NAME for m in on.answers() if isinstance(m, nas.ServiceAccept | nas.RegistrationAccept)]
        check.equal(wrong, [], "accepts")


@scenario("negative", needs=NEEDS)
async def dev_033_only_the_container_counts(bench: Bench) -> None:
    """A REGISTRATION REQUEST whose cleartext was changed on its way counts by its protected container alone.

    TS 24.501 §4.4.6, TS 33.501 §6.4.6.
    """
    async with stage(bench) as on:
        ue = bench.ue(on.gnb)

        def bid_down(message: ngap.InitialUEMessage) -> list[ngap.Pdu]:
            request = nas.decode(message.nas_pdu or b"")
            if isinstance(request, nas.RegistrationRequest):
                weak = nas.UeSecurityCapability.of((0,), (2,))
                message.nas_pdu = nas.encode(request.replace(ue_security_capability=weak))
            return [message]

        with on.gnb.station.change(ngap.InitialUEMessage, bid_down, times=1):
            await bench.forgiven(ue.register(attempts=1))
        check.equal(len(bench.heard(nas.RegistrationAccept, ue)), 0, "registrations under weakened security")


@scenario("negative", needs=NEEDS)
async def security_headers_out_of_place(bench: Bench) -> None:
    """A DEREGISTRATION REQUEST under security header types 3 and 4, its MAC right, is discarded (TS 24.501 §9.3)."""
    async with stage(bench) as on:
        ue = await bench.registered(on.gnb)
        leave = nas.DeregistrationRequestUEOriginating(
            deregistration_type=nas.DeregistrationType(switch_off=True),
            ng_ksi=ue.security.ng_ksi,
            mobile_identity=check.present(ue.context.guti, "the 5G-GUTI"),
        )
        for header in (3, 4):
            ue.station.send(leave, envelope=Envelope(header=header))
        await asyncio.sleep(1)
        await still_served(bench, ue)


@scenario("negative", needs=NEEDS)
async def messages_of_the_network_said_by_a_ue(bench: Bench) -> None:
    """A REGISTRATION ACCEPT from a UE is ignored, or gets 5GMM STATUS #97 (TS 24.501 §7.4)."""
    async with stage(bench) as on:
        ue = await bench.registered(on.gnb)
        ue.station.send(nas.RegistrationAccept(registration_result=nas.RegistrationResult()))
        await asyncio.sleep(1)
        for status in bench.heard(nas.FiveGMMStatus, ue):
            wanted = GmmCause.MESSAGE_TYPE_NON_EXISTENT_OR_NOT_IMPLEMENTED
            check.equal(status.cause, wanted, "the cause of 5GMM STATUS")
        await still_served(bench, ue)
