"""A network function of the bench at the target's NRF: it registers, finds others, has tokens for them, and asks.

me = Nf(trial)
async with me.registered("AMF"):
    udm = await me.finds("UDM")
    answer = await me.get(udm.root_of("nudm-sdm"), "/nudm-sdm/v2/imsi-.../am-data", token=await me.token(...))
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import cast
from urllib.parse import quote, urlencode

from cinq.assurance.sbi.frames import Link
from cinq.assurance.trial import Shown, Trial
from cinq.ran.scenarios import check
from cinq.ran.scenarios.check import Failed
from cinq.transport.http2 import Headers, Request, Response, authority_of

JSON, FORM, PATCH = "application/json", "application/x-www-form-urlencoded", "application/json-patch+json"
REFUSED = (401, 403)
"""What a producer says of a token that it does not take: TS 29.500 §6.7.3."""
Tree = Mapping[str, object]


class Answer:
    """A response, and its body as JSON where it is."""

    def __init__(self, response: Response) -> None:
        self.status, self.headers, self.body = response.status, response.headers, response.body
        self._response = response

    def header(self, name: str) -> str:
        return self._response.header(name) or ""

    @property
    def json(self) -> object:
        """Failed: it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise Failed(f"{self.status}: its body is no JSON") from None

    @property
    def tree(self) -> dict[str, object]:
        """Failed: the body is no JSON object."""
        found = self.json
        if not isinstance(found, dict):
            raise Failed(f"{self.status}: its body is no JSON object")
        return found

    @property
    def cause(self) -> str:
        """Of the problem details, "" where there is none."""
        with suppress(Failed):
            found = self.tree.get("cause") or self.tree.get("error")
            return found if isinstance(found, str) else ""
        return ""

    def __str__(self) -> str:
        return f"{self.status} {self.cause}".rstrip()


@dataclass(frozen=True, slots=True)
class Found:
    """A producer, as the NRF shows it."""

    nf_type: str
    instance: str
    profile: Tree

    def root_of(self, service: str) -> str:
        """The API root of one of its services. Failed: it does not offer that."""
        for one in services_of(self.profile):
            if one.get("serviceName") == service:
                return _root(self.profile, one)
        raise Failed(f"{self.nf_type} {self.instance} offers no {service}")

    def offers(self, service: str) -> bool:
        return any(one.get("serviceName") == service for one in services_of(self.profile))


def services_of(profile: Tree) -> list[Tree]:
    """As a list or as a map (TS 29.510 §6.1.6.2.2)."""
    listed, mapped = profile.get("nfServices"), profile.get("nfServiceList")
    found = [*listed] if isinstance(listed, list) else []
    found += mapped.values() if isinstance(mapped, dict) else []
    return [one for one in found if isinstance(one, dict)]


def _root(profile: Tree, service: Tree) -> str:
    """TS 29.501 §4.4.1. Failed: the profile does not say where it is."""
    scheme = str(service.get("scheme", "http"))
    ends = service.get("ipEndPoints")
    end = ends[0] if isinstance(ends, list) and ends and isinstance(ends[0], dict) else {}
    addresses = profile.get("ipv4Addresses")
    first = addresses[0] if isinstance(addresses, list) and addresses else None
    host = end.get("ipv4Address") or service.get("fqdn") or first or profile.get("fqdn")
    if not isinstance(host, str):
        raise Failed(f"{profile.get('nfType')}: its profile does not say where it is reached")
    port = end.get("port")
    prefix = str(service.get("apiPrefix") or "").strip("/")
    number = port if isinstance(port, int) else 443 if scheme == "https" else 80
    return f"{scheme}://{authority_of(host, number)}" + (f"/{prefix}" if prefix else "")


