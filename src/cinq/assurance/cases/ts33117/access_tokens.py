"""TS 33.117 §4.2.2.2.3.1 and .2 TC_AUTHORIZATION_TOKEN_VERIFICATION_FAILURE: tokens that are wrong in one thing.

The NRF's own token is taken before; with the key of the lab its twin with one claim changed is signed anew, so that it
is that claim which the producer refuses. Each producer that the NRF shows is asked by a request that changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec

from cinq.assurance import credentials
from cinq.assurance.case import Case, Play
from cinq.assurance.credentials import read
from cinq.assurance.sbi.nf import REFUSED, Nf
from cinq.assurance.sbi.services import Producer, producers
from cinq.assurance.trial import Trial
from cinq.ran.scenarios import check
from cinq.ran.scenarios.check import Failed

ONE = Case(
    "SCAS-33117-4.2.2.2.3.1",
    requirement="A producer serves a request only under an access token that its NRF has signed, that has not expired, "
    "and that is for this producer, this service and this consumer (TS 33.501 §13.4.1.1.2 and §13.3.2).",
    threat="A function in strange hands, or one of another purpose, reads subscribers or takes their sessions over.",
)
TWO = Case(
    "SCAS-33117-4.2.2.2.3.2",
    requirement="A producer refuses an access token that is for producers or consumers of another PLMN than those at "
    "hand (TS 33.501 §13.4.1.2).",
    threat="A roaming partner's token opens a network that it was not given for.",
)
UNKNOWN = (405, 501)
STRANGE_PLMN = {"mcc": "998", "mnc": "99"}
HOUR_S = 3600
NOBODY = "00000000-0000-4000-8000-00000000dead"


@dataclass(frozen=True, slots=True)
class Token:
    """One that is taken: header and claims, and what the lab can sign with. text: as the NRF gave it."""

    text: str
    header: Mapping[str, object]
    claims: Mapping[str, object]
    producer: Producer
    trial: Trial

    def signed(self, **changes: object) -> str:
        """The twin with claims changed; None takes one away."""
        claims = {name: value for name, value in {**self.claims, **changes}.items() if value is not None}
        return credentials.es256(self.header, claims, self.key)

    @property
    def key(self) -> ec.EllipticCurvePrivateKey:
        return check.present(self.trial.lab.sbi, "the bench's place on the SBI").credentials.token_key

    @property
    def own(self) -> list[Mapping[str, object]]:
        """Slices of the producer's profile."""
        found = self.producer.found.profile.get("sNssais")
        return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


Wrong = Callable[[Token], str | None]
"""The token that is to be refused, "" for none at all. None: this producer cannot be asked so."""


def refused(what: str, wrong: Wrong, *, twin: bool = False) -> Play:
    """A sub-case. twin: the lab's key signs, so its twin without a change is shown to be taken first."""

    async def play(trial: Trial) -> None:
        me, asked = Nf(trial), 0
        try:
            for producer in await producers(me):
                token = await taken(me, producer, trial)
                if token is None:
                    continue
                if twin:
                    with trial.control(f"{producer.name} takes the bench's own twin of it"):
                        answer = await producer.ask(me, token.signed())
                        check.that(answer.status not in REFUSED, f"it answers {answer}")
                made = wrong(token)
                if made is None:
                    continue
                asked += 1
                with trial.finding(f"{producer.name} refuses {what}") as seen:
                    answer = await producer.ask(me, made)
                    seen.text = str(answer)
                    check.one_of(answer.status, REFUSED, "the status")
                with trial.control(f"{producer.name} takes the right one as before"):
                    answer = await producer.ask(me, token.text)
                    check.that(answer.status not in REFUSED, f"it answers {answer}")
        finally:
            await me.deregister()
        with trial.control("one of the producers at least could be asked so"):
            check.that(asked > 0, "none could")

    return play


