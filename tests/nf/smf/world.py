"""An SMF among fakes: AMF, UDM and PCF behind the checked SBI, a scripted UPF on N4, a UE made of octets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address, IPv4Network

import msgspec

from cinq.eligibility.gate import OPEN, Gate
from cinq.nf.smf import SMF, DataNetwork, Settings, UserPlane
from cinq.nf.smf.n4 import Peer
from cinq.numbering import PlmnId, SNssai
from cinq.procedure import Event, Journal, VirtualClock, run_virtual
from cinq.procedure.store import MemoryStore
from cinq.sbi import Bus, Created, Problem
from cinq.sbi.bus import checked
from cinq.sbi.models import (
    Ambr,
    Arp,
    IpAddress,
    PduSessionType,
    PlmnIdNid,
    RefToBinaryData,
    Snssai,
    SubscribedDefaultQos,
    UserLocation,
)
from cinq.sbi.services.namf_communication import (
    N1N2MessageTransferRequest,
    N1N2MessageTransferRspData,
    N1N2MsgTxfrFailureNotification,
    NamfCallback,
    NamfCommunication,
    NsmfCallback,
    SmContextStatusNotification,
)
from cinq.sbi.services.npcf_smpolicycontrol import (
    NpcfSMPolicyControl,
    NsmfPolicyCallback,
    PartialSuccessReport,
    SmPolicyDecision,
    SmPolicyNotification,
)
from cinq.sbi.services.nsmf_pdusession import (
    NsmfPDUSession,
    PostSmContextsRequest,
    SmContextCreateData,
    SmContextReleaseData,
    SmContextUpdateData,
    UpdateSmContextRequest,
    UpdateSmContextResponse,
)
from cinq.sbi.services.nudm_sdm import (
    DnnConfiguration,
    NudmSubscriberDataManagement,
    PduSessionTypes,
    SdmSubscription,
    SessionManagementSubscriptionData,
    SscModes,
)
from cinq.sbi.services.nudm_uecm import NudmUEContextManagement, SmfRegistration
from cinq.wire import nas, ngap, pfcp
from cinq.wire.pfcp import Cause

from .fake_pcf import Pcf
from .places import place, target_of
from .uncalled import Uncalled

SUPI = "imsi-999700000000001"
SLICE = Snssai(sst=1)
UPF_PEER: Peer = ("127.0.0.7", 8805)
N1, N2 = RefToBinaryData(content_id="n1"), RefToBinaryData(content_id="n2")
ESTABLISHMENT_REQUEST = bytes.fromhex("2e0101c1ffff91a12801007b000780000a00000d00")


class Amf(Uncalled):
    """Keeps what it is told. `refuses`: the problem of the next transfers. `cause`: of their answers."""

    def __init__(self) -> None:
        self.transfers: list[N1N2MessageTransferRequest] = []
        self.notifications: list[tuple[str, int, str]] = []
        self.refuses: Problem | None = None
        self.cause = "N1_N2_TRANSFER_INITIATED"

    async def n1n2_message_transfer(
        self, ue_context_id: str, body: N1N2MessageTransferRequest
    ) -> N1N2MessageTransferRspData:
        self.transfers.append(body)
        if self.refuses is not None:
            raise self.refuses
        return N1N2MessageTransferRspData(cause=self.cause)

    async def sm_context_status_notify(
        self, supi: str, pdu_session_id: int, body: SmContextStatusNotification
    ) -> None:
        self.notifications.append((supi, pdu_session_id, body.status_info.resource_status))

    def n1(self) -> list[nas.NasMessage]:
        found = [t.binary_data_n1_message for t in self.transfers]
        return [nas.decode(octets) for octets in found if octets is not None]


class Udm:
    def __init__(self) -> None:
        self.registered: dict[tuple[str, int], str | None] = {}
        self.refuses: Problem | None = None
        self.subscriptions: dict[str, SdmSubscription] = {}
        self.configuration = DnnConfiguration(
            pdu_session_types=PduSessionTypes(default_session_type="IPV4", allowed_session_types=["IPV4"]),
            ssc_modes=SscModes(default_ssc_mode="SSC_MODE_1", allowed_ssc_modes=["SSC_MODE_1"]),
            qos_profile_5g=SubscribedDefaultQos(five_qi=9, arp=Arp(priority_level=8)),
            session_ambr=Ambr(uplink="200 Mbps", downlink="500 Mbps"),
        )

    def change(self, **changes: object) -> None:
        self.configuration = msgspec.structs.replace(self.configuration, **changes)

    def static(self, address: str) -> None:
        self.change(static_ip_address=[IpAddress(ipv4_addr=address)])

    def only(self, kind: PduSessionType) -> None:
        self.change(pdu_session_types=PduSessionTypes(default_session_type=kind))

    async def get_sm_data(
        self, supi: str, single_nssai: Snssai | None, dnn: str | None
    ) -> list[SessionManagementSubscriptionData]:
        if self.refuses is not None:
            raise self.refuses
        configurations = {"internet": self.configuration}
        return [SessionManagementSubscriptionData(single_nssai=SLICE, dnn_configurations=configurations)]

    async def smf_registration(
        self, ue_id: str, pdu_session_id: int, body: SmfRegistration
    ) -> Created[SmfRegistration]:
        self.registered[ue_id, pdu_session_id] = body.dnn
        return Created(f"/{ue_id}/registrations/smf-registrations/{pdu_session_id}", body)

    async def smf_deregistration(self, ue_id: str, pdu_session_id: int) -> None:
        self.registered.pop((ue_id, pdu_session_id))

    async def subscribe(self, ue_id: str, body: SdmSubscription) -> Created[SdmSubscription]:
        self.subscriptions[body.callback_reference] = body
        return Created(f"/{ue_id}/sdm-subscriptions/1", body)

    async def unsubscribe(self, ue_id: str, subscription_id: str) -> None: ...
    async def get_data_sets(self) -> None: ...
    async def get_ue_context_in_smf_data(self) -> None: ...
    async def get_am_data(self) -> None: ...
    async def get_smf_select_data(self) -> None: ...
    async def registration(self) -> None: ...
    async def deregistration(self) -> None: ...


Script = Callable[[pfcp.Message], "pfcp.Message | bytes | None"]


class Upf:
    """Answers as a UPF does. `script` may answer otherwise: a message, octets, or None for silence (by `mute`)."""

    def __init__(self) -> None:
        self.smf: SMF | None = None
        self.received, self.octets = list[pfcp.Message](), list[bytes]()
        self.sessions: dict[int, pfcp.SessionEstablishmentRequest] = {}
        self.pdrs: dict[int, set[int]] = {}
        self.far: dict[int, pfcp.UpdateFar | pfcp.CreateFar] = {}
        self.flags: list[pfcp.SmReqFlags] = []
        self.answers: list[pfcp.Message] = []
        self.recovery = 100
        self.features = pfcp.UpFunctionFeatures(pfcp.UpFunctionFeatures.FTUP)
        self.script: dict[type[pfcp.Message], Script] = {}
        self.mute: set[type[pfcp.Message]] = set()
        self.takes_f_teid, self._next = True, 0

    def send(self, octets: bytes, peer: Peer) -> None:
        """The SMF's N4 port."""
        message = pfcp.decode(octets)
        self.octets.append(octets)
        if not type(message).REQUEST:
            self.answers.append(message)
            return
        self.received.append(message)
        if type(message) in self.mute:
            return
        script = self.script.get(type(message))
        answer = script(message) if script else self.answer(message)
        if isinstance(answer, pfcp.Message):
            seid = getattr(answer, "seid", None)
            answer = pfcp.encode(answer, sequence=message.sequence, seid=seid)
        if answer is not None:
            asyncio.get_running_loop().call_soon(self.deliver, answer)

    def deliver(self, octets: bytes) -> None:
        assert self.smf is not None
        self.smf.n4_received(octets, UPF_PEER)

    def ask(self, message: pfcp.Message, *, sequence: int = 1, seid: int | None = None) -> None:
        self.deliver(pfcp.encode(message, sequence=sequence, seid=seid))

    def answer(self, message: pfcp.Message) -> pfcp.Message | None:
        node = pfcp.NodeId(IPv4Address(UPF_PEER[0]))
        match message:
            case pfcp.AssociationSetupRequest():
                self.sessions.clear()
                return pfcp.AssociationSetupResponse(
                    node_id=node,
                    cause=1,
                    recovery_time_stamp=self.recovery,
                    up_function_features=self.features,
                )
            case pfcp.HeartbeatRequest():
                return pfcp.HeartbeatResponse(recovery_time_stamp=self.recovery)
            case pfcp.SessionEstablishmentRequest():
                return self._established(message, node)
            case pfcp.SessionModificationRequest():
                session = self.sessions.get(message.seid or 0)
                if session is None:
                    return pfcp.SessionModificationResponse(cause=Cause.SESSION_CONTEXT_NOT_FOUND, seid=0)
                for far in message.update_fars:
                    self.far[message.seid or 0] = far
                if message.smreq_flags is not None:
                    self.flags.append(message.smreq_flags)
                return self._modified(message, session)
            case pfcp.SessionDeletionRequest():
                session = self.sessions.pop(message.seid or 0, None)
                seid = session.cp_f_seid.seid if session else 0
                cause = 1 if session else Cause.SESSION_CONTEXT_NOT_FOUND
                return pfcp.SessionDeletionResponse(cause=cause, seid=seid)
            case pfcp.AssociationReleaseRequest():
                return pfcp.AssociationReleaseResponse(node_id=node, cause=1)
        return None

    def _modified(
        self, message: pfcp.SessionModificationRequest, session: pfcp.SessionEstablishmentRequest
    ) -> pfcp.SessionModificationResponse:
        created = []
        held = self.pdrs[message.seid or 0]
        held -= {gone.pdr_id for gone in message.remove_pdrs}
        for pdr in message.create_pdrs:
            assert pdr.pdr_id not in held
            held.add(pdr.pdr_id)
            if pdr.pdi.f_teid is not None and pdr.pdi.f_teid.teid is None:
                self._next += 1
                f_teid = pfcp.FTeid(0x2000 + self._next, IPv4Address("10.0.0.1"))
                created.append(pfcp.CreatedPdr(pdr_id=pdr.pdr_id, f_teid=f_teid))
        return pfcp.SessionModificationResponse(cause=1, seid=session.cp_f_seid.seid, created_pdrs=created)

    def _established(
        self, message: pfcp.SessionEstablishmentRequest, node: pfcp.NodeId
    ) -> pfcp.SessionEstablishmentResponse:
        wanted = message.create_pdrs[0].pdi.f_teid
        assert wanted is not None
        seid = message.cp_f_seid.seid
        if wanted.teid is not None and not self.takes_f_teid:
            cause = Cause.INVALID_F_TEID_ALLOCATION_OPTION
            return pfcp.SessionEstablishmentResponse(node_id=node, cause=cause, seid=seid)
        self._next += 1
        self.sessions[self._next] = message
        self.pdrs[self._next] = {pdr.pdr_id for pdr in message.create_pdrs}
        self.far[self._next] = message.create_fars[1]
        chosen = pfcp.FTeid(0x1000 + self._next, IPv4Address("10.0.0.1"))
        created = [pfcp.CreatedPdr(pdr_id=1, f_teid=chosen)] if wanted.teid is None else []
        return pfcp.SessionEstablishmentResponse(
            node_id=node,
            cause=1,
            up_f_seid=pfcp.FSeid(self._next, IPv4Address(UPF_PEER[0])),
            created_pdrs=created,
            seid=seid,
        )


