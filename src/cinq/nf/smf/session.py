"""The subject of 5GSM: one PDU session; and all of them, by their names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import msgspec

from cinq.nf.smf.context import COLLECTION, AnTunnel, Branch, SmContext, Wanted, encoded
from cinq.nf.smf.flows import SessionQos
from cinq.nf.smf.n2 import Resources
from cinq.nf.smf.ports import Ports
from cinq.nf.smf.signals import (
    MODIFICATIONS,
    RELEASES,
    FlowsLost,
    Modification,
    N1N2TransferFailed,
    NetworkRelease,
)
from cinq.procedure import Signal, Subject
from cinq.sbi.callback import notify
from cinq.sbi.models import RefToBinaryData, Snssai, UpCnxState
from cinq.sbi.problem import Problem
from cinq.sbi.services.namf_communication import (
    N1MessageContainer,
    N1N2MessageTransferReqData,
    N1N2MessageTransferRequest,
    N1N2MessageTransferRspData,
    N2InfoContainer,
    N2InfoContent,
    N2SmInformation,
    SmContextStatusNotification,
    StatusInfo,
)
from cinq.sbi.services.nsmf_pdusession import N2SmInfoType
from cinq.wire import nas

PASSING = ("TEMPORARY_REJECT_HANDOVER_ONGOING", "TEMPORARY_REJECT_REGISTRATION_ONGOING")
"""Causes of the AMF that are over a little later (TS 23.502 §4.9.1.3.1)."""
N1_PART, N2_PART = RefToBinaryData(content_id="n1SmMsg"), RefToBinaryData(content_id="n2SmInfo")


class Sessions:
    """All PDU sessions: by UE and identity, by the name on Nsmf, by our SEID."""

    def __init__(self, seid: int) -> None:
        self._seid = seid
        self.by_identity: dict[tuple[str, int], PduSession] = {}
        self.by_ref: dict[str, PduSession] = {}
        self.by_seid: dict[int, PduSession] = {}
        self._by_end: dict[tuple[str, int], PduSession] = {}
        self.at_upf: Counter[str] = Counter()  # by N4 address
        self.heard: Callable[[SmContext], None] | None = None
        """Hears each context that is stored, where somebody watches."""

    def next_seid(self) -> int:
        self._seid += 1
        while self._seid in self.by_seid:
            self._seid += 1
        return self._seid

    def label(self, seid: int) -> str:
        """Of the session with this SEID, "" when there is none."""
        session = self.by_seid.get(seid)
        return "" if session is None else session.label

    def add(self, session: PduSession) -> None:
        context = session.context
        self.by_identity[context.supi, context.pdu_session_id] = session
        self.by_ref[context.ref] = session
        self.by_seid[context.seid] = session
        if context.up_seid:
            self.claim_ends(session)
        if context.branch is not None:
            self.claim(session, context.branch)

    def owner(self, end: tuple[str, int]) -> PduSession | None:
        """Of what a UPF gave: (its N4 address, its SEID) or (its N3 address, a TEID)."""
        return self._by_end.get(end)

    def claim_ends(self, session: PduSession) -> None:
        ends = _ends(session.context)
        if self._by_end.get(ends[0]) is not session:
            self.at_upf[session.context.upf] += 1
        for end in ends:
            self._by_end[end] = session

    def release_ends(self, session: PduSession) -> None:
        ends = _ends(session.context)
        if self._by_end.get(ends[0]) is session:
            self.at_upf[session.context.upf] -= 1
        for end in ends:
            if self._by_end.get(end) is session:
                del self._by_end[end]

    def claim(self, session: PduSession, branch: Branch) -> None:
        """What a UPF between anchor and gNB gave is the session's."""
        ends = _ends_of_branch(branch)
        self.by_seid[branch.seid] = session
        self.at_upf[branch.upf] += self._by_end.get(ends[0]) is not session
        for end in ends:
            self._by_end[end] = session

    def release(self, session: PduSession, branch: Branch) -> None:
        """It is nobody's any more."""
        ends = _ends_of_branch(branch)
        self.at_upf[branch.upf] -= self._by_end.get(ends[0]) is session
        for end in ends:
            if self._by_end.get(end) is session:
                del self._by_end[end]
        if self.by_seid.get(branch.seid) is session:
            del self.by_seid[branch.seid]

    def drop_names(self, context: SmContext) -> None:
        """Ref and SEID of a context that is no more."""
        self.by_ref.pop(context.ref, None)
        self.by_seid.pop(context.seid, None)

    def forget(self, session: PduSession) -> None:
        context = session.context
        self.drop_names(context)
        self.release_ends(session)
        for branch in (*session.leaving, *filter(None, (context.branch,))):
            self.release(session, branch)
        self.by_ref.pop(session.ref, None)
        key = context.supi, context.pdu_session_id
        if self.by_identity.get(key) is session:
            del self.by_identity[key]


