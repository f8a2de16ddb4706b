"""What the AMF only passes on: NRPPa and LPP (TS 38.413 §8.10), RAN configuration (§8.8), RIM information (§8.16)."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from cinq.sbi import Problem
from cinq.sbi.models import GlobalRanNodeId, GNbId, PlmnId, RefToBinaryData, Tai
from cinq.sbi.services.namf_communication import (
    LmfCallback,
    N1MessageContainer,
    N1MessageNotifyRequest,
    N1N2MessageTransferReqData,
    N1N2MessageTransferRequest,
    N1N2MsgTxfrFailureNotification,
    N2InfoContainer,
    N2InfoContent,
    N2InformationNotifyRequest,
    N2InformationTransferReqData,
    N2InformationTransferRequest,
    NamfCommunication,
    NonUeN2InfoSubscriptionCreateData,
    NrppaInformation,
    NsmfCallback,
    UeN1N2InfoSubscriptionCreateData,
)
from cinq.wire import nas, ngap

from .gnb import Gnb
from .moves import is_served, scene
from .phone import Phone
from .world import PLMN, TAI, World, run, supi_of

SUPI = str(supi_of(1))
PART = RefToBinaryData(content_id="part")


class Lmf:
    """Hears what its callbacks are told."""

    def __init__(self, world: World) -> None:
        self.heard: list[tuple[str, bytes | None]] = []
        self.refuses = False
        world.bus.serve(LmfCallback, self, "lmf")
        self.amf = world.bus.client(NamfCommunication, "LMF")

    async def n2_info_notify(self, reference: str, body: N2InformationNotifyRequest) -> None:
        if self.refuses:
            raise Problem(500, "SYSTEM_FAILURE")
        self.heard.append((reference, body.binary_data_n2_information))

    async def n1_message_notify(self, reference: str, body: N1MessageNotifyRequest) -> None:
        self.heard.append((reference, body.binary_data_n1_message))

    async def subscribe(self) -> str:
        made = await self.amf.n1n2_message_subscribe(
            SUPI,
            UeN1N2InfoSubscriptionCreateData(
                n2_information_class="NRPPa",
                n2_notify_callback_uri="/lmf-callback/v1/n2-info/ue",
                nf_id="lmf",
            ),
        )
        return made.body.n1n2_notify_subscription_id

    async def subscribe_to_gnbs(self) -> str:
        made = await self.amf.non_ue_n2_info_subscribe(
            NonUeN2InfoSubscriptionCreateData(
                n2_information_class="NRPPa",
                n2_notify_callback_uri="/lmf-callback/v1/n2-info/gnb",
                nf_id="lmf",
            )
        )
        return made.body.n2_notify_subscription_id


def nrppa() -> N2InfoContainer:
    content = NrppaInformation(nf_id="lmf", nrppa_pdu=N2InfoContent(ngap_data=PART))
    return N2InfoContainer(n2_information_class="NRPPa", nrppa_info=content)


def to_ue(n1: bytes | None = None, n2: bytes | None = None) -> N1N2MessageTransferRequest:
    lpp = N1MessageContainer(n1_message_class="LPP", n1_message_content=PART, nf_id="lmf")
    return N1N2MessageTransferRequest(
        json_data=N1N2MessageTransferReqData(
            n1_message_container=lpp if n1 else None, n2_info_container=nrppa() if n2 else None
        ),
        binary_data_n1_message=n1,
        binary_data_n2_information=n2,
    )


def uplink(phone: Phone, routing_id: bytes = b"lmf") -> ngap.UplinkUEAssociatedNRPPaTransport:
    return ngap.UplinkUEAssociatedNRPPaTransport(
        amf_ue_ngap_id=phone.amf_id or 0,
        ran_ue_ngap_id=phone.ran_id,
        routing_id=routing_id,
        nrppa_pdu=b"up",
    )


def test_nrppa_of_a_ue() -> None:
    """Down with the LMF's identity for routing, up to whom that names; nobody else hears it."""

    async def test(world: World) -> None:
        gnb, _, phone = await scene(world)
        lmf = Lmf(world)
        subscription = await lmf.subscribe()
        await lmf.amf.n1n2_message_transfer(SUPI, to_ue(n2=b"down"))
        await asyncio.sleep(0.1)
        down = gnb.last(ngap.DownlinkUEAssociatedNRPPaTransport)
        assert (down.routing_id, down.nrppa_pdu) == (b"lmf", b"down")
        gnb.say(uplink(phone))
        gnb.say(uplink(phone, b"another"))
        await asyncio.sleep(0.1)
        assert lmf.heard == [("ue", b"up")]
        assert any("LMF 'another' has not subscribed" in cause for cause in world.causes())
        lmf.refuses = True
        gnb.say(uplink(phone))
        await asyncio.sleep(0.1)
        assert any("the LMF answers" in cause for cause in world.causes())
        await lmf.amf.n1n2_message_unsubscribe(SUPI, subscription)
        with pytest.raises(Problem, match="no subscription"):
            await lmf.amf.n1n2_message_unsubscribe(SUPI, subscription)
        await is_served(phone)

    run(test)


