"""A scripted gNB of one cell."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from cinq.numbering import SNssai
from cinq.wire import ngap

from .world import PLMN, World

if TYPE_CHECKING:
    from .phone import Phone

P = TypeVar("P", bound=ngap.Pdu)


class Gnb:
    """A gNB of one cell. Requests are answered by itself unless `silent` holds their name."""

    outbound_streams = 32

    def __init__(self, world: World, number: int = 1, tac: int = 1, slices: tuple[SNssai, ...] = ()) -> None:
        self.world, self.number, self.tac = world, number, tac
        self.slices = slices or world.settings.slices
        self.plmn = PLMN
        self.heard: list[ngap.Pdu] = []
        self.phones: dict[int, Phone] = {}
        self.silent: set[str] = set()
        self.next_id = 1
        self.is_alive = True
        self.inbound = world.amf.n2_connected(self)
        self.ran = self.inbound.ran

    def send(self, octets: bytes, *, stream: int) -> None:
        message = ngap.decode(octets)
        self.heard.append(message)
        asyncio.get_running_loop().call_soon(self.react, message)

    @property
    def remote(self) -> tuple[str, int]:
        return f"10.99.0.{self.number % 256}", 38412

    async def alive(self, within: float = 2.0) -> bool:
        return self.is_alive

    def abort(self, reason: str = "") -> None:
        self.is_alive = False
        self.inbound.lost(reason)

    def say(self, message: ngap.Pdu) -> None:
        self.say_octets(ngap.encode(message))

    def say_octets(self, octets: bytes) -> None:
        self.inbound.message(octets, 0, 60)

    def last(self, kind: type[P]) -> P:
        return next(m for m in reversed(self.heard) if isinstance(m, kind))

    def count(self, kind: type[ngap.Pdu]) -> int:
        return sum(isinstance(m, kind) for m in self.heard)

    async def set_up(self) -> Gnb:
        before = len(self.heard)
        self.say(setup_request(self.number, self.tac, slices=self.slices))
        await asyncio.sleep(0.001)
        assert isinstance(self.heard[before], ngap.NGSetupResponse), self.heard
        return self

    @property
    def location(self) -> ngap.UserLocationInformation:
        cgi = ngap.NRCGI(plmn_identity=self.plmn.octets, nr_cell_identity=self.number << 4)
        tai = ngap.TAI(plmn_identity=self.plmn.octets, tac=self.tac.to_bytes(3, "big"))
        return ("userLocationInformationNR", ngap.UserLocationInformationNR(nr_cgi=cgi, tai=tai))

    def initial(self, phone: Phone, octets: bytes, context: bool = True) -> None:
        phone.gnb, phone.ran_id, phone.amf_id = self, self.next_id, None
        self.phones[self.next_id] = phone
        self.next_id += 1
        self.say(initial_ue_message(self, phone.ran_id, octets, context))

    def react(self, message: ngap.Pdu) -> None:
        phone = self.phones.get(getattr(message, "ran_ue_ngap_id", -1))
        if type(message).__name__ in self.silent:
            return
        if isinstance(message, ngap.UEContextReleaseCommand):
            self.released(message)
        elif phone is not None:
            phone.amf_id = getattr(message, "amf_ue_ngap_id", phone.amf_id)
            self.about(phone, message)

    def released(self, message: ngap.UEContextReleaseCommand) -> None:
        assert message.ue_ngap_ids[0] == "uE-NGAP-ID-pair"
        pair = message.ue_ngap_ids[1]
        phone = self.phones.pop(pair.ran_ue_ngap_id, None)
        if phone is not None and phone.ran_id == pair.ran_ue_ngap_id:
            phone.amf_id = None
        self.say(
            ngap.UEContextReleaseComplete(
                amf_ue_ngap_id=pair.amf_ue_ngap_id, ran_ue_ngap_id=pair.ran_ue_ngap_id
            )
        )

    def about(self, phone: Phone, message: ngap.Pdu) -> None:
        ids = {"amf_ue_ngap_id": phone.amf_id or 0, "ran_ue_ngap_id": phone.ran_id}
        match message:
            case ngap.InitialContextSetupRequest():
                sessions = message.pdu_session_resource_setup_list_cxt_req
                done = [
                    ngap.PDUSessionResourceSetupItemCxtRes(
                        pdu_session_id=s.pdu_session_id, pdu_session_resource_setup_response_transfer=b"done"
                    )
                    for s in sessions or ()
                ]
                self.say(
                    ngap.InitialContextSetupResponse(
                        **ids, pdu_session_resource_setup_list_cxt_res=done or None
                    )
                )
                self.nas(phone, message.nas_pdu, *(s.nas_pdu for s in sessions or ()))
            case ngap.PDUSessionResourceSetupRequest():
                items = message.pdu_session_resource_setup_list_su_req
                setup = [
                    ngap.PDUSessionResourceSetupItemSURes(
                        pdu_session_id=s.pdu_session_id, pdu_session_resource_setup_response_transfer=b"done"
                    )
                    for s in items
                ]
                self.say(
                    ngap.PDUSessionResourceSetupResponse(**ids, pdu_session_resource_setup_list_su_res=setup)
                )
                self.nas(phone, message.nas_pdu, *(s.pdu_session_nas_pdu for s in items))
            case ngap.UEContextModificationRequest():
                self.say(ngap.UEContextModificationResponse(**ids))
            case ngap.PDUSessionResourceReleaseCommand():
                gone = [
                    ngap.PDUSessionResourceReleasedItemRelRes(
                        pdu_session_id=s.pdu_session_id,
                        pdu_session_resource_release_response_transfer=b"gone",
                    )
                    for s in message.pdu_session_resource_to_release_list_rel_cmd
                ]
                self.say(
                    ngap.PDUSessionResourceReleaseResponse(
                        **ids, pdu_session_resource_released_list_rel_res=gone
                    )
                )
                self.nas(phone, message.nas_pdu)
            case ngap.DownlinkNASTransport():
                self.nas(phone, message.nas_pdu)

    def nas(self, phone: Phone, *pdus: bytes | None) -> None:
        for octets in pdus:
            if octets is not None:
                phone.hear(octets)


def initial_ue_message(gnb: Gnb, ran_id: int, octets: bytes, context: bool = True) -> ngap.InitialUEMessage:
    return ngap.InitialUEMessage(
        ran_ue_ngap_id=ran_id,
        nas_pdu=octets,
        user_location_information=gnb.location,
        rrc_establishment_cause="mo-Signalling",
        ue_context_request="requested" if context else None,
    )


def setup_request(
    number: int = 1, tac: int = 1, plmn: bytes = PLMN.octets, slices: tuple[SNssai, ...] = (SNssai(1),)
) -> ngap.NGSetupRequest:
    support = [
        ngap.SliceSupportItem(
            s_nssai=ngap.SNSSAI(sst=bytes((s.sst,)), sd=None if s.sd is None else s.sd.to_bytes(3, "big"))
        )
        for s in slices
    ]
    return ngap.NGSetupRequest(
        global_ran_node_id=(
            "globalGNB-ID",
            ngap.GlobalGNBID(plmn_identity=plmn, gnb_id=("gNB-ID", (number, 32))),
        ),
        ran_node_name=f"gnb-{number}",
        supported_ta_list=[
            ngap.SupportedTAItem(
                tac=tac.to_bytes(3, "big"),
                broadcast_plmn_list=[
                    ngap.BroadcastPLMNItem(plmn_identity=plmn, tai_slice_support_list=support)
                ],
            )
        ],
        default_paging_drx="v128",
    )
