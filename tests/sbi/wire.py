"""Functions that meet over HTTP/2: an NRF, a PCF, and an AMF that asks, each with a certificate of its own or none."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from cinq.nf.nrf import NRF, Settings
from cinq.procedure import RealClock
from cinq.sbi import Bus, http, producers, tls
from cinq.sbi.certificates import Authority
from cinq.sbi.credentials import Credentials
from cinq.sbi.directory import OneRoot
from cinq.sbi.guard import Guard, Producer
from cinq.sbi.message import Request, Response
from cinq.sbi.nf_profile import NFProfile
from cinq.sbi.peers import Peers
from cinq.sbi.reach import api_root, reachable
from cinq.sbi.services.npcf_ampolicycontrol import NpcfAMPolicyControl
from cinq.sbi.token import SigningKey, TrustedKeys
from cinq.sbi.whole import Whole
from tests.sbi.test_http import HOST, Pcf

AMF, PCF, NRF_ID = (f"00000000-0000-4000-8000-00000000000{n}" for n in (1, 2, 9))


class Clock:
    """The host's, moved."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> float:
        return RealClock().now() + self.ahead


@dataclass
class Wire:
    nrf: NRF
    pcf: Pcf
    key: SigningKey
    clock: Clock
    root: str
    bus: Bus
    credentials: Credentials
    peers: Peers
    strangers: Peers
    asked: list[str]

    async def ask(
        self, method: str, target: str, body: bytes = b"", token: str | None = None, **headers: str
    ) -> Response:
        """As an AMF that writes its own requests."""
        return await self._ask(self.peers, method, target, body, token, headers)

    async def ask_as_stranger(
        self, method: str, target: str, body: bytes = b"", token: str | None = None, **headers: str
    ) -> Response:
        """As another function of the same operator, by its certificate."""
        return await self._ask(self.strangers, method, target, body, token, headers)

    async def _ask(
        self, peers: Peers, method: str, target: str, body: bytes, token: str | None, headers: dict[str, str]
    ) -> Response:
        named = [(name.replace("_", "-"), value) for name, value in headers.items()]
        if body and "content_type" not in headers:
            named.append(("content-type", "application/json"))
        if token is not None:
            named.append(("authorization", token if " " in token else f"Bearer {token}"))
        return await peers.send(self.root, Request(method, target, tuple(named), body), 5.0)


def profile(
    instance: str, nf_type: str, services: tuple[type, ...] = (), **attributes: object
) -> Whole[NFProfile]:
    made = NFProfile(nf_instance_id=instance, nf_type=nf_type, nf_status="REGISTERED", **attributes)
    return Whole.of(reachable(made, services, HOST, 1, tokens=True, operation_scopes=True))


def run(
    body: Callable[[Wire], Awaitable[None]], folder: Path | None = None, *, operation_scopes: bool = False
) -> None:
    """folder: for certificates; None: cleartext."""

    async def main() -> None:
        server_tls = client_tls = strange_tls = None
        if folder is not None:
            authority = Authority.kept(folder)
            core = authority.issue(folder, "core", [f"urn:uuid:{each}" for each in (NRF_ID, PCF)], [HOST])
            amf = authority.issue(folder, "amf", [f"urn:uuid:{AMF}"], [HOST])
            other = authority.issue(
                folder, "other", ["urn:uuid:00000000-0000-4000-8000-0000000000aa"], [HOST]
            )
            server_tls = tls.mutual(*map(str, core), server=True)
            client_tls = tls.mutual(*map(str, amf), server=False)
            strange_tls = tls.mutual(*map(str, other), server=False)
        clock, key, pcf = Clock(), SigningKey.made(), Pcf()
        nrf = NRF(Settings(access_token_s=100), clock, NRF_ID, key)
        local, asked = Bus(), list[str]()
        for service, implementation in nrf.services():
            local.serve(service, implementation, NRF_ID)
        local.serve(NpcfAMPolicyControl, pcf, PCF)
        await nrf.nf_register(AMF, profile(AMF, "AMF"))
        await nrf.nf_register(PCF, profile(PCF, "PCF", (NpcfAMPolicyControl,)))
        guard = Guard(
            TrustedKeys.of(key),
            clock,
            lambda op: Producer(op.owner, frozenset(local.providers(op))),
            operation_scopes=operation_scopes,
        )
        server = await producers.offer(local, HOST, 0, server_tls, guard=guard)
        answer = server.answer

        async def noted(request: Request, peer: object) -> Response:
            asked.append(f"{request.method} {request.target}")
            return await answer(request, peer)  # type: ignore[arg-type]

        server.answer = noted
        place = OneRoot(api_root(*server.local, tls=folder is not None), {"NRF": NRF_ID, "PCF": PCF})
        peers, strangers = Peers(client_tls), Peers(strange_tls)
        outer = http.OverHttp(place, peers)
        bus = Bus(wire=outer)
        outer.authority = Credentials(bus, {"AMF": AMF}, clock, operation_scopes=operation_scopes)
        wire = Wire(nrf, pcf, key, clock, place.root, bus, outer.authority, peers, strangers, asked)
        try:
            await body(wire)
        finally:
            await peers.close()
            await strangers.close()
            await server.close()

    asyncio.run(main())
