"""What a UE, its subscription and the settings make of a PDU session: TS 23.502 §4.3.2.2.1, TS 24.501 §6.4.1."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinq.nf.smf import DataNetwork
from cinq.nf.smf.pco import extended_pco, ipcp
from cinq.nf.smf.session import PduSession
from cinq.nf.smf.signals import SmContextCreated, SmContextResumed
from cinq.sbi.models import Ncgi, NrLocation, PlmnId, Snssai, SscMode, Tai, UpSecurity, UserLocation
from cinq.sbi.services.npcf_smpolicycontrol import SmPolicyDecision
from cinq.sbi.services.nsmf_pdusession import SmContextRefused
from cinq.sbi.services.nudm_sdm import PduSessionTypes, SscModes
from cinq.wire import nas, ngap, pfcp

from .pcf import MOMENT, session_of, with_rule
from .world import ESTABLISHMENT_REQUEST, UPF_PEER, World, play, release_complete

NETWORK = DataNetwork(
    dns=(IPv4Address("1.1.1.1"), IPv4Address("8.8.8.8")), p_cscf=(IPv4Address("10.0.9.9"),), mtu=1400
)


def request(psi: int = 1, pti: int = 1, **elements: object) -> bytes:
    rate = nas.IntegrityProtectionMaximumDataRate()
    message = nas.PDUSessionEstablishmentRequest(
        pdu_session_id=psi, pti=pti, integrity_protection_maximum_data_rate=rate
    )
    return nas.encode(message.replace(**elements))


def network(w: World, **changes: object) -> None:
    """Settings of the data network, for what is established from now on."""
    ports = w.smf.ports
    first, *others = ports.settings.data_networks
    changed = replace(ports.settings, data_networks=(replace(first, **changes), *others))
    object.__setattr__(ports, "settings", changed)


def accepted(w: World) -> nas.PDUSessionEstablishmentAccept:
    accept = w.amf.n1()[-1]
    assert isinstance(accept, nas.PDUSessionEstablishmentAccept)
    return accept


def setup(w: World) -> ngap.PDUSessionResourceSetupRequestTransfer:
    octets = w.amf.transfers[-1].binary_data_n2_information
    assert octets is not None
    return ngap.decode_value(ngap.PDUSessionResourceSetupRequestTransfer, octets)


async def refused(
    w: World, n1: bytes = ESTABLISHMENT_REQUEST, **create: object
) -> nas.PDUSessionEstablishmentReject:
    with pytest.raises(SmContextRefused) as caught:
        await w.create(n1, **create)  # type: ignore[arg-type]
    assert caught.value.n1_sm_message is not None
    assert caught.value.why.mend, f"nothing mends: {caught.value.why}"
    reject = nas.decode(caught.value.n1_sm_message)
    assert isinstance(reject, nas.PDUSessionEstablishmentReject)
    return reject


# -- security -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subscribed", "integrity", "confidentiality"),
    [
        (None, "preferred", "required"),
        (UpSecurity(up_integr="REQUIRED", up_confid="NOT_NEEDED"), "required", "not-needed"),
    ],
)
def test_user_plane_security_policy(
    subscribed: UpSecurity | None, integrity: str, confidentiality: str
) -> None:
    """TS 23.501 §5.10.3: the subscription's policy before that of the settings; the UE's rates go with it."""

    async def scene(w: World) -> None:
        network(w, up_integrity="preferred", up_ciphering="required")
        w.udm.change(up_security=subscribed)
        rate = nas.IntegrityProtectionMaximumDataRate(uplink=0, downlink=255)
        await w.create(request(integrity_protection_maximum_data_rate=rate))
        await asyncio.sleep(MOMENT)
        indication = setup(w).security_indication
        assert indication is not None
        assert indication.integrity_protection_indication == integrity
        assert indication.confidentiality_protection_indication == confidentiality
        assert indication.maximum_integrity_protected_data_rate_ul == "bitrate64kbs"
        assert indication.maximum_integrity_protected_data_rate_dl == "maximum-UE-rate"

    play(scene)


def test_a_ue_without_integrity_protection_where_it_must_be() -> None:
    """#82."""

    async def scene(w: World) -> None:
        network(w, up_integrity="required")
        rate = nas.IntegrityProtectionMaximumDataRate(uplink=1, downlink=255)
        reject = await refused(w, request(integrity_protection_maximum_data_rate=rate))
        assert (reject.cause, reject.back_off_timer) == (82, 60)

    play(scene)


