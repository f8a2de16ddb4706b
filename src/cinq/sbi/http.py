"""The SBI over HTTP/2, TS 29.500 §5: calls that leave this process, and calls of others that come in.

OverHttp is a transport of the bus as `direct` and `checked` are. Producers answers what comes: it finds the operation,
reads the arguments, has the bus call who serves it, and writes the answer or the problem.
"""

from __future__ import annotations

import re
import secrets
import ssl
from collections.abc import Iterable

import msgspec

from cinq.procedure import Why
from cinq.sbi.answer import answer_of, problem_of, response_of
from cinq.sbi.bus import Bus, Method
from cinq.sbi.message import Request, Response
from cinq.sbi.operation import Operation, operations
from cinq.sbi.problem import Problem
from cinq.sbi.request import arguments_of, request_of
from cinq.sbi.services.nnrf import IpEndPoint, NFProfile, NFService, NFServiceVersion
from cinq.transport.error import NoAnswerError, TransportError
from cinq.transport.http2 import Http2Peer, Http2Server, Secured, authority_of, serve

WITHIN_S = 10.0  # for an answer
_NF = re.compile(r"[A-Z0-9]{2,10}(?=$|[-/ ])")


class OverHttp:
    """Each call is a request to one address of the SBI. mark: by which this process knows its own requests again."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        self.peer = Http2Peer(host, port, tls=tls)
        self.mark = f"cinq/{secrets.token_hex(8)}"

    async def __call__(self, operation: Operation, method: Method, arguments: tuple[object, ...]) -> object:
        """Problem as the producer refused; 504 TARGET_NF_NOT_REACHABLE where it does not answer in time."""
        plain = request_of(operation, arguments)
        headers = (*plain.headers, ("user-agent", self.mark))
        request = Request(plain.method, plain.target, headers, plain.body)
        try:
            response = await self.peer.send(request, within=WITHIN_S)
        except NoAnswerError as error:
            raise Problem(504, "TARGET_NF_NOT_REACHABLE", Why(f"{operation.name}: {error.what}")) from None
        return answer_of(operation, request, response)


class Producers:
    """What a bus serves, for whoever asks over HTTP/2. api_root: where it is reached, for the places of resources."""

    def __init__(self, bus: Bus, api_root: str, mark: str = "") -> None:
        self._bus = bus
        self._api_root = api_root
        self._mark = mark

    async def answer(self, request: Request, peer: Secured) -> Response:
        operation = None
        try:
            operation, values = self._bus.routes.find(request.method, request.target)
            arguments = arguments_of(operation, values, request)
            answer = await self._bus.receive(operation, self._asker(request), tuple(arguments))
        except Problem as problem:
            return problem_of(operation, problem)
        return response_of(operation, answer, self._api_root)

    def _asker(self, request: Request) -> str | None:
        """The NF type that a User-Agent begins with (TS 29.500 §5.2.2.2). None: this process, whose trace has it."""
        agent = request.header("user-agent") or ""
        if self._mark and agent == self._mark:
            return None
        found = _NF.match(agent)
        return "NF" if found is None else found[0]


def api_root(host: str, port: int, *, tls: bool) -> str:
    """What the targets of requests are below, TS 29.501 §4.4.1."""
    return f"{'https' if tls else 'http'}://{authority_of(host, port)}"


async def offer(bus: Bus, host: str, port: int, tls: ssl.SSLContext | None, mark: str = "") -> Http2Server:
    """Takes requests for what the bus serves. TransportError: the address or the port."""
    producers = Producers(bus, api_root(host, port, tls=tls is not None), mark)
    return await serve(host, port, producers.answer, tls=tls)


def reachable(
    profile: NFProfile, offered: Iterable[type], host: str, port: int, *, tls: bool = False
) -> NFProfile:
    """The profile, with where its services are reached (TS 29.510 §6.1.6.2.2 and §6.1.6.2.3). Callbacks are none."""
    end = IpEndPoint(ipv4_address=host, transport="TCP", port=port)
    versions = {op.service: op.version for each in offered for op in operations(each)[:1]}
    services = [
        NFService(
            service_instance_id=f"{profile.nf_instance_id}-{name}",
            service_name=name,
            versions=[NFServiceVersion(api_version_in_uri=version, api_full_version=f"{version[1:]}.0.0")],
            scheme="https" if tls else "http",
            nf_service_status="REGISTERED",
            ip_end_points=[end],
        )
        for name, version in versions.items()
        if not name.endswith("-callback")
    ]
    return msgspec.structs.replace(profile, ipv4_addresses=[host], nf_services=services)


def mutual(certificate: str, key: str, authorities: str, *, server: bool) -> ssl.SSLContext:
    """TLS 1.2 or 1.3 by the profile of TS 33.210 §6.2, both ends shown. TransportError names the file.

    authorities: those that sign the other end's certificate. Without one nobody could be checked, so there is one.
    """
    protocol = ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE+AESGCM")
    context.set_alpn_protocols(["h2"])
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    try:
        file = authorities
        context.load_verify_locations(authorities)
        file = f"{certificate} or {key}"
        context.load_cert_chain(certificate, key)
    except OSError as error:  # of ssl too
        said = getattr(error, "reason", None) or error.strerror or str(error)
        mend = "name PEM files: the certificate, its key, and the authority that signs those of others"
        raise TransportError(f"TLS: {file}: {said}", mend) from error
    context.verify_mode = ssl.CERT_REQUIRED
    return context