def test_nrppa_of_a_gnb() -> None:
    async def test(world: World) -> None:
        first, second = await Gnb(world).set_up(), await Gnb(world, 2).set_up()
        lmf = Lmf(world)
        subscription = await lmf.subscribe_to_gnbs()
        node = GlobalRanNodeId(plmn_id=PlmnId.of(PLMN), g_nb_id=GNbId(bit_length=32, value="00000002"))
        await lmf.amf.non_ue_n2_message_transfer(down(nodes=[node]))
        assert (first.count(DOWN), second.count(DOWN)) == (0, 1)
        await lmf.amf.non_ue_n2_message_transfer(down(areas=[Tai.of(TAI)]))
        assert (first.count(DOWN), second.count(DOWN)) == (1, 2)
        with pytest.raises(Problem, match="none of these gNBs"):
            await lmf.amf.non_ue_n2_message_transfer(down())
        up = ngap.UplinkNonUEAssociatedNRPPaTransport(routing_id=b"lmf", nrppa_pdu=b"up")
        first.say(up)
        first.say(up)
        await asyncio.sleep(0.1)
        assert lmf.heard == [("gnb", b"up")] * 2
        await lmf.amf.non_ue_n2_info_unsubscribe(subscription)
        first.say(up)
        await asyncio.sleep(0.1)
        assert any("NRPPa of the gNB is not passed on" in cause for cause in world.causes())
        assert first.count(ngap.ErrorIndication) == 0
        with pytest.raises(Problem, match="no subscription"):
            await lmf.amf.non_ue_n2_info_unsubscribe(subscription)

    run(test)


DOWN = ngap.DownlinkNonUEAssociatedNRPPaTransport


def down(
    nodes: list[GlobalRanNodeId] | None = None, areas: list[Tai] | None = None
) -> N2InformationTransferRequest:
    return N2InformationTransferRequest(
        json_data=N2InformationTransferReqData(
            n2_information=nrppa(), global_ran_node_list=nodes, tai_list=areas
        ),
        binary_data_n2_information=b"down",
    )


