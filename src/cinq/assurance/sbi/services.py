"""One request for each service that a core may offer: any producer understands it, and it changes nothing.

By it the bench tells whether a token is taken. Operations by their OpenAPI files (TS 29.501 §4.4.1 for the paths).
"""

from __future__ import annotations

from dataclasses import dataclass

from cinq.assurance.sbi.nf import Answer, Found, Nf
from cinq.ran.scenarios.check import Failed

NOBODY = "imsi-000000000000001"
NOTHING = "00000000000000000000000000000000"


@dataclass(frozen=True, slots=True)
class Harmless:
    """consumer: an NF type to which TS 23.502 §5.2 gives the service. {supi}: a test subscriber."""

    nf_type: str
    service: str
    consumer: str
    method: str
    target: str
    body: object = None

    async def ask(self, me: Nf, root: str, token: str) -> Answer:
        ues = me.trial.target.scenario().ues()
        target = self.target.format(supi=f"imsi-{ues[-1].imsi}")
        return await me.ask(self.method, target, self.body, root=root, token=token)


REQUESTS: tuple[Harmless, ...] = (
    Harmless("UDM", "nudm-sdm", "AMF", "GET", "/nudm-sdm/v2/{supi}/am-data"),
    Harmless(
        "UDM",
        "nudm-ueau",
        "AUSF",
        "POST",
        f"/nudm-ueau/v1/{NOBODY}/security-information/generate-auth-data",
        {},
    ),
    Harmless(
        "UDM", "nudm-uecm", "SMF", "DELETE", f"/nudm-uecm/v1/{NOBODY}/registrations/smf-registrations/1"
    ),
    Harmless(
        "AUSF",
        "nausf-auth",
        "AMF",
        "PUT",
        f"/nausf-auth/v1/ue-authentications/{NOTHING}/5g-aka-confirmation",
        {"resStar": None},
    ),
    Harmless(
        "SMF", "nsmf-pdusession", "AMF", "POST", f"/nsmf-pdusession/v1/sm-contexts/{NOTHING}/release", {}
    ),
    Harmless("AMF", "namf-comm", "SMF", "POST", f"/namf-comm/v1/ue-contexts/{NOBODY}/n1-n2-messages", {}),
    Harmless(
        "PCF", "npcf-am-policy-control", "AMF", "DELETE", f"/npcf-am-policy-control/v1/policies/{NOTHING}"
    ),
    Harmless(
        "UDR",
        "nudr-dr",
        "UDM",
        "GET",
        f"/nudr-dr/v2/subscription-data/{NOBODY}/context-data/amf-3gpp-access",
    ),
    Harmless("NSSF", "nnssf-nsselection", "AMF", "GET", "/nnssf-nsselection/v2/network-slice-information"),
    Harmless(
        "5G_EIR", "n5g-eir-eic", "AMF", "GET", "/n5g-eir-eic/v1/equipment-status?pei=imei-000000000000000"
    ),
    Harmless(
        "CHF",
        "nchf-convergedcharging",
        "SMF",
        "POST",
        f"/nchf-convergedcharging/v3/chargingdata/{NOTHING}/release",
    ),
)


@dataclass(frozen=True, slots=True)
class Producer:
    """One that the target has, and how it is asked."""

    request: Harmless
    found: Found

    @property
    def name(self) -> str:
        return f"{self.request.nf_type} ({self.request.service})"

    async def ask(self, me: Nf, token: str) -> Answer:
        return await self.request.ask(me, self.found.root_of(self.request.service), token)


async def producers(me: Nf) -> list[Producer]:
    """A control: those of the target that the bench has a request for. Nobody is asked yet."""
    own, there = me.wire.credentials.instances, []
    with me.trial.control("the NRF shows producers that the bench has a request for") as seen:
        for one in REQUESTS:
            try:
                await me.register(me.profile(one.consumer))
                found = await me.found(one.nf_type, one.consumer)
            except Failed:
                continue
            there += [
                Producer(one, each)
                for each in found[:4]
                if each.offers(one.service) and each.instance.lower() not in own
            ]
        if not there:
            raise Failed("there is none")
        seen.text = ", ".join(one.name for one in there)
    return there