@dataclass(frozen=True, slots=True, eq=False)
class Handover:
    """An N2 handover of the session under way. direct: source and target reach each other. made: at the target.

    moves: the path through UPFs is another one at the target, with `branch` in it, which is ready.
    """

    direct: bool
    made: Resources | None = None
    moves: bool = False
    branch: Branch | None = None


@dataclass(frozen=True, slots=True, eq=False)
class IndirectForwarding:
    """So many tunnels at the UPF, for packets that the source gNB forwards."""

    tunnels: int


def _ends(context: SmContext) -> tuple[tuple[str, int], ...]:
    ends = context.anchor_ends.all
    return (context.upf, context.up_seid), *((str(end), context.teid) for end in ends)


def _ends_of_branch(branch: Branch) -> tuple[tuple[str, int], ...]:
    given = [(str(end), teid) for end in branch.n3.all for teid in (branch.teid, branch.n9_teid)]
    return (branch.upf, branch.up_seid), *given


@dataclass(slots=True)
class ModificationCommand:
    """PDU SESSION MODIFICATION COMMAND, where the UE is to know, and the transfer that goes to the gNB with it.

    The transfer goes out once, the message at each expiry of T3591. first: as in ReleaseCommand.
    """

    message: nas.PDUSessionModificationCommand | None
    n2: bytes
    first: Callable[[bytes, bytes], bool] | None = None


@dataclass(frozen=True, slots=True)
class ReleaseCommand:
    """PDU SESSION RELEASE COMMAND towards the UE, and for the gNB the transfer that comes with it ("" bytes: none).

    first: takes (n1, n2) where the first transmission goes out in an answer to the AMF.
    """

    message: nas.PDUSessionReleaseCommand
    n2: bytes
    first: Callable[[bytes, bytes], bool] | None = None


