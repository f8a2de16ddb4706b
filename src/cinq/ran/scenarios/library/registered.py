"""What a registered UE may ask for and be told: DRX, payloads of NAS transport, service requests, a new 5G-GUTI."""

from __future__ import annotations

from cinq.ran.scenarios import check
from cinq.ran.scenarios.bench import Bench
from cinq.ran.scenarios.scenario import scenario
from cinq.ran.ue import Ue
from cinq.ran.ue.settings import RegistrationSettings
from cinq.wire import nas, ngap
from cinq.wire.nas import GmmCause, PayloadContainerType, RegistrationKind, ServiceType


@scenario("registration")
async def drx_is_negotiated(bench: Bench) -> None:
    """A UE that asks for a DRX cycle is told the one that it has (TS 24.501 §5.5.1.2.4, §9.11.3.2A)."""
    ue = await bench.registered(registration=RegistrationSettings(drx="64"))
    accept = await bench.hears(nas.RegistrationAccept, ue)
    check.present(accept.negotiated_drx_parameters, "the negotiated DRX parameters")


@scenario("registration", within=60.0)
async def a_session_before_registration_complete(bench: Bench) -> None:
    """A phone whose REGISTRATION COMPLETE got lost gets its session, at once or when it has completed again.

    TS 24.501 §5.5.1.2.4, §5.5.1.2.8 c), §5.4.5.2.3.
    """
    gnb = await bench.gnb()
    ue = bench.ue(gnb, sessions=(bench.session(),))
    with ue.station.drop(nas.RegistrationComplete, times=1):
        await bench.succeeds(ue.register(), "registration")
        await bench.succeeds(ue.establish_session(), "PDU session")


@scenario("idle")
async def service_request_while_connected(bench: Bench) -> None:
    """A connected UE asks for service as well: it is accepted (TS 24.501 §5.6.1.1, TS 23.502 §4.2.3.1)."""
    ue = await bench.registered()
    guti = check.present(ue.context.guti, "the 5G-GUTI")
    ksi = ue.security.ng_ksi
    request = nas.ServiceRequest(ng_ksi=ksi, service_type=ServiceType.SIGNALLING, s_tmsi=guti.s_tmsi)
    ue.station.send(nas.encode(request))
    await bench.hears(nas.ServiceAccept, ue)
    await goes_on(bench, ue)


@scenario("registration")
async def payloads_of_every_type(bench: Bench) -> None:
    """Payloads of UL NAS TRANSPORT that this core may have nobody for harm nothing (TS 24.501 §5.4.5.2.5 b) to k))."""
    ue = await bench.registered()
    for kind in PayloadContainerType:
        if kind not in (PayloadContainerType.N1_SM_INFORMATION, PayloadContainerType.MULTIPLE_PAYLOADS):
            message = nas.ULNASTransport(payload_container_type=kind, payload_container=b"\1\2\3")
            ue.station.send(nas.encode(message))
    await goes_on(bench, ue)


@scenario("registration")
async def several_payloads_in_one_message(bench: Bench) -> None:
    """Each entry is handled by its type: a 5GSM message for no session comes back (TS 24.501 §5.4.5.2.3 k))."""
    ue = await bench.registered()
    release = nas.PDUSessionReleaseRequest(pdu_session_id=9, pti=9)
    entries = [
        nas.Payload(PayloadContainerType.SMS, b"\1\2\3"),
        nas.Payload(PayloadContainerType.N1_SM_INFORMATION, nas.encode(release), pdu_session_id=9),
    ]
    several = PayloadContainerType.MULTIPLE_PAYLOADS
    octets = nas.payloads_octets(entries)
    ue.station.send(nas.encode(nas.ULNASTransport(payload_container_type=several, payload_container=octets)))
    back = await bench.hears(nas.DLNASTransport, ue)
    check.equal(back.cause, GmmCause.PAYLOAD_WAS_NOT_FORWARDED, "the 5GMM cause")
    await goes_on(bench, ue)


@scenario("idle", needs=("policy_change",), within=60.0)
async def a_new_guti_after_paging(bench: Bench) -> None:
    """The 5G-GUTI that was paged is replaced (TS 33.501 §6.12.3, TS 24.501 §5.4.4.1)."""
    gnb = await bench.gnb()
    ue = await bench.registered(gnb, sessions=(bench.session(),))
    await bench.succeeds(ue.establish_session(), "PDU session")
    paged = ue.context.guti
    await bench.released(ue)
    imsi = ue.settings.imsi
    await bench.turn("policy_change", supi=f"imsi-{imsi}", imsi=imsi, uplink="33 Mbps", downlink="44 Mbps")
    try:
        await bench.hears(ngap.Paging, gnb)
    except check.Failed:  # what becomes of an idle UE's policy another scenario asks
        raise check.NotApplicable("a knob that has an idle UE paged") from None
    await bench.until(lambda: ue.context.guti != paged, "the UE has another 5G-GUTI")


async def goes_on(bench: Bench, ue: Ue) -> None:
    await bench.succeeds(ue.register(RegistrationKind.MOBILITY), "registration update afterwards")
