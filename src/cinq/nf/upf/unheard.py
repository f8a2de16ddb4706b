"""Usage reports that the SMF has not acknowledged: they outlive the process, and are told until they are.

A report is kept before the meters begin anew, so a kill between the two makes the next process report the same use
again under the same UR-SEQN, by which the SMF knows it (TS 29.244 §8.2.71).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from cinq.nf.upf.context import SessionContext
from cinq.procedure.store import Store
from cinq.wire import pfcp
from cinq.wire.pfcp import PfcpError, ReportType

log = logging.getLogger("cinq.upf")
COLLECTION = "pfcp-unheard"
MOST = 64  # of one session; the SMF is away, and what is older is gone


class Unheard:
    """Messages by session, the oldest first. store: None where nothing outlives the process."""

    def __init__(self, store: Store | None) -> None:
        self._store = store
        self._of: dict[int, dict[str, pfcp.SessionReportRequest]] = {}
        for key, octets in [] if store is None else list(store.items(COLLECTION)):
            try:
                message = pfcp.decode(octets)
            except PfcpError as error:
                log.warning("UPF: a usage report that was kept is unreadable: %s", error)
                continue
            if isinstance(message, pfcp.SessionReportRequest):
                self._of.setdefault(int(key.partition(".")[0], 16), {})[key] = message

    def keep(self, session: SessionContext, reports: list[pfcp.UsageReport]) -> None:
        message = pfcp.SessionReportRequest(report_type=ReportType(ReportType.USAR), usage_reports=reports)
        first = reports[0]
        key = f"{session.seid:016x}.{first.ur_seqn:010}.{first.urr_id}"
        mine = self._of.setdefault(session.seid, {})
        mine[key] = message
        if self._store is not None:
            self._store.put(COLLECTION, key, pfcp.encode(message, sequence=0, seid=session.cp_seid))
        while len(mine) > MOST:
            oldest = next(iter(mine))
            log.warning("UPF: %s: a usage report that nobody acknowledged is given up", session.label)
            self.heard(session.seid, oldest)

    def sessions(self, known: Mapping[int, SessionContext]) -> list[SessionContext]:
        """Those with something that nobody heard; what is of a session that is not there is forgotten."""
        for seid in [seid for seid in self._of if seid not in known]:
            self.end(seid)
        return [known[seid] for seid in self._of]

    def of(self, seid: int) -> list[tuple[str, pfcp.SessionReportRequest]]:
        """Each with the name by which it is `heard`."""
        return list(self._of.get(seid, {}).items())

    def heard(self, seid: int, key: str) -> None:
        mine = self._of.get(seid)
        if mine is None or mine.pop(key, None) is None:
            return
        if self._store is not None:
            self._store.delete(COLLECTION, key)
        if not mine:
            del self._of[seid]

    def end(self, seid: int) -> list[pfcp.UsageReport]:
        """The session has ended: what nobody heard goes with its last reports."""
        messages = self.of(seid)
        for key, _ in messages:
            self.heard(seid, key)
        return [report for _, message in messages for report in message.usage_reports]
