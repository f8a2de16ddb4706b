"""PFCP session report, TS 29.244 §6.3.5, §7.5.8: downlink data, and a tunnel that the gNB does not know."""

from __future__ import annotations

import asyncio
from functools import partial

from cinq.nf.upf.context import SessionContext
from cinq.nf.upf.n4 import N4
from cinq.nf.upf.procedures.session import Sessions
from cinq.nf.upf.registry import Registry
from cinq.nf.upf.unheard import Unheard
from cinq.transport_address import Address
from cinq.wire import pfcp
from cinq.wire.pfcp import ApplyAction, Cause, ReportType

REPEAT_S = 10.0  # longer than a report is repeated without an answer


class Reports:
    """What the UPF tells on its own."""

    def __init__(self, registry: Registry, sessions: Sessions, n4: N4, unheard: Unheard) -> None:
        self._registry, self._sessions, self._n4 = registry, sessions, n4
        self._unheard = unheard
        self._under_way: set[str] = set()

    def downlink_data(self, seid: int) -> None:
        """TS 23.502 §4.2.3.3 step 2a. A session that has gone meanwhile is passed over."""
        session = self._registry.sessions.get(seid)
        if session is None:
            return
        waiting = [
            pdr
            for pdr in session.pdrs
            if not pdr.is_uplink and session.far(pdr.far_id).actions & ApplyAction.NOCP
        ]
        if not waiting:
            return
        qfi = next((session.qer(n).qfi for pdr in waiting for n in pdr.qer_ids), None)
        information = [] if qfi is None else [pfcp.DownlinkDataServiceInformation(qfi=qfi)]
        report = pfcp.DownlinkDataReport(
            pdr_ids=[pdr.pdr_id for pdr in waiting], downlink_data_service_information=information
        )
        self._send(
            session,
            pfcp.SessionReportRequest(report_type=ReportType(ReportType.DLDR), downlink_data_report=report),
        )

    def tunnel_gone(self, teid: int, peer: Address) -> None:
        """TS 29.244 §7.5.8.4: the gNB, or another UPF, answered Error Indication. Said once in REPEAT_S, however many
        packets were answered so, and not of a tunnel that packets do not go to any more."""
        session = self._registry.behind(teid, peer)
        if session is None or (teid, peer) not in session.far_ends:
            return
        now, told = asyncio.get_running_loop().time(), self._registry.told_gone
        if now - told.get(session.seid, -REPEAT_S) < REPEAT_S:
            return
        told[session.seid] = now
        report = pfcp.ErrorIndicationReport(remote_f_teids=[pfcp.FTeid.at(teid, peer)])
        self._send(
            session,
            pfcp.SessionReportRequest(
                report_type=ReportType(ReportType.ERIR), error_indication_report=report
            ),
        )

    def usage(self, session: SessionContext) -> None:
        """§7.5.8.3: a threshold, a quota or a period; what the SMF has not acknowledged yet, each until it has."""
        for key, message in self._unheard.of(session.seid):
            if key in self._under_way:
                continue
            self._under_way.add(key)
            answered = partial(self._usage_answered, session.seid, key)
            failed = partial(self._under_way.discard, key)
            peer = (session.smf, pfcp.PORT)
            if not self._n4.ask(message, peer, answered, session.cp_seid, failed):
                self._under_way.discard(key)

    def _usage_answered(self, seid: int, key: str, response: pfcp.Message) -> None:
        self._under_way.discard(key)
        if isinstance(response, pfcp.SessionReportResponse) and response.cause == Cause.REQUEST_ACCEPTED:
            self._unheard.heard(seid, key)
        self._answered(seid, response)

    def _send(self, session: SessionContext, message: pfcp.SessionReportRequest) -> None:
        answered = partial(self._answered, session.seid)
        self._n4.ask(message, (session.smf, pfcp.PORT), answered, session.cp_seid)

    def _answered(self, seid: int, response: pfcp.Message) -> None:
        """§7.5.9: an SMF that does not know the session wants it gone here too. Else there is nothing to do."""
        session = self._registry.sessions.get(seid)
        if session is None or not isinstance(response, pfcp.SessionReportResponse):
            return
        if response.cause == Cause.SESSION_CONTEXT_NOT_FOUND:
            self._sessions.end(session)