async def taken(me: Nf, producer: Producer, trial: Trial) -> Token | None:
    """Controls: the NRF gives a token for it, and the producer takes it. None: it does not know the operation."""
    one = producer.request
    with trial.control(f"the NRF registers the bench as {one.consumer}"):
        answer = await me.register(me.profile(one.consumer))
        check.one_of(answer.status, (200, 201), "the status")
    text = await me.token(one.service, one.consumer, one.nf_type)
    header: dict[str, object] = {}
    claims: dict[str, object] = {}
    with trial.control(f"{producer.name} takes the NRF's token") as seen:
        answer = await producer.ask(me, text)
        seen.text = str(answer)
        check.that(answer.status not in REFUSED, f"it answers {answer}")
        try:
            header, claims = read(text)
        except ValueError as error:
            raise Failed(f"the token cannot be read: {error}") from None
    if answer.status in UNKNOWN:
        trial.step(f"{producer.name} does not have this operation: it is not asked")
        return None
    return Token(text, header, claims, producer, trial)


def of_a_stranger(token: Token) -> str:
    """Signed by a key that nobody knows, under the name of the right one."""
    return credentials.es256(token.header, token.claims, ec.generate_private_key(ec.SECP256R1()))


def of_other_slices(token: Token) -> str | None:
    if not token.own:
        return None
    taken = {int(str(one.get("sst", 0))) for one in token.own}
    strange = next(sst for sst in range(200, 256) if sst not in taken)
    return token.signed(producerSnssaiList=[{"sst": strange, "sd": "c1a0ff"}])


def expired(token: Token) -> str:
    past = int(token.trial.lab.utc()) - HOUR_S
    return token.signed(exp=past, iat=past - HOUR_S)


ONE_PLMN: tuple[tuple[str, str, Wrong, bool, bool], ...] = (
    (
        "signature",
        "a token with one bit of its signature changed",
        lambda t: credentials.spoilt(t.text),
        False,
        False,
    ),
    (
        "audience",
        "a token for producers of another type",
        lambda t: t.signed(aud="NSSF" if t.producer.request.nf_type != "NSSF" else "UDM"),
        True,
        False,
    ),
    ("audience-instance", "a token for another NF instance", lambda t: t.signed(aud=[NOBODY]), True, True),
    ("scope", "a token for another service", lambda t: t.signed(scope="nnrf-nothing"), True, False),
    ("expiry", "a token that has expired", expired, True, False),
    ("slices", "a token for producers of another slice", of_other_slices, True, False),
    (
        "nsi",
        "a token for another network slice instance",
        lambda t: t.signed(producerNsiList=["no-such-nsi"]),
        True,
        False,
    ),
    (
        "set",
        "a token for another NF set",
        lambda t: t.signed(producerNfSetId="setffff.nfset.5gc.mnc099.mcc998"),
        True,
        False,
    ),
    (
        "operation",
        "a token whose scope is another operation of the service",
        lambda t: t.signed(scope=f"{t.producer.request.service}:no-such-resource:read"),
        True,
        False,
    ),
    ("absent", "a request without a token", lambda t: "", False, True),
    ("nonsense", "a token that is none", lambda t: "Bearer nonsense", False, True),
    (
        "none",
        "a token of the algorithm 'none'",
        lambda t: credentials.unsigned(t.header, t.claims),
        False,
        True,
    ),
    (
        "symmetric",
        "a token of HS256 whose secret is the NRF's public key",
        lambda t: credentials.hs256(t.header, t.claims, credentials.public_pem(t.key)),
        True,
        True,
    ),
    ("stranger", "a token that a stranger has signed", of_a_stranger, False, True),
    ("incomplete", "a token that names no expiry", lambda t: t.signed(exp=None), True, True),
)
for _name, _title, _wrong, _twin, _beyond in ONE_PLMN:
    _needs = ("sbi nrf", "sbi token key") if _twin else ("sbi nrf",)
    ONE.sub(_name, _title, needs=_needs, beyond=_beyond, within=120.0)(refused(_title, _wrong, twin=_twin))
ONE.sub(
    "subject",
    "a token of another NF instance than the certificate names",
    needs=("sbi token key", "sbi certificate"),
    beyond=True,
    within=120.0,
)(
    refused(
        "a token of another NF instance than the certificate names", lambda t: t.signed(sub=NOBODY), twin=True
    )
)
TWO.sub(
    "producer",
    "a token for producers of another PLMN",
    needs=("sbi nrf", "sbi token key"),
    limit="asked at the producer itself, without SEPPs in between",
    within=120.0,
)(
    refused(
        "a token for producers of another PLMN", lambda t: t.signed(producerPlmnId=STRANGE_PLMN), twin=True
    )
)
TWO.not_yet("consumer", "a token of consumers of another PLMN than the SEPPs' connection", "bench SEPP")
