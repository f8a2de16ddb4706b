"""What a UPF says on its own: TS 29.244 §5.2.2.3, §6.2, §7.5.8. Each request is answered at once."""

from __future__ import annotations

from cinq.nf.smf import user_plane
from cinq.nf.smf.n4 import N4, Peer
from cinq.nf.smf.procedures.association import Association
from cinq.nf.smf.procedures.usage import report_soon
from cinq.nf.smf.session import PduSession, Sessions
from cinq.nf.smf.signals import DownlinkData, NetworkRelease, TunnelGone
from cinq.procedure import Runtime
from cinq.wire import pfcp
from cinq.wire.nas import GsmCause
from cinq.wire.pfcp import Cause, ReportType

DOWNLINK_DATA_REPORT, ERROR_INDICATION_REPORT, USAGE_REPORT = 83, 99, 80


class Reports:
    """The UPFs' requests, and responses that nobody waits for."""

    def __init__(self, sessions: Sessions, runtime: Runtime) -> None:
        self.n4: N4 | None = None
        self.associations: dict[str, Association] = {}
        self._sessions = sessions
        self._runtime = runtime

    def request(self, message: pfcp.Message, peer: Peer) -> pfcp.Message | None:
        """The answer to a request; None when the SMF does not serve it."""
        n4, association = self.n4, self.associations.get(peer[0])
        if n4 is None or association is None:
            return None
        if isinstance(message, pfcp.HeartbeatRequest):
            association.heard(message.recovery_time_stamp)
            return pfcp.HeartbeatResponse(recovery_time_stamp=n4.recovery_time_stamp)
        if isinstance(message, pfcp.SessionReportRequest):
            return self._session_report(message, peer)
        if isinstance(message, pfcp.AssociationSetupRequest):
            return association.setup_requested(message)
        if isinstance(message, pfcp.AssociationUpdateRequest):
            return association.update_requested(message)
        if isinstance(message, pfcp.NodeReportRequest):
            return pfcp.NodeReportResponse(node_id=n4.node_id, cause=Cause.REQUEST_ACCEPTED)
        return None

    def _session_report(self, message: pfcp.SessionReportRequest, peer: Peer) -> pfcp.SessionReportResponse:
        """Of a session at this UPF: for another one it is not there."""
        session = self._sessions.by_seid.get(message.seid or 0)
        if session is None or session.context.upf != peer[0]:
            return pfcp.SessionReportResponse(cause=Cause.SESSION_CONTEXT_NOT_FOUND, seid=0)
        missing = _missing(message)
        if missing is not None:
            cause = Cause.CONDITIONAL_IE_MISSING
            return pfcp.SessionReportResponse(cause=cause, offending_ie=missing, seid=session.context.up_seid)
        self._reported(session, message)
        return pfcp.SessionReportResponse(cause=Cause.REQUEST_ACCEPTED, seid=session.context.up_seid)

    def _reported(self, session: PduSession, message: pfcp.SessionReportRequest) -> None:
        if message.usage_reports:
            user_plane.measured(session, message.usage_reports)
            report_soon(session)
        if message.report_type.has(ReportType.DLDR) and session.up_cnx_state == "DEACTIVATED":
            session.receive(DownlinkData())
        errors = message.error_indication_report
        if errors is not None:
            session.receive(TunnelGone(tuple((f.teid or 0, f.ipv4) for f in errors.remote_f_teids)))
        flags = message.srreq_flags
        if flags is not None and flags.has(pfcp.SrReqFlags.PSDBU):
            session.epoch = 0
            session.want(NetworkRelease(GsmCause.REACTIVATION_REQUESTED))

    def unclaimed(self, message: pfcp.Message, peer: Peer) -> None:
        """A response that nobody waits for is ignored; but a session that came too late must not stay."""
        if not isinstance(message, pfcp.SessionEstablishmentResponse) or message.up_f_seid is None:
            return
        n4, association = self.n4, self.associations.get(peer[0])
        if n4 is None or association is None or message.cause != Cause.REQUEST_ACCEPTED:
            return
        session = self._sessions.by_seid.get(message.seid or 0)
        up_seid = message.up_f_seid.seid
        if session is None or session.context.up_seid != up_seid:
            self._runtime.spawn(lambda: _withdraw(n4, peer, up_seid), "late session")


async def _withdraw(n4: N4, peer: Peer, up_seid: int) -> None:
    await n4.request(pfcp.SessionDeletionRequest(), pfcp.SessionDeletionResponse, peer, up_seid)


def _missing(message: pfcp.SessionReportRequest) -> int | None:
    """The report that the report type promises and that is not there, table 7.5.8.1-1."""
    kind = message.report_type
    if kind.has(ReportType.DLDR) and message.downlink_data_report is None:
        return DOWNLINK_DATA_REPORT
    if kind.has(ReportType.ERIR) and message.error_indication_report is None:
        return ERROR_INDICATION_REPORT
    if kind.has(ReportType.USAR) and not message.usage_reports:
        return USAGE_REPORT
    return None
