"""PDU sessions, TS 24.501 §6.4, TS 23.502 §4.3."""

from __future__ import annotations

from cinq.numbering import SNssai
from cinq.ran.scenarios import check
from cinq.ran.scenarios.bench import Bench
from cinq.ran.scenarios.scenario import scenario
from cinq.wire import nas, ngap
from cinq.wire.nas import GmmCause, GsmCause, PduSessionType


@scenario("session")
async def session_establishment(bench: Bench) -> None:
    """A PDU session of IPv4 gets an address, a default QoS rule, AMBR and the DNN back.

    TS 24.501 §6.4.1.3, TS 23.502 §4.3.2.2.1.
    """
    ue = await bench.registered(sessions=(bench.session(),))
    await bench.succeeds(ue.establish_session(), "PDU session")
    accept = await bench.hears(nas.PDUSessionEstablishmentAccept, ue)
    check.equal(accept.selected_pdu_session_type, PduSessionType.IPV4, "the session type")
    check.present(accept.pdu_address, "the PDU address")
    check.that(any(rule.default for rule in accept.authorized_qos_rules), "there is a default QoS rule")
    check.that(accept.session_ambr is not None, "there is a session AMBR")


@scenario("session")
async def session_resources_at_the_gnb(bench: Bench) -> None:
    """The gNB is asked for resources with a tunnel to the UPF and the QoS flow of the default rule.

    TS 38.413 §8.2.1, §9.3.4.1.
    """
    gnb = await bench.gnb()
    ue = await bench.registered(gnb, sessions=(bench.session(),))
    await bench.succeeds(ue.establish_session(), "PDU session")
    accept = await bench.hears(nas.PDUSessionEstablishmentAccept, ue)
    transfers = [
        ngap.decode_value(
            ngap.PDUSessionResourceSetupRequestTransfer, item.pdu_session_resource_setup_request_transfer
        )
        for request in bench.heard(ngap.PDUSessionResourceSetupRequest, gnb)
        for item in request.pdu_session_resource_setup_list_su_req
    ]
    check.equal(len(transfers), 1, "transfers of session resources")
    flows = {flow.qos_flow_identifier for flow in transfers[0].qos_flow_setup_request_list}
    rules = {rule.qfi for rule in accept.authorized_qos_rules}
    check.that(rules <= flows, "every QoS rule has its flow at the gNB")


@scenario("session")
async def session_release_by_the_ue(bench: Bench) -> None:
    """A session that the UE releases is commanded to end, completed, and its resources go.

    TS 24.501 §6.4.3, TS 23.502 §4.3.4.2.
    """
    gnb = await bench.gnb()
    ue = await bench.registered(gnb, sessions=(bench.session(),))
    await bench.succeeds(ue.establish_session(), "PDU session")
    await bench.succeeds(ue.release_session(1), "release")
    await bench.hears(nas.PDUSessionReleaseCommand, ue)
    check.equal(len(ue.sessions), 0, "sessions left")


@scenario("session")
async def session_again_after_release(bench: Bench) -> None:
    """The same identity can be used again after a release (TS 24.501 §6.4.1.2, TS 23.502 §4.3.4.2)."""
    ue = await bench.registered(sessions=(bench.session(),))
    for _ in range(3):
        await bench.succeeds(ue.establish_session(), "PDU session")
        await bench.succeeds(ue.release_session(1), "release")


@scenario("session")
async def session_without_dnn(bench: Bench) -> None:
    """Without a DNN the network takes the subscriber's default (TS 23.501 §5.6.1, TS 24.501 §5.4.5.2.3)."""
    ue = await bench.registered(sessions=(bench.session(dnn=""),))
    await bench.succeeds(ue.establish_session(), "PDU session without a DNN")
    accept = await bench.hears(nas.PDUSessionEstablishmentAccept, ue)
    check.present(accept.dnn, "the DNN")