def test_a_gnb_that_does_not_protect_what_must_be() -> None:
    """TS 23.501 §5.10.3: the session is released."""

    async def scene(w: World) -> None:
        network(w, up_integrity="required")
        ref = await w.create()
        await asyncio.sleep(MOMENT)
        tunnel = ngap.GTPTunnel(transport_layer_address=(0x0A000002, 32), gtp_teid=b"\0\0\0\7")
        flows = ngap.QosFlowPerTNLInformation(
            up_transport_layer_information=("gTPTunnel", tunnel),
            associated_qos_flow_list=[ngap.AssociatedQosFlowItem(qos_flow_identifier=1)],
        )
        response = ngap.encode_value(
            ngap.PDUSessionResourceSetupResponseTransfer(
                dl_qos_flow_per_tnl_information=flows,
                security_result=ngap.SecurityResult(
                    integrity_protection_result="not-performed",
                    confidentiality_protection_result="performed",
                ),
            )
        )
        with pytest.raises(Exception, match="requires user plane integrity protection"):
            await w.update(ref, n2=response, kind="PDU_RES_SETUP_RSP")
        await asyncio.sleep(MOMENT)
        assert isinstance(w.amf.n1()[-1], nas.PDUSessionReleaseCommand)
        await w.update(ref, n1=release_complete(0))
        await asyncio.sleep(MOMENT)
        assert w.nothing_left()

    play(scene)


# -- what the UE asks for -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "asked", "told"),
    [(False, True, False), (True, True, True), (True, None, True), (False, None, None)],
)
def test_always_on(setting: bool, asked: bool | None, told: bool | None) -> None:
    """§6.4.1.3: the UE that asks hears yes or no, another one only that it must be."""

    async def scene(w: World) -> None:
        network(w, always_on=setting)
        await w.create(request(always_on_requested=asked))
        await asyncio.sleep(MOMENT)
        assert accepted(w).always_on is told

    play(scene)


@pytest.mark.parametrize(("asked", "got"), [(2, 2), (3, 3), (5, 2), (None, 2)])
def test_ssc_mode(asked: int | None, got: int) -> None:
    async def scene(w: World) -> None:
        modes: list[SscMode] = ["SSC_MODE_2", "SSC_MODE_3"]
        w.udm.change(ssc_modes=SscModes(default_ssc_mode="SSC_MODE_2", allowed_ssc_modes=modes))
        await w.create(request(ssc_mode=asked))
        await asyncio.sleep(MOMENT)
        assert accepted(w).selected_ssc_mode == got
        reject = await refused(w, request(psi=2, ssc_mode=1), psi=2)
        assert (reject.cause, reject.allowed_ssc_mode) == (68, {2, 3})

    play(scene)


@pytest.mark.parametrize(
    ("subscribed", "asked", "outcome"),
    [
        (("SSC_MODE_3", "SSC_MODE_1"), None, 1),
        (("SSC_MODE_2", "SSC_MODE_3"), 2, 2),
        (("SSC_MODE_2", "SSC_MODE_3"), 3, {2}),
        (("SSC_MODE_3",), None, set()),
    ],
)
def test_ssc_mode_3_is_not_for_ethernet(
    subscribed: tuple[SscMode, ...], asked: int | None, outcome: int | set[int]
) -> None:
    """TS 23.501 §5.6.9.2.3. The cause comes with the modes that are left."""

    async def scene(w: World) -> None:
        network(w, ethernet=True)
        modes = SscModes(default_ssc_mode=subscribed[0], allowed_ssc_modes=list(subscribed))
        types = PduSessionTypes(default_session_type="ETHERNET", allowed_session_types=["ETHERNET"])
        w.udm.change(ssc_modes=modes, pdu_session_types=types)
        ask = request(pdu_session_type=nas.PduSessionType.ETHERNET, ssc_mode=asked)
        if isinstance(outcome, set):
            reject = await refused(w, ask)
            assert (reject.cause, reject.allowed_ssc_mode or set()) == (68, outcome)
            return
        await w.create(ask)
        await asyncio.sleep(MOMENT)
        assert accepted(w).selected_ssc_mode == outcome

    play(scene)


@pytest.mark.parametrize(("tac", "served"), [(7, True), (8, False)])
def test_a_local_area_data_network(tac: int, served: bool) -> None:
    """#46 outside of its tracking areas."""

    async def scene(w: World) -> None:
        network(w, ladn_tacs=(7,))
        plmn = PlmnId(mcc="999", mnc="70")
        place = NrLocation(
            tai=Tai(plmn_id=plmn, tac=f"{tac:06x}"), ncgi=Ncgi(plmn_id=plmn, nr_cell_id="000000001")
        )
        location = UserLocation(nr_location=place)
        if served:
            await w.create(location=location)
            await asyncio.sleep(MOMENT)
            accepted(w)
        else:
            assert (await refused(w, location=location)).cause == 46

    play(scene)