class Nf:
    """number: which of the instances that the bench's certificate names."""

    def __init__(self, trial: Trial, number: int = 0) -> None:
        self.trial = trial
        self.wire = check.present(trial.lab.sbi, "the bench's place on the SBI (sbi.nrf)")
        self.nrf = trial.target.sbi.nrf
        self._number = number

    @property
    def instance(self) -> str:
        return self.wire.credentials.instances[self._number]

    # requests

    async def ask(
        self,
        method: str,
        target: str,
        body: object = None,
        *,
        root: str = "",
        token: str = "",
        shown: Shown = "own",
        kind: str = JSON,
        headers: Headers = (),
        within: float = 5.0,
    ) -> Answer:
        """root: the NRF's where it is left out. body: octets as they are, else as JSON. Failed: no answer."""
        octets = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        whole = [*headers]
        if octets or body is not None:
            whole.append(("content-type", kind))
        if token:
            whole.append(("authorization", token if " " in token else f"Bearer {token}"))
        request = Request(method, target, tuple(whole), octets)
        return Answer(await self.wire.ask(root or self.nrf, request, shown, within))

    async def raw(self) -> tuple[Link, str]:
        """A connection to the NRF of which the bench writes each frame, and the authority. Failed: there is none."""
        return await Link.open(self.nrf, self.wire.client_tls() if self.nrf.startswith("https") else None)

    # at the NRF

    def profile(self, nf_type: str, **attributes: object) -> dict[str, object]:
        """Of a consumer that nobody is to find; attributes change it."""
        plmn = self.trial.target.core.plmn
        return {
            "nfInstanceId": self.instance,
            "nfType": nf_type,
            "nfStatus": "UNDISCOVERABLE",
            "plmnList": [{"mcc": plmn.mcc, "mnc": plmn.mnc}],
            "fqdn": f"bench.5gc.mnc{plmn.mnc:0>3}.mcc{plmn.mcc}.3gppnetwork.org",
            **attributes,
        }

    def service(self, name: str, root: str, version: str = "v1") -> dict[str, object]:
        """NFService of one that the bench serves at this API root."""
        scheme, _, authority = root.partition("://")
        host, _, port = authority.rpartition(":")
        return {
            "serviceInstanceId": f"{self.instance}-{name}",
            "serviceName": name,
            "versions": [{"apiVersionInUri": version, "apiFullVersion": f"{version[1:]}.0.0"}],
            "scheme": scheme,
            "nfServiceStatus": "REGISTERED",
            "ipEndPoints": [{"ipv4Address": host, "transport": "TCP", "port": int(port)}],
        }

    @property
    def place(self) -> str:
        return f"/nnrf-nfm/v1/nf-instances/{self.instance}"

    async def register(self, profile: Tree) -> Answer:
        return await self.ask("PUT", self.place, profile)

    async def deregister(self) -> None:
        with suppress(Failed):
            await self.ask("DELETE", self.place)

    @asynccontextmanager
    async def registered(self, nf_type: str, **attributes: object) -> AsyncIterator[None]:
        """A control: the NRF takes it. It is taken away at the end."""
        with self.trial.control(f"the NRF registers the bench as {nf_type}"):
            answer = await self.register(self.profile(nf_type, **attributes))
            check.one_of(answer.status, (200, 201), f"the status ({answer.cause or 'no cause'})")
        try:
            yield
        finally:
            await self.deregister()

    async def search(self, nf_type: str, requester: str, **query: str) -> Answer:
        asked = {"target-nf-type": nf_type, "requester-nf-type": requester, **query}
        return await self.ask("GET", f"/nnrf-disc/v1/nf-instances?{urlencode(asked)}")

    async def found(self, nf_type: str, requester: str, **query: str) -> list[Found]:
        """Failed: the NRF answers something else than a search result."""
        answer = await self.search(nf_type, requester, **query)
        check.equal(answer.status, 200, f"the NRF's answer to a search for {nf_type} ({answer.cause})")
        profiles = answer.tree.get("nfInstances")
        listed = profiles if isinstance(profiles, list) else []
        return [
            Found(nf_type, str(one.get("nfInstanceId", "")), cast(Tree, one))
            for one in listed
            if isinstance(one, dict)
        ]

    async def finds(self, nf_type: str, requester: str, service: str) -> Found:
        """A control: the one of the target that offers the service. Instances of the bench do not count."""
        own = self.wire.credentials.instances
        found: list[Found] = []
        with self.trial.control(f"the NRF shows a {nf_type} that offers {service} to {requester}"):
            found = await self.found(nf_type, requester)
            found = [one for one in found if one.instance.lower() not in own and one.offers(service)]
            check.that(bool(found), "there is none")
        return found[0]

    async def ask_for_token(self, scope: str, nf_type: str, target_type: str, **changes: str) -> Answer:
        form = {
            "grant_type": "client_credentials",
            "nfInstanceId": self.instance,
            "nfType": nf_type,
            "targetNfType": target_type,
            "scope": scope,
            **changes,
        }
        return await self.ask(
            "POST", "/oauth2/token", urlencode({k: v for k, v in form.items() if v}).encode(), kind=FORM
        )

    async def token(self, scope: str, nf_type: str, target_type: str) -> str:
        """A control: the NRF gives one."""
        found: object = ""
        with self.trial.control(f"the NRF gives {nf_type} a token for {scope}"):
            answer = await self.ask_for_token(scope, nf_type, target_type)
            check.equal(answer.status, 200, f"the status ({answer.cause})")
            found = answer.tree.get("access_token")
            check.that(isinstance(found, str) and bool(found), "there is no access_token")
        return str(found)


def query(path: str, **parameters: object) -> str:
    """A target; values that are no text as JSON (TS 29.501 §5.3.13)."""
    said = [
        f"{name.replace('_', '-')}={quote(value if isinstance(value, str) else json.dumps(value), safe='')}"
        for name, value in parameters.items()
    ]
    return f"{path}?{'&'.join(said)}" if said else path


__all__ = ["FORM", "JSON", "PATCH", "REFUSED", "Answer", "Found", "Nf", "query", "services_of"]