@scenario("session")
async def session_of_an_unknown_dnn(bench: Bench) -> None:
    """A DNN that the subscriber does not have is refused: 5GMM #91, 5GSM #27 or #70.

    TS 24.501 §5.4.5.2.5, §6.4.1.4.
    """
    ue = await bench.registered(sessions=(bench.session(dnn="nowhere"),))
    await bench.refused(ue.establish_session(), "a session of an unknown DNN")
    answers = [m.cause for m in bench.heard(nas.DLNASTransport, ue) if m.cause is not None]
    rejects = [m.cause for m in bench.heard(nas.PDUSessionEstablishmentReject, ue)]
    wanted = (
        GmmCause.DNN_NOT_SUPPORTED_OR_NOT_SUBSCRIBED_IN_THE_SLICE,
        GmmCause.PAYLOAD_WAS_NOT_FORWARDED,
        GsmCause.MISSING_OR_UNKNOWN_DNN,
        GsmCause.MISSING_OR_UNKNOWN_DNN_IN_A_SLICE,
    )
    check.that(bool(answers or rejects), "the refusal has a cause")
    check.each([*answers, *rejects], lambda cause: cause in wanted, "the cause is #90, #91, #27 or #70")


@scenario("session")
async def session_in_a_slice_that_is_not_allowed(bench: Bench) -> None:
    """A slice that is not in the allowed NSSAI has no sessions (TS 24.501 §5.4.5.2.5, TS 23.501 §5.15.5.3)."""
    ue = await bench.registered(sessions=(bench.session(s_nssai=SNssai(201, 0x00ABCD)),))
    await bench.refused(ue.establish_session(), "a session in a slice that is not allowed")


@scenario("session")
async def two_sessions_of_one_ue(bench: Bench) -> None:
    """Two sessions of one UE have different addresses and stand side by side (TS 23.501 §5.6.1)."""
    ue = await bench.registered(sessions=(bench.session(), bench.session()))
    first = await bench.succeeds(ue.establish_session(0), "first PDU session")
    second = await bench.succeeds(ue.establish_session(1), "second PDU session")
    check.that(first.context.address != second.context.address, "the addresses differ")
    await bench.succeeds(ue.release_session(1), "release of the first")
    check.that(2 in ue.sessions, "the second session is still there")


@scenario("session")
async def fifteen_sessions_at_once(bench: Bench) -> None:
    """Fifteen sessions of one UE, asked for without waiting: each gets its address and its resources.

    TS 23.501 §5.6.1, TS 38.413 §8.2.1.
    """
    gnb = await bench.gnb()
    ue = await bench.registered(gnb, sessions=tuple(bench.session() for _ in range(15)))
    sessions = await bench.all(
        *(bench.succeeds(ue.establish_session(i), f"PDU session {i + 1}") for i in range(15))
    )
    check.equal(len({session.context.address for session in sessions}), 15, "different addresses")
    await bench.until(
        lambda: all(s.context.bearer for s in ue.sessions.values()), "every session has its bearer"
    )
    await bench.quiet_of(ngap.ErrorIndication, gnb)


@scenario("session")
async def fifteen_releases_at_once(bench: Bench) -> None:
    """Fifteen sessions released without waiting: each ends at the UE and at the gNB.

    TS 24.501 §6.4.3, TS 38.413 §8.2.2.
    """
    gnb = await bench.gnb()
    ue = await bench.registered(gnb, sessions=tuple(bench.session() for _ in range(15)))
    for i in range(15):
        await bench.succeeds(ue.establish_session(i), f"PDU session {i + 1}")
    await bench.all(*(bench.succeeds(ue.release_session(i + 1), f"release of {i + 1}") for i in range(15)))
    check.equal(len(ue.sessions), 0, "sessions left")
    await bench.quiet_of(ngap.ErrorIndication, gnb)


@scenario("session")
async def deregistration_ends_sessions(bench: Bench) -> None:
    """Sessions end with the registration; after the next one the address can be given again.

    TS 23.502 §4.2.2.3.2.
    """
    ue = await bench.registered(sessions=(bench.session(),))
    await bench.succeeds(ue.establish_session(), "PDU session")
    await bench.succeeds(ue.deregister(), "deregistration")
    await bench.succeeds(ue.register(), "registration")
    await bench.succeeds(ue.establish_session(), "PDU session of the same identity")


@scenario("session")
async def session_with_dns(bench: Bench) -> None:
    """A UE that asks for DNS servers and an MTU in its protocol options gets them.

    TS 24.501 §6.2.7, TS 24.008 §10.5.6.3.
    """
    ue = await bench.registered(sessions=(bench.session(),))
    await bench.succeeds(ue.establish_session(), "PDU session")
    accept = await bench.hears(nas.PDUSessionEstablishmentAccept, ue)
    options = check.present(accept.extended_pco, "the protocol configuration options")
    check.that(any(i == nas.EPCO_DNS_SERVER_IPV4 for i, _ in options), "there is a DNS server")


