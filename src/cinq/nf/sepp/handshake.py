"""N32-c, TS 29.573 §5.2: two SEPPs agree on how messages are protected. Either begins, and it holds for both ways."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextvars import ContextVar

from cinq.nf.sepp.context import N32Context
from cinq.nf.sepp.parameters import Parameters
from cinq.nf.sepp.ports import Interconnect
from cinq.nf.sepp.prins import PrinsError, Security
from cinq.nf.sepp.settings import Partner, Settings
from cinq.procedure import Why
from cinq.sbi import Problem
from cinq.sbi.answer import answer_of
from cinq.sbi.message import Request
from cinq.sbi.models import PlmnId
from cinq.sbi.operation import Operation, operations
from cinq.sbi.request import request_of
from cinq.sbi.services.n32c_handshake import (
    IntendedN32Purpose,
    N32cHandshake,
    N32fContextInfo,
    N32fErrorInfo,
    SecNegotiateReqData,
    SecNegotiateRspData,
    SecParamExchReqData,
    SecParamExchRspData,
)
from cinq.transport.error import NoAnswerError

log = logging.getLogger("cinq.sepp")

ROAMING = "ROAMING"
PURPOSES = frozenset((ROAMING, "INTER_PLMN_MOBILITY"))
WITHIN_S = 5.0
_OPERATIONS = {op.attribute: op for op in operations(N32cHandshake)}
EXCHANGE_CAPABILITY = _OPERATIONS["exchange_capability"]
EXCHANGE_PARAMS, N32F_ERROR = _OPERATIONS["exchange_params"], _OPERATIONS["n32f_error"]
SENDER: ContextVar[Partner | None] = ContextVar("n32-partner", default=None)
"""Whose SEPP has sent the message that is being served: by its certificate."""
EXPORTED: ContextVar[tuple[bytes, str]] = ContextVar("n32-exported", default=(b"", ""))
"""The exporter master secret of the connection that it came by."""


class Handshake:
    """Serves N32-c, and begins it where nothing is agreed on yet."""

    def __init__(self, settings: Settings, n32: Interconnect, entropy: Callable[[int], bytes]) -> None:
        self._settings = settings
        self._parameters = Parameters(entropy)
        self._n32 = n32
        self._contexts: dict[str, N32Context] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    def context(self, partner: Partner) -> N32Context | None:
        found = self._contexts.get(partner.name)
        return found if found is not None and found.stands else None

    def protected(self, partner: Partner, identifier: str) -> Security | None:
        """What keys a message of PRINS is of; None: of none with this partner."""
        return self._parameters.security(partner, identifier)

    def forget(self, partner: Partner) -> None:
        """The partner does not know of it any more."""
        self._contexts.pop(partner.name, None)

    async def report(self, partner: Partner, error: PrinsError) -> None:
        """TS 29.573 §5.2.5: what could not be made of a message of the partner's, by N32-c."""
        context = self._contexts.get(partner.name)
        info = N32fErrorInfo(
            n32f_message_id=error.message or "0",
            n32f_error_type=error.kind,
            n32f_context_id=None if context is None or context.prins is None else context.prins.peer,
        )
        try:
            await self._ask(partner, N32F_ERROR, info)
        except Problem as problem:
            log.warning("N32 with %s: an error cannot be told: %s", partner.name, problem)

    async def agreed(self, partner: Partner) -> N32Context:
        """The agreement that is there, or a new one. Problem 504 TARGET_PLMN_NOT_REACHABLE."""
        lock = self._asking.setdefault(partner.name, asyncio.Lock())
        async with lock:  # who comes meanwhile waits for the same agreement
            return self.context(partner) or await self._begin(partner)

    async def _begin(self, partner: Partner) -> N32Context:
        """TS 29.573 §5.2.2, as the initiating SEPP."""
        settings = self._settings
        wanted = SecNegotiateReqData(
            sender=settings.fqdn,
            supported_sec_capability_list=[partner.security],
            target_api_root_supported=True,
            plmn_id_list=[PlmnId.of(plmn) for plmn in settings.plmns],
            target_plmn_id=PlmnId.of(partner.plmns[0]),
            intended_usage_purpose=[IntendedN32Purpose(usage_purpose=ROAMING)],
        )
        if partner.security == "PRINS":
            await self._n32.renew(partner.name)  # whose keys are derived from the connection
        answer = await self._ask(partner, EXCHANGE_CAPABILITY, wanted)
        assert isinstance(answer, SecNegotiateRspData)
        wrong = self._wrong(partner, answer.sender, answer.plmn_id_list)
        if answer.selected_sec_capability != partner.security:
            wrong = f"it selects {answer.selected_sec_capability[:20]}, and {partner.security} was agreed on"
        if wrong:
            raise unreachable(partner, wrong)
        keys = await self._exchange(partner) if partner.security == "PRINS" else None
        made = self._contexts[partner.name] = N32Context(partner, answer.sender, partner.security, keys)
        log.info("N32 with %s (%s): %s", partner.name, answer.sender, partner.security)
        return made

    async def _exchange(self, partner: Partner) -> Security:
        """TS 29.573 §5.2.3: cipher suites, policies, and keys of the connection itself."""
        wanted = self._parameters.wanted(self._settings.fqdn)
        answer = await self._ask(partner, EXCHANGE_PARAMS, wanted)
        assert isinstance(answer, SecParamExchRspData)
        try:
            exported = self._n32.exported(partner.name)
            return self._parameters.agreed(partner, wanted, answer, exported)
        except ValueError as error:
            raise unreachable(partner, str(error)) from None

    async def _ask(self, partner: Partner, op: Operation, body: object) -> object:
        """Problem 504 TARGET_PLMN_NOT_REACHABLE."""
        plain = request_of(op, (body,))
        agent = ("user-agent", f"SEPP-{self._settings.fqdn}")
        request = Request(plain.method, plain.target, (*plain.headers, agent), plain.body)
        try:
            return answer_of(op, request, await self._n32.send(partner.name, request, WITHIN_S))
        except (NoAnswerError, Problem) as error:
            raise unreachable(partner, str(error)) from None

    def _wrong(self, partner: Partner, sender: str, plmns: list[PlmnId]) -> str:
        """What a SEPP says of itself that is not so; "" where all is."""
        if sender.lower().rstrip(".") != partner.sepp:
            return f"it calls itself {sender[:80]}, wanted {partner.sepp}"
        foreign = [one for one in plmns if (one.mcc, one.mnc) not in {(p.mcc, p.mnc) for p in partner.plmns}]
        if foreign:
            return f"it claims PLMN {foreign[0].mcc[:3]}-{foreign[0].mnc[:3]}, which is not {partner.name}'s"
        return ""

    # served

    async def exchange_capability(self, body: SecNegotiateReqData) -> SecNegotiateRspData:
        """TS 29.573 §5.2.2, as the responding SEPP."""
        partner, settings = _sender(), self._settings
        wrong = self._wrong(partner, body.sender, body.plmn_id_list)
        target = body.target_plmn_id
        if not wrong and target is not None and target not in [PlmnId.of(p) for p in settings.plmns]:
            wrong = f"it wants PLMN {target.mcc[:3]}-{target.mnc[:3]}, which is not here"
        if wrong:
            raise refused(partner, "PLMNID_MISMATCH", wrong)
        purposes = body.intended_usage_purpose or [IntendedN32Purpose(usage_purpose=ROAMING)]
        allowed = [one for one in purposes if one.usage_purpose in PURPOSES]
        if not allowed:
            raise refused(partner, "REQUESTED_PURPOSE_NOT_ALLOWED", "no purpose that was agreed on")
        if partner.security not in body.supported_sec_capability_list:
            offered = ", ".join(str(one)[:20] for one in body.supported_sec_capability_list[:4])
            raise refused(partner, None, f"{partner.security} was agreed on, it offers {offered}")
        if partner.security == "TLS":
            self._contexts[partner.name] = N32Context(partner, body.sender, "TLS")
            log.info("N32 with %s (%s): TLS", partner.name, body.sender)
        return SecNegotiateRspData(
            sender=settings.fqdn,
            selected_sec_capability=partner.security,
            target_api_root_supported=True,
            plmn_id_list=[PlmnId.of(plmn) for plmn in settings.plmns],
            allowed_usage_purpose=[IntendedN32Purpose(usage_purpose=one.usage_purpose) for one in allowed],
            rejected_usage_purpose=[
                IntendedN32Purpose(usage_purpose=one.usage_purpose[:40], cause="UNKNOWN")
                for one in purposes[:8]
                if one not in allowed
            ],
        )

    async def exchange_params(self, body: SecParamExchReqData) -> SecParamExchRspData:
        """TS 29.573 §5.2.3, as the responding SEPP. With TLS there are no parameters."""
        partner = _sender()
        if partner.security != "PRINS":
            raise refused(partner, None, "TLS was agreed on, which has no parameters to exchange", 409)
        try:
            made, answer = self._parameters.answered(partner, body, EXPORTED.get(), self._settings.fqdn)
        except ValueError as error:
            raise refused(partner, "REQUESTED_PARAM_MISMATCH", str(error), 409) from None
        if self.context(partner) is None:
            self._contexts[partner.name] = N32Context(partner, partner.sepp, "PRINS", made)
        log.info("N32 with %s: PRINS, %s", partner.name, made.suite)
        return answer

    async def n32f_terminate(self, body: N32fContextInfo) -> N32fContextInfo:
        """TS 29.573 §5.2.4."""
        partner = _sender()
        gone = self._parameters.forget(partner, body.n32f_context_id)
        if gone is None:
            raise refused(partner, "CONTEXT_NOT_FOUND", "no such N32-f context", 404)
        found = self._contexts.get(partner.name)
        if found is not None and found.prins is gone:
            self.forget(partner)
        return N32fContextInfo(n32f_context_id=gone.peer)

    async def n32f_error(self, body: N32fErrorInfo) -> None:
        """TS 29.573 §5.2.5: what the partner could not make out of a message of ours."""
        partner = _sender()
        log.warning(
            "N32 with %s: %s of message %.40r", partner.name, body.n32f_error_type, body.n32f_message_id
        )
        if body.n32f_error_type == "CONTEXT_NOT_FOUND":
            self.forget(partner)


def _sender() -> Partner:
    found = SENDER.get()
    assert found is not None  # N32 is served to those alone who have shown whose SEPP they are
    return found


def unreachable(partner: Partner, why: str) -> Problem:
    return Problem(504, "TARGET_PLMN_NOT_REACHABLE", Why(f"N32 with {partner.name}: {why}"))


def refused(partner: Partner, cause: str | None, why: str, status: int = 403) -> Problem:
    """Logged, too: somebody should look at it."""
    log.warning("N32 with %s: refused: %s", partner.name, why)
    return Problem(status, cause, Why(why))
