"""An IPX between the SEPPs: it sees what is in the clear, changes what it may, and cannot do more."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from joserfc import jws
from joserfc.jwk import ECKey

from cinq.crypto import kdf
from cinq.numbering import Suci
from cinq.sbi import Problem, tls
from cinq.sbi.certificates import Authority
from cinq.sbi.message import Request, Response
from cinq.sbi.services.nausf_ueauthentication import AuthenticationInfo, NausfUEAuthentication
from cinq.transport.http2 import Http2Peer, Secured, serve
from tests.nf.sepp.countries import HOST, SUPI, A, B, Country, domain, ports, run

NAME = "ipx.example.org"
INFO = AuthenticationInfo(
    supi_or_suci=str(Suci.null_scheme(SUPI, A)), serving_network_name=kdf.snn(B.mcc, B.mnc)
)
Ask = Callable[[], Awaitable[object]]


@dataclass
class Provider:
    """One IPX for both operators. changes: the patch that it signs onto each request."""

    key: ECKey
    changes: list[dict[str, object]] | None = None
    spoil: bool = False
    seen: list[dict[str, object]] = field(default_factory=list)
    peers: dict[str, Http2Peer] = field(default_factory=dict)

    async def carry(self, request: Request, peer: Secured) -> Response:
        message = json.loads(request.body)
        clear = json.loads(base64.urlsafe_b64decode(message["reformattedData"]["aad"] + "==="))
        self.seen.append(clear)
        if "requestLine" in clear and self.changes is not None:
            said = {
                "identity": NAME,
                "operations": self.changes,
                "tag": message["reformattedData"]["tag"],
            }
            octets = json.dumps(said).encode()
            header = {"protected": {"alg": "ES256"}}
            signed = jws.serialize_json(header, octets, self.key, algorithms=["ES256"])
            message["modificationsBlock"] = [signed]
        if self.spoil:
            clear["requestLine"]["path"] = "/nudr-dr/v2/x"
            message["reformattedData"]["aad"] = base64.urlsafe_b64encode(json.dumps(clear).encode()).decode()
        to = domain(A) if domain(B) in peer.names else domain(B)
        headers = (("content-type", "application/json"),)
        passed = Request(request.method, request.target, headers, json.dumps(message).encode())
        return await self.peers[to].send(passed, within=5.0)


def between(
    tmp_path: Path, provider: Provider, body: Callable[[Country, Ask], Awaitable[None]], may: str = ""
) -> None:
    """Both SEPPs have the IPX as their next hop."""
    folder = tmp_path / "ipx"
    folder.mkdir()
    files = Authority.kept(folder).issue(folder, "ipx", [], [NAME])
    (folder / "ipx.pub").write_bytes(bytes(provider.key.as_pem(private=False)))
    (port,) = ports(1)
    more = f"""
security = "prins"
next_hop = "{HOST}:{port}"
next_hop_name = "{NAME}"
next_hop_authorities = "{folder}/sbi-ca.pem"
[[roaming_partner.ipx]]
name = "{NAME}"
key = "{folder}/ipx.pub"
may_change = [{may}]
"""

    async def all_three(home: Country, visited: Country) -> None:
        inward = tls.mutual(*map(str, files), server=True)
        for one, plmn in ((home, A), (visited, B)):
            inward.load_verify_locations(one.folder / "sbi-ca.pem")
            context = tls.mutual(
                str(files.certificate), str(files.key), str(one.folder / "sbi-ca.pem"), server=False
            )
            name = f"{domain(plmn)}:{one.n32_port}"
            provider.peers[domain(plmn)] = Http2Peer(HOST, one.n32_port, tls=context, authority=name)
        server = await serve(HOST, port, provider.carry, tls=inward)
        ausf = visited.network.bus.client(NausfUEAuthentication, "AMF", None, A)
        try:
            await body(home, lambda: ausf.authenticate(INFO))
        finally:
            for each in provider.peers.values():
                await each.close()
            await server.close()

    run(tmp_path, all_three, of_a=more, of_b=more)


def provider(**more: object) -> Provider:
    return Provider(ECKey.generate_key("P-256", private=True), **more)  # type: ignore[arg-type]


def test_an_ipx_carries_what_it_cannot_read(tmp_path: Path) -> None:
    ipx = provider()

    async def body(home: Country, ask: Ask) -> None:
        await ask()
        shown = json.dumps(ipx.seen)
        assert "/nausf-auth/v1/ue-authentications" in shown
        assert INFO.supi_or_suci not in shown
        assert "eyJ" not in shown  # no token

    between(tmp_path, ipx, body)


def test_an_ipx_changes_what_the_policy_lets_it(tmp_path: Path) -> None:
    """It adds a header, which this SEPP does not let inside; the message is taken."""
    ipx = provider(changes=[{"op": "add", "path": "/headers/-", "value": {"header": "via", "value": "ipx"}}])

    async def body(home: Country, ask: Ask) -> None:
        await ask()

    between(tmp_path, ipx, body, may='"/headers/-"')


@pytest.mark.parametrize("how", ["not allowed", "unsigned", "another key"])
def test_an_ipx_that_does_more_is_refused_and_reported(
    tmp_path: Path, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    patch = [{"op": "replace", "path": "/requestLine/path", "value": "/nudr-dr/v2/x"}]
    ipx = provider(spoil=True) if how == "unsigned" else provider(changes=patch)

    async def body(home: Country, ask: Ask) -> None:
        if how == "another key":
            ipx.key = ECKey.generate_key("P-256", private=True)
        with pytest.raises(Problem):
            await ask()
        assert not any("Nausf" in event.message for event in home.events)
        said = " ".join(record.message for record in caplog.records)
        wanted = {
            "not allowed": "MODIFICATIONS_INSTRUCTIONS_FAILED",
            "unsigned": "INTEGRITY_CHECK_FAILED",
            "another key": "INTEGRITY_CHECK_ON_MODIFICATIONS_FAILED",
        }[how]
        assert said.count(wanted) >= 2  # here, and there by n32f-error

    between(tmp_path, ipx, body)


def test_an_ipx_is_no_sepp(tmp_path: Path) -> None:
    """Its certificate opens neither N32-c nor messages of TLS."""
    ipx = provider()

    async def body(home: Country, ask: Ask) -> None:
        await ask()
        peer = ipx.peers[domain(A)]
        hello = {"sender": domain(B), "supportedSecCapabilityList": ["PRINS"]}
        for target in ("/n32c-handshake/v1/exchange-capability", "/nausf-auth/v1/ue-authentications"):
            answer = await peer.send(
                Request("POST", target, (("content-type", "application/json"),), json.dumps(hello).encode()),
                within=5.0,
            )
            assert answer.status == 403

    between(tmp_path, ipx, body)