@pytest.mark.parametrize("reflective", [True, False])
def test_reflective_qos(reflective: bool) -> None:
    """TS 23.501 §5.7.5.3: a UE that can gets no rule: gNB and UPF mark the flow; another gets the rule."""

    async def scene(w: World) -> None:
        decision = with_rule()
        qos = decision.qos_decs["voice"]
        assert qos is not None
        marked = nas.Capability5gsm.of(nas.GsmFeature.REFLECTIVE_QOS) if reflective else None
        w.pcf.decision = SmPolicyDecision(
            pcc_rules=decision.pcc_rules,
            traff_cont_decs=decision.traff_cont_decs,
            qos_decs={"voice": type(qos)(qos_id="voice", five_qi=7, reflective_qos=True)},
            reflective_qos_timer=120,
        )
        await w.create(request(capability_5gsm=marked))
        await asyncio.sleep(MOMENT)
        assert len(accepted(w).authorized_qos_rules) == (1 if reflective else 2)
        flow = setup(w).qos_flow_setup_request_list[1].qos_flow_level_qos_parameters
        assert flow.reflective_qos_attribute == ("subject-to" if reflective else None)
        assert accepted(w).rq_timer == 120
        (at_upf,) = w.upf.sessions.values()
        assert [qer.rqi for qer in at_upf.create_qers if qer.rqi is not None] == ([1] if reflective else [])

    play(scene)


def test_packet_filters_are_counted() -> None:
    async def scene(w: World) -> None:
        await w.create(request(maximum_number_of_supported_packet_filters=100))
        await asyncio.sleep(MOMENT)
        assert session_of(w).context.ue.packet_filters == 100

    play(scene)


@pytest.mark.parametrize(
    ("dnn", "served"), [("internet.mnc070.mcc999.gprs", True), ("internet.mnc001.mcc001.gprs", False)]
)
def test_a_dnn_with_an_operator_identifier(dnn: str, served: bool) -> None:
    """TS 23.003 §9A: of this operator it is left out, of another the DNN is unknown (#27)."""

    async def scene(w: World) -> None:
        if served:
            await w.create(dnn=dnn)
            await asyncio.sleep(MOMENT)
            assert accepted(w).dnn == "internet"
        else:
            assert (await refused(w, dnn=dnn)).cause == 27

    play(scene)


# -- existing PDU session -------------------------------------------------------------------------------


def test_an_existing_session_is_kept() -> None:
    """Request type 'existing PDU session': the same address, flows, policy and name; another PTI, a new user plane."""

    async def scene(w: World) -> None:
        w.pcf.decision = with_rule()
        ref = await w.active()
        before = session_of(w).context
        again = await w.create(request(pti=9), request_type="EXISTING_PDU_SESSION")
        await asyncio.sleep(MOMENT)
        assert again == ref
        accept = accepted(w)
        assert (accept.pti, accept.pdu_address) == (9, nas.PduAddress(before.ipv4))
        assert len(accept.authorized_qos_rules) == 2
        assert [f.qos_flow_identifier for f in setup(w).qos_flow_setup_request_list] == [1, 2]
        await w.setup_response(ref, 9)
        assert session_of(w).context.address == before.address
        assert len(w.upf.sessions) == len(w.pcf.associations) == 1

    play(scene)


def test_an_existing_session_of_another_dnn_is_none() -> None:
    async def scene(w: World) -> None:
        await w.active()
        network(w)
        reject = await refused(
            w, request(), request_type="EXISTING_PDU_SESSION", dnn="ims", snssai=Snssai(sst=2)
        )
        assert reject.cause == 54
        assert len(w.upf.sessions) == 1

    play(scene)


@pytest.mark.parametrize("kind", [SmContextCreated, SmContextResumed])
def test_no_procedure_loses_an_establishment(kind: type) -> None:
    """The SMF has answered the AMF's create by then: whatever runs, the request goes on."""
    lost = [opened.name for opened in PduSession.opens.values() if kind not in opened.collisions]
    assert not lost


