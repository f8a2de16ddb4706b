"""TS 33.514 §4.2.7.1 and §4.2.8.1: the UDM's user plane security policies for TSC and for 5G LAN groups."""

from __future__ import annotations

from cinq.assurance.case import Case
from cinq.assurance.sbi.nf import query
from cinq.assurance.sbi.udm import Udm, udm_for
from cinq.assurance.trial import Trial
from cinq.ran.scenarios import check
from cinq.ran.scenarios.check import Failed

TSC = Case(
    "SCAS-33514-4.2.7.1",
    requirement="For sessions of time sensitive communication the UDM's policy requires integrity protection and "
    "confidentiality of user data (TS 33.501 annex L.3).",
    threat="Who is on the air sets the clocks of a factory.",
)
LAN = Case(
    "SCAS-33514-4.2.8.1",
    requirement="All members of a 5G LAN group have the same user plane security policy (TS 33.501 annex K.2).",
    threat="The traffic of a group is read where its weakest member sends it.",
)
NEEDS = ("sbi nrf",)


async def policy(udm: Udm, imsi: str) -> dict[str, object]:
    """upSecurity of the first DNN and slice of the target. Failed: the UDM gives none."""
    core = udm.me.trial.target.core
    dnn, one = core.dnns[0], core.slices[0]
    snssai: dict[str, object] = {"sst": one.sst}
    if one.sd is not None:
        snssai["sd"] = f"{one.sd:06x}" if isinstance(one.sd, int) else str(one.sd)
    answer = await udm.get(query(f"/nudm-sdm/v2/imsi-{imsi}/sm-data", single_nssai=snssai, dnn=dnn))
    check.equal(answer.status, 200, f"the UDM's answer ({answer.cause})")
    listed = answer.json if isinstance(answer.json, list) else [answer.json]
    for each in listed:
        found = each.get("dnnConfigurations") if isinstance(each, dict) else None
        if isinstance(found, dict) and isinstance(found.get(dnn), dict):
            said = found[dnn].get("upSecurity")
            return said if isinstance(said, dict) else {}
    raise Failed(f"there is no configuration of DNN {dnn}")


@TSC.sub("A", "the policy of the first DNN and slice of the target file", needs=NEEDS, feature="tsc")
async def required(trial: Trial) -> None:
    imsi = trial.target.scenario().ues()[-1].imsi
    async with udm_for(trial, "SMF") as udm:
        found: dict[str, object] = {}
        with trial.control("the UDM gives the session management data of a test subscriber"):
            found = await policy(udm, imsi)
        with trial.finding("integrity protection and confidentiality are REQUIRED") as seen:
            seen.text = str(found)
            check.equal(
                (found.get("upIntegr"), found.get("upConfid")), ("REQUIRED", "REQUIRED"), "upSecurity"
            )


@LAN.sub("A", "the policies of two members", needs=NEEDS, feature="lan")
async def the_same(trial: Trial) -> None:
    one, other = (ue.imsi for ue in trial.target.scenario().ues()[-2:])
    async with udm_for(trial, "SMF") as udm:
        policies: list[dict[str, object]] = []
        with trial.control("the UDM gives the session management data of two members"):
            policies = [await policy(udm, one), await policy(udm, other)]
        with trial.finding("their policies are the same") as seen:
            seen.text = f"{policies[0]} and {policies[1]}"
            check.equal(policies[0], policies[1], "upSecurity")