class PduSession(Subject[SmContext]):
    """up_cnx_state, an: whether the user plane reaches the gNB, and where. pti: of the last UE request.

    epoch, branch_epoch: of the association in which the UPF has the session, 0 when it does not have it. tac: where the
    UE is, as last heard. leaving: UPFs that were on the way until a moment ago. late: the anchor takes what is still on
    its way on the path before this one. paging: the AMF
    was asked to reach the UE. was_active: the gNB had the session at least once. ref: the latest name on Nsmf.
    postponed: a release that waits for the end of a handover. wanted: what a modification is to bring about. ue_has:
    what the UE may have of a modification whose end it did not tell. lost: flows that the gNB did not modify.
    """

    __slots__ = (
        "_label",
        "an",
        "branch_epoch",
        "confirm",
        "epoch",
        "forwarding",
        "handover",
        "late",
        "leaving",
        "lost",
        "paging",
        "ports",
        "postponed",
        "pti",
        "ref",
        "sessions",
        "tac",
        "ue_has",
        "up_cnx_state",
        "was_active",
    )

    def __init__(self, context: SmContext, ports: Ports, sessions: Sessions) -> None:
        super().__init__(context, ports.runtime)
        self.ports = ports
        self.sessions = sessions
        self.up_cnx_state: UpCnxState = "DEACTIVATED"
        self.an: AnTunnel | None = None
        self.pti = 0
        self.epoch = self.branch_epoch = 0
        self.tac: int | None = None
        self.leaving: tuple[Branch, ...] = ()
        self.late = False
        self.paging = False
        self.was_active = False
        self.ref = context.ref
        self.handover: Handover | None = None
        self.forwarding: IndirectForwarding | None = None
        self.postponed: NetworkRelease | None = None
        self.ue_has: SessionQos | None = None
        self.lost: frozenset[int] = frozenset()
        self.confirm: frozenset[str] = frozenset()
        self._label = context.label

    @property
    def label(self) -> str:
        return self._label

    def describe(self, message: object) -> tuple[str, str]:
        name = getattr(message, "NAME", type(message).__name__)
        return ("N1" if isinstance(message, nas.NasMessage) else "", name)

    def note(self, **changes: object) -> None:
        """Change the context without storing it: before the session is active, and what a restart would change."""
        self.context = msgspec.structs.replace(self.context, **changes)

    def stored(self, context: SmContext) -> None:
        """Sessions that a UE holds survive a restart; others are nobody's."""
        if context.state == "ACTIVE":
            self.ports.store.put(COLLECTION, context.label, encoded(context))
        else:
            self.ports.store.delete(COLLECTION, context.label)
        if self.sessions.heard is not None:
            self.sessions.heard(context)

    def idle(self) -> None:
        if self.context.state == "INACTIVE":
            self.sessions.forget(self)

    def status(self, message: object) -> object | None:
        """TS 24.501 §7.4: a message type that is not compatible with the state."""
        if not isinstance(message, nas.GsmMessage) or isinstance(message, nas.FiveGSMStatus):
            return None
        cause = nas.GsmCause.MESSAGE_TYPE_NOT_COMPATIBLE_WITH_THE_PROTOCOL_STATE
        return nas.FiveGSMStatus(pdu_session_id=message.pdu_session_id, pti=message.pti, cause=cause)

    # towards the AMF

    @property
    def is_releasing(self) -> bool:
        return isinstance(self.opening, RELEASES)

    @property
    def is_forgotten(self) -> bool:
        """Ended, and nothing begins it anew."""
        return self.context.state == "INACTIVE" and self.is_idle

    @property
    def is_modifying(self) -> bool:
        return isinstance(self.opening, MODIFICATIONS)

    def give_way(self, reason: str) -> None:
        """A modification under way ends for what matters more; it begins anew when that is over (`resume`)."""
        if self.is_modifying:
            self.abort(reason)

    def want(self, signal: Signal[object]) -> None:
        if isinstance(signal, NetworkRelease):
            self.give_way("the session is released")
        super().want(signal)

    @property
    def requires_security(self) -> bool:
        policy = self.context.security
        return policy is not None and "REQUIRED" in (policy.integrity, policy.confidentiality)

    @property
    def wanted(self) -> Wanted | None:
        """A decision that is taken is not lost with the core: it is stored until it is brought about."""
        return self.context.pending

    @wanted.setter
    def wanted(self, wanted: Wanted | None) -> None:
        if self.context.state != "ACTIVE":
            self.note(pending=wanted)
        elif wanted is not self.context.pending:
            self.commit(pending=wanted)

    def resume(self) -> None:
        """What had to wait begins: for the end of a handover, for the user plane."""
        postponed, self.postponed = self.postponed, None
        if postponed is not None:
            self.want(postponed)
        elif self.wanted is not None or self.ue_has is not None:
            self.want(Modification())
        elif self.lost:
            self.want(FlowsLost(self.lost, "RES_ALLO_FAIL"))

    def send(self, message: object) -> None:
        """A 5GSM message to the UE through the AMF. A reject ends the SM context at the AMF too."""
        if isinstance(message, ReleaseCommand):
            n1 = nas.encode(message.message)
            if message.first is not None and message.first(n1, message.n2):
                return
            self.runtime.spawn(partial(self._pass_on, n1, message.n2, "PDU_RES_REL_CMD"), "release command")
        elif isinstance(message, ModificationCommand):
            self._modify(message)
        elif isinstance(message, nas.PDUSessionEstablishmentReject):
            self.runtime.spawn(partial(self._rejected, nas.encode(message)), "establishment reject")
        elif isinstance(message, nas.GsmMessage):
            self.runtime.spawn(
                partial(self._pass_on, nas.encode(message), b"", "PDU_RES_REL_CMD"), message.NAME
            )

    def _modify(self, command: ModificationCommand) -> None:
        n1 = b"" if command.message is None else nas.encode(command.message)
        n2, command.n2 = command.n2, b""
        if command.first is None or not command.first(n1, n2):
            self.runtime.spawn(partial(self._pass_on, n1, n2, "PDU_RES_MOD_REQ"), "modification command")

    async def _pass_on(self, n1: bytes, n2: bytes, n2_type: N2SmInfoType) -> None:
        try:
            await self.transfer(n1, n2, n2_type if n2 else None)
        except Problem as problem:
            message = nas.decode(n1) if n1 else None
            self.runtime.report(self, "", message, f"not passed on by the AMF: {problem}")
            self.receive(N1N2TransferFailed(str(problem), problem.cause in PASSING))

    async def _rejected(self, n1: bytes) -> None:
        await self._pass_on(n1, b"", "PDU_RES_REL_CMD")
        await self.notify_released()

    def transfer(
        self, n1: bytes, n2: bytes, n2_type: N2SmInfoType | None, *, may_page: bool = False
    ) -> Awaitable[N1N2MessageTransferRspData]:
        """Namf_Communication_N1N2MessageTransfer: what is b"" stays away. Raises Problem."""
        context = self.context
        sm_info = N2SmInformation(
            pdu_session_id=context.pdu_session_id,
            n2_info_content=N2InfoContent(ngap_data=N2_PART, ngap_ie_type=n2_type),
            s_nssai=Snssai.of(context.s_nssai),
        )
        data = N1N2MessageTransferReqData(
            n1_message_container=N1MessageContainer(n1_message_class="SM", n1_message_content=N1_PART)
            if n1
            else None,
            n2_info_container=N2InfoContainer(n2_information_class="SM", sm_info=sm_info) if n2 else None,
            pdu_session_id=context.pdu_session_id,
            skip_ind=not may_page and not n1,
            five_qi=context.qos.default_flow.profile.five_qi if may_page else None,
            n1n2_failure_txf_notif_uri=None
            if not may_page and self.up_cnx_state != "DEACTIVATED"
            else self.ports.sbi.uri(f"/nsmf-callback/v1/n1n2-failure/{context.ref}"),
        )
        request = N1N2MessageTransferRequest(
            json_data=data, binary_data_n1_message=n1 or None, binary_data_n2_information=n2 or None
        )
        return self.ports.amf(context.amf).n1n2_message_transfer(context.supi, request)

    async def notify_released(self) -> None:
        """Nsmf_PDUSession_SMContextStatusNotify: the AMF forgets the SM context."""
        context = self.context
        notification = SmContextStatusNotification(status_info=StatusInfo(resource_status="RELEASED"))
        uri = (
            context.status_uri
            or f"/namf-callback/v1/sm-context-status/{context.supi}/{context.pdu_session_id}"
        )
        try:
            await notify(self.ports.sbi, "SMF", uri, notification, context.amf or None)
        except Problem as problem:
            self.runtime.report(self, "", notification, f"the AMF does not know the session: {problem}")
