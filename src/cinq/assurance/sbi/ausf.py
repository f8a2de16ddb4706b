"""A bench AUSF: it has the keys of one test subscriber, and says or leaves unsaid what a case wants (TS 29.509)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Literal

from cinq.assurance.sbi.nf import Nf
from cinq.assurance.trial import Trial
from cinq.crypto import aka, kdf
from cinq.ran.ue import Ue
from cinq.transport.http2 import Request, Response, Secured

Confirms = Literal["success", "failure", "silence"]
AUTHENTICATIONS = "/nausf-auth/v1/ue-authentications"
AMF_FIELD = b"\x80\0"
STEP = 32
"""Between sequence numbers, TS 33.102 §C.1.1.3: the part that counts."""


class Ausf:
    """asked: identities for which a vector was wanted. confirmed: each resStar that came.

    resynchronised: whether an AUTS has come. silent_on_auts: that is not answered. watch: read when the first resStar
    comes, and kept as `seen`.
    """

    def __init__(self, trial: Trial, ue: Ue, confirms: Confirms, *, silent_on_auts: bool = False) -> None:
        self.trial = trial
        self.asked: list[str] = []
        self.confirmed: list[str | None] = []
        self.resynchronised = False
        self.watch: Callable[[], int] = int
        self.seen = 0
        self._ue = ue
        self._confirms = confirms
        self._silent_on_auts = silent_on_auts
        self._sqn = trial.bench.ahead()
        self._kausf, self._network = b"", ""

    async def answer(self, request: Request, peer: Secured) -> Response:
        try:
            said = json.loads(request.body or b"null")
        except ValueError:
            said = None
        if not isinstance(said, dict):
            return Response(400)
        if request.method == "POST" and request.target == AUTHENTICATIONS:
            return await self._vector(said)
        if request.method == "PUT" and request.target.endswith("/5g-aka-confirmation"):
            return await self._judgement(said)
        return Response(404)

    async def _vector(self, said: dict[str, object]) -> Response:
        s, lost = self._ue.settings, said.get("resynchronizationInfo")
        self.asked.append(str(said.get("supiOrSuci")))
        functions = aka.functions(s.algorithm)
        if isinstance(lost, dict):
            self.resynchronised = True
            if self._silent_on_auts:
                await asyncio.sleep(3600)
            auts, rand = (bytes.fromhex(str(lost.get(name, ""))) for name in ("auts", "rand"))
            self._sqn = aka.auts_sqn(functions, s.k, s.operator_code, rand, auts)
        self._sqn += STEP
        self._network = str(said.get("servingNetworkName"))
        rand = self.trial.bench.chance(16)
        av = aka.generate_vector(functions, s.k, s.operator_code, rand, self._sqn, AMF_FIELD, self._network)
        self._kausf = av.kausf
        here = f"{AUTHENTICATIONS}/{len(self.asked)}"
        body = {
            "authType": "5G_AKA",
            "5gAuthData": {
                "rand": rand.hex(),
                "hxresStar": kdf.hres_star(rand, av.xres_star).hex(),
                "autn": av.autn.hex(),
            },
            "_links": {"5g-aka": {"href": f"{self.root}{here}/5g-aka-confirmation"}},
            "servingNetworkName": self._network,
        }
        kind = ("content-type", "application/3gppHal+json")
        return Response(201, (kind, ("location", f"{self.root}{here}")), json.dumps(body).encode())

    async def _judgement(self, said: dict[str, object]) -> Response:
        star = said.get("resStar")
        if not self.confirmed:
            self.seen = self.watch()
        self.confirmed.append(star if isinstance(star, str) else None)
        if self._confirms == "silence":
            await asyncio.sleep(3600)
        body: dict[str, object] = {"authResult": "AUTHENTICATION_FAILURE"}
        if self._confirms == "success":
            kseaf = kdf.kseaf(self._kausf, self._network).hex()
            supi = f"imsi-{self._ue.settings.imsi}"
            body = {"authResult": "AUTHENTICATION_SUCCESS", "supi": supi, "kseaf": kseaf}
        return Response(200, (("content-type", "application/json"),), json.dumps(body).encode())

    root = ""
    """Where it is served."""


@asynccontextmanager
async def in_place(ausf: Ausf) -> AsyncIterator[None]:
    """The first that the NRF shows, for as long as this lasts. A control: the NRF takes it."""
    me = Nf(ausf.trial, 1)
    async with me.wire.serving(ausf.answer) as root:
        ausf.root = root
        host = root.partition("://")[2].rpartition(":")[0]
        attributes = {
            "nfStatus": "REGISTERED",
            "priority": 0,
            "capacity": 65_535,
            "ipv4Addresses": [host],
            "nfServices": [{**me.service("nausf-auth", root), "priority": 0, "capacity": 65_535}],
        }
        async with me.registered("AUSF", **attributes):
            yield