def test_lpp() -> None:
    """Down with the LMF's identity, up to whom that names, nowhere for another."""

    async def test(world: World) -> None:
        gnb, _, phone = await scene(world)
        lmf = Lmf(world)
        await lmf.amf.n1n2_message_subscribe(
            SUPI,
            UeN1N2InfoSubscriptionCreateData(
                n1_message_class="LPP", n1_notify_callback_uri="/lmf-callback/v1/n1-message/ue", nf_id="lmf"
            ),
        )
        for name in (b"lmf", b"another"):
            phone.say(
                nas.ULNASTransport(
                    payload_container_type=nas.PayloadContainerType.LPP_MESSAGE_CONTAINER,
                    payload_container=b"up",
                    additional_information=name,
                )
            )
        await asyncio.sleep(0.1)
        assert lmf.heard == [("ue", b"up")]
        assert any("has no LMF" in cause for cause in world.causes())
        await lmf.amf.n1n2_message_transfer(SUPI, to_ue(n1=b"lpp"))
        await asyncio.sleep(0.1)
        transport = phone.last(nas.DLNASTransport)
        assert transport.payload_container_type == nas.PayloadContainerType.LPP_MESSAGE_CONTAINER
        assert (transport.payload_container, transport.additional_information) == (b"lpp", b"lmf")
        gnb.say(
            ngap.UEContextReleaseRequest(
                amf_ue_ngap_id=phone.amf_id or 0,
                ran_ue_ngap_id=phone.ran_id,
                cause=("radioNetwork", "user-inactivity"),
            )
        )
        await asyncio.sleep(0.1)
        # An idle UE is paged (TS 23.273 §6.11.1 step 2)
        for n1, n2 in ((b"lpp later", None), (None, b"nrppa later")):
            said = await lmf.amf.n1n2_message_transfer(SUPI, to_ue(n1=n1, n2=n2))
            assert said.cause == "ATTEMPTING_TO_REACH_UE"
        await asyncio.sleep(0.1)
        assert gnb.count(ngap.Paging) == 1
        phone.service_request(gnb)
        await asyncio.sleep(0.1)
        assert phone.last(nas.DLNASTransport).payload_container == b"lpp later"
        assert gnb.last(ngap.DownlinkUEAssociatedNRPPaTransport).nrppa_pdu == b"nrppa later"

    run(test)


def test_lpp_for_a_ue_that_is_not_reached() -> None:
    """§5.2.2.3.2: the LMF hears of it, where it gave a URI."""

    class Told:
        def __init__(self) -> None:
            self.heard: list[str] = []

        async def n1n2_transfer_failure(self, ref: str, body: N1N2MsgTxfrFailureNotification) -> None:
            self.heard.append(f"{ref} {body.cause}")

    async def test(world: World) -> None:
        gnb, _, phone = await scene(world)
        told = Told()
        world.bus.withdraw(NsmfCallback, "smf")
        world.bus.serve(NsmfCallback, told, "lmf")
        lmf = Lmf(world)
        gnb.say(
            ngap.UEContextReleaseRequest(
                amf_ue_ngap_id=phone.amf_id or 0,
                ran_ue_ngap_id=phone.ran_id,
                cause=("radioNetwork", "user-inactivity"),
            )
        )
        await asyncio.sleep(0.1)
        body = to_ue(n1=b"lpp")
        uri = "/nsmf-callback/v1/n1n2-failure/of-the-lmf"
        data = msgspec.structs.replace(body.json_data, n1n2_failure_txf_notif_uri=uri)
        await lmf.amf.n1n2_message_transfer(SUPI, msgspec.structs.replace(body, json_data=data))
        await lmf.amf.n1n2_message_transfer(SUPI, body)
        await asyncio.sleep(60)
        assert gnb.count(ngap.Paging) == 4
        assert told.heard == ["of-the-lmf UE_NOT_RESPONDING"]
        assert any("is not passed on: the UE is not reached" in cause for cause in world.causes())
        assert world.amf.registry.by_supi[phone.supi].waiting == ()

    run(test)


def test_subscriptions_are_bounded() -> None:
    """Those about UEs that are gone make room."""

    async def test(world: World) -> None:
        _, _, phone = await scene(world)
        lmf = Lmf(world)
        for _ in range(1000):
            await lmf.subscribe()
        for _ in range(24):
            await lmf.subscribe_to_gnbs()
        with pytest.raises(Problem, match="too many subscriptions"):
            await lmf.subscribe()
        with pytest.raises(Problem, match="too many subscriptions"):
            await lmf.subscribe_to_gnbs()
        phone.deregister(switch_off=True)
        await asyncio.sleep(1)
        await lmf.subscribe_to_gnbs()

    run(test)


