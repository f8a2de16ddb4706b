"""The bench as an AUSF or SMF that asks the target's UDM (TS 29.503)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import quote

from cinq.assurance.sbi.nf import Answer, Nf
from cinq.assurance.trial import Trial
from cinq.crypto import aka, kdf
from cinq.ran.scenarios import check
from cinq.ran.scenarios.check import Failed
from cinq.ran.ue.settings import UeSettings

SERVICES = {"AUSF": "nudm-ueau", "SMF": "nudm-sdm"}


@dataclass(frozen=True, slots=True)
class Udm:
    """The target's, and the token by which the bench asks it."""

    me: Nf
    root: str
    token: str

    async def get(self, target: str) -> Answer:
        return await self.me.ask("GET", target, root=self.root, token=self.token)

    async def vector(self, identity: str, lost: Mapping[str, str] | None = None) -> Answer:
        """Nudm_UEAuthentication_Get. lost: resynchronizationInfo."""
        plmn = self.me.trial.target.core.plmn
        body: dict[str, object] = {
            "servingNetworkName": kdf.snn(plmn.mcc, plmn.mnc),
            "ausfInstanceId": self.me.instance,
        }
        if lost is not None:
            body["resynchronizationInfo"] = dict(lost)
        target = f"/nudm-ueau/v1/{quote(identity, safe='')}/security-information/generate-auth-data"
        return await self.me.ask("POST", target, body, root=self.root, token=self.token)


@asynccontextmanager
async def udm_for(trial: Trial, consumer: str) -> AsyncIterator[Udm]:
    """Controls: the bench is registered as this NF type, finds the UDM, and has a token."""
    me, service = Nf(trial), SERVICES[consumer]
    async with me.registered(consumer):
        producer = await me.finds("UDM", consumer, service)
        yield Udm(me, producer.root_of(service), await me.token(service, consumer, "UDM"))


def sqn_of(answer: Answer, of: UeSettings) -> tuple[int, bytes]:
    """The sequence number and RAND of a vector, read with the subscriber's keys. Failed: it is none of theirs."""
    check.equal(answer.status, 200, f"the UDM's answer ({answer.cause})")
    vector = answer.tree.get("authenticationVector")
    if not isinstance(vector, dict):
        raise Failed("there is no authenticationVector")
    try:
        rand, autn = (bytes.fromhex(str(vector.get(name, ""))) for name in ("rand", "autn"))
        challenge = aka.verify_autn(aka.functions(of.algorithm), of.k, of.operator_code, rand, autn)
    except ValueError as error:  # a MacFailure too
        raise Failed(f"the vector is not of this subscriber's keys: {error}") from None
    return challenge.sqn, rand