def test_an_existing_session_that_ends_meanwhile() -> None:
    async def scene(w: World) -> None:
        ref = await w.active()
        releasing = asyncio.ensure_future(w.update(ref, release="by the AMF"))
        await asyncio.sleep(0)
        with suppress(SmContextRefused):
            await w.create(request(pti=9), request_type="EXISTING_PDU_SESSION")
        await releasing
        await asyncio.sleep(MOMENT)
        assert w.nothing_left()

    play(scene)


# -- protocol configuration options ---------------------------------------------------------------------


def test_all_that_a_ue_may_ask_for() -> None:
    asked = [
        (0x0005, b""),
        (0x000C, b""),
        (0x000D, b""),
        (0x0003, b""),
        (0x000E, b""),
        (0x0010, b""),
        (0x000A, b""),
    ]
    assert extended_pco(asked, NETWORK) == [
        (0x0005, b"\x02"),
        (0x000C, bytes((10, 0, 9, 9))),
        (0x000D, bytes((1, 1, 1, 1))),
        (0x000D, bytes((8, 8, 8, 8))),
        (0x0010, b"\x05\x78"),
    ]
    assert extended_pco([(0x0003, b"")], NETWORK) is None
    assert extended_pco(None, NETWORK) is None


def test_dns_by_ipcp() -> None:
    """RFC 1877: a request for 0.0.0.0 meets Configure-Nak with the servers, the right ones meet Configure-Ack."""
    ask = bytes.fromhex("01000010810600000000830600000000")
    nak = bytes.fromhex("03000010810601010101830608080808")
    assert extended_pco([(0x8021, ask)], NETWORK) == [(0x8021, nak)]
    assert ipcp(b"\x01\x05" + nak[2:], NETWORK.dns) == b"\x02\x05" + nak[2:]
    assert ipcp(ask, ()) is None
    assert ipcp(b"\x02" + ask[1:], NETWORK.dns) is None


@given(st.binary(max_size=30))
def test_ipcp_of_any_octets(octets: bytes) -> None:
    answer = ipcp(octets, NETWORK.dns)
    assert answer is None or int.from_bytes(answer[2:4], "big") == len(answer)


# -- a UPF is not believed ------------------------------------------------------------------------------


def given_by_the_upf(w: World, seid: int, teid: int, address: str) -> None:
    def script(message: pfcp.Message) -> pfcp.Message | None:
        assert isinstance(message, pfcp.SessionEstablishmentRequest)
        return pfcp.SessionEstablishmentResponse(
            node_id=pfcp.NodeId(IPv4Address(UPF_PEER[0])),
            cause=1,
            up_f_seid=pfcp.FSeid(seid, IPv4Address(UPF_PEER[0])),
            created_pdrs=[pfcp.CreatedPdr(pdr_id=1, f_teid=pfcp.FTeid(teid, IPv4Address(address)))],
            seid=message.cp_f_seid.seid,
        )

    w.upf.script[pfcp.SessionEstablishmentRequest] = script


@pytest.mark.parametrize(
    ("seid", "teid", "address", "wrong"),
    [
        (0, 5, "10.0.0.1", "SEID of 0"),
        (1, 5, "10.0.0.1", "SEID 0x1 is that of another session"),
        (9, 0, "10.0.0.1", "F-TEID of 0"),
        (9, 0x1001, "10.0.0.1", "that of another session"),
        (9, 5, "127.0.0.1", "no address that a gNB can send to"),
        (9, 5, "0.0.0.0", "no address that a gNB can send to"),
        (9, 5, "224.0.0.1", "no address that a gNB can send to"),
    ],
)
def test_ends_that_a_upf_cannot_mean(seid: int, teid: int, address: str, wrong: str) -> None:
    """Refused with #38, the AMF is told, nothing is left over; the session that is there stays."""

    async def scene(w: World) -> None:
        await w.active()
        given_by_the_upf(w, seid, teid, address)
        await w.create(request(psi=2), psi=2)
        await asyncio.sleep(MOMENT)
        reject = w.amf.n1()[-1]
        assert isinstance(reject, nas.PDUSessionEstablishmentReject)
        assert (reject.pdu_session_id, reject.cause) == (2, 38)
        assert [n[1:] for n in w.amf.notifications] == [(2, "RELEASED")]
        assert any(wrong in e.cause for e in w.events)
        deleted = [m.seid for m in w.upf.received if isinstance(m, pfcp.SessionDeletionRequest)]
        assert deleted == ([9] if seid == 9 else [])
        assert len(w.smf.sessions.by_identity) == len(w.upf.sessions) == len(w.pcf.associations) == 1
        assert len(w.smf.ports.pools["internet"]) == 1

    play(scene)