def test_what_nobody_subscribes_to() -> None:
    async def test(world: World) -> None:
        await scene(world)
        amf = Lmf(world).amf
        with pytest.raises(Problem, match="only NRPPa and LPP"):
            await amf.n1n2_message_subscribe(SUPI, UeN1N2InfoSubscriptionCreateData(n1_message_class="SMS"))
        with pytest.raises(Problem, match="not passed on"):
            await amf.non_ue_n2_info_subscribe(
                NonUeN2InfoSubscriptionCreateData(n2_information_class="PWS", n2_notify_callback_uri="/x")
            )

    run(test)


# from gNB to gNB


def node_of(number: int) -> ngap.GlobalRANNodeID:
    return ("globalGNB-ID", ngap.GlobalGNBID(plmn_identity=PLMN.octets, gnb_id=("gNB-ID", (number, 32))))


HERE = ngap.TAI(plmn_identity=PLMN.octets, tac=b"\0\0\1")


def configuration(target: int, cell: int | None = None) -> ngap.SONConfigurationTransfer:
    cgi = None if cell is None else ngap.NRCGI(plmn_identity=PLMN.octets, nr_cell_identity=cell)
    return ngap.SONConfigurationTransfer(
        target_ran_node_id_son=ngap.TargetRANNodeIDSON(
            global_ran_node_id=node_of(target), selected_tai=HERE, nr_cgi=cgi
        ),
        source_ran_node_id=ngap.SourceRANNodeID(global_ran_node_id=node_of(1), selected_tai=HERE),
        son_information=("sONInformationRequest", "xn-TNL-configuration-info"),
    )


@pytest.mark.parametrize(
    ("target", "cell", "heard"), [(2, None, True), (9, 0x21, True), (9, None, False), (2, 0x91, False)]
)
def test_ran_configuration(target: int, cell: int | None, heard: bool) -> None:
    """By the gNB's identity, or by that of a cell, which goes before it (§8.8.1.2)."""

    async def test(world: World) -> None:
        first, second = await Gnb(world).set_up(), await Gnb(world, 2).set_up()
        transfer = configuration(target, cell)
        first.say(ngap.UplinkRANConfigurationTransfer(son_configuration_transfer_ul=transfer))
        await asyncio.sleep(0.1)
        assert second.count(ngap.DownlinkRANConfigurationTransfer) == heard
        if heard:
            told = second.last(ngap.DownlinkRANConfigurationTransfer)
            assert told.son_configuration_transfer_dl == transfer
        assert any("is not connected" in cause for cause in world.causes()) != heard
        assert first.count(ngap.ErrorIndication) == 0

    run(test)


@pytest.mark.parametrize("target", [2, 9])
def test_rim_information(target: int) -> None:
    async def test(world: World) -> None:
        first, second = await Gnb(world).set_up(), await Gnb(world, 2).set_up()
        transfer = ngap.RIMInformationTransfer(
            target_ran_node_id_rim=ngap.TargetRANNodeIDRIM(
                global_ran_node_id=node_of(target), selected_tai=HERE
            ),
            source_ran_node_id=ngap.SourceRANNodeID(global_ran_node_id=node_of(1), selected_tai=HERE),
            rim_information=ngap.RIMInformation(target_gnb_set_id=1, rim_rs_detection="rs-detected"),
        )
        first.say(ngap.UplinkRIMInformationTransfer(rim_information_transfer=transfer))
        first.say(ngap.UplinkRIMInformationTransfer())
        await asyncio.sleep(0.1)
        assert second.count(ngap.DownlinkRIMInformationTransfer) == (target == 2)
        assert any("RIM information for gNB" in cause for cause in world.causes()) == (target == 9)

    run(test)