class World:
    def __init__(
        self,
        store: MemoryStore | None = None,
        *,
        pool: str = "10.45.0.0/16",
        gate: Gate = OPEN,
        user_planes: tuple[UserPlane, ...] = (UserPlane(IPv4Address(UPF_PEER[0])),),
    ) -> None:
        self.amf, self.udm, self.pcf, self.upf = Amf(), Udm(), Pcf(), Upf()
        self.bus = Bus(checked)
        self.bus.serve(NamfCommunication, self.amf, "amf")  # type: ignore[arg-type]  # fakes serve what is asked
        self.bus.serve(NamfCallback, self.amf, "amf")
        self.bus.serve(NudmSubscriberDataManagement, self.udm, "udm")  # type: ignore[arg-type]
        self.bus.serve(NudmUEContextManagement, self.udm, "udm")  # type: ignore[arg-type]
        self.bus.serve(NpcfSMPolicyControl, self.pcf, "pcf")
        self.store = store or MemoryStore()
        self.journal = Journal()
        self.events: list[Event] = []
        self.journal.listen(self.events.append)
        network = DataNetwork(
            name="internet",
            pool=IPv4Network(pool),
            dns=(IPv4Address("1.1.1.1"), IPv4Address("8.8.8.8")),
        )
        other = DataNetwork(name="ims", pool=IPv4Network("10.46.0.0/16"), slices=(SNssai(2),))
        settings = Settings(
            plmn=PlmnId("999", "70"),
            node_id=IPv4Address("127.0.0.4"),
            user_planes=user_planes,
            data_networks=(network, other),
        )
        numbers = iter(range(1, 10**6))
        self.smf = SMF(
            settings,
            self.bus,
            self.upf,
            self.store,
            VirtualClock(),
            lambda n: next(numbers).to_bytes(n, "big"),
            self.journal,
            "smf",
            gate,
        )
        self.upf.smf = self.smf
        for service, implementation in self.smf.services():
            self.bus.serve(service, implementation, "smf")
        self.nsmf = self.bus.client(NsmfPDUSession, "AMF")

    async def start(self) -> World:
        self.smf.start()
        await asyncio.sleep(0.1)
        return self

    async def create(
        self,
        n1: bytes = ESTABLISHMENT_REQUEST,
        *,
        psi: int = 1,
        dnn: str | None = "internet",
        snssai: Snssai = SLICE,
        request_type: str = "INITIAL_REQUEST",
        supi: str = SUPI,
        location: UserLocation | None = None,
    ) -> str:
        """Nsmf_PDUSession_CreateSMContext; the reference of the SM context."""
        data = SmContextCreateData(
            serving_nf_id="amf",
            serving_network=PlmnIdNid(mcc="999", mnc="70"),
            an_type="3GPP_ACCESS",
            sm_context_status_uri=f"/namf-callback/v1/sm-context-status/{supi}/{psi}",
            supi=supi,
            pdu_session_id=psi,
            dnn=dnn,
            s_nssai=snssai,
            request_type=request_type,
            n1_sm_msg=N1,
            ue_location=location,
        )
        body = PostSmContextsRequest(json_data=data, binary_data_n1_sm_message=n1)
        return (await self.nsmf.create_sm_context(body)).id

    async def update(
        self,
        ref: str,
        *,
        n1: bytes | None = None,
        n2: bytes | None = None,
        kind: str | None = None,
        state: str | None = None,
        release: str | None = None,
        ho_state: str | None = None,
        cause: str | None = None,
        tac: int | None = None,
        target: int | None = None,
    ) -> UpdateSmContextResponse:
        """tac: where the UE is; target: the tracking area that it is handed over to."""
        data = SmContextUpdateData(
            ue_location=None if tac is None else place(tac),
            target_id=None if target is None else target_of(target),
            up_cnx_state=state,
            ho_state=ho_state,
            release=True if release else None,
            cause=release or cause,
            n1_sm_msg=N1 if n1 is not None else None,
            n2_sm_info=N2 if n2 is not None else None,
            n2_sm_info_type=kind,
        )
        body = UpdateSmContextRequest(
            json_data=data, binary_data_n1_sm_message=n1, binary_data_n2_sm_information=n2
        )
        return await self.nsmf.update_sm_context(ref, body)

    async def decide(self, ref: str, change: SmPolicyDecision) -> PartialSuccessReport | None:
        """Npcf_SMPolicyControl_UpdateNotify."""
        callback = self.bus.client(NsmfPolicyCallback, "PCF")
        return await callback.sm_policy_update_notify(ref, SmPolicyNotification(sm_policy_decision=change))

    async def not_reached(self, ref: str) -> None:
        """Namf_Communication_N1N2TransferFailureNotification."""
        failure = N1N2MsgTxfrFailureNotification(cause="UE_NOT_RESPONDING", n1n2_msg_data_uri="/x")
        await self.bus.client(NsmfCallback, "AMF").n1n2_transfer_failure(ref, failure)

    async def setup_response(self, ref: str, teid: int = 7) -> UpdateSmContextResponse:
        return await self.update(ref, n2=setup_response(teid), kind="PDU_RES_SETUP_RSP")

    async def release(self, ref: str) -> None:
        await self.nsmf.release_sm_context(ref, SmContextReleaseData())

    async def active(self, n1: bytes = ESTABLISHMENT_REQUEST) -> str:
        """A session whose user plane is up."""
        ref = await self.create(n1)
        await asyncio.sleep(0.01)
        await self.setup_response(ref)
        return ref

    def nothing_left(self) -> bool:
        pools = self.smf.ports.pools.values()
        tables = self.smf.sessions
        return (
            not self.upf.sessions
            and not self.pcf.associations
            and not self.udm.registered
            and not any(len(pool) for pool in pools)
            and not tables.by_identity
            and not tables.by_ref
            and not tables.by_seid
            and not list(self.store.items("sm-contexts"))
            and not self.smf.runtime.busy
        )


