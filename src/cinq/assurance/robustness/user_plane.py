"""Who sends unexpected input to a UPF: a gNB in strange hands on N3, an SMF in strange hands on N4."""

from __future__ import annotations

import itertools

from cinq.assurance.n3 import address_of, echo_request, tunnel_of
from cinq.assurance.n4 import association, session
from cinq.assurance.robustness import gtpu as gtpu_forms
from cinq.assurance.robustness import pfcp as pfcp_forms
from cinq.assurance.robustness.actor import AtGnb
from cinq.assurance.robustness.form import Symbols
from cinq.assurance.trial import Trial
from cinq.ran.scenarios import check
from cinq.ran.scenarios.check import Failed
from cinq.wire import pfcp

PING_S = 3.0
FIRST_SEQUENCE = 0x800000  # of inputs: an answer to one of them is none to a request of the bench
NODE_HEADER, SESSION_HEADER = 8, 16
CP_SEID = 1
ADDRESSES = 8


class OnN3(AtGnb):
    """Any GTP-U messages in the tunnel of a session that its gNB has; a ping through it shows that they were heard."""

    session = True

    def __init__(self, trial: Trial) -> None:
        super().__init__(trial)
        self._plane = check.present(trial.lab.user_plane, "the bench's end of N3")
        self._host = check.present(trial.target.interfaces.n6, "interfaces.n6")

    async def ready(self) -> Symbols:
        await super().ready()
        if await self._plane.ping(self.gnb, self.ue, self._host, PING_S) is None:
            raise Failed(
                f"no echo from {self._host} within {PING_S:g} s through the session of the gNB that sent them"
            )
        tunnel = tunnel_of(self.gnb, self.ue)
        packet = echo_request(address_of(self.ue), self._host, b"unexpected input")
        return {gtpu_forms.TEID: tunnel.ul_teid.to_bytes(4, "big"), "T-PDU": packet}

    async def send(self, octets: bytes) -> None:
        await self._plane.send(self.gnb, octets, tunnel_of(self.gnb, self.ue).upf)


class OnN4:
    """Any PFCP messages from the address of an SMF that the UPF lets in, about a session that it has there."""

    def __init__(self, trial: Trial) -> None:
        self._smf = check.present(trial.lab.smf, "a bench SMF")
        where = trial.target.interfaces
        self._own = check.present(where.smf, "interfaces.smf")
        self._ues = itertools.cycle(check.present(where.pool, "interfaces.pool").hosts())
        self._dnn = trial.target.core.dnns[0]
        self._sequence = itertools.count(FIRST_SEQUENCE)
        self._symbols: dict[str, bytes] = {}

    async def ready(self) -> Symbols:
        """An association anew ends the sessions of the one before (TS 29.244 §6.2.6)."""
        opens = association(self._own)
        answer = await self._smf.ask(opens)
        check.equal(
            getattr(answer, "cause", None), pfcp.Cause.REQUEST_ACCEPTED, "the cause of an association"
        )
        for _ in range(ADDRESSES):
            # an address may be that of a session which an input has made, in the name of another SMF
            asks = session(self._own, CP_SEID, next(self._ues), self._dnn)
            answer = await self._smf.ask(asks, 0)
            if getattr(answer, "cause", None) == pfcp.Cause.REQUEST_ACCEPTED:
                break
        check.that(
            isinstance(answer, pfcp.SessionEstablishmentResponse), f"it answers {type(answer).__name__}"
        )
        assert isinstance(answer, pfcp.SessionEstablishmentResponse)
        check.equal(answer.cause, pfcp.Cause.REQUEST_ACCEPTED, "the cause of a session")
        seid = check.present(answer.up_f_seid, "UP F-SEID").seid
        self._symbols = {
            **pfcp_forms.elements(pfcp.encode(asks, sequence=1, seid=0), SESSION_HEADER),
            **pfcp_forms.elements(pfcp.encode(opens, sequence=1), NODE_HEADER),
            pfcp_forms.SEID: seid.to_bytes(8, "big"),
        }
        return self._symbols

    async def send(self, octets: bytes) -> None:
        """Each under a sequence number of its own, or it would be taken for a retransmission."""
        at = 12 if octets[:1] and octets[0] & 1 else 4
        number = (next(self._sequence) & 0xFFFFFF).to_bytes(3, "big")
        await self._smf.send(octets[:at] + number + octets[at + 3 :] if len(octets) >= at + 4 else octets)

    def close(self) -> None: ...
