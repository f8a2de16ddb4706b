"""What the SMF serves: Nsmf_PDUSession (TS 29.502 §5.2), the callbacks it gave, and N4."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import msgspec

from cinq.nf.smf import authorization, messages
from cinq.nf.smf.addresses import AddressPool
from cinq.nf.smf.context import COLLECTION, SmContext, decoded
from cinq.nf.smf.n4 import N4, Handlers, N4Port, Peer
from cinq.nf.smf.procedures import release  # establishment: for what it opens
from cinq.nf.smf.procedures import user_plane as up
from cinq.nf.smf.procedures.association import Association
from cinq.nf.smf.reports import Reports
from cinq.nf.smf.session import (
    N1_PART,
    N2_PART,
    N1N2TransferFailed,
    PduSession,
    Ports,
    Sessions,
    SmContextCreated,
)
from cinq.nf.smf.settings import DataNetwork, Settings
from cinq.nf.smf.uplink import (
    UNASSIGNED_PTI,
    Answered,
    modification_refused,
    refused,
    uplink_message,
)
from cinq.procedure import Aborted, Clock, Journal, Procedure, Refused, Runtime, TimerExpired
from cinq.procedure.store import Store
from cinq.sbi import Bus, Created, Problem
from cinq.sbi.models import Snssai, UpCnxState
from cinq.sbi.services.namf_communication import (
    N1N2MsgTxfrFailureNotification,
    NamfCallback,
    NamfCommunication,
    NsmfCallback,
)
from cinq.sbi.services.nnrf import DnnSmfInfoItem, NFProfile, SmfInfo, SnssaiSmfInfoItem
from cinq.sbi.services.npcf_smpolicycontrol import NpcfSMPolicyControl
from cinq.sbi.services.nsmf_pdusession import (
    N2SmInfoType,
    NsmfPDUSession,
    PostSmContextsRequest,
    SmContextCreateData,
    SmContextCreatedData,
    SmContextReleaseData,
    SmContextUpdatedData,
    UpdateSmContextRequest,
    UpdateSmContextResponse,
)
from cinq.sbi.services.nudm_sdm import DnnConfiguration, NudmSubscriberDataManagement
from cinq.sbi.services.nudm_uecm import NudmUEContextManagement
from cinq.wire import nas, ngap
from cinq.wire.nas import GsmCause

A = TypeVar("A")
R = TypeVar("R")
RELEASES = (release.ue_requested_release, release.network_requested_release)


class SMF:
    """The session management function. `start` sets the associations up; `n4_received` takes what comes on N4.

    entropy(n) gives n random octets.
    """

    def __init__(
        self,
        settings: Settings,
        sbi: Bus,
        n4: N4Port,
        store: Store,
        clock: Clock,
        entropy: Callable[[int], bytes],
        journal: Journal,
        instance_id: str,
    ) -> None:
        self.instance_id = instance_id
        self.runtime = Runtime("SMF", journal, clock)
        self._settings = settings
        self._entropy = entropy
        self.sessions = Sessions(int.from_bytes(entropy(4), "big") << 24)
        self._reports = Reports(self.sessions, self.runtime)
        handlers = Handlers(self._reports.request, self._reports.unclaimed, self.sessions.label)
        transactions = N4(settings, n4, self.runtime, handlers)
        self._reports.n4 = transactions
        self.ports = Ports(
            settings=settings,
            runtime=self.runtime,
            instance_id=instance_id,
            amf=sbi.client(NamfCommunication, "SMF"),
            amf_callback=sbi.client(NamfCallback, "SMF"),
            sdm=sbi.client(NudmSubscriberDataManagement, "SMF"),
            uecm=sbi.client(NudmUEContextManagement, "SMF"),
            pcf=sbi.client(NpcfSMPolicyControl, "SMF"),
            n4=transactions,
            store=store,
            pools={network.name: AddressPool(network.pool) for network in settings.data_networks},
            sessions=self.sessions,
        )
        for upf in settings.user_planes:
            association = Association(upf.address, upf.port, transactions, self.sessions, self.runtime)
            self.ports.associations[str(upf.address)] = association
        self._reports.associations = self.ports.associations
        self._load(store)

    def services(self) -> list[tuple[type, object]]:
        return [(NsmfPDUSession, self), (NsmfCallback, self)]

    def profile(self) -> NFProfile:
        slices = {s for network in self._settings.data_networks for s in network.slices}
        info = SmfInfo(
            s_nssai_smf_info_list=[
                SnssaiSmfInfoItem(
                    s_nssai=Snssai.of(snssai),
                    dnn_smf_info_list=[
                        DnnSmfInfoItem(dnn=network.name)
                        for network in self._settings.data_networks
                        if not network.slices or snssai in network.slices
                    ],
                )
                for snssai in sorted(slices, key=str)
            ]
        )
        return NFProfile(
            nf_instance_id=self.instance_id,
            nf_type="SMF",
            nf_status="REGISTERED",
            smf_info=info if slices else None,
        )

    def start(self) -> None:
        """Set up the PFCP associations, and keep them by heartbeats."""
        for association in self.ports.associations.values():
            association.begin()
            self.runtime.every(self._settings.heartbeat_s, association.tick, "heartbeat")

    async def stop(self) -> None:
        await self.runtime.stop()

    def n4_received(self, octets: bytes, peer: Peer) -> None:
        """A datagram from N4. Never raises."""
        self.ports.n4.received(octets, peer)

    def _load(self, store: Store) -> None:
        """The sessions of the former run, their user plane deactivated. What cannot be read is not there."""
        for key, octets in list(store.items(COLLECTION)):
            try:
                context = decoded(octets)
            except msgspec.DecodeError as error:
                store.delete(COLLECTION, key)
                self.runtime.report_bug(f"stored SM context {key[:9]}…", error)
                continue
            pool = self.ports.pools.get(context.dnn)
            if pool is not None:
                pool.reserve(context.ipv4)
            self.sessions.add(PduSession(context, self.ports))

    # Nsmf_PDUSession

    async def create_sm_context(self, body: PostSmContextsRequest) -> Created[SmContextCreatedData]:
        """TS 23.502 §4.3.2.2.1 steps 3 to 5; the rest is `pdu_session_establishment`."""
        data = body.json_data
        request = authorization.establishment_request(body.binary_data_n1_sm_message, data)
        if not data.supi or self.runtime.stopping:
            raise authorization.refusal(
                request.pdu_session_id, request.pti, GsmCause.NETWORK_FAILURE, "NETWORK_FAILURE", "no SUPI"
            )
        key = data.supi, request.pdu_session_id
        if data.request_type == "EXISTING_PDU_SESSION" and key not in self.sessions.by_identity:
            cause = GsmCause.PDU_SESSION_DOES_NOT_EXIST
            raise authorization.refusal(*_names(request), cause, "CONTEXT_NOT_FOUND", "no such PDU session")
        context, network = await self._subscribed(data, request)
        ref = self._entropy(8).hex()
        context = msgspec.structs.replace(context, ref=ref, seid=self.sessions.next_seid())
        session = self.sessions.by_identity.get(key)
        if session is None:
            session = PduSession(context, self.ports)
        self.sessions.by_ref.pop(session.ref, None)
        session.ref = ref
        self.sessions.by_identity[key] = self.sessions.by_ref[ref] = session
        session.receive(SmContextCreated(context, request, network))
        created = SmContextCreatedData(pdu_session_id=request.pdu_session_id, s_nssai=data.s_nssai)
        return Created(f"/sm-contexts/{ref}", created)

    async def _subscribed(
        self, data: SmContextCreateData, request: nas.PDUSessionEstablishmentRequest
    ) -> tuple[SmContext, DataNetwork]:
        """Step 4: what the subscription says. No subscription to this DNN in this slice: #33."""
        names = request.pdu_session_id, request.pti
        network, snssai = authorization.requested_data_network(
            data, request.pti, self._settings.data_networks
        )
        found: DnnConfiguration | None = None
        try:
            records = await self.ports.sdm.get_sm_data(data.supi or "", data.s_nssai, network.name)
            for record in records:
                found = record.dnn_configurations.get(network.name, found)
        except Problem as problem:
            if problem.status != 404:
                cause = GsmCause.NETWORK_FAILURE
                raise authorization.refusal(
                    *names, cause, "NETWORK_FAILURE", str(problem), status=504
                ) from None
        if found is None:
            cause = GsmCause.REQUESTED_SERVICE_OPTION_NOT_SUBSCRIBED
            what = f"no subscription to {network.name} in slice {snssai}"
            raise authorization.refusal(*names, cause, "SUBSCRIPTION_DENIED", what)
        return authorization.subscribed_context(data, request, network, snssai, found), network

    def _session(self, ref: str) -> PduSession:
        session = self.sessions.by_ref.get(ref)
        if session is None:
            raise Problem(404, "CONTEXT_NOT_FOUND", f"no SM context {ref[:40]}")
        return session

    async def update_sm_context(
        self, sm_context_ref: str, body: UpdateSmContextRequest
    ) -> UpdateSmContextResponse:
        """TS 23.502 §4.3.2.2.1 step 14, §4.3.4.2 step 1a, §4.2.3.2 step 4, §4.2.6 step 5."""
        session = self._session(sm_context_ref)
        data, n1, n2 = body.json_data, body.binary_data_n1_sm_message, body.binary_data_n2_sm_information
        if data.release:
            return await self._dropped(session, data.cause or "released by the AMF")
        if n1 is not None:
            return await self._uplink(session, n1)
        if data.n2_sm_info_type is not None:
            return await self._from_gnb(session, data.n2_sm_info_type, n2 or b"")
        if data.up_cnx_state == "ACTIVATING":
            transfer = await self._perform(session, up.user_plane_activation, "")
            return _updated("ACTIVATING", n2=transfer, n2_type="PDU_RES_SETUP_REQ")
        if data.up_cnx_state == "DEACTIVATED":
            await self._perform(session, up.user_plane_deactivation, data.cause or "")
            return _updated("DEACTIVATED")
        return _updated(None)

    async def _dropped(self, session: PduSession, why: str) -> UpdateSmContextResponse:
        """A local release (TS 24.501 §5.4.5.2.5 a) 12, §6.5.3): the UE hears nothing, the gNB frees its resources."""
        n2 = messages.release_command_transfer() if session.up_cnx_state != "DEACTIVATED" else b""
        session.abort(why)
        await self._perform(session, release.sm_context_release, why)
        return _updated("DEACTIVATED", n2=n2, n2_type="PDU_RES_REL_CMD" if n2 else None)

    async def _uplink(self, session: PduSession, n1: bytes) -> UpdateSmContextResponse:
        """A 5GSM message of the UE."""
        in_use = session.pti if session.awaits(nas.PDUSessionReleaseComplete) else None
        try:
            message = uplink_message(n1, session.context.pdu_session_id, in_use)
        except Answered as answered:
            self.runtime.report(session, "", answered, str(answered))
            return _updated(None, n1=b"" if answered.answer is None else nas.encode(answered.answer))
        if isinstance(message, nas.PDUSessionReleaseRequest):
            return await self._release_requested(session, message)
        if isinstance(message, nas.FiveGSMStatus):
            return await self._status(session, message)
        if isinstance(message, nas.PDUSessionModificationRequest):
            return self._modification_requested(session, message)
        if isinstance(message, nas.PDUSessionReleaseComplete):
            session.receive(message)
            return _updated(None)
        answer = session.status(message)
        return _updated(None, n1=nas.encode(answer) if isinstance(answer, nas.GsmMessage) else b"")

    def _modification_requested(
        self, session: PduSession, message: nas.PDUSessionModificationRequest
    ) -> UpdateSmContextResponse:
        if session.running in RELEASES:
            self.runtime.report(session, "", message, "ignored: a release is under way")  # TS 24.501 §6.3.3.5
            return _updated(None)
        return _updated(None, n1=nas.encode(modification_refused(message)))

    async def _release_requested(
        self, session: PduSession, message: nas.PDUSessionReleaseRequest
    ) -> UpdateSmContextResponse:
        if session.running in RELEASES:
            self.runtime.report(session, "", message, "ignored: a release is under way")  # TS 24.501 §6.3.3.5
            return _updated(None)
        if session.context.state == "INACTIVE" and session.is_idle:
            return _updated(None, n1=nas.encode(refused(message, GsmCause.PDU_SESSION_DOES_NOT_EXIST)))
        answer: asyncio.Future[tuple[bytes, bytes]] = asyncio.get_running_loop().create_future()
        requested = release.ReleaseRequested(message, answer)
        self.runtime.spawn(partial(self._released, session, requested), "ue_requested_release")
        n1, n2 = await answer
        return _updated(None, n1=n1, n2=n2, n2_type="PDU_RES_REL_CMD" if n2 else None)

    async def _released(self, session: PduSession, requested: release.ReleaseRequested) -> None:
        try:
            await session.perform(release.ue_requested_release, requested)
        except (Aborted, Refused, TimerExpired) as ended:
            self.runtime.report(session, "ue_requested_release", requested.message, str(ended))
        finally:
            requested.first(b"", b"")

    async def _status(self, session: PduSession, message: nas.FiveGSMStatus) -> UpdateSmContextResponse:
        """TS 24.501 §6.5.3: the UE has no such session, or no such procedure."""
        cause, this_pti = message.cause, message.pti == session.pti
        self.runtime.report(session, "", message, f"the UE says cause {cause}")
        if cause == GsmCause.INVALID_PDU_SESSION_IDENTITY:
            gone = True
        elif session.running in RELEASES:
            gone = False
            if cause == GsmCause.MESSAGE_TYPE_NON_EXISTENT_OR_NOT_IMPLEMENTED or (
                this_pti and cause in (GsmCause.PTI_MISMATCH, GsmCause.INVALID_PTI_VALUE)
            ):
                session.receive(N1N2TransferFailed())
        else:  # the PTI of the accept: the UE did not take the session
            gone = cause == GsmCause.PTI_MISMATCH and this_pti and message.pti != UNASSIGNED_PTI
        if not gone:
            return _updated(None)
        answer = await self._dropped(session, "5GSM STATUS")
        await session.notify_released()
        return answer

    async def _from_gnb(
        self, session: PduSession, kind: N2SmInfoType, octets: bytes
    ) -> UpdateSmContextResponse:
        """N2 SM information, TS 38.413 §9.3.4."""
        if kind == "PDU_RES_SETUP_FAIL":
            await self._perform(session, up.user_plane_refused, kind)
            return _updated("DEACTIVATED")
        if kind != "PDU_RES_SETUP_RSP":
            return _updated(None)  # PDU_RES_REL_RSP: nothing is left to do; others are not asked for
        try:
            tunnel = messages.an_tunnel(octets)
        except (ngap.NgapError, ValueError) as error:
            if session.up_cnx_state == "ACTIVATING":  # else the UE would keep a session that carries nothing
                self.runtime.spawn(partial(up.release_for, session, GsmCause.NETWORK_FAILURE), "release")
            raise Problem(400, "N2_SM_ERROR", str(error)) from None
        if tunnel is None:
            await self._perform(session, up.user_plane_refused, "the QoS flow was not set up")
            return _updated("DEACTIVATED")
        await self._perform(session, up.user_plane_setup, tunnel)
        return _updated("ACTIVATED")

    async def _perform(self, session: PduSession, procedure: Procedure[PduSession, A, R], argument: A) -> R:
        """Run a procedure for the AMF. 504 when the UPF has not done its part."""
        try:
            return await session.perform(procedure, argument)
        except Refused as refused_:
            raise Problem(504, "UPF_NOT_RESPONDING", refused_.reason) from None
        except (Aborted, TimerExpired) as ended:
            raise Problem(409, "HIGHER_PRIORITY_REQUEST_ONGOING", str(ended)) from None

    async def release_sm_context(self, sm_context_ref: str, body: SmContextReleaseData) -> None:
        """TS 23.502 §4.2.2.3.2 step 3 (deregistration), §4.3.4.2 step 1c."""
        session = self._session(sm_context_ref)
        session.abort("released by the AMF")
        await self._perform(session, release.sm_context_release, body.cause or "")

    async def release(self, supi: str, pdu_session_id: int, cause: GsmCause) -> bool:
        """A release by the network itself (TS 23.502 §4.3.4.2 step 1b); False when there is no such session."""
        session = self.sessions.by_identity.get((supi, pdu_session_id))
        if session is None:
            return False
        await session.perform(release.network_requested_release, cause)
        return True

    # callbacks

    async def n1n2_transfer_failure(self, sm_context_ref: str, body: N1N2MsgTxfrFailureNotification) -> None:
        """Namf_Communication_N1N2TransferFailureNotification: the UE does not answer paging."""
        self._session(sm_context_ref).receive(up.UeNotReached())


def _names(request: nas.PDUSessionEstablishmentRequest) -> tuple[int, int]:
    return request.pdu_session_id, request.pti


def _updated(
    state: UpCnxState | None, n1: bytes = b"", n2: bytes = b"", n2_type: N2SmInfoType | None = None
) -> UpdateSmContextResponse:
    data = SmContextUpdatedData(
        up_cnx_state=state,
        n1_sm_msg=N1_PART if n1 else None,
        n2_sm_info=N2_PART if n2 else None,
        n2_sm_info_type=n2_type,
    )
    return UpdateSmContextResponse(
        json_data=data, binary_data_n1_sm_message=n1 or None, binary_data_n2_sm_information=n2 or None
    )
