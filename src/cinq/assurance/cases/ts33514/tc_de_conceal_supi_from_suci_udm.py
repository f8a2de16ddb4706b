"""TS 33.514 §4.2.1.1 TC_DE-CONCEAL_SUPI_from_SUCI_UDM: each concealment is undone, and none that was touched."""

from __future__ import annotations

from collections.abc import Callable

from cinq.assurance.case import Case
from cinq.assurance.sbi.udm import Udm, sqn_of, udm_for
from cinq.assurance.trial import Trial
from cinq.ran.scenarios import check
from cinq.ran.ue import Ue
from cinq.ran.ue.settings import ConcealmentScheme

CASE = Case(
    "SCAS-33514-4.2.1.1",
    requirement="The UDM finds the SUPI of a SUCI by the scheme that it was concealed with (TS 33.501 §6.12.2 and "
    "annex C).",
    threat="Another subscriber is charged or located in the place of the one who asks; or a SUCI that a stranger has "
    "touched is served.",
)
NEEDS = ("sbi nrf",)
A, B = (*NEEDS, "sbi profile a"), (*NEEDS, "sbi profile b")


async def concealed(trial: Trial, scheme: ConcealmentScheme) -> tuple[Ue, str]:
    """A test subscriber, and its SUCI as text (TS 23.003 §28.7.3)."""
    s = trial.target.sbi
    keys: dict[str, object] = {}
    if scheme != "null":
        key, number = (s.profile_a, s.profile_a_id) if scheme == "A" else (s.profile_b, s.profile_b_id)
        keys = {"home_network_key": key, "home_network_key_id": number}
    ue = trial.bench.ue(await trial.bench.gnb(), suci=scheme, **keys)
    return ue, str(ue.usim.conceal(trial.bench.chance))


async def undone(trial: Trial, scheme: ConcealmentScheme) -> None:
    ue, suci = await concealed(trial, scheme)
    async with udm_for(trial, "AUSF") as udm:
        with trial.control("a vector for the same subscriber's SUPI is of its keys"):
            sqn_of(await udm.vector(f"imsi-{ue.settings.imsi}"), ue.settings)
        trial.step(f"a vector is asked for {suci[:40]}...")
        answer = await udm.vector(suci)
        with trial.finding("the UDM names the SUPI that was concealed") as seen:
            check.equal(answer.status, 200, f"the UDM's answer ({answer.cause})")
            seen.text = str(answer.tree.get("supi"))
            check.equal(answer.tree.get("supi"), f"imsi-{ue.settings.imsi}", "supi")
        with trial.finding("the vector is of that subscriber's keys"):
            sqn_of(answer, ue.settings)


async def refused(trial: Trial, scheme: ConcealmentScheme, touch: Callable[[str], str], what: str) -> None:
    ue, suci = await concealed(trial, scheme)
    async with udm_for(trial, "AUSF") as udm:
        with trial.control("the SUCI as the USIM made it is taken"):
            answer = await udm.vector(suci)
            check.equal(answer.tree.get("supi"), f"imsi-{ue.settings.imsi}", "supi")
        await _touched(trial, udm, touch(suci), what)


async def _touched(trial: Trial, udm: Udm, suci: str, what: str) -> None:
    answer = await udm.vector(suci)
    with trial.finding(f"a SUCI with {what} is refused") as seen:
        seen.text = str(answer)
        check.that(400 <= answer.status < 500, f"the UDM answers {answer}")
    with trial.finding("no vector and no SUPI is in the answer"):
        check.that(b"autn" not in answer.body and b'"supi"' not in answer.body, "there is")


def wrong_tag(suci: str) -> str:
    """The last digit of the MAC tag is another."""
    return suci[:-1] + ("0" if suci[-1] != "0" else "1")


def wrong_point(suci: str) -> str:
    """The ephemeral public key of profile B is a point that is not on the curve."""
    head, _, output = suci.rpartition("-")
    return f"{head}-02{'f' * 64}{output[66:]}"


def truncated(suci: str) -> str:
    return suci[:-20]


@CASE.sub("null", "the null scheme", needs=NEEDS)
async def null(trial: Trial) -> None:
    await undone(trial, "null")


@CASE.sub("A", "profile A", needs=A)
async def profile_a(trial: Trial) -> None:
    await undone(trial, "A")


@CASE.sub("B", "profile B", needs=B)
async def profile_b(trial: Trial) -> None:
    await undone(trial, "B")


@CASE.sub("A-tag", "profile A, a MAC tag that does not hold", needs=A, beyond=True)
async def tag_of_a(trial: Trial) -> None:
    await refused(trial, "A", wrong_tag, "a MAC tag that does not hold")


@CASE.sub("B-tag", "profile B, a MAC tag that does not hold", needs=B, beyond=True)
async def tag_of_b(trial: Trial) -> None:
    await refused(trial, "B", wrong_tag, "a MAC tag that does not hold")


@CASE.sub("B-point", "profile B, an ephemeral key off the curve", needs=B, beyond=True)
async def point_of_b(trial: Trial) -> None:
    await refused(trial, "B", wrong_point, "an ephemeral key off the curve")


@CASE.sub("A-short", "profile A, cut off", needs=A, beyond=True)
async def short_a(trial: Trial) -> None:
    await refused(trial, "A", truncated, "its end cut off")