@scenario("session")
async def unknown_session_type_is_narrowed(bench: Bench) -> None:
    """A UE that asks for IPv4v6 where only IPv4 is served gets IPv4 with #50, or both (TS 24.501 §6.4.1.3)."""
    ue = await bench.registered(sessions=(bench.session(kind="IPv4v6"),))
    await bench.succeeds(ue.establish_session(), "PDU session of IPv4v6")
    accept = await bench.hears(nas.PDUSessionEstablishmentAccept, ue)
    if accept.selected_pdu_session_type == PduSessionType.IPV4:
        check.equal(accept.cause, GsmCause.PDU_SESSION_TYPE_IPV4_ONLY_ALLOWED, "the 5GSM cause")
    else:
        check.equal(accept.selected_pdu_session_type, PduSessionType.IPV4V6, "the session type")


@scenario("session")
async def ipv6_session(bench: Bench) -> None:
    """A session of IPv6 gives the UE an interface identifier; #50 where IPv6 is not served.

    TS 23.501 §5.8.2.2, TS 24.501 §6.4.1.3, §9.11.4.10.
    """
    gnb = await bench.gnb()
    ue = await bench.registered(gnb, sessions=(bench.session(kind="IPv6"),))
    ue.initiate(lambda: bench.forgiven(ue.establish_session()), "PDU session of IPv6")
    kinds = (nas.PDUSessionEstablishmentAccept, nas.PDUSessionEstablishmentReject)
    answer: nas.NasMessage = await bench.hears_one_of(kinds, ue)
    if isinstance(answer, nas.PDUSessionEstablishmentReject):
        check.equal(answer.cause, GsmCause.PDU_SESSION_TYPE_IPV4_ONLY_ALLOWED, "the 5GSM cause")
        return
    assert isinstance(answer, nas.PDUSessionEstablishmentAccept)
    check.equal(answer.selected_pdu_session_type, PduSessionType.IPV6, "the session type")
    address = check.present(answer.pdu_address, "the PDU address")
    check.that(address.ipv4 is None, "there is no IPv4 address")
    check.that(any(address.interface_identifier or b""), "the interface identifier is not 0")


@scenario("session")
async def resources_that_the_gnb_refuses(bench: Bench) -> None:
    """A session for which the gNB has no resources harms no other session of the UE (TS 38.413 §8.2.1.2)."""
    gnb = await bench.gnb()
    ue = await bench.registered(gnb, sessions=(bench.session(), bench.session()))
    await bench.succeeds(ue.establish_session(0), "first PDU session")
    with gnb.station.change(ngap.PDUSessionResourceSetupResponse, _without_resources, times=1):
        ue.initiate(lambda: bench.forgiven(ue.establish_session(1)), "second PDU session")
        await bench.hears(ngap.PDUSessionResourceSetupRequest, gnb, where=lambda r: _names(r, 2))
    await bench.quiet_of(ngap.ErrorIndication, gnb)
    check.that(ue.sessions[1].context.bearer, "the first session still has its bearer")
    await bench.succeeds(ue.release_session(1), "release of the first session")


def _names(request: ngap.PDUSessionResourceSetupRequest, pdu_session_id: int) -> bool:
    return any(i.pdu_session_id == pdu_session_id for i in request.pdu_session_resource_setup_list_su_req)


def _without_resources(response: ngap.PDUSessionResourceSetupResponse) -> list[ngap.Pdu]:
    """The response of a gNB that has no radio resources for any session of the request."""
    cause: ngap.Cause = ("radioNetwork", "radio-resources-not-available")
    transfer = ngap.encode_value(ngap.PDUSessionResourceSetupUnsuccessfulTransfer(cause=cause))
    failed = [
        ngap.PDUSessionResourceFailedToSetupItemSURes(
            pdu_session_id=item.pdu_session_id, pdu_session_resource_setup_unsuccessful_transfer=transfer
        )
        for item in response.pdu_session_resource_setup_list_su_res or ()
    ]
    return [
        ngap.PDUSessionResourceSetupResponse(
            amf_ue_ngap_id=response.amf_ue_ngap_id,
            ran_ue_ngap_id=response.ran_ue_ngap_id,
            pdu_session_resource_failed_to_setup_list_su_res=failed,
        )
    ]
