"""What the SCP reaches: any function at its API root, and the NRF in a consumer's name."""

from __future__ import annotations

from typing import Protocol

from cinq.nf.scp.settings import Settings
from cinq.procedure import Why
from cinq.sbi.answer import answer_of
from cinq.sbi.assertion import HEADER as CLIENT_CREDENTIALS
from cinq.sbi.message import Request, Response
from cinq.sbi.operation import Operation
from cinq.sbi.problem import Problem
from cinq.sbi.request import request_of
from cinq.transport.error import NoAnswerError

NRF_S = 3.0  # for an answer of the NRF


class Send(Protocol):
    async def __call__(self, root: str, request: Request, within: float, instance: str = "") -> Response:
        """NoAnswerError: none in time, or it is not the instance."""
        ...


class Repository:
    """The NRF, asked for a consumer that shows its assertion."""

    def __init__(self, settings: Settings, send: Send) -> None:
        self._settings = settings
        self._send = send

    async def ask(self, op: Operation, arguments: tuple[object, ...], agent: str, assertion: str) -> object:
        """Problem as the NRF refuses; 504 NRF_NOT_REACHABLE."""
        plain = request_of(op, arguments)
        added = (("user-agent", agent), *([(CLIENT_CREDENTIALS, assertion)] if assertion else ()))
        request = Request(plain.method, plain.target, (*plain.headers, *added), plain.body)
        nrf = self._settings
        try:
            response = await self._send(nrf.nrf, request, NRF_S, nrf.nrf_instance)
        except NoAnswerError as error:
            raise Problem(504, "NRF_NOT_REACHABLE", Why(error.what)) from None
        return answer_of(op, request, response)
