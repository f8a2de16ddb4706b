"""TS 33.117 §4.2.2.2.4.1 TC_CLIENT_CREDENTIALS_ASSERTION_VALIDATION: assertions that are wrong in one thing."""

from __future__ import annotations

import base64
from collections.abc import Callable

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cinq.assurance import credentials
from cinq.assurance.case import Case, Play
from cinq.assurance.sbi.hostile import Place, at
from cinq.assurance.sbi.nf import REFUSED, Answer
from cinq.assurance.trial import Trial
from cinq.ran.scenarios import check

CASE = Case(
    "SCAS-33117-4.2.2.2.4.1",
    requirement="Who takes a client credentials assertion verifies its signature, its time, its audience and its "
    "subject (TS 33.501 §13.3.8, TS 29.500 §6.7.5).",
    threat="An SCP in strange hands speaks in the name of any function.",
)
HEADER = "3gpp-sbi-client-credentials"
LIMIT = "sent to a producer without an SCP in between: the UDM"
Wrong = Callable[["Signed"], str]


class Signed:
    """An assertion by the bench's certificate for the UDM."""

    def __init__(self, trial: Trial, place: Place) -> None:
        own, now = place.me.wire.credentials, int(trial.lab.utc())
        chain = [one.public_bytes(serialization.Encoding.DER) for one in own.chain]
        self.header: dict[str, object] = {
            "typ": "JWT",
            "x5c": [base64.b64encode(one).decode() for one in chain],
        }
        self.claims: dict[str, object] = {"sub": place.me.instance, "iat": now, "exp": now + 60, "aud": "UDM"}
        self.key = own.key

    def made(self, **changes: object) -> str:
        return credentials.es256(self.header, {**self.claims, **changes}, self.key)


def refused(what: str, wrong: Wrong) -> Play:
    async def play(trial: Trial) -> None:
        async with at(trial, "UDM", "nudm-sdm", "AMF") as place:
            signed = Signed(trial, place)
            for when in ("before", "after"):
                with trial.control(f"{when}: a right assertion is taken"):
                    answer = await _ask(trial, place, signed.made())
                    check.equal(answer.status, 200, f"the status ({answer.cause})")
                if when == "after":
                    break
                with trial.finding(f"{what} is refused") as seen:
                    answer = await _ask(trial, place, wrong(signed))
                    seen.text = str(answer)
                    check.one_of(answer.status, (400, *REFUSED), "the status")

    return play


async def _ask(trial: Trial, place: Place, assertion: str) -> Answer:
    target = f"/nudm-sdm/v2/imsi-{trial.target.scenario().ues()[-1].imsi}/am-data"
    return await place.me.ask(
        "GET", target, root=place.root, token=place.token, headers=((HEADER, assertion),)
    )


def _strange(signed: Signed) -> str:
    return credentials.es256(signed.header, signed.claims, ec.generate_private_key(ec.SECP256R1()))


def _past(signed: Signed) -> str:
    now = int(str(signed.claims["iat"]))
    return signed.made(iat=now - 7200, exp=now - 3600)


for _name, _title, _wrong, _beyond in (
    (
        "signature",
        "an assertion with one bit of its signature changed",
        lambda s: credentials.spoilt(s.made()),
        False,
    ),
    ("audience", "an assertion for functions of another type", lambda s: s.made(aud="SMSF"), False),
    ("expiry", "an assertion that has expired", _past, False),
    ("stranger", "an assertion that another key has signed", _strange, True),
    (
        "none",
        "an assertion of the algorithm 'none'",
        lambda s: credentials.unsigned(s.header, s.claims),
        True,
    ),
    (
        "subject",
        "an assertion of another NF instance than its certificate names",
        lambda s: s.made(sub="0cb1a0ff-0000-4000-8000-00000000dead"),
        True,
    ),
):
    CASE.sub(
        _name,
        _title,
        needs=("sbi nrf", "sbi certificate"),
        feature="assertions",
        beyond=_beyond,
        limit=LIMIT,
    )(refused(_title, _wrong))