def setup_response(teid: int, *qfis: int) -> bytes:
    """Of a gNB that carries these QoS flows, the default one where none is named."""
    tunnel = ngap.GTPTunnel(
        transport_layer_address=(int(IPv4Address("10.0.0.2")), 32), gtp_teid=teid.to_bytes(4, "big")
    )
    flows = ngap.QosFlowPerTNLInformation(
        up_transport_layer_information=("gTPTunnel", tunnel),
        associated_qos_flow_list=[
            ngap.AssociatedQosFlowItem(qos_flow_identifier=qfi) for qfi in qfis or (1,)
        ],
    )
    return ngap.encode_value(
        ngap.PDUSessionResourceSetupResponseTransfer(dl_qos_flow_per_tnl_information=flows)
    )


def rejected(cause: int, psi: int = 1, pti: int = 1) -> nas.PDUSessionEstablishmentReject:
    """TS 24.501 §6.4.1.4.1: which causes come with a back-off timer, which with a re-attempt indicator."""
    lasting = cause in (8, 27, 29, 32, 33, 70, 82)
    of_a_type = cause in (50, 51, 57, 58, 61)
    again = nas.ReAttemptIndicator(not_in_s1_mode=lasting, not_in_equivalent_plmn=True)
    return nas.PDUSessionEstablishmentReject(
        pdu_session_id=psi,
        pti=pti,
        cause=cause,
        back_off_timer=60 if lasting or cause in (26, 67, 69) else None,
        re_attempt_indicator=again if lasting or of_a_type else None,
    )


def release_request(pti: int = 2, psi: int = 1) -> bytes:
    return nas.encode(nas.PDUSessionReleaseRequest(pdu_session_id=psi, pti=pti, cause=36))


def release_complete(pti: int = 2, psi: int = 1) -> bytes:
    return nas.encode(nas.PDUSessionReleaseComplete(pdu_session_id=psi, pti=pti))


def play(scene: Callable[[World], Awaitable[None]], gate: Gate = OPEN) -> None:
    """A scene with a running SMF, on the virtual clock."""

    async def main() -> None:
        world = await World(gate=gate).start()
        await scene(world)
        await world.smf.stop()

    run_virtual(main())
